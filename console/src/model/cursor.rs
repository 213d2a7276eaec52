//! What is shown of the list and what is selected in it: by name, never by row, so that a list that changes under
//! the cursor does not change what it points at.

use std::collections::HashSet;

use evenkeel_protocol::{BalancerSnapshot, MemberSnapshot};

use crate::model::column::{Compared, Sort};
use crate::model::health::{Grade, Health};
use crate::model::history::History;
use crate::model::query::Query;
use crate::model::roster::Roster;
use crate::model::target::Target;

/// The members of one balancer that are shown, by their positions in the last snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The balancer.
    pub balancer: usize,
    /// Its members, in the order of the screen.
    pub members: Vec<usize>,
}

/// Which members are shown, in which order, and which one is selected.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cursor {
    chosen: Option<Target>,
    /// Who is to be selected as soon as it is shown, unless somebody moves before.
    expected: Option<Target>,
    place: usize,
    marks: HashSet<Target>,
    /// The last member that was marked or no longer marked: where a range begins.
    anchor: Option<Target>,
    shown: Vec<Shown>,
    /// Who is let through.
    pub filter: Query,
    /// In which order the members of a balancer stand.
    pub sort: Sort,
    /// Only members that are not plainly well, the worst first.
    pub problems: bool,
}

/// How far to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// So many members back.
    Back(usize),
    /// So many members on.
    On(usize),
    /// To the next one, and from the last one to the first.
    Next,
    /// To the one before, and from the first one to the last.
    Previous,
    /// To the first.
    First,
    /// To the last.
    Last,
    /// To the first member of the balancer before, or of this one if the cursor is further down.
    BalancerBefore,
    /// To the first member of the next balancer.
    NextBalancer,
}

impl Cursor {
    /// The member that is selected.
    pub fn chosen(&self) -> Option<&Target> {
        self.chosen.as_ref()
    }

    /// Selects `target` as it is.
    pub fn choose(&mut self, target: Target) {
        self.chosen = Some(target);
        self.expected = None;
    }

    /// Selects `target` as soon as it is shown, unless somebody moves before.
    pub fn expect(&mut self, target: Target) {
        self.expected = Some(target);
    }

    /// What is shown, balancer by balancer. A balancer without anybody to show is there only if nothing is hidden.
    pub fn shown(&self) -> &[Shown] {
        &self.shown
    }

    /// How many members are shown.
    pub fn count(&self) -> usize {
        self.shown.iter().map(|shown| shown.members.len()).sum()
    }

    /// Is anybody hidden on purpose?
    pub fn hides(&self) -> bool {
        self.problems || !self.filter.is_empty()
    }

    /// Works out anew who is shown in which order, and puts the cursor on a member that is there: the chosen one if
    /// it is, else the one that took its place in the same balancer, as long as that has any. Has to be called whenever the roster, filter, sort or lens changes.
    pub fn settle(&mut self, roster: &Roster) {
        let balancers = roster.balancers();
        self.shown = self.arranged(roster);
        let came = self.position(balancers, self.expected.as_ref());
        self.expected.take_if(|_| came.is_some());
        let found = came.or_else(|| self.position(balancers, self.chosen.as_ref()));
        self.place = found.unwrap_or_else(|| self.nearest(balancers));
        self.chosen = self.nth(balancers, self.place);
    }

    /// Forgets marks of members that are gone.
    pub fn prune(&mut self, roster: &Roster) {
        if let Some(snapshot) = roster.snapshot() {
            self.marks.retain(|target| target.find(snapshot).is_some());
        }
    }

