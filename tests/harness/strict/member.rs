//! A member that does what a row tells it, keeps every byte it got, and tells where each connection stood.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

use super::reading::{self, Message, Rest};
use super::text::{Act, Piece};
use crate::fault::Gate;

/// The answer where a row has none.
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A scripted member.
pub struct Scripted {
    shared: Arc<Shared>,
    address: SocketAddr,
}

#[derive(Default)]
struct Shared {
    row: Mutex<Playing>,
    connections: Mutex<Vec<Kept>>,
}

/// What is played now.
#[derive(Default)]
struct Playing {
    scripts: VecDeque<Vec<Piece>>,
    gate: Gate,
    /// Scripts that run now.
    running: usize,
}

/// One connection. Its thread alone owns it, so that it is closed, or reset, when the thread ends.
struct Connection {
    stream: Arc<TcpStream>,
    seen: Arc<Mutex<Seen>>,
}

/// What outlives a connection.
struct Kept {
    stream: Weak<TcpStream>,
    seen: Arc<Mutex<Seen>>,
}

/// What came over one connection.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// All bytes since the row began.
    pub bytes: Vec<u8>,
    /// Has the other end closed or reset it?
    pub ended: bool,
    /// Was it told to switch protocols? What follows is no HTTP.
    pub echoes: bool,
    /// Messages of this row that were answered.
    answered: usize,
}

impl Scripted {
    /// It listens on a port of its own, until the process ends.
    #[expect(clippy::new_without_default, reason = "it takes a port, which a default should not")]
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::<Shared>::default();
        let accepting = Arc::downgrade(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (Ok(stream), Some(shared)) = (stream, accepting.upgrade()) else { return };
                drop(stream.set_nodelay(true));
                let connection = Connection { stream: Arc::new(stream), seen: Arc::default() };
                let kept =
                    Kept { stream: Arc::downgrade(&connection.stream), seen: Arc::clone(&connection.seen) };
                shared.connections.lock().unwrap().push(kept);
                thread::spawn(move || converse(&shared, &connection));
            }
        });
        Self { shared, address }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Begins a row: forgets what was, and ends connections that are not between two messages. A row that sends
    /// something at the start of a connection gets a new one.
    pub fn begin(&self, scripts: Vec<Vec<Piece>>) {
        let fresh = scripts.first().is_some_and(|script| script.contains(&Piece::Do(Act::Accept)));
        let mut row = self.shared.row.lock().unwrap();
        row.gate.open();
        *row = Playing { scripts: scripts.into(), ..Playing::default() };
        drop(row);
        self.shared.connections.lock().unwrap().retain(|connection| {
            let mut seen = connection.seen.lock().unwrap();
            let (whole, rest) = reading::requests(&seen.bytes);
            let idle = !seen.ended && !seen.echoes && rest == Rest::Nothing && whole.len() == seen.answered;
            if !idle || fresh {
                if let Some(stream) = connection.stream.upgrade() {
                    drop(stream.shutdown(Shutdown::Both));
                }
                return false;
            }
            *seen = Seen::default();
            true
        });
    }

    /// The client has got what was sent so far.
    pub fn proceed(&self) {
        self.shared.row.lock().unwrap().gate.open();
    }

    /// Does a script still run?
    pub fn is_busy(&self) -> bool {
        self.shared.row.lock().unwrap().running > 0
    }

    /// What came in this row, a connection each; those over which nothing came are left out.
    pub fn seen(&self) -> Vec<Seen> {
        let connections = self.shared.connections.lock().unwrap();
        let seen = connections.iter().map(|connection| connection.seen.lock().unwrap().clone());
        seen.filter(|seen| !seen.bytes.is_empty()).collect()
    }
}

/// Serves one connection until one end ends it.
fn converse(shared: &Shared, connection: &Connection) {
    let greets = |script: &Vec<Piece>| script.contains(&Piece::Do(Act::Accept));
    let mut row = shared.row.lock().unwrap();
    let greeting = if row.scripts.front().is_some_and(greets) { row.scripts.pop_front() } else { None };
    drop(row);
    if let Some(script) = greeting
        && !run(shared, connection, &script)
    {
        return;
    }
    while receive(connection) {
        while let Some(message) = next(shared, connection) {
            if !respond(shared, connection, &message) {
                return;
            }
        }
    }
}

