//! Pages as httpd writes them, in words of our own, and a server that answers with whatever a test wants.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::Access;
use crate::client::{Client, Place, scripted};

/// One member of a page.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) url: String,
    pub(super) route: &'static str,
    pub(super) words: String,
    pub(super) elected: u64,
    pub(super) busy: u64,
    pub(super) set: u8,
}

/// What a page shows.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub(super) version: &'static str,
    pub(super) nonce: String,
    pub(super) rows: Vec<Row>,
    /// Is there a health check module?
    pub(super) checks: bool,
    pub(super) persists: bool,
    /// Is there room for another member?
    pub(super) room: bool,
}

impl Shown {
    pub(super) fn new(urls: &[&str]) -> Self {
        let row = |(at, url): (usize, &&str)| Row {
            url: (*url).to_owned(),
            route: ["a", "b", "c"].get(at).copied().unwrap_or(""),
            words: "Init Ok ".to_owned(),
            elected: 10,
            busy: 0,
            set: 0,
        };
        Self {
            version: "Apache/2.4.62 (Unix)",
            nonce: "6f1c0a".to_owned(),
            rows: urls.iter().enumerate().map(row).collect(),
            checks: true,
            persists: false,
            room: false,
        }
    }

    /// The page of `app`, and with `form` the form of a member.
    pub(super) fn page(&self, form: bool) -> Vec<u8> {
        let mut out = format!(
            "<html><head><title>Balancer Manager</title></head>\n<body><h1>Load Balancer Manager for lb1</h1>\n\n\
             <dl><dt>Server Version: {}</dt>\n<dt>Server Built: now</dt>\n<dt>Balancer changes will {}be persisted on \
             restart.</dt></dl>\n<hr />\n<h3>LoadBalancer Status for <a href=\"/bm?b=app&amp;nonce={}\">balancer://app</a> \
             [p1_app]</h3>\n\n<table><tr><th>MaxMembers</th><th>StickySession</th><th>DisableFailover</th>\
             <th>Timeout</th><th>FailoverAttempts</th><th>Method</th><th>Path</th><th>Active</th></tr>\n<tr>\
             <td>2 [2 Used]</td>\n<td>S | s</td><td>Off</td>\n<td>0</td><td>1</td>\n<td>byrequests</td>\n\
             <td>/app</td>\n<td>Yes</td>\n</table>\n<br />\n\n<table><tr><th>Worker URL</th><th>Route</th>\
             <th>RouteRedir</th><th>Factor</th><th>Set</th><th>Status</th><th>Elected</th><th>Busy</th><th>Load</th>\
             <th>To</th><th>From</th>{}</tr>\n",
            self.version,
            if self.persists { "" } else { "NOT " },
            self.nonce,
            if self.checks {
                "<th>HC Method</th><th>HC Interval</th><th>Passes</th><th>Fails</th><th>HC uri</th><th>HC Expr</th>"
            } else {
                ""
            },
        );
        for row in &self.rows {
            let Row { url, route, words, elected, busy, set } = row;
            let checks = if self.checks {
                "<td>TCP</td><td>500ms</td><td>2 (1)</td><td>3 (0)</td><td></td><td>"
            } else {
                ""
            };
            let _ = write!(
                out,
                "<tr>\n<td><a href=\"/bm?b=app&amp;w={url}&amp;nonce={}\">{url}</a></td><td>{route}</td><td></td>\
                 <td>1.00</td><td>{set}</td><td>{words}</td><td>{elected}</td><td>{busy}</td><td>-50</td><td>1.3K</td>\
                 <td> 99K</td>{checks}</td></tr>\n",
                self.nonce
            );
        }
        out.push_str("</table>\n<hr />\n");
        if form {
            out.push_str(
                "<form method='POST' action='/bm'>\n<table><tr><td>Load factor:</td><td><input name='w_lf' value='1.00'></td>\
                 </tr>\n<tr><td>LB Set:</td><td><input name='w_ls'></td></tr>\n<tr><td>Route:</td><td><input name='w_wr'>\
                 </td></tr>\n</table>",
            );
            for name in ["I", "N", "D", "H", "R", "S"] {
                let _ = write!(out, "<input name='w_status_{name}' value='1' type=radio>");
            }
            if self.room {
                out.push_str("<input name='b_nwrkr'><input name='b_wyes' type=checkbox value='1'>");
            }
            out.push_str("</form>");
        }
        out.push_str("</body></html>\n");
        out.into_bytes()
    }
}

/// A request: method, target, body.
pub(super) type Asked = (String, String, String);

/// How a request is answered.
pub(super) enum Act {
    /// With 200 and this page.
    Page(Vec<u8>),
    /// With these bytes, whatever they are.
    Raw(Vec<u8>),
    /// Not at all.
    Hang,
}

/// A server on the loopback; it ends with the test.
pub(super) struct Server {
    address: std::net::SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    pub(super) async fn start(answer: impl Fn(&Asked) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (seen, answer) = (Arc::clone(&asked), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                tokio::spawn(async move {
                    let Some(request) = read(&mut stream).await else { return };
                    seen.lock().unwrap().push(request.clone());
                    let bytes = match answer(&request) {
                        Act::Page(page) => {
                            let head = format!(
                                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n",
                                page.len()
                            );
                            [head.into_bytes(), page].concat()
                        }
                        Act::Raw(bytes) => bytes,
                        Act::Hang => return std::future::pending().await,
                    };
                    let _ = stream.write_all(&bytes).await;
                });
            }
        });
        Self { address, asked }
    }

    /// A client of it.
    pub(super) fn client(&self) -> Client {
        let (access, _) = Access::new(&format!("http://{}/bm", self.address)).unwrap();
        Client::of(&Place::Apache(Box::new(access)), scripted::limits()).unwrap()
    }

    /// The bodies that were posted.
    pub(super) fn posted(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|(method, ..)| method == "POST").map(|(.., body)| body.clone()).collect()
    }
}

async fn read(stream: &mut tokio::net::TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("content-length: ").and_then(|it| it.parse().ok())
            });
            if body.len() >= length.unwrap_or(0) {
                let mut words = head.split(' ');
                return Some((words.next()?.to_owned(), words.next()?.to_owned(), body.to_owned()));
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}
