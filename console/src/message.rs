//! Everything that can happen to the screen, on one channel and in one order. Keys are plain data here, so that
//! what they mean can be decided and tested without a terminal.

use std::fmt;
use std::str::FromStr;

use evenkeel_protocol::clean::{clean, is_clean};
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
    /// Insert.
    Insert,
    /// Delete.
    Delete,
    /// A function key by its number.
    Function(u8),
}

impl FromStr for Key {
    type Err = String;

    /// As it is printed on keyboards, and as [`Display`](fmt::Display) writes it: `d`, `D`, `F5`, `Ctrl-x`, `PgUp`.
    ///
    /// Errors: what is wrong, as a sentence.
    fn from_str(text: &str) -> Result<Self, String> {
        const NAMED: [Key; 16] = [
            Key::Char(' '),
            Key::Enter,
            Key::Esc,
            Key::Tab,
            Key::BackTab,
            Key::Up,
            Key::Down,
            Key::Left,
            Key::Right,
            Key::PageUp,
            Key::PageDown,
            Key::Home,
            Key::End,
            Key::Backspace,
            Key::Insert,
            Key::Delete,
        ];
        let mut letters = text.chars();
        if let (Some(c), None) = (letters.next(), letters.next())
            && is_clean(c)
        {
            return Ok(Self::Char(c));
        }
        if let Some(key) = NAMED.into_iter().find(|key| key.to_string().eq_ignore_ascii_case(text)) {
            return Ok(key);
        }
        if let Some(number) = text.strip_prefix(['F', 'f']).and_then(|number| number.parse().ok())
            && (1..=24).contains(&number)
        {
            return Ok(Self::Function(number));
        }
        let ctrl = text.get(..5).filter(|start| start.eq_ignore_ascii_case("ctrl-")).and(text.get(5..));
        match ctrl.map(str::as_bytes) {
            // A terminal sends the same for these as for other keys.
            Some([b'h' | b'H' | b'i' | b'I' | b'j' | b'J' | b'm' | b'M']) => Err(format!(
                "a terminal cannot tell '{text}' from Backspace, Tab or Enter; choose another key"
            )),
            Some([letter]) if letter.is_ascii_alphabetic() => {
                Ok(Self::Ctrl(char::from(letter.to_ascii_lowercase())))
            }
            _ => Err(format!(
                "'{}' is no key; write it as d, D, F5, Ctrl-x, Space, PgUp or Del",
                clean(text, 40)
            )),
        }
    }
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
            Self::Insert => "Ins",
            Self::Delete => "Del",
        };
        f.write_str(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_written() {
        let typed =
            ["d", "D", "F5", "Ctrl-X", "Space", "PgUp", "PgDn", "Ins", "Del", "Shift-Tab", "Enter", "é", "+"];
        for text in typed {
            assert_eq!(text.parse::<Key>().unwrap().to_string(), text);
        }
        assert_eq!("ctrl-x".parse(), Ok(Key::Ctrl('x')));
        assert_eq!("pgup".parse(), Ok(Key::PageUp));
        for wrong in
            ["", "dd", "F0", "F25", "Ctrl-", "Ctrl-1", "Ctrl-é", "Alt-x", "Ctrl-i", "\u{1b}", "\u{1b}[2J"]
        {
            let why = wrong.parse::<Key>().unwrap_err();
            assert!(!why.contains('\u{1b}'), "{why}");
        }
    }
}
