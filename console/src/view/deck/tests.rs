//! The screens of all targets, as text in `../frames/`.

use std::time::Duration;

use evenkeel_protocol::{Busy, DrainOutcome, Flag, Hello, Loss, Override, Snapshot, Subject};

use super::*;
use crate::message::{Key, Message};
use crate::model::deck::Deck;
use crate::model::sample;
use crate::news::{News, Ticket};
use crate::update::deck::{deal, hear};
use crate::update::hands::Keys;
use crate::view::tests::{PLAIN, RICH, compare_deck};

fn press(deck: &mut Deck, keys: &(impl Keys + ?Sized)) {
    for key in keys.keys() {
        deal(deck, Message::Key(key));
        deal(deck, Message::Painted);
    }
}

/// Three targets: one as the sample is, one where node1 drains and node3 is missing, one that was lost.
fn story(width: u16, height: u16) -> Deck {
    let mut deck = sample::deck(3);
    let size = crate::message::Size { width, height };
    deal(&mut deck, Message::Resize(size));
    let mut snapshot = sample::snapshot(62);
    let drained = snapshot.balancers[0].members[1].status;
    let node1 = &mut snapshot.balancers[0].members[0];
    (node1.status, node1.words) = (drained, drained.words());
    snapshot.balancers[0].members[1].status = sample::snapshot(0).balancers[0].members[0].status;
    snapshot.balancers[0].members[1].words = "Init Ok".to_owned();
    snapshot.balancers[0].members.remove(2);
    hear(&mut deck, 1, News::Snapshot(Box::new(snapshot)));
    let why = "the proxy is gone: connection refused".to_owned();
    hear(&mut deck, 2, News::Lost { why, next_try: Duration::from_secs(3) });
    deck
}

fn told(deck: &mut Deck, at: usize, change: impl FnOnce(&mut Snapshot)) {
    let mut snapshot = sample::snapshot(62);
    change(&mut snapshot);
    hear(deck, at, News::Snapshot(Box::new(snapshot)));
}

/// node2 drains in the first targets, and can be stopped there or not yet.
fn drain(deck: &mut Deck, safe: &[bool]) {
    for (at, safe) in safe.iter().enumerate() {
        told(deck, at, |snapshot| {
            let mut drain = sample::drain(3, "node2");
            if *safe {
                (drain.busy, drain.sessions.live, drain.safe_to_stop) = (Busy::default(), Some(0), true);
            }
            snapshot.drains = vec![drain];
        });
    }
}

/// It is an httpd that was restarted, and has forgotten the drain of node2.
fn forgot(snapshot: &mut Snapshot) {
    let target = sample::target("node2");
    snapshot.proxy.product = Hello::HTTPD.to_owned();
    let [node1, node2, ..] = snapshot.balancers[0].members.as_mut_slice() else { panic!("two members") };
    (node2.status, node2.words) = (node1.status, node1.words.clone());
    snapshot.forgotten = vec![Override {
        subject: Subject { balancer: target.balancer, member: Some(target.member) },
        field: "drain".to_owned(),
        value: "On".to_owned(),
        why: String::new(),
        loss: Loss::default(),
    }];
}

fn shown(deck: &Deck) -> String {
    crate::view::tests::drawn_deck(deck, RICH)
}

