//! Formats and the lines that httpd 2.4.71 wrote for the same requests in front of the same backend.

use std::net::{Ipv4Addr, SocketAddr};

use evenkeel_protocol::Timestamp;

use super::*;

type Lines = Vec<(&'static str, Vec<u8>)>;

#[derive(Default)]
struct Known {
    request: Lines,
    answer: Lines,
    variables: Lines,
}

fn all<'a>(lines: &'a Lines, name: &str) -> impl Iterator<Item = &'a [u8]> {
    lines.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value.as_slice())
}

impl Lookup for Known {
    fn request_field(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        all(&self.request, name)
    }

    fn answer_field(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        all(&self.answer, name)
    }

    fn variable(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        all(&self.variables, name).next().map(Cow::Borrowed)
    }
}

const NOBODY: &Known = &Known { request: Vec::new(), answer: Vec::new(), variables: Vec::new() };

/// A request as those which httpd was asked.
fn entry<'a>(line: &'a str, status: u16, lookup: &'a Known) -> Entry<'a, Known> {
    let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 40_701));
    let mut parts = line.split(' ');
    let request = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(method), Some(target), Some(protocol), None) => RequestLine::Understood {
            method: method.as_bytes(),
            target: target.as_bytes(),
            protocol: protocol.as_bytes(),
        },
        _ => RequestLine::Raw(line.as_bytes()),
    };
    Entry {
        client: Ipv4Addr::LOCALHOST.into(),
        peer: SocketAddr::from((Ipv4Addr::LOCALHOST, 52_652)),
        local,
        received: Timestamp(1_795_360_681_020_022),
        took_us: 1_310,
        request,
        first_status: status,
        status,
        body_bytes: 5,
        sent: 226,
        read: 142,
        earlier_requests: 0,
        connection: Connection::Kept,
        host: Some("foo.example"),
        server_name: "www.Example.com",
        server_port: 80,
        handler: Some("proxy-server"),
        user: None,
        lookup,
    }
}

fn render(format: &str, entry: &Entry<'_, Known>) -> String {
    let format = LogFormat::parse(format).unwrap();
    let mut scratch = format.scratch(&TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap());
    let mut out = Vec::new();
    format.render(entry, &mut scratch, &mut out);
    assert_eq!(out.pop(), Some(b'\n'));
    assert!(!out.contains(&b'\n'), "more than one line");
    String::from_utf8(out).unwrap()
}

#[track_caller]
fn check(format: &str, entry: &Entry<'_, Known>, line: &str) {
    assert_eq!(render(format, entry), line, "{format}");
}

