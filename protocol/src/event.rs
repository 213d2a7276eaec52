//! Something that happened, numbered, so that a reader can go on where it stopped.

use serde::{Deserialize, Serialize};

use crate::drain::{DrainOutcome, DrainPhase, DrainUntil, OnTimeout};
use crate::edit::{Change, Peer};
use crate::name::{BalancerName, MemberName};
use crate::refusal::Code;
use crate::reload::{HttpdRestart, Override, Subject};
use crate::span::{Patience, Span};
use crate::status::Status;
use crate::timestamp::Timestamp;

/// One line of the event stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Counts up by one, over restarts too as far as the proxy's audit log could be written; after an unclean end some
    /// numbers are left out.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// What; its fields stand beside number and time.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
    /// The proxy has begun to serve.
    Started,
    /// The proxy ends; requests in flight may finish.
    Stopping,
    /// An operator changed a member.
    MemberEdited {
        /// The balancer.
        balancer: BalancerName,
        /// The member.
        member: MemberName,
        /// What changed.
        changes: Vec<Change>,
        /// The member's revision now.
        revision: u64,
        /// Who did it.
        by: Option<Peer>,
        /// Why, in the operator's words.
        reason: Option<String>,
        /// Will it survive a restart?
        durable: bool,
        /// Was a guard overridden?
        #[serde(default)]
        forced: bool,
        /// The number of the event that this undoes; none: it is no undo.
        #[serde(default)]
        undoes: Option<u64>,
    },
    /// An operator changed a balancer's own settings, or added or removed a member (the field `member`).
    BalancerEdited {
        /// The balancer.
        balancer: BalancerName,
        /// What changed.
        changes: Vec<Change>,
        /// The balancer's revision now.
        revision: u64,
        /// Who did it.
        by: Option<Peer>,
        /// Why, in the operator's words.
        reason: Option<String>,
        /// Will it survive a restart?
        durable: bool,
        /// Was a guard overridden?
        #[serde(default)]
        forced: bool,
        /// The number of the event that this undoes; none: it is no undo.
        #[serde(default)]
        undoes: Option<u64>,
    },
    /// A member was put into error.
    MemberFailed {
        /// The balancer.
        balancer: BalancerName,
        /// The member.
        member: MemberName,
        /// What happened, in a sentence.
        reason: String,
    },
    /// A member's error was lifted; it is tried again.
    MemberRetried {
        /// The balancer.
        balancer: BalancerName,
        /// The member.
        member: MemberName,
        /// Why now.
        how: Recovery,
    },
    /// A member answered again after an error.
    MemberRecovered {
        /// The balancer.
        balancer: BalancerName,
        /// The member.
        member: MemberName,
    },
    /// The configuration was read anew, and is in effect.
    Reloaded {
        /// How often that was done since the start.
        reloads: u64,
        /// Balancers and members that came.
        added: u64,
        /// Balancers and members that went.
        removed: u64,
        /// Edits of fields that hold on; an event each comes before this one.
        kept: u64,
        /// Edits of fields that hold no longer; an event each comes before this one.
        dropped: u64,
        /// Who asked for it; none: a signal.
        by: Option<Peer>,
    },
    /// The configuration was to be read anew and could not be; nothing has changed.
    ReloadRefused {
        /// What is wrong.
        reason: String,
        /// Who asked for it; none: a signal.
        by: Option<Peer>,
    },
    /// Another run of an httpd answers; a proxy of ours never tells this.
    HttpdRestarted(HttpdRestart),
    /// An edit holds on although the configuration was read after it.
    OverrideKept(Override),
    /// An edit holds no longer: the configuration wins, or who was edited is gone.
    OverrideDropped(Override),
    /// Edits that were told as not durable are written down now: a restart keeps them.
    EditsDurable {
        /// Whose they are.
        edited: Vec<Subject>,
    },
    /// A balancer with lbmethod heartbeat has heard nobody who could be elected for ten seconds, or not yet since it
    /// began: until a heartbeat comes it elects by requests.
    HeartbeatsMissed {
        /// The balancer.
        balancer: BalancerName,
    },
    /// Heartbeats were missed, and one came: the balancer elects by them again.
    HeartbeatsHeard {
        /// The balancer.
        balancer: BalancerName,
    },
    /// A member failed so many health checks in a row that nobody is sent to it any more (HcFl).
    HealthFailed {
        /// The balancer.
        balancer: BalancerName,
        /// The member.
        member: MemberName,
        /// What the last check found, in a sentence.
        reason: String,
    },
    /// A member passed so many health checks in a row that it is used again.
    HealthPassed {
        /// The balancer.
        balancer: BalancerName,
        /// The member.
        member: MemberName,
        /// What the last check found, in a sentence.
        reason: String,
        /// What was lifted: HcFl, an error, or both.
        lifted: Status,
    },
    /// A drain was begun.
    DrainBegan {
        /// Its number.
        drain: u64,
        /// The balancer.
        balancer: BalancerName,
        /// The member.
        member: MemberName,
        /// What it waits for.
        until: DrainUntil,
        /// How long it may take.
        timeout: Patience,
        /// How long nothing must be in flight.
        settle: Span,
        /// What happens at the deadline.
        on_timeout: OnTimeout,
        /// Who ordered it.
        by: Option<Peer>,
        /// Why, in the operator's words.
        reason: Option<String>,
        /// Would it survive a restart?
        durable: bool,
    },
    /// A drain was changed while it ran.
    DrainChanged {
        /// Its number.
        drain: u64,
        /// The balancer.
        balancer: BalancerName,
        /// The member.
        member: MemberName,
        /// What changed.
        changes: Vec<Change>,
        /// Who did it.
        by: Option<Peer>,
        /// Why, in the operator's words.
        reason: Option<String>,
        /// Would it survive a restart?
        durable: bool,
    },
    /// A drain has come to another phase.
    DrainPhase {
        /// Its number.
        drain: u64,
        /// The balancer.
        balancer: BalancerName,
        /// The member.
        member: MemberName,
        /// Where it stands.
        phase: DrainPhase,
        /// What it waits for, in a sentence.
        why: String,
    },
    /// A drain has ended.
    DrainEnded {
        /// Its number.
        drain: u64,
        /// The balancer.
        balancer: BalancerName,
        /// The member.
        member: MemberName,
        /// How.
        outcome: DrainOutcome,
        /// The same, in a sentence.
        why: String,
        /// Who cancelled it; none: nobody did.
        by: Option<Peer>,
    },
    /// Somebody asked for an edit or an undo and was refused; nothing has changed.
    EditRefused(RefusedEdit),
    /// The reader was too slow, or asked for what is no longer kept.
    Missed {
        /// The first event that is gone.
        from: u64,
        /// The last event that is gone.
        to: u64,
    },
}

