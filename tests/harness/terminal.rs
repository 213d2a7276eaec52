//! The console in a pseudo-terminal: keys go in, a screen comes out, and what is left behind can be looked at.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::binaries::evenkeel;
use crate::eventually::{patience, within};
use crate::frame::Frame;
use crate::proxy::{Proxy, folder, signal};
use crate::synchronized::Synchronized;

/// The most output that is kept for [`Terminal::output`].
const KEPT: usize = 16 * 1024 * 1024;

/// A console that is about to be opened.
#[derive(Debug)]
pub struct Setup {
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    columns: u16,
    rows: u16,
}

/// The console, attached to that proxy, in a terminal of 80 columns and 24 rows.
pub fn console(proxy: &Proxy) -> Setup {
    console_with(&["--socket", &proxy.admin().socket().to_string_lossy()])
}

/// The console with these arguments.
pub fn console_with(arguments: &[&str]) -> Setup {
    Setup {
        program: evenkeel(),
        arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
        environment: Vec::new(),
        columns: 80,
        rows: 24,
    }
}

impl Setup {
    /// Any other program, for tests of the harness itself.
    #[must_use]
    pub fn program(mut self, program: &str) -> Self {
        self.program = program.into();
        self
    }

    /// In a terminal of that many columns and rows.
    #[must_use]
    pub fn size(mut self, columns: u16, rows: u16) -> Self {
        (self.columns, self.rows) = (columns, rows);
        self
    }

