//! Health checks: parameters, templates, expressions, and what is wrong with them.

use std::time::Duration;

use evenkeel_protocol::{CheckMethod, HealthCheck};

use super::*;

const ABOVE: &str = "Listen 80
ProxyHCExpr ok234 {%{REQUEST_STATUS} =~ /^[234]/}
ProxyHCTemplate web hcmethod=GET hcinterval=5 hcpasses=2 hcfails=3 hcuri=/health hcexpr=OK234 hctimeout=2
ProxyHCTemplate plain
";

/// The lines above, and a member with these parameters: how it is checked, and the titles of the warnings.
fn checked(parameters: &str) -> Result<(HealthCheck, Vec<String>), String> {
    let text = format!("{ABOVE}<Proxy balancer://b>\nBalancerMember http://h:1 {parameters}\n</Proxy>\n");
    match plain(&text) {
        Ok(config) => {
            let check = config.balancers[0].members[0].1.health.clone();
            Ok((check, config.warnings.into_iter().map(|note| note.title).collect()))
        }
        Err(report) => Err(report.errors[0].title.clone()),
    }
}

#[test]
fn what_is_taken() {
    type Check = fn(&HealthCheck) -> bool;
    let rows: [(&str, Check); 24] = [
        ("", |it| *it == HealthCheck::default()),
        ("hcmethod=none", |it| *it == HealthCheck::default()),
        ("hcmethod=tcp", |it| it.method == CheckMethod::Tcp),
        ("HCMETHOD=Options", |it| it.method == CheckMethod::Options),
        ("hcmethod=HEAD11", |it| it.method == CheckMethod::Head11),
        ("hcmethod=TCP hcmethod=GET", |it| it.method == CheckMethod::Get),
        ("hcmethod=GET hcinterval=1", |it| it.interval.millis() == 1000),
        ("hcmethod=GET hcinterval=100ms", |it| it.interval.millis() == 100),
        ("hcmethod=GET hcinterval=2mi", |it| it.interval.millis() == 120_000),
        ("hcmethod=GET hcinterval=1 hcinterval=1h", |it| it.interval.millis() == 3_600_000),
        ("hcmethod=GET hcpasses=2147483647", |it| it.passes == 2_147_483_647),
        ("hcmethod=GET hcpasses=0", |it| it.passes == 0),
        ("hcmethod=GET hcfails=0", |it| it.fails == 0),
        ("hcmethod=GET hcfails=7", |it| it.fails == 7),
        ("hcmethod=GET hcuri=", |it| it.uri.is_empty()),
        ("hcmethod=GET hcuri=/h?a=b", |it| it.uri.as_str() == "/h?a=b"),
        ("hcmethod=GET hcexpr=OK234", |it| it.expression.as_str() == "OK234"),
        ("hcmethod=GET hctimeout=500ms", |it| it.timeout == Some(Duration::from_millis(500))),
        ("hcmethod=GET hctimeout=3", |it| it.timeout == Some(Duration::from_secs(3))),
        ("hctemplate=web", |it| {
            let HealthCheck { method, interval, passes, fails, uri, expression, timeout } = it;
            (*method, interval.millis(), *passes, *fails) == (CheckMethod::Get, 5000, 2, 3)
                && (uri.as_str(), expression.as_str()) == ("/health", "OK234")
                && *timeout == Some(Duration::from_secs(2))
        }),
        ("hctemplate=WEB hcuri=/other", |it| (it.uri.as_str(), it.passes) == ("/other", 2)),
        ("hcuri=/other hctemplate=web", |it| it.uri.as_str() == "/health"),
        ("hctemplate=web hctemplate=plain", |it| it.uri.is_empty() && it.passes == 1),
        ("hctemplate=plain", |it| it.method == CheckMethod::Tcp && it.interval.millis() == 30_000),
    ];
    for (parameters, check) in rows {
        let (health, _) = checked(parameters).unwrap_or_else(|why| panic!("{parameters}: {why}"));
        assert!(check(&health), "{parameters}: {health:?}");
    }
    assert!(checked(&format!("hcmethod=GET hcuri={}", "x".repeat(63))).is_ok());
}

