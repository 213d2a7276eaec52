//! What comes in by itself: time, snapshots, events, answers, and connections lost and found.

use std::time::Duration;

use evenkeel_protocol::{DrainOutcome, Edited, Event, Snapshot};

use crate::called;
use crate::effect::Effect;
use crate::keymap::Action;
use crate::message::Clock;
use crate::model::batch::Outcome;
use crate::model::pending::Sent;
use crate::model::target::Target;
use crate::model::{Connection, Model, Screen, Seen, Tone, forgotten, form, wash};
use crate::news::{News, Ticket};
use crate::undurable::{self, Refused};
use crate::update::{drain, edit, found};

/// How long it is said that a change can be undone. It can be undone after that too.
pub(super) const UNDO: Duration = Duration::from_secs(10);

/// A second has passed. It counts as a change only if it shows.
pub(super) fn tick(model: &mut Model, clock: Clock) -> Vec<Effect> {
    let before = model.freshness();
    model.clock = clock;
    let toast_ended = model.end_toast();
    let after = model.freshness();
    let locked = super::lock::close_when_idle(model);
    model.changed |= toast_ended || before != after || locked;
    Vec::new()
}

/// The connection has something to tell.
pub(super) fn news(model: &mut Model, news: News) -> Vec<Effect> {
    match news {
        News::Connected => model.connection = Connection::Up,
        News::Snapshot(snapshot) => heard(model, *snapshot),
        News::Event(event) => return event_came(model, *event),
        News::Lost { why, next_try } => {
            let why = wash::sentence(&why);
            model.connection = Connection::Lost { why, since: model.clock.running, next_try };
        }
        News::Answer { ticket, outcome } => return answered(model, ticket, outcome),
        News::Reloaded { ticket, outcome } => return super::decision::reloaded(model, ticket, outcome),
        News::Drained { ticket, outcome } => return drain::answered(model, ticket, outcome),
        News::Found { need, outcome } => found::came(model, &need, outcome),
    }
    Vec::new()
}

/// A snapshot has come.
fn heard(model: &mut Model, snapshot: Snapshot) {
    model.connection = Connection::Up;
    let configuration = model.roster.snapshot().map(|known| known.proxy.configuration.clone());
    if configuration.is_none() && called::is_ours(&snapshot.proxy) {
        model.tell(Tone::Plain, called::MORE);
    }
    let before = model.roster.snapshot();
    let stood = model.cursor.chosen().filter(|chosen| {
        before.is_some_and(|seen| chosen.find(seen).is_some()) && !model.pending.removes(chosen)
    });
    let stood = stood.map(|chosen| (chosen.clone(), chosen.label(before)));
    let refused = before.map(Refused::of).unwrap_or_default();
    let has_turned = model.roster.hear(snapshot, model.clock.running);
    let turned = has_turned.then(|| restarted(model, refused));
    if let Some(snapshot) = model.roster.snapshot() {
        model.pending.shown(snapshot);
        model.lost.hear(snapshot);
    }
    model.cursor.prune(&model.roster);
    model.cursor.settle(&model.roster);
    let gone = stood.and_then(|(target, label)| gone(model, &target, &label));
    let told: Vec<String> = gone.into_iter().chain(turned).collect();
    if !told.is_empty() {
        model.tell(Tone::Alarm, told.join("; "));
    }
    if has_turned {
        super::lock::close_for_another(model, configuration.as_deref());
    }
    drain::settle(model);
    found::go_on(model);
    correct(model);
}

/// Another run of the proxy answers: what it counts begins anew, and what the disk had refused is gone. Gives the words
/// for that.
fn restarted(model: &mut Model, refused: Refused) -> String {
    model.pending.restarted();
    model.own.restarted();
    if model.who() == called::HTTPD {
        return "httpd was restarted, perhaps gracefully: requests of before are not counted any more"
            .to_owned();
    }
    if let Some(popup) = &mut model.popup {
        popup.outlive();
    }
    let lost = model.roster.snapshot().and_then(|snapshot| {
        model.lost = refused.lost(snapshot);
        // It stands above the screen until somebody sees to it, unless what is refused now takes its room.
        let said = || model.lost.sentence(|it| forgotten::whose(it, snapshot), |_| true);
        undurable::is_about_what_was_done(snapshot).then(said).flatten()
    });
    lost.unwrap_or_else(|| "the proxy was restarted: its counters begin anew".to_owned())
}

