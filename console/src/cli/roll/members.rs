//! Who is rolled, and who is left as an operator wanted it.

use evenkeel_protocol::{BalancerSnapshot, Flag, MemberName, MemberSnapshot, Snapshot};

use super::super::drain::Target;
use super::super::output::Stop;
use super::super::target;
use super::summary::{State, Step};

/// The members in their order, or those that were named.
pub(super) fn chosen(
    snapshot: &Snapshot,
    balancer: &BalancerSnapshot,
    only: &[String],
) -> Result<Vec<Step>, Stop> {
    let mut chosen = Vec::new();
    for text in only {
        let whole = if text.contains('/') { text.clone() } else { format!("{}/{text}", balancer.name) };
        let target = Target::find(snapshot, &whole)?;
        if target.balancer != balancer.name {
            return Err(Stop::usage(format!("--only {text}: is no member of {}", balancer.name)));
        }
        chosen.push(target.member);
    }
    let wanted = |member: &&MemberSnapshot| chosen.is_empty() || chosen.contains(&member.name);
    Ok(balancer.members.iter().filter(wanted).map(|member| step(snapshot, balancer, member)).collect())
}

/// Those of `plan` that are there, in its order.
pub(super) fn planned(snapshot: &Snapshot, balancer: &BalancerSnapshot, plan: &[MemberName]) -> Vec<Step> {
    let members = plan.iter().filter_map(|name| balancer.member(name));
    members.map(|member| step(snapshot, balancer, member)).collect()
}

fn step(snapshot: &Snapshot, balancer: &BalancerSnapshot, member: &MemberSnapshot) -> Step {
    Step {
        target: Target {
            balancer: balancer.name.clone(),
            member: member.name.clone(),
            label: target::shortest(snapshot, balancer, member),
        },
        state: State::Untouched,
        drained_before: member.status.has(Flag::Drain),
        status: Some(member.status),
        words: member.words.clone(),
    }
}

/// Does it serve nobody because an operator wanted that?
pub(super) fn is_out_of_use(member: &MemberSnapshot) -> bool {
    member.status.has_any(&[Flag::Disabled, Flag::Stopped])
}
