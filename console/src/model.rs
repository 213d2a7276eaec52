//! The whole truth that the screen is drawn from, as plain data: no terminal, no connection, no clock.
//!
//! What is selected is known by name. What is shown on top of a screen is one value with its own data, so two
//! questions cannot be open at once.

use std::time::Duration;

use evenkeel_protocol::Moment;

use crate::keymap::Context;
use crate::message::{Clock, Size};

pub mod act;
pub mod consequence;
pub mod cursor;
pub mod fleet;
pub mod form;
pub mod health;
pub mod history;
pub mod log;
pub mod pending;
pub mod question;
#[cfg(test)]
pub(crate) mod sample;
pub mod target;
pub mod wash;

use cursor::Cursor;
use fleet::Fleet;
use form::{Form, Text};
use log::Log;
use pending::Pending;
use question::{Question, Standing};
use target::Target;

/// A snapshot that is older counts as stale.
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
    /// It is so many seconds old.
    Stale(u64),
    /// The proxy does not answer.
    Lost {
        /// Why, in a sentence.
        why: String,
        /// In how many seconds it is tried again.
        next_try: u64,
    },
}

/// What fills the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Screen {
    /// All balancers and their members.
    Balancers,
    /// One member, bound by name.
    Member(Target),
    /// What happened.
    Events {
        /// How many of the newest are scrolled out above.
        from: usize,
    },
}

/// What lies on top of the screen and takes the keys.
#[derive(Debug, Clone, PartialEq)]
pub enum Popup {
    /// A filter being written.
    Filter {
        /// The filter before.
        before: String,
        /// What is written.
        text: Text,
    },
    /// A question.
    Confirm(Box<Question>),
    /// An edit being written.
    Form(Box<Form>),
    /// The keys.
    Help {
        /// Which page; it goes round.
        page: usize,
    },
}

/// A line that tells an outcome for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// The line.
    pub text: String,
    /// How it is meant.
    pub tone: Tone,
    until: Moment,
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
#[derive(Debug)]
pub struct Model {
    /// What the connection is called: the socket, or the name of the configuration.
    pub title: String,
    /// The time of the last tick.
    pub clock: Clock,
    /// The size of the terminal.
    pub size: Size,
    /// The connection.
    pub connection: Connection,
    /// The balancers.
    pub fleet: Fleet,
    /// What happened.
    pub log: Log,
    /// Selection and filter.
    pub cursor: Cursor,
    /// Edits on their way.
    pub pending: Pending,
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
            clock: Clock::default(),
            size,
            connection: Connection::Waiting,
            fleet: Fleet::default(),
            log: Log::default(),
            cursor: Cursor::default(),
            pending: Pending::default(),
            screen: Screen::Balancers,
            popup: None,
            toast: None,
            changed: true,
        }
    }

    /// Where the keys go.
    pub fn context(&self) -> Context {
        match (&self.popup, &self.screen) {
            (Some(Popup::Filter { .. }), _) => Context::Filter,
            (Some(Popup::Confirm(_)), _) => Context::Confirm,
            (Some(Popup::Form(_)), _) => Context::Form,
            (Some(Popup::Help { .. }), _) => Context::Help,
            (None, Screen::Balancers) => Context::Balancers,
            (None, Screen::Member(_)) => Context::Member,
            (None, Screen::Events { .. }) => Context::Events,
        }
    }

    /// The member that keys act on.
    pub fn target(&self) -> Option<&Target> {
        match &self.screen {
            Screen::Member(target) => Some(target),
            Screen::Balancers => self.cursor.chosen(),
            Screen::Events { .. } => None,
        }
    }

    /// How far what is shown can be believed.
    pub fn freshness(&self) -> Freshness {
        let now = self.clock.running;
        if let Connection::Lost { why, since, next_try } = &self.connection {
            let left = next_try.saturating_sub(now.since(*since));
            return Freshness::Lost {
                why: why.clone(),
                next_try: left.as_secs().saturating_add(u64::from(left.subsec_nanos() > 0)),
            };
        }
        if self.fleet.snapshot().is_none() {
            return Freshness::Waiting;
        }
        let age = now.since(self.fleet.heard());
        if age < STALE_AFTER { Freshness::Live } else { Freshness::Stale(age.as_secs()) }
    }

    /// Can an edit be sent at all?
    pub fn is_connected(&self) -> bool {
        self.connection == Connection::Up && self.fleet.snapshot().is_some()
    }

    /// How a question stands.
    pub fn standing(&self, question: &Question) -> Standing {
        question.standing(self.fleet.snapshot())
    }

    /// Can a question be answered with yes now?
    pub fn is_answerable(&self, question: &Question) -> bool {
        self.is_connected() && self.standing(question) == Standing::Open
    }

    /// Shows a line for a while; bad news stay longer.
    pub fn tell(&mut self, tone: Tone, text: impl Into<String>) {
        let seconds = if tone == Tone::Alarm { 20 } else { 8 };
        let until = self.clock.running.plus(Duration::from_secs(seconds));
        self.toast = Some(Toast { text: text.into(), tone, until });
    }

    /// Takes the line back when its time is over; true if it did.
    pub fn end_toast(&mut self) -> bool {
        let over = self.toast.as_ref().is_some_and(|toast| toast.until <= self.clock.running);
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