    /// Moves among the shown members and stops at the ends.
    pub fn go(&mut self, step: Step, roster: &Roster) {
        self.expected = None;
        let balancers = roster.balancers();
        let Some(last) = self.count().checked_sub(1) else { return };
        let starts: Vec<usize> = self
            .shown
            .iter()
            .scan(0, |next, shown| {
                let start = *next;
                *next += shown.members.len();
                Some(start)
            })
            .collect();
        let own = starts.iter().rev().find(|start| **start <= self.place).copied().unwrap_or(0);
        self.place = match step {
            Step::Back(count) => self.place.saturating_sub(count),
            Step::On(count) => self.place.saturating_add(count).min(last),
            Step::Next => {
                if self.place >= last {
                    0
                } else {
                    self.place + 1
                }
            }
            Step::Previous => self.place.checked_sub(1).unwrap_or(last),
            Step::First => 0,
            Step::Last => last,
            Step::BalancerBefore if own < self.place => own,
            Step::BalancerBefore => starts.iter().rev().find(|start| **start < own).copied().unwrap_or(0),
            Step::NextBalancer => {
                let next = starts.iter().find(|start| **start > self.place && **start <= last);
                next.copied().unwrap_or(self.place)
            }
        };
        self.chosen = self.nth(balancers, self.place);
    }

    /// All marked members, in the order of the configuration.
    pub fn marked(&self, roster: &Roster) -> Vec<Target> {
        if self.marks.is_empty() {
            return Vec::new();
        }
        let all = roster.balancers().iter().flat_map(|b| b.members.iter().map(|m| Target::of(b, m)));
        all.filter(|target| self.marks.contains(target)).collect()
    }

    /// How many members are marked.
    pub fn marks(&self) -> usize {
        self.marks.len()
    }

    /// Is this one marked?
    pub fn is_marked(&self, target: &Target) -> bool {
        self.marks.contains(target)
    }

    /// Marks the selected member, or takes its mark away.
    pub fn mark(&mut self) {
        if let Some(target) = self.chosen.clone() {
            if !self.marks.remove(&target) {
                self.marks.insert(target.clone());
            }
            self.anchor = Some(target);
        }
    }

    /// Marks all that are shown from the last one that was marked to the selected one.
    pub fn mark_range(&mut self, roster: &Roster) {
        let balancers = roster.balancers();
        let from = self.position(balancers, self.anchor.as_ref()).unwrap_or(self.place);
        for place in from.min(self.place)..=from.max(self.place) {
            self.marks.extend(self.nth(balancers, place));
        }
        self.anchor.clone_from(&self.chosen);
    }

    /// Marks all that are shown, or takes the marks of all away if they are marked already.
    pub fn mark_all(&mut self, roster: &Roster) {
        let shown: Vec<Target> =
            (0..self.count()).filter_map(|at| self.nth(roster.balancers(), at)).collect();
        if shown.iter().all(|target| self.marks.contains(target)) {
            self.marks.clear();
        } else {
            self.marks.extend(shown);
        }
    }

    /// Takes all marks away; false if there was none.
    pub fn unmark(&mut self) -> bool {
        let had = !self.marks.is_empty();
        self.marks.clear();
        had
    }

