//! Undo: the fields that an edit changed get the values of before, if they still are as it left them and nobody
//! touched one of them since. It is an edit like any other, and goes through the same door.

use evenkeel_protocol::{
    BalancerEdit, BalancerName, Change, Code, Event, EventKind, MemberAddition, MemberEdit, MemberRemoval,
    PassedOver, Peer, Refusal, Subject, UndoOrder, Undone,
};

use super::door::{Asker, Wanted, author, is_edit_of};
use super::layers::touches;
use super::roster::{Room, RosterEdit};
use super::{LiveBalancer, Registry};
use crate::journal::roster::FIELD;

mod standing;

use standing::{Standing, undoes};

/// How many edits that cannot be taken back are passed over on the way to one that can.
const FURTHEST: usize = 16;

/// An edit that can be undone.
struct Made<'a> {
    subject: Subject,
    changes: &'a [Change],
    by: Option<&'a Peer>,
    reason: Option<&'a String>,
}

/// The edit that an event tells of; none: it tells of something else.
fn made(event: &Event) -> Option<Made<'_>> {
    let (balancer, member, changes, by, reason) = match &event.kind {
        EventKind::MemberEdited { balancer, member, changes, by, reason, .. } => {
            (balancer, Some(member), changes, by, reason)
        }
        EventKind::BalancerEdited { balancer, changes, by, reason, .. } => {
            (balancer, None, changes, by, reason)
        }
        _ => return None,
    };
    let subject = Subject { balancer: balancer.clone(), member: member.cloned() };
    Some(Made { subject, changes, by: by.as_ref(), reason: reason.as_ref() })
}

/// The answer about that edit before anything is done or previewed.
fn looked_at(event: &Event, made: &Made<'_>, passed: Vec<PassedOver>) -> Undone {
    Undone {
        undoes: event.number,
        does_again: undoes(event),
        at: event.at,
        reason: made.reason.cloned(),
        edited: None,
        preview: None,
        passed,
    }
}

/// Why the last edit stays, and what there is `beside` it.
fn in_the_way(refusal: Refusal, passed: &[PassedOver], beside: &str) -> Refusal {
    let number = passed.first().map_or(0, |passed| passed.event);
    Refusal {
        message: format!("event {number} cannot be taken back: {}{beside}", refusal.message),
        ..refusal
    }
}

/// Are they the same person, as far as the system tells?
fn is_same(one: Option<&Peer>, other: Option<&Peer>) -> bool {
    let person = |peer: &Peer| (peer.uid, peer.login.as_ref().map(|login| login.uid));
    one.zip(other).is_some_and(|(one, other)| person(one) == person(other))
}

/// What takes back that a member came or went.
pub(crate) struct RosterInverse {
    pub(crate) balancer: BalancerName,
    pub(crate) undone: Undone,
    wanted: Inverted,
}

enum Inverted {
    Add(MemberAddition),
    Remove(String, MemberRemoval),
}

impl RosterInverse {
    /// What does not come back of who comes again; none: somebody goes.
    pub(crate) fn note(&self) -> Option<String> {
        const LOST: &str = "It comes back with the settings and flags that it had when it was removed, but behind \
                            the others, and its counters begin anew.";
        matches!(self.wanted, Inverted::Add(_)).then(|| LOST.to_owned())
    }

    pub(crate) fn edit(&self) -> RosterEdit<'_> {
        match &self.wanted {
            Inverted::Add(addition) => RosterEdit::Add(addition, Room::Ample),
            Inverted::Remove(member, removal) => RosterEdit::Remove(member, removal),
        }
    }
}

impl Registry {
    /// What takes an edit back that was of a roster; none: it was of something else.
    pub(crate) fn inverse_of_roster(
        &self,
        order: &UndoOrder,
        by: Option<&Peer>,
    ) -> Result<Option<RosterInverse>, Refusal> {
        let (event, passed) = self.undoable(order, by)?;
        let Some(made) = made(&event) else { return Err(no_edit(event.number)) };
        let Some(Change { before, after, .. }) = made.changes.iter().find(|change| change.field == FIELD)
        else {
            return Ok(None);
        };
        let (reason, force, balancer) = (order.reason.clone(), order.force, made.subject.balancer.clone());
        let of_line = MemberAddition::of_line(if after.is_empty() { before } else { after });
        let url = of_line.url.clone();
        if !force {
            self.refuse_touched_since(
                &event,
                &Subject { balancer: balancer.clone(), member: url.parse().ok() },
            )?;
        }
        let wanted = if after.is_empty() {
            Inverted::Add(MemberAddition { reason, ..of_line })
        } else {
            Inverted::Remove(url, MemberRemoval { revision: None, force, reason })
        };
        let undone = looked_at(&event, &made, passed);
        Ok(Some(RosterInverse { balancer, undone, wanted }))
    }

