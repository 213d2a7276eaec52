//! Plays one row: sends what the client sends, lets the member do what it is told, and tells what both saw.
//!
//! Behind every row goes a request on a connection of its own, so that a connection to the member which the row
//! has spoiled shows. Nothing waits for a time to pass unless the proxy falls silent.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

use super::member::is_check;
use super::reading::{self, Framing, Message, Rest};
use super::row::{End, Row};
use super::site::Place;
use super::text::{self, Act, Piece};
use crate::eventually::within;

/// How rows are played.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// How long nothing may happen before it counts as silence.
    pub quiet: Duration,
}

/// An answer as the client got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Got {
    /// Its status.
    pub status: u16,
    /// What there is of its body.
    pub body: Vec<u8>,
    /// Is there visibly less of it than there should be?
    pub broken: bool,
}

/// What was seen of a row.
#[derive(Debug, Clone, Default)]
pub struct Sight {
    /// The whole messages that the member got.
    pub messages: Vec<Message>,
    /// Did it get a part of one?
    pub part: bool,
    /// Was the connection of that part ended?
    pub part_ended: bool,
    /// What it got that is no message, and why that is none.
    pub garbage: Option<String>,
    /// All that the member got.
    pub taken: Vec<u8>,
    /// All that the client got.
    pub given: Vec<u8>,
    /// The answers in it.
    pub answers: Vec<Got>,
    /// Why the rest of it is no answer.
    pub babble: Option<String>,
    /// Did the connection stay open although nothing more happened?
    pub silent: bool,
    /// Was one more request on the same connection answered, if one was sent?
    pub same: Option<bool>,
    /// What was wrong with the request on another connection.
    pub after: Option<String>,
}

/// Plays a row; panics if the proxy cannot be reached.
#[track_caller]
pub fn play(place: &Place, row: &Row, manner: Manner) -> Sight {
    let member = place.member.address().to_string();
    let script = |text: &String| text::pieces(text, &member).expect("rows are checked when they are read");
    let client = script(&row.client);
    place.member.begin(row.answers.iter().map(script).collect());
    let methods: Vec<Vec<u8>> = methods(&text::sent(&client));
    let mut sight = Sight::default();
    let connection = Connection::open(place.front, methods.clone(), manner.quiet);
    let mut last: &[u8] = &[];
    for piece in &client {
        match piece {
            Piece::Bytes(bytes) => last = bytes,
            Piece::Do(Act::Back) => {
                connection.wait(|inbox| inbox.is_over() || inbox.bytes.ends_with(last));
            }
            Piece::Do(_) => {}
        }
        connection.perform(place, piece);
    }
    let finals = row.expected.iter().filter(|it| it.status >= 200).count();
    let enough = |inbox: &Inbox| inbox.is_over() || inbox.finals(&methods) >= finals;
    let wants_more = row.end != End::Closes && connection.wait(enough) && !connection.is_over();
    place.member.proceed();
    // What the member sends late must be there before the next request is.
    within(manner.quiet, || (!place.member.is_busy()).then_some(()));
    if wants_more {
        let same = check_request(place.site.path, &format!("same-{}", row.id));
        connection.send(&same);
        let last = format!("\r\n\r\nsame-{}", row.id);
        connection.wait(|inbox| inbox.is_over() || inbox.bytes.ends_with(last.as_bytes()));
        sight.same = Some(connection.take_back(last.as_bytes()));
    }
    if !connection.wait(Inbox::is_over) {
        sight.silent = true;
        drop(connection.stream.shutdown(Shutdown::Write));
        connection.wait(Inbox::is_over);
    }
    within(manner.quiet, || (!place.member.is_busy()).then_some(()));
    sight.after = after(place, row, manner);
    connection.told(&methods, &mut sight);
    drop(connection);
    within(manner.quiet, || {
        taken(place, &mut sight);
        (!sight.part || sight.part_ended).then_some(())
    });
    sight
}

