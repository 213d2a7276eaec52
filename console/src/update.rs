//! What becomes of the model when something happens: the one match. Pure: no terminal, no connection, no clock;
//! what has to be done outside is returned.

use crate::effect::{Effect, Switch};
use crate::keymap::{Action, Context};
use crate::message::{Key, Message};
use crate::model::fields::Fields;
use crate::model::form::Text;
use crate::model::needs::needs;
use crate::model::{Model, Popup, Screen, Tone};

mod again;
mod decision;
pub mod deck;
mod drain;
mod edit;
mod found;
#[cfg(test)]
pub(crate) mod hands;
mod incoming;
mod lock;
mod many;
mod menu;
mod navigate;
mod pace;
mod palette;
mod roster;
mod undo;
mod yank;

/// What was pasted where no text is written.
const NOWHERE: &str = "what was pasted is not read as keys; open a field for it first";

/// Takes in one message.
pub fn update(model: &mut Model, message: Message) -> Vec<Effect> {
    let effects = take(model, message);
    gather(model);
    effects
}

/// Asks for what the open screen needs.
fn gather(model: &mut Model) {
    let needed = needs(model);
    if let Some(still) = &mut model.still {
        still.need(needed.clone());
    }
    model.gathered.need(needed);
}

fn take(model: &mut Model, message: Message) -> Vec<Effect> {
    match message {
        Message::Tick(clock) => return incoming::tick(model, clock),
        Message::Painted => {
            match &mut model.popup {
                Some(Popup::Confirm(question)) => question.seen = true,
                Some(Popup::Decide(decision)) => decision.seen = true,
                Some(Popup::Unlock { seen }) => *seen = true,
                _ => {}
            }
            return Vec::new();
        }
        _ => model.changed = true,
    }
    match message {
        Message::Key(key) => press(model, key),
        Message::Paste(text) => paste(model, &text),
        Message::Point(target) => {
            navigate::point(model, target);
            Vec::new()
        }
        Message::News(news) => model.live(|model| incoming::news(model, news)),
        Message::Resize(size) => {
            model.size = size;
            Vec::new()
        }
        Message::Resumed => vec![Effect::Repaint, Effect::Refresh],
        Message::Tick(_) | Message::Painted => Vec::new(),
    }
}

fn press(model: &mut Model, key: Key) -> Vec<Effect> {
    model.lock.touch(model.clock.running);
    // What was typed ahead of a question is not for the question, and not for what is behind it either.
    if model.popup.as_ref().is_some_and(Popup::is_unseen) && !matches!(key, Key::Ctrl(_)) {
        return Vec::new();
    }
    if let Some(action) = model.keymap.action(model.context(), key) {
        return act(model, action);
    }
    if let Some(Popup::Terms(terms)) = &mut model.popup {
        terms.press(key);
        return Vec::new();
    }
    if let Some(fields) = model.popup.as_mut().and_then(Popup::fields) {
        fields.press(key);
        return Vec::new();
    }
    write(model, |text| {
        text.press(key);
    });
    Vec::new()
}

/// Pasted text goes into the field that is being written; to the lens it is a new question. Elsewhere it is no keys.
fn paste(model: &mut Model, pasted: &str) -> Vec<Effect> {
    match (&model.popup, &model.screen) {
        (None, Screen::Lens) => {
            let effects = act(model, Action::Ask);
            return if model.popup.is_some() { paste(model, pasted) } else { effects };
        }
        (None, _) => model.tell(Tone::Plain, NOWHERE),
        (Some(Popup::Ask(_) | Popup::Watch(_)), _) => {
            // Of several lines each is still one.
            let pasted = pasted.replace(['\r', '\n', '\t'], " ");
            write(model, |text| text.paste(&pasted));
            return Vec::new();
        }
        _ => {}
    }
    write(model, |text| text.paste(pasted));
    Vec::new()
}

