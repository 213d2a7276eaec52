//! Everything that `update` may ask the program to do. It is done by the loop in `screen`, never here.

use std::time::Duration;

use evenkeel_protocol::{BalancerEdit, BalancerName, MemberAddition, MemberEdit, MemberRemoval, UndoOrder};

use crate::model::target::Target;
use crate::need::Job;
use crate::news::Ticket;

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Send an edit of a member to the proxy.
    EditMember {
        /// Ties the answer to the ask.
        ticket: Ticket,
        /// Whom.
        target: Target,
        /// What; carries the revision that the operator saw.
        edit: Box<MemberEdit>,
    },
    /// Send an edit of a balancer's settings to the proxy.
    EditBalancer {
        /// Ties the answer to the ask.
        ticket: Ticket,
        /// Whose.
        balancer: BalancerName,
        /// What; carries the revision that the operator saw.
        edit: Box<BalancerEdit>,
    },
    /// Have a member come.
    AddMember {
        /// Ties the answer to the ask.
        ticket: Ticket,
        /// Where to.
        balancer: BalancerName,
        /// Who.
        addition: Box<MemberAddition>,
    },
    /// Let a member go.
    RemoveMember {
        /// Ties the answer to the ask.
        ticket: Ticket,
        /// Whom.
        target: Target,
        /// How.
        removal: Box<MemberRemoval>,
    },
    /// Have the proxy take an edit back.
    Undo {
        /// Ties the answer to the ask.
        ticket: Ticket,
        /// Which edit.
        order: UndoOrder,
    },
    /// Have the proxy read its configuration anew.
    Reload(Ticket),
    /// Ask something of the proxy's drains.
    Drain {
        /// Ties the answer to the ask.
        ticket: Ticket,
        /// What.
        job: Box<Job>,
    },
    /// Ask for snapshots that often from now on.
    Pace(Duration),
    /// Ask for a snapshot soon.
    Refresh,
    /// Give a text to the clipboard of whoever sits at the terminal.
    Yank(String),
    /// Take the mouse, or leave it to the terminal.
    Mouse(Switch),
    /// Draw everything anew.
    Repaint,
    /// Show all targets together.
    Fleet,
    /// Give the terminal back and stop until the shell lets us go on.
    Suspend,
    /// End.
    Quit,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}
