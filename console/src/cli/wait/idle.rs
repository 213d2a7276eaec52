//! Waiting for the end of all requests at the process of a member. Of sessions nothing is said but whether they may come
//! back.

use evenkeel_protocol::{Flag, MemberSnapshot, Span};

use super::super::output::{Output, Stop};
use super::super::patience::Asking;
use super::quiet::{Quiet, nothing_for};
use super::{Ended, Exit, Target, in_flight, places};
use crate::lost;

/// Whether its sessions may come back: the rest of a sentence.
fn returning(member: &MemberSnapshot) -> &'static str {
    if member.status.has(Flag::Stopped) {
        "; it is stopped (S), so no session comes back to it"
    } else if member.status.has(Flag::Disabled) {
        "; it is disabled (D), so no session comes back to it"
    } else {
        "; sessions may come back"
    }
}

pub(super) async fn until_idle(
    asking: &mut Asking,
    target: &Target,
    settle: Span,
    output: &mut Output<'_>,
) -> Result<Ended, Stop> {
    let mut quiet = Quiet::default();
    loop {
        let snapshot = asking.snapshot(output).await?;
        let places = places(&snapshot, target)?;
        let busy = in_flight(&places)?;
        if quiet.is_enough((&snapshot, &places), busy, settle) {
            if let Some(why) = quiet.unfinished.why() {
                return Ok(Ended { exit: Exit::Stale, why, drain: None });
            }
            let (others, unknown) = (places.still_taken(), lost::uncounted(&snapshot));
            let why = format!("idle: {}{}{others}{unknown}", nothing_for(settle), returning(places.own));
            return Ok(Ended { exit: Exit::Done, why, drain: None });
        }
        quiet.tell((asking, output), &target.label, (&snapshot, &places), (settle, ""));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use evenkeel_protocol::{Hello, Timestamp};

    use super::*;
    use crate::cli::scene::Scene;
    use crate::client::scripted::{self, Act, Scripted};

    #[tokio::test]
    async fn requests_that_were_in_flight_at_a_restart_make_nobody_idle() {
        for (before, exit, says) in [
            (1, Exit::Stale, "app/a: httpd was restarted with 1 request in flight"),
            (0, Exit::Done, "app/a: idle: "),
        ] {
            let looks = AtomicUsize::new(0);
            let proxy = Scripted::start(move |_| {
                let mut snapshot = scripted::snapshot(0);
                let look = looks.fetch_add(1, Ordering::Relaxed);
                snapshot.proxy.product = Hello::HTTPD.to_owned();
                snapshot.proxy.started = Timestamp(u64::from(look > 2));
                snapshot.balancers[0].members[0].busy = if look > 2 { 0 } else { before };
                Act::json(&snapshot)
            });
            let mut scene = Scene::of(&proxy);
            assert_eq!(scene.run("wait app/a idle --settle 500ms").await, exit, "{}", scene.out());
            assert!(scene.out().starts_with(says), "{}", scene.out());
        }
    }

    #[tokio::test]
    async fn a_member_that_is_busy_and_quiet_by_turns_fills_no_log() {
        let looks = AtomicUsize::new(0);
        let proxy = Scripted::start(move |_| {
            let look = looks.fetch_add(1, Ordering::Relaxed) as u64;
            let mut snapshot = scripted::snapshot(0);
            snapshot.taken = Timestamp(snapshot.taken.0 + look * 100_000);
            snapshot.balancers[0].members[0].busy = if look < 13 { (look / 2) % 2 } else { 0 };
            Act::json(&snapshot)
        });
        let mut scene = Scene::of(&proxy);
        let ended = scene.run("wait app/a idle --settle 400ms").await;
        assert_eq!(ended, Exit::Done, "{} {}", scene.out(), scene.err());
        for told in ["request is in flight, and it must stay so", "1 request is in flight"] {
            assert_eq!(scene.err().matches(told).count(), 1, "{told}: {}", scene.err());
        }
    }

    #[tokio::test]
    async fn what_its_process_has_in_flight_in_another_balancer_makes_nobody_idle() {
        let too = "(drain api/127.0.0.1:9001 too)";
        for (busy, exit, says) in [
            (
                4,
                Exit::TimedOut,
                format!("not within 300ms: in api 4 requests are in flight and more may come {too}"),
            ),
            (
                0,
                Exit::Done,
                format!(
                    "idle: no request is in flight; sessions may come back; but it still takes requests in api {too}"
                ),
            ),
        ] {
            let proxy = Scripted::start(move |_| {
                let mut snapshot = scripted::snapshot(0);
                snapshot.balancers[0].members[0].busy = 0;
                let its = snapshot.balancers[0].members[0].name.clone();
                let api = &mut snapshot.balancers[1].members[0];
                (api.name, api.busy) = (its, busy);
                Act::json(&snapshot)
            });
            let mut scene = Scene::of(&proxy);
            assert_eq!(
                scene
                    .run(&format!(
                        "--socket {} wait app/a idle --settle 0 --timeout 300ms",
                        proxy.socket().display()
                    ))
                    .await,
                exit,
                "{}",
                scene.err()
            );
            assert_eq!(scene.out(), format!("app/a: {says}\n"));
            let remedy =
                format!("to drain it there too: `evenkeel --socket {} drain api/", proxy.socket().display());
            assert!(scene.err().contains(&remedy), "{}", scene.err());
        }
    }

    #[tokio::test]
    async fn no_session_comes_back_to_a_member_that_is_out_of_use() {
        for (flag, says) in [(Flag::Stopped, "it is stopped (S)"), (Flag::Disabled, "it is disabled (D)")] {
            let proxy = Scripted::start(move |_| {
                let mut snapshot = scripted::snapshot(0);
                let member = &mut snapshot.balancers[0].members[0];
                (member.busy, member.status) = (0, member.status.with(flag, true));
                Act::json(&snapshot)
            });
            let mut scene = Scene::of(&proxy);
            assert_eq!(scene.run("wait app/a idle --settle 0").await, Exit::Done, "{}", scene.err());
            let told =
                format!("app/a: idle: no request is in flight; {says}, so no session comes back to it\n");
            assert_eq!(scene.out(), told);
        }
    }

    #[tokio::test]
    async fn an_old_page_of_a_cache_ends_no_wait() {
        let of = |is_old: fn(usize) -> bool| {
            let looks = AtomicUsize::new(0);
            Scripted::start(move |_| {
                let mut snapshot = scripted::snapshot(0);
                snapshot.proxy.product = Hello::HTTPD.to_owned();
                let member = &mut snapshot.balancers[0].members[0];
                (member.busy, member.status) = (0, member.status.with(Flag::Drain, true));
                snapshot.cached = is_old(looks.fetch_add(1, Ordering::Relaxed));
                snapshot.warnings = vec!["a cache answers (X-Cache: HIT)".to_owned()];
                Act::json(&snapshot)
            })
        };
        let proxy = of(|look| look == 2 || look == 4);
        let mut scene = Scene::of(&proxy);
        assert_eq!(scene.run("wait app/a idle --settle 1s").await, Exit::Done, "{}", scene.err());
        let told = "a cache answers (X-Cache: HIT); asking again for";
        assert_eq!(scene.err().matches(told).count(), 1, "{}", scene.err());
        let always = of(|_| true);
        let mut scene = Scene::of(&always);
        assert_eq!(scene.run("wait app/a idle").await, Exit::ReadOnly, "{}", scene.err());
        assert!(scene.err().contains("a cache answers (X-Cache: HIT); given up after"), "{}", scene.err());
    }

    #[tokio::test]
    async fn a_count_that_cannot_be_read_is_shown_as_such_and_not_waited_for() {
        let proxy = Scripted::start(|_| {
            let mut snapshot = scripted::snapshot(0);
            (snapshot.balancers[0].members[0].busy, snapshot.balancers[0].members[0].uncounted) = (0, true);
            Act::json(&snapshot)
        });
        let mut scene = Scene::of(&proxy);
        assert_eq!(scene.run("wait app/a idle --settle 0").await, Exit::Unable);
        assert!(scene.err().contains("unknown how many requests are in flight"), "{}", scene.err());
        assert_eq!(scene.run("status app/a").await, Exit::Done);
        assert!(scene.out().contains(" ? "), "{}", scene.out());
    }
}
