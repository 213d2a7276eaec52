//! What an operator is told of a request to come, and that nothing happens by it.

use evenkeel_protocol::{Code, ElectionWhy, Explanation, Reading};
use harness::prelude::*;

fn pair(more: &str) -> (Proxy, [Backend; 2]) {
    let [a, b] = backends(["a", "b"]);
    let proxy = proxy(format!(
        "<Proxy balancer://app>
            BalancerMember {a} route=a
            BalancerMember {b} route=b
            ProxySet stickysession=SID|sid
        </Proxy>
        ProxyPass /app/private !
        ProxyPass /app balancer://app/v1
        {more}"
    ));
    (proxy, [a, b])
}

#[track_caller]
fn explain(proxy: &Proxy, json: &str) -> Explanation {
    proxy.admin().ask("POST", "/v1/explain", json).message()
}

#[test]
fn a_request_goes_where_it_was_explained() {
    let (proxy, _backends) = pair("");
    for (url, cookie) in [
        ("/app/x", ""),
        ("/app/x", ""),
        ("/app/x?sid=1.a", ""),
        ("/app;sid=1.b/x", ""),
        ("/app/x", "SID=1.b"),
        ("/app/x", "SID=\"1.a\""),
        ("/app/x", "SID=1.nobody"),
        ("/other", "SID=1.a"),
        ("/app/private/x", ""),
        ("/app/%2e%2e/x", ""),
    ] {
        let question = format!(r#"{{"url":"{url}","cookies":["{}"]}}"#, cookie.replace('"', "\\\""));
        let told = explain(&proxy, &question);
        let answer = browser().header("Cookie", cookie).get(&proxy, url);
        if let Some(member) = told.balancer.and_then(|candidacy| candidacy.elected) {
            let seen = proxy.member("app", answer.answered_by());
            assert_eq!(seen.name, member, "{url} {cookie}: {}", told.verdict);
        } else {
            let status = told.mapping.and_then(|mapping| mapping.status);
            assert_eq!(status, Some(answer.status), "{url} {cookie}: {}", told.verdict);
        }
    }
}

#[test]
fn what_is_told_names_the_line_the_reading_and_what_the_member_gets() {
    let (proxy, _backends) = pair("");
    let told = explain(&proxy, r#"{"url":"https://h/app/x?y=1","cookies":["SID=\"12345678.b\""],"next":2}"#);
    let (mapping, candidacy) = (told.mapping.unwrap(), told.balancer.unwrap());
    assert_eq!((mapping.line.as_deref(), mapping.becomes.as_deref()), (Some("/app"), Some("/v1/x?y=1")));
    let session = &candidacy.session;
    assert_eq!(
        (session.reading, session.id.as_str(), session.route.as_str()),
        (Some(Reading::Tolerant), "1234…", "b")
    );
    assert_eq!((candidacy.why, candidacy.next.len()), (ElectionWhy::Sticky, 2));
    let excluded = explain(&proxy, r#"{"url":"/app/private"}"#).mapping.unwrap();
    assert_eq!((excluded.line.as_deref(), excluded.status), (Some("/app/private"), Some(404)));
    assert!(excluded.why.contains('!'), "{excluded:?}");
    let named = explain(&proxy, r#"{"url":"/x;sid=1.a","balancer":"app"}"#);
    assert!(named.mapping.is_none() && named.balancer.unwrap().why == ElectionWhy::Sticky);
}

#[test]
fn a_rule_of_access_is_told_and_a_closed_path_is_closed() {
    let (proxy, _backends) = pair(
        "<Location /app/near>
            Require ip 10.0.0.0/8
        </Location>
        <Location /app/posts>
            Require method POST
        </Location>
        <Location /app/closed>
            Require all denied
        </Location>
        <Location /app/users>
            AuthType Basic
            AuthName x
            AuthUserFile /dev/null
            Require valid-user
        </Location>
        <Location /app/open>
            Require all granted
        </Location>",
    );
    for (path, status, rule) in [
        ("/app/near", 403, "Require ip 10.0.0.0/8 must grant it; else the proxy answers 403"),
        ("/app/near;x=1", 403, "Require ip 10.0.0.0/8 must grant it; else the proxy answers 403"),
        ("/app/posts", 403, "Require method POST must grant it; else the proxy answers 403"),
        ("/app/users", 401, "Require valid-user must grant it; else the proxy answers 401"),
    ] {
        let told = explain(&proxy, &format!(r#"{{"url":"{path}"}}"#));
        assert_eq!(told.access.as_deref(), Some(rule), "{path}");
        assert!(told.verdict.contains(" if the access rules let it in: "), "{}", told.verdict);
        assert_eq!(browser().get(&proxy, path).status, status, "{path}");
    }
    let closed = explain(&proxy, r#"{"url":"/app/closed"}"#);
    assert_eq!(closed.verdict, "is answered 403 by the proxy: Require all denied lets nobody come");
    assert_eq!(browser().get(&proxy, "/app/closed").status, 403);
    let open = explain(&proxy, r#"{"url":"/app/open"}"#);
    assert!(open.access.is_none() && open.verdict.starts_with("goes to "), "{open:?}");
}

#[test]
fn where_no_path_is_asked_for_a_location_may_say_what_is_not_known() {
    const UNKNOWN: &str = "the rules of a <Location> are not known here, because no path was asked for";
    const IP: &str = "Require ip 10.0.0.0/8 must grant it; else the proxy answers 403";
    let proxied = |rule: &str| format!("<Proxy balancer://app>\nRequire {rule}\n</Proxy>");
    let located = |path: &str| format!("<Location {path}>\nRequire all granted\n</Location>");
    let cases = [
        (proxied("ip 10.0.0.0/8"), Some(IP.to_owned()), "goes to "),
        (proxied("all denied"), None, "is answered 403 by the proxy: Require all denied lets nobody come"),
        (located("/"), Some(UNKNOWN.to_owned()), "goes to "),
        (located("/app/x"), Some(UNKNOWN.to_owned()), "goes to "),
        (located("/other"), None, "goes to "),
        (proxied("ip 10.0.0.0/8") + "\n" + &located("/app"), Some(format!("{IP}; {UNKNOWN}")), "goes to "),
        (
            proxied("all denied") + "\n" + &located("/app"),
            Some(format!("Require all denied lets nobody come; {UNKNOWN}")),
            "goes to ",
        ),
    ];
    for (text, access, verdict) in cases {
        let (proxy, _backends) = pair(&text);
        let told = explain(&proxy, r#"{"url":"/","balancer":"app"}"#);
        assert_eq!((&told.access, told.verdict.starts_with(verdict)), (&access, true), "{text}: {told:?}");
    }
}

#[test]
fn a_host_that_no_request_can_name_is_refused_as_by_the_proxy() {
    let (proxy, _backends) = pair("");
    for host in ["[::1", "h:x", "h h", ""] {
        let told = explain(&proxy, &format!(r#"{{"url":"http://{host}/app/"}}"#));
        assert_eq!(told.mapping.unwrap().status, Some(400), "{host}: {}", told.verdict);
    }
    assert!(explain(&proxy, r#"{"url":"http://[::1]:80/app/"}"#).verdict.starts_with("goes to "));
    let refusal = proxy.admin().ask("POST", "/v1/explain", r#"{"url":"http://anna:pw@h/app/"}"#).refusal();
    assert_eq!((refusal.code, refusal.field.as_deref()), (Code::Invalid, Some("url")));
}

#[test]
fn cookies_are_read_as_those_of_a_request() {
    let (proxy, _backends) = pair("");
    let long = format!("SID=x.b; y={}", "y".repeat(20_000));
    for (cookie, status) in [
        ("SID=x.b \t", 200),
        ("  SID=x.b\r\n", 200),
        ("x=1\u{b}; SID=x.b", 400),
        ("SID=x.b\u{1}", 400),
        (&long, 431),
    ] {
        let question = serde_json::json!({"url": "/app/", "cookies": [cookie], "next": 1});
        let told = explain(&proxy, &question.to_string());
        match told.balancer {
            Some(candidacy) => {
                assert_eq!((status, candidacy.session.route.as_str()), (200, "b"), "{cookie:?}");
                assert_eq!(candidacy.why, ElectionWhy::Sticky, "{cookie:?}");
            }
            None => assert_eq!(told.mapping.unwrap().status, Some(status), "{cookie:.60}: {}", told.verdict),
        }
        let sent = browser().header("Cookie", cookie.trim_end_matches(['\r', '\n'])).get(&proxy, "/app/");
        assert_eq!(sent.status, status, "{cookie:.60?}");
    }
    let refusal = proxy.admin().ask("POST", "/v1/explain", r#"{"url":"/","cookies":["a=1\nb=2"]}"#).refusal();
    assert_eq!((refusal.code, refusal.field.as_deref()), (Code::Invalid, Some("cookies")));
}

#[test]
fn nothing_is_counted_and_nothing_sent() {
    let (proxy, [a, b]) = pair("");
    visits_app(&proxy, 3);
    let before = (proxy.balancer("app"), a.count() + b.count());
    for _ in 0..20 {
        explain(&proxy, r#"{"url":"/app/","cookies":["SID=1.a"],"next":100}"#);
        explain(&proxy, r#"{"url":"/app/"}"#);
    }
    assert_eq!((proxy.balancer("app"), a.count() + b.count()), before);
}

fn visits_app(proxy: &Proxy, count: usize) {
    browser().visits(proxy, "/app/", count);
}

#[test]
fn bad_questions_are_refused_and_hostile_ones_come_back_clean() {
    let (proxy, _backends) = pair("RequestHeader set X-A b");
    let refused = |json: &str| proxy.admin().ask("POST", "/v1/explain", json).refusal();
    for (json, code) in [
        ("", Code::BadRequest),
        ("{}", Code::Invalid),
        (r#"{"url":"/","cookie":"x"}"#, Code::Invalid),
        (r#"{"url":"/","next":0}"#, Code::Invalid),
        (r#"{"url":"/","next":101}"#, Code::Invalid),
        (r#"{"url":"/","balancer":"nosuch"}"#, Code::NotFound),
        (&format!(r#"{{"url":"/{}"}}"#, "x".repeat(9000)), Code::Invalid),
        (&format!(r#"{{"url":"/","cookies":[{}""]}}"#, "\"\",".repeat(64)), Code::Invalid),
    ] {
        assert_eq!(refused(json).code, code, "{json:.60}");
    }
    for json in [
        r#"{"url":"/app/\u001b[2J;sid=x.\u009b31m","cookies":["SID=\u202e.\u001b]0;x"]}"#,
        r#"{"url":"/app/","cookies":["SID=x.\u001b]0;x\u0007","SID=\u0000.a"]}"#,
        r#"{"url":"\u001b"}"#,
    ] {
        let told = proxy.admin().ask("POST", "/v1/explain", json);
        assert_eq!(told.status, 200, "{}", told.body);
        let hidden = ["\\u00", "\u{9b}", "\u{202e}"];
        assert!(hidden.iter().all(|text| !told.body.contains(text)), "{}", told.body);
    }
    let notes = explain(&proxy, r#"{"url":"/app/"}"#).balancer.unwrap().notes;
    assert!(notes.iter().any(|note| note.contains("RequestHeader")), "{notes:?}");
}
