//! Lines of a configuration that both accept or both refuse, and the few over which we differ.

use std::fs;

use harness::httpd::accepts;
use harness::prelude::*;

/// Does our check accept a line, put at the top level of a configuration that is fine otherwise?
fn ours(line: &str) -> bool {
    let home = folder();
    let file = home.path().join("site.conf");
    fs::write(&file, format!("Listen 127.0.0.1:1\n{line}\n")).unwrap();
    let ended = run(&evenkeel_proxy(), ["-t", "-f", &file.to_string_lossy()]);
    ended.code == Some(0)
}

/// The lines that one accepts and the other does not, or that both treat otherwise than `wanted`.
fn differing(lines: &[&str], wanted: (bool, bool)) -> Option<Vec<String>> {
    let mut found = Vec::new();
    for line in lines {
        let seen = (ours(line), accepts(line)?);
        if seen != wanted {
            found.push(format!("{line}: (ours, theirs) {seen:?}"));
        }
    }
    Some(found)
}

fn member(url_and_parameters: &str) -> String {
    format!("<Proxy balancer://b>\nBalancerMember {url_and_parameters}\n</Proxy>")
}

#[test]
fn both_accept() {
    let lines = [
        "LimitRequestLine 0",
        "LimitRequestLine 5x",
        "LimitRequestFields 0",
        "LimitRequestFields 2147483647",
        "LimitRequestFieldSize 1",
        "LimitRequestBody 0",
        "LimitRequestBody 9223372036854775807",
        "<Location /x>\nLimitRequestBody 5\n</Location>",
        "RequestReadTimeout",
        "RequestReadTimeout header=20",
        "RequestReadTimeout header=20,MinRate=500 body=0",
        "RequestReadTimeout HEADER=20-40,minrate=500 handshake=0",
        "RequestReadTimeout header=0,MinRate=500",
        "MaxClients 100",
        "Proxy100Continue off",
        "CustomLog a %h",
        "CustomLog a nosuch",
        "CustomLog a \"%{x}i %>s\" ENV=!X",
        "LogFormat %h a%b",
        "TransferLog a",
        "ErrorDocument 404 x",
        "ErrorDocument 404 'hello world'",
        "ErrorDocument 404x /none.html",
        "ErrorDocument 401 http://h/x",
        "ErrorDocument 503 Default",
        &member("unix:/run/x|http://name/path"),
        &member("UNIX:///run/x|ws://name upgrade=NONE"),
        &member("unix:/run/x|http:"),
        &member("ws://h:80/p upgrade=any smax=5 max=3 min=9 responsefieldsize=0"),
        &member("http://h \"upgrade=a b\""),
        &member("http://h upgrade="),
    ];
    assert_eq!(differing(&lines, (true, true)).unwrap_or_default(), [""; 0]);
}

#[test]
fn both_refuse() {
    let socket = format!("unix:/{}|http://h", "x".repeat(108));
    let lines = [
        "LimitRequestLine -1",
        "LimitRequestFields -1",
        "LimitRequestFieldSize -1",
        "LimitRequestBody x",
        "LimitRequestBody 5x",
        "LimitRequestBody 9223372036854775808",
        "RequestReadTimeout header",
        "RequestReadTimeout header=",
        "RequestReadTimeout header=20s",
        "RequestReadTimeout header=20-40",
        "RequestReadTimeout header=20-20,MinRate=500",
        "RequestReadTimeout header=20,MinRate=0",
        "RequestReadTimeout header=20,Foo=1",
        "RequestReadTimeout foo=5",
        "Proxy100Continue x",
        "CustomLog a",
        "CustomLog a \"\"",
        "CustomLog a %",
        "CustomLog a %{x",
        "CustomLog a %h env=",
        "CustomLog a %h env=!",
        "CustomLog a %h foo",
        "CustomLog nosuchfolder/a %h",
        "LogFormat %h a b",
        "TransferLog a b",
        "ErrorDocument 404",
        "ErrorDocument 404 hello world",
        "ErrorDocument 404 \"\"",
        "ErrorDocument 600 x",
        "ErrorDocument x y",
        &member("unix:/run/x"),
        &member("unix:/run/x|"),
        &member(&socket),
        &member("http://h upgrade=1234567890123456"),
        &member("http://h smax=-1"),
        &member("http://h responsefieldsize=-1"),
    ];
    assert_eq!(differing(&lines, (false, false)).unwrap_or_default(), [""; 0]);
}

#[test]
fn what_httpd_takes_with_an_effect_that_nobody_means_is_refused() {
    let lines = [
        // It raises the number to that of the threads of a process.
        "MaxRequestWorkers 0",
        // Functions that are missing here.
        "CustomLog \"|/bin/cat\" %h",
        "CustomLog a %h expr=true",
        "ErrorDocument 404 %{REQUEST_URI}",
        "Alias /x /y",
        // It redirects to this text.
        "ErrorDocument 404 \"Sorry: not here\"",
        // It starts at its runtime folder, drops what it takes for a host, and resolves the dots.
        &member("unix:run/x|http://h"),
        &member("unix://run/x|http://h"),
        &member("unix:/run/../x|http://h"),
        &member("http://h upgrade=;"),
    ];
    assert_eq!(differing(&lines, (false, true)).unwrap_or_default(), [""; 0]);
}
