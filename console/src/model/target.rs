//! Which member is meant: by name, never by its place on the screen.

use std::collections::HashSet;

use evenkeel_protocol::{BalancerName, BalancerSnapshot, MemberName, MemberSnapshot, Snapshot};

/// A member of a balancer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// The balancer.
    pub balancer: BalancerName,
    /// The member.
    pub member: MemberName,
}

impl Target {
    /// That member of that balancer.
    pub fn of(balancer: &BalancerSnapshot, member: &MemberSnapshot) -> Self {
        Self { balancer: balancer.name.clone(), member: member.name.clone() }
    }

    /// It as it stands in `snapshot`, if it is still there.
    pub fn find<'a>(&self, snapshot: &'a Snapshot) -> Option<(&'a BalancerSnapshot, &'a MemberSnapshot)> {
        let balancer = snapshot.balancer(&self.balancer)?;
        Some((balancer, balancer.member(&self.member)?))
    }

    /// Its name among people: `app/node1`, as commands take it. See [`label`].
    pub fn label(&self, snapshot: Option<&Snapshot>) -> String {
        match snapshot.and_then(|snapshot| self.find(snapshot)) {
            Some((balancer, member)) => format!("{}/{}", self.balancer, label(balancer, member)),
            None => format!("{}/{}", self.balancer, short(&self.member)),
        }
    }
}

/// What people call a member: its route if no other member has it, else its host, port and path.
pub fn label(balancer: &BalancerSnapshot, member: &MemberSnapshot) -> String {
    let same = balancer.members.iter().filter(|other| other.route == member.route).count();
    if member.route.is_empty() || same > 1 {
        return short(&member.name).to_owned();
    }
    member.route.to_string()
}

/// The place of its first member among those of all balancers, by which a member is told from others where its name does
/// not fit.
pub fn first_place(snapshot: &Snapshot, balancer: &BalancerSnapshot) -> usize {
    let before = snapshot.balancers.iter().take_while(|it| it.name != balancer.name);
    before.map(|it| it.members.len()).sum::<usize>() + 1
}

/// Its members' URLs without their schemes, unless only these tell some of them apart.
pub fn names(balancer: &BalancerSnapshot) -> Vec<&str> {
    let members = || balancer.members.iter().map(|member| &member.name);
    let mut seen = HashSet::new();
    if members().all(|name| seen.insert(short(name))) {
        return members().map(short).collect();
    }
    members().map(MemberName::as_str).collect()
}

/// The URL without its scheme; of a member behind a socket, the socket.
pub fn short(name: &MemberName) -> &str {
    name.short()
}

#[cfg(test)]
mod tests {
    use super::{names, short};
    use crate::model::sample;

    #[test]
    fn schemes_and_paths_behind_sockets_are_told_where_nothing_else_differs() {
        let mut balancer = sample::snapshot(0).balancers.remove(0);
        balancer.members.truncate(2);
        assert_eq!(names(&balancer), ["app1.example.com:8080", "app2.example.com:8080"]);
        for pair in
            [["http://a:81", "https://a:81"], ["unix:/a|http://localhost/a", "unix:/a|http://localhost/b"]]
        {
            for (member, name) in balancer.members.iter_mut().zip(pair) {
                member.name = name.parse().unwrap();
            }
            assert_eq!(names(&balancer), pair);
        }
    }

    #[test]
    fn a_member_is_called_by_its_route_if_that_is_its_own() {
        let mut snapshot = sample::snapshot(0);
        let target = sample::target("node1");
        assert_eq!(target.label(Some(&snapshot)), "app/node1");
        snapshot.balancers[0].members[1].route = "node1".parse().unwrap();
        assert_eq!(target.label(Some(&snapshot)), "app/app1.example.com:8080");
        assert_eq!(target.label(None), "app/app1.example.com:8080");
        assert_eq!(short(&"unix:/run/app.sock|http://localhost".parse().unwrap()), "unix:/run/app.sock");
    }
}