/// All pages of what lies on top, without its borders, the breaks of lines, and what can be done.
fn read(deck: &mut Deck) -> String {
    let mut all = String::new();
    for _ in 0..8 {
        let page = shown(deck);
        let lines = page.lines().filter_map(|line| line.split('│').nth(1));
        for line in lines.take_while(|line| !line.contains(" page (") && !line.contains("Esc ")) {
            all.push_str(line.trim());
            all.push(' ');
        }
        press(deck, &[Key::PageDown]);
    }
    all.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// At sizes at which less fits than there is to read.
fn at_each_size(deck: &mut Deck, look: impl Fn(&mut Deck)) {
    for (width, height) in [(60, 20), (80, 24), (120, 36)] {
        deal(deck, Message::Resize(crate::message::Size { width, height }));
        look(deck);
    }
}

/// What was done before the picture was taken.
type Story = fn(&mut Deck);

const STORIES: [(&str, Story); 11] = [
    ("fleet", |deck| {
        deck.lock.close();
        deck.share_lock();
    }),
    ("fleet-confirm", |deck| press(deck, "jjjD")),
    ("fleet-light", |deck| press(deck, "jjjH")),
    ("fleet-results", |deck| {
        press(deck, "jjjHy");
        let done = Ok(Box::new(sample::edited("standby", "Off", "On")));
        hear(deck, 0, News::Answer { ticket: Ticket(1), outcome: done });
        let refused = Err("the journal is full".to_owned());
        hear(deck, 1, News::Answer { ticket: Ticket(1), outcome: refused });
    }),
    ("fleet-partial", |deck| {
        press(deck, "jjjHy");
        let done = Ok(Box::new(sample::edited("standby", "Off", "On")));
        hear(deck, 0, News::Answer { ticket: Ticket(1), outcome: done });
        let refused = Err("the journal is full".to_owned());
        hear(deck, 1, News::Answer { ticket: Ticket(1), outcome: refused });
        press(deck, &[Key::Esc]);
    }),
    ("fleet-confirm-drain", |deck| press(deck, "jjjd")),
    ("fleet-terms", |deck| press(deck, "jjjd⇥⇥")),
    ("fleet-drains", |deck| drain(deck, &[false, true])),
    ("fleet-lost", |deck| {
        told(deck, 1, forgot);
        press(deck, "A");
    }),
    ("fleet-leave", |deck| {
        told(deck, 1, |snapshot| {
            snapshot.proxy.product = Hello::HTTPD.to_owned();
            snapshot.drains = vec![sample::drain(3, "node2")];
        });
        press(deck, "q");
    }),
    ("fleet-unlock", |deck| {
        deck.lock.close();
        deck.share_lock();
        press(deck, "L");
    }),
];

#[test]
fn frames_of_all_targets() {
    for (width, height) in [(80, 24), (120, 36)] {
        for (name, happens) in STORIES {
            let mut deck = story(width, height);
            happens(&mut deck);
            compare_deck(&format!("{name}-{width}x{height}"), &deck, RICH);
        }
    }
    let mut deck = story(80, 24);
    STORIES[0].1(&mut deck);
    compare_deck("fleet-ascii-80x24", &deck, PLAIN);
}

#[test]
fn many_targets_and_small_windows_break_nothing() {
    for count in [2, 8, 32] {
        let mut deck = sample::deck(count);
        for (width, height) in [(1, 1), (20, 5), (40, 10), (60, 20), (80, 24), (200, 60)] {
            let size = crate::message::Size { width, height };
            deal(&mut deck, Message::Resize(size));
            for keys in ["", "G", "D", "?"] {
                press(&mut deck, keys);
                let shown = crate::view::tests::drawn_deck(&deck, RICH);
                assert_eq!(shown.lines().count(), usize::from(height));
                press(&mut deck, &[Key::Esc, Key::Esc]);
            }
        }
    }
}

#[test]
fn every_target_is_named_in_a_question_whatever_room_there_is() {
    let mut deck = sample::deck(8);
    press(&mut deck, "G");
    deck.pick = Pick::Member(sample::target("node2"));
    press(&mut deck, "D");
    let shown = crate::view::tests::drawn_deck(&deck, RICH);
    for at in 1..=8 {
        assert!(shown.contains(&format!("lb{at} ")), "{shown}");
    }
}

#[test]
fn a_drain_says_in_each_target_whether_it_can_be_stopped() {
    for (safe, marks, says) in [
        (&[false, true][..], "≠", &["NOT YET", "SAFE TO STOP"][..]),
        (&[true, true], " ", &["SAFE TO STOP", "SAFE TO STOP"]),
    ] {
        let mut deck = sample::deck(2);
        drain(&mut deck, safe);
        let shown = shown(&deck);
        let row = shown.lines().find(|line| line.contains("app/node2")).unwrap_or_default();
        let wanted = format!("{marks} ◐ Drn Ok {}", says[0]);
        assert!(row.contains(&wanted) && row.ends_with(says[1]), "{row}");
    }
    // Nor is it where another balancer goes on with the same process.
    let mut deck = sample::deck(2);
    drain(&mut deck, &[true, true]);
    told(&mut deck, 0, |snapshot| {
        let mut drain = sample::drain(3, "node2");
        (drain.safe_to_stop, drain.elsewhere) = (true, vec![sample::elsewhere("api")]);
        snapshot.drains = vec![drain];
    });
    let screen = shown(&deck);
    let row = screen.lines().find(|line| line.contains("app/node2")).unwrap_or_default();
    assert!(row.contains("≠ ◐ Drn IN USE ELSEWHERE") && row.ends_with("SAFE TO STOP"), "{row}");
    // Where it drains without anybody who watches it, nothing is said of it.
    let deck = sample::deck(2);
    assert!(shown(&deck).lines().any(|line| line.contains("app/node2") && line.ends_with("◐ Drn Ok")));
}

#[test]
fn what_a_target_said_that_does_not_answer_is_compared_with_nothing_and_told_to_be_old() {
    for (count, wide, same, other, old) in [
        (3, 80, "    ● Ok", "≠ ● Ok", "◐ Drn Ok?"),
        (8, 60, "    ● ◐?● ", "≠ ● ◐?▲ ", "●"),
        (32, 60, "    ●31 ?1", "≠ ●30 ▲1 ?1", "?1"),
    ] {
        let mut deck = sample::deck(count);
        deal(&mut deck, Message::Resize(crate::message::Size { width: wide, height: 24 }));
        told(&mut deck, 1, |snapshot| {
            let drained = snapshot.balancers[0].members[1].status;
            let node1 = &mut snapshot.balancers[0].members[0];
            (node1.status, node1.words) = (drained, drained.words());
        });
        press(&mut deck, "G");
        deck.pick = Pick::Member(sample::target("node1"));
        let row = |deck: &Deck| {
            let shown = shown(deck);
            assert_eq!(
                shown.contains("Member ?=old"),
                deck.stations[1].freshness() != Freshness::Live,
                "{shown}"
            );
            shown.lines().find(|line| line.contains("app/node1")).unwrap_or_default().to_owned()
        };
        assert!(row(&deck).contains('≠'), "it answers, and is another one: {}", row(&deck));
        let why = "the proxy is gone".to_owned();
        hear(&mut deck, 1, News::Lost { why, next_try: Duration::from_secs(3) });
        let alone = row(&deck);
        assert!(alone.contains(same) && alone.contains(old), "{count}: {alone}");
        told(&mut deck, 2, |snapshot| {
            let failed = snapshot.balancers[0].members[2].status;
            let node1 = &mut snapshot.balancers[0].members[0];
            (node1.status, node1.words) = (failed, failed.words());
        });
        assert!(row(&deck).contains(other), "{count}: {}", row(&deck));
    }
}

#[test]
fn the_answers_about_a_drain_stay_in_sight_where_there_is_little_room() {
    for (count, width, says) in [
        (3, 80, ["◐ Drn Ok NOT YET", "◐ Drn SAFE"]),
        (3, 60, ["◐ NOT YET", "◐ Drn SAFE"]),
        (8, 80, ["1 NOT YET", "1 SAFE"]),
        (32, 60, ["1 NOT YET", "1 SAFE"]),
    ] {
        let mut deck = sample::deck(count);
        deal(&mut deck, Message::Resize(crate::message::Size { width, height: 24 }));
        drain(&mut deck, &[false, true]);
        press(&mut deck, "G");
        deck.pick = Pick::Member(sample::target("node2"));
        let shown = shown(&deck);
        let row = shown.lines().find(|line| line.contains("app/node2")).unwrap_or_default();
        assert!(says.iter().all(|says| row.contains(says)) && row.contains('≠'), "{count} {width}: {row}");
    }
}

#[test]
fn nothing_of_the_results_is_cut_without_a_way_to_it() {
    let mut deck = sample::deck(3);
    let sockets = ["a", "b", "c"].map(|name| format!("--socket /run/a-folder-with-a-long-name/{name}"));
    deck.words = sockets.join(" ");
    deck.pick = Pick::Member(sample::target("node2"));
    press(&mut deck, "Dy");
    let why = "the journal is full, and nothing of what was asked for could be written to it, so that nothing was \
               changed; make room below /var/lib/evenkeel and ask again";
    for at in 0..3 {
        hear(&mut deck, at, News::Answer { ticket: Ticket(1), outcome: Err(why.to_owned()) });
    }
    let command = format!("$ evenkeel {} disable app/node2", deck.words);
    at_each_size(&mut deck, |deck| {
        let read = read(deck);
        for at in 1..=3 {
            assert!(read.contains(&format!("lb{at}: NOT done: {why}")), "{read}");
        }
        assert!(read.contains(&command), "{read}");
    });
    press(&mut deck, &[Key::Esc, Key::Char('i')]);
    let command = format!("$ evenkeel {} add BALANCER URL route=…", deck.words);
    at_each_size(&mut deck, |deck| {
        let read = read(deck);
        assert!(read.contains(&command) && read.contains("In one: Enter goes into the target"), "{read}");
    });
}

#[test]
fn all_of_a_question_can_be_read_and_its_warnings_come_first() {
    let mut deck = sample::deck(8);
    deck.pick = Pick::Member(sample::target("node1"));
    press(&mut deck, "D");
    let question = |deck: &Deck| match &deck.over {
        Some(Over::Confirm { joint, .. }) => deck.commands(joint),
        other => panic!("{other:?}"),
    };
    let command = question(&deck).concat();
    at_each_size(&mut deck, |deck| {
        let first = shown(deck);
        assert!(first.contains("▲ ") && first.contains("Type node1 or all"), "{first}");
        for _ in 0..4 {
            assert!(shown(deck).contains("│ http://app1.example.com:8080 "), "{}", shown(deck));
            press(deck, &[Key::PageDown]);
        }
        press(deck, &[Key::PageUp, Key::PageUp, Key::PageUp, Key::PageUp]);
        let read = read(deck);
        assert!(read.contains(&format!("$ {command}")), "{read}");
        assert!((1..=8).all(|at| read.contains(&format!("lb{at} "))), "{read}");
    });
}

#[test]
fn help_says_what_keys_do_where_all_targets_are() {
    let mut deck = sample::deck(2);
    press(&mut deck, "?");
    let mut read = String::new();
    for _ in 0..3 {
        read.push_str(&shown(&deck));
        press(&mut deck, &[Key::PageDown]);
    }
    let read = read.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(read.contains("Enter no; only y is a yes"), "{read}");
    assert!(!read.contains("yes if no risk"), "{read}");
    assert!(read.contains("A again what httpd forgot"), "{read}");
    assert!(!read.contains('…'), "{read}");
    assert!(read.contains("Down Up another page of a box"), "{read}");
}

#[test]
fn the_keys_that_matter_now_stand_below_and_none_that_does_nothing() {
    let mut deck = sample::deck(2);
    let below = |deck: &Deck| shown(deck).lines().last().unwrap_or_default().to_owned();
    let offers = |deck: &Deck, keys: &[&str]| {
        let line = below(deck);
        assert!(keys.iter().all(|key| line.contains(&format!(" {key}  ")) || line.ends_with(key)), "{line}");
        assert_eq!(line.contains("u undo"), keys.contains(&"u undo"), "{line}");
    };
    // On a target those keys do nothing.
    offers(&deck, &["Enter go in", "L lock", "/ filter", ": command", "? help", "q quit"]);
    assert!(!["drain", "enable", "disable", "stop"].iter().any(|word| below(&deck).contains(word)));
    deck.pick = Pick::Member(sample::target("node2"));
    offers(&deck, &["d drain", "E enable", "L lock", "D disable", "S stop", "? help", "q quit"]);
    for (happens, offered) in [(forgot as fn(&mut Snapshot), true), (|_| (), false)] {
        told(&mut deck, 1, happens);
        deck.toast = None;
        assert_eq!(below(&deck).contains("A set again"), offered, "{}", below(&deck));
    }
    press(&mut deck, "Dy");
    let answer = |deck: &mut Deck, ticket, (before, after), revision| {
        for at in 0..2 {
            let edited = evenkeel_protocol::Edited { revision, ..sample::edited("disabled", before, after) };
            hear(deck, at, News::Answer { ticket: Ticket(ticket), outcome: Ok(Box::new(edited)) });
            told(deck, at, |snapshot| snapshot.balancers[0].members[1].revision = revision);
        }
        press(deck, &[Key::Esc, Key::Esc]);
    };
    answer(&mut deck, 1, ("Off", "On"), 5);
    offers(
        &deck,
        &["Enter go in", "d drain", "E enable", "u undo", "r results", "L lock", "? help", "q quit"],
    );
    press(&mut deck, "uy");
    answer(&mut deck, 2, ("On", "Off"), 6);
    offers(&deck, &["d drain", "r results", "L lock", "q quit"]);
}

#[test]
fn each_target_that_lost_a_drain_says_so_until_it_is_set_again() {
    let mut deck = sample::deck(3);
    for at in [0, 2] {
        told(&mut deck, at, forgot);
    }
    let screen = shown(&deck);
    for at in [1, 3] {
        let line = format!("lb{at}: httpd was restarted: your drain of app/node2 is gone; A sets it again");
        let flat = screen.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(&line), "{screen}");
    }
    told(&mut deck, 0, |_| ());
    assert!(!shown(&deck).contains("lb1: httpd was restarted"));
}

