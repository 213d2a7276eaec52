//! The whole truth that the screen is drawn from, as plain data: no terminal, no connection, no clock.
//!
//! What is selected is known by name. What is shown on top of a screen is one value with its own data, so two
//! questions cannot be open at once.

use std::time::Duration;

use evenkeel_protocol::{BalancerSnapshot, Drain, Moment, Override};

use crate::ability::Ability;
use crate::called;
use crate::door::Door;
use crate::keymap::{Action, Context, Keymap};
use crate::message::{Clock, Size};
use crate::news::Ticket;
use crate::pace::Pace;
use crate::undurable::Lost;

pub mod act;
pub mod batch;
pub mod column;
pub mod command;
pub mod consequence;
pub mod cursor;
pub mod decision;
pub mod deck;
pub mod drains;
pub mod elections;
pub mod fields;
pub mod forecast;
pub mod forgotten;
pub mod form;
pub mod gathered;
pub mod health;
pub mod history;
pub mod joining;
pub mod lasting;
pub mod leave;
pub mod lens;
pub mod lock;
pub mod log;
pub mod menu;
pub mod needs;
pub mod outlook;
pub mod palette;
pub mod past;
pub mod pending;
pub mod popup;
pub mod query;
pub mod question;
pub mod roster;
#[cfg(test)]
pub(crate) mod sample;
pub mod still;
pub mod target;
pub mod terms;
pub mod toast;
pub mod tuning;
pub mod undo;
pub mod vocabulary;
pub mod wash;

use batch::{Batch, Outcome};
use cursor::Cursor;
use decision::Decision;
use elections::Watching;
use gathered::Gathered;
use lens::Lens;
use lock::Lock;
use log::Log;
use outlook::{Gravity, Outlook, outlook};
use past::Reach;
use pending::Pending;
pub use popup::Popup;
use question::{Question, Standing};
use roster::Roster;
use still::Still;
use target::Target;
pub use toast::{Seen, Toast};
use undo::Own;

/// Why nobody can be added where there is no room.
const FULL: &str = "there is no room for another member of this balancer: its MaxMembers are used; growth= in its configuration makes room";

/// A snapshot that is older counts as stale, unless they are asked for that seldom.
const STALE_AFTER: Duration = Duration::from_secs(3);

/// The connection as last heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connection {
    /// Nothing was heard yet.
    Waiting,
    /// The proxy answers.
    Up,
    /// The proxy does not answer.
    Lost {
        /// Why, in a sentence.
        why: String,
        /// Since when, or since when this try failed.
        since: Moment,
        /// How long after that it is tried again.
        next_try: Duration,
    },
}

/// How far what is shown can be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Freshness {
    /// There is nothing to show yet.
    Waiting,
    /// It holds.
    Live,
    /// It stands still for so many seconds, because the operator wants it so; the proxy answers.
    Frozen(u64),
    /// It is so many seconds old.
    Stale(u64),
    /// The proxy does not answer.
    Lost {
        /// How many seconds old what is shown is; none: nothing was ever heard.
        age: Option<u64>,
        /// Why, in a sentence.
        why: String,
        /// In how many seconds it is tried again.
        next_try: u64,
    },
}

/// What fills the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Screen {
    /// All balancers, a line each: is anything wrong?
    Overview,
    /// All balancers and their members.
    Balancers,
    /// One member, bound by name.
    Member(Target),
    /// What happened.
    Events {
        /// How many newer ones stand above the one under the cursor.
        at: usize,
        /// Only those with a greater number.
        since: u64,
    },
    /// Drains, and one of them in full.
    Drains(Option<Picked>),
    /// Where a request would go, and why.
    Lens,
    /// The last elections.
    Elections,
}

/// The drain that is shown in full, bound by its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picked {
    /// Its number.
    pub number: u64,
    /// Its member.
    pub target: Target,
    /// The last drain of the member that was known then: one that began since takes its place.
    pub last: u64,
}

/// How a line is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// It worked.
    Good,
    /// For information.
    Plain,
    /// It did not work, or not wholly.
    Alarm,
}

