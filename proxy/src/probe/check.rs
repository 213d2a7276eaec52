//! One health check: a connection of its own, httpd's request, the answer, the verdict. It always ends in bounded time
//! and memory.

use std::future::poll_fn;
use std::io;
use std::time::Duration;

use evenkeel_balancer::{Finding, Verdict};
use evenkeel_protocol::{CheckMethod, HealthCheck, MemberName};
use rustix::io::Errno;
use tokio::time::timeout;

use crate::accept::is_shortage;
use crate::address::Address;
use crate::config::{Checks, Seen};
use crate::http::answer::{AnswerHead, Asked, is_no_answer};
use crate::http::body::Incoming;
use crate::http::head::{Lines, Scan, ScanLimits, Scanned};
use crate::http::stream::Stream;
use crate::{clock, limits};

/// Why a check ended without an answer.
struct Trouble {
    verdict: Verdict,
    reason: String,
}

impl Trouble {
    fn failed(reason: impl Into<String>) -> Self {
        Self { verdict: Verdict::Failed, reason: reason.into() }
    }

    fn late(reason: impl Into<String>) -> Self {
        Self { verdict: Verdict::Late, reason: reason.into() }
    }

    fn no_answer(why: &str) -> Self {
        Self::failed(format!("its answer is no HTTP: {why}"))
    }

    fn lost(why: &io::Error) -> Self {
        Self::failed(format!("the connection broke: {why}"))
    }
}

/// What a member answered.
struct Answer {
    status: u16,
    header: Vec<(Vec<u8>, Vec<u8>)>,
    body: Vec<u8>,
}

/// Checks a member.
pub(super) async fn run(address: &Address, check: &HealthCheck, checks: &Checks) -> Finding {
    let began = clock::now();
    let attempt = attempt(address, check, checks);
    let outcome = match check.timeout {
        None => attempt.await,
        Some(within) => timeout(within, attempt)
            .await
            .unwrap_or_else(|_| Err(Trouble::late(format!("no result within {within:?} (hctimeout)")))),
    };
    let took = clock::now().since(began);
    let (verdict, reason) = match outcome {
        Ok(verdict) => verdict,
        Err(Trouble { verdict, reason }) => (verdict, reason),
    };
    Finding { verdict, reason, took }
}

async fn attempt(
    address: &Address,
    check: &HealthCheck,
    checks: &Checks,
) -> Result<(Verdict, String), Trouble> {
    let mut stream = connect(address, check).await?;
    let Some(request) = request(&address.name, check) else {
        return Ok((Verdict::Passed, "a connection was made".to_owned()));
    };
    let name = check.expression.as_str();
    let condition = checks.expression(name);
    let keep = condition.is_some_and(crate::config::Condition::reads_body);
    let exchange = exchange(&mut stream, check.method, &request, keep);
    let answer = limited(own_limit(check, address.connection.timeout), exchange)
        .await
        .unwrap_or_else(|within| Err(Trouble::late(format!("no whole answer within {within:?}"))))?;
    let Answer { status, header, body } = answer;
    let verdict = |passed| if passed { Verdict::Passed } else { Verdict::Failed };
    let by_status = (200..400).contains(&status);
    Ok(match condition {
        Some(condition) => {
            let holds = condition.holds(&Seen { status, header: &header, body: &body });
            let outcome = if holds { "holds" } else { "does not hold" };
            (verdict(holds), format!("answered {status}, and {name} {outcome}"))
        }
        None if name.is_empty() => (verdict(by_status), format!("answered {status}")),
        // As in httpd the status decides then.
        None => {
            (verdict(by_status), format!("answered {status}; the expression {name} is not defined any more"))
        }
    })
}

