//! `drain` and `undrain`: a drain is begun at the proxy, which runs it; with `--wait` this command looks on until it
//! has ended, and its exit code tells how.

mod follow;
mod telling;
mod tend;
mod undrain;

use clap::Args;
use evenkeel_protocol::{
    BalancerName, Drain, DrainAnswer, DrainCancel, DrainChange, DrainOrder, DrainUntil, Edited, MemberEdit,
    MemberName, OnTimeout, Patience, Snapshot, Span,
};
pub(super) use follow::{drains_on, holds, until_done, until_ended, until_it_holds};
use telling::{Report, adjusted, told, unless_lost};
pub(super) use telling::{exit, exit_as_asked, other_terms, sentence, standing, why};
pub use undrain::UndrainArguments;
pub(super) use undrain::{UNDO, undo};

use super::edit::{EditOptions, Verb, in_error};
use super::output::{Output, Stop, even_unread};
use super::patience::{Asking, Interrupt};
use super::report::{States, missing, report_with};
use super::{Exit, Session, available, complete, elsewhere, preview, target};
use crate::ability::Ability;
use crate::client::Client;
use crate::shell::quoted;

pub(super) const HELP: &str = "\
Examples:
  evenkeel drain app/node1 --reason 'deploy 42'
  evenkeel drain app/node1 --wait --until no-sessions --timeout 30m
  evenkeel drain app/node1 --wait --timeout 10m --on-timeout stop
  evenkeel drain http://10.0.0.1:8080 --json
  evenkeel drain app/old --ignore-missing
  evenkeel drain app/node1 --extend 10m        ten minutes more for the drain that runs

The proxy runs the drain: it goes on when this command ends. Ctrl-C ends the waiting. An httpd runs none: there the \
member keeps draining (N) until it is taken back or httpd restarts, and --wait looks on from here.
Without --until sessions are not waited for, and nothing is promised of them; the question of the screen offers \
no-sessions first where there are sessions, and the command that it shows says so.
A length of time has a unit: 1500ms, 5s, 10m, 2h, 1d. --timeout 0: what --on-timeout says happens at once, unless \
nothing is to be waited for; forever (the default): it never happens. --settle 0: one look is enough.
For a member that drains already, the terms that are given change its drain, and the same ones change nothing; \
--extend adds each time that it is run.
With --wait: 0 when what was waited for came, 124 when the time passed, 8 when somebody else ended the drain or had it \
wait for less.";

/// What a drain waits for, and how long.
#[derive(Debug, Clone, Args)]
pub(super) struct Terms {
    /// Wait until no request is in flight (idle), or beyond that until no session is left (no-sessions) [default: idle]
    #[arg(long, value_name = "idle|no-sessions", value_parser = until, add = complete::choices(untils))]
    until: Option<DrainUntil>,
    /// How long it may take; 0 and forever are words of their own [default: forever]
    #[arg(long, value_name = "TIME")]
    timeout: Option<Patience>,
    /// How long nothing must be in flight, in one piece [default: 5s]
    #[arg(long, value_name = "TIME")]
    settle: Option<Span>,
    /// What happens when the time has passed [default: fail, which keeps it draining]
    #[arg(long, value_name = "fail|stop|cut|restore", add = complete::choices(on_timeouts))]
    on_timeout: Option<OnTimeout>,
}

impl Terms {
    fn is_any(&self) -> bool {
        let Self { until, timeout, settle, on_timeout } = self;
        until.is_some() || timeout.is_some() || settle.is_some() || on_timeout.is_some()
    }

    /// As the proxy is asked.
    pub(super) fn order(&self) -> DrainOrder {
        let Self { until, timeout, settle, on_timeout } = *self;
        DrainOrder { until, timeout, settle, on_timeout, ..DrainOrder::default() }
    }
}

/// A blank of a word is typed as `-` here, whatever it is in JSON.
fn until(text: &str) -> Result<DrainUntil, &'static str> {
    text.parse().map_err(|_| "must be idle or no-sessions")
}

fn untils() -> Vec<String> {
    DrainUntil::ALL.iter().map(|until| until.name().replace('_', "-")).collect()
}

fn on_timeouts() -> Vec<String> {
    OnTimeout::ALL.iter().map(ToString::to_string).collect()
}

