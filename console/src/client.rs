//! A connection to a proxy: JSON over its admin socket, or the manager page of an Apache httpd.
//!
//! Every wait has an end, every answer a largest size, and every text that comes in is cleaned here, once. Each
//! question takes a connection of its own, so that a failure to connect means that nothing was asked.
//!
//! | file | what |
//! | --- | --- |
//! | [`find`](mod@find) | which socket, when none or a doubtful one is named |
//! | [`greet`](mod@greet) | who each of several proxies is |
//! | [`failure`] | why there is no answer |
//! | `answer` | bytes to messages |
//! | `change` | previews, undo and overrides |
//! | [`place`] | where a proxy is asked: admin socket or manager page |
//! | `socket` | the admin socket |
//! | [`apache`] | the manager page of an httpd |
//! | `names` | addresses of machines, where the C library cannot be asked |
//! | `tls` | the one provider of TLS |
//! | [`events`] | the event stream |
//! | `history` | the last hour of members |
//! | `drain` | drains, begun, asked for, changed and ended |
//! | `sessions` | what is asked about sessions and elections |
//! | [`watch`](mod@watch) | the screen's connection: snapshots, events, edits, and trying again |
//! | `fetch` | what the open screen needs beside snapshots |
//! | [`limits`] | the bounds |

mod answer;
pub mod apache;
mod change;
mod drain;
pub mod events;
pub mod failure;
mod fetch;
pub mod find;
pub mod greet;
mod history;
pub mod limits;
mod names;
pub mod place;
#[cfg(test)]
pub(crate) mod scripted;
mod sessions;
mod socket;
mod tls;
pub mod watch;

use std::path::Path;
use std::sync::Arc;

use evenkeel_protocol::refusal::Code;
use evenkeel_protocol::{
    BalancerEdit, BalancerName, Call, Edited, Hello, MemberEdit, MemberName, Reloaded, Snapshot,
};

use crate::ability::Ability;
use crate::called;
use crate::shell;
use apache::Manager;
pub use events::Events;
pub use failure::Failure;
pub use find::{NoProxy, Surroundings, find};
pub use greet::{Candidate, greet};
pub use limits::Limits;
pub use place::Place;
use socket::Socket;
pub use watch::{Handle, delay, watch};

/// The edit of a call that changes nothing.
const NOTHING: Option<&()> = None;

/// Asks one proxy. Cheap to clone; keeps no connection open.
#[derive(Debug, Clone)]
pub struct Client {
    place: Arc<Place>,
    side: Side,
    /// What names the proxy on a command line; nothing, where it is meant without being named.
    words: Arc<str>,
}

/// How a proxy is asked.
#[derive(Debug, Clone)]
enum Side {
    Socket(Socket),
    Apache(Arc<Manager>),
}

impl Client {
    /// For the proxy whose admin socket is `socket`; connects only when something is asked.
    pub fn new(socket: &Path) -> Result<Self, Failure> {
        Self::with_limits(socket, Limits::default())
    }

    /// As [`Client::new`], with bounds of your own.
    pub fn with_limits(socket: &Path, limits: Limits) -> Result<Self, Failure> {
        Self::of(&Place::Socket(socket.to_owned()), limits)
    }

    /// For the proxy at `place`, within `limits`; connects only when something is asked.
    pub fn of(place: &Place, limits: Limits) -> Result<Self, Failure> {
        let side = match place {
            Place::Socket(path) => Side::Socket(Socket::new(path, limits)?),
            Place::Apache(access) => Side::Apache(Arc::new(Manager::new(access, limits)?)),
        };
        Ok(Self { place: Arc::new(place.clone()), side, words: Arc::default() })
    }

    /// The same of a proxy that these words name on a command line.
    #[must_use]
    pub fn named(self, words: &str) -> Self {
        Self { words: words.into(), ..self }
    }

    /// What is to be typed in a shell so that this proxy does it: `evenkeel --socket /run/a undrain app/node1`.
    pub fn command(&self, rest: &str) -> String {
        shell::at(rest, &self.words)
    }

