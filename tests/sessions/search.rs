//! Where a session's route is found, to the letter of httpd's search, and beyond it only where that finds nobody.

use harness::prelude::*;

fn members(settings: &str) -> (Proxy, [Backend; 3]) {
    let backends = backends(["1", "2", "3"]);
    let lines: Vec<String> = backends
        .iter()
        .zip(["a", "b", "c"])
        .map(|(backend, route)| format!("BalancerMember {backend} route={route}"))
        .collect();
    let proxy = proxy(format!(
        "<Proxy balancer://app>\n{}\nProxySet stickysession=SID|sid {settings}\n</Proxy>\nProxyPass / balancer://app/",
        lines.join("\n")
    ));
    (proxy, backends)
}

/// Asks four times; the same answer each time is a session, anything else a free choice.
fn decided(proxy: &Proxy, cookie: Option<&str>, target: &str) -> String {
    // A changed factor levels the load of all, so that earlier sessions do not weigh on a free choice.
    proxy.edit("app", "a", r#"{"lbfactor":1.01}"#);
    proxy.edit("app", "a", r#"{"lbfactor":1}"#);
    let ask = || {
        let mut client = browser();
        if let Some(cookie) = cookie {
            client = client.header("Cookie", cookie);
        }
        client.get(proxy, target).answered_by()
    };
    let answers: Vec<String> = (0..4).map(|_| ask()).collect();
    if answers.iter().all(|answer| *answer == answers[0]) { answers[0].clone() } else { "free".to_owned() }
}

#[test]
fn a_cookie_leads_to_its_member() {
    let (proxy, _backends) = members("");
    for (cookie, decision) in [
        ("SID=x.c", "3"),
        ("SID=.c", "3"),
        ("SID=x.a", "1"),
        ("XSID=x.b; SID=x.c", "3"),
        ("A=1,SID=x.c", "3"),
        ("SID=x.c,B=1", "3"),
        ("SID = x.c", "3"),
        ("SID=x.b; SID=x.c", "2"),
        ("SID=c", "free"),
        ("SID=x.", "free"),
        ("SID=x.C", "free"),
        ("sid=x.c", "free"),
        ("SID=x.zz", "free"),
        ("OTHER=x.c", "free"),
    ] {
        assert_eq!(decided(&proxy, Some(cookie), "/"), decision, "{cookie}");
    }
}

#[test]
fn what_httpd_loses_is_found_on_the_second_reading() {
    let (proxy, _backends) = members("");
    for (cookie, target, decision) in [
        (Some("SID=\"x.c\""), "/", "3"),
        (Some("SID=x.c ; B=1"), "/", "3"),
        (Some("SID=x.y.c"), "/", "3"),
        (None, "/p;sid=x.c/more", "3"),
        (Some("SID=x.b"), "/?sid=nodot", "2"),
        (Some("SID=x.b"), "/?sid=x.zz", "2"),
    ] {
        assert_eq!(decided(&proxy, cookie, target), decision, "{cookie:?} {target}");
    }
}

#[test]
fn a_path_leads_to_its_member_and_comes_before_the_cookie() {
    let (proxy, _backends) = members("");
    for (cookie, target, decision) in [
        (None, "/?sid=x.c", "3"),
        (None, "/?a=1&sid=x.c&k=2", "3"),
        (None, "/p;sid=x.c", "3"),
        (None, "/p;sid=x.c?q=1", "3"),
        (None, "/?mysid=x.c", "3"),
        (None, "/?SID=x.c", "free"),
        (Some("SID=x.b"), "/?sid=x.c", "3"),
        (Some("SID=x.b"), "/?sid=", "2"),
    ] {
        assert_eq!(decided(&proxy, cookie, target), decision, "{cookie:?} {target}");
    }
}

#[test]
fn the_separator_can_be_chosen_or_switched_off() {
    let (dash, _backends) = members("stickysessionsep=-");
    assert_eq!(decided(&dash, Some("SID=x-c"), "/"), "3");
    assert_eq!(decided(&dash, Some("SID=x.c"), "/"), "free");
    let (off, _backends) = members("stickysessionsep=Off");
    assert_eq!(decided(&off, Some("SID=c"), "/"), "3");
}

#[test]
fn a_sticky_hit_costs_its_member_the_credit_of_all() {
    let (proxy, _backends) = members("");
    let mut loyal = browser().cookie("SID", "x.b");
    assert_eq!(loyal.visits(&proxy, "/", 6), "222222");
    assert_eq!(["a", "b", "c"].map(|route| proxy.member("app", route).lbstatus), [600, -1200, 600]);
    assert_eq!(visits(&proxy, 8), "13131313");
}

#[test]
fn a_cookie_that_a_member_sets_keeps_the_session_there() {
    let (proxy, backends) = members("");
    for (backend, route) in backends.iter().zip(["a", "b", "c"]) {
        backend.behaves(Behaviour::Answers(
            Reply::default().header("Set-Cookie", &format!("SID=x.{route}; Path=/")),
        ));
    }
    let mut client = browser();
    assert_eq!(client.visits(&proxy, "/", 5), "11111");
    let mut other = browser();
    let first = other.get(&proxy, "/").answered_by();
    assert_eq!(other.visits(&proxy, "/", 3), first.repeat(3));
}
