//! Events of an httpd as they come: what follows from one look after another.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_protocol::Event;
use tokio::time::timeout;

use super::Manager;
use crate::client::Failure;

/// How long nobody else may have looked before the listener does.
const PERIOD: Duration = Duration::from_secs(1);

/// Who listens.
#[derive(Debug)]
pub(in crate::client) struct Listener {
    manager: Arc<Manager>,
    /// The last event that was heard; none: only those count that come.
    last: Option<u64>,
}

impl Listener {
    pub(super) fn new(manager: Arc<Manager>, since: Option<u64>) -> Self {
        Self { manager, last: since }
    }

    /// The number of the last event that was heard.
    pub(in crate::client) fn last(&self) -> u64 {
        self.last.unwrap_or_default()
    }

    /// The next event, whenever it comes. Nothing is lost if this is given up half-way.
    pub(in crate::client) async fn next(&mut self) -> Result<Event, Failure> {
        loop {
            let manager = Arc::clone(&self.manager);
            let happened = manager.news.notified();
            let last = if let Some(last) = self.last {
                last
            } else {
                // What is told from now on needs a first look to be told from.
                manager.snapshot().await?;
                *self.last.insert(manager.with(|state| state.record.number()))
            };
            if let Some(event) = manager.with(|state| state.record.event_after(last)) {
                self.last = Some(event.number);
                return Ok(event);
            }
            if timeout(PERIOD, happened).await.is_err() {
                let now = manager.clock.now().moment;
                let age = manager.with(|state| state.read.map(|read| now.since(read.moment)));
                if age.is_none_or(|age| age >= PERIOD) {
                    manager.snapshot().await?;
                }
            }
        }
    }
}
