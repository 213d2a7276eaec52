//! Finding a session's value in URL and cookies, twice: to the letter as httpd does (`get_path_param`,
//! `get_cookie_param`), and once more the way people mean it. It does not know which routes exist.
//!
//! ```text
//! stickysession=SID|sid            to the letter        read again
//! /p;sid=x.c/more                  route c/more         c       the value ends at the next /
//! ?sid=nodot        SID=x.b        no route             b       the cookie, after a miss in the URL
//! SID="x.c"                        route c"             c       without quotes
//! SID=x.y.c                        route y.c            y.c, then c (the text behind the last separator)
//! ?mysid=x.c                       route c              nothing: that is another parameter
//! ```

use evenkeel_protocol::{BalancerSettings, Separator, SessionPlace as Place, StickySession};

use super::Claim;
use crate::election::Ask;

/// What httpd would find. An empty route is a claim too: it is exported, though it names nobody.
pub(crate) fn literal<'a>(
    sticky: &StickySession,
    settings: &BalancerSettings,
    ask: &Ask<'a>,
) -> Option<Claim<'a>> {
    let (value, place) = match literal_in_url(ask.url, &sticky.path, settings.scolonpathdelim) {
        Some(value) => (value, Place::Url),
        None => (literal_in_cookies(ask.cookies, &sticky.cookie)?, Place::Cookie),
    };
    let (id, route) = match settings.stickysessionsep {
        Separator::At(separator) => value.split_once(separator)?,
        Separator::Off => ("", value),
    };
    Some(Claim { route, id, place, binding: false })
}

/// The plain substring, anywhere; its value runs to the next `?` or `&`. Leading delimiters are skipped, as by the C
/// function that httpd cuts with. An empty value at the very end is absent.
pub(crate) fn literal_in_url<'a>(url: &'a str, name: &str, semicolon: bool) -> Option<&'a str> {
    let mut rest = url;
    while let Some((_, behind)) = rest.split_once(name) {
        if let Some(value) = behind.strip_prefix('=').filter(|value| !value.is_empty()) {
            return value
                .split(|c| c == '?' || c == '&' || (semicolon && c == ';'))
                .find(|token| !token.is_empty());
        }
        rest = without_first(behind);
    }
    None
}

/// At the start of a line or behind `;`, `,` or white space; white space is allowed before `=`. Several lines are
/// read as httpd joins them, with `, `.
pub(crate) fn literal_in_cookies<'a>(lines: &[&'a str], name: &str) -> Option<&'a str> {
    lines.iter().enumerate().find_map(|(at, line)| literal_in_cookie(line, name, at + 1 < lines.len()))
}

fn literal_in_cookie<'a>(line: &'a str, name: &str, more_lines: bool) -> Option<&'a str> {
    let mut rest = line;
    let mut may_start = true;
    while let Some((before, behind)) = rest.split_once(name) {
        let starts = match before.chars().next_back() {
            Some(c) => c == ';' || c == ',' || is_c_space(c),
            None => may_start,
        };
        if !starts {
            // httpd goes on one character behind the start of the hit.
            let hit = rest.get(before.len()..).unwrap_or_default();
            (rest, may_start) = (without_first(hit), false);
            continue;
        }
        let behind = behind.trim_start_matches(is_c_space);
        if let Some(value) = behind.strip_prefix('=').filter(|value| !value.is_empty() || more_lines) {
            let value = value.split(';').next().unwrap_or_default();
            return value.split(',').next();
        }
        // ... and here, two characters behind the end of the hit; the first of them may be what comes before a name.
        let skipped = without_first(behind);
        may_start = skipped.chars().next().is_some_and(|c| c == ';' || c == ',' || is_c_space(c));
        rest = without_first(skipped);
    }
    None
}

/// Up to four routes, best first, that a less literal reading finds: in the URL, then in the cookies; of each the
/// text behind the first separator and that behind the last.
pub(crate) fn tolerant<'a>(
    sticky: &StickySession,
    settings: &BalancerSettings,
    ask: &Ask<'a>,
) -> [Option<Claim<'a>>; 4] {
    let claim = |parts: Option<(&'a str, &'a str)>, place| {
        let parts = parts.filter(|(_, route)| !route.is_empty());
        parts.map(|(id, route)| Claim { route, id, place, binding: false })
    };
    let routes = |value: Option<&'a str>| match settings.stickysessionsep {
        Separator::Off => [value.map(|route| ("", route)), None],
        Separator::At(separator) => [
            value.and_then(|value| value.split_once(separator)),
            value.and_then(|value| value.rsplit_once(separator)),
        ],
    };
    let [url_first, url_last] = routes(parameter(ask.url, &sticky.path));
    let [cookie_first, cookie_last] =
        routes(ask.cookies.iter().find_map(|line| cookie(line, &sticky.cookie)));
    [
        claim(url_first, Place::Url),
        claim(url_last, Place::Url),
        claim(cookie_first, Place::Cookie),
        claim(cookie_last, Place::Cookie),
    ]
}

/// The first value, not empty, of the parameter `name` in path or query. In the path it ends at `/` too.
fn parameter<'a>(url: &'a str, name: &str) -> Option<&'a str> {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let in_path = path.split(['/', ';', '&']);
    let in_query = query.split(['&', ';', '?']);
    in_path.chain(in_query).find_map(|pair| value_of(pair, name))
}

/// The first value, not empty, of the cookie `name` in one line.
fn cookie<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.split([';', ',']).find_map(|pair| value_of(pair, name))
}

