//! Builds the two programs once a test process and finds them; runs them to their end and says how that was.
//!
//! Cargo tells the paths of binaries only to the tests of their own package, so they are built by a cargo of our
//! own, with the profile and into the folder of the running test. `EVENKEEL_BIN_DIR` names a folder with
//! ready-made ones instead.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread;

use crate::eventually::{patience, within};

/// The proxy's program.
pub fn evenkeel_proxy() -> PathBuf {
    folder().join("evenkeel-proxy")
}

/// The console's program.
pub fn evenkeel() -> PathBuf {
    folder().join("evenkeel")
}

/// A program that takes the terminal as the console does, and panics.
pub fn panicking() -> PathBuf {
    folder().join("examples").join("panicking")
}

/// The folder that holds both.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| match std::env::var_os("EVENKEEL_BIN_DIR") {
        Some(ready) => ready.into(),
        None => build(),
    })
}

fn build() -> PathBuf {
    let running = std::env::current_exe().expect("a test knows its own path");
    // Tests lie in TARGET/PROFILE/deps, programs such as `screenshots` in TARGET/PROFILE.
    let beside = running.parent().expect("programs lie in folders");
    let folder =
        if beside.ends_with("deps") { beside.parent().expect("deps lies in a folder") } else { beside };
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--package", "evenkeel-proxy", "--package", "evenkeel", "--bins"]);
    cargo.args(["--example", "panicking"]);
    cargo.arg("--manifest-path").arg(workspace().join("Cargo.toml"));
    cargo.arg("--target-dir").arg(folder.parent().expect("profiles lie in the target folder"));
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    let status = cargo.status().expect("cargo runs");
    assert!(status.success(), "the programs under test do not build: {cargo:?}");
    folder.to_owned()
}

/// The folder of the workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests lie in the workspace").to_owned()
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub out: String,
    /// What it wrote to standard error.
    pub err: String,
}

impl Ended {
    /// Asserts the exit code; the message shows everything.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the assertion alone is often all that is wanted")]
    pub fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }
}

/// Runs a program without a terminal to its end; panics if that takes longer than patience.
#[track_caller]
pub fn run<A: AsRef<OsStr>>(program: &Path, arguments: impl IntoIterator<Item = A>) -> Ended {
    finish(Command::new(program).args(arguments), "")
}

/// Runs `command` to its end with `input` on standard input.
#[track_caller]
pub fn finish(command: &mut Command, input: &str) -> Ended {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|why| panic!("{command:?} does not start: {why}"));
    let out = gather(child.stdout.take().expect("piped"));
    let err = gather(child.stderr.take().expect("piped"));
    // A program that does not read its input closes it early, and that is its right.
    drop(child.stdin.take().expect("piped").write_all(input.as_bytes()));
    let status = within(patience() * 3, || child.try_wait().expect("a child can be waited for"));
    if status.is_none() {
        drop(child.kill());
        drop(child.wait());
    }
    let (out, err) = (out.join().expect("no panic"), err.join().expect("no panic"));
    match status {
        Some(status) => Ended { code: status.code(), out, err },
        None => panic!("{command:?} did not end in {:?}\n{out}\n{err}", patience() * 3),
    }
}

fn gather(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        drop(pipe.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_ends_tells_how() {
        let ended = finish(Command::new("sh").args(["-c", "cat; echo oops >&2; exit 7"]), "in");
        assert_eq!((ended.code, ended.out.as_str(), ended.err.as_str()), (Some(7), "in", "oops\n"));
    }
}