#[test]
fn what_is_refused_and_why() {
    let method = "must be NONE, TCP, OPTIONS, HEAD, GET, OPTIONS11, HEAD11 or GET11";
    let time = "must be a whole number with ms, s, mi or h behind it (without: s)";
    let count = "must be a whole number, at least 0";
    for (parameter, why) in [
        ("hcmethod=", method),
        ("hcmethod=CPING", method),
        ("hcmethod=PROVIDER", method),
        ("hcmethod=POST", method),
        ("hcinterval=", time),
        ("hcinterval=x", time),
        ("hcinterval=-5", time),
        ("hcinterval=1.5", time),
        ("hcinterval=5m", time),
        ("hcinterval=9000h", time),
        ("hcinterval=0", "must be at least 100 ms"),
        ("hcinterval=99ms", "must be at least 100 ms"),
        ("hcinterval=99999999999999999999", time),
        ("hcpasses=-1", count),
        ("hcpasses=2147483648", count),
        ("hcfails=-1", count),
        ("hcfails=99999999999999999999", count),
        ("hcexpr=", "names no expression that was defined above"),
        ("hcexpr=ok23", "names no expression that was defined above"),
        ("hctemplate=", "names no template that was defined above"),
        ("hctemplate=wep", "names no template that was defined above"),
        ("hctimeout=0", "must be at least one millisecond"),
        ("hctimeout=x", time),
    ] {
        assert_eq!(checked(parameter).map(|_| ()), Err(format!("{parameter} {why}")), "{parameter}");
    }
    let long = "x".repeat(64);
    assert!(checked(&format!("hcuri={long}")).unwrap_err().ends_with("is longer than 63 characters"));
    assert!(checked("\"hcuri=/a b\"").unwrap_err().contains("contains U+0020"));
    assert!(checked("hcuri=/é").unwrap_err().contains("contains U+00E9"));
    assert!(checked("hcuri=/\u{7}").unwrap_err().contains("control characters"));
    assert!(checked("hcpass=1").unwrap_err().starts_with("'hcpass' is no parameter"));
    // httpd refuses them on balancers too.
    let set = format!("{ABOVE}<Proxy balancer://b>\nProxySet hcmethod=GET\n</Proxy>");
    assert!(errors(&set)[0].contains("'hcmethod' is no parameter"), "{:?}", errors(&set));
}

#[test]
fn what_is_taken_and_told() {
    for (parameters, told) in [
        ("hcmethod=GET hcpasses=5x", "hcpasses=5x means 5: what follows the digits is ignored, as in httpd"),
        ("hcmethod=GET hcfails=", "hcfails= means 0: it starts with no digit, as in httpd"),
        ("hcmethod=GET hcfails=0", "hcfails=0 means 1, as in httpd"),
        (
            "hcmethod=GET hcinterval=5seconds",
            "hcinterval=5seconds means 5s: only the start of the unit counts, as in httpd",
        ),
        ("hcinterval=5", "this member's health is not checked: there is no hcmethod"),
        ("hcmethod=TCP hcexpr=ok234", "hcexpr has no effect: hcmethod=TCP gets no answer to look at"),
    ] {
        let (_, warnings) = checked(parameters).unwrap();
        assert!(warnings.iter().any(|warning| warning == told), "{parameters}: {warnings:?}");
    }
    assert_eq!(checked("hctemplate=web").unwrap().1, [""; 0]);
}

