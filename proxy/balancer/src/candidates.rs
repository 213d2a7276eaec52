//! Who may be asked, in which order: the members laid out in flat arrays, so that a method is a loop over slices.
//!
//! For each lbset the usable members stand together: normal ones, spares, standbys, each in configuration order.
//! Behind the last set come the usable members that are draining, and behind those all others. The arrays are laid
//! out anew when an edit or a change of status moves somebody, never by an election as such.
//!
//! Worked example, `2` disabled, `3` a spare, `4` a standby, `5` in set 1:
//!
//! ```text
//! places   1 | 3 | 4 |  5 |     | 2        set 0: normal 1, spare 3, standby 4, one vacancy
//! offered  1   3                           the vacancy lets the spare in; it competes on equal terms
//! else             4                       nobody of 1 and 3: the standbys of the set
//! else                  5                  nobody of the set: the next one
//! ```

use std::ops::Range;
use std::sync::Arc;

use evenkeel_protocol::{Flag, Lbset, Moment};

use crate::credit::Credit;
use crate::election::{Missing, Passed, Why};
use crate::member::{Member, MemberId};
use crate::tally::Tally;

/// The places of one lbset, and what else the walk must know of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct SetPlaces {
    pub(crate) lbset: Lbset,
    normals: Range<usize>,
    spares: Range<usize>,
    standbys: Range<usize>,
    /// Members, other than spares and standbys, that cannot be offered: so many spares are let in.
    vacancies: usize,
    /// The first moment at which the error of one of its members may be lifted.
    pub(crate) retry_from: Option<Moment>,
}

impl SetPlaces {
    /// The normal members, and the spares that stand in for the missing ones.
    pub(crate) fn offered(&self) -> Range<usize> {
        self.normals.start..self.spares.start + self.vacancies.min(self.spares.len())
    }

    /// The standbys, for when nobody of the others can be elected.
    pub(crate) fn standbys(&self) -> Range<usize> {
        self.standbys.clone()
    }

    /// Why the member at `place` was elected.
    pub(crate) fn why(&self, place: usize) -> Why {
        if self.standbys.contains(&place) {
            Why::Standby
        } else if self.spares.contains(&place) {
            Why::Spare
        } else {
            Why::Method
        }
    }
}

/// How a member stands to a request without a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The method compares it with the others of its set.
    Offered { lbset: Lbset },
    /// The same, for a spare whom a vacancy lets in.
    SpareIn { lbset: Lbset },
    /// The same, for a standby whose set has nobody else.
    StandbyIn { lbset: Lbset },
    /// A spare that is not needed.
    SpareOut,
    /// A standby that is not needed.
    StandbyOut,
    /// Its turn would be, but the method finds nothing to go by in it.
    Passed,
    /// Another set comes first.
    LaterSet { lbset: Lbset, first: Lbset },
    /// Usable for sessions of its route alone.
    Draining,
    /// Not usable, or left out.
    Unusable,
}

impl Standing {
    /// May it be elected by its turn?
    pub(crate) fn is_offered(self) -> bool {
        matches!(self, Self::Offered { .. } | Self::SpareIn { .. } | Self::StandbyIn { .. })
    }
}

/// A class of members, which are compared and credited together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// The normal members of the set at this position, and the spares that are let in.
    Offered(usize),
    /// The standbys of the set at this position.
    Standbys(usize),
}

impl Class {
    /// How many classes a set has: between those two stand its spares that are not let in.
    const IN_A_SET: usize = 3;

    /// Its position among all classes, which is that of its places among all places.
    pub(crate) fn number(self) -> usize {
        match self {
            Self::Offered(set) => set * Self::IN_A_SET,
            Self::Standbys(set) => set * Self::IN_A_SET + 2,
        }
    }
}

/// The members in the order in which they are asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lineup {
    pub(crate) sets: Vec<SetPlaces>,
    /// By place.
    pub(crate) order: Vec<MemberId>,
    /// What they are owed, by place: the classes of each set, then those who drain, then those who cannot be used.
    pub(crate) credit: Credit,
    /// By place.
    pub(crate) tallies: Vec<Arc<Tally>>,
    /// By member.
    places: Vec<usize>,
    /// How many places, from the front, belong to usable members.
    usable: usize,
    /// Who counts as in error although its status does not say so.
    without: Vec<MemberId>,
    /// Who cannot be elected by its turn, told anew when the members are laid out.
    missing: Option<Arc<Missing>>,
}

/// Where a member belongs: the places are sorted by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Normal(Lbset),
    Spare(Lbset),
    Standby(Lbset),
    Draining,
    Unusable,
}

impl Group {
    fn of(member: &Member, left_out: bool) -> Self {
        let (status, lbset) = (member.status, member.settings.lbset);
        if left_out || !status.is_usable() {
            Self::Unusable
        } else if status.has(Flag::Drain) {
            Self::Draining
        } else if status.has(Flag::Spare) {
            Self::Spare(lbset)
        } else if status.has(Flag::Standby) {
            Self::Standby(lbset)
        } else {
            Self::Normal(lbset)
        }
    }

