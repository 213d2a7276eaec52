//! Changes that an operator asks for: first planned against the present, then, if accepted, made.
//!
//! A preview and the edit itself share the plan, so they cannot disagree. Only the fields that are named change;
//! the one exception is httpd's: a changed factor sets every member's lbstatus to its factor.

use evenkeel_protocol::edit::UpTo;
use evenkeel_protocol::{
    BalancerEdit, BalancerSettings, Change, CheckCount, Code, Flag, HealthCheck, LbMethod, MemberEdit,
    MemberName, MemberSettings, Refusal, Status,
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

/// How the member shall be checked.
fn plan_health(health: &mut HealthCheck, edit: &MemberEdit, changes: &mut Changes) {
    let count = |count: Option<CheckCount>| count.map(CheckCount::get);
    changes.put("hcmethod", &mut health.method, edit.hcmethod, ToString::to_string);
    changes.put("hcinterval", &mut health.interval, edit.hcinterval, ToString::to_string);
    changes.put("hcpasses", &mut health.passes, count(edit.hcpasses), ToString::to_string);
    changes.put("hcfails", &mut health.fails, count(edit.hcfails), ToString::to_string);
    changes.put("hcuri", &mut health.uri, edit.hcuri.clone(), ToString::to_string);
    changes.put("hcexpr", &mut health.expression, edit.hcexpr.clone(), ToString::to_string);
}

fn on_off(on: bool) -> String {
    if on { "On" } else { "Off" }.to_owned()
}

/// `first` is the revision that it began with in this process.
pub(crate) fn refuse_stale(
    what: &str,
    asked: Option<u64>,
    (current, first): (u64, u64),
) -> Result<(), Refusal> {
    let Some(asked) = asked.filter(|asked| *asked != current) else { return Ok(()) };
    let changed = if asked < first {
        "may have been changed since you looked, for the proxy was started again or it came anew"
    } else {
        "was changed since you looked"
    };
    let why = format!("{what} {changed}: its revision is {current}, not {asked}; look again");
    Err(Refusal::field(Code::Stale, "revision", why))
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
        self.outdate_checks();
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
        self.watch.outdate();
        if method_changed {
            self.reset_method();
        }
        self.check_invariants();
        Ok(accepted)
    }

    /// Sets every member's lbstatus to its factor. httpd does so whenever its manager's form brings a load factor,
    /// be it changed or not; an edit here does so if the factor changes.
    pub fn restart_load(&mut self) {
        self.lineup.credit.set_all(|factor| factor);
    }

    /// httpd's `reset` of the method that was chosen anew. It would clear busy too; busy belongs to the requests
    /// in flight here and is left alone.
    fn reset_method(&mut self) {
        match self.settings.lbmethod {
            LbMethod::ByRequests | LbMethod::ByBusyness => self.lineup.credit.set_all(|_| 0),
            LbMethod::ByTraffic => self.members.iter().for_each(|member| member.tally.reset_bytes()),
            LbMethod::Heartbeat => {}
        }
    }

    /// That a member is not of this balancer.
    pub(crate) fn no_member(&self, name: &MemberName) -> Refusal {
        let message = format!("balancer {} has no member {name}; ask for the list of its members", self.name);
        Refusal::new(Code::NotFound, message)
    }

    fn plan_member(&self, name: &MemberName, edit: &MemberEdit) -> Result<MemberPlan, Refusal> {
        let found = self.members().zip(&self.members).find(|((_, known, _), _)| *known == name);
        let Some(((id, ..), member)) = found else { return Err(self.no_member(name)) };
        refuse_stale(&format!("member {name}"), edit.revision, (member.revision, self.first_revision))?;
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
        plan_health(&mut settings.health, edit, &mut changes);
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
            note("The load (lbstatus) of every member is set to its factor, as httpd does.");
        }
        if changes.touches(MemberEdit::TRANSIENT) {
            note(if settings.health.is_on() {
                "The next checks decide anew; a restart forgets it."
            } else {
                "It is not checked, so it stays so until it is changed; a restart forgets it."
            });
        }
        if changes.touches("hcmethod") && !settings.health.is_on() && status.has(Flag::HealthFail) {
            note("It is not checked any more and stays failed (HcFl) until health_fail is cleared.");
        }
        if changes.touches("hcexpr") && !settings.health.expression.is_empty() && !settings.health.asks() {
            note("Its check sends no request, so the expression has nothing to decide.");
        }
        let has_sessions = self.settings.stickysession.is_some() && !member.settings.route.is_empty();
        if has_sessions && (newly(Flag::Disabled) || newly(Flag::Stopped)) {
            note(&format!(
                "Its sessions {}; drain would let them finish.",
                self.fate_of_sessions(member, settings)
            ));
        }
        let redirect = &settings.redirect;
        let leads_nowhere = |other: &Member| other.name == member.name || other.settings.route != *redirect;
        if changes.touches("redirect") && !redirect.is_empty() && self.members.iter().all(leads_nowhere) {
            note(&format!("No other member has the route {redirect}: the redirect leads nowhere."));
        }
        let taken = |other: &&Member| other.name != member.name && other.settings.route == settings.route;
        if changes.touches("route") && !settings.route.is_empty() && self.members.iter().any(|m| taken(&m)) {
            note("Another member has the same route: its sessions go to the one that stands first.");
        }
        let serves = |status: Status| status.is_usable() && !status.has(Flag::Drain);
        let others_serve = self.members.iter().any(|other| other.name != member.name && serves(other.status));
        if serves(member.status) && !serves(status) && !others_serve {
            // It is said ahead as well as afterwards.
            note("With that no member takes new requests: clients without a session get 503.");
        }
        let returns = serves(status) && !serves(member.status);
        if returns && self.settings.lbmethod == LbMethod::ByTraffic && self.is_behind(member) {
            note(
                "Under bytraffic it gets every new request until its bytes have caught up with the others'.",
            );
        }
        notes
    }

    /// What becomes of the sessions of a member that serves nobody any more.
    fn fate_of_sessions(&self, member: &Member, settings: &MemberSettings) -> String {
        let mut others =
            self.members.iter().filter(|other| other.name != member.name && other.status.is_usable());
        let redirect = &settings.redirect;
        if !redirect.is_empty() && others.clone().any(|other| other.settings.route == *redirect) {
            format!("go to its redirect {redirect}")
        } else if self.settings.nofailover {
            "are refused from now on (nofailover)".to_owned()
        } else if others.any(|other| !other.status.has(Flag::Drain)) {
            "move to other members".to_owned()
        } else {
            "get 503, because no other member takes them".to_owned()
        }
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
        refuse_stale(
            &format!("balancer {}", self.name),
            edit.revision,
            (self.revision, self.first_revision),
        )?;
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
                    "The load (lbstatus) of every member is set to 0, as httpd does."
                }
                LbMethod::ByTraffic => "The byte counters of every member are set to 0, as httpd does.",
                LbMethod::Heartbeat => "While no heartbeat is heard, byrequests decides.",
            };
            notes.push(note.to_owned());
        }
        let revision = self.revision + u64::from(!changes.0.is_empty());
        Ok(BalancerPlan { settings, accepted: Accepted { changes: changes.0, revision, notes } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::election::Ask;
    use evenkeel_protocol::edit::StickyEdit;
    use evenkeel_protocol::{Factor, Moment};

    fn balancer(settings: BalancerSettings, routes: &[&str]) -> Balancer {
        let member = |(at, route): (usize, &&str)| {
            let settings = MemberSettings { route: route.parse().unwrap(), ..MemberSettings::default() };
            (format!("http://10.0.0.{at}").parse().unwrap(), settings)
        };
        Balancer::new("app".parse().unwrap(), settings, routes.iter().enumerate().map(member).collect(), 1)
    }

    fn first() -> MemberName {
        "http://10.0.0.0".parse().unwrap()
    }

    fn shown(accepted: &Accepted) -> Vec<String> {
        let show = |change: &Change| format!("{} {}>{}", change.field, change.before, change.after);
        accepted.changes.iter().map(show).collect()
    }

    #[test]
    fn changes_are_told_as_apache_writes_them_and_only_what_differs() {
        let mut balancer = balancer(BalancerSettings::default(), &["a", "b"]);
        let edit = MemberEdit {
            lbfactor: Factor::from_hundredths(200),
            lbset: evenkeel_protocol::Lbset::new(0),
            route: Some("node1".parse().unwrap()),
            drain: Some(true),
            stopped: Some(false),
            ..MemberEdit::default()
        };
        let accepted = balancer.edit_member(&first(), &edit).unwrap();
        assert_eq!(shown(&accepted), ["lbfactor 1.00>2.00", "route a>node1", "drain Off>On"]);
        assert_eq!((accepted.revision, accepted.notes.len()), (1, 1));
        let again = balancer.edit_member(&first(), &edit).unwrap();
        assert_eq!((again.changes.len(), again.revision, again.notes.len()), (0, 1, 0));

        let edit = BalancerEdit {
            lbmethod: Some(LbMethod::ByBusyness),
            stickysession: Some(StickyEdit(Some("SID|sid".parse().unwrap()))),
            nofailover: Some(true),
            timeout: UpTo::new(3),
            maxattempts: UpTo::new(2),
            ..BalancerEdit::default()
        };
        assert_eq!(
            shown(&balancer.edit(&edit).unwrap()),
            [
                "lbmethod byrequests>bybusyness",
                "stickysession >SID|sid",
                "nofailover Off>On",
                "timeout 0>3",
                "maxattempts default>2"
            ]
        );
        let wait = balancer
            .elect(&Ask { excluded: &[crate::MemberId(0), crate::MemberId(1)], ..Ask::default() }, Moment(0));
        assert_eq!(wait.unwrap_err().wait, Some(std::time::Duration::from_secs(3)));
    }

    #[test]
    fn a_revision_that_has_passed_is_refused_with_the_present_one() {
        let mut balancer = balancer(BalancerSettings::default(), &["a"]);
        let edit = |drain, revision| MemberEdit { drain: Some(drain), revision, ..MemberEdit::default() };
        assert_eq!(balancer.edit_member(&first(), &edit(true, Some(0))).unwrap().revision, 1);
        let refusal = balancer.edit_member(&first(), &edit(false, Some(0))).unwrap_err();
        assert_eq!((refusal.code, refusal.field.as_deref()), (Code::Stale, Some("revision")));
        assert!(refusal.message.contains("is 1, not 0"), "{refusal}");
        let stranger = "http://10.9.9.9".parse().unwrap();
        assert_eq!(balancer.preview_member(&stranger, &edit(true, None)).unwrap_err().code, Code::NotFound);
        let edit = BalancerEdit { revision: Some(4), ..BalancerEdit::default() };
        assert_eq!(balancer.edit(&edit).unwrap_err().code, Code::Stale);
    }

    #[test]
    fn a_preview_changes_nothing() {
        let balancer = balancer(BalancerSettings::default(), &["a"]);
        let edit = MemberEdit { drain: Some(true), ..MemberEdit::default() };
        assert_eq!(balancer.preview_member(&first(), &edit).unwrap().revision, 1);
        assert_eq!(balancer.members[0].revision, 0);
        assert!(!balancer.members[0].is_draining());
    }

    #[test]
    fn every_change_is_taken_back_by_its_own_words() {
        let mut balancer = balancer(BalancerSettings::default(), &["a", "b"]);
        let shown = |balancer: &Balancer| {
            let member = &balancer.members[0];
            (member.settings.clone(), member.status, balancer.settings.clone())
        };
        let before = shown(&balancer);
        let mut edit = MemberEdit::default();
        for (field, value) in [
            ("lbfactor", "2.5"),
            ("lbset", "3"),
            ("route", ""),
            ("redirect", "b"),
            ("hcmethod", "GET"),
            ("hcinterval", "1500ms"),
            ("hcpasses", "4"),
            ("hcfails", "5"),
            ("hcuri", "/x"),
            ("hcexpr", "ok"),
        ] {
            edit.set(field, value).unwrap();
        }
        for (_, field) in MemberEdit::FLAGS {
            edit.set(field, "on").unwrap();
        }
        let mut settings = BalancerEdit::default();
        for (field, value) in
            [("lbmethod", "bytraffic"), ("stickysession", "A|b"), ("nofailover", "on"), ("timeout", "7")]
        {
            settings.set(field, value).unwrap();
        }
        let there = balancer.edit_member(&first(), &edit).unwrap().changes;
        assert_eq!(there.len(), 17);
        let mut back = MemberEdit::default();
        for Change { field, before, .. } in &there {
            back.set(field, before).unwrap();
        }
        balancer.edit_member(&first(), &back).unwrap();
        let there = balancer.edit(&settings).unwrap().changes;
        assert_eq!(there.len(), 4);
        let mut back = BalancerEdit::default();
        for Change { field, before, .. } in &there {
            back.set(field, before).unwrap();
        }
        balancer.edit(&back).unwrap();
        assert_eq!(shown(&balancer), before);
    }

    #[test]
    fn notes_say_what_may_not_be_expected() {
        let sticky =
            BalancerSettings { stickysession: Some("SID".parse().unwrap()), ..BalancerSettings::default() };
        let strict = BalancerSettings { nofailover: true, ..sticky.clone() };
        let drain = MemberEdit { drain: Some(true), ..MemberEdit::default() };
        let disable = MemberEdit { disabled: Some(true), ..MemberEdit::default() };
        let route = MemberEdit { route: Some("b".parse().unwrap()), ..MemberEdit::default() };
        let redirect = |to: &str| MemberEdit { redirect: Some(to.parse().unwrap()), ..MemberEdit::default() };
        let (nowhere, itself) = (redirect("c"), redirect("a"));
        let redirected = MemberEdit { disabled: Some(true), ..redirect("b") };
        for (name, settings, routes, edit, words) in [
            ("a drain among others", &sticky, &["a", "b"][..], &drain, &[][..]),
            ("the last one drains", &sticky, &["a"], &drain, &["With that no member takes new requests: "]),
            ("sessions move", &sticky, &["a", "b"], &disable, &["Its sessions move"]),
            (
                "sessions have nowhere to go",
                &sticky,
                &["a"],
                &disable,
                &["Its sessions get 503", "With that no member takes new requests: "],
            ),
            (
                "sessions are redirected",
                &sticky,
                &["a", "b"],
                &redirected,
                &["Its sessions go to its redirect b"],
            ),
            ("a redirect to nobody", &sticky, &["a", "b"], &nowhere, &["No other member has the route c"]),
            ("a redirect to itself", &sticky, &["a", "b"], &itself, &["No other member has the route a"]),
            ("sessions are refused", &strict, &["a", "b"], &disable, &["Its sessions are refused"]),
            ("no sessions", &BalancerSettings::default(), &["a", "b"], &disable, &[]),
            ("a route twice", &sticky, &["a", "b"], &route, &["Another member has the same route"]),
        ] {
            let notes = balancer(settings.clone(), routes).preview_member(&first(), edit).unwrap().notes;
            assert_eq!(notes.len(), words.len(), "{name}: {notes:?}");
            assert!(
                notes.iter().zip(words).all(|(note, words)| note.starts_with(words)),
                "{name}: {notes:?}"
            );
        }
    }

    #[test]
    fn a_member_that_returns_under_bytraffic_is_warned_of() {
        let settings = BalancerSettings { lbmethod: LbMethod::ByTraffic, ..BalancerSettings::default() };
        let mut balancer = balancer(settings, &["", ""]);
        let disabled = |on| MemberEdit { disabled: Some(on), ..MemberEdit::default() };
        balancer.edit_member(&first(), &disabled(true)).unwrap();
        assert_eq!(balancer.preview_member(&first(), &disabled(false)).unwrap().notes.len(), 0);
        balancer.elect(&Ask::default(), Moment(0)).unwrap().lease.received(1_000_000);
        assert_eq!(balancer.preview_member(&first(), &disabled(false)).unwrap().notes.len(), 1);
    }
}
