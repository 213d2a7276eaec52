//! The fields of a form: each has the value in effect and what is written, checked while typing by the parsers that the
//! proxy uses; one of them takes the keys.

use evenkeel_protocol::edit::shown;
use evenkeel_protocol::{BalancerEdit, Change, CheckInterval, CheckMethod, Factor, LbMethod, MemberEdit};

use crate::message::Key;
use crate::model::form::Text;
use crate::model::joining;

/// The longest text that a field takes, in characters; more than most values, so that the parsers can say what is wrong
/// with one that is too long.
const LONGEST: usize = 200;

/// What a form is of, which says how its fields are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Settings of a member.
    Member,
    /// A balancer's own settings.
    Balancer,
    /// A member that is to come.
    Newcomer,
}

/// One field.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Apache's keyword, which is the field's name in an edit.
    pub keyword: &'static str,
    /// The value in effect, as commands take it.
    pub before: String,
    /// What is written.
    pub text: Text,
    kind: Kind,
}

impl Field {
    /// What is written, without blanks around it.
    pub fn value(&self) -> &str {
        self.text.value().trim()
    }

    /// The value in effect, as it is written.
    pub fn effective(&self) -> String {
        shown(self.keyword, &self.before)
    }

    /// Was it changed?
    pub fn is_changed(&self) -> bool {
        self.value() != self.effective()
    }

    /// What is wrong with it, if it was changed and something is: the rest of a sentence.
    pub fn complaint(&self) -> Option<String> {
        self.is_changed().then(|| self.read().err()).flatten()
    }

    /// The change that it asks for; none if it holds already, however it is written.
    fn change(&self) -> Result<Option<Change>, String> {
        if !self.is_changed() {
            return Ok(None);
        }
        let (field, before, after) = (self.keyword.to_owned(), self.before.clone(), self.read()?);
        Ok((before != after).then_some(Change { field, before, after }))
    }

    /// What is written, as Apache would show it.
    fn read(&self) -> Result<String, String> {
        let value = self.value();
        match self.kind {
            Kind::Member => MemberEdit::default().set(self.keyword, value)?,
            Kind::Balancer => BalancerEdit::default().set(self.keyword, value)?,
            Kind::Newcomer => joining::check(self.keyword, value)?,
        }
        Ok(match self.keyword {
            "lbfactor" => value.parse::<Factor>()?.to_string(),
            "lbset" | "hcpasses" | "hcfails" | "timeout" | "maxattempts" if self.kind != Kind::Newcomer => {
                value.parse::<u32>().map_or_else(|_| value.to_owned(), |number| number.to_string())
            }
            "hcinterval" => value.parse::<CheckInterval>()?.to_string(),
            "hcmethod" => value.parse::<CheckMethod>()?.to_string(),
            _ => value.to_owned(),
        })
    }

    /// What it takes, in a few words.
    pub fn takes(&self) -> &'static str {
        match self.keyword {
            "lbfactor" | "loadfactor" => "its share, 1 to 100",
            "route" => "ties sessions to it; may be empty",
            "redirect" => "route for its sessions while it cannot serve",
            "lbset" => "0 to 99, lower sets first",
            "hcmethod" => "how it is checked (Space); NONE: not at all",
            "hcinterval" => "from the end of a check to the next: 30s, 500ms",
            "hcpasses" => "passes in a row that make it well again",
            "hcfails" => "fails in a row that make it fail",
            "hcuri" => "what a check asks for, as /health; empty: its URL",
            "hcexpr" => "the ProxyHCExpr that decides; empty: the status",
            "lbmethod" => "byrequests, bytraffic, bybusyness, heartbeat (Space)",
            "stickysession" => "COOKIE or COOKIE|PATH; empty: not sticky",
            "nofailover" => "on: sessions get 503 rather than another member (Space)",
            "timeout" => "seconds to wait for a usable member, 0 to 7200",
            "maxattempts" => "failovers after the first try, 0 to 99",
            "url" => "http://10.0.0.9:8080, or unix:/run/app.sock|http://app",
            "status" => "empty: disabled until it is enabled; -D: takes requests at once",
            "more" => "other KEY=VALUE of a BalancerMember line, with blanks between",
            _ => "",
        }
    }

    /// The words among which it chooses; none: it is written.
    fn choices(&self) -> Option<Vec<&'static str>> {
        match self.keyword {
            "lbmethod" => Some(LbMethod::ALL.iter().map(|method| method.name()).collect()),
            "nofailover" => Some(vec!["off", "on"]),
            "hcmethod" => Some(CheckMethod::ALL.iter().map(|method| method.name()).collect()),
            _ => None,
        }
    }
}

/// The fields, in the order of the screen, of which there is at least one.
#[derive(Debug, Clone, PartialEq)]
pub struct Fields {
    fields: Vec<Field>,
    focus: usize,
}

