//! Whether a member still takes no new sessions while a roll does something to it: a drain can be lost meanwhile, and a
//! command that went well on a member with traffic is no success.

use std::time::Duration;

use evenkeel_protocol::{Flag, Snapshot};
use tokio::time::{MissedTickBehavior, interval};

use super::super::drain::Target;
use crate::called;
use crate::client::Client;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// Why the member takes new sessions again; none: it does not, or it is no longer configured, which others tell.
pub(super) fn lost(snapshot: &Snapshot, target: &Target) -> Option<String> {
    let member = snapshot.member(&target.balancer, &target.member)?;
    if member.status.has_any(&[Flag::Drain, Flag::Disabled, Flag::Stopped]) {
        return None;
    }
    Some(gone(snapshot))
}

/// Why a member does not drain any more that nobody was told to return.
pub(in crate::cli) fn gone(snapshot: &Snapshot) -> String {
    format!(
        "its drain is gone: {}, and has forgotten it, or somebody let new sessions come again (N was cleared)",
        called::restarted(&snapshot.proxy)
    )
}

/// Does `work` to its end, and looks on meanwhile; what is lost is told once, as soon as it is seen, and returned.
pub(super) async fn meanwhile<T>(
    (client, target): (Client, &Target),
    work: impl Future<Output = T>,
    tell: impl FnOnce(&str),
) -> (T, Option<String>) {
    let looking = async {
        let mut ticks = interval(PAUSE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            // A proxy that gives no answer now is looked at again, in the end by who returns the member.
            if let Some(why) = client.snapshot().await.ok().and_then(|seen| lost(&seen, target)) {
                return why;
            }
        }
    };
    tokio::pin!(work, looking);
    tokio::select! {
        done = &mut work => (done, None),
        why = &mut looking => {
            tell(&why);
            (work.await, Some(why))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use evenkeel_protocol::DrainOutcome;

    use super::*;
    use crate::cli::Exit;
    use crate::cli::scene::Scene;
    use crate::client::scripted::{self, Act, Scripted};

    /// A proxy whose member drains at these looks, counted from the end of its drain on.
    fn drains(at: impl Fn(usize) -> bool + Send + Sync + 'static) -> Scripted {
        let looks = AtomicUsize::new(0);
        let ended = AtomicUsize::new(0);
        Scripted::start(move |request| match (request.method.as_str(), request.target.as_str()) {
            ("POST", _) => Act::json(&scripted::drain_answer(scripted::edited())),
            ("PATCH", _) => Act::json(&scripted::edited()),
            (_, "/v1/drains/3") => {
                ended.store(1, Ordering::Relaxed);
                Act::json(&scripted::drain(Some(DrainOutcome::Idle)))
            }
            _ => {
                let mut seen = scripted::snapshot(0);
                let member = &mut seen.balancers[0].members[0];
                if ended.load(Ordering::Relaxed) == 1 && at(looks.fetch_add(1, Ordering::Relaxed)) {
                    member.status = member.status.with(Flag::Drain, true);
                }
                Act::json(&seen)
            }
        })
    }

    #[tokio::test]
    async fn a_drain_that_is_lost_meanwhile_is_no_success() {
        const ROLL: &str = "roll app --only a --min-available 0 --force -- ";
        let of = |at: fn(usize) -> bool| drains(at);
        for (what, proxy, command, exit, says) in [
            ("kept", of(|_| true), "true", Exit::Done, "done, it takes new sessions again"),
            ("before", of(|_| false), "false", Exit::Stale, "the command was not run"),
            ("during", of(|look| look < 1), "sleep 1", Exit::Stale, "; the command goes on"),
            ("at the end", of(|look| look < 2), "true", Exit::Stale, "came to it meanwhile"),
            ("and failed", of(|look| look < 1), "timeout 1 sleep 9", Exit::Failed, "ended with code 124"),
        ] {
            let mut scene = Scene::of(&proxy);
            let outcome = scene.run(&format!("{ROLL}{command}")).await;
            assert_eq!(outcome, exit, "{what}: {}", scene.err());
            assert!(scene.err().contains(says), "{what}: {}", scene.err());
            let lost = scene.out().contains("its drain was lost") && !scene.out().contains("rolled");
            assert_eq!(lost, exit != Exit::Done, "{what}: {}", scene.out());
            let returned = matches!(command, "true" | "sleep 1");
            assert_eq!(proxy.asked("PATCH") > 0, returned, "{what}");
        }
    }
}
