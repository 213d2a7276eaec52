//! Takes the terminal and gives it back: on leaving, on errors, on panics, and before the program is stopped.
//!
//! One guard does it. The mouse is captured only when it is asked for, so that the terminal's own copy and paste keep
//! working, over ssh above all.

mod sixteen;

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crossterm::cursor::Show;
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use crossterm::style::{Attribute, SetAttribute};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use ratatui::backend::CrosstermBackend;
use ratatui::{Frame, Terminal};
use rustix::event::{PollFd, PollFlags, poll};

use crate::message::Size;
use crate::terminal::sixteen::Sixteen;

/// Is the terminal ours now? Static, for a panic has to give it back from wherever it happens.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Is the mouse ours now?
static CAPTURED: AtomicBool = AtomicBool::new(false);

/// Did anything panic since the program took the terminal?
static PANICKED: AtomicBool = AtomicBool::new(false);

/// The exit code of a process whose terminal has vanished: 128 and the number of SIGHUP.
const HUNG_UP: i32 = 129;

/// The terminal while it is ours. Dropping it gives it back.
#[derive(Debug)]
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Sixteen<BufWriter<Stdout>>>>,
    mouse: bool,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// Errors: standard input or output is no terminal, or it does not answer.
    pub fn take() -> io::Result<Self> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Err(io::Error::other(
                "the console needs a terminal; for scripts there is `evenkeel status --json`",
            ));
        }
        give_back_on_panic();
        take_modes()?;
        let output = BufWriter::with_capacity(1 << 16, io::stdout());
        let terminal =
            Terminal::new(CrosstermBackend::new(Sixteen::new(output))).inspect_err(|_| give_back())?;
        Ok(Self { terminal, mouse: false })
    }

    /// Draws what differs from what is shown, as one update of the terminal.
    pub fn paint(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(draw)?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }

    /// Gives `text` to the clipboard of whoever sits at the terminal, over ssh too (OSC 52). Terminals that cannot do
    /// it ignore it.
    pub fn yank(&mut self, text: &str) -> io::Result<()> {
        let backend = self.terminal.backend_mut();
        write!(backend, "\x1b]52;c;{}\x07", STANDARD.encode(text))?;
        Write::flush(backend)
    }

    /// Takes the mouse, or leaves it to the terminal.
    pub fn mouse(&mut self, on: bool) -> io::Result<()> {
        match (on, self.mouse) {
            (true, false) => execute!(self.terminal.backend_mut(), EnableMouseCapture)?,
            (false, true) => execute!(self.terminal.backend_mut(), DisableMouseCapture)?,
            _ => {}
        }
        CAPTURED.store(on, Ordering::SeqCst);
        self.mouse = on;
        Ok(())
    }

    /// Forgets what is shown, so that the next painting is a whole one.
    pub fn forget(&mut self) -> io::Result<()> {
        // Not `clear`: that asks the terminal where its cursor is, and waits for an answer.
        let size = self.terminal.size()?;
        self.terminal.resize(size.into())
    }

    /// Its size now.
    pub fn size(&self) -> io::Result<Size> {
        let size = self.terminal.size()?;
        Ok(Size { width: size.width, height: size.height })
    }

    /// Gives the terminal back for a while.
    pub fn lend(&mut self) -> io::Result<()> {
        self.terminal.backend_mut().flush()?;
        give_back();
        Ok(())
    }

    /// Takes it again, whatever others did to it meanwhile.
    pub fn retake(&mut self) -> io::Result<()> {
        give_back();
        take_modes()?;
        if std::mem::take(&mut self.mouse) {
            self.mouse(true)?;
        }
        self.forget()
    }

    /// Did anything panic? Then the terminal was given back so that the message can be read, and the program ends.
    pub fn has_panicked() -> bool {
        PANICKED.load(Ordering::SeqCst)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn take_modes() -> io::Result<()> {
    TAKEN.store(true, Ordering::SeqCst);
    enable_raw_mode()
        .and_then(|()| execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste))
        .inspect_err(|_| give_back())
}

/// Puts the terminal back as it was; does nothing if it is not ours. Errors are of no use here: there is nobody
/// left to tell.
fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let reset = SetAttribute(Attribute::Reset);
        if CAPTURED.swap(false, Ordering::SeqCst) {
            let _ = execute!(io::stdout(), DisableMouseCapture);
        }
        let _ = execute!(
            io::stdout(),
            EndSynchronizedUpdate,
            reset,
            DisableBracketedPaste,
            LeaveAlternateScreen,
            Show
        );
        let _ = disable_raw_mode();
    }
}

/// Lets the message of a panic appear on the normal screen.
fn give_back_on_panic() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |about| {
            if TAKEN.load(Ordering::SeqCst) {
                PANICKED.store(true, Ordering::SeqCst);
            }
            give_back();
            before(about);
        }));
    });
}

/// Ends the process when the terminal vanishes. The terminal library does not notice that; it reads on and burns a
/// processor, so the hang-up is waited for on a thread of its own, which nothing can hold up.
pub fn end_on_hang_up() -> io::Result<()> {
    std::thread::Builder::new()
        .name("hang-up".to_owned())
        .spawn(|| {
            let input = io::stdin();
            loop {
                // No event is asked for: a hang-up is always reported.
                let mut watched = [PollFd::new(&input, PollFlags::empty())];
                match poll(&mut watched, None) {
                    Err(rustix::io::Errno::INTR) => {}
                    Ok(_) if watched.iter().any(|fd| !fd.revents().is_empty()) => {
                        std::process::exit(HUNG_UP);
                    }
                    Ok(_) | Err(_) => return,
                }
            }
        })
        .map(drop)
}
