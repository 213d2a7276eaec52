//! Several targets on one screen: a model for each, as it would be alone, and what is true of all of them together: which
//! one is shown, the lock, the one cursor over all, and the act that is done in all at once.

use evenkeel_protocol::MemberSnapshot;

use crate::keymap::{Context, Keymap};
use crate::message::{Clock, Size};
use crate::model::form::Text;
use crate::model::health::{Grade, Health};
use crate::model::history::History;
use crate::model::leave::Leave;
use crate::model::lock::Lock;
use crate::model::outlook::Gravity;
use crate::model::palette::Palette;
use crate::model::query::Query;
use crate::model::target::Target;
use crate::model::terms::Terms;
use crate::model::{Connection, Freshness, Model, Toast, Tone};
use crate::shell;

pub mod asked;
mod commands;
pub mod joint;
pub mod roll;
pub mod trace;

use asked::Asked;
use joint::{Joint, Scope};
use trace::Trace;

/// What is on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Focus {
    /// All targets together.
    All,
    /// One of them, by its position.
    One(usize),
}

/// A row under the cursor, known by what it is and not by where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pick {
    /// A target, by its position.
    Station(usize),
    /// A member, wherever it is.
    Member(Target),
}

/// What lies on top of the screen of all targets and takes the keys.
#[derive(Debug, Clone, PartialEq)]
pub enum Over {
    /// A question about a member in all targets.
    Confirm {
        /// What would be done.
        joint: Box<Joint>,
        /// Has it been on the screen? An answer typed ahead of the question is not an answer.
        seen: bool,
        /// What is typed, where a yes is not enough.
        typed: Text,
        /// Which page of what it says; they go round.
        page: usize,
    },
    /// The terms of a drain in all targets are being written.
    Terms {
        /// What is written.
        terms: Box<Terms>,
        /// Whom it is about.
        target: Target,
    },
    /// What became of the last act in all targets.
    Results {
        /// Which page; they go round.
        page: usize,
    },
    /// How a member is added in all targets.
    Adding {
        /// Which page; they go round.
        page: usize,
    },
    /// The question whether to open the lock of all targets.
    Unlock {
        /// Has it been on the screen?
        seen: bool,
    },
    /// A filter for the members is being written.
    Filter {
        /// What is written.
        text: Text,
        /// What it was before.
        before: String,
    },
    /// A command is being written.
    Palette(Box<Palette>),
    /// The keys.
    Help {
        /// Which page; it goes round.
        page: usize,
    },
}

/// All targets.
#[derive(Debug, Clone)]
pub struct Deck {
    /// A model for each target, in the order in which they were named; at least one.
    pub stations: Vec<Model>,
    /// What is on the screen.
    pub focus: Focus,
    /// The words that mean all of them on a command line: `--group web`.
    pub words: String,
    /// The time of the last tick.
    pub clock: Clock,
    /// The size of the terminal.
    pub size: Size,
    /// What keys mean; the same in every target.
    pub keymap: Keymap,
    /// May anything be changed? It holds for all targets.
    pub lock: Lock,
    /// The row under the cursor.
    pub pick: Pick,
    /// Which members are shown: those that it lets through in any target.
    pub filter: Query,
    /// The command lines from before, the newest last.
    pub recall: Vec<String>,
    /// What lies on top of the screen of all targets.
    pub over: Option<Over>,
    /// The question whether to end the console, on top of everything.
    pub leave: Option<Leave>,
    /// A line for a while.
    pub toast: Option<Toast>,
    /// The acts in all targets that are told of, the newest last.
    pub joints: Vec<Joint>,
    /// What the acts in all targets have changed, the newest last.
    pub traces: Vec<Trace>,
    /// Has anything changed that is visible? The loop takes it back when it has painted.
    pub changed: bool,
}

impl Deck {
    /// Of these targets; `words` mean all of them on a command line. A single one is shown as ever, and nothing of the
    /// rest is ever seen.
    pub fn new(stations: Vec<Model>, words: &str, lock: Lock) -> Self {
        let focus = if stations.len() > 1 { Focus::All } else { Focus::One(0) };
        let (clock, size) = stations.first().map_or_else(Default::default, |one| (one.clock, one.size));
        let keymap = stations.first().map(|one| one.keymap.clone()).unwrap_or_default();
        let mut deck = Self {
            keymap,
            stations,
            focus,
            words: words.to_owned(),
            clock,
            size,
            lock,
            pick: Pick::Station(0),
            filter: Query::default(),
            recall: Vec::new(),
            over: None,
            leave: None,
            toast: None,
            joints: Vec::new(),
            traces: Vec::new(),
            changed: true,
        };
        deck.share_lock();
        deck
    }

    /// Gives every target the one lock.
    pub fn share_lock(&mut self) {
        for station in &mut self.stations {
            station.lock = self.lock;
        }
    }

    /// The target that is on the screen alone.
    pub fn shown(&self) -> Option<&Model> {
        match self.focus {
            Focus::All => None,
            Focus::One(at) => self.stations.get(at),
        }
    }

    /// Where the keys go while all targets are on the screen.
    pub fn context(&self) -> Context {
        match &self.over {
            None => Context::Fleet,
            Some(Over::Confirm { joint, .. }) if self.gravity(joint) == Gravity::Last => Context::FleetSpell,
            Some(Over::Confirm { .. }) => Context::FleetConfirm,
            Some(Over::Results { .. } | Over::Adding { .. }) => Context::FleetResults,
            Some(Over::Terms { .. }) => Context::Form,
            Some(Over::Unlock { .. }) => Context::Unlock,
            Some(Over::Filter { .. }) => Context::Filter,
            Some(Over::Palette(_)) => Context::Palette,
            Some(Over::Help { .. }) => Context::Help,
        }
    }

