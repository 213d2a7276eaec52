//! What an act will do to clients, in plain words, from the numbers of the last snapshot.
//!
//! It tells what the walk of httpd makes of the changed flags and settings; it does not ask the proxy.

use evenkeel_protocol::{BalancerSnapshot, Flag, LbMethod, MemberEdit, MemberSnapshot};

use crate::model::act::{Act, ENABLE_CLEARS, Turn};
use crate::model::health::{Place, newcomers, places};
use crate::model::target::label;

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
    /// Who is offered new users before and after.
    offered: [Vec<usize>; 2],
    usable_after: usize,
    remarks: Vec<Remark>,
}

/// All that the operator should know before saying yes, warnings first.
pub fn consequences(balancer: &BalancerSnapshot, member: &MemberSnapshot, act: &Act) -> Vec<Remark> {
    let before = places(balancer);
    let after_edit = applied(member, &act.edit(member.revision));
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
        offered: [newcomers(&before), newcomers(&after)],
        usable_after: after.iter().filter(|place| place.status.is_usable()).count(),
        remarks: Vec::new(),
    };
    match act {
        Act::Flag(flag, Turn::On) => scene.flag_on(*flag),
        Act::Flag(flag, Turn::Off) => scene.flag_off(*flag),
        Act::Enable => scene.enable(),
        Act::Settings { edit, .. } => scene.settings(edit),
    }
    scene.who_is_left();
    scene.remarks.sort_by_key(|remark| remark.tone == Tone::Plain);
    scene.remarks
}

/// The member's place after the edit.
fn applied(member: &MemberSnapshot, edit: &MemberEdit) -> Place {
    let status = MemberEdit::FLAGS
        .into_iter()
        .fold(member.status, |status, (flag, _)| edit.flag(flag).map_or(status, |on| status.with(flag, on)));
    Place { status, lbset: edit.lbset.unwrap_or(member.lbset) }
}

