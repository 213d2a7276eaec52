//! Several proxies at once: who each of them says it is, and how they are listed when one must be chosen.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use evenkeel_protocol::Hello;
use futures_util::future::join_all;

use super::find::shown;
use super::{Client, Failure, Limits, NoProxy};

/// A proxy among several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its admin socket.
    pub socket: PathBuf,
    /// What it says of itself, if it was asked and has answered.
    pub hello: Option<Hello>,
}

/// What the proxy behind each of `sockets` says of itself, within `limits`, in the same order.
pub async fn greet<'a>(
    sockets: impl IntoIterator<Item = &'a Path>,
    limits: Limits,
) -> Vec<(&'a Path, Result<Hello, Failure>)> {
    let asked = sockets.into_iter().map(|socket| async move {
        let hello = async { Client::with_limits(socket, limits)?.hello().await };
        (socket, hello.await)
    });
    join_all(asked).await
}

impl NoProxy {
    /// The same; several proxies are asked who they are, so that the operator can choose. Takes no longer than
    /// [`Limits::in_passing`].
    pub async fn introduced(self, limits: Limits) -> Self {
        let Self::Several(candidates) = self else { return self };
        let sockets = candidates.iter().map(|candidate| candidate.socket.as_path());
        let answers = greet(sockets, limits.in_passing()).await;
        let known = answers
            .into_iter()
            .map(|(socket, answer)| Candidate { socket: socket.to_owned(), hello: answer.ok() });
        Self::Several(known.collect())
    }
}

/// The sentence of [`NoProxy::Several`].
pub(super) fn several(candidates: &[Candidate]) -> String {
    let sockets: Vec<String> = candidates.iter().map(|candidate| shown(&candidate.socket)).collect();
    let widest = sockets.iter().map(|socket| socket.chars().count()).max().unwrap_or_default();
    let mut text = String::from("several proxies are running; choose one with --socket PATH:");
    for (candidate, socket) in candidates.iter().zip(sockets) {
        // Writing to a String cannot fail.
        let _ = match &candidate.hello {
            None => write!(text, "\n  --socket {socket}"),
            Some(hello) => write!(
                text,
                "\n  --socket {socket:widest$}  {}  {}",
                if hello.listen.is_empty() { "-".to_owned() } else { hello.listen.join(",") },
                hello.configuration
            ),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::scripted::{self, Act, Scripted, limits, soon};
    use super::*;

    #[tokio::test]
    async fn several_are_listed_with_what_those_that_answer_say() {
        let deaf = Hello { listen: Vec::new(), ..scripted::hello() };
        let proxies = [
            Scripted::start(|_| Act::json(&scripted::hello())),
            Scripted::start(move |_| Act::json(&deaf)),
            Scripted::start(|_| Act::Hang),
        ];
        let candidates =
            proxies.iter().map(|proxy| Candidate { socket: proxy.socket(), hello: None }).collect();
        let told = soon(NoProxy::Several(candidates).introduced(limits())).await.to_string();
        let lines: Vec<&str> = told.lines().skip(1).collect();
        let line = |at: usize, says: &str| format!("  --socket {}{says}", proxies[at].socket().display());
        assert_eq!(
            lines,
            [line(0, "  127.0.0.1:8080  /etc/site.conf"), line(1, "  -  /etc/site.conf"), line(2, "")]
        );
    }

    #[tokio::test]
    async fn other_reasons_stay() {
        let none = NoProxy::None(super::super::find::Running::default());
        assert_eq!(none.clone().introduced(limits()).await, none);
    }
}
