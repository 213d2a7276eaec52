//! A real proxy from a configuration text: own folder, own process, free ports; stopped when it is dropped.

use std::fmt;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use evenkeel_protocol::{
    BalancerName, BalancerSnapshot, Call, Edited, Hello, MemberSnapshot, Reloaded, Selector, Snapshot,
};
use evenkeel_protocol::{place, selector::Candidate};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};
use tempfile::TempDir;

use crate::admin::{Admin, Told};
use crate::binaries::evenkeel_proxy;
use crate::eventually::{patience, within};

/// A folder with a short path: the path of a Unix socket has at most 107 bytes.
pub fn folder() -> TempDir {
    tempfile::Builder::new().prefix("ek").tempdir_in("/tmp").unwrap()
}

/// A running proxy with this configuration. `Listen 127.0.0.1:0` is put in front unless the text listens itself.
#[track_caller]
pub fn proxy(configuration: impl fmt::Display) -> Proxy {
    Proxy::start(folder(), &listening(&configuration.to_string()))
}

fn listening(text: &str) -> String {
    let listens = text.lines().any(|line| line.trim_start().starts_with("Listen "));
    if listens { text.to_owned() } else { format!("Listen 127.0.0.1:0\n{text}") }
}

/// As [`proxy`], with so many worker threads.
#[track_caller]
pub fn proxy_with_threads(threads: usize, configuration: impl fmt::Display) -> Proxy {
    let text = format!("Listen 127.0.0.1:0\n{configuration}");
    Proxy::start_with(folder(), &text, &["--threads", &threads.to_string()])
}

/// The text of a balancer `app` that serves every path with these members, each with its parameters.
pub fn serving<M: fmt::Display>(members: impl IntoIterator<Item = M>) -> String {
    let lines: Vec<String> =
        members.into_iter().map(|member| format!("    BalancerMember {member}\n")).collect();
    let lines = lines.concat();
    format!("<Proxy balancer://app>\n{lines}</Proxy>\nProxyPass / balancer://app/\n")
}

/// A proxy's process, its folder and its admin interface.
#[derive(Debug)]
pub struct Proxy {
    folder: Option<TempDir>,
    child: Mutex<Child>,
    admin: Admin,
    hello: Hello,
}

impl Proxy {
    /// Starts a proxy in that folder; panics with what it wrote if it does not come up.
    #[track_caller]
    pub fn start(folder: TempDir, configuration: &str) -> Self {
        Self::start_with(folder, configuration, &[])
    }

    /// As [`Self::start`], with more on its command line.
    #[track_caller]
    pub fn start_with(folder: TempDir, configuration: &str, more: &[&str]) -> Self {
        fs::write(folder.path().join("site.conf"), configuration).unwrap();
        match Self::launch(folder.path(), more) {
            Ok((child, admin, hello)) => {
                Self { folder: Some(folder), child: Mutex::new(child), admin, hello }
            }
            Err(why) => panic!("the proxy did not come up: {why}\n--- configuration\n{configuration}"),
        }
    }