#[test]
fn a_question_that_was_overtaken_by_a_drain_says_where_by_whom_and_how_far_it_is() {
    let mut deck = sample::deck(2);
    deck.pick = Pick::Member(sample::target("node1"));
    press(&mut deck, "H");
    let mut edited = sample::edited_event(40);
    let target = sample::target("node1");
    let evenkeel_protocol::EventKind::MemberEdited { revision, member, .. } = &mut edited.kind else {
        panic!("{edited:?}")
    };
    (*revision, *member) = (99, target.member);
    hear(&mut deck, 1, News::Event(Box::new(edited)));
    told(&mut deck, 1, |snapshot| {
        snapshot.balancers[0].members[0].revision = 99;
        snapshot.drains = vec![sample::drain(3, "node1")];
    });
    let read = read(&mut deck);
    let says = "lb2 ▲ changed since you looked: NOT asked there ▲ It was changed since you looked by anna (drain Off → On); \
                drained by anna, phase: sessions.";
    assert!(read.contains(says), "{read}");
    assert!(read.contains("in 1 of 2 targets"), "{read}");
}

#[test]
fn results_say_what_holds_now_and_which_act_before_does_not_hold_everywhere() {
    let mut deck = sample::deck(2);
    deck.pick = Pick::Member(sample::target("node2"));
    let shows = |deck: &mut Deck, at: usize, flag: Flag, on: bool| {
        told(deck, at, |snapshot| {
            let member = &mut snapshot.balancers[0].members[1];
            (member.status, member.revision) = (member.status.with(flag, on), 9);
            member.words = member.status.words();
        });
    };
    let answer = |deck: &mut Deck, at: usize, outcome: Result<(), &str>| {
        let outcome = outcome.map_err(str::to_owned).map(|()| Box::new(sample::edited("x", "Off", "On")));
        for ticket in [1, 2] {
            hear(deck, at, News::Answer { ticket: Ticket(ticket), outcome: outcome.clone() });
        }
    };
    press(&mut deck, "Dy");
    answer(&mut deck, 0, Ok(()));
    answer(&mut deck, 1, Err("the journal is full"));
    press(&mut deck, &[Key::Esc]);
    deal(&mut deck, Message::Resize(crate::message::Size { width: 120, height: 36 }));
    for (at, on) in [(0, true), (1, true), (0, false)] {
        shows(&mut deck, at, Flag::Disabled, on);
    }
    press(&mut deck, "r");
    let read = self::read(&mut deck);
    assert!(read.contains("▲ lb1: it was done, and is so no more; now: Init Drn Ok"), "{read}");
    let says = "✓ lb2: it is so now (Init Drn Dis); from here NOT done: the journal is full";
    assert!(read.contains(says), "{read}");
    press(&mut deck, &[Key::Esc]);
    press(&mut deck, "Hy");
    for at in [0, 1] {
        answer(&mut deck, at, Ok(()));
    }
    let read = self::read(&mut deck);
    assert!(read.contains("lb2: app/node2 is a hot standby"), "{read}");
    assert!(read.contains("Before that: Disable app/node2: holds in ONLY 1 of 2 targets"), "{read}");
}

