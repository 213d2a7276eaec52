//! What an act will do to clients, in plain words, from the numbers of the last snapshot.
//!
//! It tells what the walk of httpd makes of the changed flags and settings; it does not ask the proxy.

use evenkeel_protocol::sentence::listed;
use evenkeel_protocol::{BalancerSnapshot, Flag, Hello, MemberEdit, MemberSnapshot, Route, Snapshot, Status};

use crate::lineup::{Place, newcomers, places};
use crate::lost;
use crate::model::act::{Act, ENABLE_CLEARS, Turn};
use crate::model::drains::Drainage;
use crate::model::target::label;

mod removal;
mod settings;

pub use removal::is_let_go_of;

/// What is said of requests in flight that nobody can count.
pub(super) const UNCOUNTED: &str = "An unknown number of requests in flight may finish.";

/// A sentence about what will happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Must it be read?
    pub tone: Tone,
    /// The sentence.
    pub text: String,
}

/// How much a sentence matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// For information.
    Plain,
    /// Somebody will notice.
    Warning,
}

/// What an act is about, and what it makes of the balancer.
struct Scene<'a> {
    balancer: &'a BalancerSnapshot,
    member: &'a MemberSnapshot,
    after: Place,
    seen: &'a Snapshot,
    /// Who is offered new users before and after.
    offered: [Vec<usize>; 2],
    usable_after: usize,
    /// Does the proxy itself say what the edit does beside?
    has_notes: bool,
    remarks: Vec<Remark>,
}

/// That nothing is in flight with `whom`. Of an httpd that was restarted the page counts nothing of before.
pub(super) fn idle(proxy: &Hello, whom: &str) -> String {
    let since = if lost::is_restarted(proxy) { ", as far as the page counts since the restart" } else { "" };
    format!("Nothing is in flight{whom}{since}.")
}

/// All that the operator should know before saying yes, warnings first. The member is one of `seen`. What the proxy itself
/// says beside, if it `has_notes`, is not said twice.
pub fn consequences(
    balancer: &BalancerSnapshot,
    member: &MemberSnapshot,
    (act, has_notes): (&Act, bool),
    seen: &Snapshot,
) -> Vec<Remark> {
    let before = places(balancer);
    let after_edit = Place::after(member, &act.edit(member.revision));
    let after: Vec<Place> = balancer
        .members
        .iter()
        .zip(&before)
        .map(|(other, place)| if other.name == member.name { after_edit } else { *place })
        .collect();
    let mut scene = Scene {
        balancer,
        member,
        after: after_edit,
        seen,
        offered: [newcomers(&before), newcomers(&after)],
        usable_after: after.iter().filter(|place| place.status.is_usable()).count(),
        has_notes,
        remarks: Vec::new(),
    };
    match act {
        Act::Flag(flag, Turn::On) => scene.flag_on(*flag),
        Act::Flag(flag, Turn::Off) => scene.flag_off(*flag),
        Act::Enable => scene.enable(),
        Act::Drain(drainage) => scene.drainage(drainage),
        Act::Remove { .. } => scene.removal(),
        Act::Settings { edit, .. } | Act::Undo { edit, .. } => {
            scene.settings(edit);
            scene.flags(edit);
        }
    }
    let left = who_is_left(balancer, &scene.offered, scene.usable_after);
    // Nothing is worse than nobody left.
    let at =
        if left.as_ref().is_some_and(|left| left.tone == Tone::Warning) { 0 } else { scene.remarks.len() };
    scene.remarks.splice(at..at, left);
    scene.remarks.sort_by_key(|remark| remark.tone == Tone::Plain);
    scene.remarks
}

