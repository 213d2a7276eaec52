//! Steering checks while they run.

use evenkeel_protocol::CheckMethod;
use harness::prelude::*;

fn checked(backend: &Backend) -> Proxy {
    proxy(serving([format!("{backend} route=a hcmethod=GET hcinterval=100ms hcuri=/old")]))
}

/// What the backend was last asked for by a check.
fn asked(backend: &Backend) -> String {
    backend.asked().last().map_or_else(String::new, |it| format!("{} {}", it.head.word(0), it.head.word(1)))
}

/// Departure 58: httpd goes on asking for the old one.
#[test]
fn changed_settings_hold_from_the_next_check_on() {
    let [a] = backends(["a"]);
    let proxy = checked(&a);
    eventually_equal(&"GET /old".to_owned(), || asked(&a));
    let edited = proxy.edit("app", "a", r#"{"hcuri":"/new","reason":"moved"}"#);
    assert_eq!(edited.changes[0].field, "hcuri");
    eventually_equal(&"GET /new".to_owned(), || asked(&a));
    proxy.edit("app", "a", r#"{"hcmethod":"HEAD11"}"#);
    eventually_equal(&"HEAD /new".to_owned(), || asked(&a));
    proxy.edit("app", "a", r#"{"hcpasses":3,"hcfails":4,"hcinterval":150}"#);
    let health = proxy.member("app", "a").health;
    assert_eq!((health.passes, health.fails, health.interval.millis()), (3, 4, 150));
    proxy.edit("app", "a", r#"{"hcmethod":"NONE"}"#);
    let health = proxy.member("app", "a").health;
    assert_eq!((health.method, health.uri.as_str()), (CheckMethod::None, "/new"));
}

#[test]
fn an_interval_that_is_shortened_is_not_waited_out() {
    let [a] = backends(["a"]);
    let proxy = proxy(serving([format!("{a} route=a hcmethod=GET hcinterval=1h")]));
    assert_eq!(a.count(), 0);
    proxy.edit("app", "a", r#"{"hcinterval":100}"#);
    eventually_true("it is checked", || a.count() > 0);
}

#[test]
fn a_stopped_member_is_not_checked_and_others_are() {
    let [s, d, n] = backends(["s", "d", "n"]);
    let proxy = proxy(serving(
        [&s, &d, &n].map(|it| format!("{it} route={} hcmethod=GET hcinterval=100ms", it.name())),
    ));
    for backend in [&s, &d, &n] {
        eventually_true("it is checked", || backend.count() > 0);
    }
    proxy.edit("app", "d", r#"{"disabled":true}"#);
    proxy.edit("app", "n", r#"{"drain":true}"#);
    proxy.edit("app", "s", r#"{"stopped":true}"#);
    // One may have been on its way.
    let (s_before, d_before, n_before) = (s.count(), d.count(), n.count());
    eventually_true("the others go on", || d.count() >= d_before + 4 && n.count() >= n_before + 4);
    assert!(s.count() <= s_before + 1, "{} checks came after the stop", s.count() - s_before);
    d.behaves(Behaviour::Answers(Reply::status(500)));
    eventually_equal(&"Init Dis HcFl".to_owned(), || proxy.member("app", "d").words);
    proxy.edit("app", "s", r#"{"stopped":false}"#);
    let before = s.count();
    eventually_true("it is checked again", || s.count() > before);
}

#[test]
fn hcfl_can_be_set_and_lifted_by_hand_and_checks_decide_anew() {
    let [a, b] = backends(["a", "b"]);
    let proxy =
        proxy(serving([format!("{a} route=a"), format!("{b} route=b hcmethod=GET hcinterval=100ms")]));
    let edited = proxy.edit("app", "a", r#"{"health_fail":true}"#);
    assert!(edited.notes.iter().any(|note| note.contains("stays so until it is changed")), "{edited:?}");
    assert_eq!(proxy.member("app", "a").words, "Init HcFl");
    proxy.edit("app", "b", r#"{"health_fail":true}"#);
    eventually_equal(&"Init Ok".to_owned(), || proxy.member("app", "b").words);
    assert_eq!(proxy.member("app", "a").words, "Init HcFl");
    assert_eq!(visits(&proxy, 3), "bbb");
    proxy.edit("app", "a", r#"{"health_fail":false}"#);
    assert!(visits(&proxy, 3).contains('a'));
}

#[test]
fn edits_are_kept_over_a_restart_and_what_was_found_is_not() {
    let [a] = backends(["a"]);
    let mut proxy = proxy(format!(
        "ProxyHCExpr ok234 {{%{{REQUEST_STATUS}} =~ /^[234]/}}\n{}",
        serving([format!("{a} route=a hcmethod=GET hcinterval=1h")])
    ));
    proxy.edit(
        "app",
        "a",
        r#"{"hcmethod":"HEAD","hcinterval":7200000,"hcpasses":2,"hcfails":3,"hcuri":"/x","hcexpr":"OK234","health_fail":true}"#,
    );
    assert_eq!(proxy.member("app", "a").words, "Init HcFl");
    proxy.kill();
    proxy.restart();
    let member = proxy.member("app", "a");
    let health = member.health;
    assert_eq!(member.words, "Init Ok");
    assert_eq!((health.method, health.interval.millis()), (CheckMethod::Head, 7_200_000));
    assert_eq!((health.passes, health.fails), (2, 3));
    assert_eq!((health.uri.as_str(), health.expression.as_str()), ("/x", "OK234"));
}

#[test]
fn where_an_expression_is_gone_the_status_decides_and_it_is_said() {
    let [a] = backends(["a"]);
    let member = serving([format!("{a} route=a hcmethod=GET hcinterval=100ms")]);
    let mut proxy = proxy(format!("ProxyHCExpr never {{false}}\n{member}"));
    proxy.edit("app", "a", r#"{"hcexpr":"never"}"#);
    eventually_equal(&"Init HcFl".to_owned(), || proxy.member("app", "a").words);
    let file = proxy.folder().join("site.conf");
    std::fs::write(file, format!("Listen 127.0.0.1:0\n{member}")).unwrap();
    proxy.terminate();
    proxy.restart();
    let last = eventually("it was checked", || proxy.member("app", "a").health.last);
    assert!(last.passed, "{last:?}");
    assert_eq!(last.reason, "answered 200; the expression never is not defined any more");
}

#[test]
fn bad_edits_are_refused_and_name_their_field() {
    let [a] = backends(["a"]);
    let proxy = proxy(format!("ProxyHCExpr ok {{true}}\n{}", serving([format!("{a} route=a")])));
    for (json, field, says) in [
        (r#"{"hcexpr":"nosuch"}"#, "hcexpr", "defines no ProxyHCExpr nosuch; there are ok"),
        (r#"{"hcexpr":"abcdefghijklmnop"}"#, "hcexpr", "is longer than 15 characters"),
        (r#"{"hcmethod":"CPING"}"#, "hcmethod", "must be NONE, TCP"),
        (r#"{"hcmethod":1}"#, "hcmethod", "must be NONE, TCP"),
        (r#"{"hcinterval":99}"#, "hcinterval", "at least 100"),
        (r#"{"hcinterval":99999999999999}"#, "hcinterval", "at least 100"),
        (r#"{"hcpasses":0}"#, "hcpasses", "from 1 to 2147483647"),
        (r#"{"hcfails":2147483648}"#, "hcfails", "from 1 to 2147483647"),
        (r#"{"hcuri":"/a b"}"#, "hcuri", "U+0020"),
        (r#"{"hcuri":null}"#, "hcuri", "must be a text"),
        (r#"{"health_fail":1}"#, "health_fail", "must be true or false"),
    ] {
        let refusal = proxy.try_edit("app", "a", json).refusal();
        assert_eq!(refusal.field.as_deref(), Some(field), "{json}: {refusal:?}");
        assert!(refusal.message.contains(says), "{json}: {refusal:?}");
    }
    assert_eq!(proxy.member("app", "a").revision, 0);
}
