//! What an edit would do, as this console expects it: httpd has no dry run, so everything that comes before the post is
//! done as for the edit itself, and then nothing is posted. Who would get the next requests nobody here can say.

use evenkeel_protocol::refusal::Code;
use evenkeel_protocol::{
    BalancerEdit, BalancerName, BalancerSnapshot, Change, Edited, Flag, MemberAddition, MemberEdit,
    MemberName, Preview, Refusal, Status, Subject,
};

use super::order::Order;
use super::{Look, Manager, act, add, form, record, settings};
use crate::client::Failure;
use crate::lineup::{Place, newcomers, places};

/// What stands below every forecast.
const OWN: &str = "This console foresees it from the page as it is: httpd has no dry run.";

/// What the page does not count, once httpd was restarted.
const UNCOUNTED: &str = "httpd was restarted: its processes of before may still serve requests of this member, which the \
                         page does not count.";

impl Manager {
    /// What a change of a member would do.
    pub(in crate::client) async fn preview_member(
        &self,
        balancer: &BalancerName,
        member: &MemberName,
        edit: &MemberEdit,
    ) -> Result<Preview, Failure> {
        let subject = Subject { balancer: balancer.clone(), member: Some(member.clone()) };
        let after = |balancer: &BalancerSnapshot| {
            let members = balancer.members.iter();
            members
                .map(|other| if other.name == *member { Place::after(other, edit) } else { Place::of(other) })
                .collect()
        };
        self.foresee(&subject, &Order::of_member(edit), after).await
    }

    /// What a change of a balancer's own settings would do.
    pub(in crate::client) async fn preview_balancer(
        &self,
        balancer: &BalancerName,
        edit: &BalancerEdit,
    ) -> Result<Preview, Failure> {
        let subject = Subject { balancer: balancer.clone(), member: None };
        self.foresee(&subject, &Order::of_balancer(edit), places).await
    }

    async fn foresee(
        &self,
        subject: &Subject,
        order: &Order,
        after: impl Fn(&BalancerSnapshot) -> Vec<Place>,
    ) -> Result<Preview, Failure> {
        let look = self.form(subject).await?;
        let refusal = refusal_of(self.prepare(subject, order, &look))?;
        let wanted = order.differing(subject, &look.snapshot);
        let change = |wanted: &form::Wanted| Change {
            field: wanted.field.to_owned(),
            before: settings::get(&look.snapshot, subject, wanted.field).unwrap_or_default(),
            after: wanted.shown.clone(),
        };
        let mut notes = act::notes(&[], &wanted);
        let lets_go = |wanted: &form::Wanted| {
            matches!(wanted.field, "drain" | "disabled" | "stopped") && wanted.shown == "On"
        };
        if look.snapshot.proxy.reloads > 0 && wanted.iter().any(lets_go) {
            notes.push(UNCOUNTED.to_owned());
        }
        let changes: Vec<Change> = wanted.iter().map(change).collect();
        let lasts = self.loses_nothing(subject, &changes);
        let preview = expected(subject, &look, (changes, notes), lasts);
        let remaining = look.snapshot.balancer(&subject.balancer);
        let remaining = remaining.map_or_else(Vec::new, |balancer| takers(balancer, &after(balancer)));
        Ok(Preview { refusal, remaining, ..preview })
    }

    /// What it would do that a member comes.
    pub(in crate::client) async fn preview_addition(
        &self,
        balancer: &BalancerName,
        addition: &MemberAddition,
    ) -> Result<Preview, Failure> {
        let (subject, edit) = add::wanted(balancer, addition)?;
        let own = Subject { balancer: balancer.clone(), member: None };
        let look = self.form(&own).await?;
        let wanted = form::of_member(&edit);
        let there = add::is_listed(&look.snapshot, &subject);
        let refusal = if there {
            refusal_of(add::already(&subject, &look, &wanted))?
        } else {
            refusal_of(self.joining(&own, addition, &look))?
        };
        let mut changes: Vec<Change> = Vec::new();
        if !there {
            changes.extend(subject.member.iter().map(record::joining));
            let set = |wanted: &form::Wanted| Change {
                field: wanted.field.to_owned(),
                before: String::new(),
                after: wanted.shown.clone(),
            };
            changes.extend(wanted.iter().map(set));
        }
        let disabled = edit.disabled != Some(false);
        let notes = Some(add::disabled(&subject)).filter(|_| disabled && !there).into_iter().collect();
        let preview = expected(&subject, &look, (changes, notes), false);
        let snapshot = look.snapshot.balancer(balancer);
        let remaining = snapshot.map_or_else(Vec::new, |balancer| {
            let mut after = places(balancer);
            after.extend(Some(arriving(&edit)).filter(|_| !there));
            let mut names = takers(balancer, &after);
            let comes = newcomers(&after).contains(&balancer.members.len());
            names.extend(subject.member.clone().filter(|_| comes));
            names
        });
        Ok(Preview { refusal, remaining, ..preview })
    }
}

/// What was refused, of something that is done up to the post.
fn refusal_of<T>(outcome: Result<T, Failure>) -> Result<Option<Refusal>, Failure> {
    match outcome {
        Ok(_) => Ok(None),
        Err(Failure::Refused(refusal)) if !matches!(refusal.code, Code::NotFound | Code::Ambiguous) => {
            Ok(Some(refusal))
        }
        Err(failure) => Err(failure),
    }
}

/// A forecast without a refusal, and without who remains.
fn expected(subject: &Subject, look: &Look, told: (Vec<Change>, Vec<String>), lasts: bool) -> Preview {
    let Edited { balancer, member, changes, revision, mut notes, .. } =
        act::edited(subject, look, told, lasts);
    notes.push(OWN.to_owned());
    Preview {
        balancer,
        member,
        applied: false,
        changes,
        revision,
        refusal: None,
        moved: None,
        sessions: None,
        remaining: Vec::new(),
        next: Vec::new(),
        next_after: Vec::new(),
        estimated: true,
        notes,
    }
}

/// The names of those who are given requests without a session in these places.
fn takers(balancer: &BalancerSnapshot, after: &[Place]) -> Vec<MemberName> {
    let members = newcomers(after).into_iter().filter_map(|at| balancer.members.get(at));
    members.map(|member| member.name.clone()).collect()
}

/// The place of a member that comes.
fn arriving(edit: &MemberEdit) -> Place {
    let disabled = Status::INITIALISED.with(Flag::Disabled, true);
    let turned = |status: Status, (flag, _)| edit.flag(flag).map_or(status, |on| status.with(flag, on));
    let status = MemberEdit::FLAGS.into_iter().fold(disabled, turned);
    Place { status, lbset: edit.lbset.unwrap_or_default() }
}
