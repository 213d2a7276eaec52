//! `member NAME ADDRESS FILE`: an application as a process of its own, which remembers the sessions that it gave and
//! can be killed. It writes its process number into FILE once it listens.
//!
//! `/login` gives a session by the cookie `SID`, with its name as the route; any other path tells whether the session
//! of the request is known: 200, or 410 if it was lost. A client without a session is served.

use std::collections::HashSet;
use std::io::{self, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use harness::wire::{Framing, Head, read_body};

#[derive(Debug)]
struct Application {
    name: String,
    given: AtomicU64,
    sessions: Mutex<HashSet<String>>,
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, address, file] = &arguments[..] else { anyhow::bail!("member NAME ADDRESS FILE") };
    let listener = TcpListener::bind(address)?;
    std::fs::write(format!("{file}.next"), std::process::id().to_string())?;
    std::fs::rename(format!("{file}.next"), file)?;
    let (given, sessions) = (AtomicU64::new(0), Mutex::default());
    let application = Arc::new(Application { name: name.clone(), given, sessions });
    for stream in listener.incoming() {
        let (application, stream) = (Arc::clone(&application), stream?);
        // A proxy that lets go of a connection is no error.
        std::thread::spawn(move || drop(application.converse(&stream)));
    }
    Ok(())
}

impl Application {
    fn converse(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut from = BufReader::new(stream);
        while let Some(head) = Head::read(&mut from)? {
            read_body(&mut from, Framing::of_request(&head))?;
            let (status, cookie) = self.serve(&head);
            let (mut to, name) = (stream, &self.name);
            let size = name.len();
            to.write_all(
                format!(
                    "HTTP/1.1 {status} X\r\nX-Answered-By: {name}\r\n{cookie}Content-Length: {size}\r\n\r\n{name}"
                )
                .as_bytes(),
            )?;
        }
        Ok(())
    }

    /// The status, and the line of a new session.
    fn serve(&self, head: &Head) -> (u16, String) {
        if head.word(1) == "/login" {
            // Another process of this name gives others.
            let number = self.given.fetch_add(1, Ordering::Relaxed);
            let session = format!("{}-{number}.{}", std::process::id(), self.name);
            self.sessions.lock().unwrap().insert(session.clone());
            return (200, format!("Set-Cookie: SID={session}; Path=/\r\n"));
        }
        let mut cookies = head.all("cookie").flat_map(|line| line.split("; "));
        let session = cookies.find_map(|pair| pair.strip_prefix("SID="));
        let known = session.is_none_or(|session| self.sessions.lock().unwrap().contains(session));
        (if known { 200 } else { 410 }, String::new())
    }
}
