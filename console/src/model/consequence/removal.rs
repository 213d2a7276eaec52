//! What is lost when a member goes for good.

use evenkeel_protocol::{Flag, MemberSnapshot};

use super::{Scene, UNCOUNTED};
use crate::model::target::label;

/// Can nobody lose anything by its going? Nothing is with it, and no new users come to it.
pub fn is_let_go_of(member: &MemberSnapshot) -> bool {
    let out = !member.status.is_usable() || member.status.has(Flag::Drain);
    out && member.in_flight() == Some(0) && member.sessions.unwrap_or(0) == 0
}

impl Scene<'_> {
    /// The member goes.
    pub(super) fn removal(&mut self) {
        match self.member.in_flight() {
            Some(0) => self.say(super::idle(&self.seen.proxy, "")),
            None => self.warn(UNCOUNTED),
            Some(1) => self.warn("1 request is in flight with it; it may finish."),
            Some(busy) => self.warn(format!("{busy} requests are in flight with it; they may finish.")),
        }
        let fate = || {
            let route = &self.member.route;
            let twin = self.balancer.members.iter().find(|other| {
                other.route == *route && other.name != self.member.name && other.status.is_usable()
            });
            match twin {
                Some(twin) => {
                    format!("they go to {}, which has the same route", label(self.balancer, twin))
                }
                None => self.strangers_fate().to_owned(),
            }
        };
        match self.member.sessions {
            _ if !self.holds_sessions() => {}
            Some(0) => self.say("No live session is with it."),
            Some(sessions) => {
                self.warn(format!("Breaks the live sessions that are with it, {sessions}: {}.", fate()));
            }
            None if !self.member.status.is_usable() => {
                self.say("It serves nobody already, so no session breaks by it.");
            }
            None => self.warn(format!(
                "Breaks the sessions on route {}, as many as there are: {}.",
                self.member.route,
                fate()
            )),
        }
        self.say("Its numbers, its history and all that was set of it go with it.");
    }
}
