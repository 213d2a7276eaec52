//! Who was heard lately: the one table of all heartbeats, whichever way they came. Bounded; what is silent for thirty
//! seconds is forgotten.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::time::Duration;

use evenkeel_balancer::Beat;
use evenkeel_protocol::{HeardBy, Moment};

/// How long a silent server is remembered, as httpd does; it counts in elections for ten seconds only.
pub(super) const KEPT: Duration = Duration::from_secs(30);

/// A server: its address, and its port where its messages have one.
type Key = (IpAddr, Option<u16>);

#[derive(Debug, Clone, Copy)]
struct Record {
    ready: u32,
    busy: u32,
    by: HeardBy,
    /// When it is forgotten; kept instead of the time of receipt, which may lie before the start of the clock.
    until: Moment,
    /// Was it not handed on yet?
    fresh: bool,
}

impl Record {
    fn beat(&self, (address, port): Key, now: Moment) -> Beat {
        let age = now.plus(KEPT).since(self.until);
        Beat { address, port, ready: self.ready, busy: self.busy, by: self.by, age }
    }
}

/// The table is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

/// All servers that were heard.
#[derive(Debug)]
pub(super) struct Table {
    records: HashMap<Key, Record>,
    /// Those that were not handed on yet, each once.
    fresh: Vec<Key>,
    /// How many there may be.
    most: usize,
}

impl Table {
    pub(super) fn new(most: usize) -> Self {
        Self { records: HashMap::new(), fresh: Vec::new(), most }
    }

    /// Notes a beat. One that is older than what is known, or than what is kept at all, changes nothing.
    pub(super) fn put(&mut self, beat: &Beat, now: Moment) -> Result<(), Full> {
        if beat.age > KEPT {
            return Ok(());
        }
        let until = Moment(now.plus(KEPT).0.saturating_sub(Moment::default().plus(beat.age).0));
        let Beat { ready, busy, by, .. } = *beat;
        let record = Record { ready, busy, by, until, fresh: true };
        let (key, full) = ((beat.address, beat.port), self.records.len() >= self.most);
        let waits = match self.records.entry(key) {
            Entry::Occupied(known) if known.get().until > until => return Ok(()),
            Entry::Occupied(mut known) => known.insert(record).fresh,
            Entry::Vacant(_) if full => return Err(Full),
            Entry::Vacant(place) => {
                place.insert(record);
                false
            }
        };
        if !waits {
            self.fresh.push(key);
        }
        Ok(())
    }

    /// Forgets who has been silent for too long.
    pub(super) fn forget(&mut self, now: Moment) {
        self.records.retain(|_, record| record.until >= now);
    }

    /// The beats that were not handed on yet; they are then. Of several of a server, the last.
    pub(super) fn take_fresh(&mut self, now: Moment) -> Vec<Beat> {
        let mut beats = Vec::with_capacity(self.fresh.len());
        for key in self.fresh.drain(..) {
            if let Some(record) = self.records.get_mut(&key) {
                record.fresh = false;
                beats.push(record.beat(key, now));
            }
        }
        beats
    }

    /// All beats, by address.
    pub(super) fn all(&self, now: Moment) -> Vec<Beat> {
        let mut all: Vec<Beat> = self.records.iter().map(|(key, record)| record.beat(*key, now)).collect();
        all.sort_unstable_by_key(|beat| (beat.address, beat.port));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beat(last: u8, port: Option<u16>, ready: u32, age: u64) -> Beat {
        let (by, age) = (HeardBy::Datagram, Duration::from_secs(age));
        Beat { address: [10, 0, 0, last].into(), port, ready, busy: 1, by, age }
    }

    fn at(second: u64) -> Moment {
        Moment(second * 1_000_000)
    }

    fn ready(table: &Table, now: Moment) -> Vec<(u32, u64)> {
        table.all(now).iter().map(|beat| (beat.ready, beat.age.as_secs())).collect()
    }

    #[test]
    fn the_latest_beat_of_each_server_is_kept_for_thirty_seconds() {
        let mut table = Table::new(10);
        table.put(&beat(1, None, 5, 0), at(0)).unwrap();
        table.put(&beat(1, Some(81), 6, 0), at(1)).unwrap();
        table.put(&beat(2, None, 7, 20), at(1)).unwrap();
        assert_eq!(ready(&table, at(2)), [(5, 2), (6, 1), (7, 21)]);
        table.put(&beat(1, None, 8, 0), at(3)).unwrap();
        table.put(&beat(2, None, 9, 25), at(3)).unwrap();
        assert_eq!(ready(&table, at(3)), [(8, 0), (6, 2), (7, 22)], "what is older changes nothing");
        table.forget(at(11));
        assert_eq!(ready(&table, at(11)).len(), 3, "thirty seconds are kept");
        table.forget(at(12));
        assert_eq!(ready(&table, at(12)), [(8, 9), (6, 11)]);
        table.put(&beat(3, None, 1, 31), at(12)).unwrap();
        assert_eq!(ready(&table, at(12)).len(), 2, "what is too old is not taken up");
    }

    #[test]
    fn each_beat_is_handed_on_once() {
        let mut table = Table::new(10);
        table.put(&beat(1, None, 5, 0), at(0)).unwrap();
        table.put(&beat(1, None, 6, 0), at(0)).unwrap();
        let handed: Vec<u32> = table.take_fresh(at(0)).iter().map(|beat| beat.ready).collect();
        assert_eq!(handed, [6], "the last one of several");
        assert!(table.take_fresh(at(0)).is_empty());
        table.put(&beat(1, None, 6, 0), at(1)).unwrap();
        assert_eq!(table.take_fresh(at(1)).len(), 1, "the same again is heard again");
    }

    #[test]
    fn a_full_table_refuses_strangers_and_knows_its_own() {
        let mut table = Table::new(2);
        table.put(&beat(1, None, 5, 0), at(0)).unwrap();
        table.put(&beat(2, None, 5, 0), at(20)).unwrap();
        assert_eq!(table.put(&beat(3, None, 5, 0), at(21)), Err(Full));
        assert_eq!(table.put(&beat(2, Some(1), 5, 0), at(21)), Err(Full));
        table.put(&beat(2, None, 9, 0), at(21)).unwrap();
        assert_eq!(ready(&table, at(21)), [(5, 21), (9, 0)]);
        table.forget(at(31));
        table.put(&beat(3, None, 7, 0), at(31)).unwrap();
        assert_eq!(ready(&table, at(31)), [(9, 10), (7, 0)], "who went silent made room");
    }
}
