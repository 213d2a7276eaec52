//! One audit file and the one before it: lines of JSON, bounded in size.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use evenkeel_protocol::Event;
use serde::Deserialize;

use crate::limits;

/// A file that is put aside when it is full; of those put aside the last one is kept.
#[derive(Debug)]
pub(super) struct AuditFile {
    path: PathBuf,
    most: u64,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    length: u64,
    /// Does the file end in the middle of a line?
    torn: bool,
}

/// The one field of an event that every version has.
#[derive(Deserialize)]
struct Numbered {
    number: u64,
}

impl AuditFile {
    /// A file of at most `most` bytes; it is opened when it is first written to.
    pub(super) fn new(path: PathBuf, most: u64) -> Self {
        Self { path, most, open: None }
    }

    fn previous(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".1");
        name.into()
    }

    /// The last events in both files, and the greatest number, those of other versions included. What does not read
    /// is passed over.
    pub(super) fn read(&self) -> (Vec<Event>, u64) {
        let (mut events, mut last) = (Vec::new(), 0);
        for path in [self.previous(), self.path.clone()] {
            let text = match tail(&path, self.most) {
                Ok(text) => text,
                Err(why) if why.kind() == io::ErrorKind::NotFound => continue,
                Err(why) => {
                    tracing::error!(file = %path.display(), %why, "this audit file cannot be read");
                    continue;
                }
            };
            for line in text.split(|byte| *byte == b'\n') {
                if let Ok(Numbered { number }) = serde_json::from_slice(line) {
                    last = last.max(number);
                }
                events.extend(serde_json::from_slice::<Event>(line).ok());
            }
        }
        events.drain(..events.len().saturating_sub(limits::EVENTS_KEPT));
        (events, last)
    }

    /// Adds a line. After a failure the next one is tried anew, on a line of its own.
    pub(super) fn append(&mut self, event: &Event) -> io::Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        let length = line.len() as u64;
        if self.open.as_ref().is_some_and(|open| open.length > 0 && open.length + length > self.most) {
            self.open = None;
            std::fs::rename(&self.path, self.previous())?;
        }
        let open = match &mut self.open {
            // Who took the file away gets a new one.
            Some(open) if self.path.exists() => open,
            held => held.insert(Open::new(&self.path)?),
        };
        if open.torn {
            line.insert(0, b'\n');
        }
        open.torn = true;
        open.file.write_all(&line)?;
        open.torn = false;
        open.length += line.len() as u64;
        Ok(())
    }
}

impl Open {
    fn new(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new().create(true).append(true).read(true).mode(0o600).open(path)?;
        let length = file.metadata()?.len();
        let mut last = [b'\n'];
        if length > 0 {
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
        }
        Ok(Self { file, length, torn: last != *b"\n" })
    }
}

/// The last bytes of a file.
fn tail(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(most)))?;
    let mut text = Vec::new();
    file.take(most).read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::{EventKind, Timestamp};

    use super::*;

    fn event(number: u64) -> Event {
        Event { number, at: Timestamp(number), kind: EventKind::Started }
    }

    fn numbers(file: &AuditFile) -> Vec<u64> {
        file.read().0.iter().map(|event| event.number).collect()
    }

    #[test]
    fn two_files_hold_the_last_lines_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let mut file = AuditFile::new(path.clone(), 1_000);
        for number in 1..=500 {
            file.append(&event(number)).unwrap();
        }
        let sizes: Vec<u64> = [&path, &file.previous()].map(|path| path.metadata().unwrap().len()).into();
        assert!(sizes.iter().all(|size| *size <= 1_000), "{sizes:?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
        let numbers = numbers(&file);
        assert_eq!(numbers.last(), Some(&500));
        assert!(numbers.len() > 20 && numbers.is_sorted(), "{numbers:?}");
    }

    #[test]
    fn what_was_cut_off_costs_its_own_line_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        AuditFile::new(path.clone(), 1_000).append(&event(1)).unwrap();
        let later = "{\"number\":9,\"at\":1,\"event\":\"of_a_later_version\"}\n";
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str(later);
        text.push_str("{\"number\":10,\"at");
        std::fs::write(&path, text).unwrap();
        let mut file = AuditFile::new(path, 1_000);
        assert_eq!(file.read().1, 9);
        file.append(&event(11)).unwrap();
        assert_eq!((numbers(&file), file.read().1), (vec![1, 11], 11));
    }

    #[test]
    fn a_disk_that_fails_is_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing/audit.jsonl");
        let mut file = AuditFile::new(path.clone(), 1_000);
        assert!(file.append(&event(1)).is_err());
        std::fs::create_dir(folder.path().join("missing")).unwrap();
        file.append(&event(2)).unwrap();
        assert_eq!(numbers(&file), [2]);
        std::fs::remove_file(&path).unwrap();
        file.append(&event(3)).unwrap();
        assert_eq!(numbers(&file), [3]);
    }
}
