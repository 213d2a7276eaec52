//! How much everybody is owed: the home of lbstatus, kept so that an election costs the same however many members
//! there are.
//!
//! httpd looks at each member of a class in every election, credits it with its factor, and has the one with most
//! credit pay for all. Here the crediting is one count for the whole class, since all of them are credited together:
//!
//! ```text
//! lbstatus = base + rounds x factor        base changes only for who pays
//! ```
//!
//! Members with the same factor gain alike, so who of them leads changes only where one pays. They stand in a ladder, a
//! tournament by base, in which a payment is made good by the few duels on the way up. Who leads the class is the best
//! of the leaders of its ladders. A tie goes to the earlier place, as in httpd.
//!
//! Numbers: `rounds` grows by one an election, a factor is at most 10,000, so an `i64` lasts for 10^14 elections, and
//! each change of a status begins anew.

use std::ops::Range;

/// The members of one class: they are credited together.
#[derive(Debug, Clone, Default)]
struct Peers {
    places: Range<usize>,
    /// How often they were credited since they were laid out.
    rounds: i64,
    /// The sum of their factors.
    total: i64,
    /// By factor, the least one first.
    ladders: Vec<Ladder>,
}

/// The members of a class with the same factor, and who of them leads.
#[derive(Debug, Clone)]
struct Ladder {
    factor: i64,
    /// As in a heap, from 1: who wins the duel of the two below. The second half are the members, in their order.
    winners: Vec<u32>,
}

/// What all members are owed, by place. Places are those of the [lineup](crate::candidates::Lineup), and its classes
/// follow one another without a gap.
#[derive(Debug, Clone, Default)]
pub(crate) struct Credit {
    base: Vec<i64>,
    lbfactor: Vec<i64>,
    classes: Vec<Peers>,
}

impl Credit {
    /// The credit of members with these (lbstatus, lbfactor in hundredths) by place; `ends`: where each class ends.
    pub(crate) fn new(owed: impl Iterator<Item = (i64, i64)>, ends: &[usize]) -> Self {
        let (base, lbfactor): (Vec<i64>, Vec<i64>) = owed.unzip();
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let classes =
            starts.zip(ends).map(|(start, end)| Peers::new(start..*end, &base, &lbfactor)).collect();
        Self { base, lbfactor, classes }
    }

    /// The places of a class.
    pub(crate) fn places(&self, class: usize) -> Range<usize> {
        self.classes.get(class).map(|class| class.places.clone()).unwrap_or_default()
    }

    /// The factor of the member at `place`, in hundredths.
    #[cfg(debug_assertions)]
    pub(crate) fn factor(&self, place: usize) -> i64 {
        self.lbfactor.get(place).copied().unwrap_or_default()
    }

    /// The factors of a class, in hundredths.
    pub(crate) fn lbfactor(&self, class: usize) -> &[i64] {
        self.lbfactor.get(self.places(class)).unwrap_or_default()
    }

    /// The lbstatus of the member at `place`.
    pub(crate) fn of(&self, place: usize) -> i64 {
        let rounds = self.classes.get(self.class_at(place)).map_or(0, |peers| peers.rounds);
        let (base, factor) = (self.base.get(place), self.lbfactor.get(place));
        base.zip(factor).map_or(0, |(base, factor)| base + rounds * factor)
    }

    /// The members of a class by place, each with its lbstatus.
    pub(crate) fn owed(&self, class: usize) -> impl Iterator<Item = (usize, i64)> {
        self.classes.get(class).into_iter().flat_map(|peers| self.owed_among(peers))
    }

    /// The lbstatus of all, by place.
    pub(crate) fn all(&self) -> impl Iterator<Item = i64> {
        self.classes.iter().flat_map(|peers| self.owed_among(peers)).map(|(_, owed)| owed)
    }

    fn owed_among(&self, peers: &Peers) -> impl Iterator<Item = (usize, i64)> {
        let base = self.base.get(peers.places.clone()).unwrap_or_default();
        let lbfactor = self.lbfactor.get(peers.places.clone()).unwrap_or_default();
        let rounds = peers.rounds;
        let owed = base.iter().zip(lbfactor).map(move |(base, factor)| base + rounds * factor);
        peers.places.clone().zip(owed)
    }

