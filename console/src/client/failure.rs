//! What can go wrong between asking a proxy and having its answer.

use std::error::Error;
use std::io;
use std::path::Path;

use evenkeel_protocol::Refusal;
use evenkeel_protocol::clean::clean;
use thiserror::Error;

/// Why there is no answer. Each reads as a sentence for the operator.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Failure {
    /// The proxy answered, and refused; nothing was changed.
    #[error("{0}")]
    Refused(Refusal),
    /// This user may not ask this proxy; nothing was changed.
    #[error("{0}")]
    Permission(String),
    /// This kind of proxy cannot do that; nothing was changed.
    #[error("{0}")]
    Unable(String),
    /// There was no connection; nothing was changed.
    #[error("{0}")]
    Unreachable(String),
    /// A cache answered with an old page; nothing was changed.
    #[error("{0}")]
    Old(String),
    /// There was a connection, and no answer that is understood: lost, late, too large, another version.
    #[error("{0}")]
    Protocol(String),
    /// An edit was sent and its outcome is not known.
    #[error("{0}; the change may have been made or not, so look before you repeat it")]
    FateUnknown(String),
}

impl Failure {
    /// The same failure when it struck an edit: behind a connection nobody knows what the proxy still did.
    pub(in crate::client) fn of_edit(self) -> Self {
        match self {
            Self::Protocol(why) => Self::FateUnknown(why),
            other => other,
        }
    }

    /// From the HTTP client's error while asking the proxy behind `socket`.
    pub(super) fn from_http(error: &reqwest::Error, socket: &Path) -> Self {
        let socket = clean(&socket.display().to_string(), 200);
        if error.is_connect() || error.is_builder() {
            return match io_kind(error) {
                Some(io::ErrorKind::PermissionDenied) => {
                    Self::Permission(format!("you may not use the admin socket {socket}; run as its owner"))
                }
                Some(io::ErrorKind::NotFound) => {
                    Self::Unreachable(format!("the proxy's admin socket {socket} is gone; is it running?"))
                }
                Some(io::ErrorKind::ConnectionRefused) => {
                    Self::Unreachable(format!("no proxy listens on {socket}; is it running?"))
                }
                _ => Self::Unreachable(format!("no connection to {socket}: {}", root(error))),
            };
        }
        Self::Protocol(format!("the proxy went away before it had answered ({})", root(error)))
    }

    /// When no answer came in time.
    pub(super) fn late(waited: std::time::Duration) -> Self {
        Self::Protocol(format!("the proxy took the question and gave no answer within {waited:?}"))
    }
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| Error::source(*error))
}

fn io_kind(error: &reqwest::Error) -> Option<io::ErrorKind> {
    causes(error).find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind)
}

/// The first cause, which says most.
pub(in crate::client) fn root(error: &reqwest::Error) -> String {
    causes(error).last().map(|cause| clean(&cause.to_string(), 200)).unwrap_or_default()
}
