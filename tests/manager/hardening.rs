//! What strangers send, and what browsers are told.

use harness::prelude::*;

use super::{Operator, PATH, managed};

#[test]
fn methods_are_httpds() {
    let proxy = managed("");
    let operator = Operator(proxy.address());
    for (method, status) in [
        ("GET", 200),
        ("HEAD", 200),
        ("OPTIONS", 200),
        ("PUT", 405),
        ("DELETE", 405),
        ("PATCH", 405),
        ("VERSION-CONTROL", 405),
        ("TRACE", 405),
        ("FOO", 501),
        ("get", 501),
    ] {
        let answer = operator.send((method, PATH), &[], b"");
        assert_eq!(answer.status, status, "{method}");
        if matches!(method, "OPTIONS" | "PUT" | "DELETE" | "PATCH" | "FOO") {
            assert_eq!(answer.head.header("allow"), Some("OPTIONS,HEAD,GET,POST"), "{method}");
        }
    }
}

#[test]
fn browsers_are_told_to_do_nothing_with_it() {
    let proxy = managed("");
    for query in ["", "?xml=1", "?b=app"] {
        let answer = Operator(proxy.address()).get(query);
        let policy = answer.head.header("content-security-policy").unwrap();
        for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"]
        {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("script-src") && !answer.text().to_lowercase().contains("<script"));
        for (field, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
        ] {
            assert_eq!(answer.head.header(field), Some(value), "{query}");
        }
    }
}

#[test]
fn what_strangers_write_is_escaped_wherever_it_stands() {
    let proxy = managed("");
    let operator = Operator(proxy.address());
    let evil = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E%26%27%1B[31m";
    let nonce = operator.nonce("app");
    let pages = [
        operator.get(&format!("/{evil}?b=app")),
        operator.get(&format!("?b=app&w=http://127.0.0.1:9/{evil}")),
        operator.get(&format!("?b={evil}")),
        operator.post(&format!("b={evil}&nonce={nonce}&w_ls=1")),
        operator.post(&format!("b=app&w={evil}&nonce={nonce}&w_ls=1")),
        operator.post(&format!(
            "b=app&w=http://127.0.0.1:9&nonce={nonce}&w_wr={evil}&w_he={evil}&b_ss={evil}&b_{evil}={evil}"
        )),
        operator.send(("GET", PATH), &[("Host", "a'b<script>")], b""),
    ];
    for page in pages {
        let text = page.text();
        assert!(!text.contains("<script") && !text.contains('\u{1b}'), "{text}");
        assert!(!text.contains("\"><s") && !text.contains("&'"), "{text}");
    }
}

#[test]
fn huge_repeated_and_broken_bodies_change_nothing_and_cost_little() {
    let proxy = managed("");
    let operator = Operator(proxy.address());
    let before = operator.xml();
    let nonce = operator.nonce("app");
    let large = format!("b=app&nonce={nonce}&w_wr={}", "x".repeat(70_000));
    assert_eq!(operator.post(&large).status, 413);
    let fits = format!("b=app&w=http://127.0.0.1:9&nonce={nonce}&w_wr={}", "x".repeat(60_000));
    assert_eq!(operator.post(&fits).status, 200);
    let repeated = format!("b=app&w=http://127.0.0.1:9&nonce={nonce}&{}", "w_zz=1&".repeat(5000));
    let answer = operator.post(&repeated);
    assert!(answer.status == 200 && answer.text().matches("Refused:").count() < 40);
    let broken = format!("POST {PATH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
    assert!(raw(proxy.address(), broken.as_bytes()).starts_with(b"HTTP/1.1 400 "));
    assert_eq!(operator.xml(), before);
}

#[test]
fn nonces_stay_out_of_our_logs() {
    let proxy = managed("CustomLog access.log \"%r|%q|%{Referer}i|%U\"");
    let operator = Operator(proxy.address());
    let nonce = operator.nonce("app");
    let referer = format!("{}?b=app&nonce={nonce}", operator.referer());
    operator.send(("GET", &format!("{PATH}?b=app&nonce={nonce}&x=1")), &[("Referer", &referer)], b"");
    operator.post(&format!("b=app&nonce={nonce}&w_ls=1"));
    let log = eventually("the line is written", || {
        let log = std::fs::read_to_string(proxy.folder().join("access.log")).unwrap_or_default();
        log.contains("x=1").then_some(log)
    });
    assert!(log.contains("?b=app&nonce=...&x=1") && !log.contains(&nonce), "{log}");
    assert!(!proxy.log().contains(&nonce));
}

#[test]
fn a_mapping_that_covers_the_page_has_it_as_in_httpd() {
    let [backend] = backends(["a"]);
    let proxy = proxy(format!(
        "<Location {PATH}>\nSetHandler balancer-manager\nRequire all granted\n</Location>\n{}",
        serving([&backend])
    ));
    assert_eq!(browser().get(&proxy, PATH).answered_by(), "a");
    assert!(proxy.log().contains("the page is never seen, as in httpd: ProxyPass / covers it"));
}
