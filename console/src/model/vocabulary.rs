//! The words that may stand in the line for commands, and which of them is meant by a few letters.

use evenkeel_protocol::clean::clean;

use crate::cli::palette::{parameters, settings, verbs};
use crate::keymap::ROWS;
use crate::model::column::Column;
use crate::model::roster::Roster;
use crate::model::target::Target;

/// How many suggestions are shown.
const SHOWN: usize = 8;

/// The words that may stand in a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vocabulary {
    /// What can be done.
    pub verbs: Vec<String>,
    /// Members and balancers.
    pub names: Vec<String>,
    /// `lbfactor=` and the like.
    pub settings: Vec<String>,
    /// `loadfactor=` and the like, of a member that is to come.
    pub parameters: Vec<String>,
    /// Names of columns.
    pub columns: Vec<String>,
}

impl Vocabulary {
    /// The verbs of the command line and of the keys, and the names that `roster` has.
    pub fn of(roster: &Roster) -> Self {
        let own = ROWS.iter().filter_map(|row| row.action.line()).filter(|line| !line.contains(' '));
        let mut all: Vec<String> = verbs();
        for word in own.chain(["sort", "unlock", "unmark"]) {
            if !all.iter().any(|known| known == word) {
                all.push(word.to_owned());
            }
        }
        let members = roster.balancers().iter().flat_map(|balancer| {
            let label = |member| Target::of(balancer, member).label(roster.snapshot());
            std::iter::once(balancer.name.to_string()).chain(balancer.members.iter().map(label))
        });
        let columns = Column::ALL.iter().map(|column| column.title().to_owned());
        Self {
            verbs: all,
            names: members.collect(),
            settings: settings(),
            parameters: parameters(),
            columns: columns.collect(),
        }
    }

    /// Why a line that begins with `verb` is nothing that there is, with the nearest word if one is near.
    pub fn unknown(&self, verb: &str) -> String {
        let typed = clean(verb, 30);
        if self.verbs.iter().any(|known| known == verb) {
            return format!("nothing stands behind {typed}");
        }
        // What other tools call their screen is no slip of the finger.
        if verb == "top" {
            return "there is no command 'top'; this is its screen".to_owned();
        }
        let near = self.verbs.iter().map(|known| (strsim::damerau_levenshtein(verb, known), known));
        let near = near.filter(|(distance, known)| *distance <= known.len() / 3).min_by_key(|near| near.0);
        match near {
            Some((_, known)) => format!("there is no command '{typed}'; did you mean {known}?"),
            None => format!("there is no command '{typed}'; Tab goes through those there are"),
        }
    }

    /// What the last word of `line` could become, the likeliest first; a few.
    pub fn suggestions(&self, line: &str) -> Vec<&str> {
        let (before, word) = line.rsplit_once(' ').unwrap_or(("", line));
        let mut words = before.split_whitespace();
        let verb = words.next();
        let choice: Vec<&String> = match verb {
            None => self.verbs.iter().collect(),
            Some("sort") => self.columns.iter().collect(),
            // Settings may stand right behind the verb: the member under the cursor is meant then.
            Some("set") => match words.next() {
                None => self.names.iter().chain(&self.settings).collect(),
                Some(_) => self.settings.iter().collect(),
            },
            Some("add") => match words.next() {
                None => self.names.iter().filter(|name| !name.contains('/')).collect(),
                Some(_) if words.next().is_some() => self.parameters.iter().collect(),
                Some(_) => Vec::new(),
            },
            Some(_) if words.next().is_none() => self.names.iter().collect(),
            Some(_) => Vec::new(),
        };
        let mut fitting: Vec<(usize, &str)> =
            choice.into_iter().filter_map(|text| Some((distance(word, text)?, text.as_str()))).collect();
        // An exact word needs no suggestion; among equals the order of the screen stays.
        fitting.retain(|(_, text)| *text != word);
        fitting.sort_by_key(|(distance, _)| *distance);
        fitting.into_iter().take(SHOWN).map(|(_, text)| text).collect()
    }
}

/// How far `text` is from what `typed` may abbreviate: its letters in this order, small or capital, those at the
/// starts of words and next to each other being nearest; none if it cannot be meant.
fn distance(typed: &str, text: &str) -> Option<usize> {
    let mut cost = 0;
    let mut letters = text.chars().enumerate().peekable();
    let mut last: Option<usize> = None;
    let mut before = ' ';
    for wanted in typed.chars() {
        loop {
            let (at, c) = letters.next()?;
            let starts = !before.is_alphanumeric();
            before = c;
            if c.eq_ignore_ascii_case(&wanted) {
                let follows = last.map_or(at == 0, |last| last + 1 == at);
                cost += if follows {
                    0
                } else if starts {
                    1
                } else {
                    3 + at.min(20)
                };
                last = Some(at);
                break;
            }
        }
    }
    Some(cost)
}

#[cfg(test)]
impl Vocabulary {
    pub(crate) fn sample() -> Self {
        let all = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Vocabulary {
            verbs: all(&["disable", "drain", "enable", "set", "sort", "stop"]),
            names: all(&["app", "app/node1", "app/node2", "static/10.0.2.11"]),
            settings: all(&["lbfactor=", "lbset=", "drain="]),
            parameters: all(&["route=", "loadfactor="]),
            columns: all(&["Busy", "Req/s"]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    #[test]
    fn a_few_letters_are_enough() {
        let vocabulary = Vocabulary::sample();
        for (line, wanted) in [
            ("d", &["disable", "drain"][..]),
            ("dr", &["drain"]),
            ("dn", &["drain"]),
            ("drain", &[]),
            ("drain n2", &["app/node2"]),
            ("drain 2", &["static/10.0.2.11", "app/node2"]),
            ("drain app/node1 x", &[]),
            ("set app/node1 lb", &["lbfactor=", "lbset="]),
            ("set lbf", &["lbfactor="]),
            ("add a", &["app"]),
            ("add app http://h l", &["loadfactor="]),
            ("sort b", &["Busy"]),
            ("zzz", &[]),
        ] {
            assert_eq!(vocabulary.suggestions(line), wanted, "{line:?}");
        }
        assert_eq!(vocabulary.suggestions("").len(), 6);
    }

    #[test]
    fn a_slip_of_the_finger_is_told_from_a_word_that_there_is_not() {
        let vocabulary = Vocabulary::sample();
        for (verb, says) in [
            ("drian", "there is no command 'drian'; did you mean drain?"),
            ("top", "there is no command 'top'; this is its screen"),
            ("nonsense", "there is no command 'nonsense'; Tab goes through those there are"),
            ("stop", "nothing stands behind stop"),
        ] {
            assert_eq!(vocabulary.unknown(verb), says);
        }
    }

    #[test]
    fn it_knows_what_there_is() {
        let words = Vocabulary::of(&sample::model(80, 24).roster);
        for word in ["app", "app/node1", "static/10.0.2.11"] {
            assert!(words.names.iter().any(|name| name == word), "{word}");
        }
        for word in ["drain", "undrain", "quit", "problems", "sort"] {
            assert_eq!(words.verbs.iter().filter(|verb| *verb == word).count(), 1, "{word}");
        }
    }
}
