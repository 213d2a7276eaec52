//! Hosts files and name servers of our own, and what is made of them.

use std::net::UdpSocket;

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::A;
use hickory_resolver::proto::rr::{RData, Record};
use tempfile::TempDir;

use super::*;

/// The address of the one name that the name server knows.
const KNOWN: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);

/// Files of a system that says this; none of what is none.
fn system(hosts: Option<&[u8]>, servers: Option<&str>, port: u16) -> (TempDir, Names) {
    let folder = tempfile::tempdir().unwrap();
    let of = |name: &str| folder.path().join(name);
    let names =
        Names { hosts: of("hosts"), servers: of("resolv.conf"), port, within: Duration::from_millis(400) };
    if let Some(text) = hosts {
        fs::write(&names.hosts, text).unwrap();
    }
    if let Some(text) = servers {
        fs::write(&names.servers, text).unwrap();
    }
    (folder, names)
}

/// A name server that knows one name until its last question is `stop.`, and then tells what it was asked.
fn name_server(known: &'static str) -> (u16, std::thread::JoinHandle<Vec<String>>) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    let asked = std::thread::spawn(move || {
        let (mut bytes, mut asked) = ([0; 1500], Vec::new());
        loop {
            let (length, from) = socket.recv_from(&mut bytes).unwrap();
            let mut message = Message::from_vec(&bytes[..length]).unwrap();
            let query = message.queries[0].clone();
            let name = query.name().to_lowercase();
            if name.to_string() == "stop." {
                return asked;
            }
            asked.push(name.to_string());
            if name.to_string() != known {
                message.metadata.response_code = ResponseCode::NXDomain;
            } else if query.query_type() == RecordType::A {
                message.add_answer(Record::from_rdata(query.name().clone(), 60, RData::A(A(KNOWN))));
            }
            socket.send_to(&message.into_response().to_vec().unwrap(), from).unwrap();
        }
    });
    (port, asked)
}

/// Ends a name server; what it was asked.
fn asked(port: u16, server: std::thread::JoinHandle<Vec<String>>) -> Vec<String> {
    let mut last = Message::query();
    last.add_query(Query::query(Name::from_str("stop.").unwrap(), RecordType::A));
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(&last.to_vec().unwrap(), ("127.0.0.1", port)).unwrap();
    server.join().unwrap()
}

#[tokio::test]
async fn the_file_of_hosts_is_read_first_and_nobody_is_asked_about_who_stands_there() {
    let hosts =
        b"# caf\xe9\n192.0.2.1 lb1.example LB1 # front\n2001:db8::1 lb1\n192.0.2.2 lb1\n\nnonsense lb1\n";
    // There is no name server: whoever asked one would be told.
    let (_folder, names) = system(Some(hosts), None, 0);
    let found = names.find("lb1").await.unwrap();
    assert_eq!(found, ["2001:db8::1", "192.0.2.1", "192.0.2.2"].map(|it| it.parse::<IpAddr>().unwrap()));
    assert_eq!(names.find("Lb1.Example").await.unwrap(), [IpAddr::from([192, 0, 2, 1])]);
    fs::write(&names.hosts, "192.0.2.9 lb1").unwrap();
    assert_eq!(names.find("lb1").await.unwrap(), [IpAddr::from([192, 0, 2, 9])], "it is read each time");
}

#[tokio::test]
async fn this_machine_is_known_without_any_file() {
    let (_folder, names) = system(None, None, 0);
    let loopback = [IpAddr::V6(Ipv6Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::LOCALHOST)];
    assert_eq!(names.find("localhost").await.unwrap(), loopback);
    assert_eq!(names.find("lb1.localhost").await.unwrap(), loopback);
}

#[tokio::test]
async fn name_servers_are_asked_with_the_domains_that_are_searched() {
    let (port, server) = name_server("lb1.b.example.");
    let conf = "search a.example b.example\nnameserver 127.0.0.1\noptions timeout:1\n";
    let (_folder, names) = system(Some(b"192.0.2.1 other"), Some(conf), port);
    assert_eq!(names.find("lb1").await.unwrap(), [IpAddr::V4(KNOWN)]);
    assert_eq!(names.find("lb1.b.example").await.unwrap(), [IpAddr::V4(KNOWN)]);
    let why = names.find("lb2").await.unwrap_err().to_string();
    assert!(why.contains("lb2 is neither in ") && why.contains("/hosts nor known to a name server"), "{why}");
    let asked = asked(port, server);
    assert_eq!(&asked[..2], ["lb1.a.example.", "lb1.a.example."], "{asked:?}");
    assert!(asked.iter().all(|name| name.starts_with("lb")), "{asked:?}");
}

#[tokio::test]
async fn what_is_not_found_is_told_with_its_cause() {
    let deaf = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = deaf.local_addr().unwrap().port();
    for (servers, machine, wanted) in [
        (None, "lb1", "no name server can be asked"),
        (None, "lb1", "resolv.conf: No such file"),
        (Some("# none\n"), "lb1", "no name server can be asked"),
        (Some("nameserver 127.0.0.1\n"), "lb1", "do not answer"),
        (None, "a..b", "can be no name of a machine"),
    ] {
        let (_folder, names) = system(None, servers, port);
        let why = names.find(machine).await.unwrap_err().to_string();
        assert!(why.contains(wanted) && why.starts_with(machine), "{why}");
    }
}
