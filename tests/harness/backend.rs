//! Origin servers that behave as they are told, change their behaviour while they run, and remember what they
//! were asked.

use std::fmt;
use std::io::{self, BufReader, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::RecvFlags;
use socket2::{Domain, SockRef, Socket, Type};

use crate::eventually::{patience, within};
use crate::fault::{Behaviour, Reply};
use crate::wire::{Framing, Head, read_body};

/// How many requests a backend remembers.
const REMEMBERED: usize = 10_000;
/// A connection that waits so long will wait longer.
const FULL: Duration = Duration::from_millis(200);

/// An origin on the loopback. Prints as its URL, so that it fits into a configuration text.
#[derive(Debug)]
pub struct Backend {
    shared: Arc<Shared>,
    address: SocketAddr,
    /// Bound, never listening: keeps the port ours, and refusing, while nobody listens.
    _anchor: Socket,
    acceptor: Mutex<Option<JoinHandle<()>>>,
    /// A listener whose queue is full, and those who fill it.
    deaf: Mutex<Option<(Socket, Vec<TcpStream>)>>,
}

#[derive(Debug)]
struct Shared {
    name: String,
    behaviour: Mutex<Behaviour>,
    asked: Mutex<Vec<Asked>>,
    count: AtomicUsize,
    connections: AtomicUsize,
    most_open: AtomicUsize,
    open: Mutex<Vec<Weak<TcpStream>>>,
    stopping: AtomicBool,
}

/// A request as a backend saw it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its head as it was on the wire.
    pub head: Head,
    /// Its body.
    pub body: Vec<u8>,
    /// Counts the connections of the backend from 1.
    pub connection: usize,
}

/// Good backends with these names.
pub fn backends<const N: usize>(names: [&str; N]) -> [Backend; N] {
    names.map(Backend::new)
}

impl Backend {
    /// A good backend of that name.
    pub fn new(name: &str) -> Self {
        let backend = Self::refusing(name);
        backend.listens();
        backend
    }

    /// A good backend of that name at an address of its own.
    pub fn at(address: impl Into<IpAddr>, name: &str) -> Self {
        let backend = Self::anchored(SocketAddr::new(address.into(), 0), name);
        backend.listens();
        backend
    }

    /// A backend that refuses connections until it [`Self::listens`].
    pub fn refusing(name: &str) -> Self {
        Self::anchored(SocketAddr::from(([127, 0, 0, 1], 0)), name)
    }

    fn anchored(address: SocketAddr, name: &str) -> Self {
        let anchor = bound(address);
        let address = anchor.local_addr().unwrap().as_socket().unwrap();
        let shared = Arc::new(Shared {
            name: name.to_owned(),
            behaviour: Mutex::new(Behaviour::good()),
            asked: Mutex::default(),
            count: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            most_open: AtomicUsize::new(0),
            open: Mutex::default(),
            stopping: AtomicBool::new(false),
        });
        Self { shared, address, _anchor: anchor, acceptor: Mutex::new(None), deaf: Mutex::default() }
    }

    /// The same backend, behaving so from the start.
    #[must_use]
    pub fn that(self, behaviour: Behaviour) -> Self {
        self.behaves(behaviour);
        self
    }

    /// Behaves so from the next request on.
    pub fn behaves(&self, behaviour: Behaviour) {
        *self.shared.behaviour.lock().unwrap() = behaviour;
    }

    /// Refuses connections, and closes those there are.
    pub fn refuses(&self) {
        self.shuts();
        self.hang_up();
    }

    /// Refuses connections, and keeps those there are.
    pub fn shuts(&self) {
        self.hears_again();
        let Some(acceptor) = self.acceptor.lock().unwrap().take() else { return };
        self.shared.stopping.store(true, Ordering::SeqCst);
        // A connection wakes it; on a machine out of ports one may fail.
        let woken = within(patience(), || {
            drop(TcpStream::connect(self.address));
            acceptor.is_finished().then_some(())
        });
        if woken.is_some() {
            acceptor.join().unwrap();
        }
    }

    /// Neither takes nor refuses connections: whoever tries waits.
    pub fn hears_nobody(&self) {
        self.hears_nobody_new();
        self.hang_up();
    }

    /// The same, and it keeps the connections there are.
    pub fn hears_nobody_new(&self) {
        self.shuts();
        let listener = bound(self.address);
        listener.listen(1).unwrap();
        // The first one that has to wait shows that the queue is full.
        let queued = std::iter::from_fn(|| TcpStream::connect_timeout(&self.address, FULL).ok());
        let queued: Vec<TcpStream> = queued.take(16).collect();
        *self.deaf.lock().unwrap() = Some((listener, queued));
    }

