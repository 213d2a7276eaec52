//! What people paste of a request: a `Cookie` or `Set-Cookie` line, a `curl` command, cookies and a URL. It is read as the
//! request that it was, or refused: read wrongly it would give a firm answer to a question that nobody asked.

mod curl;

use evenkeel_protocol::Question;
use evenkeel_protocol::clean::clean;

use curl::{curl, is_curl};

/// What can be pasted, behind what is wrong.
const FORMS: &str =
    "paste NAME=VALUE, a session's value alone, a Cookie or Set-Cookie line, a curl command, a path or a URL";

/// What was pasted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pasted {
    /// A path with its query, or a whole URL.
    pub url: Option<String>,
    /// Cookies as NAME=VALUE.
    pub pairs: Vec<String>,
    /// The value of a cookie, without its name; only where there are no others.
    pub value: Option<String>,
}

impl Pasted {
    /// As the client's `Cookie` line; none: there are no cookies.
    pub fn line(&self) -> Option<String> {
        let line = || self.pairs.join("; ");
        self.value.clone().or_else(|| (!self.pairs.is_empty()).then(line))
    }

    /// As [`Pasted::line`], of what must hold one.
    ///
    /// # Errors
    ///
    /// There is no cookie in it.
    pub fn whole_line(&self) -> Result<String, String> {
        self.line().ok_or_else(|| {
            "there is no cookie in it; paste NAME=VALUE, a session's value alone, or a Cookie or Set-Cookie line".to_owned()
        })
    }

    /// Where its session stands, as elections are asked for: its cookies, else its URL; none: in neither.
    pub fn session(&self) -> Option<String> {
        self.line().or_else(|| self.url.clone())
    }

    /// The cookies; a value alone under each of these names.
    pub fn named<'a>(self, names: impl Iterator<Item = &'a str>) -> Vec<String> {
        let Some(value) = self.value else { return self.pairs };
        let named: Vec<String> = names.map(|name| format!("{name}={value}")).collect();
        if named.is_empty() { vec![value] } else { named }
    }

    fn ask(&mut self, url: String) -> Result<(), String> {
        match self.url.replace(url) {
            None => Ok(()),
            Some(_) => Err("there are several URLs; paste one request at a time".to_owned()),
        }
    }

    /// Takes what a line of cookies says, as servers split it: at `;` alone.
    fn send(&mut self, cookies: &str) -> Result<(), String> {
        if cookies.contains(['\r', '\n']) || cookies.split_whitespace().any(|word| header(word).is_some()) {
            return Err(several_lines());
        }
        let pieces = cookies.split(';').map(str::trim).filter(|piece| !piece.is_empty());
        self.pairs.extend(pieces.map(str::to_owned));
        Ok(())
    }

    fn within_bounds(self) -> Result<Self, String> {
        let most = Question::MOST_COOKIES;
        if self.pairs.len() > most { Err(format!("there are more than {most} cookies")) } else { Ok(self) }
    }
}

/// Reads it.
///
/// # Errors
///
/// Why it is nothing of the kind, and what can be pasted.
pub fn read(text: &str) -> Result<Pasted, String> {
    let text = text.trim();
    let read = match (text.split_whitespace().next(), header(text)) {
        (Some(first), _) if is_curl(first) => curl(text),
        (_, Some((Line::Cookie, value))) => {
            let mut pasted = Pasted::default();
            pasted.send(value).map(|()| pasted)
        }
        (_, Some((Line::SetCookie, value))) => set_cookie(value),
        _ => words(text),
    };
    read.and_then(Pasted::within_bounds)
}

/// A line of a message's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Cookie,
    SetCookie,
    Other,
}

/// A line of a head, and its value.
fn header(text: &str) -> Option<(Line, &str)> {
    let (name, value) = text.split_once(':')?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let line = match name.to_ascii_lowercase().as_str() {
        "cookie" => Line::Cookie,
        "set-cookie" => Line::SetCookie,
        _ if is_name && (value.is_empty() || value.starts_with(char::is_whitespace)) => Line::Other,
        _ => return None,
    };
    Some((line, value.trim()))
}

/// The first pair: what stands behind it is how long and where the cookie is kept.
fn set_cookie(value: &str) -> Result<Pasted, String> {
    let first = value.split(';').next().unwrap_or_default().trim();
    if value.split_whitespace().any(|word| header(word).is_some()) {
        return Err("there are several lines; paste one Set-Cookie line at a time".to_owned());
    }
    match first.split_once('=') {
        Some((name, _)) if !name.is_empty() => {
            Ok(Pasted { pairs: vec![first.to_owned()], ..Pasted::default() })
        }
        _ => Err(format!("there is no NAME=VALUE in it; {FORMS}")),
    }
}

