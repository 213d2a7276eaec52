//! What a group of processes uses: processor time and memory, as the kernel counts them.

use std::fs;
use std::io;
use std::time::Duration;

/// The kernel tells programs the time of processes in hundredths of a second, whatever it counts in itself.
const TICK: Duration = Duration::from_millis(10);
/// How far the exact count may be from the coarse one before it is taken to have lost a thread.
const DOUBT: Duration = Duration::from_millis(100);

/// The processes of a group, by their numbers.
pub(crate) fn group(leader: u32) -> io::Result<Vec<u32>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // It may have ended while we looked.
        let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        if field(&stat, 5) == Some(u64::from(leader)) {
            found.push(pid);
        }
    }
    Ok(found)
}

/// A field of `stat`, numbered from 1 as in its manual; those from the fourth on are numbers.
fn field(stat: &str, number: usize) -> Option<u64> {
    // The second is a name in brackets and may hold anything.
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split_ascii_whitespace().nth(number - 3)?.parse().ok()
}

/// The processor time of processes up to some moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Spent {
    /// User and system time of all threads that there ever were, coarsely.
    coarse: Duration,
    /// That of the threads that are there, exactly.
    exact: Duration,
}

impl Spent {
    pub(crate) fn by(processes: &[u32]) -> io::Result<Self> {
        let mut spent = Self::default();
        for pid in processes {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
            let ticks = field(&stat, 14).zip(field(&stat, 15)).map_or(0, |(user, system)| user + system);
            spent.coarse += TICK * u32::try_from(ticks).unwrap_or(u32::MAX);
            for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
                let Ok(text) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
                let nanos = text.split_ascii_whitespace().next().and_then(|text| text.parse().ok());
                spent.exact += Duration::from_nanos(nanos.unwrap_or(0));
            }
        }
        Ok(spent)
    }

    /// The time spent since `before`.
    pub(crate) fn since(self, before: Self) -> Duration {
        let coarse = self.coarse.saturating_sub(before.coarse);
        let exact = self.exact.saturating_sub(before.exact);
        if coarse.abs_diff(exact) < DOUBT { exact } else { coarse }
    }
}

/// The memory of processes in bytes; what several share is split among them.
pub(crate) fn memory(processes: &[u32]) -> io::Result<u64> {
    let mut kib = 0;
    for pid in processes {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
        let share = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        kib += share.unwrap_or(0_u64);
    }
    Ok(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_processes_do_not_confuse() {
        let stat = "7 (a) b) S 1 42 42 0 -1 4194560 1 0 0 0 150 30 0 0 20 0 1 0 5";
        assert_eq!((field(stat, 5), field(stat, 14), field(stat, 15)), (Some(42), Some(150), Some(30)));
    }

    #[test]
    fn time_is_exact_unless_a_thread_was_lost() {
        let spent = |coarse, exact| Spent {
            coarse: Duration::from_millis(coarse),
            exact: Duration::from_millis(exact),
        };
        assert_eq!(spent(1010, 1004).since(spent(500, 500)), Duration::from_millis(504));
        assert_eq!(spent(1010, 600).since(spent(500, 500)), Duration::from_millis(510));
    }

    #[test]
    fn this_process_uses_something() {
        let me = [std::process::id()];
        assert!(memory(&me).unwrap() > 100_000);
        assert_ne!(Spent::by(&me).unwrap(), Spent::default());
    }
}
