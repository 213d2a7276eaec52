//! `ProxyHCExpr`: a condition on the answer to a health check, in httpd's expression language as far as it can ask
//! something of such an answer. Here stand its meaning and its bounds; `condition/parse.rs` reads it.
//!
//! `%{REQUEST_STATUS} =~ /^[234]/ && hc('body') !~ /maintenance/i` compares words (texts, what the answer says, and
//! functions of them); comparisons are joined by `&&`, `||`, `!` and parentheses. Words are bytes; regular expressions
//! take linear time.

mod lexer;
mod parse;

use std::cmp::Ordering;
use std::ops::Range;

use regex::bytes::Regex;

/// The longest text of a condition, in bytes.
const LONGEST: usize = 4096;
/// How deep parentheses, negations and functions may nest.
const DEPTH: usize = 32;
/// How many regular expressions there may be.
const REGEXES: usize = 32;
/// The most memory that a compiled regular expression takes, and that its run takes, in bytes.
const REGEX_BYTES: usize = 1024 * 1024;

/// What a condition looks at.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The answer's status.
    pub status: u16,
    /// Names and values of its header, as they came.
    pub header: &'a [(Vec<u8>, Vec<u8>)],
    /// Its body; empty if there is none.
    pub body: &'a [u8],
}

/// A condition that was read.
#[derive(Debug, Clone)]
pub struct Condition {
    text: String,
    test: Test,
    reads_body: bool,
}

impl PartialEq for Condition {
    /// The same text means the same.
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Condition {}

/// Why a text is no condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// Which of its bytes are meant.
    pub(super) at: Range<usize>,
    /// What is wrong.
    pub(super) what: String,
    /// What to do about it.
    pub(super) remedy: String,
}

impl Condition {
    /// Reads a condition.
    pub(super) fn read(text: &str) -> Result<Self, Fault> {
        if text.len() > LONGEST {
            return Err(Fault {
                at: 0..text.len(),
                what: format!("the expression is longer than {LONGEST} characters"),
                remedy: "shorten it".to_owned(),
            });
        }
        let parse::Read { test, reads_body } = parse::parse(text)?;
        Ok(Self { text: text.to_owned(), test, reads_body })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Does it look at the body, so that this must be kept?
    pub fn reads_body(&self) -> bool {
        self.reads_body
    }

    /// Does it hold for this answer?
    pub fn holds(&self, seen: &Seen<'_>) -> bool {
        self.test.holds(seen)
    }
}

/// What is true or false.
#[derive(Debug, Clone)]
enum Test {
    Always(bool),
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
    Compare {
        left: Word,
        operator: Operator,
        right: Word,
    },
    Matches {
        word: Word,
        regex: Regex,
        wanted: bool,
    },
    In(Word, Vec<Word>),
    /// `-n`; `-z` is its contrary.
    Filled(Word),
    /// `-T`: anything but nothing, 0, off, false and no.
    Truth(Word),
}

/// How two words are compared.
#[expect(
    clippy::struct_excessive_bools,
    reason = "three outcomes that hold or not, of one of two ways to compare"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Operator {
    /// As numbers, and not byte by byte.
    numbers: bool,
    /// Which outcomes hold.
    less: bool,
    equal: bool,
    greater: bool,
}

impl Operator {
    fn holds(self, outcome: Ordering) -> bool {
        match outcome {
            Ordering::Less => self.less,
            Ordering::Equal => self.equal,
            Ordering::Greater => self.greater,
        }
    }
}

/// What gives bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    Text(Vec<u8>),
    Status,
    /// The first field of that name.
    Header(Vec<u8>),
    Body,
    Lower(Box<Self>),
    Upper(Box<Self>),
    Joined(Vec<Self>),
}

impl Test {
    fn holds(&self, seen: &Seen<'_>) -> bool {
        match self {
            Self::Always(answer) => *answer,
            Self::Not(test) => !test.holds(seen),
            Self::All(tests) => tests.iter().all(|test| test.holds(seen)),
            Self::Any(tests) => tests.iter().any(|test| test.holds(seen)),
            Self::Compare { left, operator, right } => {
                let (left, right) = (left.bytes(seen), right.bytes(seen));
                let outcome =
                    if operator.numbers { number(&left).cmp(&number(&right)) } else { left.cmp(&right) };
                operator.holds(outcome)
            }
            Self::Matches { word, regex, wanted } => regex.is_match(&word.bytes(seen)) == *wanted,
            Self::In(word, list) => {
                let bytes = word.bytes(seen);
                list.iter().any(|word| word.bytes(seen) == bytes)
            }
            Self::Filled(word) => !word.bytes(seen).is_empty(),
            Self::Truth(word) => {
                let bytes = word.bytes(seen).to_ascii_lowercase();
                !matches!(bytes.as_slice(), b"" | b"0" | b"off" | b"false" | b"no")
            }
        }
    }
}

impl Word {
    fn bytes<'a>(&'a self, seen: &Seen<'a>) -> std::borrow::Cow<'a, [u8]> {
        match self {
            Self::Text(text) => text.into(),
            Self::Status => seen.status.to_string().into_bytes().into(),
            Self::Header(name) => {
                let field = seen.header.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
                field.map_or(&[][..], |(_, value)| value).into()
            }
            Self::Body => seen.body.into(),
            Self::Lower(word) => word.bytes(seen).to_ascii_lowercase().into(),
            Self::Upper(word) => word.bytes(seen).to_ascii_uppercase().into(),
            Self::Joined(words) => {
                words.iter().map(|word| word.bytes(seen)).collect::<Vec<_>>().concat().into()
            }
        }
    }

    fn reads_body(&self) -> bool {
        match self {
            Self::Body => true,
            Self::Lower(word) | Self::Upper(word) => word.reads_body(),
            Self::Joined(words) => words.iter().any(Self::reads_body),
            Self::Text(_) | Self::Status | Self::Header(_) => false,
        }
    }
}

/// The number that a text starts with, as httpd reads it: no digits are 0; saturates.
fn number(bytes: &[u8]) -> i64 {
    let text = bytes.trim_ascii_start();
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let digits = digits.iter().map_while(|byte| byte.checked_sub(b'0').filter(|digit| *digit < 10));
    digits.fold(0_i64, |number, digit| {
        let (number, digit) = (number.saturating_mul(10), i64::from(digit));
        if negative { number.saturating_sub(digit) } else { number.saturating_add(digit) }
    })
}

#[cfg(test)]
mod tests;
