//! The words of a line as Apache reads and writes them: in configurations, in files of groups, and where a member's line
//! is typed.
//!
//! A word that begins with `"` or `'` ends with it, any other one ends at a blank. `\\` is a backslash, and in quotes a
//! backslash takes the meaning of the quote. Apache knows no comments behind words; who does looks for them itself.

/// A word as Apache reads it back: in quotes unless it is plain.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| !c.is_whitespace() && !matches!(c, '"' | '\'' | '\\' | '#' | '$' | '<' | '>');
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The words of a line. One whose quote is never closed goes to the end.
pub fn words(line: &str) -> Vec<String> {
    let (mut words, mut rest) = (Vec::new(), line.trim_ascii_start());
    while !rest.is_empty() {
        let Taken { text, length, .. } = word(rest);
        words.push(text);
        rest = rest.get(length..).unwrap_or_default().trim_ascii_start();
    }
    words
}

/// A word at the start of a text.
#[derive(Debug, PartialEq, Eq)]
pub struct Taken {
    /// What it says.
    pub text: String,
    /// How many bytes it takes, quotes included.
    pub length: usize,
    /// Is its quote closed, if it has one?
    pub closed: bool,
}

/// The word at the start of `text`, which starts with no blank, as `ap_getword_conf` of httpd reads it.
pub fn word(text: &str) -> Taken {
    let mut characters = text.char_indices().peekable();
    let quote = characters.next_if(|(_, c)| matches!(c, '"' | '\'')).map(|(_, c)| c);
    let mut word = String::new();
    while let Some((at, c)) = characters.next() {
        match c {
            c if quote.is_none() && c.is_ascii_whitespace() => {
                return Taken { text: word, length: at, closed: true };
            }
            c if Some(c) == quote => return Taken { text: word, length: at + c.len_utf8(), closed: true },
            '\\' => {
                let escaped = characters.next_if(|(_, next)| *next == '\\' || Some(*next) == quote);
                word.push(escaped.map_or('\\', |(_, next)| next));
            }
            c => word.push(c),
        }
    }
    Taken { text: word, length: text.len(), closed: quote.is_none() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_end_at_blanks_and_at_their_quotes() {
        assert_eq!(words(r#" a"b 'c d'e "f"#), [r#"a"b"#, "c d", "e", "f"]);
        assert_eq!(words("a # b"), ["a", "#", "b"]);
        assert_eq!(words(" \t"), [""; 0]);
        assert_eq!(word("\"a b"), Taken { text: "a b".to_owned(), length: 4, closed: false });
    }

    proptest! {
        #[test]
        fn any_words_come_back(all in prop::collection::vec(any::<String>(), 0..5)) {
            let line = all.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(words(&line), all);
        }
    }
}
