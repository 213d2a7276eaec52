//! What the drains screen shows of drains that are told apart, and of those of an httpd.

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
    assert!(drawn.contains("nothing is known of its sessions"), "{drawn}");
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
