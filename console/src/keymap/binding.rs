//! The keys in force: the rows of the keymap with what the operator has bound. A binding is taken over only if no key
//! gets two meanings and none that changes something is one that answers questions: pressed twice, it would be its own
//! yes.

use std::borrow::Cow;
use std::sync::Arc;

use evenkeel_protocol::clean::clean;

use super::{Action, Context, FLEET_ROWS, ROWS, Row};
use crate::message::Key;

/// Where text is written: what belongs to these is the field's own, and fixed.
const WRITES: [Context; 5] =
    [Context::Filter, Context::Palette, Context::Spell, Context::FleetSpell, Context::Form];

/// Where questions are answered.
const ANSWERS: [Context; 5] =
    [Context::Confirm, Context::Spell, Context::FleetConfirm, Context::FleetSpell, Context::Unlock];

/// The keys in force. Cheap to clone.
#[derive(Debug, Clone, PartialEq)]
pub struct Keymap {
    rows: Arc<[Row]>,
}

impl Default for Keymap {
    fn default() -> Self {
        Self { rows: ROWS.iter().chain(FLEET_ROWS).cloned().collect() }
    }
}

impl Keymap {
    /// All rows; their order is the order of the hints in the footer.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// What `key` means in `context`.
    pub fn action(&self, context: Context, key: Key) -> Option<Action> {
        self.within(context).find(|row| row.keys.contains(&key)).map(|row| row.action)
    }

    /// The rows of `context` that the footer shows, with key and word.
    pub fn hints(&self, context: Context) -> impl Iterator<Item = (Key, &'static str, Action)> {
        self.within(context).filter_map(|row| Some((*row.keys.first()?, row.hint?, row.action)))
    }

    /// The first key that does `action` in `context`.
    pub fn key(&self, context: Context, action: Action) -> Option<Key> {
        let mut rows = self.within(context).filter(|row| row.action == action);
        rows.find_map(|row| row.keys.first().copied())
    }

    /// How to do `action`, for sentences: its first key anywhere, else its line in the palette.
    pub fn way(&self, action: Action) -> String {
        let key = self.rows.iter().filter(|row| row.action == action).find_map(|row| row.keys.first());
        match (key, action.line()) {
            (Some(key), _) => key.to_string(),
            (None, line) => format!(":{}", line.unwrap_or_default()),
        }
    }

    fn within(&self, context: Context) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.contexts.contains(&context))
    }

    /// Gives the action called `name` these keys instead of its own, wherever no text is written; none takes them away.
    ///
    /// Errors: there is no such action, or a key is not for it; as a sentence.
    pub fn bind(&mut self, name: &str, keys: &[Key]) -> Result<(), String> {
        let bound = |row: &Row| row.action.name() == Some(name) && is_free(row);
        let Some(action) = self.rows.iter().find(|row| bound(row)).map(|row| row.action) else {
            return Err(unknown(name));
        };
        let asks = action.changes() || action == Action::Lock;
        let answers = |key: &&Key| ANSWERS.iter().any(|context| self.action(*context, **key).is_some());
        if let Some(key) = keys.iter().find(answers).filter(|_| asks) {
            return Err(format!(
                "{key} answers questions, so it cannot ask whether to {name}: pressed twice it would be its own yes"
            ));
        }
        let rows = self.rows.iter().map(|row| {
            let keys = if bound(row) { Cow::Owned(keys.to_vec()) } else { row.keys.clone() };
            Row { keys, ..row.clone() }
        });
        self.rows = rows.collect();
        Ok(())
    }

    /// A key that means two things at one place, and the names of both; none if all is well.
    pub fn collision(&self) -> Option<(Key, [Action; 2])> {
        Context::ALL.into_iter().chain(Context::FLEET).find_map(|context| {
            let mut seen: Vec<(Key, Action)> = Vec::new();
            for row in self.within(context) {
                for key in row.keys.iter() {
                    if let Some((_, other)) = seen.iter().find(|(known, _)| known == key) {
                        return Some((*key, [*other, row.action]));
                    }
                    seen.push((*key, row.action));
                }
            }
            None
        })
    }
}

