//! One row a key: where it counts, what it does, and the words for footer and help.
//!
//! `update`, the footer, the help screen and the tests read the same rows. Keys that edit text within a field are
//! not actions of the console; they are the field's own.

use evenkeel_protocol::Flag;

use crate::ability::Ability;
use crate::message::Key;

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
    /// All of them.
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
}

/// What a key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// End the console.
    Quit,
    /// Stop until the shell says `fg`.
    Suspend,
    /// Draw everything anew.
    Repaint,
    /// Show the keys.
    Help,
    /// One level back.
    Back,
    /// Show the member in full.
    Open,
    /// Show what can be done to the member.
    Menu,
    /// Go to the list.
    Balancers,
    /// Go to the events.
    Events,
    /// Go to the balancers, a line each.
    Overview,
    /// Go to the drains.
    Drains,
    /// Go to the sticky lens.
    Lens,
    /// Go to the elections.
    Elections,
    /// Let graphs go back further, or less far.
    Reach,
    /// Ask whether to set again what a restart of the proxy has forgotten.
    Again,
    /// Write what the lens is to look at.
    Ask,
    /// Write which elections are shown.
    Watch,
    /// Only elections after a failed try, or all.
    Failovers,
    /// Only elections that took a session to another route, or all.
    RouteChanges,
    /// From the question of a drain to its terms.
    Options,
    /// Ask whether to give the drain more time.
    More,
    /// Write other terms for the drain.
    Terms,
    /// Ask whether to end the drain and leave the member draining.
    KeepDraining,
    /// Ask whether to end the drain and take the member back.
    Restore,
    /// Ask whether to stop the member now.
    StopNow,
    /// Ask whether to stop the member now and end what is in flight.
    CutNow,
    /// Go to the screen after this one.
    NextScreen,
    /// Go to the screen before this one.
    PreviousScreen,
    /// One line up.
    Up,
    /// One line down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the first line.
    Top,
    /// To the last line.
    Bottom,
    /// To the first member of the balancer before.
    PreviousBalancer,
    /// To the first member of the next balancer.
    NextBalancer,
    /// To the next member that the filter lets through, round and round.
    NextMatch,
    /// To the member before, round and round.
    PreviousMatch,
    /// Start writing a filter.
    Filter,
    /// Start writing a command.
    Palette,
    /// Only what is not well, or everything.
    Problems,
    /// Sort by the column to the right.
    SortNext,
    /// Sort by the column to the left.
    SortPrevious,
    /// Sort the other way round.
    Invert,
    /// Mark the member, or take its mark away.
    Mark,
    /// Mark from the last mark to here.
    MarkRange,
    /// Mark all that are shown, or none.
    MarkAll,
    /// Take over what was written, or do what is chosen.
    Accept,
    /// Put the first suggestion into the line.
    Complete,
    /// To the next field, or the line after in the history.
    NextField,
    /// To the field before, or the line before in the history.
    PreviousField,
    /// Ask whether to turn a flag of the member on, or off if it is on.
    Toggle(Flag),
    /// Ask whether to clear D, N and S.
    Enable,
    /// Write new values for the member.
    Edit,
    /// Ask whether to take the last change back.
    Undo,
    /// Close the lock, or ask whether to open it.
    Lock,
    /// Copy the last command, or the member's name.
    Yank,
    /// Let the console have the mouse, or the terminal.
    Mouse,
    /// Yes, do it.
    Yes,
    /// No, leave everything as it is.
    No,
}

impl Action {
    /// Does it lead to a change of the proxy (by way of a question)?
    pub fn changes(self) -> bool {
        matches!(self, Self::Toggle(_) | Self::Enable | Self::Edit | Self::Undo | Self::Again) || self.tends()
    }

    /// What a proxy must be able to do for it; none: every proxy can.
    pub fn needs(self) -> Option<Ability> {
        match self {
            Self::CutNow => Some(Ability::Cut),
            Self::Ask => Some(Ability::Explain),
            Self::Watch | Self::Failovers | Self::RouteChanges => Some(Ability::Elections),
            Self::Reach => Some(Ability::History),
            _ => None,
        }
    }

    /// Is it about the drain that is shown?
    pub fn tends(self) -> bool {
        matches!(
            self,
            Self::More | Self::Terms | Self::KeepDraining | Self::Restore | Self::StopNow | Self::CutNow
        )
    }

