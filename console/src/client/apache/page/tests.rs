//! Pages of all times: written in words of our own from what each version prints.

use super::super::sight::Sight;
use super::*;
use evenkeel_protocol::{Flag, LbMethod, MemberSnapshot, Snapshot, Timestamp};

fn seen(text: &str) -> (Page, Snapshot) {
    let page = Page::read(text.as_bytes()).unwrap();
    let snapshot = Sight { page: &page, exact: None, url: "http://lb1/bm", taken: Timestamp(7) }.snapshot();
    (page, snapshot)
}

fn first(snapshot: &Snapshot) -> &MemberSnapshot {
    &snapshot.balancers[0].members[0]
}

/// As 2.2 wrote it: no column for requests in flight, no word for initialised, forms by GET.
const OLD: &str = "<html><body><h1>Load Balancer Manager for lb1</h1>\n\n<dl><dt>Server Version: Apache/2.2.34</dt>\n\
    <dt>Server Built: then\n</dt></dl>\n<hr />\n<h3>LoadBalancer Status for balancer://app</h3>\n\n\n\n\
    <table border=\"0\" style=\"text-align: left;\"><tr><th>StickySession</th><th>Timeout</th><th>FailoverAttempts</th>\
    <th>Method</th></tr>\n<tr><td> - </td><td>0</td><td>1</td>\n<td>byrequests</td>\n</table>\n<br />\n\n\
    <table border=\"0\"><tr><th>Worker URL</th><th>Route</th><th>RouteRedir</th><th>Factor</th><th>Set</th>\
    <th>Status</th><th>Elected</th><th>To</th><th>From</th></tr>\n<tr>\n\
    <td><a href=\"/bm?b=app&w=http://a:1&nonce=n1\">http://a:1</a></td><td>r1</td><td></td><td>3</td><td>0</td>\
    <td>Ok</td><td>5</td><td>115 </td><td> 99K</td></tr>\n<tr>\n\
    <td><a href=\"/bm?b=app&w=http://b:1&nonce=n1\">http://b:1</a></td><td></td><td></td><td>1</td><td>1</td>\
    <td>Dis Err </td><td>0</td><td>  0 </td><td>  0 </td></tr>\n</table>\n<hr />\n\
    <h3>Edit worker settings for http://a:1</h3>\n<form method=\"GET\" action=\"/bm\">\n<dl><input name=\"lf\" type=text \
    value=\"3\"><input name=\"dw\" value=\"Disable\" type=radio></form>\n</body></html>\n";

/// As 2.4.6 wrote it: whole factors, no escapes in links, a stray end of a cell, no word on persistence.
const FIRST: &str = "<html><head><title>Balancer Manager</title>\n<style type='text/css'>\ntable {}\n</style>\n</head>\n\
    <body><h1>Load Balancer Manager for lb1</h1>\n\n<dl><dt>Server Version: Apache/2.4.6 (CentOS)</dt>\n\
    <dt>Server Built: then\n</dt></dl>\n<hr />\n<h3>LoadBalancer Status for \
    <a href=\"/bm?b=app&nonce=n2\">balancer://app</a> [p1_app]</h3>\n\n\n\n<table><tr><th>MaxMembers</th>\
    <th>StickySession</th><th>DisableFailover</th><th>Timeout</th><th>FailoverAttempts</th><th>Method</th><th>Path</th>\
    <th>Active</th></tr>\n<tr><td>2 [2 Used]</td>\n<td>SID | sid<td>On</td>\n</td><td>3</td><td>1</td>\n\
    <td>bytraffic</td>\n<td>www.example.com -> /app</td>\n<td>Yes</td>\n</table>\n<br />\n\n<table><tr>\
    <th>Worker URL</th><th>Route</th><th>RouteRedir</th><th>Factor</th><th>Set</th><th>Status</th><th>Elected</th>\
    <th>Busy</th><th>Load</th><th>To</th><th>From</th></tr>\n<tr>\n\
    <td><a href=\"/bm?b=app&w=ajp://a:8009&nonce=n2\">ajp://a:8009</a></td><td>r1</td><td>r2</td><td>7</td><td>2</td>\
    <td>Init Drn Ok </td><td>12</td><td>3</td><td>-200</td><td>1.3K</td><td>8.6M</td></tr>\n</table>\n<hr />\n\
    </body></html>\n";

