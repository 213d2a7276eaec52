//! The last minute in one line: bars of eight heights, the newest at the right. What is not known is left blank.

/// The heights, from nothing to full.
pub const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The mean of the known values of each of `columns` equal spans of the last `span` values, the newest last.
///
/// A span without any known value is unknown. Values that are missing at the start are unknown.
pub fn means(
    values: impl DoubleEndedIterator<Item = Option<u64>>,
    span: usize,
    columns: usize,
) -> Vec<Option<u64>> {
    if columns == 0 {
        return Vec::new();
    }
    let mut recent = values.rev().take(span);
    // Column boundaries are spread evenly, so that the whole line is always the whole span.
    let mut means: Vec<Option<u64>> = (0..columns)
        .map(|column| {
            let size = (column + 1) * span / columns - column * span / columns;
            let (mut sum, mut known) = (0_u64, 0_u64);
            for value in recent.by_ref().take(size).flatten() {
                sum = sum.saturating_add(value);
                known += 1;
            }
            sum.checked_div(known)
        })
        .collect();
    means.reverse();
    means
}

/// The top of the scale for values up to `peak`: steady traffic is then not a wall without an edge.
pub fn headroom(peak: u64) -> u64 {
    peak.saturating_add(peak / 4)
}

/// One character for each value, as high as its share of `peak`. Only nothing is drawn as the lowest bar.
pub fn line(values: &[Option<u64>], peak: u64) -> String {
    let bar = |value: u64| {
        let steps = (BARS.len() - 1) as u64;
        let height =
            (u128::from(value) * u128::from(steps)).div_ceil(u128::from(peak.max(1))).min(u128::from(steps));
        let height = if value == 0 { 0 } else { height.max(1) };
        BARS.get(usize::try_from(height).unwrap_or(0)).copied().unwrap_or(' ')
    };
    values.iter().map(|value| value.map_or(' ', bar)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_as_high_as_its_share() {
        let values: Vec<Option<u64>> = [0, 1, 25, 50, 75, 100].into_iter().map(Some).collect();
        assert_eq!(line(&values, 100), "▁▂▃▅▇█");
        assert_eq!(line(&[None, Some(0)], 0), " ▁");
        assert_eq!(line(&[Some(u64::MAX)], 1), "█");
    }

    #[test]
    fn means_cover_the_whole_span() {
        let minute = (0..60).map(Some);
        for (columns, wanted) in [
            (0, vec![]),
            (1, vec![Some(29)]),
            (2, vec![Some(14), Some(44)]),
            (3, vec![Some(9), Some(29), Some(49)]),
        ] {
            assert_eq!(means(minute.clone(), 60, columns), wanted);
        }
        assert_eq!(means([Some(4)].into_iter(), 4, 2), [None, Some(4)], "young rings fill from the right");
        assert_eq!(means([Some(1), Some(2)].into_iter(), 2, 4).len(), 4);
    }
}
