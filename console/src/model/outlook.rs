//! What an act on one member or many will do, and how much it takes to agree to it: acts are as grave as what they risk.

use std::collections::HashSet;

use evenkeel_protocol::{
    BalancerName, BalancerSnapshot, Flag, MemberName, MemberSnapshot, PlanPreview, Snapshot,
};

use crate::ability::Ability;
use crate::called;
use crate::lineup::{Hold, Loss, Place, newcomers, places};
use crate::model::act::{Act, Turn};
use crate::model::consequence::{Remark, Tone, UNCOUNTED, consequences, idle, is_let_go_of, who_is_left};
use crate::model::drains::{Drainage, STAYS_STOPPED, is_stopped_by_deadline};
use crate::model::forecast;
use crate::model::gathered::Gathered;
use crate::model::question::{Question, Subject};

/// How much it takes to agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    /// Nobody notices, and it can be taken back: one key.
    Light,
    /// Somebody may notice: a yes, and nothing that is pressed by habit.
    Heavy,
    /// It takes the last one away: it has to be spelt out.
    Last,
}

/// What will happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlook {
    /// In sentences, warnings first.
    pub remarks: Vec<Remark>,
    /// How much it takes to agree.
    pub gravity: Gravity,
}

/// What the answer "yes" to `question` would do, by the numbers of `snapshot`; of many, by what the proxy itself has
/// foreseen, once it has.
pub fn outlook(snapshot: &Snapshot, question: &Question, gathered: &Gathered) -> Outlook {
    let (subjects, act) = (&question.subjects, &question.act);
    let plan = gathered.plan.as_ref().and_then(|plan| plan.as_ref().ok());
    let mut remarks = Vec::new();
    let mut takes_last = false;
    let among = Among::of(subjects);
    let one = match subjects.as_slice() {
        [one] => one.target.find(snapshot),
        _ => None,
    };
    for balancer in &snapshot.balancers {
        let touched = |member: &MemberSnapshot| among.has(balancer, member);
        if !balancer.members.iter().any(touched) {
            continue;
        }
        let before = places(balancer);
        let after: Vec<Place> = balancer
            .members
            .iter()
            .zip(&before)
            .map(|(member, place)| if touched(member) { Place::after(member, &act.edit(0)) } else { *place })
            .collect();
        let usable_after = after.iter().filter(|place| place.status.is_usable()).count();
        let offered = [newcomers(&before), newcomers(&after)];
        takes_last |= Loss::between(Hold::of(&before), Hold::of(&after)).is_some();
        // Whoever can get a request at any time is spelt out, lest what it takes to agree change under the hands.
        takes_last |= matches!(act, Act::Remove { .. })
            && balancer.members.iter().any(|member| touched(member) && !is_let_go_of(member));
        if one.is_none() && plan.is_none() {
            remarks.extend(who_is_left(balancer, &offered, usable_after));
        }
    }
    match one {
        Some((balancer, member)) => {
            remarks = consequences(balancer, member, (act, forecast::has_notes(gathered)), snapshot);
            let shared = matches!(act, Act::Drain(Drainage::Begin(_)));
            let places = snapshot.places(&balancer.name, &member.name).filter(|_| shared);
            let shared = places.and_then(|places| places.before_a_drain());
            remarks.splice(0..0, shared.map(|text| Remark { tone: Tone::Plain, text }));
        }
        // Who vanished is told by the question itself.
        None if subjects.len() == 1 => {}
        None => {
            let of_many = of_many(snapshot, question, (&among, plan));
            remarks.extend(shared_of_many(snapshot, question).into_iter().chain(of_many));
        }
    }
    if let (None, Some(plan)) = (one, plan) {
        let serving_go = takes_last && matches!(act, Act::Remove { .. });
        takes_last = serving_go || forecast::is_guarded_plan(plan);
    }
    remarks.extend(deadline_of_ours(snapshot, act));
    remarks.extend(stays_stopped(snapshot, question));
    remarks.sort_by_key(|remark| remark.tone == Tone::Plain);
    let warns = remarks.iter().any(|remark| remark.tone == Tone::Warning);
    let gravity = match () {
        () if act.is_relief() => Gravity::Light,
        () if takes_last => Gravity::Last,
        () if warns || turns_off(act) => Gravity::Heavy,
        () => Gravity::Light,
    };
    Outlook { remarks, gravity }
}

