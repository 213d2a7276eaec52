//! What each method sends, and which answers pass.

use harness::prelude::*;

#[test]
fn each_method_sends_httpds_request_with_a_valid_target() {
    let rows = [
        ("hcmethod=OPTIONS", "", "OPTIONS * HTTP/1.0"),
        ("hcmethod=OPTIONS11 hcuri=/x", "", "OPTIONS * HTTP/1.1"),
        ("hcmethod=HEAD hcuri=/x", "", "HEAD /x HTTP/1.0"),
        ("hcmethod=HEAD11 hcuri=x", "", "HEAD /x HTTP/1.1"),
        ("hcmethod=GET", "", "GET / HTTP/1.0"),
        ("hcmethod=GET11", "/base", "GET /base HTTP/1.1"),
        ("hcmethod=GET hcuri=/x?a=b", "/base", "GET /base/x?a=b HTTP/1.0"),
        ("hcmethod=GET hcuri=x", "/base/", "GET /base/x HTTP/1.0"),
    ];
    let backends: Vec<BareBackend> = rows.iter().map(|_| BareBackend::new()).collect();
    let members = backends
        .iter()
        .zip(rows)
        .map(|(backend, (parameters, path, _))| format!("{backend}{path} {parameters} hcinterval=100ms"));
    let proxy = proxy(serving(members));
    for (backend, (parameters, path, line)) in backends.iter().zip(rows) {
        let mut peer = backend.peer();
        let wanted = format!("{line}\r\nHost: {}\r\n\r\n", backend.address());
        assert_eq!(String::from_utf8_lossy(&peer.hears(wanted.len())), wanted, "{parameters}");
        peer.says("HTTP/1.1 204 No Content\r\n\r\n");
        assert!(peer.ends(), "{parameters}: nothing more is sent, and the connection is closed");
        let name = format!("{backend}{path}");
        let last = eventually("it was checked", || proxy.member("app", &name).health.last);
        assert!(last.passed && last.reason == "answered 204", "{parameters}: {last:?}");
    }
}

#[test]
fn tcp_opens_a_connection_and_says_nothing() {
    let (there, gone) = (BareBackend::new(), Backend::refusing("gone"));
    let proxy = proxy(serving([
        format!("{there} hcmethod=TCP hcinterval=100ms"),
        format!("{gone} hcmethod=TCP hcinterval=100ms"),
    ]));
    assert!(there.peer().ends());
    let last = eventually("it was checked", || proxy.member("app", &there).health.last);
    assert!(last.passed, "{last:?}");
    eventually_equal(&"Init HcFl".to_owned(), || proxy.member("app", &gone).words);
    let last = proxy.member("app", &gone).health.last.unwrap();
    assert!(last.reason.starts_with("no connection: Connection refused"), "{last:?}");
}

#[test]
fn statuses_from_200_to_399_pass() {
    let rows = [(200, true), (204, true), (302, true), (399, true), (400, false), (404, false), (500, false)];
    let backends: Vec<Backend> = rows
        .iter()
        .map(|(status, _)| Backend::new("x").that(Behaviour::Answers(Reply::status(*status))))
        .collect();
    let proxy = proxy(serving(backends.iter().map(|it| format!("{it} hcmethod=HEAD hcinterval=100ms"))));
    for (backend, (status, passes)) in backends.iter().zip(rows) {
        let words = if passes { "Init Ok" } else { "Init HcFl" };
        let last = eventually("it was checked", || proxy.member("app", backend).health.last);
        eventually_equal(&words.to_owned(), || proxy.member("app", backend).words);
        assert_eq!((last.passed, last.reason), (passes, format!("answered {status}")));
    }
}

#[test]
fn bodies_are_read_to_their_end_whatever_their_framing() {
    for behaviour in [
        Behaviour::Answers(Reply::size(300_000)),
        Behaviour::AnswersInChunks(1000, Reply::size(50_000)),
        Behaviour::LiesAboutLength(10, Reply::size(10)),
    ] {
        let backend = Backend::new("x").that(behaviour.clone());
        let proxy = proxy(serving([format!("{backend} hcmethod=GET11 hcinterval=100ms")]));
        let last = eventually("it was checked", || proxy.member("app", &backend).health.last);
        assert!(last.passed, "{behaviour:?}: {last:?}");
    }
}

#[test]
fn interim_answers_are_read_over() {
    let backend = BareBackend::new();
    let proxy = proxy(serving([format!("{backend} hcmethod=GET11 hcinterval=100ms")]));
    let mut peer = backend.peer();
    peer.head();
    peer.says("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 50");
    peer.says("3 Sorry\r\nContent-Length: 0\r\n\r\n");
    let last = eventually("it was checked", || proxy.member("app", &backend).health.last);
    assert_eq!(last.reason, "answered 503");
}

#[test]
fn members_behind_sockets_and_with_ipv6_are_checked_too() {
    let home = folder();
    let socket = BareSocket::at(&home.path().join("app.sock"));
    let Ok(six) = BareBackend::on("[::1]:0") else { return skipped("no IPv6 here") };
    let proxy = proxy(serving([
        format!("\"{socket}\" route=socket hcmethod=GET hcinterval=100ms"),
        format!("{six} route=six hcmethod=GET hcinterval=100ms"),
    ]));
    for (route, mut peer, host) in
        [("socket", socket.peer(), "name:80".to_owned()), ("six", six.peer(), six.address().to_string())]
    {
        assert_eq!(peer.head().header("host"), Some(host.as_str()));
        peer.says("HTTP/1.0 200 OK\r\n\r\n");
        drop(peer);
        let last = eventually("it was checked", || proxy.member("app", route).health.last);
        assert!(last.passed, "{route}: {last:?}");
    }
}
