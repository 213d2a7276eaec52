//! Presses keys in tests, each seen by the operator before the next one.

use crate::effect::Effect;
use crate::message::{Key, Message};
use crate::model::Model;
use crate::update::update;

/// What can be pressed: keys, or text with `⏎` or a line feed for Enter and `⇥` for Tab.
pub(crate) trait Keys {
    fn keys(&self) -> Vec<Key>;
}

impl Keys for str {
    fn keys(&self) -> Vec<Key> {
        let key = |c| match c {
            '⏎' | '\n' => Key::Enter,
            '⇥' => Key::Tab,
            c => Key::Char(c),
        };
        self.chars().map(key).collect()
    }
}

impl Keys for char {
    fn keys(&self) -> Vec<Key> {
        vec![Key::Char(*self)]
    }
}

impl Keys for [Key] {
    fn keys(&self) -> Vec<Key> {
        self.to_vec()
    }
}

impl<const N: usize> Keys for [Key; N] {
    fn keys(&self) -> Vec<Key> {
        self.to_vec()
    }
}

impl Keys for Vec<Key> {
    fn keys(&self) -> Vec<Key> {
        self.clone()
    }
}

/// Presses them all; what that asks for.
pub(crate) fn press(model: &mut Model, keys: &(impl Keys + ?Sized)) -> Vec<Effect> {
    let mut effects = Vec::new();
    for key in keys.keys() {
        effects.extend(update(model, Message::Key(key)));
        update(model, Message::Painted);
    }
    effects
}
