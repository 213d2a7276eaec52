//! Fetches what the open screen needs beside the snapshot: one thing at a time, in the order of the screen, and nothing
//! that is no longer needed. A failure is told in place and tried again later; it ends nothing.

use std::time::Duration;

use evenkeel_protocol::{Code, DrainAnswer};
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};

use super::{Client, Failure};
use crate::need::{Found, Job, Need, Pace};
use crate::news::News;

/// After so many seconds something that could not be had is tried again.
const AGAIN: u64 = 10;

/// The most needs of a screen that are looked at.
const MOST: usize = 64;

/// What is needed now, and how far the connection has come.
#[derive(Debug, Clone, Default)]
pub(super) struct Wants {
    /// What the screen needs.
    pub(super) needs: Vec<Need>,
    /// Does the proxy answer?
    pub(super) up: bool,
    /// Counts connections.
    pub(super) connections: u64,
    /// Counts events.
    pub(super) events: u64,
}

/// Something that was fetched, and when.
struct Fetched {
    need: Need,
    connection: u64,
    events: u64,
    second: u64,
    failed: bool,
}

impl Fetched {
    fn is_due(&self, wants: &Wants, second: u64) -> bool {
        let age = second.saturating_sub(self.second);
        if self.connection != wants.connections {
            return true;
        }
        if self.failed {
            return age >= AGAIN;
        }
        match self.need.pace() {
            Pace::Once => false,
            Pace::Events => self.events != wants.events && age >= 1,
            Pace::Seconds(seconds) => age >= seconds,
        }
    }
}

/// Fetches until nobody listens.
pub(super) async fn run(client: Client, mut wants: watch::Receiver<Wants>, news: mpsc::Sender<News>) {
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut second = 0_u64;
    let mut fetched: Vec<Fetched> = Vec::new();
    loop {
        let now = wants.borrow_and_update().clone();
        fetched.retain(|known| now.needs.contains(&known.need));
        for need in now.needs.iter().take(MOST).filter(|_| now.up) {
            let known = fetched.iter().position(|known| known.need == *need);
            if known.and_then(|at| fetched.get(at)).is_some_and(|known| !known.is_due(&now, second)) {
                continue;
            }
            let outcome = client.look(need).await;
            let failed = outcome.is_err();
            let told = News::Found { need: need.clone(), outcome: outcome.map_err(|why| missing(&why)) };
            if news.send(told).await.is_err() {
                return;
            }
            if let Some(at) = known {
                fetched.swap_remove(at);
            }
            let (connection, events) = (now.connections, now.events);
            fetched.push(Fetched { need: need.clone(), connection, events, second, failed });
            if wants.has_changed().unwrap_or(true) {
                break;
            }
        }
        let moves = fetched.iter().any(|known| known.failed || known.need.pace() != Pace::Once);
        tokio::select! {
            changed = wants.changed() => if changed.is_err() { return },
            _ = seconds.tick(), if moves && now.up => second += 1,
            () = news.closed() => return,
        }
    }
}

/// Why something cannot be shown. What the proxy does not know at all came with a later version.
fn missing(failure: &Failure) -> String {
    match failure {
        Failure::Refused(refusal)
            if refusal.field.is_none()
                && matches!(refusal.code, Code::NotFound | Code::MethodNotAllowed | Code::BadRequest) =>
        {
            "unknown: this proxy is of an older version and does not tell".to_owned()
        }
        other => other.to_string(),
    }
}

impl Client {
    async fn look(&self, need: &Need) -> Result<Found, Failure> {
        Ok(match need {
            Need::History(balancer, member, query) => {
                Found::History(Box::new(self.history(balancer, member.as_ref(), query).await?))
            }
            Need::Census(balancer) => Found::Census(Box::new(self.census(balancer).await?)),
            Need::Elections(filter) => Found::Elections(Box::new(self.elections(filter).await?)),
            Need::Overrides => Found::Overrides(Box::new(self.overrides().await?)),
            Need::Preview(balancer, member, edit) => {
                Found::Preview(Box::new(self.preview_member(balancer, member, edit).await?))
            }
            Need::Explanation(_, question) => Found::Explanation(Box::new(self.explain(question).await?)),
        })
    }

    /// Asks something of the proxy's drains.
    pub(super) async fn job(&self, job: &Job) -> Result<DrainAnswer, Failure> {
        match job {
            Job::Begin(balancer, member, order) => self.begin_drain(balancer, member, order).await,
            Job::Change(number, change) => self.change_drain(*number, change).await,
            Job::Cancel(number, cancel) => self.cancel_drain(*number, cancel).await,
        }
    }
}
