//! Members behind Unix sockets.

use harness::prelude::*;

const GET: &str = "GET /x HTTP/1.1\r\nHost: x\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Answered-By: socket\r\n\r\nok";

#[test]
fn a_member_behind_a_socket_serves_and_its_connection_is_kept() {
    let folder = folder();
    let socket = BareSocket::at(&folder.path().join("app.sock"));
    let proxy = proxy(serving([format!("\"{socket}/base\" route=s")]));
    let mut client = Peer::of(&proxy);
    client.says(GET);
    let mut member = socket.peer();
    for _ in 0..3 {
        let head = member.head();
        assert_eq!((head.word(1), head.header("host")), ("/base/x", Some("name")));
        member.says(OK);
        assert_eq!(client.answer("GET").text(), "ok");
        client.says(GET);
    }
    member.head();
    assert!(!socket.is_called(), "the connection was not used again");
    member.says(OK);
    client.answer("GET");
    // A member that closes while idle costs nobody an answer.
    drop(member);
    client.says(GET);
    let mut member = socket.peer();
    member.head();
    member.says(OK);
    assert_eq!(client.answer("GET").text(), "ok");
    assert_eq!(proxy.member("app", "s").served, 5);
}

#[test]
fn a_socket_that_is_gone_is_failed_over_marked_and_found_again() {
    let folder = folder();
    let path = folder.path().join("app.sock");
    let [good] = backends(["good"]);
    let socket = BareSocket::at(&path);
    let proxy = proxy(serving([format!("\"{socket}\" route=s retry=1"), format!("{good} route=g")]));
    drop(socket);
    // Nobody listens, though the file is there; then the file is gone too.
    assert_eq!(visits(&proxy, 2), "goodgood");
    let member = proxy.member("app", "s");
    assert_eq!(member.words, "Init Err");
    assert!(member.error.is_some_and(|note| note.reason.to_lowercase().contains("refused")));
    std::fs::remove_file(&path).unwrap();
    eventually_true("it is tried again", || {
        assert_eq!(visits(&proxy, 1), "good");
        proxy.member("app", "s").error.is_some_and(|note| note.reason.contains("No such file"))
    });

    let socket = BareSocket::at(&path);
    let to = proxy.address();
    let asking = std::thread::spawn(move || {
        eventually_true("it serves again", || {
            browser().try_send(to, "GET", "/", b"").unwrap().answered_by() == "socket"
        });
    });
    let mut member = socket.peer();
    member.head();
    member.says(OK);
    asking.join().unwrap();
    assert_eq!(proxy.member("app", "s").words, "Init Ok");
}

#[test]
fn operators_find_it_by_route_and_by_url() {
    let folder = folder();
    let socket = BareSocket::at(&folder.path().join("app.sock"));
    let proxy = proxy(serving([format!("\"{socket}/base\" route=s")]));
    let url = format!("{socket}/base");
    for selector in ["s", &url] {
        assert_eq!(proxy.member("app", selector).name.to_string(), url);
        proxy.edit("app", selector, r#"{"disabled":true}"#);
        assert!(proxy.member("app", "s").words.contains("Dis"));
        proxy.edit("app", selector, r#"{"disabled":false}"#);
    }
}

#[test]
fn a_tunnel_goes_through_a_socket() {
    let folder = folder();
    let socket = BareSocket::at(&folder.path().join("app.sock"));
    let url = socket.to_string().replace("http:", "ws:");
    let proxy = proxy(serving([format!("\"{url}\"")]));
    let mut client = Peer::of(&proxy);
    client.says("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nping");
    let mut member = socket.peer();
    member.head();
    member.says("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    assert_eq!(client.head().word(1), "101");
    assert_eq!(member.hears(4), b"ping");
    member.says("pong");
    member.shuts();
    assert_eq!(client.rest().unwrap(), b"pong");
}