/// What is told of an edit, alike of a member and of a balancer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EditNote {
    /// What changed.
    pub changes: Vec<Change>,
    /// The revision now.
    pub revision: u64,
    /// Who did it.
    pub by: Option<Peer>,
    /// Why, in the operator's words.
    pub reason: Option<String>,
    /// Will it survive a restart?
    pub durable: bool,
    /// Was a guard overridden?
    pub forced: bool,
    /// The number of the event that this undoes; none: it is no undo.
    pub undoes: Option<u64>,
}

impl EventKind {
    /// The event of an edit of whom it is about.
    pub fn edited(subject: Subject, note: EditNote) -> Self {
        let Subject { balancer, member } = subject;
        let EditNote { changes, revision, by, reason, durable, forced, undoes } = note;
        match member {
            Some(member) => Self::MemberEdited {
                balancer,
                member,
                changes,
                revision,
                by,
                reason,
                durable,
                forced,
                undoes,
            },
            None => Self::BalancerEdited { balancer, changes, revision, by, reason, durable, forced, undoes },
        }
    }

    /// Whom it is about: a balancer, or one of its members; none: the proxy as a whole, or its reader.
    pub fn about(&self) -> Option<(&BalancerName, Option<&MemberName>)> {
        match self {
            Self::MemberEdited { balancer, member, .. }
            | Self::MemberFailed { balancer, member, .. }
            | Self::MemberRetried { balancer, member, .. }
            | Self::MemberRecovered { balancer, member }
            | Self::DrainBegan { balancer, member, .. }
            | Self::DrainChanged { balancer, member, .. }
            | Self::DrainPhase { balancer, member, .. }
            | Self::DrainEnded { balancer, member, .. }
            | Self::HealthFailed { balancer, member, .. }
            | Self::HealthPassed { balancer, member, .. } => Some((balancer, Some(member))),
            Self::BalancerEdited { balancer, .. }
            | Self::HeartbeatsMissed { balancer }
            | Self::HeartbeatsHeard { balancer } => Some((balancer, None)),
            Self::OverrideKept(Override { subject, .. })
            | Self::OverrideDropped(Override { subject, .. })
            | Self::EditRefused(RefusedEdit { subject, .. }) => {
                Some((&subject.balancer, subject.member.as_ref()))
            }
            Self::Started
            | Self::Stopping
            | Self::Reloaded { .. }
            | Self::ReloadRefused { .. }
            | Self::EditsDurable { .. }
            | Self::HttpdRestarted(_)
            | Self::Missed { .. } => None,
        }
    }
}

/// An edit that was asked for and not made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedEdit {
    /// Whose fields; the member is none also where no member fitted.
    #[serde(flatten)]
    pub subject: Subject,
    /// What would have changed, as far as it was understood.
    pub changes: Vec<Change>,
    /// What kind of refusal it is.
    pub code: Code,
    /// What was wrong, as who asked was told.
    pub message: String,
    /// Who asked.
    pub by: Option<Peer>,
    /// Why, in the operator's words.
    pub reason: Option<String>,
}

/// Why a member's error was lifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recovery {
    /// Its retry time had passed, or it ignores errors.
    Retry,
    /// All that could serve were in error, so all are tried (`forcerecovery`).
    Forced,
}