impl Scene<'_> {
    /// What a drain waits for and what it does to the member.
    fn drainage(&mut self, drainage: &Drainage) {
        for line in drainage.said() {
            self.say(line);
        }
        match drainage {
            Drainage::Begin(_) => self.flag_on(Flag::Drain),
            Drainage::Stop(_) => {
                self.flag_on(Flag::Stopped);
                self.forget_in_flight();
                // Among what is in flight are upgraded connections, and those do not go on.
                match self.member.in_flight() {
                    Some(0) => {}
                    None => self.warn(UNCOUNTED),
                    Some(1) => self.say("1 is in flight: a request may finish, an upgraded connection ends."),
                    Some(busy) => self
                        .say(format!("{busy} are in flight: requests may finish, upgraded connections end.")),
                }
            }
            Drainage::Cut(_) => {
                self.flag_on(Flag::Stopped);
                // That is just what they may not.
                self.forget_in_flight();
            }
            Drainage::Restore(_) => self.flag_off(Flag::Drain),
            Drainage::Change(..) | Drainage::Extend(..) | Drainage::Cancel(_) => {}
        }
    }

    /// Takes back what was said of requests in flight.
    fn forget_in_flight(&mut self) {
        self.remarks.retain(|remark| !remark.text.ends_with("in flight may finish."));
    }

    fn say(&mut self, text: impl Into<String>) {
        self.remarks.push(Remark { tone: Tone::Plain, text: text.into() });
    }

    fn warn(&mut self, text: impl Into<String>) {
        self.remarks.push(Remark { tone: Tone::Warning, text: text.into() });
    }

    /// Can a session hold to this member at all?
    fn holds_sessions(&self) -> bool {
        self.balancer.settings.stickysession.is_some() && !self.member.route.is_empty()
    }

    /// Is it offered new users before and after the edit?
    fn is_offered(&self) -> [bool; 2] {
        let at = self.balancer.members.iter().position(|other| other.name == self.member.name);
        [0, 1].map(|when: usize| {
            self.offered.get(when).is_some_and(|offered| at.is_some_and(|at| offered.contains(&at)))
        })
    }

    /// What must happen before a member of this status serves anybody; none if it can serve now.
    fn wait(&self, status: Status) -> Option<String> {
        if status.is_usable() {
            return None;
        }
        let mut waits = Vec::new();
        let set: Vec<String> = [Flag::Disabled, Flag::Stopped]
            .into_iter()
            .filter(|flag| status.has(*flag))
            .map(|flag| flag.letter().to_string())
            .collect();
        match set.len() {
            0 => {}
            1 => waits.push(format!("{} is cleared", set.concat())),
            _ => waits.push(format!("{} are cleared", set.join(" and "))),
        }
        if status.has(Flag::Error) {
            waits.push(format!("it is tried again{}", self.retry_time(status)));
        }
        if status.has(Flag::HealthFail) {
            waits.push("its health check passes".to_owned());
        }
        if status.has(Flag::Shutdown) || !status.has(Flag::Initialised) {
            waits.push("it is ready".to_owned());
        }
        Some(waits.join(" and "))
    }

    /// `, in 41 s` if the time of the next try is known. A stopped member is not tried at all, and one that ignores
    /// errors is not waited for.
    fn retry_time(&self, status: Status) -> String {
        let at = self.member.error.as_ref().and_then(|note| note.retry_at);
        match at.filter(|at| *at > self.seen.taken) {
            Some(at) if !status.has_any(&[Flag::Stopped, Flag::IgnoreErrors]) => {
                format!(", in {} s", at.since(self.seen.taken).as_secs().max(1))
            }
            _ => String::new(),
        }
    }

    /// Says that the member serves nobody after the edit, and until when; false if it can serve.
    fn serves_nobody(&mut self) -> bool {
        let wait = self.wait(self.after.status);
        if let Some(wait) = &wait {
            self.say(format!("It serves nobody until {wait}."));
        }
        wait.is_some()
    }

    fn flag_on(&mut self, flag: Flag) {
        match flag {
            Flag::Drain => self.drains(),
            Flag::Disabled | Flag::Stopped => self.switched_off(flag),
            Flag::Standby | Flag::Spare => self.reserved(),
            Flag::HealthFail => {
                self.serves_nobody();
                self.in_flight();
            }
            _ => {
                self.say("Failures no longer put it into error: it is chosen again at once, broken or not.");
                let status = self.member.status;
                if status.has(Flag::Error) && !status.has(Flag::Stopped) {
                    self.say("Its present error is lifted with the next request.");
                }
                if self.after.status.has_any(&[Flag::Disabled, Flag::Stopped, Flag::HealthFail]) {
                    self.serves_nobody();
                }
            }
        }
    }

    fn drains(&mut self) {
        let [offered, _] = self.is_offered();
        let (out, route) = (self.serves_nobody(), self.member.route.clone());
        if !out && !offered {
            self.say("New users never come to it, even if others cannot serve.");
        } else if !out && self.offered.iter().all(|offered| !offered.is_empty()) {
            self.say("New users go elsewhere.");
        }
        self.in_flight();
        match (self.holds_sessions(), out) {
            (true, false) => self.say(format!("Sessions on route {route} still arrive here until they end.")),
            (true, true) => self.say(format!("After that only sessions on route {route} arrive here.")),
            (false, false) => self.say("No session can hold to it, so it gets nothing from now on."),
            (false, true) => self.say("No session can hold to it, so it gets nothing after that either."),
        }
    }

    fn switched_off(&mut self, flag: Flag) {
        let before = self.member.status;
        if before.is_usable() {
            self.say("It serves nobody: neither new users nor its own sessions.");
        } else {
            self.say("It serves nobody already, so nobody notices.");
            self.serves_nobody();
        }
        self.in_flight();
        if before.is_usable() && self.holds_sessions() {
            let text = format!("Breaks sessions on route {}: {}.", self.member.route, self.sessions_fate());
            self.warn(text);
        }
        if flag == Flag::Stopped {
            self.say("While stopped it is neither retried after an error nor health-checked.");
        }
    }

    /// It becomes a hot standby or a hot spare.
    fn reserved(&mut self) {
        let (status, set) = (self.after.status, self.member.lbset);
        let out = self.serves_nobody();
        if status.has(Flag::Drain) {
            self.say("No new users come to it until N is cleared.");
        } else {
            let start = if out { "After that new users" } else { "New users" };
            // With both flags it is a spare.
            self.say(if status.has(Flag::Spare) {
                format!("{start} come to it only in place of one of set {set} that cannot serve.")
            } else {
                format!("{start} come to it only while no other member of set {set} can serve.")
            });
        }
        if !out && self.holds_sessions() {
            self.say(format!("Sessions on route {} still come here.", self.member.route));
        }
    }

    /// The flags among new settings.
    fn flags(&mut self, edit: &MemberEdit) {
        for (flag, _) in MemberEdit::FLAGS {
            match edit.flag(flag) {
                Some(true) if !self.member.status.has(flag) => self.flag_on(flag),
                Some(false) if self.member.status.has(flag) => self.flag_off(flag),
                _ => {}
            }
        }
    }

    fn flag_off(&mut self, flag: Flag) {
        match flag {
            Flag::IgnoreErrors => {
                self.say(format!("A failure puts it into error again, for {} s.", self.member.retry));
            }
            Flag::Standby | Flag::Spare => self.ordinary(),
            _ => self.comes_back(),
        }
    }

    /// It is no longer a hot standby or no longer a hot spare.
    fn ordinary(&mut self) {
        let status = self.after.status;
        if self.serves_nobody() {
            self.say("After that it is no longer held back as a reserve of this kind.");
        } else if status.has(Flag::Spare) {
            self.say("It stays a hot spare.");
        } else if status.has(Flag::Standby) {
            self.say("It stays a hot standby.");
        } else if status.has(Flag::Drain) {
            self.say("No new users come to it until N is cleared.");
        } else if self.is_offered()[1] {
            self.say("It is an ordinary member again and takes its share.");
        } else {
            self.say("It is an ordinary member again, but the sets below it come first.");
        }
    }

    fn enable(&mut self) {
        let cleared: Vec<&str> =
            ENABLE_CLEARS.into_iter().filter(|flag| self.member.status.has(*flag)).map(Flag::word).collect();
        self.say(format!("Clears {}.", cleared.join(", ")));
        self.comes_back();
    }

    /// New users and sessions may come again, or what still stands in the way.
    fn comes_back(&mut self) {
        let (before, after) = (self.member.status, self.after.status);
        let error = format!("in error until it is tried again{}", self.retry_time(after));
        let names = [
            (Flag::Disabled, "disabled"),
            (Flag::Stopped, "stopped"),
            (Flag::Drain, "draining"),
            (Flag::Error, error.as_str()),
            (Flag::HealthFail, "out until its health check passes"),
            (Flag::Shutdown, "in shutdown"),
        ];
        let left: Vec<&str> =
            names.into_iter().filter(|(flag, _)| after.has(*flag)).map(|(_, name)| name).collect();
        let sessions = self.holds_sessions() && after.is_usable() && !before.is_usable();
        if !left.is_empty() {
            self.warn(format!("It stays {}.", left.join(" and ")));
        } else if !after.is_usable() {
            self.warn("It stays unready.");
        } else if !self.is_offered()[1] {
            self.say("It is ready as a reserve again.");
        } else if sessions {
            self.say("New users and its own sessions come to it again.");
            return;
        } else {
            self.say("New users come to it again.");
        }
        if sessions {
            self.say(format!("Sessions on route {} come to it again.", self.member.route));
        }
    }

    fn in_flight(&mut self) {
        match self.member.in_flight() {
            Some(0) => self.say(idle(&self.seen.proxy, "")),
            None => self.warn(UNCOUNTED),
            Some(1) => self.say("1 request in flight may finish."),
            Some(busy) => self.say(format!("{busy} requests in flight may finish.")),
        }
    }

    /// What becomes of sessions whose member serves nobody, as the end of a sentence.
    fn sessions_fate(&self) -> String {
        let usable = |route: &Route| {
            self.balancer.members.iter().find(|other| {
                !route.is_empty()
                    && other.route == *route
                    && other.name != self.member.name
                    && other.status.is_usable()
            })
        };
        if let Some(heir) = usable(&self.member.redirect) {
            return format!("they go to its redirect, {}", label(self.balancer, heir));
        }
        match usable(&self.member.route) {
            Some(twin) => format!("they go to {}, which has the same route", label(self.balancer, twin)),
            None => self.strangers_fate().to_owned(),
        }
    }

    /// What becomes of sessions whose route leads to nobody.
    fn strangers_fate(&self) -> &'static str {
        if self.balancer.settings.nofailover {
            "they get 503, for nofailover is On"
        } else if self.offered.last().is_none_or(Vec::is_empty) {
            "they get 503, for no other member takes them"
        } else {
            "they are moved to other members"
        }
    }
}

/// Who serves new users afterwards, if that changes.
pub(super) fn who_is_left(
    balancer: &BalancerSnapshot,
    [before, after]: &[Vec<usize>; 2],
    usable_after: usize,
) -> Option<Remark> {
    let name = &balancer.name;
    if before == after {
        return None;
    }
    if after.is_empty() {
        let wait = match balancer.settings.timeout {
            0 => String::new(),
            seconds => format!(" after waiting {seconds} s"),
        };
        let text = if usable_after == 0 {
            format!("This leaves NO usable member in {name}: clients get 503{wait}.")
        } else {
            format!("This leaves NO member for new users in {name}: they get 503{wait}.")
        };
        return Some(Remark { tone: Tone::Warning, text });
    }
    let named = |at: &usize| balancer.members.get(*at).map(|member| label(balancer, member));
    let names = listed(after.iter().filter_map(named), 4, "");
    Some(Remark { tone: Tone::Plain, text: format!("Then new users go to {names}.") })
}

#[cfg(test)]
mod tests;
