//! Expected screens as text, compared cell by cell with the files in `frames/`. `EVENKEEL_FRAMES=write` writes them
//! anew; look at the difference before keeping it.

mod stories;

use std::time::Duration;

use evenkeel_protocol::{HeardBy, HeardNote, LbMethod, Snapshot, Timestamp};
use jiff::tz::TimeZone;
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use stories::STORIES;

use super::{Look, view, view_deck};
use crate::message::{Key, Message, Size};
use crate::model::deck::Deck;
use crate::model::{Model, Tone, sample};
use crate::need::Found;
use crate::news::News;
use crate::theme::{Colours, Glyphs, Ground, Theme};
use crate::update::hands::{self, Keys};
use crate::update::update;

pub(super) const RICH: Theme =
    Theme { colours: Colours::Many, ground: Ground::Dark, glyphs: Glyphs::Unicode };
pub(super) const PLAIN: Theme =
    Theme { colours: Colours::None, ground: Ground::Unknown, glyphs: Glyphs::Ascii };

pub(super) fn painted(model: &Model, theme: Theme) -> Buffer {
    let look = Look { theme, zone: TimeZone::UTC };
    let mut terminal = Terminal::new(TestBackend::new(model.size.width, model.size.height)).unwrap();
    terminal.draw(|frame| view(frame, model, &look)).unwrap();
    terminal.backend().buffer().clone()
}

pub(super) fn text(buffer: &Buffer) -> String {
    let mut lines = String::new();
    for row in buffer.area.rows() {
        let line: String = row.columns().map(|cell| buffer[(cell.x, cell.y)].symbol()).collect();
        lines.push_str(line.trim_end());
        lines.push('\n');
    }
    lines
}

/// The screen of all targets as text.
pub(super) fn drawn_deck(deck: &Deck, theme: Theme) -> String {
    let look = Look { theme, zone: TimeZone::UTC };
    let mut terminal = Terminal::new(TestBackend::new(deck.size.width, deck.size.height)).unwrap();
    terminal.draw(|frame| view_deck(frame, deck, &look)).unwrap();
    text(terminal.backend().buffer())
}

pub(super) fn compare_deck(name: &str, deck: &Deck, theme: Theme) {
    compare_text(name, &drawn_deck(deck, theme));
}

/// One target's screen as text.
pub(super) fn drawn(model: &Model) -> String {
    text(&painted(model, RICH))
}

fn compare(name: &str, model: &Model, theme: Theme) {
    compare_text(name, &text(&painted(model, theme)));
}