    /// With that variable in its environment.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it.
    #[track_caller]
    pub fn open(self) -> Terminal {
        let pair = native_pty_system().openpty(size(self.columns, self.rows)).unwrap();
        let home = folder();
        let mut command = CommandBuilder::new(&self.program);
        command.args(&self.arguments);
        command.cwd(home.path());
        command.env_clear();
        // A terminal as most have it, and nothing of who runs the tests.
        for (name, value) in
            [("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("LANG", "C.UTF-8"), ("TZ", "UTC")]
        {
            command.env(name, value);
        }
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", home.path());
        command.env("XDG_RUNTIME_DIR", home.path());
        for (name, value) in &self.environment {
            command.env(name, value);
        }
        let before = termios(&*pair.master);
        let child = Mutex::new(pair.slave.spawn_command(command).unwrap());
        let (rows, columns) = (positive(self.rows), positive(self.columns));
        let screen =
            Arc::new(Mutex::new(Shown { screen: Synchronized::new(rows, columns), output: Vec::new() }));
        let writer = Arc::new(Mutex::new(pair.master.take_writer().unwrap()));
        let reader = pair.master.try_clone_reader().unwrap();
        thread::spawn({
            let (screen, writer) = (Arc::clone(&screen), Arc::clone(&writer));
            move || show(reader, &screen, &writer)
        });
        Terminal { master: pair.master, _slave: pair.slave, child, writer, screen, before, _home: home }
    }
}

struct Shown {
    screen: Synchronized,
    output: Vec<u8>,
}

type Writer = Arc<Mutex<Box<dyn Write + Send>>>;

/// Feeds the screen with output, and answers what a terminal is asked.
fn show(mut reader: impl Read, screen: &Mutex<Shown>, writer: &Mutex<Box<dyn Write + Send>>) {
    let mut buffer = [0; 16384];
    while let Ok(length @ 1..) = reader.read(&mut buffer) {
        let bytes = &buffer[..length];
        let mut shown = screen.lock().unwrap();
        shown.screen.process(bytes);
        if shown.output.len() < KEPT {
            shown.output.extend_from_slice(bytes);
        }
        drop(shown);
        for (question, answer) in [(&b"\x1b[6n"[..], &b"\x1b[1;1R"[..]), (b"\x1b[c", b"\x1b[?62c")] {
            if bytes.windows(question.len()).any(|window| window == question) {
                drop(writer.lock().unwrap().write_all(answer));
            }
        }
    }
}

/// A program in a pseudo-terminal. It is hung up when this is dropped.
pub struct Terminal {
    master: Box<dyn MasterPty + Send>,
    /// Kept open, so that the terminal outlives the program and can be looked at.
    _slave: Box<dyn SlavePty + Send>,
    child: Mutex<Box<dyn Child + Send + Sync>>,
    writer: Writer,
    screen: Arc<Mutex<Shown>>,
    before: String,
    _home: TempDir,
}

impl Terminal {
    /// Types keys: text as it is, and names in angle brackets as `<enter>`, `<down>`, `<esc>` or `<c-c>`.
    #[track_caller]
    pub fn keys(&self, keys: &str) {
        self.write(&encode(keys));
    }

    /// Pastes text as a terminal with bracketed paste does.
    #[track_caller]
    pub fn paste(&self, text: &str) {
        self.write(&[b"\x1b[200~", text.as_bytes(), b"\x1b[201~"].concat());
    }

    /// Writes bytes to the program.
    #[track_caller]
    pub fn write(&self, bytes: &[u8]) {
        let mut writer = self.writer.lock().unwrap();
        writer.write_all(bytes).and_then(|()| writer.flush()).unwrap();
    }

    /// What the screen shows now.
    pub fn frame(&self) -> Frame {
        self.screen.lock().unwrap().screen.frame()
    }

    /// What the screen shows once it has not changed for some looks.
    pub fn settled(&self) -> Frame {
        let (mut last, mut same) = (self.frame(), 0);
        within(patience(), || {
            let now = self.frame();
            same = if now == last { same + 1 } else { 0 };
            last = now;
            (same == 20).then_some(())
        });
        last
    }

    /// Waits until a row shows `text`; the message shows the whole screen.
    #[track_caller]
    pub fn wait_for(&self, text: &str) -> Frame {
        self.wait_until(&format!("the screen shows {text:?}"), |frame| frame.contains(text))
    }

    /// Waits until no row shows `text`.
    #[track_caller]
    pub fn wait_gone(&self, text: &str) -> Frame {
        self.wait_until(&format!("the screen shows no {text:?}"), |frame| !frame.contains(text))
    }

    /// Waits until the screen is as wanted.
    #[track_caller]
    pub fn wait_until(&self, what: &str, fits: impl Fn(&Frame) -> bool) -> Frame {
        let mut last = self.frame();
        let mut looks_after_the_end = 0;
        let found = within(patience(), || {
            // Its last words may still be on their way to the screen.
            looks_after_the_end += u32::from(self.has_ended());
            last = self.frame();
            if fits(&last) { Some(true) } else { (looks_after_the_end > 100).then_some(false) }
        });
        let why = if found == Some(false) { "the program has ended, and it" } else { "it" };
        assert!(found == Some(true), "{why} never came true: {what}\n{last}");
        last
    }

    /// Types a line into the palette, and waits for the question that comes of it. A line that has to wait for what was
    /// done before stays, and is entered again: its last character anew, for the complaint goes with a change.
    #[track_caller]
    pub fn order(&self, line: &str, question: &str) -> Frame {
        const WAITS: &str = "wait for its answer";
        self.keys(&format!(":{line}<enter>"));
        loop {
            let seen = self.wait_until(&format!("{line} is asked"), |frame| {
                frame.contains(question) || frame.contains(WAITS)
            });
            if seen.contains(question) {
                return seen;
            }
            self.keys("<backspace>");
            self.wait_gone(WAITS);
            self.keys(&format!("{}<enter>", &line[line.len() - 1..]));
        }
    }

    /// Gives it another size.
    #[track_caller]
    pub fn resize(&self, columns: u16, rows: u16) {
        self.screen.lock().unwrap().screen.set_size(positive(rows), positive(columns));
        self.master.resize(size(columns, rows)).unwrap();
    }

    /// Sends the program a signal.
    pub fn signal(&self, number: Signal) {
        signal(self.pid(), number);
    }

    /// The program's process.
    pub fn pid(&self) -> u32 {
        self.child.lock().unwrap().process_id().expect("a process has a number")
    }

    /// Waits until the program has ended, and gives its exit code (1 if a signal ended it).
    #[track_caller]
    pub fn ended(&self) -> u32 {
        let status = within(patience(), || self.child.lock().unwrap().try_wait().unwrap());
        status.unwrap_or_else(|| panic!("the program does not end\n{}", self.frame())).exit_code()
    }

    /// Has it ended?
    pub fn has_ended(&self) -> bool {
        self.child.lock().unwrap().try_wait().unwrap().is_some()
    }

    /// All that it has written.
    pub fn output(&self) -> Vec<u8> {
        self.screen.lock().unwrap().output.clone()
    }

    /// What differs from how a shell must find its terminal; empty if all is well.
    pub fn left_behind(&self) -> Vec<String> {
        let mut left = Vec::new();
        let now = termios(&*self.master);
        if now != self.before {
            left.push(format!("the modes of the line were\n  {}\nand are\n  {now}", self.before));
        }
        let shown = self.screen.lock().unwrap();
        let screen = shown.screen.modes();
        for (is_left, what) in [
            (screen.alternate_screen(), "the alternate screen"),
            (screen.hide_cursor(), "a hidden cursor"),
            (screen.bracketed_paste(), "bracketed paste"),
            (screen.application_cursor(), "application cursor keys"),
            (screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None, "mouse reports"),
            (screen.fgcolor() != vt100::Color::Default, "a colour of text"),
            (screen.bgcolor() != vt100::Color::Default, "a colour behind text"),
        ] {
            if is_left {
                left.push(what.to_owned());
            }
        }
        left
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(pid) = child.process_id().filter(|_| matches!(child.try_wait(), Ok(None))) else { return };
        signal(pid, Signal::HUP);
        if within(patience() / 2, || child.try_wait().ok().flatten()).is_none() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

impl std::fmt::Debug for Terminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Terminal of process {} showing\n{}", self.pid(), self.frame())
    }
}

/// Escape sequences in output that a console has no business to write: anything but CSI sequences that draw or
/// switch the modes it must switch back. A list of what was found, empty if all is well. The program may be in the
/// middle of a sequence: what is not whole at the end is not judged yet.
pub fn foreign_sequences(output: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(output);
    let mut found = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => match rest.next() {
                Some('[') => {
                    let mut body = String::new();
                    let mut whole = false;
                    for c in rest.by_ref() {
                        body.push(c);
                        whole = ('\u{40}'..='\u{7e}').contains(&c);
                        if whole {
                            break;
                        }
                    }
                    if whole && !is_drawing(&body) {
                        found.push(format!("CSI {body:?}"));
                    }
                }
                // Keypad modes and the ASCII character set; nothing has come yet.
                Some('=' | '>') | None => {}
                Some('(') => drop(rest.next()),
                other => found.push(format!("ESC {other:?}")),
            },
            '\r' | '\n' => {}
            c if c.is_control() => found.push(format!("the control character U+{:04X}", u32::from(c))),
            _ => {}
        }
    }
    found
}

