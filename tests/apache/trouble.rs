//! Pages that hang or are none, in the hands of scripts and of the screen.

use std::net::TcpListener;

use harness::terminal::console_with;

use super::*;

/// A server that takes connections and says nothing.
fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/balancer-manager", listener.local_addr().unwrap());
    (listener, url)
}

#[test]
fn a_server_that_hangs_ends_a_command_and_never_the_keys() {
    let (_listener, url) = silent();
    let ended = run(&evenkeel(), ["--apache", &url, "status"]).with_code(6);
    assert!(ended.err.contains("gave no answer within"), "{}", ended.err);
    let terminal = console_with(&["--apache", &url]).open();
    terminal.keys("?");
    terminal.wait_for("Keys");
    terminal.keys("q");
    terminal.wait_gone("Keys");
    terminal.keys("q");
    assert_eq!(terminal.ended(), 0);
}

#[test]
fn a_page_that_hangs_for_a_while_is_stale_and_comes_back() {
    let Some(page) = of_httpd() else { return };
    let terminal = console_with(&["--apache", &page.url()]).size(120, 30).open();
    terminal.wait_for("● live");
    let httpd = page.httpd.as_ref().unwrap();
    httpd.freeze();
    terminal.wait_for("stale");
    terminal.keys("?");
    terminal.wait_for("Keys");
    terminal.keys("q");
    terminal.wait_gone("Keys");
    httpd.thaw();
    terminal.wait_for("● live");
}

#[test]
fn what_is_no_manager_page_is_named() {
    let Some(page) = of_httpd() else { return };
    let root = format!("http://{}/x", page.address);
    let ended = run(&evenkeel(), ["--apache", &root, "status"]).with_code(6);
    assert!(ended.err.contains("is no balancer-manager page"), "{}", ended.err);
    let ended = run(&evenkeel(), ["--apache", "localhost", "status"]).with_code(2);
    assert!(ended.err.contains("write http://HOST/balancer-manager"), "{}", ended.err);
    let ended = run(&evenkeel(), ["--insecure", "status"]).with_code(2);
    assert!(ended.err.contains("are for --apache"), "{}", ended.err);
}

#[test]
fn what_answers_instead_of_httpd_is_told_with_its_code_and_the_member_stays_as_it_is() {
    let rewrite = |flags: &str| {
        format!(
            "RewriteEngine On\nRewriteCond %{{REQUEST_METHOD}} POST\nRewriteRule ^/balancer-manager {flags}"
        )
    };
    let log_in = "ErrorDocument 403 \"<h1>Sign in</h1><form><input type=password name=p></form>\"";
    for (what, lines, code, says) in [
        ("502", rewrite("- [R=502,L]"), 1, "unknown whether drain=On took"),
        (
            "a redirect",
            rewrite("https://sso.example/x [R=302,L]"),
            5,
            "redirects what changes it to https://sso.example/x",
        ),
        ("a refusal", format!("{log_in}\n{}", rewrite("- [F]")), 5, "refuses what changes it (403)"),
        ("another page", rewrite("/elsewhere [PT]"), 1, "is no balancer-manager page"),
        (
            "without its Referer",
            "RequestHeader unset Referer \"expr=%{REQUEST_METHOD} == 'POST'\"".to_owned(),
            1,
            "changes its Referer",
        ),
    ] {
        let Some(page) = of_httpd_with(&["rewrite"], &lines) else { return };
        let ended = page.command("drain app/a").with_code(code);
        assert!(ended.err.contains(says), "{what}: {}", ended.err);
        assert_eq!(page.words("a"), "Init Ok", "{what}");
    }
}
