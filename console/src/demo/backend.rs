//! The demo's origin servers: real sockets, small honest HTTP/1.1, answers of varying size after varying time.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

/// How one origin server behaves.
#[derive(Debug, Clone)]
pub(super) struct Backend {
    /// What it calls itself in its answers, and its route.
    pub(super) name: &'static str,
    /// How long it thinks.
    pub(super) thinks: Duration,
    /// Bytes of its smallest answer; every seventh is thirty times as long.
    pub(super) bytes: usize,
}

/// The longest head and body it reads, and how long it waits for them.
const LONGEST_HEAD: u64 = 16 * 1024;
const LONGEST_BODY: u64 = 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(60);

impl Backend {
    /// Listens on a port of the system's choice and serves until the runtime ends.
    pub(super) async fn start(self) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let backend = self.clone();
                tokio::spawn(async move {
                    // The proxy closes idle connections at its will.
                    let _ = backend.serve(stream).await;
                });
            }
        });
        Ok(address)
    }

    async fn serve(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut stream = BufReader::new(stream);
        let mut answered = 0_usize;
        while let Ok(head) = timeout(PATIENCE, read_head(&mut stream)).await? {
            let Some(head) = head else { return Ok(()) };
            let mut body = (&mut stream).take(head.body.min(LONGEST_BODY));
            tokio::io::copy(&mut body, &mut tokio::io::sink()).await?;
            sleep(self.thinks).await;
            answered += 1;
            let length = if answered.is_multiple_of(7) { 30 * self.bytes } else { self.bytes };
            let cookie = if head.has_cookie {
                String::new()
            } else {
                format!("Set-Cookie: SID=demo{answered}.{}; Path=/\r\n", self.name)
            };
            let mut answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n{cookie}Content-Length: {length}\r\n\r\n"
            )
            .into_bytes();
            answer.resize(answer.len() + length, b'.');
            stream.write_all(&answer).await?;
        }
        Ok(())
    }
}

struct Head {
    body: u64,
    has_cookie: bool,
}

/// The head of the next request; none if there is no next one.
async fn read_head(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Head>> {
    let mut head = Head { body: 0, has_cookie: false };
    let mut lines = stream.take(LONGEST_HEAD);
    let mut line = String::new();
    loop {
        line.clear();
        if lines.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let text = line.trim_end();
        if text.is_empty() {
            return Ok(Some(head));
        }
        if let Some((name, value)) = text.split_once(':') {
            match name.to_ascii_lowercase().as_str() {
                "content-length" => head.body = value.trim().parse().unwrap_or(0),
                "cookie" => head.has_cookie |= value.contains("SID="),
                _ => {}
            }
        }
    }
}
