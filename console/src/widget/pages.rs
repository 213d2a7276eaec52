//! Which part of what is too long for its place is shown, page by page; pages go round.

/// Which lines are shown of how many pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pages {
    /// The first line that is shown.
    pub from: usize,
    at: usize,
    all: usize,
}

impl Pages {
    /// Page `page` of so many lines on pages of that height; they go round.
    pub fn of(lines: usize, height: usize, page: usize) -> Self {
        let all = lines.div_ceil(height.max(1)).max(1);
        let at = page % all;
        Self { from: at * height, at, all }
    }

    /// How to come to the rest; none: there is none.
    pub fn more(self, key: &str) -> Option<String> {
        (self.all > 1).then(|| turn(key, self.at, self.all))
    }
}

/// What the key does that turns the pages of a box, which go round.
pub fn turn(key: &str, page: usize, pages: usize) -> String {
    let next = if page + 1 < pages { "next" } else { "first" };
    format!("{key} {next} page ({} of {pages})", page + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_go_round_and_miss_no_line() {
        for (lines, height, page, from, more) in [
            (0, 5, 0, 0, None),
            (5, 5, 3, 0, None),
            (6, 5, 0, 0, Some("Down next page (1 of 2)")),
            (6, 5, 1, 5, Some("Down first page (2 of 2)")),
            (6, 5, 2, 0, Some("Down next page (1 of 2)")),
        ] {
            let pages = Pages::of(lines, height, page);
            assert_eq!((pages.from, pages.more("Down").as_deref()), (from, more), "{lines} {height} {page}");
        }
    }
}
