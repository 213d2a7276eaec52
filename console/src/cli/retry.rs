//! When a member in error is tried again, and spans of time, in words.

use std::time::Duration;

use evenkeel_protocol::{ErrorNote, Timestamp};

/// The end of a sentence about a member in error: `tried again in 43 s`.
pub(super) fn next_try(error: &ErrorNote, now: Timestamp) -> String {
    match error.retry_at {
        Some(at) if at > now => format!("tried again in {}", span(at.since(now))),
        _ => "tried again with the next request that may come to it".to_owned(),
    }
}

/// A span of time in its largest unit.
pub(super) fn span(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        for (seconds, shown) in
            [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7_199, "119 min"), (7_200, "2 h"), (172_800, "2 d")]
        {
            assert_eq!(span(Duration::from_secs(seconds)), shown);
        }
    }

    #[test]
    fn the_next_try_is_ahead_or_due() {
        let now = Timestamp(10_000_000);
        for (name, retry_at, says) in [
            ("ahead", Some(Timestamp(65_000_000)), "tried again in 55 s"),
            ("just now", Some(now), "with the next request"),
            ("past", Some(Timestamp(1)), "with the next request"),
            ("due", None, "with the next request"),
        ] {
            let error = ErrorNote { reason: String::new(), at: Timestamp(0), retry_at };
            let told = next_try(&error, now);
            assert!(told.contains(says), "{name}: {told}");
        }
    }
}
