//! Reads the text of a condition. As in httpd `!` binds before `&&`, and `&&` before `||`.

use std::ops::Range;

use evenkeel_protocol::clean::clean;
use regex::bytes::RegexBuilder;

use super::lexer::{Lexer, Sign};
use super::{DEPTH, Fault, Operator, REGEX_BYTES, REGEXES, Test, Word};

/// What was read.
pub(super) struct Read {
    pub(super) test: Test,
    pub(super) reads_body: bool,
}

const WORDS: &str =
    "write %{REQUEST_STATUS}, %{CONTENT_TYPE}, %{resp:HEADER}, hc('body'), or a text in quotes";

/// Operators that compare, with the names that they have without their minus.
const OPERATORS: [(&[&str], Operator); 12] = [
    (&["==", "="], bytes(false, true, false)),
    (&["!="], bytes(true, false, true)),
    (&["<"], bytes(true, false, false)),
    (&["<="], bytes(true, true, false)),
    (&[">"], bytes(false, false, true)),
    (&[">="], bytes(false, true, true)),
    (&["-eq", "eq"], numbers(false, true, false)),
    (&["-ne", "ne"], numbers(true, false, true)),
    (&["-lt", "lt"], numbers(true, false, false)),
    (&["-le", "le"], numbers(true, true, false)),
    (&["-gt", "gt"], numbers(false, false, true)),
    (&["-ge", "ge"], numbers(false, true, true)),
];

const fn bytes(less: bool, equal: bool, greater: bool) -> Operator {
    Operator { numbers: false, less, equal, greater }
}

const fn numbers(less: bool, equal: bool, greater: bool) -> Operator {
    Operator { numbers: true, less, equal, greater }
}

/// Reads the whole text.
pub(super) fn parse(text: &str) -> Result<Read, Fault> {
    let mut lexer = Lexer::new(text);
    let (sign, at) = lexer.next()?;
    let mut parser = Parser { lexer, sign, at, depth: 0, regexes: 0, reads_body: false };
    let test = parser.any()?;
    if parser.sign == Sign::End {
        return Ok(Read { test, reads_body: parser.reads_body });
    }
    Err(parser.fault("the expression ends before this", "join comparisons with && or ||"))
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    /// The sign that is looked at, and its place.
    sign: Sign,
    at: Range<usize>,
    depth: usize,
    regexes: usize,
    reads_body: bool,
}

