//! The comparison: what Evenkeel costs beside haproxy, nginx, httpd and a relay that does nothing, in one run on one
//! machine. It starts everything itself, on the loopback, and ends everything that it started.
//!
//! | file | for |
//! | --- | --- |
//! | `options` | the command line |
//! | `workload` | what is measured, and the rounds |
//! | `contender`, `running` | who is compared and what each is told; one at work |
//! | `origin`, `load`, `client`, `floor` | the two ends, and the least that can be between them |
//! | `poll` | sockets, for those |
//! | `usage` | processor time and memory |
//! | `report` | tables |
//! | `guard` | the end of what was started |

mod client;
mod contender;
mod floor;
mod guard;
mod load;
mod options;
mod origin;
mod poll;
mod report;
mod running;
mod usage;
mod workload;

use std::io;

use anyhow::{Context as _, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use guard::Guard;
use options::Options;
use origin::Origin;
use report::say;
use running::Cores;
use workload::Arena;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [guard::ARGUMENT] => {
            guard::run(io::stdin().lock());
            Ok(())
        }
        [floor::ARGUMENT, ..] => floor::run(&arguments[1..]),
        ["-h" | "--help"] => {
            say(options::USAGE);
            Ok(())
        }
        _ => compare(Options::parse(&arguments)?),
    }
}

fn compare(mut options: Options) -> Result<()> {
    let guard = Guard::start().context("the guard does not start")?;
    let descriptors = descriptors()?;
    let cores = Cores::of(options.threads, options.split)?;
    let mut notes = Vec::new();
    options.contenders.retain(|contender| {
        let is_there = contender.program().is_some();
        if !is_there {
            notes.push(format!("{} is left out: it is not installed", contender.name()));
        }
        is_there
    });
    cores.enter()?;
    let origin = Origin::start(origin::MEMBERS)?;
    let Options { rounds, time, threads, .. } = options;
    say(&format!(
        "# Evenkeel and others, side by side\n\n{rounds} rounds of {} s a proxy, {threads} thread(s) each (httpd: as \
         many as it needs; floor: one), {}. CPU is that of all processes of a proxy, user and system.\n",
        time.as_secs_f64(),
        if options.split { "on processors of their own" } else { "not pinned" },
    ));
    if cfg!(debug_assertions) {
        notes.push(
            "This is a debug build: figures of Evenkeel and of floor mean nothing. Use --release.".into(),
        );
    }
    for note in &notes {
        say(&format!("{note}\n"));
    }
    let keys = options.only.clone();
    let mut arena = Arena { options, origin, cores, guard, notes: Vec::new(), descriptors };
    keys.iter().try_for_each(|key| arena.measure(key))
}

/// As many descriptors as are allowed, for us and for those whom we start.
fn descriptors() -> Result<usize> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    Ok(maximum.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX)))
}
