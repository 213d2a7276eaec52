//! What the one who serves a request tells of its session: that the member answered, failed, or gave the client one.

use std::cell::Cell;
use std::sync::Arc;

use evenkeel_protocol::Moment;

use super::{RouteSeen, SessionMark};
use crate::member::Member;

/// What a request that got a member must tell of its session. Only members with a route keep sessions.
#[derive(Debug, Clone)]
pub struct Visit {
    /// At the member's own route.
    seen: Arc<RouteSeen>,
    /// The session that led to the member.
    session: Option<SessionMark>,
    /// Was the client given one by the answer?
    welcome: Cell<bool>,
}

impl Visit {
    /// The member has answered. Once more if the answer took long, at its end.
    pub fn answered(&self, now: Moment) {
        if self.session.is_some() || self.welcome.get() {
            self.seen.see(self.session, now);
        }
    }

    /// The member has not answered.
    pub fn failed(&self, now: Moment) {
        if let Some(session) = self.session {
            self.seen.claim(session, now);
        }
    }

    /// Does this value of a `Set-Cookie` field give the client a session?
    pub fn is_given_by(&self, set_cookie: &[u8]) -> bool {
        let pair = set_cookie.split(|byte| *byte == b';').next().unwrap_or_default();
        let Some(equals) = pair.iter().position(|byte| *byte == b'=') else { return false };
        let (name, value) = pair.split_at(equals);
        // An empty value takes it away.
        name.trim_ascii() == self.seen.cookie.as_bytes() && !matches!(value.trim_ascii(), b"=" | b"=\"\"")
    }

    /// The client was given a session of this route.
    pub fn welcomed(&self, now: Moment) {
        self.welcome.set(true);
        self.seen.see(None, now);
    }
}

impl Member {
    /// What a request that was given to it has to tell of `session`.
    pub(crate) fn visit(&self, session: Option<SessionMark>) -> Option<Visit> {
        Some(Visit { seen: Arc::clone(self.seen.as_ref()?), session, welcome: Cell::new(false) })
    }
}
