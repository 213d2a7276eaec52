//! Who may come, as it is read and merged.

use std::net::IpAddr;

use super::*;
use crate::config::access::{AccessRules, AuthType, Rule, Verdict, Visitor};

fn rules(lines: &str) -> AccessRules {
    loaded(&format!("Listen 80\n{lines}\n")).access
}

/// Somebody without a name.
fn visitor(address: &str, local: Option<IpAddr>) -> Visitor<'static> {
    Visitor {
        address: address.parse().unwrap(),
        local,
        name: None,
        forward: &[],
        method: b"GET",
        user: None,
        groups: &[],
    }
}

/// What the rules of a location say of somebody from 10.0.0.1 who came to 192.0.2.1.
fn verdict(lines: &str, user: Option<&str>) -> Verdict {
    let rules = rules(&format!("<Location /x>\n{lines}\n</Location>"));
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    let visitor = Visitor {
        address: address("10.0.0.1"),
        local: Some(address("192.0.2.1")),
        name: Some("n1.a.example"),
        forward: &["bastion.example".to_owned()],
        method: b"HEAD",
        user,
        groups: &["ops".to_owned()],
    };
    rules.effective("/x", None).rule.expect("there is a rule").judge(&visitor)
}

#[test]
fn methods_are_told_as_they_were_written() {
    let rules = rules("<Location /x>\nRequire method HEAD GET POST\n</Location>");
    let told = rules.effective("/x", None).rule.map(|rule| rule.to_string());
    assert_eq!(told.as_deref(), Some("Require method HEAD GET POST"));
    for written in ["GET", "HEAD"] {
        assert_eq!(verdict(&format!("Require method {written}"), None), Verdict::Granted, "{written}");
    }
}

#[test]
fn rules_say_what_httpds_say() {
    use Verdict::{Denied, Granted, NeedsUser, Neutral};
    for (lines, nobody, anna) in [
        ("Require all granted", Granted, Granted),
        ("Require all GRANTED\nRequire all denied", Granted, Granted),
        ("Require all denied", Denied, Denied),
        ("Require ip 10.0.0.1", Granted, Granted),
        ("Require ip 10 192.168.0.0/16", Granted, Granted),
        ("Require ip 10.0.0.0/255.255.255.254", Granted, Granted),
        ("Require ip 11", Denied, Denied),
        ("Require local", Denied, Denied),
        ("Require host b.example A.example", Granted, Granted),
        ("Require host n1.a.example", Granted, Granted),
        ("Require host .a.example", Granted, Granted),
        ("Require host example", Granted, Granted),
        ("Require host 1.a.example", Denied, Denied),
        ("Require host xn1.a.example", Denied, Denied),
        ("<RequireAll>\nRequire all granted\nRequire not host a.example\n</RequireAll>", Denied, Denied),
        ("Require valid-user", NeedsUser, Granted),
        ("Require user anna bert", NeedsUser, Granted),
        ("Require user bert", NeedsUser, Denied),
        ("Require forward-dns a.example bastion.example", Granted, Granted),
        ("Require forward-dns a.example", Denied, Denied),
        ("Require method GET POST", Granted, Granted),
        ("Require method HEAD", Granted, Granted),
        ("Require method POST", Denied, Denied),
        ("Require group ops", NeedsUser, Granted),
        ("Require group admin", NeedsUser, Denied),
        ("Require group OPS", NeedsUser, Granted),
        ("<RequireAll>\nRequire valid-user\nRequire not group ops\n</RequireAll>", NeedsUser, Denied),
        ("Require ip 11\nRequire valid-user", NeedsUser, Granted),
        ("Require valid-user\nRequire ip 11", NeedsUser, Granted),
        ("Require ip 10\nRequire valid-user", Granted, Granted),
        ("<RequireAll>\nRequire ip 10\nRequire valid-user\n</RequireAll>", NeedsUser, Granted),
        ("<RequireAll>\nRequire ip 11\nRequire valid-user\n</RequireAll>", Denied, Denied),
        ("<RequireAll>\nRequire valid-user\nRequire ip 11\n</RequireAll>", Denied, Denied),
        ("<RequireAll>\nRequire all granted\nRequire not ip 10\n</RequireAll>", Denied, Denied),
        ("<RequireAll>\nRequire all granted\nRequire not ip 11\n</RequireAll>", Granted, Granted),
        ("<RequireAll>\nRequire all granted\nRequire not user anna\n</RequireAll>", Granted, Denied),
        ("<RequireAny>\nRequire ip 11\nRequire user anna\n</RequireAny>", NeedsUser, Granted),
        (
            "<RequireAll>\nRequire all granted\n<RequireNone>\nRequire ip 11\nRequire user anna\n</RequireNone>\n</RequireAll>",
            Granted,
            Denied,
        ),
        (
            "<RequireAll>\n<RequireAny>\nRequire ip 11\nRequire ip 10\n</RequireAny>\nRequire user anna\n</RequireAll>",
            NeedsUser,
            Granted,
        ),
    ] {
        assert_eq!((verdict(lines, None), verdict(lines, Some("anna"))), (nobody, anna), "{lines}");
    }
    let of_none = Rule::Not(Box::new(Rule::All(false)));
    let visitor = visitor("10.0.0.1", None);
    assert_eq!(of_none.judge(&visitor), Neutral);
}

