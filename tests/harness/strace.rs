//! The proxy under strace: killed, or refused by the system, at the very system call that a test names.
//!
//! A process that is killed at a call has not made it. What was written before stays in the system's cache, so a kill
//! shows the order of calls, not what a disk keeps; that a result of a sync counts is shown by calls that fail.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use evenkeel_protocol::{Call, Hello, place};
use rustix::process::Signal;

use crate::admin::Admin;
use crate::binaries::evenkeel_proxy;
use crate::eventually::{patience, within};
use crate::httpd::skipped;
use crate::proxy::signal;

const PROGRAM: &str = "/usr/bin/strace";
/// Everything with which a file is made, written, kept and put in its place.
pub const CALLS: [&str; 7] =
    ["openat", "write", "fdatasync", "fsync", "?rename,?renameat,?renameat2", "linkat", "?unlink,?unlinkat"];

/// Something that happens to a process at a system call that touches certain paths.
#[derive(Debug, Clone)]
pub struct Fate {
    /// The call, as in [`CALLS`].
    pub call: &'static str,
    /// At the first one (1), the second, …, counted by thread.
    pub when: u32,
    /// As strace calls it: `signal=KILL`, `error=EIO`.
    pub what: &'static str,
}

impl Fate {
    fn command(&self, paths: &[PathBuf]) -> Command {
        let mut strace = Command::new(PROGRAM);
        strace.args(["-f", "-qq", "-o", "/dev/null"]);
        for path in paths {
            strace.arg("-P").arg(path);
        }
        strace.args(["-e", &format!("trace={}", self.call)]);
        strace.args(["-e", &format!("inject={}:{}:when={}", self.call, self.what, self.when)]);
        strace.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        strace
    }

    /// Watches a running process from now on; none, told and counted, where that cannot be.
    #[track_caller]
    pub fn attach(&self, pid: u32, paths: &[PathBuf]) -> Option<Watch> {
        if !is_there() {
            return None;
        }
        let mut child = self.command(paths).args(["-p", &pid.to_string()]).spawn().unwrap();
        let watched = within(patience(), || {
            let over = child.try_wait().unwrap().is_some();
            (over || is_traced(pid)).then_some(!over)
        });
        if watched != Some(true) {
            drop(child.kill());
            drop(child.wait());
            skipped("strace may not watch other processes here");
            return None;
        }
        Some(Watch(child))
    }

    /// Starts the proxy of that folder, watched from its first instruction. Where it comes up all the same it is
    /// killed, and the answer is false. None, told and counted, where there is no strace.
    #[track_caller]
    pub fn start(&self, folder: &Path, paths: &[PathBuf]) -> Option<bool> {
        if !is_there() {
            return None;
        }
        let mut strace = self.command(paths);
        strace.arg(evenkeel_proxy()).arg("-f").arg(folder.join("site.conf"));
        strace.arg("--run-dir").arg(folder.join("run"));
        let mut watch = Watch(strace.spawn().unwrap());
        let admin = Admin::at(&folder.join("run").join(place::ADMIN_SOCKET));
        let up = within(patience(), || {
            if watch.0.try_wait().unwrap().is_some() {
                return Some(None);
            }
            let told = admin.try_ask("GET", &Call::Hello.path(), "").ok()?;
            serde_json::from_str::<Hello>(&told.body).ok().map(Some)
        });
        let up = up.expect("it comes up, or is killed").map(|hello| hello.pid);
        if let Some(pid) = up {
            signal(pid, Signal::KILL);
        }
        watch.ended();
        Some(up.is_none())
    }
}

fn is_there() -> bool {
    let there = Path::new(PROGRAM).exists();
    if !there {
        skipped("no strace is installed");
    }
    there
}

/// Is each thread of it watched by somebody?
fn is_traced(pid: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return false };
    threads.flatten().all(|thread| {
        let status = std::fs::read_to_string(thread.path().join("status")).unwrap_or_default();
        status.lines().any(|line| line.strip_prefix("TracerPid:").is_some_and(|pid| pid.trim() != "0"))
    })
}

/// A strace that watches. It ends with whom it watches.
#[derive(Debug)]
pub struct Watch(Child);

impl Watch {
    /// Waits until whom it watches has ended.
    #[track_caller]
    pub fn ended(&mut self) -> ExitStatus {
        within(patience(), || self.0.try_wait().unwrap()).expect("strace ends with whom it watches")
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
