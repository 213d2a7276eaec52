//! One row a key: where it counts, what it does, and the words for footer and help.
//!
//! `update`, the footer, the help screen and the tests read the same rows. Keys that edit text within a field are
//! not actions of the console; they are the field's own.

use evenkeel_protocol::Flag;

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
    /// Writing a filter.
    Filter,
    /// A question that wants yes or no.
    Confirm,
    /// Writing an edit.
    Form,
    /// The help screen.
    Help,
}

impl Context {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Balancers, Self::Member, Self::Events, Self::Filter, Self::Confirm, Self::Form, Self::Help];
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
    /// Show the member under the cursor in full.
    Open,
    /// Go to the list.
    Balancers,
    /// Go to the events.
    Events,
    /// Go to the screen after this one.
    NextScreen,
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
    /// Start writing a filter.
    Filter,
    /// Take over what was written.
    Accept,
    /// To the next field.
    NextField,
    /// To the field before.
    PreviousField,
    /// Ask whether to turn a flag of the member on, or off if it is on.
    Toggle(Flag),
    /// Ask whether to clear D, N and S.
    Enable,
    /// Write new values for the member.
    Edit,
    /// Yes, do it.
    Yes,
    /// No, leave everything as it is.
    No,
}

impl Action {
    /// Does it lead to a change of the proxy (by way of a question)?
    pub fn changes(self) -> bool {
        matches!(self, Self::Toggle(_) | Self::Enable | Self::Edit)
    }
}

/// The headings of the help screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Moving about.
    Move,
    /// Changing a member.
    Change,
    /// Answering and writing.
    Write,
    /// Everything else.
    General,
}

impl Group {
    /// All groups with their headings, in the order of the help screen.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Change, "Change the member (each asks first)"),
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

use Context::{Balancers, Confirm, Events, Filter, Form, Help, Member};
use Group::{Change, General, Move, Write};

const MEMBERS: &[Context] = &[Balancers, Member];
const SCREENS: &[Context] = &[Balancers, Member, Events];
const SCROLLS: &[Context] = &[Balancers, Member, Events, Help];

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
    row(&[Confirm], &[Key::Char('y')], Action::Yes, (Some("yes"), "yes, do it", Write)),
    row(&[Confirm], &[Key::Char('n'), Key::Esc], Action::No, (Some("no"), "no, leave it as it is", Write)),
    row(&[Filter, Form], &[Key::Enter], Action::Accept, (Some("go on"), "take over the text", Write)),
    row(&[Form], &[Key::Tab, Key::Down], Action::NextField, (Some("next field"), "to another field", Write)),
    row(&[Form], &[Key::Up, Key::BackTab], Action::PreviousField, (None, "to another field", Write)),
    row(MEMBERS, &[Key::Char('d')], Action::Toggle(Flag::Drain),
        (Some("drain"), "N drain, on or off", Change)),
    row(MEMBERS, &[Key::Char('E')], Action::Enable, (Some("enable"), "clear N, D and S", Change)),
    row(MEMBERS, &[Key::Char('D')], Action::Toggle(Flag::Disabled),
        (Some("disable"), "D disabled, on or off", Change)),
    row(MEMBERS, &[Key::Char('S')], Action::Toggle(Flag::Stopped),
        (Some("stop"), "S stopped, on or off", Change)),
    row(MEMBERS, &[Key::Char('e')], Action::Edit,
        (Some("edit"), "factor, route and more", Change)),
    row(MEMBERS, &[Key::Char('H')], Action::Toggle(Flag::Standby),
        (None, "H hot standby", Change)),
    row(MEMBERS, &[Key::Char('R')], Action::Toggle(Flag::Spare),
        (None, "R hot spare", Change)),
    row(MEMBERS, &[Key::Char('I')], Action::Toggle(Flag::IgnoreErrors),
        (None, "I ignore errors", Change)),
    row(&[Balancers], &[Key::Enter], Action::Open, (Some("open"), "the member in full", Move)),
    row(&[Balancers], &[Key::Char('/')], Action::Filter, (Some("filter"), "only what has a text", Move)),
    row(SCREENS, &[Key::Tab], Action::NextScreen, (Some("screens"), "to the other screen", Move)),
    row(SCREENS, &[Key::Char('1')], Action::Balancers, (None, "balancers, or events", Move)),
    row(SCREENS, &[Key::Char('2')], Action::Events, (None, "balancers, or events", Move)),
    row(SCROLLS, &[Key::Up, Key::Char('k')], Action::Up, (None, "a line up or down", Move)),
    row(SCROLLS, &[Key::Down, Key::Char('j')], Action::Down, (None, "a line up or down", Move)),
    row(SCROLLS, &[Key::PageUp, Key::Ctrl('b')], Action::PageUp, (None, "a page up or down", Move)),
    row(SCROLLS, &[Key::PageDown, Key::Ctrl('f'), Key::Char(' ')], Action::PageDown, (None, "a page up or down", Move)),
    row(SCROLLS, &[Key::Home, Key::Char('g')], Action::Top, (None, "the first, the last", Move)),
    row(SCROLLS, &[Key::End, Key::Char('G')], Action::Bottom, (None, "the first, the last", Move)),
    row(&[Balancers], &[Key::Char('[')], Action::PreviousBalancer, (None, "another balancer", Move)),
    row(&[Balancers], &[Key::Char(']')], Action::NextBalancer, (None, "another balancer", Move)),
    row(SCREENS, &[Key::Char('?'), Key::Function(1)], Action::Help, (Some("help"), "these keys", General)),
    row(&[Balancers, Member, Events, Filter, Form], &[Key::Esc], Action::Back,
        (Some("back"), "back; never quits", General)),
    row(&[Help], &[Key::Esc, Key::Char('q'), Key::Char('?'), Key::Function(1)], Action::Back,
        (Some("back"), "back; never quits", General)),
    row(SCREENS, &[Key::Char('q')], Action::Quit, (Some("quit"), "quit", General)),
    row(&Context::ALL, &[Key::Ctrl('c')], Action::Quit, (None, "quit", General)),
    row(&Context::ALL, &[Key::Ctrl('z')], Action::Suspend, (None, "stop; fg returns", General)),
    row(&Context::ALL, &[Key::Ctrl('l')], Action::Repaint, (None, "draw everything anew", General)),
];

/// What `key` means in `context`.
pub fn action(context: Context, key: Key) -> Option<Action> {
    ROWS.iter().find(|row| row.contexts.contains(&context) && row.keys.contains(&key)).map(|row| row.action)
}

/// The footer's key and word for each row of `context` that has one.
pub fn hints(context: Context) -> impl Iterator<Item = (Key, &'static str)> {
    ROWS.iter()
        .filter(move |row| row.contexts.contains(&context))
        .filter_map(|row| Some((*row.keys.first()?, row.hint?)))
}
