//! Which balancer or member of a snapshot a text on the command line means.

use evenkeel_protocol::clean::clean;
use evenkeel_protocol::refusal::Code;
use evenkeel_protocol::selector::Candidate;
use evenkeel_protocol::sentence::{LISTED, listed};
use evenkeel_protocol::{
    BalancerName, BalancerSnapshot, MemberSnapshot, Refusal, Selector, Snapshot, Subject,
};

use super::output::Stop;

/// What was meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target<'a> {
    /// A balancer with all its members.
    Balancer(&'a BalancerSnapshot),
    /// One member.
    Member(&'a BalancerSnapshot, &'a MemberSnapshot),
}

/// The balancer `app`.
fn balancer<'a>(snapshot: &'a Snapshot, text: &str) -> Result<&'a BalancerSnapshot, Stop> {
    let name: BalancerName =
        text.parse().map_err(|why| Stop::usage(format!("'{}' {why}", clean(text, 80))))?;
    snapshot.balancer(&name).ok_or_else(|| {
        Stop::Missing(format!("there is no balancer '{name}'; there are {}", balancers(snapshot)))
    })
}

/// The names of the balancers.
fn balancers(snapshot: &Snapshot) -> String {
    listed(snapshot.balancers.iter().map(|it| it.name.as_str()), LISTED, "none")
}

/// The one member that `text` selects.
pub(super) fn member<'a>(
    snapshot: &'a Snapshot,
    text: &str,
) -> Result<(&'a BalancerSnapshot, &'a MemberSnapshot), Stop> {
    let selector = Selector::parse(text).map_err(|refusal| Stop::usage(refusal.message))?;
    let members = snapshot.balancers.iter().flat_map(|balancer| {
        balancer.members.iter().map(|member| Candidate {
            balancer: &balancer.name,
            member: &member.name,
            route: &member.route,
        })
    });
    let found = selector.resolve(members)?;
    snapshot
        .balancer(found.balancer)
        .and_then(|balancer| Some((balancer, balancer.member(found.member)?)))
        .ok_or_else(|| Refusal::new(Code::NotFound, "the member is gone").into())
}

/// The balancer of that name, else the member that `text` selects.
pub(super) fn any<'a>(snapshot: &'a Snapshot, text: &str) -> Result<Target<'a>, Stop> {
    let (bare, told) = match text.get(..11) {
        Some(scheme) if scheme.eq_ignore_ascii_case("balancer://") => {
            (text.get(11..).unwrap_or_default(), true)
        }
        _ => (text, false),
    };
    if !bare.trim_end_matches('/').contains('/') {
        let found = balancer(snapshot, bare);
        if told || found.is_ok() {
            return found.map(Target::Balancer);
        }
    }
    match member(snapshot, text) {
        Ok((balancer, member)) => Ok(Target::Member(balancer, member)),
        // It could have been either.
        Err(Stop::Missing(why)) if !bare.contains('/') => {
            Err(Stop::Missing(match snapshot.balancers.as_slice() {
                [] => "there are no balancers, and so no members".to_owned(),
                _ => format!("{why}; the balancers are {}", balancers(snapshot)),
            }))
        }
        Err(stop) => Err(stop),
    }
}

/// The member that `text` selects, for an edit of `keys`; none for a command that is about members by its name.
pub(super) fn member_with<'a>(
    snapshot: &'a Snapshot,
    text: &str,
    keys: &[&str],
) -> Result<(&'a BalancerSnapshot, &'a MemberSnapshot), Stop> {
    member(snapshot, text).map_err(|stop| match any(snapshot, text) {
        Ok(Target::Balancer(balancer)) => {
            let why =
                if keys.is_empty() { "a member is needed".to_owned() } else { belong(keys, "a member") };
            let name = &balancer.name;
            Stop::usage(match balancer.members.first() {
                Some(first) => {
                    let example = shortest(snapshot, balancer, first);
                    format!("{why}; {name} is a balancer: name one, such as {example}")
                }
                None => format!("{why}; {name} is a balancer without members"),
            })
        }
        _ => stop,
    })
}

/// The balancer that `text` names, for an edit of `keys`; none for a command that is about balancers by its name.
pub(super) fn balancer_with<'a>(
    snapshot: &'a Snapshot,
    text: &str,
    keys: &[&str],
) -> Result<&'a BalancerSnapshot, Stop> {
    match any(snapshot, text)? {
        Target::Balancer(balancer) => Ok(balancer),
        Target::Member(balancer, _) if keys.is_empty() => Err(Stop::usage(format!(
            "a balancer is needed; {} is a member: name {}",
            clean(text, 80),
            balancer.name
        ))),
        Target::Member(balancer, _) => {
            let settings: Vec<String> = keys.iter().map(|key| format!("{key}=…")).collect();
            Err(Stop::usage(format!(
                "{}; write `evenkeel set {} {}`",
                belong(keys, "a balancer"),
                balancer.name,
                settings.join(" ")
            )))
        }
    }
}

/// What is written for whoever was edited, be it there any more or not.
pub(super) fn called(snapshot: &Snapshot, subject: &Subject) -> String {
    let found = snapshot.balancer(&subject.balancer).zip(subject.member.as_ref());
    let found = found.and_then(|(balancer, member)| Some((balancer, balancer.member(member)?)));
    found.map_or_else(|| subject.to_string(), |(balancer, member)| shortest(snapshot, balancer, member))
}

