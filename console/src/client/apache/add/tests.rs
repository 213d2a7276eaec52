//! Members that an httpd is asked to add, against a page that has room, has none, refuses, or swallows.

use std::sync::Mutex;

use super::super::scripted::{Act, Asked, Row, Server, Shown};
use super::*;
use crate::client::scripted::soon;

const A: &str = "http://10.0.0.1:8080";
const B: &str = "http://10.0.0.2:8080";

/// What a page makes of a form.
type Apply = fn(&mut Shown, &str) -> u16;

/// As httpd does: a new member is disabled, and the fields of its form change it.
fn obeys(shown: &mut Shown, body: &str) -> u16 {
    if let Some((_, url)) = body.split_once("b_nwrkr=") {
        let row =
            Row { url: url.to_owned(), words: "Init Dis ".to_owned(), route: "", ..shown.rows[0].clone() };
        shown.rows.push(row);
    } else if let Some(row) = shown.rows.last_mut() {
        row.route = if body.contains("w_wr=c") { "c" } else { row.route };
        row.words = if body.contains("w_status_D=0") { "Init Ok ".to_owned() } else { row.words.clone() };
    }
    200
}

async fn page(room: bool, apply: Apply) -> Server {
    let shown = Mutex::new(Shown { room, ..Shown::new(&[A]) });
    Server::start(move |(method, target, body): &Asked| {
        let mut shown = shown.lock().unwrap();
        let status = if method == "POST" { apply(&mut shown, body) } else { 200 };
        if status != 200 || target.contains("xml=") {
            return Act::Raw(format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n").into_bytes());
        }
        Act::Page(shown.page(target.contains("b=") || body.contains("b=")))
    })
    .await
}

async fn added(server: &Server, url: &str, parameters: &[&str]) -> Result<Edited, Failure> {
    let parameters = parameters.iter().map(|text| (*text).to_owned()).collect();
    let addition = MemberAddition { url: url.to_owned(), parameters, ..MemberAddition::default() };
    soon(server.client().add_member(&"app".parse().unwrap(), &addition)).await
}

#[tokio::test]
async fn where_there_is_room_it_comes_disabled_and_is_proven() {
    let server = page(true, obeys).await;
    let edited = added(&server, B, &[]).await.unwrap();
    assert!(edited.changed && !edited.durable, "{edited:?}");
    assert_eq!(edited.member.as_ref().map(MemberName::as_str), Some(B));
    assert!(edited.notes.iter().any(|note| note.contains("starts disabled")), "{edited:?}");
    assert_eq!(server.posted(), [format!("b=app&nonce=6f1c0a&b_wyes=1&b_nwrkr={B}")]);
    let again = added(&server, B, &[]).await.unwrap();
    assert!(!again.changed && server.posted().len() == 1, "{again:?}");
    let other = added(&server, B, &["route=c"]).await.unwrap_err().to_string();
    assert!(other.contains("already, with another route"), "{other}");
}

#[tokio::test]
async fn its_parameters_are_set_before_it_is_let_in() {
    let server = page(true, obeys).await;
    let edited = added(&server, B, &["route=c", "status=-D"]).await.unwrap();
    assert!(
        edited.changed && !edited.notes.iter().any(|note| note.contains("starts disabled")),
        "{edited:?}"
    );
    assert_eq!(server.posted()[1], format!("b=app&w={B}&nonce=6f1c0a&w_wr=c&w_status_D=0"));
    for (parameter, says) in
        [("ttl=5", "sets only loadfactor"), ("loadfactor=0", "loadfactor: "), ("status=+Q", "status: ")]
    {
        let failure = added(&server, "http://c", &[parameter]).await.unwrap_err().to_string();
        assert!(failure.contains(says), "{failure}");
    }
    assert_eq!(server.posted().len(), 2);
}

#[tokio::test]
async fn what_httpd_does_not_add_is_an_error_with_the_cause() {
    let refuses: Apply = |_, _| 400;
    let swallows: Apply = |_, _| 200;
    let forgets: Apply = |shown, body| if body.contains("b_nwrkr") { obeys(shown, body) } else { 200 };
    let longer = "http://10.0.0.1:8080/x";
    for (what, room, apply, (url, parameters), code, says) in [
        ("no room", false, obeys as Apply, (B, &[][..]), Code::Invalid, "growth= in its configuration"),
        ("prefix", true, refuses, (longer, &[]), Code::Invalid, "begins with http://10.0.0.1:8080,"),
        ("refused", true, refuses, (B, &[]), Code::Invalid, "see httpd's error log"),
        ("swallowed", true, swallows, (B, &[]), Code::Internal, "does not list it"),
        ("half", true, forgets, (B, &["route=c"]), Code::Internal, "was added and is disabled, and no more"),
        ("no URL", true, obeys, ("b:80", &[]), Code::Invalid, "'b:80'"),
    ] {
        let server = page(room, apply).await;
        let failure = added(&server, url, parameters).await.unwrap_err();
        let Failure::Refused(refusal) = &failure else { panic!("{what}: {failure:?}") };
        assert!(refusal.code == code && refusal.message.contains(says), "{what}: {failure}");
    }
}

#[tokio::test]
async fn a_url_that_httpd_would_answer_with_400_is_told_and_not_posted() {
    let server = page(true, obeys).await;
    let long = format!("http://h/{}", "x".repeat(400));
    for (url, says) in [
        ("htp://10.0.0.2:8080", "has a scheme that is none of http, https, ws, wss, ajp,"),
        ("http://10.0.0.2:99999", "port"),
        ("ajp://10.0.0.2:x", "port"),
        ("http://", "has no host"),
        ("http://a b", "a blank"),
        ("http://a?x=1", "'?'"),
        ("fcgi://ho$t:9000", "'$' in its host"),
        (&long, "longer than 383 characters"),
        ("unix:run/x|http://a", "absolute path"),
    ] {
        let failure = added(&server, url, &[]).await.unwrap_err();
        let Failure::Refused(refusal) = &failure else { panic!("{url}: {failure:?}") };
        assert!(refusal.code == Code::Invalid && refusal.message.contains(says), "{url}: {failure}");
    }
    assert_eq!(server.posted(), [""; 0]);
    added(&server, "ajp://10.0.0.2:8010", &[]).await.unwrap();
    assert_eq!(server.posted().len(), 1);
}

#[tokio::test]
async fn what_answered_decides_what_is_said_of_one_that_is_not_listed() {
    let gone: Apply = |_, _| 502;
    let lost: Apply = |shown, body| {
        obeys(shown, body);
        502
    };
    let failure = added(&page(true, gone).await, B, &[]).await.unwrap_err();
    let Failure::FateUnknown(why) = &failure else { panic!("{failure:?}") };
    assert!(why.contains("unknown whether httpd has added app/"), "{why}");
    let edited = added(&page(true, lost).await, B, &[]).await.unwrap();
    assert!(edited.changed && edited.notes.iter().any(|note| note.contains("502")), "{edited:?}");
}
