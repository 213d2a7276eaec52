//! A picture that stands still while the proxy goes on: what is drawn stays, what comes in is kept behind it.
//!
//! Acts are about what is live, so whatever is about to change something lets the picture go on first.

use evenkeel_protocol::Moment;

use crate::model::Model;
use crate::model::gathered::Gathered;
use crate::model::log::Log;
use crate::model::roster::Roster;
use crate::need::Need;

/// What is live behind the picture.
#[derive(Debug, Clone)]
pub struct Still {
    roster: Roster,
    log: Log,
    gathered: Gathered,
    since: Moment,
}

impl Still {
    /// Since when the picture stands still.
    pub fn since(&self) -> Moment {
        self.since
    }

    /// The screen needs other things.
    pub fn need(&mut self, needs: Vec<Need>) {
        self.gathered.need(needs);
    }

    /// When the proxy was heard last.
    pub fn heard(&self) -> Moment {
        self.roster.heard()
    }
}

impl Model {
    /// The picture stands still from now on.
    pub fn freeze(&mut self) {
        if self.still.is_none() && self.roster.snapshot().is_some() {
            self.still = Some(Box::new(Still {
                roster: self.roster.clone(),
                log: self.log.clone(),
                gathered: self.gathered.clone(),
                since: self.clock.running,
            }));
        }
    }

    /// The picture goes on; true if it stood still.
    pub fn thaw(&mut self) -> bool {
        let Some(still) = self.still.take() else { return false };
        (self.roster, self.log) = (still.roster, still.log);
        // What the screen needs may have changed meanwhile, and what is live was told of it.
        let changed = self.gathered.changed;
        self.gathered = Gathered { changed, ..still.gathered };
        self.cursor.prune(&self.roster);
        self.cursor.settle(&self.roster);
        true
    }

    /// Does `what` with what is live; the picture stays as it is. What the picture had no answer for, it gets.
    pub fn live<T>(&mut self, what: impl FnOnce(&mut Self) -> T) -> T {
        let Some(mut still) = self.still.take() else { return what(self) };
        let run = |model: &Self| model.roster.snapshot().map(|snapshot| snapshot.proxy.started);
        let before = run(self);
        let exchange = |model: &mut Self, still: &mut Still| {
            std::mem::swap(&mut model.roster, &mut still.roster);
            std::mem::swap(&mut model.log, &mut still.log);
            std::mem::swap(&mut model.gathered, &mut still.gathered);
        };
        exchange(self, &mut still);
        // Who reads further down in the picture keeps the same lines before the eyes.
        let place = (self.screen.clone(), self.watching.clone());
        let outcome = what(self);
        if run(self) != before {
            // Nothing of another run of the proxy is worth looking at.
            return outcome;
        }
        exchange(self, &mut still);
        (self.screen, self.watching) = place;
        self.gathered.take_over(&still.gathered);
        self.still = Some(still);
        self.cursor.settle(&self.roster);
        outcome
    }
}
