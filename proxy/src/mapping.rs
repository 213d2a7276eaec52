//! Which balancer a path goes to: `ProxyPass` lines in order, the first that fits wins, `!` sends to nobody.
//!
//! A line is chosen as httpd chooses it: `%XX` is decoded and a run of slashes counts as one while comparing, so
//! that neither leads around an exception. What the member receives is the path of the request behind the prefix,
//! byte for byte; nothing is decoded and encoded again. An exception also holds for paths that only parameters
//! (`;x=y`) tell from those it names. Paths whose meaning could differ between here and the
//! member (dot segments, encoded slashes) never come that far: see [`check_path`].
//!
//! ```text
//! ProxyPass /app/private !
//! ProxyPass /app balancer://a/v1        /app/x%20y   → a, /v1/x%20y
//! ProxyPass /    balancer://b/          /application → b, /application
//! ```

use std::borrow::Cow;

use memchr::memchr2;

/// One `ProxyPass` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The path and, at a boundary, all below it; starts with `/`. Compared with the decoded path of requests.
    pub path: String,
    /// Where it leads.
    pub target: Target,
}

/// Where a mapping leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// `!`: nowhere.
    Nobody,
    /// To a balancer.
    Balancer {
        /// Its place in the configuration.
        index: usize,
        /// The path behind its name, empty or starting with `/`; stands before the rest of the request's path.
        path: String,
    },
}

/// All mappings of a site.
#[derive(Debug, Clone, Default)]
pub struct Mappings(Vec<Mapping>);

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'p> {
    /// The number of the line that was chosen, see [`Mappings::path`].
    pub mapping: usize,
    /// The balancer's place in the configuration.
    pub balancer: usize,
    /// The path for the member, behind the path of its own URL; starts with `/`.
    pub path: Cow<'p, str>,
}

impl Mappings {
    /// Mappings in the order in which to try them.
    pub fn new(mappings: Vec<Mapping>) -> Self {
        Self(mappings)
    }

    /// The path of the line with this number.
    pub fn path(&self, mapping: usize) -> &str {
        self.0.get(mapping).map_or("/", |mapping| mapping.path.as_str())
    }

    /// The target of a path that [`check_path`] lets through, without its query; none if no line fits, or one with
    /// `!` comes first.
    pub fn find<'p>(&self, path: &'p str) -> Option<Found<'p>> {
        let (number, mapping, rest) = self.decide(path)?;
        match &mapping.target {
            Target::Nobody => None,
            Target::Balancer { index, path: target } => {
                Some(Found { mapping: number, balancer: *index, path: join(target, path, rest) })
            }
        }
    }

    /// The number of the line that decides about a path, be it one with `!`; none if no line fits.
    pub fn decisive(&self, path: &str) -> Option<usize> {
        self.decide(path).map(|(number, ..)| number)
    }

    /// The line that decides, and where in the path the part behind its prefix starts.
    fn decide(&self, path: &str) -> Option<(usize, &Mapping, usize)> {
        // Many members drop path parameters, so these must not lead around an exception.
        let bare = without_parameters(path);
        let excluded = |mapping: &Mapping| {
            mapping.target == Target::Nobody && matches!(bare, Cow::Owned(_)) && covers(&mapping.path, &bare)
        };
        self.0.iter().enumerate().find_map(|(number, mapping)| {
            let rest = behind(&mapping.path, path);
            let rest = rest.or_else(|| excluded(mapping).then_some(path.len()));
            rest.map(|rest| (number, mapping, rest))
        })
    }
}

/// A path without what stands behind a semicolon in each of its segments.
pub fn without_parameters(path: &str) -> Cow<'_, str> {
    if memchr2(b';', b'%', path.as_bytes()).is_none() {
        return Cow::Borrowed(path);
    }
    let encoded = path.as_bytes().windows(3).any(|bytes| bytes.eq_ignore_ascii_case(b"%3b"));
    if !encoded && !path.contains(';') {
        return Cow::Borrowed(path);
    }
    let path = path.replace("%3b", ";").replace("%3B", ";");
    let bare: Vec<&str> =
        path.split('/').map(|segment| segment.split(';').next().unwrap_or_default()).collect();
    Cow::Owned(bare.join("/"))
}

