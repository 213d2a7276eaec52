//! What is asked of clients: how large their requests may be, and how fast they must come.
//!
//! Not here: how it is enforced; that is for those who read requests.

use std::time::Duration;

/// The limits of a request; httpd's names stand behind each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLimits {
    /// Bytes of the request line without its end (`LimitRequestLine`, 8190), at most 1 MiB. 0 lets nothing through, as
    /// in httpd. What is longer is answered 414; httpd lets one byte more through, here and in `field_size`.
    pub line: usize,
    /// Header fields of a request (`LimitRequestFields`, 100); 0: no limit of its own. More are answered 400 by httpd.
    pub fields: usize,
    /// Bytes of one header field, name and value, continuations joined (`LimitRequestFieldSize`, 8190), at most 1 MiB.
    /// What is longer is answered 400 by httpd.
    pub field_size: usize,
    /// Bytes of a request's body (`LimitRequestBody`); 0: no limit, which is the default. What is longer is answered
    /// 413. httpd applies it, and its default of 1 GiB, to nothing that goes to members; here a limit that is written
    /// is honoured.
    pub body: u64,
}

impl RequestLimits {
    /// The most that a line or a field may be allowed, in bytes; httpd has no such bound.
    pub(super) const LONGEST: usize = 1024 * 1024;
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self { line: 8190, fields: 100, field_size: 8190, body: 0 }
    }
}

/// `RequestReadTimeout`: how fast a request must come. What is too slow is answered 408 by httpd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadTimeouts {
    /// For the request line and the header, counted from the first byte; none: only `Timeout`, for each read.
    pub header: Option<Pace>,
    /// For the body; none: only `Timeout`, for each read.
    pub body: Option<Pace>,
}

impl Default for ReadTimeouts {
    /// What `mod_reqtimeout` does without any line: `header=20-40,MinRate=500 body=20,MinRate=500`.
    fn default() -> Self {
        let pace = |most| Pace { first: Duration::from_secs(20), most, min_rate: Some(500) };
        Self { header: Some(pace(Some(Duration::from_secs(40)))), body: Some(pace(None)) }
    }
}

/// How fast one part of a request must come: `FIRST`, `FIRST,MinRate=RATE` or `FIRST-MOST,MinRate=RATE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How long it may take; whole seconds, at least one.
    pub first: Duration,
    /// How long it may take at most however many bytes come; greater than `first`, and only with a rate. None: bytes
    /// that come fast enough prolong it without limit.
    pub most: Option<Duration>,
    /// Bytes a second, at least 1: as many bytes prolong the time by a second. None: nothing prolongs it.
    pub min_rate: Option<u32>,
}

impl Pace {
    /// Reads what stands behind `header=` or `body=`; none for `0`, which is no limit.
    ///
    /// Errors: what is wrong, as the end of a sentence that starts with the text.
    pub(super) fn parse(text: &str) -> Result<Option<Self>, &'static str> {
        const FORM: &str = "must be SECONDS, SECONDS,MinRate=BYTES or FIRST-MOST,MinRate=BYTES";
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            if !digits {
                return Err(FORM);
            }
            text.parse::<u32>()
                .ok()
                .filter(|number| *number <= MOST_NUMBER)
                .ok_or("has a number that is too large")
        };
        let (times, rate) = text.split_once(',').map_or((text, None), |(times, rate)| (times, Some(rate)));
        let rate = match rate {
            None => None,
            Some(rate) => {
                let (key, rate) = rate.split_once('=').ok_or(FORM)?;
                if !key.eq_ignore_ascii_case("MinRate") {
                    return Err(FORM);
                }
                Some(number(rate)?)
            }
        };
        if rate == Some(0) {
            return Err("has a MinRate of 0, which would prolong nothing");
        }
        let (first, most) = match times.split_once('-') {
            None => (number(times)?, None),
            Some((first, most)) => (number(first)?, Some(number(most)?)),
        };
        match most {
            Some(_) if rate.is_none() => return Err("has two times and no MinRate"),
            Some(most) if most <= first => {
                return Err("has a second time that is not greater than the first");
            }
            _ => {}
        }
        let seconds = |number: u32| Duration::from_secs(u64::from(number));
        let pace = Self { first: seconds(first), most: most.map(seconds), min_rate: rate };
        Ok((first > 0).then_some(pace))
    }
}

/// What httpd's `int` holds.
const MOST_NUMBER: u32 = i32::MAX.unsigned_abs();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paces_as_httpd_reads_them() {
        let pace = |first, most: Option<u64>, min_rate| {
            Ok(Some(Pace {
                first: Duration::from_secs(first),
                most: most.map(Duration::from_secs),
                min_rate,
            }))
        };
        for (text, expected) in [
            ("20", pace(20, None, None)),
            ("20,MinRate=500", pace(20, None, Some(500))),
            ("20,minrate=1", pace(20, None, Some(1))),
            ("20-40,MinRate=500", pace(20, Some(40), Some(500))),
            ("2147483647", pace(2_147_483_647, None, None)),
            ("0", Ok(None)),
            ("0,MinRate=500", Ok(None)),
        ] {
            assert_eq!(Pace::parse(text), expected, "{text}");
        }
        for text in [
            "",
            "x",
            "-5",
            "20x",
            "20s",
            "20-",
            "20-40",
            "20-20,MinRate=500",
            "40-20,MinRate=500",
            "20,",
            "20,500",
            "20,MinRate",
            "20,MinRate=",
            "20,MinRate=0",
            "20,MinRate=-1",
            "20,MinRate=5x",
            "20,Foo=1",
            "20,MinRate=5,MinRate=6",
            "20-40,500",
            "2147483648",
            "99999999999999",
            "+5",
            "\u{664}",
        ] {
            assert!(Pace::parse(text).is_err(), "{text}");
        }
    }
}
