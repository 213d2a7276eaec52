//! Who is there for requests, by the flags and sets of a balancer's members: httpd's walk, as far as a page tells it. The
//! proxy's core decides for real.

use evenkeel_protocol::{BalancerSnapshot, Flag, Lbset, MemberEdit, MemberSnapshot, Status};

/// What decides who is offered a request without a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The member's status.
    pub status: Status,
    /// The member's set.
    pub lbset: Lbset,
}

impl Place {
    /// That of a member.
    pub fn of(member: &MemberSnapshot) -> Self {
        Self { status: member.status, lbset: member.lbset }
    }

    /// That of a member after an edit.
    pub fn after(member: &MemberSnapshot, edit: &MemberEdit) -> Self {
        let turned = |status: Status, (flag, _)| edit.flag(flag).map_or(status, |on| status.with(flag, on));
        let status = MemberEdit::FLAGS.into_iter().fold(member.status, turned);
        Self { status, lbset: edit.lbset.unwrap_or(member.lbset) }
    }

    fn is_reserve(self) -> bool {
        self.status.has_any(&[Flag::Spare, Flag::Standby])
    }

    fn is_open(self) -> bool {
        self.status.is_usable() && !self.status.has(Flag::Drain)
    }
}

/// Who is offered a request without a session, by position: the lowest set that has anybody, its normal members
/// and as many spares as places are vacant, or else its standbys. (httpd's walk; the core decides for real.)
pub fn newcomers(places: &[Place]) -> Vec<usize> {
    let mut sets: Vec<Lbset> = places.iter().map(|place| place.lbset).collect();
    sets.sort_unstable();
    sets.dedup();
    for set in sets {
        let members = || places.iter().copied().enumerate().filter(move |(_, place)| place.lbset == set);
        let vacant = members().filter(|(_, place)| !place.is_reserve() && !place.is_open()).count();
        let spares =
            members().filter(|(_, place)| place.is_open() && place.status.has(Flag::Spare)).take(vacant);
        let normal = members().filter(|(_, place)| place.is_open() && !place.is_reserve());
        let mut offered: Vec<usize> = normal.chain(spares).map(|(at, _)| at).collect();
        if offered.is_empty() {
            offered = members()
                .filter(|(_, place)| place.is_open() && place.is_reserve() && !place.status.has(Flag::Spare))
                .map(|(at, _)| at)
                .collect();
        }
        if !offered.is_empty() {
            offered.sort_unstable();
            return offered;
        }
    }
    Vec::new()
}

/// The places of all members of a balancer.
pub fn places(balancer: &BalancerSnapshot) -> Vec<Place> {
    balancer.members.iter().map(Place::of).collect()
}

/// What a balancer holds on to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// Somebody would be given a request without a session.
    takes: bool,
    /// Somebody would be given the requests of its sessions at least.
    serves: bool,
    /// Somebody would take requests if it were not in error.
    hopes: bool,
}

impl Hold {
    /// That of members in these places.
    pub fn of(places: &[Place]) -> Self {
        let mended: Vec<Place> = places
            .iter()
            .map(|place| Place { status: place.status.with(Flag::Error, false), ..*place })
            .collect();
        Self {
            takes: !newcomers(places).is_empty(),
            serves: places.iter().any(|place| place.status.is_usable()),
            hopes: !newcomers(&mended).is_empty(),
        }
    }

    /// Would somebody take requests if it were not in error?
    pub fn hopes(self) -> bool {
        self.hopes
    }
}

/// What is lost with the last member: the stronger promise first, as the guard of our own proxy has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Nobody takes requests of new clients any more.
    Takers,
    /// Nobody serves at all any more.
    Servers,
    /// Everybody is in error, and nobody is left to come back.
    Hope,
}

impl Loss {
    /// What is lost from one to the other, if anything is.
    pub fn between(was: Hold, is: Hold) -> Option<Self> {
        match () {
            () if was.takes && !is.takes => Some(Self::Takers),
            () if was.serves && !is.serves => Some(Self::Servers),
            () if !was.serves && was.hopes && !is.hopes => Some(Self::Hope),
            () => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(letters: &str, set: u8) -> Place {
        let status = Status::INITIALISED;
        let status = if letters.is_empty() { status } else { status.apply(letters).unwrap() };
        Place { status, lbset: Lbset::new(set).unwrap() }
    }

    #[test]
    fn who_is_offered_new_users_follows_the_recorded_walks() {
        for (what, members, wanted) in [
            ("all of set 0", &[("", 0), ("", 0), ("", 1)][..], &[0, 1][..]),
            ("set 1 after set 0", &[("D", 0), ("N", 0), ("", 1)], &[2]),
            ("a standby before set 1", &[("D", 0), ("H", 0), ("", 1)], &[1]),
            ("a standby only if nobody else can", &[("", 0), ("H", 0)], &[0]),
            ("one spare for one vacancy", &[("D", 0), ("", 0), ("R", 0), ("R", 0)], &[1, 2]),
            ("two spares for two", &[("N", 0), ("D", 0), ("", 0), ("R", 0), ("R", 0)], &[2, 3, 4]),
            ("a draining standby frees no place", &[("NH", 0), ("", 0), ("R", 0)], &[1]),
            ("only spares", &[("R", 0), ("R", 0)], &[]),
            ("spare before standby", &[("D", 0), ("D", 0), ("R", 0), ("H", 0)], &[2]),
            ("all draining", &[("N", 0), ("N", 0)], &[]),
            ("a spare of another set does not help", &[("D", 0), ("R", 1)], &[]),
            ("both R and H is a spare", &[("", 0), ("RH", 0)], &[0]),
            ("nobody at all", &[], &[]),
        ] {
            let places: Vec<Place> = members.iter().map(|(letters, set)| place(letters, *set)).collect();
            assert_eq!(newcomers(&places), wanted, "{what}");
        }
    }
}