    /// A text of the other side in which commands stand that name no proxy, with those that name it.
    pub(in crate::client) fn with_commands(&self, text: &str) -> String {
        let verbs = ["drain", "enable", "set"].map(|verb| format!("evenkeel {verb} "));
        verbs.iter().fold(text.to_owned(), |text, verb| text.replace(verb, &shell::at(verb, &self.words)))
    }

    /// Where it asks.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Is it the manager page of an httpd, or of what answers as one?
    pub fn is_httpd(&self) -> bool {
        matches!(self.side, Side::Apache(_))
    }

    /// Why the proxy there cannot do that, as a sentence, as far as is known which one it is; none: it can.
    pub fn lacks(&self, ability: Ability) -> Option<&'static str> {
        match &self.side {
            Side::Socket(_) => None,
            Side::Apache(manager) => Some(manager.lacks(ability)),
        }
    }

    /// The socket, if the proxy has what only those with one have.
    fn able(&self, ability: Ability) -> Result<&Socket, Failure> {
        match &self.side {
            Side::Socket(socket) => Ok(socket),
            Side::Apache(manager) => Err(Failure::Unable(manager.unable(ability))),
        }
    }

    /// What the other side is called in a sentence, as far as is known which one it is.
    pub fn who(&self) -> &'static str {
        match &self.side {
            Side::Socket(_) => called::who(None),
            Side::Apache(manager) => manager.who(),
        }
    }

    /// Who answers.
    pub async fn hello(&self) -> Result<Hello, Failure> {
        match &self.side {
            Side::Socket(socket) => socket.ask(&Call::Hello, NOTHING).await.map_err(without_paths),
            Side::Apache(manager) => Box::pin(manager.hello()).await,
        }
    }

    /// Everything.
    pub async fn snapshot(&self) -> Result<Snapshot, Failure> {
        match &self.side {
            Side::Socket(socket) => socket.ask(&Call::Snapshot, NOTHING).await.map_err(without_paths),
            Side::Apache(manager) => Box::pin(manager.snapshot()).await,
        }
    }

    /// Changes a member.
    pub async fn edit_member(
        &self,
        balancer: &BalancerName,
        member: &MemberName,
        edit: &MemberEdit,
    ) -> Result<Edited, Failure> {
        match &self.side {
            Side::Socket(socket) => {
                let call = Call::edit_member(balancer, member);
                socket.ask(&call, Some(edit)).await.map_err(Failure::of_edit)
            }
            Side::Apache(manager) => Box::pin(manager.edit_member(balancer, member, edit)).await,
        }
    }

    /// Changes a balancer's own settings.
    pub async fn edit_balancer(
        &self,
        balancer: &BalancerName,
        edit: &BalancerEdit,
    ) -> Result<Edited, Failure> {
        match &self.side {
            Side::Socket(socket) => {
                let call = Call::EditBalancer(balancer.clone());
                socket.ask(&call, Some(edit)).await.map_err(Failure::of_edit)
            }
            Side::Apache(manager) => Box::pin(manager.edit_balancer(balancer, edit)).await,
        }
    }

    /// Has the proxy read its configuration anew.
    pub async fn reload(&self) -> Result<Reloaded, Failure> {
        self.able(Ability::Reload)?.ask(&Call::Reload, NOTHING).await.map_err(Failure::of_edit)
    }

    /// Events with a greater number than `since` (none: only those that come), and with `follow` those that come.
    pub async fn events(&self, since: Option<u64>, follow: bool) -> Result<Events, Failure> {
        match &self.side {
            Side::Socket(socket) => socket.events(since, follow).await,
            Side::Apache(manager) => Manager::events(manager, since, follow),
        }
    }
}