impl Parser<'_> {
    fn fault(&self, what: impl Into<String>, remedy: impl Into<String>) -> Fault {
        Fault { at: self.at.clone(), what: what.into(), remedy: remedy.into() }
    }

    fn advance(&mut self) -> Result<Sign, Fault> {
        let (next, at) = self.lexer.next()?;
        self.at = at;
        Ok(std::mem::replace(&mut self.sign, next))
    }

    /// Is it this mark or name? Then it is read over.
    fn eats(&mut self, wanted: &[&str]) -> Result<bool, Fault> {
        let is = matches!(&self.sign, Sign::Mark(text) | Sign::Name(text) if wanted.contains(&text.as_str()));
        if is {
            self.advance()?;
        }
        Ok(is)
    }

    fn expect(&mut self, mark: &str) -> Result<(), Fault> {
        if self.eats(&[mark])? {
            Ok(())
        } else {
            Err(self.fault(format!("here {mark} is missing"), format!("add {mark}")))
        }
    }

    /// Goes one deeper.
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        if self.depth == DEPTH {
            return Err(self.fault(format!("the expression nests more than {DEPTH} deep"), "make it simpler"));
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn any(&mut self) -> Result<Test, Fault> {
        let mut tests = vec![self.all()?];
        while self.eats(&["||", "or"])? {
            tests.push(self.all()?);
        }
        Ok(single(tests, Test::Any))
    }

    fn all(&mut self) -> Result<Test, Fault> {
        let mut tests = vec![self.one()?];
        while self.eats(&["&&", "and"])? {
            tests.push(self.one()?);
        }
        Ok(single(tests, Test::All))
    }

    fn one(&mut self) -> Result<Test, Fault> {
        if self.eats(&["!", "not"])? {
            return self.nested(Self::one).map(|test| Test::Not(Box::new(test)));
        }
        if self.eats(&["("])? {
            let test = self.nested(Self::any)?;
            self.expect(")")?;
            return Ok(test);
        }
        for (name, answer) in [("true", true), ("false", false)] {
            if self.eats(&[name])? {
                return Ok(Test::Always(answer));
            }
        }
        for (name, made) in [
            ("-n", Test::Filled as fn(Word) -> Test),
            ("-z", |word| Test::Not(Box::new(Test::Filled(word)))),
            ("-T", Test::Truth),
        ] {
            if self.eats(&[name])? {
                return self.word().map(made);
            }
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Test, Fault> {
        let left = self.word()?;
        for (mark, wanted) in [("=~", true), ("!~", false)] {
            if self.sign == Sign::Mark(mark.to_owned()) {
                return self.matches(left, wanted);
            }
        }
        if self.eats(&["-in", "in"])? {
            return self.list().map(|list| Test::In(left, list));
        }
        for (names, operator) in OPERATORS {
            if self.eats(names)? {
                let right = self.word()?;
                return Ok(Test::Compare { left, operator, right });
            }
        }
        if let Sign::Mark(other) = &self.sign
            && other.len() > 2
            && other.starts_with('-')
        {
            let what = format!("the operator {} is not supported", clean(other, 20));
            return Err(self.fault(what, "write =~ /PATTERN/, ==, -eq or -in"));
        }
        let remedy = "write ==, !=, <, -eq, -lt, =~ /PATTERN/ or -in {'A','B'} behind the first word";
        Err(self.fault("a word alone is neither true nor false", remedy))
    }

    /// The sign that is looked at is the operator; what follows is no ordinary sign.
    fn matches(&mut self, word: Word, wanted: bool) -> Result<Test, Fault> {
        let (pattern, any_case, at) = self.lexer.regex()?;
        let fault = |what: String, remedy: &str| Fault { at: at.clone(), what, remedy: remedy.to_owned() };
        self.regexes += 1;
        if self.regexes > REGEXES {
            let what = format!("the expression has more than {REGEXES} regular expressions");
            return Err(fault(what, "join them: /A|B|C/"));
        }
        if let Some(foreign) = foreign(&pattern) {
            let what = format!("{foreign} means something else in httpd's regular expressions than in these");
            return Err(fault(what, "put a backslash before the sign that is meant literally"));
        }
        // httpd's defaults: a dot is any byte, and $ the very end.
        let regex = RegexBuilder::new(&pattern)
            .unicode(false)
            .case_insensitive(any_case)
            .dot_matches_new_line(true)
            .size_limit(REGEX_BYTES)
            .dfa_size_limit(REGEX_BYTES)
            .nest_limit(u32::try_from(DEPTH).unwrap_or(u32::MAX))
            .build();
        let regex = regex.map_err(|why| {
            fault(said(&why), "write it without backreferences and look-around, and shorter")
        })?;
        self.advance()?;
        Ok(Test::Matches { word, regex, wanted })
    }

    fn list(&mut self) -> Result<Vec<Word>, Fault> {
        if self.sign != Sign::Mark("{".to_owned()) {
            return Err(self.fault("here must stand a list", "write {'A','B'}"));
        }
        self.advance()?;
        let mut list = vec![self.word()?];
        while self.eats(&[","])? {
            list.push(self.word()?);
        }
        self.expect("}")?;
        Ok(list)
    }

    /// Words joined by dots.
    fn word(&mut self) -> Result<Word, Fault> {
        let mut words = vec![self.part()?];
        while self.eats(&["."])? {
            words.push(self.part()?);
        }
        Ok(joined(words))
    }

    fn part(&mut self) -> Result<Word, Fault> {
        let at = self.at.clone();
        let word = match self.advance()? {
            Sign::Digits(digits) => Word::Text(digits.into_bytes()),
            Sign::Quoted(text) => self.nested(|parser| parser.text(&text, &at))?,
            Sign::Variable(text) => self.nested(|parser| parser.variable(&text, &at))?,
            Sign::Name(name) if self.sign == Sign::Mark("(".to_owned()) => {
                self.advance()?;
                let argument = self.nested(Self::word)?;
                self.expect(")")?;
                function(&name, argument, &at)?
            }
            Sign::Name(name) => {
                let what = format!("'{}' is no word", clean(&name, 40));
                return Err(Fault { at, what, remedy: WORDS.to_owned() });
            }
            Sign::End => {
                return Err(Fault {
                    at,
                    what: "here a word is missing".to_owned(),
                    remedy: WORDS.to_owned(),
                });
            }
            Sign::Mark(mark) => {
                let what = format!("here a word is missing before {}", clean(&mark, 20));
                return Err(Fault { at, what, remedy: WORDS.to_owned() });
            }
        };
        self.reads_body |= word.reads_body();
        Ok(word)
    }

    /// What stands between quotes: escapes, and variables.
    fn text(&mut self, text: &str, at: &Range<usize>) -> Result<Word, Fault> {
        let (mut words, mut plain) = (Vec::new(), Vec::new());
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let mut length = c.len_utf8();
            match c {
                '\\' => length += escape(rest.get(1..).unwrap_or_default(), &mut plain),
                '%' if rest.starts_with("%{") => {
                    let mut lexer = Lexer::new(rest);
                    let (sign, place) = lexer.next().map_err(|why| Fault { at: at.clone(), ..why })?;
                    length = place.end;
                    if let Sign::Variable(inner) = sign {
                        words.push(Word::Text(std::mem::take(&mut plain)));
                        words.push(self.nested(|parser| parser.variable(&inner, at))?);
                    }
                }
                '$' if rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit) => {
                    let what = "what a regular expression has caught cannot be used";
                    let remedy = "write two comparisons, or \\$ for the sign itself";
                    return Err(Fault { at: at.clone(), what: what.to_owned(), remedy: remedy.to_owned() });
                }
                _ => plain.extend_from_slice(rest.get(..length).unwrap_or_default().as_bytes()),
            }
            rest = rest.get(length..).unwrap_or_default();
        }
        words.push(Word::Text(plain));
        Ok(joined(words))
    }

    /// `NAME`, or `FUNCTION:ARGUMENT`.
    fn variable(&mut self, text: &str, at: &Range<usize>) -> Result<Word, Fault> {
        if let Some((name, argument)) = text.split_once(':') {
            let argument = self.nested(|parser| parser.text(argument, at))?;
            return function(name, argument, at);
        }
        match text.to_ascii_uppercase().as_str() {
            "REQUEST_STATUS" => Ok(Word::Status),
            "CONTENT_TYPE" => Ok(Word::Header(b"Content-Type".to_vec())),
            "HC_BODY" => Ok(Word::Body),
            _ => {
                let what = format!("a health check has no variable '{}'", clean(text, 40));
                let remedy = if text.contains('-') {
                    format!("write %{{resp:{}}} for a header field of the answer", clean(text, 40))
                } else {
                    "those are REQUEST_STATUS, CONTENT_TYPE and HC_BODY; header fields are %{resp:NAME}"
                        .to_owned()
                };
                Err(Fault { at: at.clone(), what, remedy })
            }
        }
    }
}

