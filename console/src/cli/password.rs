//! Asks for a password on the terminal, without showing what is typed. The terminal is put back also where somebody
//! interrupts: keys are read one by one meanwhile, for a signal would end the process before that.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, Bytes, Read, Write as _};

use evenkeel_protocol::clean::clean;
use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

/// The longest password that is read, in bytes.
const LONGEST: usize = 4096;

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

/// What was typed.
#[derive(Debug, PartialEq, Eq)]
enum Typed {
    Line(String),
    Interrupt,
    Nothing,
}

/// The password of `name` at `machine`, as somebody types it; none if there is no terminal, or nothing was typed. An
/// interrupt ends the process.
pub(super) fn ask(name: &str, machine: &str) -> Option<String> {
    let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty").ok()?;
    let quiet = Quiet::of(&terminal)?;
    write!(&terminal, "Password of {} at {}: ", clean(name, 80), clean(machine, 80)).ok()?;
    let typed = typed(BufReader::new(&terminal).bytes());
    drop(quiet);
    let _ = writeln!(&terminal);
    match typed {
        Typed::Line(line) => Some(line),
        Typed::Nothing => None,
        Typed::Interrupt => {
            // As the key would have done.
            let _ = kill_process(getpid(), Signal::INT);
            None
        }
    }
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