/// Everything.
#[derive(Debug, Clone)]
pub struct Model {
    /// What the connection is called: the socket, or the name of the configuration.
    pub title: String,
    /// What it is called among several targets; none: it is the only one.
    pub station: Option<String>,
    /// The words that mean it on a command line: `--socket /run/a`; empty: it is meant without being named.
    pub words: String,
    /// By which door it is asked.
    pub door: Door,
    /// The time of the last tick.
    pub clock: Clock,
    /// The size of the terminal.
    pub size: Size,
    /// What keys mean.
    pub keymap: Keymap,
    /// The connection.
    pub connection: Connection,
    /// The balancers.
    pub roster: Roster,
    /// What happened.
    pub log: Log,
    /// Selection, marks, filter and order.
    pub cursor: Cursor,
    /// May anything be changed?
    pub lock: Lock,
    /// What was changed from here.
    pub own: Own,
    /// What was lost with a restart, and nobody has seen to.
    pub lost: Lost,
    /// The last act on many.
    pub batch: Option<Batch>,
    /// The lines that were written into the palette.
    pub recall: Vec<String>,
    /// The commands that would have done what was done last.
    pub commands: Vec<String>,
    /// Has the console the mouse?
    pub mouse: bool,
    /// How often the proxy is asked.
    pub pace: Pace,
    /// What is live, while the picture stands still.
    pub still: Option<Box<Still>>,
    /// How far back graphs go.
    pub reach: Reach,
    /// What the open screen has asked for beside the snapshot.
    pub gathered: Gathered,
    /// What is looked at through the lens.
    pub lens: Lens,
    /// Which elections are shown.
    pub watching: Watching,
    /// Edits on their way.
    pub pending: Pending,
    /// What was decided that is not about members, and waits for the proxy's answer.
    pub decided: Option<(Ticket, Decision)>,
    /// What came of what was decided last.
    pub came: Option<(Ticket, Outcome)>,
    /// What fills the screen.
    pub screen: Screen,
    /// What lies on top of it.
    pub popup: Option<Popup>,
    /// A line for a while.
    pub toast: Option<Toast>,
    /// Has anything changed that is visible? The loop takes it back when it has painted.
    pub changed: bool,
}

impl Model {
    /// Before anything was heard.
    pub fn new(title: &str, size: Size) -> Self {
        Self {
            title: wash::sentence(title),
            station: None,
            words: String::new(),
            door: Door::Socket,
            clock: Clock::default(),
            size,
            keymap: Keymap::default(),
            connection: Connection::Waiting,
            roster: Roster::default(),
            log: Log::default(),
            cursor: Cursor::default(),
            lock: Lock::default(),
            own: Own::default(),
            lost: Lost::default(),
            batch: None,
            recall: Vec::new(),
            commands: Vec::new(),
            mouse: false,
            pace: Pace::default(),
            still: None,
            reach: Reach::default(),
            gathered: Gathered::default(),
            lens: Lens::default(),
            watching: Watching::default(),
            pending: Pending::default(),
            decided: None,
            came: None,
            screen: Screen::Balancers,
            popup: None,
            toast: None,
            changed: true,
        }
    }

    /// Where the keys go.
    pub fn context(&self) -> Context {
        match (&self.popup, &self.screen) {
            (Some(Popup::Filter { .. } | Popup::Ask(_) | Popup::Watch(_)), _) => Context::Filter,
            (Some(Popup::Palette(_)), _) => Context::Palette,
            (Some(Popup::Menu(_)), _) => Context::Menu,
            (Some(Popup::Confirm(question)), _) => match self.outlook(question).gravity {
                Gravity::Last => Context::Spell,
                Gravity::Light | Gravity::Heavy => Context::Confirm,
            },
            (Some(Popup::Results { .. }), _) => Context::Results,
            (Some(Popup::Unlock { .. }), _) => Context::Unlock,
            (Some(Popup::Decide(_)), _) => Context::Confirm,
            (Some(Popup::Form(_) | Popup::Tuning(_) | Popup::Joining(_) | Popup::Terms(_)), _) => {
                Context::Form
            }
            (Some(Popup::Help { .. }), _) => Context::Help,
            (None, Screen::Balancers) => Context::Balancers,
            (None, Screen::Member(_)) => Context::Member,
            (None, Screen::Events { .. }) => Context::Events,
            (None, Screen::Overview) => Context::Overview,
            (None, Screen::Drains(_)) => Context::Drains,
            (None, Screen::Lens) => Context::Lens,
            (None, Screen::Elections) => Context::Elections,
        }
    }

