//! Whole configurations: what loads, what is refused, and how the reports read.

use std::time::{Duration, Instant};

use evenkeel_protocol::LbMethod;

use super::*;
use crate::mapping::{Mappings, Target};

mod access;
mod client;
mod directives;
mod documents;
mod files;
mod headers;
mod health;
mod heartbeats;
mod logs;
mod matrix;
mod members;
mod metrics;
mod reports;

fn plain(text: &str) -> Result<Config, Report> {
    read_text("site.conf", text, &ReadOptions::default())
}

fn strict(text: &str) -> Result<Config, Report> {
    read_text("site.conf", text, &ReadOptions { strict: true, ..ReadOptions::default() })
}

fn fenced(text: &str) -> Result<Config, Report> {
    read_text("site.conf", text, &ReadOptions { fence: true, ..ReadOptions::default() })
}

/// The titles of the errors, with their lines and columns.
fn errors(text: &str) -> Vec<String> {
    plain(text).err().map_or(Vec::new(), |report| report.errors.iter().map(Note::one_line).collect())
}

fn loaded(text: &str) -> Config {
    plain(text).unwrap_or_else(|report| panic!("{report}"))
}

fn warnings(config: &Config) -> Vec<String> {
    config.warnings.iter().map(Note::one_line).collect()
}

const ISSUE: &str = r#"
       Listen 127.0.0.1:8080
       <Proxy "balancer://mycluster">
           BalancerMember "http://backend1.example.com" route=node1
           BalancerMember "http://backend2.example.com" route=node2
           ProxySet stickysession=JSESSIONID|jsessionid   # Cookie-based stickiness
       </Proxy>
       ProxyPass "/app" "balancer://mycluster"
       ProxyPassReverse "/app" "balancer://mycluster"
"#;

#[test]
fn the_users_own_text_loads_as_it_stands() {
    let config = loaded(ISSUE);
    assert_eq!(config.listen, ["127.0.0.1:8080".parse().unwrap()]);
    let [balancer] = config.balancers.as_slice() else { panic!("{config:?}") };
    let members: Vec<_> =
        balancer.members.iter().map(|(name, settings)| (name.as_str(), settings.route.as_str())).collect();
    assert_eq!(members, [("http://backend1.example.com", "node1"), ("http://backend2.example.com", "node2")]);
    let sticky = balancer.settings.stickysession.clone().unwrap();
    assert_eq!((sticky.cookie.as_str(), sticky.path.as_str()), ("JSESSIONID", "jsessionid"));
    assert_eq!(config.mappings[0].target, Target::Balancer { index: 0, path: String::new() });
    assert_eq!(config.reverses, [Reverse { path: "/app".into(), url: "balancer://mycluster".into() }]);
    assert_eq!(
        warnings(&config),
        ["site.conf:6:59: httpd takes no comment behind a directive; it is accepted here"]
    );
}

const COMMON: &str = r#"%h %l %u %t "%r" %>s %b"#;

const BENCH: &str = r#"
ServerName bench.test
Listen 127.0.0.1:8081
LogLevel crit
ErrorLog /tmp/error.log
LogFormat "%h %l %u %t \"%r\" %>s %b" common
CustomLog /tmp/access.log common
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 300
Timeout 120
<Proxy "balancer://b">
    BalancerMember "http://127.0.0.1:9001" route=r0
    BalancerMember "http://127.0.0.1:9002" route=r1
    ProxySet lbmethod=byrequests
    ProxySet stickysession=ROUTEID
</Proxy>
<Location "/balancer-manager">
    SetHandler balancer-manager
    Require all granted
</Location>
ProxyPass "/balancer-manager" "!"
ProxyPass "/" "balancer://b/"
"#;

