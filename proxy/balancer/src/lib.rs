//! The core of Evenkeel: who gets a request, as Apache httpd's `mod_proxy_balancer` decides it.
//!
//! No I/O, no clock, no dice, no log: time and dice are passed in, and what happened is handed back. All doors
//! are methods of [`Balancer`]; what a request holds between two of them is a [`Lease`].
//!
//! | file | question |
//! | --- | --- |
//! | `balancer` | the doors: elect, beat, read |
//! | `sticky` | does the client already belong to a member? |
//! | `candidates` | who may be asked, in which order? |
//! | `lbmethod` | who of those is owed the work? |
//! | `credit` | how much is everybody owed? |
//! | `recovery` | is it time to try a member in error again? |
//! | `failover` | whose fault was it, may it be repeated, is the member now in error? |
//! | `health` | which checks are due, and what follows from what they found? |
//! | `drain` | what does a member that takes no new sessions still wait for, and can it be stopped? |
//! | `heartbeats` | what was heard from a member, and is it still true? |
//! | `census` | which sessions were seen, and is anybody left? |
//! | `explain` | who would be elected, and why? |
//! | `edit` | may this change be made, and what does it change? |
//! | `guard` | would this change leave nobody to serve? |
//! | `rehearsal`, `foresight` | what would it do to traffic, tried on a copy? |
//! | `succession` | what becomes of all this when the configuration is read anew? |
//! | `roster` | who comes and who goes while it runs? |
//! | `member`, `tally` | what is kept of a member, and its counters |
//! | `snapshot` | all of it, to be shown |
//!
//! Invariants, checked behind each door in debug builds:
//!
//! 1. Each member has exactly one place in the lineup, in the group that its status, lbset and flags ask for.
//! 2. Under byrequests and bybusyness an election leaves the sum of lbstatus over those offered unchanged, and a
//!    sticky hit leaves that of the usable members unchanged.
//! 3. Nobody unusable or excluded is elected, nor a draining member without a session for it.
//! 4. Revisions grow by one with each edit that changed something, and not otherwise.
//!
//! Busy is the number of leases that live, and elected the number of those that were given out, because a lease is the
//! only thing that changes them; the simulation in `tests/` holds both against counts of its own.

mod balancer;
mod candidates;
mod census;
mod credit;
mod drain;
mod edit;
mod election;
mod explain;
mod failover;
mod foresight;
mod guard;
mod health;
mod heartbeats;
pub mod latency;
mod lbmethod;
mod member;
mod recovery;
mod rehearsal;
mod roster;
mod snapshot;
mod sticky;
mod succession;
mod tally;

pub use balancer::Balancer;
pub use census::{Salt, SessionMark, Sighted, Visit};
pub use drain::{DrainPlan, DrainWatch, MemberLook, SessionsSeen, Sight, Standing};
pub use edit::Accepted;
pub use election::{Ask, Election, Missing, NoMember, NoMemberWhy, Passed, Session, Why};
pub use failover::{Failure, FailureKind, Next, Outcome, Sent, Settled};
pub use foresight::{Foresight, Loss, Meant, Plan, Shift, Step, WHOLE};
pub use health::{DueCheck, Finding, Observed, Room, Verdict};
pub use heartbeats::Beat;
pub use member::MemberId;
pub use tally::{Dial, Lease, Meter, Reading};