fn compare_text(name: &str, drawn: &str) {
    let path = format!("{}/src/view/frames/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("EVENKEEL_FRAMES").is_some_and(|value| value == "write") {
        std::fs::write(&path, drawn).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(drawn == expected, "{path} differs; drawn is:\n{drawn}");
}

fn hear(model: &mut Model, snapshot: evenkeel_protocol::Snapshot) {
    update(model, Message::News(News::Snapshot(Box::new(snapshot))));
}

/// The screen of node2's drain, as `change` has it.
fn shown_drain(model: &mut Model, change: impl FnOnce(&mut evenkeel_protocol::Drain)) {
    let mut snapshot = sample::drained(62);
    change(&mut snapshot.drains[0]);
    hear(model, snapshot);
    press(model, &[Key::Char('3')]);
    sample::answer(model);
}

/// Presses keys, whatever they ask for.
fn press(model: &mut Model, keys: &(impl Keys + ?Sized)) {
    hands::press(model, keys);
}

#[test]
fn screens_are_as_expected() {
    for (name, story) in STORIES {
        for (width, height) in [(80, 24), (120, 36)] {
            let mut model = sample::model(width, height);
            story(&mut model);
            compare(&format!("{name}-{width}x{height}"), &model, RICH);
        }
    }
}

#[test]
fn the_field_that_is_written_is_in_sight_however_small_the_screen_is() {
    for height in 10..=30 {
        let mut model = sample::model(60, height);
        press(&mut model, "e");
        for keyword in crate::model::form::SETTINGS {
            press(&mut model, &[Key::Char('\u{e9}')]);
            let look = Look { theme: RICH, zone: TimeZone::UTC };
            let mut terminal = Terminal::new(TestBackend::new(60, height)).unwrap();
            terminal.draw(|frame| view(frame, &model, &look)).unwrap();
            let row = terminal.get_cursor_position().unwrap().y;
            let shown = text(terminal.backend().buffer());
            let line = shown.lines().nth(usize::from(row)).unwrap_or_default();
            assert!(line.contains(keyword), "{keyword} at {height}: {line:?}\n{shown}");
            press(&mut model, "⇥");
        }
    }
}

#[test]
fn other_sizes_and_a_filter_are_as_expected() {
    for (name, story) in STORIES {
        let narrow = [
            "balancers",
            "confirm-drain",
            "settings",
            "form",
            "form-checks",
            "add",
            "confirm-add",
            "confirm-remove",
            "confirm-remove-denied",
            "confirm-reload",
            "menu",
            "unlock",
            "problems",
            "palette",
            "results",
        ];
        let new = name.starts_with("drain") || name.starts_with("lens") || name.starts_with("member-");
        if narrow.contains(&name) || new || ["overview", "elections"].contains(&name) {
            let mut model = sample::model(60, 20);
            story(&mut model);
            compare(&format!("{name}-60x20"), &model, RICH);
        }
    }
    compare("balancers-160x50", &sample::model(160, 50), RICH);
    compare("summary-30x5", &sample::model(30, 5), RICH);
    compare("summary-20x5", &sample::model(20, 5), RICH);
    let mut model = sample::model(80, 24);
    press(&mut model, &[Key::Char('/')]);
    press(&mut model, "node");
    compare("filter-80x24", &model, RICH);
    compare("waiting-80x24", &Model::new("site.conf", Size { width: 80, height: 24 }), RICH);
}

#[test]
fn plain_screens_say_the_same_without_colour_and_beyond_ascii() {
    for (name, story) in STORIES {
        let mut model = sample::model(80, 24);
        story(&mut model);
        let buffer = painted(&model, PLAIN);
        assert!(text(&buffer).is_ascii(), "{name}");
        for cell in &buffer.content {
            assert_eq!(cell.fg, ratatui::style::Color::Reset, "{name}");
            assert_eq!(cell.bg, ratatui::style::Color::Reset, "{name}");
        }
    }
    compare("balancers-80x24-ascii", &sample::model(80, 24), PLAIN);
}

#[test]
fn a_question_shows_its_answer_line_at_every_size_where_it_can_be_answered() {
    let mut model = sample::model(80, 24);
    press(&mut model, &[Key::Char('D')]);
    for width in (40..130).step_by(3) {
        for height in 10..40 {
            update(&mut model, Message::Resize(Size { width, height }));
            let drawn = text(&painted(&model, RICH));
            assert!(drawn.contains("Disable app/node1?"), "{width}x{height}:\n{drawn}");
            assert!(drawn.contains("Type node1 or all"), "{width}x{height}:\n{drawn}");
            assert!(drawn.contains("Breaks sessions"), "{width}x{height}:\n{drawn}");
        }
    }
}

#[test]
fn a_tiny_window_shows_the_worst_and_how_many_are_well() {
    for (width, height, wanted) in [
        (20, 5, &["▲1 Err ◐1 Drn", "○1 Stby ●3 Ok", "52.0 req/s", "enlarge the window", "ARMED  q quit"][..]),
        (30, 3, &["▲1 Err ◐1 Drn ○1 Stby ●3 Ok", "52.0 req/s", "ARMED  q quit"]),
        (20, 2, &["▲1 Err ◐1 Drn ●3 Ok", "ARMED  q quit"]),
        (14, 1, &["▲1 Err ●3 Ok"]),
        (8, 3, &["▲1 Err", "●3 Ok", "ARMED q"]),
        (6, 2, &["▲1 Err", "ARMED"]),
        (3, 4, &["▲1", "◐1", "●3", "A"]),
        (1, 1, &["▲"]),
    ] {
        let drawn = text(&painted(&sample::model(width, height), RICH));
        assert_eq!(drawn.lines().collect::<Vec<_>>(), wanted, "{width}x{height}");
    }
}

#[test]
fn a_long_toast_takes_four_lines_and_a_longer_one_ends_with_an_ellipsis() {
    let words = |count: usize| vec!["advice"; count].join(" ");
    for (count, height, lines, whole) in [
        (5, 24, 1, true),
        (20, 24, 2, true),
        (60, 24, 4, false),
        (40, 20, 3, false),
        (40, 16, 2, false),
        (20, 12, 1, false),
    ] {
        let mut model = sample::model(80, height);
        model.tell(Tone::Good, words(count));
        let drawn = text(&painted(&model, RICH));
        let told: Vec<&str> = drawn.lines().filter(|line| line.contains("advice")).collect();
        assert_eq!(told.len(), lines, "{drawn}");
        assert!(told[0].starts_with(" ● advice"), "{drawn}");
        assert_eq!(told.concat().matches("advice").count() == count, whole, "{drawn}");
        assert_eq!(told.last().is_some_and(|line| line.ends_with('…')), !whole, "{drawn}");
        // What can be done about it is never what gives way, but on one line alone.
        model.tell_for(Duration::from_secs(9), Tone::Good, (words(count), Some("u undoes".to_owned())));
        let drawn = text(&painted(&model, RICH));
        assert_eq!(drawn.contains("u undoes"), height > 12, "{drawn}");
        assert!(
            drawn.lines().next_back().is_some_and(|line| line.contains("undoes") == (height > 12)),
            "{drawn}"
        );
    }
}

#[test]
fn a_command_that_names_its_proxy_is_told_in_two_lines_where_there_are_two() {
    let command = "evenkeel --socket /run/evenkeel/web/admin.sock drain app/node1 --until no-sessions";
    for (height, said, whole) in [(24, 1, true), (24, 60, false), (20, 1, true), (16, 1, false)] {
        let mut model = sample::model(80, height);
        let more = Some(format!("u undoes   y copies: {command}"));
        model.tell_for(Duration::from_secs(9), Tone::Good, (vec!["done"; said].join(" "), more));
        let drawn = text(&painted(&model, RICH));
        let told: Vec<&str> =
            drawn.lines().skip_while(|line| !line.contains("u undoes   y copies: ")).collect();
        let told = told.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(told.ends_with(command), whole, "{drawn}");
        assert_eq!(told.ends_with('…'), !whole, "{drawn}");
    }
}

#[test]
fn the_reason_of_a_lost_connection_goes_on_without_its_end() {
    for why in ["is it running?", "is it running.", "is it running? ."] {
        let mut model = sample::model(120, 36);
        let lost = News::Lost { why: why.to_owned(), next_try: Duration::from_secs(2) };
        update(&mut model, Message::News(lost));
        let drawn = text(&painted(&model, RICH));
        assert!(drawn.contains("LOST, seen 0 s ago: is it running (next try in 2 s)"), "{drawn}");
    }
}

#[test]
fn a_proxy_that_never_answered_is_told_as_that_at_every_size() {
    for (width, height) in [(120, 36), (80, 24), (60, 20), (30, 5), (20, 5)] {
        let mut model = Model::new("site.conf", Size { width, height });
        let lost = News::Lost { why: "no socket".to_owned(), next_try: Duration::from_secs(2) };
        update(&mut model, Message::News(lost));
        let drawn = text(&painted(&model, RICH));
        assert!(drawn.contains("never answered") && !drawn.contains("LOST"), "{drawn}");
    }
}

#[test]
fn an_edit_that_a_reload_dropped_is_not_the_last_change() {
    let mut model = sample::model(120, 36);
    press(&mut model, &[Key::Down]);
    assert!(text(&painted(&model, RICH)).contains("by anna: drain Off → On"));
    let target = sample::target("node2");
    let dropped = evenkeel_protocol::Override {
        subject: evenkeel_protocol::Subject { balancer: target.balancer, member: Some(target.member) },
        field: "drain".to_owned(),
        value: "On".to_owned(),
        why: "it is gone".to_owned(),
        loss: evenkeel_protocol::Loss::default(),
    };
    let mut event = sample::failed_event(3);
    event.kind = evenkeel_protocol::EventKind::OverrideDropped(dropped);
    update(&mut model, Message::News(News::Event(Box::new(event))));
    let drawn = text(&painted(&model, RICH));
    assert!(drawn.contains("by a reload: drain On dropped, it is gone"), "{drawn}");
}

#[test]
fn a_status_is_shown_whole_where_gaps_would_be_wide() {
    for width in [120, 160] {
        let mut model = sample::model(width, 36);
        let mut snapshot = sample::snapshot(62);
        snapshot.balancers[0].members[1].words = "Init Ign Stby Spar Ok".to_owned();
        update(&mut model, Message::News(News::Snapshot(Box::new(snapshot))));
        let drawn = text(&painted(&model, RICH));
        assert!(drawn.contains("Ign Stby Spar Ok"), "{drawn}");
        assert!(drawn.contains("Load"), "no column that matters is given up for it:\n{drawn}");
    }
}

#[test]
fn three_hundred_members_scroll_with_their_heading_in_sight() {
    let mut model = sample::model(80, 24);
    let mut snapshot = sample::snapshot(62);
    snapshot.balancers[0].members = (0..300)
        .map(|number| sample::member(&format!("http://app{number}.example.com:8080"), &format!("r{number}")))
        .collect();
    update(&mut model, Message::News(News::Snapshot(Box::new(snapshot))));
    press(&mut model, &[Key::Home]);
    for at in 0..300 {
        let drawn = text(&painted(&model, RICH));
        assert!(
            drawn.contains(&format!("▸ http://app{at}.")) || drawn.contains(&format!("▸ app{at}.")),
            "{drawn}"
        );
        assert!(drawn.contains("balancer://app"), "{at}:\n{drawn}");
        press(&mut model, &[Key::Down]);
    }
}

#[test]
fn hostile_text_is_drawn_as_replacements() {
    let mut model = sample::model(120, 36);
    let mut snapshot = sample::snapshot(62);
    let evil = "\u{1b}]52;c;AAAA\u{7}\u{202e}日本\u{200b}e\u{301}".repeat(500);
    snapshot.balancers[0].paths = vec![evil.clone()];
    snapshot.balancers[0].members[2].words = evil.clone();
    if let Some(error) = &mut snapshot.balancers[0].members[2].error {
        error.reason = evil.clone();
    }
    update(&mut model, Message::News(News::Snapshot(Box::new(snapshot))));
    update(&mut model, Message::News(News::Lost { why: evil, next_try: Duration::MAX }));
    press(&mut model, &[Key::Down, Key::Down]);
    for cell in &painted(&model, RICH).content {
        assert!(!cell.symbol().chars().any(char::is_control), "{:?}", cell.symbol());
    }
}

#[test]
fn what_is_found_is_cleaned_before_it_is_drawn() {
    let evil = "\u{1b}]52;c;AAAA\u{7}\u{202e}\u{9b}2J";
    for story in ["lens", "elections", "member-past"] {
        let (_, story) = STORIES.iter().find(|(name, _)| *name == story).unwrap();
        let mut model = sample::model(120, 36);
        story(&mut model);
        for need in model.gathered.needs.clone() {
            let Some(found) = sample::found(&need) else { continue };
            let mut outcome = Ok(found);
            if let Ok(Found::Explanation(it)) = &mut outcome {
                it.verdict.push_str(evil);
                it.balancer.as_mut().unwrap().notes.push(evil.to_owned());
                it.balancer.as_mut().unwrap().session.id.push_str(evil);
            } else if let Ok(Found::Elections(it)) = &mut outcome {
                it.elections[2].failed = Some(evil.to_owned());
                it.elections[2].asked = Some(evil.to_owned());
            } else if let Ok(Found::Overrides(it)) = &mut outcome {
                it.fields[0].effective.push_str(evil);
                it.fields[0].overridden.as_mut().unwrap().reason = Some(evil.to_owned());
            } else if let Ok(Found::History(it)) = &mut outcome {
                it.marks.iter_mut().for_each(|mark| mark.text.push_str(evil));
            } else {
                outcome = Err(evil.to_owned());
            }
            update(&mut model, Message::News(News::Found { need, outcome }));
        }
        let drawn = text(&painted(&model, RICH));
        assert!(drawn.chars().all(|c| c == '\n' || evenkeel_protocol::clean::is_clean(c)), "{drawn}");
        assert!(drawn.contains('\u{fffd}'), "it is shown to be dirty:\n{drawn}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn nothing_that_happens_panics_at_any_size(
        width in 0_u16..200,
        height in 0_u16..60,
        happenings in proptest::collection::vec((0_usize..14, 0_usize..1000), 0..10),
        story in 0_usize..STORIES.len(),
        answered in proptest::bool::ANY,
    ) {
        let keys: Vec<Key> = crate::keymap::ROWS.iter().flat_map(|row| row.keys.iter()).copied().collect();
        let mut model = sample::model(80, 24);
        STORIES[story].1(&mut model);
        update(&mut model, Message::Resize(Size { width, height }));
        for (what, number) in happenings {
            happen(&mut model, what, (number, &keys));
            if answered {
                sample::answer(&mut model);
            }
            painted(&model, PLAIN);
        }
        painted(&model, RICH);
    }
}

/// One of the things that can happen, whatever came before it.
fn happen(model: &mut Model, what: usize, (number, keys): (usize, &[Key])) {
    let second = 62 + number as u64;
    let snapshot = |change: &dyn Fn(&mut Snapshot)| {
        let mut snapshot = sample::snapshot(second);
        change(&mut snapshot);
        Message::News(News::Snapshot(Box::new(snapshot)))
    };
    let message = match what {
        0 => {
            let cells = |number: usize| u16::try_from(number).unwrap();
            Message::Resize(Size { width: cells(number % 130), height: cells(number / 16) })
        }
        1 => snapshot(&|snapshot| snapshot.balancers.truncate(number % 3)),
        2 => snapshot(&|snapshot| {
            let balancer = &mut snapshot.balancers[0];
            balancer.members.truncate(number % 4);
            balancer.members.iter_mut().for_each(|member| member.revision = number as u64 % 7);
        }),
        10 => {
            let mut snapshot = sample::drained(second);
            let drain = &mut snapshot.drains[0];
            drain.left_ms = (number % 3 > 0).then_some(number as u64 * 997);
            drain.safe_to_stop = number.is_multiple_of(5);
            drain.sessions.live = (number % 4 > 0).then_some(number as u64);
            snapshot.drains.truncate(number % 2);
            Message::News(News::Snapshot(Box::new(snapshot)))
        }
        3 => Message::News(News::Lost { why: "x".repeat(number), next_try: Duration::from_secs(second) }),
        4 => Message::Paste("drain app/node1 \u{1b}日".repeat(number % 9)),
        5 => Message::Tick(sample::clock(second * 10)),
        6 => Message::News(News::Answer {
            ticket: crate::news::Ticket(number as u64 % 4),
            outcome: if number.is_multiple_of(2) {
                Ok(Box::new(sample::edited("drain", "Off", "On")))
            } else {
                Err("refused".to_owned())
            },
        }),
        _ => return press(model, &[keys[number % keys.len()]]),
    };
    update(model, message);
}

/// An httpd that has forgotten the drain of node1.
fn forgetful(width: u16, height: u16) -> Model {
    let mut model = sample::model(width, height);
    let mut snapshot = sample::snapshot(62);
    snapshot.proxy.product = evenkeel_protocol::Hello::HTTPD.to_owned();
    snapshot.proxy.untold = ["served", "failed", "answers"].map(str::to_owned).to_vec();
    let target = sample::target("node1");
    snapshot.forgotten.push(evenkeel_protocol::Override {
        subject: evenkeel_protocol::Subject { balancer: target.balancer, member: Some(target.member) },
        field: "drain".to_owned(),
        value: "On".to_owned(),
        why: String::new(),
        loss: evenkeel_protocol::Loss::default(),
    });
    hear(&mut model, snapshot);
    model
}

#[test]
fn an_httpd_shows_what_it_forgot_and_what_it_does_not_tell() {
    for (width, height) in [(80, 24), (120, 36)] {
        let mut model = forgetful(width, height);
        compare(&format!("httpd-forgot-{width}x{height}"), &model, RICH);
        press(&mut model, &[Key::Char('4')]);
        let lens = text(&painted(&model, RICH));
        assert!(lens.contains("Nothing to show: httpd does not tell why"), "{lens}");
        press(&mut model, &[Key::Char('i')]);
        assert_eq!(model.popup, None);
    }
}