#[test]
fn the_benchmarks_text_loads() {
    let config = loaded(BENCH);
    assert_eq!(config.server_name.as_deref(), Some("bench.test"));
    assert_eq!((config.keep_alive, config.max_keep_alive_requests), (true, 0));
    assert_eq!(config.keep_alive_timeout, Duration::from_secs(300));
    assert_eq!(config.timeout, Duration::from_secs(120));
    assert_eq!(config.balancers[0].members[1].1.connection.timeout, Duration::from_secs(120));
    assert_eq!(config.balancers[0].settings.lbmethod, LbMethod::ByRequests);
    let [log] = config.access_logs.as_slice() else { panic!("{config:?}") };
    assert_eq!((log.path.to_str(), log.format.as_str()), (Some("/tmp/access.log"), COMMON));
    let mappings = Mappings::new(config.mappings.clone());
    assert_eq!(mappings.find("/balancer-manager"), None);
    assert_eq!(mappings.find("/1k").unwrap().path, "/1k");
    assert_eq!(warnings(&config), ["without effect here: LogLevel (site.conf:4), ErrorLog (site.conf:5)",]);
}

#[test]
fn a_location_wins_over_lines_outside_and_the_last_over_earlier_ones() {
    let config = loaded(
        "Listen 80
        <Proxy balancer://b>
            BalancerMember http://h:1
        </Proxy>
        ProxyPass /pl/x balancer://b/plain
        ProxyPass /l2/no !
        <Location /rev/in>
            ProxyPass balancer://b/inner
        </Location>
        <Location /rev>
            ProxyPass balancer://b/outer
        </Location>
        <Location /pl>
            ProxyPass balancer://b/loc
        </Location>
        <Location /l2>
            ProxyPass balancer://b
        </Location>
        <Location /lo>
            ProxyPass balancer://b/one
            ProxyPassReverse balancer://b
        </Location>
        <Location /lo/in>
            ProxyPass !
        </Location>",
    );
    let mappings = Mappings::new(config.mappings);
    // As seen in httpd.
    for (path, expected) in [
        ("/rev/in/a", Some("/outer/in/a")),
        ("/pl/x/a", Some("/loc/x/a")),
        ("/l2/no/a", Some("/no/a")),
        ("/lo/a", Some("/one/a")),
        ("/lo/in/a", None),
    ] {
        assert_eq!(mappings.find(path).map(|found| found.path.into_owned()).as_deref(), expected, "{path}");
    }
    assert_eq!(config.reverses, [Reverse { path: "/lo".into(), url: "balancer://b".into() }]);
}

#[test]
fn time_outs_of_members_are_their_own_or_those_above_or_the_general_one() {
    let config = loaded(
        "Listen 80
        Timeout 7
        BalancerMember balancer://b http://early:1
        ProxyTimeout 11
        BalancerMember balancer://b http://middle:1
        BalancerMember balancer://b http://own:1 timeout=3
        ProxyTimeout 13
        BalancerMember balancer://b http://late:1",
    );
    let seconds: Vec<_> = config.balancers[0]
        .members
        .iter()
        .map(|(_, settings)| settings.connection.timeout.as_secs())
        .collect();
    assert_eq!(seconds, [13, 11, 3, 13]);
    assert_eq!(config.timeout, Duration::from_secs(7));
}

#[test]
fn defaults_are_those_of_httpd() {
    let config = loaded("Listen 80");
    assert_eq!(config.listen, ["[::]:80".parse().unwrap()]);
    assert_eq!((config.timeout.as_secs(), config.keep_alive_timeout.as_secs()), (60, 5));
    assert_eq!((config.keep_alive, config.max_keep_alive_requests), (true, 100));
    assert_eq!((config.preserve_host, config.add_headers, config.via), (false, true, Via::Off));
    assert_eq!((config.max_connections, config.continue_100), (None, true));
    // Not httpd's: an edit is kept unless that is not wanted.
    assert!(config.persist);
    let RequestLimits { line, fields, field_size, body } = config.request_limits;
    assert_eq!((line, fields, field_size, body), (8190, 100, 8190, 0));
    let pace = |most| Pace { first: Duration::from_secs(20), most, min_rate: Some(500) };
    assert_eq!(config.read_timeouts.header, Some(pace(Some(Duration::from_secs(40)))));
    assert_eq!(config.read_timeouts.body, Some(pace(None)));
    assert!(config.access_logs.is_empty() && config.error_documents.is_empty());
}

