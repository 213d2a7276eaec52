//! A command that goes on while the test does something else.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use rustix::process::Signal;

use crate::binaries::Ended;
use crate::eventually::{eventually, eventually_true};
use crate::proxy::signal;

/// A command that runs; it is killed when it is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    err: Arc<Mutex<String>>,
}

impl Running {
    /// Starts a program with these words.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    #[track_caller]
    pub fn start(program: &Path, words: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        let mut command = Command::new(program);
        command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let (err, pipe) = (Arc::new(Mutex::new(String::new())), child.stderr.take());
        let said = Arc::clone(&err);
        std::thread::spawn(move || {
            for line in pipe.into_iter().flat_map(|pipe| BufReader::new(pipe).lines()).map_while(Result::ok) {
                said.lock().expect("nobody panics here").extend([line.as_str(), "\n"]);
            }
        });
        Self { child, err }
    }

    fn said(&self) -> String {
        self.err.lock().expect("nobody panics here").clone()
    }

    /// Waits until it has said that on standard error.
    #[track_caller]
    pub fn says(&self, text: &str) {
        eventually_true(text, || self.said().contains(text));
    }

    /// As Ctrl-C does.
    pub fn interrupt(&self) {
        signal(self.child.id(), Signal::INT);
    }

    /// Waits for its end.
    ///
    /// # Panics
    ///
    /// If it does not end, or what it wrote is no text.
    #[track_caller]
    pub fn ended(mut self) -> Ended {
        let status = eventually("the command ends", || self.child.try_wait().expect("it can be waited for"));
        let mut out = String::new();
        let pipe = self.child.stdout.as_mut().expect("its output is a pipe");
        pipe.read_to_string(&mut out).expect("it writes text");
        // Who reads it lets go of it at its end.
        eventually_true("all was read", || Arc::strong_count(&self.err) == 1);
        Ended { code: status.code(), out, err: self.said() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
