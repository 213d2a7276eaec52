//! httpd's `LogFormat`: compiled once into steps, so that a line costs no more than what it says.
//!
//! What is the same on each line (texts, the process, what is never known) becomes text here. What httpd would know
//! and this proxy does not is refused with a sentence, rather than logged as `-`.

use evenkeel_protocol::clean::clean;

use super::date::{Pattern, USUAL};
use crate::limits;

/// A compiled format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogFormat {
    pub(super) steps: Vec<Step>,
    /// The patterns that steps name by their place.
    pub(super) patterns: Vec<Pattern>,
}

/// One thing to append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// For which statuses; a `-` for others.
    pub(super) only: Option<Statuses>,
    pub(super) what: What,
}

/// `%400,501{…}` and `%!200{…}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statuses {
    list: Vec<u16>,
    is_negated: bool,
}

impl Statuses {
    pub(super) fn contain(&self, status: u16) -> bool {
        self.list.contains(&status) != self.is_negated
    }
}

/// What a step appends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Text(Vec<u8>),
    Client,
    Peer,
    Local,
    LocalPort,
    PeerPort,
    ServerPort,
    ServerName,
    Host,
    Request,
    Method,
    Path,
    Query,
    Protocol,
    Handler,
    FirstStatus,
    Status,
    BodyBytes,
    /// As `BodyBytes`, and `-` for none.
    BodyBytesOrDash,
    User,
    Read,
    Sent,
    ReadAndSent,
    EarlierRequests,
    Connection,
    /// How long it took, in units of so many microseconds.
    Took(u64),
    Time(Time),
    /// The number of the thread, in hexadecimal if so.
    Thread {
        is_hexadecimal: bool,
    },
    RequestField(String),
    AnswerField(String),
    Cookie(String),
    Variable(String),
}

/// A moment of the request, and its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Time {
    /// Its end rather than its beginning.
    pub(super) is_end: bool,
    pub(super) form: TimeForm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimeForm {
    /// Since 1970, in units of so many microseconds.
    Since(u64),
    Milliseconds,
    Microseconds,
    /// By the pattern at that place.
    Pattern(usize),
}

impl LogFormat {
    /// The format that a `LogFormat` line without a name, and no such line at all, stand for.
    pub(crate) const COMMON: &str = "%h %l %u %t \"%r\" %>s %b";

