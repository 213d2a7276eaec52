//! What the drains screen shows of drains that are told apart, and of those of an httpd.

use evenkeel_protocol::{Busy, DrainOutcome, DrainPhase, DrainSessions, EventKind, Flag, Status};

use crate::message::Message;
use crate::model::sample;
use crate::news::News;
use crate::update::hands::press;
use crate::update::update;
use crate::view::tests::drawn;

#[test]
fn drains_are_told_apart_and_one_without_a_deadline_keeps_the_columns() {
    let mut snapshot = sample::drained(62);
    let app = &mut snapshot.balancers[0];
    app.name = "shop-frontend".parse().unwrap();
    for (at, member) in app.members.iter_mut().enumerate() {
        member.route = format!("web-node-{at:03}").parse().unwrap();
    }
    let members: Vec<_> = app.members.iter().map(|member| member.name.clone()).collect();
    let drain = snapshot.drains[0].clone();
    snapshot.drains = (1..)
        .zip(members)
        .map(|(number, member)| {
            let balancer = snapshot.balancers[0].name.clone();
            evenkeel_protocol::Drain { number, balancer, member, ..drain.clone() }
        })
        .collect();
    (snapshot.drains[1].deadline, snapshot.drains[1].left_ms) = (None, None);
    for columns in [60, 80, 120] {
        let mut model = sample::model(columns, 24);
        update(&mut model, Message::News(News::Snapshot(Box::new(snapshot.clone()))));
        press(&mut model, "3");
        let drawn = drawn(&model);
        let rows: Vec<&str> = drawn.lines().skip(2).take(3).collect();
        for (at, row) in rows.iter().enumerate() {
            assert!(row.contains(&format!("node-{at:03} ")), "{drawn}");
        }
        let at =
            |row: &str| row.chars().collect::<String>().split(" 17 sessions").next().unwrap().chars().count();
        assert!(rows.iter().all(|row| at(row) == at(rows[0])), "{drawn}");
        assert!(rows[1].contains("   -  17 sessions"), "{drawn}");
    }
}

#[test]
fn an_answer_is_never_cut_though_thirty_names_are_long() {
    let mut snapshot = sample::drained(62);
    let app = &mut snapshot.balancers[0];
    let member = app.members[0].clone();
    app.members = (0..30)
        .map(|at| {
            let mut member = member.clone();
            member.name = format!("http://10.0.0.{at}:8080").parse().unwrap();
            member.route = format!("web-node-of-the-first-hall-{at:02}").parse().unwrap();
            member
        })
        .collect();
    let names: Vec<_> = app.members.iter().map(|member| member.name.clone()).collect();
    let drain = snapshot.drains[0].clone();
    let later = |seconds: u64| Some(snapshot.taken.plus(std::time::Duration::from_secs(seconds)));
    for (until, says) in [(1_800, "UNKNOWN until 12:31 "), (172_800, "UNKNOWN until 04 Jan 12:01 ")] {
        let mut snapshot = snapshot.clone();
        snapshot.drains = (1..)
            .zip(&names)
            .map(|(number, member)| {
                let mut drain = evenkeel_protocol::Drain { number, member: member.clone(), ..drain.clone() };
                (drain.busy, drain.sessions.live) = (Busy::default(), Some(0));
                (drain.sessions.known, drain.sessions.unknown_until) =
                    (evenkeel_protocol::SessionsKnown::Unknown, later(until));
                drain
            })
            .collect();
        for columns in [60, 80, 120] {
            let mut model = sample::model(columns, 24);
            update(&mut model, Message::News(News::Snapshot(Box::new(snapshot.clone()))));
            press(&mut model, "3");
            let drawn = drawn(&model);
            for at in 0..5 {
                let row = drawn.lines().find(|row| row.contains(&format!("-{at:02} ")));
                assert!(row.is_some_and(|row| row.contains(says)), "{at} {columns}: {drawn}");
            }
        }
    }
}

