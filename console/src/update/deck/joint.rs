//! One act on a member in all targets that have it: asked as a question in each, agreed to once, and sent to all at the
//! same time. What was done in one stays, whatever becomes of it in the others.

use evenkeel_protocol::edit::Reason;
use evenkeel_protocol::{DrainOrder, Flag, OnTimeout};

use super::{Deed, undo};
use crate::ability::Ability;
use crate::effect::Effect;
use crate::keymap::Action;
use crate::model::act::{Act, ENABLE_CLEARS, Turn};
use crate::model::batch::Outcome;
use crate::model::deck::asked::{Asked, What};
use crate::model::deck::joint::{self, Joint, Part, Scope, Share, Wanted};
use crate::model::deck::trace::{self, Trace};
use crate::model::deck::{Deck, Focus, Over, Pick, roll};
use crate::model::drains::Drainage;
use crate::model::form::Text;
use crate::model::outlook::Gravity;
use crate::model::question::Standing;
use crate::model::target::Target;
use crate::model::{Model, Popup, Tone};
use crate::news::Ticket;
use crate::update::{decision, drain, edit, gather, many, roster};

/// Opens the question whether to do what a key means in all targets.
pub(super) fn ask(deck: &mut Deck, action: Action) {
    let Some(target) = chosen(deck) else { return };
    let wish = Wish::of(deck, &target, action);
    ask_for(deck, target, &wish);
}

/// The member under the cursor. If there is none that is shown, says so.
pub(super) fn chosen(deck: &mut Deck) -> Option<Target> {
    let why = match deck.pick.clone() {
        Pick::Station(_) => "choose a member below: keys act on it in all targets; Enter goes into one",
        Pick::Member(target) if deck.members().contains(&target) => return Some(target),
        Pick::Member(_) => "the member under the cursor is no longer shown; choose one",
    };
    deck.tell(Tone::Plain, why);
    None
}

/// Opens the question whether to do what is wished for to a member in all targets.
pub(super) fn ask_for(deck: &mut Deck, target: Target, wish: &Wish) {
    if !may_ask(deck, &target) {
        return;
    }
    let label = roll::label(&deck.stations, &target);
    let stations = deck.stations.iter_mut().enumerate();
    let shares: Vec<Share> =
        stations.map(|(at, station)| Share::new(at, wish.part(station, &target))).collect();
    if let Err(shares) = open(deck, Scope::Having, (target, label.clone()), shares) {
        let holds = shares.iter().any(|share| matches!(share.part, Part::Spared(_)));
        let (tone, why) = match barred(deck, &shares) {
            Some(why) if holds => {
                (Tone::Alarm, format!("it is so already wherever it can be asked for; NOT asked in {why}"))
            }
            Some(why) => (Tone::Alarm, format!("cannot be asked for in any target now: {why}")),
            None => (Tone::Plain, "nothing is to be done, it is so already in all targets".to_owned()),
        };
        deck.tell(tone, format!("{label}: {why}"));
    }
}

