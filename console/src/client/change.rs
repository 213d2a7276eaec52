//! Questions around edits: what one would do, what takes one back, what was set over the configuration.

use evenkeel_protocol::{
    BalancerEdit, BalancerName, Call, Edited, MemberAddition, MemberEdit, MemberName, MemberRemoval,
    Overrides, PlanOrder, PlanPreview, Preview, Refusal, UndoOrder, Undone,
};

use crate::ability::Ability;

use super::{Client, Failure, NOTHING, Side};

impl Client {
    /// What a change of a member would do.
    pub async fn preview_member(
        &self,
        balancer: &BalancerName,
        member: &MemberName,
        edit: &MemberEdit,
    ) -> Result<Preview, Failure> {
        match &self.side {
            Side::Socket(socket) => socket.ask(&Call::preview_member(balancer, member), Some(edit)).await,
            Side::Apache(manager) => Box::pin(manager.preview_member(balancer, member, edit)).await,
        }
    }

    /// What a change of a balancer's own settings would do.
    pub async fn preview_balancer(
        &self,
        balancer: &BalancerName,
        edit: &BalancerEdit,
    ) -> Result<Preview, Failure> {
        match &self.side {
            Side::Socket(socket) => socket.ask(&Call::PreviewBalancer(balancer.clone()), Some(edit)).await,
            Side::Apache(manager) => Box::pin(manager.preview_balancer(balancer, edit)).await,
        }
    }

    /// Adds a member.
    pub async fn add_member(
        &self,
        balancer: &BalancerName,
        addition: &MemberAddition,
    ) -> Result<Edited, Failure> {
        let added: Result<Edited, Failure> = match &self.side {
            Side::Socket(socket) => {
                let call = Call::AddMember(balancer.clone());
                socket.ask(&call, Some(addition)).await.map_err(Failure::of_edit)
            }
            Side::Apache(manager) => Box::pin(manager.add_member(balancer, addition)).await,
        };
        let named = |edited: Edited| {
            let notes = edited.notes.iter().map(|note| self.with_commands(note)).collect();
            Edited { notes, ..edited }
        };
        added.map(named).map_err(|failure| self.naming(failure))
    }

    /// What that would do.
    pub async fn preview_addition(
        &self,
        balancer: &BalancerName,
        addition: &MemberAddition,
    ) -> Result<Preview, Failure> {
        let foreseen = match &self.side {
            Side::Socket(socket) => {
                socket.ask(&Call::PreviewAddition(balancer.clone()), Some(addition)).await
            }
            Side::Apache(manager) => Box::pin(manager.preview_addition(balancer, addition)).await,
        };
        foreseen.map(|preview| self.named_preview(preview))
    }

    /// Removes a member that was added at run time.
    pub async fn remove_member(
        &self,
        balancer: &BalancerName,
        member: &MemberName,
        removal: &MemberRemoval,
    ) -> Result<Edited, Failure> {
        let call = Call::RemoveMember(balancer.clone(), member.as_str().to_owned());
        let removed = self.able(Ability::Removal)?.ask(&call, Some(removal)).await;
        removed.map_err(|failure| self.naming(failure.of_edit()))
    }

    /// What that would do.
    pub async fn preview_removal(
        &self,
        balancer: &BalancerName,
        member: &MemberName,
        removal: &MemberRemoval,
    ) -> Result<Preview, Failure> {
        let call = Call::PreviewRemoval(balancer.clone(), member.as_str().to_owned());
        let foreseen = self.able(Ability::Removal)?.ask(&call, Some(removal)).await;
        foreseen.map(|preview| self.named_preview(preview))
    }

    /// With the proxy in the commands of what is foreseen.
    fn named_preview(&self, preview: Preview) -> Preview {
        let notes = preview.notes.iter().map(|note| self.with_commands(note)).collect();
        let named = |refusal: Refusal| Refusal { message: self.with_commands(&refusal.message), ..refusal };
        Preview { notes, refusal: preview.refusal.map(named), ..preview }
    }

    /// With the proxy in the commands of a refusal.
    fn naming(&self, failure: Failure) -> Failure {
        match failure {
            Failure::Refused(refusal) => {
                let message = self.with_commands(&refusal.message);
                Failure::Refused(Refusal { message, ..refusal })
            }
            other => other,
        }
    }

    /// What several changes of members would do together.
    pub async fn preview_plan(&self, order: &PlanOrder) -> Result<PlanPreview, Failure> {
        self.able(Ability::Plan)?.ask(&Call::PreviewPlan, Some(order)).await
    }

    /// Takes an edit back, or with `dry_run` looks what that would do.
    pub async fn undo(&self, order: &UndoOrder) -> Result<Undone, Failure> {
        let undone = self.able(Ability::Undo)?.ask(&Call::Undo, Some(order)).await;
        if order.dry_run { undone } else { undone.map_err(Failure::of_edit) }
    }

    /// What it would do to take the edit of that event back.
    pub async fn preview_undo(&self, event: u64) -> Result<Preview, Failure> {
        let order = UndoOrder { event: Some(event), dry_run: true, ..UndoOrder::default() };
        let silent = || Failure::Protocol("the proxy does not say what an undo would do".to_owned());
        self.undo(&order).await?.preview.ok_or_else(silent)
    }

    /// What was set over the configuration.
    pub async fn overrides(&self) -> Result<Overrides, Failure> {
        self.able(Ability::Overrides)?.ask(&Call::Overrides, NOTHING).await
    }
}
