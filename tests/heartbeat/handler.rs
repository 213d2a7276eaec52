//! The handler: heartbeats by POST.

use evenkeel_protocol::HeardBy;

use super::*;

const HANDLER: &str = "<Location /hb>\nSetHandler heartbeat\n</Location>";

/// A proxy whose only member is on the loopback, where all clients come from.
fn posted(lines: &str) -> (Proxy, Backend) {
    let backend = Backend::new("1");
    let text = site(&format!("{lines}\n{HANDLER}"), std::slice::from_ref(&backend));
    (proxy(text), backend)
}

fn post(proxy: &Proxy, target: &str, body: &str) -> Answer {
    browser().send(proxy, "POST", target, body.as_bytes())
}

#[test]
fn a_post_counts_for_the_clients_address_at_once() {
    let (proxy, backend) = posted("HeartbeatListen 127.0.0.1:0");
    let answer = post(&proxy, "/hb", "ready=6&busy=2");
    assert_eq!((answer.status, answer.text().as_str()), (200, "OK"));
    assert_eq!(answer.head.header("content-type"), Some("text/plain"));
    let note = proxy.member("app", &backend).heard.unwrap();
    assert_eq!((note.ready, note.busy, note.by), (6, 2, HeardBy::Post));
    assert_eq!(note.from, IpAddr::from(Ipv4Addr::LOCALHOST));
    assert_eq!(visits(&proxy, 2), "11", "other paths are the members'");
    assert_eq!(backend.count(), 2);
}

/// What httpd 2.4.71 answers, but for the last group, which it takes (departure 70).
#[test]
fn statuses() {
    let (proxy, backend) = posted("HeartbeatListen 127.0.0.1:0");
    for (name, method, body, status) in [
        ("as it should be", "POST", "v=1&ready=1&busy=2", 200),
        ("without v", "POST", "ready=1&busy=2", 200),
        ("in capitals", "POST", "READY=1&Busy=2", 200),
        ("without values", "POST", "ready&busy", 200),
        ("large numbers", "POST", "ready=99999999999&busy=70000", 200),
        ("no ready", "POST", "busy=2", 400),
        ("no busy", "POST", "ready=2", 400),
        ("nothing", "POST", "", 400),
        ("nothing readable", "POST", "\u{1}\u{fffd}%zz", 400),
        ("another method", "GET", "", 405),
        ("HEAD", "HEAD", "", 405),
        ("PUT", "PUT", "ready=1&busy=2", 405),
        ("OPTIONS", "OPTIONS", "", 405),
        ("negative", "POST", "ready=-1&busy=2", 400),
        ("no number", "POST", "ready=1&busy=x", 400),
        ("too long", "POST", &format!("ready=1&busy=2&x={}", "y".repeat(1000)), 413),
    ] {
        let answer = browser().send(&proxy, method, "/hb/below?query", body.as_bytes());
        assert_eq!(answer.status, status, "{name}");
        if status == 405 {
            assert_eq!(answer.head.header("allow"), Some("POST"), "{name}");
        }
    }
    let (limited, _backend) = posted("HeartbeatListen 127.0.0.1:0\nLimitRequestBody 15");
    assert_eq!(post(&limited, "/hb", "ready=1&busy=2").status, 200);
    assert_eq!(post(&limited, "/hb", "ready=1&busy=200").status, 413, "a limit that is written holds");
    assert_eq!(backend.count(), 0, "no member sees any of it");
    assert_eq!(proxy.member("app", &backend).heard.unwrap().ready, u32::MAX, "the last one that was taken");
}

#[test]
fn nothing_is_taken_where_nothing_is_listened_for() {
    let (proxy, backend) = posted("");
    assert_eq!(post(&proxy, "/hb", "ready=1&busy=2").status, 503);
    assert_eq!(browser().get(&proxy, "/hb").status, 405);
    assert_eq!((proxy.member("app", &backend).heard, backend.count()), (None, 0));
}

/// Departure 67: httpd takes it from anybody.
#[test]
fn strangers_are_refused() {
    let (proxy, backend) = posted("HeartbeatListen 127.0.0.1:0\nHeartbeatAllow 10.0.0.0/8 192.0.2.1");
    assert_eq!(post(&proxy, "/hb", "ready=1&busy=2").status, 403);
    beat(Ipv4Addr::LOCALHOST, hearing_at(&proxy), "v=1&ready=1&busy=2");
    eventually_true("it is told", || proxy.log().contains("it is the address of no member"));
    assert_eq!(proxy.member("app", &backend).heard, None);
}

#[test]
fn bodies_come_in_any_framing_and_the_connection_goes_on() {
    let (proxy, backend) = posted("HeartbeatListen 127.0.0.1:0");
    let mut stream = connect(proxy.address()).unwrap();
    let (head, rest) =
        ("POST /hb HTTP/1.1\r\nHost: x\r\n", "GET /hb HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let text = format!(
        "{head}Transfer-Encoding: chunked\r\n\r\n5\r\nready\r\n3\r\n=3&\r\n6\r\nbusy=1\r\n0\r\n\r\n\
         {head}Content-Length: 14\r\n\r\nready=4&busy=1{rest}"
    );
    std::io::Write::write_all(&mut stream, text.as_bytes()).unwrap();
    let mut from = std::io::BufReader::new(stream);
    for status in [200, 200, 405] {
        assert_eq!(read_answer(&mut from, "POST").unwrap().status, status);
    }
    assert_eq!(proxy.member("app", &backend).heard.unwrap().ready, 4);
    // Who waits to be told to go on is told so.
    let mut stream = connect(proxy.address()).unwrap();
    let text = format!("{head}Expect: 100-continue\r\nContent-Length: 14\r\nConnection: close\r\n\r\n");
    std::io::Write::write_all(&mut stream, text.as_bytes()).unwrap();
    let mut interim = [0; 25];
    std::io::Read::read_exact(&mut stream, &mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    std::io::Write::write_all(&mut stream, b"ready=7&busy=1").unwrap();
    assert_eq!(read_answer(&mut std::io::BufReader::new(stream), "POST").unwrap().status, 200);
    assert_eq!(proxy.member("app", &backend).heard.unwrap().ready, 7);
}

#[test]
fn a_body_that_breaks_off_says_nothing() {
    let (proxy, backend) = posted("HeartbeatListen 127.0.0.1:0");
    let mut stream = connect(proxy.address()).unwrap();
    let text = "POST /hb HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\nready=4&busy=1";
    std::io::Write::write_all(&mut stream, text.as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(read_answer(&mut std::io::BufReader::new(stream), "POST").unwrap().status, 400);
    assert_eq!(proxy.member("app", &backend).heard, None);
}

#[test]
fn a_rule_of_access_closes_the_handler() {
    let backend = Backend::new("1");
    let rule = "<Location /hb>\nSetHandler heartbeat\nRequire ip 192.0.2.1\n</Location>";
    let text = site(&format!("Listen 127.0.0.1:0\nHeartbeatListen 127.0.0.1:0\n{rule}"), &[backend]);
    let proxy = proxy(text);
    assert_eq!(post(&proxy, "/hb", "ready=1&busy=2").status, 403);
    assert!(proxy.balancer("app").members.iter().all(|member| member.heard.is_none()));
}
