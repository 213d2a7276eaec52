//! Asks for a password on the terminal, without showing what is typed. The terminal is put back also where somebody
//! interrupts or ends the process: keys are read one by one, and signals wait until it is.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Bytes, Read, Write as _};

use evenkeel_protocol::clean::clean;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, raise};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

/// The longest password that is read, in bytes.
const LONGEST: usize = 4096;

/// What ends a process and can be waited for.
const ENDING: [Signal; 4] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];

const INTERRUPT: u8 = 0x03;
const END: u8 = 0x04;
const BACKSPACE: [u8; 2] = [0x08, 0x7f];
const CLEAR: u8 = 0x15;

/// Puts the terminal back, whatever happened in between.
struct Quiet<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Quiet<'a> {
    fn of(terminal: &'a File) -> Option<Self> {
        let before = tcgetattr(terminal).ok()?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        (quiet.special_codes[SpecialCodeIndex::VMIN], quiet.special_codes[SpecialCodeIndex::VTIME]) = (1, 0);
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

/// Has signals that would end the process wait. What is done about them elsewhere stays as it is.
struct Held {
    before: SigSet,
    waiting: SignalFd,
}

impl Held {
    fn new() -> Option<Self> {
        let ending: SigSet = ENDING.into_iter().collect();
        let waiting = SignalFd::with_flags(&ending, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).ok()?;
        let before = ending.thread_swap_mask(SigmaskHow::SIG_BLOCK).ok()?;
        Some(Self { before, waiting })
    }

    /// The one that came.
    fn came(&self) -> Option<Signal> {
        let came = self.waiting.read_signal().ok()??;
        ENDING.into_iter().find(|signal| i64::from(*signal as i32) == i64::from(came.ssi_signo))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // A mask that was set before can be set again.
        let _ = self.before.thread_set_mask();
    }
}

/// The keys of a terminal, up to a signal.
struct Keys<'a> {
    terminal: &'a File,
    held: &'a Held,
}

impl Read for Keys<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut watched =
            [PollFd::new(&self.held.waiting, PollFlags::IN), PollFd::new(self.terminal, PollFlags::IN)];
        poll(&mut watched, None)?;
        let [signals, _] = &watched;
        if signals.revents().is_empty() {
            return self.terminal.read(bytes);
        }
        Err(io::Error::other("a signal came"))
    }
}

/// What was typed.
#[derive(Debug, PartialEq, Eq)]
enum Typed {
    Line(String),
    Interrupt,
    Nothing,
}

/// The password of `name` at `machine`, as somebody types it; none if there is no terminal, or nothing was typed. An
/// interrupt ends the process, as does a signal, once the terminal is as it was.
pub(super) fn ask(name: &str, machine: &str) -> Option<String> {
    let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty").ok()?;
    let held = Held::new()?;
    let quiet = Quiet::of(&terminal)?;
    write!(&terminal, "Password of {} at {}: ", clean(name, 80), clean(machine, 80)).ok()?;
    let typed = typed(BufReader::new(Keys { terminal: &terminal, held: &held }).bytes());
    drop(quiet);
    let _ = writeln!(&terminal);
    let came = held.came().or((typed == Typed::Interrupt).then_some(Signal::SIGINT));
    drop(held);
    match (came, typed) {
        (Some(signal), _) => end(signal),
        (None, Typed::Line(line)) => Some(line),
        (None, Typed::Nothing | Typed::Interrupt) => None,
    }
}

/// Ends the process as the signal would have done, with its code where somebody listens to it instead.
fn end(signal: Signal) -> ! {
    let _ = raise(signal);
    std::process::exit(128 + signal as i32)
}

fn typed(keys: Bytes<impl Read>) -> Typed {
    let mut line: Vec<u8> = Vec::new();
    for key in keys {
        match key {
            Ok(INTERRUPT) => return Typed::Interrupt,
            Ok(b'\r' | b'\n' | END) => break,
            Ok(CLEAR) => line.clear(),
            Ok(key) if BACKSPACE.contains(&key) => {
                // A character may have several bytes, of which the first one starts otherwise than the rest.
                while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
            }
            Ok(key) if line.len() < LONGEST => line.push(key),
            Ok(_) => {}
            Err(_) => return Typed::Nothing,
        }
    }
    String::from_utf8(line).ok().filter(|line| !line.is_empty()).map_or(Typed::Nothing, Typed::Line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_edited_and_an_interrupt_is_none() {
        let line = |text: &str| Typed::Line(text.to_owned());
        for (keys, expected) in [
            ("secret\r", line("secret")),
            ("secret\nmore", line("secret")),
            ("sek\u{7f}cr\u{8}ret\r", line("secret")),
            ("x\u{fc}\u{7f}\u{7f}\u{7f}pass\r", line("pass")),
            ("wrong\u{15}right\u{4}", line("right")),
            ("\r", Typed::Nothing),
            ("", Typed::Nothing),
            ("sec\u{3}ret\r", Typed::Interrupt),
        ] {
            assert_eq!(typed(keys.as_bytes().bytes()), expected, "{keys:?}");
        }
        let endless = BufReader::new(std::io::repeat(b'x').take(1 << 20));
        assert!(matches!(typed(endless.bytes()), Typed::Line(line) if line.len() == LONGEST));
    }
}
