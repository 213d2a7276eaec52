//! Nothing outlives the comparison: a second process ends what the first has started, when that ends in any way.
//!
//! The guard reads process numbers and folders from a pipe. The pipe ends with the comparison, be it done, broken,
//! interrupted or killed; then the guard ends those processes, removes those folders, and ends too.

use std::collections::HashSet;
use std::io::{self, BufRead, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use harness::eventually::within;
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

/// The argument that makes this program the guard.
pub(crate) const ARGUMENT: &str = "guard";
/// How long processes may take to end when they are told to.
const GRACE: Duration = Duration::from_secs(2);

/// The comparison's side of the pipe.
pub(crate) struct Guard(Child);

impl Guard {
    /// Starts the guard, away from the terminal's signals.
    pub(crate) fn start() -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(ARGUMENT).stdin(Stdio::piped()).stdout(Stdio::null()).process_group(0);
        Ok(Self(command.spawn()?))
    }

    /// The process leads a group that must not outlive us.
    pub(crate) fn watch(&mut self, group: u32) -> io::Result<()> {
        self.tell(&format!("+{group}"))
    }

    /// The group has ended, and its number may be another's soon.
    pub(crate) fn forget(&mut self, group: u32) -> io::Result<()> {
        self.tell(&format!("-{group}"))
    }

    /// The folder goes when we do.
    pub(crate) fn remove(&mut self, folder: &Path) -> io::Result<()> {
        self.tell(&folder.display().to_string())
    }

    fn tell(&mut self, line: &str) -> io::Result<()> {
        let pipe = self.0.stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        pipe.write_all(format!("{line}\n").as_bytes())
    }
}

impl Drop for Guard {
    /// Waits until all is cleared up.
    fn drop(&mut self) {
        drop(self.0.wait());
    }
}

/// The guard's side: waits for the pipe's end, then clears up.
pub(crate) fn run(pipe: impl BufRead) {
    let (mut groups, mut folders) = (HashSet::new(), Vec::new());
    for line in pipe.lines().map_while(Result::ok) {
        match line.split_at_checked(1) {
            Some(("+", group)) => drop(group.parse().map(|group: i32| groups.insert(group))),
            Some(("-", group)) => drop(group.parse().map(|group: i32| groups.remove(&group))),
            _ => folders.push(line),
        }
    }
    end(&groups.into_iter().filter_map(Pid::from_raw).collect::<Vec<_>>());
    for folder in folders {
        drop(std::fs::remove_dir_all(folder));
    }
}

/// Ends groups of processes, at last by force.
pub(crate) fn end(groups: &[Pid]) {
    // Those that have ended already cannot be told, which is as it should be.
    for group in groups {
        let _ = kill_process_group(*group, Signal::TERM);
    }
    let is_gone = |group: &Pid| test_kill_process_group(*group).is_err();
    within(GRACE, || groups.iter().all(is_gone).then_some(()));
    for group in groups.iter().filter(|group| !is_gone(group)) {
        let _ = kill_process_group(*group, Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::os::unix::process::ExitStatusExt;

    use harness::eventually::eventually;

    use super::*;

    #[test]
    fn what_is_watched_ends_and_what_is_forgotten_stays() {
        let start = || Command::new("sleep").arg("60").process_group(0).spawn().unwrap();
        let (mut watched, mut forgotten) = (start(), start());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let told = format!("+{}\n+{1}\n{2}\n-{1}\n", watched.id(), forgotten.id(), path.display());
        // A child that nobody waits for yet still counts as there.
        let guard = std::thread::spawn(move || run(Cursor::new(told)));
        let status = eventually("the watched one ends", || watched.try_wait().unwrap());
        guard.join().unwrap();
        assert_eq!(status.signal(), Some(Signal::TERM.as_raw()));
        assert!(!path.exists(), "its folder is there still");
        assert_eq!(forgotten.try_wait().unwrap(), None);
        forgotten.kill().unwrap();
        forgotten.wait().unwrap();
    }
}