/// Waits for more bytes; false if there will be none.
fn receive(connection: &Connection) -> bool {
    let mut buffer = [0; 16 * 1024];
    let got = (&*connection.stream).read(&mut buffer).unwrap_or(0);
    let mut seen = connection.seen.lock().unwrap();
    seen.bytes.extend_from_slice(&buffer[..got]);
    seen.ended |= got == 0;
    got > 0
}

/// The next message to be answered: a whole one, or a head if the script begins early.
fn next(shared: &Shared, connection: &Connection) -> Option<Message> {
    let seen = connection.seen.lock().unwrap();
    let (whole, rest) = reading::requests(&seen.bytes);
    let begun = whole.len() == seen.answered;
    if let Some(message) = whole.into_iter().nth(seen.answered) {
        return Some(message);
    }
    let Rest::Part(Some(part)) = rest else { return None };
    if !begun {
        return None;
    }
    let row = shared.row.lock().unwrap();
    let early = row.scripts.front().is_some_and(|script| script.first() == Some(&Piece::Do(Act::Early)));
    let unscripted = row.scripts.is_empty() && reading::all(&part.fields, "expect").next().is_some();
    (early || unscripted).then_some(*part)
}

/// Answers one message; false if the connection is over.
fn respond(shared: &Shared, connection: &Connection, message: &Message) -> bool {
    let target = String::from_utf8_lossy(&message.first[1]).into_owned();
    let word = target.rsplit('/').next().unwrap_or_default();
    let script = if is_check(word) {
        let length = word.len();
        let text = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{word}");
        vec![Piece::Bytes(text.into_bytes())]
    } else {
        let next = shared.row.lock().unwrap().scripts.pop_front();
        next.unwrap_or_else(|| usual(message))
    };
    connection.seen.lock().unwrap().answered += 1;
    run(shared, connection, &script)
}

/// Is this the last word of the target of a request that looks whether all is well?
pub fn is_check(word: &str) -> bool {
    word.starts_with("same-") || word.starts_with("after-")
}

fn usual(message: &Message) -> Vec<Piece> {
    let mut script = Vec::new();
    if reading::all(&message.fields, "expect").next().is_some() {
        script.push(Piece::Bytes(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()));
        script.push(Piece::Do(Act::Body));
    }
    let length = if message.first[0] == b"HEAD" { OK.len() - 2 } else { OK.len() };
    script.push(Piece::Bytes(OK[..length].to_vec()));
    script
}

/// Runs a script; false if it ended the connection.
fn run(shared: &Shared, connection: &Connection, script: &[Piece]) -> bool {
    let gate = {
        let mut row = shared.row.lock().unwrap();
        row.running += 1;
        row.gate.clone()
    };
    let goes_on = script.iter().all(|piece| step(connection, &gate, piece));
    let mut row = shared.row.lock().unwrap();
    row.running = row.running.saturating_sub(1);
    goes_on
}

fn step(connection: &Connection, gate: &Gate, piece: &Piece) -> bool {
    let mut to = &*connection.stream;
    match piece {
        Piece::Bytes(bytes) => {
            // Nobody may read all of it.
            drop(to.set_write_timeout(Some(Duration::from_secs(5))));
            drop(to.write_all(bytes));
        }
        Piece::Do(Act::Body) => while !is_whole(connection) && receive(connection) {},
        Piece::Do(Act::Answer) => {
            gate.pass();
        }
        Piece::Do(Act::Echo) => {
            connection.seen.lock().unwrap().echoes = true;
            let mut buffer = [0; 4096];
            while let Ok(got @ 1..) = to.read(&mut buffer) {
                connection.seen.lock().unwrap().bytes.extend_from_slice(&buffer[..got]);
                drop(to.write_all(&buffer[..got]));
            }
            connection.seen.lock().unwrap().ended = true;
            return false;
        }
        Piece::Do(Act::Close) => {
            drop(to.shutdown(Shutdown::Write));
            while receive(connection) {}
            return false;
        }
        Piece::Do(Act::Reset) => {
            // The thread ends and closes it, and closing with no time to linger is a reset.
            drop(SockRef::from(to).set_linger(Some(Duration::ZERO)));
            connection.seen.lock().unwrap().ended = true;
            return false;
        }
        Piece::Do(_) => {}
    }
    true
}

/// Is the message that is being answered whole?
fn is_whole(connection: &Connection) -> bool {
    let seen = connection.seen.lock().unwrap();
    reading::requests(&seen.bytes).0.len() >= seen.answered
}
