//! What is written on the screen of all targets: a filter for its members, or a command. A line is taken whole, so that
//! no letter of it is a key; one that is not for all targets stays open and says where it is.

use evenkeel_protocol::Flag;
use evenkeel_protocol::clean::clean;

use super::joint::{self, Wish};
use super::{Deed, act, again, terms};
use crate::ability::Ability;
use crate::cli::palette::is_command;
use crate::keymap::{Action, FLEET_ROWS};
use crate::model::act::Turn;
use crate::model::command::attended;
use crate::model::deck::{Deck, Over, Pick, roll};
use crate::model::form::Text;
use crate::model::palette::{Palette, taken};
use crate::model::query::{self, Query};
use crate::model::target::Target;
use crate::model::vocabulary::Vocabulary;
use crate::model::{Model, Tone};
use crate::shell;

/// Starts a filter.
pub(super) fn open_filter(deck: &mut Deck) {
    let before = deck.filter.text().to_owned();
    let text = Text::with_longest(&before, query::LONGEST);
    deck.over = Some(Over::Filter { text, before });
}

/// Starts a command; the names are those of all targets.
pub(super) fn open_palette(deck: &mut Deck) {
    let mut verbs: Vec<String> = Vec::new();
    let keys = lines().map(|(line, _)| line).chain(["unlock"]);
    for verb in VERBS.iter().map(|(verb, _)| *verb).chain(keys) {
        if !verbs.iter().any(|known| known == verb) {
            verbs.push(verb.to_owned());
        }
    }
    let members = roll::members(&deck.stations);
    let names = members.iter().map(|target| roll::label(&deck.stations, target)).collect();
    let vocabulary = Vocabulary { verbs, names, ..Vocabulary::default() };
    deck.over = Some(Over::Palette(Box::new(Palette::new(vocabulary))));
}

/// A word completed, or a line from before.
pub(super) fn turn(deck: &mut Deck, action: Action) {
    if let Some(Over::Palette(palette)) = &mut deck.over {
        match action {
            Action::Complete => palette.complete(),
            Action::PreviousField => palette.older(&deck.recall),
            _ => palette.newer(&deck.recall),
        }
    }
}

/// One level back: what lies on top, else the filter, else what is to be read of an act that does not hold everywhere.
pub(super) fn back(deck: &mut Deck) {
    match deck.over.take() {
        Some(Over::Filter { before, .. }) => deck.narrow(Query::parse(&before)),
        Some(Over::Terms { terms, target }) => terms::leave(deck, *terms, target),
        None if deck.toast.is_some() => deck.toast = None,
        None if !deck.filter.is_empty() => deck.narrow(Query::default()),
        None => {
            if let Some(joint) = deck.joints.iter_mut().rev().find(|joint| joint.is_noticed()) {
                joint.is_put_away = true;
            }
        }
        over => {
            deck.over = over;
            joint::no(deck);
        }
    }
}

/// Takes over what is written. A filter or a term that is wrong, and a line that is not understood, stay open.
pub(super) fn accept(deck: &mut Deck) -> Vec<Deed> {
    match deck.over.take() {
        Some(Over::Filter { text, before }) => {
            deck.narrow(Query::whole(text.value()));
            if deck.filter.complaint().is_some() {
                deck.over = Some(Over::Filter { text, before });
            }
            Vec::new()
        }
        Some(Over::Terms { terms, target }) => {
            terms::accept(deck, terms, target);
            Vec::new()
        }
        Some(Over::Palette(palette)) => {
            taken(deck, palette, |deck| &mut deck.recall, run).unwrap_or_else(|palette| {
                deck.over = Some(Over::Palette(palette));
                Vec::new()
            })
        }
        over => {
            deck.over = over;
            Vec::new()
        }
    }
}

/// The verbs that mean the same in every target.
const VERBS: [(&str, Wish); 7] = [
    ("drain", Wish::Flag(Flag::Drain, Turn::On)),
    ("undrain", Wish::Flag(Flag::Drain, Turn::Off)),
    ("enable", Wish::Enable),
    ("disable", Wish::Flag(Flag::Disabled, Turn::On)),
    ("stop", Wish::Flag(Flag::Stopped, Turn::On)),
    ("standby", Wish::Flag(Flag::Standby, Turn::On)),
    ("remove", Wish::Remove),
];

/// The lines of what keys do here, but for those that [`VERBS`] are.
fn lines() -> impl Iterator<Item = (&'static str, Action)> {
    let named = FLEET_ROWS.iter().filter_map(|row| Some((row.action.name()?, row.action)));
    named.filter(|(line, _)| !VERBS.iter().any(|(verb, _)| verb == line))
}