/// A connection that carries this check alone and is not counted among those of requests.
async fn connect(address: &Address, check: &HealthCheck) -> Result<Stream, Trouble> {
    let connection = &address.connection;
    let limit = own_limit(check, connection.connectiontimeout.unwrap_or(connection.timeout));
    let late = |within: Duration| Trouble::late(format!("no connection within {within:?}"));
    let refused = |why: &io::Error| {
        // What this system lacks says nothing of the member.
        let ours = |errno| is_shortage(errno) || errno == Errno::ADDRNOTAVAIL;
        if Errno::from_io_error(why).is_some_and(ours) {
            let reason = format!("not counted, because it is the proxy that lacks something: {why}");
            return Trouble { verdict: Verdict::Undecided, reason };
        }
        Trouble::failed(format!("no connection: {why}"))
    };
    if let Some(path) = address.name.unix_path() {
        let connected = limited(limit, Stream::connect_unix(path)).await.map_err(late)?;
        return connected.map_err(|why| refused(&why));
    }
    let addresses = limited(limit, address.resolve()).await.map_err(late)?.map_err(Trouble::failed)?;
    let mut trouble = Trouble::failed("it has no address");
    for socket in addresses.iter().take(limits::ADDRESSES) {
        match limited(limit, Stream::connect_tcp(*socket, false)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(why)) => trouble = refused(&why),
            Err(within) => trouble = late(within),
        }
    }
    Err(trouble)
}

/// The limit of one step; none if the whole check has one of its own.
fn own_limit(check: &HealthCheck, limit: Duration) -> Option<Duration> {
    check.timeout.is_none().then_some(limit)
}

/// Waits within the limit, if there is one; else how long that was.
async fn limited<F: Future>(limit: Option<Duration>, step: F) -> Result<F::Output, Duration> {
    match limit {
        None => Ok(step.await),
        Some(within) => timeout(within, step).await.map_err(|_| within),
    }
}

/// httpd's request: two lines, the port always shown. None if there is nothing to ask.
fn request(member: &MemberName, check: &HealthCheck) -> Option<String> {
    let method = check.method.request()?;
    let version = if check.method.is_http_1_1() { "1.1" } else { "1.0" };
    let (host, port) = (member.host(), member.port());
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let target = if method == "OPTIONS" { "*".to_owned() } else { target(member.path(), check.uri.as_str()) };
    Some(format!("{method} {target} HTTP/{version}\r\nHost: {host}:{port}\r\n\r\n"))
}

/// The path of the member's URL and `hcuri`, with one slash between them; never empty. httpd doubles or forgets it.
fn target(path: &str, uri: &str) -> String {
    if uri.is_empty() {
        return if path.is_empty() { "/".to_owned() } else { path.to_owned() };
    }
    format!("{}/{}", path.strip_suffix('/').unwrap_or(path), uri.strip_prefix('/').unwrap_or(uri))
}

/// Sends the request and reads the answer to its end; its body is kept if it is wanted.
async fn exchange(
    stream: &mut Stream,
    method: CheckMethod,
    request: &str,
    keep: bool,
) -> Result<Answer, Trouble> {
    let mut left = request.as_bytes();
    while !left.is_empty() {
        let written = poll_fn(|context| stream.poll_write(context, left)).await;
        let written = written.map_err(|why| Trouble::lost(&why))?;
        left = left.get(written..).unwrap_or_default();
    }
    let asked = Asked { head: method.request() == Some("HEAD"), upgrade: None };
    let (head, block) = head(stream, asked).await?;
    let header = head.owned(&block);
    let behind = block.get(head.end..).unwrap_or_default().to_vec();
    let body = body(stream, Incoming::new(head.length), behind, keep).await?;
    Ok(Answer { status: head.status, header, body })
}

async fn read(stream: &mut Stream, into: &mut Vec<u8>) -> Result<usize, Trouble> {
    let start = into.len();
    into.resize(start + limits::CHECK_PIECE, 0);
    let outcome =
        poll_fn(|context| stream.poll_read(context, into.get_mut(start..).unwrap_or_default())).await;
    into.truncate(start + *outcome.as_ref().unwrap_or(&0));
    outcome.map_err(|why| Trouble::lost(&why))
}