#[test]
fn what_was_not_asked_for_says_that_it_was_then_and_how_it_is_now() {
    let mut deck = sample::deck(2);
    deck.pick = crate::model::deck::Pick::Member(sample::target("node2"));
    hear(&mut deck, 1, News::Lost { why: "no socket".to_owned(), next_try: Duration::from_secs(1) });
    press(&mut deck, "Dy");
    hear(&mut deck, 0, News::Answer { ticket: Ticket(1), outcome: Err("the journal is full".to_owned()) });
    deal(&mut deck, Message::Resize(crate::message::Size { width: 120, height: 36 }));
    let read = self::read(&mut deck);
    assert!(read.contains("▲ lb1: NOT done: the journal is full; now: Init Drn Ok"), "{read}");
    assert!(read.contains("▲ lb2: NOT done: does not answer ") && !read.contains("NOT done then"), "{read}");
    told(&mut deck, 1, |_| {});
    let read = self::read(&mut deck);
    assert!(read.contains("▲ lb2: NOT done then: does not answer; now: Init Drn Ok"), "{read}");
}

#[test]
fn long_names_of_targets_are_told_apart_wherever_they_stand() {
    let mut deck = sample::deck(2);
    for (at, end) in [(0, "north"), (1, "south")] {
        deck.stations[at].station = Some(format!("a-balancer-with-a-long-name/{end}"));
    }
    for keys in ["", "jjjD", "LL"] {
        press(&mut deck, keys);
        let screen = shown(&deck);
        assert!(["north", "south"].iter().all(|end| screen.matches(end).count() >= 2), "{keys}: {screen}");
        press(&mut deck, &[Key::Esc, Key::Esc]);
    }
}