/// Errors: why the line is not understood, or where it is; nothing was done.
fn run(deck: &mut Deck, line: &str, palette: &Palette) -> Result<Vec<Deed>, String> {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    if let Some((_, wish)) = VERBS.iter().find(|(known, _)| *known == verb) {
        let target = match rest {
            "" => joint::chosen(deck),
            label if label.contains(' ') || label.starts_with('-') => return Err(elsewhere(deck, line)),
            label => Some(named(deck, label)?),
        };
        if let Some(target) = target {
            joint::ask_for(deck, target, wish);
        }
        return Ok(Vec::new());
    }
    match (verb, rest) {
        ("again", label) if !label.is_empty() => {
            let target = named(deck, label)?;
            again::ask_of(deck, &target);
        }
        ("filter", text) if !text.is_empty() => match Query::whole(text) {
            query if query.complaint().is_none() => deck.narrow(query),
            query => return Err(query.complaint().unwrap_or_default().to_owned()),
        },
        ("unlock", "") if !deck.lock.is_open() => return Ok(act(deck, Action::Lock)),
        ("lock", "") if !deck.lock.is_open() => deck.tell(Tone::Plain, "it is locked already"),
        _ => match lines().find(|(known, _)| *known == line) {
            Some((_, action)) => return Ok(act(deck, action)),
            None if is_command(verb) => return Err(elsewhere(deck, line)),
            None => return Err(palette.unknown(verb)),
        },
    }
    Ok(Vec::new())
}

/// The member called so in any target, by its route or its URL.
///
/// Errors: there is none, or there are several.
fn named(deck: &Deck, label: &str) -> Result<Target, String> {
    let mut found = roll::members(&deck.stations);
    found.retain(|target| {
        roll::label(&deck.stations, target) == label
            || format!("{}/{}", target.balancer, target.member) == label
    });
    let shown = clean(label, 60);
    match <[Target; 1]>::try_from(found) {
        Ok([one]) => Ok(one),
        Err(none) if none.is_empty() => {
            Err(format!("no target has a member {shown}; names are as in the list below"))
        }
        Err(_) => Err(format!("several members are called {shown}: write BALANCER/URL, or choose one below")),
    }
}

/// Where a line is for that is not for here: into a target, or to a shell.
fn elsewhere(deck: &Deck, line: &str) -> String {
    let name = match &deck.pick {
        Pick::Station(at) => deck.stations.get(*at),
        Pick::Member(target) => deck.worst(target).and_then(|at| deck.stations.get(at)),
    };
    let name = name.and_then(|station| station.station.as_deref()).unwrap_or("a target");
    let open = deck.keymap.way(Action::Open);
    // These are about one, in a shell too.
    if ["undo", "export"].iter().any(|verb| line.starts_with(verb)) {
        return format!("not on this screen, but in one target: Esc, {open} goes into {name}");
    }
    let shell = in_a_shell(deck, &format!("evenkeel {}", clean(line, 60)));
    format!("not on this screen: in one, Esc, {open} goes into {name}; {shell}")
}

/// The command that does it in all targets, or in those that can do it; and why the others cannot.
fn in_a_shell(deck: &Deck, line: &str) -> String {
    let all = deck.stations.iter();
    let (able, unable): (Vec<&Model>, Vec<&Model>) = all.partition(|station| beyond(station, line).is_none());
    let is_attended = able.iter().any(|station| station.lacks(Ability::Jobs).is_some());
    let line = if is_attended { attended(line) } else { line.to_owned() };
    let Some(why) = unable.first().and_then(|station| beyond(station, &line)) else {
        return format!("in all, in a shell: {}", shell::at(&line, &deck.words));
    };
    let names = |stations: &[&Model]| {
        stations.iter().filter_map(|station| station.station.as_deref()).collect::<Vec<_>>().join(", ")
    };
    if able.is_empty() {
        return format!("no target can do that: {why}");
    }
    let words: Vec<&str> = able.iter().map(|station| station.words.as_str()).collect();
    let (command, able, unable) = (shell::at(&line, &words.join(" ")), names(&able), names(&unable));
    format!("in a shell, for {able}: {command}; {unable} cannot: {why}")
}

/// Why a target can never do what a line asks for; none: nothing is known to stand in its way.
fn beyond(station: &Model, line: &str) -> Option<&'static str> {
    let line = line.replace(['_', '='], "-").replace(' ', "-");
    let lacks = |ability| station.lacks(ability).is_some();
    if line.contains("--until-no-sessions") && lacks(Ability::Sessions) {
        return Some("its page tells of no idle sessions");
    }
    (line.contains("--on-timeout-cut") && lacks(Ability::Cut)).then_some("its page cuts nothing off")
}
