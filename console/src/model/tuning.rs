//! A balancer's own settings being written: a field for each that an edit takes.

use evenkeel_protocol::{BalancerEdit, BalancerName, BalancerSnapshot, StickySession};

use crate::cli::palette::tunable;
use crate::model::decision::Matter;
use crate::model::fields::{Fields, Kind};

/// The form.
#[derive(Debug, Clone, PartialEq)]
pub struct Tuning {
    /// Whose settings.
    pub balancer: BalancerName,
    /// The revision that the operator was looking at.
    pub revision: u64,
    /// Was the proxy started again since? Then its revisions are others.
    pub restarted: bool,
    /// Each of them.
    pub fields: Fields,
}

impl Tuning {
    /// With the values in effect.
    pub fn new(balancer: &BalancerSnapshot) -> Self {
        let values = tunable().map(|keyword| (keyword, value(balancer, keyword)));
        let fields = Fields::new(Kind::Balancer, values);
        Self { balancer: balancer.name.clone(), revision: balancer.revision, restarted: false, fields }
    }

    /// Shows the balancer as it is now, for whoever looks again; what was written stays.
    pub fn renew(&mut self, balancer: &BalancerSnapshot) {
        (self.revision, self.restarted) = (balancer.revision, false);
        self.fields.renew(|keyword| value(balancer, keyword));
    }

    /// What was written, as something to ask; none if nothing was changed.
    ///
    /// Errors: the position of the first one that is wrong.
    pub fn matter(&self) -> Result<Option<Matter>, usize> {
        let changes = self.fields.changes()?;
        let mut edit = BalancerEdit::default();
        for change in &changes {
            edit.set(&change.field, &change.after).map_err(|_| self.fields.focus())?;
        }
        let (balancer, revision) = (self.balancer.clone(), self.revision);
        let asks = !changes.is_empty();
        let edit = Box::new(edit);
        let matter = Matter::Settings { balancer, revision, edit, changes, undo: false, event: None };
        Ok(asks.then_some(matter))
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
    use evenkeel_protocol::LbMethod;

    use super::*;
    use crate::message::Key;
    use crate::model::sample;

    fn form() -> Tuning {
        Tuning::new(&sample::snapshot(0).balancers[0])
    }

    #[test]
    fn every_setting_that_an_edit_takes_stands_there_with_its_value() {
        let form = form();
        let keywords: Vec<&str> = form.fields.all().iter().map(|setting| setting.keyword).collect();
        assert_eq!(keywords, ["lbmethod", "stickysession", "nofailover", "timeout", "maxattempts"]);
        assert!(form.fields.all().iter().all(|setting| setting.complaint().is_none()), "{form:?}");
        let value = |at: usize| form.fields.all()[at].before.as_str();
        assert_eq!((value(0), value(2)), ("byrequests", "off"));
    }

    #[test]
    fn only_what_was_changed_is_asked_and_what_is_wrong_is_said_where_it_is() {
        let mut form = form();
        assert_eq!(form.matter(), Ok(None));
        form.fields.press(Key::Char(' '));
        form.fields.write("timeout", " 30 ");
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
        form.fields.write("maxattempts", "100");
        assert_eq!(form.matter(), Err(4));
        assert!(form.fields.all()[4].complaint().unwrap().contains("99"));
    }
}
