//! The screen's connection: a task that keeps asking and telling, and starts again when the proxy is lost.
//!
//! It sends a snapshot each period and soon after each event, and goes on behind the last event it has read. A
//! proxy that was restarted counts its events anew, and so does the task.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_protocol::{
    BalancerEdit, BalancerName, MemberAddition, MemberEdit, MemberName, MemberRemoval, Timestamp, UndoOrder,
};
use tokio::runtime;
use tokio::sync::{Notify, Semaphore, mpsc, watch as latest};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::fetch::{self, Wants};
use super::limits::{EDITS, GATHER, NEWS};
use super::{Client, Failure};
use crate::need::{Job, Need};
use crate::news::{Link, News, Ticket};

/// How long to wait before try number `attempt` (from 0) after a connection was lost: 200 ms, doubled each time,
/// at most 5 s.
pub fn delay(attempt: u32) -> Duration {
    const LONGEST: Duration = Duration::from_secs(5);
    Duration::from_millis(200).saturating_mul(2_u32.saturating_pow(attempt)).min(LONGEST)
}

/// Asks of a watched connection. Cheap to clone; never waits.
#[derive(Debug, Clone)]
pub struct Handle {
    client: Client,
    news: mpsc::Sender<News>,
    refresh: Arc<Notify>,
    edits: Arc<Semaphore>,
    wants: Arc<latest::Sender<Wants>>,
    period: Arc<latest::Sender<Duration>>,
    runtime: runtime::Handle,
}

/// Starts to watch the proxy of `client`, with a snapshot at least each `period`; ends when the receiver is dropped.
///
/// Must be called within a tokio runtime, which carries the task.
pub fn watch(client: Client, period: Duration) -> (Handle, mpsc::Receiver<News>) {
    let (news, receiver) = mpsc::channel(NEWS);
    let refresh = Arc::new(Notify::new());
    let wants = Arc::new(latest::Sender::new(Wants::default()));
    let (period, periods) = latest::channel(period.max(GATHER));
    let handle = Handle {
        client: client.clone(),
        news: news.clone(),
        refresh: Arc::clone(&refresh),
        edits: Arc::new(Semaphore::new(EDITS)),
        wants: Arc::clone(&wants),
        period: Arc::new(period),
        runtime: runtime::Handle::current(),
    };
    handle.runtime.spawn(fetch::run(client.clone(), wants.subscribe(), news.clone()));
    let watcher = Watcher { client, news, refresh, wants, period: periods, started: None, last: 0 };
    handle.runtime.spawn(watcher.run());
    (handle, receiver)
}

impl Link for Handle {
    fn edit_member(&self, ticket: Ticket, balancer: &BalancerName, member: &MemberName, edit: MemberEdit) {
        let (client, balancer, member) = (self.client.clone(), balancer.clone(), member.clone());
        let edited = async move { client.edit_member(&balancer, &member, &edit).await.map(Box::new) };
        self.answer(edited, move |outcome| News::Answer { ticket, outcome });
    }

    fn edit_balancer(&self, ticket: Ticket, balancer: &BalancerName, edit: BalancerEdit) {
        let (client, balancer) = (self.client.clone(), balancer.clone());
        let edited = async move { client.edit_balancer(&balancer, &edit).await.map(Box::new) };
        self.answer(edited, move |outcome| News::Answer { ticket, outcome });
    }

    fn add_member(&self, ticket: Ticket, balancer: &BalancerName, addition: MemberAddition) {
        let (client, balancer) = (self.client.clone(), balancer.clone());
        let edited = async move { client.add_member(&balancer, &addition).await.map(Box::new) };
        self.answer(edited, move |outcome| News::Answer { ticket, outcome });
    }

    fn remove_member(
        &self,
        ticket: Ticket,
        (balancer, member): (&BalancerName, &MemberName),
        removal: MemberRemoval,
    ) {
        let (client, balancer, member) = (self.client.clone(), balancer.clone(), member.clone());
        let edited = async move { client.remove_member(&balancer, &member, &removal).await.map(Box::new) };
        self.answer(edited, move |outcome| News::Answer { ticket, outcome });
    }

    fn undo(&self, ticket: Ticket, order: UndoOrder) {
        let client = self.client.clone();
        let edited = async move {
            let undone = client.undo(&order).await?;
            let told = undone.edited.map(Box::new);
            told.ok_or_else(|| Failure::Protocol("the proxy does not say what was undone".to_owned()))
        };
        self.answer(edited, move |outcome| News::Answer { ticket, outcome });
    }

    fn reload(&self, ticket: Ticket) {
        let client = self.client.clone();
        let reloaded = async move { client.reload().await.map(Box::new) };
        self.answer(reloaded, move |outcome| News::Reloaded { ticket, outcome });
    }

