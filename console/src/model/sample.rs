//! A small roster for tests: two balancers, six members, one draining, one in error, one hot standby.

use evenkeel_protocol::{
    Answers, BalancerSettings, BalancerSnapshot, Change, CheckMethod, CheckNote, Checks, Edited, ErrorNote,
    Event, EventKind, Factor, Flag, HealthSnapshot, Hello, Latencies, Lbset, MemberSnapshot, Moment, Peer,
    Route, Snapshot, Status, Timestamp,
};

use crate::message::{Clock, Size};
use crate::model::Model;
use crate::model::deck::Deck;
use crate::model::lock::Lock;
use crate::model::question::Subject;
use crate::model::target::Target;

mod shown;

pub(crate) use shown::{
    answer, census, drain, drained, elections, elsewhere, explanation, found, past, plan,
};

/// 2026-01-02 12:00:00 UTC.
pub(crate) const NOON: u64 = 1_767_355_200_000_000;

/// The clock so many seconds after noon.
pub(crate) fn clock(second: u64) -> Clock {
    Clock { wall: Timestamp(NOON + second * 1_000_000), running: Moment(second * 1_000_000) }
}

/// A member that is in use.
pub(crate) fn member(url: &str, route: &str) -> MemberSnapshot {
    MemberSnapshot {
        name: url.parse().expect("a URL"),
        revision: 1,
        route: route.parse().expect("a route"),
        redirect: Route::default(),
        lbfactor: Factor::ONE,
        lbset: Lbset::default(),
        status: Status::INITIALISED,
        words: Status::INITIALISED.words(),
        usable: true,
        elected: 0,
        served: 0,
        failed: 0,
        busy: 0,
        uncounted: false,
        sessions: None,
        lbstatus: 100,
        transferred: 0,
        read: 0,
        retry: 60,
        retries: 0,
        error: None,
        heard: None,
        health: HealthSnapshot::default(),
        checks: Checks::default(),
        answers: Answers::default(),
        latency: Latencies::default(),
        failovers: 0,
        repeats: 0,
    }
}

fn with(mut member: MemberSnapshot, flag: Flag) -> MemberSnapshot {
    member.status = member.status.with(flag, true);
    member.words = member.status.words();
    member.usable = member.status.is_usable();
    member
}

/// The roster so many seconds after noon.
pub(crate) fn snapshot(second: u64) -> Snapshot {
    let taken = clock(second).wall;
    let served = |mut member: MemberSnapshot, start: u64, rate: u64| {
        (member.elected, member.served) = (start + rate * second, start + rate * second);
        member.transferred = member.elected * 312;
        member.read = member.elected * 20_480;
        member
    };
    let node1 = served(member("http://app1.example.com:8080", "node1"), 12_345, 41);
    let node1 = MemberSnapshot { busy: 3, revision: 3, lbstatus: -50, ..node1 };
    let node2 = with(served(member("http://app2.example.com:8080", "node2"), 11_020, 3), Flag::Drain);
    let node2 = MemberSnapshot { busy: 1, revision: 4, ..node2 };
    let mut node3 = with(served(member("http://app3.example.com:8080", "node3"), 311, 0), Flag::Error);
    (node3.failed, node3.served, node3.retries) = (7, 304, 2);
    let (at, retry_at) = (Timestamp(NOON - 80_000_000), taken.plus(std::time::Duration::from_secs(41)));
    node3.error = Some(ErrorNote { reason: "connection refused".to_owned(), at, retry_at: Some(retry_at) });
    Snapshot {
        drains: Vec::new(),
        undurable: Vec::new(),
        undurable_drains: Vec::new(),
        unwritable: false,
        warnings: Vec::new(),
        forgotten: Vec::new(),
        alternating: false,
        cached: false,
        proxy: Hello {
            product: "evenkeel-proxy".to_owned(),
            version: "0.1.0".to_owned(),
            interface: evenkeel_protocol::INTERFACE,
            pid: 4711,
            configuration: "/etc/evenkeel/site.conf".to_owned(),
            listen: vec!["127.0.0.1:8080".to_owned()],
            started: Timestamp(NOON - 3_600_000_000),
            loaded: Timestamp(NOON - 3_600_000_000),
            reloads: 0,
            untold: Vec::new(),
        },
        taken,
        event: 0,
        balancers: vec![
            BalancerSnapshot {
                name: "app".parse().expect("a name"),
                revision: 1,
                settings: BalancerSettings {
                    stickysession: "JSESSIONID|jsessionid".parse().ok(),
                    ..BalancerSettings::default()
                },
                foreign_lbmethod: None,
                paths: vec!["/app".to_owned()],
                members: vec![node1, node2, node3],
                room: None,
            },
            BalancerSnapshot {
                name: "static".parse().expect("a name"),
                revision: 1,
                settings: BalancerSettings::default(),
                foreign_lbmethod: None,
                paths: vec!["/img".to_owned(), "/css".to_owned()],
                members: vec![
                    served(member("http://10.0.2.11", ""), 900, 4),
                    served(member("http://10.0.2.12", ""), 900, 4),
                    with(member("http://10.0.2.13", ""), Flag::Standby),
                ],
                room: None,
            },
        ],
    }
}

