//! One access log file: opened so that nothing waits, appended to, opened anew when its name was taken over.
//!
//! A file is made with mode 0640, which is stricter than httpd's 0644: requests carry secrets. Pipes and terminals are
//! written without waiting for long; a pipe that nobody reads is refused, for opening it would wait for ever.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use evenkeel_protocol::Moment;
use evenkeel_protocol::clean::clean;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;

use crate::{clock, limits};

/// An open log.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    /// The last writing ended within a line.
    is_torn: bool,
    /// A pipe was full: until then lines are dropped without waiting for it.
    full_until: Moment,
}

impl LogFile {
    /// # Errors
    ///
    /// A sentence that names the file and the remedy.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let file = open(path).with_context(|| format!("cannot open the access log {}", shown(path)))?;
        Ok(Self { path: path.to_owned(), file, is_torn: false, full_until: Moment(0) })
    }

    /// The path, fit for a message.
    pub(super) fn shown(&self) -> String {
        shown(&self.path)
    }

    /// Takes the file that now has the name; if there is none and none can be made, the old one stays.
    pub(super) fn reopen(&mut self) -> anyhow::Result<()> {
        let new = Self::open(&self.path)?;
        *self = new;
        Ok(())
    }

    /// Appends whole lines; if it fails, says how many of their bytes were written nevertheless.
    pub(super) fn append(&mut self, text: &[u8]) -> Result<(), (usize, io::Error)> {
        if self.is_torn {
            self.write(b"\n").map_err(|(_, why)| (0, why))?;
            self.is_torn = false;
        }
        self.write(text).inspect_err(|(written, _)| {
            let last = written.checked_sub(1).and_then(|last| text.get(last));
            self.is_torn = last.is_some_and(|last| *last != b'\n');
        })
    }

    fn write(&mut self, text: &[u8]) -> Result<(), (usize, io::Error)> {
        let mut written = 0;
        while let Some(rest) = text.get(written..).filter(|rest| !rest.is_empty()) {
            match self.file.write(rest) {
                Ok(0) => return Err((written, io::ErrorKind::WriteZero.into())),
                Ok(more) => written += more,
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => {
                    self.wait_for_room().map_err(|why| (written, why))?;
                }
                Err(why) => return Err((written, why)),
            }
        }
        Ok(())
    }

    /// Waits for the reader of a full pipe, unless it was waited for in vain just now: the other logs wait as well.
    fn wait_for_room(&mut self) -> io::Result<()> {
        let is_waiting = clock::now() >= self.full_until;
        let patience = if is_waiting { limits::LOG_PIPE_WITHIN } else { Duration::ZERO };
        let patience = Timespec::try_from(patience).map_err(io::Error::other)?;
        if poll(&mut [PollFd::new(&self.file, PollFlags::OUT)], Some(&patience))? > 0 {
            return Ok(());
        }
        if is_waiting {
            self.full_until = clock::now().plus(limits::LOG_PIPE_WITHIN);
        }
        Err(io::Error::new(io::ErrorKind::WouldBlock, "its reader does not keep up"))
    }
}

fn open(path: &Path) -> anyhow::Result<File> {
    // Without this flag a pipe would be waited for until somebody reads it.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let opened = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o640)
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    let file = match opened {
        Err(why) if why.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) => {
            bail!("it is a socket, or a pipe that nobody reads; name a file, or start the reader first")
        }
        Err(why) if why.kind() == io::ErrorKind::NotFound => {
            bail!("its folder does not exist; make it first")
        }
        opened => opened?,
    };
    let kind = file.metadata()?.file_type();
    if !(kind.is_file() || kind.is_char_device() || kind.is_fifo()) {
        bail!("it is neither a file nor a pipe nor a terminal");
    }
    Ok(file)
}

fn shown(path: &Path) -> String {
    clean(&path.to_string_lossy(), limits::TEXT)
}

#[cfg(test)]
mod tests;
