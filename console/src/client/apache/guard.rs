//! The guard of the last member, which httpd has not: the same as our own proxy's, by what the page said just before.
//!
//! Between that look and the edit somebody else may take another member away, and nobody would know: httpd has nothing
//! that two hands could share.

use evenkeel_protocol::refusal::Code;
use evenkeel_protocol::sentence::listed;
use evenkeel_protocol::{BalancerSnapshot, Flag, MemberEdit, MemberName, Refusal};

use crate::lineup::{Hold, Loss, Place, places};

/// Names that a refusal lists.
const NAMED: usize = 4;

/// Why an edit is refused that would leave nobody; none: it leaves somebody, or it only enables.
pub(super) fn refusal(balancer: &BalancerSnapshot, name: &MemberName, edit: &MemberEdit) -> Option<Refusal> {
    let sets = |(flag, _): (Flag, _)| flag != Flag::IgnoreErrors && edit.flag(flag) == Some(true);
    if !MemberEdit::FLAGS.into_iter().any(sets) && edit.lbset.is_none() {
        return None;
    }
    let members = balancer.members.iter();
    let after: Vec<Place> = members
        .map(|member| if member.name == *name { Place::after(member, edit) } else { Place::of(member) })
        .collect();
    let is = Hold::of(&after);
    let what = match Loss::between(Hold::of(&places(balancer)), is)? {
        Loss::Takers => format!(
            "{name} is the last usable member of {}: clients without a session would get 503",
            balancer.name
        ),
        Loss::Servers => format!("{name} is the last member of {} that serves its sessions", balancer.name),
        Loss::Hope => {
            format!("everybody in {} is in error, and {name} is the last that could come back", balancer.name)
        }
    };
    let failed: Vec<&str> = balancer
        .members
        .iter()
        .filter(|member| member.name != *name && member.status.has(Flag::Error))
        .filter(|member| member.status.with(Flag::Error, false).is_usable())
        .map(|member| member.name.as_str())
        .collect();
    let rest = match failed.len() {
        0 => String::new(),
        _ if is.hopes() => {
            let failed = listed(failed.into_iter(), NAMED, "");
            format!("; only members in error would be left ({failed})")
        }
        _ => String::new(),
    };
    Some(Refusal::new(Code::Guarded, format!("{what}{rest}; --force does it all the same")))
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::Timestamp;

    use super::super::page::Page;
    use super::super::scripted::Shown;
    use super::super::sight::Sight;
    use super::*;

    /// Why `edit` of the first of members with these words is refused.
    fn refused(words: &[&str], edit: &MemberEdit) -> Option<String> {
        let urls = ["http://m0", "http://m1", "http://m2"];
        let mut shown = Shown::new(&urls[..words.len()]);
        for (row, words) in shown.rows.iter_mut().zip(words) {
            row.words = (*words).to_owned();
        }
        let page = Page::read(&shown.page(false)).unwrap();
        let seen = Sight { page: &page, exact: None, url: "u", taken: Timestamp(0) }.snapshot();
        let refusal = refusal(&seen.balancers[0], &"http://m0".parse().unwrap(), edit)?;
        assert_eq!(refusal.code, Code::Guarded);
        Some(refusal.message)
    }

    #[test]
    fn who_may_go_and_who_may_not() {
        let on = |flag| MemberEdit::default().with_flag(flag, true);
        let off = |flag| MemberEdit::default().with_flag(flag, false);
        let last =
            Some("http://m0 is the last usable member of app: clients without a session would get 503");
        for (what, words, edit, says) in [
            ("one of two", &["Init Ok ", "Init Ok "][..], on(Flag::Drain), None),
            ("the only one", &["Init Ok "], on(Flag::Drain), last),
            ("the others are out", &["Init Ok ", "Init Dis ", "Init Stop "], on(Flag::Stopped), last),
            ("the other drains", &["Init Ok ", "Init Drn Ok "], on(Flag::Disabled), last),
            (
                "the other failed",
                &["Init Ok ", "Init Err "],
                on(Flag::Drain),
                Some("only members in error would be left (http://m1)"),
            ),
            ("a standby steps in", &["Init Ok ", "Init Stby Ok "], on(Flag::Drain), None),
            ("the last that drains", &["Init Drn Ok "], on(Flag::Stopped), Some("serves its sessions")),
            ("the last hope", &["Init Err ", "Init Dis Err "], on(Flag::Stopped), Some("could come back")),
            ("nobody serves already", &["Init Dis ", "Init Stop "], on(Flag::Stopped), None),
            ("it may ignore errors", &["Init Ok "], on(Flag::IgnoreErrors), None),
            ("to enable", &["Init Drn Stop "], off(Flag::Stopped), None),
        ] {
            let refused = refused(words, &edit);
            match says {
                None => assert_eq!(refused, None, "{what}"),
                Some(says) => {
                    assert!(refused.as_ref().is_some_and(|why| why.contains(says)), "{what}: {refused:?}");
                }
            }
        }
    }
}
