//! `add` and `remove`: members that come and go at run time.

use clap::Args;
use evenkeel_protocol::{MemberAddition, MemberRemoval};

use super::edit::{EditOptions, Verb};
use super::output::Stop;
use super::report::{missing, report};
use super::{Exit, Session, complete, palette, preview, set, target};

pub(super) const ADD_HELP: &str = "\
The parameters are those of a BalancerMember line; lbfactor, as `set` calls it, is its loadfactor. Without a status it starts disabled, as in httpd: `enable` lets it \
in. It stays over restarts and reloads until it is removed, or the configuration has a member of that URL.

Examples:
  evenkeel add app http://10.0.0.9:8080 route=node9 loadfactor=2
  evenkeel enable app/node9
  evenkeel add app http://10.0.0.9:8080 status=-D   takes requests at once";

pub(super) const REMOVE_HELP: &str = "\
Only who was added at run time; the others stand in the configuration. It is refused while requests or live sessions \
are with it, and for the last member that serves, unless forced.

Example:
  evenkeel drain app/node9 --wait && evenkeel remove app/node9";

/// What can be typed behind `add`.
#[derive(Debug, Args)]
pub struct AddArguments {
    /// The balancer
    #[arg(add = complete::balancers())]
    pub(super) balancer: String,
    /// The member's URL
    url: String,
    /// Its parameters, as on a BalancerMember line
    #[arg(value_name = "KEY=VALUE", add = complete::choices(palette::parameters))]
    parameters: Vec<String>,
    #[command(flatten)]
    pub(super) options: EditOptions,
}

/// What can be typed behind `remove`.
#[derive(Debug, Args)]
pub struct RemoveArguments {
    /// The member: BALANCER/MEMBER or MEMBER, by route, host:port or URL
    #[arg(add = complete::members())]
    pub(super) selector: String,
    #[command(flatten)]
    pub(super) options: EditOptions,
}

impl AddArguments {
    /// What is asked for.
    pub(super) fn addition(&self) -> Result<MemberAddition, Stop> {
        if self.options.force {
            return Err(Stop::usage("add takes no --force: nothing stands in its way that could be forced"));
        }
        Ok(MemberAddition {
            url: self.url.clone(),
            parameters: self.parameters.iter().map(|setting| set::on_a_line(setting)).collect(),
            revision: self.options.if_revision,
            reason: self.options.reason()?,
        })
    }
}

pub(super) async fn add(arguments: &AddArguments, session: &mut Session<'_>) -> Result<Exit, Stop> {
    let options = &arguments.options;
    let addition = arguments.addition()?;
    let client = session.client().await?;
    let snapshot = client.snapshot().await?;
    let balancer = match target::balancer_with(&snapshot, &arguments.balancer, &[]) {
        Err(stop @ Stop::Missing(_)) if options.ignore_missing => return missing(&stop, options, session),
        other => &other?.name,
    };
    if options.dry_run {
        let foreseen = client.preview_addition(balancer, &addition).await?;
        return preview::show(&foreseen, &snapshot, options, session);
    }
    report(Verb::Add, &client.add_member(balancer, &addition).await?, options, session)
}

pub(super) async fn remove(arguments: &RemoveArguments, session: &mut Session<'_>) -> Result<Exit, Stop> {
    let options = &arguments.options;
    let removal =
        MemberRemoval { revision: options.if_revision, force: options.force, reason: options.reason()? };
    let client = session.client().await?;
    let snapshot = client.snapshot().await?;
    let (balancer, member) = match target::member_with(&snapshot, &arguments.selector, &[]) {
        Err(stop @ Stop::Missing(_)) if options.ignore_missing => return missing(&stop, options, session),
        other => other?,
    };
    if options.dry_run {
        let foreseen = client.preview_removal(&balancer.name, &member.name, &removal).await?;
        return preview::show(&foreseen, &snapshot, options, session);
    }
    let edited = client.remove_member(&balancer.name, &member.name, &removal).await?;
    report(Verb::Remove, &edited, options, session)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cli::scene::Scene;
    use crate::client::scripted::{self, Act, Scripted};

    fn proxy() -> Scripted {
        Scripted::start(|request| match request.method.as_str() {
            "GET" => Act::json(&scripted::snapshot(0)),
            _ => Act::json(&scripted::edited()),
        })
    }

    /// What the proxy was sent: method, target and body.
    fn sent(proxy: &Scripted) -> (String, String, Value) {
        let request = proxy.requests().into_iter().find(|request| request.method != "GET").unwrap();
        (request.method, request.target, serde_json::from_str(&request.body).unwrap())
    }

    #[tokio::test]
    async fn who_comes_and_goes_is_sent_as_it_was_typed() {
        let members = "/v1/balancers/app/members";
        for (line, method, target, body, told) in [
            (
                "add app http://h:1 route=n lbset=2 --reason sale",
                "POST",
                members.to_owned(),
                json!({"url": "http://h:1", "parameters": ["route=n", "lbset=2"], "reason": "sale"}),
                ": added (revision 3)",
            ),
            (
                "add app http://h:1 lbfactor=2 hcmethod=GET status=-D",
                "POST",
                members.to_owned(),
                json!({"url": "http://h:1", "parameters": ["loadfactor=2", "hcmethod=GET", "status=-D"]}),
                ": added (revision 3)",
            ),
            (
                "remove app/a --force --if-revision 4",
                "DELETE",
                format!("{members}/http:%2F%2F127.0.0.1:9001"),
                json!({"force": true, "revision": 4}),
                ": removed (revision 3)",
            ),
        ] {
            let proxy = proxy();
            let mut scene = Scene::of(&proxy);
            assert_eq!(scene.run(line).await, Exit::Done, "{line}: {}", scene.err());
            assert_eq!(sent(&proxy), (method.to_owned(), target, body), "{line}");
            assert!(scene.out().contains(told), "{}", scene.out());
        }
    }

    #[tokio::test]
    async fn what_is_not_there_may_be_missing_and_force_adds_nothing() {
        let proxy = proxy();
        let mut scene = Scene::of(&proxy);
        assert_eq!(scene.run("remove app/x").await, Exit::NotFound);
        assert_eq!(scene.run("remove app/x --ignore-missing").await, Exit::Done);
        assert_eq!(scene.run("add nowhere http://h").await, Exit::NotFound);
        assert_eq!(scene.run("add app http://h --force").await, Exit::Usage);
        assert_eq!(proxy.asked("POST") + proxy.asked("DELETE"), 0);
    }
}
