//! The usual recipes, from the first request to the last, and what the access log tells of them.

use harness::prelude::*;

/// Where the httpd's manual and everybody who copied from it set the cookie of a route.
const ROUTE_COOKIE: &str =
    "Header add Set-Cookie \"ROUTEID=.%{BALANCER_WORKER_ROUTE}e; path=/\" env=BALANCER_ROUTE_CHANGED";

fn text(backends: &[Backend; 3]) -> String {
    let lines: Vec<String> = backends
        .iter()
        .zip(["a", "b", "c"])
        .map(|(backend, route)| format!("BalancerMember {backend} route={route}\n"))
        .collect();
    format!(
        "{ROUTE_COOKIE}\n<Proxy balancer://app>\n{}ProxySet stickysession=ROUTEID\n</Proxy>\nProxyPass / balancer://app/\n",
        lines.concat()
    )
}

#[test]
fn the_route_cookie_of_the_manual_keeps_sessions_as_in_httpd() {
    let backends = backends(["1", "2", "3"]);
    let text = text(&backends);
    let play = |to| {
        let mut told = Vec::new();
        for _ in 0..3 {
            let mut client = browser();
            for _ in 0..3 {
                let answer = client.try_send(to, "GET", "/", b"").unwrap();
                let cookies: Vec<String> = answer.head.all("set-cookie").map(str::to_owned).collect();
                told.push((answer.answered_by(), cookies));
            }
        }
        told
    };
    let ours = play(proxy(&text).address());
    assert_eq!(ours[0], ("1".to_owned(), vec!["ROUTEID=.a; path=/".to_owned()]));
    assert!(
        ours.chunks(3).all(|session| session[1..].iter().all(|it| it.1.is_empty() && it.0 == session[0].0))
    );
    if let Some(theirs) = httpd(&text) {
        assert_eq!(ours, play(theirs.address()));
    }
}

#[test]
fn a_session_that_moves_gets_the_cookie_of_its_new_member() {
    let backends = backends(["1", "2", "3"]);
    let proxy = proxy(text(&backends));
    let mut client = browser();
    assert_eq!(client.visits(&proxy, "/", 2), "11");
    proxy.edit("app", "a", r#"{"disabled":true}"#);
    let answer = client.get(&proxy, "/");
    assert_eq!(answer.head.header("set-cookie"), Some("ROUTEID=.b; path=/"));
    proxy.edit("app", "a", r#"{"disabled":false}"#);
    assert_eq!(client.visits(&proxy, "/", 2), "22");
    backends[1].refuses();
    assert_eq!(client.get(&proxy, "/").head.header("set-cookie"), Some("ROUTEID=.c; path=/"));
}

#[test]
fn a_rule_about_cookies_decides_about_sessions() {
    let backends = backends(["1", "2", "3"]);
    let rules = "<Location /free>\nRequestHeader unset Cookie\n</Location>\n\
                 <Location /bound>\nRequestHeader set Cookie ROUTEID=.c\n</Location>\n";
    let text = format!("{rules}{}", text(&backends));
    let play = |to| {
        let mut told = String::new();
        for target in ["/bound", "/bound", "/free", "/free", "/free", "/free"] {
            told += &browser()
                .header("Cookie", "ROUTEID=.b")
                .try_send(to, "GET", target, b"")
                .unwrap()
                .answered_by();
        }
        told
    };
    let ours = play(proxy(&text).address());
    assert_eq!(&ours[..2], "33");
    assert!(ours[2..].contains('1'), "{ours}");
    if let Some(theirs) = httpd(&text) {
        assert_eq!(ours, play(theirs.address()));
    }
}

#[test]
fn the_log_tells_of_fields_what_rules_made_of_them_and_of_variables() {
    let backends = backends(["1", "2", "3"]);
    let format = "%{X-In}i|%{X-Out}o|%{Set-Cookie}o|%{BALANCER_WORKER_ROUTE}e|%{BALANCER_ROUTE_CHANGED}e";
    let line = |root: &std::path::Path| {
        format!(
            "CustomLog {root}/all.log \"{format}\"\nCustomLog {root}/changed.log %U env=BALANCER_ROUTE_CHANGED\n\
             RequestHeader set X-In ruled\nHeader set X-Out ruled\n{}",
            text(&backends),
            root = root.display()
        )
    };
    let home = folder();
    let proxy = proxy(line(home.path()));
    browser().header("X-In", "sent").get(&proxy, "/free");
    browser().header("Cookie", "ROUTEID=.c").get(&proxy, "/bound");
    assert_eq!(proxy.stop().code(), Some(0));
    let read = |name: &str| std::fs::read_to_string(home.path().join(name)).unwrap();
    // Each worker thread writes its lines together.
    let all = read("all.log");
    let mut lines: Vec<&str> = all.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["ruled|ruled|-|c|-", "ruled|ruled|ROUTEID=.a; path=/|a|1"]);
    assert_eq!(read("changed.log"), "/free\n");
}

#[test]
fn no_rule_reaches_the_answer_that_begins_a_tunnel() {
    let a = Backend::new("a").that(Behaviour::Echoes);
    let text = format!(
        "Header set X-Ok yes\nHeader always set X-Always yes\n{}",
        serving([format!("{a} upgrade=websocket")])
    );
    let play = |to| {
        let mut client = Peer::to(to);
        client.says("GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
        let head = client.head();
        client.says("hello");
        assert_eq!(client.hears(5), b"hello");
        let named = |name: &str| head.all(name).map(str::to_owned).collect::<Vec<_>>();
        (head.word(1).to_owned(), named("upgrade"), named("x-ok"), named("x-always"))
    };
    let ours = play(proxy(&text).address());
    assert_eq!(ours, ("101".to_owned(), vec!["websocket".to_owned()], vec![], vec![]));
    if let Some(theirs) = httpd(&text) {
        assert_eq!(ours, play(theirs.address()));
    }
}

#[test]
fn times_and_loads_are_told_in_httpds_form() {
    let [a] = backends(["a"]);
    let text = format!("Header set X-Time \"%t %D %l %%\"\n{}", serving([&a]));
    let shape = |to| {
        let answer = browser().try_send(to, "GET", "/", b"").unwrap();
        let value = answer.head.header("x-time").unwrap().to_owned();
        let digits: String = value.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        let mut short = String::new();
        for c in digits.chars() {
            if !(c == '0' && short.ends_with('0')) {
                short.push(c);
            }
        }
        short
    };
    let ours = shape(proxy(&text).address());
    assert_eq!(ours, "t=0 D=0 l=0.0/0.0/0.0 %");
    if let Some(theirs) = httpd(&text) {
        assert_eq!(ours, shape(theirs.address()));
    }
}