/// Where it cannot be asked for, and why: `lb1, lb2: does not answer; lb3: no longer there`. None: there is no such target.
pub(super) fn barred(deck: &Deck, shares: &[Share]) -> Option<String> {
    let mut told: Vec<(Vec<&str>, &str)> = Vec::new();
    for share in shares {
        let Part::Barred(why) = &share.part else { continue };
        let name = deck.stations.get(share.station).and_then(|station| station.station.as_deref());
        match told.iter_mut().find(|(_, known)| known == why) {
            Some((names, _)) => names.extend(name),
            None => told.push((name.into_iter().collect(), why)),
        }
    }
    let told: Vec<String> = told.iter().map(|(names, why)| format!("{}: {why}", names.join(", "))).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// Can anything be asked for now about that member? If not, says why.
pub(super) fn may_ask(deck: &mut Deck, target: &Target) -> bool {
    let why = if !deck.lock.is_open() {
        "locked: press L to open it for changes".to_owned()
    } else if deck.joint().is_some_and(|joint| !joint.is_over()) {
        "the last act in all targets is not over; wait for its end".to_owned()
    } else if let Some(why) = behind(deck, target) {
        why
    } else {
        return true;
    };
    deck.tell(Tone::Alarm, why);
    false
}

/// Why nothing can be asked about a member: a target does not show yet what was last done to it there. Judged by what it
/// shows, it would be left out as one that is so already.
fn behind(deck: &Deck, target: &Target) -> Option<String> {
    let is_behind = |station: &&Model| station.is_connected() && station.pending.has(target);
    let behind = deck.stations.iter().filter(is_behind);
    let names: Vec<&str> = behind.filter_map(|station| station.station.as_deref()).collect();
    let label = roll::label(&deck.stations, target);
    let verb = if names.len() == 1 { "does" } else { "do" };
    let why = "not show yet what was last done to it; try again in a moment";
    (!names.is_empty()).then(|| format!("{label}: {} {verb} {why}", names.join(", ")))
}

/// Shows what is asked in the targets as one question.
///
/// Errors: nothing is asked in any; what it comes to in each.
pub(super) fn open(
    deck: &mut Deck,
    scope: Scope,
    (target, label): (Target, String),
    shares: Vec<Share>,
) -> Result<(), Vec<Share>> {
    let commands = Vec::new();
    let mut joint = Joint { target, label, verb: "", scope, commands, shares, is_put_away: false };
    let Some(first) = deck.asked(&joint).next() else { return Err(joint.shares) };
    let verb = match scope {
        Scope::Having | Scope::Made => first.verb(),
        Scope::Lost if deck.asked(&joint).all(Asked::begins_drain) => "Drain again",
        Scope::Lost => "Set again what was lost of",
    };
    joint.verb = verb;
    let wanted = first.wanted();
    for share in &mut joint.shares {
        match deck.stations.get(share.station).and_then(Asked::of) {
            Some(asked) => share.wanted = asked.wanted(),
            // What is wanted of all is wanted where it cannot be asked for, too.
            None if scope == Scope::Having => share.wanted = wanted.clone(),
            None => {}
        }
    }
    deck.over = Some(Over::Confirm { joint: Box::new(joint), seen: false, typed: Text::default(), page: 0 });
    Ok(())
}

/// What is wished for in each target.
pub(super) enum Wish {
    /// That it has a flag, or has it no more.
    Flag(Flag, Turn),
    /// That it has neither of N, D and S.
    Enable,
    /// That it is drained on these terms, and why.
    Drain(DrainOrder, Option<Reason>),
    /// That it goes.
    Remove,
}

impl Wish {
    /// A flag is turned on unless every target that has the member has it.
    fn of(deck: &Deck, target: &Target, action: Action) -> Self {
        let flag = match action {
            Action::Toggle(flag) => flag,
            Action::Remove => return Self::Remove,
            _ => return Self::Enable,
        };
        let mut members = (0..deck.stations.len()).filter_map(|at| deck.member(at, target));
        let lacking = members.any(|member| !member.status.has(flag));
        Self::Flag(flag, if lacking { Turn::On } else { Turn::Off })
    }

    /// What it comes to in a target. Where something is to be done, the question is opened there.
    fn part(&self, station: &mut Model, target: &Target) -> Part {
        if station.roster.snapshot().is_none() {
            return Part::Barred("does not answer; whether it has the member is not known".to_owned());
        }
        let Some((_, member)) = edit::found(station, target) else { return Part::Absent };
        let so = match self {
            Self::Flag(flag, turn) => member.status.has(*flag) == (*turn == Turn::On),
            Self::Drain(..) => member.status.has(Flag::Drain),
            Self::Enable => !member.status.has_any(&ENABLE_CLEARS),
            Self::Remove => false,
        };
        let words = member.words.clone();
        if !station.is_connected() {
            return Part::Barred("does not answer".to_owned());
        }
        if so {
            return Part::Spared(words);
        }
        let targets = vec![target.clone()];
        if let Some(why) = self.needs().and_then(|ability| station.lacks(ability)) {
            return Part::Barred(why.to_owned());
        }
        if let Some(why) = edit::hindrance_for(station, &targets) {
            return Part::Barred(why);
        }
        let act = match self {
            Self::Flag(Flag::Drain, turn) => drain::act(station, &targets, *turn),
            Self::Flag(flag, turn) => Act::Flag(*flag, *turn),
            Self::Drain(order, _) => {
                Act::Drain(Drainage::Begin(order.clone()).with(&drain::possible(station)))
            }
            Self::Enable => Act::Enable,
            Self::Remove => roster::removal(station, &targets),
        };
        edit::ask(station, targets, act);
        if let (Self::Drain(_, reason), Some(Popup::Confirm(question))) = (self, &mut station.popup) {
            question.reason.clone_from(reason);
        }
        gather(station);
        Part::Act(Outcome::Waiting)
    }

    /// Without what it cannot be had.
    fn needs(&self) -> Option<Ability> {
        match self {
            Self::Remove => Some(Ability::Removal),
            Self::Drain(DrainOrder { on_timeout: Some(OnTimeout::Cut), .. }, _) => Some(Ability::Cut),
            Self::Flag(..) | Self::Enable | Self::Drain(..) => None,
        }
    }
}

/// A yes, or Enter. What is for several targets takes a deliberate key: Enter is a yes only behind the word that is asked
/// for, else a no, however little is at risk.
pub(super) fn agree(deck: &mut Deck, how: Action) -> Vec<Deed> {
    let Some(Over::Confirm { joint, seen, typed, .. }) = &deck.over else { return Vec::new() };
    let most = match (how, deck.gravity(joint)) {
        _ if !*seen || deck.willing(joint) == 0 || !deck.size.is_ample() => return Vec::new(),
        (Action::Yes, Gravity::Light | Gravity::Heavy) => Gravity::Heavy,
        (Action::Accept, Gravity::Last) if joint.is_spelt_out(typed.value()) => Gravity::Last,
        (Action::Accept, Gravity::Light | Gravity::Heavy) => {
            no(deck);
            return Vec::new();
        }
        _ => return Vec::new(),
    };
    let mut joint = (**joint).clone();
    joint.commands = deck.commands(&joint);
    // What is told below is of the act before.
    deck.toast.take_if(|toast| toast.tone == Tone::Good);
    if !undo::is_undo(deck, &joint) {
        trace::remember(&mut deck.traces, Trace::of(&joint, &deck.stations));
    }
    end_lost(deck, &joint);
    let mut deeds = Vec::new();
    for share in joint.shares.iter_mut().filter(|share| matches!(share.part, Part::Act(_))) {
        let Some(station) = deck.stations.get_mut(share.station) else { continue };
        match begin(station, most) {
            Ok((outcome, effects)) => {
                share.part = Part::Act(outcome);
                deeds.extend(effects.into_iter().map(|effect| (share.station, effect)));
            }
            Err(why) => share.part = Part::Act(Outcome::Refused(why)),
        }
        gather(station);
    }
    joint::remember(&mut deck.joints, joint);
    deck.over = Some(Over::Results { page: 0 });
    for at in 0..deck.stations.len() {
        settle(deck, at);
    }
    deeds
}

/// What was lost anywhere and is wanted otherwise now is not asked for again, also where nothing is left to be done.
fn end_lost(deck: &mut Deck, joint: &Joint) {
    let taken_back = if undo::is_undo(deck, joint) { deck.traces.last() } else { None };
    let places = taken_back.into_iter().flat_map(|trace| &trace.places);
    let undone = places.map(|place| (place.station, place.wanted()));
    let shares = joint.shares.iter().map(|share| (share.station, share.wanted.clone()));
    let wanted: Vec<(usize, Wanted)> = shares.chain(undone).collect();
    for (at, wanted) in wanted {
        if let (Wanted::Settings(wanted), Some(station)) = (wanted, deck.stations.get_mut(at)) {
            station.roster.agreed(&joint.target, &wanted);
        }
    }
}

/// Why a yes is none any more.
const HEAVIER: &str = "it weighs more now than it did; look again";

/// Sends what is asked in one target, if the question there still stands.
fn begin(station: &mut Model, most: Gravity) -> Result<(Outcome, Vec<Effect>), String> {
    let asked = Asked::of(station);
    let is_return = matches!(asked, Some(Asked { what: What::Return(_), .. }));
    let (standing, denial) = asked.map_or((Standing::Gone, None), |asked| (asked.standing(), asked.denial()));
    let connected = station.is_connected();
    let begun = match edit::agreed(station, most) {
        Some(question) => Some((Outcome::Waiting, many::begin_joint(station, question))),
        None if is_return && denial.is_none() => come_back(station),
        None => None,
    };
    station.popup = None;
    begun.ok_or_else(|| match standing {
        Standing::Gone => "it is no longer there".to_owned(),
        Standing::Changed => "it was changed since you looked".to_owned(),
        Standing::Open if !connected => "the target does not answer now; nothing was sent".to_owned(),
        Standing::Open => denial.unwrap_or_else(|| HEAVIER.to_owned()),
    })
}

/// A member that went from here comes back; none: nothing was sent.
fn come_back(station: &mut Model) -> Option<(Outcome, Vec<Effect>)> {
    let effects = decision::yes(station);
    let (ticket, _) = station.decided.as_ref().filter(|_| !effects.is_empty())?;
    Some((Outcome::Sent(*ticket), effects))
}

/// Leaves what lies on top; a question is answered with no, in each target.
pub(super) fn no(deck: &mut Deck) {
    if let Some(Over::Confirm { joint, .. }) = deck.over.take() {
        undo::let_go(deck, &joint);
        withdraw(deck, &joint);
    }
}

/// Takes the question back in each target.
pub(super) fn withdraw(deck: &mut Deck, joint: &Joint) {
    for at in joint.asked() {
        if let Some(station) = deck.stations.get_mut(at) {
            station.popup = None;
            gather(station);
        }
    }
}

/// Takes over what the target at that position tells of the acts in all, and what became of the last one there; says aloud
/// how all of that ended.
pub(super) fn settle(deck: &mut Deck, at: usize) {
    let Some(station) = deck.stations.get(at) else { return };
    for joint in &mut deck.joints {
        deck.changed |= joint.follow(at, station);
    }
    let Some(joint) = deck.joints.last_mut().filter(|joint| !joint.is_over()) else { return };
    let share = joint.shares.iter_mut().find(|share| share.station == at);
    if let Some(Share { part: Part::Act(outcome @ (Outcome::Waiting | Outcome::Sent(_))), .. }) = share
        && let Some(now) = outcome_of(station, outcome)
    {
        *outcome = now;
        if let (Outcome::Done(_) | Outcome::Loose(_), Some(trace)) = (&*outcome, deck.traces.last_mut()) {
            trace.done(at, station, matches!(outcome, Outcome::Done(_)));
        }
    }
    if joint.is_over() {
        tell_end(deck);
    }
}

/// What became of what waits in one target; none: nothing yet.
fn outcome_of(station: &Model, waiting: &Outcome) -> Option<Outcome> {
    let is_it = |(ticket, _): &&(Ticket, _)| *waiting == Outcome::Sent(*ticket);
    if let Some((_, outcome)) = station.came.as_ref().filter(is_it) {
        return Some(outcome.clone());
    }
    if station.decided.as_ref().is_some_and(|(ticket, _)| *waiting == Outcome::Sent(*ticket)) {
        return None;
    }
    Some(station.batch.as_ref()?.rows.first()?.outcome.clone())
}

/// Says how the act ended.
fn tell_end(deck: &mut Deck) {
    let Some(joint) = deck.joint() else { return };
    let (partial, text) = (joint.is_partial(), joint.sentence());
    let undoable = deck.is_undoable();
    deck.changed = true;
    let tone = if partial { Tone::Alarm } else { Tone::Good };
    match deck.focus {
        Focus::One(shown) => {
            if let Some(station) = deck.stations.get_mut(shown) {
                station.tell(tone, format!("{text}; F shows each"));
                station.changed = true;
            }
        }
        // What is partial is in sight there until it is whole.
        Focus::All if partial => {}
        Focus::All if undoable => {
            let way = deck.keymap.way(Action::Undo);
            deck.tell(tone, format!("{text}; {way} undoes"));
        }
        Focus::All => deck.tell(tone, text),
    }
}
