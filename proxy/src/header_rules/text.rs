//! The values of `Header` and `RequestHeader`, compiled once: what stands in a percent sign's directive is told when the
//! rule is applied. Forms that httpd knows and this proxy has nothing to say to are refused.

use evenkeel_protocol::clean::clean;
use evenkeel_protocol::{Moment, Timestamp};

use crate::{clock, limits};

/// What httpd writes for a variable that is not set.
const UNSET: &[u8] = b"(null)";

/// The variables that are set here, those of `mod_proxy_balancer`.
pub(crate) const VARIABLES: [&str; 6] = [
    "BALANCER_NAME",
    "BALANCER_ROUTE_CHANGED",
    "BALANCER_SESSION_ROUTE",
    "BALANCER_SESSION_STICKY",
    "BALANCER_WORKER_NAME",
    "BALANCER_WORKER_ROUTE",
];

/// A value, in pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Plain(Vec<u8>),
    /// `%{NAME}e`
    Variable(String),
    /// `%t`: when the request began.
    Began,
    /// `%D`: how long ago that was.
    Took,
    /// `%l`: the system's load.
    Load,
}

/// What a value may tell.
pub(crate) struct Telling<'a> {
    /// A variable of the request.
    pub(crate) variable: &'a dyn Fn(&str) -> Option<Vec<u8>>,
    /// When the request began.
    pub(crate) began: Moment,
}

impl Text {
    /// Compiles a value as it stands behind the quotes of the configuration are taken off.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > limits::HEADER_VALUE {
            return Err(format!("is longer than {} bytes", limits::HEADER_VALUE));
        }
        let mut pieces = Self(Vec::new());
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
            match c {
                '%' => rest = pieces.directive(rest)?,
                '\\' => match rest.chars().next() {
                    Some(escaped @ ('\\' | 't')) => {
                        rest = rest.get(1..).unwrap_or_default();
                        pieces.plain(if escaped == 't' { b"\t" } else { b"\\" });
                    }
                    Some('n' | 'r') => {
                        return Err("contains a line's end, which no value may have".to_owned());
                    }
                    _ => pieces.plain(b"\\"),
                },
                c => pieces.plain(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        Ok(pieces)
    }

    /// What follows a percent sign; returns what stands behind it.
    fn directive<'a>(&mut self, rest: &'a str) -> Result<&'a str, String> {
        let behind = |count: usize| rest.get(count..).unwrap_or_default();
        if let Some(braced) = rest.strip_prefix('{') {
            let (name, kind) = braced.split_once('}').ok_or("has a %{ without }")?;
            match kind.chars().next() {
                Some('e') if !name.is_empty() => self.0.push(Piece::Variable(name.to_owned())),
                // Variables of TLS, of which there is none.
                Some('s') if !name.is_empty() => self.plain(UNSET),
                _ => {
                    let name = clean(name, limits::TEXT);
                    return Err(format!("has %{{{name}}}, which is neither %{{NAME}}e nor %{{NAME}}s"));
                }
            }
            return Ok(kind.get(1..).unwrap_or_default());
        }
        match rest.chars().next() {
            // Alone at the end it stands for itself, as in httpd.
            None | Some('%') => self.plain(b"%"),
            Some('t') => self.0.push(Piece::Began),
            Some('D') => self.0.push(Piece::Took),
            Some('l') => self.0.push(Piece::Load),
            Some(kind @ ('i' | 'b')) => {
                return Err(format!("has %{kind}, the share of httpd's processes; there are none here"));
            }
            Some(other) => {
                let other = clean(&other.to_string(), limits::TEXT);
                return Err(format!("has %{other}, which is not known; write %% for a percent sign"));
            }
        }
        Ok(behind(1))
    }

    /// Texts that follow each other become one.
    fn plain(&mut self, text: &[u8]) {
        match self.0.last_mut() {
            Some(Piece::Plain(before)) => before.extend_from_slice(text),
            _ => self.0.push(Piece::Plain(text.to_vec())),
        }
    }

    /// The variables that it names.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Variable(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The whole text, if it is the same for each request.
    pub(crate) fn fixed(&self) -> Option<&[u8]> {
        match self.0.as_slice() {
            [] => Some(b""),
            [Piece::Plain(text)] => Some(text),
            _ => None,
        }
    }

    /// The value for one request. What could end a line becomes a blank, as in httpd.
    pub(super) fn render(&self, telling: &Telling<'_>) -> Vec<u8> {
        let mut value = Vec::new();
        for piece in &self.0 {
            match piece {
                Piece::Plain(text) => value.extend_from_slice(text),
                Piece::Variable(name) => {
                    let told = (telling.variable)(name);
                    value.extend_from_slice(told.as_deref().unwrap_or(UNSET));
                }
                Piece::Began => put(&mut value, &format!("t={}", wall(telling.began).0)),
                Piece::Took => {
                    put(&mut value, &format!("D={}", clock::now().since(telling.began).as_micros()));
                }
                Piece::Load => put(&mut value, &load()),
            }
        }
        for byte in &mut value {
            if byte.is_ascii_control() && *byte != b'\t' {
                *byte = b' ';
            }
        }
        value
    }
}

