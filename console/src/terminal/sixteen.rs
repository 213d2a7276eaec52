//! The sixteen colours in the form that every terminal knows: 32 and 92 in the place of 38;5;2 and 38;5;10, which one
//! with no more colours takes for dim or blinking.

use std::io::{self, Write};

/// The byte that begins a sequence.
const ESCAPE: u8 = 0x1b;
/// A longer one sets no colours.
const LONGEST: usize = 64;

/// Passes on what is written, with these colours in their old form.
#[derive(Debug)]
pub(super) struct Sixteen<W> {
    inner: W,
    /// A sequence that has begun and whose end has not come.
    begun: Vec<u8>,
}

impl<W: Write> Sixteen<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner, begun: Vec::new() }
    }

    /// Takes one byte of a sequence, and writes it when it is known what it is.
    fn goes_on(&mut self, byte: u8) -> io::Result<()> {
        self.begun.push(byte);
        match (byte, self.begun.len()) {
            (ESCAPE, _) | (b'[', 2) | (b'0'..=b'9' | b';', 3..LONGEST) => return Ok(()),
            (b'm', 3..) => {
                let old = in_old_form(&self.begun);
                self.inner.write_all(&old)?;
            }
            _ => self.inner.write_all(&self.begun)?,
        }
        self.begun.clear();
        Ok(())
    }
}

impl<W: Write> Write for Sixteen<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while let Some((byte, after)) = rest.split_first() {
            if self.begun.is_empty() && *byte != ESCAPE {
                let plain = rest.iter().position(|byte| *byte == ESCAPE).unwrap_or(rest.len());
                let (text, after) = rest.split_at(plain);
                self.inner.write_all(text)?;
                rest = after;
                continue;
            }
            self.goes_on(*byte)?;
            rest = after;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// A sequence `ESC [ NUMBERS m`; what sets no such colour stays as it is.
fn in_old_form(sequence: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(sequence);
    let numbers: Vec<&str> = text.trim_start_matches("\u{1b}[").trim_end_matches('m').split(';').collect();
    let mut old: Vec<String> = Vec::new();
    let mut rest = numbers.as_slice();
    while let [first, after @ ..] = rest {
        let ground = match *first {
            "38" => Some(0),
            "48" => Some(10),
            _ => None,
        };
        let number;
        (rest, number) = match (ground, after) {
            (Some(ground), ["5", colour, after @ ..]) => {
                let named = match colour.parse::<u32>() {
                    Ok(dark @ 0..8) => (30 + ground + dark).to_string(),
                    Ok(bright @ 8..16) => (82 + ground + bright).to_string(),
                    _ => format!("{first};5;{colour}"),
                };
                (after, named)
            }
            (Some(_), ["2", red, green, blue, after @ ..]) => {
                (after, format!("{first};2;{red};{green};{blue}"))
            }
            _ => (after, (*first).to_owned()),
        };
        old.push(number);
    }
    format!("\u{1b}[{}m", old.join(";")).into_bytes()
}

#[cfg(test)]
mod tests {
    use ratatui::backend::{Backend as _, CrosstermBackend};
    use ratatui::buffer::Cell;
    use ratatui::style::Color;

    use super::*;

    #[test]
    fn the_sixteen_colours_are_written_as_of_old_and_others_as_they_are() {
        for (written, passed) in [
            ("\u{1b}[38;5;2;49m", "\u{1b}[32;49m"),
            ("\u{1b}[38;5;0;48;5;3m", "\u{1b}[30;43m"),
            ("\u{1b}[38;5;8;48;5;15m", "\u{1b}[90;107m"),
            ("\u{1b}[1m a \u{1b}[38;5;16;48;5;214m", "\u{1b}[1m a \u{1b}[38;5;16;48;5;214m"),
            ("\u{1b}[38;2;5;2;7;48;5;1m", "\u{1b}[38;2;5;2;7;41m"),
            ("\u{1b}[2;3Hx\u{1b}[0m\u{1b}[?25l", "\u{1b}[2;3Hx\u{1b}[0m\u{1b}[?25l"),
            ("\u{1b}]52;c;38;5;2m\u{7}", "\u{1b}]52;c;38;5;2m\u{7}"),
        ] {
            let mut whole = Sixteen::new(Vec::new());
            whole.write_all(written.as_bytes()).unwrap();
            assert_eq!(String::from_utf8(whole.inner).unwrap(), passed);
            let mut torn = Sixteen::new(Vec::new());
            for byte in written.as_bytes() {
                torn.write_all(&[*byte]).unwrap();
            }
            assert_eq!(String::from_utf8(torn.inner).unwrap(), passed);
        }
    }

    #[test]
    fn a_painted_cell_comes_out_as_of_old() {
        let mut out = Vec::new();
        let mut cell = Cell::new("x");
        cell.set_fg(Color::Green).set_bg(Color::LightYellow);
        CrosstermBackend::new(Sixteen::new(&mut out)).draw([(0, 0, &cell)].into_iter()).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains("\u{1b}[32;103m") && !out.contains("38;5"), "{out:?}");
    }
}
