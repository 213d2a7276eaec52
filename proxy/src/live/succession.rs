//! One balancer takes the place of another, when the configuration is read anew or a member comes or goes. Requests of
//! before go on with the one that they began with, for as long as they last, and heed who has its place now.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use evenkeel_balancer::{Ask, Balancer, Election, MemberId, NoMember};
use evenkeel_protocol::{MemberName, MemberSettings, Moment};

use super::{Ground, LiveBalancer, Ways};
use crate::address::Address;
use crate::config::{BalancerConfig, Checks};
use crate::history::Record;

/// A balancer's place in the configuration.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// Shared with all that had the place before and will have it after.
    current: Arc<Current>,
    /// Has another one the place? Set while the core is held.
    followed: AtomicBool,
}

/// Who has a place, over all readings of the configuration.
///
/// It knows only who has it now, so that a request that lasts keeps one balancer of before and not all since.
#[derive(Debug, Default)]
struct Current(Mutex<Weak<LiveBalancer>>);

impl Current {
    fn holder(&self) -> MutexGuard<'_, Weak<LiveBalancer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Is it another's now? Who holds the core knows that for certain.
    fn is_taken(&self) -> bool {
        self.followed.load(Ordering::Acquire)
    }
}

impl LiveBalancer {
    /// The balancer that takes this one's place, with what happened to its members and with the `edits` that still
    /// hold. Idle connections stay with members whose connections are still made in the same way.
    pub(crate) fn replace(
        &self,
        config: BalancerConfig,
        paths: Vec<String>,
        edits: impl FnOnce(&mut Balancer),
        ground: &Ground,
    ) -> Arc<Self> {
        let BalancerConfig { name, settings, members, checks, written: _, manager: _ } = config;
        let addresses = self.addresses_of(&members, ground);
        self.succeed((paths, checks), addresses, |before| {
            let mut core = Balancer::succeeding(before, (name, settings), members, ground.cores);
            edits(&mut core);
            core.count_changes_since(before);
            core.go_on_watching(before);
            core
        })
    }

    /// The balancer that takes this one's place with another roster, as `make` has the core do it; `members` are those
    /// that it has then.
    pub(crate) fn with_roster(
        &self,
        members: &[(MemberName, MemberSettings)],
        make: impl FnOnce(&Balancer) -> Balancer,
        ground: &Ground,
    ) -> Arc<Self> {
        let said = (self.paths.clone(), Arc::clone(&self.checks));
        self.succeed(said, self.addresses_of(members, ground), make)
    }

    /// Takes the place of this one without any member: no configuration has it any more. Whoever takes the place next
    /// knows of requests that are still in flight.
    pub(crate) fn vacate(&self) -> Arc<Self> {
        self.succeed((Vec::new(), Arc::clone(&self.checks)), Vec::new(), Balancer::vacated)
    }

    /// Does anybody know the place beside who has it?
    pub(crate) fn is_remembered(&self) -> bool {
        Arc::strong_count(&self.place.current) > 1
    }

    fn succeed(
        &self,
        said: (Vec<String>, Arc<Checks>),
        addresses: Vec<Arc<Address>>,
        make: impl FnOnce(&Balancer) -> Balancer,
    ) -> Arc<Self> {
        // Held until this one knows who follows, so that nothing that is settled with it is lost.
        let before = self.lock();
        let core = make(&before);
        let (records, former) = (self.records_of(&addresses, &core), self.former_beside(&addresses));
        let place = Place { current: Arc::clone(&self.place.current), followed: AtomicBool::new(false) };
        let next = Arc::new(Self::of(core, said, Ways { addresses, records, former }, place));
        *self.place.current.holder() = Arc::downgrade(&next);
        self.place.followed.store(true, Ordering::Release);
        drop(before);
        self.retire_beside(&next);
        next
    }

    /// How those members are reached: as before, if their connections are made in the same way. What is told to a
    /// member reaches also what is in flight on other connections of its.
    fn addresses_of(&self, members: &[(MemberName, MemberSettings)], ground: &Ground) -> Vec<Arc<Address>> {
        let former = self.former.iter().filter_map(Weak::upgrade);
        let known = former.chain(self.addresses.iter().cloned());
        let known: HashMap<_, _> = known.map(|address| (address.name.clone(), address)).collect();
        let addresses = members.iter().map(|(name, settings)| {
            let connection = &settings.connection;
            match known.get(name) {
                Some(known) if known.connection == *connection && !known.is_retired() => Arc::clone(known),
                Some(known) => Arc::new(known.followed_by(connection.clone(), &ground.slots, ground.cores)),
                None => Arc::new(Address::new(name.clone(), connection.clone(), &ground.slots, ground.cores)),
            }
        });
        addresses.collect()
    }