#[test]
fn what_a_target_told_before_it_was_lost_is_in_no_total() {
    let mut deck = sample::deck(3);
    deal(&mut deck, Message::Resize(crate::message::Size { width: 120, height: 36 }));
    let first = |deck: &Deck| shown(deck).lines().next().unwrap_or_default().trim_end().to_owned();
    assert!(first(&deck).ends_with("3 bad  3 degraded  12 good  156.0 req/s"), "{}", first(&deck));
    hear(&mut deck, 1, News::Lost { why: "no socket".to_owned(), next_try: Duration::from_secs(3) });
    assert!(first(&deck).ends_with("2 bad  2 degraded  8 good  104.0 req/s"), "{}", first(&deck));
    let row = |screen: String| screen.lines().find(|line| line.contains("LOST")).unwrap().to_owned();
    assert!(!row(shown(&deck)).contains("52.0"), "{}", row(shown(&deck)));
    deal(&mut deck, Message::Resize(crate::message::Size { width: 38, height: 9 }));
    assert!(!row(shown(&deck)).contains("bad"), "{}", row(shown(&deck)));
}

#[test]
fn a_target_that_never_answered_is_told_as_that_at_every_size() {
    let mut deck = sample::deck(3);
    let name = deck.stations[1].station.clone();
    deck.stations[1] = Model { station: name, ..Model::new("/run/lb2", deck.size) };
    hear(&mut deck, 1, News::Lost { why: "no socket".to_owned(), next_try: Duration::from_secs(3) });
    at_each_size(&mut deck, |deck| {
        let screen = shown(deck);
        assert!(screen.contains("▲ never answered") && !screen.contains("LOST"), "{screen}");
    });
    for (width, height) in [(44, 12), (38, 9)] {
        deal(&mut deck, Message::Resize(crate::message::Size { width, height }));
        let screen = shown(&deck);
        assert!(screen.contains("never answered") && !screen.contains("LOST"), "{screen}");
    }
}

