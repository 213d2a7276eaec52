//! Each sentence in the states where it holds, and where it must give way to another.

use super::*;
use crate::model::sample;

/// The remarks as lines, warnings marked with `!`.
fn told(change: impl FnOnce(&mut BalancerSnapshot), act: &Act) -> Vec<String> {
    let mut snapshot = sample::snapshot(0);
    let balancer = &mut snapshot.balancers[0];
    change(balancer);
    let balancer = &snapshot.balancers[0];
    consequences(balancer, &balancer.members[0], (act, false), &snapshot)
        .into_iter()
        .map(|remark| match remark.tone {
            Tone::Plain => remark.text,
            Tone::Warning => format!("! {}", remark.text),
        })
        .collect()
}

fn on(flag: Flag) -> Act {
    Act::Flag(flag, Turn::On)
}

fn settings(edit: MemberEdit) -> Act {
    Act::Settings { edit: Box::new(edit), changes: Vec::new() }
}

fn all_ok(balancer: &mut BalancerSnapshot) {
    for member in &mut balancer.members {
        member.status = Status::INITIALISED;
    }
}

#[test]
fn stopping_a_drain_promises_upgraded_connections_nothing() {
    for (busy, says) in [
        (1, "1 is in flight: a request may finish, an upgraded connection ends."),
        (3, "3 are in flight: requests may finish, upgraded connections end."),
    ] {
        let told = told(|balancer| balancer.members[0].busy = busy, &Act::Drain(Drainage::Stop(7)));
        assert!(told.iter().any(|line| line == says), "{told:?}");
        assert!(!told.iter().any(|line| line.ends_with("in flight may finish.")), "{told:?}");
    }
}

#[test]
fn a_drain_keeps_sessions() {
    assert_eq!(
        told(all_ok, &on(Flag::Drain)),
        [
            "New users go elsewhere.",
            "3 requests in flight may finish.",
            "Sessions on route node1 still arrive here until they end.",
            "Then new users go to node2, node3.",
        ]
    );
    let lines = told(
        |balancer| {
            all_ok(balancer);
            balancer.settings.stickysession = None;
        },
        &on(Flag::Drain),
    );
    assert!(lines.contains(&"No session can hold to it, so it gets nothing from now on.".to_owned()));
}

#[test]
fn the_last_one_is_named_as_such() {
    let lines = told(|_| (), &on(Flag::Drain));
    assert_eq!(lines[0], "! This leaves NO member for new users in app: they get 503.");
    let last = |balancer: &mut BalancerSnapshot| {
        balancer.members.truncate(1);
        balancer.settings.timeout = 5;
    };
    let lines = told(last, &on(Flag::Disabled));
    assert!(
        lines.contains(
            &"! This leaves NO usable member in app: clients get 503 after waiting 5 s.".to_owned()
        ),
        "{lines:?}"
    );
}

#[test]
fn disabling_and_stopping_break_sessions() {
    let broken = "! Breaks sessions on route node1: they are moved to other members.";
    let stop = told(all_ok, &on(Flag::Stopped));
    assert_eq!(stop[0], broken);
    assert!(stop.iter().any(|line| line.contains("neither retried")));
    assert_eq!(told(all_ok, &on(Flag::Disabled))[0], broken);
    let strict = told(
        |balancer| {
            all_ok(balancer);
            balancer.settings.nofailover = true;
        },
        &on(Flag::Disabled),
    );
    assert_eq!(strict[0], "! Breaks sessions on route node1: they get 503, for nofailover is On.");
    let redirected = told(
        |balancer| {
            all_ok(balancer);
            balancer.members[0].redirect = "node2".parse().unwrap();
        },
        &on(Flag::Disabled),
    );
    assert_eq!(redirected[0], "! Breaks sessions on route node1: they go to its redirect, node2.");
}

