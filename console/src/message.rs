//! Everything that can happen to the screen, on one channel and in one order. Keys are plain data here, so that
//! what they mean can be decided and tested without a terminal.

use std::fmt;

use evenkeel_protocol::{Moment, Timestamp};

use crate::model::target::Target;
use crate::news::News;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// A key was pressed.
    Key(Key),
    /// Text was pasted; it never acts as keys.
    Paste(String),
    /// A member was pointed at with the mouse.
    Point(Target),
    /// The terminal has another size now.
    Resize(Size),
    /// A second has passed; the only way in which time comes in.
    Tick(Clock),
    /// The connection has something to tell.
    News(News),
    /// What the model holds is on the screen now: a question counts as asked from here on.
    Painted,
    /// The program was stopped and goes on.
    Resumed,
}

/// What time it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Clock {
    /// For people.
    pub wall: Timestamp,
    /// For ages and countdowns; never steps.
    pub running: Moment,
}

/// The size of the terminal, in cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size {
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

impl Size {
    /// Is there room for more than a summary in one line? Questions are neither shown nor answered below that.
    pub fn is_ample(self) -> bool {
        self.width >= 40 && self.height >= 10
    }
}

/// A key, as far as the console tells keys apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// A character, as typed.
    Char(char),
    /// A letter with Ctrl, small.
    Ctrl(char),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Shift and Tab.
    BackTab,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Home.
    Home,
    /// End.
    End,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// A function key by its number.
    Function(u8),
}

impl fmt::Display for Key {
    /// As it is printed on keyboards.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Char(' ') => "Space",
            Self::Char(c) => return write!(f, "{c}"),
            Self::Ctrl(c) => return write!(f, "Ctrl-{}", c.to_ascii_uppercase()),
            Self::Function(number) => return write!(f, "F{number}"),
            Self::Enter => "Enter",
            Self::Esc => "Esc",
            Self::Tab => "Tab",
            Self::BackTab => "Shift-Tab",
            Self::Up => "Up",
            Self::Down => "Down",
            Self::Left => "Left",
            Self::Right => "Right",
            Self::PageUp => "PgUp",
            Self::PageDown => "PgDn",
            Self::Home => "Home",
            Self::End => "End",
            Self::Backspace => "Backspace",
            Self::Delete => "Del",
        };
        f.write_str(name)
    }
}