fn write(model: &mut Model, change: impl FnOnce(&mut crate::model::form::Text)) {
    let spells = model.context() == Context::Spell;
    match &mut model.popup {
        Some(Popup::Filter { text, .. }) => {
            change(text);
            navigate::filter_as_written(model);
        }
        Some(Popup::Palette(palette)) => change(&mut palette.text),
        Some(Popup::Terms(terms)) => {
            if let Some(text) = terms.focused() {
                change(text);
            }
        }
        Some(form @ (Popup::Form(_) | Popup::Tuning(_) | Popup::Joining(_))) => {
            if let Some(text) = form.fields().and_then(Fields::focused) {
                change(text);
            }
        }
        Some(Popup::Ask(text) | Popup::Watch(text)) => change(text),
        // What is typed ahead of a question is no answer to it.
        Some(Popup::Confirm(question)) if spells && question.seen => change(&mut question.typed),
        Some(
            Popup::Confirm(_)
            | Popup::Decide(_)
            | Popup::Help { .. }
            | Popup::Menu(_)
            | Popup::Results { .. }
            | Popup::Unlock { .. },
        )
        | None => {}
    }
}

fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    if let Some(why) = model.lacks_for(action) {
        model.tell(Tone::Plain, why);
        return Vec::new();
    }
    match action {
        Action::Quit => return vec![Effect::Quit],
        Action::Fleet if model.station.is_some() => return vec![Effect::Fleet],
        Action::Fleet => {
            model.tell(
                Tone::Plain,
                "one proxy is shown; start with several --socket, or --group, for a fleet",
            );
        }
        Action::Suspend => return vec![Effect::Suspend],
        Action::Repaint => return vec![Effect::Repaint],
        Action::Mouse => return mouse(model),
        Action::Faster | Action::Slower => return pace::step(model, action == Action::Faster),
        Action::Freeze => pace::freeze(model),
        Action::Yank => return yank::yank(model),
        Action::Toggle(flag) => edit::ask_flag(model, flag),
        Action::Enable => edit::ask_enable(model),
        Action::Edit => edit::open_form(model),
        Action::Tune => decision::open(model),
        Action::Add => roster::open(model),
        Action::Remove => roster::ask_remove(model),
        Action::Reload => decision::ask_reload(model),
        Action::Undo => undo::ask(model),
        Action::Again => again::ask(model),
        Action::Lock => lock::turn(model),
        Action::Palette => palette::open(model),
        Action::Menu => menu::open(model),
        Action::Yes if matches!(model.popup, Some(Popup::Unlock { .. })) => lock::open(model),
        Action::No if matches!(model.popup, Some(Popup::Unlock { .. })) => model.popup = None,
        Action::Yes if matches!(model.popup, Some(Popup::Decide(_))) => return decision::yes(model),
        Action::No if matches!(model.popup, Some(Popup::Decide(_))) => decision::no(model),
        Action::Yes => return edit::yes(model),
        Action::No => edit::no(model),
        Action::Accept => return accept(model),
        Action::Options => drain::options(model),
        Action::More
        | Action::Terms
        | Action::KeepDraining
        | Action::Restore
        | Action::StopNow
        | Action::CutNow => drain::ask(model, action),
        Action::Complete | Action::NextField | Action::PreviousField => to_field(model, action),
        _ => navigate::go(model, action),
    }
    Vec::new()
}

/// Takes over what was written, or does what is chosen.
fn accept(model: &mut Model) -> Vec<Effect> {
    match model.popup.take() {
        Some(Popup::Form(form)) => edit::accept_form(model, form),
        Some(Popup::Tuning(tuning)) => decision::accept(model, Popup::Tuning(tuning)),
        Some(Popup::Joining(joining)) => decision::accept(model, Popup::Joining(joining)),
        // Enter never agrees to what is for all of a balancer, or of the proxy.
        Some(decide @ Popup::Decide(_)) => {
            model.popup = Some(decide);
            decision::no(model);
        }
        Some(Popup::Terms(terms)) => drain::accept(model, terms),
        Some(Popup::Ask(text)) => ask(model, &text),
        Some(Popup::Watch(text)) => {
            let read = model.watching.look_at(text.value(), model.roster.snapshot());
            navigate::understood(model, read);
        }
        Some(Popup::Palette(palette)) => return palette::run(model, palette),
        Some(Popup::Menu(menu)) => {
            let chosen = menu::chosen(model, &menu);
            model.popup = Some(Popup::Menu(menu));
            return chosen.map_or_else(Vec::new, |action| act(model, action));
        }
        Some(Popup::Confirm(question)) => {
            model.popup = Some(Popup::Confirm(question.clone()));
            return edit::accept_question(model, &question);
        }
        Some(Popup::Filter { text, before }) => navigate::keep_filter(model, text, before),
        None => {}
        other => model.popup = other,
    }
    Vec::new()
}

