//! What follows from one page after another: restarts, forgotten edits, several servers, revisions.

use super::super::page::Page;
use super::super::scripted::Shown;
use super::super::servers::Run;
use super::super::sight::Sight;
use evenkeel_protocol::{Cause, Loss};

use super::*;
use crate::lost;

const A: &str = "http://a:1";

fn take(record: &mut Record, shown: &Shown, second: u64) -> Snapshot {
    let page = Page::read(&shown.page(false)).unwrap();
    let taken = Timestamp(second * 1_000_000);
    let seen = Sight { page: &page, exact: None, url: "http://lb1/bm", taken }.snapshot();
    // Whoever reads it makes sure of it.
    while {
        record.servers.hear(Run::of(&page));
        record.servers.is_in_doubt()
    } {}
    record.take(page.persists, seen)
}

fn subject() -> Subject {
    Subject { balancer: "app".parse().unwrap(), member: A.parse().ok() }
}

fn drained(record: &mut Record) {
    let change = Change { field: "drain".to_owned(), before: "Off".to_owned(), after: "On".to_owned() };
    record.made(&subject(), &[change]);
}

/// The kinds of all events, as in messages.
fn kinds(record: &Record) -> Vec<String> {
    let kind = |event: &Event| serde_json::to_value(event).unwrap()["event"].as_str().unwrap().to_owned();
    record.events.iter().map(kind).collect()
}

#[test]
fn a_restart_tells_which_of_our_edits_are_gone_until_they_are_made_again() {
    let mut record = Record::default();
    let fresh = Shown::new(&[A, "http://b:1"]);
    let mut draining = fresh.clone();
    draining.rows[0].words = "Init Drn Ok ".to_owned();
    take(&mut record, &fresh, 1);
    record.expect(Some((subject(), vec!["drain"])));
    take(&mut record, &draining, 2);
    record.expect(None);
    assert_eq!(kinds(&record), [""; 0], "what is being set from here is no news");
    drained(&mut record);
    let restarted = Shown { nonce: "another".to_owned(), ..fresh.clone() };
    let seen = take(&mut record, &restarted, 3);
    assert_eq!(kinds(&record), ["override_dropped", "httpd_restarted"]);
    assert_eq!(
        (seen.forgotten.len(), seen.forgotten[0].field.as_str(), seen.proxy.started),
        (1, "drain", Timestamp(3_000_000))
    );
    let seen = take(&mut record, &restarted, 4);
    assert_eq!((seen.forgotten.len(), seen.proxy.started), (1, Timestamp(3_000_000)), "it stays said");
    let again = Shown { nonce: "another".to_owned(), ..draining };
    assert_eq!(take(&mut record, &again, 5).forgotten, []);
}

#[test]
fn what_was_lost_last_stands_first() {
    let mut record = Record::default();
    let fresh = Shown::new(&[A, "http://b:1"]);
    for (run, row) in [(1, 0), (2, 1)] {
        let mut shown = Shown { nonce: format!("run {run}"), ..fresh.clone() };
        take(&mut record, &shown, run * 10);
        shown.rows[row].words = "Init Drn Ok ".to_owned();
        take(&mut record, &shown, run * 10 + 1);
    }
    let seen = take(&mut record, &Shown { nonce: "run 3".to_owned(), ..fresh }, 30);
    let lost: Vec<&str> = seen
        .forgotten
        .iter()
        .filter_map(|lost| lost.subject.member.as_ref())
        .map(MemberName::as_str)
        .collect();
    assert_eq!(lost, ["http://b:1", A]);
}

#[test]
fn what_survives_a_restart_is_kept_and_what_is_taken_back_is_not_ours() {
    for (undone, after, lost) in [(false, "Init Drn Ok ", 0), (false, "Init Ok ", 1), (true, "Init Ok ", 0)] {
        let mut record = Record::default();
        let mut shown = Shown::new(&[A, "http://b:1"]);
        take(&mut record, &shown, 1);
        drained(&mut record);
        shown.rows[0].words = if undone { "Init Ok " } else { "Init Drn Ok " }.to_owned();
        take(&mut record, &shown, 2);
        if undone {
            let change =
                Change { field: "drain".to_owned(), before: "On".to_owned(), after: "Off".to_owned() };
            record.made(&subject(), &[change]);
        }
        shown.nonce = "another".to_owned();
        shown.rows[0].words = after.to_owned();
        assert_eq!(take(&mut record, &shown, 3).forgotten.len(), lost, "{undone} {after}");
    }
}

