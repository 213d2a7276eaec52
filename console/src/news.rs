//! What passes between the screen and a connection to a proxy: asks one way, news the other.
//!
//! The screen never waits: it asks through a [`Link`] and hears of the outcome as [`News`].

use std::time::Duration;

use evenkeel_protocol::{
    BalancerEdit, BalancerName, DrainAnswer, Edited, Event, MemberAddition, MemberEdit, MemberName,
    MemberRemoval, Reloaded, Snapshot, UndoOrder,
};

use crate::need::{Found, Job, Need};

/// Ties an answer to its ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket(pub u64);

/// What a connection tells the screen, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// The proxy answers (again). A snapshot follows.
    Connected,
    /// The proxy's state now.
    Snapshot(Box<Snapshot>),
    /// Something happened.
    Event(Box<Event>),
    /// The proxy does not answer; it is tried again.
    Lost {
        /// Why, in a sentence.
        why: String,
        /// When it is tried again.
        next_try: Duration,
    },
    /// An edit was accepted, refused, or its fate is not known.
    Answer {
        /// Which.
        ticket: Ticket,
        /// What came of it; an error is a sentence for the operator.
        outcome: Result<Box<Edited>, String>,
    },
    /// A job was accepted, refused, or its fate is not known.
    Drained {
        /// Which.
        ticket: Ticket,
        /// What came of it; an error is a sentence for the operator.
        outcome: Result<Box<DrainAnswer>, String>,
    },
    /// The configuration was read anew, or was refused.
    Reloaded {
        /// Which.
        ticket: Ticket,
        /// What came of it; an error is a sentence for the operator.
        outcome: Result<Box<Reloaded>, String>,
    },
    /// Something that a screen needs.
    Found {
        /// What was asked.
        need: Need,
        /// What was found; an error is a sentence that stands in its place.
        outcome: Result<Found, String>,
    },
}

/// What the screen may ask of a connection; nothing here waits.
pub trait Link {
    /// Change a member; the answer comes as [`News::Answer`].
    fn edit_member(&self, ticket: Ticket, balancer: &BalancerName, member: &MemberName, edit: MemberEdit);
    /// Change a balancer; the answer comes as [`News::Answer`].
    fn edit_balancer(&self, ticket: Ticket, balancer: &BalancerName, edit: BalancerEdit);
    /// Add a member; the answer comes as [`News::Answer`].
    fn add_member(&self, ticket: Ticket, balancer: &BalancerName, addition: MemberAddition);
    /// Remove a member; the answer comes as [`News::Answer`].
    fn remove_member(&self, ticket: Ticket, member: (&BalancerName, &MemberName), removal: MemberRemoval);
    /// Have the proxy take an edit back; the answer comes as [`News::Answer`].
    fn undo(&self, ticket: Ticket, order: UndoOrder);
    /// Have the proxy read its configuration anew; the answer comes as [`News::Reloaded`].
    fn reload(&self, ticket: Ticket);
    /// Ask something of the proxy's drains; the answer comes as [`News::Drained`].
    fn drain(&self, ticket: Ticket, job: Job);
    /// From now on fetch this beside snapshots, and nothing else; it comes as [`News::Found`].
    fn look(&self, needs: Vec<Need>);
    /// From now on send a snapshot at least once in each `period`.
    fn pace(&self, period: Duration);
    /// Send a snapshot soon, for example after an event.
    fn refresh(&self);
}
