//! The screens of all targets, as text in `../frames/`.

use std::time::Duration;

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

/// What was done before the picture was taken.
type Story = fn(&mut Deck);

const STORIES: [(&str, Story); 6] = [
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