#[test]
fn what_others_had_set_is_told_and_offered_too() {
    let mut record = Record::default();
    let mut shown = Shown::new(&[A, "http://b:1"]);
    take(&mut record, &shown, 1);
    shown.rows[1].words = "Init Drn Ok ".to_owned();
    take(&mut record, &shown, 2);
    let restarted = Shown { nonce: "another".to_owned(), ..Shown::new(&[A, "http://b:1"]) };
    let seen = take(&mut record, &restarted, 3);
    assert_eq!(kinds(&record), ["member_edited", "override_dropped", "httpd_restarted"]);
    let [lost] = seen.forgotten.as_slice() else { panic!("{:?}", seen.forgotten) };
    assert!(lost.why.ends_with("it is Off now"), "{lost:?}");
    assert_eq!(lost.loss, Loss { elsewhere: true, cause: Some(Cause::Restart) }, "it was seen to be set");
    assert_eq!((lost.field.as_str(), lost.value.as_str()), ("drain", "On"));
    assert!(matches!(
        record.events.back().unwrap().kind,
        EventKind::HttpdRestarted(HttpdRestart { kept: 0, dropped: 0, others: 1, .. })
    ));
}

#[test]
fn a_changed_configuration_is_told_from_an_edit_that_was_forgotten_where_that_can_be_known() {
    let restart = "httpd was restarted, perhaps gracefully, and has forgotten it; it is 0 now";
    let third = "httpd was restarted with another configuration, which says neither this nor what was there before; \
                 it is 7 now";
    let unknown = "seen before the restart, not made here: httpd has forgotten it, or its configuration was changed; \
                   it is 7 now";
    // Who has set it to 3, in the words of the test: us, somebody who was seen, or somebody before we looked.
    for (who, after, why) in [
        ("us", 0, Some(restart)),
        ("us", 7, Some(third)),
        ("us", 3, None),
        ("seen", 7, Some(third)),
        ("before", 7, Some(unknown)),
    ] {
        let mut record = Record::default();
        let mut shown = Shown::new(&[A, "http://b:1"]);
        shown.rows[0].set = if who == "before" { 3 } else { 0 };
        take(&mut record, &shown, 1);
        shown.rows[0].set = 3;
        if who == "us" {
            let change = Change { field: "lbset".to_owned(), before: "0".to_owned(), after: "3".to_owned() };
            record.made(&subject(), &[change]);
        }
        take(&mut record, &shown, 2);
        shown.nonce = "another".to_owned();
        shown.rows[0].set = after;
        let lost = take(&mut record, &shown, 3).forgotten;
        assert_eq!(lost.first().map(|lost| lost.why.as_str()), why, "{who} {after}");
        assert!(lost.iter().all(|lost| lost.loss.elsewhere == (who != "us")), "{lost:?}");
    }
}

#[test]
fn after_several_servers_the_one_that_is_left_is_asked_what_it_has_of_our_edits() {
    let mut record = Record::default();
    let shown = |nonce: &str| Shown { nonce: nonce.to_owned(), ..Shown::new(&[A, "http://b:1"]) };
    let mut draining = shown("x");
    draining.rows[0].words = "Init Drn Ok ".to_owned();
    take(&mut record, &shown("x"), 1);
    drained(&mut record);
    take(&mut record, &draining, 2);
    record.servers.hear(Run::of(&Page::read(&shown("y").page(false)).unwrap()));
    let mixed = take(&mut record, &draining, 4);
    assert!(mixed.alternating && mixed.warnings[0].starts_with("several servers"), "{mixed:?}");
    let mut second = 5;
    let left = loop {
        let seen = take(&mut record, &shown("y"), second);
        if !seen.alternating {
            break seen;
        }
        assert_eq!(seen.forgotten, [], "nothing follows from one to the other");
        second += 1;
    };
    let [lost] = left.forgotten.as_slice() else { panic!("{:?}", left.forgotten) };
    assert_eq!(lost.loss, Loss { elsewhere: false, cause: Some(Cause::Server) });
    assert!(lost.why.contains("the one that answers now has it not"), "{lost:?}");
    assert_eq!(left.proxy.started, Timestamp(second * 1_000_000), "what it was told by number is over");
}

#[test]
fn fixed_nonces_do_not_hide_a_restart() {
    let mut record = Record::default();
    let mut shown = Shown::new(&[A]);
    take(&mut record, &shown, 1);
    shown.rows[0].elected = 3;
    assert_eq!(take(&mut record, &shown, 2).proxy.started, Timestamp(2_000_000));
    shown.rows[0].elected = 4;
    assert_eq!(take(&mut record, &shown, 3).proxy.started, Timestamp(2_000_000));
}

#[test]
fn what_a_restart_has_left_in_flight_is_thought_of_for_an_hour() {
    let mut record = Record::default();
    let shown = |nonce: &str, busy| {
        let mut shown = Shown { nonce: nonce.to_owned(), ..Shown::new(&[A]) };
        shown.rows[0].busy = busy;
        shown
    };
    take(&mut record, &shown("x", 2), 1);
    let seen = take(&mut record, &shown("y", 0), 2);
    let subject = subject();
    let places = seen.places(&subject.balancer, subject.member.as_ref().unwrap()).unwrap();
    for (second, left) in [(2, 2), (3601, 2), (3602, 0)] {
        assert_eq!(record.left_at(&subject, &places, Timestamp(second * 1_000_000)), left, "{second}");
    }
}

