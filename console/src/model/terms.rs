//! The terms of a drain being written: what it waits for, how long, and what happens then. Taken over they become a
//! question, or change the one that they came from.

use evenkeel_protocol::edit::Reason;
use evenkeel_protocol::{Drain, DrainChange, DrainOrder, DrainUntil, OnTimeout, Patience, Span};

use crate::message::Key;
use crate::model::act::Act;
use crate::model::drains::{Drainage, at_the_deadline, awaited};
use crate::model::form::Text;
use crate::model::question::{Question, Subject};

/// One of the terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Term {
    /// What it waits for.
    Until,
    /// How long, from now.
    Timeout,
    /// What happens then.
    OnTimeout,
    /// How long nothing must be in flight.
    Settle,
    /// Why.
    Reason,
}

impl Term {
    /// All of them, in the order in which they are written.
    pub const ALL: [Self; 5] = [Self::Until, Self::Timeout, Self::OnTimeout, Self::Settle, Self::Reason];

    /// Its label.
    pub fn label(self) -> &'static str {
        match self {
            Self::Until => "until",
            Self::Timeout => "timeout",
            Self::OnTimeout => "then",
            Self::Settle => "settle",
            Self::Reason => "reason",
        }
    }

    /// The words among which it chooses; none: it is written.
    fn choices(self) -> Option<Vec<&'static str>> {
        match self {
            Self::Until => Some(DrainUntil::ALL.iter().map(|until| until.typed()).collect()),
            Self::OnTimeout => Some(OnTimeout::ALL.iter().map(|on_timeout| on_timeout.name()).collect()),
            Self::Timeout | Self::Settle | Self::Reason => None,
        }
    }
}

/// The terms, and what they are for.
#[derive(Debug, Clone, PartialEq)]
pub struct Terms {
    /// What is written, in the order of [`Term::ALL`].
    pub texts: [Text; 5],
    /// Which of them is being written.
    pub focus: usize,
    before: [String; 5],
    /// The question that they came from, or will become.
    question: Question,
    /// The drain that is changed; none: it is not begun yet.
    number: Option<u64>,
}

impl Terms {
    /// Those of a drain that is asked for; none if the question is about something else.
    pub fn of_question(question: &Question) -> Option<Self> {
        let Act::Drain(Drainage::Begin(order)) = &question.act else { return None };
        let reason = question.reason.as_ref().or(order.reason.as_ref());
        let before = [
            order.until.unwrap_or(DrainUntil::Idle).typed().to_owned(),
            order.timeout.unwrap_or(Patience::Forever).to_string(),
            order.on_timeout.unwrap_or(OnTimeout::Fail).to_string(),
            order.settle.unwrap_or_default().to_string(),
            reason.map_or_else(String::new, |reason| reason.as_str().to_owned()),
        ];
        Some(Self::new(before, question.clone(), None))
    }

    /// Those of a drain that runs. The time that it may take counts from when they are taken over.
    pub fn of_drain(drain: &Drain, subject: Subject) -> Self {
        let before = [
            drain.until.typed().to_owned(),
            drain.timeout.to_string(),
            drain.on_timeout.to_string(),
            drain.settle.to_string(),
            String::new(),
        ];
        let act = Act::Drain(Drainage::Change(drain.number, DrainChange::default()));
        Self::new(before, Question::new(vec![subject], act), Some(drain.number))
    }

    fn new(before: [String; 5], question: Question, number: Option<u64>) -> Self {
        let texts = before.each_ref().map(|text| Text::with_longest(text, Reason::LONGEST));
        Self { texts, focus: 0, before, question, number }
    }

    /// Whose terms.
    pub fn whom(&self) -> String {
        self.question.whom()
    }

    /// To the next one, or the one before; round and round.
    pub fn step(&mut self, onward: bool) {
        let count = Term::ALL.len();
        self.focus = (self.focus + if onward { 1 } else { count - 1 }) % count;
    }

