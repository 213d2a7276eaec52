//! A real Apache httpd, if one is installed: its own instance on the loopback, with its own configuration.
//!
//! Where it is absent a test says so with [`skipped`] and passes.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;
use socket2::Socket;
use tempfile::TempDir;

use crate::backend::bound;
use crate::binaries::run;
use crate::browser::browser;
use crate::eventually::{eventually_true, patience, within};
use crate::proxy::{folder, signal};

const PROGRAM: &str = "/usr/sbin/apache2";
const MODULES: &str = "/usr/lib/apache2/modules";

/// Says that a test did not run, and why; the gate counts these lines.
#[expect(clippy::print_stdout, reason = "the gate counts these lines")]
pub fn skipped(why: &str) {
    println!("SKIPPED: {why}");
}

/// A running httpd. It ends when it is dropped.
#[derive(Debug)]
pub struct Httpd {
    folder: TempDir,
    _anchor: Socket,
    child: Child,
    address: SocketAddr,
}

/// An httpd of one process with this text behind modules and listener; none, and said so, if there is no httpd.
#[track_caller]
pub fn httpd(configuration: impl fmt::Display) -> Option<Httpd> {
    httpd_with(&[], configuration)
}

/// As [`httpd`], with more modules.
#[track_caller]
pub fn httpd_with(more: &[&str], configuration: impl fmt::Display) -> Option<Httpd> {
    if !Path::new(PROGRAM).exists() || !Path::new(MODULES).join("mod_proxy_balancer.so").exists() {
        skipped("no Apache httpd is installed here");
        return None;
    }
    // What listens on all addresses may have the port too.
    (0..5).find_map(|_| start(more, &configuration.to_string())).or_else(|| {
        panic!("httpd does not start with\n{configuration}");
    })
}

/// Does httpd accept this text behind modules and listener? None, and said so, if there is no httpd.
pub fn accepts(configuration: impl fmt::Display) -> Option<bool> {
    if !Path::new(PROGRAM).exists() || !Path::new(MODULES).join("mod_proxy_balancer.so").exists() {
        skipped("no Apache httpd is installed here");
        return None;
    }
    let folder = folder();
    let file = folder.path().join("httpd.conf");
    fs::write(&file, whole((folder.path(), &["proxy_hcheck"]), "127.0.0.1:1", &configuration.to_string()))
        .unwrap();
    let ended = run(Path::new(PROGRAM), [OsStr::new("-t"), OsStr::new("-f"), file.as_os_str()]);
    Some(ended.code == Some(0))
}

/// A whole configuration.
fn whole((root, more): (&Path, &[&str]), address: impl fmt::Display, configuration: &str) -> String {
    let modules = [
        "mpm_event",
        "authz_core",
        "alias",
        "headers",
        "reqtimeout",
        "slotmem_shm",
        "proxy",
        "proxy_http",
        "proxy_balancer",
        "lbmethod_byrequests",
        "lbmethod_bytraffic",
        "lbmethod_bybusyness",
    ]
    .iter()
    .chain(more)
    .map(|name| format!("LoadModule {name}_module {MODULES}/mod_{name}.so\n"))
    .collect::<Vec<_>>()
    .concat();
    let root = root.display();
    // httpd refuses to serve as root: there it drops to its usual user, who needs nothing from this folder.
    let user = if rustix::process::geteuid().is_root() { "User www-data\nGroup www-data\n" } else { "" };
    format!(
        "ServerRoot {root}\nDefaultRuntimeDir {root}\nPidFile {root}/httpd.pid\nServerName localhost\n{modules}\
         {user}Listen {address}\nErrorLog {root}/error.log\nStartServers 1\nServerLimit 1\nThreadsPerChild 16\n\
         MaxRequestWorkers 16\nMinSpareThreads 1\nMaxSpareThreads 16\nProxyPass /balancer-manager !\n\
         <Location /balancer-manager>\nSetHandler balancer-manager\nRequire all granted\n</Location>\n{configuration}\n"
    )
}

fn start(more: &[&str], configuration: &str) -> Option<Httpd> {
    let folder = folder();
    // Bound and never listening it keeps the port from others, and lets httpd have it.
    let anchor = bound(SocketAddr::from(([127, 0, 0, 1], 0)));
    let address = anchor.local_addr().unwrap().as_socket().unwrap();
    let text = whole((folder.path(), more), address, configuration);
    fs::write(folder.path().join("httpd.conf"), text).unwrap();
    let child = Command::new(PROGRAM)
        .args(["-D", "FOREGROUND", "-f"])
        .arg(folder.path().join("httpd.conf"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(folder.path().join("stderr.log")).unwrap())
        .spawn()
        .unwrap();
    let mut httpd = Httpd { folder, _anchor: anchor, child, address };
    let up = within(patience(), || {
        if !matches!(httpd.child.try_wait(), Ok(None)) {
            return Some(false);
        }
        let answer = browser().try_send(address, "GET", "/balancer-manager", b"").ok()?;
        // Somebody else may have taken the port and answer there.
        answer.text().contains("Load Balancer Manager").then_some(true)
    });
    (up == Some(true)).then_some(httpd)
}

impl Httpd {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Has it restart as `apachectl graceful` does, and waits until it serves again: its configuration is read anew, and
    /// requests may finish.
    pub fn restart_gracefully(&self) {
        let before = self.times_begun();
        signal(self.child.id(), Signal::USR1);
        eventually_true("httpd serves again", || self.times_begun() > before);
    }

    /// How often it has said that it serves.
    fn times_begun(&self) -> usize {
        let log = fs::read_to_string(self.folder.path().join("error.log")).unwrap_or_default();
        log.matches("resuming normal operations").count()
    }

    /// Has all of its processes stand still, so that it takes connections and answers nothing.
    pub fn freeze(&self) {
        self.each(Signal::STOP);
    }

    /// Has them go on.
    pub fn thaw(&self) {
        self.each(Signal::CONT);
    }

    fn each(&self, number: Signal) {
        let parent = self.child.id();
        let children =
            fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
        let children = children.split_whitespace().filter_map(|pid| pid.parse().ok());
        for pid in children.chain([parent]) {
            signal(pid, number);
        }
    }

    /// Who answered each of that many requests for a target.
    pub fn visits(&self, target: &str, count: usize) -> String {
        let visit = |_| browser().try_send(self.address, "GET", target, b"").unwrap().answered_by();
        (0..count).map(visit).collect()
    }
}

impl Drop for Httpd {
    fn drop(&mut self) {
        signal(self.child.id(), Signal::TERM);
        if within(patience(), || self.child.try_wait().ok().flatten()).is_none() {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}