    /// Does it tell anything of the answer's header?
    pub(super) fn wants_answers(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.what, What::AnswerField(_)))
    }

    /// Compiles the text of a format as it stands behind the quotes of the configuration are taken off.
    ///
    /// # Errors
    ///
    /// A sentence that names the directive and where in the text it stands, from 1.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > limits::LOG_FORMAT {
            return Err(format!("the log format is longer than {} bytes", limits::LOG_FORMAT));
        }
        let mut format = Self { steps: Vec::new(), patterns: Vec::new() };
        let mut rest = text;
        while !rest.is_empty() {
            let Some(behind) = rest.strip_prefix('%') else {
                let (plain, behind) = rest.split_at(rest.find('%').unwrap_or(rest.len()));
                format.push_text(&unescaped(plain));
                rest = behind;
                continue;
            };
            if let Some(behind) = behind.strip_prefix('%') {
                format.push_text(b"%");
                rest = behind;
                continue;
            }
            let place = text.len() - rest.len();
            let place = text.get(..place).map_or(0, |before| before.chars().count()) + 1;
            rest = format
                .push_directive(behind)
                .map_err(|why| format!("{why} (character {place} of the log format)"))?;
        }
        format.push_text(b"\n");
        Ok(format)
    }

    /// Texts that follow each other become one.
    fn push_text(&mut self, text: &[u8]) {
        match self.steps.last_mut() {
            Some(Step { only: None, what: What::Text(before) }) => before.extend_from_slice(text),
            _ => self.steps.push(Step { only: None, what: What::Text(text.to_vec()) }),
        }
    }

    /// Compiles what follows a `%`, and returns what stands behind it.
    fn push_directive<'a>(&mut self, text: &'a str) -> Result<&'a str, String> {
        let (directive, behind) = Directive::read(text)?;
        let Directive { only, is_first, argument, name } = directive;
        match self.compile(name, argument, is_first)? {
            What::Text(text) if only.is_none() || text == b"-" => self.push_text(&text),
            what => self.steps.push(Step { only, what }),
        }
        Ok(behind)
    }

    fn compile(
        &mut self,
        name: &str,
        argument: Option<&str>,
        is_first: Option<bool>,
    ) -> Result<What, String> {
        let named = || match argument {
            Some(argument) if !argument.is_empty() => Ok(argument.to_owned()),
            _ => Err(format!("%{name} needs a name in braces before the {name}")),
        };
        let unknown_argument = |known: &str| {
            let argument = clean(argument.unwrap_or_default(), limits::TEXT);
            Err(format!("%{{{argument}}}{name} is not known; {known} may stand in the braces"))
        };
        Ok(match name {
            "a" | "h" if argument == Some("c") => What::Peer,
            "a" | "h" => What::Client,
            "A" => What::Local,
            "b" => What::BodyBytesOrDash,
            "B" => What::BodyBytes,
            "C" => What::Cookie(named()?),
            "D" => What::Took(1),
            "e" => What::Variable(named()?),
            "H" => What::Protocol,
            "i" => What::RequestField(named()?.to_ascii_lowercase()),
            "I" => What::Read,
            "k" => What::EarlierRequests,
            // Nobody asks identd or logs in here, and lines of the error log have no numbers: httpd writes - then.
            "l" | "L" => What::Text(b"-".to_vec()),
            "u" => What::User,
            "m" => What::Method,
            "o" => What::AnswerField(named()?.to_ascii_lowercase()),
            "O" => What::Sent,
            "p" => match argument.unwrap_or_default() {
                "" | "canonical" => What::ServerPort,
                "local" => What::LocalPort,
                "remote" => What::PeerPort,
                _ => return unknown_argument("canonical, local and remote"),
            },
            "P" => match argument.unwrap_or_default() {
                "" | "pid" => What::Text(std::process::id().to_string().into_bytes()),
                "tid" => What::Thread { is_hexadecimal: false },
                "hextid" => What::Thread { is_hexadecimal: true },
                _ => return unknown_argument("pid, tid and hextid"),
            },
            "q" => What::Query,
            "r" => What::Request,
            "R" => What::Handler,
            "s" if is_first == Some(false) => What::Status,
            "s" => What::FirstStatus,
            "S" => What::ReadAndSent,
            "t" => What::Time(self.time(argument.unwrap_or_default())?),
            "T" => match argument.unwrap_or_default() {
                "" | "s" => What::Took(1_000_000),
                "ms" => What::Took(1_000),
                "us" => What::Took(1),
                _ => return unknown_argument("s, ms and us"),
            },
            "U" => What::Path,
            "v" => What::ServerName,
            "V" => What::Host,
            "X" => What::Connection,
            _ => return Err(refusal(name)),
        })
    }

    fn time(&mut self, argument: &str) -> Result<Time, String> {
        let (is_end, text) = match argument.split_once(':') {
            Some(("begin", text)) => (false, text),
            Some(("end", text)) => (true, text),
            _ if argument == "begin" => (false, ""),
            _ if argument == "end" => (true, ""),
            _ => (false, argument),
        };
        let form = match text {
            "sec" => TimeForm::Since(1_000_000),
            "msec" => TimeForm::Since(1_000),
            "usec" => TimeForm::Since(1),
            "msec_frac" => TimeForm::Milliseconds,
            "usec_frac" => TimeForm::Microseconds,
            pattern => {
                let pattern = Pattern::parse(if pattern.is_empty() { USUAL } else { pattern })?;
                let known = self.patterns.iter().position(|known| *known == pattern);
                TimeForm::Pattern(known.unwrap_or_else(|| {
                    self.patterns.push(pattern);
                    self.patterns.len() - 1
                }))
            }
        };
        Ok(Time { is_end, form })
    }
}

/// What stands between a `%` and the end of its directive, in any order as httpd takes it.
struct Directive<'a> {
    only: Option<Statuses>,
    /// `<` (the request as it came) rather than `>` (what it was redirected to within the server).
    is_first: Option<bool>,
    argument: Option<&'a str>,
    name: &'a str,
}

