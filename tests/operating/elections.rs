//! The last elections: what is told of each, and how those of a session, a member or a route are found.

use evenkeel_protocol::{Code, ElectionNote, ElectionWhy, Elections};
use harness::prelude::*;

fn text([a, b]: &[Backend; 2]) -> String {
    format!(
        "<Proxy balancer://app>
            BalancerMember {a} route=a
            BalancerMember {b} route=b
            ProxySet stickysession=SID|sid forcerecovery=Off
        </Proxy>
        ProxyPass / balancer://app/"
    )
}

fn pair() -> (Proxy, [Backend; 2]) {
    let backends = backends(["a", "b"]);
    (proxy(text(&backends)), backends)
}

#[track_caller]
fn all(proxy: &Proxy, json: &str) -> Elections {
    proxy.admin().ask("POST", "/v1/elections", json).message()
}

#[track_caller]
fn numbers(proxy: &Proxy, json: &str) -> Vec<u64> {
    all(proxy, json).elections.iter().map(|note| note.number).collect()
}

fn visit(proxy: &Proxy, cookie: &str) {
    browser().header("Cookie", cookie).get(proxy, "/");
}

#[test]
fn each_election_is_told_with_what_came_of_it() {
    let (proxy, [a, b]) = pair();
    visit(&proxy, "");
    visit(&proxy, "SID=1234.b");
    b.refuses();
    visit(&proxy, "SID=1234.b");
    proxy.edit("app", "a", r#"{"disabled":true}"#);
    visit(&proxy, "");
    let Elections { elections, total, kept, .. } = all(&proxy, "{}");
    let told: Vec<_> = elections
        .iter()
        .map(|it| (it.why, it.attempt, it.asked.as_deref(), it.route_changed, it.status))
        .collect();
    assert_eq!((total, kept), (5, 5));
    assert_eq!(
        told,
        [
            (ElectionWhy::Method, 1, None, false, Some(200)),
            (ElectionWhy::Sticky, 1, Some("b"), false, Some(200)),
            (ElectionWhy::Sticky, 1, Some("b"), false, None),
            (ElectionWhy::Method, 2, Some("b"), true, Some(200)),
            (ElectionWhy::Unusable, 1, None, false, Some(503)),
        ]
    );
    let numbers: Vec<u64> = elections.iter().map(|note| note.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    assert!(elections.is_sorted_by_key(|note| note.at));
    let [.., failed, second, nobody] = elections.as_slice() else { panic!("{elections:?}") };
    let failover = second.failover.as_ref().unwrap();
    assert_eq!(
        (failover.from.as_str(), Some(&failover.reason)),
        (b.to_string().as_str(), failed.failed.as_ref())
    );
    assert_eq!(second.session, failed.session);
    let skipped = |note: &ElectionNote| -> Vec<(String, String)> {
        note.skipped.iter().map(|it| (it.member.to_string(), it.status.to_string())).collect()
    };
    assert_eq!(skipped(second), [(b.to_string(), "Init Err".to_owned())]);
    assert_eq!(
        skipped(nobody),
        [(a.to_string(), "Init Dis".to_owned()), (b.to_string(), "Init Err".to_owned())]
    );
    assert_eq!((nobody.member.as_ref(), nobody.skipped_total), (None, 2));
}

#[test]
fn filters_narrow_and_no_id_comes_out() {
    let (mut proxy, backends) = pair();
    for cookie in ["SID=secret1.a", "SID=secret2.b", "SID=secret1.a", "", "SID=secret3.gone", "SID=.a"] {
        visit(&proxy, cookie);
    }
    for (json, found) in [
        (r#"{"cookie":"SID=secret1.a"}"#, &[1, 3][..]),
        (r#"{"cookie":"secret1.a"}"#, &[1, 3]),
        (r#"{"cookie":"\nsecret1.a\r\n"}"#, &[1, 3]),
        (r#"{"cookie":"\r\nSID=secret1.a\n"}"#, &[1, 3]),
        (r#"{"cookie":"X=1; SID=secret1.b"}"#, &[1, 3]),
        (r#"{"cookie":"SID=nobody.a"}"#, &[]),
        (r#"{"route":"gone"}"#, &[5]),
        (r#"{"route_changes":true}"#, &[5]),
        (r#"{"failovers":true}"#, &[]),
        (r#"{"since":4}"#, &[5, 6]),
        (r#"{"most":2}"#, &[5, 6]),
        (r#"{"route":"gone","balancer":"app"}"#, &[5]),
    ] {
        assert_eq!(numbers(&proxy, json), found, "{json}");
    }
    let last = all(&proxy, r#"{"most":1}"#).elections;
    assert_eq!((last[0].session.as_deref(), last[0].asked.as_deref()), (None, Some("a")), "it has no id");
    let [a, b] = &backends;
    for member in ["a".to_owned(), "app/a".to_owned(), a.to_string(), a.address().to_string()] {
        let found = all(&proxy, &format!(r#"{{"member":"{member}"}}"#)).elections;
        let name = a.to_string();
        assert!(found.len() >= 3 && found.iter().all(|it| it.member.as_ref().unwrap().as_str() == name));
    }
    let told = proxy.admin().ask("POST", "/v1/elections", "{}").body;
    assert!(!told.contains("secret"), "{told}");
    for (json, code) in [
        (r#"{"most":0}"#, Code::Invalid),
        (r#"{"most":10001}"#, Code::Invalid),
        (r#"{"cookie":"X=1"}"#, Code::Invalid),
        (r#"{"cookie":"SID=.a"}"#, Code::Invalid),
        (r#"{"nope":1}"#, Code::Invalid),
    ] {
        assert_eq!(proxy.admin().ask("POST", "/v1/elections", json).refusal().code, code, "{json}");
    }
    for (json, code, field) in [
        (r#"{"balancer":"nosuch"}"#, Code::NotFound, "balancer"),
        (r#"{"member":"nosuch"}"#, Code::NotFound, "member"),
        (r#"{"member":"app/nosuch"}"#, Code::NotFound, "member"),
        (r#"{"member":"nosuch/a"}"#, Code::NotFound, "member"),
        (r#"{"member":"/x;y"}"#, Code::Invalid, "member"),
        (r#"{"route":"nosuch"}"#, Code::NotFound, "route"),
    ] {
        let refusal = proxy.admin().ask("POST", "/v1/elections", json).refusal();
        assert_eq!((refusal.code, refusal.field.as_deref()), (code, Some(field)), "{json}: {refusal}");
    }
    // What was remembered outlives the member.
    proxy.reload(format!(
        "<Proxy balancer://app>\nBalancerMember {b} route=b\n</Proxy>\nProxyPass / balancer://app/"
    ));
    for member in [a.to_string(), a.address().to_string(), format!("app/{a}")] {
        let gone = all(&proxy, &format!(r#"{{"member":"{member}"}}"#)).elections;
        assert!(gone.len() >= 3, "{member}: {gone:?}");
    }
    assert_eq!(numbers(&proxy, r#"{"route":"gone"}"#), [5]);
}

#[test]
fn only_so_many_are_remembered() {
    let backends = backends(["a", "b"]);
    let proxy = proxy_with_threads(1, text(&backends));
    let mut browser = browser().keep_alive();
    for _ in 0..1100 {
        browser.get(&proxy, "/");
    }
    let found = all(&proxy, r#"{"most":10000}"#);
    assert_eq!((found.total, found.kept, found.elections.len()), (1100, 1024, 1024));
    let numbers: Vec<u64> = found.elections.iter().map(|note| note.number).collect();
    assert!(numbers.iter().copied().eq(77..=1100), "{numbers:?}");
}
