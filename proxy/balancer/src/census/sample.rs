//! Sessions with the time at which each was last seen, in a table of fixed size that any thread may write without a
//! lock. While there are few the table has them all; when they are too many it keeps an even sample, each session of
//! which stands for two, four, … others.
//!
//! ```text
//! a session is 64 salted bits:   mark, 32 bits              two buckets of eight places, 2 x 16 bits
//! a place holds                  mark, 32 bits              when it was last seen, 32 bits
//! level 0 keeps every mark, level 1 the even ones, level n those with n zeros at their end
//! ```
//!
//! The level rises when both buckets of a session are full, which makes half of the places free at once, and falls
//! when few are left. How much a session stands for follows from the greatest level since it was last seen: where the
//! level has fallen, who is seen from then on counts exactly.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// Time in parts of the window, counted from 1; see [`WINDOW`].
pub(super) type Tick = u32;
/// How many ticks a window lasts. Who was last seen so many ticks ago is still in it.
pub(super) const WINDOW: Tick = 256;
/// The places of one bucket: a cache line of them.
const BUCKET: usize = 8;
/// Of so many places no more than one may be taken when the level falls: far from where it rises.
const SPARSE: usize = 8;
/// The greatest level, with which one session of 2^20 is kept.
const HIGHEST: u32 = 20;

/// A sample of sessions.
#[derive(Debug)]
pub(super) struct Sample {
    /// How many buckets there are when there are any; a power of two, at most 2^16.
    buckets: usize,
    /// Made when the first session is seen.
    places: OnceLock<Box<[AtomicU64]>>,
    /// Who may come in.
    level: AtomicU32,
    /// Since when which level was in force, the greatest that is still of interest first.
    levels: Mutex<Vec<(Tick, u32)>>,
}

/// How many sessions there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Count {
    /// Seen within the window.
    pub(super) live: u64,
    /// Last seen before the window, within the time that was asked for.
    pub(super) departed: u64,
    /// Were they counted one by one?
    pub(super) exact: bool,
}

/// What a place holds.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Entry {
    mark: u32,
    seen: Tick,
}

impl Entry {
    fn of(word: u64) -> Option<Self> {
        // Ticks start at 1, so no entry is 0.
        (word != 0).then_some(Self { mark: (word >> 32) as u32, seen: (word & 0xffff_ffff) as u32 })
    }

    fn word(self) -> u64 {
        u64::from(self.mark) << 32 | u64::from(self.seen)
    }

    fn age(self, now: Tick) -> Tick {
        // Another thread may be a tick ahead.
        now.saturating_sub(self.seen)
    }
}

/// What became of an attempt to note a session.
enum Put {
    Noted,
    /// Another thread was faster.
    Again,
    Full,
}

impl Sample {
    /// A sample of at most `buckets` times [`BUCKET`] sessions; `buckets` is a power of two.
    pub(super) const fn new(buckets: usize) -> Self {
        Self { buckets, places: OnceLock::new(), level: AtomicU32::new(0), levels: Mutex::new(Vec::new()) }
    }

    fn levels(&self) -> MutexGuard<'_, Vec<(Tick, u32)>> {
        self.levels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A session was seen.
    pub(super) fn see(&self, session: u64, now: Tick) {
        let mark = (session >> 32) as u32;
        // Ends: each round the level rises, the session is noted, or another thread has got on.
        for _ in 0..2 * HIGHEST {
            let level = self.level.load(Relaxed);
            if mark.trailing_zeros() < level {
                return;
            }
            match self.put(session, level, now) {
                Put::Noted => return,
                Put::Again => {}
                Put::Full => self.raise(level, now),
            }
        }
    }

    /// The two buckets in which a session may stand.
    fn homes(&self, session: u64) -> [&[AtomicU64]; 2] {
        let places = self.places.get_or_init(|| {
            std::iter::repeat_with(|| AtomicU64::new(0)).take(self.buckets * BUCKET).collect()
        });
        [(session & 0xffff) as u16, ((session >> 16) & 0xffff) as u16].map(|at| {
            let start = (usize::from(at) & (self.buckets - 1)) * BUCKET;
            places.get(start..start + BUCKET).unwrap_or_default()
        })
    }

