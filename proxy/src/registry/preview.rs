//! An edit that is only looked at: the same checks and the same guards as at the door, and what it would move.

use evenkeel_balancer::{Foresight, Loss, Shift, WHOLE};
use evenkeel_protocol::{
    BalancerEdit, BalancerName, MemberEdit, MemberName, Moment, Moved, Preview, Refusal, RouteSessions,
    Subject,
};

use super::door::Wanted;
use super::{LiveBalancer, Registry};
use crate::clock;
use crate::measured::Traffic;

mod plan;

impl Registry {
    /// What a change of a member would do. Errors: what the edit itself would be refused with, but for the guards,
    /// whose refusal stands in the preview.
    pub(crate) fn preview_member(
        &self,
        balancer: &BalancerName,
        selector: &str,
        edit: &MemberEdit,
    ) -> Result<Preview, Refusal> {
        let live = self.find(balancer)?;
        let member = live.resolve(selector)?;
        live.refuse_unknown_expression(edit)?;
        self.preview(&live, Wanted::Member(&member, edit))
    }

    /// What a change of a balancer's own settings would do. Errors: as [`Self::preview_member`].
    pub(crate) fn preview_balancer(
        &self,
        balancer: &BalancerName,
        edit: &BalancerEdit,
    ) -> Result<Preview, Refusal> {
        let live = self.find(balancer)?;
        self.preview(&live, Wanted::Settings(edit))
    }

    pub(super) fn preview(&self, live: &LiveBalancer, wanted: Wanted<'_>) -> Result<Preview, Refusal> {
        let subject = wanted.subject(&live.name);
        // On a copy, so that elections go on meanwhile.
        let (copy, now) = (live.lock().rehearsal(), clock::now());
        let foreseen = match wanted {
            Wanted::Member(member, edit) => copy.foresee_member(member, edit, now),
            Wanted::Settings(edit) => copy.foresee_settings(edit, now),
        };
        let foreseen = foreseen.map_err(|refusal| self.with_author(refusal, &subject))?;
        Ok(Preview {
            refusal: foreseen.guarded.clone().filter(|_| !wanted.is_forced()),
            ..self.told_ahead(live, subject, foreseen)
        })
    }

    /// What was foreseen, with what was measured beside it.
    pub(super) fn told_ahead(&self, live: &LiveBalancer, subject: Subject, foreseen: Foresight) -> Preview {
        let Foresight { accepted, guarded, shift } = foreseen;
        let changes = !accepted.changes.is_empty();
        let effect = self.effect(live, &shift, clock::now());
        let mut notes = accepted.notes;
        notes.extend(effect.notes(changes));
        let Shift { remaining, next, next_after, .. } = shift;
        Preview {
            balancer: subject.balancer,
            member: subject.member,
            applied: false,
            revision: accepted.revision - u64::from(changes),
            changes: accepted.changes,
            refusal: guarded,
            moved: effect.moved,
            sessions: effect.sessions.ok(),
            remaining,
            next,
            next_after,
            estimated: false,
            notes,
        }
    }

    /// What was measured of the traffic and the sessions that go elsewhere.
    fn effect(&self, live: &LiveBalancer, shift: &Shift, now: Moment) -> Effect {
        let (traffic, routes) = (self.measured.traffic(live, now), live.census().routes);
        Effect {
            moved: moved(&traffic, &shift.losses),
            sessions: affected(&routes, shift),
            regained: named(&routes, &shift.regained).map(returning).sum(),
        }
    }
}

/// What goes elsewhere.
struct Effect {
    /// None: nothing was measured.
    moved: Option<Moved>,
    sessions: Result<u64, AtLeast>,
    /// Those of them that were seen and come back to the member that they name.
    regained: u64,
}