    /// The member that keys act on.
    pub fn target(&self) -> Option<&Target> {
        if let Some(Popup::Menu(menu)) = &self.popup {
            return Some(&menu.target);
        }
        match &self.screen {
            Screen::Member(target) => Some(target),
            Screen::Balancers => self.cursor.chosen(),
            Screen::Drains(picked) => picked.as_ref().map(|picked| &picked.target),
            Screen::Overview | Screen::Events { .. } | Screen::Lens | Screen::Elections => None,
        }
    }

    /// The drain that is shown in full.
    pub fn drain(&self) -> Option<&Drain> {
        let Screen::Drains(Some(picked)) = &self.screen else { return None };
        self.roster.snapshot()?.drains.iter().find(|drain| drain.number == picked.number)
    }

    /// The balancer that the cursor is in.
    pub fn near(&self) -> Option<&BalancerSnapshot> {
        let chosen = self.cursor.chosen();
        let balancers = self.roster.balancers();
        let own =
            chosen.and_then(|chosen| balancers.iter().find(|balancer| balancer.name == chosen.balancer));
        own.or(balancers.first())
    }

    /// The members that an act is for: the marked ones where there are marks, else the one that keys act on.
    pub fn targets(&self) -> Vec<Target> {
        let marked = match (&self.popup, &self.screen) {
            (None | Some(Popup::Palette(_)), Screen::Balancers) => self.cursor.marked(&self.roster),
            _ => Vec::new(),
        };
        if marked.is_empty() { self.target().cloned().into_iter().collect() } else { marked }
    }

    /// What a yes to the question would do.
    pub fn outlook(&self, question: &Question) -> Outlook {
        let Some(snapshot) = self.roster.snapshot() else {
            return Outlook { remarks: Vec::new(), gravity: Gravity::Heavy };
        };
        let mut outlook = outlook(snapshot, question, &self.gathered);
        // Whose forecast it is stands above all of it.
        outlook.remarks.splice(0..0, forecast::own(question, &self.gathered));
        if let [one] = question.subjects.as_slice() {
            let beside = forgotten::beside(&one.target, &question.act.wanted(), snapshot);
            let remark = |text| consequence::Remark { tone: consequence::Tone::Plain, text };
            outlook.remarks.splice(0..0, beside.map(remark));
        }
        if let (Some(Ok(preview)), [one]) = (&self.gathered.preview, question.subjects.as_slice()) {
            outlook.remarks.extend(forecast::remarks(preview, snapshot.balancer(&one.target.balancer)));
            outlook.remarks.sort_by_key(|remark| remark.tone == consequence::Tone::Plain);
            if forecast::is_guarded(preview) && !question.act.is_relief() {
                outlook.gravity = Gravity::Last;
            }
        }
        outlook
    }

    /// Is something of the operator's own still going on, so that the lock must not close under it?
    pub fn is_at_work(&self) -> bool {
        let is_dialog = matches!(
            self.popup,
            Some(
                Popup::Confirm(_)
                    | Popup::Decide(_)
                    | Popup::Form(_)
                    | Popup::Tuning(_)
                    | Popup::Joining(_)
                    | Popup::Terms(_)
                    | Popup::Palette(_)
            )
        );
        is_dialog
            || !self.pending.is_empty()
            || self.decided.is_some()
            || self.own.has_open_drain(self.roster.snapshot())
    }

