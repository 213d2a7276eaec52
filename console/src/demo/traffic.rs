//! The demo's clients: real requests to the proxy at a calm, bounded rate; some carry a session, some do not.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// One client: asks for the same path again and again.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    pub(super) path: &'static str,
    /// How long it waits between two requests.
    pub(super) pause: Duration,
    /// Does it keep the session it is given?
    pub(super) keeps_session: bool,
}

/// How long a request may take, and how much of an answer's head is looked at.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: usize = 4096;

impl Visitor {
    /// Visits until the runtime ends.
    pub(super) async fn visit(self, proxy: SocketAddr) {
        let mut session: Option<String> = None;
        loop {
            let asked = timeout(PATIENCE, ask(proxy, self.path, session.as_deref())).await;
            if self.keeps_session
                && let Ok(Ok(Some(given))) = asked
            {
                session = Some(given);
            }
            sleep(self.pause).await;
        }
    }
}

/// One request over a connection of its own; the session that the answer gives, if it gives one.
async fn ask(proxy: SocketAddr, path: &str, session: Option<&str>) -> io::Result<Option<String>> {
    let mut stream = TcpStream::connect(proxy).await?;
    let cookie = session.map_or_else(String::new, |session| format!("Cookie: SID={session}\r\n"));
    let request = format!("GET {path} HTTP/1.1\r\nHost: demo\r\n{cookie}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut start = Vec::new();
    (&mut stream).take(LOOK as u64).read_to_end(&mut start).await?;
    tokio::io::copy(&mut stream, &mut tokio::io::sink()).await?;
    let text = String::from_utf8_lossy(&start);
    let given = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let value = name.eq_ignore_ascii_case("set-cookie").then_some(value.trim())?;
        value.strip_prefix("SID=")?.split(';').next().map(str::to_owned)
    });
    Ok(given)
}
