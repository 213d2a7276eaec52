//! `evenkeel set`: settings as KEY=VALUE, of a member or of a balancer; the keys tell which.

use clap::Args;
use evenkeel_protocol::clean::clean;
use evenkeel_protocol::{BalancerEdit, MemberEdit};

use super::edit::{EditOptions, Order, Verb, Wanted, apply};
use super::output::Stop;
use super::{Exit, Session, complete, palette};

/// What `--help` says of the keys.
pub(super) const HELP: &str = "\
Of a member:
  lbfactor=1.5          its share, 1 to 100 (also: loadfactor)
  lbset=0               its set, 0 to 99; lower sets are tried first
  route=NAME            its route; nothing behind the sign: none
  redirect=NAME         the route of its sessions while it is unusable
  drain=on|off          N: only requests that carry its route
  disabled=on|off       D: serves nobody
  stopped=on|off        S: serves nobody, and is neither retried nor checked
  standby=on|off        H: used when its lbset has nobody else
  spare=on|off          R: takes the place of an unusable member of its lbset
  ignore_errors=on|off  I: never put into error
  health_fail=on|off    C: failed its health check; the next checks decide anew
  hcmethod=GET          how it is checked: NONE, TCP, OPTIONS, HEAD, GET, OPTIONS11, HEAD11, GET11
  hcinterval=30s        from the end of a check to the next one; without a unit milliseconds, at least 100
  hcpasses=1            so many passes in a row make it well again
  hcfails=1             so many fails in a row make it fail
  hcuri=/health         what a check asks for; nothing behind the sign: the path of its URL
  hcexpr=NAME           the ProxyHCExpr that decides; nothing behind the sign: the status does
Of a balancer:
  lbmethod=byrequests   or bytraffic, bybusyness, heartbeat
  stickysession=COOKIE  or COOKIE|PATH; nothing behind the sign: not sticky
  nofailover=on|off     refuse sessions whose member is unusable
  timeout=0             seconds to wait for a usable member, 0 to 7200
  maxattempts=1         failovers after the first try, 0 to 99

Examples:
  evenkeel set app/node1 lbfactor=2 route=b
  evenkeel set http://10.0.0.1:8080 lbset=1 standby=on --reason 'keep for the peak'
  evenkeel set balancer://app lbmethod=bytraffic";

/// What can be typed behind `set`.
#[derive(Debug, Args)]
pub struct SetArguments {
    /// The member (BALANCER/MEMBER or MEMBER, by route, host:port or URL), or the balancer
    #[arg(add = complete::everything())]
    pub(super) selector: String,
    /// What to set
    #[arg(required = true, value_name = "KEY=VALUE", add = complete::choices(palette::settings))]
    pub(super) settings: Vec<String>,
    #[command(flatten)]
    pub(super) options: EditOptions,
}

pub(super) async fn run(arguments: &SetArguments, session: &mut Session<'_>) -> Result<Exit, Stop> {
    let (wanted, keys) = parse(&arguments.settings)?;
    let order = Order { verb: Verb::Set, selector: &arguments.selector, wanted, keys: &keys };
    apply(order, &arguments.options, session).await
}

/// Other spellings of keys, as Apache's configuration has them.
const ALIASES: &[(&str, &str)] = &[("loadfactor", "lbfactor")];

/// A setting as it stands on a line of Apache's configuration, whichever of its spellings was typed: `lbfactor=2` is
/// `loadfactor=2` there. What is no setting is left as it is, for the proxy to judge.
pub(super) fn on_a_line(setting: &str) -> String {
    let Some((typed, value)) = setting.split_once('=') else { return setting.to_owned() };
    let key = ALIASES.iter().find(|(_, key)| *key == typed).map_or(typed, |(apache, _)| apache);
    format!("{key}={value}")
}

/// The fields of edits that are options here.
const NO_KEYS: [&str; 3] = ["revision", "force", "reason"];

pub(super) fn keys(fields: &'static [&'static str]) -> impl Iterator<Item = &'static str> {
    fields.iter().copied().filter(|field| !NO_KEYS.contains(field))
}

