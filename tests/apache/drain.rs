//! Drains that wait, and what a graceful restart makes of them.

use super::*;

/// A request that `a` holds until it is let go.
#[track_caller]
pub(super) fn held(page: &Page) -> Held {
    let its = browser().cookie("SID", "x.a");
    Held::of(its, page.address, &page.backends[0], |gate| Behaviour::HoldsUntil(gate, Reply::size(100)))
}

/// A command that goes on while the test does something else.
fn running(page: &Page, line: &str) -> Running {
    Running::start(&evenkeel(), page.line(line))
}

#[test]
fn it_waits_until_nothing_is_in_flight() {
    for page in of_httpd().into_iter().chain([of_ours()]) {
        let held = held(&page);
        let waits = running(&page, "drain app/a --wait --settle 500ms");
        waits.says("1 request is in flight; idle sessions are unknown");
        assert_eq!(page.words("a"), "Init Drn Ok");
        held.finish();
        let text = waits.ended().with_code(0).out;
        assert!(text.contains("app/a: idle: no request was in flight for 500ms"), "{text}");
        assert_eq!(page.words("a"), "Init Drn Ok", "it keeps draining");
    }
}

#[test]
fn what_its_process_has_in_flight_in_another_balancer_is_waited_for() {
    let backends = backends(["a", "b"]);
    let api = format!(
        "<Proxy balancer://api>\nBalancerMember {} route=a\n</Proxy>\nProxyPass / balancer://api/",
        backends[0]
    );
    let Some(httpd) = httpd_with(&[], format!("{api}\n{}", balancer(&backends))) else { return };
    let page = Page { address: httpd.address(), backends, httpd: Some(httpd), _proxy: None };
    let held = held(&page);
    let waiting = [
        running(&page, "drain app/a --wait --settle 500ms"),
        running(&page, "wait app/a idle --settle 500ms"),
    ];
    for waits in &waiting {
        waits.says("in api 1 request is in flight and more may come (drain api/a too)");
    }
    page.command("wait app/a drained --settle 0 --timeout 500ms").with_code(124);
    held.finish();
    for waits in waiting {
        let text = waits.ended().with_code(0).out;
        assert!(text.contains("app/a: idle: no request was in flight for 500ms"), "{text}");
        assert!(text.contains("; but it still takes requests in api"), "{text}");
    }
}

#[test]
fn another_command_waits_until_it_has_drained() {
    for page in of_httpd().into_iter().chain([of_ours()]) {
        let none = page.command("wait app/a drained").with_code(3);
        assert!(
            none.err.contains("`evenkeel --apache ") && none.err.contains(" drain app/a`"),
            "{}",
            none.err
        );
        let held = held(&page);
        page.command("drain app/a").with_code(0);
        page.command("wait app/a drained --timeout 500ms").with_code(124);
        let waits = running(&page, "wait app/a drained --settle 500ms");
        waits.says("1 request is in flight; idle sessions are unknown");
        held.finish();
        let text = waits.ended().with_code(0).out;
        assert!(text.contains("app/a: drained: no request was in flight for 500ms"), "{text}");
        let waits = running(&page, "wait app/a drained --settle 1h");
        waits.says("it must stay so for 1h");
        page.command("undrain app/a").with_code(0);
        let text = waits.ended().with_code(8).out;
        assert!(text.contains("its drain is gone"), "{text}");
    }
}

#[test]
fn the_time_that_has_passed_does_what_was_asked() {
    let Some(page) = of_httpd() else { return };
    let held = held(&page);
    for (then, words) in [("fail", "Init Drn Ok"), ("restore", "Init Ok"), ("stop", "Init Drn Stop")] {
        let ended =
            page.command(&format!("drain app/a --wait --timeout 500ms --on-timeout {then}")).with_code(124);
        assert!(ended.out.contains("the time had passed with 1 request in flight"), "{}", ended.out);
        assert_eq!(page.words("a"), words, "{then}");
    }
    held.finish();
}

#[test]
fn a_graceful_restart_takes_the_drain_away_and_the_command_says_so() {
    let Some(page) = of_httpd() else { return };
    let held = held(&page);
    let waits = running(&page, "drain app/a --wait");
    waits.says("1 request is in flight");
    page.httpd.as_ref().unwrap().restart_gracefully();
    // The only process of the old run goes when its last request has gone.
    held.finish();
    let text = waits.ended().with_code(8).out;
    assert!(text.contains("your drain is gone: httpd was restarted"), "{text}");
}

