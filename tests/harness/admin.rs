//! The admin interface as a client sees it: typed calls, raw bytes for what no client should send, and the
//! stream of events.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use evenkeel_protocol::{Call, Event, Refusal};
use serde::de::DeserializeOwned;

use crate::eventually::{eventually, patience};
use crate::wire::{Framing, Head, read_body, read_chunk};

/// The most events that a follower keeps.
const KEPT: usize = 10_000;

/// The admin socket of a proxy.
#[derive(Debug, Clone)]
pub struct Admin {
    socket: PathBuf,
}

/// An answer as it came.
#[derive(Debug, Clone)]
pub struct Told {
    /// Its status.
    pub status: u16,
    /// Its head.
    pub head: Head,
    /// Its body.
    pub body: String,
}

impl Told {
    /// The message of a good answer.
    #[track_caller]
    pub fn message<T: DeserializeOwned>(&self) -> T {
        assert_eq!(self.status, 200, "{}", self.body);
        serde_json::from_str(&self.body).unwrap_or_else(|why| panic!("{why} in {}", self.body))
    }

    /// The refusal in a bad answer; its status must be that of its code.
    #[track_caller]
    pub fn refusal(&self) -> Refusal {
        assert_ne!(self.status, 200, "was not refused: {}", self.body);
        let refusal: Refusal =
            serde_json::from_str(&self.body).unwrap_or_else(|why| panic!("{why} in {}", self.body));
        assert_eq!(refusal.code.http_status(), self.status, "{refusal:?}");
        refusal
    }
}

impl Admin {
    /// The interface behind that socket.
    pub fn at(socket: &Path) -> Self {
        Self { socket: socket.to_owned() }
    }

    /// The path of the socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// A connection, with time limits on both directions.
    pub fn connect(&self) -> io::Result<UnixStream> {
        let stream = UnixStream::connect(&self.socket)?;
        stream.set_read_timeout(Some(patience()))?;
        stream.set_write_timeout(Some(patience()))?;
        Ok(stream)
    }

    /// Sends bytes as they are and reads one answer.
    pub fn raw(&self, bytes: &[u8]) -> io::Result<Told> {
        let mut stream = self.connect()?;
        // A refusal may come before all is sent.
        drop(stream.write_all(bytes));
        let mut from = BufReader::new(stream);
        let head = Head::read(&mut from)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let method = String::from_utf8_lossy(bytes.split(|byte| *byte == b' ').next().unwrap_or_default());
        let body = read_body(&mut from, Framing::of_answer(&head, &method))?;
        let status = head.word(1).parse().map_err(|_| io::ErrorKind::InvalidData)?;
        Ok(Told { status, head, body: String::from_utf8_lossy(&body).into_owned() })
    }

    /// Asks with this method and path, and this text as JSON.
    pub fn try_ask(&self, method: &str, path: &str, json: &str) -> io::Result<Told> {
        let length = json.len();
        let kind = if json.is_empty() { "" } else { "Content-Type: application/json\r\n" };
        self.raw(
            format!(
                "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{kind}Content-Length: {length}\r\n\r\n{json}"
            )
            .as_bytes(),
        )
    }

    /// As [`Self::try_ask`]; panics if nothing answers.
    #[track_caller]
    pub fn ask(&self, method: &str, path: &str, json: &str) -> Told {
        self.try_ask(method, path, json).unwrap_or_else(|why| panic!("{method} {path}: {why}"))
    }

    /// Asks a call that takes no message.
    #[track_caller]
    pub fn get<T: DeserializeOwned>(&self, call: &Call) -> T {
        self.ask(call.method(), &call.path(), "").message()
    }

    /// The events there are after a number.
    #[track_caller]
    pub fn events(&self, since: u64) -> Vec<Event> {
        let call = Call::Events { since: Some(since), follow: false };
        let told = self.ask(call.method(), &call.path(), "");
        assert_eq!(told.status, 200, "{}", told.body);
        told.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Follows the events after a number, or those that come.
    #[track_caller]
    pub fn follow(&self, since: Option<u64>) -> Follower {
        let call = Call::Events { since, follow: true };
        let mut stream = self.connect().unwrap();
        stream.set_read_timeout(None).unwrap();
        write!(stream, "GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", call.path()).unwrap();
        let mut from = BufReader::new(stream.try_clone().unwrap());
        let head = Head::read(&mut from).unwrap().expect("an answer");
        assert_eq!(head.word(1), "200", "{head:?}");
        let events = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&events);
        let reading = thread::spawn(move || drop(keep(from, Framing::of_answer(&head, "GET"), &kept)));
        Follower { stream, events, reading }
    }
}

/// Reads events line by line until the stream ends.
fn keep(mut from: impl BufRead, framing: Framing, kept: &Mutex<Vec<Event>>) -> io::Result<()> {
    let mut text = Vec::new();
    loop {
        let more = match framing {
            Framing::Chunked => read_chunk(&mut from, &mut text)?,
            _ => from.read_until(b'\n', &mut text)? > 0,
        };
        while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = text.drain(..=end).collect();
            // Blank lines keep a quiet stream alive.
            if let Ok(event) = serde_json::from_slice(&line) {
                let mut kept = kept.lock().unwrap();
                if kept.len() < KEPT {
                    kept.push(event);
                }
            }
        }
        if !more {
            return Ok(());
        }
    }
}

/// Reads the stream of events until it is dropped.
#[derive(Debug)]
pub struct Follower {
    stream: UnixStream,
    events: Arc<Mutex<Vec<Event>>>,
    reading: JoinHandle<()>,
}

impl Follower {
    /// What was heard so far.
    pub fn heard(&self) -> Vec<Event> {
        self.events.lock().unwrap().clone()
    }

    /// Has the stream ended?
    pub fn is_over(&self) -> bool {
        self.reading.is_finished()
    }

    /// Waits for an event that fits.
    #[track_caller]
    pub fn wait_for(&self, what: &str, fits: impl Fn(&Event) -> bool) -> Event {
        eventually(what, || self.heard().into_iter().find(|event| fits(event)))
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        drop(self.stream.shutdown(std::net::Shutdown::Both));
    }
}
