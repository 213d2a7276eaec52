//! What is said of a member's health checks, the most important first; the same for the screen and the commands.

use std::time::Duration;

use evenkeel_protocol::{HealthSnapshot, Hello, Timestamp};

/// `failed 3 s ago in 1.2 ms: answered 500; passes 2 (0), fails 3 (1); GET /health every 5 s`, or none if the member is
/// not checked. Counts stand as on httpd's manager page: wanted, and in brackets those there were in a row. `age` puts a
/// time into words.
pub fn told(
    health: &HealthSnapshot,
    proxy: &Hello,
    now: Timestamp,
    age: fn(Duration) -> String,
) -> Option<String> {
    let method = health.method_name();
    let HealthSnapshot { interval, passes, passed, fails, failed, .. } = health;
    if !health.is_on() {
        return None;
    }
    let last = match &health.last {
        None if !proxy.tells("health.last") => "when it was last checked is unknown".to_owned(),
        None => "no check yet".to_owned(),
        Some(last) => format!(
            "{} {} ago in {}: {}",
            if last.passed { "passed" } else { "failed" },
            age(now.since(last.at)),
            took(last.took),
            last.reason
        ),
    };
    let uri = if health.uri.is_empty() { String::new() } else { format!(" {}", health.uri) };
    let expression =
        if health.expression.is_empty() { String::new() } else { format!(" by {}", health.expression) };
    let every = every(interval.millis());
    Some(format!(
        "{last}; passes {passes} ({passed}), fails {fails} ({failed}); {method}{uri}{expression} every {every}"
    ))
}

fn every(milliseconds: u64) -> String {
    if milliseconds.is_multiple_of(1000) {
        format!("{} s", milliseconds / 1000)
    } else {
        format!("{milliseconds} ms")
    }
}

/// Microseconds, as `0.4 ms`, `12 ms` or `3.0 s`.
fn took(micros: u64) -> String {
    match micros {
        0..10_000 => format!("{}.{} ms", micros / 1000, micros % 1000 / 100),
        10_000..1_000_000 => format!("{} ms", micros / 1000),
        _ => format!("{}.{} s", micros / 1_000_000, micros % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::{CheckMethod, CheckNote};

    use super::*;

    #[test]
    fn what_is_told() {
        let age = |time: Duration| format!("{} s", time.as_secs());
        let (proxy, now) = (crate::client::scripted::hello(), Timestamp(10_000_000));
        assert_eq!(told(&HealthSnapshot::default(), &proxy, now, age), None);
        let health =
            HealthSnapshot { method: CheckMethod::Tcp, passes: 1, fails: 1, ..HealthSnapshot::default() };
        assert_eq!(
            told(&health, &proxy, now, age).unwrap(),
            "no check yet; passes 1 (0), fails 1 (0); TCP every 30 s"
        );
        let last = CheckNote {
            passed: false,
            reason: "answered 500".to_owned(),
            at: Timestamp(7_000_000),
            took: 1250,
        };
        let health = HealthSnapshot {
            method: CheckMethod::Get11,
            interval: "500ms".parse().unwrap(),
            uri: "/h".parse().unwrap(),
            expression: "ok".parse().unwrap(),
            failed: 1,
            last: Some(last),
            ..health
        };
        assert_eq!(
            told(&health, &proxy, now, age).unwrap(),
            "failed 3 s ago in 1.2 ms: answered 500; passes 1 (0), fails 1 (1); GET11 /h by ok every 500 ms"
        );
        for (micros, text) in [(0, "0.0 ms"), (9_999, "9.9 ms"), (10_000, "10 ms"), (3_100_000, "3.1 s")] {
            assert_eq!(took(micros), text);
        }
    }
}
