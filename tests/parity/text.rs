//! What members and clients are told.

use harness::prelude::*;

#[test]
fn members_are_asked_for_the_same_targets_with_the_same_fields() {
    let [a] = backends(["a"]);
    let text = format!(
        "<Proxy balancer://app>
            BalancerMember {a}/base
        </Proxy>
        ProxyPass /app balancer://app
        ProxyPass /deep/ balancer://app/inner/"
    );
    let Some(theirs) = httpd(&text) else { return };
    let ours = proxy(&text);
    for target in ["/app", "/app/", "/app/x?q=1&r=%2F", "/app/a%20b", "/app/a+b;c=d,e", "/deep/y"] {
        let mut seen = [ours.address(), theirs.address()].map(|to| {
            browser()
                .header("Host", "www.example.com")
                .header("Connection", "close, X-Secret")
                .header("X-Secret", "1")
                .header("X-Forwarded-For", "10.1.1.1")
                .header("TE", "trailers")
                .try_send(to, "GET", target, b"")
                .unwrap();
            let head = a.last().head;
            let mut names: Vec<String> = head
                .headers
                .iter()
                .filter(|(name, _)| {
                    !["connection", "x-forwarded-server"].contains(&name.to_lowercase().as_str())
                })
                .map(|(name, value)| format!("{}: {value}", name.to_lowercase()))
                .collect();
            names.sort();
            (head.first, names)
        });
        let [ours, theirs] = &mut seen;
        assert_eq!(ours, theirs, "{target}");
    }
}

#[test]
fn redirects_come_back_alike() {
    let [a] = backends(["a"]);
    let text = format!(
        "<Proxy balancer://app>
            BalancerMember {a}
        </Proxy>
        ProxyPass /app balancer://app
        ProxyPassReverse /app balancer://app"
    );
    let Some(theirs) = httpd(&text) else { return };
    let ours = proxy(&text);
    for location in [
        format!("{a}/login?next=1"),
        format!("{a}"),
        "http://elsewhere.example/x".to_owned(),
        "/relative".to_owned(),
    ] {
        a.behaves(Behaviour::Answers(Reply::status(302).header("Location", &location)));
        let seen = [ours.address(), theirs.address()].map(|to| {
            let answer =
                browser().header("Host", "www.example.com").try_send(to, "GET", "/app/start", b"").unwrap();
            answer.head.header("location").map(str::to_owned)
        });
        assert_eq!(seen[0], seen[1], "{location}");
    }
}
