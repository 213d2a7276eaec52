//! Asks for a password on the terminal, without showing what is typed.

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};

use evenkeel_protocol::clean::clean;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// The longest password that is read, in bytes.
const LONGEST: u64 = 4096;

/// Puts the terminal back, whatever happened in between.
struct Quiet<'a> {
    terminal: &'a std::fs::File,
    before: Termios,
}

impl<'a> Quiet<'a> {
    fn of(terminal: &'a std::fs::File) -> Option<Self> {
        let before = tcgetattr(terminal).ok()?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(terminal, OptionalActions::Flush, &quiet).ok()?;
        Some(Self { terminal, before })
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing.
        let _ = tcsetattr(self.terminal, OptionalActions::Now, &self.before);
    }
}

/// The password of `name` at `machine`, as somebody types it; none if there is no terminal, or nothing was typed.
pub(super) fn ask(name: &str, machine: &str) -> Option<String> {
    let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty").ok()?;
    let quiet = Quiet::of(&terminal)?;
    write!(&terminal, "Password of {} at {}: ", clean(name, 80), clean(machine, 80)).ok()?;
    let mut line = String::new();
    let read = BufReader::new((&terminal).take(LONGEST)).read_line(&mut line);
    drop(quiet);
    let _ = writeln!(&terminal);
    read.ok()?;
    let line = line.trim_end_matches(['\r', '\n']);
    (!line.is_empty()).then(|| line.to_owned())
}