#[test]
fn a_run_that_comes_back_is_another_server() {
    let mut record = Record::default();
    let shown = |nonce: &str| Shown { nonce: nonce.to_owned(), ..Shown::new(&[A]) };
    for (second, nonce, several) in [(1, "x", false), (2, "y", false), (3, "x", true), (4, "y", true)] {
        take(&mut record, &shown(nonce), second);
        assert_eq!(record.servers.several().is_some(), several, "{second}");
    }
    let events = record.number();
    take(&mut record, &shown("x"), 5);
    assert_eq!(record.number(), events, "nothing can be told of two servers in turn");
}

#[test]
fn revisions_tell_settings_apart_and_count_on() {
    let mut record = Record::default();
    let mut shown = Shown::new(&[A]);
    let revision = |snapshot: &Snapshot| snapshot.balancers[0].members[0].revision;
    let first = revision(&take(&mut record, &shown, 1));
    shown.rows[0].elected += 5;
    assert_eq!(revision(&take(&mut record, &shown, 2)), first, "counters are no settings");
    shown.rows[0].set = 2;
    let second = revision(&take(&mut record, &shown, 3));
    assert!(second > first && second >> 32 == 1);
    let elsewhere = revision(&take(&mut Record::default(), &shown, 1));
    assert!(is_revision(elsewhere, second) && !is_revision(first, second) && is_revision(second, second));
}

#[test]
fn a_member_that_comes_is_an_edit_of_its_balancer_unless_it_is_ours() {
    for (expected, told) in [(None, &["balancer_edited"][..]), (Some("app"), &[])] {
        let mut record = Record::default();
        let mut shown = Shown::new(&[A]);
        take(&mut record, &shown, 1);
        let own = |name: &str| Subject { balancer: name.parse().unwrap(), member: None };
        record.expect(expected.map(|name| (own(name), vec![MEMBER])));
        shown.rows.push(Shown::new(&[A, "http://b:1"]).rows[1].clone());
        take(&mut record, &shown, 2);
        assert_eq!(kinds(&record), told);
    }
}

#[test]
fn what_a_cache_has_kept_is_no_news_and_makes_no_restart() {
    let mut record = Record::default();
    let fresh = Shown::new(&[A, "http://b:1"]);
    let mut draining = fresh.clone();
    draining.rows[0].words = "Init Drn Ok ".to_owned();
    take(&mut record, &fresh, 1);
    take(&mut record, &draining, 2);
    let told = kinds(&record);
    let old = Page { cached: Some("Age: 17".to_owned()), ..Page::read(&fresh.page(false)).unwrap() };
    for second in [3, 4] {
        let taken = Timestamp(second * 1_000_000);
        let seen = Sight { page: &old, exact: None, url: "http://lb1/bm", taken }.snapshot();
        let seen = record.take(None, seen);
        assert!(seen.cached && seen.warnings[0].contains("Age: 17"), "{:?}", seen.warnings);
    }
    let seen = take(&mut record, &draining, 5);
    assert_eq!((kinds(&record), seen.cached, seen.warnings.len()), (told, false, 0));
}

#[test]
fn a_member_that_was_added_and_is_gone_after_a_restart_is_lost_with_the_line_that_adds_it() {
    const B: &str = "http://b:1";
    // Who has added it, in the words of the test, and what is known of that.
    let plain = Loss { elsewhere: false, cause: Some(Cause::Restart) };
    let seen = Loss { elsewhere: true, ..plain };
    for (who, loss) in [("us", plain), ("seen", seen), ("before", Loss { cause: None, ..seen })] {
        let mut record = Record::default();
        let two = Shown::new(&[A, B]);
        take(&mut record, &if who == "before" { two.clone() } else { Shown::new(&[A]) }, 1);
        let of_b = Subject { balancer: "app".parse().unwrap(), member: B.parse().ok() };
        if who == "us" {
            record.made(&of_b, &[joining(of_b.member.as_ref().unwrap())]);
        }
        let mut draining = two.clone();
        draining.rows[1].words = "Init Drn Ok ".to_owned();
        take(&mut record, &draining, 2);
        let restarted = |rows: &[&str]| Shown { nonce: "another".to_owned(), ..Shown::new(rows) };
        let seen = take(&mut record, &restarted(&[A]), 3);
        let [lost] = seen.forgotten.as_slice() else { panic!("{who}: {:?}", seen.forgotten) };
        assert_eq!((&lost.subject, lost.field.as_str(), lost.loss), (&of_b, MEMBER, loss), "{who}");
        let addition = lost::addition(lost).unwrap();
        assert_eq!(addition.url, B);
        assert!(addition.parameters.iter().any(|word| word == "status=+N-D"), "{addition:?}");
        assert_eq!(kinds(&record).last().map(String::as_str), Some("httpd_restarted"));
        assert_eq!(take(&mut record, &restarted(&[A]), 4).forgotten.len(), 1, "it stays said");
        assert_eq!(take(&mut record, &restarted(&[A, B]), 5).forgotten, [], "it is there again");
    }
}
