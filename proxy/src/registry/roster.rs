//! Members that come and go at run time, through the one door: validate, guard, write to the journal, apply, publish.
//!
//! Only who was added at run time can be removed at run time: whom the configuration names would be back after the
//! next reading of it.

use evenkeel_balancer::{Accepted, Balancer};
use evenkeel_protocol::{
    BalancerName, Change, Code, EditNote, Edited, EventKind, MemberAddition, MemberName, MemberRemoval,
    MemberSnapshot, Preview, Refusal, Subject,
};

use super::departure::departure;
use super::door::{Asker, name_of};
use super::{LiveBalancer, Registry};
use crate::clock;
use crate::config::{BalancerConfig, Newcomer};
use crate::journal::roster::{Added, FIELD};
use crate::journal::{Journal, Origin};

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RosterEdit<'a> {
    /// A member comes.
    Add(&'a MemberAddition, Room),
    /// The member that fits the selector goes.
    Remove(&'a str, &'a MemberRemoval),
}

/// How many members may be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// As many as `growth` says, which is httpd's bound.
    Growth,
    /// As many as a balancer may have.
    Ample,
}

/// What is going to happen.
enum Plan {
    Come(Box<Newcomer>),
    /// Who goes, and what is told of it.
    Go(Box<Added>, Change),
    /// It is so already.
    Nothing(MemberName),
}

impl Plan {
    fn member(&self) -> Option<&MemberName> {
        match self {
            Self::Come(newcomer) => Some(&newcomer.name),
            Self::Go(added, _) => added.subject.member.as_ref(),
            Self::Nothing(name) => Some(name),
        }
    }

    fn changes(&self) -> Vec<Change> {
        match self {
            Self::Come(newcomer) => {
                let after = MemberAddition::line(newcomer.name.as_str(), &newcomer.parameters);
                vec![Change { field: FIELD.to_owned(), before: String::new(), after }]
            }
            Self::Go(_, change) => vec![change.clone()],
            Self::Nothing(_) => Vec::new(),
        }
    }

    /// The core with it done.
    fn make(&self, core: &Balancer, cores: usize) -> Balancer {
        match self {
            Self::Come(newcomer) => core.grown((newcomer.name.clone(), newcomer.settings.clone()), cores),
            Self::Go(added, _) => match &added.subject.member {
                Some(member) => core.shrunk(member),
                None => core.rehearsal(),
            },
            Self::Nothing(_) => core.rehearsal(),
        }
    }
}

impl RosterEdit<'_> {
    fn revision(&self) -> Option<u64> {
        match self {
            Self::Add(addition, _) => addition.revision,
            Self::Remove(_, removal) => removal.revision,
        }
    }

    fn reason(&self) -> Option<String> {
        let reason = match self {
            Self::Add(addition, _) => &addition.reason,
            Self::Remove(_, removal) => &removal.reason,
        };
        reason.as_ref().map(|reason| reason.as_str().to_owned())
    }

    fn is_forced(&self) -> bool {
        matches!(self, Self::Remove(_, removal) if removal.force)
    }

    /// Whom a refusal is about, as far as it is known.
    fn subject(&self, balancer: &BalancerName) -> Subject {
        let member = match self {
            Self::Add(addition, _) => addition.url.parse().ok(),
            Self::Remove(selector, _) => selector.parse().ok(),
        };
        Subject { balancer: balancer.clone(), member }
    }
}

impl Registry {
    /// Adds or removes a member; `configs` are those in effect, and have it done afterwards.
    pub(crate) fn change_roster(
        &self,
        balancer: &BalancerName,
        edit: RosterEdit<'_>,
        configs: &mut [BalancerConfig],
        asker: &Asker,
    ) -> Result<Edited, Refusal> {
        let outcome = self.try_roster(balancer, edit, configs, asker);
        self.told(outcome, (edit.subject(balancer), None), (asker.by.clone(), edit.reason()))
    }

