//! A question that is not about members: a balancer's own settings, or the configuration of the whole proxy. It takes a
//! yes, never a key that is pressed by habit.

use evenkeel_protocol::edit::Reason;
use evenkeel_protocol::{BalancerEdit, BalancerName, Change, Snapshot, UndoOrder};

use crate::model::command::{quoted, typed};
use crate::model::consequence::{Remark, Tone};
use crate::model::question::Standing;
use crate::model::tuning::Tuning;

/// What it is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Matter {
    /// Give settings of a balancer new values.
    Settings {
        /// Whose.
        balancer: BalancerName,
        /// The revision of the balancer that the operator was looking at.
        revision: u64,
        /// The values.
        edit: Box<BalancerEdit>,
        /// The same as texts, for people.
        changes: Vec<Change>,
        /// Does it take a change of one's own back?
        undo: bool,
        /// The event of the change that it takes back, where the proxy numbers them.
        event: Option<u64>,
    },
    /// Have the proxy read its configuration anew.
    Reload,
}

/// The question.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What it is about.
    pub matter: Matter,
    /// Why, if the operator has said.
    pub reason: Option<Reason>,
    /// Has it been on the screen? An answer typed ahead of the question is not an answer.
    pub seen: bool,
    /// The form that it came from, to go back to.
    pub back: Option<Box<Tuning>>,
}

impl Decision {
    /// Asks about `matter`.
    pub fn new(matter: Matter) -> Self {
        Self { matter, reason: None, seen: false, back: None }
    }

    /// As the title of the question.
    pub fn title(&self) -> String {
        match &self.matter {
            Matter::Settings { balancer, undo: false, .. } => format!("Change the settings of {balancer}?"),
            Matter::Settings { balancer, .. } => format!("Undo the change of {balancer}'s settings?"),
            Matter::Reload => "Read the configuration anew?".to_owned(),
        }
    }

    /// What it is about, for sentences: `balancer://app`.
    pub fn whom(&self) -> String {
        match &self.matter {
            Matter::Settings { balancer, .. } => balancer.url(),
            Matter::Reload => "the configuration".to_owned(),
        }
    }

    /// The changed settings as texts.
    pub fn changes(&self) -> &[Change] {
        match &self.matter {
            Matter::Settings { changes, .. } => changes,
            Matter::Reload => &[],
        }
    }

    /// How it stands, now that the proxy says `snapshot`.
    pub fn standing(&self, snapshot: Option<&Snapshot>) -> Standing {
        let Some(snapshot) = snapshot else { return Standing::Gone };
        let Matter::Settings { balancer, revision, .. } = &self.matter else { return Standing::Open };
        match snapshot.balancer(balancer) {
            None => Standing::Gone,
            Some(now) if now.revision != *revision => Standing::Changed,
            Some(_) => Standing::Open,
        }
    }

    /// What is sent of a balancer's settings.
    pub fn edit(&self) -> Option<(BalancerName, BalancerEdit)> {
        let Matter::Settings { balancer, revision, edit, .. } = &self.matter else { return None };
        let reason = self.reason.clone();
        Some((balancer.clone(), BalancerEdit { reason, revision: Some(*revision), ..(**edit).clone() }))
    }

    /// The change that is taken back by its number, where it is one.
    pub fn undo(&self) -> Option<UndoOrder> {
        let Matter::Settings { event: Some(event), .. } = self.matter else { return None };
        Some(UndoOrder { event: Some(event), reason: self.reason.clone(), ..UndoOrder::default() })
    }

    /// The command that does the same.
    pub fn command(&self) -> String {
        let mut words = match &self.matter {
            Matter::Reload => return "evenkeel reload".to_owned(),
            Matter::Settings { event: Some(event), .. } => vec![format!("evenkeel undo {event}")],
            Matter::Settings { balancer, changes, .. } => {
                let setting = |change: &Change| quoted(&format!("{}={}", change.field, typed(&change.after)));
                let mut words = vec!["evenkeel set".to_owned(), quoted(&balancer.url())];
                words.extend(changes.iter().map(setting));
                words
            }
        };
        words.extend(self.reason.iter().map(|reason| format!("--reason {}", quoted(reason.as_str()))));
        words.join(" ")
    }

    /// What a yes does, as far as this console knows it by itself.
    pub fn remarks(&self, snapshot: Option<&Snapshot>) -> Vec<Remark> {
        let plain = |text: &str| Remark { tone: Tone::Plain, text: text.to_owned() };
        match &self.matter {
            Matter::Settings { edit, .. } => {
                let warning = edit.stickysession.is_some().then(|| Remark {
                    tone: Tone::Warning,
                    text: "Sessions are looked for elsewhere from then on: those that are not found there start anew."
                        .to_owned(),
                });
                warning.into_iter().collect()
            }
            Matter::Reload => {
                let file = snapshot.map_or("its file", |snapshot| snapshot.proxy.configuration.as_str());
                vec![
                    plain(&format!("Reads {file}: all of it takes effect, or nothing changes.")),
                    plain("Requests in flight finish, connections stay; drains and other flags hold."),
                    plain("Another edit holds while the file says of that field what it said then."),
                ]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    fn settings() -> Decision {
        let snapshot = sample::snapshot(0);
        let mut form = Tuning::new(&snapshot.balancers[0]);
        form.press(crate::message::Key::Char('h'));
        Decision::new(form.matter().unwrap().unwrap())
    }

    #[test]
    fn a_question_about_settings_falls_when_the_balancer_is_changed_or_gone() {
        let (decision, mut snapshot) = (settings(), sample::snapshot(0));
        assert_eq!(decision.standing(Some(&snapshot)), Standing::Open);
        snapshot.balancers[0].revision += 1;
        assert_eq!(decision.standing(Some(&snapshot)), Standing::Changed);
        snapshot.balancers.remove(0);
        assert_eq!(decision.standing(Some(&snapshot)), Standing::Gone);
        let reload = Decision::new(Matter::Reload);
        assert_eq!(reload.standing(Some(&snapshot)), Standing::Open);
        assert_eq!(reload.standing(None), Standing::Gone);
    }

    #[test]
    fn the_command_does_the_same() {
        let mut decision = settings();
        decision.reason = Some(Reason::new("it's better"));
        assert_eq!(
            decision.command(),
            r"evenkeel set balancer://app lbmethod=heartbeat --reason 'it'\''s better'"
        );
        assert_eq!(Decision::new(Matter::Reload).command(), "evenkeel reload");
        let (_, edit) = decision.edit().unwrap();
        assert_eq!(edit.revision, Some(sample::snapshot(0).balancers[0].revision));
    }
}
