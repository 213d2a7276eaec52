//! The slow twin of the balancer: httpd's rules and our departures, member by member in configuration order, without
//! a lineup, a table of routes or any other shortcut. It shares no code with the balancer.

use evenkeel_protocol::{Flag, HealthCheck, LbMethod, Moment, Status};

/// As `tally::Trial`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Trial {
    #[default]
    None,
    Due,
    Running,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Member {
    pub(crate) factor: i64,
    pub(crate) set: u8,
    pub(crate) route: String,
    pub(crate) redirect: String,
    pub(crate) retry: u64,
    pub(crate) status: Status,
    pub(crate) lbstatus: i64,
    pub(crate) elected: u64,
    pub(crate) busy: u64,
    pub(crate) to: u64,
    pub(crate) from: u64,
    pub(crate) retries: u32,
    pub(crate) error_at: Option<Moment>,
    pub(crate) trial: Trial,
    pub(crate) heard: Option<(Moment, u64)>,
    pub(crate) revision: u64,
    pub(crate) check: HealthCheck,
    pub(crate) passed: u32,
    pub(crate) failed: u32,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    pub(crate) method: LbMethod,
    pub(crate) sticky: bool,
    pub(crate) nofailover: bool,
    pub(crate) forcerecovery: bool,
    pub(crate) members: Vec<Member>,
    pub(crate) revision: u64,
}

/// What a request brings.
pub(crate) struct Ask<'a> {
    pub(crate) route: Option<&'a str>,
    pub(crate) excluded: &'a [usize],
    pub(crate) dice: u32,
    pub(crate) now: Moment,
}

impl Model {
    fn usable(&self, at: usize, without: &[usize]) -> bool {
        self.members[at].status.is_usable() && !without.contains(&at)
    }

    fn retry(&mut self, at: usize, without: &[usize], now: Moment) {
        let member = &mut self.members[at];
        if without.contains(&at) || !member.status.has(Flag::Error) || member.status.has(Flag::Stopped) {
            return;
        }
        let due = member.error_at.is_none_or(|error| now.0 > error.0 + member.retry * 1_000_000);
        if due || member.status.has(Flag::IgnoreErrors) {
            self.lift(at);
        }
    }

    fn lift(&mut self, at: usize) {
        let member = &mut self.members[at];
        member.status = member.status.with(Flag::Error, false);
        member.retries += 1;
        member.trial = Trial::Due;
    }

    pub(crate) fn elect(&mut self, ask: &Ask<'_>) -> Option<usize> {
        let running = |at: &usize| self.members[*at].trial == Trial::Running && !ask.excluded.contains(at);
        let probed: Vec<usize> = (0..self.members.len()).filter(running).collect();
        let mut found = None;
        if !probed.is_empty() {
            let without: Vec<usize> = ask.excluded.iter().copied().chain(probed).collect();
            found = self.search(ask, &without);
        }
        let found = found
            .or_else(|| self.search(ask, ask.excluded))
            .or_else(|| self.force(ask).then(|| self.search(ask, ask.excluded)).flatten())?;
        let member = &mut self.members[found];
        member.elected += 1;
        member.busy += 1;
        Some(found)
    }

    fn force(&mut self, ask: &Ask<'_>) -> bool {
        let offers = |model: &Self, at: usize| {
            let member = &model.members[at];
            let spare = member.status.has(Flag::Spare);
            model.usable(at, ask.excluded)
                && !member.status.has(Flag::Drain)
                && (!spare || model.vacancy(at, ask))
        };
        let len = self.members.len();
        if !self.forcerecovery || (0..len).any(|at| offers(self, at)) {
            return false;
        }
        let helps = |member: &Member| {
            let wanted = self.sticky && ask.route.is_some_and(|route| route == member.route);
            member.status.has(Flag::Error)
                && member.status.with(Flag::Error, false).is_usable()
                && (wanted || !member.status.has(Flag::Drain))
        };
        let helped = (0..len).any(|at| helps(&self.members[at]) && !ask.excluded.contains(&at));
        if helped {
            for at in 0..len {
                if self.members[at].status.has(Flag::Error) {
                    self.lift(at);
                }
            }
        }
        helped
    }

    /// Is there a place in its set that a spare may take?
    fn vacancy(&self, spare: usize, ask: &Ask<'_>) -> bool {
        (0..self.members.len()).any(|at| {
            let member = &self.members[at];
            member.set == self.members[spare].set
                && !member.status.has_any(&[Flag::Spare, Flag::Standby])
                && (member.status.has(Flag::Drain) || !self.usable(at, ask.excluded))
        })
    }

