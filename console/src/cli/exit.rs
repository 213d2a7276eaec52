//! The exit codes: one table for all commands. A number that was once given is never given again.

use std::fmt::Write as _;
use std::process::ExitCode;

use evenkeel_protocol::Refusal;
use evenkeel_protocol::refusal::Code;

use crate::client::{Failure, NoProxy};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// What was wanted holds, changed or not.
    Done = 0,
    /// Something that has no code of its own.
    Failed = 1,
    /// The command line is not understood.
    Usage = 2,
    /// There is no such balancer, member or route, or several fit.
    NotFound = 3,
    /// A guard refused it.
    Guarded = 4,
    /// This user may not.
    Permission = 5,
    /// No proxy was reached.
    Unreachable = 6,
    /// The member is not well where it was to be.
    Unhealthy = 7,
    /// Somebody else changed it before, or a promise of before does not hold any more.
    Stale = 8,
    /// The socket only lets read.
    ReadOnly = 9,
    /// A value is out of range or of the wrong kind.
    Invalid = 10,
    /// Done, and lost when the proxy restarts.
    NotDurable = 11,
    /// This kind of proxy cannot do that.
    Unable = 12,
    /// In a fleet: done in some targets and not in others, or in none for different reasons.
    Mixed = 13,
    /// A wait ran past its time, as with coreutils' timeout.
    TimedOut = 124,
    /// Interrupted by Ctrl-C, as shells report it.
    Interrupted = 130,
}

impl Exit {
    /// Every code with its meaning, as `--help` lists them.
    pub const TABLE: [(Self, &'static str); 16] = [
        (Self::Done, "the wanted state holds, changed or not"),
        (Self::Failed, "unexpected failure, or an edit whose outcome is not known"),
        (Self::Usage, "usage error"),
        (Self::NotFound, "no such balancer, member or route; or ambiguous"),
        (Self::Guarded, "refused by a guard"),
        (Self::Permission, "permission denied, on the socket or by role"),
        (Self::Unreachable, "proxy not reachable: no socket, several, refused, no or foreign answer"),
        (Self::Unhealthy, "reached, but the member is not healthy"),
        (Self::Stale, "stale: somebody changed it since, or what was safe to stop is so no more"),
        (Self::ReadOnly, "the socket or the role is read-only"),
        (Self::Invalid, "invalid value"),
        (Self::NotDurable, "done, but lost when the proxy restarts"),
        (Self::Unable, "this kind of proxy cannot do that"),
        (Self::Mixed, "several targets: not the same in all; the line of each tells"),
        (Self::TimedOut, "a wait ran past its time"),
        (Self::Interrupted, "interrupted"),
    ];

    /// The number.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

impl From<&Refusal> for Exit {
    fn from(refusal: &Refusal) -> Self {
        match refusal.code {
            Code::NotFound | Code::Ambiguous => Self::NotFound,
            Code::Invalid => Self::Invalid,
            Code::Stale => Self::Stale,
            Code::Guarded => Self::Guarded,
            Code::Denied => Self::Permission,
            Code::ReadOnly => Self::ReadOnly,
            Code::Unavailable => Self::Unreachable,
            Code::BadRequest | Code::MethodNotAllowed | Code::TooLarge | Code::Internal => Self::Failed,
        }
    }
}

impl From<&Failure> for Exit {
    fn from(failure: &Failure) -> Self {
        match failure {
            Failure::Refused(refusal) => Self::from(refusal),
            Failure::Permission(_) => Self::Permission,
            Failure::Old(_) => Self::ReadOnly,
            Failure::Unreachable(_) | Failure::Protocol(_) => Self::Unreachable,
            Failure::FateUnknown(_) => Self::Failed,
            Failure::Unable(_) => Self::Unable,
        }
    }
}

impl From<&NoProxy> for Exit {
    fn from(none: &NoProxy) -> Self {
        match none {
            NoProxy::Permission { .. } => Self::Permission,
            NoProxy::Options(_) => Self::Usage,
            NoProxy::Several(_) | NoProxy::None(_) | NoProxy::Unfit { .. } => Self::Unreachable,
        }
    }
}

/// The table as `--help` prints it.
pub fn help() -> String {
    let mut text = String::from("Exit codes:");
    for (exit, about) in Exit::TABLE {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n  {:>3}  {about}", exit.code());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_once_given_stay() {
        let codes: Vec<u8> = Exit::TABLE.iter().map(|(exit, _)| exit.code()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 124, 130]);
    }

    #[test]
    fn each_refusal_and_failure_has_its_code() {
        for (code, exit) in [
            (Code::BadRequest, 1),
            (Code::NotFound, 3),
            (Code::Ambiguous, 3),
            (Code::Invalid, 10),
            (Code::Stale, 8),
            (Code::Guarded, 4),
            (Code::Denied, 5),
            (Code::ReadOnly, 9),
            (Code::TooLarge, 1),
            (Code::Unavailable, 6),
            (Code::Internal, 1),
        ] {
            assert_eq!(Exit::from(&Refusal::new(code, "")).code(), exit, "{code:?}");
        }
        for (failure, exit) in [
            (Failure::Permission(String::new()), 5),
            (Failure::Unreachable(String::new()), 6),
            (Failure::Protocol(String::new()), 6),
            (Failure::FateUnknown(String::new()), 1),
            (Failure::Unable(String::new()), 12),
        ] {
            assert_eq!(Exit::from(&failure).code(), exit, "{failure:?}");
        }
    }
}
