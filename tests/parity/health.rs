//! Health checks: the same requests on the wire, and the same verdicts on the same answers.

use harness::httpd::{accepts, httpd_with};
use harness::prelude::*;

/// What a backend is asked by a check with these parameters, up to the empty line.
fn request(backend: &BareBackend) -> String {
    let mut peer = backend.peer();
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        text.extend(peer.hears(1));
    }
    String::from_utf8_lossy(&text).replace(&backend.address().to_string(), "ADDRESS")
}

#[test]
fn the_same_bytes_reach_the_member() {
    let rows = [
        ("", "hcmethod=OPTIONS"),
        ("", "hcmethod=OPTIONS11 hcuri=/x"),
        ("", "hcmethod=HEAD hcuri=/x"),
        ("", "hcmethod=HEAD11 hcuri=/x?a=b"),
        ("", "hcmethod=GET hcuri=/x"),
        ("/base", "hcmethod=GET"),
        ("/base", "hcmethod=GET11 hcuri=x"),
    ];
    let text =
        |backends: &[BareBackend]| {
            serving(backends.iter().zip(rows).map(|(backend, (path, parameters))| {
                format!("{backend}{path} {parameters} hcinterval=100ms")
            }))
        };
    let (mine, yours) = (rows.map(|_| BareBackend::new()), rows.map(|_| BareBackend::new()));
    let Some(_theirs) = httpd_with(&["proxy_hcheck"], text(&yours)) else { return };
    let _ours = proxy(text(&mine));
    for ((mine, yours), row) in mine.iter().zip(&yours).zip(rows) {
        assert_eq!(request(mine), request(yours), "{row:?}");
    }
}

/// Is this member failed on httpd's manager page?
fn is_failed(page: &str, backend: &Backend) -> bool {
    let name = format!(">{backend}</a>");
    let row = page.split("<tr").find(|row| row.contains(&name)).expect("a row of the member");
    row.contains("HcFl")
}

/// The rows over which the two disagree, of expressions and the status of the answer that they look at.
fn differing(rows: &[(&str, u16)]) -> Option<Vec<String>> {
    let backends = || -> Vec<Backend> {
        let answer = |status: u16| {
            let reply = Reply { status, ..Reply::size(12) };
            let reply =
                reply.header("Content-Type", "text/html").header("X-Load", "17").header("X-Load", "99");
            Behaviour::Answers(reply)
        };
        rows.iter().map(|(_, status)| Backend::new("fine").that(answer(*status))).collect()
    };
    let text = |backends: &[Backend]| {
        let named = |(number, (expression, _)): (usize, &(&str, u16))| {
            format!("ProxyHCExpr e{number} {{{expression}}}\n")
        };
        let expressions: String = rows.iter().enumerate().map(named).collect();
        let members = backends.iter().enumerate();
        let members =
            members.map(|(number, it)| format!("{it} hcmethod=GET hcinterval=100ms hcexpr=e{number}"));
        format!("{expressions}{}", serving(members))
    };
    let (mine, yours) = (backends(), backends());
    let theirs = httpd_with(&["proxy_hcheck"], text(&yours))?;
    let ours = proxy(text(&mine));
    for backend in mine.iter().chain(&yours) {
        // With the second check the first is judged.
        eventually_true("it is checked twice", || backend.count() >= 2);
    }
    let page = browser().try_send(theirs.address(), "GET", "/balancer-manager", b"").unwrap().text();
    let mut found = Vec::new();
    for ((mine, yours), (expression, status)) in mine.iter().zip(&yours).zip(rows) {
        let seen = (!ours.member("app", mine).usable, is_failed(&page, yours));
        if seen.0 != seen.1 {
            found.push(format!("{expression} on {status}: (ours, theirs) failed {seen:?}"));
        }
    }
    Some(found)
}

