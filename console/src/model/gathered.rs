//! What the open screen has asked for beside the snapshot, and what came of it.

use evenkeel_protocol::{Census, Elections, Explanation, Overrides, PlanPreview, Preview};

use crate::model::past::Past;
use crate::model::target::Target;
use crate::need::Need;

/// Something that was asked for: not there yet, there, or why it cannot be had.
pub type Answer<T> = Option<Result<T, String>>;

/// Everything of that kind.
#[derive(Debug, Clone, Default)]
pub struct Gathered {
    /// What is asked for now.
    pub needs: Vec<Need>,
    /// Has that changed? The loop takes it back when it has told the connection.
    pub changed: bool,
    /// The past of the member that is shown.
    pub past: Answer<Past>,
    /// The sessions of the balancer that is shown.
    pub census: Answer<Census>,
    /// The elections that are shown.
    pub elections: Answer<Elections>,
    /// What was set over the configuration.
    pub overrides: Answer<Overrides>,
    /// What the act that is asked for would do.
    pub preview: Answer<Preview>,
    /// What an act on many would do.
    pub plan: Answer<PlanPreview>,
    /// Where the request of the lens would go.
    pub explanation: Answer<Explanation>,
}

impl Gathered {
    /// The past of that member, if it is there.
    pub fn past_of(&self, target: &Target) -> Option<&Past> {
        self.past.as_ref()?.as_ref().ok().filter(|past| past.target == *target)
    }

    /// Takes over answers where there are none yet.
    pub fn take_over(&mut self, other: &Self) {
        fn take<T: Clone>(own: &mut Answer<T>, other: Option<&Result<T, String>>) {
            if own.is_none() {
                *own = other.cloned();
            }
        }
        take(&mut self.past, other.past.as_ref());
        take(&mut self.census, other.census.as_ref());
        take(&mut self.elections, other.elections.as_ref());
        take(&mut self.overrides, other.overrides.as_ref());
        take(&mut self.preview, other.preview.as_ref());
        take(&mut self.plan, other.plan.as_ref());
        take(&mut self.explanation, other.explanation.as_ref());
    }

    /// Takes over what is needed now, and lets go of answers to other questions.
    pub fn need(&mut self, needs: Vec<Need>) {
        if needs == self.needs {
            return;
        }
        let kept = |wanted: fn(&Need) -> bool| {
            let [before, now] = [&self.needs, &needs].map(|needs| needs.iter().find(|need| wanted(need)));
            before == now
        };
        let past = kept(|need| matches!(need, Need::History(_, Some(_), _)));
        let census = kept(|need| matches!(need, Need::Census(_)));
        let elections = kept(|need| matches!(need, Need::Elections(_)));
        let explanation = kept(|need| matches!(need, Need::Explanation(..)));
        let preview = kept(Need::is_preview);
        let plan = kept(|need| matches!(need, Need::Plan(_)));
        let overrides = needs.contains(&Need::Overrides);
        for (keep, forget) in [
            (past, (|it: &mut Self| it.past = None) as fn(&mut Self)),
            (census, |it| it.census = None),
            (elections, |it| it.elections = None),
            (overrides, |it| it.overrides = None),
            (preview, |it| it.preview = None),
            (plan, |it| it.plan = None),
        ] {
            if !keep {
                forget(self);
            }
        }
        // A question that is asked once more keeps its old answer until the new one comes.
        let again = needs.iter().any(|need| matches!(need, Need::Explanation(..)));
        if !explanation && !again {
            self.explanation = None;
        }
        self.needs = needs;
        self.changed = true;
    }
}