/// The methods of the requests in what the client sends, as far as they can be told.
fn methods(bytes: &[u8]) -> Vec<Vec<u8>> {
    let (whole, rest) = reading::requests(bytes);
    let mut methods: Vec<Vec<u8>> = whole.into_iter().map(|message| message.first[0].clone()).collect();
    if let Rest::Part(Some(part)) = rest {
        methods.push(part.first[0].clone());
    }
    if methods.is_empty() {
        methods.extend(bytes.split(|byte| *byte == b' ').next().map(<[u8]>::to_vec));
    }
    methods
}

fn check_request(path: &str, word: &str) -> Vec<u8> {
    format!("GET {path}{word} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").into_bytes()
}

/// Asks on a connection of its own; tells what was wrong with the answer.
fn after(place: &Place, row: &Row, manner: Manner) -> Option<String> {
    let word = format!("after-{}", row.id);
    let connection = Connection::open(place.front, vec![b"GET".to_vec()], manner.quiet);
    connection.send(&check_request(place.site.path, &word));
    connection.wait(Inbox::is_over);
    let mut seen = Sight::default();
    connection.told(&[b"GET".to_vec()], &mut seen);
    let right =
        matches!(&seen.answers[..], [Got { status: 200, body, broken: false }] if *body == word.as_bytes());
    (!right || seen.babble.is_some()).then(|| format!("{:?}", String::from_utf8_lossy(&seen.given)))
}

/// What the member got by now.
fn taken(place: &Place, sight: &mut Sight) {
    let after = |message: &Message| {
        let word = message.first[1].rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        is_check(&String::from_utf8_lossy(word))
    };
    (sight.messages, sight.part, sight.part_ended) = (Vec::new(), false, true);
    (sight.garbage, sight.taken) = (None, Vec::new());
    for seen in place.member.seen() {
        let (whole, rest) = reading::requests(&seen.bytes);
        let mut kept = seen.bytes.clone();
        for message in whole.iter().rev().filter(|message| after(message)) {
            kept.drain(message.at.clone());
        }
        sight.taken.extend(kept);
        sight.messages.extend(whole.into_iter().filter(|message| !after(message)));
        match rest {
            _ if seen.echoes => {}
            Rest::Nothing => {}
            Rest::Part(_) => {
                sight.part = true;
                sight.part_ended &= seen.ended;
            }
            Rest::Refused(why) => sight.garbage = Some(why.to_owned()),
        }
    }
}

/// A client's connection, read by a thread of its own.
struct Connection {
    stream: TcpStream,
    inbox: Arc<(Mutex<Inbox>, Condvar)>,
    methods: Vec<Vec<u8>>,
    quiet: Duration,
}

#[derive(Default)]
struct Inbox {
    bytes: Vec<u8>,
    /// Was it closed (true) or reset (false)?
    ended: Option<bool>,
}

impl Inbox {
    fn is_over(&self) -> bool {
        self.ended.is_some()
    }

    fn answers(&self, methods: &[Vec<u8>]) -> Vec<Message> {
        reading::answers(&self.bytes, methods, self.ended.is_some()).0
    }

    /// How many whole answers there are, interim ones apart.
    fn finals(&self, methods: &[Vec<u8>]) -> usize {
        let is_final = |message: &&Message| message.first[1][0] != b'1' || message.first[1] == b"101";
        self.answers(methods).iter().filter(is_final).count()
    }
}

