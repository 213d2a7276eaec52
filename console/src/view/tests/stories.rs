//! What was done before each expected screen was taken.

use super::*;

/// What was done before the picture was taken.
pub(super) type Story = fn(&mut Model);

pub(super) const STORIES: [(&str, Story); 50] = [
    ("balancers", |model| model.lock.close()),
    ("armed", |_| ()),
    ("draining", |model| press(model, &[Key::Down])),
    ("confirm-drain", |model| press(model, &[Key::Char('d')])),
    ("confirm-disable", |model| press(model, &[Key::Char('D')])),
    ("confirm-light", |model| press(model, &[Key::Char('H')])),
    ("confirm-many", |model| {
        press(model, "a");
        press(model, "D");
    }),
    ("confirm-planned", |model| {
        press(model, "a");
        press(model, "d");
        let Some(need) = model.gathered.needs.first().cloned() else { return };
        let plan = model.roster.snapshot().map(sample::plan).unwrap();
        let outcome = Ok(crate::need::Found::Plan(Box::new(plan)));
        update(model, Message::News(News::Found { need, outcome }));
    }),
    ("settings", |model| press(model, "B ⇥⇥⇥2x")),
    ("form-checks", |model| {
        press(model, "e⇥⇥⇥⇥");
        press(model, " ⇥⇥x");
    }),
    ("add", |model| press(model, "ihttp://10.0.0.9:8080⇥node9⇥200")),
    ("confirm-add", |model| {
        press(model, "ihttp://10.0.0.9:8080⇥node9⏎");
        sample::answer(model);
    }),
    ("confirm-remove", |model| {
        press(model, "X");
        sample::answer(model);
    }),
    ("confirm-remove-denied", |model| {
        press(model, "X");
        let Some(need) = model.gathered.needs.first().cloned() else { return };
        let why = "http://app1.example.com:8080 stands in the configuration, and only who was added at run time can \
                   be removed; drain or stop it, or remove its line and reload";
        update(model, Message::News(News::Found { need, outcome: Err(why.to_owned()) }));
    }),
    ("confirm-settings", |model| press(model, "B ⇥X⏎")),
    ("confirm-reload", |model| press(model, &[Key::Ctrl('r')])),
    ("frozen", |model| {
        press(model, "Z");
        hear(model, sample::drained(62));
        update(model, Message::Tick(sample::clock(73)));
        hear(model, sample::drained(73));
    }),
    ("paced", |model| {
        press(model, "+");
        update(model, Message::Tick(sample::clock(73)));
        hear(model, sample::drained(73));
    }),
    ("unlock", |model| {
        model.lock.close();
        press(model, &[Key::Char('L')]);
    }),
    ("menu", |model| press(model, &[Key::Down, Key::Enter, Key::Down])),
    ("palette", |model| press(model, ":drain n")),
    ("problems", |model| press(model, "p >>>>I")),
    ("results", |model| {
        press(model, "]  H");
        press(model, "y");
        let refused = Err("it was changed since you looked".to_owned());
        let answer = News::Answer { ticket: crate::news::Ticket(1), outcome: refused };
        update(model, Message::News(answer));
    }),
    ("confirm-changed", |model| {
        press(model, &[Key::Char('d')]);
        let mut snapshot = sample::snapshot(62);
        snapshot.balancers[0].members[0].revision = 9;
        update(model, Message::News(News::Snapshot(Box::new(snapshot))));
    }),
    ("form", |model| {
        press(model, &[Key::Char('e'), Key::Tab]);
        press(model, "b;");
    }),
    ("pending", |model| press(model, &[Key::Char('H'), Key::Char('y')])),
    ("help", |model| press(model, &[Key::Char('?')])),
    ("events", |model| press(model, &[Key::Char('2')])),
    ("member", |model| press(model, &[Key::Down, Key::Down, Key::Char('z')])),
    ("heard", |model| {
        let mut snapshot = sample::snapshot(62);
        let balancer = &mut snapshot.balancers[0];
        balancer.settings.lbmethod = LbMethod::Heartbeat;
        balancer.members[0].heard = Some(HeardNote {
            ready: 16,
            busy: 0,
            at: Timestamp(snapshot.taken.0 - 1_200_000),
            fresh: true,
            slots: 4,
            from: [192, 0, 2, 11].into(),
            by: HeardBy::Datagram,
        });
        update(model, Message::News(News::Snapshot(Box::new(snapshot))));
        press(model, &[Key::Char('z')]);
    }),
    ("checked", |model| {
        update(model, Message::News(News::Snapshot(Box::new(sample::checked(62)))));
        press(model, &[Key::Down, Key::Down, Key::Char('z')]);
    }),
    ("overview", |model| {
        hear(model, sample::drained(62));
        press(model, &[Key::Char('0')]);
    }),
    ("measured", |model| {
        hear(model, sample::drained(62));
        press(model, &[Key::Down]);
    }),
    ("member-past", |model| {
        hear(model, sample::drained(62));
        press(model, &[Key::Down, Key::Char('z')]);
        sample::answer(model);
    }),
    ("member-older-proxy", |model| {
        press(model, &[Key::Char('z')]);
        for need in model.gathered.needs.clone() {
            let outcome = Err("unknown: this proxy is of an older version and does not tell".to_owned());
            update(model, Message::News(News::Found { need, outcome }));
        }
    }),
    ("drain", |model| shown_drain(model, |_| ())),
    ("drain-no-deadline", |model| {
        shown_drain(model, |drain| {
            (drain.deadline, drain.left_ms, drain.estimate_ms) = (None, None, None);
            drain.timeout = evenkeel_protocol::Patience::Forever;
        });
    }),
    ("drain-unknown", |model| {
        shown_drain(model, |drain| {
            drain.busy = evenkeel_protocol::Busy::default();
            drain.quiet_ms = Some(12_000);
            drain.sessions = evenkeel_protocol::DrainSessions {
                known: evenkeel_protocol::SessionsKnown::Unknown,
                live: None,
                claimed: None,
                last_seen: None,
                unknown_until: Some(Timestamp(sample::NOON + 1_500_000_000)),
                window_ms: Some(1_800_000),
                departing: None,
            };
            drain.why = "sessions cannot be known to be gone before 12:25".to_owned();
        });
    }),
    ("drain-restarted", |model| {
        shown_drain(model, |drain| {
            drain.sessions.known = evenkeel_protocol::SessionsKnown::Unknown;
            drain.sessions.unknown_until = Some(Timestamp(sample::NOON + 1_856_000_000));
            drain.why = "17 sessions were seen (unknown before the last 5 s), and 4 requests are in flight"
                .to_owned();
        });
    }),
    ("drain-safe", |model| shown_drain(model, is_safe)),
    ("drain-in-use", |model| {
        shown_drain(model, |drain| {
            is_safe(drain);
            drain.elsewhere = vec![sample::elsewhere("api")];
            drain.why.push_str("; but it still takes requests in api (drain api/node2 too)");
        });
    }),
    ("drain-lost", |model| {
        shown_drain(model, |drain| drain.safe_to_stop = true);
        let lost = News::Lost { why: "connection refused".to_owned(), next_try: Duration::from_secs(2) };
        update(model, Message::News(lost));
    }),
    ("drains-several", |model| {
        let mut snapshot = sample::drained(62);
        snapshot.drains.extend([sample::drain(4, "node1"), sample::drain(5, "node3")]);
        hear(model, snapshot);
        press(model, &[Key::Char('3'), Key::Down]);
    }),
    ("drain-cut", |model| {
        shown_drain(model, |_| ());
        press(model, &[Key::Char('X')]);
    }),
    ("drain-terms", |model| {
        press(model, &[Key::Char('d'), Key::Tab, Key::Tab]);
        press(model, &[Key::Ctrl('u')]);
        press(model, "10");
    }),
    ("lens-empty", |model| press(model, &[Key::Char('4')])),
    ("lens", |model| {
        press(model, &[Key::Char('4'), Key::Enter]);
        update(model, Message::Paste("/app/cart?step=2 JSESSIONID=5f2aabbccdd.node2".to_owned()));
        press(model, &[Key::Enter]);
        sample::answer(model);
    }),
    ("lens-asking", |model| {
        press(model, &[Key::Char('4'), Key::Enter]);
        press(model, "abc.node1");
    }),
    ("elections", |model| {
        press(model, &[Key::Char('5'), Key::Char('f')]);
        sample::answer(model);
    }),
    ("lost", |model| {
        let lost = News::Lost { why: "connection refused".to_owned(), next_try: Duration::from_secs(2) };
        update(model, Message::News(lost));
    }),
];

/// The drain has come to its end, and its member can be stopped.
fn is_safe(drain: &mut evenkeel_protocol::Drain) {
    drain.busy = evenkeel_protocol::Busy::default();
    (drain.sessions.live, drain.sessions.last_seen, drain.safe_to_stop) = (Some(0), None, true);
    (drain.phase, drain.quiet_ms) = (evenkeel_protocol::DrainPhase::Done, Some(12_000));
    drain.outcome = Some(evenkeel_protocol::DrainOutcome::SafeToStop);
    drain.ended = Some(Timestamp(sample::NOON + 50_000_000));
    drain.why = "no session was seen for 30m, and nothing is in flight".to_owned();
}
