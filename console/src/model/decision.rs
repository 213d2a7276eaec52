//! A question that is not about members that are there: a balancer's own settings, a member that is to come, or the
//! configuration of the whole proxy. It takes a yes, never a key that is pressed by habit.

use evenkeel_protocol::edit::Reason;
use evenkeel_protocol::{
    BalancerEdit, BalancerName, Change, MemberAddition, MemberName, Snapshot, UndoOrder,
};

use crate::called;
use crate::model::Popup;
use crate::model::command::typed;
use crate::model::consequence::{Remark, Tone};
use crate::model::question::Standing;
use crate::model::target::short;
use crate::shell::quoted;

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
    /// Have a member come to a balancer.
    Addition {
        /// Where to.
        balancer: BalancerName,
        /// Who; with a revision only while the balancer still has it.
        addition: Box<MemberAddition>,
        /// Does it take a removal of one's own back?
        undo: bool,
        /// The event of the removal that it takes back, where the proxy numbers them.
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
    /// Was the proxy started again since? Then its revisions are others, and say nothing of a change.
    pub restarted: bool,
    /// Has it been on the screen? An answer typed ahead of the question is not an answer.
    pub seen: bool,
    /// What the proxy has noted in the question, which the answer need not say again.
    pub noted: Vec<String>,
    /// The form that it came from, to go back to.
    pub back: Option<Box<Popup>>,
}

impl Decision {
    /// Asks about `matter`.
    pub fn new(matter: Matter) -> Self {
        Self { matter, reason: None, restarted: false, seen: false, noted: Vec::new(), back: None }
    }

    /// As the title of the question.
    pub fn title(&self) -> String {
        match &self.matter {
            Matter::Settings { balancer, undo: false, .. } => format!("Change the settings of {balancer}?"),
            Matter::Settings { balancer, .. } => format!("Undo the change of {balancer}'s settings?"),
            Matter::Addition { undo: false, .. } => format!("Add {}?", self.whom()),
            Matter::Addition { .. } => format!("Add {} again?", self.whom()),
            Matter::Reload => "Read the configuration anew?".to_owned(),
        }
    }

    /// What it is about, for sentences: `balancer://app`, `app/10.0.0.9:8080`, and of one that
    /// comes with a route `app/node9 (10.0.0.9:8080)`.
    pub fn whom(&self) -> String {
        match &self.matter {
            Matter::Settings { balancer, .. } => balancer.url(),
            Matter::Addition { balancer, addition, .. } => {
                let name = MemberName::as_shown(&addition.url);
                let name = name.as_ref().map_or(addition.url.as_str(), short);
                let route = addition.parameters.iter().find_map(|word| word.strip_prefix("route="));
                match route.filter(|route| !route.is_empty()) {
                    Some(route) => format!("{balancer}/{route} ({name})"),
                    None => format!("{balancer}/{name}"),
                }
            }
            Matter::Reload => "the configuration".to_owned(),
        }
    }

    /// The changed settings as texts.
    pub fn changes(&self) -> &[Change] {
        match &self.matter {
            Matter::Settings { changes, .. } => changes,
            Matter::Addition { .. } | Matter::Reload => &[],
        }
    }

    /// How it stands, now that the proxy says `snapshot`.
    pub fn standing(&self, snapshot: Option<&Snapshot>) -> Standing {
        let Some(snapshot) = snapshot else { return Standing::Gone };
        let (balancer, revision) = match &self.matter {
            // Of a numbered change the proxy knows field by field whether anybody touched it.
            Matter::Settings { balancer, event: Some(_), .. } => (balancer, None),
            Matter::Settings { balancer, revision, .. } => (balancer, Some(*revision)),
            Matter::Addition { balancer, addition, .. } => (balancer, addition.revision),
            Matter::Reload => return Standing::Open,
        };
        match snapshot.balancer(balancer) {
            None => Standing::Gone,
            Some(now) if revision.is_some_and(|revision| now.revision != revision) => Standing::Changed,
            Some(_) => Standing::Open,
        }
    }

    /// What is sent of a balancer's settings.
    pub fn edit(&self) -> Option<(BalancerName, BalancerEdit)> {
        let Matter::Settings { balancer, revision, edit, .. } = &self.matter else { return None };
        let reason = self.reason.clone();
        Some((balancer.clone(), BalancerEdit { reason, revision: Some(*revision), ..(**edit).clone() }))
    }