    /// Set by set, and within a set class by class; then the rest.
    fn rank(self) -> u16 {
        let rank = |lbset: Lbset, class: u16| u16::from(lbset.get()) * 3 + class;
        match self {
            Self::Normal(lbset) => rank(lbset, 0),
            Self::Spare(lbset) => rank(lbset, 1),
            Self::Standby(lbset) => rank(lbset, 2),
            Self::Draining => u16::MAX - 1,
            Self::Unusable => u16::MAX,
        }
    }
}

impl Lineup {
    /// A lineup in which everybody's lbstatus is 0, as httpd starts.
    pub(crate) fn new(members: &[Member]) -> Self {
        let mut lineup = Self::default();
        lineup.lay_out(members, &[], &vec![0; members.len()]);
        lineup
    }

    /// Lays the members out anew; those in `without` count as in error that cannot be retried. Keeps lbstatus.
    pub(crate) fn rebuild(&mut self, members: &[Member], without: &[MemberId]) {
        let lbstatus = self.lbstatus_of_all(members.len());
        self.lay_out(members, without, &lbstatus);
    }

    /// Lays the members out with these lbstatus.
    fn lay_out(&mut self, members: &[Member], without: &[MemberId], lbstatus: &[i64]) {
        let mut sorted: Vec<(u16, MemberId, &Member, i64)> = (0u32..)
            .map(MemberId)
            .zip(members)
            .zip(lbstatus)
            .map(|((id, member), lbstatus)| {
                (Group::of(member, without.contains(&id)).rank(), id, member, *lbstatus)
            })
            .collect();
        sorted.sort_by_key(|(rank, ..)| *rank);

        self.places.resize(members.len(), 0);
        self.order.clear();
        self.tallies.clear();
        for (place, (_, id, member, _)) in sorted.iter().enumerate() {
            self.order.push(*id);
            self.tallies.push(Arc::clone(&member.tally));
            if let Some(slot) = self.places.get_mut(id.index()) {
                *slot = place;
            }
        }
        self.usable = sorted.partition_point(|(rank, ..)| *rank < Group::Unusable.rank());
        let end_of = |group: Group| sorted.partition_point(|(rank, ..)| *rank <= group.rank());
        self.sets = lbsets(members)
            .into_iter()
            .scan(0, |start, lbset| {
                let (normal, spare) = (end_of(Group::Normal(lbset)), end_of(Group::Spare(lbset)));
                let standby = end_of(Group::Standby(lbset));
                let places = SetPlaces {
                    lbset,
                    normals: *start..normal,
                    spares: normal..spare,
                    standbys: spare..standby,
                    ..SetPlaces::default()
                };
                *start = standby;
                Some(places)
            })
            .collect();
        for (id, member) in (0u32..).map(MemberId).zip(members) {
            self.note_missing(member, without.contains(&id));
        }
        let of_set = |set: &SetPlaces| [set.offered().end, set.spares.end, set.standbys.end];
        let ends = self.sets.iter().flat_map(of_set).chain([self.usable, members.len()]);
        let owed = sorted.iter().map(|(.., member, lbstatus)| (*lbstatus, factor_of(member)));
        self.credit = Credit::new(owed, &ends.collect::<Vec<_>>());
        self.without.clear();
        self.without.extend_from_slice(without);
        self.missing = missing(members, without);
    }

    /// Lays the members out anew after a change of one of them.
    pub(crate) fn refresh(&mut self, members: &[Member]) {
        let without = std::mem::take(&mut self.without);
        self.rebuild(members, &without);
    }

    /// Counts a member that cannot be offered as a vacancy of its set, and notes when it may be tried again.
    fn note_missing(&mut self, member: &Member, left_out: bool) {
        let (lbset, group) = (member.settings.lbset, Group::of(member, left_out));
        let Some(set) = self.sets.iter_mut().find(|set| set.lbset == lbset) else { return };
        if matches!(group, Group::Draining | Group::Unusable) && !member.is_reserve() {
            set.vacancies += 1;
        }
        // As in httpd a draining member is passed over before the step that would lift its error.
        let retry_from = member.retry_from().filter(|_| !left_out && !member.is_draining());
        set.retry_from = set.retry_from.into_iter().chain(retry_from).min();
    }

    /// The same lineup of copies of the members.
    pub(crate) fn of_copies(&self, copies: &[Member]) -> Self {
        let mut lineup = Self::default();
        lineup.lay_out(copies, &[], &self.lbstatus_of_all(copies.len()));
        lineup
    }