#[test]
fn who_is_local_comes_from_here() {
    let rules = rules("<Location /x>\nRequire local\n</Location>");
    let rule = rules.effective("/x", None).rule.unwrap();
    for (address, local, verdict) in [
        ("127.0.0.9", "192.0.2.1", Verdict::Granted),
        ("::1", "::1", Verdict::Granted),
        ("192.0.2.1", "192.0.2.1", Verdict::Granted),
        ("::ffff:192.0.2.1", "192.0.2.1", Verdict::Granted),
        ("192.0.2.2", "192.0.2.1", Verdict::Denied),
    ] {
        assert_eq!(rule.judge(&visitor(address, local.parse().ok())), verdict, "{address}");
    }
}

#[test]
fn sections_are_merged_in_httpds_order() {
    let rules = rules(
        "<Location /a>
            AuthType Basic
            AuthName one
            AuthUserFile /etc/users
            Require valid-user
        </Location>
        <Location /a/b>
            AuthName two
            Require all denied
        </Location>
        <Location /a/b/c>
            AuthType None
        </Location>
        <Proxy balancer://app>
            Require ip 11
        </Proxy>
        <Proxy *>
            Require ip 12
        </Proxy>
        BalancerMember balancer://app2 http://h:1
        <Location /a/b/open>
            Require all granted
        </Location>",
    );
    let app = "app2".parse().unwrap();
    for (path, balancer, rule, realm) in [
        ("/", None, None, None),
        ("/ab", None, None, None),
        ("/a", None, Some("Any([ValidUser])"), Some("one")),
        ("//%61/x", None, Some("Any([ValidUser])"), Some("one")),
        ("/a/b", None, Some("Any([All(false)])"), Some("two")),
        ("/a/b/c", None, Some("Any([All(false)])"), Some("two")),
        ("/a/b/open/x", None, Some("Any([All(true)])"), Some("two")),
        // A section for a balancer is one for all whose names start so, and the later one replaces it.
        ("/", Some(&app), Some("Any([Ip([Network { address: 12.0.0.0, bits: 8 }])])"), None),
        ("/a", Some(&app), Some("Any([ValidUser])"), Some("one")),
    ] {
        let effective = rules.effective(path, balancer);
        let shown = effective.rule.map(|rule| format!("{rule:?}"));
        assert_eq!((shown.as_deref(), effective.realm), (rule, realm), "{path}");
    }
    assert_eq!(rules.effective("/a/b/c", None).auth_type, Some(AuthType::None));
    assert_eq!(rules.effective("/a", None).users.unwrap().to_str(), Some("/etc/users"));
}