impl Scene<'_> {
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

    fn flag_on(&mut self, flag: Flag) {
        let (route, set) = (self.member.route.clone(), self.member.lbset);
        match flag {
            Flag::Drain => {
                if self.offered.iter().all(|offered| !offered.is_empty()) {
                    self.say("New users go elsewhere.");
                }
                self.in_flight();
                if self.holds_sessions() {
                    self.say(format!("Sessions on route {route} still arrive here until they end."));
                } else {
                    self.say("No session can hold to it, so it gets nothing from now on.");
                }
            }
            Flag::Disabled | Flag::Stopped => {
                self.say("It serves nobody: neither new users nor its own sessions.");
                self.in_flight();
                self.sessions_leave();
                if flag == Flag::Stopped {
                    self.say("While stopped it is neither retried after an error nor health-checked.");
                }
            }
            Flag::Standby => {
                self.say(format!("New users come to it only while no other member of set {set} can serve."));
                self.sessions_stay();
            }
            Flag::Spare => {
                self.say(format!(
                    "New users come to it only in place of one of set {set} that cannot serve."
                ));
                self.sessions_stay();
            }
            _ => {
                self.say("Failures no longer put it into error: it is chosen again at once, broken or not.");
                if self.member.status.has(Flag::Error) {
                    self.say("Its present error is lifted with the next request.");
                }
            }
        }
    }

    fn flag_off(&mut self, flag: Flag) {
        match flag {
            Flag::IgnoreErrors => {
                self.say(format!("A failure puts it into error again, for {} s.", self.member.retry));
            }
            Flag::Standby | Flag::Spare => self.say("It is an ordinary member again and takes its share."),
            _ => self.comes_back(),
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
        let after = self.after.status;
        let names = [
            (Flag::Disabled, "disabled"),
            (Flag::Stopped, "stopped"),
            (Flag::Drain, "draining"),
            (Flag::Error, "in error until it is tried again"),
            (Flag::HealthFail, "out until its health check passes"),
        ];
        let left: Vec<&str> =
            names.into_iter().filter(|(flag, _)| after.has(*flag)).map(|(_, name)| name).collect();
        if !left.is_empty() {
            self.warn(format!("It stays {}.", left.join(" and ")));
        } else if after.has_any(&[Flag::Standby, Flag::Spare]) {
            self.say("It is ready as a reserve again.");
        } else if self.holds_sessions() {
            self.say("New users and its own sessions come to it again.");
        } else {
            self.say("New users come to it again.");
        }
    }

    fn in_flight(&mut self) {
        match self.member.busy {
            0 => self.say("Nothing is in flight."),
            1 => self.say("1 request in flight may finish."),
            busy => self.say(format!("{busy} requests in flight may finish.")),
        }
    }

    fn sessions_stay(&mut self) {
        if self.holds_sessions() {
            self.say(format!("Sessions on route {} still come here.", self.member.route));
        }
    }

    /// Where sessions go when their member serves nobody.
    fn sessions_leave(&mut self) {
        if !self.holds_sessions() {
            return;
        }
        let (route, redirect) = (&self.member.route, &self.member.redirect);
        let heir = self.balancer.members.iter().find(|other| {
            !redirect.is_empty()
                && other.route == *redirect
                && other.name != self.member.name
                && other.status.is_usable()
        });
        if let Some(heir) = heir {
            let text = format!(
                "Breaks sessions on route {route}: they go to its redirect, {}.",
                label(self.balancer, heir)
            );
            self.warn(text);
        } else if self.balancer.settings.nofailover {
            self.warn(format!("Breaks sessions on route {route}: they get 503, for nofailover is On."));
        } else {
            self.warn(format!("Breaks sessions on route {route}: they are moved to other members."));
        }
    }

    fn settings(&mut self, edit: &MemberEdit) {
        if let Some(factor) = edit.lbfactor {
            self.factor(factor.hundredths());
        }
        if let Some(route) = &edit.route {
            let (balancer, member) = (self.balancer, self.member);
            if self.holds_sessions() {
                self.warn(format!(
                    "Sessions on route {} no longer find this member: {}.",
                    member.route,
                    if balancer.settings.nofailover { "they get 503" } else { "they are moved" }
                ));
            }
            let twin =
                balancer.members.iter().find(|other| other.route == *route && other.name != member.name);
            if let Some(twin) = twin.filter(|_| !route.is_empty()) {
                self.warn(format!("Route {route} is also that of {}: they share its sessions.", twin.name));
            }
        }
        if let Some(redirect) = &edit.redirect {
            if redirect.is_empty() {
                self.say("While it cannot serve, its sessions are spread over the others.");
            } else if self.balancer.members.iter().any(|other| other.route == *redirect) {
                self.say(format!("While it cannot serve, its sessions go to route {redirect}."));
            } else {
                self.warn(format!("No member of {} has route {redirect}.", self.balancer.name));
            }
        }
        if let Some(set) = edit.lbset {
            self.say(format!("New users come to set {set} only while the sets below it have nobody."));
        }
    }

    fn factor(&mut self, hundredths: u16) {
        let name = self.balancer.name.clone();
        if self.balancer.members.len() == 1 {
            self.warn(format!("{name} has a single member: its factor goes back to 1.00."));
            return;
        }
        match self.balancer.settings.lbmethod {
            LbMethod::ByBusyness => {
                self.say("bybusyness: the factor only decides among equally busy members.");
            }
            LbMethod::Heartbeat => self.say("heartbeat: the factor counts only while nothing was heard."),
            LbMethod::ByRequests | LbMethod::ByTraffic => {
                let share = |offered: &[usize], own: u16| {
                    let members = self.balancer.members.iter().enumerate();
                    let offered = members.filter(|(at, _)| offered.contains(at)).map(|(_, member)| member);
                    let factor = |member: &MemberSnapshot| {
                        u32::from(if member.name == self.member.name {
                            own
                        } else {
                            member.lbfactor.hundredths()
                        })
                    };
                    let all: u32 = offered.clone().map(factor).sum();
                    let mine: u32 =
                        offered.filter(|member| member.name == self.member.name).map(factor).sum();
                    (mine * 100 + all / 2).checked_div(all).unwrap_or(0)
                };
                let [before, after] = &self.offered;
                let text = format!(
                    "Its share of new users goes from {} % to {} %.",
                    share(before, self.member.lbfactor.hundredths()),
                    share(after, hundredths)
                );
                self.say(text);
            }
        }
        self.say(format!("Resets the Load column of all members of {name} to their factor."));
    }

    /// Who serves new users afterwards, if that changes.
    fn who_is_left(&mut self) {
        let [before, after] = self.offered.clone();
        let name = self.balancer.name.clone();
        if before == after {
            return;
        }
        if after.is_empty() {
            let wait = match self.balancer.settings.timeout {
                0 => String::new(),
                seconds => format!(" after waiting {seconds} s"),
            };
            if self.usable_after == 0 {
                self.warn(format!("This leaves NO usable member in {name}: clients get 503{wait}."));
            } else {
                self.warn(format!("This leaves NO member for new users in {name}: they get 503{wait}."));
            }
            return;
        }
        let named = |at: &usize| self.balancer.members.get(*at).map(|member| label(self.balancer, member));
        let mut names: Vec<String> = after.iter().take(4).filter_map(named).collect();
        if after.len() > names.len() {
            names.push(format!("{} more", after.len() - names.len()));
        }
        self.say(format!("Then new users go to {}.", names.join(", ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;
    use evenkeel_protocol::Status;

    /// The remarks as lines, warnings marked with `!`.
    fn told(change: impl FnOnce(&mut BalancerSnapshot), act: &Act) -> Vec<String> {
        let mut snapshot = sample::snapshot(0);
        let balancer = &mut snapshot.balancers[0];
        change(balancer);
        consequences(balancer, &balancer.members[0], act)
            .into_iter()
            .map(|remark| match remark.tone {
                Tone::Plain => remark.text,
                Tone::Warning => format!("! {}", remark.text),
            })
            .collect()
    }

    fn on(flag: Flag) -> Act {
        Act::Flag(flag, Turn::On)
    }

    fn settings(edit: MemberEdit) -> Act {
        Act::Settings { edit: Box::new(edit), changes: Vec::new() }
    }

    fn all_ok(balancer: &mut BalancerSnapshot) {
        for member in &mut balancer.members {
            member.status = Status::INITIALISED;
        }
    }

    #[test]
    fn a_drain_keeps_sessions() {
        assert_eq!(
            told(all_ok, &on(Flag::Drain)),
            [
                "New users go elsewhere.",
                "3 requests in flight may finish.",
                "Sessions on route node1 still arrive here until they end.",
                "Then new users go to node2, node3.",
            ]
        );
        let lines = told(
            |balancer| {
                all_ok(balancer);
                balancer.settings.stickysession = None;
            },
            &on(Flag::Drain),
        );
        assert!(lines.contains(&"No session can hold to it, so it gets nothing from now on.".to_owned()));
    }

    #[test]
    fn the_last_one_is_named_as_such() {
        let lines = told(|_| (), &on(Flag::Drain));
        assert_eq!(lines[0], "! This leaves NO member for new users in app: they get 503.");
        let last = |balancer: &mut BalancerSnapshot| {
            balancer.members.truncate(1);
            balancer.settings.timeout = 5;
        };
        let lines = told(last, &on(Flag::Disabled));
        assert!(
            lines.contains(
                &"! This leaves NO usable member in app: clients get 503 after waiting 5 s.".to_owned()
            ),
            "{lines:?}"
        );
    }

    #[test]
    fn disabling_and_stopping_break_sessions() {
        let broken = "! Breaks sessions on route node1: they are moved to other members.";
        let stop = told(all_ok, &on(Flag::Stopped));
        assert_eq!(stop[0], broken);
        assert!(stop.iter().any(|line| line.contains("neither retried")));
        assert_eq!(told(all_ok, &on(Flag::Disabled))[0], broken);
        let strict = told(
            |balancer| {
                all_ok(balancer);
                balancer.settings.nofailover = true;
            },
            &on(Flag::Disabled),
        );
        assert_eq!(strict[0], "! Breaks sessions on route node1: they get 503, for nofailover is On.");
        let redirected = told(
            |balancer| {
                all_ok(balancer);
                balancer.members[0].redirect = "node2".parse().unwrap();
            },
            &on(Flag::Disabled),
        );
        assert_eq!(redirected[0], "! Breaks sessions on route node1: they go to its redirect, node2.");
    }

    #[test]
    fn coming_back_says_what_still_stands_in_the_way() {
        let letters = |letters: &'static str| {
            move |balancer: &mut BalancerSnapshot| {
                balancer.members[0].status = Status::INITIALISED.apply(letters).unwrap();
            }
        };
        assert_eq!(
            told(letters("ND"), &Act::Enable),
            [
                "Clears Drn, Dis.",
                "New users and its own sessions come to it again.",
                "Then new users go to node1."
            ]
        );
        assert_eq!(told(letters("NDE"), &Act::Enable)[0], "! It stays in error until it is tried again.");
        assert_eq!(told(letters("ND"), &Act::Flag(Flag::Drain, Turn::Off)), ["! It stays disabled."]);
        assert_eq!(
            told(letters("I"), &Act::Flag(Flag::IgnoreErrors, Turn::Off)),
            ["A failure puts it into error again, for 60 s."]
        );
    }

    #[test]
    fn settings_tell_shares_and_routes() {
        let factor = settings(MemberEdit { lbfactor: Some("2".parse().unwrap()), ..MemberEdit::default() });
        assert_eq!(
            told(all_ok, &factor),
            [
                "Its share of new users goes from 33 % to 50 %.",
                "Resets the Load column of all members of app to their factor.",
            ]
        );
        assert_eq!(
            told(|balancer| balancer.members.truncate(1), &factor),
            ["! app has a single member: its factor goes back to 1.00."]
        );
        let route = settings(MemberEdit { route: Some("node2".parse().unwrap()), ..MemberEdit::default() });
        assert_eq!(
            told(all_ok, &route),
            [
                "! Sessions on route node1 no longer find this member: they are moved.",
                "! Route node2 is also that of http://app2.example.com:8080: they share its sessions.",
            ]
        );
        let redirect = settings(MemberEdit { redirect: Some("x".parse().unwrap()), ..MemberEdit::default() });
        assert_eq!(told(all_ok, &redirect), ["! No member of app has route x."]);
        let set = settings(MemberEdit { lbset: Some("1".parse().unwrap()), ..MemberEdit::default() });
        assert_eq!(
            told(all_ok, &set),
            [
                "New users come to set 1 only while the sets below it have nobody.",
                "Then new users go to node2, node3.",
            ]
        );
    }
}
