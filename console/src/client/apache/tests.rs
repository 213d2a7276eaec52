//! A client of manager pages, good and bad, against a server that answers as it is told.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use evenkeel_protocol::refusal::Code;
use evenkeel_protocol::{BalancerName, DrainCancel, DrainOrder, DrainUntil, MemberEdit, MemberName};

use super::scripted::{Act, Asked, Server, Shown};
use crate::client::scripted::soon;
use crate::client::{Client, Failure};

mod replies;

type Answer = fn() -> Act;

fn target(url: &str) -> (BalancerName, MemberName) {
    ("app".parse().unwrap(), MemberName::as_shown(url).unwrap())
}

fn drain() -> MemberEdit {
    MemberEdit { drain: Some(true), ..MemberEdit::default() }
}

async fn drained(client: &Client, url: &str) -> Result<evenkeel_protocol::Edited, Failure> {
    let (balancer, member) = target(url);
    soon(client.edit_member(&balancer, &member, &drain())).await
}

/// A page that applies what is posted in its own way.
async fn page(shown: Shown, apply: impl Fn(&mut Shown, &str) + Send + Sync + 'static) -> Server {
    let shown = Arc::new(Mutex::new(shown));
    Server::start(move |(method, target, body): &Asked| {
        let mut shown = shown.lock().unwrap();
        if method == "POST" {
            apply(&mut shown, body);
        }
        if target.contains("xml=") {
            return Act::Raw(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec());
        }
        Act::Page(shown.page(target.contains("w=") || body.contains("w=")))
    })
    .await
}

const A: &str = "http://10.0.0.1:8080";
const B: &str = "http://10.0.0.2:8080";

#[tokio::test]
async fn what_cannot_be_done_is_told_without_asking() {
    let server = Server::start(|_| Act::Hang).await;
    let failure = server.client().reload().await.unwrap_err();
    let Failure::Unable(why) = &failure else { panic!("{failure:?}") };
    assert!(why.contains("apachectl graceful") && why.contains("--socket on its machine"), "{why}");
}

#[tokio::test]
async fn an_edit_posts_only_what_changes_and_is_proven() {
    let server = page(Shown::new(&[A, B]), |shown, _| shown.rows[0].words = "Init Drn Ok ".to_owned()).await;
    let client = server.client();
    let edited = drained(&client, A).await.unwrap();
    assert!(edited.changed && !edited.durable, "{edited:?}");
    assert!(edited.notes[0].contains("next restart"), "{edited:?}");
    assert_eq!(server.posted(), [format!("b=app&w={A}&nonce=6f1c0a&w_status_N=1")]);
    let again = drained(&client, A).await.unwrap();
    assert!(!again.changed, "{again:?}");
    assert_eq!(server.posted().len(), 1, "what holds already is not posted");
    let stale = MemberEdit { revision: Some(1), drain: Some(false), ..MemberEdit::default() };
    let (balancer, member) = target(A);
    let refused = soon(client.edit_member(&balancer, &member, &stale)).await.unwrap_err();
    assert!(matches!(&refused, Failure::Refused(why) if why.code == Code::Stale), "{refused:?}");
}

#[tokio::test]
async fn that_a_restart_forgets_it_is_said_only_of_what_it_would_take_away() {
    let server = page(Shown::new(&[A, B]), |shown, body| {
        let on = body.contains("w_status_N=1");
        shown.rows[0].words = if on { "Init Drn Ok " } else { "Init Ok " }.to_owned();
    })
    .await;
    let client = server.client();
    let (balancer, member) = target(A);
    let told = drained(&client, A).await.unwrap();
    assert!(!told.durable && told.notes.iter().any(|note| note.contains("next restart")), "{told:?}");
    let undo = MemberEdit { drain: Some(false), ..MemberEdit::default() };
    let back = soon(client.edit_member(&balancer, &member, &undo)).await.unwrap();
    assert!(back.changed && back.durable && back.notes.is_empty(), "{back:?}");
    let begun = soon(client.begin_drain(&balancer, &member, &DrainOrder::default())).await.unwrap();
    assert!(!begun.lasts(), "{begun:?}");
    let cancel = DrainCancel { restore: Some(true), ..DrainCancel::default() };
    let ended = soon(client.cancel_drain(begun.drain.number, &cancel)).await.unwrap();
    assert!(ended.lasts(), "{ended:?}");
    drained(&client, A).await.unwrap();
    // Whoever has not seen how it was before says what it hangs on.
    let stranger = soon(server.client().edit_member(&balancer, &member, &undo)).await.unwrap();
    assert!(stranger.notes[0].contains("unless its configuration says the same"), "{stranger:?}");
}