fn fields(lines: &[(&'static str, &[u8])]) -> Lines {
    lines.iter().map(|(name, value)| (*name, value.to_vec())).collect()
}

/// An expected line with the mark of a hidden password in it.
fn shown(line: &str) -> String {
    line.replace("{hidden}", &"X".repeat(8))
}

#[test]
fn the_usual_formats() {
    let known =
        Known { request: fields(&[("referer", b"http://r/"), ("user-agent", b"ua")]), ..Known::default() };
    let asked = entry("GET /a/b?x=1 HTTP/1.1", 200, &known);
    let common = "127.0.0.1 - - [22/Nov/2026:16:18:01 +0100] \"GET /a/b?x=1 HTTP/1.1\" 200 5";
    check(LogFormat::COMMON, &asked, common);
    let combined = "%h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\"";
    let line = "127.0.0.1 - - [22/Nov/2026:16:18:01 +0100] \"GET /a/b?x=1 HTTP/1.1\" 200 226";
    check(combined, &asked, &format!("{line} \"http://r/\" \"ua\""));
    check(combined, &Entry { lookup: NOBODY, ..asked }, &format!("{line} \"-\" \"-\""));
}

#[test]
fn each_directive() {
    let asked = entry("GET /a/b?x=1 HTTP/1.1", 200, NOBODY);
    let none = Entry { body_bytes: 0, earlier_requests: 2, ..asked };
    for (format, line) in [
        ("%a %{c}a %{c}h %A %B %b", "127.0.0.1 127.0.0.1 127.0.0.1 127.0.0.1 5 5"),
        ("%k %L %p %{local}p %{remote}p %{canonical}p", "0 - 80 40701 52652 80"),
        (
            "m=%m H=%H U=%U q=%q R=%R s=%s >s=%>s <s=%<s X=%X v=%v V=%V u=%u",
            "m=GET H=HTTP/1.1 U=/a/b q=?x=1 R=proxy-server s=200 >s=200 <s=200 X=+ v=www.Example.com V=foo.example u=-",
        ),
        ("%D %T %{ms}T %{us}T %{s}T", "1310 0 1 1310 0"),
        ("%I %O %S", "142 226 368"),
        ("100%% tab\\tback\\\\nq\\qx\\", "100% tab\tback\\nq\\qx\\"),
        (
            "%400,501{User-agent}i|%!200,304{Referer}i|%200a|%200,!404s|%,,200s|%!!200s|%!200l",
            "-|-|127.0.0.1|-|200|200|-",
        ),
        (
            "%{sec}t %{msec}t %{usec}t %{msec_frac}t %{usec_frac}t",
            "1795360681 1795360681020 1795360681020022 020 020022",
        ),
        ("%{end:msec}t %{begin:msec}t", "1795360681021 1795360681020"),
        ("%{}t %{begin}t", "[22/Nov/2026:16:18:01 +0100] [22/Nov/2026:16:18:01 +0100]"),
        ("%{begin:}t %{end:%d/%b}t", "[22/Nov/2026:16:18:01 +0100] 22/Nov"),
        ("%{%d/%b/%Y %T}t.%{msec_frac}t %{%z}t|%{msec_fracx}t", "22/Nov/2026 16:18:01.020 +0100|msec_fracx"),
        ("%{%Y-%m-%dT%H:%M:%S%z usec_frac}t", "2026-11-22T16:18:01+0100 usec_frac"),
    ] {
        check(format, &asked, line);
    }
    check("%B %b %k", &none, "0 - 2");
    check("%s %>s %b", &Entry { first_status: 503, status: 302, ..asked }, "503 302 5");
    check("%s %>s", &Entry { first_status: 0, status: 0, ..asked }, "- -");
    check(
        "%X%V%R",
        &Entry { connection: Connection::Aborted, host: None, handler: None, ..asked },
        "Xwww.Example.com-",
    );
    check("%X", &Entry { connection: Connection::Closed, ..asked }, "-");
    check("%{end:%S}t %T", &Entry { took_us: 3_000_000, ..asked }, "04 3");
    let pid = std::process::id();
    check("%P %{pid}P", &asked, &format!("{pid} {pid}"));
    let [decimal, hexadecimal] = ["%{tid}P", "%{hextid}P"].map(|format| render(format, &asked));
    assert_eq!(u64::from_str_radix(&hexadecimal, 16).unwrap(), decimal.parse::<u64>().unwrap());
}

#[test]
fn requests_of_all_kinds() {
    let format = "\"%r\" m=%m H=%H U=%U q=%q";
    for (request, line) in [
        (
            "GET /c//d%22%c3%a9?q=%41\"x HTTP/1.1",
            r#""GET /c//d%22%c3%a9?q=%41\"x HTTP/1.1" m=GET H=HTTP/1.1 U=/c/d\"\xc3\xa9 q=?q=%41\"x"#,
        ),
        ("GET /?é HTTP/1.1", r#""GET /?\xc3\xa9 HTTP/1.1" m=GET H=HTTP/1.1 U=/ q=?\xc3\xa9"#),
        ("OPTIONS * HTTP/1.1", r#""OPTIONS * HTTP/1.1" m=OPTIONS H=HTTP/1.1 U=* q="#),
        ("GET /h HTTP/1.0", r#""GET /h HTTP/1.0" m=GET H=HTTP/1.0 U=/h q="#),
        (
            "GET http://user:secret@a/x?y HTTP/1.1",
            r#""GET http://user:{hidden}@a/x?y HTTP/1.1" m=GET H=HTTP/1.1 U=/x q=?y"#,
        ),
        ("GET /ctl\x01\x07\x08", r#""GET /ctl\x01\x07\b" m=GET H=HTTP/1.0 U=/ctl\x01\x07\b q="#),
        ("garbage", r#""garbage" m=garbage H=HTTP/1.0 U=/ q="#),
        ("\x16\x03\x01\x02", r#""\x16\x03\x01\x02" m=- H=HTTP/1.0 U=- q="#),
        ("", r#""-" m=- H=HTTP/1.0 U=- q="#),
    ] {
        check(format, &entry(request, 400, NOBODY), &shown(line));
    }
}

#[test]
fn passwords_are_hidden_where_they_are_passwords() {
    for (target, logged) in [
        ("http://u:p@a", "http://u:{hidden}@a"),
        ("http://u:@a/", "http://u:{hidden}@a/"),
        ("http://u:p@q:r@a/:@", "http://u:{hidden}@a/:@"),
        ("http://u@a:80/x:y@z", "http://u@a:80/x:y@z"),
        ("http://a:80/", "http://a:80/"),
        ("http://a?u:p@b", "http://a?u:p@b"),
        ("/x?to=http://u:p@a/", "/x?to=http://u:p@a/"),
        ("http://", "http://"),
    ] {
        let line = format!("GET {target} HTTP/1.1");
        check("%r", &entry(&line, 400, NOBODY), &format!("GET {} HTTP/1.1", shown(logged)));
        let raw = format!("GET {target} not a version");
        check("%r", &entry(&raw, 400, NOBODY), &format!("GET {} not a version", shown(logged)));
    }
}

#[test]
fn fields_cookies_and_variables() {
    let known = Known {
        request: fields(&[
            ("host", b"Foo.example:81"),
            ("x-q", b"a"),
            ("x-q", b"b\"\\\t\x80\xfe"),
            ("x-e", b""),
            ("cookie", b"foo=1; bar = 2 ; FOO=3"),
        ]),
        answer: fields(&[
            ("x-a", b"one"),
            ("x-a", b"two"),
            ("set-cookie", b"a=1"),
            ("set-cookie", b"b=2"),
            ("content-type", b"text/html; charset=x"),
            ("x-hi", b"q\"b\\s\tt\x80\xff"),
            ("x-e", b""),
        ]),
        variables: fields(&[("EMPTY", b""), ("BALANCER_WORKER_ROUTE", b"r1")]),
    };
    let asked = entry("GET / HTTP/1.1", 200, &known);
    for (format, line) in [
        (
            "%{X-Q}i|%{x-e}i|%{Cookie}i|%{Host}i|%{Nope}i",
            r#"a, b\"\\\t\x80\xfe||foo=1; bar = 2 ; FOO=3|Foo.example:81|-"#,
        ),
        (
            "%{X-A}o|%{Set-Cookie}o|%{Content-Type}o|%{X-Hi}o|%{X-E}o|%{Nope}o",
            r#"one|a=1, b=2|text/html|q\"b\\s\tt\x80\xff||-"#,
        ),
        ("%{foo}C|%{FOO}C|%{bar}C|%{fo}C", "1|1|2|-"),
        ("%{EMPTY}e|%{NOPE}e|%{BALANCER_WORKER_ROUTE}e", "|-|r1"),
    ] {
        check(format, &asked, line);
    }
}

#[test]
fn values_are_bounded_however_long_they_came() {
    let long = vec![b'a'; 3 * limits::LOG_VALUE];
    let known = Known {
        request: vec![("x", long.clone()), ("x", long.clone()), ("cookie", long.clone())],
        answer: vec![("set-cookie", long.clone()), ("x", long.clone())],
        variables: vec![("X", long.clone())],
    };
    let line = format!("GET /{} HTTP/1.1", String::from_utf8(long).unwrap());
    let asked = entry(&line, 200, &known);
    for format in ["%r", "%U", "%q", "%m", "%{x}i", "%{x}o", "%{Set-Cookie}o", "%{X}e", "%{cookie}i"] {
        let length = render(format, &asked).len();
        assert!(length <= limits::LOG_VALUE + "GET  HTTP/1.1".len(), "{format}: {length}");
    }
}

proptest::proptest! {
    #[test]
    fn any_request_is_one_line_of_plain_text(
        words in proptest::collection::vec(proptest::collection::vec(0_u8.., 0..40), 3),
        is_understood: bool,
    ) {
        let known = Known {
            request: vec![("cookie", words[0].clone()), ("x", words[1].clone())],
            answer: vec![("content-type", words[2].clone())],
            variables: vec![("X", words[0].clone())],
        };
        let line = words.concat();
        let request = if is_understood {
            RequestLine::Understood { method: &words[0], target: &words[1], protocol: &words[2] }
        } else {
            RequestLine::Raw(&line)
        };
        let asked = Entry { request, ..entry("", 200, &known) };
        let line = render("%r %U %q %m %H %{x}i %{a}C %{Content-Type}o %{X}e", &asked);
        proptest::prop_assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
    }
}
