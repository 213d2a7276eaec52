//! Members come and go while the proxy runs: the registry makes the change, and then every worker thread is handed a
//! site that has it, before who asked for it is answered.
//!
//! One at a time, and never while the configuration is read anew.

use std::sync::Arc;

use evenkeel_protocol::{BalancerName, Edited, Peer, Preview, Refusal, UndoOrder, Undone};

use crate::registry::door::Asker;
use crate::registry::roster::RosterEdit;
use crate::server::Proxy;
use crate::site::Site;

impl Proxy {
    /// Adds or removes a member. It may wait for disks.
    pub(crate) fn change_roster(
        &self,
        balancer: &BalancerName,
        edit: RosterEdit<'_>,
        asker: impl Into<Asker>,
    ) -> Result<Edited, Refusal> {
        let _turn = self.renewal();
        let before = Arc::clone(&self.site.borrow());
        let mut config = before.config.clone();
        let edited = self.registry.change_roster(balancer, edit, &mut config.balancers, &asker.into())?;
        if edited.changed {
            let site = Arc::new(before.with_roster(config, self.registry.balancers()));
            self.site.send_replace(Arc::clone(&site));
            // Who asked for it may rely on it from now on.
            if !site.is_adopted_by(self.workers) {
                tracing::warn!("some worker threads still serve with the members of before");
            }
        }
        Ok(edited)
    }

    /// What that would do.
    pub(crate) fn preview_roster(
        &self,
        balancer: &BalancerName,
        edit: RosterEdit<'_>,
    ) -> Result<Preview, Refusal> {
        let site = Arc::clone(&self.site.borrow());
        self.registry.preview_roster(balancer, edit, &site.config.balancers)
    }

    /// Takes an edit back, whatever it was of, or looks what that would do.
    pub(crate) fn undo(&self, order: &UndoOrder, by: Option<Peer>) -> Result<Undone, Refusal> {
        let Some(inverse) = self.registry.inverse_of_roster(order, by.as_ref())? else {
            return self.registry.undo(order, by);
        };
        let (balancer, edit, mut undone) = (inverse.balancer.clone(), inverse.edit(), inverse.undone.clone());
        if order.dry_run {
            let mut preview = self.preview_roster(&balancer, edit)?;
            preview.notes.extend(inverse.note());
            undone.preview = Some(preview);
        } else {
            let asker = Asker { undoes: Some(undone.undoes), ..by.into() };
            let mut edited = self.change_roster(&balancer, edit, asker)?;
            edited.notes.extend(inverse.note());
            undone.edited = Some(edited);
        }
        Ok(undone)
    }
}

impl Site {
    /// The same with the members that `config` has now.
    fn with_roster(&self, config: crate::config::Config, balancers: crate::registry::Roster) -> Self {
        let kept = (Arc::clone(&self.logs), Arc::clone(&self.heartmonitor));
        let manager = self.manager.with_members(&config);
        Self::of(config, balancers, kept, (manager, Some(&self.access)))
    }
}
