//! The other side of a client: the manager page of an Apache httpd, which is read again and again, and whose forms are
//! posted.

mod access;
mod http;

use std::sync::Arc;

use evenkeel_protocol::{
    BalancerEdit, BalancerName, Drain, DrainAnswer, DrainCancel, DrainChange, DrainOrder, Edited, Hello,
    MemberEdit, MemberName, Snapshot,
};

pub use access::{Access, Credentials};
use http::{Ask, Http};

use super::{Events, Failure, Limits};

/// One httpd, as far as its manager page tells.
#[derive(Debug)]
pub(super) struct Manager {
    http: Http,
}

fn unable<T>() -> Result<T, Failure> {
    Err(Failure::Unable("manager pages cannot be asked that yet".to_owned()))
}

impl Manager {
    pub(super) fn new(access: &Access, limits: Limits) -> Result<Self, Failure> {
        Ok(Self { http: Http::new(access, limits)? })
    }

    pub(super) async fn hello(&self) -> Result<Hello, Failure> {
        self.http.ask(Ask::Get(None), self.http.host()).await?;
        unable()
    }

    pub(super) async fn snapshot(&self) -> Result<Snapshot, Failure> {
        self.http.ask(Ask::Get(None), self.http.host()).await?;
        unable()
    }

    pub(super) async fn edit_member(
        &self,
        _: &BalancerName,
        _: &MemberName,
        _: &MemberEdit,
    ) -> Result<Edited, Failure> {
        unable()
    }

    pub(super) async fn edit_balancer(&self, _: &BalancerName, _: &BalancerEdit) -> Result<Edited, Failure> {
        unable()
    }

    pub(super) async fn begin_drain(
        &self,
        _: &BalancerName,
        _: &MemberName,
        _: &DrainOrder,
    ) -> Result<DrainAnswer, Failure> {
        unable()
    }

    pub(super) async fn drain(&self, _: u64) -> Result<Drain, Failure> {
        unable()
    }

    pub(super) async fn change_drain(&self, _: u64, _: &DrainChange) -> Result<DrainAnswer, Failure> {
        unable()
    }

    pub(super) async fn cancel_drain(&self, _: u64, _: &DrainCancel) -> Result<DrainAnswer, Failure> {
        unable()
    }

    pub(super) fn events(_: &Arc<Self>, _: Option<u64>, _: bool) -> Result<Events, Failure> {
        unable()
    }
}