    /// Sets the lbstatus of the member at `place`.
    pub(crate) fn set(&mut self, place: usize, lbstatus: i64) {
        self.add(self.class_at(place), place, lbstatus - self.of(place));
    }

    /// Sets everybody's lbstatus to what `lbstatus` makes of the factor.
    pub(crate) fn set_all(&mut self, lbstatus: impl Fn(i64) -> i64) {
        let ends: Vec<usize> = self.classes.iter().map(|class| class.places.end).collect();
        *self = Self::new(self.lbfactor.iter().map(|factor| (lbstatus(*factor), *factor)), &ends);
    }

    /// Credits the members of a class, each with its factor.
    pub(crate) fn give(&mut self, class: usize) {
        if let Some(class) = self.classes.get_mut(class) {
            class.rounds += 1;
        }
    }

    /// Who of a class is owed most; the earliest of several.
    pub(crate) fn leader(&self, class: usize) -> Option<usize> {
        let class = self.classes.get(class)?;
        let mut best: Option<(i64, u32)> = None;
        for ladder in &class.ladders {
            let leader = *ladder.winners.get(1)?;
            let owed = self.base.get(leader as usize)? + class.rounds * ladder.factor;
            if best.is_none_or(|(most, place)| owed > most || (owed == most && leader < place)) {
                best = Some((owed, leader));
            }
        }
        best.map(|(_, place)| place as usize)
    }

    /// The member at `place` pays what its class was credited with in one round.
    pub(crate) fn pay(&mut self, class: usize, place: usize) {
        let total = self.classes.get(class).map_or(0, |class| class.total);
        self.add(class, place, -total);
    }

    /// All members of the first `classes` classes are credited, and the one at `place` pays for them all.
    pub(crate) fn pay_for_all(&mut self, classes: usize, place: usize) {
        let mut total = 0;
        for class in self.classes.iter_mut().take(classes) {
            class.rounds += 1;
            total += class.total;
        }
        self.add(self.class_at(place), place, -total);
    }

    fn class_at(&self, place: usize) -> usize {
        self.classes.partition_point(|class| class.places.end <= place)
    }

    /// Adds to what the member at `place`, of that class, is owed, and sees who leads then.
    fn add(&mut self, class: usize, place: usize, amount: i64) {
        let Self { base, lbfactor, classes } = self;
        let (Some(owed), Some(factor), Some(peers)) =
            (base.get_mut(place), lbfactor.get(place), classes.get_mut(class))
        else {
            return;
        };
        *owed += amount;
        let ladder = match peers.ladders.as_mut_slice() {
            [only] => Some(only),
            ladders => {
                let at = ladders.binary_search_by_key(factor, |ladder| ladder.factor);
                at.ok().and_then(|at| ladders.get_mut(at))
            }
        };
        if let Some(ladder) = ladder {
            ladder.climb(place, base);
        }
    }

    /// Do the ladders say what a look at everybody says?
    #[cfg(debug_assertions)]
    pub(crate) fn check(&self) {
        for (number, class) in self.classes.iter().enumerate() {
            let by_rank = |place: &usize| (self.of(*place), std::cmp::Reverse(*place));
            assert_eq!(self.leader(number), class.places.clone().max_by_key(by_rank), "who leads {class:?}");
            assert_eq!(class.total, self.lbfactor(number).iter().sum::<i64>(), "what {class:?} gains");
        }
        assert_eq!(
            self.classes.last().map_or(0, |class| class.places.end),
            self.base.len(),
            "all are in a class"
        );
    }
}

impl Peers {
    fn new(places: Range<usize>, base: &[i64], lbfactor: &[i64]) -> Self {
        let factors = lbfactor.get(places.clone()).unwrap_or_default();
        let mut members: Vec<(i64, u32)> = factors.iter().copied().zip((0u32..).skip(places.start)).collect();
        members.sort_unstable();
        let ladders = members.chunk_by(|(one, _), (other, _)| one == other);
        let ladders = ladders.filter_map(|alike| Ladder::new(alike, base)).collect();
        Self { places, rounds: 0, total: factors.iter().sum(), ladders }
    }
}