/// The shortest selector that fits only `wanted`.
pub(super) fn shortest(snapshot: &Snapshot, balancer: &BalancerSnapshot, wanted: &MemberSnapshot) -> String {
    let whole = format!("{}/{}", balancer.name, wanted.name);
    let socket = wanted.name.as_str().split_once('|').map(|(socket, _)| socket);
    [wanted.route.as_str(), socket.unwrap_or(wanted.name.authority())]
        .into_iter()
        .map(|text| format!("{}/{text}", balancer.name))
        .find(|text| member(snapshot, text).is_ok_and(|(_, found)| found.name == wanted.name))
        .unwrap_or(whole)
}

/// `lbset belongs to a member`.
fn belong(keys: &[&str], whom: &str) -> String {
    format!("{} {} to {whom}", keys.join(", "), if keys.len() == 1 { "belongs" } else { "belong" })
}

#[cfg(test)]
mod tests {
    use super::super::Exit;
    use super::*;
    use crate::client::scripted;

    #[test]
    fn texts_mean_balancers_and_members() {
        let snapshot = scripted::snapshot(0);
        for (text, name) in [
            ("app", "app"),
            ("balancer://app", "app"),
            ("Balancer://APP/", "app"),
            ("a", "http://127.0.0.1:9001"),
            ("app/b", "http://127.0.0.1:9002"),
            ("balancer://app/b", "http://127.0.0.1:9002"),
            ("http://127.0.0.1:9003", "http://127.0.0.1:9003"),
            ("127.0.0.1:9003", "http://127.0.0.1:9003"),
        ] {
            let found = match any(&snapshot, text).unwrap() {
                Target::Balancer(balancer) => balancer.name.as_str(),
                Target::Member(_, member) => member.name.as_str(),
            };
            assert_eq!(found, name, "{text}");
        }
    }

    #[test]
    fn keys_and_their_owner_must_fit() {
        let snapshot = scripted::snapshot(0);
        for (text, keys, exit, says) in [
            (
                "app/a",
                &["lbmethod"][..],
                Exit::Usage,
                "lbmethod belongs to a balancer; write `evenkeel set app lbmethod=…`",
            ),
            (
                "a",
                &["lbmethod", "timeout"],
                Exit::Usage,
                "belong to a balancer; write `evenkeel set app lbmethod=… timeout=…`",
            ),
            ("app/nosuch", &["lbmethod"], Exit::NotFound, "no member fits 'app/nosuch'"),
            ("web/a", &["lbmethod"], Exit::NotFound, "no member fits 'web/a'"),
            ("nosuch", &["lbmethod"], Exit::NotFound, "the balancers are app, api"),
            ("balancer://nosuch", &["lbmethod"], Exit::NotFound, "there are app, api"),
        ] {
            let stop = balancer_with(&snapshot, text, keys).unwrap_err();
            let (code, why) = stop.told();
            assert!(code == exit && why.unwrap().contains(says), "{text}: {stop:?}");
        }
        for text in ["app", "balancer://app", "app/", "balancer://app/"] {
            assert_eq!(balancer_with(&snapshot, text, &["timeout"]).unwrap().name.as_str(), "app");
        }
        let needs = "a member is needed; app is a balancer: name one, such as app/a";
        for (text, keys, exit, says) in [
            (
                "app",
                &["lbset"][..],
                Exit::Usage,
                "lbset belongs to a member; app is a balancer: name one, such as app/a",
            ),
            ("balancer://app", &["lbset", "route"], Exit::Usage, "lbset, route belong to a member; app is"),
            ("api/", &["lbset"], Exit::Usage, "such as api/127.0.0.1:9003"),
            ("app", &[], Exit::Usage, needs),
            ("nosuch", &["lbset"], Exit::NotFound, "no member fits 'nosuch'"),
            ("127.0.0.1", &["lbset"], Exit::NotFound, "fits app/"),
        ] {
            let stop = member_with(&snapshot, text, keys).unwrap_err();
            let (code, why) = stop.told();
            assert!(code == exit && why.unwrap().contains(says), "{text}: {stop:?}");
        }
        let mut empty = snapshot;
        empty.balancers[1].members.clear();
        let stop = member_with(&empty, "api", &["lbset"]).unwrap_err();
        assert!(stop.told().1.unwrap().contains("api is a balancer without members"), "{stop:?}");
    }

    #[test]
    fn what_means_nothing_is_told_with_what_there_is() {
        let snapshot = scripted::snapshot(0);
        for (text, exit, says) in [
            ("balancer://web", Exit::NotFound, "there are app, api"),
            ("web", Exit::NotFound, "no member fits 'web'; there are app/"),
            ("web", Exit::NotFound, "; the balancers are app, api"),
            ("app/web", Exit::NotFound, "no member fits 'app/web'"),
            ("127.0.0.1", Exit::NotFound, "fits app/"),
            ("", Exit::Usage, "names no member"),
            ("balancer://\u{1b}", Exit::Usage, "U+001B"),
        ] {
            let stop = any(&snapshot, text).unwrap_err();
            let (code, why) = stop.told();
            let why = why.unwrap();
            assert_eq!(code, exit, "{text}");
            assert!(why.contains(says) && !why.contains('\u{1b}'), "{text}: {why}");
        }
    }
}
