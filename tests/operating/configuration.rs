//! `-t`: what is wrong where, several errors at once, and what is accepted with a warning.

use std::fs;

use harness::prelude::*;

/// Checks this text; the name of the file stands as `site.conf` in what is said.
fn check(text: &str, more: &[&str]) -> Ended {
    let home = folder();
    let configuration = home.path().join("site.conf");
    fs::write(&configuration, text).unwrap();
    let mut arguments = vec!["-t".to_owned(), "-f".to_owned(), configuration.to_string_lossy().into_owned()];
    arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
    let mut ended = run(&evenkeel_proxy(), arguments);
    let prefix = format!("{}/", home.path().display());
    ended.err = ended.err.replace(&prefix, "");
    assert!(!home.path().join("run").exists(), "a check leaves nothing behind");
    ended
}

const GOOD: &str = "Listen 127.0.0.1:8080
<Proxy balancer://app>
    BalancerMember http://127.0.0.1:9001 route=a
</Proxy>
ProxyPass / balancer://app/
";

#[test]
fn a_good_configuration_is_good() {
    let ended = check(GOOD, &[]).with_code(0);
    assert_eq!((ended.out.as_str(), ended.err.trim()), ("", "Syntax OK"));
}

#[test]
fn each_error_tells_place_and_remedy() {
    for (text, place, said) in [
        ("Listen 127.0.0.1:8080\nProxyPas / http://127.0.0.1:9/\n", "site.conf:2:1", "ProxyPass"),
        ("Listen 127.0.0.1:notaport\n", "site.conf:1:8", "port"),
        (
            "Listen 127.0.0.1:1\n<Proxy balancer://a>\nBalancerMember http://h loadfactor=0\n</Proxy>\n",
            "site.conf:3:",
            "loadfactor",
        ),
        (
            "Listen 127.0.0.1:1\n<Proxy balancer://a>\nBalancerMember http://h loadfacter=2\n</Proxy>\n",
            "site.conf:3:",
            "loadfactor",
        ),
        ("Listen 127.0.0.1:1\n<Proxy balancer://a>\nBalancerMember http://h\n", "site.conf:2:1", "</Proxy>"),
        ("Listen 127.0.0.1:1\nProxyPass / balancer://nowhere/\n", "site.conf:2:", "nowhere"),
    ] {
        let ended = check(text, &[]);
        assert_eq!(ended.code, Some(1), "{text}: {ended:?}");
        assert!(ended.err.contains(place), "{text}: no {place} in\n{}", ended.err);
        assert!(ended.err.contains(said), "{text}: no {said} in\n{}", ended.err);
        assert!(ended.err.contains('^'), "{text}: no caret in\n{}", ended.err);
    }
}

#[test]
fn several_errors_are_told_at_once() {
    let ended = check(
        "Listne 127.0.0.1:1\nProxyPas / http://h/\n<Proxy balancer://a>\nBalancerMember nothing\n</Proxy>\n",
        &[],
    );
    assert_eq!(ended.code, Some(1));
    for place in ["site.conf:1:1", "site.conf:2:1", "site.conf:4:"] {
        assert!(ended.err.contains(place), "no {place} in\n{}", ended.err);
    }
}

#[test]
fn a_comment_at_the_end_of_a_line_is_a_warning() {
    let text = GOOD.replace("route=a", "route=a # the first");
    let ended = check(&text, &[]).with_code(0);
    assert!(ended.err.contains("site.conf:3:") && ended.err.contains("Syntax OK"), "{}", ended.err);
}

#[test]
fn what_httpd_accepts_without_effect_is_a_warning_and_an_error_if_strict() {
    for (parameter, said) in [("status=+E", "status"), ("timeout=500ms", "timeout")] {
        let text = GOOD.replace("route=a", &format!("route=a {parameter}"));
        let ended = check(&text, &[]).with_code(0);
        assert!(ended.err.contains("site.conf:3:") && ended.err.contains(said), "{}", ended.err);
        check(&text, &["--strict"]).with_code(1);
    }
}

#[test]
fn what_would_close_something_stops_the_start_and_names_the_paths() {
    let text = format!("{GOOD}<Location /secret>\nRequire expr staff\n</Location>\n");
    let ended = check(&text, &[]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.err.contains("site.conf:7:1") && ended.err.contains("/secret") && ended.err.contains("--fence"),
        "{}",
        ended.err
    );
    check(&text, &["--fence"]).with_code(0);
}

#[test]
fn a_fence_answers_503_on_exactly_those_paths() {
    let [a] = backends(["a"]);
    let home = folder();
    let text =
        format!("Listen 127.0.0.1:0\n{}<Location /secret>\nRequire expr staff\n</Location>\n", serving([&a]));
    let proxy = Proxy::start_with(home, &text, &["--fence"]);
    for (target, answered) in
        [("/", "a"), ("/secret", "[503]"), ("/secret/x", "[503]"), ("/secrets", "a"), ("/%73ecret", "[503]")]
    {
        assert_eq!(browser().get(&proxy, target).answered_by(), answered, "{target}");
    }
}

#[test]
fn what_strangers_wrote_is_clean_before_it_reaches_a_terminal() {
    let ended =
        check("Listen 127.0.0.1:1\n\u{1b}]0;owned\u{7}Directive x\nProxyPass \u{9b}31m http://h/\n", &[]);
    assert_eq!(ended.code, Some(1));
    let unclean = ended.err.chars().find(|c| *c != '\n' && !evenkeel_protocol::clean::is_clean(*c));
    assert_eq!(unclean, None, "{:?}", ended.err);
}

#[test]
fn a_file_that_is_missing_or_no_text_is_told() {
    let ended = run(&evenkeel_proxy(), ["-t", "-f", "/nonexistent/site.conf"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("/nonexistent/site.conf"), "{}", ended.err);
    let home = folder();
    let binary = home.path().join("site.conf");
    fs::write(&binary, b"Listen \xff\xfe\x00\n").unwrap();
    let ended = run(&evenkeel_proxy(), ["-t".as_ref(), "-f".as_ref(), binary.as_os_str()]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
}

#[test]
fn directives_are_listed() {
    let ended = run(&evenkeel_proxy(), ["--help-directives"]).with_code(0);
    for directive in ["ProxyPass", "BalancerMember", "ProxySet", "Listen"] {
        assert!(ended.out.contains(directive), "no {directive}");
    }
}
