//! Lines and words of the configuration, with their places; httpd's rules of continuation, quotes and comments.
//!
//! Not here: what a word means, and `${NAME}`, which is replaced word by word later.

use std::borrow::Cow;
use std::ops::Range;

use evenkeel_protocol::word::word;

use crate::config::source::Spot;

/// One logical line: physical lines that end with `\` are joined with the next, as they are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    file: usize,
    /// The joined text, without what ends the lines.
    pub(crate) text: Cow<'a, str>,
    /// Where each physical line starts in `text`, and where in the file.
    pieces: Vec<(usize, usize)>,
}

impl Line<'_> {
    /// The place of a stretch of `text`.
    pub(super) fn spot(&self, start: usize, end: usize) -> Spot {
        let in_file = |at: usize| {
            let behind = self.pieces.partition_point(|(start, _)| *start <= at);
            let piece = behind.checked_sub(1).and_then(|index| self.pieces.get(index));
            piece.map_or(at, |(here, there)| there + (at - here))
        };
        let start_in_file = in_file(start);
        // The end belongs to the piece of the last character, not to the next one.
        let end_in_file = if end > start { in_file(end - 1) + 1 } else { start_in_file };
        Spot { file: self.file, start: start_in_file, end: end_in_file.max(start_in_file) }
    }

    /// The place of the whole line without the blanks around it.
    pub(super) fn whole(&self) -> Spot {
        let start = self.text.len() - self.text.trim_start().len();
        self.spot(start, self.text.trim_end().len().max(start))
    }
}

/// The logical lines of a text, one after the other.
pub(crate) struct Lines<'a> {
    file: usize,
    text: &'a str,
    at: usize,
}

/// Splits `text`, the file with this number, into logical lines.
pub(crate) fn lines(file: usize, text: &str) -> Lines<'_> {
    // A byte order mark is no part of the first line.
    Lines { file, text, at: if text.starts_with('\u{FEFF}') { '\u{FEFF}'.len_utf8() } else { 0 } }
}

impl<'a> Lines<'a> {
    /// The next physical line without its end, where it starts, and whether it asks for the next one.
    fn physical(&mut self) -> Option<(&'a str, usize, bool)> {
        let start = self.at;
        let rest = self.text.get(start..).filter(|rest| !rest.is_empty())?;
        let line = rest.split('\n').next().unwrap_or_default();
        self.at = start + line.len() + 1;
        let line = line.strip_suffix('\r').unwrap_or(line);
        match line.strip_suffix('\\') {
            Some(line) => Some((line, start, true)),
            None => Some((line, start, false)),
        }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        let (first, start, mut more) = self.physical()?;
        let mut text = Cow::Borrowed(first);
        let mut pieces = vec![(0, start)];
        while more {
            let Some((next, start, again)) = self.physical() else { break };
            pieces.push((text.len(), start));
            text.to_mut().push_str(next);
            more = again;
        }
        Some(Line { file: self.file, text, pieces })
    }
}

/// One word, without its quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// What it says.
    pub(super) text: String,
    /// Where it stands, quotes included.
    pub(super) spot: Spot,
}

/// The words of a stretch of a line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    /// In order.
    pub(super) list: Vec<Word>,
    /// A comment behind them, which httpd does not know.
    pub(super) comment: Option<Spot>,
    /// A quote or brace that is never closed; its word goes to the end of the line, as in httpd.
    pub(super) unclosed: Option<Spot>,
}

/// Splits the bytes `start..end` of a line into words.
///
/// A word that starts with `#` outside quotes starts a comment; else they are those of [`evenkeel_protocol::word`].
pub(super) fn words(line: &Line<'_>, start: usize, end: usize) -> Words {
    split(line, start..end, Braces::Plain)
}

/// As [`words`], but a word may also stand in braces, and those within it are pairs; nothing in it is escaped.
pub(super) fn words_in_braces(line: &Line<'_>, start: usize, end: usize) -> Words {
    split(line, start..end, Braces::Quote)
}

/// What a brace at the start of a word is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Braces {
    /// A sign as others.
    Plain,
    /// It quotes what follows up to its partner.
    Quote,
}

fn split(line: &Line<'_>, Range { start, end }: Range<usize>, braces: Braces) -> Words {
    let mut found = Words::default();
    let text = line.text.get(..end).unwrap_or_default();
    let mut characters = text.char_indices().peekable();
    while characters.next_if(|(at, _)| *at < start).is_some() {}
    loop {
        while characters.next_if(|(_, c)| c.is_ascii_whitespace()).is_some() {}
        let Some((from, first)) = characters.peek().copied() else { return found };
        if first == '#' {
            found.comment = Some(line.spot(from, text.trim_end().len()));
            return found;
        }
        if first == '{' && braces == Braces::Quote {
            let (length, closed) = braced(text.get(from..).unwrap_or_default());
            while characters.next_if(|(at, _)| *at < from + length).is_some() {}
            let inner = text.get(from + 1..from + length - usize::from(closed)).unwrap_or_default();
            let spot = line.spot(from, from + length);
            if !closed {
                found.unclosed = Some(spot);
            }
            found.list.push(Word { text: inner.to_owned(), spot });
            continue;
        }
        let taken = word(text.get(from..).unwrap_or_default());
        while characters.next_if(|(at, _)| *at < from + taken.length).is_some() {}
        let spot = line.spot(from, from + taken.length);
        if !taken.closed {
            found.unclosed = Some(spot);
        }
        found.list.push(Word { text: taken.text, spot });
    }
}

