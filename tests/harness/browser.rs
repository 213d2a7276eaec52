//! Clients: one with cookies that counts who answered, and bare sockets for what no browser does.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::eventually::patience;
use crate::proxy::Proxy;
use crate::wire::{Framing, Head, read_body};

/// A client with a jar of cookies and at most one connection.
#[derive(Debug, Default)]
pub struct Browser {
    cookies: BTreeMap<String, String>,
    headers: Vec<(String, String)>,
    keep_alive: bool,
    connection: Option<(SocketAddr, BufReader<TcpStream>)>,
}

/// An answer that reached a client.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its head.
    pub head: Head,
    /// Its body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The name of the backend, or the status in brackets if none has answered.
    pub fn answered_by(&self) -> String {
        self.head.header("x-answered-by").map_or_else(|| format!("[{}]", self.status), str::to_owned)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A client without cookies that opens a connection for each request.
pub fn browser() -> Browser {
    Browser::default()
}

/// Asks for `/` that many times, each time over a new connection, and joins the names of those who answered.
#[track_caller]
pub fn visits(proxy: &Proxy, count: usize) -> String {
    browser().visits(proxy, "/", count)
}

impl Browser {
    /// With a cookie.
    #[must_use]
    pub fn cookie(mut self, name: &str, value: &str) -> Self {
        self.cookies.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With a header on each request.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With one connection for all requests.
    #[must_use]
    pub fn keep_alive(mut self) -> Self {
        self.keep_alive = true;
        self
    }

    /// Asks for a target; panics if no whole answer comes.
    #[track_caller]
    pub fn get(&mut self, proxy: &Proxy, target: &str) -> Answer {
        self.send(proxy, "GET", target, b"")
    }

    /// Asks for a target that many times, and joins the names of those who answered.
    #[track_caller]
    pub fn visits(&mut self, proxy: &Proxy, target: &str, count: usize) -> String {
        (0..count).map(|_| self.get(proxy, target).answered_by()).collect()
    }

    /// Sends a request; panics if no whole answer comes.
    #[track_caller]
    pub fn send(&mut self, proxy: &Proxy, method: &str, target: &str, body: &[u8]) -> Answer {
        self.try_send(proxy.address(), method, target, body)
            .unwrap_or_else(|why| panic!("{method} {target}: {why}\n{}", proxy.log()))
    }

    /// Sends a request.
    pub fn try_send(
        &mut self,
        to: SocketAddr,
        method: &str,
        target: &str,
        body: &[u8],
    ) -> io::Result<Answer> {
        let request = self.render(to, method, target, body);
        let mut connection = match self.connection.take() {
            Some((address, connection)) if address == to => connection,
            _ => BufReader::new(connect(to)?),
        };
        connection.get_mut().write_all(&request)?;
        let answer = read_answer(&mut connection, method)?;
        for cookie in answer.head.all("set-cookie") {
            if let Some((name, value)) = cookie.split(';').next().and_then(|pair| pair.split_once('=')) {
                self.cookies.insert(name.trim().to_owned(), value.trim().to_owned());
            }
        }
        if self.keep_alive && !answer.head.nominates("close") {
            self.connection = Some((to, connection));
        }
        Ok(answer)
    }

    /// As [`Self::try_send`], with more fields on this request alone.
    pub fn try_send_with(
        &mut self,
        to: SocketAddr,
        (method, target): (&str, &str),
        fields: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Answer> {
        let always = self.headers.len();
        self.headers.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let outcome = self.try_send(to, method, target, body);
        self.headers.truncate(always);
        outcome
    }

    fn render(&self, to: SocketAddr, method: &str, target: &str, body: &[u8]) -> Vec<u8> {
        let mut head = format!("{method} {target} HTTP/1.1\r\n");
        let mut add = |name: &str, value: &str| head.extend([name, ": ", value, "\r\n"]);
        if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            add("Host", &to.to_string());
        }
        if !self.cookies.is_empty() {
            let cookies: Vec<String> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            add("Cookie", &cookies.join("; "));
        }
        for (name, value) in &self.headers {
            add(name, value);
        }
        if !self.keep_alive && !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("connection")) {
            add("Connection", "close");
        }
        if !body.is_empty() || method == "POST" {
            add("Content-Length", &body.len().to_string());
        }
        [head.as_bytes(), b"\r\n", body].concat()
    }
}

/// A bare connection, with time limits on both directions.
pub fn connect(to: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(to)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(patience()))?;
    stream.set_write_timeout(Some(patience()))?;
    Ok(stream)
}

/// Reads the final answer to a request with this method; those with a status of 1xx are skipped.
pub fn read_answer(from: &mut impl BufRead, method: &str) -> io::Result<Answer> {
    loop {
        let head = Head::read(from)?.ok_or_else(|| {
            io::Error::new(io::ErrorKind::UnexpectedEof, "the connection was closed without an answer")
        })?;
        let status = head.word(1).parse().map_err(|_| {
            io::Error::new(io::ErrorKind::InvalidData, format!("no status line: {:?}", head.first))
        })?;
        if (100..200).contains(&status) && status != 101 {
            continue;
        }
        let body = read_body(from, Framing::of_answer(&head, method))?;
        return Ok(Answer { status, head, body });
    }
}

/// Sends bytes as they are and reads until the other end closes or falls silent.
pub fn raw(to: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = connect(to).unwrap();
    // The other end may refuse before it has read all.
    drop(stream.write_all(bytes));
    let mut seen = Vec::new();
    drop(stream.read_to_end(&mut seen));
    seen
}

/// Where a client gives up, in the order of a request's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Connected, nothing sent.
    Connected,
    /// In the middle of the head.
    InHead,
    /// In the middle of the request's body.
    InRequestBody,
    /// All sent, no answer yet.
    Waiting,
    /// The head of the answer is there.
    AnswerBegun,
    /// In the middle of the answer's body.
    InAnswerBody,
}

impl Stage {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Connected,
        Self::InHead,
        Self::InRequestBody,
        Self::Waiting,
        Self::AnswerBegun,
        Self::InAnswerBody,
    ];
}

impl Stage {
    /// Does a request that got so far hold a member?
    pub fn holds_a_member(self) -> bool {
        !matches!(self, Self::Connected | Self::InHead)
    }
}

/// Goes through a request for `target` up to a stage. Dropping what is returned is the abort.
pub fn up_to(stage: Stage, to: SocketAddr, target: &str) -> io::Result<TcpStream> {
    let mut stream = connect(to)?;
    let lines = match stage {
        Stage::Connected => String::new(),
        Stage::InHead => format!("GET {target} HTTP/1.1\r\nHost: x\r\nX-Ha"),
        Stage::InRequestBody => {
            format!("POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nonly this")
        }
        Stage::Waiting | Stage::AnswerBegun | Stage::InAnswerBody => {
            format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n")
        }
    };
    stream.write_all(lines.as_bytes())?;
    let mut begin = [0; 16];
    match stage {
        Stage::AnswerBegun => stream.read_exact(&mut begin)?,
        Stage::InAnswerBody => {
            let mut from = BufReader::new(stream.try_clone()?);
            Head::read(&mut from)?;
            from.read_exact(&mut begin)?;
        }
        _ => {}
    }
    Ok(stream)
}
