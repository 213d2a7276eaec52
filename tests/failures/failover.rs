//! A member that refuses: who is tried next, how often, and what is left to see.

use evenkeel_protocol::EventKind;
use harness::prelude::*;

/// Members 1, 2, 3, … where those in `dead` refuse connections.
fn members(count: usize, dead: &[usize], parameters: &str, settings: &str) -> (Proxy, Vec<Backend>) {
    let backends: Vec<Backend> = (1..=count)
        .map(|number| {
            let name = number.to_string();
            if dead.contains(&number) { Backend::refusing(&name) } else { Backend::new(&name) }
        })
        .collect();
    let lines: Vec<String> = backends
        .iter()
        .map(|backend| format!("BalancerMember {backend} route={} {parameters}", backend.name()))
        .collect();
    let settings = if settings.is_empty() { String::new() } else { format!("ProxySet {settings}") };
    let proxy = proxy(format!(
        "<Proxy balancer://app>\n{}\n{settings}\n</Proxy>\nProxyPass / balancer://app/",
        lines.join("\n")
    ));
    (proxy, backends)
}

fn elected(proxy: &Proxy) -> Vec<u64> {
    proxy.balancer("app").members.iter().map(|member| member.elected).collect()
}

#[test]
fn a_dead_member_costs_no_client_anything() {
    let (proxy, _backends) = members(3, &[2], "", "");
    assert_eq!(visits(&proxy, 12), "133131313131");
    let dead = proxy.member("app", "2");
    assert_eq!((dead.words.as_str(), dead.elected, dead.lbstatus), ("Init Err", 1, -100));
    assert_eq!((dead.served, dead.failed, dead.busy), (0, 1, 0));
    let note = dead.error.expect("the reason is kept");
    assert!(note.reason.to_lowercase().contains("refused"), "{note:?}");
    assert!(note.retry_at.is_some_and(|at| at > note.at), "{note:?}");
}

#[test]
fn a_request_is_not_lost_with_its_body() {
    let (proxy, backends) = members(2, &[1], "", "");
    let body = vec![b'x'; 300_000];
    let answer = browser().send(&proxy, "POST", "/", &body);
    assert_eq!((answer.status, answer.answered_by().as_str()), (200, "2"));
    assert_eq!(backends[1].last().body.len(), 300_000);
}

#[test]
fn when_all_are_dead_clients_get_503_and_all_were_tried() {
    let (proxy, _backends) = members(2, &[1, 2], "", "");
    // All in error: forced recovery lets each request try both.
    for round in 1..=3 {
        let answer = browser().get(&proxy, "/");
        assert_eq!(answer.status, 503);
        assert!(!answer.text().contains("127.0.0.1"), "tells strangers who is behind: {}", answer.text());
        assert_eq!(elected(&proxy), [round, round]);
    }
    assert_eq!(proxy.busy(), 0);
}

#[test]
fn an_outage_of_all_is_told_once_and_not_with_each_request() {
    let (proxy, _backends) = members(2, &[1, 2], "", "");
    for _ in 0..100 {
        assert_eq!(browser().get(&proxy, "/").status, 503);
    }
    let told = proxy.admin().events(0);
    let failed = told.iter().filter(|event| matches!(event.kind, EventKind::MemberFailed { .. })).count();
    assert!((2..20).contains(&failed) && told.len() < 40, "{failed} of {}", told.len());
}

#[test]
fn without_forced_recovery_nobody_is_tried_before_the_retry_time() {
    let (proxy, _backends) = members(2, &[1, 2], "", "forcerecovery=Off");
    assert_eq!(visits(&proxy, 3), "[503][503][503]");
    assert_eq!(elected(&proxy), [1, 1]);
}

#[test]
fn maxattempts_bounds_the_tries_of_a_request() {
    for (settings, picks, tries) in [
        ("", "4444", [1, 1, 1, 4]),
        ("maxattempts=1", "[503]444", [1, 1, 1, 3]),
        ("maxattempts=0", "[503][503][503]4", [1, 1, 1, 1]),
    ] {
        let (proxy, _backends) = members(4, &[1, 2, 3], "", settings);
        assert_eq!(visits(&proxy, 4), picks, "{settings}");
        assert_eq!(elected(&proxy), tries, "{settings}");
    }
}

#[test]
fn a_member_that_ignores_errors_is_never_marked_and_the_request_fails_over() {
    let (proxy, _backends) = members(2, &[1], "status=+I", "");
    assert_eq!(visits(&proxy, 4), "2222");
    assert_eq!(proxy.member("app", "1").words, "Init Ign Ok");
    assert!(proxy.member("app", "1").elected >= 2);
}

#[test]
fn a_failing_status_of_a_member_is_passed_on_and_marks_only_if_listed() {
    for (settings, words) in [("", "Init Ok"), ("failonstatus=500,503", "Init Err")] {
        let (proxy, backends) = members(2, &[], "", settings);
        backends[0].behaves(Behaviour::Answers(Reply::status(503)));
        let answer = browser().get(&proxy, "/");
        assert_eq!((answer.status, answer.answered_by().as_str()), (503, "1"));
        assert_eq!(proxy.member("app", "1").words, words, "{settings}");
        assert_eq!(proxy.member("app", "1").served, 1);
    }
}

#[test]
fn the_last_set_is_reached_in_one_request() {
    let [dead1, dead2] = [Backend::refusing("1"), Backend::refusing("2")];
    let [three, four] = backends(["3", "4"]);
    let proxy = proxy(format!(
        "<Proxy balancer://app>
            BalancerMember {dead1}
            BalancerMember {dead2}
            BalancerMember {three} lbset=1
            BalancerMember {four} lbset=1
        </Proxy>
        ProxyPass / balancer://app/"
    ));
    assert_eq!(visits(&proxy, 8), "34343434");
    assert_eq!(elected(&proxy), [1, 1, 4, 4]);
}