/// The head of the answer, and the block in which it stands with what came behind it; interim ones are read over.
async fn head(stream: &mut Stream, asked: Asked<'_>) -> Result<(AnswerHead, Vec<u8>), Trouble> {
    let limits = ScanLimits { first: limits::HEAD_BYTES, line: limits::HEAD_BYTES, bare: true };
    let (mut block, mut start) = (Vec::new(), 0);
    let mut scan = Scan::new(start);
    let mut interims = 0;
    loop {
        if let Some(why) = is_no_answer(block.get(start..).unwrap_or_default()) {
            return Err(Trouble::no_answer(why));
        }
        match scan.look(&block, &limits) {
            Scanned::Ends(_) => {
                let read =
                    AnswerHead::read(&block, start, asked, Lines::new()).map_err(Trouble::no_answer)?;
                let Some(head) = read else { return Err(Trouble::no_answer("its head has no proper end")) };
                if !head.is_interim() {
                    return Ok((head, block));
                }
                interims += 1;
                if interims > crate::limits::INTERIM_ANSWERS {
                    return Err(Trouble::no_answer("it sends interim answers without end"));
                }
                start = head.end;
                scan = Scan::new(start);
                continue;
            }
            Scanned::Open if scan.length() <= crate::limits::HEAD_BYTES => {}
            _ => return Err(Trouble::no_answer("its head is too long")),
        }
        if read(stream, &mut block).await? == 0 {
            let silent = block.is_empty();
            let why = if silent {
                "it closed the connection without an answer"
            } else {
                "it broke off in its head"
            };
            return Err(Trouble::failed(why));
        }
    }
}

/// The body, if it is wanted; it is read to its end in any case.
async fn body(
    stream: &mut Stream,
    mut incoming: Incoming,
    mut piece: Vec<u8>,
    keep: bool,
) -> Result<Vec<u8>, Trouble> {
    let (mut kept, mut passed, mut trailer) = (Vec::new(), 0, Vec::new());
    loop {
        let taken = incoming.take(&mut piece, &mut trailer).map_err(Trouble::no_answer)?;
        trailer.clear();
        passed += taken.data;
        if keep {
            kept.extend_from_slice(piece.get(..taken.data).unwrap_or_default());
        }
        if kept.len() > limits::CHECK_BODY {
            let why =
                format!("its body has more than {} bytes, too many for an expression", limits::CHECK_BODY);
            return Err(Trouble::failed(why));
        }
        if passed > limits::CHECK_READ {
            return Err(Trouble::failed(format!("its body has more than {} bytes", limits::CHECK_READ)));
        }
        if incoming.is_done() {
            return Ok(kept);
        }
        piece.clear();
        if read(stream, &mut piece).await? == 0 {
            return if incoming.close() {
                Ok(kept)
            } else {
                Err(Trouble::failed("it broke off in its body"))
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(member: &str, method: CheckMethod, uri: &str) -> Option<String> {
        let check = HealthCheck { method, uri: uri.parse().unwrap(), ..HealthCheck::default() };
        request(&member.parse().unwrap(), &check)
    }

    #[test]
    fn requests_are_httpds_with_a_valid_target() {
        for (what, member, method, uri, line, host) in [
            ("nothing at all", "http://h", CheckMethod::Get, "", "GET / HTTP/1.0", "h:80"),
            ("a path", "http://h:8080", CheckMethod::Get, "/x", "GET /x HTTP/1.0", "h:8080"),
            ("without its slash", "http://h", CheckMethod::Get, "x?y=/", "GET /x?y=/ HTTP/1.0", "h:80"),
            (
                "behind the member's path",
                "http://h/base",
                CheckMethod::Head,
                "x",
                "HEAD /base/x HTTP/1.0",
                "h:80",
            ),
            ("one slash", "http://h/base", CheckMethod::Get11, "/x", "GET /base/x HTTP/1.1", "h:80"),
            ("one slash of two", "http://h/base/", CheckMethod::Get, "/x", "GET /base/x HTTP/1.0", "h:80"),
            ("the member's path", "http://h/base/", CheckMethod::Get, "", "GET /base/ HTTP/1.0", "h:80"),
            ("no path at all", "http://h/a", CheckMethod::Options11, "/x", "OPTIONS * HTTP/1.1", "h:80"),
            ("IPv6", "http://[::1]:81", CheckMethod::Head11, "", "HEAD / HTTP/1.1", "[::1]:81"),
            ("a socket", "unix:/run/x|http://name/p", CheckMethod::Get, "", "GET /p HTTP/1.0", "name:80"),
        ] {
            assert_eq!(asked(member, method, uri), Some(format!("{line}\r\nHost: {host}\r\n\r\n")), "{what}");
        }
        assert_eq!(asked("http://h", CheckMethod::Tcp, "/x"), None);
    }
}
