//! A tiny proxy for tests: answers each request on a socket of its own by a script, well or badly.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel_protocol::{Drain, DrainAnswer, DrainOutcome, Edited, Hello, Snapshot};
use serde::Serialize;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::interval;

use super::{Client, Limits};

/// The largest answer that clients of [`Scripted`] take.
pub(crate) const LARGEST: usize = 100_000;
/// The longest line that they take.
pub(crate) const LONGEST_LINE: usize = 2_000;

/// Short waits and small sizes.
pub(crate) fn limits() -> Limits {
    Limits {
        connect: Duration::from_millis(700),
        answer: Duration::from_millis(700),
        largest_answer: LARGEST,
        longest_line: LONGEST_LINE,
    }
}

/// What was asked.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) body: String,
}

/// What the proxy does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Sends the pieces, then ends as told.
    Send(Vec<Vec<u8>>, Ending),
    /// Takes the request and says nothing.
    Hang,
}

/// What comes after the pieces.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ending {
    /// The last chunk of a stream, then the connection is closed.
    LastChunk,
    /// The connection is closed.
    Close,
    /// Nothing.
    Hang,
    /// Blank lines of a stream without end, each soon enough after the one before.
    Trickle,
}

impl Act {
    pub(crate) fn raw(pieces: &[&[u8]]) -> Self {
        Self::Send(pieces.iter().map(|piece| piece.to_vec()).collect(), Ending::Close)
    }

    pub(crate) fn json(message: &impl Serialize) -> Self {
        Self::refuse(200, &serde_json::to_string(message).unwrap())
    }

    pub(crate) fn refuse(status: u16, body: &str) -> Self {
        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        Self::raw(&[head.as_bytes()])
    }

    /// A stream of these pieces, each a chunk.
    pub(crate) fn chunked(pieces: &[Vec<u8>]) -> Self {
        let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        let chunks = pieces.iter().map(|piece| {
            let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
            chunk.extend_from_slice(piece);
            chunk.extend_from_slice(b"\r\n");
            chunk
        });
        Self::Send([head].into_iter().chain(chunks).collect(), Ending::LastChunk)
    }

    /// A stream of these lines.
    pub(crate) fn stream(lines: &[String]) -> Self {
        Self::chunked(&lines.iter().map(|line| format!("{line}\n").into_bytes()).collect::<Vec<_>>())
    }

    pub(crate) fn then_hang(self) -> Self {
        self.ending(Ending::Hang)
    }

    pub(crate) fn then_break(self) -> Self {
        self.ending(Ending::Close)
    }

    pub(crate) fn then_trickle(self) -> Self {
        self.ending(Ending::Trickle)
    }

    fn ending(self, ending: Ending) -> Self {
        match self {
            Self::Send(pieces, _) => Self::Send(pieces, ending),
            Self::Hang => Self::Hang,
        }
    }
}

/// The proxy; gone when dropped.
pub(crate) struct Scripted {
    folder: TempDir,
    requests: Arc<Mutex<Vec<Request>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Scripted {
    pub(crate) fn start(script: impl Fn(&Request) -> Act + Send + Sync + 'static) -> Self {
        let folder = TempDir::new().unwrap();
        let run = folder.path().join("site-000000");
        fs::create_dir(&run).unwrap();
        let listener = UnixListener::bind(run.join("admin.sock")).unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (script, noted) = (Arc::new(script), Arc::clone(&requests));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, noted) = (Arc::clone(&script), Arc::clone(&noted));
                tokio::spawn(serve(stream, move |request| {
                    noted.lock().unwrap().push(request.clone());
                    script(&request)
                }));
            }
        });
        Self { folder, requests, task }
    }

    /// The folder in which a search finds it.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder().join("site-000000/admin.sock")
    }

    pub(crate) fn client(&self) -> Client {
        Client::with_limits(&self.socket(), limits()).unwrap()
    }

    /// How often that method or target was asked for.
    pub(crate) fn asked(&self, what: &str) -> usize {
        self.requests().iter().filter(|request| request.method == what || request.target == what).count()
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(mut stream: UnixStream, script: impl Fn(Request) -> Act) {
    let Some(request) = read(&mut stream).await else { return };
    let ending = match script(request) {
        Act::Hang => Ending::Hang,
        Act::Send(pieces, ending) => {
            for piece in pieces {
                if stream.write_all(&piece).await.is_err() {
                    return;
                }
                // Lets the reader see this piece by itself.
                tokio::task::yield_now().await;
            }
            ending
        }
    };
    match ending {
        Ending::Close => {}
        // A failure to say so is the reader's to find.
        Ending::LastChunk => drop(stream.write_all(b"0\r\n\r\n").await),
        // Until the other side has gone.
        Ending::Hang => drop(stream.read(&mut [0; 16]).await),
        Ending::Trickle => {
            let mut pace = interval(limits().answer / 10);
            while stream.write_all(b"1\r\n\n\r\n").await.is_ok() {
                pace.tick().await;
            }
        }
    }
}

async fn read(stream: &mut UnixStream) -> Option<Request> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok()
                })
                .unwrap_or_default();
            if body.len() >= length {
                let mut words = head.split(' ');
                let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
                return Some(Request { method, target, body: body.to_owned() });
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// `future`, which must not take long.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it took too long")
}

