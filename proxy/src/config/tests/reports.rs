//! How reports read, to the letter.

use super::*;

#[track_caller]
fn check(text: &str, expected: &str) {
    let report = plain(text).unwrap_err();
    assert_eq!(report.to_string(), expected, "\n{report}");
}

#[test]
fn several_errors_at_once() {
    check(
        "Listen 127.0.0.1:8080\n<Proxy balancer://app>\n    BalancerMember http://a:1 weight=2 rout=x\n    BalancerMember http://b:1 timeout=0\n</Proxy>\nProxyPas /app balancer://app\nProxyPass / balancer://ap/\n",
        "\
error: 'weight' is no parameter that is known here
 --> site.conf:3:31
  |
3 |     BalancerMember http://a:1 weight=2 rout=x
  |                               ^^^^^^^^
  |
  = help: did you mean loadfactor?

error: 'rout' is no parameter that is known here
 --> site.conf:3:40
  |
3 |     BalancerMember http://a:1 weight=2 rout=x
  |                                        ^^^^^^
  |
  = help: did you mean route?

error: timeout=0 must be a whole number of seconds, at least 1
 --> site.conf:4:31
  |
4 |     BalancerMember http://b:1 timeout=0
  |                               ^^^^^^^^^
  |
  = help: write a number without a unit, such as 1

error: 'ProxyPas' is no directive that this proxy knows
 --> site.conf:6:1
  |
6 | ProxyPas /app balancer://app
  | ^^^^^^^^
  |
  = help: did you mean ProxyPass?

error: there is no balancer://ap
 --> site.conf:7:13
  |
7 | ProxyPass / balancer://ap/
  |             ^^^^^^^^^^^^^^
  |
  = help: did you mean app?
",
    );
}

#[test]
fn what_closes_names_the_paths_it_covers() {
    check(
        "Listen 80\n<Location /admin>\n    Require expr  admins\n</Location>\n",
        "\
error: Require restricts access for /admin; this proxy cannot do that yet
 --> site.conf:3:5
  |
3 |     Require expr  admins
  |     ^^^^^^^^^^^^^^^^^^^^
  |
  = help: let a firewall, or a proxy in front, decide who may come, and remove the line; or start with --fence to answer 503 there
",
    );
}

#[test]
fn nothing_to_listen_on() {
    check(
        "\n",
        "\
error: the configuration listens nowhere
 |
 = help: add a line such as Listen 127.0.0.1:8080
",
    );
}

#[test]
fn escapes_in_a_line_never_reach_the_terminal() {
    check(
        "Listen 80\nServerName \u{1b}]0;x\u{7}\n",
        "\
error: this line contains control characters, or characters that cannot be seen
 --> site.conf:2:1
  |
2 | ServerName \u{FFFD}]0;x\u{FFFD}
  | ^^^^^^^^^^^^^^^^^
  |
  = help: write the line again, by hand
",
    );
}

#[test]
fn a_thousand_errors_are_cut_to_twenty() {
    let report = plain(&"Nonsense\n".repeat(5000)).unwrap_err();
    assert_eq!(report.errors.len(), 1000);
    assert_eq!(report.to_string().matches("error: ").count(), 20);
    assert!(report.to_string().ends_with("\n\nand 980 more errors\n"));
}
