//! Numbers and times as people read them.

use std::time::Duration;

use evenkeel_protocol::{Login, Peer, Timestamp, size};
use jiff::tz::TimeZone;

use crate::model::history::Rate;

/// Said of who never answered, where else stands how long ago it did.
pub(super) const NEVER: &str = "never answered";

/// `12,345`
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The digits as they are if they fit into `columns`, else with a unit: `123M`.
pub(super) fn compact(number: u64, columns: usize) -> String {
    let digits = number.to_string();
    if digits.len() <= columns {
        return digits;
    }
    let mut rest = number;
    for unit in ["k", "M", "G", "T", "P", "E"] {
        rest /= 1000;
        let text = format!("{rest}{unit}");
        if text.len() <= columns {
            return text;
        }
    }
    "~".to_owned()
}

/// As [`compact`], with its sign; one column is the sign's, so that both kinds have one form.
pub(super) fn compact_signed(number: i64, columns: usize) -> String {
    let text = compact(number.unsigned_abs(), columns.saturating_sub(1));
    if number < 0 { format!("-{text}") } else { text }
}

/// Bytes in httpd's short form, without its padding.
pub(super) fn bytes(number: u64) -> String {
    size::format(number).trim().to_owned()
}

/// A rate that may not be known.
pub(super) fn rate(rate: Option<Rate>) -> String {
    rate.map_or_else(|| "-".to_owned(), |rate| rate.to_string())
}

/// `41 s`, `12 min`, `3 h`, `5 d`: a rough age.
pub(super) fn age(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// `14:03:20` by the operator's clock; on another day than `now` the day, as wide as a time: `03 Dec `.
pub(super) fn time(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let zoned = |at: Timestamp| {
        let micros = i64::try_from(at.0).ok()?;
        Some(jiff::Timestamp::from_microsecond(micros).ok()?.to_zoned(zone.clone()))
    };
    match (zoned(at), zoned(now)) {
        (Some(at), Some(now)) if at.date() == now.date() => at.strftime("%H:%M:%S").to_string(),
        (Some(at), _) => at.strftime("%d %b  ").to_string(),
        (None, _) => "??:??:??".to_owned(),
    }
}

/// `14:03` by the operator's clock; on another day than `now` with the day: `03 Dec 14:03`.
pub(super) fn minute(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let zoned = |at: Timestamp| {
        let micros = i64::try_from(at.0).ok()?;
        Some(jiff::Timestamp::from_microsecond(micros).ok()?.to_zoned(zone.clone()))
    };
    match (zoned(at), zoned(now)) {
        (Some(at), Some(now)) if at.date() == now.date() => at.strftime("%H:%M").to_string(),
        (Some(at), _) => at.strftime("%d %b %H:%M").to_string(),
        (None, _) => "??:??".to_owned(),
    }
}

/// `06:52`, `1:06:52`: what is left of a time, up to the second that has begun.
pub(super) fn countdown(milliseconds: u64) -> String {
    let seconds = milliseconds.div_ceil(1000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes:02}:{seconds:02}")
    }
}

/// Microseconds as people read them, in at most five columns: `312us`, `4.2ms`, `1.3s`.
pub(super) fn latency(micros: u64) -> String {
    match micros {
        0..1000 => format!("{micros}us"),
        1000..10_000 => format!("{}.{}ms", micros / 1000, micros / 100 % 10),
        10_000..1_000_000 => format!("{}ms", micros / 1000),
        1_000_000..100_000_000 => format!("{}.{}s", micros / 1_000_000, micros / 100_000 % 10),
        _ => format!("{}s", micros / 1_000_000),
    }
}

/// `1 session`, `17 sessions`.
pub(super) fn counted(count: u64, one: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {one}{plural}", grouped(count))
}

/// Who did something: the user's name, else the number, else nobody known.
pub(super) fn peer(by: Option<&Peer>) -> String {
    match by {
        Some(Peer { http: Some(client), .. }) => client.to_string(),
        Some(Peer { login: Some(Login { user: Some(user), .. }), .. } | Peer { user: Some(user), .. }) => {
            user.clone()
        }
        Some(peer) => format!("uid {}", peer.login.as_ref().map_or(peer.uid, |login| login.uid)),
        None => "somebody".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample::NOON;

    #[test]
    fn numbers_read_well_and_fit() {
        for (number, group, short) in [
            (0, "0", "0"),
            (999, "999", "999"),
            (1000, "1,000", "1000"),
            (1_234_567, "1,234,567", "1234k"),
            (123_456_789, "123,456,789", "123M"),
            (u64::MAX, "18,446,744,073,709,551,615", "18E"),
        ] {
            assert_eq!(grouped(number), group);
            assert_eq!(compact(number, 5), short);
        }
        for (number, text) in [
            (-588_321, "-588k"),
            (195_600, "195k"),
            (99_999, "99999"),
            (-99_999, "-99999"),
            (-18_000_300, "-18M"),
        ] {
            assert_eq!(compact_signed(number, 6), text);
        }
        assert_eq!(compact(u64::MAX, 1), "~");
        assert_eq!(bytes(101_420), "99K");
    }

    #[test]
    fn times_are_the_operators() {
        let (noon, zone) = (Timestamp(NOON), TimeZone::fixed(jiff::tz::offset(2)));
        assert_eq!(time(noon, noon, &zone), "14:00:00");
        assert_eq!(time(Timestamp(NOON - 86_400_000_000), noon, &zone), "01 Jan  ");
        assert_eq!(time(Timestamp(u64::MAX), noon, &zone), "??:??:??");
    }

    #[test]
    fn what_is_left_and_what_was_taken_read_well() {
        for (milliseconds, text) in [(0, "00:00"), (1, "00:01"), (412_000, "06:52"), (4_012_001, "1:06:53")] {
            assert_eq!(countdown(milliseconds), text);
        }
        for (micros, text) in [
            (312, "312us"),
            (4210, "4.2ms"),
            (21_504, "21ms"),
            (1_340_000, "1.3s"),
            (u64::MAX, "18446744073709s"),
        ] {
            assert_eq!(latency(micros), text);
        }
        assert_eq!(
            (counted(1, "session"), counted(1700, "session")),
            ("1 session".into(), "1,700 sessions".into())
        );
        let noon = Timestamp(NOON);
        assert_eq!(minute(Timestamp(NOON + 60_000_000), noon, &TimeZone::UTC), "12:01");
        assert_eq!(minute(Timestamp(NOON + 86_400_000_000), noon, &TimeZone::UTC), "03 Jan 12:00");
    }

    #[test]
    fn ages_are_rough() {
        for (seconds, text) in [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (200_000, "2 d")] {
            assert_eq!(age(Duration::from_secs(seconds)), text);
        }
    }
}
