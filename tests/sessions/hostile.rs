//! Sessions as strangers write them: what is no session, or one of nobody, is no more than that, as in httpd.

use std::net::SocketAddr;

use harness::prelude::*;

use crate::beside::text;

/// Status, and who answered if the session decided it.
fn decision(to: SocketAddr, head: &[u8]) -> String {
    let asked = [&b"GET "[..], head, b"\r\nHost: x\r\nConnection: close\r\n\r\n"].concat();
    let seen = raw(to, &asked);
    let answer = Head::read(&mut &seen[..]).unwrap().unwrap();
    match (answer.word(1), answer.header("x-changed")) {
        ("200", Some("(null)")) => answer.header("x-answered-by").unwrap_or_default().to_owned(),
        ("200", _) => "free".to_owned(),
        (status, _) => status.to_owned(),
    }
}

#[test]
fn strange_cookies_and_targets_lead_where_they_lead_in_httpd() {
    let backends = backends(["1", "2", "3"]);
    let text = text(&backends, "stickysession=SID|sid");
    let (ours, theirs) = (proxy(&text), httpd(&text));
    let long = [&b"/ HTTP/1.1\r\nCookie: SID=x."[..], &[b'c'; 8000]].concat();
    let many = format!("/ HTTP/1.1\r\nCookie: {}SID=x.c", "a=b; ".repeat(1000));
    let rows: [(&[u8], &str); 19] = [
        (b"/ HTTP/1.1\r\nCookie: A=\xe9; SID=x.c", "3"),
        (b"/ HTTP/1.1\r\nCookie: SID=\xff.c", "3"),
        (b"/ HTTP/1.1\r\nCookie: SID=x.c\xe9", "free"),
        (b"/ HTTP/1.1\r\nCookie: A=1\r\nCookie: SID=x.c", "3"),
        (b"/ HTTP/1.1\r\nCookie: $Version=1; SID=x.c; $Path=/", "3"),
        (b"/ HTTP/1.1\r\nCookie: \tSID\t=x.c", "3"),
        (b"/ HTTP/1.1\r\nCookie: SID==x.c", "3"),
        (b"/ HTTP/1.1\r\nCookie: SID=x.c=d", "free"),
        (b"/ HTTP/1.1\r\nCookie: SID", "free"),
        (b"/ HTTP/1.1\r\nCookie: =;=;;,,SID=x.c", "3"),
        (b"/ HTTP/1.1\r\nCookie: SID=x.http://127.0.0.1:1/", "free"),
        (b"/ HTTP/1.1\r\nCookie: SID=x.../../c", "free"),
        (b"/ HTTP/1.1\r\nCookie: SID=x.%63", "free"),
        (b"/ HTTP/1.1\r\nCookie: SID=x.c%0d%0aX-In: 1", "free"),
        (b"/?sid=x.c%00 HTTP/1.1", "free"),
        (b"/?sid=x.c%0d%0aX-In:%201 HTTP/1.1", "free"),
        (b"/?sid=x.c?sid=x.b HTTP/1.1", "3"),
        (&long, "free"),
        (many.as_bytes(), "3"),
    ];
    for (head, wanted) in rows {
        let shown = String::from_utf8_lossy(&head[..head.len().min(60)]).into_owned();
        assert_eq!(decision(ours.address(), head), wanted, "ours: {shown}");
        if let Some(theirs) = &theirs {
            assert_eq!(decision(theirs.address(), head), wanted, "httpd's: {shown}");
        }
    }
    for bad in [&b"/ HTTP/1.1\r\nCookie: SID=x.c\0"[..], b"/ HTTP/1.1\r\nCookie: SID=x.c\rB"] {
        assert_eq!(decision(ours.address(), bad), "400", "{bad:?}");
    }
}

#[test]
fn what_would_end_a_cookie_is_refused_wherever_it_is_written() {
    let backends = backends(["1", "2", "3"]);
    let ours = proxy(text(&backends, "stickysession=SID|sid"));
    for route in
        [r#"{"route":"a;b"}"#, r#"{"route":"a\r\nX: y"}"#, r#"{"route":"a\u0000"}"#, r#"{"route":"a,b"}"#]
    {
        assert_eq!(ours.try_edit("app", "a", route).refusal().field.as_deref(), Some("route"), "{route}");
    }
    assert_eq!(ours.member("app", "a").route.as_str(), "a");
    let home = folder();
    let file = home.path().join("site.conf");
    for line in [
        "BalancerMember http://h \"route=a;b\"",
        "ProxySet \"stickysession=A;b\"",
        "ProxySet \"routecookie=a b\"",
        "ProxySet routecookie=R stickysessionsep=,",
        "Header set \"X;Y\" z",
        "Header set X \"a\\nb\"",
    ] {
        let text = format!("Listen 127.0.0.1:1\n<Proxy balancer://b>\n{line}\n</Proxy>\n");
        std::fs::write(&file, text).unwrap();
        assert_ne!(run(&evenkeel_proxy(), ["-t", "-f", &file.to_string_lossy()]).code, Some(0), "{line}");
    }
}