#[test]
fn conditions_and_variables() {
    let options = ReadOptions { defines: vec!["TEST".to_owned()], ..ReadOptions::default() };
    let text = "
        Define port 8081
        <IfDefine TEST>
            Listen 127.0.0.1:${port}
        </IfDefine>
        <IfDefine !TEST>
            Nonsense
            <IfModule x>
            </IfModule>
        </IfDefine>
        <IfModule mod_proxy_balancer.c>
            <IfModule proxy_http_module>
                ServerName ${port}.example.com
            </IfModule>
        </IfModule>
        <IfModule !mod_proxy.c>
            Nonsense
        </IfModule>
        <IfModule mpm_event_module>
            Nonsense
        </IfModule>
        LoadModule foo_module modules/mod_foo.so
        <IfModule mod_foo.c>
            Timeout 9
        </IfModule>
        UnDefine port
        <IfDefine port>
            Nonsense
        </IfDefine>";
    let config = read_text("site.conf", text, &options).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(config.listen[0].port(), 8081);
    assert_eq!(config.server_name.as_deref(), Some("8081.example.com"));
    assert_eq!(config.timeout.as_secs(), 9);
}

#[test]
fn what_closes_is_found_in_sections_of_modules_that_are_missing() {
    let text = "Listen 80
        <IfModule mod_ssl.c>
            Nonsense
            <VirtualHost *:443>
                SSLEngine on
            </VirtualHost>
            <IfDefine NOT>
                SSLEngine on
            </IfDefine>
            <Limit GET>
            </Limit>
        </IfModule>";
    assert_eq!(
        errors(text),
        [
            "site.conf:5:17: SSLEngine encrypts for every path; this proxy cannot do that yet",
            "site.conf:10:13: Limit restricts methods for every path; this proxy cannot do that yet",
        ]
    );
}

#[test]
fn fences_stand_on_exactly_the_paths_that_are_closed() {
    let text = "Listen 80
        <Proxy balancer://b>
            BalancerMember http://h:1
            Require expr admins
        </Proxy>
        BalancerMember balancer://c http://h:2
        <Location /admin>
            AuthType Digest
        </Location>
        ProxyPass /b balancer://b
        ProxyPass / balancer://c/";
    assert_eq!(
        errors(text),
        [
            "site.conf:4:13: Require restricts access for all of balancer://b (/b); this proxy cannot do that yet",
            "site.conf:8:13: AuthType Digest authenticates for /admin; this proxy cannot do that yet",
        ]
    );
    let many: Vec<String> = (0..21).map(|at| format!("ProxyPass /b{at} balancer://b")).collect();
    let of_many = text.replace("ProxyPass /b balancer://b", &many.join("\n"));
    assert!(errors(&of_many)[0].contains(", /b19 and 1 more); this"), "{:?}", errors(&of_many));
    let config = fenced(text).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(config.warnings.len(), 2);
    for (path, balancer, closed) in [
        ("/", Some(1), false),
        ("/admin", Some(1), true),
        ("/admin/x", Some(1), true),
        ("/%61dmin//x", Some(1), true),
        ("//admin", None, true),
        ("/admin;x", Some(1), true),
        ("/admin%3Bx/y", Some(1), true),
        ("/x;/admin", Some(1), false),
        ("/administration", Some(1), false),
        ("/b/x", Some(0), true),
    ] {
        assert_eq!(config.fences.iter().any(|fence| fence.covers(path, balancer)), closed, "{path}");
    }
    let everything = fenced("Listen 80\nRewriteRule ^/x /y\n").unwrap();
    assert!(everything.fences.iter().all(|fence| fence.covers("/any", None)) && everything.fences.len() == 1);
    // What is a matter of function and not of access stays refused.
    assert!(fenced("Listen 80\nProxyPassMatch ^/x balancer://b\n").is_err());
    assert!(fenced("Listen 80\nNonsense\n").is_err());
}

