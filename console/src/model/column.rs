//! The columns of the list of members: what they are called, and how members compare by them.

use std::cmp::Ordering;

use evenkeel_protocol::MemberSnapshot;

use crate::model::health::Health;
use crate::model::history::Rate;

/// A column, in the order in which they matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// The URL.
    Member,
    /// The route.
    Route,
    /// The status, the worst first.
    Status,
    /// Requests in flight.
    Busy,
    /// Requests a second.
    Rate,
    /// The last minute as a line; compares as the rate does.
    Trend,
    /// The time within which 99 of 100 answers came, in the last ten seconds.
    P99,
    /// Answers a second with a status of 500 to 599.
    Erring,
    /// Live sessions.
    Sessions,
    /// The time within which half of the answers came, in the last ten seconds.
    P50,
    /// Its share.
    Factor,
    /// Its set.
    Set,
    /// How urgently it is owed work.
    Load,
    /// How often it was chosen.
    Elected,
    /// Bytes to it.
    To,
    /// Bytes from it.
    From,
    /// The route of its sessions while it cannot serve.
    Redirect,
}

impl Column {
    /// All of them, in their order on the screen.
    pub const ALL: [Self; 17] = [
        Self::Member,
        Self::Route,
        Self::Status,
        Self::Busy,
        Self::Rate,
        Self::Trend,
        Self::P99,
        Self::Erring,
        Self::Sessions,
        Self::P50,
        Self::Factor,
        Self::Set,
        Self::Load,
        Self::Elected,
        Self::To,
        Self::From,
        Self::Redirect,
    ];

    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Member => "Member",
            Self::Route => "Route",
            Self::Status => "Status",
            Self::Busy => "Busy",
            Self::Rate => "Req/s",
            Self::Trend => "Last minute",
            Self::P99 => "P99",
            Self::Erring => "5xx/s",
            Self::Sessions => "Sess",
            Self::Elected => "Elected",
            Self::P50 => "P50",
            Self::Factor => "Factor",
            Self::Set => "Set",
            Self::Load => "Load",
            Self::To => "To",
            Self::From => "From",
            Self::Redirect => "Redirect",
        }
    }

    /// Names first from A, numbers first from the highest: what is looked for stands at the top.
    fn compare(self, a: Compared<'_>, b: Compared<'_>) -> Ordering {
        let (x, y) = (a.member, b.member);
        match self {
            Self::Member => x.name.as_str().cmp(y.name.as_str()),
            Self::Route => x.route.as_str().cmp(y.route.as_str()),
            Self::Status => Health::of(x.status).cmp(&Health::of(y.status)),
            Self::Busy => y.in_flight().cmp(&x.in_flight()),
            Self::Rate | Self::Trend => b.rate.cmp(&a.rate),
            Self::P99 => p99(y).cmp(&p99(x)),
            Self::Erring => b.erring.cmp(&a.erring),
            Self::Sessions => y.sessions.cmp(&x.sessions),
            Self::Elected => y.elected.cmp(&x.elected),
            Self::P50 => p50(y).cmp(&p50(x)),
            Self::Factor => y.lbfactor.hundredths().cmp(&x.lbfactor.hundredths()),
            Self::Set => x.lbset.cmp(&y.lbset),
            Self::Load => y.lbstatus.cmp(&x.lbstatus),
            Self::To => y.transferred.cmp(&x.transferred),
            Self::From => y.read.cmp(&x.read),
            Self::Redirect => x.redirect.as_str().cmp(y.redirect.as_str()),
        }
    }
}

/// A member and its rate.
#[derive(Debug, Clone, Copy)]
pub struct Compared<'a> {
    /// The member.
    pub member: &'a MemberSnapshot,
    /// Its requests a second, if they are known.
    pub rate: Option<Rate>,
    /// Its answers a second of 500 to 599, if they are known.
    pub erring: Option<Rate>,
}

fn p50(member: &MemberSnapshot) -> Option<u64> {
    member.latency.last_10s.map(|lately| lately.p50_us)
}

fn p99(member: &MemberSnapshot) -> Option<u64> {
    member.latency.last_10s.map(|lately| lately.p99_us)
}

/// By which column members are sorted within their balancer; by none: in configuration order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sort {
    /// The column.
    pub column: Option<Column>,
    /// The other way round?
    pub inverted: bool,
}

impl Sort {
    /// To the column on the right, and from the last one to none; the way round starts anew.
    pub fn next(&mut self) {
        *self = Self { column: self.after(Column::ALL.into_iter()), inverted: false };
    }

    /// To the column on the left, and from the first one to none; the way round starts anew.
    pub fn previous(&mut self) {
        *self = Self { column: self.after(Column::ALL.into_iter().rev()), inverted: false };
    }

    /// By the column of that title, without regard to case; false if there is none.
    pub fn by(&mut self, title: &str) -> bool {
        let found = Column::ALL.into_iter().find(|column| column.title().eq_ignore_ascii_case(title));
        if found.is_some() {
            *self = Self { column: found, inverted: false };
        }
        found.is_some()
    }

    /// The column behind the present one in `columns`; the line under the same numbers is passed over.
    fn after(self, columns: impl Iterator<Item = Column>) -> Option<Column> {
        let mut columns = columns.filter(|column| *column != Column::Trend);
        match self.column {
            None => columns.next(),
            Some(now) => {
                columns.by_ref().find(|column| *column == now);
                columns.next()
            }
        }
    }

    /// How two members of a balancer stand to each other.
    pub fn compare(self, a: Compared<'_>, b: Compared<'_>) -> Ordering {
        let order = self.column.map_or(Ordering::Equal, |column| column.compare(a, b));
        if self.inverted { order.reverse() } else { order }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    #[test]
    fn the_marker_walks_over_all_columns_and_none() {
        let mut sort = Sort::default();
        let mut seen = Vec::new();
        for _ in 0..17 {
            sort.next();
            seen.push(sort.column);
        }
        assert_eq!(seen.first(), Some(&Some(Column::Member)));
        assert_eq!(seen.last(), Some(&None), "behind the last one stands the configuration's order");
        assert!(!seen.contains(&Some(Column::Trend)));
        sort.previous();
        assert_eq!(sort.column, Some(Column::Redirect));
        assert!(sort.by("busy") && !sort.by("nonsense"));
        assert_eq!(sort.column, Some(Column::Busy));
    }

    #[test]
    fn what_is_looked_for_stands_at_the_top() {
        let snapshot = sample::snapshot(0);
        let [node1, node2, node3] = &snapshot.balancers[0].members[..] else { panic!("three members") };
        let of = |member| Compared { member, rate: Some(Rate(member.busy)), erring: None };
        for (column, first, last) in [
            (Column::Member, node1, node3),
            (Column::Status, node3, node1),
            (Column::Busy, node1, node3),
            (Column::Rate, node1, node3),
            (Column::Elected, node1, node3),
            (Column::Load, node2, node1),
        ] {
            let sort = Sort { column: Some(column), inverted: false };
            assert_eq!(sort.compare(of(first), of(last)), Ordering::Less, "{column:?}");
            let inverted = Sort { inverted: true, ..sort };
            assert_eq!(inverted.compare(of(first), of(last)), Ordering::Greater, "{column:?}");
        }
    }
}