#[test]
fn what_is_in_flight_in_other_balancers_has_a_number_of_its_own() {
    let mut snapshot = sample::drained(62);
    snapshot.drains[0].elsewhere = vec![sample::elsewhere("api")];
    snapshot.drains.push(sample::drain(4, "node1"));
    let shown = |snapshot: &evenkeel_protocol::Snapshot| {
        let mut model = sample::model(80, 24);
        update(&mut model, Message::News(News::Snapshot(Box::new(snapshot.clone()))));
        press(&mut model, "3k");
        drawn(&model)
    };
    let idle = shown(&snapshot);
    assert!(idle.contains("  4 in flight\n") && !idle.contains("elsewhere"), "{idle}");
    let other = &mut snapshot.drains[0].elsewhere[0];
    other.busy.requests = 2;
    let busy = shown(&snapshot);
    assert!(busy.contains("  4+2 in flight\n"), "{busy}");
    assert!(busy.contains(" elsewhere   2        in flight at the same process: api\n"), "{busy}");
    let other = &mut snapshot.drains[0].elsewhere[0];
    other.sessions.live = Some(3);
    let sticky = shown(&snapshot);
    assert!(sticky.contains(" 2        in flight at the same process, and 3 sessions: api\n"), "{sticky}");
}

#[test]
fn of_an_httpd_nothing_is_told_that_its_page_does_not_tell() {
    let mut snapshot = sample::drained(62);
    snapshot.proxy.product = evenkeel_protocol::Hello::HTTPD.to_owned();
    snapshot.drains[0].busy = evenkeel_protocol::Busy { requests: 9, streaming: 0, upgraded: 0 };
    snapshot.drains[0].sessions = evenkeel_protocol::DrainSessions::UNKNOWN;
    let mut model = sample::model(80, 24);
    update(&mut model, Message::News(News::Snapshot(Box::new(snapshot))));
    press(&mut model, "3");
    let drawn = drawn(&model);
    assert!(drawn.contains("9 requests") && !drawn.contains("0 streaming"), "{drawn}");
    assert!(drawn.contains("httpd sees a session only while a request of it is in flight"), "{drawn}");
}

#[test]
fn of_an_httpd_why_it_does_not_end_and_what_can_be_done_is_read_in_full() {
    let mut snapshot = sample::drained(62);
    snapshot.proxy.product = evenkeel_protocol::Hello::HTTPD.to_owned();
    let drain = &mut snapshot.drains[0];
    drain.sessions = evenkeel_protocol::DrainSessions::UNKNOWN;
    let mut floor = crate::floor::Floor::default();
    let mut seen = sample::snapshot(0);
    seen.proxy = snapshot.proxy.clone();
    let (balancer, member) = (drain.balancer.clone(), drain.member.clone());
    let minute = evenkeel_protocol::Timestamp(60_000_000);
    for (busy, at) in [(4, evenkeel_protocol::Timestamp(0)), (12, minute)] {
        let members = seen.balancers[0].members.iter_mut();
        members.filter(|it| it.name == member).for_each(|it| it.busy = busy);
        floor.look(&seen, seen.places(&balancer, &member).as_ref(), at);
    }
    let lasting = floor.lasting(minute).unwrap();
    drain.why = format!("12 requests are in flight{}; idle sessions are unknown", lasting.in_short());
    drain.advice = Some(lasting.advice());
    let drain = drain.clone();
    for columns in [80, 120] {
        let mut model = sample::model(columns, 24);
        update(&mut model, Message::News(News::Snapshot(Box::new(snapshot.clone()))));
        press(&mut model, "3");
        let drawn = drawn(&model);
        let words: Vec<&str> = drawn.split_whitespace().collect();
        let read = words.join(" ");
        for text in [&drain.why, drain.advice.as_ref().unwrap()] {
            assert!(read.contains(text.as_str()), "{text}: {drawn}");
        }
    }
}

#[test]
fn a_drain_that_ended_here_says_how_many_another_balancer_serves_and_what_to_do() {
    let mut snapshot = sample::drained(62);
    snapshot.proxy.product = evenkeel_protocol::Hello::HTTPD.to_owned();
    let drain = &mut snapshot.drains[0];
    (drain.phase, drain.outcome) = (DrainPhase::Done, Some(DrainOutcome::Idle));
    drain.ended = Some(drain.began);
    (drain.busy, drain.sessions) = (Busy::default(), DrainSessions::UNKNOWN);
    drain.elsewhere = vec![sample::elsewhere("api")];
    drain.elsewhere[0].busy.requests = 3;
    drain.why = "no request was in flight for 5s; idle sessions are unknown".to_owned();
    let mut model = sample::model(80, 24);
    update(&mut model, Message::News(News::Snapshot(Box::new(snapshot))));
    press(&mut model, "3");
    let drawn = drawn(&model);
    let read = drawn.split_whitespace().collect::<Vec<_>>().join(" ");
    let says = "its process still gets requests in api (3 in flight now): drain api/node2 too. Here nothing is in flight";
    assert!(read.contains("IN USE ELSEWHERE") && read.contains(says), "{drawn}");
    assert!(read.contains("after 0 s: was idle; of its sessions nothing was promised"), "{drawn}");
}

