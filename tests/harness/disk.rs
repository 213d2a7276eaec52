//! A small disk that can be full and be freed again. Needs root; where it cannot be mounted a test says so with
//! [`skipped`] and passes.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::httpd::skipped;

/// A disk of its own on a folder. It goes when it is dropped.
#[derive(Debug)]
pub struct Disk {
    at: PathBuf,
}

impl Disk {
    /// One of so many KiB on a folder that nobody else may enter; none, and said so, where it cannot be mounted.
    pub fn mounted(at: &Path, kibibytes: usize) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let options = format!("size={kibibytes}k,mode=0700");
        let ran =
            Command::new("mount").args(["-t", "tmpfs", "-o", &options, "evenkeel-test"]).arg(at).output();
        match ran {
            Ok(ran) if ran.status.success() => Some(Self { at: at.to_owned() }),
            Ok(ran) => {
                skipped(&format!("no disk can be mounted: {}", String::from_utf8_lossy(&ran.stderr).trim()));
                None
            }
            Err(why) => {
                skipped(&format!("there is no mount: {why}"));
                None
            }
        }
    }

    fn filler(&self) -> PathBuf {
        self.at.join("filler")
    }

    /// Takes all room that there is. Files may still have some in their last page.
    pub fn fill(&self) {
        let mut filler = File::options().create(true).append(true).open(self.filler()).unwrap();
        while filler.write_all(&[b'x'; 4096]).is_ok() {}
    }

    /// Gives it back.
    pub fn free(&self) {
        fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a proxy of a failed test may still be at it.
        drop(Command::new("umount").arg("-l").arg(&self.at).status());
    }
}