#[tokio::test]
async fn what_a_page_of_an_own_proxy_cannot_do_its_socket_does() {
    for (version, says) in [("Apache/2.4.71 (Evenkeel)", "--socket"), ("Apache/2.4.62 (Unix)", "httpd")] {
        let server = page(Shown { version, ..Shown::new(&[A, B]) }, |_, _| {}).await;
        let client = server.client();
        soon(client.snapshot()).await.unwrap();
        let failure = soon(client.overrides()).await.unwrap_err();
        assert!(matches!(&failure, Failure::Unable(why) if why.contains(says)), "{failure:?}");
        let (balancer, member) = target(A);
        let order = DrainOrder { until: Some(DrainUntil::NoSessions), ..DrainOrder::default() };
        let failure = soon(client.begin_drain(&balancer, &member, &order)).await.unwrap_err();
        assert!(matches!(&failure, Failure::Unable(why) if why.contains(says)), "{failure:?}");
    }
}

#[tokio::test]
async fn the_last_member_is_guarded_unless_that_is_overridden() {
    let server = page(Shown::new(&[A]), |shown, _| shown.rows[0].words = "Init Drn Ok ".to_owned()).await;
    let client = server.client();
    let refused = drained(&client, A).await.unwrap_err();
    assert!(matches!(&refused, Failure::Refused(why) if why.code == Code::Guarded), "{refused:?}");
    let (balancer, member) = target(A);
    let begun = soon(client.begin_drain(&balancer, &member, &DrainOrder::default())).await.unwrap_err();
    assert!(begun.to_string().contains("last usable member"), "{begun}");
    assert_eq!(server.posted().len(), 0);
    let forced = DrainOrder { force: Some(true), ..DrainOrder::default() };
    assert!(soon(client.begin_drain(&balancer, &member, &forced)).await.unwrap().changed);
}

#[tokio::test]
async fn the_expression_that_httpd_clears_with_a_method_is_of_the_same_edit() {
    let cleared = std::sync::atomic::AtomicBool::new(false);
    let server = Server::start(move |(method, target, _): &Asked| {
        if method == "POST" {
            cleared.store(true, Ordering::Relaxed);
        }
        let shown = if cleared.load(Ordering::Relaxed) { ("NONE", "") } else { ("GET", "ok234") };
        let cells =
            format!("<td>{}</td><td>500ms</td><td>2 (1)</td><td>3 (0)</td><td></td><td>{}", shown.0, shown.1);
        let page = String::from_utf8(Shown::new(&[A]).page(target.contains("w="))).unwrap();
        let page =
            page.replace("<td>TCP</td><td>500ms</td><td>2 (1)</td><td>3 (0)</td><td></td><td>", &cells);
        Act::Page(
            page.replace("<input name='w_ls'>", "<select name='w_hm'><option value='NONE'></select>")
                .into_bytes(),
        )
    })
    .await;
    let (balancer, member) = target(A);
    let edit = MemberEdit { hcmethod: "NONE".parse().ok(), ..MemberEdit::default() };
    let edited = soon(server.client().edit_member(&balancer, &member, &edit)).await.unwrap();
    let changed: Vec<&str> = edited.changes.iter().map(|change| change.field.as_str()).collect();
    assert_eq!(changed, ["hcmethod", "hcexpr"]);
    assert!(!edited.notes.iter().any(|note| note.contains("not by this")), "{:?}", edited.notes);
}

#[tokio::test]
async fn an_edit_that_does_not_hold_is_an_error_with_its_likely_cause() {
    type Apply = fn(&mut Shown, &str);
    let swallow: Apply = |_, _| {};
    let other: Apply = |shown, _| shown.rows[1].words = "Init Drn Ok ".to_owned();
    let restart: Apply = |shown, _| shown.nonce = "another".to_owned();
    let locked = Shown { nonce: String::new(), ..Shown::new(&[A, B]) };
    for (what, shown, apply, code, says) in [
        ("swallowed", Shown::new(&[A, B]), swallow, Code::Internal, "has read it and left that as it is"),
        ("other", Shown::new(&[A, B]), other, Code::Internal, "has now drain On: httpd took it for that one"),
        ("restarted", Shown::new(&[A, B]), restart, Code::Internal, "httpd was restarted in between"),
        ("nonce=None", locked, swallow, Code::ReadOnly, "nonce=None"),
    ] {
        let server = page(shown, apply).await;
        let failure = drained(&server.client(), A).await.unwrap_err();
        let Failure::Refused(refusal) = &failure else { panic!("{what}: {failure:?}") };
        assert!(refusal.code == code && refusal.message.contains(says), "{what}: {failure}");
    }
}

