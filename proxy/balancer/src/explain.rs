//! Who would be elected for a request, and why. A copy of the balancer holds the very election that a request would
//! get; here it is only told, in words for people. Nothing of the balancer itself changes.

use evenkeel_protocol::clean::clean;
use evenkeel_protocol::{
    Candidacy, CandidateNote, ElectionWhy, Flag, LbMethod, MemberName, Moment, Recovery, SearchStep,
};

use crate::balancer::{Balancer, Course, Step};
use crate::candidates::Standing;
use crate::election::{Ask, NoMemberWhy, Why};
use crate::member::{Member, MemberId};

mod session;

/// Characters of a stranger's text that are shown.
const SHOWN: usize = 60;
/// Members of a search that are told; redirects may lead in circles.
const STEPS: usize = 100;

impl Balancer {
    /// What an election for `ask` would do at `now`, and who would be elected if the same request came `next` times and
    /// each was answered at once.
    pub fn explain(&self, ask: &Ask<'_>, now: Moment, next: usize) -> Candidacy {
        let mut rehearsal = self.rehearsal();
        let mut course = Course { steps: Some(Vec::new()), ..Course::default() };
        let outcome = rehearsal.elect_in(ask, now, &mut course);
        let (elected, why, retried, route_changed) = match &outcome {
            Ok(election) => {
                (Some(election.member), told(election.why), &election.retried, election.route_changed)
            }
            Err(nobody) => (None, nobody_told(nobody.why), &nobody.retried, false),
        };
        let candidates = rehearsal.candidates(self, now);
        let session = self.session_note(ask);
        let name = |id: MemberId| self.member(id).map(|member| member.name.clone());
        let elected = elected.and_then(name);
        let mut notes = self.notes(retried, now);
        if elected.is_some() && route_changed && session.found.is_some() {
            notes.push(
                "The session comes to another route than it asked for (BALANCER_ROUTE_CHANGED).".to_owned(),
            );
        }
        if let Err(nobody) = &outcome
            && let Some(wait) = nobody.wait
        {
            notes.push(format!("The request would wait up to {} s for a member (timeout).", wait.as_secs()));
        }
        let steps = course.steps.unwrap_or_default();
        let because = self.because(why, elected.as_ref(), steps.as_slice());
        drop(outcome);
        Candidacy {
            name: self.name.clone(),
            session,
            search: steps.iter().take(STEPS).map(|step| self.search_step(step)).collect(),
            candidates,
            elected,
            why,
            because,
            next: self.foretold(ask, now, next),
            notes,
        }
    }

    /// Who would be elected, request after request, if each moves the bytes that one moved so far on average.
    fn foretold(&self, ask: &Ask<'_>, now: Moment, next: usize) -> Vec<MemberName> {
        let mut rehearsal = self.rehearsal();
        let bytes = self.bytes_of_one();
        let mut dice = ask.dice;
        let mut names = Vec::new();
        for _ in 0..next {
            let Ok(election) = rehearsal.elect(&Ask { dice, ..*ask }, now) else { break };
            // Evenly spread throws, of which the first is the one that was given.
            dice = dice.wrapping_add(0x9e37_79b9);
            election.lease.received(bytes);
            election.lease.connected();
            names.extend(rehearsal.member(election.member).map(|member| member.name.clone()));
        }
        names
    }

    /// All members, with the numbers that they have in `before`, and how they stood in the election that was just
    /// rehearsed here.
    fn candidates(&self, before: &Self, now: Moment) -> Vec<CandidateNote> {
        let notes = before.members().zip(&before.members).map(|((id, ..), member)| {
            let standing = self.standing(id, now);
            CandidateNote {
                member: member.name.clone(),
                route: member.settings.route.clone(),
                status: member.status,
                words: member.status.words(),
                lbset: member.settings.lbset,
                lbfactor: member.settings.lbfactor,
                lbstatus: before.lineup.lbstatus_of(id),
                busy: member.tally.busy(),
                transferred: member.tally.transferred(),
                read: member.tally.read(),
                offered: standing.is_offered(),
                why: self.standing_told(standing, id, now),
            }
        });
        notes.collect()
    }

    /// How a member stands to a request without a session.
    fn standing(&self, id: MemberId, now: Moment) -> Standing {
        let by_slots = self.settings.lbmethod == LbMethod::Heartbeat && self.anybody_heard(now);
        let slots = |id: &MemberId| self.member(*id).and_then(|member| member.open_slots(now));
        let electable = |ids: &[MemberId]| {
            if by_slots { ids.iter().filter_map(slots).any(|slots| slots > 0) } else { !ids.is_empty() }
        };
        let standing = self.lineup.standing(id, electable);
        let unheard = by_slots && slots(&id).is_none();
        if standing.is_offered() && unheard { Standing::Passed } else { standing }
    }

    fn standing_told(&self, standing: Standing, id: MemberId, now: Moment) -> String {
        let set = |set: u8| format!("set {set}");
        match standing {
            Standing::Offered { lbset } if lbset.get() == 0 => "it is usable".to_owned(),
            Standing::Offered { lbset } => {
                format!("it is usable, and {} is the first that has anybody", set(lbset.get()))
            }
            Standing::SpareIn { lbset } => {
                format!("a spare that stands in for a member of {} that is missing", set(lbset.get()))
            }
            Standing::StandbyIn { lbset } => {
                format!("a standby, and {} has nobody else", set(lbset.get()))
            }
            Standing::SpareOut => {
                "a spare, and no more members of its set are missing than spares stand in for".to_owned()
            }
            Standing::Passed => "no heartbeat announced slots of it that are open".to_owned(),
            Standing::StandbyOut => "a standby, and its set has others".to_owned(),
            Standing::LaterSet { lbset, first } => {
                format!("set {} is asked only if nobody of set {} can be elected", lbset.get(), first.get())
            }
            Standing::Draining => "it drains: only sessions of its route go there".to_owned(),
            Standing::Unusable => {
                self.member(id).map_or_else(String::new, |member| self.unusable_told(member, id, now))
            }
        }
    }

