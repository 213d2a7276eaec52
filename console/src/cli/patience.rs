//! Commands that wait: a proxy that is gone for a while is asked again, Ctrl-C ends the waiting, and what is waited
//! for is told on standard error, seldom enough for a log and often enough that nobody takes it for dead.

use std::time::Duration;

use evenkeel_protocol::refusal::Code;
use evenkeel_protocol::{Drain, Snapshot, Timestamp};
use futures_util::FutureExt as _;
use jiff::tz::TimeZone;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Interval, MissedTickBehavior, interval, sleep, timeout};

use super::output::{Output, Stop};
use super::{Exit, Session, sessions};
use crate::client::{Client, Failure, Limits, delay};

/// Looks a second.
pub(super) const LOOKS: u32 = 4;
/// Seconds between two lines where nobody looks at a terminal.
const HEARTBEAT: u32 = 30;
/// A proxy that is gone is asked again for so many times the wait for one answer: a minute by default.
const TRIES: u32 = 12;

/// A question that is asked again and again.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) client: Client,
    limits: Limits,
    /// Is a proxy that is gone asked again for ever?
    endless: bool,
    ticks: Interval,
    quiet: bool,
    zone: TimeZone,
    /// Looks so far, and what was said last.
    looks: u32,
    said: String,
    /// Where lines stay: the label of the member that is waited for, and the phases of it that were told.
    told: (String, Vec<String>),
    /// What is waited for, said or not.
    last: String,
    /// The label of the member that advice was given for last.
    advised: String,
    /// The drain that is looked on at, as it stood last.
    drain: Option<Drain>,
    /// Was it said that a cache answers?
    told_old: bool,
    /// Does a line stand there that has no end yet?
    open_line: bool,
}

/// Ctrl-C, from the moment on when this is made: it does not end the process any more.
#[derive(Debug)]
pub(super) struct Interrupt(Option<Signal>);

impl Interrupt {
    pub(super) fn listen() -> Self {
        // Where the system lets nobody listen, it ends the process as ever.
        Self(signal(SignalKind::interrupt()).ok())
    }

    /// Until it comes.
    pub(super) async fn comes(&mut self) {
        match &mut self.0 {
            Some(signal) => {
                signal.recv().await;
            }
            None => std::future::pending().await,
        }
    }

    /// Has it come since anybody looked?
    pub(super) fn has_come(&mut self) -> bool {
        self.comes().now_or_never().is_some()
    }
}

impl Asking {
    /// `quiet` says nothing but what went wrong.
    pub(super) async fn of(session: &Session<'_>, quiet: bool) -> Result<Self, Stop> {
        Ok(Self::with((session.client().await?, false), session, quiet))
    }

    /// For what is followed: a target of a fleet need not be there yet and is waited for as long as it takes, for the
    /// others go on; the only proxy is there, and waited for as by [`Self::of`].
    pub(super) async fn of_feed(session: &Session<'_>) -> Result<Self, Stop> {
        let client = match session.target {
            Some(place) => (Client::of(place, session.limits)?, true),
            None => (session.client().await?, false),
        };
        Ok(Self::with(client, session, false))
    }

