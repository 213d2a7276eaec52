//! An edit of a member being written: a field for each setting that an edit takes and the proxy tells.

use evenkeel_protocol::clean::is_clean;
use evenkeel_protocol::{BalancerSnapshot, Flag, Hello, MemberEdit, MemberSnapshot};
use tui_input::{Input, InputRequest};

use crate::message::Key;
use crate::model::act::Act;
use crate::model::fields::{Fields, Kind};
use crate::model::target::Target;

/// The longest text that a field takes, in characters; a little more than any value, so that the parsers can say
/// what is wrong with one that is too long.
pub const LONGEST: usize = 80;

/// The settings of a member, those of its health check last. Flags have keys of their own.
pub const SETTINGS: [&str; 10] = [
    "lbfactor",
    "route",
    "redirect",
    "lbset",
    "hcmethod",
    "hcinterval",
    "hcpasses",
    "hcfails",
    "hcuri",
    "hcexpr",
];

/// One line of text being written.
#[derive(Debug, Clone)]
pub struct Text {
    input: Input,
    longest: usize,
    /// Is it that of before, which the first character that is written replaces?
    offered: bool,
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
        Self { input: Input::new(text.to_owned()), longest, offered: false }
    }

    /// As [`Text::with_longest`], for a text of before: another one is written or pasted in its place, and a key that
    /// goes about in it or deletes keeps it, to be changed.
    pub fn offered(text: &str, longest: usize) -> Self {
        Self { offered: !text.is_empty(), ..Self::with_longest(text, longest) }
    }

    /// Would a character replace it?
    pub fn is_offered(&self) -> bool {
        self.offered
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
        self.offered = false;
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
            Key::Char(letter) => after.find(|choice| {
                choice.starts_with([letter.to_ascii_lowercase(), letter.to_ascii_uppercase()])
            }),
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
        if std::mem::take(&mut self.offered) {
            self.input.reset();
        }
        if is_clean(c) && self.value().chars().count() < self.longest {
            self.input.handle(InputRequest::InsertChar(c));
        }
        true
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
    /// Was the proxy started again since? Then its revisions are others.
    pub restarted: bool,
    /// The fields.
    pub fields: Fields,
}

impl Form {
    /// With the values in effect, as far as that proxy tells them.
    pub fn new(
        proxy: &Hello,
        (balancer, member): (&BalancerSnapshot, &MemberSnapshot),
        label: String,
    ) -> Self {
        let told = |keyword: &&str| !keyword.starts_with("hc") || proxy.tells("health");
        let values = SETTINGS.into_iter().filter(told).map(|keyword| (keyword, value(member, keyword)));
        Self {
            target: Target::of(balancer, member),
            label,
            revision: member.revision,
            restarted: false,
            fields: Fields::new(Kind::Member, values),
        }
    }

    /// Shows the member as it is now, for whoever looks again; what was written stays.
    pub fn renew(&mut self, member: &MemberSnapshot) {
        (self.revision, self.restarted) = (member.revision, false);
        self.fields.renew(|keyword| value(member, keyword));
    }

    /// What was written, as something to ask; none if nothing was changed.
    ///
    /// Errors: the position of the first field that is wrong.
    pub fn act(&self) -> Result<Option<Act>, usize> {
        let changes = self.fields.changes()?;
        let mut edit = MemberEdit::default();
        for change in &changes {
            edit.set(&change.field, &change.after).map_err(|_| self.fields.focus())?;
        }
        Ok((!changes.is_empty()).then(|| Act::Settings { edit: Box::new(edit), changes }))
    }
}

