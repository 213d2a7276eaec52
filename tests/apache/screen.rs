//! The screen on a real httpd: a drain under load, the restart that forgets it, and the key that begins it again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use harness::terminal::console_with;

use super::*;

#[test]
fn a_drain_under_load_is_forgotten_by_a_restart_and_begun_again() {
    let Some(page) = of_httpd() else { return };
    let over = Arc::new(AtomicBool::new(false));
    let (ends, to) = (Arc::clone(&over), page.address);
    let load = std::thread::spawn(move || {
        while !ends.load(Ordering::Relaxed) {
            // While httpd restarts a connection may be closed.
            let _ = browser().try_send(to, "GET", "/", b"");
        }
    });
    let url = page.url();
    let terminal = console_with(&["--apache", &url, "--write"]).size(120, 30).open();
    terminal.wait_for("● live");
    terminal.wait_until("a rate", |frame| !frame.contains(" - req/s"));
    terminal.keys("d");
    let question = terminal.wait_for("Drain app/a?");
    assert!(question.contains("evenkeel --apache http"));
    terminal.keys("y");
    let drained = terminal.wait_for("NOT kept: httpd forgets it with its next restart");
    assert_eq!(drained.to_string().matches("kept").count(), 1, "it is said once: {drained}");
    terminal.wait_for("◐ Drn");
    assert_eq!(page.words("a"), "Init Drn Ok");
    page.httpd.as_ref().unwrap().restart_gracefully();
    let gone = terminal.wait_for("your drain of app/a is gone");
    assert!(gone.contains("A sets it again"), "{}", gone);
    assert_eq!(page.words("a"), "Init Ok");
    terminal.keys("A");
    terminal.wait_for("its processes of before may still serve");
    terminal.keys("y");
    terminal.wait_gone("your drain of app/a is gone");
    assert_eq!(page.words("a"), "Init Drn Ok");
    terminal.keys("2");
    let events = terminal.wait_for("httpd was restarted or reloaded; runtime settings went back");
    assert!(events.contains("drain Off → On") && !events.contains("signal"), "{}", events);
    over.store(true, Ordering::Relaxed);
    load.join().unwrap();
}

#[test]
fn screens_that_have_nothing_say_why_and_an_edit_can_be_taken_back() {
    for page in of_httpd().into_iter().chain([of_ours()]) {
        let terminal = console_with(&["--apache", &page.url(), "--write"]).size(120, 30).open();
        terminal.wait_for("● live");
        terminal.keys("4");
        let [explain, elections] = if page.httpd.is_some() {
            ["httpd does not tell why a request goes where it goes", "httpd does not remember its elections"]
        } else {
            ["through its page an Evenkeel proxy cannot do that: use --socket on its machine"; 2]
        };
        terminal.wait_for(&format!("Nothing to show: {explain}."));
        terminal.keys("5");
        terminal.wait_for(&format!("Nothing to show: {elections}."));
        terminal.keys("1H");
        terminal.wait_for("y yes");
        terminal.keys("y");
        terminal.wait_for("Stby");
        // The row may show it before what was posted is proven.
        terminal.wait_for("u undoes");
        assert_eq!(page.words("a"), "Init Stby Ok");
        terminal.keys("u");
        terminal.wait_for("Undo the change of");
        terminal.keys("y");
        terminal.wait_for("is as before");
        assert_eq!(page.words("a"), "Init Ok");
    }
}

#[test]
fn a_drain_that_has_ended_says_when_another_balancer_uses_its_process() {
    let backends = backends(["a", "b"]);
    let api = format!(
        "<Proxy balancer://api>\nBalancerMember {} route=a status=+D\n</Proxy>\nProxyPass /api balancer://api/",
        backends[0]
    );
    let Some(httpd) = httpd_with(&[], format!("{api}\n{}", balancer(&backends))) else { return };
    let page = Page { address: httpd.address(), backends, httpd: Some(httpd), _proxy: None };
    let terminal = console_with(&["--apache", &page.url(), "--write"]).size(80, 24).open();
    terminal.wait_for("● live");
    page.command("status app/a").with_code(0);
    terminal.keys(":drain app/a\r");
    terminal.wait_for("Drain app/a?");
    terminal.keys("y");
    terminal.keys("3");
    terminal.wait_for(" IDLE ");
    page.command("enable api/a").with_code(0);
    let used = terminal.wait_for("IN USE ELSEWHERE");
    assert!(used.contains("still gets requests in api"), "{used}");
    page.command("disable api/a --force").with_code(0);
    terminal.wait_for(" IDLE ");
}

#[test]
fn a_drain_says_what_a_restart_before_it_has_left_in_flight() {
    let Some(page) = of_httpd() else { return };
    let terminal = console_with(&["--apache", &page.url(), "--write"]).size(80, 24).open();
    terminal.wait_for("● live");
    let held = drain::held(&page);
    terminal.wait_for("busy 1");
    page.httpd.as_ref().unwrap().restart_gracefully();
    held.finish();
    terminal.wait_for("httpd was restarted");
    terminal.keys("d");
    terminal.wait_for("Drain app/a?");
    terminal.keys("y");
    terminal.keys("3");
    let ended = terminal.wait_for("ended       ").to_string();
    let read = ended.split_whitespace().collect::<Vec<_>>().join(" ");
    for says in
        ["NOT YET", "restarted with 1 request in flight", "it went on draining", "counted there as Stopping"]
    {
        assert!(read.contains(says), "{says}: {ended}");
    }
    assert!(!ended.contains(" IDLE "), "{ended}");
}