    /// A key for the term being written; where it is a choice, see [`Text::choose`].
    pub fn press(&mut self, key: Key) {
        let choices = Term::ALL.get(self.focus).and_then(|term| term.choices());
        let Some(text) = self.texts.get_mut(self.focus) else { return };
        match choices {
            Some(choices) => text.choose(&choices, key),
            None => {
                text.press(key);
            }
        }
    }

    /// The text that is being written; none where words are chosen.
    pub fn focused(&mut self) -> Option<&mut Text> {
        let is_written = Term::ALL.get(self.focus).is_some_and(|term| term.choices().is_none());
        self.texts.get_mut(self.focus).filter(|_| is_written)
    }

    /// What it was before, if it is something else now.
    pub fn before(&self, term: Term) -> Option<&str> {
        let before = self.before.get(term as usize)?;
        (before != self.text(term)).then_some(before)
    }

    fn text(&self, term: Term) -> &str {
        self.texts.get(term as usize).map_or("", |text| text.value().trim())
    }

    /// What is wrong with what is written.
    pub fn complaint(&self, term: Term) -> Option<String> {
        let text = self.text(term);
        match term {
            Term::Until => text.parse::<DrainUntil>().err().map(ToOwned::to_owned),
            Term::Timeout => text.parse::<Patience>().err(),
            Term::OnTimeout => match text.parse::<OnTimeout>() {
                Ok(then) => self.never(then),
                Err(why) => Some(why.to_owned()),
            },
            Term::Settle => text.parse::<Span>().err(),
            Term::Reason => None,
        }
    }

    /// Why what is to happen at the deadline never would: there is none. Where a drain runs so, that is no news.
    fn never(&self, then: OnTimeout) -> Option<String> {
        let is_written = [Term::Timeout, Term::OnTimeout].iter().any(|term| self.before(*term).is_some());
        let is_forever = self.text(Term::Timeout).parse() == Ok(Patience::Forever);
        let is_never = is_forever && then != OnTimeout::Fail && is_written;
        is_never
            .then(|| format!("never: with timeout forever no {then} comes; write a timeout, or fail here"))
    }

    /// What a term means as it is written, or what it takes.
    pub fn meaning(&self, term: Term) -> String {
        let text = self.text(term);
        match term {
            Term::Until => {
                text.parse().map_or(String::new(), |until| format!("waits for {}", awaited(until)))
            }
            Term::Timeout => "from now, such as 10m; or forever".to_owned(),
            Term::OnTimeout => text.parse().map_or(String::new(), |then| at_the_deadline(then).to_owned()),
            Term::Settle => "so long nothing must be in flight, such as 5s".to_owned(),
            Term::Reason => "a few words for the log".to_owned(),
        }
    }

    /// What was written as a question. Of a drain that runs only what was changed is asked.
    ///
    /// # Errors
    ///
    /// Which term is wrong; none if nothing was changed.
    pub fn question(&self) -> Result<Option<Question>, usize> {
        if let Some(wrong) = Term::ALL.iter().position(|term| self.complaint(*term).is_some()) {
            return Err(wrong);
        }
        let changed = |term: Term| self.number.is_none() || self.before(term).is_some();
        let until = changed(Term::Until).then(|| self.text(Term::Until).parse().ok()).flatten();
        let timeout = changed(Term::Timeout).then(|| self.text(Term::Timeout).parse().ok()).flatten();
        let on_timeout = changed(Term::OnTimeout).then(|| self.text(Term::OnTimeout).parse().ok()).flatten();
        let settle = changed(Term::Settle).then(|| self.text(Term::Settle).parse().ok()).flatten();
        let reason = Some(self.text(Term::Reason)).filter(|text| !text.is_empty()).map(Reason::new);
        let drainage = match self.number {
            None => {
                Drainage::Begin(DrainOrder { until, timeout, settle, on_timeout, ..DrainOrder::default() })
            }
            Some(number) => {
                let change = DrainChange { until, timeout, settle, on_timeout, ..DrainChange::default() };
                if change == DrainChange::default() {
                    return Ok(None);
                }
                Drainage::Change(number, change)
            }
        };
        Ok(Some(Question { act: Act::Drain(drainage), reason, seen: false, ..self.question.clone() }))
    }

