//! The signs of a condition: names, texts, operators and regular expressions, with their places.
//!
//! Whether a `/` starts a regular expression depends on what stands before it, so the parser asks for that sign itself.

use std::ops::Range;

use super::Fault;

/// One sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sign {
    /// A name, such as `hc` or `true`.
    Name(String),
    /// Digits, perhaps with a minus before them.
    Digits(String),
    /// A quoted text, as it stands between its quotes.
    Quoted(String),
    /// `%{…}`, as it stands between its braces.
    Variable(String),
    /// `==`, `&&`, `(`, `-eq` …
    Mark(String),
    /// Nothing more.
    End,
}

/// What may stand around a regular expression behind `m`.
const DELIMITERS: &str = "/#$%^|?!'\",;:._-";
/// Longer ones first.
const MARKS: [&str; 18] =
    ["&&", "||", "==", "!=", "=~", "!~", "<=", ">=", "=", "<", ">", "!", "(", ")", "{", "}", ",", "."];

/// Goes through the text of a condition.
#[derive(Debug, Clone)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start_matches([' ', '\t', '\r', '\n']).len();
    }

    fn take(&mut self, length: usize) -> String {
        let taken = self.rest().get(..length).unwrap_or_default().to_owned();
        self.at += length;
        taken
    }

    fn fault(&self, length: usize, what: impl Into<String>, remedy: impl Into<String>) -> Fault {
        let end = (self.at + length).min(self.text.len());
        Fault { at: self.at.min(end)..end, what: what.into(), remedy: remedy.into() }
    }

    /// The next sign and its place.
    pub(super) fn next(&mut self) -> Result<(Sign, Range<usize>), Fault> {
        self.skip_blanks();
        let start = self.at;
        let sign = self.sign()?;
        Ok((sign, start..self.at))
    }

    fn sign(&mut self) -> Result<Sign, Fault> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(Sign::End) };
        let run =
            |skip: usize, fits: fn(&u8) -> bool| skip + rest.bytes().skip(skip).take_while(fits).count();
        if first == '-' && run(1, u8::is_ascii_digit) > 1 {
            return Ok(Sign::Digits(self.take(run(1, u8::is_ascii_digit))));
        }
        if first == '-' && run(1, u8::is_ascii_alphabetic) > 1 {
            return Ok(Sign::Mark(self.take(run(1, u8::is_ascii_alphabetic))));
        }
        if first.is_ascii_digit() {
            return Ok(Sign::Digits(self.take(run(0, u8::is_ascii_digit))));
        }
        if first.is_ascii_alphabetic() {
            let length = run(0, |byte| byte.is_ascii_alphanumeric() || *byte == b'_');
            return Ok(Sign::Name(self.take(length)));
        }
        if matches!(first, '\'' | '"') {
            return self.quoted(first).map(Sign::Quoted);
        }
        if rest.starts_with("%{") {
            return self.variable().map(Sign::Variable);
        }
        if let Some(mark) = MARKS.into_iter().find(|mark| rest.starts_with(mark)) {
            return Ok(Sign::Mark(self.take(mark.len())));
        }
        let remedy = "write comparisons such as %{REQUEST_STATUS} -eq 200; texts stand in quotes";
        Err(self.fault(first.len_utf8(), "this sign has no meaning here", remedy))
    }

    /// A text up to its quote; a backslash takes the meaning of what follows it.
    fn quoted(&mut self, quote: char) -> Result<String, Fault> {
        let mut escaped = false;
        for (at, c) in self.rest().char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                c if c == quote => {
                    let text = self.rest().get(1..at).unwrap_or_default().to_owned();
                    self.at += at + 1;
                    return Ok(text);
                }
                _ => {}
            }
        }
        Err(self.fault(self.rest().len(), "this text is never closed", format!("add {quote}")))
    }

    /// What stands between `%{` and its brace; braces in it are pairs.
    fn variable(&mut self) -> Result<String, Fault> {
        let mut depth = 0_usize;
        for (at, c) in self.rest().char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 1 => {
                    let text = self.rest().get(2..at).unwrap_or_default().to_owned();
                    self.at += at + 1;
                    return Ok(text);
                }
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        Err(self.fault(self.rest().len(), "this variable is never closed", "add }"))
    }

    /// A regular expression: its pattern, whether case matters not, and its place.
    pub(super) fn regex(&mut self) -> Result<(String, bool, Range<usize>), Fault> {
        self.skip_blanks();
        let start = self.at;
        let rest = self.rest();
        let (open, delimiter) = if rest.starts_with('/') {
            (1, '/')
        } else {
            let behind = rest.strip_prefix('m').and_then(|rest| rest.chars().next());
            let Some(delimiter) = behind.filter(|delimiter| DELIMITERS.contains(*delimiter)) else {
                let remedy = "write /PATTERN/ or m#PATTERN#, with i behind it if case does not matter";
                let length = rest.chars().next().map_or(0, char::len_utf8);
                return Err(self.fault(length, "here must stand a regular expression", remedy));
            };
            (2, delimiter)
        };
        // As in httpd there is no way to write the delimiter itself: a backslash is one of the pattern.
        let Some(length) = rest.get(open..).and_then(|rest| rest.find(delimiter)) else {
            return Err(self.fault(
                rest.len(),
                "this regular expression is never closed",
                format!("add {delimiter}"),
            ));
        };
        let pattern = rest.get(open..open + length).unwrap_or_default().to_owned();
        self.at += open + length + 1;
        let any_case = self.rest().starts_with('i');
        self.at += usize::from(any_case);
        if let Some(flag) = self.rest().chars().next().filter(char::is_ascii_alphanumeric) {
            let what = format!("'{flag}' has no meaning behind a regular expression");
            return Err(self.fault(1, what, "write no flag, or i alone"));
        }
        Ok((pattern, any_case, start..self.at))
    }
}
