//! The same rules before our proxy and before a real httpd: what the client is told, and what the member.

use std::net::SocketAddr;

use harness::prelude::*;

/// Fields whose lines are compared, beside all that start with `x-`.
const COMPARED: [&str; 9] = [
    "accept-encoding",
    "authorization",
    "cache-control",
    "content-type",
    "cookie",
    "host",
    "location",
    "set-cookie",
    "via",
];

/// A request: target and header lines.
pub(crate) type Ask<'a> = (&'a str, &'a [(&'a str, &'a str)]);

fn compared(head: &Head, own: bool) -> Vec<String> {
    let mut lines: Vec<(String, String)> = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_lowercase(), value.clone()))
        .filter(|(name, _)| name.starts_with("x-") || COMPARED.contains(&name.as_str()))
        // The pages of our own are other ones, and our name is that of the host.
        .filter(|(name, _)| !(own && ["content-type", "cache-control"].contains(&name.as_str())))
        .filter(|(name, _)| name != "x-forwarded-server")
        .collect();
    // The order of lines with the same name counts, that of others does not.
    lines.sort_by(|(one, _), (other, _)| one.cmp(other));
    lines.into_iter().map(|(name, value)| format!("{name}: {value}")).collect()
}

/// Status and fields of the answer, and those that the member got.
fn seen(to: SocketAddr, member: &Backend, (target, headers): Ask<'_>) -> (u16, Vec<String>, Vec<String>) {
    let mut client = browser();
    for (name, value) in headers {
        client = client.header(name, value);
    }
    // Where each listens is no difference.
    let masked = |lines: Vec<String>| -> Vec<String> {
        lines.into_iter().map(|line| line.replace(&to.to_string(), "PROXY")).collect()
    };
    let before = member.count();
    let answer = client.try_send(to, "GET", target, b"").unwrap();
    let asked = if member.count() > before { compared(&member.last().head, false) } else { Vec::new() };
    let told = compared(&answer.head, answer.head.header("x-answered-by").is_none());
    (answer.status, masked(told), masked(asked))
}