    /// How a member stands to a request without a session, where the method finds somebody among those of whom
    /// `electable` says so.
    pub(crate) fn standing(&self, id: MemberId, electable: impl Fn(&[MemberId]) -> bool) -> Standing {
        let Some(place) = self.place_of(id).filter(|place| *place < self.usable) else {
            return Standing::Unusable;
        };
        let holds = |set: &SetPlaces| (set.normals.start..set.standbys.end).contains(&place);
        let Some((at, set)) = self.sets.iter().enumerate().find(|(_, set)| holds(set)) else {
            return Standing::Draining;
        };
        let finds = |places: Range<usize>| electable(self.order.get(places).unwrap_or_default());
        let asked = self.sets.iter().position(|set| finds(set.offered()) || finds(set.standbys()));
        let (lbset, offered) = (set.lbset, set.offered());
        let spare = set.spares.contains(&place);
        match asked.and_then(|asked| Some((asked, self.sets.get(asked)?.lbset))) {
            _ if spare && !offered.contains(&place) => Standing::SpareOut,
            Some((asked, first)) if asked < at => Standing::LaterSet { lbset, first },
            Some((asked, _)) if asked == at => match (finds(offered.clone()), offered.contains(&place)) {
                (true, true) if spare => Standing::SpareIn { lbset },
                (true, true) => Standing::Offered { lbset },
                (true, false) => Standing::StandbyOut,
                (false, true) => Standing::Passed,
                (false, false) => Standing::StandbyIn { lbset },
            },
            _ => Standing::Passed,
        }
    }

    /// Who counts as in error although its status does not say so.
    pub(crate) fn without(&self) -> &[MemberId] {
        &self.without
    }

    /// Who cannot be elected by its turn.
    pub(crate) fn missing(&self) -> Option<Arc<Missing>> {
        self.missing.clone()
    }

    /// Where a member stands.
    pub(crate) fn place_of(&self, id: MemberId) -> Option<usize> {
        self.places.get(id.index()).copied()
    }

    /// A member's lbstatus.
    pub(crate) fn lbstatus_of(&self, id: MemberId) -> i64 {
        self.place_of(id).map_or(0, |place| self.credit.of(place))
    }

    /// The lbstatus of the first `count` members, in their order.
    fn lbstatus_of_all(&self, count: usize) -> Vec<i64> {
        (0u32..).map(MemberId).take(count).map(|id| self.lbstatus_of(id)).collect()
    }

    /// Sets a member's lbstatus.
    pub(crate) fn set_lbstatus(&mut self, id: MemberId, lbstatus: i64) {
        if let Some(place) = self.place_of(id) {
            self.credit.set(place, lbstatus);
        }
    }

    /// Is the member usable, and not left out?
    pub(crate) fn is_usable(&self, id: MemberId) -> bool {
        self.place_of(id).is_some_and(|place| place < self.usable)
    }

    /// Could a request without a session be given to anybody?
    pub(crate) fn offers_anybody(&self) -> bool {
        self.sets.iter().any(|set| !set.offered().is_empty() || !set.standbys.is_empty())
    }

    /// What httpd does to lbstatus on a sticky hit, under any method: every usable member of the whole balancer
    /// (all sets, reserves and draining ones too) is credited with its factor, and the chosen one pays for all.
    pub(crate) fn credit_sticky_hit(&mut self, chosen: MemberId) {
        if let Some(place) = self.place_of(chosen) {
            let draining = self.sets.len() * Class::IN_A_SET;
            self.credit.pay_for_all(draining + 1, place);
        }
    }
}

/// In hundredths.
fn factor_of(member: &Member) -> i64 {
    i64::from(member.settings.lbfactor.hundredths())
}

/// Those who cannot be elected by their turn; none: all can.
fn missing(members: &[Member], without: &[MemberId]) -> Option<Arc<Missing>> {
    let mut missing = Missing::default();
    for (id, member) in (0u32..).map(MemberId).zip(members) {
        let left_out = without.contains(&id);
        if matches!(Group::of(member, left_out), Group::Draining | Group::Unusable) {
            missing.total += 1;
            if missing.first.len() < Missing::NAMED {
                missing.first.push(Passed { member: id, status: member.status, left_out });
            }
        }
    }
    (missing.total > 0).then(|| Arc::new(missing))
}

/// The lbsets that have members, in order.
fn lbsets(members: &[Member]) -> Vec<Lbset> {
    let mut lbsets: Vec<Lbset> = members.iter().map(|member| member.settings.lbset).collect();
    lbsets.sort_unstable();
    lbsets.dedup();
    lbsets
}

#[cfg(debug_assertions)]
impl Lineup {
    /// Does the lineup say what the members say?
    pub(crate) fn check(&self, members: &[Member]) {
        let mut ids = self.order.clone();
        ids.sort_unstable();
        assert!(ids.iter().map(|id| id.index()).eq(0..members.len()), "each member has one place");
        let groups: Vec<(u16, MemberId)> = self
            .order
            .iter()
            .filter_map(|id| {
                Some((Group::of(members.get(id.index())?, self.without.contains(id)).rank(), *id))
            })
            .collect();
        assert!(groups.is_sorted(), "places follow group and configuration: {groups:?}");
        for (place, id) in self.order.iter().enumerate() {
            assert_eq!(self.place_of(*id), Some(place), "places and order agree");
            let factor = members.get(id.index()).map_or(0, factor_of);
            assert_eq!(self.credit.factor(place), factor, "factors are those of the settings");
        }
        self.credit.check();
    }
}