#[test]
fn ten_thousand_members_load_fast_and_no_more() {
    let mut text = String::from("Listen 80\n<Proxy balancer://b>\n");
    for number in 0..10_000 {
        let host = format!("10.{}.{}.1", number / 256, number % 256);
        text.extend(["BalancerMember http://", &host, ":8080\n"]);
    }
    let start = now();
    let config = loaded(&format!("{text}</Proxy>\n"));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(config.balancers[0].members.len(), 10_000);
    let report = plain(&format!("{text}BalancerMember http://one-more\n</Proxy>\n")).unwrap_err();
    assert!(report.errors[0].title.contains("more than 10000 members"), "{report}");
}

#[test]
fn what_is_larger_than_anybody_writes_is_refused_in_good_time() {
    let listeners: Vec<_> = (1..=257).map(|port| format!("Listen 127.0.0.1:{port}\n")).collect();
    let mappings: Vec<_> =
        (0..90_000).map(|number| format!("ProxyPass /{number} balancer://b{number}\n")).collect();
    for (what, text, expected) in [
        ("long line", format!("ServerName {}\n", "x".repeat(70_000)), "this line is longer than 64 KiB"),
        (
            "joined line",
            format!("ServerName {}\n", "x\\\n".repeat(70_000)),
            "this line is longer than 64 KiB",
        ),
        ("logs", "TransferLog /a\n".repeat(65), "there are more than 64 access logs"),
        ("addresses", listeners.concat(), "there are more than 256 Listen lines"),
        ("unknown balancers", mappings.concat(), "there is no balancer://b0"),
        ("nesting", "<IfModule mod_proxy.c>\n".repeat(50_000), "<IfModule> is never closed"),
        ("parameters", format!("<Proxy balancer://b {}>\n", "x=1 ".repeat(10_000)), "'x' is no parameter"),
    ] {
        let start = now();
        let report = plain(&text).unwrap_err();
        assert!(report.errors.iter().any(|note| note.title.contains(expected)), "{what}: {report}");
        assert!(start.elapsed() < Duration::from_secs(10), "{what}: {:?}", start.elapsed());
    }
}

#[expect(clippy::disallowed_methods, reason = "measures how long reading takes")]
fn now() -> Instant {
    Instant::now()
}

#[test]
fn the_help_lists_every_directive_and_parameter() {
    let names: Vec<_> = directives().map(|(usage, ..)| usage).collect();
    for expected in ["Listen [ADDRESS:]PORT [http]", "AuthType Basic|None", "LogLevel …", "ProxyPassMatch …"]
    {
        assert!(names.iter().any(|name| name == expected), "{expected}");
    }
    assert!(parameters().any(|(kind, key, ..)| kind == "member" && key == "loadfactor"));
}

const PIECES: &str = r"([ -~\n\t]{0,40}|<Proxy balancer://a>\n|</Proxy>\n|<Location /a>\n|</Location>\n|BalancerMember http://h:1 |route=|ProxyPass / balancer://a/\n|<IfModule |Require |<RequireAll>\n|</RequireAll>\n|Require not ip 10\n|Require valid-user\n|\$\{|\\\n|.{0,5})";

proptest::proptest! {
    #[test]
    fn any_text_gives_a_configuration_or_a_report(pieces in proptest::collection::vec(PIECES, 0..20), fence: bool, strict: bool) {
        let text: String = pieces.concat();
        let options = ReadOptions { fence, strict, defines: Vec::new() };
        match read_text("site.conf", &text, &options) {
            Ok(config) => for note in &config.warnings {
                proptest::prop_assert!(!note.render(true).is_empty());
            },
            Err(report) => {
                proptest::prop_assert!(!report.errors.is_empty());
                let text = report.to_string();
                proptest::prop_assert!(text.chars().all(|c| c == '\n' || evenkeel_protocol::clean::is_clean(c)), "{:?}", text);
            }
        }
    }

    #[test]
    fn any_bytes_give_a_configuration_or_a_report(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let mut reader = Reader::new(&ReadOptions::default(), None);
        reader.text("site.conf", &include::check(bytes));
        if let Err(report) = finish(reader, &ReadOptions::default()) {
            proptest::prop_assert!(!report.to_string().is_empty());
        }
    }
}