/// The edit, and its keys in the order in which they were typed.
pub(super) fn parse(settings: &[String]) -> Result<(Wanted, Vec<&str>), Stop> {
    let (mut member, mut balancer) = (MemberEdit::default(), BalancerEdit::default());
    let mut seen: Vec<&str> = Vec::new();
    for setting in settings {
        let Some((typed, value)) = setting.split_once('=') else {
            return Err(Stop::usage(format!(
                "'{}' is no setting; write KEY=VALUE, as in lbfactor=2",
                clean(setting, 80)
            )));
        };
        let key = ALIASES.iter().find(|(alias, _)| *alias == typed).map_or(typed, |(_, key)| key);
        let set = if keys(MemberEdit::FIELDS).any(|field| field == key) {
            member.set(key, value)
        } else if keys(BalancerEdit::FIELDS).any(|field| field == key) {
            balancer.set(key, value)
        } else {
            return Err(Stop::usage(unknown(typed)));
        };
        set.map_err(|why| Stop::Failed(Exit::Invalid, format!("{key}: '{}' {why}", clean(value, 80))))?;
        if seen.contains(&key) {
            return Err(Stop::usage(format!("{key}: stands there twice")));
        }
        seen.push(key);
    }
    match (member == MemberEdit::default(), balancer == BalancerEdit::default()) {
        (_, true) => Ok((Wanted::Member(member), seen)),
        (true, false) => Ok((Wanted::Balancer(balancer), seen)),
        (false, false) => Err(Stop::usage(format!(
            "{} belong to a member and a balancer; set them one after the other",
            seen.join(", ")
        ))),
    }
}