    fn unusable_told(&self, member: &Member, id: MemberId, now: Moment) -> String {
        let status = member.status;
        if status.is_usable() && self.lineup.without().contains(&id) {
            return "it is being tried again after an error; others avoid it until that is known to be well"
                .to_owned();
        }
        if status.has(Flag::Disabled) {
            return "it is disabled (D)".to_owned();
        }
        if status.has(Flag::Stopped) {
            return "it is stopped (S)".to_owned();
        }
        if status.has(Flag::HealthFail) {
            return "it failed its health checks (HcFl)".to_owned();
        }
        let Some(error) = member.error.as_ref().filter(|_| status.has(Flag::Error)) else {
            return format!("it cannot be used: {}", status.words());
        };
        let ago = now.since(error.at).as_secs();
        match member.retry_from().filter(|from| now < *from) {
            Some(from) => {
                let left = from.since(now).as_secs() + 1;
                format!("in error for {ago} s: {}; tried again in {left} s at the earliest", error.reason)
            }
            None => format!("in error for {ago} s: {}", error.reason),
        }
    }

    fn search_step(&self, step: &Step) -> SearchStep {
        let member = step.member.and_then(|id| self.member(id));
        let saw = match member {
            None => "no member has this route".to_owned(),
            Some(member) if step.taken && member.is_draining() => {
                "it drains, which does not matter to sessions of its route".to_owned()
            }
            Some(member) if step.taken && member.status.has(Flag::Error) => {
                "it is tried again after an error".to_owned()
            }
            Some(_) if step.taken => "it is usable".to_owned(),
            Some(member) if member.settings.redirect.is_empty() => {
                format!("it cannot be used ({}) and redirects nowhere", member.status.words())
            }
            Some(member) => {
                format!(
                    "it cannot be used ({}) and redirects to {}",
                    member.status.words(),
                    member.settings.redirect
                )
            }
        };
        SearchStep {
            route: clean(&step.route, SHOWN),
            member: member.map(|member| member.name.clone()),
            taken: step.taken,
            saw,
        }
    }

    fn because(&self, why: ElectionWhy, elected: Option<&MemberName>, steps: &[Step]) -> String {
        let asked = steps.first().map_or_else(String::new, |step| clean(&step.route, SHOWN));
        let method = self.settings.lbmethod;
        match (why, elected) {
            (ElectionWhy::Sticky, Some(member)) => {
                let taken = steps.iter().rfind(|step| step.taken).map(|step| step.route.as_str());
                match taken.filter(|route| *route != asked) {
                    Some(route) => format!(
                        "the session's route {asked} leads by a redirect to {}, that of {member}",
                        clean(route, SHOWN)
                    ),
                    None => format!("the session's route {asked} is that of {member}"),
                }
            }
            (ElectionWhy::Method, Some(member)) => {
                format!("lbmethod {method} finds it to be the turn of {member}")
            }
            (ElectionWhy::Spare, Some(member)) => {
                format!("lbmethod {method} finds it to be the turn of {member}, a spare for a missing member")
            }
            (ElectionWhy::Standby, Some(member)) => {
                format!("nobody else of its set can be elected, so it is the turn of the standby {member}")
            }
            (ElectionWhy::Empty, _) => "the balancer has no members".to_owned(),
            (ElectionWhy::RouteUnusable, _) => {
                format!(
                    "no member of the session's route {asked} can be used, and nofailover forbids another"
                )
            }
            _ => "no member takes this request".to_owned(),
        }
    }

    fn notes(&self, retried: &[(MemberId, Recovery)], now: Moment) -> Vec<String> {
        let mut notes = Vec::new();
        for (id, how) in retried {
            let Some(member) = self.member(*id) else { continue };
            notes.push(match how {
                Recovery::Retry => {
                    format!("The error of {} would be lifted: its retry time has passed.", member.name)
                }
                Recovery::Forced => {
                    format!(
                        "The error of {} would be lifted: all that could serve are in error.",
                        member.name
                    )
                }
            });
        }
        if self.settings.lbmethod == LbMethod::ByTraffic {
            let bytes = self.bytes_of_one();
            let noun = if bytes == 1 { "byte" } else { "bytes" };
            notes.push(format!(
                "Those to come are foretold as if each moved {bytes} {noun}, the average so far (lbmethod bytraffic)."
            ));
        }
        if self.settings.lbmethod == LbMethod::Heartbeat {
            notes.push(if self.anybody_heard(now) {
                "lbmethod heartbeat throws dice: each election may end otherwise.".to_owned()
            } else {
                "No heartbeat was heard of anybody, so it elects by requests.".to_owned()
            });
        }
        notes
    }
}

fn told(why: Why) -> ElectionWhy {
    match why {
        Why::Sticky => ElectionWhy::Sticky,
        Why::Method => ElectionWhy::Method,
        Why::Spare => ElectionWhy::Spare,
        Why::Standby => ElectionWhy::Standby,
    }
}

fn nobody_told(why: NoMemberWhy) -> ElectionWhy {
    match why {
        NoMemberWhy::Empty => ElectionWhy::Empty,
        NoMemberWhy::Unusable => ElectionWhy::Unusable,
        NoMemberWhy::RouteUnusable => ElectionWhy::RouteUnusable,
    }
}

#[cfg(test)]
mod tests;