#[test]
fn the_same_verdicts_follow_from_the_same_answers() {
    let rows = [
        ("%{REQUEST_STATUS} =~ /^[234]/", 200),
        ("%{REQUEST_STATUS} =~ /^[234]/", 404),
        ("%{REQUEST_STATUS} =~ /^[234]/", 500),
        ("%{REQUEST_STATUS} !~ /^5/", 503),
        ("hc('body') !~ /fine/", 200),
        ("hc('body') =~ /FINE/", 200),
        ("hc('body') =~ /FINE/i", 500),
        ("%{HC_BODY} =~ m#^fine fine fi$#", 200),
        ("HC('Body') == 'fine fine fi'", 200),
        ("%{hc:body} == 'fine'", 200),
        ("%{CONTENT_TYPE} == 'text/html'", 200),
        ("%{CONTENT_TYPE} =~ /html/", 200),
        ("%{resp:X-Load} == '17'", 200),
        ("resp('x-load') -eq 17", 200),
        ("-n %{resp:Nothing}", 200),
        ("-z %{resp:Nothing}", 200),
        ("-T %{resp:Nothing}", 200),
        ("-T 'no' || -T 'off' || -T '0'", 200),
        ("-T 'No'", 200),
        ("-T 'False'", 200),
        ("-T 'x'", 200),
        ("%{REQUEST_STATUS} -in {'200','204'}", 204),
        ("%{REQUEST_STATUS} in { 200, 204 }", 203),
        ("%{REQUEST_STATUS} == 200", 200),
        ("%{REQUEST_STATUS} = '0200'", 200),
        ("%{REQUEST_STATUS} -eq '0200'", 200),
        ("%{REQUEST_STATUS} -eq '200x'", 200),
        ("'x' -eq 0", 200),
        ("' -7' -lt -6", 200),
        ("'+7' -eq 7", 200),
        ("'99999999999999999999' -gt '9223372036854775806'", 200),
        ("%{REQUEST_STATUS} < 1000", 200),
        ("%{REQUEST_STATUS} -lt 1000", 200),
        ("'a' < 'B'", 200),
        ("%{REQUEST_STATUS} <= '200' && %{REQUEST_STATUS} >= '200'", 200),
        ("%{REQUEST_STATUS} > '200' || %{REQUEST_STATUS} != '200'", 200),
        ("! false && false", 200),
        ("!(false && false)", 200),
        ("true || true && false", 200),
        ("(true || true) && false", 200),
        ("not true or true and true", 200),
        ("! %{REQUEST_STATUS} == 200", 200),
        ("'a' . 'b' == 'ab'", 200),
        ("toupper(hc('body')) == 'FINE FINE FI'", 200),
        ("%{tolower:%{CONTENT_TYPE}} == 'text/html'", 200),
        ("'a%{REQUEST_STATUS}b' == \"a200b\"", 200),
        ("'it\\'s' == \"it's\"", 200),
        ("'\\q' == 'q'", 200),
        ("'a\\nb' =~ /a.b/", 200),
        ("'a\\nb' =~ /^b/", 200),
        ("'a\\n' =~ /a$/", 200),
        ("'a\\tb' =~ /a\\tb/", 200),
        ("'%' == '%'", 200),
        ("'a$' == 'a$'", 200),
        ("'ab' =~ /[[:alpha:]]{2}/", 200),
        ("'a-' =~ /[a\\-]$/", 200),
        ("'A' =~ /(?i)a/", 200),
        ("'x' =~ m|x| && 'x' =~ m,x, && 'x' =~ m!x!", 200),
    ];
    assert_eq!(differing(&rows).unwrap_or_default(), [""; 0]);
}

/// Does our check accept a line?
fn ours(line: &str) -> bool {
    let home = folder();
    let file = home.path().join("site.conf");
    std::fs::write(&file, format!("Listen 127.0.0.1:1\n{line}\n")).unwrap();
    run(&evenkeel_proxy(), ["-t", "-f", &file.to_string_lossy()]).code == Some(0)
}