/// That the member that was under the cursor is there no longer, and on whom the cursor is now; none: it is there.
fn gone(model: &Model, target: &Target, label: &str) -> Option<String> {
    let snapshot = model.roster.snapshot()?;
    if target.find(snapshot).is_some() {
        return None;
    }
    Some(match model.cursor.chosen() {
        Some(now) => format!("{label} is gone; the cursor is on {} now", now.label(Some(snapshot))),
        None => format!("{label} is gone"),
    })
}

/// Corrects bad news that are seen not to be true any more.
fn correct(model: &mut Model) {
    let Some(seen) = model.toast.as_ref().and_then(|toast| toast.until_seen.clone()) else { return };
    match seen {
        Seen::Changeable if edit::hindrance(model).is_none() => model.toast = None,
        Seen::Holding(target, wanted) => {
            let Some((_, member)) = edit::found(model, &target) else { return };
            let holds =
                |(field, value): &(String, String)| form::value(member, field).eq_ignore_ascii_case(value);
            if wanted.is_empty() || !wanted.iter().all(holds) {
                return;
            }
            let what: Vec<String> = wanted.iter().map(|(field, value)| format!("{field}={value}")).collect();
            let label = target.label(model.roster.snapshot());
            model.tell(Tone::Plain, format!("{label}: seen to hold after all: {}", what.join(", ")));
        }
        Seen::Ended(number) => {
            let drains = model.roster.snapshot().map_or(&[][..], |snapshot| &snapshot.drains);
            let outcome = drains.iter().find(|drain| drain.number == number).and_then(|drain| drain.outcome);
            let holds = |outcome| matches!(outcome, DrainOutcome::SafeToStop | DrainOutcome::Idle);
            if outcome.is_some_and(|outcome| !holds(outcome)) {
                model.toast = None;
            }
        }
        Seen::Changeable | Seen::Understood => {}
    }
}

fn event_came(model: &mut Model, mut event: Event) -> Vec<Effect> {
    wash::event(&mut event);
    if let Some(Ok(past)) = &mut model.gathered.past {
        past.mark(&event);
    }
    let known = model.roster.snapshot().is_some_and(|snapshot| snapshot.event >= event.number);
    if !model.log.push(event) {
        return Vec::new();
    }
    if let Screen::Events { at, since } = &mut model.screen {
        // Whoever reads further down keeps the same event under the cursor.
        if *at > 0 {
            *at = at.saturating_add(1).min(model.log.behind(*since).count().saturating_sub(1));
        }
    }
    if known { Vec::new() } else { vec![Effect::Refresh] }
}

fn answered(model: &mut Model, ticket: Ticket, outcome: Result<Box<Edited>, String>) -> Vec<Effect> {
    if super::decision::settle(model, ticket, &outcome) {
        return vec![Effect::Refresh];
    }
    let outcome = outcome.map(|mut edited| {
        wash::edited(&mut edited);
        (edited.revision, edited)
    });
    settle(model, ticket, outcome, |model, sent, edited| {
        super::undo::note(model, sent, &edited);
        let in_part = super::undo::in_part(model, sent, &edited);
        let whole = in_part.is_none() && (edited.durable || !edited.changed);
        let line = in_part.unwrap_or_else(|| sent.act.done(&sent.label, &edited));
        Some(Came { line, whole, undoable: edited.changed, until_seen: None })
    })
}

/// What came of something that was sent.
pub(super) struct Came {
    pub(super) line: String,
    /// Is it as it should be, and will it survive a restart of the proxy?
    pub(super) whole: bool,
    pub(super) undoable: bool,
    /// What makes the line untrue while it is shown.
    pub(super) until_seen: Option<Seen>,
}

/// Something that was sent was answered, with the revision that will show it: the operator is told, and what waits for
/// the answer goes on.
pub(super) fn settle<T>(
    model: &mut Model,
    ticket: Ticket,
    outcome: Result<(u64, T), String>,
    told: impl FnOnce(&mut Model, &Sent, T) -> Option<Came>,
) -> Vec<Effect> {
    match outcome {
        Ok((revision, answer)) => {
            let sent = model.pending.answer(ticket, Some(revision));
            let came = sent.and_then(|sent| told(model, &sent, answer).map(|came| (sent, came)));
            if let Some((sent, Came { line, whole, undoable, until_seen })) = came {
                let outcome = if whole { Outcome::Done(line.clone()) } else { Outcome::Loose(line.clone()) };
                if !super::many::answered(model, ticket, outcome) {
                    let more = undoable.then(|| hint(model, &sent));
                    let tone = if whole { Tone::Good } else { Tone::Alarm };
                    model.tell_for(if whole { UNDO } else { UNDO * 2 }, tone, (line, more));
                    if let Some(toast) = &mut model.toast {
                        toast.until_seen = until_seen;
                    }
                }
            }
            if let Some(snapshot) = model.roster.snapshot() {
                model.pending.shown(snapshot);
            }
        }
        Err(why) => {
            if let Some(sent) = model.pending.answer(ticket, None) {
                let why = wash::sentence(&why);
                if !super::many::answered(model, ticket, Outcome::Refused(why.clone())) {
                    let wanted = sent.act.wanted();
                    model.tell_until(Seen::Holding(sent.target, wanted), format!("{}: {why}", sent.label));
                }
            }
        }
    }
    let mut effects = super::many::go_on(model);
    effects.push(Effect::Refresh);
    effects
}