    /// The line that does it in the palette. Those that answer, write or move within a text have none: they mean
    /// nothing there.
    pub fn line(self) -> Option<&'static str> {
        Some(match self {
            Self::Quit => "quit",
            Self::Suspend => "suspend",
            Self::Repaint => "repaint",
            Self::Help => "help",
            Self::Back => "back",
            Self::Open => "open",
            Self::Menu => "menu",
            Self::Balancers => "balancers",
            Self::Events => "events",
            Self::Overview => "overview",
            Self::Drains => "drains",
            Self::Lens => "lens",
            Self::Elections => "elections",
            Self::Reach => "reach",
            Self::Ask => "ask",
            Self::Watch => "watch",
            Self::Failovers => "failovers",
            Self::RouteChanges => "route-changes",
            Self::More => "more-time",
            Self::Terms => "terms",
            Self::KeepDraining => "keep-draining",
            Self::Restore => "restore",
            Self::StopNow => "stop-now",
            Self::CutNow => "cut-now",
            Self::NextScreen => "next-screen",
            Self::PreviousScreen => "previous-screen",
            Self::Up => "up",
            Self::Down => "down",
            Self::PageUp => "page-up",
            Self::PageDown => "page-down",
            Self::Top => "top",
            Self::Bottom => "bottom",
            Self::PreviousBalancer => "previous-balancer",
            Self::NextBalancer => "next-balancer",
            Self::NextMatch => "next-match",
            Self::PreviousMatch => "previous-match",
            Self::Filter => "filter",
            Self::Problems => "problems",
            Self::SortNext => "sort-right",
            Self::SortPrevious => "sort-left",
            Self::Invert => "invert",
            Self::Mark => "mark",
            Self::MarkRange => "mark-range",
            Self::MarkAll => "mark-all",
            Self::Toggle(flag) => return toggled(flag),
            Self::Enable => "enable",
            Self::Edit => "edit",
            Self::Undo => "undo",
            Self::Again => "again",
            Self::Lock => "lock",
            Self::Yank => "yank",
            Self::Mouse => "mouse",
            Self::Palette
            | Self::Accept
            | Self::Complete
            | Self::Options
            | Self::NextField
            | Self::PreviousField
            | Self::Yes
            | Self::No => return None,
        })
    }
}

/// The line that turns a flag.
fn toggled(flag: Flag) -> Option<&'static str> {
    Some(match flag {
        Flag::Drain => "drain",
        Flag::Disabled => "disable",
        Flag::Stopped => "stop",
        Flag::Standby => "standby",
        Flag::Spare => "set spare=on",
        Flag::IgnoreErrors => "set ignore_errors=on",
        Flag::HealthFail => "set health_fail=on",
        _ => return None,
    })
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
        (Self::Tend, "The drain that is shown (each asks first)"),
        (Self::Move, "Move"),
        (Self::Write, "Questions and fields"),
        (Self::General, "General"),
    ];
}

/// One row.
#[derive(Debug)]
pub struct Row {
    /// Where it counts.
    pub contexts: &'static [Context],
    /// The keys; the first one is shown in the footer.
    pub keys: &'static [Key],
    /// What they do.
    pub action: Action,
    /// One word for the footer; none: it is not shown there.
    pub hint: Option<&'static str>,
    /// A few words for the help screen; rows with the same words are one line there.
    pub help: &'static str,
    /// Where in the help screen.
    pub group: Group,
}

use Context::{
    Balancers, Confirm, Drains, Elections, Events, Filter, Form, Help, Lens, Member, Menu, Overview, Palette,
    Results, Spell, Unlock,
};
use Group::{Change, General, Move, Tend, Write};

const MEMBERS: &[Context] = &[Balancers, Member, Menu];
const SCREENS: &[Context] = &[Balancers, Member, Events, Overview, Drains, Lens, Elections];
const SCROLLS: &[Context] =
    &[Balancers, Member, Events, Overview, Drains, Lens, Elections, Help, Results, Menu];
const PAGES: &[Context] = &[Balancers, Member, Events, Overview, Drains, Lens, Elections, Help, Results];

const fn row(
    contexts: &'static [Context],
    keys: &'static [Key],
    action: Action,
    (hint, help, group): (Option<&'static str>, &'static str, Group),
) -> Row {
    Row { contexts, keys, action, hint, help, group }
}

