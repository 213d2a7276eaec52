//! Drains: begun, asked for, changed and ended at the proxy.

use evenkeel_protocol::{
    BalancerName, Call, Drain, DrainAnswer, DrainCancel, DrainChange, DrainOrder, MemberName,
};

use super::{Client, Failure, NOTHING, Side};

impl Client {
    /// Drains a member, or adjusts the drain that it has.
    pub async fn begin_drain(
        &self,
        balancer: &BalancerName,
        member: &MemberName,
        order: &DrainOrder,
    ) -> Result<DrainAnswer, Failure> {
        match &self.side {
            Side::Socket(socket) => {
                let call = Call::BeginDrain(balancer.clone(), member.as_str().to_owned());
                socket.ask(&call, Some(order)).await.map_err(Failure::of_edit)
            }
            Side::Apache(manager) => Box::pin(manager.begin_drain(balancer, member, order)).await,
        }
    }

    /// One drain as it stands.
    pub async fn drain(&self, number: u64) -> Result<Drain, Failure> {
        match &self.side {
            Side::Socket(socket) => socket.ask(&Call::Drain(number), NOTHING).await,
            Side::Apache(manager) => Box::pin(manager.drain(number)).await,
        }
    }

    /// Changes a drain that runs.
    pub async fn change_drain(&self, number: u64, change: &DrainChange) -> Result<DrainAnswer, Failure> {
        match &self.side {
            Side::Socket(socket) => {
                socket.ask(&Call::ChangeDrain(number), Some(change)).await.map_err(Failure::of_edit)
            }
            Side::Apache(manager) => Box::pin(manager.change_drain(number, change)).await,
        }
    }

    /// Ends a drain.
    pub async fn cancel_drain(&self, number: u64, cancel: &DrainCancel) -> Result<DrainAnswer, Failure> {
        match &self.side {
            Side::Socket(socket) => {
                socket.ask(&Call::CancelDrain(number), Some(cancel)).await.map_err(Failure::of_edit)
            }
            Side::Apache(manager) => Box::pin(manager.cancel_drain(number, cancel)).await,
        }
    }
}
