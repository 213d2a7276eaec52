//! What can be set of a balancer and a member, as texts under the names of edits: to tell what has changed between two
//! looks.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use evenkeel_protocol::{BalancerSnapshot, Change, Flag, MemberEdit, MemberSnapshot, Snapshot, Subject};

use crate::lost::MEMBER;

/// A setting: its field in edits, and its value as Apache writes it.
pub(super) type Setting = (&'static str, String);

fn on_off(on: bool) -> String {
    if on { "On" } else { "Off" }.to_owned()
}

/// The settings of a member. That it failed its health check is found, and not set.
pub(super) fn of_member(member: &MemberSnapshot) -> Vec<Setting> {
    let health = &member.health;
    let mut settings = vec![
        ("lbfactor", member.lbfactor.to_string()),
        ("lbset", member.lbset.to_string()),
        ("route", member.route.to_string()),
        ("redirect", member.redirect.to_string()),
        ("hcmethod", health.method_name().to_owned()),
        ("hcinterval", health.interval.to_string()),
        ("hcpasses", health.passes.to_string()),
        ("hcfails", health.fails.to_string()),
        ("hcuri", health.uri.to_string()),
        ("hcexpr", health.expression.to_string()),
    ];
    let flags = MemberEdit::FLAGS.into_iter().filter(|(flag, _)| *flag != Flag::HealthFail);
    settings.extend(flags.map(|(flag, field)| (field, on_off(member.status.has(flag)))));
    settings
}

/// The settings of a balancer.
pub(super) fn of_balancer(balancer: &BalancerSnapshot) -> Vec<Setting> {
    let settings = &balancer.settings;
    vec![
        ("lbmethod", balancer.lbmethod_name().to_owned()),
        ("stickysession", settings.stickysession.as_ref().map(ToString::to_string).unwrap_or_default()),
        ("nofailover", on_off(settings.nofailover)),
        ("timeout", settings.timeout.to_string()),
        ("maxattempts", settings.maxattempts.map(|attempts| attempts.to_string()).unwrap_or_default()),
    ]
}

/// All subjects of a snapshot with their settings, balancers before their members.
pub(super) fn all(snapshot: &Snapshot) -> impl Iterator<Item = (Subject, Vec<Setting>)> {
    snapshot.balancers.iter().flat_map(|balancer| {
        let subject = |member| Subject { balancer: balancer.name.clone(), member };
        let own = std::iter::once((subject(None), of_balancer(balancer)));
        let members = balancer.members.iter();
        own.chain(members.map(move |member| (subject(Some(member.name.clone())), of_member(member))))
    })
}

/// One setting of a subject; none: the subject or the field is not there. Of a member also that it is there, by its name,
/// and whether it failed its check.
pub(super) fn get(snapshot: &Snapshot, subject: &Subject, field: &str) -> Option<String> {
    let balancer = snapshot.balancer(&subject.balancer)?;
    let settings = match &subject.member {
        None => of_balancer(balancer),
        Some(member) => {
            let member = balancer.member(member)?;
            if field == MEMBER {
                return Some(member.name.to_string());
            }
            if field == MemberEdit::TRANSIENT {
                return Some(on_off(member.status.has(Flag::HealthFail)));
            }
            of_member(member)
        }
    };
    settings.into_iter().find(|(known, _)| *known == field).map(|(_, value)| value)
}

/// What differs between two looks at the same subject.
pub(super) fn changes(before: &[Setting], after: &[Setting]) -> Vec<Change> {
    let pairs = before.iter().zip(after).filter(|(before, after)| before.1 != after.1);
    let change = |((field, before), (_, after)): (&Setting, &Setting)| Change {
        field: (*field).to_owned(),
        before: before.clone(),
        after: after.clone(),
    };
    pairs.map(change).collect()
}

/// A number that differs where settings differ, the same in every process.
pub(super) fn fingerprint(settings: &[Setting]) -> u32 {
    let mut hasher = DefaultHasher::new();
    settings.hash(&mut hasher);
    // Half of it tells apart well enough what somebody looks at, and leaves room for a count of turns above it.
    u32::try_from(hasher.finish() >> 32).unwrap_or(u32::MAX)
}
