//! What screens ask for beside the snapshot, as a proxy would answer it, for tests.

use evenkeel_protocol::{
    Answers, BalancerName, BalancerOutlook, Busy, Candidacy, CandidateNote, Census, Change, Code, Drain,
    DrainPhase, DrainSessions, DrainUntil, ElectionNote, ElectionWhy, Elections, Elsewhere, Explanation,
    Failover, Flag, History, Latencies, Latency, Layers, Look, MappingNote, Mark, MarkKind, MemberAddition,
    MemberHistory, MemberName, OnTimeout, Overridden, Overrides, Peer, PlanPreview, PlanStep, Preview,
    Reading, Refusal, RouteSessions, SearchStep, Series, SessionNote, SessionPlace, SessionsKnown, Snapshot,
    Subject, Timestamp,
};

use super::{NOON, clock, snapshot, target};
use crate::message::Message;
use crate::model::Model;
use crate::need::{Found, Need};
use crate::news::News;
use crate::update::update;

fn anna() -> Peer {
    Peer { uid: 1000, user: Some("anna".to_owned()), ..Peer::default() }
}

/// A drain of a member of `app` that was begun a minute before noon: sessions leave, some requests are in flight.
pub(crate) fn drain(number: u64, route: &str) -> Drain {
    let target = target(route);
    Drain {
        number,
        balancer: target.balancer,
        member: target.member,
        route: route.parse().expect("a route"),
        phase: DrainPhase::Sessions,
        outcome: None,
        began: Timestamp(NOON - 60_000_000),
        ended: None,
        until: DrainUntil::NoSessions,
        timeout: "10m".parse().expect("a time"),
        settle: "5s".parse().expect("a time"),
        on_timeout: OnTimeout::Stop,
        deadline: Some(Timestamp(NOON + 540_000_000)),
        left_ms: Some(478_000),
        by: Some(anna()),
        reason: Some("deploy 42".to_owned()),
        changed_by: None,
        draining: Some(true),
        let_go: false,
        later: None,
        busy: Busy { requests: 2, streaming: 1, upgraded: 1 },
        quiet_ms: None,
        sessions: DrainSessions {
            known: SessionsKnown::Observed,
            live: Some(17),
            claimed: Some(2),
            last_seen: Some(Timestamp(NOON + 58_000_000)),
            unknown_until: None,
            window_ms: Some(1_800_000),
            departing: Some(240),
        },
        elsewhere: Vec::new(),
        estimate_ms: Some(255_000),
        safe_to_stop: false,
        why: "17 sessions were seen in the last 30m, and 4 requests are in flight".to_owned(),
        advice: None,
        durable: true,
    }
}

/// Another balancer that gives the process of a draining member new requests.
pub(crate) fn elsewhere(balancer: &str) -> Elsewhere {
    Elsewhere {
        balancer: balancer.parse().unwrap(),
        member: target("node2").member,
        route: "node2".parse().unwrap(),
        takes_new: true,
        busy: Busy::default(),
        sessions: DrainSessions { known: SessionsKnown::NotSticky, ..DrainSessions::UNKNOWN },
    }
}

/// The roster with node2 as a running drain, and what is measured.
pub(crate) fn drained(second: u64) -> Snapshot {
    let mut snapshot = snapshot(second);
    snapshot.drains = vec![drain(3, "node2")];
    for (at, member) in (0_u64..).zip(&mut snapshot.balancers[0].members) {
        let latency = |p50_us| Latency {
            p50_us,
            p90_us: p50_us * 3,
            p99_us: p50_us * 9,
            samples: 400,
            span_ms: 10_000,
        };
        member.latency = Latencies { last_10s: Some(latency(900 + 700 * at)), last_5m: Some(latency(1200)) };
        member.answers = Answers::new([0, member.served, 40, 12, 3 * at + at * second / 2]);
        member.sessions = Some(1_240 - 600 * at);
        member.failovers = at * 3;
    }
    snapshot
}

/// A member's last five minutes: rates that swing, sessions that leave, and two marks.
pub(crate) fn past(route: &str) -> History {
    let target = target(route);
    let points = 300_u32;
    let series = Series::ALL.into_iter().map(|series| {
        let point = |at: u32| match series {
            Series::Sessions => f64::from(220 - at * 2 / 3),
            Series::Busy => f64::from((points - at) / 40),
            Series::P50 | Series::P90 | Series::P99 => f64::from(4_000 + (at * 37 % 90) * 100),
            _ => f64::from(30 + (at * 7 % 40) / 4 + at / 20),
        };
        (series, (0..points).map(|at| (at >= 12).then(|| point(at))).collect())
    });
    let now = clock(61).wall;
    let mark = |event, seconds: u64, kind, text: &str| Mark {
        event,
        at: Timestamp(now.0 - seconds * 1_000_000),
        member: Some(target.member.clone()),
        kind,
        text: text.to_owned(),
    };
    History {
        balancer: target.balancer.clone(),
        taken: now,
        from: Timestamp(now.0 - 299_000_000),
        step_ms: 1000,
        members: vec![MemberHistory { member: target.member.clone(), series: series.collect() }],
        marks: vec![
            mark(40, 200, MarkKind::Failed, "connection refused"),
            mark(41, 121, MarkKind::Edited, "drain Off → On by anna"),
        ],
        marks_from: Timestamp(now.0 - 300_000_000),
    }
}

