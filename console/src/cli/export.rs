//! `evenkeel export`: what was set at run time as Apache directives, to be pasted over those of the configuration.

use std::fmt::Write as _;

use clap::{Args, ValueEnum};
use evenkeel_protocol::clean::clean;
use evenkeel_protocol::word;
use evenkeel_protocol::{BalancerName, Layers, MemberEdit, MemberLine, Overrides};
use jiff::tz::TimeZone;

use super::output::Stop;
use super::{Exit, Session, complete, events, target};

pub(super) const HELP: &str = "\
Each BalancerMember line takes the place of the one with the same URL; the ProxySet lines stand behind those of the \
section. After a reload the configuration says the same, and nothing is overridden any more.

Examples:
  evenkeel export                  everything that was set
  evenkeel export app --for httpd  one balancer, without what httpd does not know";

/// What stands for the first character of `${`, which nothing can escape: the value of a variable is not read again.
const DOLLAR: &str = "EVENKEEL_DOLLAR";
/// Characters of a reason or name in a comment.
const LONGEST: usize = 200;
/// Parameters that httpd does not know and refuses to start with.
const OURS: [&str; 4] = ["hctimeout", "retrysent", "routecookie", "slowstart"];
/// Under which keyword Apache knows a field, if it is another one.
const KEYWORDS: [(&str, &str); 1] = [("lbfactor", "loadfactor")];

/// Who is to read the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Reader {
    /// Apache httpd
    Httpd,
    /// this proxy
    Evenkeel,
}

/// What can be typed behind `export`.
#[derive(Debug, Args)]
pub struct ExportArguments {
    /// Only this balancer
    #[arg(add = complete::everything())]
    balancer: Option<String>,
    /// Who is to read it
    #[arg(long = "for", value_name = "READER", default_value = "evenkeel")]
    reader: Reader,
}

pub(super) async fn run(arguments: &ExportArguments, session: &mut Session<'_>) -> Result<Exit, Stop> {
    let client = session.client().await?;
    let mut overrides = client.overrides().await?;
    if let Some(text) = &arguments.balancer {
        let snapshot = client.snapshot().await?;
        let balancer = target::balancer_with(&snapshot, text, &[])?;
        overrides.fields.retain(|layers| layers.subject.balancer == balancer.name);
    }
    if overrides.fields.is_empty() {
        session.output.message("note: nothing is overridden; the configuration says it all");
        return Ok(Exit::Done);
    }
    session.output.result(&text(&overrides, arguments.reader, &session.zone))?;
    Ok(Exit::Done)
}

/// The sections of all balancers.
fn text(overrides: &Overrides, reader: Reader, zone: &TimeZone) -> String {
    let mut balancers: Vec<&BalancerName> = Vec::new();
    for layers in &overrides.fields {
        if !balancers.contains(&&layers.subject.balancer) {
            balancers.push(&layers.subject.balancer);
        }
    }
    let mut text = String::new();
    for balancer in balancers {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "<Proxy {}>", balancer.url());
        let of = |layers: &&Layers| layers.subject.balancer == *balancer;
        for line in overrides.lines.iter().filter(|line| line.balancer == *balancer) {
            let fields: Vec<&Layers> = overrides
                .fields
                .iter()
                .filter(of)
                .filter(|layers| layers.subject.member.as_ref() == Some(&line.member))
                .collect();
            member(&mut text, line, &fields, (reader, zone));
        }
        for layers in overrides.fields.iter().filter(of).filter(|layers| layers.subject.member.is_none()) {
            let _ = writeln!(text, "    # {}", comment(layers, zone));
            let _ = writeln!(text, "{}", set(layers));
        }
        text.push_str("</Proxy>\n");
    }
    if text.contains(&format!("${{{DOLLAR}}}")) {
        let define = format!(
            "# Above all that uses it: without it, what stands in ${{}} would be replaced.\nDefine {DOLLAR} $\n"
        );
        text.insert_str(0, &define);
    }
    text
}

/// A word that is read back as it is, variables included.
fn quoted(word: &str) -> String {
    word::quoted(&word.replace("${", &format!("${{{DOLLAR}}}{{")))
}