/// A proxy that does not know the paths that always stand is one of another interface version.
fn without_paths(failure: Failure) -> Failure {
    match failure {
        Failure::Refused(refusal) if refusal.code == Code::NotFound => Failure::Protocol(format!(
            "the proxy does not know this version of the admin interface ({}); use the evenkeel that came with it",
            refusal.message
        )),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::Refusal;
    use tempfile::TempDir;

    use super::scripted::{self, Act, Scripted, event, soon};
    use super::*;

    fn target() -> (BalancerName, MemberName) {
        ("app".parse().unwrap(), "http://a:1".parse().unwrap())
    }

    async fn edit(proxy: &Scripted) -> Result<Edited, Failure> {
        let (balancer, member) = target();
        let edit = MemberEdit { drain: Some(true), ..MemberEdit::default() };
        soon(proxy.client().edit_member(&balancer, &member, &edit)).await
    }

    #[tokio::test]
    async fn questions_reach_the_proxy_and_answers_come_back() {
        let proxy = Scripted::start(|request| match request.target.as_str() {
            "/v1" => Act::json(&scripted::hello()),
            "/v1/snapshot" => Act::json(&scripted::snapshot(3)),
            "/v1/balancers/app" => {
                assert_eq!((request.method.as_str(), request.body.as_str()), ("PATCH", r#"{"timeout":7}"#));
                Act::json(&scripted::edited())
            }
            target => {
                assert_eq!(target, "/v1/balancers/app/members/http:%2F%2Fa:1");
                assert_eq!((request.method.as_str(), request.body.as_str()), ("PATCH", r#"{"drain":true}"#));
                Act::json(&scripted::edited())
            }
        });
        let client = proxy.client();
        assert_eq!(soon(client.hello()).await, Ok(scripted::hello()));
        assert_eq!(soon(client.snapshot()).await, Ok(scripted::snapshot(3)));
        assert_eq!(edit(&proxy).await, Ok(scripted::edited()));
        let timeout = serde_json::from_str(r#"{"timeout":7}"#).unwrap();
        assert_eq!(soon(client.edit_balancer(&target().0, &timeout)).await, Ok(scripted::edited()));
    }

    #[tokio::test]
    async fn every_bad_answer_to_a_question_ends_in_time_with_a_sentence() {
        let other = Hello { interface: 2, ..scripted::hello() };
        for (what, act, says) in [
            ("garbage", Act::raw(&[b"SSH-2.0-x\r\n"]), "went away before it had answered"),
            ("no JSON", Act::raw(&[b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"]), "no Evenkeel proxy"),
            ("closes at once", Act::raw(&[]), "went away"),
            ("closes within", Act::raw(&[b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"]), "went away"),
            ("hangs", Act::Hang, "no answer within"),
            (
                "hangs within",
                Act::raw(&[b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"]).then_hang(),
                "no answer within",
            ),
            ("other version", Act::json(&other), "speaks version 2"),
            (
                "no such path",
                Act::refuse(404, r#"{"code":"not_found","message":"nothing there"}"#),
                "version of the admin",
            ),
            ("too large", Act::json(&"x".repeat(scripted::LARGEST)), "larger than"),
            (
                "redirect",
                Act::raw(&[b"HTTP/1.1 302 Found\r\nLocation: /v1\r\nContent-Length: 0\r\n\r\n"]),
                "status 302",
            ),
        ] {
            let proxy = Scripted::start(move |_| act.clone());
            let failure = soon(proxy.client().hello()).await.unwrap_err();
            assert!(matches!(&failure, Failure::Protocol(why) if why.contains(says)), "{what}: {failure:?}");
        }
    }

    #[tokio::test]
    async fn an_edit_without_an_answer_has_an_unknown_fate_and_a_refused_one_has_not() {
        for (what, act) in [
            ("closes", Act::raw(&[])),
            ("hangs", Act::Hang),
            ("garbage", Act::raw(&[b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"])),
        ] {
            let proxy = Scripted::start(move |_| act.clone());
            let failure = edit(&proxy).await.unwrap_err();
            assert!(matches!(failure, Failure::FateUnknown(_)), "{what}: {failure:?}");
            assert!(failure.to_string().contains("look before you repeat it"), "{what}");
            assert_eq!(proxy.asked("PATCH"), 1, "{what}: an edit is sent once");
        }
        let proxy = Scripted::start(|_| {
            Act::refuse(422, r#"{"code":"invalid","field":"drain","message":"drain: no\u0007"}"#)
        });
        let refused = Refusal::field(Code::Invalid, "drain", "drain: no\u{fffd}");
        assert_eq!(edit(&proxy).await, Err(Failure::Refused(refused)));
    }

    #[tokio::test]
    async fn a_proxy_that_is_not_there_was_not_asked() {
        let folder = TempDir::new().unwrap();
        let socket = folder.path().join("admin.sock");
        let (balancer, member) = target();
        for (what, says) in [("absent", "is gone"), ("dead", "no proxy listens")] {
            if what == "dead" {
                drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
            }
            let client = Client::new(&socket).unwrap();
            let failure =
                soon(client.edit_member(&balancer, &member, &MemberEdit::default())).await.unwrap_err();
            assert!(
                matches!(&failure, Failure::Unreachable(why) if why.contains(says)),
                "{what}: {failure:?}"
            );
        }
    }

    #[tokio::test]
    async fn events_come_whole_however_they_are_cut() {
        let lines = format!("{}\n\n{}\n", event(4), r#"{"number":5,"at":1,"event":"of_a_later_version"}"#);
        let pieces: Vec<Vec<u8>> = lines.as_bytes().chunks(7).map(<[u8]>::to_vec).collect();
        let proxy = Scripted::start(move |_| Act::chunked(&pieces));
        let mut events = soon(proxy.client().events(Some(3), true)).await.unwrap();
        assert_eq!(soon(events.next()).await.unwrap().unwrap().number, 4);
        assert_eq!(soon(events.next()).await, None);
        assert_eq!(events.last(), 5, "an unknown event is passed over, and not asked for again");
    }

    #[tokio::test]
    async fn a_stream_that_breaks_ends_with_one_failure() {
        let long = "x".repeat(scripted::LONGEST_LINE + 1);
        for (what, act, says) in [
            ("breaks", Act::stream(&[event(1)]).then_break(), "went away"),
            (
                "ends within a line",
                Act::chunked(&[event(1).into_bytes(), b"\n{\"numb".to_vec()]),
                "middle of a line",
            ),
            ("huge line", Act::stream(&[event(1), long]).then_hang(), "longer than"),
            (
                "garbage",
                Act::stream(&[event(1), "garbage".to_owned(), event(2)]).then_hang(),
                "no Evenkeel proxy",
            ),
        ] {
            let proxy = Scripted::start(move |_| act.clone());
            let mut events = soon(proxy.client().events(None, true)).await.unwrap();
            let mut seen = 0;
            let failure = loop {
                match soon(events.next()).await.unwrap() {
                    Ok(_) => seen += 1,
                    Err(failure) => break failure,
                }
            };
            assert!(failure.to_string().contains(says), "{what}: {failure}");
            assert!(seen <= 1, "{what}");
            assert_eq!(soon(events.next()).await, None, "{what}");
        }
    }

    #[tokio::test]
    async fn a_stream_that_is_to_end_must_not_hang_and_one_to_follow_may() {
        let proxy = Scripted::start(|_| Act::stream(&[event(1)]).then_hang());
        let mut events = soon(proxy.client().events(Some(0), false)).await.unwrap();
        soon(events.next()).await.unwrap().unwrap();
        assert!(soon(events.next()).await.unwrap().unwrap_err().to_string().contains("no answer within"));

        let mut events = soon(proxy.client().events(Some(0), true)).await.unwrap();
        soon(events.next()).await.unwrap().unwrap();
        let waited = tokio::time::timeout(scripted::limits().answer * 2, events.next()).await;
        assert!(waited.is_err(), "quiet is no failure");

        let proxy = Scripted::start(|_| Act::Hang);
        let failure = soon(proxy.client().events(None, true)).await.unwrap_err();
        assert!(failure.to_string().contains("no answer within"));
        let proxy = Scripted::start(|_| Act::refuse(503, r#"{"code":"unavailable","message":"ending"}"#));
        let failure = soon(proxy.client().events(None, true)).await.unwrap_err();
        assert_eq!(failure, Failure::Refused(Refusal::new(Code::Unavailable, "ending")));
    }
}