#[test]
fn what_httpd_refuses_is_refused() {
    for (lines, why) in [
        ("Require not ip 10", "2:1: what only denies has no effect in <RequireAny>, and httpd refuses it"),
        ("<RequireAny>\n</RequireAny>", "2:1: <RequireAny> has no Require, which httpd refuses"),
        (
            "<RequireAll>\nRequire not ip 10\n</RequireAll>",
            "2:1: <RequireAll> has nothing that grants, which httpd refuses",
        ),
        (
            "<RequireNone>\nRequire ip 10\n</RequireNone>",
            "2:1: what only denies has no effect in <RequireAny>, and httpd refuses it",
        ),
        ("Require all", "2:9: Require all needs granted or denied"),
        ("Require ip", "2:9: Require ip needs an address"),
        ("Require ip 10.0.0.0/99", "2:12: '10.0.0.0/99' has more bits than an address"),
        ("Require not", "2:1: Require says nothing"),
        ("Require user", "2:9: Require user needs a name"),
        ("Require IP 10", "2:1: Require restricts access for /x; this proxy cannot do that yet"),
        ("Require host", "2:9: Require host needs a name"),
        ("Require expr true", "2:1: Require restricts access for /x; this proxy cannot do that yet"),
        ("Require not user %{HTTP_X}", "2:1: Require restricts access for /x; this proxy cannot do that yet"),
        ("Require method get", "2:9: there is no method 'get'"),
        ("AuthType Digest", "2:1: AuthType Digest authenticates for /x; this proxy cannot do that yet"),
        (
            "AuthBasicProvider ldap",
            "2:1: AuthBasicProvider authenticates for /x; this proxy cannot do that yet",
        ),
        ("AuthMerging Sometimes", "2:13: AuthMerging must be Off, And or Or"),
    ] {
        let text = format!("<Location /x>\n{lines}\n</Location>\nListen 80\n");
        assert_eq!(errors(&text), [format!("site.conf:{why}")], "{lines}");
    }
}

#[test]
fn sections_that_could_open_what_httpd_keeps_closed_are_refused() {
    for (section, why) in [
        ("<Location //x>", "1:11: no request fits a <Location> with two slashes in a row"),
        ("<Location /x//y>", "1:11: no request fits a <Location> with two slashes in a row"),
        ("<Proxy balancer://app/x>", "1:8: rules for a part of a balancer are not supported"),
    ] {
        let end = if section.starts_with("<P") { "</Proxy>" } else { "</Location>" };
        let told = errors(&format!("{section}\nRequire all granted\n{end}\nListen 80\n"));
        assert!(told[0].starts_with(&format!("site.conf:{why}")), "{told:?}");
    }
}

#[test]
fn a_slash_behind_the_name_of_a_balancer_means_it_alone() {
    let rules = rules(
        "<Proxy balancer://app2>\nRequire all denied\n</Proxy>\n<Proxy balancer://app/>\nRequire all granted\n</Proxy>",
    );
    let shown = |name: &str| format!("{:?}", rules.effective("/", name.parse().ok().as_ref()).rule.unwrap());
    assert_eq!(
        (shown("app2"), shown("app")),
        ("Any([All(false)])".to_owned(), "Any([All(true)])".to_owned())
    );
}

#[test]
fn merged_sections_say_what_httpds_say() {
    let rules = rules(
        "<Location /x>\nRequire ip 10\n</Location>\n<Location /x/and>\nAuthMerging And\nRequire method POST\n</Location>\n\
         <Location /x/or>\nAuthMerging Or\nRequire method GET\n</Location>\n<Location /x/off>\nAuthMerging Off\n</Location>\n\
         <Location /x/and/none>\nAuthMerging Or\n</Location>",
    );
    for (path, near, far) in [
        ("/x", Verdict::Granted, Verdict::Denied),
        ("/x/and", Verdict::Denied, Verdict::Denied),
        ("/x/and/none", Verdict::Denied, Verdict::Denied),
        ("/x/or", Verdict::Granted, Verdict::Granted),
    ] {
        let rule = rules.effective(path, None).rule.unwrap();
        let judged = ["10.0.0.1", "11.0.0.1"].map(|address| rule.judge(&visitor(address, None)));
        assert_eq!(judged, [near, far], "{path}");
    }
    assert!(rules.effective("/x/off", None).rule.is_none());
}

#[test]
fn a_page_that_nobody_guards_is_told() {
    let page =
        |lines: &str| format!("Listen 80\n<Location /m>\nSetHandler balancer-manager\n{lines}</Location>\n");
    let told = ["site.conf:3:1: no Require says who may change balancers at /m: only who is on this machine"];
    assert_eq!(warnings(&loaded(&page(""))), told);
    assert_eq!(
        warnings(&loaded(&page("AuthType Basic\n"))),
        ["/m has AuthType and no Require: its requests get 500, as in httpd"]
    );
    assert_eq!(warnings(&loaded(&page("Require all granted\n"))), [""; 0]);
    assert_eq!(
        warnings(&loaded(&page("Require valid-user\n"))),
        ["/m asks for a user, and nobody can prove to be one: its requests get 500, as in httpd"]
    );
}
