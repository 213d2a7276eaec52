//! What sentences are made of: names one after the other, and lengths of time as people read them.

use std::time::Duration;

/// How many names a sentence has that has room.
pub const LISTED: usize = 8;

/// The first `most` of these names, and how many more there are; or the word for none.
pub fn listed<T: Into<String>>(mut names: impl Iterator<Item = T>, most: usize, none: &str) -> String {
    let first: Vec<String> = names.by_ref().take(most).map(Into::into).collect();
    if first.is_empty() { none.to_owned() } else { and_more(first.join(", "), names.count()) }
}

/// What was listed, and how many more there are.
pub fn and_more(listed: String, more: usize) -> String {
    if more == 0 { listed } else { format!("{listed} and {more} more") }
}

/// When what a sentence tells holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tense {
    /// While it is told.
    Present,
    /// When something ended; what holds since is another matter.
    Past,
}

impl Tense {
    /// The words of this tense.
    pub fn of<'a>(self, present: &'a str, past: &'a str) -> &'a str {
        match self {
            Self::Present => present,
            Self::Past => past,
        }
    }
}

/// How many phrases a sentence has.
const FACTS: usize = 4;

/// The first of these phrases with `and` between them, and how many more there are.
pub fn facts(mut phrases: impl Iterator<Item = String>, and: &str) -> String {
    let first: Vec<String> = phrases.by_ref().take(FACTS).collect();
    let first = first.join(and);
    match phrases.count() {
        0 => first,
        more => format!("{first}{and}{more} more like that"),
    }
}

/// A length of time as people read it: the two largest of its units.
pub fn length(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0) if !duration.is_zero() => format!("{} ms", duration.as_millis()),
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours @ 48.., ..) if hours % 24 == 0 => format!("{} d", hours / 24),
        (hours @ 48.., ..) => format!("{} d {} h", hours / 24, hours % 24),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_says_how_many_it_leaves_out_and_that_it_is_empty() {
        let of = |count: usize, most| listed((1..=count).map(|number| number.to_string()), most, "none");
        assert_eq!(of(0, 3), "none");
        assert_eq!((of(1, 3), of(3, 3)), ("1".to_owned(), "1, 2, 3".to_owned()));
        assert_eq!(of(30, 3), "1, 2, 3 and 27 more");
    }

    #[test]
    fn what_is_listed_in_another_way_ends_with_the_same_words() {
        let of = |more| and_more("a; b".to_owned(), more);
        assert_eq!((of(0), of(2)), ("a; b".to_owned(), "a; b and 2 more".to_owned()));
    }

    #[test]
    fn a_sentence_of_many_facts_has_an_end() {
        let of = |count: usize| facts((1..=count).map(|number| number.to_string()), ", and ");
        assert_eq!((of(0), of(2)), (String::new(), "1, and 2".to_owned()));
        assert!(of(9).ends_with(", and 4, and 5 more like that"), "{}", of(9));
    }

    #[test]
    fn lengths_are_short_and_true() {
        for (millis, text) in [
            (0, "0 s"),
            (10, "10 ms"),
            (5_000, "5 s"),
            (60_000, "1 min"),
            (61_500, "1 min 1 s"),
            (3_600_000, "1 h"),
            (5_430_000, "1 h 30 min"),
            (86_410_000, "24 h"),
            (172_900_000, "2 d"),
            (180_000_000, "2 d 2 h"),
        ] {
            assert_eq!(length(Duration::from_millis(millis)), text);
        }
    }
}