/// What can be typed behind `drain`.
#[derive(Debug, Args)]
pub struct DrainArguments {
    /// The member: BALANCER/MEMBER or MEMBER, by route, host:port or URL
    #[arg(add = complete::members())]
    pub(super) selector: String,
    /// Wait until the drain has ended, and tell how
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    terms: Terms,
    /// Put off the deadline of the drain that runs, by so much each time
    #[arg(long, value_name = "TIME", conflicts_with = "timeout")]
    extend: Option<Span>,
    /// Other members that must take new sessions now; --force overrides it
    #[arg(long, value_name = "N")]
    min_available: Option<usize>,
    /// On Ctrl-C let new sessions come again, and end the drain
    #[arg(long, requires = "wait")]
    restore_on_interrupt: bool,
    #[command(flatten)]
    pub(super) options: EditOptions,
}

impl DrainArguments {
    /// The terms, as the proxy is asked.
    pub(super) fn order(&self) -> DrainOrder {
        self.terms.order()
    }

    /// Without what it cannot be done. What --wait does not help with comes first.
    fn needs(&self) -> Vec<Ability> {
        let Terms { until, on_timeout, .. } = self.terms;
        [
            (until == Some(DrainUntil::NoSessions), Ability::Sessions),
            (on_timeout == Some(OnTimeout::Cut), Ability::Cut),
            (self.terms.is_any() && !self.wait, Ability::Jobs),
        ]
        .into_iter()
        .filter_map(|(is_needed, ability)| is_needed.then_some(ability))
        .collect()
    }

    /// By how much the deadline of a drain that runs is to be put off, and what else of it is to change.
    pub(super) fn extension(&self) -> Option<DrainChange> {
        let DrainOrder { until, settle, on_timeout, .. } = self.order();
        let extend = Some(self.extend?);
        Some(DrainChange { until, extend, settle, on_timeout, ..DrainChange::default() })
    }
}

/// A member that was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) balancer: BalancerName,
    pub(super) member: MemberName,
    /// What to type for it.
    pub(super) label: String,
}

impl Target {
    /// The member that `text` selects.
    pub(super) fn find(snapshot: &Snapshot, text: &str) -> Result<Self, Stop> {
        let (balancer, member) = target::member_with(snapshot, text, &[])?;
        let label = target::shortest(snapshot, balancer, member);
        Ok(Self { balancer: balancer.name.clone(), member: member.name.clone(), label })
    }

    /// Its status in httpd's words.
    pub(super) fn words(&self, snapshot: &Snapshot) -> String {
        snapshot
            .member(&self.balancer, &self.member)
            .map_or_else(|| "gone".to_owned(), |member| member.words.clone())
    }
}

pub(super) async fn run(arguments: &DrainArguments, session: &mut Session<'_>) -> Result<Exit, Stop> {
    if let Some(change) = arguments.extension() {
        return tend::extend(arguments, change, session).await;
    }
    let DrainArguments { options, terms, .. } = arguments;
    let order = DrainOrder {
        reason: options.reason()?,
        revision: options.if_revision,
        force: options.force.then_some(true),
        ..terms.order()
    };
    let mut asking = Asking::of(session, options.quiet).await?;
    let before = asking.client.snapshot().await?;
    if let Some(why) = arguments.needs().into_iter().find_map(|ability| asking.client.lacks(ability)) {
        return Err(Stop::Failed(Exit::Unable, why.to_owned()));
    }
    let target = match Target::find(&before, &arguments.selector) {
        Err(stop @ Stop::Missing(_)) if options.ignore_missing => return missing(&stop, options, session),
        other => other?,
    };
    let balancer = before.balancer(&target.balancer);
    if let (Some(least), Some(balancer), false) = (arguments.min_available, balancer, options.force) {
        available::guard(balancer, &target.member, least)?;
    }
    if options.dry_run {
        let edit = MemberEdit {
            drain: Some(true),
            force: order.force,
            revision: order.revision,
            ..MemberEdit::default()
        };
        let mut preview = asking.client.preview_member(&target.balancer, &target.member, &edit).await?;
        let places = before.places(&target.balancer, &target.member);
        preview.notes.extend(places.and_then(|places| places.before_a_drain()));
        return preview::show(&preview, &before, options, session);
    }
    let mut interrupt = arguments.wait.then(Interrupt::listen);
    let answer = begin(&mut asking, &target, (&order, arguments.wait), &mut session.output).await?;
    let Some(mut edited) = answer.edited.clone() else {
        return Err(Stop::Failed(Exit::Failed, "nobody said what became of the member".to_owned()));
    };
    elsewhere::note(&mut asking, (&before, &target), &mut session.output);
    let drains = MemberEdit { drain: Some(true), ..MemberEdit::default() };
    edited.notes.extend(in_error(&before, &drains, &edited));
    if let Some(interrupt) = &mut interrupt {
        let begun = Begun { asking, target, before, edited, answer };
        return begun.look_on(interrupt, arguments, session).await;
    }
    if terms.is_any() && !options.json && !options.quiet {
        let drain = &answer.drain;
        session.output.message(&format!("drain {}: {}", drain.number, words(drain)));
    }
    if options.json && !session.asks_httpd() {
        let after = asking.client.snapshot().await.ok();
        let (before, drain) = ((&before, after.as_ref()), &answer.drain);
        return told(&target, before, &edited, (drain, &answer, arguments), session);
    }
    let states = States::wanted(options, &asking.client, (&before, &edited)).await;
    let exit = match adjusted(&answer).filter(|_| !session.asks_httpd() && !options.quiet) {
        Some(what) => {
            even_unread(session.output.result(&format!("{}: {what}", target.label)))?;
            Exit::Done
        }
        None => report_with(Verb::Drain, (&edited, states), options, session)?,
    };
    if session.asks_httpd() {
        return Ok(exit);
    }
    Ok(unless_lost(exit, &answer, (options, &mut session.output)))
}