    /// The question that it came from, as it was.
    pub fn back(self) -> Option<Question> {
        self.number.is_none().then_some(Question { seen: false, ..self.question })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    fn subject() -> Subject {
        Subject { target: sample::target("node2"), label: "app/node2".to_owned(), revision: 4 }
    }

    #[test]
    fn of_a_running_drain_only_changes_are_asked() {
        let mut terms = Terms::of_drain(&sample::drain(7, "node2"), subject());
        assert_eq!(terms.question(), Ok(None));
        terms.focus = 2;
        terms.press(Key::Right);
        let question = terms.question().unwrap().unwrap();
        let change = DrainChange { on_timeout: Some(OnTimeout::Cut), ..DrainChange::default() };
        assert_eq!(question.act, Act::Drain(Drainage::Change(7, change)));
        terms.press(Key::Left);
        assert_eq!(terms.question(), Ok(None));
        terms.press(Key::Char('r'));
        assert_eq!(terms.complaint(Term::OnTimeout), None, "a letter chooses, and writes nothing");
        assert_eq!(terms.before(Term::OnTimeout), Some("stop"));
        terms.press(Key::Char('?'));
        assert_eq!(terms.texts[2].value(), "restore");
        assert!(terms.focused().is_none(), "nothing is pasted into a choice");
    }

    #[test]
    fn what_would_happen_at_a_deadline_that_never_comes_is_refused() {
        let snapshot = sample::snapshot(0);
        let (balancer, member) = sample::target("node2").find(&snapshot).unwrap();
        let question = Question::new(vec![subject()], Act::Drain(Drainage::usual(balancer, member)));
        let mut terms = Terms::of_question(&question).unwrap();
        terms.focus = 2;
        terms.press(Key::Right);
        assert_eq!((terms.texts[2].value(), terms.question()), ("stop", Err(2)));
        let why = "never: with timeout forever no stop comes; write a timeout, or fail here";
        assert_eq!(terms.complaint(Term::OnTimeout).as_deref(), Some(why));
        terms.texts[1] = Text::new("9m");
        assert_eq!((terms.complaint(Term::OnTimeout), terms.question().is_ok()), (None, true));
        // A drain that runs without a deadline can be given a reason all the same.
        let drain = Drain { timeout: Patience::Forever, ..sample::drain(7, "node2") };
        let mut terms = Terms::of_drain(&drain, subject());
        assert_eq!(terms.texts[2].value(), "stop");
        terms.texts[3] = Text::new("6s");
        assert!(terms.question().is_ok());
        let mut terms = Terms::of_drain(&sample::drain(7, "node2"), subject());
        terms.texts[1] = Text::new("forever");
        assert_eq!(terms.question(), Err(2));
    }

    #[test]
    fn a_new_drain_is_asked_with_all_its_terms() {
        let snapshot = sample::snapshot(0);
        let (balancer, member) = sample::target("node2").find(&snapshot).unwrap();
        let question = Question::new(vec![subject()], Act::Drain(Drainage::usual(balancer, member)));
        let mut terms = Terms::of_question(&question).unwrap();
        terms.step(true);
        terms.press(Key::Ctrl('u'));
        "10".chars().for_each(|c| terms.press(Key::Char(c)));
        assert_eq!(terms.question(), Err(1), "a number without its unit");
        terms.press(Key::Char('m'));
        terms.focus = 4;
        "deploy 42".chars().for_each(|c| terms.press(Key::Char(c)));
        let asked = terms.question().unwrap().unwrap();
        let Act::Drain(Drainage::Begin(order)) = &asked.act else { panic!("{asked:?}") };
        assert_eq!(order.timeout, "10m".parse().ok());
        assert_eq!(order.until, Some(DrainUntil::NoSessions));
        assert_eq!(asked.reason, Some(Reason::new("deploy 42")));
        assert_eq!(terms.back().unwrap().act, question.act);
        assert_eq!(Terms::of_question(&Question::new(vec![subject()], Act::Enable)), None);
    }
}
