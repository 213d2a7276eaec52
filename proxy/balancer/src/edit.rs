//! Changes that an operator asks for: first planned against the present, then, if accepted, made.
//!
//! A preview and the edit itself share the plan, so they cannot disagree. Only the fields that are named change;
//! the one exception is httpd's: a changed factor sets every member's lbstatus to its factor.

use evenkeel_protocol::edit::UpTo;
use evenkeel_protocol::{
    BalancerEdit, BalancerSettings, Change, Code, Flag, LbMethod, MemberEdit, MemberName, MemberSettings,
    Refusal, Status,
};

use crate::balancer::Balancer;
use crate::member::{Member, MemberId};

/// An edit that was accepted, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// What changes; empty if all that was asked for holds already.
    pub changes: Vec<Change>,
    /// The revision of the member or balancer with these changes.
    pub revision: u64,
    /// What else the operator should know, in sentences.
    pub notes: Vec<String>,
}

/// What an edit makes of a member.
struct MemberPlan {
    id: MemberId,
    settings: MemberSettings,
    status: Status,
    accepted: Accepted,
}

/// What an edit makes of a balancer.
struct BalancerPlan {
    settings: BalancerSettings,
    accepted: Accepted,
}

/// Collects what changes.
#[derive(Default)]
struct Changes(Vec<Change>);

impl Changes {
    /// Puts `wanted`, if there is one and it differs, in the place of `held`.
    fn put<T: PartialEq>(
        &mut self,
        field: &str,
        held: &mut T,
        wanted: Option<T>,
        show: impl Fn(&T) -> String,
    ) {
        if let Some(wanted) = wanted.filter(|wanted| wanted != held) {
            self.0.push(Change { field: field.to_owned(), before: show(held), after: show(&wanted) });
            *held = wanted;
        }
    }

    fn touches(&self, field: &str) -> bool {
        self.0.iter().any(|change| change.field == field)
    }
}

fn on_off(on: bool) -> String {
    if on { "On" } else { "Off" }.to_owned()
}

fn refuse_stale(what: &str, asked: Option<u64>, current: u64) -> Result<(), Refusal> {
    match asked {
        Some(asked) if asked != current => Err(Refusal::field(
            Code::Stale,
            "revision",
            format!(
                "{what} was changed since you looked: its revision is {current}, not {asked}; look again"
            ),
        )),
        _ => Ok(()),
    }
}

impl Balancer {
    /// What [`Self::edit_member`] would answer. Changes nothing.
    ///
    /// Errors: [`Code::NotFound`] for a member that is not of this balancer, [`Code::Stale`] for another revision.
    pub fn preview_member(&self, member: &MemberName, edit: &MemberEdit) -> Result<Accepted, Refusal> {
        self.plan_member(member, edit).map(|plan| plan.accepted)
    }

    /// Changes a member. Errors: as [`Self::preview_member`].
    pub fn edit_member(&mut self, member: &MemberName, edit: &MemberEdit) -> Result<Accepted, Refusal> {
        let MemberPlan { id, settings, status, accepted } = self.plan_member(member, edit)?;
        if accepted.changes.is_empty() {
            return Ok(accepted);
        }
        if let Some(member) = self.member_mut(id) {
            member.settings = settings;
            member.status = status;
            member.revision = accepted.revision;
        }
        self.rebuild_routes();
        self.lineup.refresh(&self.members);
        if accepted.changes.iter().any(|change| change.field == "lbfactor") {
            self.restart_load();
        }
        self.check_invariants();
        Ok(accepted)
    }

    /// What [`Self::edit`] would answer. Changes nothing.
    ///
    /// Errors: [`Code::Stale`] for another revision.
    pub fn preview(&self, edit: &BalancerEdit) -> Result<Accepted, Refusal> {
        self.plan(edit).map(|plan| plan.accepted)
    }

    /// Changes the balancer's own settings. Errors: as [`Self::preview`].
    pub fn edit(&mut self, edit: &BalancerEdit) -> Result<Accepted, Refusal> {
        let BalancerPlan { settings, accepted } = self.plan(edit)?;
        if accepted.changes.is_empty() {
            return Ok(accepted);
        }
        let method_changed = settings.lbmethod != self.settings.lbmethod;
        self.settings = settings;
        self.revision = accepted.revision;
        if method_changed {
            self.reset_method();
        }
        self.check_invariants();
        Ok(accepted)
    }

    /// Sets every member's lbstatus to its factor. httpd does so whenever its manager's form brings a load factor,
    /// be it changed or not; an edit here does so if the factor changes.
    pub fn restart_load(&mut self) {
        self.lineup.lbstatus.clone_from(&self.lineup.lbfactor);
    }

    /// httpd's `reset` of the method that was chosen anew. It would clear busy too; busy belongs to the requests
    /// in flight here and is left alone.
    fn reset_method(&mut self) {
        match self.settings.lbmethod {
            LbMethod::ByRequests | LbMethod::ByBusyness => self.lineup.lbstatus.fill(0),
            LbMethod::ByTraffic => self.members.iter().for_each(|member| member.tally.reset_bytes()),
            LbMethod::Heartbeat => {}
        }
    }

