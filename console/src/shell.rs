//! Lines as a shell takes them, for whoever tells somebody what to type.

/// The same line for the targets that `words` mean: `--apache http://lb1/bm`; for the only proxy, where there are none.
pub fn at(line: &str, words: &str) -> String {
    let rest = line.strip_prefix("evenkeel ").unwrap_or(line);
    if words.is_empty() { format!("evenkeel {rest}") } else { format!("evenkeel {words} {rest}") }
}

/// A word as a shell takes it: as it is, or in quotes.
pub fn quoted(word: &str) -> String {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(is_safe) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_the_proxy_where_it_has_to() {
        assert_eq!(
            at("evenkeel undrain app/a", "--apache http://lb1/bm"),
            "evenkeel --apache http://lb1/bm undrain app/a"
        );
        assert_eq!(at("undrain app/a", ""), "evenkeel undrain app/a");
    }
}
