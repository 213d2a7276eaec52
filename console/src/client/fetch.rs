//! Fetches what the open screen needs beside the snapshot: one thing at a time, in the order of the screen, and nothing
//! that is no longer needed. A failure is told in place and tried again later; it ends nothing.

use std::time::Duration;

use evenkeel_protocol::{Code, DrainAnswer, MemberRemoval};
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
        let by_its_pace = match self.need.pace() {
            Pace::Once => false,
            // A refusal too may be over with what has happened.
            Pace::Events => self.events != wants.events && age >= 1,
            Pace::Seconds(seconds) => !self.failed && age >= seconds,
        };
        by_its_pace || (self.failed && age >= AGAIN)
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
            Need::Tuning(balancer, edit) => {
                Found::Preview(Box::new(self.preview_balancer(balancer, edit).await?))
            }
            Need::Undo(event) => Found::Preview(Box::new(self.preview_undo(*event).await?)),
            Need::Addition(balancer, addition) => {
                Found::Preview(Box::new(self.preview_addition(balancer, addition).await?))
            }
            Need::Removal(balancer, member) => Found::Preview(Box::new(
                self.preview_removal(balancer, member, &MemberRemoval::default()).await?,
            )),
            Need::Plan(order) => Found::Plan(Box::new(self.preview_plan(order).await?)),
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use evenkeel_protocol::{BalancerName, ElectionFilter, HistoryQuery};

    use super::super::scripted::{self, Act, Scripted, snapshot};
    use super::*;
    use crate::news::Link as _;

    fn app() -> BalancerName {
        "app".parse().unwrap()
    }

    fn history() -> Need {
        Need::History(app(), None, HistoryQuery::default())
    }

    #[test]
    fn each_need_is_due_at_its_own_pace() {
        let wants = Wants { up: true, connections: 1, events: 5, ..Wants::default() };
        let census = Need::Census(app());
        for (what, need, (connection, events, second, failed), now, due) in [
            ("once, and there", history(), (1, 0, 0, false), 900, false),
            ("once, before a new connection", history(), (0, 5, 900, false), 900, true),
            ("after an event", Need::Overrides, (1, 4, 8, false), 9, true),
            ("after an event, but just fetched", Need::Overrides, (1, 4, 9, false), 9, false),
            ("it was refused, and after an event", Need::Undo(3), (1, 4, 8, true), 9, true),
            ("it was refused, and no event since", Need::Undo(3), (1, 5, 8, true), 9, false),
            ("no event since", Need::Overrides, (1, 5, 0, false), 900, false),
            ("after two seconds", census.clone(), (1, 5, 7, false), 9, true),
            ("after one of two seconds", census, (1, 5, 8, false), 9, false),
            ("it failed", history(), (1, 5, 0, true), 9, false),
            ("it failed a while ago", history(), (1, 5, 0, true), 10, true),
        ] {
            assert_eq!(
                Fetched { need, connection, events, second, failed }.is_due(&wants, now),
                due,
                "{what}"
            );
        }
    }

    /// The next thing that was found, or not.
    async fn found(news: &mut mpsc::Receiver<News>) -> (Need, Result<Found, String>) {
        scripted::soon(async {
            loop {
                if let News::Found { need, outcome } = news.recv().await.unwrap() {
                    return (need, outcome);
                }
            }
        })
        .await
    }

    #[tokio::test]
    async fn only_what_is_needed_is_asked_and_what_is_not_known_there_says_so_in_place() {
        let proxy = Scripted::start(|request| match request.target.as_str() {
            "/v1/snapshot" => Act::json(&snapshot(0)),
            "/v1/overrides" => Act::raw(&[
                b"HTTP/1.1 200 OK\r\nContent-Length: 37\r\n\r\n{\"taken\":1,\"durable\":true,\"fields\":[],",
            ]),
            target if target.starts_with("/v1/events") => Act::stream(&[]).then_hang(),
            _ => Act::refuse(404, r#"{"code":"not_found","message":"there is nothing at that\u0007"}"#),
        });
        let (link, mut news) = super::super::watch(proxy.client(), Duration::from_secs(60));
        assert_eq!(scripted::soon(news.recv()).await, Some(News::Connected));
        let path = "/v1/balancers/app/history?series=elected&points=60&span=300";
        assert_eq!(proxy.asked(path), 0, "nobody has asked for it");
        link.look(vec![history(), Need::Elections(ElectionFilter::default()), Need::Overrides]);
        for wanted in ["of an older version", "of an older version", "no Evenkeel proxy"] {
            let (need, outcome) = found(&mut news).await;
            let why = outcome.unwrap_err();
            assert!(why.contains(wanted), "{need:?}: {why}");
        }
        assert_eq!(proxy.asked(path), 1);
        link.look(Vec::new());
        let more = tokio::time::timeout(Duration::from_millis(1300), found(&mut news)).await;
        assert!(more.is_err(), "it is no longer needed: {more:?}");
    }

    #[tokio::test]
    async fn a_new_connection_asks_anew() {
        let broken = AtomicBool::new(false);
        let proxy = Scripted::start(move |request| match request.target.as_str() {
            "/v1/snapshot" => Act::json(&snapshot(0)),
            target if target.starts_with("/v1/events") && !broken.swap(true, Ordering::Relaxed) => {
                Act::stream(&[]).then_break()
            }
            target if target.starts_with("/v1/events") => Act::stream(&[]).then_hang(),
            _ => Act::json(&serde_json::json!({
                "balancer": "app", "taken": 5, "from": 1, "step_ms": 1000, "members": [], "marks": [],
                "marks_from": 1,
            })),
        });
        let (link, mut news) = super::super::watch(proxy.client(), Duration::from_secs(60));
        link.look(vec![history()]);
        let (_, first) = found(&mut news).await;
        let (_, second) = found(&mut news).await;
        assert!(matches!((&first, &second), (Ok(Found::History(_)), Ok(Found::History(_)))), "{first:?}");
    }
}