/// What was set over the configuration: anna drained node2.
pub(crate) fn overrides() -> Overrides {
    let target = target("node2");
    Overrides {
        taken: clock(61).wall,
        durable: true,
        fields: vec![Layers {
            subject: Subject { balancer: target.balancer, member: Some(target.member) },
            field: "drain".to_owned(),
            configured: "Off".to_owned(),
            overridden: Some(Overridden {
                value: "On".to_owned(),
                by: Some(anna()),
                at: Some(Timestamp(NOON - 60_000_000)),
                reason: Some("deploy 42".to_owned()),
                event: Some(41),
            }),
            effective: "On".to_owned(),
        }],
        lines: Vec::new(),
    }
}

/// Five elections of different kinds, the last one a second before `second`.
pub(crate) fn elections(second: u64) -> Elections {
    let [node1, node3] = ["node1", "node3"].map(|route| target(route).member);
    let note = |number: u64, member: &MemberName, why| ElectionNote {
        number,
        at: Timestamp(clock(second).wall.0 - (95 - number) * 1_000_000),
        balancer: target("node1").balancer,
        member: Some(member.clone()),
        why,
        session: None,
        asked: None,
        route_changed: false,
        attempt: 1,
        failover: None,
        skipped: Vec::new(),
        skipped_total: 0,
        status: Some(200),
        failed: None,
        micros: 4_210,
    };
    let text = |text: &str| Some(text.to_owned());
    let refused = "connection refused";
    Elections {
        taken: clock(second).wall,
        total: 90_210,
        kept: 1024,
        elections: vec![
            ElectionNote { asked: text("node1"), ..note(90, &node1, ElectionWhy::Sticky) },
            note(91, &node1, ElectionWhy::Method),
            ElectionNote {
                asked: text("node3"),
                status: None,
                failed: text(refused),
                micros: 312,
                ..note(92, &node3, ElectionWhy::Sticky)
            },
            ElectionNote {
                asked: text("node3"),
                route_changed: true,
                attempt: 2,
                failover: Some(Failover { from: node3, reason: refused.to_owned() }),
                ..note(93, &node1, ElectionWhy::Method)
            },
            ElectionNote { member: None, status: Some(503), ..note(94, &node1, ElectionWhy::Unusable) },
        ],
    }
}

fn look(place: SessionPlace, name: &str, saw: &str) -> Look {
    Look { place, name: name.to_owned(), reading: Reading::Literal, saw: saw.to_owned() }
}

/// Where a session of node2 would go while it drains.
pub(crate) fn explanation() -> Explanation {
    let snapshot = snapshot(61);
    let balancer = &snapshot.balancers[0];
    let node2 = target("node2").member;
    let candidates = balancer.members.iter().map(|member| {
        let drains = member.status.has(Flag::Drain);
        let why = if drains {
            "it drains: only sessions of its route go there"
        } else {
            "it is usable and belongs to set 0, the lowest that has anybody"
        };
        CandidateNote {
            member: member.name.clone(),
            route: member.route.clone(),
            status: member.status,
            words: member.words.clone(),
            lbset: member.lbset,
            lbfactor: member.lbfactor,
            lbstatus: member.lbstatus,
            busy: member.busy,
            transferred: member.transferred,
            read: member.read,
            offered: member.usable && !drains,
            why: why.to_owned(),
        }
    });
    Explanation {
        taken: snapshot.taken,
        mapping: Some(MappingNote {
            path: "/app/cart".to_owned(),
            line: Some("/app".to_owned()),
            balancer: Some(balancer.name.clone()),
            becomes: Some("/cart?step=2".to_owned()),
            status: None,
            why: "the line ProxyPass /app is the first that fits".to_owned(),
        }),
        access: None,
        balancer: Some(Candidacy {
            name: balancer.name.clone(),
            session: SessionNote {
                looked: vec![
                    look(SessionPlace::Url, "jsessionid", "nothing"),
                    look(SessionPlace::Cookie, "JSESSIONID", "a value of route 'node2'"),
                ],
                found: Some(SessionPlace::Cookie),
                name: "JSESSIONID".to_owned(),
                id: "5f2…".to_owned(),
                route: "node2".to_owned(),
                reading: Some(Reading::Literal),
                known: true,
            },
            search: vec![SearchStep {
                route: "node2".parse().expect("a route"),
                member: Some(node2.clone()),
                taken: true,
                saw: "it is usable; that it drains does not matter to its own sessions".to_owned(),
            }],
            candidates: candidates.collect(),
            elected: Some(node2.clone()),
            why: ElectionWhy::Sticky,
            because: "the session's route node2 is that of app2, which is usable".to_owned(),
            next: vec![node2.clone(), node2],
            notes: Vec::new(),
        }),
        verdict:
            "goes to http://app2.example.com:8080: the session's route node2 is that of app2, which is usable"
                .to_owned(),
    }
}

