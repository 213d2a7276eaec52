//! What becomes of several targets when something happens. What is meant for one goes to its own model; what is done
//! while all are on the screen is done here. Nothing waits for a target: each answers when it does.

use crate::effect::Effect;
use crate::keymap::{Action, Context};
use crate::message::{Key, Message};
use crate::model::deck::{Deck, Focus, Over, Pick};
use crate::model::query::Query;
use crate::model::{Model, Screen, Toast, Tone};
use crate::news::News;
use crate::update::yank::in_short;
use crate::update::{gather, update};

mod again;
mod deadline;
mod joint;
mod leave;
mod line;
mod terms;
mod undo;

/// Something to do, for the target at that position. What is not about a target is for the first.
pub type Deed = (usize, Effect);

/// Takes in what happened at the terminal, and the time.
pub fn deal(deck: &mut Deck, message: Message) -> Vec<Deed> {
    match (&message, &mut deck.leave) {
        (Message::Key(key), Some(_)) => return leave::answer(deck, *key),
        (Message::Paste(_) | Message::Point(_), Some(_)) => return Vec::new(),
        (Message::Painted, Some(leave)) => leave.seen = true,
        _ => {}
    }
    let deeds = dealt(deck, message);
    leave::ask(deck, deeds)
}

fn dealt(deck: &mut Deck, message: Message) -> Vec<Deed> {
    match (message, deck.focus) {
        (Message::Tick(clock), _) => {
            deck.clock = clock;
            tick(deck);
            Vec::new()
        }
        (Message::Resize(size), _) => {
            deck.size = size;
            everywhere(deck, &Message::Resize(size))
        }
        (Message::Resumed, _) => everywhere(deck, &Message::Resumed),
        (message, Focus::One(at)) => to_one(deck, at, message),
        (Message::Painted, Focus::All) => {
            if let Some(Over::Confirm { seen, .. } | Over::Unlock { seen }) = &mut deck.over {
                *seen = true;
            }
            everywhere(deck, &Message::Painted)
        }
        (Message::Key(key), Focus::All) => {
            deck.changed = true;
            deck.lock.touch(deck.clock.running);
            // As on a single screen: what was typed ahead of a question is for nobody.
            let is_unseen =
                matches!(deck.over, Some(Over::Confirm { seen: false, .. } | Over::Unlock { seen: false }));
            if is_unseen && !matches!(key, Key::Ctrl(_)) {
                return Vec::new();
            }
            let deeds = press(deck, key);
            deck.share_lock();
            deeds
        }
        (Message::Paste(text), Focus::All) => {
            if deck.over.is_none() {
                deck.tell(Tone::Plain, super::NOWHERE);
                deck.changed = true;
            }
            write(deck, |typed| typed.paste(&text));
            Vec::new()
        }
        (Message::Point(_) | Message::News(_), Focus::All) => Vec::new(),
    }
}

/// Takes in what the connection to the target at that position has to tell.
pub fn hear(deck: &mut Deck, at: usize, news: News) -> Vec<Deed> {
    let before = deck.stations.get(at).and_then(|station| station.toast.clone());
    let ran = deck.stations.get(at).map_or_else(Vec::new, deadline::running);
    let deeds = to_one(deck, at, Message::News(news));
    joint::settle(deck, at);
    deadline::tell(deck, at, &ran);
    let Some(station) = deck.stations.get(at).filter(|station| before != station.toast) else { return deeds };
    let name = station.station.as_deref().unwrap_or_default();
    let line = |toast: &Toast| format!("{name}: {}", toast.text);
    let (was, now) = (before.as_ref().map(line), station.toast.as_ref().map(line));
    let tone = station.toast.as_ref().map(|toast| toast.tone);
    // What was said of it for all is corrected for all.
    let is_said = was.is_some() && deck.toast.as_ref().map(|toast| &toast.text) == was.as_ref();
    match (now, tone) {
        (Some(now), Some(tone)) if is_said || (deck.focus == Focus::All && tone == Tone::Alarm) => {
            deck.tell(tone, now);
        }
        (None, _) if is_said => deck.toast = None,
        _ => {}
    }
    deeds
}

