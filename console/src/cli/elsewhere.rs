//! Other balancers that give the process of a member new requests: whoever drains it in one alone has them come for ever,
//! and whoever stops it then is noticed.

use evenkeel_protocol::Snapshot;
use evenkeel_protocol::sentence::listed;

use super::drain::Target;
use super::output::Output;
use super::patience::Asking;
use super::target;
use crate::client::Client;
use crate::shell::quoted;

/// The most commands that are named.
const NAMED: usize = 3;

/// Tells it before anything is waited for.
pub(super) fn note(asking: &mut Asking, (snapshot, target): (&Snapshot, &Target), output: &mut Output<'_>) {
    if let Some(others) = advice(snapshot, target, &asking.client) {
        asking.note(output, &format!("{}: {others}", target.label));
    }
}

/// What drains its process there too; none: nobody else gives it new requests.
pub(super) fn advice(snapshot: &Snapshot, meant: &Target, client: &Client) -> Option<String> {
    let places = snapshot.places(&meant.balancer, &meant.member)?.elsewhere();
    let used = places.iter().filter(|place| place.takes_new);
    let commands = used.filter_map(|place| {
        let (balancer, member) =
            (snapshot.balancer(&place.balancer)?, snapshot.member(&place.balancer, &place.member)?);
        let label = target::shortest(snapshot, balancer, member);
        Some(format!("`{}`", client.command(&format!("drain {}", quoted(&label)))))
    });
    let commands = Some(listed(commands, NAMED, "")).filter(|commands| !commands.is_empty())?;
    Some(format!("its process takes new requests elsewhere; to drain it there too: {commands}"))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use evenkeel_protocol::{DrainOutcome, Flag};

    use crate::cli::Exit;
    use crate::cli::scene::Scene;
    use crate::client::scripted::{self, Act, Scripted};

    #[tokio::test]
    async fn a_process_that_others_use_is_told_before_anything_is_done_to_it() {
        let drains = AtomicBool::new(false);
        let proxy =
            Scripted::start(move |request| match (request.method.as_str(), request.target.as_str()) {
                ("POST", _) => {
                    drains.store(true, Ordering::Relaxed);
                    Act::json(&scripted::drain_answer(scripted::edited()))
                }
                ("PATCH", _) => Act::json(&scripted::edited()),
                (_, "/v1/drains/3") => Act::json(&scripted::drain(Some(DrainOutcome::Idle))),
                _ => {
                    let mut snapshot = scripted::snapshot(0);
                    let its = &mut snapshot.balancers[0].members[0];
                    its.status = its.status.with(Flag::Drain, drains.load(Ordering::Relaxed));
                    snapshot.balancers[1].members[0].name = its.name.clone();
                    Act::json(&snapshot)
                }
            });
        let mut scene = Scene::of(&proxy);
        let remedy = "its process takes new requests elsewhere; to drain it there too: `evenkeel drain api/";
        for line in ["drain app/a", "drain app/a --wait"] {
            assert_eq!(scene.run(line).await, Exit::Done, "{}", scene.err());
            assert_eq!(scene.err().matches(remedy).count(), 1, "{line}: {}", scene.err());
        }
        let line = "roll app --only a --min-available 0 --force -- true";
        assert_eq!(scene.run(line).await, Exit::Done, "{}", scene.err());
        let err = scene.err();
        let told = [remedy, "running the command; but it still takes requests in api"];
        let at = told.map(|told| err.find(told).unwrap_or_else(|| panic!("{told}: {err}")));
        assert!(at[0] < at[1], "{err}");
    }
}