#[tokio::test]
async fn what_a_page_does_not_list_or_cannot_tell_apart_is_not_posted() {
    for (urls, url, says) in [
        (&[A, B][..], "http://10.0.0.3", "lists no member"),
        (&["http://h/", "http://h/app"], "http://h/ap", "lists no member"),
        (&["http://h/x", "HTTP://H/x"], "http://h/x", "2 members of app"),
    ] {
        let server = page(Shown::new(urls), |_, _| {}).await;
        let failure = drained(&server.client(), url).await.unwrap_err();
        assert!(failure.to_string().contains(says), "{url}: {failure}");
        assert_eq!(server.posted().len(), 0);
    }
    let server = page(Shown::new(&["http://h/", "http://h/app"]), |shown, body| {
        assert!(body.contains("w=http://h/&"), "{body}");
        shown.rows[0].words = "Init Drn Ok ".to_owned();
    })
    .await;
    assert!(drained(&server.client(), "http://h/").await.is_ok(), "a prefix of another is itself");
}

/// Servers that answer by a pattern of letters, again and again: each request's answer comes from the next one.
async fn in_turn(pattern: &'static str, xml: bool) -> Server {
    let turn = AtomicUsize::new(0);
    Server::start(move |(_, target, _): &Asked| {
        let turn = turn.fetch_add(1, Ordering::Relaxed);
        let nonce = match pattern {
            "new" => format!("run{turn}"),
            _ => pattern[turn % pattern.len()..][..1].to_owned(),
        };
        if target.contains("xml=") {
            let nonce = if xml { format!("<nonce>{nonce}</nonce>") } else { String::new() };
            let text = format!("<manager><balancer><name>balancer://app</name>{nonce}</balancer></manager>");
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n",
                text.len()
            );
            return Act::Raw((head + &text).into_bytes());
        }
        Act::Page(Shown { nonce, ..Shown::new(&[A, B]) }.page(target.contains("w=")))
    })
    .await
}

#[tokio::test]
async fn several_servers_behind_one_name_are_noticed_before_anything_is_posted() {
    for pattern in ["ab", "abb", "aab", "abc", "aabb", "abcd", "new"] {
        for xml in [false, true] {
            let server = in_turn(pattern, xml).await;
            let client = server.client();
            for _ in 0..3 {
                let failure = drained(&client, A).await.unwrap_err();
                let Failure::Refused(refusal) = &failure else { panic!("{pattern} {xml}: {failure:?}") };
                assert_eq!(refusal.code, Code::ReadOnly, "{pattern} {xml}: {failure}");
                assert!(refusal.message.contains("several servers answer behind this name"), "{failure}");
            }
            assert!(soon(client.snapshot()).await.unwrap().warnings[0].contains("several servers"));
            assert_eq!(server.posted().len(), 0, "{pattern} {xml}");
        }
    }
}

/// Two servers with the same nonces, of which the first has elected `A` so often. Whichever a posted form reaches drains it.
async fn twins(elected: u64, answers: fn(usize) -> usize) -> Server {
    let turn = AtomicUsize::new(0);
    let drains = Mutex::new([false, false]);
    Server::start(move |(method, target, _): &Asked| {
        if target.contains("xml=") {
            return Act::Raw(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec());
        }
        let twin = answers(turn.fetch_add(1, Ordering::Relaxed)) % 2;
        let mut drains = drains.lock().unwrap();
        if method == "POST" {
            drains[twin] = true;
        }
        let mut shown = Shown::new(&[A, B]);
        if twin == 0 {
            shown.rows[0].elected = elected;
        }
        if drains[twin] {
            shown.rows[0].words = "Init Drn Ok ".to_owned();
        }
        Act::Page(shown.page(target.contains("w=")))
    })
    .await
}

#[tokio::test]
async fn an_edit_that_only_some_answers_show_was_made_on_one_of_several_servers() {
    // In turn, and one that answers rarely.
    for answers in [(|turn| turn) as fn(usize) -> usize, |turn| usize::from(turn == 13)] {
        let server = twins(10, answers).await;
        let client = server.client();
        let failure = drained(&client, A).await.unwrap_err();
        let Failure::Refused(refusal) = &failure else { panic!("{failure:?}") };
        assert!(refusal.code == Code::Internal && refusal.message.contains("of 5 answers after it show it"));
        assert!(refusal.message.contains("drain=On"), "{failure}");
        let failure = drained(&client, B).await.unwrap_err();
        assert!(failure.to_string().contains("several servers answer"), "{failure}");
        assert!(soon(client.snapshot()).await.unwrap().alternating);
        assert_eq!(server.posted().len(), 1, "nothing more is posted");
    }
}