pub(crate) fn hello() -> Hello {
    serde_json::from_value(json!({
        "product": "evenkeel-proxy", "version": "0.1.0", "interface": 1, "pid": 7,
        "configuration": "/etc/site.conf", "listen": ["127.0.0.1:8080"], "started": 1_000_000,
    }))
    .unwrap()
}

/// The answer to an order to drain, with that edit.
pub(crate) fn drain_answer(edited: Edited) -> DrainAnswer {
    let changed = edited.changed;
    DrainAnswer { changed, changes: Vec::new(), drain: drain(None), edited: Some(edited) }
}

/// The drain of `app/a`, which runs or ended so.
pub(crate) fn drain(outcome: Option<DrainOutcome>) -> Drain {
    let phase = if outcome.is_some() { "done" } else { "requests" };
    serde_json::from_value(json!({
        "number": 3, "balancer": "app", "member": "http://127.0.0.1:9001", "route": "a", "phase": phase,
        "outcome": outcome, "began": 90_000_000, "ended": outcome.map(|_| 95_000_000), "until": "idle",
        "timeout": "10m", "settle": "5s", "on_timeout": "fail", "deadline": null, "left_ms": 420_000, "by": null,
        "reason": null, "busy": {"requests": 1, "streaming": 0, "upgraded": 0}, "quiet_ms": null,
        "sessions": {"known": "unknown", "live": null, "claimed": null, "last_seen": null, "unknown_until": null,
                     "window_ms": null, "departing": null},
        "estimate_ms": null, "safe_to_stop": false, "why": "1 request is in flight", "advice": null, "durable": true,
    }))
    .unwrap()
}

/// Two balancers: `app` with a member of route `a` and one of route `b` that is in error; `api` with one member.
pub(crate) fn snapshot(event: u64) -> Snapshot {
    let member = |name: &str, route: &str| {
        json!({
            "name": name, "revision": 2, "route": route, "redirect": "", "lbfactor": 1.0, "lbset": 0,
            "status": "O", "words": "Init Ok", "usable": true, "elected": 10, "served": 10, "failed": 0,
            "busy": 1, "lbstatus": -50, "transferred": 115, "read": 101_420, "retry": 60, "retries": 0,
            "error": null,
        })
    };
    let mut failed = member("http://127.0.0.1:9002", "b");
    failed["status"] = json!("OE");
    failed["words"] = json!("Init Err");
    failed["usable"] = json!(false);
    failed["error"] = json!({"reason": "connection refused", "at": 83_000_000, "retry_at": 143_000_000});
    let settings = |sticky: Option<&str>| {
        json!({
            "lbmethod": "byrequests", "stickysession": sticky, "stickysessionsep": ".", "scolonpathdelim": false,
            "nofailover": false, "timeout": 0, "maxattempts": null, "failonstatus": [], "failontimeout": false,
            "forcerecovery": true,
        })
    };
    serde_json::from_value(json!({
        "proxy": hello(), "taken": 100_000_000, "event": event,
        "balancers": [
            {"name": "app", "revision": 1, "settings": settings(Some("SID")), "paths": ["/app"],
             "members": [member("http://127.0.0.1:9001", "a"), failed]},
            {"name": "api", "revision": 1, "settings": settings(None), "paths": ["/api", "/v2"],
             "members": [member("http://127.0.0.1:9003", "")]},
        ],
    }))
    .unwrap()
}

/// One line of the event stream.
pub(crate) fn event(number: u64) -> String {
    json!({"number": number, "at": 1_000_000, "event": "member_recovered", "balancer": "app", "member": "http://127.0.0.1:9002"})
        .to_string()
}

/// A drain that was accepted.
pub(crate) fn edited() -> Edited {
    serde_json::from_value(json!({
        "balancer": "app", "member": "http://127.0.0.1:9001", "changed": true,
        "changes": [{"field": "drain", "before": "Off", "after": "On"}],
        "revision": 3, "event": 8, "durable": true, "notes": [],
    }))
    .unwrap()
}