    fn plan_member(&self, name: &MemberName, edit: &MemberEdit) -> Result<MemberPlan, Refusal> {
        let found = self.members().zip(&self.members).find(|((_, known, _), _)| *known == name);
        let Some(((id, ..), member)) = found else {
            return Err(Refusal::new(
                Code::NotFound,
                format!("balancer {} has no member {name}; ask for the list of its members", self.name),
            ));
        };
        refuse_stale(&format!("member {name}"), edit.revision, member.revision)?;
        let (mut settings, mut status) = (member.settings.clone(), member.status);
        let mut changes = Changes::default();
        changes.put("lbfactor", &mut settings.lbfactor, edit.lbfactor, ToString::to_string);
        changes.put("lbset", &mut settings.lbset, edit.lbset, ToString::to_string);
        changes.put("route", &mut settings.route, edit.route.clone(), ToString::to_string);
        changes.put("redirect", &mut settings.redirect, edit.redirect.clone(), ToString::to_string);
        for (flag, field) in MemberEdit::FLAGS {
            let mut on = status.has(flag);
            changes.put(field, &mut on, edit.flag(flag), |on| on_off(*on));
            status = status.with(flag, on);
        }
        let notes = self.member_notes(member, &settings, status, &changes);
        let revision = member.revision + u64::from(!changes.0.is_empty());
        Ok(MemberPlan { id, settings, status, accepted: Accepted { changes: changes.0, revision, notes } })
    }

    /// What an operator may not expect of these changes.
    fn member_notes(
        &self,
        member: &Member,
        settings: &MemberSettings,
        status: Status,
        changes: &Changes,
    ) -> Vec<String> {
        let mut notes = Vec::new();
        let mut note = |sentence: &str| notes.push(sentence.to_owned());
        let newly = |flag: Flag| status.has(flag) && !member.status.has(flag);
        if changes.touches("lbfactor") {
            note("The load (lbstatus) of every member was set to its factor, as httpd does.");
        }
        let has_sessions = self.settings.stickysession.is_some() && !member.settings.route.is_empty();
        if has_sessions && (newly(Flag::Disabled) || newly(Flag::Stopped)) {
            note(if self.settings.nofailover && member.settings.redirect.is_empty() {
                "Its sessions are refused from now on (nofailover); drain would let them finish."
            } else {
                "Its sessions move to other members; drain would let them finish."
            });
        }
        let taken = |other: &&Member| other.name != member.name && other.settings.route == settings.route;
        if changes.touches("route") && !settings.route.is_empty() && self.members.iter().any(|m| taken(&m)) {
            note("Another member has the same route: its sessions go to the one that stands first.");
        }
        let serves = |status: Status| status.is_usable() && !status.has(Flag::Drain);
        let others_serve = self.members.iter().any(|other| other.name != member.name && serves(other.status));
        if serves(member.status) && !serves(status) && !others_serve {
            note("No member takes new requests now: clients without a session get 503.");
        }
        let returns = serves(status) && !serves(member.status);
        if returns && self.settings.lbmethod == LbMethod::ByTraffic && self.is_behind(member) {
            note(
                "Under bytraffic it gets every new request until its bytes have caught up with the others'.",
            );
        }
        notes
    }

    /// Has it moved less for its share than every other member that takes requests?
    fn is_behind(&self, member: &Member) -> bool {
        let load = |member: &Member| {
            let factor = u64::from(member.settings.lbfactor.hundredths());
            (member.tally.transferred() / factor).saturating_add(member.tally.read() / factor)
        };
        let others =
            self.members.iter().filter(|other| other.name != member.name && other.status.is_usable());
        others.map(load).min().is_some_and(|least| load(member) < least)
    }

    fn plan(&self, edit: &BalancerEdit) -> Result<BalancerPlan, Refusal> {
        refuse_stale(&format!("balancer {}", self.name), edit.revision, self.revision)?;
        let mut settings = self.settings.clone();
        let mut changes = Changes::default();
        changes.put("lbmethod", &mut settings.lbmethod, edit.lbmethod, ToString::to_string);
        let sticky = edit.stickysession.clone().map(|edit| edit.0);
        changes.put("stickysession", &mut settings.stickysession, sticky, |sticky| {
            sticky.as_ref().map(ToString::to_string).unwrap_or_default()
        });
        changes.put("nofailover", &mut settings.nofailover, edit.nofailover, |on| on_off(*on));
        changes.put("timeout", &mut settings.timeout, edit.timeout.map(UpTo::get), ToString::to_string);
        let attempts = edit.maxattempts.map(|up_to| Some(up_to.get()));
        changes.put("maxattempts", &mut settings.maxattempts, attempts, |attempts| {
            attempts.map_or_else(|| "default".to_owned(), |attempts| attempts.to_string())
        });
        let mut notes = Vec::new();
        if changes.touches("lbmethod") {
            let note = match settings.lbmethod {
                LbMethod::ByRequests | LbMethod::ByBusyness => {
                    "The load (lbstatus) of every member was set to 0, as httpd does."
                }
                LbMethod::ByTraffic => "The byte counters of every member were set to 0, as httpd does.",
                LbMethod::Heartbeat => "While no heartbeat is heard, byrequests decides.",
            };
            notes.push(note.to_owned());
        }
        let revision = self.revision + u64::from(!changes.0.is_empty());
        Ok(BalancerPlan { settings, accepted: Accepted { changes: changes.0, revision, notes } })
    }
}