/// What can be done about a change that was made.
fn hint(model: &Model, sent: &Sent) -> String {
    let command = model.commands.first().map_or("", String::as_str);
    let [undo, yank] = [Action::Undo, Action::Yank].map(|action| model.keymap.way(action));
    if sent.act.is_undo() {
        format!("{yank} copies: {command}")
    } else {
        format!("{undo} undoes   {yank} copies: {command}")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::message::{Key, Message};
    use crate::model::{Freshness, Popup, sample};
    use crate::update::update;

    fn hear(model: &mut Model, news: News) -> Vec<Effect> {
        update(model, Message::News(news))
    }

    fn tick_to(model: &mut Model, second: u64) -> bool {
        model.changed = false;
        update(model, Message::Tick(sample::clock(second)));
        model.changed
    }

    fn toast(model: &Model) -> &str {
        model.toast.as_ref().map_or("", |toast| toast.text.as_str())
    }

    /// That node1 becomes a hot standby was asked and confirmed.
    fn asked(model: &mut Model) {
        update(model, Message::Key(Key::Char('H')));
        update(model, Message::Painted);
        assert_eq!(update(model, Message::Key(Key::Char('y'))).len(), 1);
    }

    #[test]
    fn a_change_is_pending_until_the_proxy_shows_it() {
        let (mut model, target) = (sample::model(80, 24), sample::target("node1"));
        asked(&mut model);
        assert!(model.pending.has(&target));
        let answer = Ok(Box::new(sample::edited("drain", "Off", "On")));
        assert_eq!(hear(&mut model, News::Answer { ticket: Ticket(1), outcome: answer }), [Effect::Refresh]);
        assert_eq!(toast(&model), "app/node1 is a hot standby");
        assert!(model.pending.has(&target), "the snapshot is older than the edit");
        let mut snapshot = sample::snapshot(62);
        snapshot.balancers[0].members[0].revision = 4;
        hear(&mut model, News::Snapshot(Box::new(snapshot)));
        assert!(model.pending.is_empty());
    }

    #[test]
    fn a_member_that_vanishes_under_the_cursor_is_named_with_whom_the_cursor_is_on_now() {
        let mut model = sample::model(80, 24);
        update(&mut model, Message::Key(Key::Char('j')));
        update(&mut model, Message::Key(Key::Char('j')));
        let mut snapshot = sample::snapshot(62);
        snapshot.balancers[0].members.pop();
        snapshot.proxy.started = evenkeel_protocol::Timestamp(7);
        hear(&mut model, News::Snapshot(Box::new(snapshot.clone())));
        assert_eq!(
            toast(&model),
            "app/node3 is gone; the cursor is on app/node2 now; the proxy was restarted: its counters begin anew"
        );
        hear(&mut model, News::Snapshot(Box::new(snapshot)));
        assert!(toast(&model).starts_with("app/node3 is gone"), "it is told once: {}", toast(&model));
    }

    #[test]
    fn a_refusal_is_told_in_the_proxys_words_made_clean() {
        let mut model = sample::model(80, 24);
        asked(&mut model);
        let outcome = Err("it was changed since you looked\u{1b}[2J".to_owned());
        hear(&mut model, News::Answer { ticket: Ticket(1), outcome });
        assert_eq!(toast(&model), "app/node1: it was changed since you looked\u{fffd}[2J");
        assert!(model.pending.is_empty());
        hear(&mut model, News::Answer { ticket: Ticket(77), outcome: Err("not asked".to_owned()) });
        assert!(toast(&model).starts_with("app/node1"));
    }

    #[test]
    fn what_will_not_survive_a_restart_is_an_alarm() {
        let mut model = sample::model(80, 24);
        asked(&mut model);
        let edited = Edited { durable: false, ..sample::edited("drain", "Off", "On") };
        hear(&mut model, News::Answer { ticket: Ticket(1), outcome: Ok(Box::new(edited)) });
        assert!(toast(&model).ends_with("NOT kept over a restart"));
        assert_eq!(model.toast.as_ref().map(|toast| toast.tone), Some(Tone::Alarm));
    }

    #[test]
    fn a_silent_proxy_becomes_stale_and_a_lost_one_counts_down() {
        let mut model = sample::model(80, 24);
        assert_eq!(model.freshness(), Freshness::Live);
        assert!(!tick_to(&mut model, 62), "nothing that shows has changed");
        assert!(!tick_to(&mut model, 63));
        assert!(tick_to(&mut model, 64));
        assert_eq!(model.freshness(), Freshness::Stale(3));
        let lost = News::Lost { why: "connection refused".to_owned(), next_try: Duration::from_secs(4) };
        hear(&mut model, lost);
        let lost = |age, next_try| Freshness::Lost {
            age: Some(age),
            why: "connection refused".to_owned(),
            next_try,
        };
        assert_eq!(model.freshness(), lost(3, 4));
        assert!(tick_to(&mut model, 66));
        assert_eq!(model.freshness(), lost(5, 2));
        tick_to(&mut model, 100);
        assert_eq!(model.freshness(), lost(39, 0));
        hear(&mut model, News::Connected);
        assert_eq!(model.freshness(), Freshness::Stale(39));
        hear(&mut model, News::Snapshot(Box::new(sample::snapshot(100))));
        assert_eq!(model.freshness(), Freshness::Live);
    }

    #[test]
    fn what_was_told_as_not_done_is_corrected_when_it_is_seen_to_hold() {
        let mut model = sample::model(80, 24);
        asked(&mut model);
        let outcome = Err("unknown whether it took".to_owned());
        hear(&mut model, News::Answer { ticket: Ticket(1), outcome });
        assert!(toast(&model).contains("unknown whether"), "{}", toast(&model));
        hear(&mut model, News::Snapshot(Box::new(sample::snapshot(62))));
        assert!(toast(&model).contains("unknown whether"), "it does not hold: {}", toast(&model));
        let mut snapshot = sample::snapshot(63);
        for member in snapshot.balancers.iter_mut().flat_map(|balancer| &mut balancer.members) {
            member.status = member.status.with(evenkeel_protocol::Flag::Standby, true);
        }
        hear(&mut model, News::Snapshot(Box::new(snapshot)));
        let told = model.toast.as_ref().unwrap();
        assert_eq!((told.tone, told.text.contains("hold after all")), (Tone::Plain, true), "{told:?}");
    }

    #[test]
    fn that_nothing_can_be_changed_is_not_said_any_longer_than_it_is_so() {
        let mut model = sample::model(80, 24);
        hear(&mut model, News::Lost { why: "refused".to_owned(), next_try: Duration::from_secs(4) });
        update(&mut model, Message::Key(Key::Char('d')));
        assert!(toast(&model).contains("nothing can be changed"), "{}", toast(&model));
        hear(&mut model, News::Snapshot(Box::new(sample::snapshot(62))));
        assert_eq!(model.toast, None);
    }

    #[test]
    fn toasts_end_and_bad_news_stay_longer() {
        let mut model = sample::model(80, 24);
        model.tell(Tone::Good, "done");
        assert!(!tick_to(&mut model, 63));
        tick_to(&mut model, 69);
        assert_eq!(model.toast, None);
        model.tell(Tone::Alarm, "refused");
        tick_to(&mut model, 80);
        assert!(model.toast.is_some());
        tick_to(&mut model, 90);
        assert_eq!(model.toast, None);
    }

    #[test]
    fn an_event_asks_for_what_it_changed_once() {
        let mut model = sample::model(80, 24);
        let event = || News::Event(Box::new(sample::failed_event(3)));
        assert_eq!(hear(&mut model, event()), [Effect::Refresh]);
        assert_eq!(hear(&mut model, event()), [], "known already");
        let mut later = sample::snapshot(62);
        later.event = 4;
        hear(&mut model, News::Snapshot(Box::new(later)));
        assert_eq!(hear(&mut model, News::Event(Box::new(sample::failed_event(4)))), [], "shown already");
    }

    #[test]
    fn a_restart_in_the_middle_of_a_question_is_told_and_closes_nothing() {
        let mut model = sample::model(80, 24);
        update(&mut model, Message::Key(Key::Char('d')));
        let mut other = sample::snapshot(62);
        other.proxy.started.0 += 1;
        other.balancers.remove(0);
        hear(&mut model, News::Snapshot(Box::new(other)));
        assert!(matches!(model.popup, Some(Popup::Confirm(_))));
        assert!(toast(&model).ends_with("; the proxy was restarted: its counters begin anew"));
    }
}
