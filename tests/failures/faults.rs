//! Backends that misbehave after the connection stands: what clients get, who is marked, what is repeated.

use harness::prelude::*;

fn pair(first: &Backend, second: &Backend, parameters: &str) -> Proxy {
    proxy(format!(
        "<Proxy balancer://app>
            BalancerMember {first} route=1 {parameters}
            BalancerMember {second} route=2 {parameters}
        </Proxy>
        ProxyPass / balancer://app/"
    ))
}

/// What a client got: a status and the length of a whole body, or that the answer broke off.
fn outcome(proxy: &Proxy, method: &str) -> String {
    match browser().try_send(proxy.address(), method, "/", b"") {
        Ok(answer) => answer.status.to_string(),
        Err(_) => "broken off".to_owned(),
    }
}

#[test]
fn faults_on_a_fresh_connection() {
    let reply = || Reply::size(100_000);
    for (name, behaviour, seen, words) in [
        ("closes without an answer", Behaviour::ClosesWithoutAnswer, "502", "Init Ok"),
        ("resets without an answer", Behaviour::ResetsWithoutAnswer, "502", "Init Ok"),
        (
            "answers what is no HTTP",
            Behaviour::AnswersGarbage(b"220 mail ready\r\n".to_vec()),
            "502",
            "Init Ok",
        ),
        (
            "answers half a head",
            Behaviour::AnswersGarbage(b"HTTP/1.1 200 OK\r\nConte".to_vec()),
            "502",
            "Init Ok",
        ),
        ("closes in the body", Behaviour::LiesAboutLength(1000, reply()), "broken off", "Init Ok"),
        ("resets in the body", Behaviour::ResetsAfter(1000, reply()), "broken off", "Init Ok"),
    ] {
        for method in ["GET", "POST"] {
            let (bad, good) = (Backend::new("1").that(behaviour.clone()), Backend::new("2"));
            let proxy = pair(&bad, &good, "");
            assert_eq!(outcome(&proxy, method), seen, "{method}: {name}");
            assert_eq!(bad.count(), 1, "{method}: {name}: it may have been done, so it is not repeated");
            assert_eq!(good.count(), 0, "{method}: {name}");
            assert_eq!(proxy.member("app", "1").words, words, "{method}: {name}");
            eventually_equal(&0, || proxy.busy());
            assert_eq!(browser().get(&proxy, "/").answered_by(), "2", "{name}");
        }
    }
}

#[test]
fn a_post_is_never_sent_twice() {
    let [one, two] = backends(["1", "2"]);
    let proxy = pair(&one, &two, "");
    let mut client = browser().keep_alive();
    client.visits(&proxy, "/", 4);
    for backend in [&one, &two] {
        backend.behaves(Behaviour::ClosesWithoutAnswer);
    }
    let before = one.count() + two.count();
    let answer = client.send(&proxy, "POST", "/pay", b"amount=100");
    assert_eq!(answer.status, 502);
    assert_eq!(one.count() + two.count(), before + 1);
}

#[test]
fn a_get_over_a_reused_connection_that_closes_is_sent_once_more() {
    let [one, two] = backends(["1", "2"]);
    let proxy = pair(&one, &two, "");
    let mut client = browser().keep_alive();
    assert_eq!(client.visits(&proxy, "/", 2), "12");
    one.behaves(Behaviour::ClosesWithoutAnswer);
    let (at_one, at_two) = (one.count(), two.count());
    let answer = client.get(&proxy, "/");
    assert_eq!(answer.answered_by(), "2", "on a fresh connection to the same member, then on another");
    assert_eq!((one.count() - at_one, two.count() - at_two), (2, 1));
}

#[test]
fn a_member_that_does_not_answer_in_time_is_504_and_not_marked() {
    let gate = Gate::new();
    let (slow, good) =
        (Backend::new("1").that(Behaviour::HoldsUntil(gate.clone(), Reply::default())), Backend::new("2"));
    let proxy = pair(&slow, &good, "timeout=1");
    assert_eq!(outcome(&proxy, "GET"), "504");
    assert_eq!(proxy.member("app", "1").words, "Init Ok");
    eventually_equal(&0, || proxy.busy());
    gate.open();
}