fn put(value: &mut Vec<u8>, text: &str) {
    value.extend_from_slice(text.as_bytes());
}

fn wall(began: Moment) -> Timestamp {
    let ago = u64::try_from(clock::now().since(began).as_micros()).unwrap_or(u64::MAX);
    Timestamp(clock::wall().0.saturating_sub(ago))
}

/// The load of the last minute, five and fifteen, as httpd writes it; zeros where the system does not tell.
fn load() -> String {
    #[cfg(target_os = "linux")]
    let loads = rustix::system::sysinfo().loads;
    #[cfg(not(target_os = "linux"))]
    let loads = [0_u64; 3];
    // The system counts in parts of 65536.
    let [one, five, fifteen] = loads.map(|load| {
        let hundredths = load.saturating_mul(100) >> 16;
        format!("{}.{:02}", hundredths / 100, hundredths % 100)
    });
    format!("l={one}/{five}/{fifteen}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(text: &str) -> String {
        let variable = |name: &str| match name {
            "BALANCER_WORKER_ROUTE" => Some(b"b".to_vec()),
            "BALANCER_SESSION_ROUTE" => Some(b"x\r\ny\0z\x7f\t".to_vec()),
            _ => None,
        };
        let telling = Telling { variable: &variable, began: clock::now() };
        String::from_utf8(Text::parse(text).unwrap().render(&telling)).unwrap()
    }

    #[test]
    fn values_are_those_of_httpd() {
        for (text, value) in [
            ("plain", "plain"),
            ("", ""),
            ("%%", "%"),
            ("a%", "a%"),
            ("ROUTEID=.%{BALANCER_WORKER_ROUTE}e; path=/", "ROUTEID=.b; path=/"),
            ("%{BALANCER_ROUTE_CHANGED}e", "(null)"),
            ("%{HTTPS}s", "(null)"),
            (r"a\tb\\c\q\", "a\tb\\c\\q\\"),
            ("é", "é"),
            ("[%{BALANCER_SESSION_ROUTE}e]", "[x  y z \t]"),
        ] {
            assert_eq!(render(text), value, "{text}");
        }
        assert!(
            render("%t")
                .strip_prefix("t=")
                .is_some_and(|time| time.parse::<u64>().unwrap() > 1_700_000_000_000_000)
        );
        assert!(render("%D").strip_prefix("D=").is_some_and(|time| time.parse::<u64>().is_ok()));
        assert_eq!(render("%l").strip_prefix("l=").map(|loads| loads.split('/').count()), Some(3));
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for (text, why) in [
            ("%{A", "without }"),
            ("%{A}", "neither"),
            ("%{A}x", "neither"),
            ("%{}e", "neither"),
            ("%c", "%c"),
            ("%5e", "%5"),
            ("%>s", "%>"),
            ("%b", "processes"),
            (r"a\nb", "line's end"),
            (r"a\rb", "line's end"),
        ] {
            assert!(Text::parse(text).unwrap_err().contains(why), "{text}");
        }
        assert!(Text::parse(&"x".repeat(limits::HEADER_VALUE + 1)).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_value_ends_a_line(text in "(?s)[%{}eslDt\\\\a\r\n]{0,20}|(?s).{0,20}") {
            let variable = |name: &str| Some(format!("{name}\r\n").into_bytes());
            let telling = Telling { variable: &variable, began: Moment(0) };
            if let Ok(text) = Text::parse(&text) {
                let value = text.render(&telling);
                proptest::prop_assert!(!value.iter().any(|byte| b"\r\n\0".contains(byte)));
            }
        }
    }
}
