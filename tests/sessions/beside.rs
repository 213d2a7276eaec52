//! Each form of a session that the reference lists, before our proxy and before a real httpd: who is chosen, whether by
//! the session, and what the variables say of it.

use std::net::SocketAddr;

use harness::prelude::*;

/// Three members with routes a, b and c, whose answers tell how they were chosen.
pub(crate) fn text(backends: &[Backend; 3], settings: &str) -> String {
    let lines: Vec<String> = backends
        .iter()
        .zip(["a", "b", "c"])
        .map(|(backend, route)| format!("BalancerMember {backend} route={route}\n"))
        .collect();
    format!(
        "<Proxy balancer://app>\n{}ProxySet {settings}\n</Proxy>\nProxyPass / balancer://app/\n\
         Header set X-Changed %{{BALANCER_ROUTE_CHANGED}}e\n\
         Header set X-Session \"%{{BALANCER_SESSION_STICKY}}e %{{BALANCER_SESSION_ROUTE}}e\"\n",
        lines.concat()
    )
}

/// The member that a session led to, or `free`; and name and route of the session as the variables tell them.
pub(crate) fn decision(to: SocketAddr, cookie: &str, target: &str) -> (String, String) {
    let mut client = browser();
    if !cookie.is_empty() {
        client = client.header("Cookie", cookie);
    }
    let answer = client.try_send(to, "GET", target, b"").unwrap();
    let header = |name: &str| answer.head.header(name).unwrap_or_default().to_owned();
    // It is set for whoever was not led to the member of the route that was asked for.
    let by_session = header("x-changed") == "(null)";
    (if by_session { answer.answered_by() } else { "free".to_owned() }, header("x-session"))
}

/// Rows of cookie, target, decision and session, alike in both.
#[track_caller]
fn check(settings: &str, rows: &[(&str, &str, &str, &str)]) {
    let backends = backends(["1", "2", "3"]);
    let text = text(&backends, settings);
    let ours = proxy(&text);
    let theirs = httpd(&text);
    for (cookie, target, decided, session) in rows {
        let wanted = ((*decided).to_owned(), (*session).to_owned());
        assert_eq!(decision(ours.address(), cookie, target), wanted, "ours: {cookie:?} {target}");
        if let Some(theirs) = &theirs {
            assert_eq!(decision(theirs.address(), cookie, target), wanted, "httpd's: {cookie:?} {target}");
        }
    }
}

const NONE: &str = "(null) (null)";

#[test]
fn cookies() {
    check(
        "stickysession=SID|sid",
        &[
            ("", "/", "free", NONE),
            ("SID=x.c", "/", "3", "SID c"),
            ("SID=c", "/", "free", NONE),
            ("SID=.c", "/", "3", "SID c"),
            ("SID=x.", "/", "free", "SID"),
            ("XSID=x.b; SID=x.c", "/", "3", "SID c"),
            ("A=1,SID=x.c", "/", "3", "SID c"),
            ("SID=x.c,B=1", "/", "3", "SID c"),
            ("SID = x.c", "/", "3", "SID c"),
            ("sid=x.c", "/", "free", NONE),
            ("", "/?SID=x.c", "free", NONE),
            ("SID=x.C", "/", "free", "SID C"),
            ("SID=x.b; SID=x.c", "/", "2", "SID b"),
            ("SID=x.zz", "/", "free", "SID zz"),
            ("SID=x.b,zz", "/", "2", "SID b"),
        ],
    );
}

#[test]
fn queries_and_path_parameters() {
    check(
        "stickysession=SID|sid",
        &[
            ("", "/?sid=x.c", "3", "sid c"),
            ("", "/?a=1&sid=x.c&k=2", "3", "sid c"),
            ("", "/p;sid=x.c", "3", "sid c"),
            ("", "/p;sid=x.c?q=1", "3", "sid c"),
            ("", "/?mysid=x.c", "3", "sid c"),
            ("", "/sid=x.c", "3", "sid c"),
            ("SID=x.b", "/?sid=x.c", "3", "sid c"),
            ("SID=x.b", "/p;sid=x.c", "3", "sid c"),
            ("", "/?sid=x%2Ec", "free", NONE),
            ("", "/?sid=x.zz", "free", "sid zz"),
            ("", "/?sid=&k=1", "free", NONE),
        ],
    );
}

#[test]
fn one_name_serves_for_both() {
    check(
        "stickysession=SID",
        &[
            ("SID=x.c", "/", "3", "SID c"),
            ("", "/?SID=x.b", "2", "SID b"),
            ("", "/p;SID=x.a", "1", "SID a"),
            ("sid=x.c", "/", "free", NONE),
        ],
    );
}

#[test]
fn a_semicolon_ends_a_path_parameter_if_it_is_told_to() {
    check(
        "stickysession=SID|sid scolonpathdelim=On",
        &[
            ("", "/p;sid=x.c;k=1", "3", "sid c"),
            ("", "/p;sid=x.c?q=;1", "3", "sid c"),
            ("", "/?sid=x.c;k", "3", "sid c"),
        ],
    );
}

#[test]
fn the_separator_can_be_another_or_none() {
    check(
        "stickysession=SID|sid stickysessionsep=-",
        &[
            ("SID=x-c", "/", "3", "SID c"),
            ("SID=x.c", "/", "free", NONE),
            ("", "/?sid=x-b", "2", "sid b"),
            ("", "/p;sid=x-a", "1", "sid a"),
        ],
    );
    check(
        "stickysession=SID|sid stickysessionsep=Off",
        &[
            ("SID=c", "/", "3", "SID c"),
            ("SID=x.c", "/", "free", "SID x.c"),
            ("", "/?sid=b", "2", "sid b"),
            ("", "/p;sid=a", "1", "sid a"),
        ],
    );
}
