//! What reading the configuration anew did: who came, who went, and what became of edits that were made at run time.

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

use crate::loss::Loss;
use crate::name::{BalancerName, MemberName};

/// A balancer or one of its members.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Subject {
    /// The balancer.
    pub balancer: BalancerName,
    /// None: the balancer itself.
    pub member: Option<MemberName>,
}

impl Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.member {
            Some(member) => write!(f, "{}/{member}", self.balancer),
            None => self.balancer.fmt(f),
        }
    }
}

/// An edit of one field that was made at run time and met a configuration that was read after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// Whose field.
    #[serde(flatten)]
    pub subject: Subject,
    /// The field, as in edits.
    pub field: String,
    /// What it was set to.
    pub value: String,
    /// Why it holds, or why the configuration wins.
    pub why: String,
    /// How it was lost, where only somebody who looked on can say.
    #[serde(default, skip_serializing_if = "Loss::is_plain")]
    pub loss: Loss,
}

/// The configuration was read anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// How often that was done since the start.
    pub reloads: u64,
    /// The number of its event.
    pub event: u64,
    /// Who is there now and was not.
    pub added: Vec<Subject>,
    /// Who was there and is not any more. Requests that are with them may finish.
    pub removed: Vec<Subject>,
    /// Edits that hold on.
    pub kept: Vec<Override>,
    /// Edits that hold no longer.
    pub dropped: Vec<Override>,
    /// What somebody should know about the configuration.
    pub warnings: Vec<String>,
    /// Will the edits that hold on survive a restart?
    pub durable: bool,
}

/// Another run of an httpd answers: it was restarted, or reloaded (`apachectl graceful`). Its page tells neither which, nor
/// who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpdRestart {
    /// Does it keep what is set at run time (`BalancerPersist`)? None: its page does not say.
    pub persists: Option<bool>,
    /// Balancers and members that came.
    pub added: u64,
    /// Balancers and members that went.
    pub removed: u64,
    /// Settings made from here that hold on.
    pub kept: u64,
    /// Settings made from here that hold no longer; an event each comes before this one.
    pub dropped: u64,
    /// Settings that were seen and were not made from here, and are others now; an event each comes before this one.
    #[serde(default)]
    pub others: u64,
}

impl HttpdRestart {
    /// Is all that was set as it was, whoever had set it?
    pub fn is_harmless(&self) -> bool {
        self.persists == Some(true) && self.dropped == 0 && self.others == 0
    }
}

impl Display for HttpdRestart {
    /// The whole sentence, without who it is about.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { persists, added, removed, kept, dropped, others } = self;
        f.write_str("httpd was restarted or reloaded; runtime settings ")?;
        f.write_str(match persists {
            Some(true) => "stay (BalancerPersist)",
            Some(false) | None => "went back to its configuration",
        })?;
        for (count, what) in [
            (added, "new"),
            (removed, "gone"),
            (kept, "set from here and kept"),
            (dropped, "set from here and lost"),
            (others, "not set from here, and other than before"),
        ] {
            if *count > 0 {
                write!(f, "; {count} {what}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_of_httpd_tells_what_became_of_settings() {
        let restart = |persists, [kept, dropped, others]: [u64; 3]| HttpdRestart {
            persists,
            added: 0,
            removed: 1,
            kept,
            dropped,
            others,
        };
        for (restart, harmless, ends) in [
            (
                restart(Some(false), [0, 2, 0]),
                false,
                "went back to its configuration; 1 gone; 2 set from here and lost",
            ),
            (restart(None, [0, 0, 0]), false, "went back to its configuration; 1 gone"),
            (
                restart(Some(true), [1, 0, 0]),
                true,
                "stay (BalancerPersist); 1 gone; 1 set from here and kept",
            ),
            (
                restart(Some(true), [0, 1, 0]),
                false,
                "stay (BalancerPersist); 1 gone; 1 set from here and lost",
            ),
            (
                restart(Some(true), [0, 0, 3]),
                false,
                "stay (BalancerPersist); 1 gone; 3 not set from here, and other than before",
            ),
        ] {
            let told = restart.to_string();
            assert_eq!((restart.is_harmless(), told.ends_with(ends)), (harmless, true), "{told}");
        }
    }
}