/// To the model of one target; what it changes for all, all have.
fn to_one(deck: &mut Deck, at: usize, message: Message) -> Vec<Deed> {
    let Some(station) = deck.stations.get_mut(at) else { return Vec::new() };
    let mut effects = update(station, message);
    let (lock, mouse) = (station.lock, station.mouse);
    if effects.contains(&Effect::Fleet) {
        effects.retain(|effect| *effect != Effect::Fleet);
        (deck.focus, deck.changed) = (Focus::All, true);
        deck.pick = Pick::Station(at);
    }
    deck.lock = lock;
    deck.share_lock();
    deck.stations.iter_mut().for_each(|station| station.mouse = mouse);
    effects.into_iter().map(|effect| (at, effect)).collect()
}

fn everywhere(deck: &mut Deck, message: &Message) -> Vec<Deed> {
    let to = |(at, station): (usize, &mut Model)| {
        update(station, message.clone()).into_iter().map(move |effect| (at, effect)).collect::<Vec<_>>()
    };
    deck.stations.iter_mut().enumerate().flat_map(to).collect()
}

/// A second has passed. The lock does not close while something of the operator's own goes on in any target.
fn tick(deck: &mut Deck) {
    deck.lock.hold(deck.stations.iter().any(Model::is_at_work));
    deck.share_lock();
    let was_open = deck.lock.is_open();
    everywhere(deck, &Message::Tick(deck.clock));
    if let Some(first) = deck.stations.first() {
        deck.lock = first.lock;
    }
    deck.changed |= deck.end_toast();
    if was_open && !deck.lock.is_open() {
        deck.tell(Tone::Plain, "locked again, for no key was pressed; L opens it");
        deck.changed = true;
    }
}

fn press(deck: &mut Deck, key: Key) -> Vec<Deed> {
    if let Some(action) = deck.keymap.action(deck.context(), key) {
        return act(deck, action);
    }
    if let Some(Over::Terms { terms, .. }) = &mut deck.over {
        terms.press(key);
        return Vec::new();
    }
    if let (None, Key::Char(letter)) = (&deck.over, key) {
        let help = deck.keymap.way(Action::Help);
        deck.tell(
            Tone::Plain,
            format!("'{}' does nothing here; {help} shows the keys", letter.escape_debug()),
        );
    }
    write(deck, |typed| {
        typed.press(key);
    });
    Vec::new()
}

/// What is typed ahead of a question is no answer to it.
fn write(deck: &mut Deck, change: impl FnOnce(&mut crate::model::form::Text)) {
    let spells = deck.context() == Context::FleetSpell;
    match &mut deck.over {
        Some(Over::Confirm { seen: true, typed, .. }) if spells => change(typed),
        Some(Over::Palette(palette)) => change(&mut palette.text),
        Some(Over::Terms { terms, .. }) => {
            if let Some(text) = terms.focused() {
                change(text);
            }
        }
        Some(Over::Filter { text, .. }) => {
            change(text);
            let filter = Query::parse(text.value());
            deck.narrow(filter);
        }
        _ => return,
    }
    deck.changed = true;
}

fn act(deck: &mut Deck, action: Action) -> Vec<Deed> {
    let effect = match action {
        Action::Quit => Effect::Quit,
        Action::Suspend => Effect::Suspend,
        Action::Repaint => Effect::Repaint,
        Action::Yank => return yank(deck),
        Action::Yes if matches!(deck.over, Some(Over::Unlock { .. })) => {
            open_lock(deck);
            return Vec::new();
        }
        Action::Accept
            if matches!(deck.over, Some(Over::Filter { .. } | Over::Palette(_) | Over::Terms { .. })) =>
        {
            return line::accept(deck);
        }
        Action::Yes | Action::Accept => return joint::agree(deck, action),
        Action::No | Action::Back => {
            line::back(deck);
            return Vec::new();
        }
        Action::Undo => {
            undo::ask(deck);
            return Vec::new();
        }
        Action::Again => {
            again::ask(deck);
            return Vec::new();
        }
        Action::Toggle(_) | Action::Enable | Action::Remove => {
            joint::ask(deck, action);
            return Vec::new();
        }
        _ => {
            go(deck, action);
            return Vec::new();
        }
    };
    vec![(0, effect)]
}

