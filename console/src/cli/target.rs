//! Which balancer or member of a snapshot a text on the command line means.

use evenkeel_protocol::clean::clean;
use evenkeel_protocol::refusal::Code;
use evenkeel_protocol::selector::Candidate;
use evenkeel_protocol::{BalancerName, BalancerSnapshot, MemberSnapshot, Refusal, Selector, Snapshot};

use super::output::Stop;

/// What was meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target<'a> {
    /// A balancer with all its members.
    Balancer(&'a BalancerSnapshot),
    /// One member.
    Member(&'a BalancerSnapshot, &'a MemberSnapshot),
}

/// The balancer `app`, `balancer://app` or `balancer://app/`.
pub(super) fn balancer<'a>(snapshot: &'a Snapshot, text: &str) -> Result<&'a BalancerSnapshot, Stop> {
    let name: BalancerName =
        text.parse().map_err(|why| Stop::usage(format!("'{}' {why}", clean(text, 80))))?;
    snapshot.balancer(&name).ok_or_else(|| {
        let known: Vec<&str> = snapshot.balancers.iter().take(8).map(|it| it.name.as_str()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Refusal::new(Code::NotFound, format!("there is no balancer '{name}'; there are {known}")).into()
    })
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
    member(snapshot, text).map(|(balancer, member)| Target::Member(balancer, member))
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
    fn what_means_nothing_is_told_with_what_there_is() {
        let snapshot = scripted::snapshot(0);
        for (text, exit, says) in [
            ("balancer://web", Exit::NotFound, "there are app, api"),
            ("web", Exit::NotFound, "app/http://127.0.0.1:9001"),
            ("127.0.0.1", Exit::NotFound, "fits app/http://127.0.0.1:9001, app/"),
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
