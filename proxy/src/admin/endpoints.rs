//! One arm an endpoint: a call and its JSON in, the registry, JSON out.

use std::sync::Arc;

use evenkeel_protocol::clean::clean;
use evenkeel_protocol::{BalancerName, Call, Code, Peer, Refusal, Snapshot};
use serde::de::{DeserializeOwned, IgnoredAny};

use super::peer::named;
use super::stream::Reply;
use super::{Doors, drains, edits, metrics, roster};
use crate::registry::Registry;
use crate::{explain, history, limits};

/// Answers one call. Edits write to disk, so they leave the control thread for it.
pub(super) async fn answer(
    call: Call,
    body: Vec<u8>,
    doors: &Doors,
    peer: Option<Peer>,
) -> Result<Reply, Refusal> {
    let Doors { registry, reloader, drains: jobs, .. } = doors;
    match call {
        Call::Hello => Ok(Reply::json(&registry.hello())),
        Call::Snapshot => Ok(Reply::json(&with_drains(registry.snapshot(), jobs))),
        Call::Drains
        | Call::Drain(_)
        | Call::BeginDrain(..)
        | Call::ChangeDrain(_)
        | Call::CancelDrain(_) => drains::answer(call, &body, jobs, peer).await,
        Call::EditBalancer(_)
        | Call::EditMember(..)
        | Call::PreviewBalancer(_)
        | Call::PreviewMember(..)
        | Call::PreviewPlan
        | Call::Overrides => edits::answer(call, body, registry, peer).await,
        Call::AddMember(_)
        | Call::RemoveMember(..)
        | Call::PreviewAddition(_)
        | Call::PreviewRemoval(..)
        | Call::Undo => roster::answer(call, body, reloader.proxy(), peer).await,
        Call::Balancer(name) => Ok(Reply::json(&registry.find(&name)?.snapshot())),
        Call::Member(name, selector) => member(registry, &name, &selector),
        Call::Sessions(name) => {
            // Of a thousand routes it takes a tenth of a second.
            let registry = Arc::clone(registry);
            off_thread(move || {
                registry.awake();
                Ok(registry.find(&name)?.census())
            })
            .await
        }
        Call::Explain => {
            let question = parse(&body)?;
            let (site, registry) = (reloader.site(), Arc::clone(registry));
            off_thread(move || explain::explain(&site, &registry, &question)).await
        }
        Call::Elections => {
            let filter = parse(&body)?;
            let registry = Arc::clone(registry);
            off_thread(move || registry.elections().find(&filter, &registry.balancers())).await
        }
        Call::History(name, member, query) => {
            Ok(Reply::json(&history::view(registry, &name, member.as_deref(), &query)?))
        }
        Call::Metrics => Ok(Reply::metrics(metrics::text(registry, jobs).await)),
        Call::Reload => {
            if !body.is_empty() {
                return Err(Refusal::new(Code::BadRequest, "a reload takes no body"));
            }
            let reloader = Arc::clone(reloader);
            off_thread(move || reloader.reload(named(peer))).await
        }
        Call::Events { since, follow } => {
            let events = registry.events();
            if events.followers() >= limits::FOLLOWERS {
                return Err(Refusal::new(Code::Unavailable, "too many follow the events; end one of them"));
            }
            let since = since.map_or_else(|| events.last(), |since| events.resume(since));
            Ok(Reply::events(Arc::clone(registry), since, follow))
        }
    }
}

fn member(registry: &Registry, name: &BalancerName, selector: &str) -> Result<Reply, Refusal> {
    let balancer = registry.find(name)?;
    let member = balancer.resolve(selector)?;
    let snapshot = balancer.snapshot();
    let found = snapshot.member(&member);
    found.map(Reply::json).ok_or_else(|| Refusal::new(Code::NotFound, format!("{member} is gone")))
}

pub(super) async fn off_thread<T: serde::Serialize + Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<Reply, Refusal> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome.map(|answer| Reply::json(&answer)),
        Err(_) => Err(Refusal::new(Code::Internal, "it failed within the proxy; look at its log")),
    }
}

/// Reads a message. Complaints about a field start with its name, which then stands in the refusal as well.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    if body.is_empty() {
        let why = "the body is empty; send a JSON object with what shall change, such as {\"drain\":true}";
        return Err(Refusal::new(Code::BadRequest, why));
    }
    // Syntax first: within a field a reader cannot tell it from a wrong value.
    if let Err(why) = serde_json::from_slice::<IgnoredAny>(body) {
        return Err(Refusal::new(Code::BadRequest, format!("the body is no JSON: {why}")));
    }
    serde_json::from_slice(body).map_err(|why| {
        let message = clean(&why.to_string(), 2 * limits::TEXT);
        // serde_json appends where it stopped reading, which helps with syntax and not with a field.
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(front, _)| front);
        match message.split_once(": ") {
            Some((field, _)) if field.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') => {
                Refusal::field(Code::Invalid, field, message)
            }
            _ => Refusal::new(Code::Invalid, message),
        }
    })
}

fn with_drains(snapshot: Snapshot, jobs: &crate::drains::Drains) -> Snapshot {
    Snapshot { drains: jobs.list(), undurable_drains: jobs.refused(), ..snapshot }
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::MemberEdit;

    use super::*;

    #[test]
    fn a_refused_message_names_its_field() {
        for (body, code, field, message) in [
            (
                "{\"lbfactor\":0.5}",
                Code::Invalid,
                Some("lbfactor"),
                "lbfactor: must be a number from 1 to 100",
            ),
            ("{\"weight\":1}", Code::Invalid, Some("weight"), "weight: is no field of this edit"),
            ("{\"drain\":true,\"drain\":true}", Code::Invalid, Some("drain"), "drain: stands there twice"),
            ("{\"drain\":", Code::BadRequest, None, "the body is no JSON"),
            ("", Code::BadRequest, None, "the body is empty"),
            ("{\"drain\":1}", Code::Invalid, Some("drain"), "drain: must be true or false"),
            ("{\"revision\":-1}", Code::Invalid, Some("revision"), "revision: must be a whole number"),
            (
                "{\"lbfactor\":1e400}",
                Code::Invalid,
                Some("lbfactor"),
                "lbfactor: must be a number from 1 to 100",
            ),
            ("[1]", Code::Invalid, None, "invalid type"),
        ] {
            let refusal = parse::<MemberEdit>(body.as_bytes()).unwrap_err();
            assert_eq!((refusal.code, refusal.field.as_deref()), (code, field), "{body}");
            assert!(refusal.message.starts_with(message), "{body}: {}", refusal.message);
            assert!(!refusal.message.contains(" at line ") || code == Code::BadRequest);
        }
    }

    #[test]
    fn hostile_nesting_is_refused_and_not_followed() {
        let deep = "[".repeat(60_000);
        assert_eq!(parse::<MemberEdit>(deep.as_bytes()).unwrap_err().code, Code::BadRequest);
        let deep = format!("{{\"x\":{}", "[".repeat(60_000));
        assert!(parse::<MemberEdit>(deep.as_bytes()).is_err());
    }
}