    /// Nobody waits at a queue that is full any more.
    fn hears_again(&self) {
        if let Some((listener, _)) = self.deaf.lock().unwrap().take() {
            ends_listening(&listener);
        }
    }

    /// Closes all its connections.
    pub fn hang_up(&self) {
        for stream in self.shared.open.lock().unwrap().drain(..).filter_map(|open| open.upgrade()) {
            drop(stream.shutdown(Shutdown::Both));
        }
    }

    /// Takes connections again.
    pub fn listens(&self) {
        let mut acceptor = self.acceptor.lock().unwrap();
        assert!(acceptor.is_none(), "{} listens already", self.shared.name);
        self.hears_again();
        self.shared.stopping.store(false, Ordering::SeqCst);
        let socket = bound(self.address);
        socket.listen(1024).unwrap();
        let shared = Arc::clone(&self.shared);
        *acceptor = Some(thread::spawn(move || accept(&shared, &socket.into())));
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many requests reached it.
    pub fn count(&self) -> usize {
        self.shared.count.load(Ordering::SeqCst)
    }

    /// How many connections reached it.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// How many connections are open, as the other ends have it.
    pub fn open(&self) -> usize {
        self.shared.open.lock().unwrap().iter().filter_map(Weak::upgrade).filter(|it| is_open(it)).count()
    }

    /// The most connections that were open when one came.
    pub fn most_open(&self) -> usize {
        self.shared.most_open.load(Ordering::SeqCst)
    }

    /// The requests it remembers, oldest first.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// The requests it remembers behind the first `count`.
    pub fn asked_since(&self, count: usize) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().get(count..).unwrap_or_default().to_vec()
    }

    /// The last request.
    #[track_caller]
    pub fn last(&self) -> Asked {
        self.asked().pop().expect("nobody asked this backend for anything")
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.address)
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.refuses();
    }
}

/// Has the other end not closed it? On the loopback an end is known as soon as it was said.
fn is_open(stream: &TcpStream) -> bool {
    let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
    match rustix::net::recv(stream, &mut [0; 1][..], flags) {
        Ok((count, _)) => count > 0,
        Err(why) => why == Errno::AGAIN,
    }
}

/// A socket that is bound and does not listen. Several may be bound to one of our ports, but only one listens.
pub fn bound(address: SocketAddr) -> Socket {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.set_reuse_port(true).unwrap();
    socket.bind(&address.into()).unwrap();
    socket
}

fn accept(shared: &Arc<Shared>, listener: &TcpListener) {
    for stream in listener.incoming() {
        if shared.stopping.load(Ordering::SeqCst) {
            ends_listening(&SockRef::from(listener));
            return;
        }
        let Ok(stream) = stream else { continue };
        let number = shared.connections.fetch_add(1, Ordering::SeqCst) + 1;
        let stream = Arc::new(stream);
        let mut open = shared.open.lock().unwrap();
        open.retain(|other| other.strong_count() > 0);
        open.push(Arc::downgrade(&stream));
        let count = open.iter().filter_map(Weak::upgrade).filter(|it| is_open(it)).count();
        shared.most_open.fetch_max(count, Ordering::SeqCst);
        drop(open);
        let shared = Arc::clone(shared);
        // A client that goes away in the middle is what tests do, so the outcome is of no interest.
        thread::spawn(move || drop(converse(&shared, &stream, number)));
    }
}

/// Ends it for whoever has it: closing alone would leave it to a process that is just being started, which has all our
/// descriptors until it is another program, and takes connections that nobody answers meanwhile.
fn ends_listening(listener: &Socket) {
    listener.shutdown(Shutdown::Both).unwrap();
}

/// Serves one connection until one end closes it.
fn converse(shared: &Shared, stream: &TcpStream, connection: usize) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut from = BufReader::new(stream);
    let mut to = stream;
    while let Some(head) = Head::read(&mut from)? {
        let behaviour = shared.behaviour.lock().unwrap().clone();
        if let Behaviour::ReadsLate(gate, _) = &behaviour {
            gate.pass();
        }
        if head.header("expect").is_some() {
            to.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let body = read_body(&mut from, Framing::of_request(&head))?;
        shared.count.fetch_add(1, Ordering::SeqCst);
        let mut asked = shared.asked.lock().unwrap();
        if asked.len() < REMEMBERED {
            asked.push(Asked { head: head.clone(), body, connection });
        }
        drop(asked);
        if let Behaviour::Echoes = behaviour {
            let protocol = head.header("upgrade").unwrap_or("nothing");
            write!(
                to,
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {protocol}\r\n\r\n"
            )?;
            io::copy(&mut from, &mut to)?;
            return stream.shutdown(Shutdown::Write);
        }
        let keeps = respond(&shared.name, &behaviour, &head, stream)?;
        if !keeps || head.nominates("close") {
            break;
        }
    }
    Ok(())
}

