//! Questions around edits: what one would do, what takes one back, what was set over the configuration.

use evenkeel_protocol::{
    BalancerEdit, BalancerName, Call, MemberEdit, MemberName, Overrides, Preview, UndoOrder, Undone,
};

use crate::ability::Ability;

use super::{Client, Failure, NOTHING};

impl Client {
    /// What a change of a member would do.
    pub async fn preview_member(
        &self,
        balancer: &BalancerName,
        member: &MemberName,
        edit: &MemberEdit,
    ) -> Result<Preview, Failure> {
        self.able(Ability::Preview)?.ask(&Call::preview_member(balancer, member), Some(edit)).await
    }

    /// What a change of a balancer's own settings would do.
    pub async fn preview_balancer(
        &self,
        balancer: &BalancerName,
        edit: &BalancerEdit,
    ) -> Result<Preview, Failure> {
        self.able(Ability::Preview)?.ask(&Call::PreviewBalancer(balancer.clone()), Some(edit)).await
    }

    /// Takes an edit back, or with `dry_run` looks what that would do.
    pub async fn undo(&self, order: &UndoOrder) -> Result<Undone, Failure> {
        let undone = self.able(Ability::Undo)?.ask(&Call::Undo, Some(order)).await;
        if order.dry_run { undone } else { undone.map_err(Failure::of_edit) }
    }

    /// What was set over the configuration.
    pub async fn overrides(&self) -> Result<Overrides, Failure> {
        self.able(Ability::Overrides)?.ask(&Call::Overrides, NOTHING).await
    }
}