/// The value of `name = "value"`, without blanks and quotes; none if it is empty or another name's.
fn value_of<'a>(pair: &'a str, name: &str) -> Option<&'a str> {
    let (found, value) = pair.split_once('=')?;
    let value = value.trim_matches(|c| c == '"' || is_c_space(c));
    (found.trim_matches(is_c_space) == name && !value.is_empty()).then_some(value)
}

/// What C calls white space.
fn is_c_space(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r')
}

fn without_first(text: &str) -> &str {
    let mut characters = text.chars();
    characters.next();
    characters.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_in_urls_to_the_letter() {
        for (name, url, semicolon, value) in [
            ("query", "/?sid=x.c", false, Some("x.c")),
            ("second in query", "/?a=1&sid=x.c&k=2", false, Some("x.c")),
            ("path parameter", "/p;sid=x.c?q=1", false, Some("x.c")),
            ("a slash does not end it", "/p;sid=x.c/more", true, Some("x.c/more")),
            ("a semicolon only ends it if told", "/p;sid=x.c;k=1", false, Some("x.c;k=1")),
            ("and then it does", "/p;sid=x.c;k=1", true, Some("x.c")),
            ("part of another name", "/?mysid=x.c", false, Some("x.c")),
            ("goes on behind a hit without =", "/sidx?sid=x.c", false, Some("x.c")),
            ("one character behind it", "/sidsid=x.c", false, None),
            ("leading delimiters are skipped", "/?sid=&k=1", false, Some("k=1")),
            ("nothing but delimiters", "/?sid=&&", false, None),
            ("empty at the very end is absent", "/?sid=", false, None),
            ("name at the very end", "/?sid", false, None),
            ("other characters than ASCII", "/é?sidé&sid=é.c", false, Some("é.c")),
        ] {
            assert_eq!(literal_in_url(url, "sid", semicolon), value, "{name}");
        }
    }

    #[test]
    fn values_in_cookies_to_the_letter() {
        for (name, lines, value) in [
            ("plain", &["SID=x.c"][..], Some("x.c")),
            ("behind another", &["A=1; SID=x.c; B=2"], Some("x.c")),
            ("behind a comma, up to a comma", &["A=1,SID=x.c,B=1"], Some("x.c")),
            ("part of another name", &["XSID=x.b; SID=x.c"], Some("x.c")),
            ("blanks before =, and those behind it are kept", &["SID \t= x.c"], Some(" x.c")),
            ("blanks behind the value are kept", &["SID=x.c ; B=1"], Some("x.c ")),
            ("quotes are kept", &["SID=\"x.c\""], Some("\"x.c\"")),
            ("empty ends the search", &["SID=; SID=x.c"], Some("")),
            ("empty at the very end is absent", &["SID="], None),
            ("empty at the end of a line, as joined", &["SID=", "SID=x.c"], Some("")),
            ("second line", &["A=1", "SID=x.c"], Some("x.c")),
            ("first of two", &["SID=x.b; SID=x.c"], Some("x.b")),
            ("no value, then one", &["SID; B=1; SID=x.c"], Some("x.c")),
            ("no value, then one behind a blank", &["SID; SID=x.c"], Some("x.c")),
            ("no value, then one behind a semicolon", &["SID;;SID=x.c"], Some("x.c")),
            ("no value, then one behind a comma", &["SID;,SID=x.c"], Some("x.c")),
            ("no value, then part of another name", &["SID;xSID=x.c"], None),
            ("small letters are another name", &["sid=x.c"], None),
            ("nothing", &[], None),
        ] {
            assert_eq!(literal_in_cookies(lines, "SID"), value, "{name}");
        }
    }

    #[test]
    fn values_read_again() {
        for (name, url, value) in [
            ("the slash ends it", "/p;sid=x.c/more", Some("x.c")),
            ("the semicolon ends it", "/p;sid=x.c;k=1", Some("x.c")),
            ("a slash in the query does not", "/?sid=a/x.c", Some("a/x.c")),
            ("another name", "/?mysid=x.c", None),
            ("empty is absent", "/?sid=&sid=x.c", Some("x.c")),
            ("quotes and blanks", "/?sid= \"x.c\" ", Some("x.c")),
            ("a segment of the path", "/sid=x.c/more", Some("x.c")),
        ] {
            assert_eq!(parameter(url, "sid"), value, "{name}");
        }
        assert_eq!(cookie("A=1; SID = \"x.c\" ;B", "SID"), Some("x.c"));
        assert_eq!(cookie("SID=\"\"; SID=x.c", "SID"), Some("x.c"));
        assert_eq!(cookie("XSID=x.c", "SID"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(
            url in "[ /?&;=.\"sidx\u{e9}]{0,24}",
            lines in prop::collection::vec("[ ,;=.\"SIDx\u{e9}\t]{0,24}", 0..3),
            separator in prop::option::of(prop::char::range('!', '~')),
            scolonpathdelim: bool,
        ) {
            let cookies: Vec<&str> = lines.iter().map(String::as_str).collect();
            let ask = Ask { url: &url, cookies: &cookies, ..Ask::default() };
            let stickysessionsep = separator.map_or(Separator::Off, Separator::At);
            let settings = BalancerSettings { stickysessionsep, scolonpathdelim, ..BalancerSettings::default() };
            let sticky = StickySession { cookie: "SID".to_owned(), path: "sid".to_owned() };
            let found = literal(&sticky, &settings, &ask);
            let again = tolerant(&sticky, &settings, &ask);
            for claim in found.into_iter().chain(again.into_iter().flatten()) {
                let within = url.contains(claim.route) || cookies.iter().any(|line| line.contains(claim.route));
                prop_assert!(within, "a route is part of what the client wrote: {:?}", claim);
            }
        }
    }
}
