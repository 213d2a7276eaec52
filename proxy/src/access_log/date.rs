//! Times in a line: the text of a second is made once and kept, because most lines of a second share it.
//!
//! A strftime pattern is checked when the configuration is read. What differs between C libraries, and the flags and
//! widths of one of them, are refused. The zone is the system's, as it was when the proxy started.

use std::io::Write as _;

use jiff::tz::TimeZone;

use crate::limits;

/// The time in the format that all log readers know: `[22/Nov/2026:16:18:00 +0100]`.
pub(super) const USUAL: &str = "[%d/%b/%Y:%H:%M:%S %z]";

/// Conversions whose text depends on the second only, and is the same in every C library.
const PLAIN: &[char] = &[
    'A', 'B', 'C', 'F', 'G', 'H', 'I', 'M', 'R', 'S', 'T', 'U', 'V', 'W', 'Y', 'Z', 'a', 'b', 'd', 'e', 'g',
    'h', 'j', 'm', 'p', 's', 'u', 'w', 'y', 'z', 'n', 't', '%',
];

/// Conversions that stand for several others in the C locale, which httpd uses.
const JOINT: &[(char, &str)] = &[
    ('D', "%m/%d/%y"),
    ('X', "%H:%M:%S"),
    ('c', "%a %b %e %H:%M:%S %Y"),
    ('r', "%I:%M:%S %p"),
    ('x', "%m/%d/%y"),
];

/// A checked pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern(String);

impl Pattern {
    /// # Errors
    ///
    /// A sentence that names the conversion which is not known here.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut pattern = String::new();
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            if c != '%' {
                pattern.push(c);
                continue;
            }
            match rest.next() {
                Some(c) if PLAIN.contains(&c) => pattern.extend(['%', c]),
                Some(c) => match JOINT.iter().find(|(joint, _)| *joint == c) {
                    Some((_, parts)) => pattern.push_str(parts),
                    None => return Err(format!("the time format has %{c}, which is not known here")),
                },
                None => return Err("the time format ends with a lone %".to_owned()),
            }
        }
        Ok(Self(pattern))
    }
}

/// How many seconds are kept: requests that end together began at different times.
const KEPT: usize = 4;

/// The texts of the last seconds in one pattern.
#[derive(Debug)]
pub(super) struct Dates {
    pattern: Pattern,
    zone: TimeZone,
    kept: [(u64, Vec<u8>); KEPT],
}

impl Dates {
    pub(super) fn new(pattern: &Pattern, zone: &TimeZone) -> Self {
        // No second is the last one, so that nothing is found at first.
        let kept = std::array::from_fn(|_| (u64::MAX, Vec::new()));
        Self { pattern: pattern.clone(), zone: zone.clone(), kept }
    }

    /// The text of a second since 1970; empty past the end of the calendar.
    pub(super) fn text(&mut self, second: u64) -> &[u8] {
        let [a, b, c, d] = &mut self.kept;
        let (known, text) = match second % KEPT as u64 {
            0 => a,
            1 => b,
            2 => c,
            _ => d,
        };
        if *known != second {
            text.clear();
            let at = i64::try_from(second).ok().and_then(|at| jiff::Timestamp::from_second(at).ok());
            if let Some(at) = at {
                // The pattern was checked, and memory does not fail to be written.
                let at = at.to_zoned(self.zone.clone());
                drop(write!(text, "{}", at.strftime(&self.pattern.0)));
                text.truncate(limits::LOG_VALUE);
            }
            *known = second;
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Rules rather than names, since a machine may have no list of zones.
    const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";
    const ST_JOHNS: &str = "NST3:30NDT,M3.2.0,M11.1.0";

    fn text(pattern: &str, zone: &str, second: u64) -> String {
        let pattern = Pattern::parse(pattern).unwrap();
        let mut dates = Dates::new(&pattern, &TimeZone::posix(zone).unwrap());
        let first = dates.text(second).to_vec();
        assert_eq!(dates.text(second), first);
        String::from_utf8(first).unwrap()
    }

    /// A conversion, and what strftime of the C library, which httpd calls, made of two seconds in two zones.
    const RECORDED: &[(&str, &str, &str)] = &[
        ("%A", "Thursday", "Thursday"),
        ("%B", "January", "July"),
        ("%C", "20", "20"),
        ("%F", "2026-01-01", "2026-07-02"),
        ("%G", "2026", "2026"),
        ("%H", "00", "11"),
        ("%I", "12", "11"),
        ("%M", "59", "16"),
        ("%R", "00:59", "11:16"),
        ("%S", "59", "47"),
        ("%T", "00:59:59", "11:16:47"),
        ("%U", "00", "26"),
        ("%V", "01", "27"),
        ("%W", "00", "26"),
        ("%Y", "2026", "2026"),
        ("%Z", "CET", "NDT"),
        ("%a", "Thu", "Thu"),
        ("%b", "Jan", "Jul"),
        ("%d", "01", "02"),
        ("%e", " 1", " 2"),
        ("%g", "26", "26"),
        ("%h", "Jan", "Jul"),
        ("%j", "001", "183"),
        ("%m", "01", "07"),
        ("%p", "AM", "AM"),
        ("%s", "1767225599", "1783000007"),
        ("%u", "4", "4"),
        ("%w", "4", "4"),
        ("%y", "26", "26"),
        ("%z", "+0100", "-0230"),
        ("%n", "\n", "\n"),
        ("%t", "\t", "\t"),
        ("%%", "%", "%"),
        ("%D", "01/01/26", "07/02/26"),
        ("%X", "00:59:59", "11:16:47"),
        ("%c", "Thu Jan  1 00:59:59 2026", "Thu Jul  2 11:16:47 2026"),
        ("%r", "12:59:59 AM", "11:16:47 AM"),
        ("%x", "01/01/26", "07/02/26"),
        ("%d/%b/%Y x %T é", "01/Jan/2026 x 00:59:59 é", "02/Jul/2026 x 11:16:47 é"),
    ];

    #[test]
    fn every_conversion_gives_what_the_c_library_gives() {
        for &(conversion, winter, summer) in RECORDED {
            assert_eq!(text(conversion, BERLIN, 1_767_225_599), winter, "{conversion}");
            assert_eq!(text(conversion, ST_JOHNS, 1_783_000_007), summer, "{conversion}");
        }
    }

    #[test]
    fn the_usual_time_follows_the_zone_through_a_change_of_clocks() {
        for (second, expected) in [
            (1_792_889_999, "[25/Oct/2026:02:59:59 +0200]"),
            (1_792_890_000, "[25/Oct/2026:02:00:00 +0100]"),
            (0, "[01/Jan/1970:01:00:00 +0100]"),
        ] {
            assert_eq!(text(USUAL, BERLIN, second), expected);
        }
        assert_eq!(text(USUAL, BERLIN, u64::MAX), "");
    }

    #[test]
    fn seconds_that_share_a_place_do_not_share_a_text() {
        let mut dates = Dates::new(&Pattern::parse("%s").unwrap(), &TimeZone::UTC);
        for second in [8, 4, 8, 9, 5, 12, 11, 8, 3] {
            assert_eq!(dates.text(second), second.to_string().as_bytes());
        }
    }

    #[test]
    fn unknown_conversions_are_named() {
        for (pattern, named) in [("%Q", "%Q"), ("a%", "lone %"), ("%Ey", "%E"), ("%-d", "%-"), ("%5d", "%5")]
        {
            assert!(Pattern::parse(pattern).unwrap_err().contains(named), "{pattern}");
        }
    }
}