/// The same, with node1 and node3 checked: node3 failed.
pub(crate) fn checked(second: u64) -> Snapshot {
    let mut snapshot = snapshot(second);
    let last = CheckNote {
        passed: false,
        reason: "answered 500".to_owned(),
        at: Timestamp(snapshot.taken.0 - 3_000_000),
        took: 1250,
    };
    let health = HealthSnapshot {
        method: CheckMethod::Get,
        passes: 2,
        fails: 3,
        failed: 1,
        uri: "/health".parse().expect("a path"),
        last: Some(last),
        ..HealthSnapshot::default()
    };
    for at in [0, 2] {
        snapshot.balancers[0].members[at].health = health.clone();
    }
    let node3 = &mut snapshot.balancers[0].members[2];
    (node3.error, node3.status) = (None, node3.status.with(Flag::Error, false));
    *node3 = with(node3.clone(), Flag::HealthFail);
    snapshot
}

/// The member of that route in the balancer `app`, as it was at that revision.
pub(crate) fn subject(route: &str, revision: u64) -> Subject {
    Subject { target: target(route), label: format!("app/{route}"), revision }
}

/// The member of that route in the balancer `app`.
pub(crate) fn target(route: &str) -> Target {
    let snapshot = snapshot(0);
    let balancer = &snapshot.balancers[0];
    let member = balancer.members.iter().find(|member| member.route.as_str() == route).expect("a member");
    Target::of(balancer, member)
}

/// Anna drained node2, ten minutes before noon.
pub(crate) fn edited_event(number: u64) -> Event {
    let target = target("node2");
    Event {
        number,
        at: Timestamp(NOON - 600_000_000),
        kind: EventKind::MemberEdited {
            balancer: target.balancer,
            member: target.member,
            changes: vec![change("drain", "Off", "On")],
            revision: 4,
            by: Some(Peer {
                uid: 1000,
                gid: 1000,
                pid: Some(99),
                user: Some("anna".to_owned()),
                ..Peer::default()
            }),
            reason: Some("deploy 42".to_owned()),
            durable: true,
            forced: false,
            undoes: None,
        },
    }
}

/// node3 failed, eighty seconds before noon.
pub(crate) fn failed_event(number: u64) -> Event {
    let target = target("node3");
    Event {
        number,
        at: Timestamp(NOON - 80_000_000),
        kind: EventKind::MemberFailed {
            balancer: target.balancer,
            member: target.member,
            reason: "connection refused".to_owned(),
        },
    }
}

fn change(field: &str, before: &str, after: &str) -> Change {
    Change { field: field.to_owned(), before: before.to_owned(), after: after.to_owned() }
}

/// The answer to an edit of node1 that changed one field.
pub(crate) fn edited(field: &str, before: &str, after: &str) -> Edited {
    let target = target("node1");
    Edited {
        balancer: target.balancer,
        member: Some(target.member),
        changed: true,
        changes: vec![change(field, before, after)],
        revision: 4,
        event: Some(9),
        durable: true,
        notes: Vec::new(),
    }
}

/// So many targets, lb1 and so on, each with the model of [`model`] at 80x24, open for changes.
pub(crate) fn deck(count: usize) -> Deck {
    let station = |number: usize| {
        let (title, name) = (format!("/run/lb{number}"), Some(format!("lb{number}")));
        Model { station: name, words: format!("--socket {title}"), title, ..model(80, 24) }
    };
    let mut deck = Deck::new((1..=count).map(station).collect(), "--group web", Lock::new(true, None));
    deck.clock = clock(61);
    deck
}

/// A console that has been connected for a minute, and is open for changes.
pub(crate) fn model(width: u16, height: u16) -> Model {
    use crate::message::Message;
    use crate::news::News;
    let mut model = Model::new("site.conf", Size { width, height });
    let mut messages = vec![Message::Tick(clock(0)), Message::News(News::Connected)];
    messages.push(Message::News(News::Event(Box::new(edited_event(1)))));
    messages.push(Message::News(News::Event(Box::new(failed_event(2)))));
    for second in 0..=61 {
        messages.push(Message::Tick(clock(second)));
        messages.push(Message::News(News::Snapshot(Box::new(snapshot(second)))));
    }
    for message in messages {
        crate::update::update(&mut model, message);
    }
    model.lock.open(model.clock.running);
    model
}
