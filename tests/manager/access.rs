//! Who may come: what is denied is tried, not only what is granted, on proxied paths and on the page alike.

use harness::httpd::httpd_with;
use harness::prelude::*;

use super::PATH;

/// Rules, and what somebody from 127.0.0.1 without a password gets.
const RULES: &[(&str, u16)] = &[
    ("Require all granted", 200),
    ("Require all denied", 403),
    ("Require ip 127.0.0.1", 200),
    ("Require ip 127", 200),
    ("Require ip 10 127.0.0.0/8", 200),
    ("Require ip 10.0.0.0/8", 403),
    ("Require ip 10\nRequire ip 127", 200),
    ("Require local", 200),
    ("Require host localhost", 200),
    ("Require host nowhere.example", 403),
    ("<RequireAll>\nRequire all granted\nRequire not host localhost\n</RequireAll>", 403),
    ("<RequireAll>\nRequire local\nRequire not ip 127.0.0.1\n</RequireAll>", 403),
    ("<RequireAll>\nRequire all granted\nRequire not ip 10\n</RequireAll>", 200),
    ("<RequireAll>\nRequire local\nRequire all denied\n</RequireAll>", 403),
    ("<RequireAny>\nRequire ip 10\nRequire local\n</RequireAny>", 200),
    ("<RequireAll>\nRequire all granted\n<RequireNone>\nRequire local\n</RequireNone>\n</RequireAll>", 403),
    ("AuthType Basic\nAuthName x\nAuthUserFile /dev/null\nRequire valid-user", 401),
    ("AuthType Basic\nAuthName x\nAuthUserFile /dev/null\nRequire valid-user\nRequire local", 200),
    (
        "AuthType Basic\nAuthName x\nAuthUserFile /dev/null\n<RequireAll>\nRequire valid-user\nRequire ip 10\n</RequireAll>",
        403,
    ),
    ("AuthType None\nRequire valid-user", 500),
    ("Require valid-user", 500),
    ("AuthType Basic\nAuthName x\nAuthUserFile /dev/null", 500),
    ("AuthType None", 200),
];

/// A location for each rule, on what is proxied.
fn locations() -> String {
    let locations =
        RULES.iter().enumerate().map(|(at, (lines, _))| format!("<Location /r{at}>\n{lines}\n</Location>\n"));
    locations.collect()
}

#[test]
fn proxied_paths_are_open_and_closed_as_in_httpd() {
    let [backend] = backends(["a"]);
    let text = format!("{}{}", locations(), serving([&backend]));
    let proxy = proxy(&text);
    let httpd = httpd_with(&["authz_host", "authz_user", "authn_core", "authn_file", "auth_basic"], &text);
    for (at, (lines, status)) in RULES.iter().enumerate() {
        for target in [format!("/r{at}"), format!("/r{at}/x?y"), format!("//%72{at}//x")] {
            let own = browser().get(&proxy, &target).status;
            assert_eq!(own, *status, "{target} under\n{lines}");
            if let Some(httpd) = &httpd {
                let theirs = browser().try_send(httpd.address(), "GET", &target, b"").unwrap().status;
                assert_eq!(own, theirs, "httpd at {target} under\n{lines}");
            }
        }
        assert_eq!(browser().get(&proxy, &format!("/r{at}x")).status, 200);
    }
}

#[test]
fn the_page_is_closed_by_the_same_rules() {
    for (lines, status) in RULES.iter().filter(|(lines, _)| lines.contains("Require")) {
        let proxy = proxy(format!("<Location {PATH}>\nSetHandler balancer-manager\n{lines}\n</Location>"));
        for method in ["GET", "POST", "OPTIONS"] {
            assert_eq!(browser().send(&proxy, method, PATH, b"").status, *status, "{method} under\n{lines}");
        }
    }
}

#[test]
fn sections_for_balancers_close_what_goes_there_as_in_httpd() {
    let [backend] = backends(["a"]);
    let text = format!(
        "<Proxy balancer://app>\nBalancerMember {backend}\nRequire all denied\n</Proxy>\n\
         <Proxy balancer://open>\nBalancerMember {backend}\n</Proxy>\n\
         <Proxy balancer://app2>\nBalancerMember {backend}\n</Proxy>\n\
         <Location /app/but>\nRequire all granted\n</Location>\n\
         ProxyPass /app balancer://app\nProxyPass /two balancer://app2\nProxyPass / balancer://open/"
    );
    let all =
        format!("{text}\n<Proxy *>\nRequire ip 10\n</Proxy>\n<Location /x>\nRequire local\n</Location>");
    for (text, rows) in [
        // A section's name is a prefix, and a location counts over it.
        (&text, [("/app", 403), ("/app/x", 403), ("/two", 403), ("/x", 200), ("/app/but", 200)]),
        (&all, [("/app", 403), ("/y", 403), ("/two", 403), ("/x", 200), ("/app/but", 200)]),
    ] {
        let proxy = proxy(text);
        let httpd = httpd_with(&["authz_host"], text);
        for (target, status) in rows {
            assert_eq!(browser().get(&proxy, target).status, status, "{target}");
            if let Some(httpd) = &httpd {
                let theirs = browser().try_send(httpd.address(), "GET", target, b"").unwrap().status;
                assert_eq!(theirs, status, "httpd at {target}");
            }
        }
    }
}

#[test]
fn path_parameters_lead_around_no_rule() {
    let [backend] = backends(["a"]);
    let proxy =
        proxy(format!("<Location /inside>\nRequire all denied\n</Location>\n{}", serving([&backend])));
    for target in ["/inside;x", "/inside;x/y", "/inside%3Bx/y", "/;z/inside"] {
        assert_ne!(browser().get(&proxy, target).status, 200, "{target}");
    }
}

#[test]
fn without_a_rule_the_page_is_for_this_machine_by_its_own_names() {
    let proxy =
        proxy(format!("ServerName lb.example\n<Location {PATH}>\nSetHandler balancer-manager\n</Location>"));
    for (host, status) in [
        ("127.0.0.1", 200),
        ("localhost:8080", 200),
        ("LB.example", 200),
        ("[::1]:80", 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example", 403),
    ] {
        assert_eq!(browser().header("Host", host).get(&proxy, PATH).status, status, "{host}");
    }
    assert!(proxy.log().contains("only who is on this machine"), "{}", proxy.log());
}

#[test]
fn without_a_rule_nobody_else_comes() {
    let proxy =
        proxy(format!("Listen 0.0.0.0:0\n<Location {PATH}>\nSetHandler balancer-manager\n</Location>"));
    let Some(own) = own_address() else { return skipped("this machine has no address but loopback") };
    let to = (own, proxy.address().port()).into();
    let status = browser().header("Host", "localhost").try_send(to, "GET", PATH, b"").unwrap().status;
    assert_eq!(status, 403);
}

/// An address of this machine that is not a loopback one.
fn own_address() -> Option<std::net::IpAddr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    // Sends nothing: only the way is looked up.
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|address| !address.is_loopback())
}