/// A member's value of a setting, as commands take it; empty: none.
pub fn value(member: &MemberSnapshot, field: &str) -> String {
    let flag = MemberEdit::FLAGS.into_iter().find(|(_, name)| *name == field);
    let switch = |flag: Flag| if member.status.has(flag) { "on" } else { "off" }.to_owned();
    match (flag, field) {
        (Some((flag, _)), _) => switch(flag),
        (None, "lbfactor") => member.lbfactor.to_string(),
        (None, "lbset") => member.lbset.to_string(),
        (None, "route") => member.route.to_string(),
        (None, "redirect") => member.redirect.to_string(),
        (None, "hcmethod") => member.health.method_name().to_owned(),
        (None, "hcinterval") => member.health.interval.to_string(),
        (None, "hcpasses") => member.health.passes.to_string(),
        (None, "hcfails") => member.health.fails.to_string(),
        (None, "hcuri") => member.health.uri.to_string(),
        (None, _) => member.health.expression.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    fn form() -> Form {
        let snapshot = sample::snapshot(0);
        let balancer = &snapshot.balancers[0];
        Form::new(&snapshot.proxy, (balancer, &balancer.members[0]), "app/node1".to_owned())
    }

    fn written(keyword: &str, text: &str) -> Form {
        let mut form = form();
        form.fields.write(keyword, text);
        form
    }

    #[test]
    fn every_setting_of_a_member_stands_in_the_form() {
        let form = form();
        let keywords: Vec<&str> = form.fields.all().iter().map(|field| field.keyword).collect();
        let flags = MemberEdit::FLAGS.map(|(_, field)| field);
        let other = ["revision", "force", "reason"];
        for field in MemberEdit::FIELDS.iter().filter(|it| !flags.contains(it) && !other.contains(it)) {
            assert!(keywords.contains(field), "{field}");
        }
        let mut snapshot = sample::snapshot(0);
        snapshot.proxy.untold = vec!["health".to_owned()];
        let balancer = &snapshot.balancers[0];
        let form = Form::new(&snapshot.proxy, (balancer, &balancer.members[0]), String::new());
        assert_eq!(form.fields.all().len(), 4, "of an httpd without health checks");
    }

    #[test]
    fn only_what_was_changed_is_asked() {
        assert_eq!(form().act(), Ok(None));
        let none = MemberEdit::default();
        for (keyword, text, edit) in [
            ("lbfactor", " 2.5 ", MemberEdit { lbfactor: "2.50".parse().ok(), ..none.clone() }),
            ("route", "b", MemberEdit { route: "b".parse().ok(), ..none.clone() }),
            ("route", "", MemberEdit { route: Some(evenkeel_protocol::Route::default()), ..none.clone() }),
            ("lbset", "7", MemberEdit { lbset: "7".parse().ok(), ..none.clone() }),
            ("hcmethod", "GET11", MemberEdit { hcmethod: "GET11".parse().ok(), ..none.clone() }),
            ("hcinterval", "5s", MemberEdit { hcinterval: "5000".parse().ok(), ..none.clone() }),
            ("hcpasses", "4", MemberEdit { hcpasses: "4".parse().ok(), ..none.clone() }),
            ("hcuri", "/health", MemberEdit { hcuri: "/health".parse().ok(), ..none.clone() }),
        ] {
            match written(keyword, text).act() {
                Ok(Some(Act::Settings { edit: asked, changes })) => {
                    assert_eq!(*asked, edit, "{keyword}={text}");
                    assert_eq!((changes.len(), changes[0].field.as_str()), (1, keyword));
                }
                other => panic!("{keyword}={text}: {other:?}"),
            }
        }
        assert_eq!(written("lbfactor", "1").act(), Ok(None), "the same number, written shorter");
    }

    #[test]
    fn what_is_wrong_is_said_where_it_is() {
        for (keyword, text, complaint, at) in [
            ("lbfactor", "0.5", "must be a number from 1 to 100", 0),
            ("lbfactor", "", "must be a number", 0),
            ("route", "a;b", "contains ';'", 1),
            ("redirect", "a b", "contains a blank", 2),
            ("lbset", "100", "must be a whole number from 0 to 99", 3),
            ("hcinterval", "5", "at least 100", 5),
            ("hcpasses", "x", "must be a whole number", 6),
        ] {
            let form = written(keyword, text);
            assert_eq!(form.act(), Err(at), "{text:?}");
            let said = form.fields.all()[at].complaint().unwrap();
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
}