impl Ladder {
    /// That of members of one factor, in their order; none: there are none.
    fn new(alike: &[(i64, u32)], base: &[i64]) -> Option<Self> {
        let (factor, _) = *alike.first()?;
        let members = || alike.iter().map(|(_, place)| *place);
        // What stands at 0, and while they duel above, does not matter.
        let mut ladder = Self { factor, winners: members().chain(members()).collect() };
        for at in (1..alike.len()).rev() {
            ladder.duel(at, base);
        }
        // A ladder of one has no duel: its member stands at 1 as it is.
        Some(ladder)
    }

    /// Who is owed more of the two below `at`, or stands earlier.
    fn duel(&mut self, at: usize, base: &[i64]) {
        let Some(&[left, right]) = self.winners.get(2 * at..2 * at + 2) else { return };
        if let (Some(one), Some(other)) = (base.get(left as usize), base.get(right as usize))
            && let Some(winner) = self.winners.get_mut(at)
        {
            *winner = if one > other || (one == other && left < right) { left } else { right };
        }
    }

    /// Has all duels on the way up fought anew by the member at `place`.
    fn climb(&mut self, place: usize, base: &[i64]) {
        let count = self.winners.len() / 2;
        let members = self.winners.get(count..).unwrap_or_default();
        let Ok(at) = members.binary_search_by(|member| (*member as usize).cmp(&place)) else { return };
        let mut at = count + at;
        while at > 1 {
            at /= 2;
            self.duel(at, base);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What httpd does: a look at everybody.
    fn naive_round(owed: &mut [(i64, i64)], of: Range<usize>) -> Option<usize> {
        let mut best: Option<usize> = None;
        let mut total = 0;
        for place in of {
            owed[place].0 += owed[place].1;
            total += owed[place].1;
            if best.is_none_or(|best| owed[place].0 > owed[best].0) {
                best = Some(place);
            }
        }
        owed[best?].0 -= total;
        best
    }

    #[test]
    fn nobody_leads_where_nobody_is() {
        let mut credit = Credit::new(std::iter::empty(), &[0, 0]);
        credit.give(0);
        credit.pay_for_all(2, 0);
        assert_eq!((credit.leader(0), credit.leader(7), credit.of(0)), (None, None, 0));
        assert_eq!(credit.all().count(), 0);
    }

    proptest! {
        #[test]
        fn it_is_httpds_look_at_everybody(
            start in prop::collection::vec((-500i64..500, prop::sample::select(vec![100i64, 100, 100, 1, 250, 10_000])), 1..40),
            cuts in (0usize..40, 0usize..40),
            acts in prop::collection::vec((0u8..8, 0usize..40, -300i64..300), 0..120),
        ) {
            let count = start.len();
            let (one, other) = (cuts.0 % (count + 1), cuts.1 % (count + 1));
            let ends = [one.min(other), one.max(other), count];
            let mut naive = start.clone();
            let mut credit = Credit::new(start.into_iter(), &ends);
            for (act, place, amount) in acts {
                let place = place % count;
                match act {
                    0..=4 => {
                        let class = usize::from(act) % 3;
                        credit.give(class);
                        let leader = credit.leader(class);
                        if let Some(leader) = leader {
                            credit.pay(class, leader);
                        }
                        let expected = naive_round(&mut naive, credit.places(class));
                        prop_assert_eq!(leader, expected);
                    }
                    5 => {
                        // A sticky hit, the last class being that of those who cannot be used.
                        credit.pay_for_all(2, place);
                        let mut total = 0;
                        for (status, factor) in naive.iter_mut().take(ends[1]) {
                            *status += *factor;
                            total += *factor;
                        }
                        naive[place].0 -= total;
                    }
                    6 => {
                        credit.set(place, amount);
                        naive[place].0 = amount;
                    }
                    _ => {
                        credit.set_all(|factor| factor - amount);
                        for (status, factor) in &mut naive {
                            *status = *factor - amount;
                        }
                    }
                }
                #[cfg(debug_assertions)]
                credit.check();
                prop_assert_eq!(credit.all().collect::<Vec<_>>(), naive.iter().map(|(it, _)| *it).collect::<Vec<_>>());
                prop_assert_eq!(credit.of(place), naive[place].0);
            }
        }
    }
}
