//! Clients that go away at every stage of a request leave nothing behind.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use harness::prelude::*;

/// One backend for each stage at which a member is held, each behaving so that a client gets just as far.
struct Origins {
    late: Backend,
    held: Backend,
    begun: Backend,
    body: Backend,
    gates: Vec<Gate>,
}

impl Origins {
    fn new() -> Self {
        let [late, held, begun, body] = backends(["late", "held", "begun", "body"]);
        Self { late, held, begun, body, gates: Vec::new() }
    }

    /// Closes new gates for a round.
    fn close(&mut self) {
        let gates: [Gate; 4] = std::array::from_fn(|_| Gate::new());
        let stalls = |bytes, gate: &Gate| Behaviour::StallsAfter(bytes, gate.clone(), Reply::size(5000));
        self.late.behaves(Behaviour::ReadsLate(gates[0].clone(), Reply::default()));
        self.held.behaves(Behaviour::HoldsUntil(gates[1].clone(), Reply::default()));
        self.begun.behaves(stalls(0, &gates[2]));
        self.body.behaves(stalls(500, &gates[3]));
        self.gates = gates.into();
    }

    fn open(&mut self) {
        self.gates.drain(..).for_each(|gate| gate.open());
    }
}

fn target(stage: Stage) -> &'static str {
    match stage {
        Stage::Connected | Stage::InHead | Stage::InRequestBody => "/late",
        Stage::Waiting => "/held",
        Stage::AnswerBegun => "/begun",
        Stage::InAnswerBody => "/body",
    }
}

#[test]
fn busy_is_nought_again_after_a_thousand_aborted_clients() {
    const AT_ONCE: usize = 50;
    let mut origins = Origins::new();
    let mapped: String = [&origins.late, &origins.held, &origins.begun, &origins.body]
        .map(|backend| {
            let name = backend.name();
            format!("<Proxy balancer://{name}>\nBalancerMember {backend} route={name}\n</Proxy>\nProxyPass /{name} balancer://{name}\n")
        })
        .concat();
    let proxy = proxy(mapped);

    for round in 0..20 {
        let stages: Vec<Stage> = Stage::ALL.into_iter().cycle().skip(round).take(AT_ONCE).collect();
        let holding = stages.iter().filter(|stage| stage.holds_a_member()).count();
        origins.close();
        let clients: Vec<TcpStream> =
            stages.iter().map(|stage| up_to(*stage, proxy.address(), target(*stage)).unwrap()).collect();
        eventually_equal(&(holding as u64), || proxy.busy());
        drop(clients);
        origins.open();
        eventually_equal(&0, || proxy.busy());
    }

    // Every member still serves, and nothing was held against any of them.
    for name in ["late", "held", "begun", "body"] {
        origins.close();
        origins.open();
        assert_eq!(browser().get(&proxy, &format!("/{name}")).answered_by(), name);
        assert_eq!(proxy.member(name, name).words, "Init Ok");
    }
}

#[test]
fn a_client_that_resets_its_connection_does_not_wait_for_its_member() {
    let gate = Gate::new();
    let held = Backend::new("held").that(Behaviour::HoldsUntil(gate.clone(), Reply::default()));
    let proxy = proxy(serving([&held]));
    let client = up_to(Stage::Waiting, proxy.address(), "/").unwrap();
    eventually_equal(&1, || proxy.busy());
    socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
    drop(client);
    eventually_equal(&0, || proxy.busy());
    gate.open();
}

#[test]
fn a_client_that_resets_in_the_silence_of_an_answer_frees_its_member() {
    let member = BareBackend::new();
    let proxy = proxy(serving([&member]));
    let mut client = TcpStream::connect(proxy.address()).unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut silent = member.accept();
    Head::read(&mut silent).unwrap().unwrap();
    silent.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").unwrap();
    client.read_exact(&mut [0; 20]).unwrap();
    socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
    drop(client);
    eventually_equal(&0, || proxy.busy());
}

#[test]
fn a_client_that_says_it_sends_nothing_more_and_then_resets_frees_its_member() {
    let member = BareBackend::new();
    let proxy = proxy(serving([&member]));
    let mut client = Peer::of(&proxy);
    client.says("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut silent = member.peer();
    silent.head();
    silent.says("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    client.head();
    client.shuts();
    assert!(!silent.hears_something_within(Duration::from_millis(200)), "it is served all the same");
    assert_eq!(proxy.busy(), 1);
    client.resets();
    eventually_equal(&0, || proxy.busy());
}

#[test]
fn a_client_that_only_says_that_it_sends_nothing_more_is_served() {
    let gate = Gate::new();
    let held = Backend::new("held").that(Behaviour::HoldsUntil(gate.clone(), Reply::default()));
    let proxy = proxy(serving([&held]));
    let mut client = up_to(Stage::Waiting, proxy.address(), "/").unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    eventually_equal(&1, || proxy.busy());
    gate.open();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}