#[tokio::test]
async fn counters_tell_servers_with_the_same_nonces_apart_before_anything_is_posted() {
    let server = twins(20, |turn| turn).await;
    let failure = drained(&server.client(), A).await.unwrap_err();
    assert!(matches!(&failure, Failure::Refused(why) if why.code == Code::ReadOnly), "{failure:?}");
    assert_eq!(server.posted().len(), 0);
}

#[tokio::test]
async fn a_restart_just_after_an_edit_is_not_taken_for_another_server() {
    let after = AtomicUsize::new(0);
    let server = Server::start(move |(method, target, _): &Asked| {
        if target.contains("xml=") {
            return Act::Raw(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec());
        }
        let posted = usize::from(method == "POST" || after.load(Ordering::Relaxed) > 0);
        let after = after.fetch_add(posted, Ordering::Relaxed);
        let mut shown = Shown::new(&[A, B]);
        if (1..3).contains(&after) {
            shown.rows[0].words = "Init Drn Ok ".to_owned();
        } else if after >= 3 {
            shown.nonce = "another".to_owned();
        }
        Act::Page(shown.page(target.contains("w=")))
    })
    .await;
    let client = server.client();
    let failure = drained(&client, A).await.unwrap_err();
    assert!(matches!(&failure, Failure::FateUnknown(why) if why.contains("was restarted")), "{failure:?}");
    let seen = soon(client.snapshot()).await.unwrap();
    assert!(!seen.alternating && seen.forgotten[0].field == "drain", "{seen:?}");
}

#[tokio::test]
async fn who_only_looks_is_told_of_several_servers_too() {
    for (pattern, xml) in [("ab", false), ("ab", true), ("aab", false), ("new", true)] {
        let client = in_turn(pattern, xml).await.client();
        let seen = soon(client.snapshot()).await.unwrap();
        assert!(seen.warnings.iter().any(|told| told.contains("several servers")), "{pattern} {xml}");
    }
}

#[tokio::test]
async fn a_graceful_restart_between_two_looks_is_one_and_edits_go_on() {
    for at in 1..12 {
        let asked = AtomicUsize::new(0);
        let drains = std::sync::atomic::AtomicBool::new(false);
        let server = Server::start(move |(method, target, body): &Asked| {
            let asked = asked.fetch_add(1, Ordering::Relaxed);
            let nonce = if asked < at { "old" } else { "new" };
            if method == "POST" && body.contains(&format!("nonce={nonce}&")) {
                drains.store(true, Ordering::Relaxed);
            }
            if target.contains("xml=") {
                return Act::Raw(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec());
            }
            let mut shown = Shown { nonce: nonce.to_owned(), ..Shown::new(&[A, B]) };
            if drains.load(Ordering::Relaxed) {
                shown.rows[0].words = "Init Drn Ok ".to_owned();
            }
            Act::Page(shown.page(target.contains("w=")))
        })
        .await;
        let client = server.client();
        let edited = drained(&client, A).await;
        // The request that is posted may itself be the first that the new run is asked.
        match &edited {
            Ok(edited) => assert!(edited.changed, "{at}: {edited:?}"),
            Err(failure) => {
                assert!(at == 11 && failure.to_string().contains("httpd was restarted"), "{at}: {failure}");
            }
        }
        assert_eq!(soon(client.snapshot()).await.unwrap().warnings, [""; 0], "{at}");
    }
}

