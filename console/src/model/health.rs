//! What a member's status means: its class, the sentence for people, and who is offered new users at all.

use evenkeel_protocol::{BalancerSnapshot, Flag, MemberSnapshot, Status};

use crate::lineup::{newcomers, places};

/// The class of a member's status, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// In error.
    Error,
    /// Failed its health check.
    CheckFailed,
    /// Not initialised, or in shutdown.
    Unready,
    /// Stopped.
    Stopped,
    /// Disabled.
    Disabled,
    /// Draining.
    Draining,
    /// Hot standby.
    Standby,
    /// Hot spare.
    Spare,
    /// In use.
    Ok,
}

impl Health {
    /// In the order in which they are counted in the header.
    pub const ALL: [Self; 9] = [
        Self::Ok,
        Self::Standby,
        Self::Spare,
        Self::Draining,
        Self::Disabled,
        Self::Stopped,
        Self::Unready,
        Self::CheckFailed,
        Self::Error,
    ];

    /// The class of `status`; what an operator did outweighs what happened by itself.
    pub fn of(status: Status) -> Self {
        let table = [
            (Flag::Stopped, Self::Stopped),
            (Flag::Disabled, Self::Disabled),
            (Flag::Error, Self::Error),
            (Flag::HealthFail, Self::CheckFailed),
            (Flag::Shutdown, Self::Unready),
        ];
        if let Some((_, health)) = table.into_iter().find(|(flag, _)| status.has(*flag)) {
            return health;
        }
        match status {
            status if !status.has(Flag::Initialised) => Self::Unready,
            status if status.has(Flag::Drain) => Self::Draining,
            status if status.has(Flag::Spare) => Self::Spare,
            status if status.has(Flag::Standby) => Self::Standby,
            _ => Self::Ok,
        }
    }

    /// The word of httpd's manager page.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "Ok",
            Self::Error => Flag::Error.word(),
            Self::CheckFailed => Flag::HealthFail.word(),
            Self::Unready => Flag::Shutdown.word(),
            Self::Stopped => Flag::Stopped.word(),
            Self::Disabled => Flag::Disabled.word(),
            Self::Draining => Flag::Drain.word(),
            Self::Standby => Flag::Standby.word(),
            Self::Spare => Flag::Spare.word(),
        }
    }
}

/// The roll-up of a member's state, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// It cannot serve, and nobody wanted that.
    Bad,
    /// An operator holds it back, or it serves although something failed lately.
    Degraded,
    /// In use, or in reserve.
    Good,
}

impl Grade {
    /// That of a member.
    pub fn of(member: &MemberSnapshot) -> Self {
        match Health::of(member.status) {
            Health::Error | Health::CheckFailed | Health::Unready => Self::Bad,
            Health::Stopped | Health::Disabled | Health::Draining => Self::Degraded,
            Health::Standby | Health::Spare | Health::Ok => {
                let is_failing = member.health.is_on() && member.health.failed > 0;
                if member.error.is_some() || is_failing { Self::Degraded } else { Self::Good }
            }
        }
    }

    /// That of a balancer: bad if nobody takes new users, degraded if one of its members is not well.
    pub fn of_balancer(balancer: &BalancerSnapshot) -> Self {
        if newcomers(&places(balancer)).is_empty() {
            return Self::Bad;
        }
        let worst = balancer.members.iter().map(Self::of).min();
        worst.map_or(Self::Bad, |worst| worst.max(Self::Degraded))
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Degraded => "degraded",
            Self::Good => "good",
        }
    }
}

/// What the member's status means for its users, in one sentence.
pub fn meaning(balancer: &BalancerSnapshot, member: &MemberSnapshot) -> String {
    let route = &member.route;
    let sticky = balancer.settings.stickysession.is_some();
    let own =
        if sticky && !route.is_empty() { format!(" and sessions of route {route}") } else { String::new() };
    match Health::of(member.status) {
        Health::Error => "in error: serves nobody until it is tried again".to_owned(),
        Health::CheckFailed => "failed its health check: serves nobody until checks pass".to_owned(),
        Health::Unready => "not ready: serves nobody".to_owned(),
        Health::Stopped => "stopped: serves nobody; neither retried nor checked".to_owned(),
        Health::Disabled => "disabled: serves nobody, its own sessions neither".to_owned(),
        Health::Draining if own.is_empty() => {
            "draining: serves nobody new, and no session can hold to it".to_owned()
        }
        Health::Draining => {
            format!("draining: only sessions of route {route}, no new users")
        }
        health => {
            let places = places(balancer);
            let at = balancer.members.iter().position(|other| other.name == member.name);
            let offered = at.is_some_and(|at| newcomers(&places).contains(&at));
            match (health, offered) {
                (Health::Spare, true) => format!("hot spare in use: takes the place of another{own}"),
                (Health::Spare, false) => format!(
                    "hot spare: waits for one of set {} to fail{}",
                    member.lbset,
                    own.replacen(" and", "; serves", 1)
                ),
                (Health::Standby, true) => format!("hot standby in use: no other can{own}"),
                (Health::Standby, false) => format!(
                    "hot standby: waits until no other of set {} can{}",
                    member.lbset,
                    own.replacen(" and", "; serves", 1)
                ),
                (_, true) => format!("in use: serves new users{own}"),
                (_, false) => format!(
                    "ready: set {} waits for the sets below it{}",
                    member.lbset,
                    own.replacen(" and", "; serves", 1)
                ),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    fn status(letters: &str) -> Status {
        let status = Status::INITIALISED;
        if letters.is_empty() { status } else { status.apply(letters).unwrap() }
    }

    #[test]
    fn each_class_has_its_word() {
        for (letters, health) in [
            ("", Health::Ok),
            ("N", Health::Draining),
            ("NE", Health::Error),
            ("DE", Health::Disabled),
            ("SD", Health::Stopped),
            ("H", Health::Standby),
            ("RH", Health::Spare),
            ("C", Health::CheckFailed),
            ("U", Health::Unready),
        ] {
            assert_eq!(Health::of(status(letters)), health, "{letters}");
        }
        assert_eq!(Health::of(Status::NONE), Health::Unready);
    }

    #[test]
    fn grades_tell_what_was_wanted_from_what_was_not() {
        use Grade::{Bad, Degraded, Good};
        let snapshot = sample::snapshot(0);
        let grades: Vec<Grade> = snapshot.balancers.iter().flat_map(|b| &b.members).map(Grade::of).collect();
        assert_eq!(grades, [Good, Degraded, Bad, Good, Good, Good]);
        let mut failing = snapshot.balancers[0].members[2].clone();
        failing.status = Status::INITIALISED;
        assert_eq!(Grade::of(&failing), Degraded, "it is tried again, and has not answered yet");
        failing.error = None;
        assert_eq!(Grade::of(&failing), Good);
    }

    #[test]
    fn the_sentence_says_who_is_served() {
        let snapshot = sample::snapshot(0);
        let balancer = &snapshot.balancers[0];
        let told: Vec<String> = balancer.members.iter().map(|member| meaning(balancer, member)).collect();
        assert_eq!(
            told,
            [
                "in use: serves new users and sessions of route node1",
                "draining: only sessions of route node2, no new users",
                "in error: serves nobody until it is tried again",
            ]
        );
        let standby = &snapshot.balancers[1];
        assert_eq!(meaning(standby, &standby.members[2]), "hot standby: waits until no other of set 0 can");
    }
}