impl Effect {
    /// The same in sentences, if something changes at all.
    fn notes(&self, changes: bool) -> Vec<String> {
        let mut notes = Vec::new();
        if changes {
            notes.push(told(self.moved));
        }
        if self.regained > 0 {
            let come = match self.regained {
                1 => "1 session comes back to the member that it names".to_owned(),
                count => format!("{count} sessions come back to the member that they name"),
            };
            notes.push(format!("{come}, beside these shares; what began elsewhere meanwhile stays there."));
        }
        if let Err(AtLeast(seen @ 1..)) = self.sessions {
            notes.push(format!(
                "Sessions seen so far: {seen}; no whole window was observed, so there may be more."
            ));
        }
        notes
    }
}

/// So many sessions, and nobody knows how many more: no whole window was observed.
#[derive(Debug, PartialEq, Eq)]
struct AtLeast(u64);

/// The sessions that change their member or get no answer: all that were seen within the window, of the routes that
/// lose theirs; and of those that get one back all that named it.
fn affected(routes: &[RouteSessions], shift: &Shift) -> Result<u64, AtLeast> {
    let losers = shift.losses.iter().filter(|loss| loss.sessions).map(|loss| &loss.member);
    let lost = named(routes, losers).map(|route| (route, route.live));
    let regained = named(routes, &shift.regained).map(|route| (route, returning(route)));
    let (sessions, known) =
        lost.chain(regained).fold((0, true), |(sessions, known): (u64, bool), (route, count)| {
            (sessions.saturating_add(count), known && route.unknown_until.is_none())
        });
    if known { Ok(sessions) } else { Err(AtLeast(sessions)) }
}

/// The routes of these members. Members that share a route share its sessions.
fn named<'a>(
    routes: &'a [RouteSessions],
    members: impl IntoIterator<Item = &'a MemberName>,
) -> impl Iterator<Item = &'a RouteSessions> {
    let members: Vec<_> = members.into_iter().collect();
    routes.iter().filter(move |route| route.members.iter().any(|member| members.contains(&member)))
}

/// The sessions that name a route which nobody serves: its own of before, and those that only claim to be.
fn returning(route: &RouteSessions) -> u64 {
    route.live.saturating_add(route.claimed)
}

/// The traffic that goes elsewhere; none: there was none to measure.
fn moved(traffic: &Traffic, losses: &[Loss]) -> Option<Moved> {
    let requests = traffic.total();
    let share = |count: u64| {
        let share = u128::from(count) * u128::from(WHOLE) / u128::from(requests.max(1));
        u32::try_from(share).unwrap_or(u32::MAX)
    };
    let (mut sticky, mut free) = (0, 0);
    for (loss, elections) in losses.iter().filter_map(|loss| Some((loss, traffic.members.get(&loss.member)?)))
    {
        free += elections.free.saturating_mul(loss.free) / WHOLE;
        sticky += if loss.sessions { elections.sticky } else { 0 };
    }
    (requests > 0).then(|| Moved {
        measured_ms: u64::try_from(traffic.span.as_millis()).unwrap_or(u64::MAX),
        requests,
        free_requests: traffic.members.values().map(|elections| elections.free).sum(),
        sticky: share(sticky),
        free: share(free),
    })
}

/// The same as a sentence.
fn told(moved: Option<Moved>) -> String {
    let Some(moved) = moved else {
        return "Nothing was measured yet, so what it moves is unknown.".to_owned();
    };
    let Moved { measured_ms, requests, free_requests, sticky, free } = moved;
    let seconds = measured_ms / 1000;
    if (sticky, free) == (0, 0) {
        return format!("It moves no traffic (as measured for {seconds} s, {requests} requests).");
    }
    let classes =
        [(free, free_requests, "without a session"), (sticky, requests - free_requests, "of sessions")];
    let classes = classes.into_iter().filter(|(_, count, _)| *count > 0).map(|(share, count, of)| {
        let own = u128::from(share) * u128::from(requests) / u128::from(count);
        format!("{} of the {count} {of}", percent(u64::try_from(own).unwrap_or(WHOLE)))
    });
    let classes = classes.collect::<Vec<_>>().join(", ");
    format!(
        "It moves {} of all requests: {classes} (as measured for {seconds} s).",
        percent(u64::from(free) + u64::from(sticky))
    )
}