#[tokio::test]
async fn every_bad_page_is_a_sentence() {
    let cases: [(&str, Answer, &str); 11] = [
        ("garbage", || Act::Raw(b"SSH-2.0-x\r\n".to_vec()), "went away"),
        ("closes", || Act::Raw(Vec::new()), "went away"),
        ("hangs", || Act::Hang, "no answer within"),
        (
            "no manager",
            || Act::Page(b"<title>It works</title>".to_vec()),
            "no balancer-manager page but 'It works'",
        ),
        (
            "cut off",
            || {
                let page = Shown::new(&[A, B]).page(false);
                let head = &b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n"[..];
                Act::Raw([head, &page[..page.len() / 2]].concat())
            },
            "ends in the middle",
        ),
        ("empty", || Act::Page(Vec::new()), "no balancer-manager page"),
        ("log in", || Act::Page(b"<h1>Sign in</h1><form><input type=password name=p>".to_vec()), "--cookie"),
        (
            "redirect",
            || {
                Act::Raw(
                    b"HTTP/1.1 302 Found\r\nLocation: https://sso/\x1b\r\nContent-Length: 0\r\n\r\n".to_vec(),
                )
            },
            "went away",
        ),
        (
            "elsewhere",
            || {
                Act::Raw(
                    b"HTTP/1.1 302 Found\r\nLocation: https://sso/x\r\nContent-Length: 0\r\n\r\n".to_vec(),
                )
            },
            "redirects to https://sso/x",
        ),
        (
            "who",
            || {
                let head =
                    "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n";
                Act::Raw(head.as_bytes().to_vec())
            },
            "--user NAME",
        ),
        (
            "huge",
            || {
                Act::Raw(
                    [&b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"[..], &vec![b'x'; 17 << 20]]
                        .concat(),
                )
            },
            "larger than",
        ),
    ];
    for (what, answer, says) in cases {
        let server = Server::start(move |_| answer()).await;
        let failure = soon(server.client().snapshot()).await.unwrap_err().to_string();
        assert!(failure.contains(says), "{what}: {failure}");
        assert!(failure.chars().all(evenkeel_protocol::clean::is_clean), "{what}: {failure:?}");
    }
}

#[tokio::test]
async fn an_edit_without_an_answer_has_an_unknown_fate() {
    let server = Server::start(|(method, target, _): &Asked| {
        if method == "POST" { Act::Hang } else { Act::Page(Shown::new(&[A, B]).page(target.contains("w="))) }
    })
    .await;
    let failure = drained(&server.client(), A).await.unwrap_err();
    assert!(matches!(failure, Failure::FateUnknown(_)), "{failure:?}");
}

#[tokio::test]
async fn a_page_without_a_form_is_refused_before_anything_is_posted() {
    let server = Server::start(|_: &Asked| Act::Page(Shown::new(&[A, B]).page(false))).await;
    let failure = drained(&server.client(), A).await.unwrap_err();
    assert!(failure.to_string().contains("calls itself 'lb1'") && failure.to_string().contains("--host lb1"));
    assert_eq!(server.posted().len(), 0);
}

#[tokio::test]
async fn five_hundred_members_are_read() {
    let urls: Vec<String> =
        (0..500).map(|at| format!("http://10.0.{}.{}:8080", at / 250, at % 250)).collect();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let server = page(Shown::new(&urls), |_, _| {}).await;
    let snapshot = soon(server.client().snapshot()).await.unwrap();
    assert_eq!(snapshot.balancers[0].members.len(), 500);
}

#[tokio::test]
async fn what_httpd_cannot_do_is_said() {
    let server = page(Shown::new(&[A, B]), |_, _| {}).await;
    let client = server.client();
    let (balancer, member) = target(A);
    let order = DrainOrder { until: Some(DrainUntil::NoSessions), ..DrainOrder::default() };
    for failure in [
        soon(client.reload()).await.map(|_| ()),
        soon(client.overrides()).await.map(|_| ()),
        soon(client.census(&balancer)).await.map(|_| ()),
        soon(client.events(Some(0), false)).await.map(|_| ()),
        soon(client.begin_drain(&balancer, &member, &order)).await.map(|_| ()),
    ] {
        assert!(matches!(&failure, Err(Failure::Unable(why)) if why.contains("httpd")), "{failure:?}");
    }
    assert_eq!(server.posted().len(), 0);
}

#[tokio::test]
async fn events_follow_from_one_look_after_another() {
    let looks = AtomicUsize::new(0);
    let server = Server::start(move |(_, target, _): &Asked| {
        let mut shown = Shown::new(&[A, B]);
        // The first look asks five times for it.
        if !target.contains("xml=") && looks.fetch_add(1, Ordering::Relaxed) >= 5 {
            shown.rows[1].words = "Init Err ".to_owned();
            shown.rows[0].set = 3;
        }
        Act::Page(shown.page(false))
    })
    .await;
    let client = server.client();
    let mut events = soon(client.events(None, true)).await.unwrap();
    let mut told = Vec::new();
    for _ in 0..2 {
        told.push(serde_json::to_value(soon(events.next()).await.unwrap().unwrap()).unwrap());
    }
    told.sort_by_key(|event| event["event"].to_string());
    assert_eq!(told[0]["event"], "member_edited", "{told:?}");
    assert_eq!(told[0]["changes"][0]["after"], "3");
    assert_eq!((&told[1]["event"], &told[1]["member"]), (&"member_failed".into(), &B.into()));
}
