//! A balancer's own settings being written: a field for each that an edit takes, checked while typing by the parsers
//! that the proxy uses.

use evenkeel_protocol::{BalancerEdit, BalancerName, BalancerSnapshot, Change, LbMethod, StickySession};

use crate::cli::palette::tunable;
use crate::message::Key;
use crate::model::decision::Matter;
use crate::model::form::Text;

/// The longest text that a field takes, in characters.
const LONGEST: usize = 120;

/// One setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Apache's keyword, which is the field's name in an edit.
    pub keyword: &'static str,
    /// The value in effect, as commands take it.
    pub before: String,
    /// What is written.
    pub text: Text,
}

impl Setting {
    fn value(&self) -> &str {
        self.text.value().trim()
    }

    /// Was it changed?
    pub fn is_changed(&self) -> bool {
        self.value() != self.before
    }

    /// What is wrong with it, if it was changed and something is.
    pub fn complaint(&self) -> Option<String> {
        let mut edit = BalancerEdit::default();
        self.is_changed().then(|| edit.set(self.keyword, self.value()).err()).flatten()
    }

    /// What it takes, in a few words.
    pub fn takes(&self) -> &'static str {
        match self.keyword {
            "lbmethod" => "byrequests, bytraffic, bybusyness, heartbeat (Space)",
            "stickysession" => "COOKIE or COOKIE|PATH; empty: not sticky",
            "nofailover" => "on: sessions get 503 rather than another member (Space)",
            "timeout" => "seconds to wait for a usable member, 0 to 7200",
            "maxattempts" => "failovers after the first try, 0 to 99",
            _ => "",
        }
    }

    /// The words among which it chooses; none: it is written.
    fn choices(&self) -> Option<Vec<&'static str>> {
        match self.keyword {
            "lbmethod" => Some(LbMethod::ALL.iter().map(|method| method.name()).collect()),
            "nofailover" => Some(vec!["off", "on"]),
            _ => None,
        }
    }
}

/// The form.
#[derive(Debug, Clone, PartialEq)]
pub struct Tuning {
    /// Whose settings.
    pub balancer: BalancerName,
    /// The revision that the operator was looking at.
    pub revision: u64,
    /// Each of them.
    pub settings: Vec<Setting>,
    /// The position of the one that takes the keys.
    pub focus: usize,
}

impl Tuning {
    /// With the values in effect.
    pub fn new(balancer: &BalancerSnapshot) -> Self {
        let setting = |keyword| {
            let before = value(balancer, keyword);
            Setting { keyword, text: Text::with_longest(&before, LONGEST), before }
        };
        let settings = tunable().map(setting).collect();
        Self { balancer: balancer.name.clone(), revision: balancer.revision, settings, focus: 0 }
    }

    /// To the next one, or the one before; round and round.
    pub fn step(&mut self, onward: bool) {
        let count = self.settings.len().max(1);
        self.focus = (self.focus + if onward { 1 } else { count - 1 }) % count;
    }

    /// A key for the setting being written; where it is a choice, see [`Text::choose`].
    pub fn press(&mut self, key: Key) {
        let Some(setting) = self.settings.get_mut(self.focus) else { return };
        match setting.choices() {
            Some(choices) => setting.text.choose(&choices, key),
            None => {
                setting.text.press(key);
            }
        }
    }

    /// The text that is being written; none where words are chosen.
    pub fn focused(&mut self) -> Option<&mut Text> {
        let setting = self.settings.get_mut(self.focus).filter(|setting| setting.choices().is_none());
        setting.map(|setting| &mut setting.text)
    }

    /// What was written, as something to ask; none if nothing was changed.
    ///
    /// Errors: the position of the first one that is wrong.
    pub fn matter(&self) -> Result<Option<Matter>, usize> {
        let (mut edit, mut changes) = (BalancerEdit::default(), Vec::new());
        for (at, setting) in self.settings.iter().enumerate().filter(|(_, setting)| setting.is_changed()) {
            edit.set(setting.keyword, setting.value()).map_err(|_| at)?;
            changes.push(Change {
                field: setting.keyword.to_owned(),
                before: setting.before.clone(),
                after: setting.value().to_owned(),
            });
        }
        let (balancer, revision) = (self.balancer.clone(), self.revision);
        let edit = Box::new(edit);
        let matter = Matter::Settings { balancer, revision, edit, changes, undo: false, event: None };
        Ok(self.settings.iter().any(Setting::is_changed).then_some(matter))
    }
}

/// A setting as commands take it; empty: none.
pub fn value(balancer: &BalancerSnapshot, keyword: &str) -> String {
    let settings = &balancer.settings;
    match keyword {
        "lbmethod" => balancer.lbmethod_name().to_owned(),
        "stickysession" => settings.stickysession.as_ref().map_or_else(String::new, StickySession::to_string),
        "nofailover" => if settings.nofailover { "on" } else { "off" }.to_owned(),
        "timeout" => settings.timeout.to_string(),
        "maxattempts" => settings.maxattempts.map_or_else(String::new, |attempts| attempts.to_string()),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    fn form() -> Tuning {
        Tuning::new(&sample::snapshot(0).balancers[0])
    }

    fn write(form: &mut Tuning, keyword: &str, text: &str) {
        let setting = form.settings.iter_mut().find(|setting| setting.keyword == keyword).unwrap();
        setting.text = Text::new(text);
    }

    #[test]
    fn every_setting_that_an_edit_takes_stands_there_with_words_and_its_value() {
        let form = form();
        let keywords: Vec<&str> = form.settings.iter().map(|setting| setting.keyword).collect();
        assert_eq!(keywords, ["lbmethod", "stickysession", "nofailover", "timeout", "maxattempts"]);
        assert!(form.settings.iter().all(|setting| !setting.takes().is_empty()), "{form:?}");
        assert!(form.settings.iter().all(|setting| setting.complaint().is_none()), "{form:?}");
        assert_eq!(
            (form.settings[0].before.as_str(), form.settings[2].before.as_str()),
            ("byrequests", "off")
        );
    }

    #[test]
    fn only_what_was_changed_is_asked_and_what_is_wrong_is_said_where_it_is() {
        let mut form = form();
        assert_eq!(form.matter(), Ok(None));
        form.press(Key::Char(' '));
        write(&mut form, "timeout", " 30 ");
        let Ok(Some(Matter::Settings { edit, changes, revision, .. })) = form.matter() else {
            panic!("{form:?}")
        };
        assert_eq!(
            (edit.lbmethod, edit.nofailover, revision),
            (Some(LbMethod::ByTraffic), None, form.revision)
        );
        let told: Vec<(&str, &str)> =
            changes.iter().map(|change| (change.field.as_str(), change.after.as_str())).collect();
        assert_eq!(told, [("lbmethod", "bytraffic"), ("timeout", "30")]);
        write(&mut form, "maxattempts", "100");
        assert_eq!(form.matter(), Err(4));
        assert!(form.settings[4].complaint().unwrap().contains("99"));
    }

    #[test]
    fn focus_goes_round_and_letters_choose() {
        let mut form = form();
        form.press(Key::Char('h'));
        assert_eq!(form.settings[0].text.value(), "heartbeat");
        assert!(form.focused().is_none(), "a word cannot be pasted into");
        form.step(false);
        assert_eq!(form.focus, 4);
        form.step(true);
        assert_eq!(form.focus, 0);
    }
}