/// That a deadline is kept here and not by the proxy, which runs no drains; none: it runs them, or there is no deadline.
fn deadline_of_ours(snapshot: &Snapshot, act: &Act) -> Option<Remark> {
    let Act::Drain(Drainage::Begin(order)) = act else { return None };
    order.timeout?.span()?;
    Ability::Jobs.lacked_by(&snapshot.proxy)?;
    let who = if called::is_ours(&snapshot.proxy) { "Through its page the proxy" } else { "httpd" };
    let text = format!("{who} keeps no deadline: it counts only while this console is open.");
    Some(Remark { tone: Tone::Warning, text })
}

/// That what is taken back was a drain whose deadline has stopped the member; none: it is as before then.
fn stays_stopped(snapshot: &Snapshot, question: &Question) -> Option<Remark> {
    let Act::Undo { edit, .. } = &question.act else { return None };
    let stays = |one: &Subject| edit.stopped.is_none() && is_stopped_by_deadline(snapshot, &one.target);
    let text = format!("It is not as before then: {STAYS_STOPPED}.");
    question.subjects.iter().any(stays).then_some(Remark { tone: Tone::Warning, text })
}

/// The members that a question is about, to be found fast: it may be about all of a thousand.
struct Among<'a>(HashSet<(&'a BalancerName, &'a MemberName)>);

impl<'a> Among<'a> {
    fn of(subjects: &'a [Subject]) -> Self {
        Self(subjects.iter().map(|subject| (&subject.target.balancer, &subject.target.member)).collect())
    }

    fn has(&self, balancer: &BalancerSnapshot, member: &MemberSnapshot) -> bool {
        self.0.contains(&(&balancer.name, &member.name))
    }
}

/// Does it end what a member serves now?
fn turns_off(act: &Act) -> bool {
    let flags = [Flag::Disabled, Flag::Stopped, Flag::HealthFail];
    let edit = act.edit(0);
    flags.into_iter().any(|flag| edit.flag(flag) == Some(true))
}

/// In which other balancers the processes of many members serve; none: in none, or nobody waits for them.
fn shared_of_many(snapshot: &Snapshot, question: &Question) -> Option<Remark> {
    let Act::Drain(Drainage::Begin(_)) = question.act else { return None };
    let members: Vec<_> =
        question.subjects.iter().map(|it| (&it.target.balancer, &it.target.member)).collect();
    Some(Remark { tone: Tone::Plain, text: snapshot.before_drains(&members)? })
}