/// Asks through the lens what was written.
fn ask(model: &mut Model, text: &Text) {
    // An answer to a new question is live.
    model.thaw();
    let near = model.near().cloned();
    model.screen = Screen::Lens;
    model.gathered.explanation = None;
    let read = model.lens.ask(text.value(), near.as_ref(), model.roster.balancers());
    navigate::understood(model, read);
}

/// To another field of the form, or another line in the history of the palette, or a word completed there.
fn to_field(model: &mut Model, action: Action) {
    match &mut model.popup {
        Some(Popup::Terms(terms)) => terms.step(action == Action::NextField),
        Some(Popup::Palette(palette)) => match action {
            Action::Complete => palette.complete(),
            Action::PreviousField => palette.older(&model.recall),
            _ => palette.newer(&model.recall),
        },
        Some(form) => {
            if let Some(fields) = form.fields() {
                fields.step(action == Action::NextField);
            }
        }
        None => {}
    }
}

fn mouse(model: &mut Model) -> Vec<Effect> {
    model.mouse = !model.mouse;
    let (text, switch) = if model.mouse {
        let way = model.keymap.way(Action::Mouse);
        let text = format!("the console has the mouse: click a member, turn the wheel; {way} gives it back");
        (text, Switch::On)
    } else {
        ("the terminal has the mouse again, for marking and copying".to_owned(), Switch::Off)
    };
    model.tell(Tone::Plain, text);
    vec![Effect::Mouse(switch)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keymap::{Keymap, ROWS};
    use crate::model::sample;
    use crate::news::News;

    fn press_all(model: &mut Model, keys: &[Key]) -> Vec<Effect> {
        keys.iter().flat_map(|key| update(model, Message::Key(*key))).collect()
    }

    /// A model in that context, on a member that has something to enable.
    fn model_in(context: Context) -> Model {
        let mut model = sample::model(80, 24);
        press_all(&mut model, &[Key::Down]);
        match context {
            Context::Balancers => {}
            Context::Fleet | Context::FleetConfirm | Context::FleetSpell | Context::FleetResults => {
                panic!("one target has no screen of all")
            }
            Context::Member => drop(press_all(&mut model, &[Key::Char('z')])),
            Context::Events => drop(press_all(&mut model, &[Key::Char('2')])),
            Context::Overview => drop(press_all(&mut model, &[Key::Char('0')])),
            Context::Drains => {
                let drained = News::Snapshot(Box::new(sample::drained(62)));
                update(&mut model, Message::News(drained));
                drop(press_all(&mut model, &[Key::Char('3')]));
            }
            Context::Lens => drop(press_all(&mut model, &[Key::Char('4')])),
            Context::Elections => drop(press_all(&mut model, &[Key::Char('5')])),
            Context::Filter => drop(press_all(&mut model, &[Key::Char('/')])),
            Context::Palette => drop(press_all(&mut model, &[Key::Char(':')])),
            Context::Menu => drop(press_all(&mut model, &[Key::Enter])),
            Context::Confirm => drop(press_all(&mut model, &[Key::Char('d')])),
            Context::Spell => drop(press_all(&mut model, &[Key::Up, Key::Char('d')])),
            Context::Results => {
                press_all(&mut model, &[Key::Char(' '), Key::Char(' '), Key::Char('H')]);
                update(&mut model, Message::Painted);
                press_all(&mut model, &[Key::Char('y')]);
                drop(press_all(&mut model, &[Key::Enter]));
            }
            Context::Unlock => drop(press_all(&mut model, &[Key::Char('L'), Key::Char('L')])),
            Context::Form => drop(press_all(&mut model, &[Key::Char('e')])),
            Context::Help => drop(press_all(&mut model, &[Key::Char('?')])),
        }
        assert_eq!(model.context(), context);
        model
    }

    #[test]
    fn what_is_pasted_before_the_field_is_open_lands_in_it() {
        let mut model = sample::model(80, 24);
        update(&mut model, Message::Paste("dy\n".to_owned()));
        assert!(model.popup.is_none() && model.toast.take().is_some_and(|toast| toast.text == NOWHERE));
        press_all(&mut model, &[Key::Char('4')]);
        for cookie in ["0a1b2c.node1", "0a1b2c.node2"] {
            update(&mut model, Message::Paste(cookie.to_owned()));
            let Some(Popup::Ask(text)) = &model.popup else { panic!("{:?}", model.popup) };
            assert_eq!(text.value(), cookie);
            press_all(&mut model, &[Key::Enter]);
            assert!(model.lens.asked.is_some());
        }
    }

    #[test]
    fn what_was_written_before_is_replaced_or_changed() {
        for (opens, old) in [
            (vec![Key::Char('4'), Key::Enter], "SID=x.node1"),
            (vec![Key::Char('5'), Key::Char('/')], "node1"),
            (vec![Key::Char('/')], "node1"),
        ] {
            let mut model = sample::model(80, 24);
            let written = |model: &mut Model, keys: &[Key]| {
                press_all(model, keys);
                match &model.popup {
                    Some(Popup::Ask(text) | Popup::Watch(text) | Popup::Filter { text, .. }) => {
                        text.value().to_owned()
                    }
                    other => panic!("{other:?}"),
                }
            };
            press_all(&mut model, &opens);
            update(&mut model, Message::Paste(old.to_owned()));
            press_all(&mut model, &[Key::Enter]);
            assert_eq!(written(&mut model, &opens), old);
            assert_eq!(written(&mut model, &[Key::Left, Key::End, Key::Char('7')]), format!("{old}7"));
            press_all(&mut model, &[Key::Esc]);
            assert_eq!(written(&mut model, &opens), old);
            update(&mut model, Message::Paste("node2".to_owned()));
            assert_eq!(written(&mut model, &[Key::Char('2')]), "node22");
            press_all(&mut model, &[Key::Esc]);
            press_all(&mut model, &opens);
            assert_eq!(written(&mut model, &[Key::Char('n'), Key::Char('o')]), "no");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_and_no_old_answer_stays() {
        let mut model = sample::model(80, 24);
        press_all(&mut model, &[Key::Char('4')]);
        update(&mut model, Message::Paste("SID=abc.node1".to_owned()));
        press_all(&mut model, &[Key::Enter]);
        update(&mut model, Message::Paste("Cookie: SID=abc.node1\r\nHost: h".to_owned()));
        press_all(&mut model, &[Key::Enter]);
        assert_eq!((&model.screen, model.lens.asked.as_ref()), (&Screen::Lens, None));
        assert!(
            model.toast.as_ref().is_some_and(|toast| toast.text.contains("only one line")),
            "{:?}",
            model.toast
        );
    }

    #[test]
    fn every_row_can_be_reached_and_has_words() {
        for row in ROWS {
            assert!(!row.keys.is_empty() && !row.contexts.is_empty() && !row.help.is_empty(), "{row:?}");
            for (context, key) in row.contexts.iter().flat_map(|c| row.keys.iter().map(move |key| (*c, *key)))
            {
                assert_eq!(Keymap::default().action(context, key), Some(row.action), "{key} in {context:?}");
            }
        }
    }

    #[test]
    fn no_printable_key_is_an_action_where_text_is_written() {
        for row in ROWS
            .iter()
            .filter(|row| row.contexts.contains(&Context::Filter) || row.contexts.contains(&Context::Form))
        {
            assert!(!row.keys.iter().any(|key| matches!(key, Key::Char(_))), "{row:?}");
        }
    }

    #[test]
    fn every_key_that_changes_something_asks_first() {
        let mut changing = 0;
        for row in ROWS
            .iter()
            .filter(|row| row.action.changes())
            .filter(|row| !matches!(row.action, Action::Undo | Action::Again))
        {
            for (context, key) in row.contexts.iter().flat_map(|c| row.keys.iter().map(move |key| (*c, *key)))
            {
                let mut model = model_in(context);
                let effects = press_all(&mut model, &[key]);
                assert_eq!(effects, [], "{key} in {context:?}");
                let asked = match row.action {
                    Action::Edit | Action::Tune | Action::Add | Action::Terms => Context::Form,
                    _ => Context::Confirm,
                };
                let spells = model.context() == Context::Spell && asked == Context::Confirm;
                assert!(spells || model.context() == asked, "{key} in {context:?}");
                changing += 1;
            }
        }
        assert_eq!(
            changing, 52,
            "beside keys of members: six for drains, four for settings, one a screen for reload"
        );
    }

    #[test]
    fn no_single_key_anywhere_sends_anything_but_yes() {
        let keys = ROWS.iter().flat_map(|row| row.keys.iter()).copied();
        let typed = (' '..='~').map(Key::Char).chain(('a'..='z').map(Key::Ctrl)).chain(keys);
        let models = Context::ALL.map(model_in);
        for key in typed.filter(|key| *key != Key::Char('y')) {
            for (context, model) in Context::ALL.into_iter().zip(&models) {
                // node2 drains: to end that is the one question here that Enter agrees to.
                if context == Context::Results || (key, context) == (Key::Enter, Context::Confirm) {
                    continue;
                }
                let mut model = model.clone();
                update(&mut model, Message::Painted);
                let effects = press_all(&mut model, &[key]);
                assert!(
                    !effects.iter().any(|effect| {
                        matches!(
                            effect,
                            Effect::EditMember { .. }
                                | Effect::EditBalancer { .. }
                                | Effect::AddMember { .. }
                                | Effect::RemoveMember { .. }
                                | Effect::Undo { .. }
                                | Effect::Reload(_)
                        )
                    }),
                    "{key} in {context:?}"
                );
            }
        }
    }

    #[test]
    fn escape_never_quits_and_q_does() {
        for context in Context::ALL {
            let mut model = model_in(context);
            update(&mut model, Message::Painted);
            for _ in 0..5 {
                assert_eq!(press_all(&mut model, &[Key::Esc]), [], "{context:?}");
            }
            assert_eq!(model.context(), Context::Balancers, "{context:?}");
            assert_eq!(press_all(&mut model, &[Key::Char('q')]), [Effect::Quit]);
            assert_eq!(press_all(&mut model_in(context), &[Key::Ctrl('c')]), [Effect::Quit], "{context:?}");
        }
    }

    #[test]
    fn a_paste_never_acts_as_keys() {
        for context in Context::ALL {
            let mut model = model_in(context);
            update(&mut model, Message::Painted);
            let effects = update(&mut model, Message::Paste("y\nqDy\u{1b}[31m\r".to_owned()));
            assert_eq!(effects, [], "{context:?}");
            // The lens opens its field for it.
            let wanted = if context == Context::Lens { Context::Filter } else { context };
            assert_eq!(model.context(), wanted);
            match &model.popup {
                Some(Popup::Filter { text, .. }) => assert_eq!(text.value(), "yqDy[31m"),
                Some(Popup::Palette(palette)) => assert_eq!(palette.text.value(), "yqDy[31m"),
                Some(Popup::Form(form)) => assert_eq!(form.fields.all()[0].text.value(), "1.00yqDy[31m"),
                _ => {}
            }
        }
    }

    #[test]
    fn resuming_paints_everything_and_looks_again() {
        let mut model = model_in(Context::Balancers);
        assert_eq!(update(&mut model, Message::Resumed), [Effect::Repaint, Effect::Refresh]);
        assert_eq!(press_all(&mut model, &[Key::Ctrl('z')]), [Effect::Suspend]);
        assert_eq!(model.screen, Screen::Balancers);
    }
}