    /// How far what is shown can be believed.
    pub fn freshness(&self) -> Freshness {
        let now = self.clock.running;
        if let Connection::Lost { why, since, next_try } = &self.connection {
            let left = next_try.saturating_sub(now.since(*since));
            let heard = self.still.as_ref().map_or(self.roster.heard(), |still| still.heard());
            return Freshness::Lost {
                age: self.roster.snapshot().map(|_| now.since(heard).as_secs()),
                why: why.clone(),
                next_try: left.as_secs().saturating_add(u64::from(left.subsec_nanos() > 0)),
            };
        }
        if self.roster.snapshot().is_none() {
            return Freshness::Waiting;
        }
        let heard = self.still.as_ref().map_or(self.roster.heard(), |still| still.heard());
        let age = now.since(heard);
        if age >= STALE_AFTER.max(self.pace.period() * 2 + STALE_AFTER / 3) {
            return Freshness::Stale(age.as_secs());
        }
        let frozen = self.still.as_ref().map(|still| now.since(still.since()).as_secs());
        frozen.map_or(Freshness::Live, Freshness::Frozen)
    }

    /// Why the proxy cannot do that, as a sentence; none: it can, or nothing was heard of it yet.
    pub fn lacks(&self, ability: Ability) -> Option<&'static str> {
        self.roster.snapshot().and_then(|snapshot| ability.lacked_by(&snapshot.proxy))
    }

    /// Why an action cannot be done at the proxy that is shown; none: it can, or nothing was heard of it yet.
    pub fn lacks_for(&self, action: Action) -> Option<&'static str> {
        let full = || self.near().is_some_and(|balancer| balancer.room == Some(0));
        match action {
            Action::Add if full() => Some(FULL),
            _ => action.needs().and_then(|ability| self.lacks(ability)),
        }
    }

    /// Edits of ours that a restart of the proxy has forgotten.
    pub fn forgotten(&self) -> &[Override] {
        self.roster.snapshot().map_or(&[], |snapshot| snapshot.forgotten.as_slice())
    }

    /// What the other side is called within a sentence.
    pub fn who(&self) -> &'static str {
        match self.roster.snapshot() {
            // Nobody else shows such a page, as far as is known before it has answered.
            None if self.door == Door::Page => called::HTTPD,
            snapshot => called::who(snapshot),
        }
    }

    /// The same as its first word.
    pub fn who_first(&self) -> &'static str {
        called::first(self.who())
    }

    /// Can an edit be sent at all?
    pub fn is_connected(&self) -> bool {
        self.connection == Connection::Up && self.roster.snapshot().is_some()
    }

    /// How a question stands.
    pub fn standing(&self, question: &Question) -> Standing {
        question.standing(self.roster.snapshot())
    }

    /// Can a question be answered with yes now?
    pub fn is_answerable(&self, question: &Question) -> bool {
        self.is_connected() && self.standing(question) == Standing::Open && self.denial(question).is_none()
    }

    /// Why the proxy would not do it however it is asked, as a sentence; none: nothing is known of that.
    pub fn denial(&self, question: &Question) -> Option<String> {
        forecast::denial(&question.act, &self.gathered)
    }

    /// Shows a line for a while; bad news stay longer.
    pub fn tell(&mut self, tone: Tone, text: impl Into<String>) {
        self.toast = Some(Toast::at(self.clock.running, tone, text.into()));
    }

    /// Shows a line for so long, and what can be done about it.
    pub fn tell_for(&mut self, time: Duration, tone: Tone, (text, more): (String, Option<String>)) {
        let until = self.clock.running.plus(time);
        self.toast.insert(Toast::until(until, tone, text)).more = more;
    }

    /// Shows bad news for a while, or until that is seen.
    pub fn tell_until(&mut self, seen: Seen, text: impl Into<String>) {
        let toast = Toast::at(self.clock.running, Tone::Alarm, text.into());
        self.toast.insert(toast).until_seen = Some(seen);
    }

    /// Takes the line back when its time is over; true if it did.
    pub fn end_toast(&mut self) -> bool {
        let over = self.toast.as_ref().is_some_and(|toast| toast.is_over(self.clock.running));
        if over {
            self.toast = None;
        }
        over
    }

    /// How many lines a page key moves.
    pub fn page(&self) -> usize {
        usize::from(self.size.height.saturating_sub(14).max(4))
    }
}
