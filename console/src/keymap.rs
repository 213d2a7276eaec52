//! One row a key: where it counts, what it does, and the words for footer and help.
//!
//! `update`, the footer, the help screen and the tests read the same rows. Keys that edit text within a field are
//! not actions of the console; they are the field's own.

use std::borrow::Cow;

use evenkeel_protocol::Flag;

use crate::message::Key;

mod action;
mod binding;
mod fleet;

pub use action::Action;
pub use binding::{Keymap, names};
pub use fleet::ROWS as FLEET_ROWS;

/// Where the operator is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// The list of balancers and members.
    Balancers,
    /// One member in full.
    Member,
    /// What happened.
    Events,
    /// All balancers, a line each.
    Overview,
    /// Drains.
    Drains,
    /// The sticky lens.
    Lens,
    /// The last elections.
    Elections,
    /// All targets together.
    Fleet,
    /// A question about all targets that wants yes or no.
    FleetConfirm,
    /// A question about all targets that wants a word.
    FleetSpell,
    /// What became of an act in all targets, or what else is read there in a box.
    FleetResults,
    /// Writing a filter.
    Filter,
    /// Writing a command.
    Palette,
    /// What can be done to a member.
    Menu,
    /// A question that wants yes or no.
    Confirm,
    /// A question that wants a word.
    Spell,
    /// What became of an act on many.
    Results,
    /// The question whether to open the lock.
    Unlock,
    /// Writing an edit.
    Form,
    /// The help screen.
    Help,
}

impl Context {
    /// All of them that one target has.
    pub const ALL: [Self; 16] = [
        Self::Balancers,
        Self::Member,
        Self::Events,
        Self::Overview,
        Self::Drains,
        Self::Lens,
        Self::Elections,
        Self::Filter,
        Self::Palette,
        Self::Menu,
        Self::Confirm,
        Self::Spell,
        Self::Results,
        Self::Unlock,
        Self::Form,
        Self::Help,
    ];

    /// All of them that only several targets have.
    pub const FLEET: [Self; 4] = [Self::Fleet, Self::FleetConfirm, Self::FleetSpell, Self::FleetResults];
}

/// The headings of the help screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Moving about.
    Move,
    /// Changing a member.
    Change,
    /// Looking after a drain.
    Tend,
    /// Answering and writing.
    Write,
    /// Everything else.
    General,
}

impl Group {
    /// All groups with their headings, in the order of the help screen.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Change, "Change members (each asks first)"),
        (Self::Tend, "The drain shown (each asks first)"),
        (Self::Move, "Move"),
        (Self::Write, "Questions and fields"),
        (Self::General, "General"),
    ];
}

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Where it counts.
    pub contexts: &'static [Context],
    /// The keys; the first one is shown in the footer. None if the operator wants none.
    pub keys: Cow<'static, [Key]>,
    /// What they do.
    pub action: Action,
    /// One word for the footer; none: it is not shown there.
    pub hint: Option<&'static str>,
    /// A few words for the help screen; rows with the same words are one line there.
    pub help: &'static str,
    /// Where in the help screen.
    pub group: Group,
}

impl Row {
    /// Does it count only where all targets are on the screen?
    pub fn is_of_fleet(&self) -> bool {
        self.contexts.iter().any(|context| Context::FLEET.contains(context))
    }
}

use Context::{
    Balancers, Confirm, Drains, Elections, Events, Filter, Form, Help, Lens, Member, Menu, Overview, Palette,
    Results, Spell, Unlock,
};
use Group::{Change, General, Move, Tend, Write};

const MEMBERS: &[Context] = &[Balancers, Member, Menu];
const SCREENS: &[Context] = &[Balancers, Member, Events, Overview, Drains, Lens, Elections];
const SCROLLS: &[Context] = &[Balancers, Member, Events, Overview, Drains, Lens, Elections, Results, Menu];
const SCREENS_AND_RESULTS: &[Context] =
    &[Balancers, Member, Events, Overview, Drains, Lens, Elections, Results];