#[test]
fn a_roll_skips_who_is_stopped_and_says_so() {
    for page in of_httpd().into_iter().chain([of_ours()]) {
        page.command("stop app/b").with_code(0);
        let ended = page.command("roll app --settle 100ms --min-available 0 --force -- true").with_code(0);
        assert!(ended.err.contains("app/b: skipped: it is Init Stop, and stays so"), "{}", ended.err);
        assert!(ended.out.contains("Init Stop: skipped, it was out of use before"), "{}", ended.out);
        assert_eq!([page.words("a"), page.words("b")], ["Init Ok", "Init Stop"]);
    }
}

#[test]
fn the_last_member_is_guarded_as_on_a_proxy_of_ours() {
    let Some(page) = of_httpd() else { return };
    page.command("stop app/b").with_code(0);
    for line in ["drain app/a", "disable app/a", "stop app/a", "drain app/a --wait"] {
        let ended = page.command(line).with_code(4);
        assert!(ended.err.contains("is the last usable member of app"), "{line}: {}", ended.err);
    }
    assert_eq!(page.words("a"), "Init Ok");
    page.command("drain app/a --force").with_code(0);
    page.command("undrain app/a").with_code(0);
    page.command("enable app/b").with_code(0);
}

#[test]
fn members_are_rolled_one_after_the_other() {
    let Some(page) = of_httpd() else { return };
    let line = "roll app --settle 300ms --healthy-within 10s -- sh -c 'test'";
    let mut words = page.line(line);
    words.truncate(words.len() - 3);
    let script = "test -z \"$EVENKEEL_SOCKET\" && echo $EVENKEEL_APACHE $EVENKEEL_ROUTE";
    words.extend(["sh", "-c", script].map(str::to_owned));
    let ended = run(&evenkeel(), &words).with_code(0);
    for route in ["a", "b"] {
        assert!(ended.err.contains(&format!("{} {route}", page.url())), "{}", ended.err);
        assert_eq!(page.words(route), "Init Ok");
    }
}

#[test]
fn a_wait_that_saw_a_restart_says_what_the_page_does_not_count() {
    let Some(page) = of_httpd() else { return };
    let waits = running(&page, "wait app/a idle --settle 4s");
    waits.says("it must stay so for 4s");
    page.httpd.as_ref().unwrap().restart_gracefully();
    let text = waits.ended().with_code(0).out;
    assert!(
        text.contains("; httpd was restarted ") && text.contains(" ago, and requests of before that"),
        "{text}"
    );
}

#[test]
fn a_count_that_a_restart_has_kept_is_named_when_the_time_has_passed() {
    let Some(page) = of_httpd_with(&[], "BalancerPersist On") else { return };
    let held = held(&page);
    let waits = running(&page, "drain app/a --wait --timeout 5s");
    waits.says("1 request is in flight");
    page.httpd.as_ref().unwrap().restart_gracefully();
    held.finish();
    let text = waits.ended().with_code(124).out;
    assert!(text.contains("1 request in flight, no fewer than 1 for "), "{text}");
    let late = page.command("wait app/a drained --timeout 1s").with_code(124).out;
    assert!(late.contains("no fewer than 1 for ") && late.contains("BalancerPersist On"), "{late}");
}

#[test]
fn sentences_tell_of_a_restart_and_of_the_drain_it_has_taken() {
    let Some(page) = of_httpd() else { return };
    page.command("drain app/a").with_code(0);
    let program = evenkeel().to_string_lossy().into_owned();
    // What it says stands on standard output, and what is waited for on the other one.
    let shell = ["-c".to_owned(), "exec \"$0\" \"$@\" >&2".to_owned(), program];
    let line = page.line("watch --linear --interval 200ms");
    let watch = Running::start("sh".as_ref(), shell.into_iter().chain(line));
    watch.says("app/a: status Init Drn Ok");
    page.httpd.as_ref().unwrap().restart_gracefully();
    watch.says("httpd was restarted, perhaps gracefully");
    watch.says("app/a: drain On is lost");
}

#[test]
fn a_reason_is_said_not_to_be_kept_once_and_of_our_own_page_that_there_is_more() {
    for page in of_httpd().into_iter().chain([of_ours()]) {
        let told = |line: &str| page.command(line).with_code(0).err;
        assert_eq!(told("drain app/a --reason deploy").matches("The reason is not kept").count(), 1);
        assert!(!told("drain app/a --reason deploy").contains("The reason"), "nothing was changed");
        assert!(!told("undrain app/a").contains("The reason"), "there was none");
        assert_eq!(told("status").contains("--socket shows and does more"), page.httpd.is_none());
    }
}
