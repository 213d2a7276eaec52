//! The keys of the screen of all targets. What lies on top of it has the keys that it has everywhere.

use evenkeel_protocol::Flag;

use super::Context::{self, Fleet, FleetConfirm, FleetResults, FleetSpell};
use super::Group::{Change, General, Move, Write};
use super::{Action, Row, row};
use crate::message::Key;

const HERE: &[Context] = &[Fleet];
const READS: &[Context] = &[Fleet, FleetResults];
const ASKS: &[Context] = &[FleetConfirm, FleetSpell];

/// All rows, the ones that matter most first.
#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    row(&[FleetConfirm], &[Key::Char('y')], Action::Yes, (Some("yes"), "yes, in all named", Write)),
    row(&[FleetConfirm], &[Key::Char('n'), Key::Esc], Action::No, (Some("no"), "no, leave it as it is", Write)),
    row(&[FleetConfirm], &[Key::Enter], Action::Accept, (None, "no; only y is a yes", Write)),
    row(&[FleetSpell], &[Key::Enter], Action::Accept, (Some("do it"), "yes, behind its word", Write)),
    row(&[FleetSpell], &[Key::Esc], Action::No, (Some("no"), "no, leave it as it is", Write)),
    row(ASKS, &[Key::PageDown, Key::Down], Action::PageDown, (None, "the rest of a question", Write)),
    row(ASKS, &[Key::PageUp, Key::Up], Action::PageUp, (None, "the rest of a question", Write)),
    row(ASKS, &[Key::Tab], Action::Options, (None, "terms of a drain", Write)),
    row(HERE, &[Key::Enter, Key::Char('z')], Action::Open, (Some("go in"), "into a target", Move)),
    row(HERE, &[Key::Char('d')], Action::Toggle(Flag::Drain), (Some("drain"), "N drain in all targets", Change)),
    row(HERE, &[Key::Char('E')], Action::Enable, (Some("enable"), "clear N, D and S in all", Change)),
    row(READS, &[Key::Char('u')], Action::Undo, (Some("undo"), "undo the last act", Change)),
    row(READS, &[Key::Char('A')], Action::Again, (Some("set again"), "again what httpd forgot", Change)),
    row(HERE, &[Key::Char('r')], Action::Results, (Some("results"), "results of the last act", Change)),
    row(HERE, &[Key::Char('L')], Action::Lock, (Some("lock"), "unlock, or lock again", Change)),
    row(HERE, &[Key::Char('D')], Action::Toggle(Flag::Disabled), (Some("disable"), "D disabled in all", Change)),
    row(HERE, &[Key::Char('S')], Action::Toggle(Flag::Stopped), (Some("stop"), "S stopped in all", Change)),
    row(HERE, &[Key::Char('H')], Action::Toggle(Flag::Standby), (None, "H hot standby in all", Change)),
    row(HERE, &[Key::Char('R')], Action::Toggle(Flag::Spare), (None, "R hot spare in all", Change)),
    row(HERE, &[Key::Char('X'), Key::Delete], Action::Remove, (None, "remove who was added", Change)),
    row(HERE, &[Key::Char('i'), Key::Insert], Action::Add, (None, "how a member is added", Change)),
    row(HERE, &[Key::Char('/'), Key::Function(3)], Action::Filter, (Some("filter"), "filter: drn busy>9 !err", Move)),
    row(HERE, &[Key::Char(':')], Action::Palette, (Some("command"), "command: drain app/a", General)),
    row(HERE, &[Key::Up, Key::Char('k')], Action::Up, (None, "a line up or down", Move)),
    row(HERE, &[Key::Down, Key::Char('j')], Action::Down, (None, "a line up or down", Move)),
    row(HERE, &[Key::PageUp, Key::Ctrl('b')], Action::PageUp, (None, "a page up or down", Move)),
    row(HERE, &[Key::PageDown, Key::Ctrl('f')], Action::PageDown, (None, "a page up or down", Move)),
    row(HERE, &[Key::Home, Key::Char('g')], Action::Top, (None, "the first, the last", Move)),
    row(HERE, &[Key::End, Key::Char('G')], Action::Bottom, (None, "the first, the last", Move)),
    row(&[FleetResults], &[Key::Down, Key::Char('j'), Key::PageDown, Key::Ctrl('f')], Action::PageDown, (None, "another page of a box", Move)),
    row(&[FleetResults], &[Key::Up, Key::Char('k'), Key::PageUp, Key::Ctrl('b')], Action::PageUp, (None, "another page of a box", Move)),
    row(READS, &[Key::Char('y')], Action::Yank, (None, "copy command or name", General)),
    row(&[FleetResults], &[Key::Esc, Key::Char('q')], Action::Back, (Some("back"), "back; never quits", General)),
    row(HERE, &[Key::Esc], Action::Back, (None, "one back; never quits", General)),
    row(HERE, &[Key::Char('?'), Key::Function(1), Key::Char('h')], Action::Help, (Some("help"), "these keys", General)),
    row(HERE, &[Key::Char('q')], Action::Quit, (Some("quit"), "quit", General)),
    row(&Context::FLEET, &[Key::Ctrl('c')], Action::Quit, (None, "quit", General)),
    row(&Context::FLEET, &[Key::Ctrl('z')], Action::Suspend, (None, "stop; fg returns", General)),
    row(&Context::FLEET, &[Key::Ctrl('l')], Action::Repaint, (None, "draw everything anew", General)),
];