fn several_lines() -> String {
    format!("of a head only one line can be read, Cookie or Set-Cookie; {FORMS}")
}

/// Cookies and a URL with blanks or `;` between them.
fn words(text: &str) -> Result<Pasted, String> {
    let mut pasted = Pasted::default();
    let mut bare = Vec::new();
    for word in text.split_whitespace() {
        if is_url(word) {
            pasted.ask(word.trim_end_matches(';').to_owned())?;
        } else if is_host(word) {
            pasted.ask(format!("http://{}", word.trim_end_matches(';')))?;
        } else if header(word).is_some() {
            return Err(several_lines());
        } else {
            for piece in word.split(';').filter(|piece| !piece.is_empty()) {
                let is_pair = piece.split_once('=').is_some_and(|(name, _)| !name.is_empty());
                if is_pair { &mut pasted.pairs } else { &mut bare }.push(piece.to_owned());
            }
        }
    }
    match (pasted.pairs.as_slice(), bare.as_slice()) {
        (_, []) => {}
        ([], [word]) if word.contains('/') && !word.contains(['+', '=']) => {
            let start: String = clean(word, 12);
            return Err(format!(
                "'{start}' may be a path or the value of a cookie; write /PATH, http://HOST/PATH or NAME=VALUE"
            ));
        }
        // Beside a URL a word may be anything, such as a command.
        ([], [word]) if pasted.url.is_none() || word.contains('.') => pasted.value = bare.pop(),
        (_, [word, ..]) => {
            let start: String = clean(word, 12);
            return Err(format!("'{start}' is no NAME=VALUE; {FORMS}"));
        }
    }
    // What stands before the padding of a value in base64 is too long for a name, or holds what names do not.
    if let [pair] = pasted.pairs.as_slice()
        && !pair.split_once('=').is_some_and(|(name, _)| is_usual(name))
    {
        pasted.value = pasted.pairs.pop();
    }
    Ok(pasted)
}

fn is_usual(name: &str) -> bool {
    name.len() <= 40 && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// A URL without its scheme: a host with a port, or with a path behind it. A name without a dot is one where that path
/// carries a parameter, as no value of a cookie does.
fn is_host(word: &str) -> bool {
    let (host, path) = word.split_once('/').map_or((word, None), |(host, path)| (host, Some(path)));
    let has_parameter =
        |path: &str| path.split_once([';', '?']).is_some_and(|(_, parameters)| parameters.contains('='));
    let is_port = |port: &str| !port.is_empty() && port.chars().all(|c| c.is_ascii_digit());
    let (name, has_port) = match host.rsplit_once(':') {
        Some((name, port)) if is_port(port) => (name, true),
        _ => (host, false),
    };
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c));
    let is_below = path.is_some_and(|path| name == "localhost" || name.contains('.') || has_parameter(path));
    name.starts_with('[') && name.ends_with(']')
        || is_name && (has_port || is_below || name.starts_with("www."))
}