impl Connection {
    #[track_caller]
    fn open(to: SocketAddr, methods: Vec<Vec<u8>>, quiet: Duration) -> Self {
        let stream = TcpStream::connect(to).unwrap();
        drop(stream.set_nodelay(true));
        drop(stream.set_write_timeout(Some(quiet)));
        let inbox = Arc::<(Mutex<Inbox>, Condvar)>::default();
        let (reading, mut from) = (Arc::clone(&inbox), stream.try_clone().unwrap());
        thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            loop {
                let got = from.read(&mut buffer);
                let mut inbox = reading.0.lock().unwrap();
                match got {
                    Ok(0) => inbox.ended = Some(true),
                    Ok(got) => inbox.bytes.extend_from_slice(&buffer[..got]),
                    Err(_) => inbox.ended = Some(false),
                }
                reading.1.notify_all();
                if inbox.ended.is_some() {
                    return;
                }
            }
        });
        Self { stream, inbox, methods, quiet }
    }

    /// Waits until `holds`, or nothing came for so long that nothing will.
    fn wait(&self, holds: impl Fn(&Inbox) -> bool) -> bool {
        let mut inbox = self.inbox.0.lock().unwrap();
        while !holds(&inbox) {
            let (next, timed_out) = self.inbox.1.wait_timeout(inbox, self.quiet).unwrap();
            inbox = next;
            if timed_out.timed_out() {
                return holds(&inbox);
            }
        }
        true
    }

    fn is_over(&self) -> bool {
        self.inbox.0.lock().unwrap().is_over()
    }

    fn send(&self, bytes: &[u8]) {
        // The other end may refuse before it has read all.
        drop((&self.stream).write_all(bytes));
    }

    fn perform(&self, place: &Place, piece: &Piece) {
        match piece {
            Piece::Bytes(bytes) => self.send(bytes),
            Piece::Do(Act::Seen) => {
                let begun = || place.member.seen().iter().any(|seen| ends_a_head(&seen.bytes)).then_some(());
                within(self.quiet, begun);
            }
            Piece::Do(Act::Answer) => {
                let before = self.inbox.0.lock().unwrap().finals(&self.methods);
                self.wait(|inbox| inbox.is_over() || inbox.finals(&self.methods) > before);
                place.member.proceed();
            }
            Piece::Do(Act::Continue) => {
                let interim = |message: &Message| message.first[1] == b"100";
                self.wait(|inbox| inbox.is_over() || inbox.answers(&self.methods).iter().any(interim));
            }
            Piece::Do(Act::Close) => drop(self.stream.shutdown(Shutdown::Write)),
            Piece::Do(Act::Reset) => {
                drop(SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)));
                drop(self.stream.shutdown(Shutdown::Both));
            }
            Piece::Do(_) => {}
        }
    }

    /// Removes the answer that ends so from what came; false if that is not the end.
    fn take_back(&self, last: &[u8]) -> bool {
        let mut inbox = self.inbox.0.lock().unwrap();
        if !inbox.bytes.ends_with(last) {
            return false;
        }
        let status = inbox.bytes.windows(9).rposition(|bytes| bytes == b"HTTP/1.1 " || bytes == b"HTTP/1.0 ");
        inbox.bytes.truncate(status.unwrap_or_default());
        true
    }

    /// What came.
    fn told(&self, methods: &[Vec<u8>], sight: &mut Sight) {
        let inbox = self.inbox.0.lock().unwrap();
        sight.given.clone_from(&inbox.bytes);
        let (whole, rest) = reading::answers(&inbox.bytes, methods, inbox.ended.is_some());
        let was_reset = inbox.ended == Some(false);
        for message in whole {
            let broken = message.framing == Framing::Close && was_reset;
            sight.answers.push(got(&message, broken));
        }
        match rest {
            Rest::Nothing => {}
            Rest::Part(Some(part)) => sight.answers.push(got(&part, true)),
            Rest::Part(None) => sight.babble = Some("a part of a head".to_owned()),
            Rest::Refused(why) => sight.babble = Some(why.to_owned()),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Ends the thread that reads, too.
        drop(self.stream.shutdown(Shutdown::Both));
    }
}

fn got(message: &Message, broken: bool) -> Got {
    let status = String::from_utf8_lossy(&message.first[1]).parse().unwrap_or_default();
    Got { status, body: message.body.clone(), broken }
}

fn ends_a_head(bytes: &[u8]) -> bool {
    bytes.windows(4).any(|window| window == b"\r\n\r\n")
}