    fn launch(folder: &Path, more: &[&str]) -> Result<(Child, Admin, Hello), String> {
        let log = folder.join("proxy.log");
        let mut child = Command::new(evenkeel_proxy())
            .arg("-f")
            .arg(folder.join("site.conf"))
            .arg("--run-dir")
            .arg(folder.join("run"))
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).map_err(|why| why.to_string())?)
            .spawn()
            .map_err(|why| why.to_string())?;
        let admin = Admin::at(&folder.join("run").join(place::ADMIN_SOCKET));
        let pid = child.id();
        // Another proxy may answer there: this one's own process number must.
        let hello = within(patience(), || {
            if !matches!(child.try_wait(), Ok(None)) {
                return Some(None);
            }
            let told = admin.try_ask("GET", &Call::Hello.path(), "").ok()?;
            let hello: Hello = serde_json::from_str(&told.body).ok()?;
            (hello.pid == pid).then_some(Some(hello))
        });
        if let Some(hello) = hello.flatten() {
            return Ok((child, admin, hello));
        }
        drop(child.kill());
        let status = child.wait().map_err(|why| why.to_string())?;
        Err(format!("{status}\n--- its log\n{}", fs::read_to_string(log).unwrap_or_default()))
    }

    /// Its folder: configuration, log, and `run`.
    pub fn folder(&self) -> &Path {
        self.folder.as_ref().expect("kept until dropped").path()
    }

    /// The folder given as `--run-dir`.
    pub fn run_folder(&self) -> PathBuf {
        self.folder().join("run")
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.hello.pid
    }

    /// Its first listener.
    pub fn address(&self) -> SocketAddr {
        self.addresses()[0]
    }

    /// All its listeners.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.hello.listen.iter().map(|address| address.parse().unwrap()).collect()
    }

    /// Its admin interface.
    pub fn admin(&self) -> &Admin {
        &self.admin
    }

    /// What it wrote to standard error.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder().join("proxy.log")).unwrap_or_default()
    }

    /// Everything visible.
    #[track_caller]
    pub fn snapshot(&self) -> Snapshot {
        self.admin.get(&Call::Snapshot)
    }

    /// One balancer.
    #[track_caller]
    pub fn balancer(&self, name: &str) -> BalancerSnapshot {
        self.admin.get(&Call::Balancer(named(name)))
    }

    /// One member, by route, URL or host:port.
    #[track_caller]
    pub fn member(&self, balancer: &str, member: impl fmt::Display) -> MemberSnapshot {
        let snapshot = self.balancer(balancer);
        let members = &snapshot.members;
        let found = Selector::within(named(balancer), &member.to_string())
            .resolve(members.iter().map(|it| Candidate {
                balancer: &snapshot.name,
                member: &it.name,
                route: &it.route,
            }))
            .unwrap();
        members.iter().find(|it| it.name == *found.member).cloned().unwrap()
    }

    /// Changes a member, whatever a guard says; the answer must be good.
    #[track_caller]
    pub fn edit(&self, balancer: &str, member: impl fmt::Display, json: &str) -> Edited {
        let forced = json.replacen('{', r#"{"force":true,"#, 1).replacen(",}", "}", 1);
        self.try_edit(balancer, member, &forced).message()
    }

    /// Changes a member, or is refused, by a guard for instance.
    #[track_caller]
    pub fn try_edit(&self, balancer: &str, member: impl fmt::Display, json: &str) -> Told {
        let call = Call::EditMember(named(balancer), member.to_string());
        self.admin.ask(call.method(), &call.path(), json)
    }

    /// Changes a balancer's own settings.
    #[track_caller]
    pub fn edit_balancer(&self, balancer: &str, json: &str) -> Edited {
        let call = Call::EditBalancer(named(balancer));
        self.admin.ask(call.method(), &call.path(), json).message()
    }

    /// Writes another configuration and has it read anew, which must be good. Listeners may move.
    #[track_caller]
    pub fn reload(&mut self, configuration: impl fmt::Display) -> Reloaded {
        let reloaded = self.try_reload(configuration).message();
        self.hello = self.admin.get(&Call::Hello);
        reloaded
    }

    /// As [`Self::reload`], or is refused.
    #[track_caller]
    pub fn try_reload(&self, configuration: impl fmt::Display) -> Told {
        self.configure(configuration);
        self.admin.ask("POST", &Call::Reload.path(), "")
    }

    /// Writes another configuration, which nobody reads yet.
    pub fn configure(&self, configuration: impl fmt::Display) {
        fs::write(self.folder().join("site.conf"), listening(&configuration.to_string())).unwrap();
    }

    /// Requests in flight on all members.
    #[track_caller]
    pub fn busy(&self) -> u64 {
        self.snapshot()
            .balancers
            .iter()
            .flat_map(|balancer| &balancer.members)
            .map(|member| member.busy)
            .sum()
    }

    /// Its resident memory in KiB.
    pub fn rss(&self) -> u64 {
        rss(self.pid())
    }

    /// How many descriptors it has open: files, connections and what it watches them with.
    pub fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap().count()
    }

    /// From now on it may have so many descriptors.
    pub fn may_open(&self, descriptors: usize) {
        let process = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        let most = Some(descriptors as u64);
        let maximum = getrlimit(Resource::Nofile).maximum;
        prlimit(process, Resource::Nofile, Rlimit { current: most, maximum }).unwrap();
    }

    /// The time that processors have spent on it.
    pub fn processor_time(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
        // Behind the name, which may hold blanks and brackets.
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        let ticks = |field: usize| fields.split(' ').nth(field).unwrap().parse::<u64>().unwrap();
        // Linux tells them in hundredths of a second.
        Duration::from_millis((ticks(11) + ticks(12)) * 10)
    }

    /// Tells it to end, and does not wait.
    pub fn terminate(&self) {
        signal(self.pid(), Signal::TERM);
    }

    /// Kills it on the spot.
    pub fn kill(&self) {
        let mut child = self.child.lock().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Waits until it has ended.
    #[track_caller]
    pub fn ended(&self) -> ExitStatus {
        within(patience() * 2, || self.child.lock().unwrap().try_wait().unwrap())
            .unwrap_or_else(|| panic!("the proxy did not end\n{}", self.log()))
    }

    /// Tells it to end and waits until it has.
    #[track_caller]
    pub fn stop(&self) -> ExitStatus {
        self.terminate();
        self.ended()
    }

    /// Starts it again in the same folder, after it has ended. Its listeners may move.
    #[track_caller]
    pub fn restart(&mut self) {
        self.ended();
        match Self::launch(self.folder(), &[]) {
            Ok((child, admin, hello)) => {
                self.child = Mutex::new(child);
                self.admin = admin;
                self.hello = hello;
            }
            Err(why) => panic!("the proxy did not come up again: {why}"),
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        // After a failed test nobody needs a graceful end, but everybody needs its log.
        if std::thread::panicking() {
            drop(child.kill());
            drop(child.wait());
            eprint_log(self.folder.as_ref().map(TempDir::path));
            return;
        }
        signal(child.id(), Signal::TERM);
        if within(patience() / 2, || child.try_wait().ok().flatten()).is_none() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

#[expect(clippy::print_stderr, reason = "shown by the test runner beside the failed assertion")]
fn eprint_log(folder: Option<&Path>) {
    let log = folder.and_then(|folder| fs::read_to_string(folder.join("proxy.log")).ok()).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    eprintln!("--- the end of the proxy's log\n{}", lines[lines.len().saturating_sub(40)..].join("\n"));
}

/// Sends a signal to a process that a test has started.
pub fn signal(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process number");
    // It may have ended by itself just now.
    let _ = kill_process(pid, signal);
}

/// The resident memory of a process in KiB.
pub fn rss(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn named(balancer: &str) -> BalancerName {
    balancer.parse().unwrap()
}