/// Does `path` lie at or below `prefix`, compared as mappings are?
pub fn covers(prefix: &str, path: &str) -> bool {
    behind(prefix, path).is_some()
}

/// Where in `path` the part behind `prefix` starts, if it lies at or below it (httpd: `alias_match` of `mod_proxy`).
///
/// Any number of slashes fits any number but none; other bytes are compared decoded. The prefix must end with a
/// slash, or at one. Of several slashes behind a prefix without one, only the last belongs to the rest.
fn behind(prefix: &str, path: &str) -> Option<usize> {
    let (mut wanted, mut rest) = (prefix.as_bytes(), path.as_bytes());
    while let Some((first, others)) = wanted.split_first() {
        if *first == b'/' {
            if rest.first() != Some(&b'/') {
                return None;
            }
            wanted = without_slashes(wanted);
            rest = without_slashes(rest);
        } else {
            let (byte, width) = decoded(rest)?;
            if byte != *first || byte == b'/' {
                return None;
            }
            wanted = others;
            rest = rest.get(width..)?;
        }
    }
    if prefix.ends_with('/') || rest.is_empty() {
        return Some(path.len() - rest.len());
    }
    let merged = without_slashes(rest);
    (merged.len() < rest.len()).then(|| path.len() - merged.len() - 1)
}

fn without_slashes(bytes: &[u8]) -> &[u8] {
    let slashes = bytes.iter().take_while(|byte| **byte == b'/').count();
    bytes.get(slashes..).unwrap_or_default()
}

/// The first byte of a path, decoded, and how many bytes it takes; none at the end.
fn decoded(bytes: &[u8]) -> Option<(u8, usize)> {
    match bytes {
        [b'%', high, low, ..] => match (hex(*high), hex(*low)) {
            (Some(high), Some(low)) => Some((high * 16 + low, 3)),
            _ => Some((b'%', 1)),
        },
        [first, ..] => Some((*first, 1)),
        [] => None,
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// `target` and what stands in `path` from `rest` on; borrowed where the request has the very bytes.
fn join<'a>(target: &str, path: &'a str, rest: usize) -> Cow<'a, str> {
    let tail = path.get(rest..).unwrap_or_default();
    match target {
        "" if tail.starts_with('/') => Cow::Borrowed(tail),
        "" | "/" if tail.is_empty() => Cow::Borrowed("/"),
        // The slash that the prefix ends with stands right before.
        "" | "/" if !tail.starts_with('/') => match rest.checked_sub(1).and_then(|at| path.get(at..)) {
            Some(with_slash) if with_slash.starts_with('/') => Cow::Borrowed(with_slash),
            _ => Cow::Owned(format!("/{tail}")),
        },
        target => Cow::Owned(format!("{target}{tail}")),
    }
}

