//! Two real httpds that take turns behind one address: with nonces of their own, and with the same ones.

use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

use harness::httpd::httpd;
use harness::terminal::console_with;

use super::*;

/// Passes each connection on to the next of these, for as long as the test runs.
fn in_turn(servers: [SocketAddr; 2]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for (client, server) in listener.incoming().zip(servers.into_iter().cycle()) {
            let (Ok(client), Ok(server)) = (client, TcpStream::connect(server)) else { continue };
            let (there, back) = (pair(&client, &server), pair(&server, &client));
            thread::spawn(move || passed(there));
            thread::spawn(move || passed(back));
        }
    });
    address
}

fn pair(from: &TcpStream, to: &TcpStream) -> (TcpStream, TcpStream) {
    (from.try_clone().unwrap(), to.try_clone().unwrap())
}

fn passed((mut from, mut to): (TcpStream, TcpStream)) {
    // A side that is gone ends the other.
    drop(io::copy(&mut from, &mut to));
    drop(to.shutdown(Shutdown::Both));
}

/// Two httpds before the same members.
struct Two {
    servers: [Httpd; 2],
    _backends: [Backend; 2],
}

impl Two {
    fn new(nonce: &str) -> Option<Self> {
        let backends = backends(["a", "b"]);
        let lines = balancer(&backends).replace("stickysession=SID", &format!("stickysession=SID {nonce}"));
        Some(Self { servers: [httpd(&lines)?, httpd(&lines)?], _backends: backends })
    }

    /// The page of who takes turns.
    fn url(&self) -> String {
        page_at(in_turn(self.servers.each_ref().map(Httpd::address)))
    }

    /// At how many of them a member drains.
    fn draining(&self) -> usize {
        let status = |server: &Httpd| {
            run(&evenkeel(), ["--apache", &page_at(server.address()), "status"]).with_code(0).out
        };
        self.servers.iter().filter(|server| status(server).contains("Init Drn Ok")).count()
    }
}

fn page_at(address: SocketAddr) -> String {
    format!("http://{address}/balancer-manager")
}

#[test]
fn servers_in_turn_are_told_and_nothing_is_changed() {
    let Some(two) = Two::new("") else { return };
    let url = two.url();
    let ended = run(&evenkeel(), ["--apache", &url, "drain", "app/a"]).with_code(9);
    assert!(ended.err.contains("several servers answer behind this name"), "{}", ended.err);
    let terminal = console_with(&["--apache", &url, "--write"]).size(80, 24).open();
    terminal.wait_for("▲ several servers, no edits");
    terminal.keys("d");
    terminal.wait_for("nothing can be changed");
    assert_eq!(two.draining(), 0);
}

#[test]
fn an_edit_of_one_of_two_with_the_same_nonces_is_an_error() {
    let Some(two) = Two::new("nonce=1f6c") else { return };
    let ended = run(&evenkeel(), ["--apache", &two.url(), "drain", "app/a"]).with_code(1);
    assert!(ended.err.contains("answers after it show it and the others do not"), "{}", ended.err);
    assert_eq!(two.draining(), 1);
}
