//! The last number that a drain was given, in a file of its own that is overwritten where it stands. That takes no room:
//! on a disk that is full drains cannot be written down, and after a restart their numbers must not mean others.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

const NAME: &str = "drains.last";

/// The digits of the greatest number: every number takes as much room.
const DIGITS: usize = 20;

/// The file.
#[derive(Debug)]
pub(super) struct Count {
    path: PathBuf,
    /// What stands in it.
    stands: Option<u64>,
}

impl Count {
    /// That of a run folder.
    pub(super) fn open(folder: &Path) -> Self {
        let path = folder.join(NAME);
        let stands = read(&path);
        Self { path, stands }
    }

    /// The last number that was given, as far as is known.
    pub(super) fn last(&self) -> u64 {
        self.stands.unwrap_or_default()
    }

    /// Writes down that this number was given.
    pub(super) fn keep(&mut self, last: u64) -> io::Result<()> {
        if self.stands == Some(last) {
            return Ok(());
        }
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(false).write(true).mode(0o600).open(&self.path)?;
        file.write_all_at(format!("{last:0DIGITS$}\n").as_bytes(), 0)?;
        file.sync_data()?;
        self.stands = Some(last);
        Ok(())
    }
}

/// None: it is not there, or is no number.
fn read(path: &Path) -> Option<u64> {
    let mut text = String::new();
    File::open(path).ok()?.take(DIGITS as u64 + 2).read_to_string(&mut text).ok()?;
    text.strip_suffix('\n').filter(|digits| digits.len() == DIGITS)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_kept_in_the_same_room_and_nothing_else_is_believed() {
        let folder = tempfile::tempdir().unwrap();
        let mut count = Count::open(folder.path());
        assert_eq!(count.last(), 0);
        let room = || std::fs::metadata(folder.path().join(NAME)).unwrap().len();
        for last in [3, u64::MAX, 4] {
            count.keep(last).unwrap();
            assert_eq!((Count::open(folder.path()).last(), room()), (last, DIGITS as u64 + 1));
        }
        for text in ["", "5\n", "0000000000000000000x\n", "00000000000000000005"] {
            std::fs::write(folder.path().join(NAME), text).unwrap();
            assert_eq!(Count::open(folder.path()).last(), 0, "{text}");
        }
    }
}
