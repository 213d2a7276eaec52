//! What is selected and what is shown of the list: by name, never by row, so that a list that changes under the
//! cursor does not change what it points at.

use evenkeel_protocol::{BalancerSnapshot, MemberSnapshot};

use crate::model::target::Target;

/// The longest filter, in characters.
pub const LONGEST_FILTER: usize = 60;

/// The selection and the filter of the list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cursor {
    chosen: Option<Target>,
    place: usize,
    /// Only members that contain each of its words are shown; empty: all.
    pub filter: String,
}

/// How far to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// So many members back.
    Back(usize),
    /// So many members on.
    On(usize),
    /// To the first.
    First,
    /// To the last.
    Last,
    /// To the first member of the balancer before, or of this one if the cursor is further down.
    BalancerBefore,
    /// To the first member of the next balancer.
    NextBalancer,
}

/// Does the filter let this member through? Each of its words must stand in the balancer's name, the member's URL,
/// route or status; large and small letters are the same.
pub fn passes(filter: &str, balancer: &BalancerSnapshot, member: &MemberSnapshot) -> bool {
    filter.split_whitespace().all(|word| {
        let word = word.to_ascii_lowercase();
        [balancer.name.as_str(), member.name.as_str(), member.route.as_str(), &member.words]
            .iter()
            .any(|text| text.to_ascii_lowercase().contains(&word))
    })
}

impl Cursor {
    /// The member that is selected.
    pub fn chosen(&self) -> Option<&Target> {
        self.chosen.as_ref()
    }

    /// Selects `target` as it is.
    pub fn choose(&mut self, target: Target) {
        self.chosen = Some(target);
    }

    /// All members that the filter lets through, in configuration order.
    pub fn visible<'a>(
        &'a self,
        balancers: &'a [BalancerSnapshot],
    ) -> impl Iterator<Item = (&'a BalancerSnapshot, &'a MemberSnapshot)> {
        balancers
            .iter()
            .flat_map(|balancer| balancer.members.iter().map(move |member| (balancer, member)))
            .filter(|(balancer, member)| passes(&self.filter, balancer, member))
    }

    /// Puts the cursor on a member that is there: the chosen one if it is, else the one that took its place.
    pub fn settle(&mut self, balancers: &[BalancerSnapshot]) {
        let visible: Vec<Target> = self.targets(balancers);
        let found = visible.iter().position(|target| Some(target) == self.chosen.as_ref());
        self.place = found.unwrap_or_else(|| self.place.min(visible.len().saturating_sub(1)));
        self.chosen = visible.into_iter().nth(self.place);
    }

    /// Moves among the visible members and stops at the ends.
    pub fn go(&mut self, step: Step, balancers: &[BalancerSnapshot]) {
        self.settle(balancers);
        let visible = self.targets(balancers);
        let Some(last) = visible.len().checked_sub(1) else { return };
        let here = self.chosen.as_ref().map(|target| &target.balancer);
        let first_of = |place: usize| {
            let name = visible.get(place).map(|target| &target.balancer);
            visible.iter().position(|target| Some(&target.balancer) == name).unwrap_or(place)
        };
        self.place = match step {
            Step::Back(count) => self.place.saturating_sub(count),
            Step::On(count) => self.place.saturating_add(count).min(last),
            Step::First => 0,
            Step::Last => last,
            Step::BalancerBefore => {
                let own = first_of(self.place);
                if own < self.place { own } else { first_of(own.saturating_sub(1)) }
            }
            Step::NextBalancer => visible
                .iter()
                .enumerate()
                .skip(self.place)
                .find(|(_, target)| Some(&target.balancer) != here)
                .map_or(self.place, |(place, _)| place),
        };
        self.chosen = visible.into_iter().nth(self.place);
    }

    fn targets(&self, balancers: &[BalancerSnapshot]) -> Vec<Target> {
        self.visible(balancers).map(|(balancer, member)| Target::of(balancer, member)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    fn chosen(cursor: &Cursor) -> String {
        cursor.chosen().map_or("nobody".to_owned(), |target| target.label(Some(&sample::snapshot(0))))
    }

    #[test]
    fn the_cursor_moves_and_stops_at_the_ends() {
        let snapshot = sample::snapshot(0);
        let mut cursor = Cursor::default();
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
            (Step::Last, "static/10.0.2.13"),
        ] {
            cursor.go(step, &snapshot.balancers);
            assert_eq!(chosen(&cursor), wanted, "{step:?}");
        }
    }

    #[test]
    fn the_cursor_stays_with_its_member_when_the_list_changes() {
        let mut snapshot = sample::snapshot(0);
        let mut cursor = Cursor::default();
        cursor.go(Step::On(1), &snapshot.balancers);
        assert_eq!(chosen(&cursor), "app/node2");
        snapshot.balancers[0].members.rotate_left(1);
        snapshot.balancers.reverse();
        cursor.settle(&snapshot.balancers);
        assert_eq!(chosen(&cursor), "app/node2");
    }

    #[test]
    fn a_member_that_vanishes_leaves_the_cursor_to_its_neighbour() {
        let mut snapshot = sample::snapshot(0);
        let mut cursor = Cursor::default();
        cursor.go(Step::On(1), &snapshot.balancers);
        snapshot.balancers[0].members.remove(1);
        cursor.settle(&snapshot.balancers);
        assert_eq!(chosen(&cursor), "app/node3");
        cursor.settle(&[]);
        assert_eq!(chosen(&cursor), "nobody");
        cursor.go(Step::On(1), &[]);
        assert_eq!(chosen(&cursor), "nobody");
    }

    #[test]
    fn the_filter_looks_at_names_routes_and_status() {
        let snapshot = sample::snapshot(0);
        for (filter, count) in [
            ("", 6),
            ("node", 3),
            ("NODE2", 1),
            ("err", 1),
            ("static", 3),
            ("static stby", 1),
            ("app1.example.com", 1),
            ("nothing like this", 0),
        ] {
            let cursor = Cursor { filter: filter.to_owned(), ..Cursor::default() };
            assert_eq!(cursor.visible(&snapshot.balancers).count(), count, "{filter:?}");
        }
    }
}