/// Plays requests at both; what ours gives, checked to be the same as httpd's if there is one.
#[track_caller]
pub(crate) fn check(rules: &str, reply: Reply, asks: &[Ask<'_>]) -> Vec<(u16, Vec<String>, Vec<String>)> {
    let a = Backend::new("a").that(Behaviour::Answers(reply));
    let text = format!(
        "<Proxy balancer://app>\nBalancerMember {a} route=a\nProxySet stickysession=ROUTEID\n</Proxy>\n\
         <Proxy balancer://dead>\nBalancerMember http://127.0.0.1:1 route=d\n</Proxy>\n\
         {rules}\nProxyPass /private !\nProxyPass /dead balancer://dead\nProxyPass / balancer://app/\n"
    );
    let ours = proxy(&text);
    let told: Vec<_> = asks.iter().map(|ask| seen(ours.address(), &a, *ask)).collect();
    if let Some(theirs) = httpd(&text) {
        for (ask, told) in asks.iter().zip(&told) {
            let section = ask.0.split("/x").next().unwrap_or_default();
            let rules = rules
                .split("<Location ")
                .find(|text| text.starts_with(&format!("{section}>")))
                .unwrap_or(rules);
            assert_eq!(*told, seen(theirs.address(), &a, *ask), "(ours, httpd's) {ask:?}\n{rules}");
        }
    }
    told
}

pub(crate) fn reply() -> Reply {
    Reply::default()
        .header("X-A", "one")
        .header("X-A", "two")
        .header("Content-Type", "text/plain")
        .header("Set-Cookie", "s=1; path=/")
}

#[test]
fn each_action_on_a_members_answer() {
    let told = check(
        "Header set X-Set s
        Header set x-set again
        Header set X-A replaced \"env=BALANCER_SESSION_ROUTE\"
        Header append X-A three
        Header merge X-A three
        Header merge X-A two
        Header add X-A four
        Header setifempty X-A five
        Header setifempty X-New five
        Header unset X-Answered-By env=BALANCER_SESSION_ROUTE
        Header edit X-A o 0
        Header edit* X-A [a-z] <$0>
        Header edit Content-Type \"(t.)(x)\" \"$2-$1-$0-$9-\\$1\"
        Header edit Set-Cookie ^(.*)$ \"$1; Secure\"
        Header echo ^X-E
        Header set X-Empty \"\"
        Header append X-Empty more
        Header set X-Lone 5%
        Header set X-Tab \"a\\tb\"",
        reply(),
        &[
            ("/", &[]),
            ("/", &[("Cookie", "ROUTEID=.a")]),
            ("/", &[("X-E1", "1"), ("X-E2", "2"), ("Y-E", "3")]),
        ],
    );
    assert!(told[0].1.contains(&"set-cookie: s=1; path=/; Secure".to_owned()), "{told:?}");
}

#[test]
fn both_tables_and_pages_of_our_own() {
    check(
        "Header always set X-Always yes
        Header always add X-A always
        Header always append X-A more
        Header onsuccess set X-Ok yes
        Header set X-Ok-Too yes
        Header always set X-Not yes env=!BALANCER_ROUTE_CHANGED
        Header always set X-Is yes env=BALANCER_ROUTE_CHANGED
        Header always echo X-E
        <Location /typed>
            Header always set Content-Type text/x-mine
            Header always set Location /where
        </Location>
        <Location /dead/moved>
            Header always set Location /where
        </Location>",
        reply(),
        &[
            ("/", &[("X-E", "1")]),
            ("/typed", &[]),
            ("/private", &[]),
            ("/dead", &[]),
            ("/dead/moved", &[]),
            ("/", &[("Cookie", "ROUTEID=.a")]),
        ],
    );
}

#[test]
fn every_status_of_a_member_counts_as_success() {
    for status in [200, 204, 302, 304, 401, 404, 500, 503] {
        let reply = Reply { size: 0, ..Reply::status(status).header("X-A", "one").header("Location", "/x") };
        check("Header set X-Ok yes\nHeader always set X-Always yes\nHeader unset X-A", reply, &[("/", &[])]);
    }
}

#[test]
fn the_variables_of_the_balancer() {
    check(
        "Header set X-Name \"%{BALANCER_NAME}e %{BALANCER_WORKER_NAME}e\"
        Header set X-Route \"%{BALANCER_WORKER_ROUTE}e %{BALANCER_ROUTE_CHANGED}e\"
        Header set X-Session \"%{BALANCER_SESSION_STICKY}e %{BALANCER_SESSION_ROUTE}e\"
        Header set X-Tls \"%{HTTPS}s\"
        Header always set X-Always \"%{BALANCER_WORKER_ROUTE}e %{BALANCER_NAME}e\"
        RequestHeader set X-Early \"%{BALANCER_WORKER_ROUTE}e %{HTTPS}s\"
        RequestHeader set X-Never yes env=BALANCER_NAME
        RequestHeader set X-Ever yes env=!BALANCER_NAME",
        reply(),
        &[
            ("/", &[]),
            ("/", &[("Cookie", "ROUTEID=x.a")]),
            ("/", &[("Cookie", "ROUTEID=x.gone")]),
            ("/?ROUTEID=x.a", &[]),
            ("/dead", &[]),
        ],
    );
}

#[test]
fn each_action_on_a_request() {
    let told = check(
        "RequestHeader set X-Set s
        RequestHeader append X-Ap x
        RequestHeader merge X-Me x
        RequestHeader add X-Ad x
        RequestHeader unset X-Un
        RequestHeader setifempty X-Si x
        RequestHeader edit X-Ed a b
        RequestHeader edit* X-Ed c <$0>
        RequestHeader set X-Late first
        RequestHeader append X-Late early early
        RequestHeader set Authorization \"Basic eDp5\"
        RequestHeader set Accept-Encoding \"\"
        RequestHeader set Via proxy
        <Location /for>
            RequestHeader set X-Forwarded-For 9.9.9.9
            RequestHeader set X-Forwarded-Host named
        </Location>
        <Location /host>
            RequestHeader set Host other.example
        </Location>",
        reply(),
        &[
            ("/", &[]),
            ("/", &[("X-Ap", "a"), ("X-Ap", "b"), ("X-Me", "a"), ("X-Me", "x"), ("X-Ad", "a")]),
            ("/", &[("X-Un", "u"), ("x-un", "u"), ("X-Si", "old"), ("X-Ed", "aacc"), ("X-Late", "gone")]),
            ("/for/x?y=1", &[("X-Forwarded-For", "1.1.1.1")]),
            ("/host", &[("Host", "site.example")]),
        ],
    );
    assert!(told[4].2.contains(&"x-forwarded-host: other.example".to_owned()), "{told:?}");
}

#[test]
fn a_preserved_host_is_the_one_that_a_rule_set() {
    let told = check(
        "ProxyPreserveHost On\nRequestHeader set Host other.example",
        reply(),
        &[("/", &[("Host", "site.example")])],
    );
    assert!(told[0].2.contains(&"host: other.example".to_owned()), "{told:?}");
}

#[test]
fn sections_reach_what_httpd_lets_them_reach() {
    let asks: [Ask<'_>; 8] = [
        ("/", &[]),
        ("/app", &[]),
        ("/app/", &[]),
        ("/app/deep/x?q", &[]),
        ("//app/deep", &[]),
        ("/a%70p", &[]),
        ("/application", &[]),
        ("/private", &[]),
    ];
    check(
        "<Location /app>
            Header append X-O location
            Header always append X-P location
            RequestHeader append X-Q location
        </Location>
        Header append X-O server
        Header always append X-P server
        RequestHeader append X-Q server
        <Location /app/deep>
            Header append X-O deep
            RequestHeader append X-Q deep
        </Location>
        <Proxy *>
            Header append X-O star
            Header always append X-P star
            RequestHeader append X-Q star
        </Proxy>
        <Proxy balancer://app>
            Header append X-O app
            RequestHeader append X-Q app
        </Proxy>
        <Proxy balancer://dead>
            Header append X-O dead
            Header always append X-P dead
        </Proxy>",
        reply(),
        &asks,
    );
}

#[test]
fn both_take_and_refuse_the_same_lines() {
    for (line, taken) in [
        ("Header set X y", true),
        ("header ALWAYS SET X: y", true),
        ("Header onsuccess unset X env=!BALANCER_NAME", true),
        ("Header edit* X a \"\"", true),
        ("Header echo ^X env=BALANCER_NAME", true),
        ("Header set X a%", true),
        ("RequestHeader edit X a b early", true),
        ("<Proxy *>\nHeader set X y\n</Proxy>", true),
        ("Header set X", false),
        ("Header unset X y", false),
        ("Header nosuch X y", false),
        ("Header always", false),
        ("Header set X a b", false),
        ("Header set X a env=!", false),
        ("Header set X a early env=BALANCER_NAME", false),
        ("Header set X %c", false),
        ("Header set X %{A", false),
        ("Header edit X a", false),
        ("Header edit X ( b", false),
        ("RequestHeader always set X y", false),
        ("RequestHeader echo X", false),
        ("RequestHeader note X y", false),
    ] {
        let home = folder();
        let file = home.path().join("site.conf");
        std::fs::write(&file, format!("Listen 127.0.0.1:1\n{line}\n")).unwrap();
        let ours = run(&evenkeel_proxy(), ["-t", "-f", &file.to_string_lossy()]).code == Some(0);
        assert_eq!(ours, taken, "ours: {line}");
        if let Some(theirs) = harness::httpd::accepts(line) {
            assert_eq!(theirs, taken, "httpd's: {line}");
        }
    }
}