#[test]
fn a_target_that_was_lost_under_a_question_is_told_as_lost_and_not_by_what_it_was() {
    let mut deck = sample::deck(3);
    deck.pick = Pick::Member(sample::target("node2"));
    press(&mut deck, "D");
    told(&mut deck, 1, |snapshot| snapshot.balancers[0].members[1].busy = 77);
    hear(&mut deck, 1, News::Lost { why: "no socket".to_owned(), next_try: Duration::from_secs(3) });
    let question = read(&mut deck);
    assert!(question.contains("lb2 ▲ does not answer: NOT asked there lb3 ◐"), "{question}");
    assert!(question.contains("in 2 of 3 targets"), "{question}");
    assert!(question.contains("in each that is asked"), "{question}");
    assert!(!question.contains("77"), "{question}");
}

#[test]
fn why_a_target_does_not_answer_is_told_in_full_to_whoever_points_at_it() {
    let mut deck = sample::deck(3);
    let why = "no proxy listens on /run/evenkeel/a-folder-with-a-long-name/admin.sock; is it running?";
    hear(&mut deck, 2, News::Lost { why: why.to_owned(), next_try: Duration::from_secs(3) });
    press(&mut deck, "jj");
    at_each_size(&mut deck, |deck| {
        let flat = shown(deck).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(&format!("▲ lb3 does not answer: {why}")), "{flat}");
    });
}

