//! Bodies flow in both directions while they are counted.

use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::thread;

use harness::prelude::*;

fn single(a: &Backend) -> Proxy {
    proxy(format!(
        "<Proxy balancer://app>
            BalancerMember {a} route=a
        </Proxy>
        ProxyPass / balancer://app/"
    ))
}

#[test]
fn a_long_download_shows_in_from_while_it_runs() {
    let gate = Gate::new();
    let trickle = Behaviour::TricklesBody { gate: gate.clone(), piece: 10_000, reply: Reply::size(40_000) };
    let a = Backend::new("a").that(trickle);
    let proxy = single(&a);
    let mut stream = connect(proxy.address()).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut from = BufReader::new(stream);
    let head = Head::read(&mut from).unwrap().unwrap();
    assert_eq!((head.word(1), head.header("content-length")), ("200", Some("40000")));
    // The status line counts with its 15 characters, header lines do not: as in httpd.
    for pieces in 1..=4 {
        gate.let_pass(1);
        from.read_exact(&mut [0; 10_000]).unwrap();
        eventually_equal(&(15 + 10_000 * pieces), || proxy.member("app", "a").read);
        assert_eq!(proxy.member("app", "a").busy, u64::from(pieces < 4), "after {pieces} pieces");
    }
}

#[test]
fn a_long_upload_reaches_the_member_while_it_runs() {
    let gate = Gate::new();
    let a = Backend::new("a").that(Behaviour::ReadsLate(gate.clone(), Reply::default()));
    let proxy = single(&a);
    let mut stream = connect(proxy.address()).unwrap();
    stream
        .write_all(b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 60000\r\n\r\n")
        .unwrap();
    let start = proxy.member("app", "a").transferred;
    for part in 1..=3 {
        stream.write_all(&vec![b'x'; 20_000]).unwrap();
        eventually_true("what was sent is counted", || {
            proxy.member("app", "a").transferred >= start + 20_000 * part
        });
    }
    gate.open();
    let answer = read_answer(&mut BufReader::new(stream), "POST").unwrap();
    assert_eq!((answer.status, a.last().body.len()), (200, 60_000));
}

#[test]
fn large_bodies_arrive_whole_in_both_directions() {
    let a = Backend::new("a").that(Behaviour::Answers(Reply::size(3_000_000)));
    let proxy = single(&a);
    let body: Vec<u8> = (0..2_500_000_u32).map(|number| (number % 251) as u8).collect();
    let answer = browser().send(&proxy, "POST", "/", &body);
    assert_eq!(answer.body.len(), 3_000_000);
    assert!(answer.body.chunks(2).all(|pair| pair == b"a "), "the answer's body changed on its way");
    assert!(a.last().body == body, "the request's body changed on its way");
    let member = proxy.member("app", "a");
    assert_eq!(member.read, 15 + 3_000_000);
    assert!(member.transferred > 2_500_000 && member.transferred < 2_501_000, "{}", member.transferred);
}

#[test]
fn chunks_pass_in_both_directions() {
    let a = Backend::new("a").that(Behaviour::AnswersInChunks(7, Reply::size(1000)));
    let proxy = single(&a);
    let mut stream = connect(proxy.address()).unwrap();
    stream
        .write_all(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=1\r\ndefg\r\n0\r\n\r\n")
        .unwrap();
    let mut from = BufReader::new(stream);
    let answer = read_answer(&mut from, "POST").unwrap();
    assert_eq!((answer.status, answer.body.len()), (200, 1000));
    assert_eq!(a.last().body, b"abcdefg");
    assert_eq!(proxy.member("app", "a").read, 15 + 1000);
}

#[test]
fn a_client_of_http_1_0_gets_no_chunks() {
    let a = Backend::new("a").that(Behaviour::AnswersInChunks(7, Reply::size(100)));
    let proxy = single(&a);
    let seen = raw(proxy.address(), b"GET / HTTP/1.0\r\n\r\n");
    let mut from = &seen[..];
    let head = Head::read(&mut from).unwrap().unwrap();
    assert_eq!((head.word(1), head.header("transfer-encoding"), from.len()), ("200", None, 100));
}

#[test]
fn a_body_is_not_held_in_memory() {
    let [a] = backends(["a"]);
    let proxy = single(&a);
    visits(&proxy, 3);
    let before = proxy.rss();
    let to = proxy.address();
    let downloads: Vec<_> = (0..4)
        .map(|_| {
            thread::spawn(move || browser().try_send(to, "GET", "/?size=30000000", b"").unwrap().body.len())
        })
        .collect();
    assert!(downloads.into_iter().all(|download| download.join().unwrap() == 30_000_000));
    let grown = proxy.rss().saturating_sub(before);
    assert!(grown < 20_000, "120 MB of bodies left {grown} KiB behind");
}

#[test]
fn a_client_that_expects_to_be_told_to_continue_is_told() {
    let [a] = backends(["a"]);
    let proxy = single(&a);
    let mut stream = connect(proxy.address()).unwrap();
    stream
        .write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        .unwrap();
    let mut from = BufReader::new(stream.try_clone().unwrap());
    assert_eq!(Head::read(&mut from).unwrap().unwrap().word(1), "100");
    stream.write_all(b"abc").unwrap();
    assert_eq!(read_answer(&mut from, "POST").unwrap().status, 200);
    assert_eq!(a.last().body, b"abc");
}

#[test]
fn a_get_keeps_its_body_in_chunks() {
    let [a] = backends(["a"]);
    let proxy = single(&a);
    let mut stream = connect(proxy.address()).unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n")
        .unwrap();
    let mut from = BufReader::new(stream.try_clone().unwrap());
    assert_eq!(read_answer(&mut from, "GET").unwrap().status, 200);
    // Without its framing the body would be read as another request.
    stream.write_all(b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert_eq!(read_answer(&mut from, "GET").unwrap().status, 200);
    let asked: Vec<_> = a.asked().into_iter().map(|it| (it.head.word(1).to_owned(), it.body)).collect();
    assert_eq!(asked, [("/".to_owned(), b"abcdefg".to_vec()), ("/next".to_owned(), Vec::new())]);
}

#[test]
fn an_upload_ends_with_an_answer_that_comes_before_its_end() {
    let hasty = BareBackend::new();
    let proxy = proxy(serving([&hasty]));
    let answer_at_once = |from: &mut BufReader<TcpStream>| {
        Head::read(from).unwrap().unwrap();
        from.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
    };
    let mut first = Uploading::begin(proxy.address()).unwrap();
    let mut member = hasty.accept();
    answer_at_once(&mut member);
    let answer = first.answer().unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
    eventually_equal(&0, || proxy.busy());
    assert!(closes(&mut member), "the rest of the upload still goes to the member");
    eventually_true("the client is no longer listened to", || first.is_over());

    let mut second = Uploading::begin(proxy.address()).unwrap();
    let mut member = hasty.accept();
    answer_at_once(&mut member);
    assert_eq!(second.answer().unwrap().status, 200);
    let watch = Stopwatch::start();
    assert_eq!(proxy.stop().code(), Some(0));
    assert!(watch.elapsed() < patience() / 2, "took {:?}", watch.elapsed());
    assert!(closes(&mut member));
}

#[test]
fn the_answer_of_a_member_that_refuses_an_upload_and_closes_is_passed_on() {
    let refusing = BareBackend::new();
    let proxy = proxy(serving([&refusing]));
    for _ in 0..20 {
        let mut client = Uploading::begin(proxy.address()).unwrap();
        let mut member = refusing.accept();
        assert_eq!(Head::read(&mut member).unwrap().unwrap().word(0), "POST");
        let answer = b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno";
        member.get_mut().write_all(answer).unwrap();
        drop(member);
        let answer = client.answer().unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (413, "no"));
    }
    eventually_equal(&0, || proxy.busy());
}
