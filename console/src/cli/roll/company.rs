//! Several targets that roll the same members at the same time: none goes on before all of them are as far. A member is
//! drained in all of them, the command runs once, and it is returned in all of them; when one stops, so do the others.

use std::cell::RefCell;

use evenkeel_protocol::{MemberName, Snapshot};
use tokio::sync::Notify;

use super::super::drain::Target;
use super::super::output::Stop;
use super::super::{Exit, target};
use super::{RollArguments, Stopped};

/// All of them, on one thread.
#[derive(Debug)]
pub(in crate::cli) struct Company {
    /// Whom they roll, one after the other.
    plan: Vec<MemberName>,
    /// Who of them have which of these.
    seats: Vec<Vec<MemberName>>,
    gates: RefCell<Gates>,
    changed: Notify,
}

/// How far they are: each passes the same gates in the same order.
#[derive(Debug, Default)]
struct Gates {
    opened: usize,
    arrived: usize,
    /// What came of the command for the member whose turn it is.
    ran: Option<Result<(), String>>,
    /// Who has stopped first.
    stopped: Option<String>,
}

/// One of them.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct Seat<'a> {
    pub(in crate::cli) company: &'a Company,
    /// Its position among those that roll.
    pub(in crate::cli) at: usize,
    /// What the target is called.
    pub(in crate::cli) name: &'a str,
}

impl Company {
    /// Of targets that have the balancer, each by what it is called and told of it last.
    ///
    /// # Errors
    ///
    /// `--only` names nobody, or different members in different targets.
    pub(in crate::cli) fn of(
        arguments: &RollArguments,
        snapshots: &[(&str, &Snapshot)],
    ) -> Result<Self, Stop> {
        let mut only = Vec::new();
        for text in &arguments.only {
            only.push(named(arguments, text, snapshots)?);
        }
        let (mut plan, mut seats): (Vec<MemberName>, Vec<Vec<MemberName>>) = Default::default();
        for (_, snapshot) in snapshots {
            let balancer = target::balancer_with(snapshot, &arguments.balancer, &[])?;
            let wanted = |name: &MemberName| only.is_empty() || only.contains(name);
            let names = balancer.members.iter().map(|member| member.name.clone());
            let names: Vec<MemberName> = names.filter(wanted).collect();
            plan.extend(names.iter().filter(|name| !plan.contains(name)).cloned().collect::<Vec<_>>());
            seats.push(names);
        }
        Ok(Self { plan, seats, gates: RefCell::default(), changed: Notify::new() })
    }

    /// Until all of them are here.
    async fn meet(&self) -> Result<(), String> {
        let opened = {
            let mut gates = self.gates.borrow_mut();
            gates.arrived += 1;
            if gates.arrived == self.seats.len() {
                (gates.arrived, gates.opened) = (0, gates.opened + 1);
                self.changed.notify_waiters();
                return Ok(());
            }
            gates.opened
        };
        loop {
            let changed = self.changed.notified();
            {
                let gates = self.gates.borrow();
                if gates.opened > opened {
                    return Ok(());
                }
                if let Some(name) = &gates.stopped {
                    return Err(name.clone());
                }
            }
            changed.await;
        }
    }
}

/// The one member that `--only TEXT` means in all targets that have it.
fn named(arguments: &RollArguments, text: &str, snapshots: &[(&str, &Snapshot)]) -> Result<MemberName, Stop> {
    let whole = if text.contains('/') { text.to_owned() } else { format!("{}/{text}", arguments.balancer) };
    let (mut found, mut missing): (Option<(MemberName, &str)>, _) = (None, None);
    for (name, snapshot) in snapshots {
        match (Target::find(snapshot, &whole), &found) {
            (Err(stop @ Stop::Missing(_)), _) => missing = Some(stop),
            (Err(stop), _) => return Err(stop),
            (Ok(target), Some((other, place))) if target.member != *other => {
                let why = format!(
                    "--only {text}: is {other} in {place} and {} in {name}; name it by its URL",
                    target.member
                );
                return Err(Stop::Failed(Exit::NotFound, why));
            }
            (Ok(target), _) => found = Some((target.member, name)),
        }
    }
    let missing = || missing.unwrap_or_else(|| Stop::Missing(format!("--only {text}: no target has it")));
    found.map(|(member, _)| member).ok_or_else(missing)
}