#[test]
fn a_fault_in_the_body_reaches_the_client_as_a_fault() {
    let bad = Backend::new("1").that(Behaviour::LiesAboutLength(5000, Reply::size(100_000)));
    let proxy = proxy(serving([&bad]));
    let seen = raw(proxy.address(), b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let mut from = &seen[..];
    let head = Head::read(&mut from).unwrap().unwrap();
    assert_eq!(head.header("content-length"), Some("100000"));
    assert!(from.len() <= 5000, "more came out than went in");
}

#[test]
fn answers_that_could_be_read_in_two_ways_are_502() {
    for (name, answer) in [
        ("two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        ("length that is none", "HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\na"),
        ("status that is none", "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"),
        ("control character in a field", "HTTP/1.1 200 OK\r\nX-A: a\x00b\r\nContent-Length: 0\r\n\r\n"),
        (
            "length, then chunks",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "chunks, then length",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        ),
    ] {
        let (bad, good) =
            (Backend::new("1").that(Behaviour::AnswersGarbage(answer.into())), Backend::new("2"));
        let proxy = pair(&bad, &good, "");
        assert_eq!(outcome(&proxy, "GET"), "502", "{name}");
    }
}

#[test]
fn a_body_that_is_none_from_its_start_is_a_whole_502() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let a = Backend::new("a").that(Behaviour::AnswersGarbage([head, "nonsense\r\n"].concat().into()));
    let proxy = proxy(serving([&a]));
    let mut one = browser().keep_alive();
    for (method, body) in [("GET", &b""[..]), ("POST", b"pay"), ("GET", b"")] {
        assert_eq!(one.send(&proxy, method, "/", body).status, 502);
    }
    assert_eq!((a.count(), proxy.busy()), (3, 0));
    // Later it cannot be taken back.
    a.behaves(Behaviour::AnswersGarbage(
        [head, "1\r\na\r\n", &"nonsense\r\n".repeat(30_000)].concat().into(),
    ));
    assert!(matches!(outcome(&proxy, "GET").as_str(), "502" | "broken off"));
}

#[test]
fn a_member_that_switches_protocols_unasked_is_502() {
    let switch = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
    let [one, two] = backends(["1", "2"]);
    one.behaves(Behaviour::AnswersGarbage(switch.into()));
    let proxy = pair(&one, &two, "");
    // An offer of the client ends at the proxy, so that the member was not asked.
    let answer = browser().header("Connection", "close, Upgrade").header("Upgrade", "h2c").get(&proxy, "/");
    assert_eq!((answer.status, one.last().head.header("upgrade")), (502, None));
    eventually_equal(&0, || proxy.busy());
}

#[test]
fn an_answer_that_breaks_off_in_its_head_is_not_asked_for_again() {
    let [one, two] = backends(["1", "2"]);
    let proxy = pair(&one, &two, "");
    let mut client = browser().keep_alive();
    assert_eq!(client.visits(&proxy, "/", 2), "12");
    one.behaves(Behaviour::AnswersGarbage(b"HTTP/1.1 200 OK\r\nConte".to_vec()));
    assert_eq!(client.get(&proxy, "/").status, 502);
    assert_eq!((one.count(), one.connections()), (2, 1), "over the connection that was kept, and once");
    assert_eq!(two.count(), 1);
}

#[test]
fn a_member_that_never_takes_an_upload_is_504_and_let_go() {
    let deaf = BareBackend::new();
    let proxy = proxy(serving([format!("{deaf} timeout=1")]));
    // The admin interface may answer before all threads are up.
    eventually("it has started", || proxy.admin().events(0).pop());
    let before = proxy.descriptors();
    let mut uploads = [(); 4].map(|()| Uploading::begin(proxy.address()).unwrap());
    let mut members = [(); 4].map(|()| deaf.accept());
    for upload in &mut uploads {
        assert_eq!(upload.answer().unwrap().status, 504);
    }
    eventually_equal(&0, || proxy.busy());
    eventually_true("the clients are no longer listened to", || uploads.iter().all(Uploading::is_over));
    // Not before it reads could a member see that its connection has ended.
    eventually_true("no connection is left", || proxy.descriptors() <= before);
    for member in &mut members {
        assert!(closes(member), "the upload still goes to the member");
    }
}
