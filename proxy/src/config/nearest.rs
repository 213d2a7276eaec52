//! "Did you mean …?": the known word nearest to one that is not known.

use crate::config::limits;

/// The most candidates that are compared, so that a typo stays cheap in a configuration of any size.
const CANDIDATES: usize = 1000;

/// The nearest of `known` to `word`, if one is near enough to be a slip of the keyboard.
pub(super) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_ascii_lowercase();
    let length = word.chars().count();
    if !(2..=limits::QUOTED).contains(&length) {
        return None;
    }
    let reach = (length / 3).clamp(1, 4);
    known
        .take(CANDIDATES)
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= reach)
        .map(|candidate| (strsim::osa_distance(&word, &candidate.to_ascii_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= reach)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `did you mean NAME?`, or else `otherwise`.
pub(super) fn did_you_mean<'a>(word: &str, known: impl Iterator<Item = &'a str>, otherwise: &str) -> String {
    nearest(word, known).map_or_else(|| otherwise.to_owned(), |near| format!("did you mean {near}?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_other_words_are_not() {
        let known = ["ProxyPass", "ProxyPassReverse", "Listen", "route"];
        for (word, expected) in [
            ("ProxyPas", Some("ProxyPass")),
            ("proxypassreverze", Some("ProxyPassReverse")),
            ("Lisetn", Some("Listen")),
            ("rout", Some("route")),
            ("Banana", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known.into_iter()), expected, "{word}");
        }
        assert_eq!(nearest(&"x".repeat(100_000), known.into_iter()), None);
    }
}