impl Fields {
    /// With the values in effect.
    pub fn new(kind: Kind, values: impl Iterator<Item = (&'static str, String)>) -> Self {
        let field = |(keyword, before): (_, String)| Field {
            keyword,
            text: Text::with_longest(&shown(keyword, &before), LONGEST),
            before,
            kind,
        };
        Self { fields: values.map(field).collect(), focus: 0 }
    }

    /// Takes on the values that are in effect now; what was written stays.
    pub fn renew(&mut self, now: impl Fn(&'static str) -> String) {
        for field in &mut self.fields {
            let now = now(field.keyword);
            if !field.is_changed() {
                field.text = Text::with_longest(&shown(field.keyword, &now), LONGEST);
            }
            field.before = now;
        }
    }

    /// All of them.
    pub fn all(&self) -> &[Field] {
        &self.fields
    }

    /// The position of the one that takes the keys.
    pub fn focus(&self) -> usize {
        self.focus
    }

    /// Moves to the one at `position`.
    pub fn look_at(&mut self, position: usize) {
        self.focus = position.min(self.fields.len().saturating_sub(1));
    }

    /// To the next one, or the one before; round and round.
    pub fn step(&mut self, onward: bool) {
        let count = self.fields.len().max(1);
        self.focus = (self.focus + if onward { 1 } else { count - 1 }) % count;
    }

    /// A key for the one being written; where it is a choice, see [`Text::choose`].
    pub fn press(&mut self, key: Key) {
        let Some(field) = self.fields.get_mut(self.focus) else { return };
        match field.choices() {
            Some(choices) => field.text.choose(&choices, key),
            None => drop(field.text.press(key)),
        }
    }

    /// The text that is being written; none where words are chosen.
    pub fn focused(&mut self) -> Option<&mut Text> {
        let field = self.fields.get_mut(self.focus).filter(|field| field.choices().is_none());
        field.map(|field| &mut field.text)
    }

    /// What was changed.
    ///
    /// Errors: the position of the first one that is wrong.
    pub fn changes(&self) -> Result<Vec<Change>, usize> {
        let changes = self.fields.iter().enumerate();
        changes.filter_map(|(at, field)| field.change().map_err(|_| at).transpose()).collect()
    }
}

#[cfg(test)]
impl Fields {
    /// Writes `text` where that keyword stands.
    pub(crate) fn write(&mut self, keyword: &str, text: &str) {
        let field = self.fields.iter_mut().find(|field| field.keyword == keyword).expect("a field");
        field.text = Text::new(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::form::SETTINGS;

    #[test]
    fn every_field_has_words() {
        let keywords = SETTINGS.into_iter().chain(joining::keywords()).chain(crate::cli::palette::tunable());
        let fields = Fields::new(Kind::Member, keywords.map(|keyword| (keyword, String::new())));
        assert!(fields.all().iter().all(|field| !field.takes().is_empty()), "{fields:?}");
    }

    #[test]
    fn what_is_written_in_another_way_is_the_same() {
        for (kind, keyword, before, text, after) in [
            (Kind::Member, "lbfactor", "1.00", "1", None),
            (Kind::Member, "lbfactor", "1.00", " 2.5 ", Some("2.50")),
            (Kind::Member, "lbset", "0", "00", None),
            (Kind::Member, "hcinterval", "30000ms", "30s", None),
            (Kind::Member, "hcinterval", "30000ms", "500ms", Some("500ms")),
            (Kind::Member, "hcmethod", "NONE", "get11", Some("GET11")),
            (Kind::Balancer, "timeout", "0", "07", Some("7")),
            (Kind::Balancer, "maxattempts", "", "", None),
            (Kind::Newcomer, "loadfactor", "", "2", Some("2")),
        ] {
            let mut fields = Fields::new(kind, std::iter::once((keyword, before.to_owned())));
            fields.write(keyword, text);
            let changes = fields.changes().unwrap();
            assert_eq!(changes.first().map(|change| change.after.as_str()), after, "{keyword}={text}");
        }
    }

    #[test]
    fn an_interval_stands_there_as_people_write_it() {
        let of = |before: &str| ("hcinterval", before.to_owned());
        let mut fields = Fields::new(Kind::Member, std::iter::once(of("30000ms")));
        assert_eq!((fields.all()[0].value(), fields.changes()), ("30s", Ok(Vec::new())));
        fields.renew(|_| "1500ms".to_owned());
        assert_eq!(fields.all()[0].value(), "1500ms");
        fields.write("hcinterval", "2s");
        assert_eq!(fields.changes().unwrap()[0].before, "1500ms");
    }

    #[test]
    fn focus_goes_round_and_letters_choose() {
        let values =
            [("hcmethod", "NONE"), ("hcuri", "")].map(|(keyword, value)| (keyword, value.to_owned()));
        let mut fields = Fields::new(Kind::Member, values.into_iter());
        fields.press(Key::Char(' '));
        assert_eq!(fields.all()[0].value(), "TCP");
        fields.press(Key::Char('H'));
        assert_eq!(fields.all()[0].value(), "HEAD");
        assert!(fields.focused().is_none(), "a word cannot be pasted into");
        fields.step(false);
        assert_eq!(fields.focus(), 1);
        assert!(fields.focused().is_some());
        fields.step(true);
        assert_eq!(fields.focus(), 0);
        fields.look_at(99);
        assert_eq!(fields.focus(), 1);
    }
}