/// Refuses paths that may mean one thing here and another to a member, so that an exception could be walked round:
/// the answer is 400, with the reason.
///
/// Refused are what does not start with a slash, broken `%XX`, control characters, NUL and encoded slashes, and
/// segments that are `.` or `..` up to a semicolon, encoded or not. (httpd resolves dot segments, clients do so too
/// before they ask; it answers 404 to encoded slashes and NUL.)
pub fn check_path(path: &str) -> Result<(), &'static str> {
    let bytes = path.as_bytes();
    if bytes.first() != Some(&b'/') {
        return Err("the path does not start with /");
    }
    // Most paths have nothing that could mean anything else. (All bytes are looked at, several at a time.)
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() | matches!(byte, b'/' | b'-' | b'_');
    if bytes.iter().fold(true, |plain, byte| plain & is_plain(byte)) {
        return Ok(());
    }
    let mut at = 0;
    // Of the segment so far: how many dots, if there is nothing else up to a semicolon.
    let mut dots = Some(0_u32);
    let mut ended = false;
    while let Some((byte, width)) = bytes.get(at..).and_then(decoded) {
        match (byte, width) {
            (b'%', 1) => return Err("the path has a % without two hexadecimal digits"),
            (0, _) => return Err("the path has a NUL character"),
            (b'/', 3) => return Err("the path has an encoded slash"),
            (b'/', _) => {
                if matches!(dots, Some(1 | 2)) {
                    return Err("the path has a dot segment");
                }
                (dots, ended) = (Some(0), false);
            }
            (control, 1) if control.is_ascii_control() || control == b' ' => {
                return Err("the path has a blank or a control character");
            }
            (b';', _) => ended = true,
            _ if ended => {}
            (b'.', _) => dots = dots.map(|dots| dots.saturating_add(1)),
            _ => dots = None,
        }
        at += width;
    }
    if matches!(dots, Some(1 | 2)) { Err("the path has a dot segment") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(path: &str, index: usize, target: &str) -> Mapping {
        Mapping { path: path.to_owned(), target: Target::Balancer { index, path: target.to_owned() } }
    }

    fn nobody(path: &str) -> Mapping {
        Mapping { path: path.to_owned(), target: Target::Nobody }
    }

    fn find(mappings: &[Mapping], path: &str) -> Option<(usize, String)> {
        let mappings = Mappings::new(mappings.to_vec());
        mappings.find(path).map(|found| (found.balancer, found.path.into_owned()))
    }

    /// What httpd 2.4.71 did with these lines, seen by the backend; `-` is its 404.
    #[test]
    fn lines_are_chosen_and_joined_as_in_httpd() {
        let site = [
            to("/app", 0, ""),
            to("/slash/", 0, "/"),
            to("/mix", 0, "/"),
            to("/sub", 0, "/deep"),
            to("/sub2", 0, "/deep/"),
            nobody("/exc/no"),
            to("/exc", 0, ""),
            nobody("/sexc/no/"),
            to("/sexc/", 0, "/"),
            to("/sp ace", 0, ""),
            to("/up%20x", 0, ""),
            to("/dbl//y", 0, ""),
        ];
        for (path, expected) in [
            ("/", "-"),
            ("/app", "/"),
            ("/app/", "/"),
            ("/app/x", "/x"),
            ("/application", "-"),
            ("/app//x", "/x"),
            ("/app///x/", "/x/"),
            ("//app/x", "/x"),
            ("/%61pp/x", "/x"),
            ("/app.", "-"),
            ("/app;x=1", "-"),
            ("/app%3Fx", "-"),
            ("/slash", "-"),
            ("/slash/", "/"),
            ("/slash/x", "/x"),
            ("/mix", "/"),
            ("/mix/", "//"),
            ("/mix/x", "//x"),
            ("/mixture", "-"),
            ("/sub", "/deep"),
            ("/sub/a", "/deep/a"),
            ("/subway", "-"),
            ("/sub2", "/deep/"),
            ("/sub2/a", "/deep//a"),
            ("/exc", "/"),
            ("/exc/x", "/x"),
            ("/exc/no", "-"),
            ("/exc/no/", "-"),
            ("/exc/no/x", "-"),
            ("/exc/nothing", "/nothing"),
            ("/exc/%6eo", "-"),
            ("/exc/%6Eo/x", "-"),
            ("/exc//no", "-"),
            ("//exc///no", "-"),
            ("/exc/NO", "/NO"),
            ("/sexc/no", "/no"),
            ("/sexc/no/", "-"),
            ("/sexc/nox", "/nox"),
            ("/sp%20ace/x", "/x"),
            ("/up%20x/a", "-"),
            ("/up%2520x/a", "/a"),
            ("/dbl//y/q", "/q"),
            ("/dbl/y/q", "/q"),
        ] {
            let found = find(&site, path).map_or("-".to_owned(), |(_, path)| path);
            assert_eq!(found, expected, "{path}");
        }
    }

    #[test]
    fn what_is_behind_the_prefix_stays_as_it_came() {
        let site = [to("/app", 0, ""), to("/v", 0, "/v1"), to("/", 1, "/")];
        for (path, index, expected) in [
            ("/app/a%20b%7e//c;d=%3b", 0, "/a%20b%7e//c;d=%3b"),
            ("/v/%C3%A9", 0, "/v1/%C3%A9"),
            ("/x//y", 1, "/x//y"),
            ("/%7ex", 1, "/%7ex"),
            ("//x", 1, "/x"),
        ] {
            assert_eq!(find(&site, path), Some((index, expected.to_owned())), "{path}");
        }
    }

    #[test]
    fn a_missing_slash_between_name_and_rest_is_put_in() {
        let site = [to("/mix/", 0, ""), to("/", 1, "")];
        assert_eq!(find(&site, "/mix/x"), Some((0, "/x".to_owned())));
        assert_eq!(find(&site, "/x/y"), Some((1, "/x/y".to_owned())));
        assert_eq!(find(&site, "/"), Some((1, "/".to_owned())));
    }

    #[test]
    fn the_common_lines_copy_nothing() {
        let mappings = Mappings::new(vec![to("/app", 0, ""), to("/", 1, "/")]);
        for path in ["/app", "/app/x", "/", "/x/y"] {
            assert!(matches!(mappings.find(path).unwrap().path, Cow::Borrowed(_)), "{path}");
        }
    }

    #[test]
    fn the_first_line_that_fits_wins() {
        let site = [to("/a", 0, ""), to("/a/b", 1, ""), nobody("/"), to("/c", 2, "")];
        assert_eq!(find(&site, "/a/b/c").unwrap().0, 0);
        assert_eq!(find(&site, "/c"), None);
        assert_eq!(find(&[], "/"), None);
    }

    #[test]
    fn paths_with_two_meanings_are_refused() {
        for path in [
            "/",
            "/a",
            "/a/",
            "//a",
            "/a.b/..c/...",
            "/a%20b",
            "/%2e.x",
            "/a;.",
            "/.well-known",
            "/é",
            "/a;b/c",
        ] {
            assert_eq!(check_path(path), Ok(()), "{path}");
        }
        for path in [
            "",
            "*",
            "a",
            "/.",
            "/..",
            "/./a",
            "/a/../b",
            "/a/..",
            "/%2e",
            "/a/%2E%2e/b",
            "/a/.%2e",
            "/..;/b",
            "/..;x=1/b",
            "/..%3b/b",
            "/.;",
            "/a%2fb",
            "/a%2F",
            "/a%00",
            "/a%",
            "/a%2",
            "/a%zz",
            "/a\0",
            "/a\nb",
            "/a b",
            "/a\u{7f}",
        ] {
            assert!(check_path(path).is_err(), "{path:?}");
        }
    }

    proptest::proptest! {
        /// Writing a path differently leads to no other line: no way around an exception.
        #[test]
        fn spelling_does_not_choose(
            segments in proptest::collection::vec("[a-c]{1,2}", 1..5),
            spelling in proptest::collection::vec(0..4_u8, 1..20),
        ) {
            let site = [nobody("/a/b"), to("/a", 0, ""), nobody("/b/"), to("/", 1, "/")];
            let plain = format!("/{}", segments.join("/"));
            let mut choices = spelling.iter().cycle();
            let spelled: String = plain
                .chars()
                .map(|c| match (c, choices.next()) {
                    ('/', Some(3)) => "//".to_owned(),
                    ('/', _) => "/".to_owned(),
                    (c, Some(2)) => format!("%{:02x}", u32::from(c)),
                    (c, Some(3)) => format!("%{:02X}", u32::from(c)),
                    (c, _) => c.to_string(),
                })
                .collect();
            let line = |path: &str| find(&site, path).map(|(index, _)| index);
            proptest::prop_assert_eq!(line(&spelled), line(&plain), "{}", spelled);
        }

        #[test]
        fn any_path_is_judged_without_panic(path in "(?s)[/a%2.;é]{0,20}|(?s).{0,20}") {
            let _ = check_path(&path);
            let site = [nobody("/a/é"), to("/a", 0, ""), to("/", 1, "/")];
            if let Some((_, path)) = find(&site, &path) {
                proptest::prop_assert!(path.starts_with('/'));
            }
        }
    }
}
