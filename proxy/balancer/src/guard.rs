//! Does an edit leave nobody to serve? Asked before an operator's edit is made; httpd's own form is never asked.
//!
//! Three promises are guarded, the stronger first: that somebody takes requests of new clients, that somebody serves
//! at all, and, where everybody is in error already, that somebody is left to come back.

use evenkeel_protocol::sentence::listed;
use evenkeel_protocol::{Code, Flag, MemberEdit, MemberName, Refusal};

use crate::balancer::Balancer;

/// Names that a refusal lists.
const NAMED: usize = 4;

/// Who is there for requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hold {
    /// Somebody would be given a request without a session.
    takes: bool,
    /// Somebody would be given the requests of its sessions at least.
    serves: bool,
    /// Somebody would take requests if it were not in error.
    hopes: bool,
}

impl Balancer {
    /// Can a guard refuse such an edit at all?
    pub fn is_guarded(edit: &MemberEdit) -> bool {
        let sets = |(flag, _): (Flag, _)| flag != Flag::IgnoreErrors && edit.flag(flag) == Some(true);
        MemberEdit::FLAGS.into_iter().any(sets) || edit.lbset.is_some()
    }

    /// Why a guard refuses an edit; none: none does. An edit that only enables is never refused, nor one that the core
    /// itself would refuse.
    pub fn guard(&self, name: &MemberName, edit: &MemberEdit) -> Option<Refusal> {
        if !Self::is_guarded(edit) {
            return None;
        }
        let mut after = self.rehearsal();
        after.edit_member(name, edit).ok()?;
        self.guard_against(&mut after, name)
    }

    /// Why a guard refuses that a member goes; none: none does, or there is no such member. It is not as if it was
    /// stopped: no spare stands in for who is not there any more.
    pub fn guard_removal(&self, name: &MemberName) -> Option<Refusal> {
        let mut after = self.rehearsal();
        after.dismiss(name, None).ok()?;
        self.guard_against(&mut after, name)
    }

    /// Why a guard refuses that `after` takes the place of this balancer by an edit of `name`.
    pub(crate) fn guard_against(&self, after: &mut Self, name: &MemberName) -> Option<Refusal> {
        let was = self.rehearsal().hold();
        self.loss((was, after.hold()), name)
    }

    /// Why a guard refuses that an edit of `name` makes one hold of the other. This is the balancer before or after it.
    pub(crate) fn loss(&self, (was, is): (Hold, Hold), name: &MemberName) -> Option<Refusal> {
        let what = if was.takes && !is.takes {
            format!(
                "{name} is the last usable member of {}: clients without a session would get 503",
                self.name
            )
        } else if was.serves && !is.serves {
            format!("{name} is the last member of {} that serves its sessions", self.name)
        } else if !was.serves && was.hopes && !is.hopes {
            format!("everybody in {} is in error, and {name} is the last that could come back", self.name)
        } else {
            return None;
        };
        let failed: Vec<&str> = self
            .members
            .iter()
            .filter(|member| {
                member.name != *name && member.status.has(Flag::Error) && member.would_be_usable()
            })
            .map(|member| member.name.as_str())
            .collect();
        let rest = match failed.len() {
            0 => String::new(),
            _ if is.hopes => {
                let failed = listed(failed.into_iter(), NAMED, "");
                format!("; only members in error would be left ({failed})")
            }
            _ => String::new(),
        };
        let message = format!("{what}{rest}; --force (or \"force\": true) does it all the same");
        Some(Refusal::new(Code::Guarded, message))
    }

    /// Who is there now, if that was asked before: who is left to come back is asked of a copy, and only where that
    /// can make a difference.
    pub(crate) fn hold_after(&self, was: Hold) -> Hold {
        let (takes, serves) = self.present();
        if (takes, serves) == (was.takes, was.serves) && serves { was } else { self.rehearsal().hold() }
    }

    fn present(&self) -> (bool, bool) {
        (self.lineup.offers_anybody(), self.members.iter().any(|member| member.status.is_usable()))
    }

