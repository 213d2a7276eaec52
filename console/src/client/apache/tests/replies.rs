//! What answers a form that was posted, and what is said of the edit then.

use std::sync::atomic::AtomicBool;

use super::*;

/// An httpd of `A` and `B` without XML: `post` answers a form, and `look` any other page, told whether a form was posted
/// before, and whether one is asked for.
async fn serving(
    post: impl Fn(Shown) -> Act + Send + Sync + 'static,
    look: impl Fn(Shown, (bool, bool)) -> Act + Send + Sync + 'static,
) -> Server {
    let posted = AtomicBool::new(false);
    Server::start(move |(method, target, _): &Asked| {
        if target.contains("xml=") {
            return with_head("404 Not Found", b"");
        }
        let shown = Shown::new(&[A, B]);
        if method == "POST" {
            posted.store(true, Ordering::Relaxed);
            return post(shown);
        }
        look(shown, (posted.load(Ordering::Relaxed), target.contains("w=")))
    })
    .await
}

/// With `A` drained.
fn taken(mut shown: Shown) -> Shown {
    shown.rows[0].words = "Init Drn Ok ".to_owned();
    shown
}

/// What answers a form that drains `A`, and whether httpd has the form at all.
async fn answering(answer: impl Fn(&Shown) -> Act + Send + Sync + 'static, has: bool) -> Server {
    let of = move |shown, has| if has { taken(shown) } else { shown };
    serving(
        move |shown| answer(&of(shown, has)),
        move |shown, (posted, form)| Act::Page(of(shown, has && posted).page(form)),
    )
    .await
}

fn with_head(head: &str, body: &[u8]) -> Act {
    let head = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n", body.len());
    Act::Raw([head.as_bytes(), body].concat())
}

/// What is said of an edit that the page does not show.
#[derive(Clone, Copy)]
enum Said {
    /// httpd did not take it.
    Untaken,
    /// Something in between kept it.
    Kept,
    /// Nobody knows.
    Unknown,
}

#[tokio::test]
async fn what_answers_a_form_decides_what_is_said_of_an_edit_that_the_page_does_not_show() {
    type Answer = fn(&Shown) -> Act;
    let cases: [(&str, Answer, Said, &str); 9] = [
        ("read", |shown| Act::Page(shown.page(true)), Said::Untaken, "has read it and left that"),
        ("not read", |shown| Act::Page(shown.page(false)), Said::Untaken, "drops the body of a POST"),
        (
            "cached",
            |shown| with_head("200 OK\r\nContent-Type: text/html\r\nAge: 17", &shown.page(false)),
            Said::Unknown,
            "a cache in front of",
        ),
        (
            "log in",
            |_| Act::Page(b"<h1>Sign in</h1><input type=password name=p>".to_vec()),
            Said::Kept,
            "('Sign in')",
        ),
        (
            "redirect",
            |_| with_head("302 Found\r\nLocation: https://sso/x", b""),
            Said::Kept,
            "to https://sso/x",
        ),
        ("another page", |_| Act::Page(b"<title>Done</title>".to_vec()), Said::Unknown, "but 'Done'"),
        ("cut off", |shown| Act::Page(shown.page(true)[..900].to_vec()), Said::Unknown, "ends in the middle"),
        (
            "502",
            |_| with_head("502 Bad Gateway", b"<h1>502"),
            Said::Unknown,
            "did not reach it, or had no answer",
        ),
        ("too large", |_| with_head("413 No", b""), Said::Untaken, "refuses what changes it (413)"),
    ];
    for (what, answer, kind, says) in cases {
        let failure = drained(&answering(answer, false).await.client(), A).await.unwrap_err();
        match (&failure, kind) {
            (Failure::Refused(refusal), Said::Untaken) => {
                assert_eq!(refusal.code, Code::Internal, "{what}: {failure}");
            }
            (Failure::FateUnknown(why), Said::Unknown) => {
                assert!(why.contains("unknown whether drain=On took"), "{what}: {why}");
                assert!(why.contains("does not show it so far (drain (is Off))"), "{what}: {why}");
            }
            (Failure::Permission(_), Said::Kept) => {}
            _ => panic!("{what}: {failure:?}"),
        }
        let told = failure.to_string();
        assert!(told.contains(says) && !told.contains("ProxyPass"), "{what}: {told}");
        let edited = drained(&answering(answer, true).await.client(), A).await.unwrap();
        let noted = edited.notes.iter().any(|note| note.contains("The page shows it") && note.contains(says));
        assert_eq!(noted, !what.ends_with("read"), "{what}: {edited:?}");
    }
}

#[tokio::test]
async fn an_edit_that_took_and_was_taken_back_is_told_so() {
    type Then = fn(&mut Shown);
    let reversed: Then = |_| {};
    let restarted: Then = |shown| shown.nonce = "another".to_owned();
    for (then, says) in [(reversed, "somebody changed it back"), (restarted, "restarted right after it")] {
        let look = move |mut shown, (posted, form)| {
            if posted {
                then(&mut shown);
            }
            Act::Page(shown.page(form))
        };
        let server = serving(|shown| Act::Page(taken(shown).page(true)), look).await;
        let failure = drained(&server.client(), A).await.unwrap_err();
        let Failure::Refused(refusal) = &failure else { panic!("{failure:?}") };
        assert_eq!(refusal.code, Code::Stale, "{failure}");
        assert!(refusal.message.contains("drain=On took, and holds no more"), "{failure}");
        assert!(refusal.message.contains(says), "{failure}");
    }
}

#[tokio::test]
async fn a_page_that_a_cache_has_kept_is_told_and_proves_nothing() {
    const OLD: &str = "200 OK\r\nContent-Type: text/html\r\nX-Cache-Status: HIT";
    for after_post in [false, true] {
        let look = move |shown: Shown, (posted, form)| {
            let page = shown.page(form);
            if posted || !after_post { with_head(OLD, &page) } else { Act::Page(page) }
        };
        let server = serving(|shown| Act::Page(taken(shown).page(true)), look).await;
        let client = server.client();
        if !after_post {
            let seen = soon(client.snapshot()).await.unwrap();
            assert!(seen.cached && seen.warnings[0].starts_with("a cache answers (X-Cache-Status: HIT)"));
        }
        let failure = drained(&client, A).await.unwrap_err();
        let told = failure.to_string();
        assert!(told.contains("a cache in front of") && !told.contains("somebody"), "{told}");
        assert_eq!(matches!(failure, Failure::FateUnknown(_)), after_post, "{told}");
        assert_eq!(server.posted().len(), usize::from(after_post), "{told}");
    }
}

#[tokio::test]
async fn a_page_that_is_gone_after_the_form_leaves_the_fate_unknown() {
    let look = |shown: Shown, (posted, form)| {
        if posted { with_head("403 Forbidden", b"") } else { Act::Page(shown.page(form)) }
    };
    let server = serving(|shown| Act::Page(shown.page(true)), look).await;
    let failure = drained(&server.client(), A).await.unwrap_err();
    assert!(
        matches!(&failure, Failure::FateUnknown(why) if why.contains("its page could not be read")),
        "{failure:?}"
    );
}
