//! Byte counts in the four characters of httpd's manager page (columns To and From).
//!
//! The rule is that of APR's size formatter: the counts step up to the next unit at 973, so that a count never
//! takes more than three digits.

/// The first count of a unit that is shown in the next one.
const STEP: u64 = 973;

/// `bytes` in four characters, the last one the unit or a blank: `"115 "`, `"1.3K"`, `" 99K"`.
///
/// Source: the manager page of a running httpd, whose values it is tested with.
pub fn format(bytes: u64) -> String {
    if bytes < STEP {
        return format!("{bytes:>3} ");
    }
    let (mut whole, mut rest, mut units) = (bytes, 0, "KMGTPE".chars());
    let mut unit = ' ';
    while whole >= STEP {
        (whole, rest) = (whole / 1024, whole % 1024);
        unit = units.next().unwrap_or(unit);
    }
    if whole < 9 || whole == 9 && rest < STEP {
        let tenths = (rest * 5 + 256) / 512;
        return if tenths < 10 {
            format!("{whole}.{tenths}{unit}")
        } else {
            format!("{}.0{unit}", whole + 1)
        };
    }
    format!("{:>3}{unit}", whole + u64::from(rest >= 512))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_look_as_on_httpds_page() {
        for (bytes, shown) in [
            (0, "  0 "),
            (115, "115 "),
            (186, "186 "),
            (972, "972 "),
            (973, "1.0K"),
            (1_023, "1.0K"),
            (1_345, "1.3K"),
            (9_360, "9.1K"),
            (9_405, "9.2K"),
            (9 * 1024 + 972, "9.9K"),
            (9 * 1024 + 973, " 10K"),
            (101_420, " 99K"),
            (972 * 1024 + 511, "972K"),
            (973 * 1024, "1.0M"),
            (1_001_435, "1.0M"),
            (9_051_465, "8.6M"),
            (u64::MAX, " 16E"),
        ] {
            assert_eq!(format(bytes), shown, "{bytes}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_count_takes_four_characters(bytes: u64, shift in 0u32..64) {
            proptest::prop_assert_eq!(format(bytes >> shift).chars().count(), 4);
        }
    }
}