fn is_url(word: &str) -> bool {
    let scheme = word.split_once("://").map(|(scheme, _)| scheme);
    word.starts_with('/')
        || scheme.is_some_and(|scheme| !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphabetic()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn of(text: &str) -> (Option<String>, String) {
        let pasted = read(text).unwrap_or_else(|why| panic!("{text}: {why}"));
        (pasted.url.clone(), pasted.line().unwrap_or_default())
    }

    #[test]
    fn it_is_read_as_the_request_that_it_was() {
        for (text, url, cookies) in [
            ("SID=abc.b", None, "SID=abc.b"),
            ("abc.b", None, "abc.b"),
            ("abcd/+==", None, "abcd/+=="),
            ("Cookie: foo=1; SID=abc.b", None, "foo=1; SID=abc.b"),
            ("cookie:SID=abc.b;flag", None, "SID=abc.b; flag"),
            ("Cookie: note=see /x; SID=a.b", None, "note=see /x; SID=a.b"),
            ("localhost:18001/app/x", Some("http://localhost:18001/app/x"), ""),
            ("h:8080", Some("http://h:8080"), ""),
            ("[::1]:80/two", Some("http://[::1]:80/two"), ""),
            ("[::1]/two", Some("http://[::1]/two"), ""),
            ("www.example.com/app/x", Some("http://www.example.com/app/x"), ""),
            ("www.example.com", Some("http://www.example.com"), ""),
            ("h/a;jsessionid=abc.b", Some("http://h/a;jsessionid=abc.b"), ""),
            ("h/a?x=1;jsessionid=abc.b", Some("http://h/a?x=1;jsessionid=abc.b"), ""),
            ("h/?jsessionid=abc.b;", Some("http://h/?jsessionid=abc.b"), ""),
            ("localhost/two SID=abc.b", Some("http://localhost/two"), "SID=abc.b"),
            ("ab/c1+d.b", None, "ab/c1+d.b"),
            ("abc.b /two", Some("/two"), "abc.b"),
            ("Set-Cookie: SID=abc.b; Path=/two; HttpOnly", None, "SID=abc.b"),
            ("set-cookie: SID=abc.b; expires=Thu, 01 Jan 2026 00:00:00 GMT; secure", None, "SID=abc.b"),
            ("next=https://h/; SID=abc.b", None, "next=https://h/; SID=abc.b"),
            ("a$b=1; SID=abc.b /two", Some("/two"), "a$b=1; SID=abc.b"),
            ("/two/x;sid=abc.b?y", Some("/two/x;sid=abc.b?y"), ""),
            ("https://h/two/x SID=abc.b", Some("https://h/two/x"), "SID=abc.b"),
            ("curl -b 'SID=abc.c' http://h/two/x", Some("http://h/two/x"), "SID=abc.c"),
            ("curl -sSvbSID=abc.c h:8080/two", Some("http://h:8080/two"), "SID=abc.c"),
            (
                "/usr/bin/curl -X POST --url http://h/ -H 'cookie: a=1; SID=c.b' -d x=y",
                Some("http://h/"),
                "a=1; SID=c.b",
            ),
            (
                "curl 'https://h/two' \\ -H 'accept: */*' \\  --cookie 'SID=abc.c' --compressed --data-raw 'a;b'",
                Some("https://h/two"),
                "SID=abc.c",
            ),
        ] {
            assert_eq!(of(text), (url.map(str::to_owned), cookies.to_owned()), "{text}");
        }
        assert_eq!(read("  ").unwrap(), Pasted::default());
        assert!(read("/two").unwrap().whole_line().is_err_and(|why| why.contains("no cookie in it")));
        assert_eq!(read("abc.b").unwrap().named(["SID", "T"].into_iter()), ["SID=abc.b", "T=abc.b"]);
        assert_eq!(read("abc.b").unwrap().named(std::iter::empty()), ["abc.b"]);
    }

    #[test]
    fn what_is_no_request_is_refused_and_not_guessed_at() {
        let many = "a=1; ".repeat(65);
        for (text, says) in [
            ("Host: www.example.com", "of a head only one line"),
            ("Cookie: a=b Host: h", "of a head only one line"),
            ("Cookie: a=b;\nc=d", "of a head only one line"),
            ("curl -b 'a=b\nc=d' http://h/", "of a head only one line"),
            ("h/a;jsessionid", "'h/a' is no NAME=VALUE"),
            ("app/x", "may be a path or the value of a cookie"),
            ("wget http://h/app/x", "'wget' is no NAME=VALUE"),
            ("Set-Cookie: a=b; Path=/ Set-Cookie: c=d", "one Set-Cookie line at a time"),
            ("Set-Cookie: HttpOnly", "no NAME=VALUE in it"),
            ("SID=abc.b; Path=/two; HttpOnly", "'HttpOnly' is no NAME=VALUE"),
            ("GET /two HTTP/1.1", "'GET' is no NAME=VALUE"),
            ("wget -O - http://h/", "'wget' is no NAME=VALUE"),
            ("/a /b", "several URLs"),
            ("curl -b 'SID=abc", "quote of the curl command is not closed"),
            ("curl -b cookies.txt http://h/", "a file of cookies"),
            ("curl --frobnicate x http://h/", "--frobnicate"),
            ("curl -K x http://h/", "-K"),
            ("curl http://h/ -b", "ends behind -b"),
            ("curl http://h/ http://i/", "several URLs"),
            ("curl -H $'cookie: a=\\u0021' http://h/", "quotes of the kind $'"),
            (many.as_str(), "more than 64 cookies"),
        ] {
            let why = read(text).unwrap_err();
            assert!(why.contains(says), "{text}: {why}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(curl |cookie: |set-cookie: )?[ -~é\u{1b}]{0,60}") {
            drop(read(&text));
        }
    }
}
