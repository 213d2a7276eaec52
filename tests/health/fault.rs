//! Members that hang, talk nonsense, or are many.

use harness::prelude::*;

#[test]
fn every_fault_fails_the_check_and_says_why() {
    let reply = || Reply::size(100);
    let garbage = |bytes: &[u8]| Behaviour::AnswersGarbage(bytes.to_vec());
    let rows = [
        (Behaviour::ClosesWithoutAnswer, "it closed the connection without an answer"),
        (Behaviour::ResetsWithoutAnswer, "the connection broke: "),
        (Behaviour::ResetsAfter(10, reply()), "the connection broke: "),
        (Behaviour::LiesAboutLength(10, reply()), "it broke off in its body"),
        (garbage(b"SSH-2.0-x\r\n"), "its answer is no HTTP: it does not start as an answer does"),
        (garbage(b"\x15\x03\x01\x00\x02\x02\x28"), "its answer is no HTTP: it speaks TLS"),
        (garbage(b"HTTP/1.1 200"), "it broke off in its head"),
        (garbage(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n"), "its answer is no HTTP: "),
        (garbage(b"HTTP/1.1 999 OK\r\n\r\n"), "its answer is no HTTP: its status is none of 100 to 599"),
        (garbage(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"), "its answer is no HTTP: "),
        (
            garbage(&[b"HTTP/1.1 200 OK\r\nA: ".to_vec(), vec![b'x'; 70_000]].concat()),
            "its answer is no HTTP: its head is too long",
        ),
        (Behaviour::StallsAfter(10, Gate::new(), reply()), "no result within 500ms (hctimeout)"),
        (Behaviour::HoldsUntil(Gate::new(), reply()), "no result within 500ms (hctimeout)"),
    ];
    let backends: Vec<Backend> =
        rows.iter().map(|(behaviour, _)| Backend::new("x").that(behaviour.clone())).collect();
    let members = backends.iter().map(|it| format!("{it} hcmethod=GET hcinterval=100ms hctimeout=500ms"));
    let proxy = proxy(serving(members));
    for (backend, (behaviour, why)) in backends.iter().zip(rows) {
        eventually_equal(&"Init HcFl".to_owned(), || proxy.member("app", backend).words);
        let last = proxy.member("app", backend).health.last.unwrap();
        assert!(!last.passed && last.reason.starts_with(why), "{behaviour:?}: {last:?}");
    }
}

#[test]
fn without_hctimeout_the_members_own_time_outs_hold() {
    let mute = BareBackend::new();
    let proxy = proxy(serving([format!("{mute} timeout=1 hcmethod=GET hcinterval=100ms")]));
    let last = eventually("it was checked", || proxy.member("app", &mute).health.last);
    assert_eq!((last.passed, last.reason.as_str()), (false, "no whole answer within 1s"));
    assert!(last.took >= 1_000_000, "{last:?}");
}

#[test]
fn hctimeout_is_the_one_limit_where_it_is_longer_too() {
    let mute = BareBackend::new();
    let proxy = proxy(serving([format!(
        "{mute} timeout=1 connectiontimeout=1 hctimeout=1500ms hcmethod=GET hcinterval=100ms"
    )]));
    let last = eventually("it was checked", || proxy.member("app", &mute).health.last);
    assert_eq!(last.reason, "no result within 1.5s (hctimeout)");
    assert!(last.took >= 1_500_000, "{last:?}");
}

#[test]
fn a_check_is_never_doubled_while_one_runs() {
    let mute = BareBackend::new();
    let [other] = backends(["other"]);
    let proxy = proxy(serving([
        format!("{mute} hcmethod=GET hcinterval=100ms"),
        format!("{other} hcmethod=GET hcinterval=100ms"),
    ]));
    let mut peer = mute.peer();
    peer.head();
    eventually_true("time passes for others", || other.count() >= 4);
    assert!(!mute.is_called(), "a second check came while the first ran");
    // Nor does one that runs hold up the end of the proxy.
    let watch = Stopwatch::start();
    assert!(proxy.stop().success());
    assert!(watch.elapsed().as_secs() < 5, "the end took {:?}", watch.elapsed());
}

#[test]
fn members_that_hang_do_not_stop_the_checks_of_others() {
    let mutes: Vec<BareBackend> = (0..6).map(|_| BareBackend::new()).collect();
    let [well] = backends(["well"]);
    let members = mutes
        .iter()
        .map(|it| format!("{it} hcmethod=GET hcinterval=100ms hctimeout=1s"))
        .chain([format!("{well} hcmethod=GET hcinterval=100ms")]);
    let proxy = proxy(format!("ProxyHCTPsize 4\n{}", serving(members)));
    for mute in &mutes {
        eventually_equal(&"Init HcFl".to_owned(), || proxy.member("app", mute).words);
    }
    // From now on they have half of the room: ten checks of the other take as many intervals and not ten seconds.
    let (before, watch) = (well.count(), Stopwatch::start());
    eventually_true("it goes on", || well.count() >= before + 10);
    assert!(watch.elapsed().as_millis() < 4000, "took {:?}", watch.elapsed());
}

#[test]
fn no_more_checks_are_on_their_way_than_wanted() {
    let gate = Gate::new();
    let held = Backend::new("x").that(Behaviour::HoldsUntil(gate.clone(), Reply::default()));
    let members = (0..9).map(|number| format!("{held}/{number} hcmethod=GET hcinterval=100ms"));
    let proxy = proxy(format!("ProxyHCTPsize 3\n{}", serving(members)));
    eventually_equal(&3, || gate.waiting());
    gate.let_pass(6);
    eventually_true("others have their turn", || held.count() >= 9 && gate.waiting() == 3);
    assert!(held.most_open() <= 4, "{} were open at once", held.most_open());
    gate.open();
    eventually_true("all were checked", || {
        proxy.balancer("app").members.iter().all(|member| member.health.last.is_some())
    });
}

/// The cost of many members is bounded by what may run at once, whatever their interval.
#[test]
fn a_thousand_members_leave_the_control_thread_time() {
    let [backend] = backends(["x"]);
    let members = (0..1000).map(|number| format!("{backend}/{number:04} hcmethod=GET hcinterval=100ms"));
    let proxy = proxy(serving(members));
    eventually_true("all were checked", || {
        proxy.balancer("app").members.iter().all(|member| member.health.last.is_some())
    });
    let (watch, spent) = (Stopwatch::start(), proxy.processor_time());
    within(std::time::Duration::from_secs(1), || None::<()>);
    let share = proxy.processor_time().saturating_sub(spent).as_secs_f64() / watch.elapsed().as_secs_f64();
    assert!(share < 0.8, "the checks took {share:.2} of a processor");
    let watch = Stopwatch::start();
    for _ in 0..20 {
        proxy.admin().ask("GET", "/v1", "");
    }
    assert!(watch.elapsed().as_secs() < 5, "20 answers took {:?}", watch.elapsed());
}
