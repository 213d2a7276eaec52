//! Questions around edits: what one would do, what takes one back, what was set over the configuration.

use evenkeel_protocol::{
    BalancerEdit, BalancerName, Call, MemberEdit, MemberName, Overrides, PlanOrder, PlanPreview, Preview,
    UndoOrder, Undone,
};

use super::{Client, Failure, NOTHING};

impl Client {
    /// What a change of a member would do.
    pub async fn preview_member(
        &self,
        balancer: &BalancerName,
        member: &MemberName,
        edit: &MemberEdit,
    ) -> Result<Preview, Failure> {
        self.ask(&Call::preview_member(balancer, member), Some(edit)).await
    }

    /// What a change of a balancer's own settings would do.
    pub async fn preview_balancer(
        &self,
        balancer: &BalancerName,
        edit: &BalancerEdit,
    ) -> Result<Preview, Failure> {
        self.ask(&Call::PreviewBalancer(balancer.clone()), Some(edit)).await
    }

    /// What several changes of members would do together.
    pub async fn preview_plan(&self, order: &PlanOrder) -> Result<PlanPreview, Failure> {
        self.ask(&Call::PreviewPlan, Some(order)).await
    }

    /// Takes an edit back, or with `dry_run` looks what that would do.
    pub async fn undo(&self, order: &UndoOrder) -> Result<Undone, Failure> {
        let undone = self.ask(&Call::Undo, Some(order)).await;
        if order.dry_run { undone } else { undone.map_err(Failure::of_edit) }
    }

    /// What was set over the configuration.
    pub async fn overrides(&self) -> Result<Overrides, Failure> {
        self.ask(&Call::Overrides, NOTHING).await
    }
}
