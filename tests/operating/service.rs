//! The proxy under a service manager: it takes listeners that were opened for it, and says where it stands.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use harness::prelude::*;
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::Signal;

/// Starts the proxy as a service manager does: with a listener as descriptor 3, and a socket to tell where it stands.
fn started(folder: &Path, listener: &TcpListener, text: &str) -> Child {
    std::fs::write(folder.join("site.conf"), text).unwrap();
    fcntl_setfd(listener, FdFlags::empty()).unwrap();
    let script = format!(
        "exec 3<&{}; export LISTEN_PID=$$ LISTEN_FDS=1; exec \"$0\" -f site.conf --run-dir run 2>>log",
        listener.as_raw_fd()
    );
    let mut command = Command::new("bash");
    command.args(["-c", &script]).arg(evenkeel_proxy()).current_dir(folder);
    command.env("NOTIFY_SOCKET", folder.join("notify")).stdin(Stdio::null()).spawn().unwrap()
}

/// What the proxy says next.
#[track_caller]
fn told(notify: &UnixDatagram) -> String {
    let mut room = [0; 256];
    let length = notify.recv(&mut room).expect("it says something in time");
    String::from_utf8_lossy(&room[..length]).into_owned()
}

#[track_caller]
fn stops(child: &mut Child) {
    signal(child.id(), Signal::TERM);
    let status = eventually("it ends", || child.try_wait().unwrap());
    assert_eq!(status.code(), Some(0));
}

fn listens_at(listener: &TcpListener) -> SocketAddr {
    listener.local_addr().unwrap()
}

#[test]
fn clients_of_a_listener_that_was_handed_over_wait_while_the_proxy_restarts() {
    let [a] = backends(["a"]);
    let folder = folder();
    let notify = UnixDatagram::bind(folder.path().join("notify")).unwrap();
    notify.set_read_timeout(Some(patience())).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listens_at(&listener);
    let text = format!("Listen {to}\n{}", serving([&a]));
    let get = move || browser().try_send(to, "GET", "/", b"").unwrap().answered_by();
    for round in 0..2 {
        // Between two processes, too, somebody connects.
        let waiting = thread::spawn(get);
        let mut child = started(folder.path(), &listener, &text);
        assert_eq!(told(&notify), "READY=1\n", "round {round}");
        assert_eq!((waiting.join().unwrap().as_str(), get().as_str()), ("a", "a"));
        signal(child.id(), Signal::HUP);
        let reloading = told(&notify);
        assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
        assert_eq!(told(&notify), "READY=1\n");
        stops(&mut child);
        assert_eq!(told(&notify), "STOPPING=1\n");
        assert!(TcpStream::connect(to).is_ok(), "nobody is refused meanwhile");
    }
}

#[test]
fn a_listener_that_no_directive_names_is_told() {
    let [a] = backends(["a"]);
    let folder = folder();
    let notify = UnixDatagram::bind(folder.path().join("notify")).unwrap();
    notify.set_read_timeout(Some(patience())).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let text = format!("Listen 127.0.0.1:0\n{}", serving([&a]));
    let mut child = started(folder.path(), &listener, &text);
    assert_eq!(told(&notify), "READY=1\n");
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains("no Listen names it") && log.contains(&listens_at(&listener).to_string()), "{log}");
    stops(&mut child);
}