#[test]
fn a_drain_that_is_set_again_keeps_its_promise_where_requests_of_before_are_unknown() {
    let Some(page) = of_httpd() else { return };
    let terminal = console_with(&["--apache", &page.url(), "--write"]).size(80, 24).open();
    terminal.wait_for("● live");
    let held = drain::held(&page);
    terminal.wait_for("busy 1");
    terminal.order("drain app/a --settle 100ms --timeout 8s --on-timeout stop", "Drain app/a?");
    terminal.keys("y");
    terminal.wait_for("app/a is draining");
    page.httpd.as_ref().unwrap().restart_gracefully();
    held.finish();
    terminal.wait_for("your drain of app/a is gone");
    terminal.keys("A");
    terminal.wait_for("After 8s at the latest: stop it");
    terminal.keys("y");
    terminal.wait_gone("your drain of app/a is gone");
    terminal.keys("3");
    terminal.wait_for("  UNKNOWN  ");
    terminal.keys("q");
    terminal.wait_for("Only this console acts at these deadlines");
    terminal.keys("n");
    let ended = terminal.wait_for("  STOPPED  ").to_string();
    let read = ended.split_whitespace().collect::<Vec<_>>().join(" ");
    let says = "no request in flight that is counted, and unknown whether 1 of before httpd's restart has ended: it was \
                stopped";
    assert!(read.contains(says), "{ended}");
    assert_eq!(page.words("a"), "Init Drn Stop");
}

#[test]
fn a_drain_that_a_restart_has_forgotten_with_another_field_comes_back_with_its_terms() {
    let Some(page) = of_httpd() else { return };
    let terminal = console_with(&["--apache", &page.url(), "--write"]).size(80, 24).open();
    terminal.wait_for("● live");
    terminal.keys(":set app/a lbfactor=2\r");
    terminal.wait_for("Change app/a?");
    terminal.keys("y");
    terminal.wait_for("u undoes");
    terminal.order("drain app/a --settle 9s", "Drain app/a?");
    terminal.keys("y");
    terminal.wait_for("app/a is draining");
    page.httpd.as_ref().unwrap().restart_gracefully();
    terminal.wait_for("A sets each again");
    terminal.keys("A");
    let question = terminal.wait_for("Drain app/a?");
    assert!(question.contains("--settle 9s"), "{question}");
    terminal.keys("y");
    terminal.wait_for("app/a is draining");
    terminal.keys("3");
    terminal.wait_until("the drain runs again on its terms", |frame| {
        frame.contains("nothing in flight for 9s") && !frame.contains("TAKEN BACK")
    });
    assert_eq!(page.words("a"), "Init Drn Ok");
    terminal.keys("A");
    let rest = terminal.wait_for("Change app/a?");
    assert!(rest.contains("lbfactor       1.00 → 2.00") && !rest.contains("drain=on"), "{rest}");
}

#[test]
fn a_member_with_n_that_nobody_watches_is_named_and_watched_by_its_command() {
    let Some(page) = of_httpd() else { return };
    let terminal = console_with(&["--apache", &page.url(), "--write"]).size(80, 24).open();
    terminal.wait_for("● live");
    page.command("drain a").with_code(0);
    terminal.keys("3");
    terminal.wait_for("Nobody here watches app/a, which drains (N): type :drain app/a to watch it.");
    terminal.keys(":drain app/a\r");
    terminal.wait_for("Drain app/a?");
    terminal.keys("y");
    let watched = terminal.wait_for("deadline");
    assert!(!watched.contains("Nobody here watches"), "{watched}");
}

#[test]
fn a_member_that_a_restart_has_forgotten_is_named_and_added_again() {
    let backends = backends(["a", "b"]);
    let lines = balancer(&backends).replace("stickysession=SID", "stickysession=SID growth=1");
    let Some(httpd) = harness::httpd::httpd(lines) else { return };
    let page = Page { address: httpd.address(), backends, httpd: Some(httpd), _proxy: None };
    let newcomer = Backend::new("c");
    let terminal = console_with(&["--apache", &page.url(), "--write"]).size(80, 24).open();
    terminal.wait_for("● live");
    terminal.keys(&format!(":add app {newcomer} route=c status=-D\r"));
    terminal.wait_for("Add app/c (");
    terminal.keys("y");
    terminal.wait_for("is added");
    page.httpd.as_ref().unwrap().restart_gracefully();
    let gone = terminal.wait_for("your member app/c is gone");
    assert!(gone.contains("app/c is gone; the cursor is on app/b now"), "{gone}");
    terminal.keys("2");
    terminal.wait_for("▼ gone: ");
    terminal.keys("A");
    terminal.wait_for("Add app/c (");
    terminal.keys("y");
    terminal.wait_for("is added");
    let told = page.command("status").with_code(0).out;
    assert!(told.contains(&newcomer.to_string()) || told.contains(" c "), "{told}");
}