/// A drain that is to be waited for, and how its member was before.
struct Begun {
    asking: Asking,
    target: Target,
    before: Snapshot,
    /// What was done to the member.
    edited: Edited,
    answer: DrainAnswer,
}

impl Begun {
    /// Looks on until it has ended, or until Ctrl-C.
    async fn look_on(
        mut self,
        interrupt: &mut Interrupt,
        arguments: &DrainArguments,
        session: &mut Session<'_>,
    ) -> Result<Exit, Stop> {
        let Self { asking, target, answer, .. } = &mut self;
        let output = &mut session.output;
        let ended = tokio::select! {
            ended = until_done(asking, &answer.drain, target, output) => Some(ended?),
            () = interrupt.comes() => None,
        };
        asking.end_line(output);
        let Some(drain) = ended else {
            return interrupted(asking, &answer.drain, target, (arguments, output)).await;
        };
        let asked = std::mem::replace(&mut answer.drain, drain);
        let after = asking.snapshot(output).await?;
        let snapshots = (&self.before, Some(&after));
        told(&self.target, snapshots, &self.edited, (&asked, &self.answer, arguments), session)
    }
}

/// Gives the order. One to wait for may be repeated where nobody knows whether it was heard, because the second changes
/// nothing; not where it asks for a revision that the first would have changed.
async fn begin(
    asking: &mut Asking,
    target: &Target,
    (order, waits): (&DrainOrder, bool),
    output: &mut Output<'_>,
) -> Result<DrainAnswer, Stop> {
    let Target { balancer, member, .. } = target;
    if !waits || order.revision.is_some() {
        return Ok(asking.client.begin_drain(balancer, member, order).await?);
    }
    let ask = |client: Client| async move { client.begin_drain(balancer, member, order).await };
    asking.ask(output, ask).await
}