    /// A member that somebody edited since is not the one that came.
    fn refuse_touched_since(&self, event: &Event, member: &Subject) -> Result<(), Refusal> {
        let standing = Standing::now(&self.events);
        let later = |later: &Event| {
            later.number > event.number && is_edit_of(later, member) && !standing.is_void(later, event.number)
        };
        let Some(later) = self.events.find_last(later) else { return Ok(()) };
        let name = member.member.as_ref().map_or("", |member| member.as_str());
        let message = format!(
            "{name} was edited since, by {} (event {}); --force undoes it all the same",
            author(&later),
            later.number
        );
        Err(Refusal::field(Code::Stale, FIELD, message))
    }

    /// Takes an edit back, or looks what that would do.
    pub(crate) fn undo(&self, order: &UndoOrder, by: Option<Peer>) -> Result<Undone, Refusal> {
        let (event, passed) = self.undoable(order, by.as_ref())?;
        let Some(made) = made(&event) else { return Err(no_edit(event.number)) };
        let mut undone = looked_at(&event, &made, passed);
        let edit = Inverse::of(&made, order)?;
        let wanted = edit.wanted();
        if order.dry_run {
            let live = self.find(&made.subject.balancer)?;
            self.refuse_touched(&event, &made, &live, wanted)?;
            undone.preview = Some(self.preview(&live, wanted)?);
            return Ok(undone);
        }
        let reason = order.reason.as_ref().map(|reason| reason.as_str().to_owned());
        let outcome = {
            let mut journal = self.writer();
            self.find(&made.subject.balancer).and_then(|live| {
                self.refuse_touched(&event, &made, &live, wanted)?;
                let asker = Asker { undoes: Some(event.number), ..by.clone().into() };
                self.change(&mut journal, &live, wanted, &asker)
            })
        };
        undone.edited = Some(self.told(outcome, (made.subject, Some(wanted)), (by, reason))?);
        Ok(undone)
    }

    /// The event that is meant, if who asks may undo it and it still stands; and what was passed over to find it.
    fn undoable(&self, order: &UndoOrder, by: Option<&Peer>) -> Result<(Event, Vec<PassedOver>), Refusal> {
        match order.event {
            Some(number) => self.named(number, order, by).map(|event| (event, Vec::new())),
            None => self.last_undoable(order, by),
        }
    }

    /// The last edit of who asks that can be taken back. To look, those that cannot are passed over; to do it, the number
    /// is wanted of the one before them: nobody is to take back what they did not mean.
    fn last_undoable(
        &self,
        order: &UndoOrder,
        by: Option<&Peer>,
    ) -> Result<(Event, Vec<PassedOver>), Refusal> {
        let is_own = |event: &Event| made(event).is_some_and(|made| is_same(made.by, by));
        let standing = Standing::now(&self.events);
        let stands = |event: &Event| undoes(event).is_none() && standing.undone_by(event.number).is_none();
        let (mut passed, mut before, mut first) = (Vec::new(), u64::MAX, None);
        while passed.len() < FURTHEST {
            let earlier = |event: &Event| event.number < before && is_own(event) && stands(event);
            let Some(event) = self.events.find_last(earlier) else { break };
            let Err(why) = self.refuse_impossible(&event, order) else {
                let Some(refusal) = first.filter(|_| !order.dry_run) else { return Ok((event, passed)) };
                let next = format!("; the one before it is event {0}: evenkeel undo {0}", event.number);
                return Err(in_the_way(refusal, &passed, &next));
            };
            before = event.number;
            passed.push(PassedOver { event: before, why: why.message.clone() });
            first.get_or_insert(why);
        }
        let Some(refusal) = first else { return Err(self.nothing_left(is_own)) };
        let others = match passed.as_slice() {
            [_, .., last] => format!("; nor can those of yours before it, down to event {}", last.event),
            _ => "; there is none of yours before it that still stands".to_owned(),
        };
        Err(in_the_way(refusal, &passed, &others))
    }

    /// Refuses what no guard and no answer to one can make possible: whose fields or member are not as the edit left
    /// them.
    fn refuse_impossible(&self, event: &Event, order: &UndoOrder) -> Result<(), Refusal> {
        let Some(made) = made(event) else { return Err(no_edit(event.number)) };
        let live = self.find(&made.subject.balancer)?;
        let Some(change) = made.changes.iter().find(|change| change.field == FIELD) else {
            return self.refuse_touched(event, &made, &live, Inverse::of(&made, order)?.wanted());
        };
        let (line, came) =
            if change.after.is_empty() { (&change.before, false) } else { (&change.after, true) };
        let MemberAddition { url, .. } = MemberAddition::of_line(line);
        let is_there = live.addresses().iter().any(|address| address.name.as_str() == url);
        if is_there != came {
            let what = if came { "is no longer there" } else { "is there again" };
            return Err(Refusal::field(Code::Stale, FIELD, format!("{url} {what}")));
        }
        let member = Subject { balancer: made.subject.balancer.clone(), member: url.parse().ok() };
        if order.force { Ok(()) } else { self.refuse_touched_since(event, &member) }
    }