/// Does what the behaviour says; true if the connection may be used again.
fn respond(name: &str, behaviour: &Behaviour, head: &Head, stream: &TcpStream) -> io::Result<bool> {
    let mut to = stream;
    let send = |mut to: &TcpStream, reply: &Reply, upto: usize| {
        let size = size_asked(head).unwrap_or(reply.size);
        let declared = format!("Content-Length: {size}");
        let mut bytes = render(name, reply, &declared);
        if head.word(0) != "HEAD" {
            bytes.extend(body(name, size.min(upto)));
        }
        to.write_all(&bytes)
    };
    match behaviour {
        Behaviour::Answers(reply) | Behaviour::ReadsLate(_, reply) => send(to, reply, usize::MAX)?,
        Behaviour::HoldsUntil(gate, reply) => {
            gate.pass();
            send(to, reply, usize::MAX)?;
        }
        Behaviour::TricklesBody { gate, piece, reply } => {
            send(to, reply, 0)?;
            for part in body(name, size_asked(head).unwrap_or(reply.size)).chunks(*piece) {
                gate.pass();
                to.write_all(part)?;
            }
        }
        Behaviour::StallsAfter(bytes, gate, reply) => {
            send(to, reply, *bytes)?;
            gate.pass();
            to.write_all(&body(name, size_asked(head).unwrap_or(reply.size))[*bytes..])?;
        }
        Behaviour::AnswersInChunks(piece, reply) => {
            to.write_all(&render(name, reply, "Transfer-Encoding: chunked"))?;
            for part in body(name, size_asked(head).unwrap_or(reply.size)).chunks(*piece) {
                to.write_all(&[format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat())?;
            }
            to.write_all(b"0\r\n\r\n")?;
        }
        // A tunnel is no exchange of messages; who reads the connection makes it.
        Behaviour::ClosesWithoutAnswer | Behaviour::Echoes => return Ok(false),
        Behaviour::ResetsWithoutAnswer => return reset(stream),
        Behaviour::ResetsAfter(bytes, reply) => {
            send(to, reply, *bytes)?;
            return reset(stream);
        }
        Behaviour::LiesAboutLength(bytes, reply) => {
            send(to, reply, *bytes)?;
            return Ok(false);
        }
        Behaviour::AnswersGarbage(bytes) => {
            to.write_all(bytes)?;
            return Ok(false);
        }
    }
    Ok(true)
}

/// Closing with no time to linger is a reset.
fn reset(stream: &TcpStream) -> io::Result<bool> {
    let socket = SockRef::from(stream);
    socket.set_linger(Some(Duration::ZERO))?;
    Ok(false)
}

fn render(name: &str, reply: &Reply, declared: &str) -> Vec<u8> {
    let reason = match reply.status {
        200 => "OK",
        302 => "Found",
        404 => "Not Found",
        503 => "Service Unavailable",
        _ => "As Told",
    };
    let mut text = format!("HTTP/1.1 {} {reason}\r\n{declared}\r\nX-Answered-By: {name}\r\n", reply.status);
    for (header, value) in &reply.headers {
        text.extend([header, ": ", value, "\r\n"]);
    }
    text.push_str("\r\n");
    text.into_bytes()
}

/// The name of the backend over and over, so that a body tells whose it is.
fn body(name: &str, size: usize) -> Vec<u8> {
    let mut body = format!("{name} ").repeat(size / (name.len() + 1) + 1).into_bytes();
    body.truncate(size);
    body
}

/// N of `?size=N` in the target.
fn size_asked(head: &Head) -> Option<usize> {
    let (_, query) = head.word(1).split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix("size=")).and_then(|size| size.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::browser::{Answer, browser, raw};
    use crate::eventually::eventually_equal;
    use crate::fault::Gate;

    fn ask(backend: &Backend, target: &str) -> io::Result<Answer> {
        browser().try_send(backend.address(), "GET", target, b"")
    }

    #[test]
    fn a_good_backend_answers_names_itself_and_remembers() {
        let [a] = backends(["a"]);
        let answer = browser().try_send(a.address(), "POST", "/x?size=10", b"hello").unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (200, "a a a a a "));
        assert_eq!(answer.answered_by(), "a");
        assert_eq!((a.count(), a.last().head.word(1), a.last().body), (1, "/x?size=10", b"hello".to_vec()));
        assert_eq!(a.to_string(), format!("http://{}", a.address()));
        let head = browser().try_send(a.address(), "HEAD", "/", b"").unwrap();
        assert_eq!((head.head.header("content-length"), head.body.len()), (Some("6"), 0));
    }

    #[test]
    fn a_backend_can_refuse_and_come_back_at_the_same_address() {
        let a = Backend::refusing("a");
        assert_eq!(ask(&a, "/").unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        a.listens();
        assert_eq!(ask(&a, "/").unwrap().answered_by(), "a");
        a.refuses();
        assert_eq!(ask(&a, "/").unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        a.listens();
        assert_eq!(ask(&a, "/").unwrap().answered_by(), "a");
    }

    #[test]
    fn who_refuses_does_so_at_once_while_processes_are_started() {
        let (a, ends) = (Backend::new("a"), AtomicBool::new(false));
        let starts = || {
            while !ends.load(Ordering::Relaxed) {
                let started = std::process::Command::new("true").status();
                assert!(started.unwrap().success());
            }
        };
        let taken = thread::scope(|scope| {
            (0..2).for_each(|_| drop(scope.spawn(starts)));
            let is_taken = |_: &usize| {
                a.refuses();
                let taken = TcpStream::connect(a.address()).is_ok();
                a.listens();
                taken
            };
            let taken = (0..300).filter(is_taken).count();
            ends.store(true, Ordering::Relaxed);
            taken
        });
        assert_eq!(taken, 0);
    }

    #[test]
    fn a_backend_can_let_those_wait_who_connect() {
        let [a] = backends(["a"]);
        a.hears_nobody();
        let address = a.address();
        let soon = Duration::from_millis(100);
        assert_eq!(TcpStream::connect_timeout(&address, soon).unwrap_err().kind(), io::ErrorKind::TimedOut);
        a.listens();
        assert_eq!(ask(&a, "/").unwrap().answered_by(), "a");
    }

    #[test]
    fn faults_are_what_they_say() {
        let [a] = backends(["a"]);
        let reply = || Reply::size(100);
        for (name, behaviour, kind) in [
            ("closes", Behaviour::ClosesWithoutAnswer, io::ErrorKind::UnexpectedEof),
            ("resets", Behaviour::ResetsWithoutAnswer, io::ErrorKind::ConnectionReset),
            ("resets midway", Behaviour::ResetsAfter(10, reply()), io::ErrorKind::ConnectionReset),
            ("lies", Behaviour::LiesAboutLength(10, reply()), io::ErrorKind::UnexpectedEof),
            ("garbage", Behaviour::AnswersGarbage(b"what?\n\n".to_vec()), io::ErrorKind::InvalidData),
        ] {
            a.behaves(behaviour);
            assert_eq!(ask(&a, "/").unwrap_err().kind(), kind, "{name}");
        }
        a.behaves(Behaviour::AnswersInChunks(7, reply()));
        assert_eq!(ask(&a, "/").unwrap().body.len(), 100);
        a.behaves(Behaviour::Answers(Reply::status(503).header("X-A", "b")));
        let answer = ask(&a, "/").unwrap();
        assert_eq!((answer.status, answer.head.header("x-a")), (503, Some("b")));
    }

    #[test]
    fn gates_hold_answers_and_bodies() {
        let (gate, [a]) = (Gate::new(), backends(["a"]));
        a.behaves(Behaviour::HoldsUntil(gate.clone(), Reply::default()));
        let asked = thread::spawn({
            let to = a.address();
            move || browser().try_send(to, "GET", "/", b"")
        });
        eventually_equal(&1, || gate.waiting());
        gate.let_pass(1);
        assert_eq!(asked.join().unwrap().unwrap().status, 200);
        a.behaves(Behaviour::TricklesBody { gate: gate.clone(), piece: 4, reply: Reply::size(8) });
        gate.let_pass(2);
        assert_eq!(ask(&a, "/").unwrap().text(), "a a a a ");
    }

    #[test]
    fn raw_bytes_come_back_as_they_are() {
        let a = Backend::new("a").that(Behaviour::AnswersGarbage(b"what?".to_vec()));
        assert_eq!(raw(a.address(), b"GET / HTTP/1.1\r\n\r\n"), b"what?");
    }
}
