//! Standard error that is blocked or gone, and logs opened anew: the log may suffer, traffic and the end of the proxy
//! may not.

use std::fs;
use std::process::{Child, Command, ExitStatus, Stdio};

use evenkeel_protocol::{Call, Hello, Snapshot, place};
use harness::prelude::*;
use rustix::process::Signal;
use tempfile::TempDir;

/// A proxy whose standard error is a pipe in the hands of the test.
struct Piped {
    folder: TempDir,
    child: Child,
}

impl Piped {
    fn start(configuration: &str) -> Self {
        let folder = folder();
        let path = folder.path().join("site.conf");
        fs::write(&path, format!("Listen 127.0.0.1:0\n{configuration}")).unwrap();
        let mut command = Command::new(evenkeel_proxy());
        command.arg("-f").arg(path).arg("--run-dir").arg(folder.path().join("run"));
        let child = command
            .args(["--log-level", "debug"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self { folder, child }
    }

    fn admin(&self) -> Admin {
        Admin::at(&self.folder.path().join("run").join(place::ADMIN_SOCKET))
    }

    fn address(&self) -> std::net::SocketAddr {
        let hello: Hello = eventually("it comes up", || {
            let told = self.admin().try_ask("GET", &Call::Hello.path(), "").ok()?;
            serde_json::from_str(&told.body).ok()
        });
        hello.listen[0].parse().unwrap()
    }

    #[track_caller]
    fn stop(&mut self) -> ExitStatus {
        signal(self.child.id(), Signal::TERM);
        eventually("it ends", || self.child.try_wait().unwrap())
    }
}

impl Drop for Piped {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn a_log_that_nobody_reads_does_not_hold_up_traffic() {
    // More lines than a pipe holds and the proxy keeps for it together.
    const REFUSED: usize = 12_000;
    const AT_ONCE: usize = 100;
    let [a] = backends(["a"]);
    let mut proxy = Piped::start(&serving([&a]).replace("ProxyPass / ", "ProxyPass /app/ "));
    let to = proxy.address();
    let mut client = browser().keep_alive();
    for round in 0..REFUSED / AT_ONCE {
        assert_eq!(client.try_send(to, "GET", "/app/", b"").unwrap().status, 200, "round {round}");
        for _ in 0..AT_ONCE {
            assert_eq!(client.try_send(to, "GET", "/nowhere", b"").unwrap().status, 404, "round {round}");
        }
    }
    assert_eq!(proxy.admin().get::<Snapshot>(&Call::Snapshot).balancers.len(), 1);
    assert_eq!(proxy.stop().code(), Some(0));
}

#[test]
fn a_log_whose_reader_is_gone_does_not_spoil_the_end() {
    let [a] = backends(["a"]);
    let mut proxy = Piped::start(&serving([&a]));
    let to = proxy.address();
    drop(proxy.child.stderr.take());
    let mut client = browser().keep_alive();
    for _ in 0..100 {
        assert_eq!(client.try_send(to, "GET", "/", b"").unwrap().status, 200);
        assert_eq!(client.try_send(to, "TRACE", "/", b"").unwrap().status, 405);
    }
    assert_eq!(proxy.stop().code(), Some(0));
}

#[test]
fn a_signal_to_open_logs_anew_ends_nothing() {
    let [a] = backends(["a"]);
    let proxy = proxy(serving([&a]));
    for round in 1..=2 {
        signal(proxy.pid(), Signal::USR1);
        eventually("it is heard", || {
            (proxy.log().matches("access logs anew").count() == round).then_some(())
        });
        assert_eq!(browser().try_send(proxy.address(), "GET", "/", b"").unwrap().answered_by(), "a");
    }
    assert_eq!(proxy.stop().code(), Some(0));
}
