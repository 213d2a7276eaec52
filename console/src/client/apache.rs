//! The other side of a client: the manager page of an Apache httpd, which is read again and again, and whose forms are
//! posted.
//!
//! | file | what |
//! | --- | --- |
//! | `access` | the address of the page, and what is sent along |
//! | `http` | requests, bounded, and what answers mean that are no page |
//! | `alias` | a machine by the name in its certificate |
//! | `handshake` | what a TLS handshake that failed means |
//! | `html`, `page`, `form` | what stands on a page, by headings and names |
//! | `xml`, `size` | exact numbers, and rounded ones |
//! | `sight`, `settings` | a page as a snapshot, and what of it can be set |
//! | `reading` | the page, read as often as it takes to know whose it is |
//! | `servers` | whether one server answers, one that was restarted, or several |
//! | `record` | what follows from having looked before: events, restarts, edits that were forgotten |
//! | `losses` | what a restart has taken away, and by what |
//! | `order` | what an edit asks for |
//! | `act` | an edit: posted, read again, and proven |
//! | `reply` | what answered a form that was posted |
//! | `proof` | what the page shows of an edit, and why it does not show all of it |
//! | `foresee` | what an edit would do, as far as this console can tell |
//! | `guard` | whether an edit would leave nobody |
//! | `add` | a member that is added, likewise |
//! | `jobs`, `drains` | drains, which go on while this process looks on |
//! | `listen` | events as they come |
//! | `clock` | what time it is |

mod access;
mod act;
mod add;
mod alias;
mod clock;
mod drains;
mod foresee;
mod form;
mod guard;
mod handshake;
mod html;
mod http;
mod jobs;
pub(super) mod listen;
mod losses;
mod order;
mod page;
mod proof;
mod reading;
mod record;
mod reply;
#[cfg(test)]
mod scripted;
mod servers;
mod settings;
mod sight;
mod size;
mod xml;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use evenkeel_protocol::{
    BalancerEdit, BalancerName, Drain, Edited, EventKind, Hello, MemberEdit, MemberName, Snapshot, Subject,
};
use tokio::sync::{Notify, Semaphore};

pub use access::{Access, Credentials};
use clock::{Clock, Now};
use http::Http;
use jobs::{Came, Jobs};
use page::Page;
use record::Record;

use super::{Events, Failure, Limits};
use crate::ability::Ability;
use crate::called;

/// A page that is younger is not read again by those who only look.
const FRESH: Duration = Duration::from_millis(400);

/// One httpd, as far as its manager page tells.
#[derive(Debug)]
pub(super) struct Manager {
    http: Http,
    clock: Clock,
    state: Mutex<State>,
    /// One edit at a time, so that what has changed between two looks has one cause.
    acting: Semaphore,
    /// One reader at a time, so that no older page is taken for a newer one.
    reading: Semaphore,
    /// Something has happened.
    news: Notify,
}

/// What is known so far.
#[derive(Debug, Default)]
struct State {
    record: Record,
    jobs: Jobs,
    read: Option<Now>,
    /// What httpd calls itself, for the Referer.
    server: Option<String>,
    /// How often the page was looked at.
    looks: u64,
}

/// A page, and what it was taken for.
struct Look {
    page: Page,
    exact: Option<xml::Document>,
    snapshot: Snapshot,
}

impl Manager {
    pub(super) fn new(access: &Access, limits: Limits) -> Result<Self, Failure> {
        Ok(Self {
            http: Http::new(access, limits)?,
            clock: Clock::start(),
            state: Mutex::default(),
            acting: Semaphore::new(1),
            reading: Semaphore::new(1),
            news: Notify::new(),
        })
    }

    pub(super) async fn hello(&self) -> Result<Hello, Failure> {
        Ok(self.snapshot().await?.proxy)
    }

    pub(super) async fn snapshot(&self) -> Result<Snapshot, Failure> {
        let now = self.clock.now();
        let known = self.with(|state| {
            let read = state.read.filter(|read| now.moment.since(read.moment) < FRESH)?;
            let snapshot = state.record.last()?.clone();
            Some((read, snapshot)).map(|(_, snapshot)| state.whole(snapshot))
        });
        if let Some(known) = known {
            return Ok(known);
        }
        self.look().await?;
        self.drive().await;
        self.with(|state| state.record.last().cloned().map(|snapshot| state.whole(snapshot)))
            .ok_or_else(closed)
    }