/// How long a text is that starts with a brace, up to its partner, and whether there is one.
fn braced(text: &str) -> (usize, bool) {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return (at + 1, true),
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    (text.len(), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<String> {
        let line = lines(0, text).next().unwrap();
        words(&line, 0, line.text.len()).list.into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn words_are_split_and_unquoted_as_httpd_does() {
        for (what, text, expected) in [
            ("blanks", "  a \t b  ", vec!["a", "b"]),
            ("double quotes", "\"a b\" c", vec!["a b", "c"]),
            ("single quotes", "'a \" b'", vec!["a \" b"]),
            ("escaped quote", r#""a\"b""#, vec!["a\"b"]),
            ("escaped backslash", r"a\\b", vec![r"a\b"]),
            ("lone backslash", r"a\b", vec![r"a\b"]),
            ("quote inside a word", r#"route="a""#, vec![r#"route="a""#]),
            ("word behind a quote", r#""a"b"#, vec!["a", "b"]),
            ("empty word", r#""" x"#, vec!["", "x"]),
            ("hash in a word", "a#b", vec!["a#b"]),
            ("hash in quotes", "\"#b\"", vec!["#b"]),
            ("comment", "a # b c", vec!["a"]),
            ("unclosed", "\"a b", vec!["a b"]),
            ("nothing", "", vec![]),
        ] {
            let text = format!("{text}\n");
            assert_eq!(split(&text), expected, "{what}");
        }
    }

    #[test]
    fn braces_quote_where_they_are_asked_to() {
        for (text, expected) in [
            ("a {b c} d", vec!["a", "b c", "d"]),
            ("{a {b} 'c}'d e", vec!["a {b} 'c", "d e"]),
            ("{a \\} b}", vec!["a \\", "b}"]),
            ("{}", vec![""]),
            ("{a b", vec!["a b"]),
            ("{é", vec!["é"]),
            ("\"{a b\" c", vec!["{a b", "c"]),
            ("a{b c}", vec!["a{b", "c}"]),
        ] {
            let line = lines(0, text).next().unwrap();
            let found = words_in_braces(&line, 0, line.text.len());
            let words: Vec<_> = found.list.into_iter().map(|word| word.text).collect();
            assert_eq!(words, expected, "{text}");
            assert_eq!(
                found.unclosed.is_some(),
                text.contains("'d") || matches!(text, "{a b" | "{é"),
                "{text}"
            );
        }
    }

    #[test]
    fn lines_that_end_with_a_backslash_are_joined() {
        let joined: Vec<_> = lines(0, "a\\\r\n b\\\nc\nd\\").map(|line| line.text.into_owned()).collect();
        assert_eq!(joined, ["a bc", "d"]);
        assert_eq!(lines(0, "").count(), 0);
        assert_eq!(lines(0, "\u{FEFF}Listen 80").next().unwrap().text, "Listen 80");
    }

    #[test]
    fn places_are_those_of_the_file_behind_a_continuation_too() {
        let text = "one \\\n  two three\n";
        let line = lines(0, text).next().unwrap();
        let found = words(&line, 0, line.text.len()).list;
        let shown: Vec<_> = found.iter().map(|word| &text[word.spot.start..word.spot.end]).collect();
        assert_eq!(shown, ["one", "two", "three"]);
    }

    #[test]
    fn comments_and_open_quotes_are_told() {
        let line = lines(0, "a # why\n").next().unwrap();
        let found = words(&line, 0, line.text.len());
        assert_eq!(found.comment, Some(Spot { file: 0, start: 2, end: 7 }));
        let line = lines(0, "a \"b\n").next().unwrap();
        assert_eq!(words(&line, 0, line.text.len()).unclosed, Some(Spot { file: 0, start: 2, end: 4 }));
    }

    #[test]
    fn words_are_those_of_everybody_else_up_to_a_comment() {
        for text in ["a 'b c' \"d\\\"e\"f", "a\\\\b \"c\"", "'' x\ty", "a#b \"#c\""] {
            assert_eq!(split(&format!("{text} # d")), evenkeel_protocol::word::words(text), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_splits_and_every_place_lies_within_it(text in "(?s)[a\"'\\\\\n\r#{} é]{0,60}|(?s).{0,60}") {
            for line in lines(0, &text) {
                let found = words(&line, 0, line.text.len());
                let braced = words_in_braces(&line, 0, line.text.len());
                for spot in found.list.iter().chain(&braced.list).map(|word| word.spot).chain([line.whole()]) {
                    proptest::prop_assert!(spot.start <= spot.end && spot.end <= text.len());
                }
            }
        }
    }
}