fn function(name: &str, argument: Word, at: &Range<usize>) -> Result<Word, Fault> {
    let fault = |what: String, remedy: &str| Fault { at: at.clone(), what, remedy: remedy.to_owned() };
    match (name.to_ascii_lowercase().as_str(), argument) {
        ("hc", Word::Text(what)) if what.eq_ignore_ascii_case(b"body") => Ok(Word::Body),
        ("hc", _) => Err(fault("hc knows the body only".to_owned(), "write hc('body')")),
        ("resp", Word::Text(name)) => Ok(Word::Header(name)),
        ("resp", _) => Err(fault("resp takes the name of a header field".to_owned(), "write resp('NAME')")),
        ("tolower", word) => Ok(Word::Lower(Box::new(word))),
        ("toupper", word) => Ok(Word::Upper(Box::new(word))),
        _ => Err(fault(
            format!("a health check has no function '{}'", clean(name, 40)),
            "those are hc('body'), resp('HEADER'), tolower(…) and toupper(…)",
        )),
    }
}

fn single(mut tests: Vec<Test>, made: fn(Vec<Test>) -> Test) -> Test {
    match tests.pop() {
        Some(only) if tests.is_empty() => only,
        Some(last) => {
            tests.push(last);
            made(tests)
        }
        None => made(tests),
    }
}

/// Texts side by side are one.
fn joined(words: Vec<Word>) -> Word {
    let mut parts: Vec<Word> = Vec::new();
    for word in words {
        match (parts.last_mut(), word) {
            (Some(Word::Text(before)), Word::Text(more)) => before.extend(more),
            (_, word) => parts.push(word),
        }
    }
    parts.retain(|word| *word != Word::Text(Vec::new()));
    match parts.pop() {
        None => Word::Text(Vec::new()),
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            Word::Joined(parts)
        }
    }
}

/// Reads what stands behind a backslash; how many bytes of it.
fn escape(rest: &str, into: &mut Vec<u8>) -> usize {
    let Some(c) = rest.chars().next() else {
        into.push(b'\\');
        return 0;
    };
    let control = match c {
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'b' => 8,
        'f' => 12,
        _ => {
            into.extend_from_slice(c.to_string().as_bytes());
            return c.len_utf8();
        }
    };
    into.push(control);
    1
}

/// A part of a pattern that is no error and has another meaning here than in httpd.
fn foreign(pattern: &str) -> Option<&'static str> {
    let (mut in_class, mut escaped) = (None, false);
    for (at, c) in pattern.char_indices() {
        let rest = pattern.get(at..).unwrap_or_default();
        if std::mem::take(&mut escaped) {
            if matches!(c, '<' | '>') {
                return Some("\\< or \\>");
            }
            continue;
        }
        match (c, in_class) {
            ('\\', _) => escaped = true,
            ('[', None) => in_class = Some(at),
            ('[', Some(_)) if !rest.starts_with("[:") => return Some("a [ within brackets"),
            ('&' | '-' | '~', Some(_)) if rest.get(..2).is_some_and(|two| two.chars().all(|it| it == c)) => {
                return Some("&&, -- or ~~ within brackets");
            }
            (']', Some(start)) => {
                // The first one is a member of the class.
                let first = pattern.get(start + 1..at).unwrap_or_default();
                if !matches!(first, "" | "^") && !first.ends_with(':') {
                    in_class = None;
                }
            }
            ('(', None) if rest.starts_with("(?R") || rest.starts_with("(?u") => return Some("(?R) or (?u)"),
            _ => {}
        }
    }
    None
}

/// Why a pattern is not taken, in one line.
fn said(why: &regex::Error) -> String {
    if let regex::Error::CompiledTooBig(_) = why {
        return "this regular expression takes too much memory".to_owned();
    }
    let text = why.to_string();
    let last = text.lines().rev().find_map(|line| line.strip_prefix("error: "));
    format!("this regular expression is not understood: {}", clean(last.unwrap_or("it is none"), 120))
}