    /// The records of those members: of those that it has too, its own.
    fn records_of(&self, addresses: &[Arc<Address>], core: &Balancer) -> Vec<Arc<Record>> {
        let names = self.addresses.iter().map(|address| &address.name);
        let known: HashMap<_, _> = names.zip(&self.records).collect();
        let records = addresses.iter().zip(core.dials()).map(|(address, dial)| {
            known.get(&address.name).map_or_else(|| Arc::new(Record::new(dial)), |known| Arc::clone(known))
        });
        records.collect()
    }

    /// The addresses of members that are gone once those are all there are.
    fn former_beside(&self, addresses: &[Arc<Address>]) -> Vec<Weak<Address>> {
        let stay: HashSet<&MemberName> = addresses.iter().map(|address| &address.name).collect();
        let own = self.addresses.iter().filter(|address| !stay.contains(&address.name)).map(Arc::downgrade);
        let is_gone =
            |former: &&Weak<Address>| former.upgrade().is_some_and(|address| !stay.contains(&address.name));
        own.chain(self.former.iter().filter(is_gone).cloned()).collect()
    }

    /// It takes no new requests, and `next` has its place.
    fn retire_beside(&self, next: &Self) {
        let kept: HashSet<_> = next.addresses.iter().map(Arc::as_ptr).collect();
        for address in self.addresses.iter().filter(|address| !kept.contains(&Arc::as_ptr(address))) {
            address.retire();
        }
        self.changed.notify_waiters();
    }

    /// Elects a member. Whom operators have closed or removed since another one has its place is closed here too.
    pub(crate) fn elect(&self, ask: &Ask<'_>, now: Moment) -> Result<Election, NoMember> {
        loop {
            let next = self.holder();
            // Always in this order, the one of before first. Both are held, so that nobody who is told that a member is
            // closed sees a request begin there afterwards.
            let mut core = self.lock();
            let Some(next) = next else {
                if self.holder().is_some() {
                    continue;
                }
                return core.elect(ask, now);
            };
            let there = next.lock();
            if !next.place.is_taken() {
                core.heed(&there);
                return core.elect(ask, now);
            }
        }
    }

    /// Who has its place now, if that is another one.
    fn holder(&self) -> Option<Arc<Self>> {
        if !self.place.is_taken() {
            return None;
        }
        self.place.current.holder().upgrade()
    }

    /// Who has its place now, if that is another one, and the number of the member of that name there.
    pub(crate) fn successor(&self, member: &MemberName) -> Option<(Arc<Self>, MemberId)> {
        let next = self.holder()?;
        let number = next.addresses.iter().position(|address| address.name == *member)?;
        Some((next, MemberId(u32::try_from(number).ok()?)))
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::{MemberEdit, MemberSettings};

    use super::*;

    fn config() -> BalancerConfig {
        BalancerConfig::plain(vec![("http://a".parse().unwrap(), MemberSettings::default())])
    }

    #[test]
    fn a_request_of_before_is_not_given_to_who_is_drained_since() {
        let ground = Ground { cores: 1, ..Ground::default() };
        let first = Arc::new(LiveBalancer::new(config(), Vec::new(), &ground));
        let name = first.addresses[0].name.clone();
        let second = first.replace(config(), Vec::new(), |_| {}, &ground);
        let elects = |live: &LiveBalancer| live.elect(&Ask::default(), Moment(1)).is_ok();
        for drain in [true, false] {
            let edit = MemberEdit { drain: Some(drain), ..MemberEdit::default() };
            second.lock().edit_member(&name, &edit).unwrap();
            assert_eq!((elects(&first), elects(&second)), (!drain, !drain));
        }
    }

    #[test]
    fn a_request_of_before_knows_who_follows_and_keeps_nobody_between() {
        let ground = Ground { cores: 1, ..Ground::default() };
        let first = Arc::new(LiveBalancer::new(config(), Vec::new(), &ground));
        let name = first.addresses[0].name.clone();
        assert!(first.successor(&name).is_none());
        let second = first.replace(config(), Vec::new(), |_| {}, &ground);
        let third = second.replace(config(), Vec::new(), |_| {}, &ground);
        for before in [&first, &second] {
            assert!(Arc::ptr_eq(&before.successor(&name).unwrap().0, &third));
        }
        assert!(third.successor(&name).is_none());
        let between = Arc::downgrade(&second);
        drop(second);
        assert!(between.upgrade().is_none());
    }
}