/// All rows. Their order is the order of the hints in the footer: the ones that matter most come first.
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
    row(&[Balancers, Member], &[Key::Enter], Action::Menu, (Some("menu"), "menu of all acts", Change)),
    row(MEMBERS, &[Key::Char('H')], Action::Toggle(Flag::Standby),
        (None, "H hot standby", Change)),
    row(MEMBERS, &[Key::Char('R')], Action::Toggle(Flag::Spare),
        (None, "R hot spare", Change)),
    row(&[Menu], &[Key::Char('i')], Action::Toggle(Flag::IgnoreErrors),
        (None, "I ignore errors (menu)", Change)),
    row(&[Menu], &[Key::Char('C')], Action::Toggle(Flag::HealthFail),
        (None, "C failed check (menu)", Change)),
    row(SCREENS, &[Key::Char('u')], Action::Undo, (Some("undo"), "undo your last change", Change)),
    row(SCREENS, &[Key::Char('A')], Action::Again, (None, "again what httpd forgot", Change)),
    row(SCREENS, &[Key::Char('L')], Action::Lock, (Some("lock"), "unlock, or lock again", Change)),
    row(&[Balancers], &[Key::Char(' ')], Action::Mark, (None, "mark; acts are for marks", Change)),
    row(&[Balancers], &[Key::Char('V')], Action::MarkRange, (None, "mark up to here", Change)),
    row(&[Balancers], &[Key::Char('a')], Action::MarkAll, (None, "mark all shown, or none", Change)),
    row(&[Balancers, Menu, Drains], &[Key::Char('z')], Action::Open, (None, "the member in full", Move)),
    row(&[Balancers], &[Key::Char('/')], Action::Filter, (Some("filter"), "filter: drn busy>9 !err", Move)),
    row(SCREENS, &[Key::Char(':')], Action::Palette, (Some("command"), "command: drain app/a", General)),
    row(&[Balancers], &[Key::Char('p')], Action::Problems, (Some("problems"), "only what is not well", Move)),
    row(&[Balancers], &[Key::Char('<')], Action::SortPrevious, (None, "sort by another column", Move)),
    row(&[Balancers], &[Key::Char('>')], Action::SortNext, (None, "sort by another column", Move)),
    row(&[Balancers], &[Key::Char('I')], Action::Invert, (None, "sort the other way", Move)),
    row(SCREENS, &[Key::Tab], Action::NextScreen, (Some("screens"), "to the other screen", Move)),
    row(SCREENS, &[Key::BackTab], Action::PreviousScreen, (None, "to the other screen", Move)),
    row(SCREENS, &[Key::Char('0')], Action::Overview, (None, "the screens by number", Move)),
    row(SCREENS, &[Key::Char('1')], Action::Balancers, (None, "the screens by number", Move)),
    row(SCREENS, &[Key::Char('2')], Action::Events, (None, "the screens by number", Move)),
    row(SCREENS, &[Key::Char('3')], Action::Drains, (None, "the screens by number", Move)),
    row(SCREENS, &[Key::Char('4')], Action::Lens, (None, "the screens by number", Move)),
    row(SCREENS, &[Key::Char('5')], Action::Elections, (None, "the screens by number", Move)),
    row(SCROLLS, &[Key::Up, Key::Char('k')], Action::Up, (None, "a line up or down", Move)),
    row(SCROLLS, &[Key::Down, Key::Char('j')], Action::Down, (None, "a line up or down", Move)),
    row(PAGES, &[Key::PageUp, Key::Ctrl('b')], Action::PageUp, (None, "a page up or down", Move)),
    row(PAGES, &[Key::PageDown, Key::Ctrl('f')], Action::PageDown, (None, "a page up or down", Move)),
    row(PAGES, &[Key::Home, Key::Char('g')], Action::Top, (None, "the first, the last", Move)),
    row(PAGES, &[Key::End, Key::Char('G')], Action::Bottom, (None, "the first, the last", Move)),
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
    row(SCREENS, &[Key::Char('q')], Action::Quit, (Some("quit"), "quit", General)),
    row(&Context::ALL, &[Key::Ctrl('c')], Action::Quit, (None, "quit", General)),
    row(&Context::ALL, &[Key::Ctrl('z')], Action::Suspend, (None, "stop; fg returns", General)),
    row(&Context::ALL, &[Key::Ctrl('l')], Action::Repaint, (None, "draw everything anew", General)),
    row(SCREENS, &[Key::Char('M')], Action::Mouse, (None, "mouse on or off", General)),
];

/// What `key` means in `context`.
pub fn action(context: Context, key: Key) -> Option<Action> {
    ROWS.iter().find(|row| row.contexts.contains(&context) && row.keys.contains(&key)).map(|row| row.action)
}

/// The rows of `context` that the footer shows, with key and word.
pub fn hints(context: Context) -> impl Iterator<Item = (Key, &'static str, Action)> {
    ROWS.iter()
        .filter(move |row| row.contexts.contains(&context))
        .filter_map(|row| Some((*row.keys.first()?, row.hint?, row.action)))
}

/// The first key that does `action` in `context`.
pub fn key(context: Context, action: Action) -> Option<Key> {
    let row = ROWS.iter().find(|row| row.action == action && row.contexts.contains(&context))?;
    row.keys.first().copied()
}
