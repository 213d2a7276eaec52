//! The room as the data path sees it.

use std::borrow::Cow;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use evenkeel_protocol::Timestamp;

use super::*;

/// Knows the variable `known` only.
struct OneVariable;

impl Lookup for OneVariable {
    fn request_field(&self, _: &str) -> impl Iterator<Item = &[u8]> {
        std::iter::empty()
    }

    fn answer_field(&self, _: &str) -> impl Iterator<Item = &[u8]> {
        std::iter::empty()
    }

    fn variable(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        (name == "known").then_some(Cow::Borrowed(b""))
    }
}

fn entry(status: u16) -> Entry<'static, OneVariable> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    Entry {
        client: address.ip(),
        peer: address,
        local: address,
        received: Timestamp(0),
        took_us: 0,
        request: RequestLine::Raw(b""),
        first_status: status,
        status,
        body_bytes: 0,
        sent: 0,
        read: 0,
        earlier_requests: 0,
        connection: Connection::Closed,
        host: None,
        server_name: "",
        server_port: 80,
        handler: None,
        user: None,
        lookup: &OneVariable,
    }
}

fn spec(path: &Path, format: &str, condition: Option<&str>) -> (PathBuf, LogFormat, Option<Condition>) {
    let condition = condition.map(|variable| match variable.strip_prefix('!') {
        Some(variable) => Condition::new(variable.to_owned(), true),
        None => Condition::new(variable.to_owned(), false),
    });
    (path.to_owned(), LogFormat::parse(format).unwrap(), condition)
}

#[test]
fn everything_is_written_when_the_end_comes_each_line_where_it_belongs() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = ["a.log", "b.log"].map(|name| folder.path().join(name));
    let logs = AccessLogs::open(vec![
        spec(&a, "1 %s", None),
        spec(&b, "2 %s", Some("known")),
        spec(&a, "3 %s", Some("!unknown")),
        spec(&b, "4 %s", Some("ENV=unknown")),
        spec(&b, "5 %s", Some("!known")),
    ])
    .unwrap();
    let [mut one, mut two] = [logs.for_worker(), logs.for_worker()];
    assert!(!one.is_empty());
    one.record(&entry(200));
    one.tick();
    two.record(&entry(500));
    one.record(&entry(404));
    drop((one, two));
    assert_eq!(logs.lost(), 0);
    drop(logs);
    let mut lines: Vec<String> = fs::read_to_string(&a).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(lines[..2], ["1 200", "3 200"]);
    lines.sort();
    assert_eq!(lines, ["1 200", "1 404", "1 500", "3 200", "3 404", "3 500"]);
    assert_eq!(fs::read_to_string(&b).unwrap().lines().count(), 3);
}

#[test]
fn nothing_is_started_where_there_is_no_log() {
    let logs = AccessLogs::open(Vec::new()).unwrap();
    let mut worker = logs.for_worker();
    assert!(worker.is_empty());
    worker.record(&entry(200));
    worker.tick();
    logs.reopen_handle().reopen();
}

#[test]
fn lines_after_the_end_are_lost_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let logs = AccessLogs::open(vec![spec(&folder.path().join("a"), "%s", None)]).unwrap();
    let mut worker = logs.for_worker();
    let untaken = Arc::clone(&logs.untaken);
    drop(logs);
    worker.record(&entry(200));
    worker.tick();
    assert_eq!(untaken.count(), 1);
}

#[test]
fn logs_to_programs_and_bad_paths_are_refused_by_name() {
    let refusal =
        |path: &str| format!("{:#}", AccessLogs::open(vec![spec(Path::new(path), "%h", None)]).unwrap_err());
    assert!(refusal("|/usr/bin/rotatelogs x").contains("SIGUSR1"));
    assert!(refusal("/nonexistent/a.log").contains("/nonexistent/a.log"));
}

#[test]
fn the_logs_can_be_shared_and_a_workers_logs_moved() {
    fn shared<T: Send + Sync>() {}
    fn moved<T: Send>() {}
    shared::<AccessLogs>();
    shared::<ReopenHandle>();
    moved::<WorkerLogs>();
}