    fn drain(&self, ticket: Ticket, job: Job) {
        let client = self.client.clone();
        let answered = async move { client.job(&job).await.map(Box::new) };
        self.answer(answered, move |outcome| News::Drained { ticket, outcome });
    }

    fn look(&self, needs: Vec<Need>) {
        self.wants.send_modify(|wants| wants.needs = needs);
    }

    fn pace(&self, period: Duration) {
        self.period.send_replace(period.max(GATHER));
    }

    fn refresh(&self) {
        self.refresh.notify_one();
    }
}

impl Handle {
    /// Sends the outcome of an edit as news, and asks for a snapshot that shows it.
    fn answer<T: Send>(
        &self,
        edit: impl Future<Output = Result<T, Failure>> + Send + 'static,
        told: impl FnOnce(Result<T, String>) -> News + Send + 'static,
    ) {
        let (news, refresh) = (self.news.clone(), Arc::clone(&self.refresh));
        let permit = Arc::clone(&self.edits).try_acquire_owned();
        self.runtime.spawn(async move {
            let outcome = match permit {
                Ok(_permit) => edit.await.map_err(|failure| failure.to_string()),
                Err(_) => Err(format!("{EDITS} changes already wait for the proxy; nothing was sent")),
            };
            refresh.notify_one();
            // A screen that is gone needs no answer.
            let _ = news.send(told(outcome)).await;
        });
    }
}

struct Watcher {
    client: Client,
    news: mpsc::Sender<News>,
    refresh: Arc<Notify>,
    wants: Arc<latest::Sender<Wants>>,
    period: latest::Receiver<Duration>,
    /// When the proxy that was watched last had started.
    started: Option<Timestamp>,
    /// The last event that was read of it.
    last: u64,
}

/// Why a session ended.
enum End {
    /// Nobody listens to the news any more.
    Unheard,
    /// Another proxy answers on the same socket.
    Restarted,
    /// The proxy was lost.
    Lost(Failure),
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Lost(failure)
    }
}

fn ended() -> Failure {
    Failure::Protocol("the proxy ended the connection".to_owned())
}

impl Watcher {
    async fn run(mut self) {
        let mut attempt = 0;
        loop {
            let mut snapshots = 0_u64;
            let Err(end) = self.session(&mut snapshots).await;
            if snapshots > 1 {
                // A proxy that falls over at once is not asked ever faster.
                attempt = 0;
            }
            self.wants.send_modify(|wants| wants.up = false);
            match end {
                End::Unheard => return,
                End::Restarted => {}
                End::Lost(failure) => {
                    let next_try = delay(attempt);
                    attempt = attempt.saturating_add(1);
                    if self.tell(News::Lost { why: failure.to_string(), next_try }).await.is_err() {
                        return;
                    }
                    tokio::select! {
                        () = tokio::time::sleep(next_try) => {}
                        () = self.news.closed() => return,
                    }
                }
            }
        }
    }

    /// From a first snapshot until something ends it.
    async fn session(&mut self, snapshots: &mut u64) -> Result<Infallible, End> {
        let snapshot = self.client.snapshot().await?;
        *snapshots += 1;
        let started = snapshot.proxy.started;
        if self.started.replace(started) != Some(started) {
            self.last = 0;
        }
        let mut included = snapshot.event;
        self.tell(News::Connected).await?;
        self.tell(News::Snapshot(Box::new(snapshot))).await?;
        self.wants.send_modify(|wants| (wants.up, wants.connections) = (true, wants.connections + 1));
        let mut events = self.client.events(Some(self.last), true).await?;
        let mut timer = self.timer();
        let mut soon = false;
        loop {
            tokio::select! {
                () = self.news.closed() => return Err(End::Unheard),
                event = events.next() => {
                    let event = event.unwrap_or_else(|| Err(ended()))?;
                    self.last = events.last();
                    let number = event.number;
                    self.tell(News::Event(Box::new(event))).await?;
                    if number > included {
                        self.heard_events();
                        if !soon {
                            soon = true;
                            timer.reset_after(GATHER);
                        }
                    }
                }
                () = self.refresh.notified(), if !soon => {
                    soon = true;
                    timer.reset_after(GATHER);
                }
                Ok(()) = self.period.changed() => {
                    timer = self.timer();
                    soon = true;
                    timer.reset_after(GATHER);
                }
                _ = timer.tick() => {
                    let snapshot = self.client.snapshot().await?;
                    *snapshots += 1;
                    if snapshot.proxy.started != started {
                        return Err(End::Restarted);
                    }
                    // What it includes may be read only later, and is nothing new by then.
                    if snapshot.event > included.max(self.last) {
                        self.heard_events();
                    }
                    (included, soon) = (snapshot.event, false);
                    self.tell(News::Snapshot(Box::new(snapshot))).await?;
                }
            }
        }
    }

