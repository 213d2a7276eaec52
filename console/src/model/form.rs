//! An edit being written: four fields, checked while typing by the same parsers that the proxy uses.

use evenkeel_protocol::clean::is_clean;
use evenkeel_protocol::{BalancerSnapshot, Change, MemberEdit, MemberSnapshot};
use tui_input::{Input, InputRequest};

use crate::message::Key;
use crate::model::act::Act;
use crate::model::target::Target;

/// The longest text that a field takes, in characters; a little more than any value, so that the parsers can say
/// what is wrong with one that is too long.
pub const LONGEST: usize = 80;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The load factor.
    Factor,
    /// The route.
    Route,
    /// The redirect.
    Redirect,
    /// The set.
    Set,
}

impl Kind {
    /// Apache's keyword, which is the field's name in an edit.
    pub fn keyword(self) -> &'static str {
        match self {
            Self::Factor => "lbfactor",
            Self::Route => "route",
            Self::Redirect => "redirect",
            Self::Set => "lbset",
        }
    }

    /// What it takes, in a few words.
    pub fn takes(self) -> &'static str {
        match self {
            Self::Factor => "its share, 1 to 100",
            Self::Route => "ties sessions to it; may be empty",
            Self::Redirect => "route for its sessions while it cannot serve",
            Self::Set => "0 to 99, lower sets first",
        }
    }
}

/// One line of text being written.
#[derive(Debug, Clone)]
pub struct Text {
    input: Input,
    longest: usize,
}

impl Default for Text {
    fn default() -> Self {
        Self::new("")
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.value() == other.value() && self.input.cursor() == other.input.cursor()
    }
}

impl Text {
    /// Starts with `text`, the cursor behind it.
    pub fn new(text: &str) -> Self {
        Self::with_longest(text, LONGEST)
    }

    /// As [`Text::new`], for a text of at most so many characters.
    pub fn with_longest(text: &str, longest: usize) -> Self {
        Self { input: Input::new(text.to_owned()), longest }
    }

    /// What is written.
    pub fn value(&self) -> &str {
        self.input.value()
    }

    /// The column of the cursor.
    pub fn column(&self) -> usize {
        self.input.visual_cursor()
    }

    /// A key that may belong to the text; false if it does not.
    pub fn press(&mut self, key: Key) -> bool {
        let request = match key {
            Key::Char(c) => return self.insert(c),
            Key::Left => InputRequest::GoToPrevChar,
            Key::Right => InputRequest::GoToNextChar,
            Key::Home | Key::Ctrl('a') => InputRequest::GoToStart,
            Key::End | Key::Ctrl('e') => InputRequest::GoToEnd,
            Key::Backspace | Key::Ctrl('h') => InputRequest::DeletePrevChar,
            Key::Delete => InputRequest::DeleteNextChar,
            Key::Ctrl('w') => InputRequest::DeletePrevWord,
            Key::Ctrl('u') => InputRequest::DeleteFromStart,
            Key::Ctrl('k') => InputRequest::DeleteTillEnd,
            _ => return false,
        };
        self.input.handle(request);
        true
    }

    /// A key where one of `choices` is chosen: arrows and the space bar go through them, and a letter takes the next word
    /// that begins with it.
    pub fn choose(&mut self, choices: &[&str], key: Key) {
        let now = choices.iter().position(|choice| *choice == self.value()).unwrap_or(0);
        let mut after = choices.iter().cycle().skip(now + 1).take(choices.len());
        let next = match key {
            Key::Right | Key::Char(' ') => after.next(),
            Key::Left => after.nth(choices.len().saturating_sub(2)),
            Key::Char(letter) => after.find(|choice| choice.starts_with(letter)),
            _ => None,
        };
        if let Some(next) = next {
            *self = Self::with_longest(next, self.longest);
        }
    }

    /// Pasted text: what is no plain character is dropped, and what is too long is cut.
    pub fn paste(&mut self, text: &str) {
        for c in text.chars().filter(|c| is_clean(*c)).take(self.longest) {
            self.insert(c);
        }
    }

    fn insert(&mut self, c: char) -> bool {
        if is_clean(c) && self.value().chars().count() < self.longest {
            self.input.handle(InputRequest::InsertChar(c));
        }
        true
    }
}

/// One field.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// What it holds.
    pub kind: Kind,
    /// The value in effect.
    pub before: String,
    /// What is written.
    pub text: Text,
}

impl Field {
    /// Takes the field over into `edit` if it was changed.
    ///
    /// Errors: what is wrong with it, as the rest of a sentence.
    fn take(&self, edit: &mut MemberEdit) -> Result<(), String> {
        let text = self.text.value().trim();
        if text == self.before {
            return Ok(());
        }
        let route = |text: &str| text.parse().map_err(|why| format!("{why}"));
        match self.kind {
            Kind::Factor => edit.lbfactor = Some(text.parse()?),
            Kind::Route => edit.route = Some(route(text)?),
            Kind::Redirect => edit.redirect = Some(route(text)?),
            Kind::Set => edit.lbset = Some(text.parse()?),
        }
        Ok(())
    }

    /// What is wrong with it, if something is.
    pub fn complaint(&self) -> Option<String> {
        self.take(&mut MemberEdit::default()).err()
    }

    /// Was it changed?
    pub fn is_changed(&self) -> bool {
        self.text.value().trim() != self.before
    }
}

/// The form.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    /// Whom it is about.
    pub target: Target,
    /// Its name among people: `app/node1`.
    pub label: String,
    /// The revision that the operator was looking at.
    pub revision: u64,
    /// The fields, in the order of Apache's columns.
    pub fields: [Field; 4],
    focus: usize,
}

