//! Numbers and times as people read them.

use std::time::Duration;

use evenkeel_protocol::{Login, Peer, Timestamp};
use jiff::tz::TimeZone;

use crate::model::history::Rate;
use crate::size;

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

/// As [`compact`], with its sign.
pub(super) fn compact_signed(number: i64, columns: usize) -> String {
    let text = compact(number.unsigned_abs(), columns.saturating_sub(usize::from(number < 0)));
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
        assert_eq!(compact_signed(-123_456, 5), "-123k");
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
    fn ages_are_rough() {
        for (seconds, text) in [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (200_000, "2 d")] {
            assert_eq!(age(Duration::from_secs(seconds)), text);
        }
    }
}