#[test]
fn definitions_and_their_errors() {
    let many: String =
        (0..257).fold(String::new(), |text, number| text + &format!("ProxyHCExpr e{number} {{true}}\n"));
    for (lines, error) in [
        ("ProxyHCExpr a {true", None),
        ("ProxyHCExpr a \"%{REQUEST_STATUS} == 200\"", None),
        ("ProxyHCExpr a %{REQUEST_STATUS}==200", None),
        ("<Proxy balancer://b>\nProxyHCExpr a {true}\n</Proxy>", None),
        ("<Proxy balancer://b>\nProxyHCTemplate a hcmethod=GET\n</Proxy>", None),
        ("ProxyHCExpr a {true}\nProxyHCExpr A {false}", None),
        ("ProxyHCTPsize 0", None),
        ("ProxyHCTPsize 5x", None),
        ("ProxyHCTPsize 99999999", None),
        ("ProxyHCExpr abcdefghijklmno {true}", None),
        (
            "ProxyHCExpr abcdefghijklmnop {true}",
            Some("2:13: the name 'abcdefghijklmnop' is longer than 15 characters"),
        ),
        ("ProxyHCExpr \"a b\" {true}", Some("2:13: the name 'a b' contains U+0020")),
        ("ProxyHCExpr \"\" {true}", Some("2:13: the name is empty")),
        ("ProxyHCExpr a", Some("2:1: ProxyHCExpr needs more arguments")),
        ("ProxyHCExpr a {}", Some("2:15: the expression is empty")),
        ("ProxyHCExpr a { }", Some("2:15: the expression is empty")),
        ("ProxyHCExpr a {true} b", Some("2:1: ProxyHCExpr takes fewer arguments")),
        ("ProxyHCExpr a {true || 'x' =~ /a}b/}", Some("2:1: ProxyHCExpr takes fewer arguments")),
        ("ProxyHCExpr a {true || foo == 1}", Some("2:24: 'foo' is no word")),
        ("ProxyHCExpr a \"true || foo == 1\"", Some("2:24: 'foo' is no word")),
        ("ProxyHCExpr a foo", Some("2:15: 'foo' is no word")),
        ("ProxyHCTemplate", Some("2:1: ProxyHCTemplate needs more arguments")),
        ("ProxyHCTemplate a hcmethod", Some("2:19: 'hcmethod' is no parameter; ")),
        ("ProxyHCTemplate a route=x", Some("2:19: 'route=x' is no parameter of health checks")),
        ("ProxyHCTemplate a hcfoo=x", Some("2:19: 'hcfoo' is no parameter that is known here")),
        ("ProxyHCTemplate a hctemplate=a", Some("2:19: hctemplate=a names no template")),
        ("ProxyHCTemplate a hcmethod=PUT", Some("2:19: hcmethod=PUT must be")),
        ("ProxyHCTPsize -1", Some("2:15: '-1' must be a whole number, at least 0")),
        ("ProxyHCTPsize", Some("2:1: ProxyHCTPsize needs more arguments")),
        (
            "<Proxy balancer://b>\nProxyHCTPsize 5\n</Proxy>",
            Some("3:1: ProxyHCTPsize is not supported in <Proxy>"),
        ),
        (&many, Some("258:1: there are more than 256 of these definitions")),
    ] {
        let found = errors(&format!("Listen 80\n{lines}\n"));
        let found = found.first().map(|it| it.trim_start_matches("site.conf:"));
        match error {
            None => assert_eq!(found, None, "{lines}"),
            Some(error) => {
                let error = error.trim_end_matches("; ");
                assert!(found.is_some_and(|found| found.starts_with(error)), "{lines}: {found:?}");
            }
        }
    }
}

#[test]
fn definitions_reach_every_balancer_and_the_last_one_of_a_name_counts() {
    let config = loaded(
        "Listen 80
        ProxyHCTPsize 3
        <Proxy balancer://a>
        BalancerMember http://a
        </Proxy>
        ProxyHCExpr x {false}
        ProxyHCExpr X {true}
        <Proxy balancer://b>
        BalancerMember http://b hcmethod=GET hcexpr=x
        </Proxy>",
    );
    for balancer in &config.balancers {
        assert_eq!(balancer.checks.at_once, 3);
        assert_eq!(balancer.checks.expression("x").unwrap().text(), "true");
        assert_eq!(balancer.checks.names().collect::<Vec<_>>(), ["x"]);
    }
    let told = warnings(&config);
    assert!(told[0].contains("'x' was defined above already"), "{told:?}");
    for (text, at_once) in [("", 16), ("ProxyHCTPsize 0", 1), ("ProxyHCTPsize 99999", 1024)] {
        let config =
            loaded(&format!("Listen 80\n{text}\n<Proxy balancer://a>\nBalancerMember http://a\n</Proxy>"));
        assert_eq!(config.balancers[0].checks.at_once, at_once, "{text}");
    }
}

#[test]
fn the_module_counts_as_built_in() {
    let config = loaded(
        "Listen 80
        LoadModule proxy_hcheck_module modules/mod_proxy_hcheck.so
        <IfModule mod_proxy_hcheck.c>
        ProxyHCTPsize 2
        </IfModule>
        <Proxy balancer://a>
        BalancerMember http://a
        </Proxy>",
    );
    assert_eq!(config.balancers[0].checks.at_once, 2);
}