    /// Who is there. Only for a copy: it lifts errors.
    pub(crate) fn hold(&mut self) -> Hold {
        let (takes, serves) = self.present();
        for member in &mut self.members {
            member.status = member.status.with(Flag::Error, false);
        }
        self.lineup.refresh(&self.members);
        Hold { takes, serves, hopes: self.lineup.offers_anybody() }
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::{BalancerSettings, MemberSettings};

    use super::*;

    fn balancer(statuses: &[&str]) -> Balancer {
        let member = |(at, status): (usize, &&str)| {
            let mut settings = MemberSettings::default();
            if !status.is_empty() {
                settings.status = settings.status.apply(status).unwrap();
            }
            (format!("http://m{at}").parse().unwrap(), settings)
        };
        let members = statuses.iter().enumerate().map(member).collect();
        Balancer::new("app".parse().unwrap(), BalancerSettings::default(), members, 1)
    }

    fn flag(flag: Flag) -> MemberEdit {
        MemberEdit::default().with_flag(flag, true)
    }

    #[test]
    fn who_may_go_and_who_may_not() {
        let first = "http://m0".parse().unwrap();
        let elsewhere = MemberEdit { lbset: evenkeel_protocol::Lbset::new(3), ..MemberEdit::default() };
        for (name, statuses, edit, says) in [
            ("one of two drains", &["", ""][..], flag(Flag::Drain), None),
            (
                "the only one drains",
                &[""],
                flag(Flag::Drain),
                Some("clients without a session would get 503"),
            ),
            ("the only one is disabled", &[""], flag(Flag::Disabled), Some("last usable")),
            ("the only one stops", &[""], flag(Flag::Stopped), Some("last usable")),
            ("the only one fails by hand", &[""], flag(Flag::HealthFail), Some("last usable")),
            ("the only one becomes a spare", &[""], flag(Flag::Spare), Some("last usable")),
            ("the only one becomes a standby", &[""], flag(Flag::Standby), None),
            ("it shall ignore errors", &[""], flag(Flag::IgnoreErrors), None),
            ("the rest drain", &["", "N"], flag(Flag::Disabled), Some("last usable")),
            ("the rest are disabled", &["", "D", "S"], flag(Flag::Drain), Some("last usable")),
            (
                "the rest are in error",
                &["", "E"],
                flag(Flag::Drain),
                Some("members in error would be left (http://m1)"),
            ),
            ("a standby steps in", &["", "H"], flag(Flag::Drain), None),
            ("a spare steps in", &["", "R"], flag(Flag::Drain), None),
            ("a spare has nobody to stand in for", &["D", "R"], flag(Flag::Standby), Some("last usable")),
            ("a spare without a vacancy", &["", "R"], flag(Flag::Spare), Some("last usable")),
            ("to another set, and a spare stays alone", &["D", "R"], elsewhere.clone(), Some("last usable")),
            ("to another set", &["", ""], elsewhere, None),
            ("the last that drains is disabled", &["N"], flag(Flag::Disabled), Some("serves its sessions")),
            ("one of two that drain is disabled", &["N", "N"], flag(Flag::Disabled), None),
            ("nobody serves already", &["D", "D"], flag(Flag::Stopped), None),
            ("the last hope", &["E", "D"], flag(Flag::Stopped), Some("could come back")),
            ("one of two hopes", &["E", "E"], flag(Flag::Stopped), None),
            ("it holds already", &["N"], flag(Flag::Drain), None),
        ] {
            let refusal = balancer(statuses).guard(&first, &edit);
            assert!(refusal.iter().all(|refusal| refusal.code == Code::Guarded), "{name}");
            let message = refusal.map(|refusal| refusal.message);
            match (&message, says) {
                (Some(message), Some(says)) => assert!(message.contains(says), "{name}: {message}"),
                (message, says) => assert_eq!(message.as_deref(), says, "{name}"),
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn to_enable_is_never_refused(
            statuses in proptest::collection::vec("[DSNERHC]{0,3}", 1..5),
            fields in proptest::collection::vec(0usize..7, 1..4),
        ) {
            let statuses: Vec<&str> = statuses.iter().map(String::as_str).collect();
            let edit = fields.iter().filter_map(|at| MemberEdit::FLAGS.get(*at)).fold(
                MemberEdit::default(),
                |edit, (flag, _)| edit.with_flag(*flag, false),
            );
            proptest::prop_assert_eq!(balancer(&statuses).guard(&"http://m0".parse().unwrap(), &edit), None);
        }

        #[test]
        fn while_somebody_takes_requests_no_edit_that_passes_ends_that(
            statuses in proptest::collection::vec("[DSNERHC]{0,2}", 1..5),
            at in 0usize..7,
        ) {
            let statuses: Vec<&str> = statuses.iter().map(String::as_str).collect();
            let (mut balancer, name) = (balancer(&statuses), "http://m0".parse().unwrap());
            let edit = flag(MemberEdit::FLAGS[at].0);
            let before = balancer.lineup.offers_anybody();
            if balancer.guard(&name, &edit).is_none() {
                balancer.edit_member(&name, &edit).unwrap();
                proptest::prop_assert!(!before || balancer.lineup.offers_anybody());
            }
        }
    }
}