/// Ctrl-C: the waiting ends, and the drain only if that was asked for.
async fn interrupted(
    asking: &Asking,
    drain: &Drain,
    target: &Target,
    (arguments, output): (&DrainArguments, &mut Output<'_>),
) -> Result<Exit, Stop> {
    let label = &target.label;
    if arguments.restore_on_interrupt {
        let cancel = DrainCancel { restore: Some(true), reason: arguments.options.reason()? };
        asking.client.cancel_drain(drain.number, &cancel).await?;
        output.message(&format!("interrupted: {label} takes new sessions again, and the drain has ended"));
    } else {
        output.message(&goes_on(drain, label, &asking.client));
    }
    Ok(Exit::Interrupted)
}

/// What an interrupted wait leaves behind.
pub(super) fn goes_on(drain: &Drain, label: &str, client: &Client) -> String {
    let member = quoted(label);
    let undrain = client.command(&format!("undrain {member}"));
    if client.lacks(Ability::Jobs).is_some() {
        return format!(
            "interrupted: {label} keeps draining, and nobody watches it any more; `{undrain}` takes it back"
        );
    }
    let wait = client.command(&format!("wait {member} drained"));
    format!(
        "interrupted: drain {} of {label} goes on; `{wait}` waits for it, `{undrain}` ends it",
        drain.number
    )
}

/// What a drain is to do.
fn words(drain: &Drain) -> String {
    format!("{}; {}", terms(drain.until, drain.timeout, drain.on_timeout), drain.why)
}

/// What a drain waits for, how long, and what then.
pub(super) fn terms(until: DrainUntil, timeout: Patience, on_timeout: OnTimeout) -> String {
    let until = until.typed();
    match (timeout, on_timeout) {
        (Patience::Forever, _) => format!("until {until}, without a deadline"),
        (timeout, OnTimeout::Fail) => format!("until {until}, at most {timeout}, then it keeps draining"),
        (timeout, then) => format!("until {until}, at most {timeout}, then {then}"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use evenkeel_protocol::DrainOutcome;
    use serde_json::{Value, json};

    use super::*;
    use crate::cli::scene::Scene;
    use crate::client::scripted::{self, Act, Scripted};

    const DRAIN: &str = "/v1/drains/3";

    /// A proxy whose drain ends so at the second look.
    fn ends(outcome: DrainOutcome) -> Scripted {
        let looks = AtomicUsize::new(0);
        Scripted::start(move |request| match (request.method.as_str(), request.target.as_str()) {
            ("POST", _) => Act::json(&scripted::drain_answer(scripted::edited())),
            (_, DRAIN) if looks.fetch_add(1, Ordering::Relaxed) > 0 => {
                let drain = scripted::drain(Some(outcome));
                Act::json(&Drain { safe_to_stop: outcome == DrainOutcome::SafeToStop, ..drain })
            }
            (_, DRAIN) => Act::json(&scripted::drain(None)),
            _ => Act::json(&scripted::snapshot(0)),
        })
    }

    #[tokio::test]
    async fn what_was_typed_is_ordered() {
        for (line, body) in [
            ("drain app/a", json!({})),
            ("drain a --reason deploy --if-revision 7", json!({"reason": "deploy", "revision": 7})),
            (
                "drain a --until no-sessions --timeout 10m --settle 0 --on-timeout stop",
                json!({"until": "no_sessions", "timeout": "10m", "settle": "0", "on_timeout": "stop"}),
            ),
            ("drain a --timeout forever", json!({"timeout": "forever"})),
        ] {
            let proxy = ends(DrainOutcome::Idle);
            let mut scene = Scene::of(&proxy);
            assert_eq!(scene.run(line).await, Exit::Done, "{line}: {}", scene.err());
            let request = proxy.requests().into_iter().find(|request| request.method == "POST").unwrap();
            assert_eq!(request.target, "/v1/balancers/app/members/http:%2F%2F127.0.0.1:9001/drain");
            assert_eq!(serde_json::from_str::<Value>(&request.body).unwrap(), body, "{line}");
        }
        let proxy = ends(DrainOutcome::Idle);
        let mut scene = Scene::of(&proxy);
        for line in [
            "drain a --timeout 10",
            "drain a --until x",
            "drain a --settle forever",
            "drain a --on-timeout x",
        ] {
            assert_eq!(scene.run(line).await, Exit::Usage, "{line}");
        }
        assert_eq!(proxy.requests().len(), 0);
    }

    #[tokio::test]
    async fn a_dry_run_names_the_other_balancers_of_the_process() {
        let proxy = Scripted::start(|request| {
            let mut snapshot = scripted::snapshot(0);
            snapshot.balancers[1].members[0].name = snapshot.balancers[0].members[0].name.clone();
            match request.method.as_str() {
                "PATCH" => Act::json(
                    &serde_json::from_str::<Value>(include_str!("../../../protocol/documents/preview.json"))
                        .unwrap(),
                ),
                _ => Act::json(&snapshot),
            }
        });
        let mut scene = Scene::of(&proxy);
        assert_eq!(scene.run("drain app/a --dry-run").await, Exit::Done, "{}", scene.err());
        let says = "  The same process still serves in api (1 in flight): the drain waits for what is in flight there, \
                    and it takes new requests there (drain api/127.0.0.1:9001 too).";
        assert!(scene.out().contains(says), "{}", scene.out());
    }

    #[tokio::test]
    async fn a_wait_ends_with_the_drain_and_its_code_tells_how() {
        for (outcome, exit, says) in [
            (DrainOutcome::SafeToStop, Exit::Done, "app/a: safe to stop: "),
            (DrainOutcome::Idle, Exit::Done, "app/a: idle: "),
            (DrainOutcome::KeptDraining, Exit::TimedOut, "app/a: not done in time: "),
            (DrainOutcome::Stopped, Exit::TimedOut, "app/a: stopped: "),
            (DrainOutcome::Cut, Exit::TimedOut, "app/a: cut: "),
            (DrainOutcome::Restored, Exit::TimedOut, "app/a: restored: "),
            (DrainOutcome::Cancelled, Exit::Stale, "app/a: cancelled: "),
            (DrainOutcome::Cleared, Exit::Stale, "app/a: cleared: "),
            (DrainOutcome::StoppedMeanwhile, Exit::Stale, "app/a: stopped meanwhile: "),
            (DrainOutcome::MemberGone, Exit::NotFound, "app/a: member gone: "),
        ] {
            let proxy = ends(outcome);
            let mut scene = Scene::of(&proxy);
            assert_eq!(scene.run("drain a --wait").await, exit, "{outcome}: {}", scene.err());
            assert!(scene.out().starts_with(says) && scene.out().lines().count() == 1, "{}", scene.out());
            assert_eq!(scene.err(), "app/a: 1 request is in flight; 7 min left\n");
            assert_eq!(scene.run("drain a --wait -q").await, exit);
            assert_eq!((scene.out(), scene.err()), (String::new(), String::new()));
            scene.out_fails(std::io::ErrorKind::BrokenPipe);
            assert_eq!(scene.run("drain a --wait").await, exit, "{outcome}, nobody reads");
        }
    }

    #[test]
    fn what_another_balancer_still_uses_is_not_told_as_safe_to_stop() {
        let mut drain = scripted::drain(Some(DrainOutcome::SafeToStop));
        drain.safe_to_stop = true;
        assert_eq!(standing(&drain), "safe to stop");
        drain.elsewhere = vec![crate::model::sample::elsewhere("api")];
        assert_eq!(standing(&drain), "drained here, but in use in api");
    }

    #[tokio::test]
    async fn time_that_runs_out_behind_a_restart_is_no_change_by_somebody() {
        for (draining, exit) in [(true, Exit::TimedOut), (false, Exit::Stale)] {
            let looks = AtomicUsize::new(0);
            let proxy =
                Scripted::start(move |request| match (request.method.as_str(), request.target.as_str()) {
                    ("POST", _) => Act::json(&scripted::drain_answer(scripted::edited())),
                    (_, DRAIN) if looks.fetch_add(1, Ordering::Relaxed) > 0 => Act::json(&Drain {
                        draining: Some(draining),
                        safe_to_stop: false,
                        ..scripted::drain(Some(DrainOutcome::SafeToStop))
                    }),
                    (_, DRAIN) => Act::json(&Drain { left_ms: Some(300), ..scripted::drain(None) }),
                    _ => Act::json(&scripted::snapshot(0)),
                });
            let mut scene = Scene::of(&proxy);
            assert_eq!(scene.run("drain a --wait").await, exit, "{}", scene.out());
            assert!(scene.out().contains("was safe to stop, and may not be now: now "), "{}", scene.out());
        }
    }

    #[tokio::test]
    async fn who_changed_the_drain_stays_in_a_line_of_its_own() {
        const CHANGED: &str = "app/a: anna (1000) changed what this drain waits for: timeout 10m -> 20m";
        for watched in [false, true] {
            let looks = AtomicUsize::new(0);
            let proxy =
                Scripted::start(move |request| match (request.method.as_str(), request.target.as_str()) {
                    ("POST", _) => Act::json(&scripted::drain_answer(scripted::edited())),
                    (_, DRAIN) => {
                        let look = looks.fetch_add(1, Ordering::Relaxed);
                        let mut drain = scripted::drain((look > 6).then_some(DrainOutcome::Idle));
                        if look > 1 {
                            drain.timeout = "20m".parse().unwrap();
                            drain.changed_by = serde_json::from_value(
                                json!({"uid": 1000, "gid": 1, "pid": 1, "user": "anna"}),
                            )
                            .ok();
                        }
                        Act::json(&drain)
                    }
                    _ => Act::json(&scripted::snapshot(0)),
                });
            let mut scene = Scene::of(&proxy);
            if watched {
                scene.on_watch();
            }
            scene.run("drain a --wait --timeout 10m").await;
            let told = scene.err();
            let lines: Vec<&str> = told.lines().collect();
            let at = lines.iter().position(|line| *line == CHANGED);
            assert!(at.is_some_and(|at| lines[at + 1].contains("7 min left")), "watched {watched}: {told:?}");
        }
    }

    #[tokio::test]
    async fn too_few_others_are_refused_and_a_word_is_named_as_it_is_typed() {
        let proxy = ends(DrainOutcome::Idle);
        let mut scene = Scene::of(&proxy);
        for (line, exit, says) in [
            ("drain a --min-available 9", Exit::Guarded, "--min-available wants 9; --force overrides it"),
            ("drain a --min-available 9 --dry-run", Exit::Guarded, "--min-available wants 9"),
            ("drain a --until bla", Exit::Usage, "must be idle or no-sessions"),
        ] {
            assert_eq!(scene.run(line).await, exit, "{line}");
            assert!(scene.err().contains(says), "{line}: {}", scene.err());
        }
        assert_eq!(proxy.asked("POST"), 0);
        assert_eq!(scene.run("drain a --min-available 9 --force").await, Exit::Done, "{}", scene.err());
        assert_eq!(scene.run("drain a --min-available 0").await, Exit::Done, "{}", scene.err());
    }

    #[tokio::test]
    async fn json_of_a_drain_is_stable() {
        let proxy = ends(DrainOutcome::Idle);
        let mut scene = Scene::of(&proxy);
        scene.run("drain a --wait --json").await;
        let report: Value = serde_json::from_str(&scene.out()).unwrap();
        let keys: Vec<&String> = report.as_object().unwrap().keys().collect();
        let expected = [
            "after",
            "applied",
            "balancer",
            "before",
            "changed",
            "changes",
            "drain",
            "drain_changed",
            "durable",
            "member",
            "notes",
            "revision",
            "version",
        ];
        assert_eq!(keys, expected);
        assert_eq!((&report["version"], &report["drain"]["outcome"]), (&json!(1), &json!("idle")));
    }

    #[tokio::test]
    async fn a_proxy_that_is_gone_for_a_while_is_asked_again_and_one_that_forgot_is_told() {
        let looks = AtomicUsize::new(0);
        let proxy =
            Scripted::start(move |request| match (request.method.as_str(), request.target.as_str()) {
                ("POST", _) => Act::json(&scripted::drain_answer(scripted::edited())),
                (_, DRAIN) if looks.fetch_add(1, Ordering::Relaxed) < 3 => Act::raw(&[]),
                (_, DRAIN) => Act::json(&scripted::drain(Some(DrainOutcome::Idle))),
                _ => Act::json(&scripted::snapshot(0)),
            });
        let mut scene = Scene::of(&proxy);
        assert_eq!(scene.run("drain a --wait").await, Exit::Done, "{}", scene.err());
        let said: Vec<String> = scene.err().lines().map(str::to_owned).collect();
        assert!(
            said[0].starts_with("the proxy is gone (") && said[1] == "the proxy answers again",
            "{said:?}"
        );

        let other = Drain { began: evenkeel_protocol::Timestamp(1), ..scripted::drain(None) };
        for act in [Act::json(&other), Act::refuse(404, r#"{"code":"not_found","message":"no drain 3"}"#)] {
            let proxy =
                Scripted::start(move |request| match (request.method.as_str(), request.target.as_str()) {
                    ("POST", _) => Act::json(&scripted::drain_answer(scripted::edited())),
                    (_, DRAIN) => act.clone(),
                    _ => Act::json(&scripted::snapshot(0)),
                });
            let mut scene = Scene::of(&proxy);
            assert_eq!(scene.run("drain a --wait").await, Exit::Failed);
            assert!(scene.err().contains("no longer known"), "{}", scene.err());
        }
    }
}