/// As 2.4.37 wrote it: links in single quotes, health checks, a member behind a socket.
const MIDDLE: &str = "<html><body><h1>Load Balancer Manager for lb1</h1><dl><dt>Server Version: Apache/2.4.37 (rocky)</dt>\
    <dt>Balancer changes will NOT be persisted on restart.</dt></dl><hr />\n<h3>LoadBalancer Status for \
    <a href='/bm?b=app&amp;nonce=n3'>balancer://app</a> [p2_app]</h3>\n<table><tr><th>MaxMembers</th>\
    <th>StickySession</th><th>DisableFailover</th><th>Timeout</th><th>FailoverAttempts</th><th>Method</th><th>Path</th>\
    <th>Active</th></tr>\n<tr><td>1 [1 Used]</td>\n<td> (None) </td><td>Off</td>\n<td>0</td><td>0</td>\n\
    <td>bybusyness</td>\n<td>/</td>\n<td>Yes</td>\n</table>\n<br />\n<table><tr><th>Worker URL</th><th>Route</th>\
    <th>RouteRedir</th><th>Factor</th><th>Set</th><th>Status</th><th>Elected</th><th>Busy</th><th>Load</th><th>To</th>\
    <th>From</th><th>HC Method</th><th>HC Interval</th><th>Passes</th><th>Fails</th><th>HC uri</th><th>HC Expr</th></tr>\n\
    <tr>\n<td><a href='/bm?b=app&amp;w=http%3a//localhost/&amp;nonce=n3'><i>unix:/run/a.sock|http://localhost/</i></a></td>\
    <td></td><td></td><td>2.50</td><td>0</td><td>Init Stby HcFl </td><td>0</td><td>0</td><td>0</td><td>  0 </td>\
    <td>  0 </td><td>GET</td><td>5000ms</td><td>2 (1)</td><td>3 (0)</td><td>/health</td><td>ok234</td></tr>\n</table>\n\
    <hr />\n</body></html>\n";

/// The form of a member as 2.4.71 lays it out: in a table without headings, with two in its cells that have some.
const FORM: &str = "<h3>Edit worker settings for http://localhost/</h3>\n<form method='POST' action='http://lb1/bm'>\n\
    <table><tr><td>Load factor:</td><td><input name='w_lf' id='w_lf' type=text value='2.50'></td></tr>\n\
    <tr><td>LB Set:</td><td><input name='w_ls' id='w_ls' type=text value='0'></td></tr>\n\
    <tr><td>Status:</td><td><table><tr><th>Ignore Errors</th><th>Draining Mode</th></tr>\n<tr>\
    <td>On <input name='w_status_I' value='1' type=radio> Off <input name='w_status_I' value='0' type=radio checked></td>\
    <td>On <input name='w_status_N' value='1' type=radio> Off <input name='w_status_N' value='0' type=radio checked></td>\
    </tr></table>\n</td></tr>\n<tr><td colspan='2'>\n<table align='center'><tr><th>Health Check param</th>\
    <th>Value</th></tr>\n<tr><td>Interval (ms)</td><td><input name='w_hi' value='5000'></td></tr>\n</table>\n\
    </td></tr>\n<tr><td colspan='2'><input type=submit value='Submit'></td></tr>\n</table>\n\
    <input type=hidden name='w' value='http%3A%2F%2Flocalhost%2F'></form>\n<hr />\n";