    fn try_roster(
        &self,
        balancer: &BalancerName,
        edit: RosterEdit<'_>,
        configs: &mut [BalancerConfig],
        asker: &Asker,
    ) -> Result<Edited, Refusal> {
        let mut journal = self.writer();
        let live = self.find(balancer)?;
        let config = configs.iter_mut().find(|config| config.name == *balancer);
        let config = config.ok_or_else(|| Refusal::new(Code::Internal, "the balancer is not configured"))?;
        let plan = self.plan_roster(&journal, &live, edit, config)?;
        let guard = if asker.guarded { guard(&live, &plan) } else { None };
        let forced = guard.is_some();
        if let Some(refusal) = guard.filter(|_| !edit.is_forced()) {
            return Err(refusal);
        }
        let subject = Subject { balancer: balancer.clone(), member: plan.member().cloned() };
        let (changes, mut notes) = (plan.changes(), notes(&live, &plan));
        let origin = Origin { by: asker.by.clone(), at: Some(clock::wall()), reason: edit.reason() };
        let durability = match &plan {
            Plan::Come(newcomer) => {
                config.join((**newcomer).clone());
                let parameters = newcomer.parameters.clone();
                let origin = origin.clone();
                journal.keep_added(Added { subject: subject.clone(), parameters, origin }, config)
            }
            Plan::Go(added, _) => {
                if let Some(member) = &added.subject.member {
                    config.part(member);
                }
                journal.keep_removed(&added.subject)
            }
            Plan::Nothing(_) => journal.durability(),
        };
        notes.extend(durability.note());
        let durable = durability.is_kept();
        let mut edited = Edited {
            balancer: subject.balancer,
            member: subject.member,
            changed: !changes.is_empty(),
            changes,
            revision: live.lock().revision(),
            event: None,
            durable,
            notes,
        };
        if !edited.changed {
            return Ok(edited);
        }
        let next = live.with_roster(&config.members, |core| plan.make(core, self.ground.cores), &self.ground);
        edited.revision = next.lock().revision();
        self.put_in_place(&live, next);
        let (changes, revision) = (edited.changes.clone(), edited.revision);
        let (by, reason, undoes) = (origin.by, origin.reason, asker.undoes);
        tracing::info!(%balancer, member = edited.member.as_ref().map_or("", MemberName::as_str), forced,
            came = matches!(plan, Plan::Come(_)), by = name_of(by.as_ref()),
            reason = reason.as_deref().unwrap_or_default(), "the roster was changed");
        let subject = Subject { balancer: balancer.clone(), member: None };
        let note = EditNote { changes, revision, by, reason, durable, forced, undoes };
        edited.event = Some(self.events.publish(EventKind::edited(subject, note)));
        Ok(edited)
    }

    /// What that would do; `configs` are those in effect. Errors: as the edit itself, but for the guards.
    pub(crate) fn preview_roster(
        &self,
        balancer: &BalancerName,
        edit: RosterEdit<'_>,
        configs: &[BalancerConfig],
    ) -> Result<Preview, Refusal> {
        let live = self.find(balancer)?;
        let config = configs.iter().find(|config| config.name == *balancer);
        let config = config.ok_or_else(|| Refusal::new(Code::Internal, "the balancer is not configured"))?;
        let plan = self.plan_roster(&self.writer(), &live, edit, config)?;
        let copy = live.lock().rehearsal();
        // Counters of its own, which the copy does not share.
        let after = plan.make(&copy, self.ground.cores).rehearsal();
        let revision = copy.revision() + u64::from(!matches!(plan, Plan::Nothing(_)));
        let accepted = Accepted { changes: plan.changes(), revision, notes: notes(&live, &plan) };
        let mut foreseen = copy.foresee_roster(after, accepted, clock::now());
        foreseen.guarded = guard(&live, &plan).filter(|_| !edit.is_forced());
        let subject = Subject { balancer: balancer.clone(), member: plan.member().cloned() };
        Ok(self.told_ahead(&live, subject, foreseen))
    }

    fn plan_roster(
        &self,
        journal: &Journal,
        live: &LiveBalancer,
        edit: RosterEdit<'_>,
        config: &BalancerConfig,
    ) -> Result<Plan, Refusal> {
        let subject =
            |member: Option<&MemberName>| Subject { balancer: live.name.clone(), member: member.cloned() };
        let revision = live.lock().revision();
        if let Some(wanted) = edit.revision().filter(|wanted| *wanted != revision) {
            let what = format!("balancer {} is at revision {revision} and not {wanted}", live.name);
            return Err(self.with_author(Refusal::field(Code::Stale, "revision", what), &subject(None)));
        }
        match edit {
            RosterEdit::Add(addition, room) => {
                let own = |added: &&Added| {
                    added.subject.balancer == live.name
                        && added.subject.member.as_ref().is_some_and(|it| it.as_str() == addition.url)
                };
                if let Some(added) = journal.added().iter().find(own)
                    && added.parameters == addition.parameters
                    && room == Room::Ample
                    && let Some(member) = &added.subject.member
                {
                    return Ok(Plan::Nothing(member.clone()));
                }
                newcomer(config, addition, room).map(|newcomer| Plan::Come(Box::new(newcomer)))
            }
            RosterEdit::Remove(selector, _) => {
                let member = live.resolve(selector)?;
                let added = removable(journal, &live.name, &member)?;
                Ok(Plan::Go(Box::new(added.clone()), departure(journal, live, added)))
            }
        }
    }

