//! Text that has to fit into so many columns: cut at the end, shortened in the middle, wrapped at words.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The columns that `text` takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// Makes the character before it a picture, which can be wider than the two of them are by themselves.
const PICTURE: char = '\u{fe0f}';

/// The longest start of `text` that fits into `columns`.
pub fn head(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        used = if c == PICTURE { text.get(..end).map_or(used, width) } else { used + c.width().unwrap_or(0) };
        if used > columns {
            return text.get(..at).unwrap_or_default();
        }
    }
    text
}

/// The longest end of `text` that fits into `columns`.
fn tail(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices().rev() {
        let behind = text.get(at + c.len_utf8()..).unwrap_or_default();
        used = if behind.starts_with(PICTURE) {
            text.get(at..).map_or(used, width)
        } else {
            used + c.width().unwrap_or(0)
        };
        if used > columns {
            return behind.trim_start_matches(PICTURE);
        }
    }
    text
}

/// `text` cut at its end, with an ellipsis if something is missing.
pub fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    match columns {
        0 => String::new(),
        columns => format!("{}…", head(text, columns - 1)),
    }
}

/// `text` shortened in its middle, so that both ends stay: one of them tells it from others.
pub fn shorten(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    match columns {
        0 => String::new(),
        columns => {
            let front = head(text, (columns - 1) / 2);
            format!("{front}…{}", tail(text, columns - 1 - width(front)))
        }
    }
}

/// `text` padded with blanks behind it, or in front of it if it is a number.
pub fn pad(text: &str, columns: usize, align: Align) -> String {
    let blanks = " ".repeat(columns.saturating_sub(width(text)));
    match align {
        Align::Left => format!("{text}{blanks}"),
        Align::Right => format!("{blanks}{text}"),
    }
}

/// Where a text stands in its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// The start of `word` that is a line of its own: as much as fits, to the end of a part of a name where one ends late
/// enough.
fn start_of(word: &str, columns: usize) -> &str {
    let most = head(word, columns);
    let part = most.rfind(|c: char| "/:.-_,;=&?|".contains(c)).and_then(|at| most.get(..=at));
    part.filter(|part| width(part) * 2 > columns).unwrap_or(most)
}

/// `text` in lines of at most `columns`, broken at blanks; words that are longer are broken where a part of them ends, or
/// else anywhere.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(2);
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let mut word = word;
        let gap = usize::from(!line.is_empty());
        if width(&line) + gap + width(word) > columns {
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            while width(word) > columns {
                let front = start_of(word, columns);
                lines.push(front.to_owned());
                word = word.get(front.len()..).unwrap_or_default();
            }
        } else if gap == 1 {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// `text` wrapped at words into at most `rows` lines; an ellipsis ends the last one if something is missing.
pub fn wrap_within(text: &str, columns: usize, rows: usize) -> Vec<String> {
    let mut lines = wrap(text, columns);
    if lines.len() > rows {
        let rest = lines.split_off(rows.saturating_sub(1)).join(" ");
        if rows > 0 {
            lines.push(cut(&rest, columns));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_where_it_hurts_least() {
        for (text, columns, cut_to, shortened) in [
            ("abc", 3, "abc", "abc"),
            ("abcdef", 4, "abc…", "a…ef"),
            ("app-frankfurt-17.example.com:8080", 16, "app-frankfurt-1…", "app-fra…com:8080"),
            ("日本語", 4, "日…", "…語"),
            ("x0\u{fe0f}y", 3, "x0…", "x…y"),
            ("abc", 1, "…", "…"),
            ("abc", 0, "", ""),
        ] {
            assert_eq!(cut(text, columns), cut_to, "{text}");
            assert_eq!(shorten(text, columns), shortened, "{text}");
        }
    }

    #[test]
    fn lines_are_wrapped_at_words() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh ij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(
            wrap("to http://a.example.com:8080, then", 23),
            ["to", "http://a.example.com:", "8080, then"]
        );
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap_within("one two three four", 8, 2), ["one two", "three f…"]);
        assert_eq!(wrap_within("one two three", 8, 1), ["one two…"]);
        assert_eq!(wrap_within("one two", 8, 2), ["one two"]);
        assert!(wrap_within("one two", 8, 0).is_empty());
        assert_eq!(pad("7", 3, Align::Right), "  7");
        assert_eq!(pad("日", 3, Align::Left), "日 ");
    }

    proptest::proptest! {
        #[test]
        fn everything_fits(text in "\\PC{0,60}", columns in 0usize..40) {
            proptest::prop_assert!(width(&cut(&text, columns)) <= columns);
            proptest::prop_assert!(width(&shorten(&text, columns)) <= columns);
            for line in wrap(&text, columns) {
                proptest::prop_assert!(width(&line) <= columns.max(2), "{line:?}");
            }
        }
    }
}