    fn put(&self, session: u64, level: u32, now: Tick) -> Put {
        let entry = Entry { mark: (session >> 32) as u32, seen: now };
        let homes = self.homes(session);
        // Of the free places the one that is of least interest to anybody.
        let mut free: Option<(Tick, &AtomicU64, u64)> = None;
        for place in homes.into_iter().flatten() {
            let word = place.load(Relaxed);
            let worth = match Entry::of(word) {
                Some(known) if known.mark == entry.mark => {
                    let noted = known.seen >= now
                        || place.compare_exchange(word, entry.word(), Relaxed, Relaxed).is_ok();
                    return if noted { Put::Noted } else { Put::Again };
                }
                Some(known) if known.mark.trailing_zeros() < level => Some(0),
                Some(known) if known.age(now) > WINDOW => Some(known.seen),
                Some(_) => None,
                None => Some(0),
            };
            if let Some(worth) = worth
                && free.is_none_or(|(least, ..)| worth < least)
            {
                free = Some((worth, place, word));
            }
        }
        match free {
            None => Put::Full,
            Some((_, place, word)) => match place.compare_exchange(word, entry.word(), Relaxed, Relaxed) {
                Ok(_) => Put::Noted,
                Err(_) => Put::Again,
            },
        }
    }

    /// Keeps half of those of `level` only.
    fn raise(&self, level: u32, now: Tick) {
        let mut levels = self.levels();
        if self.level.load(Relaxed) != level || level >= HIGHEST {
            return;
        }
        let raised = level + 1;
        // Those that stay stand for as many as the new ones, however long ago they were seen.
        let since = levels.iter().find(|(_, then)| *then <= raised).map_or(0, |(since, _)| *since);
        levels.retain(|(_, then)| *then > raised);
        levels.push((since, raised));
        // What is older than two windows is of no interest to anybody.
        while levels.get(1).is_some_and(|(since, _)| since.saturating_add(2 * WINDOW) < now) {
            levels.remove(0);
        }
        self.level.store(raised, Relaxed);
    }

    /// Lets more in again if few are left. To be called from time to time, as long as anybody is seen.
    pub(super) fn ease(&self, now: Tick) {
        let level = self.level.load(Relaxed);
        let Some(places) = self.places.get().filter(|_| level > 0) else { return };
        let kept = entries(places)
            .filter(|entry| entry.age(now) <= WINDOW && entry.mark.trailing_zeros() >= level)
            .count();
        let mut lower = level;
        while lower > 0 && (kept << (level - lower)) * SPARSE <= places.len() {
            lower -= 1;
        }
        let mut levels = self.levels();
        if lower < level && self.level.load(Relaxed) == level {
            levels.push((now, lower));
            self.level.store(lower, Relaxed);
        }
    }

    /// How many sessions were seen within the window, and how many were last seen up to `departing` ticks before it.
    pub(super) fn count(&self, now: Tick, departing: Tick) -> Count {
        self.count_if(now, departing, (0, |_| true))
    }

    /// How many were seen within the window that `others` have not seen in theirs.
    pub(super) fn count_without(&self, others: &Self, now: Tick) -> u64 {
        if self.places.get().is_none() {
            return 0;
        }
        let places = others.places.get().map_or(&[][..], |places| places);
        let there = entries(places).filter(|entry| entry.age(now) <= WINDOW);
        let there: HashSet<u32> = there.map(|entry| entry.mark).collect();
        // Whom the others may have left out cannot be told from whom they have not seen.
        let floor = others.levels().first().map_or(0, |(_, level)| *level);
        self.count_if(now, 0, (floor, |entry: Entry| !there.contains(&entry.mark))).live
    }