    fn search(&mut self, ask: &Ask<'_>, without: &[usize]) -> Option<usize> {
        for at in 0..self.members.len() {
            if without.contains(&at) {
                continue;
            }
            self.retry(at, without, ask.now);
            if !self.members[at].status.has(Flag::Error) {
                break;
            }
        }
        if let Some(route) = ask.route.filter(|_| self.sticky) {
            if let Some(found) = self.by_route(route, without, ask.now, 1) {
                self.charge(found, without);
                return Some(found);
            }
            if self.nofailover && self.members.iter().any(|member| member.route == route) {
                return None;
            }
        }
        let found = self.walk(self.method, ask, without);
        if found.is_none() && self.method == LbMethod::Heartbeat {
            let heard = |at: usize| {
                self.usable(at, without)
                    && !self.members[at].status.has(Flag::Drain)
                    && self.slots(at, ask.now).is_some()
            };
            if !(0..self.members.len()).any(heard) {
                return self.walk(LbMethod::ByRequests, ask, without);
            }
        }
        found
    }

    fn by_route(&mut self, route: &str, without: &[usize], now: Moment, depth: usize) -> Option<usize> {
        for standby in [false, true] {
            for at in 0..self.members.len() {
                let member = &self.members[at];
                if member.status.has(Flag::Standby) != standby
                    || member.route.is_empty()
                    || member.route != route
                {
                    continue;
                }
                if !self.usable(at, without) {
                    self.retry(at, without, now);
                }
                if self.usable(at, without) {
                    return Some(at);
                }
                let redirect = self.members[at].redirect.clone();
                if !redirect.is_empty() && depth < self.members.len() {
                    let found = self.by_route(&redirect, without, now, depth + 1);
                    if found.is_some() {
                        return found;
                    }
                }
            }
        }
        None
    }

    fn charge(&mut self, chosen: usize, without: &[usize]) {
        for at in 0..self.members.len() {
            if self.usable(at, without) {
                self.members[at].lbstatus += self.members[at].factor;
                self.members[chosen].lbstatus -= self.members[at].factor;
            }
        }
    }

    fn walk(&mut self, method: LbMethod, ask: &Ask<'_>, without: &[usize]) -> Option<usize> {
        let (mut set, mut highest) = (0, 0);
        while set <= highest {
            let (mut offered, mut spares, mut standbys, mut vacancies) = (vec![], vec![], vec![], 0);
            for at in 0..self.members.len() {
                highest = highest.max(self.members[at].set);
                if self.members[at].set != set {
                    continue;
                }
                let has = |flag| self.members[at].status.has(flag);
                let (spare, standby) = (has(Flag::Spare), has(Flag::Standby));
                if has(Flag::Drain) {
                    vacancies += usize::from(!spare && !standby);
                    continue;
                }
                if !self.usable(at, without) {
                    self.retry(at, without, ask.now);
                }
                match (self.usable(at, without), spare, standby) {
                    (true, true, _) => spares.push(at),
                    (true, false, true) => standbys.push(at),
                    (true, false, false) => offered.push(at),
                    (false, false, false) => vacancies += 1,
                    (false, ..) => {}
                }
            }
            offered.extend(spares.into_iter().take(vacancies));
            if let Some(found) =
                self.compare(method, ask, &offered).or_else(|| self.compare(method, ask, &standbys))
            {
                return Some(found);
            }
            set += 1;
        }
        None
    }

    fn compare(&mut self, method: LbMethod, ask: &Ask<'_>, offered: &[usize]) -> Option<usize> {
        if method == LbMethod::Heartbeat {
            return self.draw(ask, offered);
        }
        let mut best: Option<usize> = None;
        let mut total = 0;
        for &at in offered {
            if method != LbMethod::ByTraffic {
                self.members[at].lbstatus += self.members[at].factor;
                total += self.members[at].factor;
            }
            let member = &self.members[at];
            let load = |member: &Member| {
                member.to / member.factor.unsigned_abs() + member.from / member.factor.unsigned_abs()
            };
            let better = best.is_none_or(|best| {
                let best = &self.members[best];
                match method {
                    LbMethod::ByRequests => member.lbstatus > best.lbstatus,
                    LbMethod::ByBusyness => {
                        member.busy < best.busy
                            || (member.busy == best.busy && member.lbstatus > best.lbstatus)
                    }
                    _ => load(member) < load(best),
                }
            });
            if better {
                best = Some(at);
            }
        }
        self.members[best?].lbstatus -= total;
        best
    }

    fn slots(&self, at: usize, now: Moment) -> Option<u64> {
        self.members[at].heard.filter(|(heard, _)| now.0 - heard.0 < 10_000_000).map(|(_, slots)| slots)
    }

    fn draw(&self, ask: &Ask<'_>, offered: &[usize]) -> Option<usize> {
        let heard: Vec<(usize, u64)> =
            offered.iter().filter_map(|at| Some((*at, self.slots(*at, ask.now)?))).collect();
        let open: u64 = heard.iter().map(|(_, slots)| slots).sum();
        if open == 0 {
            return None;
        }
        let draw = (u64::from(ask.dice) * (open + 1)) >> 32;
        let mut best = None;
        for (last, (at, slots)) in heard.iter().enumerate() {
            let before: u64 = heard[..last].iter().map(|(_, slots)| slots).sum();
            if before <= draw && draw <= before + slots {
                best = Some(*at);
            }
        }
        best
    }
}