    /// What is sent of a member that is to come.
    pub fn addition(&self) -> Option<(BalancerName, MemberAddition)> {
        let Matter::Addition { balancer, addition, .. } = &self.matter else { return None };
        Some((balancer.clone(), MemberAddition { reason: self.reason.clone(), ..(**addition).clone() }))
    }

    /// Does it take a change of one's own back?
    pub fn is_undo(&self) -> bool {
        matches!(self.matter, Matter::Settings { undo: true, .. } | Matter::Addition { undo: true, .. })
    }

    /// The change that is taken back by its number, where it is one.
    pub fn undo(&self) -> Option<UndoOrder> {
        let (Matter::Settings { event: Some(event), .. } | Matter::Addition { event: Some(event), .. }) =
            self.matter
        else {
            return None;
        };
        Some(UndoOrder { event: Some(event), reason: self.reason.clone(), ..UndoOrder::default() })
    }

    /// The command that does the same.
    pub fn command(&self) -> String {
        let mut words = match &self.matter {
            Matter::Settings { event: Some(event), .. } | Matter::Addition { event: Some(event), .. } => {
                vec![format!("evenkeel undo {event}")]
            }
            Matter::Settings { balancer, changes, .. } => {
                let setting = |change: &Change| quoted(&format!("{}={}", change.field, typed(&change.after)));
                let words = vec!["evenkeel set".to_owned(), quoted(&balancer.url())];
                words.into_iter().chain(changes.iter().map(setting)).collect()
            }
            Matter::Addition { balancer, addition, .. } => {
                let words = vec!["evenkeel add".to_owned(), quoted(balancer.as_str()), quoted(&addition.url)];
                words.into_iter().chain(addition.parameters.iter().map(|word| quoted(word))).collect()
            }
            Matter::Reload => vec!["evenkeel reload".to_owned()],
        };
        words.extend(self.reason.iter().map(|reason| format!("--reason {}", quoted(reason.as_str()))));
        words.join(" ")
    }

    /// What a yes does, as far as this console knows it by itself; what the other side has foreseen is not told here.
    pub fn remarks(&self, snapshot: Option<&Snapshot>, is_foreseen: bool) -> Vec<Remark> {
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
            Matter::Addition { balancer, addition, .. } => {
                newcomer(snapshot, (balancer, addition), is_foreseen)
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

/// What is seen of a member that is to come, before the proxy has said anything.
fn newcomer(
    snapshot: Option<&Snapshot>,
    (balancer, addition): (&BalancerName, &MemberAddition),
    is_foreseen: bool,
) -> Vec<Remark> {
    let (Some(snapshot), Ok(name)) = (snapshot, MemberName::as_shown(&addition.url)) else {
        return Vec::new();
    };
    let mut remarks = Vec::new();
    let elsewhere = snapshot.balancers.iter().filter(|other| other.member(&name).is_some());
    for other in elsewhere {
        let there = if other.name == *balancer { "already" } else { "too" };
        let text = format!("{} is in {} {there}.", short(&name), other.name);
        remarks.push(Remark { tone: Tone::Plain, text });
    }
    let lasts = match (called::who(Some(snapshot)) == called::HTTPD, is_foreseen) {
        // The forecast tells it as it is there.
        (true, true) => return remarks,
        (true, false) => "httpd forgets it with its next restart, unless BalancerPersist is on.",
        (false, _) => "It stays over restarts and reloads until it is removed.",
    };
    remarks.push(Remark { tone: Tone::Plain, text: lasts.to_owned() });
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;
    use crate::model::tuning::Tuning;

    fn settings() -> Decision {
        let snapshot = sample::snapshot(0);
        let mut form = Tuning::new(&snapshot.balancers[0]);
        form.fields.press(crate::message::Key::Char('h'));
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
        let addition = MemberAddition {
            url: "unix:/run/a.sock|http://a".to_owned(),
            parameters: vec!["route=n".to_owned(), "status=-D".to_owned()],
            ..MemberAddition::default()
        };
        let (balancer, addition) = ("app".parse().unwrap(), Box::new(addition));
        let add = Decision::new(Matter::Addition { balancer, addition, undo: false, event: None });
        assert_eq!(add.command(), "evenkeel add app 'unix:/run/a.sock|http://a' route=n status=-D");
        assert_eq!(add.title(), "Add app/n (unix:/run/a.sock)?");
        let (_, edit) = decision.edit().unwrap();
        assert_eq!(edit.revision, Some(sample::snapshot(0).balancers[0].revision));
    }
}