    /// Counts those that `counts`, all of them at level `floor` at least.
    fn count_if(&self, now: Tick, departing: Tick, (floor, counts): (u32, impl Fn(Entry) -> bool)) -> Count {
        let levels = self.levels();
        let horizon = now.saturating_sub(WINDOW);
        let ends = levels.iter().skip(1).map(|(since, _)| *since).chain([Tick::MAX]);
        let exact = levels.iter().zip(ends).all(|((_, level), end)| *level == 0 || end <= horizon);
        let mut count = Count { live: 0, departed: 0, exact };
        let places = self.places.get().map_or(&[][..], |places| places);
        for entry in entries(places).filter(|entry| entry.age(now) <= WINDOW + departing) {
            // They fall from one to the next, so the one in force when it was seen is the greatest since.
            let then = levels.iter().rev().find(|(since, _)| *since <= entry.seen);
            let level = then.or(levels.first()).map_or(0, |(_, level)| *level).max(floor);
            if entry.mark.trailing_zeros() < level || !counts(entry) {
                continue;
            }
            let counted = if entry.age(now) <= WINDOW { &mut count.live } else { &mut count.departed };
            *counted += 1 << level;
        }
        count
    }
}

fn entries(places: &[AtomicU64]) -> impl Iterator<Item = Entry> {
    places.iter().filter_map(|place| Entry::of(place.load(Relaxed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A session of that number, as evenly drawn as a salted one.
    fn session(number: u64) -> u64 {
        crate::census::Salt::default().of(&number.to_le_bytes())
    }

    #[test]
    fn few_are_counted_one_by_one_however_often_they_come() {
        let sample = Sample::new(512);
        for now in [1, 5, 9] {
            for number in 0..1000 {
                sample.see(session(number), now);
            }
        }
        assert_eq!(sample.count(9, 0), Count { live: 1000, departed: 0, exact: true });
        assert_eq!(sample.count(9 + WINDOW, 0).live, 1000, "who was seen a window ago is still in it");
        assert_eq!(sample.count(10 + WINDOW, 1), Count { live: 0, departed: 1000, exact: true });
    }

    #[test]
    fn many_are_estimated_and_exact_again_when_few_are_left() {
        let sample = Sample::new(512);
        (0..1_000_000).for_each(|number| sample.see(session(number), 1));
        let many = sample.count(1, 0);
        assert!(many.live.abs_diff(1_000_000) < 60_000 && !many.exact, "{many:?}");
        // Seventeen of them go on.
        let mut now = 1;
        while now < 4 * WINDOW {
            now += 8;
            (0..17).for_each(|number| sample.see(session(number), now));
            sample.ease(now);
        }
        assert_eq!(sample.count(now, 0), Count { live: 17, departed: 0, exact: true });
        assert_eq!(size_of_val(&**sample.places.get().unwrap()), 32 * 1024);
    }

    #[test]
    fn a_sample_that_fell_counts_those_seen_since_then_one_by_one() {
        let sample = Sample::new(512);
        (0..100_000).for_each(|number| sample.see(session(number), 1));
        let later = WINDOW + 2;
        sample.ease(later);
        (0..50).for_each(|number| sample.see(session(number), later));
        assert_eq!(sample.count(later, 0).live, 50);
        let departed = sample.count(later, 2).departed;
        assert!(departed.abs_diff(100_000 - 50) < 8_000, "{departed}");
    }

    #[test]
    fn those_seen_elsewhere_are_left_out() {
        let (claimed, live) = (Sample::new(64), Sample::new(512));
        (0..100).for_each(|number| claimed.see(session(number), 1));
        (60..100).for_each(|number| live.see(session(number), 2));
        assert_eq!(claimed.count_without(&live, 2), 60);
        (1000..50_000).for_each(|number| live.see(session(number), 2));
        assert!(claimed.count_without(&live, 2).abs_diff(60) <= 96, "a rough estimate then");
    }

    #[test]
    fn threads_that_see_the_same_do_not_count_twice() {
        let sample = Sample::new(512);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..2000).for_each(|number| sample.see(session(number % 500), 1)));
            }
        });
        assert_eq!(sample.count(1, 0).live, 500);
    }
}