/// Cursor, erasing, attributes, and the modes: cursor shown, paste, screen, wrap, focus, synchronised output.
fn is_drawing(body: &str) -> bool {
    let last = body.chars().last().unwrap_or_default();
    match body.strip_prefix('?') {
        Some(mode) => {
            matches!(last, 'h' | 'l')
                && mode
                    .trim_end_matches(['h', 'l'])
                    .split(';')
                    .all(|number| ["7", "12", "25", "1004", "1049", "2004", "2026"].contains(&number))
        }
        None => matches!(last, 'A' | 'B' | 'C' | 'D' | 'E' | 'F' | 'G' | 'H' | 'J' | 'K' | 'd' | 'm' | 'r'),
    }
}

fn termios(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios())
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

fn positive(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).expect("a terminal has a size")
}

/// The bytes that a terminal sends for keys.
fn encode(keys: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = keys;
    while let Some(c) = rest.chars().next() {
        let named = rest.strip_prefix('<').and_then(|rest| rest.split_once('>'));
        if let Some((name, behind)) = named
            && let Some(code) = code_of(name)
        {
            bytes.extend_from_slice(&code);
            rest = behind;
        } else {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            rest = &rest[c.len_utf8()..];
        }
    }
    bytes
}

fn code_of(name: &str) -> Option<Vec<u8>> {
    if let Some(letter) = name.strip_prefix("c-") {
        return letter.bytes().next().map(|letter| vec![letter & 0x1f]);
    }
    let code: &[u8] = match name {
        "enter" => b"\r",
        "esc" => b"\x1b",
        "tab" => b"\t",
        "backtab" => b"\x1b[Z",
        "backspace" => b"\x7f",
        "up" => b"\x1b[A",
        "down" => b"\x1b[B",
        "right" => b"\x1b[C",
        "left" => b"\x1b[D",
        "home" => b"\x1b[H",
        "end" => b"\x1b[F",
        "pageup" => b"\x1b[5~",
        "pagedown" => b"\x1b[6~",
        "delete" => b"\x1b[3~",
        _ => return None,
    };
    Some(code.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Terminal {
        Setup {
            program: "sh".into(),
            arguments: vec!["-c".into(), script.into()],
            environment: vec![("MINE".into(), "ours".into())],
            columns: 40,
            rows: 4,
        }
        .open()
    }

    #[test]
    fn a_program_sees_a_terminal_and_its_screen_is_read() {
        let terminal = shell("stty size; echo $MINE; read line; echo \"got $line\"; exit 3");
        terminal.wait_for("4 40");
        terminal.wait_for("ours");
        terminal.keys("hello<enter>");
        terminal.wait_for("got hello");
        assert_eq!(terminal.ended(), 3);
        assert_eq!(terminal.left_behind(), Vec::<String>::new());
    }

    #[test]
    fn a_terminal_left_in_disorder_is_noticed() {
        let terminal = shell(r"stty raw -echo; printf '\033[?1049h\033[?25l\033[31mx'");
        terminal.ended();
        terminal.wait_for("x");
        assert_eq!(terminal.left_behind().len(), 4, "{:?}", terminal.left_behind());
    }

    #[test]
    fn a_resize_reaches_the_program() {
        let terminal = shell("trap 'stty size' WINCH; echo up; while :; do read line; done");
        terminal.wait_for("up");
        terminal.resize(60, 8);
        terminal.wait_for("8 60");
    }

    #[test]
    fn keys_are_what_terminals_send() {
        assert_eq!(encode("a<down>é<c-c><nokey><"), "a\u{1b}[Bé\u{3}<nokey><".as_bytes());
    }

    #[test]
    fn only_drawing_is_allowed() {
        for text in [
            "plain ✓\r\n",
            "\x1b[1;2H\x1b[38;2;1;2;3mx\x1b[0m\x1b[K",
            "\x1b[?1049h\x1b[?25l\x1b[?2004h",
            "not yet whole\x1b",
            "not yet whole\x1b[",
            "not yet whole\x1b[38;2",
        ] {
            assert_eq!(foreign_sequences(text.as_bytes()), Vec::<String>::new(), "{text:?}");
        }
        for text in [
            "\x1b]0;title\x07",
            "\x1b]52;c;AA\x07",
            "\x1bPq\x1b\\",
            "\x1b[6n",
            "\x1b[?1003h",
            "\u{9b}31m",
            "\x07",
        ] {
            assert_ne!(foreign_sequences(text.as_bytes()), Vec::<String>::new(), "{text:?}");
        }
    }
}