/// What it says of health checks, between the members and the form.
const EXPRESSIONS: &str = "<table><tr><th colspan='2'>Health check cond. expressions:</th></tr>\n<tr><th>Expr name</th>\
    <th>Expression</th></tr>\n<tr><td>ok234</td><td>%{REQUEST_STATUS} =~ /^[234]/</td></tr>\n</table>\n";

#[test]
fn a_form_and_other_tables_are_no_members() {
    let (_, plain) = seen(MIDDLE);
    for between in ["", EXPRESSIONS] {
        let (page, snapshot) =
            seen(&MIDDLE.replace("<hr />\n</body>", &format!("<hr />\n{between}{FORM}</body>")));
        assert_eq!((&page.passed_over, &snapshot.warnings), (&Vec::new(), &Vec::new()), "{between}");
        assert_eq!(snapshot.balancers, plain.balancers, "{between}");
        assert!(page.form.unwrap().is_of_another("http://localhost/").is_none(), "{between}");
    }
}

#[test]
fn columns_are_found_by_their_headings_wherever_they_stand() {
    let (_, plain) = seen(MIDDLE);
    let moved = MIDDLE
        .replace("<th>MaxMembers</th>", "<th>Id</th><th>MaxMembers</th>")
        .replace("<td>1 [1 Used]</td>", "<td>p2_app</td><td>1 [1 Used]</td>")
        .replace("<th>Worker URL</th>", "<th>No</th><th>Worker URL</th>")
        .replace("<td><a href='/bm?b=app&amp;w=", "<td>1</td><td><a href='/bm?b=app&amp;w=");
    let (_, seen) = seen(&moved);
    assert_eq!(seen.balancers, plain.balancers);
}

#[test]
fn pages_of_all_times_are_read_by_their_headings() {
    let (page, snapshot) = seen(OLD);
    assert_eq!((page.version.as_str(), page.balancers[0].nonce.as_deref()), ("Apache/2.2.34", Some("n1")));
    let member = first(&snapshot);
    assert_eq!(
        (member.lbfactor.to_string(), member.words.as_str(), member.usable),
        ("3.00".to_owned(), "Ok", true)
    );
    assert_eq!((member.transferred, member.read), (115, 101_376));
    let second = &snapshot.balancers[0].members[1];
    assert!(!second.usable && second.status.has(Flag::Disabled) && second.status.has(Flag::Error));
    for field in ["busy", "lbstatus", "health", "served", "transferred"] {
        assert!(!snapshot.proxy.tells(field), "{field}");
    }
    assert!(page.form.unwrap().objection(&[], "Apache/2.2.34").unwrap().contains("for looking only"));

    let (page, snapshot) = seen(FIRST);
    assert_eq!((page.persists, page.balancers[0].nonce.as_deref()), (None, Some("n2")));
    let balancer = &snapshot.balancers[0];
    assert_eq!(balancer.settings.stickysession.as_ref().unwrap().to_string(), "SID|sid");
    assert_eq!(
        (balancer.settings.nofailover, balancer.settings.timeout, balancer.paths.join(" ")),
        (true, 3, "/app".to_owned())
    );
    let member = first(&snapshot);
    assert_eq!(
        (member.name.as_str(), member.route.as_str(), member.redirect.as_str()),
        ("ajp://a:8009", "r1", "r2")
    );
    assert_eq!((member.elected, member.busy, member.lbstatus, member.lbset.get()), (12, 3, -200, 2));
    assert!(member.usable && member.status.has(Flag::Drain) && snapshot.proxy.tells("busy"));
    assert_eq!(snapshot.balancers[0].room, Some(0), "2 [2 Used]");

    let (page, snapshot) = seen(MIDDLE);
    assert_eq!((page.persists, page.balancers[0].members[0].w.as_str()), (Some(false), "http://localhost/"));
    let member = first(&snapshot);
    assert_eq!(
        (member.name.as_str(), member.lbfactor.hundredths()),
        ("unix:/run/a.sock|http://localhost/", 250)
    );
    assert!(member.status.has(Flag::HealthFail) && member.status.has(Flag::Standby) && !member.usable);
    let health = &member.health;
    assert_eq!(
        (health.method.to_string(), health.interval.millis(), health.passes, health.passed),
        ("GET".to_owned(), 5000, 2, 1)
    );
    assert_eq!((health.uri.as_str(), health.expression.as_str()), ("/health", "ok234"));
    assert_eq!(snapshot.balancers[0].settings.stickysession, None);
}

