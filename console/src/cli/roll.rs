//! `roll`: one member after the other is drained, handed to a command, waited for until it is well, and returned. The
//! first failure stops it, and what is told then is the state of every member and what to do about it.

mod command;
mod company;
pub(super) mod hold;
mod members;
mod plan;
mod summary;

use std::cell::Cell;

use clap::Args;
use evenkeel_protocol::drain::with_why;
use evenkeel_protocol::{
    BalancerName, DrainCancel, DrainOrder, Flag, MemberEdit, MemberName, MemberSnapshot, Snapshot, Span,
    Timestamp,
};
use futures_util::future::ready;

use super::drain::{self, Target, Terms};
use super::edit;
use super::output::{Stop, even_unread};
use super::patience::{Asking, Interrupt};
use super::{Exit, Session, available, complete, elsewhere, target, wait};
use crate::client::Client;
pub(super) use company::{Company, Seat};
use members::{chosen, is_out_of_use, planned};
use summary::{State, Step};

pub(super) const HELP: &str = "\
Examples:
  evenkeel roll app -- ./deploy-one {member}
  evenkeel roll app --until no-sessions --timeout 30m --reason 'deploy 42' -- ssh {host} sudo systemctl restart tomcat
  evenkeel roll app --only node2 --only node3 -- ./deploy-one {member}

For each member, one after the other: drain, wait, run the command, wait until it is healthy, let new sessions come \
again. A member that is stopped or disabled is skipped and stays so. In the words of the command stand for the member: {member} (its route or host:port), {route}, {host}, {port}, \
{url}, {balancer}; the same is in EVENKEEL_MEMBER, EVENKEEL_ROUTE and so on. It stops at the first failure, and leaves \
that member draining. A member without health checks counts as healthy while it is not in error. With several targets \
each member is drained in all of them, the command runs once, and it is returned in all; when one stops, all do. Ends \
with 8 when a drain was lost before all was done.";

/// What can be typed behind `roll`.
#[derive(Debug, Args)]
pub struct RollArguments {
    /// The balancer
    #[arg(add = complete::balancers())]
    pub(super) balancer: String,
    /// Only this member; may be given several times
    #[arg(long, value_name = "MEMBER", add = complete::members())]
    only: Vec<String>,
    #[command(flatten)]
    terms: Terms,
    /// How long a member may take to be healthy after the command
    #[arg(long, value_name = "TIME", default_value = "2m")]
    healthy_within: Span,
    /// Members that must take new sessions while one does not
    #[arg(long, value_name = "N", default_value = "1")]
    min_available: usize,
    #[command(flatten)]
    pub(super) options: RollOptions,
    /// The command and its words
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<String>,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[derive(Debug, Args)]
pub(super) struct RollOptions {
    /// Why, for the proxy's log of events; at most 200 characters
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Only say what it would do, and where it would stop; the exit code is the one it would stop with
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Drain even where a guard or --min-available refuses it
    #[arg(long)]
    force: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Print nothing but errors
    #[arg(long, short, conflicts_with = "json")]
    quiet: bool,
}

/// Why a roll stops.
struct Stopped {
    exit: Exit,
    why: String,
}

pub(super) async fn run(arguments: &RollArguments, session: &mut Session<'_>) -> Result<Exit, Stop> {
    with(arguments, None, session).await
}

/// Rolls in one target, alone or in step with others.
pub(super) async fn with(
    arguments: &RollArguments,
    seat: Option<Seat<'_>>,
    session: &mut Session<'_>,
) -> Result<Exit, Stop> {
    let outcome = roll(arguments, seat, session).await;
    if let Some(seat) = seat.filter(|_| !matches!(outcome, Ok(Exit::Done))) {
        seat.leave();
    }
    outcome
}

async fn roll(
    arguments: &RollArguments,
    seat: Option<Seat<'_>>,
    session: &mut Session<'_>,
) -> Result<Exit, Stop> {
    let reason = edit::reason(arguments.options.reason.as_deref())?;
    let mut asking = Asking::of(session, arguments.options.quiet).await?;
    let snapshot = asking.client.snapshot().await?;
    let balancer = target::balancer_with(&snapshot, &arguments.balancer, &[])?;
    let mut steps = match seat {
        Some(seat) => planned(&snapshot, balancer, seat.plan()),
        None => chosen(&snapshot, balancer, &arguments.only)?,
    };
    let mut rolling = Rolling {
        arguments,
        order: DrainOrder {
            reason,
            force: arguments.options.force.then_some(true),
            ..arguments.terms.order()
        },
        balancer: balancer.name.clone(),
        interrupt: Interrupt::listen(),
        seat,
    };
    if arguments.options.dry_run {
        return plan::show(&rolling, (&snapshot, &steps), &asking, session).await;
    }
    let stopped = rolling.all(&mut steps, &mut asking, session).await.err();
    if let Some(seat) = seat.filter(|_| stopped.is_some()) {
        seat.leave();
    }
    asking.end_line(&mut session.output);
    // What cannot be asked any more is told as it was seen last.
    if let Ok(after) = asking.client.snapshot().await {
        for step in &mut steps {
            step.words = step.target.words(&after);
            step.status =
                after.member(&step.target.balancer, &step.target.member).map(|member| member.status);
        }
    }
    let why = stopped.as_ref().map(|it| it.why.as_str());
    even_unread(summary::tell(&rolling.balancer, &steps, why, (arguments, &asking.client, session)))?;
    Ok(stopped.map_or(Exit::Done, |stopped| stopped.exit))
}

/// A roll on its way.
struct Rolling<'a> {
    arguments: &'a RollArguments,
    order: DrainOrder,
    balancer: BalancerName,
    interrupt: Interrupt,
    /// Where others roll at the same time.
    seat: Option<Seat<'a>>,
}