const fn row(
    contexts: &'static [Context],
    keys: &'static [Key],
    action: Action,
    (hint, help, group): (Option<&'static str>, &'static str, Group),
) -> Row {
    Row { contexts, keys: Cow::Borrowed(keys), action, hint, help, group }
}

/// All rows, before the operator has bound any key. Their order is the order of the hints in the footer: the ones that matter most come first.
#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    row(&[Confirm, Unlock], &[Key::Char('y')], Action::Yes, (Some("yes"), "yes, do it", Write)),
    row(&[Confirm, Unlock], &[Key::Char('n'), Key::Esc], Action::No, (Some("no"), "no, leave it as it is", Write)),
    row(&[Confirm], &[Key::Enter], Action::Accept, (None, "yes if no risk, else no", Write)),
    row(&[Spell], &[Key::Enter], Action::Accept, (Some("do it"), "take over the text", Write)),
    row(&[Spell], &[Key::Esc], Action::No, (Some("no"), "no, leave it as it is", Write)),
    row(&[Filter, Form, Palette], &[Key::Enter], Action::Accept, (Some("go on"), "take over the text", Write)),
    row(&[Menu], &[Key::Enter], Action::Accept, (Some("choose"), "what the cursor is on", Write)),
    row(&[Palette], &[Key::Tab], Action::Complete, (Some("complete"), "the first suggestion", Write)),
    row(&[Form], &[Key::Tab, Key::Down], Action::NextField, (Some("next field"), "to another field", Write)),
    row(&[Form], &[Key::Up, Key::BackTab], Action::PreviousField, (None, "to another field", Write)),
    row(&[Palette], &[Key::Up], Action::PreviousField, (None, "lines from before", Write)),
    row(&[Palette], &[Key::Down], Action::NextField, (None, "lines from before", Write)),
    row(&[Confirm, Spell], &[Key::Tab], Action::Options, (None, "terms of a drain", Write)),
    row(&[Confirm, Spell], &[Key::PageDown], Action::PageDown, (None, "the question's next page", Write)),
    row(&[Confirm, Spell], &[Key::PageUp], Action::PageUp, (None, "the question's next page", Write)),
    row(&[Drains], &[Key::Char('t')], Action::More, (Some("more time"), "10 min more", Tend)),
    row(&[Drains], &[Key::Char('o')], Action::Terms, (Some("terms"), "until, timeout, then", Tend)),
    row(&[Drains], &[Key::Char('r')], Action::Restore, (Some("take back"), "end it, N is cleared", Tend)),
    row(&[Drains], &[Key::Char('c')], Action::KeepDraining, (Some("cancel"), "end it, N stays", Tend)),
    row(&[Drains], &[Key::Char('S')], Action::StopNow, (Some("stop now"), "S without waiting", Tend)),
    row(&[Drains], &[Key::Char('X')], Action::CutNow, (Some("cut"), "S, and end requests", Tend)),
    row(&[Lens], &[Key::Enter, Key::Char('i')], Action::Ask, (Some("ask"), "lens: a cookie or a URL", Move)),
    row(&[Elections], &[Key::Char('/')], Action::Watch, (Some("of whom"), "elections: of whom", Move)),
    row(&[Elections], &[Key::Char('f')], Action::Failovers, (Some("failovers"), "elections: failovers", Move)),
    row(&[Elections], &[Key::Char('r')], Action::RouteChanges,
        (Some("route changes"), "elections: other routes", Move)),
    row(&[Overview], &[Key::Enter, Key::Char('z')], Action::Open, (Some("members"), "overview: its members", Move)),
    row(&[Events], &[Key::Enter, Key::Char('z')], Action::Open, (Some("member"), "event: its member", Move)),
    row(&[Member, Drains], &[Key::Char('w')], Action::Reach, (Some("5/60 min"), "graphs: 5 or 60 min", Move)),
    row(MEMBERS, &[Key::Char('d')], Action::Toggle(Flag::Drain),
        (Some("drain"), "N drain, on or off", Change)),
    row(MEMBERS, &[Key::Char('E')], Action::Enable, (Some("enable"), "clear N, D and S", Change)),
    row(MEMBERS, &[Key::Char('D')], Action::Toggle(Flag::Disabled),
        (Some("disable"), "D disabled, on or off", Change)),
    row(MEMBERS, &[Key::Char('S')], Action::Toggle(Flag::Stopped),
        (Some("stop"), "S stopped, on or off", Change)),
    row(MEMBERS, &[Key::Char('e')], Action::Edit,
        (Some("edit"), "factor, route and more", Change)),
    row(&[Balancers, Member], &[Key::Enter, Key::Function(9)], Action::Menu, (Some("menu"), "menu of all acts", Change)),
    row(MEMBERS, &[Key::Char('H')], Action::Toggle(Flag::Standby),
        (None, "H hot standby", Change)),
    row(MEMBERS, &[Key::Char('R')], Action::Toggle(Flag::Spare),
        (None, "R hot spare", Change)),
    row(&[Menu], &[Key::Char('i')], Action::Toggle(Flag::IgnoreErrors),
        (None, "I ignore errors (menu)", Change)),
    row(&[Menu], &[Key::Char('C')], Action::Toggle(Flag::HealthFail),
        (None, "C failed check (menu)", Change)),
    row(&[Overview], &[Key::Char('e'), Key::Char('B')], Action::Tune,
        (Some("settings"), "balancer's settings", Change)),
    row(&[Balancers, Member], &[Key::Char('B')], Action::Tune,
        (None, "balancer's settings", Change)),
    row(SCREENS, &[Key::Ctrl('r')], Action::Reload, (None, "reload the file", Change)),
    row(SCREENS_AND_RESULTS, &[Key::Char('u')], Action::Undo, (Some("undo"), "undo your last change", Change)),
    row(SCREENS, &[Key::Char('A')], Action::Again, (None, "again what httpd forgot", Change)),
    row(SCREENS, &[Key::Char('L')], Action::Lock, (Some("lock"), "unlock, or lock again", Change)),
    row(&[Balancers], &[Key::Char(' ')], Action::Mark, (None, "mark; acts are for marks", Change)),
    row(&[Balancers], &[Key::Char('V')], Action::MarkRange, (None, "mark up to here", Change)),
    row(&[Balancers], &[Key::Char('a')], Action::MarkAll, (None, "mark all shown, or none", Change)),
    row(&[Balancers, Menu, Drains], &[Key::Char('z')], Action::Open, (None, "the member in full", Move)),
    row(&[Balancers], &[Key::Char('/'), Key::Function(3)], Action::Filter, (Some("filter"), "filter: drn busy>9 !err", Move)),
    row(SCREENS, &[Key::Char(':')], Action::Palette, (Some("command"), "command: drain app/a", General)),
    row(&[Balancers], &[Key::Char('p'), Key::Function(4)], Action::Problems, (Some("problems"), "only what is not well", Move)),
    row(&[Overview, Balancers, Member], &[Key::Char('i'), Key::Insert], Action::Add,
        (Some("add"), "insert a member", Change)),
    row(MEMBERS, &[Key::Char('X'), Key::Delete], Action::Remove,
        (Some("remove"), "remove who was added", Change)),
    row(&[Member, Events, Overview, Drains, Lens, Elections], &[Key::Char('Z'), Key::Char(' ')], Action::Freeze,
        (None, "stand still, go on", General)),
    row(&[Balancers], &[Key::Char('Z')], Action::Freeze, (None, "stand still, go on", General)),
    row(SCREENS, &[Key::Char('+'), Key::Char('=')], Action::Faster, (None, "look more, less often", General)),
    row(SCREENS, &[Key::Char('-')], Action::Slower, (None, "look more, less often", General)),
    row(&[Balancers], &[Key::Char('<')], Action::SortPrevious, (None, "sort by another column", Move)),
    row(&[Balancers], &[Key::Char('>'), Key::Function(6)], Action::SortNext, (None, "sort by another column", Move)),
    row(&[Balancers], &[Key::Char('I')], Action::Invert, (None, "sort the other way", Move)),
    row(SCREENS, &[Key::Char('F')], Action::Fleet, (Some("fleet"), "all targets together", Move)),
    row(SCREENS, &[Key::Tab], Action::NextScreen, (Some("screens"), "to the other screen", Move)),
    row(SCREENS, &[Key::BackTab], Action::PreviousScreen, (None, "to the other screen", Move)),
    row(SCREENS, &[Key::Char('0'), Key::Function(2)], Action::Overview, (None, "the screens by number", Move)),
    row(SCREENS, &[Key::Char('1')], Action::Balancers, (None, "the screens by number", Move)),
    row(SCREENS, &[Key::Char('2'), Key::Function(8)], Action::Events, (None, "the screens by number", Move)),
    row(SCREENS, &[Key::Char('3'), Key::Function(5)], Action::Drains, (None, "the screens by number", Move)),
    row(SCREENS, &[Key::Char('4'), Key::Function(7)], Action::Lens, (None, "the screens by number", Move)),
    row(SCREENS, &[Key::Char('5')], Action::Elections, (None, "the screens by number", Move)),
    row(SCROLLS, &[Key::Up, Key::Char('k')], Action::Up, (None, "a line up or down", Move)),
    row(SCROLLS, &[Key::Down, Key::Char('j')], Action::Down, (None, "a line up or down", Move)),
    row(SCREENS_AND_RESULTS, &[Key::PageUp, Key::Ctrl('b')], Action::PageUp, (None, "a page up or down", Move)),
    row(SCREENS_AND_RESULTS, &[Key::PageDown, Key::Ctrl('f')], Action::PageDown, (None, "a page up or down", Move)),
    row(SCREENS_AND_RESULTS, &[Key::Home, Key::Char('g')], Action::Top, (None, "the first, the last", Move)),
    row(SCREENS_AND_RESULTS, &[Key::End, Key::Char('G')], Action::Bottom, (None, "the first, the last", Move)),
    row(&[Help], &[Key::Down, Key::Char('j'), Key::PageDown, Key::Ctrl('f')], Action::PageDown,
        (None, "another page of keys", Move)),
    row(&[Help], &[Key::Up, Key::Char('k'), Key::PageUp, Key::Ctrl('b')], Action::PageUp,
        (None, "another page of keys", Move)),
    row(&[Balancers], &[Key::Char('n')], Action::NextMatch, (None, "next, previous, round", Move)),
    row(&[Balancers], &[Key::Char('N')], Action::PreviousMatch, (None, "next, previous, round", Move)),
    row(&[Balancers], &[Key::Char('[')], Action::PreviousBalancer, (None, "another balancer", Move)),
    row(&[Balancers], &[Key::Char(']')], Action::NextBalancer, (None, "another balancer", Move)),
    row(&[Balancers, Member, Events, Drains, Results], &[Key::Char('y')], Action::Yank, (None, "copy command or name", General)),
    row(SCREENS, &[Key::Char('?'), Key::Function(1), Key::Char('h')], Action::Help, (Some("help"), "these keys", General)),
    row(&[Balancers, Member, Events, Overview, Drains, Lens, Elections, Filter, Form, Palette], &[Key::Esc],
        Action::Back,
        (Some("back"), "back; never quits", General)),
    row(&[Menu, Results], &[Key::Esc, Key::Char('q')], Action::Back, (Some("back"), "back; never quits", General)),
    row(&[Help], &[Key::Esc, Key::Char('q'), Key::Char('?'), Key::Function(1), Key::Char('h')], Action::Back,
        (Some("back"), "back; never quits", General)),
    row(SCREENS, &[Key::Char('q'), Key::Function(10)], Action::Quit, (Some("quit"), "quit", General)),
    row(&Context::ALL, &[Key::Ctrl('c')], Action::Quit, (None, "quit", General)),
    row(&Context::ALL, &[Key::Ctrl('z')], Action::Suspend, (None, "stop; fg returns", General)),
    row(&Context::ALL, &[Key::Ctrl('l')], Action::Repaint, (None, "draw everything anew", General)),
    row(SCREENS, &[Key::Char('M')], Action::Mouse, (None, "mouse on or off", General)),
];