    /// Something has happened: what hangs on events is to be asked for again.
    fn heard_events(&self) {
        self.wants.send_modify(|wants| wants.events += 1);
    }

    /// Ticks each period, the first time after one.
    fn timer(&self) -> Interval {
        let period = *self.period.borrow();
        let mut timer = interval(period);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        timer.reset_after(period);
        timer
    }

    async fn tell(&self, news: News) -> Result<(), End> {
        self.news.send(news).await.map_err(|_| End::Unheard)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::scripted::{self, Act, Scripted, event, snapshot};
    use super::*;

    const PERIOD: Duration = Duration::from_millis(30);

    struct Screen {
        link: Handle,
        news: mpsc::Receiver<News>,
    }

    impl Screen {
        fn of(proxy: &Scripted, period: Duration) -> Self {
            let (link, news) = watch(proxy.client(), period);
            Self { link, news }
        }

        async fn next(&mut self) -> News {
            scripted::soon(self.news.recv()).await.unwrap()
        }

        /// Passes over news until one that `wanted` takes.
        async fn until<T>(&mut self, wanted: impl Fn(News) -> Option<T>) -> T {
            loop {
                if let Some(found) = wanted(self.next().await) {
                    return found;
                }
            }
        }
    }

    fn number(news: News) -> Option<u64> {
        if let News::Event(event) = news { Some(event.number) } else { None }
    }

    #[test]
    fn tries_come_slower_and_slower_up_to_a_bound() {
        let delays: Vec<u128> = (0..7).map(|attempt| delay(attempt).as_millis()).collect();
        assert_eq!(delays, [200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(delay(u32::MAX), Duration::from_secs(5));
    }

    #[tokio::test]
    async fn a_screen_hears_of_the_connection_the_snapshot_and_each_event() {
        let proxy = Scripted::start(|request| match request.target.as_str() {
            "/v1/events?since=0&follow=true" => Act::stream(&[event(1), event(2)]).then_hang(),
            _ => Act::json(&snapshot(2)),
        });
        let mut screen = Screen::of(&proxy, Duration::from_secs(60));
        assert_eq!(screen.next().await, News::Connected);
        assert_eq!(screen.next().await, News::Snapshot(Box::new(snapshot(2))));
        assert_eq!(number(screen.next().await), Some(1));
        assert_eq!(number(screen.next().await), Some(2));
        // Both are in the snapshot already, so they ask for none; the period is far away.
        assert!(tokio::time::timeout(GATHER * 4, screen.next()).await.is_err());
        screen.link.refresh();
        assert_eq!(screen.next().await, News::Snapshot(Box::new(snapshot(2))));
        assert_eq!(proxy.asked("/v1/snapshot"), 2);
    }

    #[tokio::test]
    async fn what_hangs_on_events_is_asked_again_once_whether_the_event_or_the_snapshot_tells_first() {
        let snapshots = AtomicUsize::new(0);
        let proxy = Scripted::start(move |request| match request.target.as_str() {
            "/v1/snapshot" => {
                let asked = snapshots.fetch_add(1, Ordering::Relaxed) as u64;
                Act::json(&snapshot(asked.min(1) * 2))
            }
            _ => Act::stream(&[event(1)]).then_hang(),
        });
        let mut screen = Screen::of(&proxy, Duration::from_secs(60));
        let events = |screen: &Screen| screen.link.wants.borrow().events;
        assert_eq!(screen.until(number).await, 1);
        let shown = |event| {
            move |news| matches!(news, News::Snapshot(snapshot) if snapshot.event == event).then_some(())
        };
        screen.until(shown(2)).await;
        assert_eq!(events(&screen), 2, "by the first event, and by the second that only the snapshot tells");
        screen.link.refresh();
        screen.until(shown(2)).await;
        assert_eq!(events(&screen), 2, "nothing has happened");
    }

    #[tokio::test]
    async fn a_new_event_brings_a_snapshot_at_once_and_the_period_brings_the_rest() {
        let proxy = Scripted::start(|request| match request.target.as_str() {
            "/v1/snapshot" => Act::json(&snapshot(0)),
            _ => Act::stream(&[event(1)]).then_hang(),
        });
        let mut screen = Screen::of(&proxy, Duration::from_secs(60));
        screen.until(number).await;
        assert!(matches!(screen.next().await, News::Snapshot(_)));
        drop(screen);

        let mut screen = Screen::of(&proxy, PERIOD);
        for _ in 0..4 {
            screen.until(|news| matches!(news, News::Snapshot(_)).then_some(())).await;
        }
    }

    #[tokio::test]
    async fn a_lost_proxy_is_told_tried_again_and_followed_from_the_last_event() {
        let streams = AtomicUsize::new(0);
        let proxy = Scripted::start(move |request| match request.target.as_str() {
            "/v1/snapshot" => Act::json(&snapshot(9)),
            _ if streams.fetch_add(1, Ordering::Relaxed) == 0 => {
                Act::stream(&[event(7), event(8)]).then_break()
            }
            _ => Act::stream(&[event(9)]).then_hang(),
        });
        let mut screen = Screen::of(&proxy, Duration::from_secs(60));
        let next_try = screen
            .until(|news| if let News::Lost { next_try, .. } = news { Some(next_try) } else { None })
            .await;
        assert_eq!(next_try, delay(0));
        assert_eq!(screen.next().await, News::Connected);
        assert_eq!(screen.until(number).await, 9);
        assert_eq!(proxy.asked("/v1/events?since=0&follow=true"), 1);
        assert_eq!(proxy.asked("/v1/events?since=8&follow=true"), 1);
    }

    #[tokio::test]
    async fn a_restarted_proxy_counts_anew() {
        let snapshots = AtomicUsize::new(0);
        let proxy = Scripted::start(move |request| match request.target.as_str() {
            "/v1/snapshot" => {
                let mut snapshot = snapshot(50);
                snapshot.proxy.started.0 += u64::from(snapshots.fetch_add(1, Ordering::Relaxed) > 0);
                Act::json(&snapshot)
            }
            _ => Act::stream(&[event(50)]).then_hang(),
        });
        let mut screen = Screen::of(&proxy, PERIOD);
        assert_eq!(screen.next().await, News::Connected);
        screen.until(number).await;
        assert_eq!(screen.until(|news| (news == News::Connected).then_some(())).await, ());
        screen.until(number).await;
        assert_eq!(proxy.asked("/v1/events?since=0&follow=true"), 2);
    }

    #[tokio::test]
    async fn answers_come_with_their_tickets_also_when_the_proxy_hangs_or_refuses() {
        let proxy = Scripted::start(|request| match (request.method.as_str(), request.body.as_str()) {
            ("PATCH", body) if body.contains("lbset") => Act::Hang,
            ("PATCH", body) if body.contains("drain") => Act::json(&scripted::edited()),
            ("PATCH", _) => Act::refuse(412, r#"{"code":"stale","message":"anna changed it"}"#),
            (_, _) if request.target == "/v1/snapshot" => Act::json(&snapshot(0)),
            _ => Act::stream(&[]).then_hang(),
        });
        let mut screen = Screen::of(&proxy, Duration::from_secs(60));
        let (balancer, member) = ("app".parse().unwrap(), "http://a:1".parse().unwrap());
        let edits = [r#"{"lbset":1}"#, r#"{"drain":true}"#, r#"{"spare":true}"#];
        for (ticket, edit) in (0..).zip(edits) {
            screen.link.edit_member(Ticket(ticket), &balancer, &member, serde_json::from_str(edit).unwrap());
        }
        let mut answers = Vec::new();
        while answers.len() < edits.len() {
            let answer = screen
                .until(|news| {
                    if let News::Answer { ticket, outcome } = news { Some((ticket, outcome)) } else { None }
                })
                .await;
            answers.push(answer);
        }
        answers.sort_by_key(|(ticket, _)| ticket.0);
        let [(_, late), (_, done), (_, stale)] = answers.try_into().unwrap();
        assert!(late.unwrap_err().contains("look before you repeat"));
        assert_eq!(*done.unwrap(), scripted::edited());
        assert_eq!(stale.unwrap_err(), "anna changed it");
    }

    #[tokio::test]
    async fn another_pace_counts_at_once() {
        let proxy = Scripted::start(|request| match request.target.as_str() {
            "/v1/snapshot" => Act::json(&snapshot(0)),
            _ => Act::stream(&[]).then_hang(),
        });
        let mut screen = Screen::of(&proxy, Duration::from_secs(600));
        let shown = |news| matches!(news, News::Snapshot(_)).then_some(());
        screen.until(shown).await;
        screen.link.pace(PERIOD);
        for _ in 0..3 {
            screen.until(shown).await;
        }
        screen.link.pace(Duration::from_secs(600));
        screen.until(shown).await;
    }

    #[tokio::test]
    async fn it_ends_with_its_screen() {
        let proxy = Scripted::start(|request| match request.target.as_str() {
            "/v1/snapshot" => Act::json(&snapshot(0)),
            _ => Act::stream(&[]).then_hang(),
        });
        let Screen { link, mut news } = Screen::of(&proxy, Duration::from_secs(60));
        scripted::soon(news.recv()).await.unwrap();
        drop(news);
        // Only the task and the handle hold a sender; the channel is closed for good when the task has gone.
        scripted::soon(link.news.closed()).await;
        scripted::soon(async {
            while Arc::strong_count(&link.refresh) > 1 {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}
