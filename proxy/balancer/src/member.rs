//! What a balancer keeps of one member, and what its status says of it. Its lbstatus lies in the lineup.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_protocol::{Checks, Flag, MemberName, MemberSettings, Moment, Status};

use crate::census::RouteSeen;
use crate::health::Health;
use crate::heartbeats::Heard;
use crate::tally::Tally;

/// A member of one balancer: its position in configuration order, which stays for life.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct MemberId(pub u32);

impl MemberId {
    /// The position as an index.
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// When and why a member was put into error.
#[derive(Debug, Clone)]
pub(crate) struct ErrorState {
    /// When.
    pub(crate) at: Moment,
    /// What happened, clean.
    pub(crate) reason: String,
}

/// One member.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) name: MemberName,
    /// As they are in effect; their `status` is the one it started with.
    pub(crate) settings: MemberSettings,
    pub(crate) status: Status,
    pub(crate) revision: u64,
    /// How often its error was lifted since it last answered.
    pub(crate) retries: u32,
    /// The last error, until it answers again.
    pub(crate) error: Option<ErrorState>,
    /// The address in its URL, if there is one.
    pub(crate) address: Option<IpAddr>,
    pub(crate) heard: Option<Heard>,
    pub(crate) health: Health,
    /// How often it was checked.
    pub(crate) checks: Checks,
    pub(crate) tally: Arc<Tally>,
    /// What is seen of the sessions of its route; none if it keeps none.
    pub(crate) seen: Option<Arc<RouteSeen>>,
}

impl Member {
    pub(crate) fn new(name: MemberName, settings: MemberSettings, cores: usize) -> Self {
        Self {
            // As in httpd, initialising a member undoes `status=-O`.
            status: settings.status.with(Flag::Initialised, true),
            address: name.host().parse().ok(),
            name,
            settings,
            revision: 0,
            retries: 0,
            error: None,
            heard: None,
            health: Health::default(),
            checks: Checks::default(),
            tally: Arc::new(Tally::new(cores)),
            seen: None,
        }
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.status.has(Flag::Drain)
    }

    /// A standby or a spare: no spare takes its place when it cannot be used.
    pub(crate) fn is_reserve(&self) -> bool {
        self.status.has_any(&[Flag::Standby, Flag::Spare])
    }

    /// The first moment at which its error may be lifted; none if it has no error, or must not be retried.
    ///
    /// httpd (`ap_proxy_retry_worker`): strictly after the retry time, at once with I, never while stopped. An
    /// error that the configuration set has no time, so it is lifted at once.
    pub(crate) fn retry_from(&self) -> Option<Moment> {
        if !self.status.has(Flag::Error) || self.status.has(Flag::Stopped) {
            return None;
        }
        match &self.error {
            Some(error) if !self.status.has(Flag::IgnoreErrors) => {
                let retry = Duration::from_secs(u64::from(self.settings.retry));
                Some(error.at.plus(retry).plus(Duration::from_micros(1)))
            }
            _ => Some(Moment(0)),
        }
    }

    /// Would it be usable if it were not in error?
    pub(crate) fn would_be_usable(&self) -> bool {
        self.status.with(Flag::Error, false).is_usable()
    }

    /// Lifts its error to try it again; the next request elected to it is the probe.
    pub(crate) fn lift_error(&mut self) {
        self.status = self.status.with(Flag::Error, false);
        self.retries = self.retries.saturating_add(1);
        self.tally.set_attentive(true);
        self.tally.set_trial(crate::tally::Trial::Due);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(status: &str, error: Option<u64>) -> Member {
        let mut settings = MemberSettings { retry: 2, ..MemberSettings::default() };
        if !status.is_empty() {
            settings.status = settings.status.apply(status).unwrap();
        }
        let mut member = Member::new("http://127.0.0.1:1".parse().unwrap(), settings, 1);
        member.error = error.map(|at| ErrorState { at: Moment(at), reason: String::new() });
        member
    }

    #[test]
    fn when_an_error_may_be_lifted() {
        for (name, status, error, from) in [
            ("no error", "", None, None),
            ("a note alone", "", Some(5), None),
            ("strictly after the retry time", "E", Some(5), Some(2_000_006)),
            ("behind disabled too", "DE", Some(5), Some(2_000_006)),
            ("behind drain too", "NE", Some(5), Some(2_000_006)),
            ("blocked by stop", "SE", Some(5), None),
            ("at once if it ignores errors", "IE", Some(5), Some(0)),
            ("at once if configured", "E", None, Some(0)),
        ] {
            assert_eq!(member(status, error).retry_from(), from.map(Moment), "{name}");
        }
    }

    #[test]
    fn it_is_initialised_whatever_the_configuration_says() {
        assert!(member("-O", None).status.is_usable());
        assert_eq!(member("", None).address, "127.0.0.1".parse().ok());
    }
}
