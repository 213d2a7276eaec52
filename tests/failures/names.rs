//! Members whose names do not resolve: a warning at start, a mark with the reason at the first election.

use harness::prelude::*;

/// The text from the user's own documents, with the listener moved to a free port.
const THEIRS: &str = r#"
Listen 127.0.0.1:0
<Proxy "balancer://mycluster">
    BalancerMember "http://backend1.example.com" route=node1
    BalancerMember "http://backend2.example.com" route=node2
    ProxySet stickysession=JSESSIONID|jsessionid   # Cookie-based stickiness
</Proxy>
ProxyPass "/app" "balancer://mycluster"
ProxyPassReverse "/app" "balancer://mycluster"
"#;

#[test]
fn the_users_own_text_loads_as_it_stands() {
    let proxy = proxy(THEIRS);
    let balancer = proxy.balancer("mycluster");
    let seen: Vec<_> = balancer
        .members
        .iter()
        .map(|member| (member.name.as_str(), member.route.as_str(), member.words.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            ("http://backend1.example.com", "node1", "Init Ok"),
            ("http://backend2.example.com", "node2", "Init Ok")
        ]
    );
    assert_eq!(balancer.paths, ["/app"]);
    assert_eq!(balancer.settings.stickysession.unwrap().to_string(), "JSESSIONID|jsessionid");
    assert!(
        proxy.log().contains("comment"),
        "the comment at the end of a line is warned of:\n{}",
        proxy.log()
    );
}

#[test]
fn a_name_that_does_not_resolve_is_warned_of_and_failed_over() {
    let [good] = backends(["good"]);
    let proxy = proxy(format!(
        "<Proxy balancer://app>
            BalancerMember http://nowhere.invalid:8080 route=bad
            BalancerMember {good} route=good
        </Proxy>
        ProxyPass / balancer://app/"
    ));
    assert_eq!(proxy.member("app", "bad").words, "Init Ok");
    eventually_true("the start warns of the name", || proxy.log().contains("nowhere.invalid"));

    assert_eq!(visits(&proxy, 4), "good".repeat(4));
    let bad = proxy.member("app", "bad");
    assert_eq!((bad.words.as_str(), bad.elected), ("Init Err", 1));
    let reason = bad.error.unwrap().reason;
    assert!(reason.contains("nowhere.invalid") && reason.contains("resolve"), "{reason}");
}