#[test]
fn coming_back_says_what_still_stands_in_the_way() {
    let letters = |letters: &'static str| {
        move |balancer: &mut BalancerSnapshot| {
            balancer.members[0].status = Status::INITIALISED.apply(letters).unwrap();
        }
    };
    assert_eq!(
        told(letters("ND"), &Act::Enable),
        [
            "Clears Drn, Dis.",
            "New users and its own sessions come to it again.",
            "Then new users go to node1."
        ]
    );
    assert_eq!(told(letters("NDE"), &Act::Enable)[0], "! It stays in error until it is tried again.");
    assert_eq!(told(letters("ND"), &Act::Flag(Flag::Drain, Turn::Off)), ["! It stays disabled."]);
    assert_eq!(
        told(letters("I"), &Act::Flag(Flag::IgnoreErrors, Turn::Off)),
        ["A failure puts it into error again, for 60 s."]
    );
}

#[test]
fn settings_tell_shares_and_routes() {
    let factor = settings(MemberEdit { lbfactor: Some("2".parse().unwrap()), ..MemberEdit::default() });
    assert_eq!(
        told(all_ok, &factor),
        [
            "Its share of new users goes from 33 % to 50 %.",
            "Resets the Load column of all members of app to their factor.",
        ]
    );
    let snapshot = sample::snapshot(0);
    let balancer = &snapshot.balancers[0];
    let beside_notes = consequences(balancer, &balancer.members[0], (&factor, true), &snapshot);
    assert!(!beside_notes.iter().any(|remark| remark.text.contains("Load")), "{beside_notes:?}");
    assert_eq!(
        told(|balancer| balancer.members.truncate(1), &factor),
        ["! app has a single member: its factor goes back to 1.00."]
    );
    let route = settings(MemberEdit { route: Some("node2".parse().unwrap()), ..MemberEdit::default() });
    assert_eq!(
        told(all_ok, &route),
        [
            "! Sessions on route node1 no longer find this member: they are moved to other members.",
            "! Route node2 is also that of http://app2.example.com:8080: they share its sessions.",
        ]
    );
    let redirect = settings(MemberEdit { redirect: Some("x".parse().unwrap()), ..MemberEdit::default() });
    assert_eq!(told(all_ok, &redirect), ["! No member of app has route x."]);
    let set = settings(MemberEdit { lbset: Some("1".parse().unwrap()), ..MemberEdit::default() });
    assert_eq!(
        told(all_ok, &set),
        [
            "New users come to set 1 only while the sets below it have nobody.",
            "Then new users go to node2, node3.",
        ]
    );
}

/// node1 with these letters among members that are in use, in error to be tried again in 41 s if there is an E.
fn node1(letters: &'static str) -> impl FnOnce(&mut BalancerSnapshot) {
    move |balancer| {
        let error = balancer.members[2].error.take();
        all_ok(balancer);
        let member = &mut balancer.members[0];
        if !letters.is_empty() {
            member.status = member.status.apply(letters).unwrap();
        }
        member.error = error.filter(|_| letters.contains('E'));
        member.busy = 0;
    }
}

