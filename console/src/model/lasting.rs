//! What is said behind the result of a change: that it will be lost, once, and what whoever made it noted.

/// What is said when nobody says why.
const LOST: &str = ", NOT kept over a restart";
/// A note with this word tells by itself that the change will be lost, and why: that of an httpd without
/// `BalancerPersist`, and that of a proxy with it turned off.
const TELLS: &str = "restart";

/// The rest of the line of a change, which `lasts` or not, with these notes.
pub fn rest(lasts: bool, notes: &[String]) -> String {
    let (why, others): (Vec<&String>, Vec<&String>) =
        notes.iter().partition(|note| !lasts && note.contains(TELLS));
    let rest = match (lasts, why.as_slice()) {
        (true, _) => String::new(),
        (false, []) => LOST.to_owned(),
        (false, [first, more @ ..]) => with(format!(", NOT kept: {first}"), more),
    };
    with(rest, &others)
}

/// Notes behind what stands there: a whole sentence behind a point, and what goes on behind a semicolon.
fn with(mut line: String, notes: &[&String]) -> String {
    for note in notes {
        line.truncate(line.trim_end_matches('.').len());
        line.push_str(if note.starts_with(char::is_uppercase) { ". " } else { "; " });
        line.push_str(note);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn that_a_change_is_lost_is_said_once() {
        for (lasts, notes, wanted) in [
            (true, &[][..], ""),
            (true, &["it had no route"], "; it had no route"),
            (true, &["Its sessions move.", "It has no route."], ". Its sessions move. It has no route."),
            (false, &[], ", NOT kept over a restart"),
            (false, &["a", "b"], ", NOT kept over a restart; a; b"),
            (false, &["a", "gone with its next restart"], ", NOT kept: gone with its next restart; a"),
        ] {
            let notes: Vec<String> = notes.iter().map(|note| (*note).to_owned()).collect();
            assert_eq!(rest(lasts, &notes), wanted);
        }
    }
}
