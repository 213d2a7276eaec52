//! A real Apache httpd in a network namespace of its own, so that it has an address of its own; the other end of its
//! cable stands in the namespace of the test. Needs root, `ip` and httpd; where one is missing a test says so with
//! [`skipped`] and passes.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::browser::browser;
use crate::eventually::{patience, within};
use crate::httpd::skipped;
use crate::proxy::{folder, signal};

const PROGRAM: &str = "/usr/sbin/apache2";
const MODULES: &str = "/usr/lib/apache2/modules";
/// What the names of namespaces and cables start with; the number of the test's process follows.
const PREFIX: &str = "ekh";
const PORT: u16 = 8080;

/// A namespace with one cable to it. It goes when it is dropped, also after a panic.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    /// The end of the cable here.
    near: Ipv4Addr,
    /// The end of the cable there.
    far: Ipv4Addr,
}

/// Runs `ip`; what it said if it refused.
fn ip(words: &str) -> Result<String, String> {
    let ran = Command::new("ip").args(words.split_whitespace()).output().map_err(|why| why.to_string())?;
    if ran.status.success() {
        return Ok(String::from_utf8_lossy(&ran.stdout).into_owned());
    }
    Err(format!("ip {words}: {}", String::from_utf8_lossy(&ran.stderr).trim()))
}

/// So many namespaces; none, and said so, where they cannot be had.
pub fn namespaces<const N: usize>() -> Option<[Namespace; N]> {
    if !Path::new(PROGRAM).exists() || !Path::new(MODULES).join("mod_heartbeat.so").exists() {
        skipped("no Apache httpd with mod_heartbeat is installed here");
        return None;
    }
    sweep();
    let made: Result<Vec<Namespace>, String> = (0..N).map(|_| Namespace::new()).collect();
    match made {
        Ok(made) => made.try_into().ok(),
        Err(why) => {
            skipped(&format!("network namespaces cannot be made here: {why}"));
            None
        }
    }
}

/// Removes what tests left behind that were killed.
fn sweep() {
    let listed = ip("netns list").unwrap_or_default();
    for name in listed.lines().filter_map(|line| line.split_whitespace().next()) {
        let process = name.strip_prefix(PREFIX).and_then(|rest| rest.split('x').next());
        if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            drop(ip(&format!("netns del {name}")));
        }
    }
}

impl Namespace {
    fn new() -> Result<Self, String> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let (process, at) = (std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        // Networks of four addresses in a range that is set aside for tests of networks.
        let network = u32::from(Ipv4Addr::new(198, 18, 0, 0)) + 4 * ((process * 4 + at) % 32_768);
        let made = Self {
            name: format!("{PREFIX}{process}x{at}"),
            near: Ipv4Addr::from(network + 1),
            far: Ipv4Addr::from(network + 2),
        };
        let Self { name, near, far } = &made;
        let cable = made.cable();
        ip(&format!("netns add {name}"))?;
        // From here on it is removed whatever happens.
        ip(&format!("link add {cable} type veth peer name eth0 netns {name}"))?;
        ip(&format!("addr add {near}/30 dev {cable}"))?;
        ip(&format!("link set {cable} up"))?;
        ip(&format!("-n {name} addr add {far}/30 dev eth0"))?;
        ip(&format!("-n {name} link set eth0 up"))?;
        ip(&format!("-n {name} link set lo up"))?;
        Ok(made)
    }

    /// The names of devices are short.
    fn cable(&self) -> String {
        self.name.clone()
    }

    /// The address by which those in it reach the test.
    pub fn near(&self) -> Ipv4Addr {
        self.near
    }

    /// Where a server in it listens.
    pub fn server(&self) -> SocketAddr {
        (self.far, PORT).into()
    }

    /// Starts an httpd in it that has 16 slots, answers with that name, and announces itself at `monitor`.
    #[track_caller]
    pub fn httpd(&self, name: &str, monitor: u16) -> Announcing {
        let folder = folder();
        let root = folder.path().display();
        let modules: String = ["mpm_event", "authz_core", "headers", "heartbeat", "watchdog"]
            .map(|module| (module, Path::new(MODULES).join(format!("mod_{module}.so"))))
            .into_iter()
            // Some of them may be built in.
            .filter(|(_, file)| file.exists())
            .map(|(module, file)| format!("LoadModule {module}_module {}\n", file.display()))
            .collect::<Vec<_>>()
            .concat();
        let text = format!(
            "ServerRoot {root}\nDefaultRuntimeDir {root}\nPidFile {root}/httpd.pid\nServerName localhost\n{modules}\
             User www-data\nGroup www-data\nListen {}\nErrorLog {root}/error.log\nStartServers 1\nServerLimit 1\n\
             ThreadsPerChild 16\nMaxRequestWorkers 16\nMinSpareThreads 1\nMaxSpareThreads 16\n\
             Timeout 60\nHeader always set X-Answered-By {name}\n\
             HeartbeatAddress {}:{monitor}\n",
            self.server(),
            self.near
        );
        fs::write(folder.path().join("httpd.conf"), text).unwrap();
        // `ip` becomes the server, so that its number is the server's.
        let child = Command::new("ip")
            .args(["netns", "exec", &self.name, PROGRAM, "-D", "FOREGROUND", "-f"])
            .arg(folder.path().join("httpd.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(folder.path().join("stderr.log")).unwrap())
            .spawn()
            .unwrap();
        let server = Announcing { folder, child };
        let up = within(patience(), || browser().try_send(self.server(), "GET", "/", b"").ok());
        assert!(up.is_some(), "httpd does not come up: {}", server.log());
        server
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // The near end may never have been made; with the namespace the far end goes, and so does its cable.
        drop(ip(&format!("link del {}", self.cable())));
        drop(ip(&format!("netns del {}", self.name)));
    }
}

/// A running httpd that sends heartbeats. It ends when it is dropped.
#[derive(Debug)]
pub struct Announcing {
    folder: TempDir,
    child: Child,
}

impl Announcing {
    fn log(&self) -> String {
        let read = |name: &str| fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        format!("{}{}", read("stderr.log"), read("error.log"))
    }
}

impl Drop for Announcing {
    fn drop(&mut self) {
        signal(self.child.id(), Signal::TERM);
        if within(patience(), || self.child.try_wait().ok().flatten()).is_none() {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}