#[test]
fn methods_that_are_none_of_ours_keep_their_names() {
    let text = MIDDLE.replace("bybusyness", "fair<b>").replace("<td>GET</td>", "<td>CPING</td>");
    let (_, snapshot) = seen(&text);
    let balancer = &snapshot.balancers[0];
    assert_eq!((balancer.lbmethod(), balancer.lbmethod_name()), (None, "fair"));
    let health = &balancer.members[0].health;
    assert!(health.is_on() && health.method_name() == "CPING", "{health:?}");
    let (_, ours) = seen(MIDDLE);
    assert_eq!(ours.balancers[0].lbmethod(), Some(LbMethod::ByBusyness));
    assert_eq!(
        (&ours.balancers[0].foreign_lbmethod, &ours.balancers[0].members[0].health.foreign_method),
        (&None, &None)
    );
}

#[test]
fn names_that_cannot_be_used_are_passed_over_and_told_clean() {
    let text = MIDDLE.replace("<i>unix:/run/a.sock|http://localhost/</i>", "http://a\u{1b}[2J");
    let (page, snapshot) = seen(&text);
    assert_eq!(page.balancers[0].members.len(), 0);
    assert!(
        snapshot.warnings[0].starts_with("not shown: the member 'http://a\u{fffd}[2J'"),
        "{:?}",
        snapshot.warnings
    );
    let (page, _) = seen(&MIDDLE.replace("balancer://app</a>", "balancer://a\u{9b}b</a>"));
    assert_eq!((page.balancers.len(), page.passed_over.len()), (0, 1));
    let (page, _) = seen(&MIDDLE.replace("balancer://app</a>", "balancer://a&amp;b</a>"));
    assert_eq!((page.balancers[0].name.as_str(), page.balancers[0].members.len()), ("a&b", 1));
}

#[test]
fn other_documents_are_no_pages() {
    for (text, no) in [
        ("", NoPage::Other(String::new())),
        ("<title>Apache Status</title>", NoPage::Other("Apache Status".to_owned())),
        (&FIRST[..FIRST.len() - 8], NoPage::Cut),
        (&MIDDLE[..MIDDLE.find("<hr />\n</body>").unwrap()], NoPage::Cut),
        ("<h1>Log in</h1><input type=Password name=p>", NoPage::Login("Log in".to_owned())),
    ] {
        assert_eq!(Page::read(text.as_bytes()), Err(no), "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn any_damage_of_a_page_is_read_or_refused(at in 0usize..2000, cut in 0usize..200) {
        let mut bytes = MIDDLE.as_bytes().to_vec();
        let at = at.min(bytes.len());
        let end = (at + cut).min(bytes.len());
        bytes.drain(at..end);
        if let Ok(page) = Page::read(&bytes) {
            let _ = Sight { page: &page, exact: None, url: "u", taken: Timestamp(0) }.snapshot();
        }
    }
}

#[test]
fn what_has_no_name_is_said_to_have_none() {
    for (document, said) in [
        ("<input type=password name=p>", "a page to log in"),
        ("<h1>Sign in</h1><input type=password name=p>", "a page to log in ('Sign in')"),
        ("", "something without a heading"),
        ("<h1>Done</h1>", "'Done'"),
    ] {
        assert_eq!(Page::read(document.as_bytes()).unwrap_err().said(), said, "{document}");
    }
    let (page, _) = seen(&MIDDLE.replace("balancer://app</a>", "balancer://</a>"));
    assert_eq!(page.passed_over, ["a balancer without a name"]);
}