impl From<Stop> for Stopped {
    fn from(stop: Stop) -> Self {
        let (exit, why) = stop.told();
        Self { exit, why: why.unwrap_or("nobody reads the result").to_owned() }
    }
}

impl Rolling<'_> {
    /// Each member, one after the other, until one stops it.
    async fn all(
        &mut self,
        steps: &mut [Step],
        asking: &mut Asking,
        session: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        let names: Vec<MemberName> = match self.seat {
            Some(seat) => seat.plan().to_vec(),
            None => steps.iter().map(|step| step.target.member.clone()).collect(),
        };
        let number = names.len();
        for (index, name) in names.iter().enumerate() {
            let place = format!("[{}/{number}]", index + 1);
            if let Some(step) = steps.iter_mut().find(|step| step.target.member == *name) {
                let place = format!("{place} {}", step.target.label);
                self.roll(step, &place, asking, session).await?;
                if step.state != State::Skipped {
                    step.state = State::Rolled;
                }
            } else {
                // The others have it; where it has just gone from who leads, nobody runs the command, and all stop.
                self.meet(&place).await?;
                let gone = ready(Err(format!("{name} is gone, and the command was not run")));
                let _ = self.command(&place, (name, &Cell::default()), gone).await?;
            }
            self.meet(&place).await?;
        }
        Ok(())
    }

    /// Until all that roll at the same time are as far.
    async fn meet(&mut self, place: &str) -> Result<(), Stopped> {
        let Some(seat) = self.seat else { return Ok(()) };
        tokio::select! {
            met = seat.meet() => met.map_err(|Stopped { exit, why }| Stopped { exit, why: format!("{place}: {why}") }),
            () = self.interrupt.comes() => Err(interrupted(place)),
        }
    }

    /// Runs the command, once for all that roll at the same time, when all of them are as far: `began` then.
    async fn command(
        &self,
        place: &str,
        (member, began): (&MemberName, &Cell<bool>),
        command: impl Future<Output = Result<(), String>>,
    ) -> Result<Result<(), String>, Stopped> {
        let placed = |Stopped { exit, why }| Stopped { exit, why: format!("{place}: {why}") };
        if let Some(seat) = self.seat {
            seat.meet().await.map_err(placed)?;
        }
        began.set(true);
        match self.seat {
            Some(seat) => seat.once(member, command).await.map_err(placed),
            None => Ok(command.await),
        }
    }

    /// All that is done to one member.
    async fn roll(
        &mut self,
        step: &mut Step,
        place: &str,
        asking: &mut Asking,
        session: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        let before = asking.snapshot(&mut session.output).await?;
        let refuse = |Stopped { exit, why }| Stopped { exit, why: format!("{place}: {why}") };
        let member = before.member(&self.balancer, &step.target.member);
        let idle = member.filter(|member| is_out_of_use(member)).map(|member| member.words.clone());
        if let Some(words) = idle.as_ref().filter(|_| self.seat.is_none()) {
            step.state = State::Skipped;
            self.say(session, &format!("{place}: skipped: it is {words}, and stays so"));
            return Ok(());
        }
        if idle.is_none() {
            self.guard(&before, step).map_err(refuse)?;
        }
        self.meet(place).await?;
        // A member that an operator had drained before goes back to just that.
        let kept = member.is_some_and(|member| member.status.has(Flag::Drain));
        if idle.is_none() {
            self.drain(step, (place, &before), asking, session).await?;
        }
        let (began, lost) = self.hand_over(step, (place, member), asking, session).await?;
        if let Some(words) = idle {
            // The others have it in use, so the command was for them.
            step.state = State::Skipped;
            self.say(session, &format!("{place}: done; it was {words} here before, and stays so"));
            return Ok(());
        }
        step.state = if lost.is_some() { State::Lost } else { State::Unwell };
        self.until_healthy(step, (place, began), asking, session).await?;
        let seen = asking.snapshot(&mut session.output).await?;
        let lost = lost.or_else(|| hold::lost(&seen, &step.target));
        step.state = if lost.is_some() { State::Lost } else { State::Unreturned };
        if !kept {
            self.restore(step, &seen, asking, session).await?;
        }
        if let Some(why) = lost {
            let why = format!("{place}: {why}; the command is done, and new sessions came to it meanwhile");
            return Err(Stopped { exit: Exit::Stale, why });
        }
        let now =
            if kept { "; it was draining before, and goes on" } else { ", it takes new sessions again" };
        self.say(session, &format!("{place}: done{now}"));
        Ok(())
    }

    /// Runs the command for a member that is drained; when that began, and why it was no longer drained at the end.
    async fn hand_over(
        &mut self,
        step: &mut Step,
        (place, member): (&str, Option<&MemberSnapshot>),
        asking: &mut Asking,
        session: &mut Session<'_>,
    ) -> Result<(Timestamp, Option<String>), Stopped> {
        let seen = asking.snapshot(&mut session.output).await?;
        let drained = !member.is_some_and(is_out_of_use);
        if let Some(why) = hold::lost(&seen, &step.target).filter(|_| drained) {
            step.state = State::Lost;
            return Err(Stopped {
                exit: Exit::Stale,
                why: format!("{place}: {why}; the command was not run"),
            });
        }
        step.state = State::Drained;
        if self.seat.is_none_or(|seat| seat.leads(&step.target.member)) {
            let places = seen.places(&step.target.balancer, &step.target.member);
            let others = places.map(|places| places.still_taken()).unwrap_or_default();
            let what = if self.seat.is_some() {
                "the command runs as soon as all targets are as far"
            } else {
                "running the command"
            };
            self.say(session, &format!("{place}: {what}{others}"));
        }
        let began = Cell::default();
        let words = command::Words::of(&step.target, member, asking.client.place());
        let command = command::run(&self.arguments.command, &words);
        let (ran, lost) = hold::meanwhile(
            (asking.client.clone(), &step.target),
            self.command(place, (&step.target.member, &began), command),
            |why| {
                if drained {
                    self.say(session, &format!("{place}: {why}; the command goes on"));
                }
            },
        )
        .await;
        if lost.is_some() && drained {
            step.state = State::Lost;
        } else if began.get() {
            step.state = State::Command;
        }
        let ran = ran?;
        // Ctrl-C reaches the command as well, which decides for itself what it makes of it.
        if self.interrupt.has_come() {
            return Err(interrupted(place));
        }
        ran.map_err(|why| Stopped { exit: Exit::Failed, why: format!("{place}: {why}") })?;
        Ok((seen.taken, lost))
    }

    /// Are there enough others?
    fn guard(&self, snapshot: &Snapshot, step: &Step) -> Result<(), Stopped> {
        let Some(balancer) = snapshot.balancer(&self.balancer) else {
            let why = format!("the balancer {} is no longer configured", self.balancer);
            return Err(Stopped { exit: Exit::NotFound, why });
        };
        if self.arguments.options.force {
            return Ok(());
        }
        let enough = available::enough(balancer, &step.target.member, self.arguments.min_available);
        enough.map_err(|why| Stopped { exit: Exit::Guarded, why })
    }

    /// Drains the member and waits until that has come to its end.
    async fn drain(
        &mut self,
        step: &mut Step,
        (place, before): (&str, &Snapshot),
        asking: &mut Asking,
        session: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        let Target { balancer, member, .. } = &step.target;
        let order = &self.order;
        // All that a roll asks for may be asked twice: a proxy that is started again meanwhile does not end it.
        let begin = |client: Client| async move { client.begin_drain(balancer, member, order).await };
        let begun = asking.ask(&mut session.output, begin).await?.drain;
        step.state = State::Draining;
        self.say(session, &format!("{place}: draining"));
        if let Some(others) = elsewhere::advice(before, &step.target, &asking.client) {
            self.say(session, &format!("{place}: {others}"));
        }
        let output = &mut session.output;
        let ended = tokio::select! {
            ended = drain::until_done(asking, &begun, &step.target, output) => ended?,
            () = self.interrupt.comes() => return Err(interrupted(place)),
        };
        asking.end_line(output);
        match drain::exit_as_asked(&begun, &ended) {
            Exit::Done => {
                self.say(session, &drain::sentence(&step.target, &ended));
                Ok(())
            }
            exit => {
                let others =
                    drain::other_terms(&begun, &ended).map_or_else(String::new, |it| format!("; {it}"));
                let why = with_why(&drain::standing(&ended), &drain::why(&ended));
                Err(Stopped { exit, why: format!("{place}: {why}{others}") })
            }
        }
    }

    async fn until_healthy(
        &mut self,
        step: &Step,
        (place, began): (&str, Timestamp),
        asking: &mut Asking,
        session: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        let (within, output) = (self.arguments.healthy_within, &mut session.output);
        let well = tokio::select! {
            well = wait::healthy_within(asking, (&step.target, began), within, output) => well?,
            () = self.interrupt.comes() => return Err(interrupted(place)),
        };
        asking.end_line(output);
        well.map_err(|ailment| Stopped {
            exit: Exit::Unhealthy,
            why: format!("{place}: not healthy within {within}: {ailment}"),
        })
    }

    /// Lets new sessions come again, whatever became of the drain.
    async fn restore(
        &self,
        step: &Step,
        seen: &Snapshot,
        asking: &mut Asking,
        session: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        let (Target { balancer, member, .. }, output) = (&step.target, &mut session.output);
        let reason = &self.order.reason;
        let mut drains = seen.drains.iter().rev().filter(|drain| drain.is_running());
        if let Some(drain) = drains.find(|drain| drain.balancer == *balancer && drain.member == *member) {
            let cancel = &DrainCancel { restore: Some(true), reason: reason.clone() };
            let number = drain.number;
            asking.ask(output, |client| async move { client.cancel_drain(number, cancel).await }).await?;
        } else {
            let edit = &MemberEdit { drain: Some(false), reason: reason.clone(), ..MemberEdit::default() };
            asking
                .ask(output, |client| async move { client.edit_member(balancer, member, edit).await })
                .await?;
        }
        Ok(())
    }

    fn say(&self, session: &mut Session<'_>, text: &str) {
        if !self.arguments.options.quiet {
            session.output.message(text);
        }
    }
}

fn interrupted(place: &str) -> Stopped {
    Stopped {
        exit: Exit::Interrupted,
        why: format!("{place}: interrupted; a drain that was begun is not taken back"),
    }
}