/// Hundredths of a percent as whole percents: no more is known of the next minutes.
fn percent(share: u64) -> String {
    match share {
        0 => "none".to_owned(),
        1..100 => "under 1%".to_owned(),
        9_901..10_000 => "over 99%".to_owned(),
        _ => format!("{}%", share.saturating_add(50) / 100),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use evenkeel_protocol::Timestamp;

    use super::*;
    use crate::measured::Elections;

    #[test]
    fn sessions_that_move_are_those_of_routes_and_unknown_where_one_is() {
        let route = |name: &str, members: &[&str], live, known: bool| RouteSessions {
            route: name.parse().unwrap(),
            members: members.iter().map(|member| member.parse().unwrap()).collect(),
            live,
            exact: true,
            claimed: 9,
            anonymous: false,
            last_seen: None,
            departing: None,
            unknown_until: (!known).then_some(Timestamp(1)),
        };
        let routes = [route("x", &["http://a", "http://b"], 5, true), route("y", &["http://c"], 2, false)];
        let loss = |name: &str, sessions| Loss { member: name.parse().unwrap(), free: 0, sessions };
        for (losses, regained, sessions) in [
            (&[][..], &[][..], Ok(0)),
            (&[loss("http://a", true), loss("http://b", true)], &[], Ok(5)),
            (&[loss("http://a", true), loss("http://c", false)], &[], Ok(5)),
            (&[loss("http://a", true), loss("http://c", true)], &[], Err(AtLeast(7))),
            (&[], &["http://a", "http://b"], Ok(14)),
            (&[loss("http://a", true)], &["http://c"], Err(AtLeast(16))),
        ] {
            let regained = regained.iter().map(|name| name.parse().unwrap()).collect();
            let [remaining, next, next_after] = [(); 3].map(|()| Vec::new());
            let shift = Shift { remaining, next, next_after, losses: losses.to_vec(), regained };
            assert_eq!(affected(&routes, &shift), sessions);
        }
    }

    #[test]
    fn shares_are_of_what_was_measured() {
        let traffic = Traffic {
            span: Duration::from_secs(60),
            members: [("http://a", 300, 100), ("http://b", 500, 100)]
                .map(|(name, free, sticky)| (name.parse().unwrap(), Elections { free, sticky }))
                .into(),
        };
        let loss = |free, sessions| [Loss { member: "http://a".parse().unwrap(), free, sessions }];
        for (losses, sticky, free) in [
            (&[][..], 0, 0),
            (&loss(WHOLE, false), 0, 3_000),
            (&loss(WHOLE, true), 1_000, 3_000),
            (&loss(WHOLE / 2, false), 0, 1_500),
            (&loss(0, true), 1_000, 0),
        ] {
            let moved = moved(&traffic, losses).unwrap();
            assert_eq!((moved.requests, moved.sticky, moved.free), (1_000, sticky, free));
        }
        assert_eq!(
            moved(&Traffic::default(), &loss(WHOLE, true)),
            None,
            "nothing measured is not nothing moved"
        );
        assert!(told(None).contains("unknown"));
        let moved = moved(&traffic, &loss(WHOLE, true));
        assert_eq!(
            told(moved),
            "It moves 40% of all requests: 38% of the 800 without a session, 50% of the 200 of sessions (as measured \
             for 60 s)."
        );
        for (share, text) in [(0, "none"), (99, "under 1%"), (100, "1%"), (9_850, "99%"), (9_901, "over 99%")]
        {
            assert_eq!(percent(share), text);
        }
        assert_eq!(percent(10_000), "100%");
    }
}
