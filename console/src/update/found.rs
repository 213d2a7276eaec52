//! What was asked for beside the snapshot comes in. An answer to a question that is no longer open is let go.

use crate::model::past::Past;
use crate::model::target::Target;
use crate::model::{Model, wash};
use crate::need::{Found, Need};

/// Takes it in.
pub(super) fn came(model: &mut Model, need: &Need, outcome: Result<Found, String>) {
    if !model.gathered.needs.contains(need) {
        return;
    }
    let outcome = outcome.map(|mut found| {
        wash::found(&mut found);
        found
    });
    let outcome = outcome.map_err(|why| wash::sentence(&why));
    let gathered = &mut model.gathered;
    match (need, outcome) {
        (Need::History(_, None, _), Ok(Found::History(history))) => model.roster.remember(&history),
        (Need::History(balancer, Some(member), _), outcome) => {
            let target = Target { balancer: balancer.clone(), member: member.clone() };
            gathered.past = Some(match outcome {
                Ok(Found::History(history)) => Past::new(&target, model.reach, *history)
                    .ok_or_else(|| "the proxy remembers nothing of this member".to_owned()),
                Ok(_) => return,
                Err(why) => Err(why),
            });
        }
        (Need::Census(_), Ok(Found::Census(census))) => gathered.census = Some(Ok(*census)),
        (Need::Census(_), Err(why)) => gathered.census = Some(Err(why)),
        (Need::Elections(_), Ok(Found::Elections(elections))) => {
            let before = gathered.elections.as_ref().and_then(|before| before.as_ref().ok());
            model.watching.follow(before, &elections);
            gathered.elections = Some(Ok(*elections));
        }
        (Need::Elections(_), Err(why)) => gathered.elections = Some(Err(why)),
        (Need::Overrides, Ok(Found::Overrides(overrides))) => gathered.overrides = Some(Ok(*overrides)),
        (Need::Overrides, Err(why)) => gathered.overrides = Some(Err(why)),
        (need, Ok(Found::Preview(preview))) if need.is_preview() => gathered.preview = Some(Ok(*preview)),
        (need, Err(why)) if need.is_preview() => gathered.preview = Some(Err(why)),
        (Need::Plan(_), Ok(Found::Plan(plan))) => gathered.plan = Some(Ok(*plan)),
        (Need::Plan(_), Err(why)) => gathered.plan = Some(Err(why)),
        (Need::Explanation(..), Ok(Found::Explanation(explanation))) => {
            gathered.explanation = Some(Ok(*explanation));
        }
        (Need::Explanation(..), Err(why)) => gathered.explanation = Some(Err(why)),
        // The lines of the list fill by themselves, only later; an answer of another kind than its question is none.
        _ => {}
    }
}

/// Goes on with the past of the member that is shown.
pub(super) fn go_on(model: &mut Model) {
    let Some(snapshot) = model.roster.snapshot() else { return };
    if let Some(Ok(past)) = &mut model.gathered.past
        && let Some((_, member)) = past.target.find(snapshot)
    {
        past.go_on(snapshot.taken, member);
    }
}