#[test]
fn a_member_that_drains_without_a_drain_is_named_with_what_watches_it() {
    let mut model = sample::model(80, 24);
    let told = "Nobody here watches app/node2, which drains (N): type :drain app/node2 to watch it.";
    press(&mut model, "3");
    let empty = drawn(&model);
    let read = empty.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(read.contains("No drain is watched here.") && read.contains(told), "{empty}");
    // A drain of it that is over does not tell what holds now.
    let mut snapshot = sample::drained(62);
    let drain = &mut snapshot.drains[0];
    (drain.phase, drain.outcome) = (DrainPhase::Done, Some(DrainOutcome::Cleared));
    drain.why = "your drain is gone".to_owned();
    update(&mut model, Message::News(News::Snapshot(Box::new(snapshot.clone()))));
    let over = drawn(&model);
    let read = over.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        read.contains("NOT WATCHED it drains (N), and no drain watches that any more")
            && !read.contains("TAKEN BACK"),
        "{over}"
    );
    assert!(read.contains(told), "{over}");
    let members = &mut snapshot.balancers[0].members;
    members[1].status = members[1].status.with(Flag::Drain, false);
    update(&mut model, Message::News(News::Snapshot(Box::new(snapshot))));
    assert!(drawn(&model).contains("TAKEN BACK") && !drawn(&model).contains("Nobody here"));
}

#[test]
fn beside_who_was_taken_back_stands_when_that_was_and_not_when_the_drain_ended() {
    let mut snapshot = sample::drained(62);
    let ended = &mut snapshot.drains[0];
    let at = |seconds| ended.began.plus(std::time::Duration::from_secs(seconds));
    let [end, cleared] = [at(60), at(7_260)];
    (ended.phase, ended.outcome, ended.ended) =
        (DrainPhase::Done, Some(DrainOutcome::KeptDraining), Some(end));
    snapshot.balancers[0].members[1].status = Status::default();
    snapshot.drains.push(sample::drain(4, "node1"));
    let mut event = sample::edited_event(9);
    event.at = cleared;
    if let EventKind::MemberEdited { changes, .. } = &mut event.kind {
        (changes[0].before, changes[0].after) = ("On".to_owned(), "Off".to_owned());
    }
    let mut model = sample::model(80, 24);
    update(&mut model, Message::News(News::Snapshot(Box::new(snapshot))));
    press(&mut model, "3");
    let row = |model: &_| {
        let drawn = drawn(model);
        drawn.lines().find(|row| row.contains("TAKEN BACK")).map(|row| row.trim_end().to_owned())
    };
    let unknown = row(&model).unwrap();
    assert!(unknown.ends_with("TAKEN BACK"), "{unknown}");
    update(&mut model, Message::News(News::Event(Box::new(event))));
    let known = row(&model).unwrap();
    assert!(known.ends_with(":00") && known.contains("14:0"), "{known}");
}

#[test]
fn while_something_is_in_flight_no_session_is_denied_that_was_not_answered_yet() {
    let mut snapshot = sample::drained(62);
    let sessions = &mut snapshot.drains[0].sessions;
    (sessions.live, sessions.last_seen, sessions.departing) = (Some(0), None, None);
    let shown = |snapshot: &_| {
        let mut model = sample::model(120, 36);
        update(&mut model, Message::News(News::Snapshot(Box::new(Clone::clone(snapshot)))));
        press(&mut model, "3");
        drawn(&model)
    };
    let busy = shown(&snapshot);
    assert!(busy.contains("none seen answered for 30 min"), "{busy}");
    snapshot.drains[0].busy = Busy::default();
    let idle = shown(&snapshot);
    assert!(idle.contains("none seen for 30 min"), "{idle}");
}
