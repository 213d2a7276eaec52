//! The menu of one member: opened for the row under the cursor, and bound to its member from then on.

use crate::keymap::Action;
use crate::model::menu::{Menu, entries};
use crate::model::{Model, Popup};
use crate::update::edit;

/// Opens the menu of the member that keys act on.
pub(super) fn open(model: &mut Model) {
    if let Some(target) = model.target().cloned() {
        model.popup = Some(Popup::Menu(Menu { target, at: 0 }));
    }
}

/// What the line under the cursor does; none if the member is gone.
pub(super) fn chosen(model: &Model, menu: &Menu) -> Option<Action> {
    let (_, member) = edit::found(model, &menu.target)?;
    entries(member).get(menu.at).map(|entry| entry.action)
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::Flag;

    use crate::keymap::Context;
    use crate::message::{Key, Message};
    use crate::model::act::{Act, Turn};
    use crate::model::{Model, Popup, Screen, sample};
    use crate::news::News;
    use crate::update::update;

    fn press(model: &mut Model, keys: &[Key]) {
        for key in keys {
            assert_eq!(update(model, Message::Key(*key)), []);
            update(model, Message::Painted);
        }
    }

    #[test]
    fn enter_twice_opens_the_member_and_a_letter_or_a_line_asks() {
        let mut model = sample::model(80, 24);
        press(&mut model, &[Key::Enter, Key::Enter]);
        assert_eq!(model.screen, Screen::Member(sample::target("node1")));
        for keys in [&[Key::Enter, Key::Down, Key::Down, Key::Enter][..], &[Key::Enter, Key::Char('D')]] {
            let mut model = sample::model(80, 24);
            press(&mut model, keys);
            match &model.popup {
                Some(Popup::Confirm(question)) => {
                    assert_eq!(question.act, Act::Flag(Flag::Disabled, Turn::On));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn the_menu_stays_with_its_member_and_ignores_marks() {
        let mut model = sample::model(80, 24);
        press(&mut model, &[Key::Char('a'), Key::Enter]);
        let mut snapshot = sample::snapshot(62);
        snapshot.balancers[0].members.reverse();
        update(&mut model, Message::News(News::Snapshot(Box::new(snapshot))));
        press(&mut model, &[Key::Char('D')]);
        match &model.popup {
            Some(Popup::Confirm(question)) => assert_eq!(question.whom(), "app/node1"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_menu_of_a_member_that_is_gone_does_nothing() {
        let mut model = sample::model(80, 24);
        press(&mut model, &[Key::Enter]);
        let mut snapshot = sample::snapshot(62);
        snapshot.balancers[0].members.remove(0);
        update(&mut model, Message::News(News::Snapshot(Box::new(snapshot))));
        press(&mut model, &[Key::Enter, Key::Char('d')]);
        assert_eq!(model.context(), Context::Menu);
        press(&mut model, &[Key::Esc]);
        assert_eq!(model.popup, None);
    }
}