    fn arranged(&self, roster: &Roster) -> Vec<Shown> {
        let mut all = Vec::new();
        for (at, balancer) in roster.balancers().iter().enumerate() {
            let rated = |place: &usize| {
                let member = balancer.members.get(*place)?;
                let rate = roster.history_of(&balancer.name, &member.name).and_then(History::now);
                let erring = roster.erring_of(&balancer.name, &member.name);
                Some(Compared { member, rate, erring })
            };
            let mut members: Vec<(usize, Compared<'_>)> =
                (0..balancer.members.len()).filter_map(|place| Some((place, rated(&place)?))).collect();
            members.retain(|(_, it)| {
                (!self.problems || Grade::of(it.member) != Grade::Good)
                    && self.filter.passes(balancer, it.member, it.rate)
            });
            members.sort_by(|(_, a), (_, b)| self.sort.compare(*a, *b));
            if self.problems {
                members.sort_by_key(|(_, it)| badness(it.member));
            }
            if !members.is_empty() || !self.hides() {
                let members = members.into_iter().map(|(place, _)| place).collect();
                all.push(Shown { balancer: at, members });
            }
        }
        if self.problems {
            let worst = |shown: &Shown| {
                let first = shown.members.first();
                let member =
                    first.and_then(|place| roster.balancers().get(shown.balancer)?.members.get(*place));
                member.map(badness)
            };
            all.sort_by_key(worst);
        }
        all
    }

    fn position(&self, balancers: &[BalancerSnapshot], wanted: Option<&Target>) -> Option<usize> {
        let wanted = wanted?;
        let mut before = 0;
        for shown in &self.shown {
            let balancer = balancers.get(shown.balancer)?;
            if balancer.name == wanted.balancer {
                let is_it = |place: &usize| {
                    balancer.members.get(*place).is_some_and(|member| member.name == wanted.member)
                };
                return Some(before + shown.members.iter().position(is_it)?);
            }
            before += shown.members.len();
        }
        None
    }

    /// The place that is nearest to the one of who is not shown any more.
    fn nearest(&self, balancers: &[BalancerSnapshot]) -> usize {
        let mut before = 0;
        for shown in &self.shown {
            let balancer = balancers.get(shown.balancer).map(|balancer| &balancer.name);
            let is_own = self.chosen.as_ref().is_some_and(|chosen| balancer == Some(&chosen.balancer));
            if let Some(last) = shown.members.len().checked_sub(1).filter(|_| is_own) {
                return self.place.clamp(before, before + last);
            }
            before += shown.members.len();
        }
        self.place.min(before.saturating_sub(1))
    }

    fn nth(&self, balancers: &[BalancerSnapshot], place: usize) -> Option<Target> {
        let mut left = place;
        for shown in &self.shown {
            if let Some(member) = shown.members.get(left) {
                let balancer = balancers.get(shown.balancer)?;
                return Some(Target::of(balancer, balancer.members.get(*member)?));
            }
            left -= shown.members.len();
        }
        None
    }
}

/// The worst first.
fn badness(member: &MemberSnapshot) -> (Grade, Health) {
    (Grade::of(member), Health::of(member.status))
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::{Moment, Snapshot};

    use super::*;
    use crate::model::column::Column;
    use crate::model::sample;

    fn roster(snapshot: Snapshot) -> Roster {
        let mut roster = Roster::default();
        roster.hear(snapshot, Moment(0));
        roster
    }

    fn settled(roster: &Roster) -> Cursor {
        let mut cursor = Cursor::default();
        cursor.settle(roster);
        cursor
    }

    fn chosen(cursor: &Cursor) -> String {
        cursor.chosen().map_or("nobody".to_owned(), |target| target.label(Some(&sample::snapshot(0))))
    }

    fn labels(cursor: &Cursor, roster: &Roster) -> Vec<String> {
        (0..cursor.count())
            .filter_map(|at| cursor.nth(roster.balancers(), at))
            .map(|target| target.label(roster.snapshot()))
            .collect()
    }

    #[test]
    fn the_cursor_moves_and_stops_at_the_ends() {
        let roster = roster(sample::snapshot(0));
        let mut cursor = settled(&roster);
        for (step, wanted) in [
            (Step::Back(1), "app/node1"),
            (Step::On(1), "app/node2"),
            (Step::On(100), "static/10.0.2.13"),
            (Step::BalancerBefore, "static/10.0.2.11"),
            (Step::BalancerBefore, "app/node1"),
            (Step::BalancerBefore, "app/node1"),
            (Step::NextBalancer, "static/10.0.2.11"),
            (Step::NextBalancer, "static/10.0.2.11"),
            (Step::First, "app/node1"),
            (Step::Previous, "static/10.0.2.13"),
            (Step::Next, "app/node1"),
            (Step::Next, "app/node2"),
            (Step::Last, "static/10.0.2.13"),
        ] {
            cursor.go(step, &roster);
            assert_eq!(chosen(&cursor), wanted, "{step:?}");
        }
    }

    #[test]
    fn the_cursor_and_the_marks_stay_with_their_members_whatever_the_list_does() {
        let mut snapshot = sample::snapshot(0);
        let mut cursor = settled(&roster(snapshot.clone()));
        cursor.go(Step::On(1), &roster(snapshot.clone()));
        cursor.mark();
        snapshot.balancers[0].members.rotate_left(1);
        snapshot.balancers.reverse();
        let turned = roster(snapshot);
        let stays = |cursor: &mut Cursor, what: &str| {
            cursor.settle(&turned);
            assert_eq!(chosen(cursor), "app/node2", "{what}");
            assert_eq!(cursor.marked(&turned), [sample::target("node2")], "{what}");
        };
        stays(&mut cursor, "another order");
        for column in Column::ALL {
            for inverted in [false, true] {
                cursor.sort = Sort { column: Some(column), inverted };
                stays(&mut cursor, &format!("{column:?} {inverted}"));
            }
        }
        cursor.problems = true;
        stays(&mut cursor, "the lens");
        cursor.filter = Query::parse("drn");
        stays(&mut cursor, "a filter");
    }

    #[test]
    fn a_member_that_vanishes_leaves_the_cursor_to_its_neighbour_and_its_mark_to_nobody() {
        let mut snapshot = sample::snapshot(0);
        let mut cursor = settled(&roster(snapshot.clone()));
        cursor.go(Step::On(1), &roster(snapshot.clone()));
        cursor.mark();
        snapshot.balancers[0].members.remove(1);
        let fewer = roster(snapshot);
        cursor.prune(&fewer);
        cursor.settle(&fewer);
        assert_eq!((chosen(&cursor).as_str(), cursor.marks()), ("app/node3", 0));
        let nobody = Roster::default();
        cursor.settle(&nobody);
        assert_eq!(chosen(&cursor), "nobody");
        cursor.go(Step::On(1), &nobody);
        assert_eq!(chosen(&cursor), "nobody");
    }

    #[test]
    fn the_last_member_of_a_balancer_leaves_the_cursor_in_it() {
        let mut snapshot = sample::snapshot(0);
        let mut cursor = settled(&roster(snapshot.clone()));
        cursor.go(Step::On(2), &roster(snapshot.clone()));
        snapshot.balancers[0].members.pop();
        cursor.settle(&roster(snapshot.clone()));
        assert_eq!(chosen(&cursor), "app/node2");
        snapshot.balancers.remove(0);
        cursor.settle(&roster(snapshot));
        assert!(chosen(&cursor).starts_with("static/"), "{}", chosen(&cursor));
    }

    #[test]
    fn the_lens_shows_the_worst_first() {
        let mut snapshot = sample::checked(0);
        snapshot.balancers.reverse();
        let roster = roster(snapshot);
        let mut cursor = settled(&roster);
        cursor.problems = true;
        cursor.settle(&roster);
        assert_eq!(
            labels(&cursor, &roster),
            ["app/node3", "app/node2", "app/node1"],
            "its last check failed"
        );
        assert_eq!(cursor.shown().len(), 1, "a balancer without a problem is not there");
    }

    #[test]
    fn members_are_sorted_within_their_balancer() {
        let roster = roster(sample::snapshot(0));
        let mut cursor = settled(&roster);
        cursor.sort = Sort { column: Some(Column::Busy), inverted: true };
        cursor.settle(&roster);
        assert_eq!(
            labels(&cursor, &roster)[..4],
            ["app/node3", "app/node2", "app/node1", "static/10.0.2.11"]
        );
    }

    #[test]
    fn one_a_range_or_all_that_are_shown_are_marked() {
        let roster = roster(sample::snapshot(0));
        let mut cursor = settled(&roster);
        cursor.mark();
        cursor.go(Step::On(2), &roster);
        cursor.mark_range(&roster);
        assert_eq!(cursor.marks(), 3);
        cursor.mark();
        assert_eq!(cursor.marks(), 2, "a second time takes the mark away");
        cursor.filter = Query::parse("static");
        cursor.settle(&roster);
        cursor.mark_all(&roster);
        assert_eq!(cursor.marks(), 5, "marks of members that are hidden stay");
        cursor.mark_all(&roster);
        assert_eq!(cursor.marks(), 0);
        assert!(!cursor.unmark());
    }
}