#[test]
fn results_say_what_the_deadline_of_a_drain_has_done() {
    let mut deck = sample::deck(2);
    deal(&mut deck, Message::Resize(crate::message::Size { width: 120, height: 36 }));
    deck.pick = Pick::Member(sample::target("node1"));
    press(&mut deck, "dnode1⏎");
    let drained = |deck: &mut Deck, at: usize, outcome: Option<DrainOutcome>, on: bool| {
        told(deck, at, |snapshot| {
            let member = &mut snapshot.balancers[0].members[0];
            (member.status, member.revision) = (member.status.with(Flag::Drain, on), 9);
            member.status = member.status.with(Flag::Stopped, outcome == Some(DrainOutcome::Stopped));
            member.words = member.status.words();
            let mut drain = sample::drain(3, "node1");
            (drain.outcome, drain.ended) = (outcome, outcome.map(|_| snapshot.taken));
            snapshot.drains = vec![drain];
        });
    };
    for at in 0..2 {
        let drain = sample::drain(3, "node1");
        let edited = Some(sample::edited("drain", "Off", "On"));
        let answer = evenkeel_protocol::DrainAnswer { changed: true, changes: Vec::new(), drain, edited };
        hear(&mut deck, at, News::Drained { ticket: Ticket(1), outcome: Ok(Box::new(answer)) });
        drained(&mut deck, at, None, true);
    }
    assert!(read(&mut deck).contains("✓ lb2: app/node1 is draining"), "{}", read(&mut deck));
    drained(&mut deck, 0, Some(DrainOutcome::Stopped), true);
    drained(&mut deck, 1, Some(DrainOutcome::Restored), false);
    let read = read(&mut deck);
    let says = "▲ lb1: app/node1 was stopped at the deadline of its drain; now: Init Drn Stop";
    assert!(read.contains(says), "{read}");
    assert!(
        read.contains("▲ lb2: app/node1 was taken back at the deadline of its drain; now: Init Ok"),
        "{read}"
    );
}

#[test]
fn how_the_others_are_asked_is_said_only_where_they_can_be() {
    let answer = |deck: &mut Deck, at: usize, outcome: Result<(), &str>| {
        let outcome = outcome.map_err(str::to_owned).map(|()| Box::new(sample::edited("x", "On", "Off")));
        hear(deck, at, News::Answer { ticket: Ticket(1), outcome });
    };
    let lost = |deck: &mut Deck| {
        hear(deck, 1, News::Lost { why: "no socket".to_owned(), next_try: Duration::from_secs(1) });
    };
    let disables = |deck: &mut Deck| {
        for at in 0..2 {
            told(deck, at, |snapshot| {
                let member = &mut snapshot.balancers[0].members[1];
                member.status = member.status.with(Flag::Disabled, true);
            });
        }
    };
    let ways = ["the same key asks", "u asks", ":undrain app/node2 asks", "E asks"];
    for (before, keys, says) in [
        (
            &(|_: &mut Deck| ()) as &dyn Fn(&mut Deck),
            "Dy",
            "what was done stays; the same key asks the others",
        ),
        (&lost, "Dy", "what was done stays; the same key asks the others once they answer"),
        // Pressed again these would do the contrary.
        (&|_| (), "dy", "what was done stays; :undrain app/node2 asks the others"),
        (&disables, "Dy", "what was done stays; E asks the others"),
        // An httpd lets nobody go.
        (&|deck| told(deck, 1, |snapshot| snapshot.proxy.product = Hello::HTTPD.to_owned()), "Xnode2⏎", ""),
    ] {
        let mut deck = sample::deck(2);
        before(&mut deck);
        deck.pick = Pick::Member(sample::target("node2"));
        press(&mut deck, keys);
        answer(&mut deck, 0, Ok(()));
        answer(&mut deck, 1, Err("the journal is full"));
        let flat = shown(&deck).replace('│', " ");
        let flat = flat.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(says) && flat.contains("ONLY 1 of 2"), "{keys}: {flat}");
        assert_eq!(ways.iter().any(|way| flat.contains(way)), !says.is_empty(), "{keys}: {flat}");
    }
}