#[test]
fn sentences_follow_the_state_before_and_after() {
    let (off, idle) = (|flag| Act::Flag(flag, Turn::Off), "Nothing is in flight.");
    let (stays, after) =
        ("Sessions on route node1 still come here.", "After that only sessions on route node1 arrive here.");
    let standby = "New users come to it only while no other member of set 0 can serve.";
    let spare = "New users come to it only in place of one of set 0 that cannot serve.";
    let unnoticed = "It serves nobody already, so nobody notices.";
    let no_retry = "While stopped it is neither retried after an error nor health-checked.";
    let others = "Then new users go to node2, node3.";
    let all = "Then new users go to node1, node2, node3.";
    for (before, act, wanted) in [
        ("", on(Flag::Standby), &[standby, stays, others][..]),
        ("", on(Flag::Spare), &[spare, stays, others]),
        (
            "S",
            on(Flag::Standby),
            &["It serves nobody until S is cleared.", &format!("After that n{}", &standby[1..])],
        ),
        (
            "DS",
            on(Flag::Spare),
            &["It serves nobody until D and S are cleared.", &format!("After that n{}", &spare[1..])],
        ),
        ("N", on(Flag::Standby), &["No new users come to it until N is cleared.", stays]),
        ("R", on(Flag::Standby), &[spare, stays]),
        ("D", on(Flag::Stopped), &[unnoticed, "It serves nobody until D and S are cleared.", idle, no_retry]),
        (
            "E",
            on(Flag::Disabled),
            &[unnoticed, "It serves nobody until D is cleared and it is tried again, in 41 s.", idle],
        ),
        ("E", on(Flag::Drain), &["It serves nobody until it is tried again, in 41 s.", idle, after]),
        ("C", on(Flag::Drain), &["It serves nobody until its health check passes.", idle, after]),
        ("D", on(Flag::Drain), &["It serves nobody until D is cleared.", idle, after]),
        (
            "H",
            on(Flag::Drain),
            &[
                "New users never come to it, even if others cannot serve.",
                idle,
                "Sessions on route node1 still arrive here until they end.",
            ],
        ),
        (
            "SH",
            off(Flag::Standby),
            &[
                "It serves nobody until S is cleared.",
                "After that it is no longer held back as a reserve of this kind.",
            ],
        ),
        ("RH", off(Flag::Standby), &["It stays a hot spare."]),
        ("H", off(Flag::Standby), &["It is an ordinary member again and takes its share.", all]),
        ("N", off(Flag::Drain), &["New users come to it again.", all]),
        ("DN", off(Flag::Disabled), &["! It stays draining.", "Sessions on route node1 come to it again."]),
        ("DE", off(Flag::Disabled), &["! It stays in error until it is tried again, in 41 s."]),
        (
            "DH",
            Act::Enable,
            &["Clears Dis.", "It is ready as a reserve again.", "Sessions on route node1 come to it again."],
        ),
        (
            "S",
            settings(MemberEdit { lbfactor: "2".parse().ok(), ..MemberEdit::default() }),
            &[
                "It has no share of new users now: the factor counts once they come to it.",
                "Resets the Load column of all members of app to their factor.",
            ],
        ),
        (
            "S",
            settings(MemberEdit { route: "b".parse().ok(), ..MemberEdit::default() }),
            &["Sessions on route node1 will not find this member again."],
        ),
        (
            "D",
            settings(MemberEdit { redirect: "node2".parse().ok(), ..MemberEdit::default() }),
            &["From now on, its sessions go to route node2."],
        ),
    ] {
        assert_eq!(told(node1(before), &act), wanted, "{before:?} {act:?}");
    }
}

#[test]
fn sessions_of_a_disabled_member_go_where_somebody_takes_them() {
    type Case = (&'static str, fn(&mut BalancerSnapshot), &'static str);
    let cases: [Case; 4] = [
        (
            "nobody else",
            |balancer| balancer.members.truncate(1),
            "they get 503, for no other member takes them",
        ),
        (
            "others that drain",
            |balancer| {
                for other in &mut balancer.members[1..] {
                    other.status = other.status.with(Flag::Drain, true);
                }
            },
            "they get 503, for no other member takes them",
        ),
        (
            "a redirect to one that drains",
            |balancer| {
                balancer.members[0].redirect = "node2".parse().unwrap();
                for other in &mut balancer.members[1..] {
                    other.status = other.status.with(Flag::Drain, true);
                }
            },
            "they go to its redirect, node2",
        ),
        (
            "another of the same route",
            |balancer| balancer.members[1].route = "node1".parse().unwrap(),
            "they go to app2.example.com:8080, which has the same route",
        ),
    ];
    for (what, change, fate) in cases {
        let lines = told(
            |balancer| {
                all_ok(balancer);
                change(balancer);
            },
            &on(Flag::Disabled),
        );
        let wanted = format!("! Breaks sessions on route node1: {fate}.");
        assert!(lines.contains(&wanted), "{what}: {lines:?}");
    }
}