    /// Has the balancer's place taken.
    fn put_in_place(&self, before: &LiveBalancer, next: std::sync::Arc<LiveBalancer>) {
        let mut roster = self.balancers().to_vec();
        if let Some(place) = roster.iter_mut().find(|live| live.name == before.name) {
            *place = next;
        }
        *self.roster.write().unwrap_or_else(std::sync::PoisonError::into_inner) = std::sync::Arc::new(roster);
    }
}

/// Reads who is to come, if there is room.
fn newcomer(config: &BalancerConfig, addition: &MemberAddition, room: Room) -> Result<Newcomer, Refusal> {
    let invalid = |what: String| Refusal::new(Code::Invalid, what);
    let (growth, added) = (config.manager.growth, config.manager.added);
    if room == Room::Growth && added >= growth {
        let what = format!(
            "{} has no room for another member: growth={growth} in the configuration, {added} added",
            config.name.url(),
        );
        return Err(invalid(what));
    }
    if addition.parameters.len() > MemberAddition::MOST {
        return Err(invalid(format!("parameters: there are more than {}", MemberAddition::MOST)));
    }
    config.newcomer(&addition.url, &addition.parameters).map_err(invalid)
}

/// How that member came. Errors: it stands in the configuration.
pub(super) fn removable<'a>(
    journal: &'a Journal,
    balancer: &BalancerName,
    member: &MemberName,
) -> Result<&'a Added, Refusal> {
    let subject = Subject { balancer: balancer.clone(), member: Some(member.clone()) };
    journal.addition(&subject).ok_or_else(|| {
        let what = format!(
            "{member} stands in the configuration, and only who was added at run time can be removed; drain or stop \
             it, or remove its line and reload"
        );
        Refusal::new(Code::Invalid, what)
    })
}

/// Why it is not done unless it is forced: somebody would lose something.
fn guard(live: &LiveBalancer, plan: &Plan) -> Option<Refusal> {
    let Plan::Go(added, _) = plan else { return None };
    let member = added.subject.member.as_ref()?;
    let snapshot = live.snapshot();
    burden(&live.name, snapshot.member(member)?).or_else(|| live.lock().rehearsal().guard_removal(member))
}

/// Why a member is not removed unless it is forced: whose requests and sessions are with it.
pub(super) fn burden(balancer: &BalancerName, seen: &MemberSnapshot) -> Option<Refusal> {
    let member = &seen.name;
    let refuse = |what: String| {
        let how = format!("drain it first: evenkeel drain {balancer}/{member} --wait");
        Some(Refusal::new(
            Code::Guarded,
            format!("{what}; {how}; --force (or \"force\": true) removes it all the same"),
        ))
    };
    if seen.busy > 0 {
        let requests = if seen.busy == 1 { "request" } else { "requests" };
        return refuse(format!("{member} has {} {requests} in flight", seen.busy));
    }
    let sessions = seen.sessions.filter(|sessions| *sessions > 0)?;
    let live = if sessions == 1 { "live session" } else { "live sessions" };
    refuse(format!("{member} has {sessions} {live}"))
}

/// What else the operator should know.
fn notes(live: &LiveBalancer, plan: &Plan) -> Vec<String> {
    let Plan::Come(newcomer) = plan else { return Vec::new() };
    let mut notes = newcomer.warnings.clone();
    if !newcomer.settings.status.is_usable() {
        notes.push(format!(
            "It starts disabled and serves nobody: evenkeel enable {}/{} lets it in.",
            live.name, newcomer.name
        ));
    }
    if live.lock().settings().lbmethod == evenkeel_protocol::LbMethod::ByTraffic {
        notes.push(
            "Under bytraffic it gets every new request until its bytes have caught up with the others'."
                .to_owned(),
        );
    }
    notes
}
