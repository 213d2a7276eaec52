//! The end of the proxy: requests in flight finish, new ones are not taken, and nothing stays behind.

use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;

use harness::prelude::*;
use rustix::process::Signal;

#[test]
fn sigterm_lets_requests_in_flight_finish() {
    let held = Backend::new("held");
    let proxy = proxy(serving([&held]));
    let keeps = |gate| Behaviour::HoldsUntil(gate, Reply::size(50_000));
    let request = Held::of(browser().keep_alive(), proxy.address(), &held, keeps);

    proxy.terminate();
    eventually_true("the listener is closed", || TcpStream::connect(proxy.address()).is_err());

    let answer = request.answer();
    assert_eq!((answer.status, answer.body.len()), (200, 50_000));
    assert_eq!(proxy.ended().code(), Some(0));
}

#[test]
fn idle_clients_do_not_hold_up_the_end() {
    let [a] = backends(["a"]);
    let proxy = proxy(serving([&a]));
    let mut idle = connect(proxy.address()).unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut from = BufReader::new(idle);
    assert_eq!(read_answer(&mut from, "GET").unwrap().status, 200);
    let silent = connect(proxy.address()).unwrap();
    let watch = Stopwatch::start();
    assert_eq!(proxy.stop().code(), Some(0));
    assert!(watch.elapsed() < patience() / 2, "took {:?}", watch.elapsed());
    assert_eq!(from.read(&mut [0; 10]).unwrap_or(0), 0);
    drop(silent);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let held = Backend::new("held");
    let proxy = proxy(serving([&held]));
    let request = Held::by(&proxy, &held);
    proxy.terminate();
    eventually_true("the listener is closed", || TcpStream::connect(proxy.address()).is_err());
    proxy.terminate();
    let status = proxy.ended();
    assert!(!status.success() || status.signal().is_none(), "{status}");
    assert!(request.outcome().is_err(), "the answer cannot have come");
}

#[test]
fn the_admin_socket_is_gone_after_the_end() {
    let [a] = backends(["a"]);
    let proxy = proxy(serving([&a]));
    assert!(proxy.admin().socket().exists());
    assert_eq!(proxy.stop().code(), Some(0));
    assert!(!proxy.admin().socket().exists());
}

#[test]
fn connections_that_wait_in_the_queue_at_the_end_are_answered() {
    let [a] = backends(["a"]);
    let proxy = proxy(serving([&a]));
    signal(proxy.pid(), Signal::STOP);
    let clients: Vec<TcpStream> = (0..100)
        .map(|_| {
            let mut stream = connect(proxy.address()).unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
            stream
        })
        .collect();
    proxy.terminate();
    signal(proxy.pid(), Signal::CONT);
    for (number, client) in clients.into_iter().enumerate() {
        let answer = read_answer(&mut BufReader::new(client), "GET");
        assert_eq!(answer.map(|it| it.status).map_err(|why| why.to_string()), Ok(200), "client {number}");
    }
    assert_eq!((proxy.ended().code(), a.count()), (Some(0), 100));
}