    fn with((client, endless): (Client, bool), session: &Session<'_>, quiet: bool) -> Self {
        let mut ticks = interval(Duration::from_secs(1) / LOOKS);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            client,
            limits: session.limits,
            endless,
            ticks,
            quiet,
            zone: session.zone.clone(),
            looks: 0,
            said: String::new(),
            told: Default::default(),
            last: String::new(),
            advised: String::new(),
            drain: None,
            told_old: false,
            open_line: false,
        }
    }

    /// Is it asked again for ever?
    pub(super) fn is_endless(&self) -> bool {
        self.endless
    }

    /// The answer to a question that may be asked twice, as soon as the proxy gives one.
    pub(super) async fn ask<T, F: Future<Output = Result<T, Failure>>>(
        &mut self,
        output: &mut Output<'_>,
        question: impl Fn(Client) -> F,
    ) -> Result<T, Stop> {
        self.ticks.tick().await;
        self.ask_now(output, question).await
    }

    /// As [`Self::ask`], however short ago the last question was.
    pub(super) async fn ask_now<T, F: Future<Output = Result<T, Failure>>>(
        &mut self,
        output: &mut Output<'_>,
        question: impl Fn(Client) -> F,
    ) -> Result<T, Stop> {
        let failure = match question(self.client.clone()).await {
            Ok(answer) => return Ok(answer),
            Err(failure) if is_passing(&failure) => failure,
            Err(failure) => return Err(failure.into()),
        };
        let patience = self.limits.answer * TRIES;
        let who = self.client.who();
        let how_long = if self.endless {
            "until it is back".to_owned()
        } else {
            format!("for {} s", patience.as_secs())
        };
        let why = match &failure {
            Failure::Old(why) => why.clone(),
            failure => format!("{who} is gone ({failure})"),
        };
        // A cache may give an old page again and again between new ones.
        let is_new = !matches!(failure, Failure::Old(_)) || !std::mem::replace(&mut self.told_old, true);
        if is_new {
            self.note(output, &format!("{why}; asking again {how_long}"));
        }
        let again = async {
            for attempt in 0.. {
                sleep(if self.endless { delay(attempt) } else { Duration::from_secs(1) / LOOKS }).await;
                match question(self.client.clone()).await {
                    Err(failure) if is_passing(&failure) => {}
                    outcome => return outcome,
                }
            }
            Err(failure.clone())
        };
        let outcome = if self.endless { Ok(again.await) } else { timeout(patience, again).await };
        let Ok(outcome) = outcome else {
            let exit = if matches!(failure, Failure::Old(_)) { Exit::ReadOnly } else { Exit::Unreachable };
            return Err(Stop::Failed(exit, format!("{failure}; given up after {} s", patience.as_secs())));
        };
        if is_new {
            self.note(output, &format!("{who} answers again"));
        }
        Ok(outcome?)
    }

    /// Everything, as soon as the proxy answers, and no cache in its place.
    pub(super) async fn snapshot(&mut self, output: &mut Output<'_>) -> Result<Snapshot, Stop> {
        let new = async |client: Client| {
            let seen = client.snapshot().await?;
            if seen.cached {
                return Err(Failure::Old(seen.warnings.into_iter().next().unwrap_or_default()));
            }
            Ok(seen)
        };
        self.ask(output, new).await
    }

    /// Tells what is waited for at the member of that label: on a terminal in one line that changes at most once a
    /// second, else in a line of its own where `phase` comes for the first time, and from time to time: a member that is
    /// quiet for moments only goes from one to another all the time.
    pub(super) fn tell(&mut self, output: &mut Output<'_>, (label, phase): (&str, &str), text: &str) {
        let look = self.looks;
        self.looks = self.looks.wrapping_add(1);
        text.clone_into(&mut self.last);
        if self.quiet {
            return;
        }
        let text = &format!("{label}: {text}");
        if output.progress_is_seen() {
            if self.said != *text && look.is_multiple_of(LOOKS) {
                self.said.clone_from(text);
                self.open_line = true;
                output.progress(text);
            }
        } else if self.is_first(label, phase) || look.is_multiple_of(HEARTBEAT * LOOKS) {
            output.message(text);
        }
    }

    /// Was this phase of that member not told yet? It is from now on.
    fn is_first(&mut self, label: &str, phase: &str) -> bool {
        let (whose, phases) = &mut self.told;
        if whose != label {
            label.clone_into(whose);
            phases.clear();
        }
        let is_first = !phases.iter().any(|told| told == phase);
        if is_first {
            phases.push(phase.to_owned());
        }
        is_first
    }

    /// Says once for a member, in a line that stays, what may keep it from ever coming to what is waited for.
    pub(super) fn advise(&mut self, output: &mut Output<'_>, label: &str, advice: &str) {
        if self.advised != label {
            label.clone_into(&mut self.advised);
            self.note(output, &format!("{label}: {advice}"));
        }
    }

    /// Adds to what is waited for what is worth saying only where it was in vain.
    pub(super) fn explain(&mut self, more: &str) {
        self.last.push_str(more);
    }

    /// What was waited for last.
    pub(super) fn last(&self) -> &str {
        &self.last
    }

    /// Keeps how a drain stands.
    pub(super) fn saw(&mut self, drain: &Drain) {
        self.drain = Some(drain.clone());
    }

    /// The drain that was looked on at, as it stood last.
    pub(super) fn seen(&mut self) -> Option<Drain> {
        self.drain.take()
    }

    /// Says once what nobody may miss, in a line that stays. What is waited for is told again below it.
    pub(super) fn note(&mut self, output: &mut Output<'_>, text: &str) {
        if !self.quiet {
            self.end_line(output);
            self.said.clear();
            self.told.1.clear();
            output.message(text);
        }
    }

    /// The time of day of a moment, where the operator is.
    pub(super) fn clock(&self, at: Timestamp) -> String {
        sessions::clock(at, &self.zone)
    }

    /// Ends the line that changes, before anything else is said.
    pub(super) fn end_line(&mut self, output: &mut Output<'_>) {
        if std::mem::take(&mut self.open_line) {
            output.message("");
        }
    }
}

/// May it be otherwise in a moment?
pub(super) fn is_passing(failure: &Failure) -> bool {
    match failure {
        Failure::Unreachable(_) | Failure::Old(_) | Failure::Protocol(_) | Failure::FateUnknown(_) => true,
        Failure::Refused(refusal) => refusal.code == Code::Unavailable,
        Failure::Permission(_) | Failure::Unable(_) => false,
    }
}