impl Form {
    /// With the values in effect.
    pub fn new(balancer: &BalancerSnapshot, member: &MemberSnapshot, label: String) -> Self {
        let field = |kind, value: String| Field { kind, text: Text::new(&value), before: value };
        Self {
            target: Target::of(balancer, member),
            label,
            revision: member.revision,
            fields: [
                field(Kind::Factor, member.lbfactor.to_string()),
                field(Kind::Route, member.route.to_string()),
                field(Kind::Redirect, member.redirect.to_string()),
                field(Kind::Set, member.lbset.to_string()),
            ],
            focus: 0,
        }
    }

    /// The position of the field that takes the keys.
    pub fn focus(&self) -> usize {
        self.focus
    }

    /// The text that takes the keys.
    pub fn focused(&mut self) -> Option<&mut Text> {
        self.fields.get_mut(self.focus).map(|field| &mut field.text)
    }

    /// To the next field, round and round.
    pub fn next(&mut self) {
        self.focus = (self.focus + 1) % self.fields.len();
    }

    /// To the field before, round and round.
    pub fn previous(&mut self) {
        self.focus = (self.focus + self.fields.len() - 1) % self.fields.len();
    }

    /// What was written, as something to ask; none if nothing was changed.
    ///
    /// Errors: the position of the first field that is wrong.
    pub fn act(&self) -> Result<Option<Act>, usize> {
        let mut edit = MemberEdit::default();
        for (at, field) in self.fields.iter().enumerate() {
            field.take(&mut edit).map_err(|_| at)?;
        }
        if edit == MemberEdit::default() {
            return Ok(None);
        }
        // A factor may be written in several ways; people see it as Apache writes it.
        let after = |field: &Field| match field.kind {
            Kind::Factor => edit.lbfactor.map_or_else(String::new, |factor| factor.to_string()),
            Kind::Set => edit.lbset.map_or_else(String::new, |set| set.to_string()),
            Kind::Route | Kind::Redirect => field.text.value().trim().to_owned(),
        };
        let changes: Vec<Change> = self
            .fields
            .iter()
            .filter(|field| field.is_changed())
            .map(|field| Change {
                field: field.kind.keyword().to_owned(),
                before: field.before.clone(),
                after: after(field),
            })
            .filter(|change| change.before != change.after)
            .collect();
        Ok((!changes.is_empty()).then(|| Act::Settings { edit: Box::new(edit), changes }))
    }

    /// Moves to the field at `position`.
    pub fn look_at(&mut self, position: usize) {
        self.focus = position.min(self.fields.len() - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    fn form() -> Form {
        let snapshot = sample::snapshot(0);
        let balancer = &snapshot.balancers[0];
        Form::new(balancer, &balancer.members[0], "app/node1".to_owned())
    }

    fn written(kind: Kind, text: &str) -> Form {
        let mut form = form();
        for field in &mut form.fields {
            if field.kind == kind {
                field.text = Text::new(text);
            }
        }
        form
    }

    #[test]
    fn only_what_was_changed_is_asked() {
        assert_eq!(form().act(), Ok(None));
        for (what, kind, text, edit) in [
            (
                "factor",
                Kind::Factor,
                " 2.5 ",
                MemberEdit { lbfactor: Some("2.50".parse().unwrap()), ..MemberEdit::default() },
            ),
            (
                "route",
                Kind::Route,
                "b",
                MemberEdit { route: Some("b".parse().unwrap()), ..MemberEdit::default() },
            ),
            (
                "no route",
                Kind::Route,
                "",
                MemberEdit { route: Some(evenkeel_protocol::Route::default()), ..MemberEdit::default() },
            ),
            (
                "set",
                Kind::Set,
                "7",
                MemberEdit { lbset: Some("7".parse().unwrap()), ..MemberEdit::default() },
            ),
        ] {
            match written(kind, text).act() {
                Ok(Some(Act::Settings { edit: asked, changes })) => {
                    assert_eq!(*asked, edit, "{what}");
                    assert_eq!(changes.len(), 1, "{what}");
                    assert_eq!(changes[0].field, kind.keyword());
                }
                other => panic!("{what}: {other:?}"),
            }
        }
        assert_eq!(written(Kind::Factor, "1").act(), Ok(None), "the same number, written shorter");
    }

    #[test]
    fn what_is_wrong_is_said_where_it_is() {
        for (kind, text, complaint, at) in [
            (Kind::Factor, "0.5", "must be a number from 1 to 100", 0),
            (Kind::Factor, "", "must be a number", 0),
            (Kind::Route, "a;b", "contains ';'", 1),
            (Kind::Redirect, "a b", "contains a blank", 2),
            (Kind::Set, "100", "must be a whole number from 0 to 99", 3),
        ] {
            let form = written(kind, text);
            assert_eq!(form.act(), Err(at), "{text:?}");
            let said = form.fields[at].complaint().unwrap();
            assert!(said.contains(complaint), "{text:?}: {said}");
        }
    }

    #[test]
    fn pasted_text_is_plain_and_bounded() {
        let mut text = Text::new("ab");
        text.press(Key::Left);
        text.paste("\u{1b}[31m\r\n\u{202e}x");
        assert_eq!(text.value(), "a[31mxb");
        text.paste(&"y".repeat(10_000));
        assert_eq!(text.value().chars().count(), LONGEST);
        assert!(text.press(Key::Char('\u{9b}')));
        assert!(!text.press(Key::Up));
    }

    #[test]
    fn focus_goes_round() {
        let mut form = form();
        form.previous();
        assert_eq!(form.focus(), 3);
        form.next();
        assert_eq!(form.focus(), 0);
        form.look_at(99);
        assert!(form.focused().is_some());
    }
}