impl Seat<'_> {
    /// Whom all of them roll.
    pub(super) fn plan(&self) -> &[MemberName] {
        &self.company.plan
    }

    /// Does this one run the command for that member: the first that has it?
    pub(super) fn leads(&self, member: &MemberName) -> bool {
        self.company.seats.iter().position(|names| names.contains(member)) == Some(self.at)
    }

    /// Until all of them are as far.
    pub(super) async fn meet(&self) -> Result<(), Stopped> {
        let stopped =
            |name| Stopped { exit: Exit::Failed, why: format!("stopped, for the roll stopped in {name}") };
        self.company.meet().await.map_err(stopped)
    }

    /// Runs the command once, after all of them have met; what came of it, everywhere.
    pub(super) async fn once(
        &self,
        member: &MemberName,
        command: impl Future<Output = Result<(), String>>,
    ) -> Result<Result<(), String>, Stopped> {
        if self.leads(member) {
            let ran = command.await;
            self.company.gates.borrow_mut().ran = Some(ran);
        }
        self.meet().await?;
        Ok(self.company.gates.borrow().ran.clone().unwrap_or(Ok(())))
    }

    /// This one stops: nobody waits for it.
    pub(super) fn leave(&self) {
        let mut gates = self.company.gates.borrow_mut();
        gates.stopped.get_or_insert_with(|| self.name.to_owned());
        self.company.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use futures_util::future::join_all;

    use super::*;
    use crate::cli::{Ask, Cli, Command};
    use crate::client::scripted::{self, soon};

    fn arguments(line: &str) -> RollArguments {
        match Cli::try_parse_from(line.split(' ')).unwrap().command {
            Some(Command::Ask(Ask::Roll(arguments))) => arguments,
            other => panic!("{other:?}"),
        }
    }

    /// Two targets, of which the second has the members of app in another order, and the first under another URL.
    fn snapshots() -> [Snapshot; 2] {
        let one = scripted::snapshot(0);
        let mut two = one.clone();
        two.balancers[0].members[0].name = "http://127.0.0.1:9009".parse().unwrap();
        two.balancers[0].members.reverse();
        [one, two]
    }

    fn company(line: &str) -> Result<Company, Stop> {
        let [one, two] = snapshots();
        Company::of(&arguments(line), &[("lb1", &one), ("lb2", &two)])
    }

    #[test]
    fn all_go_through_one_plan_and_the_first_that_has_the_member_leads() {
        let company = company("evenkeel roll app -- true").unwrap();
        let names: Vec<&str> = company.plan.iter().map(MemberName::as_str).collect();
        assert_eq!(names, ["http://127.0.0.1:9001", "http://127.0.0.1:9002", "http://127.0.0.1:9009"]);
        let leads = |at| {
            let seat = Seat { company: &company, at, name: "" };
            company.plan.iter().map(|name| seat.leads(name)).collect::<Vec<_>>()
        };
        assert_eq!((leads(0), leads(1)), (vec![true, true, false], vec![false, false, true]));
    }

    #[test]
    fn only_means_one_member_everywhere() {
        let of = |only: &str| company(&format!("evenkeel roll app --only {only} -- true"));
        assert_eq!(of("b").unwrap().plan.len(), 1);
        assert_eq!(of("127.0.0.1:9009").unwrap().plan.len(), 1, "it is in one target");
        let why = of("a").unwrap_err();
        assert!(why.told().1.unwrap().contains("--only a: is http://127.0.0.1:9001 in lb1"), "{why:?}");
        assert_eq!(of("nosuch").unwrap_err().told().0, Exit::NotFound);
    }

    #[tokio::test]
    async fn the_command_runs_once_and_who_stops_stops_all() {
        let company = company("evenkeel roll app -- true").unwrap();
        let member = company.plan[0].clone();
        let seats =
            [0, 1].map(|at| Seat { company: &company, at, name: if at == 0 { "lb1" } else { "lb2" } });
        let ran = std::cell::Cell::new(0);
        let all = seats.iter().map(|seat| {
            let command = async {
                ran.set(ran.get() + 1);
                Err("no".to_owned())
            };
            seat.once(&member, command)
        });
        for outcome in soon(join_all(all)).await {
            assert_eq!(outcome.ok().unwrap(), Err("no".to_owned()));
        }
        assert_eq!(ran.get(), 1);
        let stops = async {
            seats[1].leave();
            Ok(())
        };
        let (waits, _): (Result<(), Stopped>, Result<(), Stopped>) =
            soon(async { tokio::join!(seats[0].meet(), stops) }).await;
        assert!(waits.err().unwrap().why.contains("stopped in lb2"));
    }
}