/// The sessions of `app`.
pub(crate) fn census() -> Census {
    Census {
        balancer: target("node2").balancer,
        taken: clock(61).wall,
        sticky: true,
        window_ms: 1_800_000,
        observed_since: Timestamp(NOON - 3_600_000_000),
        unknown_until: None,
        routes: vec![RouteSessions {
            route: "node2".parse().expect("a route"),
            members: vec![target("node2").member],
            live: 17,
            exact: true,
            claimed: 2,
            anonymous: false,
            last_seen: Some(Timestamp(NOON + 58_000_000)),
            departing: Some(240),
            unknown_until: None,
        }],
        strangers: 0,
    }
}

/// What a proxy would say of an act that changes `change` of the balancer's roster.
fn of_roster(balancer: &BalancerName, member: MemberName, change: Change) -> Preview {
    Preview {
        balancer: balancer.clone(),
        member: Some(member),
        applied: false,
        changes: vec![change],
        revision: 2,
        refusal: None,
        moved: None,
        sessions: Some(0),
        remaining: Vec::new(),
        next: Vec::new(),
        next_after: Vec::new(),
        estimated: false,
        notes: Vec::new(),
    }
}

/// What a proxy would say of a member that comes without a status.
fn coming(balancer: &BalancerName, addition: &MemberAddition) -> Preview {
    let member: MemberName = addition.url.parse().expect("a URL");
    let note =
        format!("It starts disabled and serves nobody: evenkeel enable {balancer}/{member} lets it in.");
    let change = Change { field: "member".to_owned(), before: String::new(), after: addition.url.clone() };
    Preview { notes: vec![note], ..of_roster(balancer, member, change) }
}

/// What a proxy would say of a member that goes while requests are with it.
fn going(balancer: &BalancerName, member: &MemberName) -> Preview {
    let message = format!(
        "{member} has 3 requests in flight; drain it first: evenkeel drain {balancer}/{member} --wait; --force (or \
         \"force\": true) removes it all the same"
    );
    let change = Change { field: "member".to_owned(), before: member.to_string(), after: String::new() };
    let refusal = Some(Refusal::new(Code::Guarded, message));
    Preview { refusal, ..of_roster(balancer, member.clone(), change) }
}

/// What a proxy would answer to `need`; none: it has nothing to say to that.
pub(crate) fn found(need: &Need) -> Option<Found> {
    Some(match need {
        Need::History(_, Some(member), _) => {
            let route = if member.as_str().contains("app2") { "node2" } else { "node1" };
            Found::History(Box::new(past(route)))
        }
        Need::Addition(balancer, addition) => Found::Preview(Box::new(coming(balancer, addition))),
        Need::Removal(balancer, member) => Found::Preview(Box::new(going(balancer, member))),
        Need::History(_, None, _) | Need::Preview(..) | Need::Tuning(..) | Need::Undo(_) | Need::Plan(_) => {
            return None;
        }
        Need::Census(_) => Found::Census(Box::new(census())),
        Need::Elections(_) => Found::Elections(Box::new(elections(61))),
        Need::Overrides => Found::Overrides(Box::new(overrides())),
        Need::Explanation(..) => Found::Explanation(Box::new(explanation())),
    })
}

/// Answers whatever the open screen has asked for, and what it asks for because of that.
pub(crate) fn answer(model: &mut Model) {
    for _ in 0..2 {
        for need in model.gathered.needs.clone() {
            if let Some(found) = found(&need) {
                update(model, Message::News(News::Found { need, outcome: Ok(found) }));
            }
        }
    }
}

/// What the proxy says that an act on the three of `app` would do, the second being guarded and the third stale.
pub(crate) fn plan(snapshot: &Snapshot) -> PlanPreview {
    let balancer = &snapshot.balancers[0];
    let step = |at: usize, refusal| PlanStep {
        member: balancer.members[at].name.clone(),
        changes: Vec::new(),
        refusal,
    };
    let outlook = BalancerOutlook {
        balancer: balancer.name.clone(),
        steps: vec![
            step(0, None),
            step(1, Some(Refusal::new(Code::Guarded, "node2 is the last usable member"))),
            step(2, Some(Refusal::new(Code::Stale, "it was changed"))),
        ],
        moved: None,
        sessions: Some(7),
        remaining: Vec::new(),
        next: Vec::new(),
        next_after: Vec::new(),
        notes: vec!["It moves everything.".to_owned()],
    };
    PlanPreview { applied: false, balancers: vec![outlook] }
}