#[test]
fn the_same_lines_are_accepted_and_refused() {
    let member = |parameters: &str| {
        format!(
            "ProxyHCExpr ok {{true}}\n<Proxy balancer://b>\nBalancerMember http://h {parameters}\n</Proxy>"
        )
    };
    let long = format!("hcmethod=GET hcuri={}", "x".repeat(64));
    let fits = format!("hcmethod=GET hcuri={}", "x".repeat(63));
    let lines = [
        (member("hcmethod=gEt"), true),
        (member("hcmethod=CPING"), false),
        (member("hcmethod=PROVIDER"), false),
        (member("hcmethod="), false),
        (member("hcmethod=GET hcinterval=100ms"), true),
        (member("hcmethod=GET hcinterval=99ms"), false),
        (member("hcmethod=GET hcinterval=0"), false),
        (member("hcmethod=GET hcinterval=x"), false),
        (member("hcmethod=GET hcpasses=0 hcfails=0"), true),
        (member("hcmethod=GET hcpasses=-1"), false),
        (member("hcmethod=GET hcfails=-1"), false),
        (member("hcmethod=GET hcfails=5x"), true),
        (member(&fits), true),
        (member(&long), false),
        (member("hcmethod=GET hcexpr=OK"), true),
        (member("hcmethod=GET hcexpr=nosuch"), false),
        (member("hctemplate=nosuch"), false),
        ("<Proxy balancer://b>\nProxySet hcmethod=GET\n</Proxy>".to_owned(), false),
        ("ProxyHCExpr a {%{REQUEST_STATUS} =~ /a{2}}/}".to_owned(), false),
        ("ProxyHCExpr a {%{REQUEST_STATUS} =~ /a{2}/}".to_owned(), true),
        ("ProxyHCExpr a {true".to_owned(), true),
        ("ProxyHCExpr a {}".to_owned(), false),
        ("ProxyHCExpr a {true} b".to_owned(), false),
        ("ProxyHCExpr abcdefghijklmnop {true}".to_owned(), false),
        ("ProxyHCExpr a {'a' =~ /x/x}".to_owned(), false),
        ("ProxyHCExpr a {'a' =~ m{x}}".to_owned(), false),
        ("ProxyHCExpr a {%{Content-Type} == 'x'}".to_owned(), false),
        ("ProxyHCExpr a {'a' == 'b' == 'c'}".to_owned(), false),
        ("ProxyHCExpr a {('a') == 'a'}".to_owned(), false),
        ("ProxyHCExpr a {TRUE}".to_owned(), false),
        ("ProxyHCTemplate t".to_owned(), true),
        ("ProxyHCTemplate t hcmethod".to_owned(), false),
        ("ProxyHCTemplate t foo=1".to_owned(), false),
        ("ProxyHCTPsize 0".to_owned(), true),
        ("ProxyHCTPsize -1".to_owned(), false),
        ("ProxyHCTPsize x".to_owned(), true),
        ("<Proxy balancer://b>\nProxyHCTPsize 1\n</Proxy>".to_owned(), false),
    ];
    for (line, wanted) in lines {
        let module = "LoadModule proxy_hcheck_module /usr/lib/apache2/modules/mod_proxy_hcheck.so";
        let Some(theirs) = accepts(format!("{module}\n{line}")) else { return };
        assert_eq!((ours(&line), theirs), (wanted, wanted), "{line}");
    }
}

/// Departure 59.
#[test]
fn httpd_sends_an_empty_target_or_two_slashes_and_we_do_not() {
    let rows = [
        ("", "", "GET / HTTP/1.0", "GET  HTTP/1.0"),
        ("", "hcuri=x", "GET /x HTTP/1.0", "GET x HTTP/1.0"),
        ("/base", "hcuri=/x", "GET /base/x HTTP/1.0", "GET /base//x HTTP/1.0"),
    ];
    let text = |backends: &[BareBackend]| {
        serving(backends.iter().zip(rows).map(|(backend, (path, parameters, ..))| {
            format!("{backend}{path} hcmethod=GET {parameters} hcinterval=100ms")
        }))
    };
    let (mine, yours) = (rows.map(|_| BareBackend::new()), rows.map(|_| BareBackend::new()));
    let Some(_theirs) = httpd_with(&["proxy_hcheck"], text(&yours)) else { return };
    let _ours = proxy(text(&mine));
    for ((mine, yours), (_, _, our_line, their_line)) in mine.iter().zip(&yours).zip(rows) {
        assert_eq!(request(mine), format!("{our_line}\r\nHost: ADDRESS\r\n\r\n"));
        assert_eq!(request(yours), format!("{their_line}\r\nHost: ADDRESS\r\n\r\n"));
    }
}

/// Departure 57.
#[test]
fn httpd_adds_up_fails_that_are_not_in_a_row_and_we_do_not() {
    let member = |backend: &BareBackend| {
        serving([format!("{backend} hcmethod=GET hcinterval=100ms hcfails=2 hcuri=/x")])
    };
    // What came between two checks of one member is judged when the next one comes.
    let play = |backend: &BareBackend| {
        for status in [200, 500, 200, 200, 500] {
            let mut peer = backend.peer();
            peer.head();
            peer.says(format!("HTTP/1.0 {status} Told\r\nContent-Length: 0\r\n\r\n"));
        }
        backend.peer()
    };
    let (mine, yours) = (BareBackend::new(), BareBackend::new());
    let Some(theirs) = httpd_with(&["proxy_hcheck"], member(&yours)) else { return };
    let ours = proxy(member(&mine));
    let (_mine_waits, _yours_waits) = (play(&mine), play(&yours));
    let page = browser().try_send(theirs.address(), "GET", "/balancer-manager", b"").unwrap().text();
    assert!(page.contains("Init HcFl"), "{page}");
    let seen = ours.member("app", &mine);
    assert_eq!((seen.words.as_str(), seen.health.failed), ("Init Ok", 1));
}
