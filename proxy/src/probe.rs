//! Health checks on the control thread: begins those that are due, and hands what they find to the registry.
//!
//! Which are due, and what follows, the core decides; how one is made stands in `probe/check.rs`. What runs is kept by
//! name, and everything else is looked up anew at each look, so that other configurations and settings hold at once.

mod check;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_balancer::{DueCheck, Room};
use evenkeel_protocol::{BalancerName, MemberName, Moment};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::clock::Pacer;
use crate::live::LiveBalancer;
use crate::registry::Registry;
use crate::{clock, limits};

/// Whose check runs.
type Key = (BalancerName, MemberName);

/// The checks that run, and whether each is of a member that was late the last time. Keys are nested, so that a look-up
/// copies no name.
#[derive(Default)]
struct Running(RefCell<HashMap<BalancerName, HashMap<MemberName, bool>>>);

/// One running check; it does not run any more when this is dropped, however it ended.
struct Ticket {
    running: Rc<Running>,
    key: Key,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let (balancer, member) = &self.key;
        let mut running = self.running.0.borrow_mut();
        let Some(members) = running.get_mut(balancer) else { return };
        members.remove(member);
        // A balancer that is gone since leaves nothing behind.
        if members.is_empty() {
            running.remove(balancer);
        }
    }
}

impl Running {
    fn begin(self: &Rc<Self>, key: Key, late: bool) -> Ticket {
        let (balancer, member) = key.clone();
        self.0.borrow_mut().entry(balancer).or_default().insert(member, late);
        Ticket { running: Rc::clone(self), key }
    }

    /// What is left of so many checks at once. Those that were late have half of it, so that members that hang
    /// leave room for the others.
    fn room(&self, at_once: usize) -> Room {
        let running = self.0.borrow();
        let all = running.values().map(HashMap::len).sum();
        let late = running.values().flat_map(HashMap::values).filter(|late| **late).count();
        Room { any: at_once.saturating_sub(all), late: (at_once / 2).max(1).saturating_sub(late) }
    }

    fn has(&self, balancer: &BalancerName, member: &MemberName) -> bool {
        self.0.borrow().get(balancer).is_some_and(|members| members.contains_key(member))
    }
}

/// How long there has been no room, which is told now and then.
#[derive(Default)]
struct Backlog {
    since: Cell<Option<Moment>>,
    told: Pacer,
}

impl Backlog {
    fn note(&self, full: bool, (now, at_once): (Moment, usize)) {
        let since = if full { self.since.get().or(Some(now)) } else { None };
        self.since.set(since);
        if since.is_some_and(|since| now.since(since) >= limits::CHECKS_BEHIND) && self.told.is_due() {
            tracing::warn!(
                at_once,
                "health checks come later than their intervals want; \
                raise ProxyHCTPsize, or hcinterval, or lower hctimeout for members that hang"
            );
        }
    }
}

/// Checks until the proxy ends.
pub(crate) async fn run(registry: Arc<Registry>, mut ending: watch::Receiver<bool>) {
    let (running, turn, backlog) = (Rc::new(Running::default()), Cell::new(0), Backlog::default());
    loop {
        let pause = look(&registry, &running, (&turn, &backlog));
        tokio::select! {
            biased;
            _ = ending.changed() => return,
            () = sleep(pause) => {}
        }
    }
}

/// Begins what is due; how long to wait before the next look.
fn look(
    registry: &Arc<Registry>,
    running: &Rc<Running>,
    (turn, backlog): (&Cell<usize>, &Backlog),
) -> Duration {
    let mut balancers: Vec<Arc<LiveBalancer>> = registry.balancers().iter().map(Arc::clone).collect();
    let Some(first) = balancers.first() else { return limits::CHECK_LOOK };
    let at_once = first.checks().at_once;
    let mut room = running.room(at_once);
    // Where there is no room for all, nobody is always the last.
    let start = turn.replace(turn.get().wrapping_add(1)) % balancers.len();
    balancers.rotate_left(start);
    let now = clock::now();
    let mut next = now.plus(limits::CHECK_LOOK);
    for balancer in &balancers {
        let mut begin = Vec::new();
        let is_running = |member: &MemberName| running.has(&balancer.name, member);
        let due = balancer.due_checks(now, &mut room, is_running, &mut begin);
        next = next.min(due.unwrap_or(next));
        for due in begin {
            begin_check(registry, running, balancer, due);
        }
    }
    backlog.note(room.any == 0, (now, at_once));
    // Without room somebody may be left whose time has come.
    if room.any == 0 { limits::CHECK_STEP } else { next.since(now).max(limits::CHECK_STEP) }
}

fn begin_check(
    registry: &Arc<Registry>,
    running: &Rc<Running>,
    balancer: &Arc<LiveBalancer>,
    DueCheck { member, check, late }: DueCheck,
) {
    let Some(address) = balancer.address(member) else { return };
    let ticket = running.begin((balancer.name.clone(), address.name.clone()), late);
    let (registry, balancer) = (Arc::clone(registry), Arc::clone(balancer));
    tokio::task::spawn_local(async move {
        let Some(address) = balancer.address(member) else { return };
        let finding = check::run(address, &check, balancer.checks()).await;
        registry.observe(&ticket.key, member, &check, &finding);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(member: usize) -> Key {
        ("app".parse().unwrap(), format!("http://m{member}").parse().unwrap())
    }

    #[test]
    fn half_of_the_room_is_never_for_those_that_were_late() {
        let (running, mut tickets) = (Rc::new(Running::default()), Vec::new());
        for (what, late, any, late_left) in [
            ("the first was late", true, 3, 1),
            ("the second too", true, 2, 0),
            ("one that was not", false, 1, 0),
            ("one more", false, 0, 0),
        ] {
            tickets.push(running.begin(key(tickets.len()), late));
            assert_eq!(running.room(4), Room { any, late: late_left }, "{what}");
        }
        assert_eq!(running.room(2), Room { any: 0, late: 0 }, "fewer are wanted than run");
        assert_eq!(Running::default().room(1), Room { any: 1, late: 1 });
    }

    #[test]
    fn it_is_told_when_there_has_been_no_room_for_long() {
        let backlog = Backlog::default();
        let later = Moment(0).plus(limits::CHECKS_BEHIND);
        for (what, full, now, told) in [
            ("full", true, Moment(0), false),
            ("room again", false, Moment(5), false),
            ("full again, and not for long", true, later, false),
            ("for long", true, later.plus(limits::CHECKS_BEHIND), true),
        ] {
            backlog.note(full, (now, 16));
            assert_eq!(backlog.told.was_recent(), told, "{what}");
        }
    }

    #[test]
    fn a_check_runs_until_its_ticket_is_gone() {
        let running = Rc::new(Running::default());
        let (balancer, member) = key(1);
        let ticket = running.begin(key(1), false);
        assert!(running.has(&balancer, &member) && !running.has(&balancer, &key(2).1));
        drop(ticket);
        assert!(!running.has(&balancer, &member));
    }
}
