//! Where sessions are found that httpd loses: the exact difference, one test for each row of the departures.

use harness::prelude::*;

use crate::beside::{decision, text};

/// What httpd decides, and what we decide, with `stickysession=SID|sid`.
#[track_caller]
fn differ(rows: &[(&str, &str, &str, &str)]) {
    let backends = backends(["1", "2", "3"]);
    let text = text(&backends, "stickysession=SID|sid");
    let (ours, theirs) = (proxy(&text), httpd(&text));
    for (cookie, target, httpds, wanted) in rows {
        assert_eq!(decision(ours.address(), cookie, target).0, *wanted, "ours: {cookie:?} {target}");
        if let Some(theirs) = &theirs {
            assert_eq!(decision(theirs.address(), cookie, target).0, *httpds, "httpd's: {cookie:?} {target}");
        }
    }
}

#[test]
fn departure_36_a_hit_within_another_name_only_decides_if_a_member_has_its_route() {
    differ(&[
        ("", "/?mysid=x.c", "3", "3"),
        ("", "/?mysid=x.zz&sid=x.c", "free", "3"),
        ("", "/mysid=x.zz/p;sid=x.c", "free", "3"),
        ("SID=x.b", "/?mysid=x.zz", "free", "2"),
    ]);
}

#[test]
fn departure_37_an_empty_value_at_the_end_of_the_url_is_absent() {
    // What httpd finds behind the end of its string is not to be foreseen.
    let backends = backends(["1", "2", "3"]);
    let ours = proxy(text(&backends, "stickysession=SID|sid"));
    for (cookie, target, wanted) in
        [("SID=x.b", "/?sid=", "2"), ("SID=x.b", "/p;sid=", "2"), ("", "/?sid=", "free")]
    {
        assert_eq!(decision(ours.address(), cookie, target).0, wanted, "{cookie:?} {target}");
    }
    differ(&[("SID=x.b", "/?sid=&k=1", "free", "2")]);
}

#[test]
fn departure_38_a_cookie_is_read_after_a_value_in_the_url_that_names_no_member() {
    differ(&[
        ("SID=x.b", "/?sid=nodot", "free", "2"),
        ("SID=x.b", "/?sid=x.zz", "free", "2"),
        ("", "/?sid=x.zz&sid=x.c", "free", "free"),
    ]);
}

#[test]
fn departure_39_quotes_and_blanks_are_no_part_of_a_route() {
    differ(&[
        ("SID=\"x.c\"", "/", "free", "3"),
        ("SID=x.c ; B=1", "/", "free", "3"),
        ("SID=\" x.c \"", "/", "free", "3"),
    ]);
}

#[test]
fn departure_40_the_text_behind_the_last_separator_is_tried_after_that_behind_the_first() {
    differ(&[
        ("SID=x.y.c", "/", "free", "3"),
        ("", "/?sid=x.y.c", "free", "3"),
        ("SID=x.y.zz", "/", "free", "free"),
    ]);
    let backends = backends(["1", "2", "3"]);
    let text = text(&backends, "stickysession=SID|sid stickysessionsep=-");
    let (ours, theirs) = (proxy(&text), httpd(&text));
    assert_eq!(decision(ours.address(), "SID=x-a-c", "/").0, "3");
    assert_eq!(
        theirs.map_or_else(|| "free".to_owned(), |it| decision(it.address(), "SID=x-a-c", "/").0),
        "free"
    );
}

#[test]
fn departure_41_the_proxy_can_set_the_route_cookie_itself() {
    let line = "<Proxy balancer://b>\nBalancerMember http://h route=a\nProxySet routecookie=R\n</Proxy>";
    assert_ne!(harness::httpd::accepts(line), Some(true), "httpd knows it by now");
    let backends = backends(["1", "2", "3"]);
    let ours = proxy(text(&backends, "routecookie=R"));
    let mut client = browser();
    let first = client.get(&ours, "/");
    assert_eq!(first.head.header("set-cookie"), Some("R=.a; Path=/; HttpOnly; SameSite=Lax"));
    assert_eq!(client.visits(&ours, "/", 4), "1111");
}

#[test]
fn departure_42_both_forms_of_a_session_in_the_url_work() {
    differ(&[("", "/?sid=x.c", "3", "3"), ("", "/p;sid=x.c", "3", "3")]);
}

#[test]
fn departure_43_a_path_parameter_ends_at_a_slash_and_at_a_semicolon() {
    differ(&[("", "/p;sid=x.c/more", "free", "3"), ("", "/p;sid=x.c;k=1", "free", "3")]);
}

#[test]
fn what_the_second_reading_finds_is_never_the_cause_of_a_503() {
    let backends = backends(["1", "2", "3"]);
    let ours = proxy(text(&backends, "stickysession=SID|sid nofailover=On"));
    ours.edit("app", "b", r#"{"disabled":true}"#);
    for (cookie, target, wanted) in [
        ("SID=x.b", "/", "[503]"),
        ("SID=\"x.b\"", "/", "free"),
        ("SID=x.y.b", "/", "free"),
        ("SID=x.b", "/?sid=nodot", "free"),
        ("", "/p;sid=x.b/more", "free"),
    ] {
        let mut client = browser().header("Cookie", cookie);
        let answer = client.get(&ours, target);
        let seen = if answer.status == 200 { "free".to_owned() } else { answer.answered_by() };
        assert_eq!(seen, wanted, "{cookie} {target}");
    }
}