    /// What is asked in each target that a question is for.
    pub fn asked(&self, joint: &Joint) -> impl Iterator<Item = Asked<'_>> {
        joint.asked().filter_map(|at| Asked::of(self.stations.get(at)?))
    }

    /// How much it takes to agree: as much as the gravest target does, even one that does not answer, for it may come back
    /// while the word is typed.
    pub fn gravity(&self, joint: &Joint) -> Gravity {
        self.asked(joint).map(Asked::gravity).max().unwrap_or(Gravity::Light)
    }

    /// Is it a drain that begins, so that its terms can be written? Where it is set again, it is set as it was.
    pub fn has_terms(&self, joint: &Joint) -> bool {
        joint.scope == Scope::Having && self.asked(joint).all(Asked::begins_drain)
    }

    /// How many targets a yes would be sent to: the question stands there, and the proxy has not said that it refuses it.
    pub fn willing(&self, joint: &Joint) -> usize {
        self.asked(joint).filter(|asked| asked.is_answerable()).count()
    }

    /// The last act in all targets.
    pub fn joint(&self) -> Option<&Joint> {
        self.joints.last()
    }

    /// The acts of which is to be read on the screen that they do not hold everywhere, the newest first.
    pub fn noticed(&self) -> impl Iterator<Item = &Joint> {
        self.joints.iter().rev().filter(|joint| joint.is_noticed())
    }

    /// Can the last act in all targets be taken back?
    pub fn is_undoable(&self) -> bool {
        let (Some(joint), Some(trace)) = (self.joint(), self.traces.last()) else { return false };
        trace.target == joint.target && trace.is_left(&self.stations)
    }

    /// The command that adds a member in all targets, with words to be filled in.
    pub fn addition(&self) -> String {
        shell::at("evenkeel add BALANCER URL route=…", &self.words)
    }

    /// Every row that the cursor can be on: the targets, then the members.
    pub fn rows(&self) -> Vec<Pick> {
        let stations = (0..self.stations.len()).map(Pick::Station);
        stations.chain(self.members().into_iter().map(Pick::Member)).collect()
    }

    /// The members that the filter lets through in any target, each once.
    pub fn members(&self) -> Vec<Target> {
        let mut members = roll::members(&self.stations);
        if !self.filter.is_empty() {
            members.retain(|target| self.stations.iter().any(|station| self.passes(station, target)));
        }
        members
    }

    fn passes(&self, station: &Model, target: &Target) -> bool {
        let rate = station.roster.history(target).and_then(History::now);
        let found = station.roster.snapshot().and_then(|snapshot| target.find(snapshot));
        found.is_some_and(|(balancer, member)| self.filter.passes(balancer, member, rate))
    }

    /// Shows only the members that `filter` lets through; the cursor goes to one of them if its own is not.
    pub fn narrow(&mut self, filter: Query) {
        self.filter = filter;
        let members = self.members();
        let is_hidden = match &self.pick {
            Pick::Station(_) => !self.filter.is_empty(),
            Pick::Member(target) => !members.contains(target),
        };
        if is_hidden {
            self.pick = members.into_iter().next().map_or(Pick::Station(0), Pick::Member);
        }
    }

    /// The member under the cursor in the target at that position, if it is there.
    pub fn member(&self, at: usize, target: &Target) -> Option<&MemberSnapshot> {
        Some(target.find(self.stations.get(at)?.roster.snapshot()?)?.1)
    }

    /// Where a member is worst; none: nowhere is it.
    pub fn worst(&self, target: &Target) -> Option<usize> {
        let health = |at: usize| self.member(at, target).map(|member| (Health::of(member.status), at));
        (0..self.stations.len()).filter_map(health).min().map(|(_, at)| at)
    }

    /// The targets that answer: of the others nobody knows what holds now.
    pub fn answering(&self) -> impl Iterator<Item = &Model> {
        self.stations.iter().filter(|station| station.freshness() == Freshness::Live)
    }

    /// How many members of the targets that answer are of that grade.
    pub fn graded(&self, grade: Grade) -> usize {
        self.answering().map(|station| station.roster.graded(grade)).sum()
    }

    /// Since when a target does not answer any more, in seconds; none: it answers, or never did.
    pub fn silent_for(&self, at: usize) -> Option<u64> {
        let station = self.stations.get(at)?;
        let is_lost = matches!(station.connection, Connection::Lost { .. });
        let heard = station.roster.snapshot().filter(|_| is_lost).map(|_| station.roster.heard());
        heard.map(|heard| self.clock.running.since(heard).as_secs())
    }

    /// Shows a line for a while; bad news stay longer.
    pub fn tell(&mut self, tone: Tone, text: impl Into<String>) {
        self.toast = Some(Toast::at(self.clock.running, tone, text.into()));
    }

    /// Takes the line back when its time is over; true if it did.
    pub fn end_toast(&mut self) -> bool {
        let over = self.toast.as_ref().is_some_and(|toast| toast.is_over(self.clock.running));
        if over {
            self.toast = None;
        }
        over
    }

    /// Takes back that something visible has changed; true if it had.
    pub fn take_changed(&mut self) -> bool {
        let mut shown = false;
        for (at, station) in self.stations.iter_mut().enumerate() {
            let is_shown = self.focus == Focus::All || self.focus == Focus::One(at);
            shown |= is_shown && std::mem::take(&mut station.changed);
        }
        std::mem::take(&mut self.changed) || shown
    }

    /// How many lines a page key moves.
    pub fn page(&self) -> usize {
        usize::from(self.size.height.saturating_sub(8).max(4))
    }
}