fn go(deck: &mut Deck, action: Action) {
    match action {
        Action::Help => deck.over = Some(Over::Help { page: 0 }),
        Action::Results if deck.joint().is_some() => deck.over = Some(Over::Results { page: 0 }),
        Action::Results => deck.tell(Tone::Plain, "nothing was done in all targets from here yet"),
        Action::Lock => turn_lock(deck),
        Action::Add => deck.over = Some(Over::Adding { page: 0 }),
        Action::Open => enter(deck),
        Action::Filter => line::open_filter(deck),
        Action::Palette => line::open_palette(deck),
        Action::Options => terms::open(deck),
        Action::NextField | Action::PreviousField if matches!(deck.over, Some(Over::Terms { .. })) => {
            terms::step(deck, action);
        }
        Action::Complete | Action::NextField | Action::PreviousField => line::turn(deck, action),
        action => scroll(deck, action),
    }
}

fn scroll(deck: &mut Deck, action: Action) {
    let forward = action == Action::PageDown;
    match &mut deck.over {
        Some(
            Over::Help { page } | Over::Results { page } | Over::Adding { page } | Over::Confirm { page, .. },
        ) => {
            *page = if forward { page.saturating_add(1) } else { page.saturating_sub(1) };
        }
        Some(Over::Unlock { .. } | Over::Filter { .. } | Over::Palette(_) | Over::Terms { .. }) => {}
        None => {
            let rows = deck.rows();
            let at = rows.iter().position(|row| *row == deck.pick).unwrap_or(0);
            let last = rows.len().saturating_sub(1);
            let to = match action {
                Action::Up => at.saturating_sub(1),
                Action::Down => at.saturating_add(1).min(last),
                Action::PageUp => at.saturating_sub(deck.page()),
                Action::PageDown => at.saturating_add(deck.page()).min(last),
                Action::Top => 0,
                Action::Bottom => last,
                _ => at,
            };
            if let Some(row) = rows.into_iter().nth(to) {
                deck.pick = row;
            }
        }
    }
}

/// Into the target under the cursor; of a member, to it where it is worst.
fn enter(deck: &mut Deck) {
    let (at, member) = match &deck.pick {
        Pick::Station(at) => (Some(*at), None),
        Pick::Member(target) => (deck.worst(target), Some(target.clone())),
    };
    let Some((at, station)) = at.and_then(|at| Some((at, deck.stations.get_mut(at)?))) else {
        return deck.tell(Tone::Plain, "this member is no longer there");
    };
    if let Some(target) = member {
        station.cursor.choose(target.clone());
        station.cursor.settle(&station.roster);
        station.screen = Screen::Member(target);
        gather(station);
    }
    station.changed = true;
    deck.focus = Focus::One(at);
}

fn turn_lock(deck: &mut Deck) {
    if deck.lock.is_open() {
        deck.lock.close();
        deck.tell(Tone::Plain, "locked: nothing can be changed from here until L opens it again");
    } else if deck.stations.iter().all(|station| station.roster.snapshot().is_none()) {
        deck.tell(Tone::Alarm, "no target has answered yet, so there is nothing to unlock");
    } else {
        deck.over = Some(Over::Unlock { seen: false });
    }
}

/// Opens the lock of all targets, if the question was on the screen.
fn open_lock(deck: &mut Deck) {
    if deck.over == Some(Over::Unlock { seen: true }) && deck.size.is_ample() {
        deck.over = None;
        deck.lock.open(deck.clock.running);
        deck.tell(Tone::Plain, "armed: changes can be made in every target; L locks again");
    }
}

/// Copies the commands of the last act in all, or the one that is read about, or the name of what is under the cursor.
fn yank(deck: &mut Deck) -> Vec<Deed> {
    let commands = deck.joint().map_or(&[][..], |joint| joint.commands.as_slice());
    let text = match (&deck.over, &deck.pick) {
        (Some(Over::Adding { .. }), _) => Some(deck.addition()),
        _ if !commands.is_empty() => Some(commands.join("\n")),
        (_, Pick::Station(at)) => deck.stations.get(*at).map(|station| station.title.clone()),
        (_, Pick::Member(target)) => Some(target.member.to_string()),
    };
    let Some(text) = text else { return Vec::new() };
    match in_short(&text) {
        Ok(told) => {
            deck.tell(Tone::Plain, format!("copied, if the terminal lets programs copy: {told}"));
            vec![(0, Effect::Yank(text))]
        }
        Err(why) => {
            deck.tell(Tone::Alarm, why);
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests;