    /// The edit of that number, if who asks may undo it and it still stands.
    fn named(&self, number: u64, order: &UndoOrder, by: Option<&Peer>) -> Result<Event, Refusal> {
        let is_own = |event: &Event| made(event).is_some_and(|made| is_same(made.by, by));
        let standing = Standing::now(&self.events);
        let Some(event) = self.events.find_last(|event| event.number == number) else {
            return Err(self.unknown(number));
        };
        let Some(made) = made(&event) else { return Err(no_edit(number)) };
        if let Some(undo) = standing.undone_by(number) {
            let message = format!("event {number} is undone already; `evenkeel undo {undo}` does it again");
            return Err(Refusal::field(Code::Stale, "event", message));
        }
        let is_root = by.is_some_and(|peer| peer.uid == 0);
        if is_own(&event) || (is_root && order.force) {
            return Ok(event);
        }
        let whose = made.by.map_or_else(|| "nobody known".to_owned(), ToString::to_string);
        let remedy = if is_root { "--force undoes it all the same" } else { "ask them, or root" };
        let message =
            format!("event {number} is an edit of {whose}, and only one's own are undone; {remedy}");
        Err(Refusal::new(Code::Denied, message))
    }

    /// Why there is nothing to undo for who has made those edits.
    fn nothing_left(&self, is_own: impl Fn(&Event) -> bool) -> Refusal {
        let undo = self.events.find_last(|event| is_own(event) && undoes(event).is_some());
        let message = match undo.map(|undo| undo.number) {
            Some(undo) => format!(
                "there is nothing left to undo: all edits of yours that are remembered are taken back; \
                 `evenkeel undo {undo}` does the last one again"
            ),
            None => "there is nothing to undo: no edit of yours is remembered".to_owned(),
        };
        Refusal::new(Code::NotFound, message)
    }

    fn unknown(&self, number: u64) -> Refusal {
        let message = match self.events.oldest_act() {
            _ if number > self.events.last() => format!("there is no event {number} yet"),
            Some(oldest) if number > oldest => return no_edit(number),
            Some(oldest) => format!(
                "event {number} is no longer remembered, so it cannot be undone; the oldest is {oldest}"
            ),
            None => format!("event {number} is no longer remembered, so it cannot be undone"),
        };
        Refusal::field(Code::NotFound, "event", message)
    }

    /// Compare and set: each field is as the edit left it, and nobody touched it since.
    fn refuse_touched(
        &self,
        event: &Event,
        made: &Made<'_>,
        live: &LiveBalancer,
        inverse: Wanted<'_>,
    ) -> Result<(), Refusal> {
        let planned = inverse.plan(&live.lock())?.changes;
        let stale = |field: &str, what: String| {
            let message = format!("{field}: {what}; look at what there is now");
            Err(Refusal::field(Code::Stale, field, message))
        };
        let standing = Standing::now(&self.events);
        for Change { field, before, after } in made.changes {
            let later = self.events.find_last(|later| {
                later.number > event.number
                    && is_edit_of(later, &made.subject)
                    && touches(later, field)
                    && !standing.is_void(later, event.number)
            });
            if let Some(later) = later {
                let who = format!("it was touched since, by {} (event {})", author(&later), later.number);
                return stale(field, who);
            }
            let back = planned.iter().find(|back| back.field == *field);
            let now = back.map_or(before, |back| &back.before);
            if now != after {
                return stale(field, format!("it is {now:?} and not {after:?} any more"));
            }
        }
        Ok(())
    }
}

fn no_edit(number: u64) -> Refusal {
    let message =
        format!("event {number} is no edit, so it cannot be undone; `evenkeel events` shows them all");
    Refusal::field(Code::NotFound, "event", message)
}

/// The edit that sets what was before.
enum Inverse {
    Member(evenkeel_protocol::MemberName, MemberEdit),
    Settings(BalancerEdit),
}

impl Inverse {
    fn of(made: &Made<'_>, order: &UndoOrder) -> Result<Self, Refusal> {
        let (reason, force) = (order.reason.clone(), order.force.then_some(true));
        let impossible = |field: &str, why: String| {
            Refusal::field(Code::Invalid, field, format!("{field}: its value of before cannot be set: {why}"))
        };
        if let Some(member) = &made.subject.member {
            let mut edit = MemberEdit { reason, force, ..MemberEdit::default() };
            for change in made.changes {
                edit.set(&change.field, &change.before).map_err(|why| impossible(&change.field, why))?;
            }
            return Ok(Self::Member(member.clone(), edit));
        }
        let mut edit = BalancerEdit { reason, force, ..BalancerEdit::default() };
        for change in made.changes {
            edit.set(&change.field, &change.before).map_err(|why| impossible(&change.field, why))?;
        }
        Ok(Self::Settings(edit))
    }

    fn wanted(&self) -> Wanted<'_> {
        match self {
            Self::Member(member, edit) => Wanted::Member(member, edit),
            Self::Settings(edit) => Wanted::Settings(edit),
        }
    }
}
