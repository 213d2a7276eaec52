//! What new settings do to clients; flags are told by the parent.

use evenkeel_protocol::{LbMethod, MemberEdit, MemberSnapshot};

use super::Scene;

impl Scene<'_> {
    /// New values of the fields that the form has.
    pub(super) fn settings(&mut self, edit: &MemberEdit) {
        if let Some(factor) = edit.lbfactor {
            self.factor(factor.hundredths());
        }
        if let Some(route) = &edit.route {
            let (balancer, member) = (self.balancer, self.member);
            if self.holds_sessions() && member.status.is_usable() {
                let text = format!(
                    "Sessions on route {} no longer find this member: {}.",
                    member.route,
                    self.strangers_fate()
                );
                self.warn(text);
            } else if self.holds_sessions() {
                self.say(format!("Sessions on route {} will not find this member again.", member.route));
            }
            let twin =
                balancer.members.iter().find(|other| other.route == *route && other.name != member.name);
            if let Some(twin) = twin.filter(|_| !route.is_empty()) {
                self.warn(format!("Route {route} is also that of {}: they share its sessions.", twin.name));
            }
        }
        if let Some(redirect) = &edit.redirect {
            let named = self.balancer.members.iter().any(|other| other.route == *redirect);
            let when = if self.after.status.is_usable() { "While it cannot serve" } else { "From now on" };
            if !redirect.is_empty() && !named {
                self.warn(format!("No member of {} has route {redirect}.", self.balancer.name));
            } else if !redirect.is_empty() {
                self.say(format!("{when}, its sessions go to route {redirect}."));
            } else if self.balancer.settings.nofailover {
                self.warn(format!("{when}, its sessions get 503, for nofailover is On."));
            } else {
                self.say(format!("{when}, its sessions are spread over the others."));
            }
        }
        if let Some(set) = edit.lbset {
            self.say(format!("New users come to set {set} only while the sets below it have nobody."));
            self.serves_nobody();
        }
    }

    fn factor(&mut self, hundredths: u16) {
        let name = self.balancer.name.clone();
        if self.balancer.members.len() == 1 {
            self.warn(format!("{name} has a single member: its factor goes back to 1.00."));
            return;
        }
        match self.balancer.lbmethod() {
            None => {
                let method = self.balancer.lbmethod_name().to_owned();
                self.warn(format!("What {method} makes of the factor is not known here."));
            }
            Some(LbMethod::ByBusyness) => {
                self.say("bybusyness: the factor only decides among equally busy members.");
            }
            Some(LbMethod::Heartbeat) => {
                self.say("heartbeat: the factor counts only while nothing was heard.");
            }
            Some(LbMethod::ByRequests | LbMethod::ByTraffic) => {
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
                let text = if self.is_offered() == [false, false] {
                    "It has no share of new users now: the factor counts once they come to it.".to_owned()
                } else {
                    format!(
                        "Its share of new users goes from {} % to {} %.",
                        share(before, self.member.lbfactor.hundredths()),
                        share(after, hundredths)
                    )
                };
                self.say(text);
            }
        }
        if !self.has_notes {
            self.say(format!("Resets the Load column of all members of {name} to their factor."));
        }
    }
}