/// Can its keys be others? Not where text is written, and not those that mean the same in every terminal program.
fn is_free(row: &Row) -> bool {
    let is_usual = row.keys.iter().any(|key| matches!(key, Key::Ctrl('c' | 'z' | 'l')));
    !is_usual && !row.contexts.iter().any(|context| WRITES.contains(context))
}

/// The names of all actions that keys can be bound to, in the order of the rows.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<&'static str> = Vec::new();
    let rows = ROWS.iter().chain(FLEET_ROWS);
    for name in rows.filter(|row| is_free(row)).filter_map(|row| row.action.name()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// What is wrong with a name that there is not, with the nearest one if one is near.
fn unknown(name: &str) -> String {
    let near = names()
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(name, known), known))
        .filter(|(distance, known)| *distance <= 1 + known.len() / 4)
        .min();
    let typed = clean(name, 40);
    match near {
        Some((_, known)) => format!("there is no action '{typed}'; did you mean {known}?"),
        None => format!("there is no action '{typed}'; those are {}", names().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::Flag;

    use super::*;

    const DRAIN: Action = Action::Toggle(Flag::Drain);

    #[test]
    fn the_rows_themselves_do_not_collide_and_every_name_binds() {
        assert_eq!(Keymap::default().collision(), None);
        assert!(names().len() > 40, "{:?}", names());
        for name in names() {
            let mut keymap = Keymap::default();
            assert_eq!(keymap.bind(name, &[Key::Function(12)]), Ok(()), "{name}");
            assert_eq!(keymap.collision(), None, "{name}");
        }
    }

    #[test]
    fn a_bound_key_takes_the_place_of_the_others() {
        let mut keymap = Keymap::default();
        keymap.bind("drain", &[Key::Char('x'), Key::Function(11)]).unwrap();
        for key in [Key::Char('x'), Key::Function(11)] {
            assert_eq!(keymap.action(Context::Balancers, key), Some(DRAIN));
        }
        assert_eq!(keymap.action(Context::Balancers, Key::Char('d')), None);
        assert_eq!(keymap.key(Context::Menu, DRAIN), Some(Key::Char('x')));
        assert!(keymap.hints(Context::Member).any(|hint| hint == (Key::Char('x'), "drain", DRAIN)));
        keymap.bind("lock", &[]).unwrap();
        assert_eq!(keymap.way(Action::Lock), ":lock");
        keymap.bind("quit", &[Key::Char('Q')]).unwrap();
        assert_eq!(keymap.action(Context::Form, Key::Ctrl('c')), Some(Action::Quit), "that one stays");
    }

    #[test]
    fn two_may_change_places_and_none_may_share() {
        let mut keymap = Keymap::default();
        keymap.bind("drain", &[Key::Char('D')]).unwrap();
        assert_eq!(keymap.collision(), Some((Key::Char('D'), [DRAIN, Action::Toggle(Flag::Disabled)])));
        keymap.bind("disable", &[Key::Char('d')]).unwrap();
        assert_eq!(keymap.collision(), None);
    }

    #[test]
    fn what_changes_something_never_answers_its_own_question() {
        for name in names() {
            let action = ROWS
                .iter()
                .chain(FLEET_ROWS)
                .map(|row| row.action)
                .find(|action| action.name() == Some(name))
                .unwrap();
            for key in [Key::Char('y'), Key::Enter, Key::Char('n'), Key::Tab] {
                let refused = Keymap::default().bind(name, &[key]).is_err();
                assert_eq!(refused, action.changes() || action == Action::Lock, "{name} {key}");
            }
        }
        for name in ["yes", "drane", "back", "suspend", "\u{7}"] {
            assert!(Keymap::default().bind(name, &[Key::Char('x')]).is_err(), "{name}");
        }
        assert!(Keymap::default().bind("drian", &[]).unwrap_err().ends_with("did you mean drain?"));
    }
}