/// A member's line, with what was set in the place of what stood there.
fn member(text: &mut String, line: &MemberLine, fields: &[&Layers], (reader, zone): (Reader, &TimeZone)) {
    for layers in fields {
        let _ = writeln!(text, "    # {}", comment(layers, zone));
    }
    let replaced = |key: &str| fields.iter().any(|layers| keyword(&layers.field).eq_ignore_ascii_case(key));
    let foreign =
        |key: &str| reader == Reader::Httpd && OURS.iter().any(|ours| ours.eq_ignore_ascii_case(key));
    let mut words = Vec::new();
    for word in &line.parameters {
        let key = word.split('=').next().unwrap_or_default();
        if foreign(key) {
            let _ = writeln!(text, "    # {} is left out: httpd does not know it", clean(word, LONGEST));
        } else if !replaced(key) {
            words.push(quoted(word));
        }
    }
    let is_flag = |field: &str| MemberEdit::FLAGS.iter().any(|(_, known)| *known == field);
    // That it was added is the whole line.
    let is_value = |field: &str| !is_flag(field) && field != "member";
    let values = fields.iter().filter(|layers| is_value(&layers.field) && !layers.effective.is_empty());
    words.extend(values.map(|layers| quoted(&format!("{}={}", keyword(&layers.field), layers.effective))));
    let mut letters = String::new();
    for (flag, field) in MemberEdit::FLAGS {
        if let Some(layers) = fields.iter().find(|layers| layers.field == field) {
            letters.push(if layers.effective == "On" { '+' } else { '-' });
            letters.push(flag.letter());
        }
    }
    if !letters.is_empty() {
        words.push(format!("status={letters}"));
    }
    let _ = writeln!(text, "    BalancerMember {} {}", quoted(line.member.as_str()), words.join(" "));
}

/// A setting of a balancer. Waiting for a member cannot be ended by a word: its line must go.
fn set(layers: &Layers) -> String {
    let key = keyword(&layers.field);
    if key == "timeout" && layers.effective == "0" {
        return "    # remove timeout= from the lines of this section: 0 cannot be written".to_owned();
    }
    format!("    ProxySet {}", quoted(&format!("{key}={}", layers.effective)))
}

/// `drain On, configured Off: by anna (1000), 2026-11-22 12:00:00; deploy 42`.
fn comment(layers: &Layers, zone: &TimeZone) -> String {
    let shown = |value: &str| if value.is_empty() { "(none)".to_owned() } else { clean(value, LONGEST) };
    let mut text =
        format!("{} {}, configured {}", layers.field, shown(&layers.effective), shown(&layers.configured));
    let Some(overridden) = &layers.overridden else { return text };
    if let Some(by) = &overridden.by {
        let _ = write!(text, "; by {}", clean(&by.to_string(), LONGEST));
    }
    if let Some(at) = overridden.at {
        let _ = write!(text, "; {}", events::time(at, zone));
    }
    if let Some(reason) = &overridden.reason {
        let _ = write!(text, "; {}", clean(reason, LONGEST));
    }
    // A line that ends so would go on in the next one.
    text.truncate(text.trim_end_matches('\\').len());
    text
}

fn keyword(field: &str) -> &str {
    KEYWORDS.iter().find(|(known, _)| *known == field).map_or(field, |(_, keyword)| keyword)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(member: Option<&str>, field: &str, configured: &str, effective: &str) -> Layers {
        serde_json::from_value(serde_json::json!({
            "balancer": "app", "member": member, "field": field, "configured": configured, "effective": effective,
            "overridden": {"value": effective, "by": {"uid": 1000, "gid": 1, "pid": 3, "user": "anna"}, "at": 0,
                "reason": "deploy 42\\", "event": 7},
        }))
        .unwrap()
    }

    #[test]
    fn a_line_keeps_what_was_not_set() {
        let member = Some("http://a:1");
        let overrides = Overrides {
            taken: evenkeel_protocol::Timestamp(0),
            durable: true,
            fields: vec![
                layers(member, "lbfactor", "1.00", "2.50"),
                layers(member, "redirect", "b", ""),
                layers(member, "drain", "Off", "On"),
                layers(member, "standby", "On", "Off"),
                layers(None, "lbmethod", "byrequests", "bybusyness"),
                layers(None, "timeout", "5", "0"),
            ],
            lines: vec![
                serde_json::from_value(
                    serde_json::json!({"balancer": "app", "member": "http://a:1", "parameters":
                    ["route=a b", "Redirect=b", "status=+H", "loadfactor=1", "hctimeout=5", "retry=0"]}),
                )
                .unwrap(),
            ],
        };
        let text = |reader| text(&overrides, reader, &TimeZone::UTC);
        let evenkeel = text(Reader::Evenkeel);
        assert!(evenkeel.contains(
            "\n    BalancerMember http://a:1 \"route=a b\" status=+H hctimeout=5 retry=0 loadfactor=2.50 status=+N-H\n"
        ));
        assert!(evenkeel.contains("    ProxySet lbmethod=bybusyness\n"));
        assert!(evenkeel.contains("# remove timeout="));
        assert!(
            evenkeel
                .contains("    # drain On, configured Off; by anna (1000); 1970-01-01 00:00:00; deploy 42\n")
        );
        assert!(evenkeel.starts_with("<Proxy balancer://app>\n") && evenkeel.ends_with("</Proxy>\n"));
        let httpd = text(Reader::Httpd);
        assert!(httpd.contains("# hctimeout=5 is left out: httpd does not know it\n"), "{httpd}");
        assert!(!httpd.contains("retry=0 hctimeout") && httpd.contains("status=+H retry=0 "), "{httpd}");
    }
}
