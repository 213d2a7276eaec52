//! `--min-available`: how many members must take new sessions while one does not.

use evenkeel_protocol::{BalancerSnapshot, Flag, MemberName, MemberSnapshot};

use super::Exit;
use super::output::Stop;

/// Do at least so many members beside `member` take new sessions?
///
/// # Errors
///
/// They do not, as a sentence that names the way around it.
pub(super) fn enough(balancer: &BalancerSnapshot, member: &MemberName, least: usize) -> Result<(), String> {
    let takes =
        |other: &&MemberSnapshot| other.name != *member && other.usable && !other.status.has(Flag::Drain);
    let others = balancer.members.iter().filter(takes).count();
    if others >= least {
        return Ok(());
    }
    let take = match others {
        1 => "1 other member takes".to_owned(),
        others => format!("{others} other members take"),
    };
    Err(format!("{take} new sessions, and --min-available wants {least}; --force overrides it"))
}

/// As [`enough`], for a command that has not begun. A member that drains already takes nobody away.
pub(super) fn guard(balancer: &BalancerSnapshot, member: &MemberName, least: usize) -> Result<(), Stop> {
    if balancer.member(member).is_some_and(|member| member.status.has(Flag::Drain)) {
        return Ok(());
    }
    enough(balancer, member, least).map_err(|why| Stop::Failed(Exit::Guarded, why))
}
