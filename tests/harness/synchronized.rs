//! A screen that is looked at between updates only: what a program draws between the marks of a synchronized update
//! appears at once, as in a terminal that knows them.

use std::num::NonZeroU16;

use crate::frame::Frame;

const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

/// A screen, and what it showed before an update that is not over.
pub(crate) struct Synchronized {
    parser: vt100::Parser,
    before: Option<Frame>,
    /// The beginning of what may become a mark.
    held: Vec<u8>,
}

impl Synchronized {
    pub(crate) fn new(rows: NonZeroU16, columns: NonZeroU16) -> Self {
        Self { parser: vt100::Parser::new(rows, columns, 0), before: None, held: Vec::new() }
    }

    /// Takes in what a program wrote, in pieces of any length.
    pub(crate) fn process(&mut self, written: &[u8]) {
        let mut bytes = std::mem::take(&mut self.held);
        bytes.extend_from_slice(written);
        let mut rest = bytes.as_slice();
        loop {
            let mark = if self.before.is_some() { END } else { BEGIN };
            let Some(at) = rest.windows(mark.len()).position(|window| window == mark) else { break };
            self.parser.process(&rest[..at]);
            self.before = self.before.is_none().then(|| Frame::of(self.parser.screen()));
            rest = &rest[at + mark.len()..];
        }
        let mark = if self.before.is_some() { END } else { BEGIN };
        let begun = (1..mark.len().min(rest.len() + 1)).rev().find(|count| rest.ends_with(&mark[..*count]));
        let (drawn, held) = rest.split_at(rest.len() - begun.unwrap_or(0));
        self.parser.process(drawn);
        self.held = held.to_vec();
    }

    /// What is to be seen.
    pub(crate) fn frame(&self) -> Frame {
        self.before.clone().unwrap_or_else(|| Frame::of(self.parser.screen()))
    }

    /// The modes that the program has set.
    pub(crate) fn modes(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    pub(crate) fn set_size(&mut self, rows: NonZeroU16, columns: NonZeroU16) {
        self.parser.set_size(rows, columns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shows(screen: &Synchronized) -> String {
        screen.frame().row(0)
    }

    #[test]
    fn an_update_is_seen_when_it_is_over_however_it_is_cut() {
        let written = b"old\x1b[?2026h\rnew\x1b[1mer\x1b[?2026l";
        for cut in 1..written.len() {
            let mut screen = Synchronized::new(NonZeroU16::MIN, NonZeroU16::new(8).unwrap());
            screen.process(&written[..cut]);
            let seen = shows(&screen);
            assert!("old".starts_with(seen.trim_end()), "{cut}: {seen}");
            screen.process(&written[cut..]);
            assert_eq!(shows(&screen).trim_end(), "newer", "{cut}");
        }
    }

    #[test]
    fn without_marks_everything_is_seen_at_once() {
        let mut screen = Synchronized::new(NonZeroU16::MIN, NonZeroU16::new(8).unwrap());
        for (written, seen) in [("ab", "ab"), ("c\x1b[?25l", "abc"), ("d", "abcd")] {
            screen.process(written.as_bytes());
            assert_eq!(shows(&screen).trim_end(), seen);
        }
        assert!(screen.modes().hide_cursor());
    }
}