impl<'a> Directive<'a> {
    fn read(text: &'a str) -> Result<(Self, &'a str), String> {
        let (mut list, mut is_negated) = (Vec::new(), false);
        let (mut is_first, mut argument) = (None, None);
        let mut rest = text;
        loop {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            if digits > 0 {
                let (number, behind) = rest.split_at(digits);
                let status = number.parse().ok().filter(|status| (100..1000).contains(status));
                list.push(status.ok_or_else(|| format!("{} is no status", clean(number, limits::TEXT)))?);
                rest = behind;
                continue;
            }
            let mut behind = rest.chars();
            match behind.next() {
                Some('!') => is_negated = !is_negated,
                Some('<') => is_first = Some(true),
                Some('>') => is_first = Some(false),
                Some(',') => {}
                Some('{') => {
                    let inside = behind.as_str();
                    let Some((inside, after)) = inside.split_once('}') else {
                        return Err("a { is not closed".to_owned());
                    };
                    argument = Some(inside);
                    rest = after;
                    continue;
                }
                Some(c) => {
                    let length =
                        if c == '^' { rest.chars().take(3).map(char::len_utf8).sum() } else { c.len_utf8() };
                    let (name, behind) = rest.split_at(length);
                    let only = (!list.is_empty()).then_some(Statuses { list, is_negated });
                    return Ok((Self { only, is_first, argument, name }, behind));
                }
                None => {
                    return Err("the log format ends within a % directive; write %% for a % sign".to_owned());
                }
            }
            rest = behind.as_str();
        }
    }
}

/// Why a directive cannot be had.
fn refusal(name: &str) -> String {
    let instead = match name {
        "f" => "no file belongs to a proxied request; take %{BALANCER_WORKER_NAME}e and %U",
        "n" => "notes are passed between modules of httpd, and there are none here",
        "c" | "x" => "variables of TLS are not known here",
        "^ti" | "^to" => "trailers are not kept for the log",
        "^FB" => "the time of the first byte is not taken; %D is the time of the whole request",
        _ => return format!("%{} is not a directive of log formats", clean(name, limits::TEXT)),
    };
    format!("%{name} is not supported: {instead}")
}

/// Backslashes as httpd reads them: `\\`, `\n`, `\r`, `\t`; others stay what they are.
fn unescaped(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.bytes().peekable();
    while let Some(byte) = rest.next() {
        let meant = match (byte, rest.peek()) {
            (b'\\', Some(b'\\')) => Some(b'\\'),
            (b'\\', Some(b'n')) => Some(b'\n'),
            (b'\\', Some(b'r')) => Some(b'\r'),
            (b'\\', Some(b't')) => Some(b'\t'),
            _ => None,
        };
        if meant.is_some() {
            rest.next();
        }
        out.push(meant.unwrap_or(byte));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_same_on_each_line_is_one_text() {
        let format = LogFormat::parse("a%%b %l %200l\\t%{pid}P").unwrap();
        let text = format!("a%b - -\t{}\n", std::process::id()).into_bytes();
        assert_eq!(format.steps, [Step { only: None, what: What::Text(text) }]);
    }

    #[test]
    fn equal_time_patterns_are_kept_once() {
        assert_eq!(LogFormat::parse("%t %{begin}t %{end:}t %{%s}t").unwrap().patterns.len(), 2);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        for (text, words, place) in [
            ("%h %Z", "%Z is not a directive", "character 4"),
            ("é%Z", "%Z", "character 2"),
            ("%400%", "%% is not a directive", "character 1"),
            ("abc%", "ends within", "character 4"),
            ("%400", "ends within", "character 1"),
            ("%{abc", "{ is not closed", "character 1"),
            ("%^", "%^ is not", "character 1"),
            ("%^xx", "%^xx is not", "character 1"),
            ("%{X}^ti", "trailers", "character 1"),
            ("%^FB", "%D", "character 1"),
            ("%f", "BALANCER_WORKER_NAME", "character 1"),
            ("%{a}n", "notes", "character 1"),
            ("%{SSL_PROTOCOL}x", "TLS", "character 1"),
            ("%i", "needs a name", "character 1"),
            ("%{}i", "needs a name", "character 1"),
            ("%{bogus}p", "canonical, local and remote", "character 1"),
            ("%{\u{1b}}T", "\u{fffd}", "character 1"),
            ("%{x}P", "hextid", "character 1"),
            ("%{%E}t", "%E", "character 1"),
            ("%99s", "99 is no status", "character 1"),
            ("%99999999999s", "is no status", "character 1"),
        ] {
            let why = LogFormat::parse(text).unwrap_err();
            assert!(why.contains(words) && why.contains(place), "{text}: {why}");
        }
        assert!(LogFormat::parse(&"a".repeat(limits::LOG_FORMAT + 1)).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_format_or_a_clean_complaint(text in "(?s).{0,40}|[%{}!<>,0-9^a-zA-Z\\\\ ]{0,30}") {
            if let Err(why) = LogFormat::parse(&text) {
                proptest::prop_assert!(why.chars().all(evenkeel_protocol::clean::is_clean));
            }
        }
    }
}