    pub(super) async fn edit_member(
        &self,
        balancer: &BalancerName,
        member: &MemberName,
        edit: &MemberEdit,
    ) -> Result<Edited, Failure> {
        let subject = Subject { balancer: balancer.clone(), member: Some(member.clone()) };
        self.act(&subject, order::Order::of_member(edit)).await
    }

    pub(super) async fn edit_balancer(
        &self,
        balancer: &BalancerName,
        edit: &BalancerEdit,
    ) -> Result<Edited, Failure> {
        let subject = Subject { balancer: balancer.clone(), member: None };
        self.act(&subject, order::Order::of_balancer(edit)).await
    }

    pub(super) fn events(manager: &Arc<Self>, since: Option<u64>, follow: bool) -> Result<Events, Failure> {
        if !follow {
            return Err(Failure::Unable(manager.lacks(Ability::Events).to_owned()));
        }
        Ok(Events::of_httpd(listen::Listener::new(Arc::clone(manager), since)))
    }

    /// Why it cannot do that: an httpd, or what was seen to show its page.
    pub(super) fn lacks(&self, ability: Ability) -> &'static str {
        let known = self.with(|state| ability.lacked_by(&state.record.last()?.proxy));
        known.unwrap_or_else(|| ability.why_not_httpd())
    }

    /// The same in full: of a page that was not read yet nobody knows whose it is, and it is not read for that alone.
    pub(super) fn unable(&self, ability: Ability) -> String {
        if self.with(|state| state.record.last().is_some()) {
            return self.lacks(ability).to_owned();
        }
        format!(
            "{}; where an Evenkeel proxy shows this page, use --socket on its machine",
            ability.why_not_httpd()
        )
    }

    /// What it is called, an httpd or what was seen to show its page.
    pub(super) fn who(&self) -> &'static str {
        self.with(|state| state.record.last().map_or(called::HTTPD, |seen| called::who(Some(seen))))
    }

    fn with<T>(&self, used: impl FnOnce(&mut State) -> T) -> T {
        // Whoever panicked while holding it has left plain data.
        used(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets the drains go on by what was seen last; of several servers in turn, or of a cache, nothing follows for them.
    async fn drive(&self) {
        if self.believed().is_err() {
            return;
        }
        let now = self.clock.now();
        let came = self.with(|state| {
            let Some(seen) = state.record.last().cloned() else { return Vec::new() };
            state.jobs.look(&seen, now)
        });
        for came in came {
            match came {
                Came::Phase(drain) => self.tell(now, phase(&drain)),
                Came::Ended(drain) => self.tell(now, ended(&drain)),
                Came::Due(drain, left) => self.due((drain, left), now).await,
            }
        }
    }

    fn tell(&self, now: Now, kind: EventKind) {
        self.with(|state| state.record.tell(now.wall, kind));
        self.news.notify_waiters();
    }
}

impl State {
    /// A snapshot with what this process does by itself.
    fn whole(&self, snapshot: Snapshot) -> Snapshot {
        Snapshot { drains: self.jobs.list(), event: self.record.number(), ..snapshot }
    }
}

fn phase(drain: &Drain) -> EventKind {
    EventKind::DrainPhase {
        drain: drain.number,
        balancer: drain.balancer.clone(),
        member: drain.member.clone(),
        phase: drain.phase,
        why: drain.why.clone(),
    }
}

fn ended(drain: &Drain) -> EventKind {
    EventKind::DrainEnded {
        drain: drain.number,
        balancer: drain.balancer.clone(),
        member: drain.member.clone(),
        outcome: drain.outcome.unwrap_or(evenkeel_protocol::DrainOutcome::Cancelled),
        why: drain.why.clone(),
        by: None,
    }
}

/// The process ends.
fn closed() -> Failure {
    Failure::Protocol("nothing was read".to_owned())
}

#[cfg(test)]
mod tests;