/// What is said of many together.
fn of_many(
    snapshot: &Snapshot,
    question: &Question,
    (among, plan): (&Among<'_>, Option<&PlanPreview>),
) -> Vec<Remark> {
    let act = &question.act;
    let plain = |text: String| Remark { tone: Tone::Plain, text };
    let all = snapshot.balancers.iter().flat_map(|b| b.members.iter().map(move |member| (b, member)));
    let found: Vec<(&BalancerSnapshot, &MemberSnapshot)> =
        all.filter(|(balancer, member)| among.has(balancer, member)).collect();
    let mut remarks = Vec::new();
    let gone = question.subjects.len().saturating_sub(found.len());
    if gone > 0 {
        remarks.push(Remark {
            tone: Tone::Warning,
            text: format!("{gone} of them {} no longer there.", are(gone)),
        });
    }
    let is_so = |member: &MemberSnapshot| Place::after(member, &act.edit(0)) == Place::of(member);
    let so = found.iter().filter(|(_, member)| is_so(member)).count();
    if so > 0 && act.changes().is_empty() {
        remarks.push(plain(format!("{so} of them {} so already.", are(so))));
    }
    let holds = |(balancer, member): &&(&BalancerSnapshot, &MemberSnapshot)| {
        balancer.settings.stickysession.is_some() && !member.route.is_empty() && member.status.is_usable()
    };
    let sticky = found.iter().filter(holds).count();
    if let Some(plan) = plan {
        remarks.extend(forecast::of_plan(plan, snapshot));
    } else if turns_off(act) && sticky > 0 {
        remarks
            .push(Remark { tone: Tone::Warning, text: format!("Breaks the sessions of {sticky} of them.") });
    } else if matches!(act, Act::Flag(Flag::Drain, Turn::On)) && sticky > 0 {
        remarks.push(plain(format!("Sessions of {sticky} of them still arrive there until they end.")));
    }
    if !act.is_relief() && act.changes().is_empty() {
        let mut busy = found.iter().map(|(_, member)| member.in_flight());
        let busy = busy.try_fold(0, |sum: u64, busy| Some(sum.saturating_add(busy?)));
        remarks.push(plain(match busy.unwrap_or_default() {
            _ if busy.is_none() => UNCOUNTED.to_owned(),
            0 if found.len() == 1 => idle(&snapshot.proxy, ""),
            0 => idle(&snapshot.proxy, " on any of them"),
            1 => "1 request in flight may finish.".to_owned(),
            busy => format!("{busy} requests in flight may finish."),
        }));
    }
    remarks.push(plain("One after another; one that is refused stops none of the others.".to_owned()));
    remarks
}

fn are(count: usize) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::Status;

    use super::*;
    use crate::model::sample;
    use crate::model::target::Target;

    fn asked(snapshot: &Snapshot, places: &[(usize, usize)], act: Act) -> Outlook {
        let subjects = places
            .iter()
            .map(|(b, m)| {
                let (balancer, member) = (&snapshot.balancers[*b], &snapshot.balancers[*b].members[*m]);
                let target = Target::of(balancer, member);
                Subject { label: target.label(Some(snapshot)), target, revision: member.revision }
            })
            .collect();
        outlook(snapshot, &Question::new(subjects, act), &Gathered::default())
    }

    #[test]
    fn an_act_is_as_grave_as_what_it_risks() {
        let on = |flag| Act::Flag(flag, Turn::On);
        let snapshot = sample::snapshot(0);
        let mut well = sample::snapshot(0);
        for member in &mut well.balancers[0].members {
            member.status = Status::INITIALISED;
        }
        for (what, snapshot, places, act, gravity) in [
            ("a drain with others left", &well, &[(0, 0)][..], on(Flag::Drain), Gravity::Light),
            ("two of three", &well, &[(0, 0), (0, 1)], on(Flag::Drain), Gravity::Light),
            ("all three", &well, &[(0, 0), (0, 1), (0, 2)], on(Flag::Drain), Gravity::Last),
            ("the last one for new users", &snapshot, &[(0, 0)], on(Flag::Drain), Gravity::Last),
            ("breaks sessions", &well, &[(0, 0)], on(Flag::Disabled), Gravity::Heavy),
            ("no session there", &well, &[(1, 0)], on(Flag::Disabled), Gravity::Heavy),
            (
                "the last two of one, one of another",
                &snapshot,
                &[(0, 0), (0, 1), (1, 0)],
                on(Flag::Stopped),
                Gravity::Last,
            ),
            ("a standby", &well, &[(1, 0)], on(Flag::Standby), Gravity::Light),
            ("enable one that stays in error", &snapshot, &[(0, 2)], Act::Enable, Gravity::Light),
            ("undrain", &snapshot, &[(0, 1)], Act::Flag(Flag::Drain, Turn::Off), Gravity::Light),
            ("nobody was there before", &snapshot, &[(0, 2)], on(Flag::Disabled), Gravity::Heavy),
        ] {
            assert_eq!(asked(snapshot, places, act).gravity, gravity, "{what}");
        }
    }

    #[test]
    fn a_drain_names_the_other_balancers_in_which_the_process_serves() {
        let mut snapshot = sample::snapshot(0);
        let name = snapshot.balancers[0].members[0].name.clone();
        let balancer = snapshot.balancers[1].name.clone();
        let begin = Drainage::usual(&snapshot.balancers[0], &snapshot.balancers[0].members[0]);
        let about = |snapshot: &Snapshot, act| {
            let remarks = asked(snapshot, &[(0, 0)], act).remarks.into_iter();
            remarks.map(|remark| remark.text).find(|text| text.contains("The same process"))
        };
        assert_eq!(about(&snapshot, Act::Drain(begin.clone())), None);
        let other = &mut snapshot.balancers[1].members[0];
        (other.name, other.busy, other.status) = (name, 4, Status::INITIALISED);
        let label = format!(
            "{balancer}/{}",
            if other.route.is_empty() { other.name.short() } else { other.route.as_str() }
        );
        let says = format!(
            "The same process still serves in {balancer} (4 in flight): the drain waits for what is in flight there"
        );
        assert_eq!(
            about(&snapshot, Act::Drain(begin.clone())),
            Some(format!("{says}, and it takes new requests there (drain {label} too)."))
        );
        assert_eq!(about(&snapshot, Act::Flag(Flag::Stopped, Turn::On)), None, "nobody waits");
        let other = &mut snapshot.balancers[1].members[0];
        other.status = other.status.with(Flag::Drain, true);
        assert_eq!(about(&snapshot, Act::Drain(begin.clone())), Some(format!("{says}.")));
        snapshot.balancers[1].members[0].busy = 0;
        assert_eq!(about(&snapshot, Act::Drain(begin)), None, "nothing is there");
    }

    #[test]
    fn a_drain_of_many_names_the_balancers_in_which_their_processes_stay() {
        let mut snapshot = sample::snapshot(0);
        let [one, two] = [0, 1].map(|at: usize| snapshot.balancers[0].members[at].name.clone());
        let begin = Drainage::usual(&snapshot.balancers[0], &snapshot.balancers[0].members[0]);
        let about = |snapshot: &Snapshot, places: &[(usize, usize)], act| {
            let remarks = asked(snapshot, places, act).remarks.into_iter();
            remarks.map(|remark| remark.text).find(|text| text.starts_with("The process"))
        };
        let both = [(0, 0), (0, 1)];
        assert_eq!(about(&snapshot, &both, Act::Drain(begin.clone())), None);
        let balancer = snapshot.balancers[1].name.clone();
        let other = &mut snapshot.balancers[1].members[0];
        (other.name, other.busy, other.status) = (one, 4, Status::INITIALISED);
        let label = format!("{balancer}/{}", other.name.short());
        let says = format!(
            "The process of 1 of them still serves in {balancer} (4 in flight): its drain waits for what is in flight \
             there, and it takes new requests there (drain {label} too)."
        );
        assert_eq!(about(&snapshot, &both, Act::Drain(begin.clone())), Some(says));
        assert_eq!(about(&snapshot, &both, Act::Flag(Flag::Stopped, Turn::On)), None, "nobody waits");
        let marked_too = [(0, 0), (0, 1), (1, 0)];
        assert_eq!(about(&snapshot, &marked_too, Act::Drain(begin.clone())), None, "it drains there too");
        // In four more balancers.
        for at in 0..4 {
            let mut more = snapshot.balancers[1].clone();
            more.name = format!("more{at}").parse().unwrap();
            more.members[0].name = two.clone();
            more.members[0].status = more.members[0].status.with(Flag::Drain, at > 0);
            snapshot.balancers.push(more);
        }
        let says = format!(
            "The processes of 2 of them still serve in {balancer} (4 in flight), more0 (4 in flight), more1 (4 in flight) \
             and 2 more: their drains wait for what is in flight there, and they take new requests in \
             {balancer}, more0 (drain {label}, more0/{} too).",
            two.short()
        );
        assert_eq!(about(&snapshot, &both, Act::Drain(begin)), Some(says));
    }

    #[test]
    fn many_are_told_together() {
        let snapshot = sample::snapshot(0);
        let told = asked(&snapshot, &[(0, 0), (0, 1), (1, 0)], Act::Flag(Flag::Disabled, Turn::On));
        let texts: Vec<&str> = told.remarks.iter().map(|remark| remark.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "This leaves NO usable member in app: clients get 503.",
                "Breaks the sessions of 2 of them.",
                "Then new users go to 10.0.2.12.",
                "4 requests in flight may finish.",
                "One after another; one that is refused stops none of the others.",
            ]
        );
        let told = asked(&snapshot, &[(0, 0), (0, 1)], Act::Flag(Flag::Drain, Turn::On));
        assert!(told.remarks.iter().any(|remark| remark.text == "1 of them is so already."), "{told:?}");
    }
}
