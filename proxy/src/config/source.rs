//! The texts that were read, and where in them something stands.
//!
//! A [`Spot`] is cheap and carried everywhere while reading; a [`Place`] is what people are shown.

use std::ops::Range;
use std::rc::Rc;

use evenkeel_protocol::clean::{REPLACEMENT, clean, is_clean};

use crate::config::limits;
use crate::config::report::Place;

/// A stretch of a text that was read, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    /// Which text.
    pub(super) file: usize,
    /// Where it starts.
    pub(super) start: usize,
    /// Where it ends; never before `start`.
    pub(super) end: usize,
}

/// One text that was read.
struct Source {
    name: String,
    text: Rc<str>,
    /// Where each line starts, in bytes.
    line_starts: Vec<usize>,
}

/// All texts that were read, in order.
#[derive(Default)]
pub(super) struct Sources(Vec<Source>);

impl Sources {
    /// Takes a text; `name` is what people call it. Returns its number.
    pub(super) fn add(&mut self, name: &str, text: &str) -> usize {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts = std::iter::once(0).chain(newlines.map(|(at, _)| at + 1)).collect();
        self.0.push(Source { name: clean(name, limits::FILE_BYTES), text: text.into(), line_starts });
        self.0.len() - 1
    }

    /// Was nothing read?
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many texts were read.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// A text by its number.
    pub(super) fn text(&self, file: usize) -> Rc<str> {
        self.0.get(file).map_or_else(|| Rc::from(""), |source| Rc::clone(&source.text))
    }

    /// `site.conf:3`.
    pub(super) fn brief(&self, spot: Spot) -> String {
        let place = self.place(spot);
        format!("{}:{}", place.file, place.line)
    }

    /// What people are shown of a spot: of several lines the first.
    pub(super) fn place(&self, spot: Spot) -> Place {
        let Some(source) = self.0.get(spot.file) else { return Place::default() };
        let line = source.line_starts.partition_point(|start| *start <= spot.start).max(1);
        let line_start = source.line_starts.get(line - 1).copied().unwrap_or_default();
        let rest = source.text.get(line_start..).unwrap_or_default();
        let text = rest.lines().next().unwrap_or_default();
        let within = |at: usize| characters_before(text, at.saturating_sub(line_start));
        let (excerpt, marked) = excerpt(text, within(spot.start)..within(spot.end));
        Place { file: source.name.clone(), line, column: within(spot.start) + 1, excerpt, marked }
    }
}

/// How many characters of `text` start before byte `at`.
fn characters_before(text: &str, at: usize) -> usize {
    text.char_indices().take_while(|(start, _)| *start < at).count()
}

/// Cleans a line, cuts it to a window around the marked characters, and says which bytes of that are marked.
fn excerpt(line: &str, marked: Range<usize>) -> (String, Range<usize>) {
    let length = line.chars().count();
    let start = if length <= limits::EXCERPT { 0 } else { marked.start.saturating_sub(limits::EXCERPT / 3) };
    let end = length.min(start + limits::EXCERPT);
    let mut text = String::from(if start > 0 { "…" } else { "" });
    let mut bytes = text.len()..text.len();
    for (at, c) in line.chars().enumerate().skip(start).take(end - start) {
        if at == marked.start {
            bytes.start = text.len();
        }
        text.push(match c {
            '\t' => ' ',
            c if is_clean(c) => c,
            _ => REPLACEMENT,
        });
        if at < marked.end {
            bytes.end = text.len();
        }
    }
    if marked.start >= end {
        bytes = text.len()..text.len();
    }
    if end < length {
        text.push('…');
    }
    bytes.end = bytes.end.max(bytes.start);
    (text, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, start: usize, end: usize) -> Place {
        let mut sources = Sources::default();
        let file = sources.add("site.conf", text);
        sources.place(Spot { file, start, end })
    }

    #[test]
    fn a_spot_becomes_line_column_and_marked_text() {
        for (what, text, start, end, line, column, marked) in [
            ("first word", "Listen 80\nx", 0, 6, 1, 1, "Listen"),
            ("second line", "a\nListen 80\n", 9, 11, 2, 8, "80"),
            ("last line without newline", "a\nb", 2, 3, 2, 1, "b"),
            ("behind the text", "a", 1, 1, 1, 2, ""),
            ("empty text", "", 0, 0, 1, 1, ""),
            ("more than a line", "ab\ncd", 1, 5, 1, 2, "b"),
            ("wide characters count once", "é日 x", 6, 7, 1, 4, "x"),
            ("tab is a blank", "\tx", 0, 2, 1, 1, " x"),
            ("carriage return is left out", "ab\r\n", 0, 3, 1, 1, "ab"),
            ("escape is replaced", "a\u{1b}b", 0, 3, 1, 1, "a\u{FFFD}b"),
        ] {
            let place = place(text, start, end);
            assert_eq!(
                (place.line, place.column, &place.excerpt[place.marked.clone()]),
                (line, column, marked),
                "{what}"
            );
        }
    }

    #[test]
    fn a_long_line_is_cut_around_what_is_marked() {
        let text = format!("{}HERE{}", "a".repeat(500), "b".repeat(500));
        let place = place(&text, 500, 504);
        assert_eq!(&place.excerpt[place.marked.clone()], "HERE");
        assert_eq!(place.column, 501);
        assert!(place.excerpt.starts_with("…a") && place.excerpt.ends_with("b…"));
        assert!(place.excerpt.chars().count() <= limits::EXCERPT + 2);
    }
}