/// What is wrong with a key that there is not, with the nearest one if one is near.
fn unknown(typed: &str) -> String {
    let all = || keys(MemberEdit::FIELDS).chain(keys(BalancerEdit::FIELDS));
    let typed_small = typed.to_ascii_lowercase();
    let near = all()
        .chain(ALIASES.iter().map(|(alias, _)| *alias))
        .map(|key| (strsim::damerau_levenshtein(&typed_small, key), key))
        .filter(|(distance, key)| *distance <= 1 + key.len() / 4)
        .min();
    let typed = clean(typed, 40);
    match near {
        Some((_, key)) => format!("'{typed}' is no setting; did you mean {key}?"),
        None => format!("'{typed}' is no setting; those are {}", all().collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cli::scene::Scene;
    use crate::client::scripted::{self, Act, Scripted};

    fn parsed(line: &str) -> Result<Value, (Exit, String)> {
        let settings: Vec<String> = line.split(' ').map(str::to_owned).collect();
        match parse(&settings) {
            Ok((Wanted::Member(edit), _)) => Ok(json!({"member": edit})),
            Ok((Wanted::Balancer(edit), _)) => Ok(json!({"balancer": edit})),
            Err(stop) => {
                let (exit, why) = stop.told();
                Err((exit, why.unwrap().to_owned()))
            }
        }
    }

    #[test]
    fn every_setting_of_a_member_and_of_a_balancer_can_be_set() {
        assert_eq!(
            parsed(
                "loadfactor=2 lbset=1 route=b redirect= drain=on disabled=OFF stopped=true standby=no spare=1 ignore_errors=0"
            ),
            Ok(json!({"member": {
                "lbfactor": 2.0, "lbset": 1, "route": "b", "redirect": "", "drain": true, "disabled": false,
                "stopped": true, "standby": false, "spare": true, "ignore_errors": false,
            }}))
        );
        assert_eq!(
            parsed("lbmethod=bytraffic stickysession=A|b nofailover=on timeout=7200 maxattempts=0"),
            Ok(json!({"balancer": {
                "lbmethod": "bytraffic", "stickysession": "A|b", "nofailover": true, "timeout": 7200, "maxattempts": 0,
            }}))
        );
        assert_eq!(parsed("stickysession="), Ok(json!({"balancer": {"stickysession": ""}})));
    }

    #[test]
    fn every_key_sets_its_field_and_stands_in_the_help() {
        let values = ["2", "on", "x", "byrequests", "GET", "5s"];
        for key in keys(MemberEdit::FIELDS).chain(keys(BalancerEdit::FIELDS)) {
            assert!(HELP.contains(&format!("\n  {key}=")), "{key}");
            let set: Vec<Value> =
                values.iter().filter_map(|value| parsed(&format!("{key}={value}")).ok()).collect();
            assert!(
                set.iter().any(|edit| edit["member"].get(key).or(edit["balancer"].get(key)).is_some()),
                "{key}"
            );
        }
    }

    #[test]
    fn bad_settings_are_told() {
        for (line, exit, says) in [
            ("lbfactor=0.5", Exit::Invalid, "lbfactor: '0.5' must be a number from 1 to 100"),
            ("lbfactor=", Exit::Invalid, "lbfactor: '' must"),
            ("lbset=100", Exit::Invalid, "from 0 to 99"),
            ("route=a;b", Exit::Invalid, "contains ';'"),
            ("route=\u{1b}[31m", Exit::Invalid, "U+001B"),
            ("drain=maybe", Exit::Invalid, "must be on or off"),
            ("hcmethod=CPING", Exit::Invalid, "must be NONE, TCP, OPTIONS"),
            ("hcinterval=5", Exit::Invalid, "must be a whole number of milliseconds, at least 100"),
            ("hcpasses=0", Exit::Invalid, "must be a whole number from 1"),
            ("hcuri=/\u{1b}", Exit::Invalid, "U+001B"),
            ("hcinterval=", Exit::Invalid, "hcinterval: '' must"),
            ("lbmethod=fair", Exit::Invalid, "byrequests"),
            ("timeout=7201", Exit::Invalid, "7200"),
            ("lbfactr=2", Exit::Usage, "did you mean lbfactor?"),
            ("Route=x", Exit::Usage, "did you mean route?"),
            ("loadfactr=2", Exit::Usage, "did you mean loadfactor?"),
            ("ignoreerrors=on", Exit::Usage, "did you mean ignore_errors?"),
            ("colour=red", Exit::Usage, "those are lbfactor, lbset"),
            ("\u{1b}[2J=x", Exit::Usage, "is no setting"),
            ("revision=3", Exit::Usage, "is no setting"),
            ("drain", Exit::Usage, "write KEY=VALUE"),
            ("drain=on drain=off", Exit::Usage, "stands there twice"),
            ("lbfactor=2 loadfactor=2", Exit::Usage, "stands there twice"),
            ("drain=on timeout=1", Exit::Usage, "one after the other"),
        ] {
            let (code, why) = parsed(line).unwrap_err();
            assert_eq!(code, exit, "{line}: {why}");
            assert!(why.contains(says) && !why.contains('\u{1b}'), "{line}: {why}");
        }
    }

    #[tokio::test]
    async fn settings_reach_the_member_or_the_balancer() {
        let proxy = Scripted::start(|request| match request.method.as_str() {
            "PATCH" => Act::json(&scripted::edited()),
            _ => Act::json(&scripted::snapshot(0)),
        });
        let mut scene = Scene::of(&proxy);
        assert_eq!(scene.run("set app/a route= lbfactor=1.25 --if-revision 2").await, Exit::Done);
        assert_eq!(scene.run("set balancer://app timeout=3").await, Exit::Done);
        assert_eq!(scene.run("set app timeout=3").await, Exit::Done);
        for (line, exit, says) in [
            ("set app/a timeout=3", Exit::Usage, "write `evenkeel set app timeout=…`"),
            ("set app/nosuch timeout=3", Exit::NotFound, "no member fits 'app/nosuch'"),
            ("set app loadfactor=2", Exit::Usage, "lbfactor belongs to a member; app is a balancer"),
        ] {
            assert_eq!(scene.run(line).await, exit, "{line}");
            assert!(scene.err().contains(says), "{line}: {}", scene.err());
        }
        let sent: Vec<(String, String)> = proxy
            .requests()
            .into_iter()
            .filter(|request| request.method == "PATCH")
            .map(|request| (request.target, request.body))
            .collect();
        let app = ("/v1/balancers/app".to_owned(), r#"{"timeout":3}"#.to_owned());
        let member = "/v1/balancers/app/members/http:%2F%2F127.0.0.1:9001".to_owned();
        assert_eq!(
            sent,
            [(member, r#"{"lbfactor":1.25,"route":"","revision":2}"#.to_owned()), app.clone(), app]
        );
        assert_eq!(scene.run("set a").await, Exit::Usage);
        assert_eq!(scene.run("set a lbfactor=0").await, Exit::Invalid);
    }
}
