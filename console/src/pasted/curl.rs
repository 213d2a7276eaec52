//! A `curl` command, as people write it and the tools of browsers copy it.

use evenkeel_protocol::clean::clean;

use super::{Line, Pasted, header, is_url};

/// Does a command begin with this word?
pub(super) fn is_curl(word: &str) -> bool {
    matches!(word.rsplit(['/', '\\']).next(), Some("curl" | "curl.exe"))
}

/// Options of curl with a value that says nothing of cookies and the URL, as browsers and people write them.
const VALUED: &[&str] = &[
    "cacert",
    "cert",
    "connect-timeout",
    "connect-to",
    "cookie-jar",
    "data",
    "data-ascii",
    "data-binary",
    "data-raw",
    "data-urlencode",
    "form",
    "interface",
    "json",
    "key",
    "max-time",
    "output",
    "proxy",
    "range",
    "referer",
    "request",
    "resolve",
    "retry",
    "unix-socket",
    "upload-file",
    "user",
    "user-agent",
    "write-out",
];

/// The same without a value.
const PLAIN: &[&str] = &[
    "compressed",
    "fail",
    "globoff",
    "head",
    "http1.0",
    "http1.1",
    "http2",
    "include",
    "insecure",
    "ipv4",
    "ipv6",
    "location",
    "path-as-is",
    "show-error",
    "silent",
    "verbose",
];

/// The letters of those options.
const VALUED_LETTERS: &str = "AcdEeFmorTuUwXx";
const PLAIN_LETTERS: &str = "#046fgIikLNnOsSv";

/// What it would send.
///
/// # Errors
///
/// What of it is not read here.
pub(super) fn curl(text: &str) -> Result<Pasted, String> {
    let unread = |what: &str| {
        format!(
            "the curl command has {}, which is not read here; paste its cookie and its URL",
            clean(what, 40)
        )
    };
    if let Some(odd) = ["$'", "^\""].into_iter().find(|odd| text.contains(odd)) {
        return Err(unread(&format!("quotes of the kind {odd}")));
    }
    let words = shlex::split(alone(text)?).ok_or("a quote of the curl command is not closed")?;
    let mut pasted = Pasted::default();
    // A line that goes on on the next one leaves a blank, on Windows a ^ before it.
    let mut words = words.iter().map(|word| word.trim()).filter(|word| !["", "^"].contains(word)).skip(1);
    while let Some(word) = words.next() {
        let (option, value) = match (word.strip_prefix("--"), word.strip_prefix('-')) {
            (Some(name), _) if PLAIN.contains(&name) || name.starts_with("no-") => continue,
            (Some(name), _) => (name, words.next()),
            (None, Some(letters)) => {
                let end = letters.find(|letter| !PLAIN_LETTERS.contains(letter));
                let Some((letter, rest)) = end.and_then(|at| letters.get(at..)).and_then(first_letter) else {
                    continue;
                };
                let value = if rest.is_empty() { words.next() } else { Some(rest.trim_start()) };
                let name = match letter {
                    "b" => "cookie",
                    "H" => "header",
                    _ if VALUED_LETTERS.contains(letter) => continue,
                    _ => return Err(unread(word)),
                };
                (name, value)
            }
            (None, None) => ("url", Some(word)),
        };
        match (option, value) {
            (_, None) => return Err(format!("the curl command ends behind {}", clean(word, 40))),
            ("cookie", Some(value)) if !value.contains('=') => {
                return Err(unread("a file of cookies"));
            }
            ("cookie", Some(value)) => pasted.send(value)?,
            ("header", Some(value)) => {
                if let Some((Line::Cookie, value)) = header(value) {
                    pasted.send(value)?;
                }
            }
            ("url", Some(url)) if is_url(url) => pasted.ask(url.to_owned())?,
            ("url", Some(url)) => pasted.ask(format!("http://{url}"))?,
            (name, Some(_)) if VALUED.contains(&name) => {}
            _ => return Err(unread(word)),
        }
    }
    Ok(pasted)
}

/// The command without what a shell would make of its answer.
///
/// # Errors
///
/// Another command follows, or what looks so.
fn alone(text: &str) -> Result<&str, String> {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        let (front, rest) = text.split_at(at);
        match (quote, c) {
            _ if escaped => escaped = false,
            (None | Some('"'), '\\') => escaped = true,
            (Some(open), _) => quote = quote.filter(|_| open != c),
            (None, '\'' | '"') => quote = Some(c),
            (None, '|') if !rest.starts_with("||") => return Ok(front),
            (None, '>') => return Ok(front.trim_end_matches(|c: char| c.is_ascii_digit() || c == '&')),
            (None, '&') if rest.starts_with("&>") => return Ok(front),
            (None, '&' | ';' | '|') => {
                let end = ["&&", "||", "&"].into_iter().find(|end| rest.starts_with(end)).unwrap_or(";");
                return Err(format!(
                    "{end} stands outside of quotes, where a shell ends the curl command; paste the command up to it, \
                     or put its URL into quotes"
                ));
            }
            _ => {}
        }
    }
    Ok(text)
}

fn first_letter(letters: &str) -> Option<(&str, &str)> {
    letters.split_at_checked(letters.chars().next()?.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_does_with_the_answer_is_no_part_of_the_request() {
        for text in [
            "curl http://h/two -b SID=abc.c | jq .a",
            "curl -b 'SID=abc.c' http://h/two>x",
            "curl -b 'SID=abc.c' http://h/two 2>/dev/null",
            "curl -b 'SID=abc.c' http://h/two &> x",
            "curl -b \"SID=abc.c\" ^  http://h/two",
            "curl -b SID=abc.c \\  http://h/two",
        ] {
            let pasted = curl(text).unwrap_or_else(|why| panic!("{text}: {why}"));
            assert_eq!(
                (pasted.url.as_deref(), pasted.pairs),
                (Some("http://h/two"), vec!["SID=abc.c".to_owned()])
            );
        }
        let quoted = curl("curl 'http://h/two?a=1&b=2;c|d>e' -H \"x: \\\"&\"").unwrap();
        assert_eq!(quoted.url.as_deref(), Some("http://h/two?a=1&b=2;c|d>e"));
        for (text, end) in [
            ("curl http://h/ && echo ok", "&&"),
            ("curl http://h/ || exit", "||"),
            ("curl http://h/; ls", ";"),
            ("curl http://h/?a=1&b=2", "&"),
            ("curl http://h/x;jsessionid=abc.c", ";"),
        ] {
            let why = curl(text).unwrap_err();
            assert!(why.starts_with(&format!("{end} stands outside of quotes")), "{text}: {why}");
        }
    }
}
