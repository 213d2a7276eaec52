//! A command line run against a scripted proxy, for tests: what it wrote, and how it ended.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Parser;
use jiff::tz::TimeZone;

use super::place::{Environment, Search};
use super::{Cli, Command, Exit, Output, Session, fleet, run};
use crate::client::Surroundings;
use crate::client::scripted::{Scripted, limits, soon};
use crate::targets::{Targets, Typed};

/// A place to run commands in.
pub(crate) struct Scene {
    folders: Vec<PathBuf>,
    fails: Option<io::ErrorKind>,
    terminal: bool,
    watched: bool,
    out: Vec<u8>,
    err: Vec<u8>,
}

/// A standard output that is full or closed.
struct Failing(io::ErrorKind);

impl Write for Failing {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Scene {
    /// `proxy` is the only one that runs.
    pub(crate) fn of(proxy: &Scripted) -> Self {
        Self::in_folders(&[proxy.folder()])
    }

    /// Proxies are looked for in these folders.
    pub(crate) fn in_folders(folders: &[PathBuf]) -> Self {
        let (folders, out, err) = (folders.to_vec(), Vec::new(), Vec::new());
        Self { folders, fails: None, terminal: false, watched: false, out, err }
    }

    /// Standard output fails in this way from now on.
    pub(crate) fn out_fails(&mut self, how: io::ErrorKind) {
        self.fails = Some(how);
    }

    /// Standard output is a terminal from now on.
    pub(crate) fn on_terminal(&mut self) {
        self.terminal = true;
    }

    /// Standard error is a terminal from now on.
    pub(crate) fn on_watch(&mut self) {
        self.watched = true;
    }

    /// Runs `evenkeel` with these words.
    pub(crate) async fn run(&mut self, line: &str) -> Exit {
        self.run_words(&line.split(' ').collect::<Vec<_>>()).await
    }

    /// As [`Scene::run`], with words that may hold blanks.
    pub(crate) async fn run_words(&mut self, words: &[&str]) -> Exit {
        self.out.clear();
        self.err.clear();
        let cli = match Cli::try_parse_from(std::iter::once(&"evenkeel").chain(words)) {
            Ok(cli) => cli,
            Err(error) => {
                self.err = error.to_string().into_bytes();
                return if error.exit_code() == 2 { Exit::Usage } else { Exit::Done };
            }
        };
        let Some(Command::Ask(ask)) = &cli.command else { panic!("no command asks a proxy in {words:?}") };
        let uid = rustix::process::geteuid().as_raw();
        let mut failing = self.fails.map(Failing);
        let out: &mut dyn Write = match &mut failing {
            Some(failing) => failing,
            None => &mut self.out,
        };
        let mut session = Session {
            socket: cli.socket.first().map(PathBuf::as_path),
            target: None,
            targets: &cli.targets,
            environment: Environment::default(),
            surroundings: Surroundings { uid, variable: None, folders: self.folders.clone() },
            limits: limits(),
            zone: TimeZone::UTC,
            output: Output::new(out, &mut self.err).on_terminal(self.terminal).watched(self.watched),
        };
        let typed = Typed {
            sockets: &cli.socket,
            pages: &cli.targets.apache,
            group: None,
            written: cli.socket.len(),
        };
        let search = Search {
            options: &cli.targets,
            socket: None,
            surroundings: &session.surroundings.clone(),
            environment: &Environment::default(),
        };
        match Targets::named(&typed, |address| search.page(address)).unwrap() {
            Targets::One(_) => soon(Box::pin(run(ask, &mut session))).await,
            Targets::Fleet(fleet) => soon(Box::pin(fleet::run(ask, &fleet.targets, &mut session))).await,
        }
    }

    /// What the last command wrote to standard output.
    pub(crate) fn out(&self) -> String {
        String::from_utf8(self.out.clone()).unwrap()
    }

    /// What the last command wrote to standard error.
    pub(crate) fn err(&self) -> String {
        String::from_utf8(self.err.clone()).unwrap()
    }
}
