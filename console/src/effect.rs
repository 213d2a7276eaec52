//! Everything that `update` may ask the program to do. It is done by the loop in `screen`, never here.

use evenkeel_protocol::MemberEdit;

use crate::model::target::Target;
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
    /// Ask for a snapshot soon.
    Refresh,
    /// Draw everything anew.
    Repaint,
    /// Give the terminal back and stop until the shell lets us go on.
    Suspend,
    /// End.
    Quit,
}
