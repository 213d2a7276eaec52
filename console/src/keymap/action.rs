//! What keys mean, the line of the palette that means the same, and the name by which a key is bound.

use evenkeel_protocol::Flag;

use crate::ability::Ability;

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
    /// Go to all targets together.
    Fleet,
    /// Show what became of the last act in all targets.
    Results,
    /// Ask whether to set again what a restart of the proxy has forgotten.
    Again,
    /// Let the picture stand still, or go on.
    Freeze,
    /// Ask the proxy more often.
    Faster,
    /// Ask the proxy less often.
    Slower,
    /// Let graphs go back further, or less far.
    Reach,
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
    /// Write who is to come to the balancer.
    Add,
    /// Ask whether to let the member go.
    Remove,
    /// Write new settings of the balancer.
    Tune,
    /// Ask whether to read the configuration anew.
    Reload,
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
        matches!(
            self,
            Self::Toggle(_)
                | Self::Enable
                | Self::Edit
                | Self::Add
                | Self::Remove
                | Self::Tune
                | Self::Reload
                | Self::Undo
                | Self::Again
        ) || self.tends()
    }

    /// What a proxy must be able to do for it; none: every proxy can.
    pub fn needs(self) -> Option<Ability> {
        match self {
            Self::CutNow => Some(Ability::Cut),
            Self::Ask => Some(Ability::Explain),
            Self::Watch | Self::Failovers | Self::RouteChanges => Some(Ability::Elections),
            Self::Reach => Some(Ability::History),
            Self::Reload => Some(Ability::Reload),
            Self::Remove => Some(Ability::Removal),
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
        self.line_of_act().or_else(|| self.line_of_view())
    }

    /// The line of what changes something, or prepares that.
    fn line_of_act(self) -> Option<&'static str> {
        Some(match self {
            Self::More => "more-time",
            Self::Terms => "terms",
            Self::KeepDraining => "keep-draining",
            Self::Restore => "restore",
            Self::StopNow => "stop-now",
            Self::CutNow => "cut-now",
            Self::Mark => "mark",
            Self::MarkRange => "mark-range",
            Self::MarkAll => "mark-all",
            Self::Toggle(Flag::Drain) => "drain",
            Self::Toggle(Flag::Disabled) => "disable",
            Self::Toggle(Flag::Stopped) => "stop",
            Self::Toggle(Flag::Standby) => "standby",
            Self::Toggle(Flag::Spare) => "set spare=on",
            Self::Toggle(Flag::IgnoreErrors) => "set ignore_errors=on",
            Self::Toggle(Flag::HealthFail) => "set health_fail=on",
            Self::Enable => "enable",
            Self::Edit => "edit",
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Tune => "settings",
            Self::Reload => "reload",
            Self::Undo => "undo",
            Self::Again => "again",
            Self::Lock => "lock",
            _ => return None,
        })
    }

    /// The line of what moves about, and of what is about the console itself.
    fn line_of_view(self) -> Option<&'static str> {
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
            Self::Fleet => "fleet",
            Self::Freeze => "freeze",
            Self::Faster => "faster",
            Self::Slower => "slower",
            Self::Reach => "reach",
            Self::Ask => "ask",
            Self::Watch => "watch",
            Self::Failovers => "failovers",
            Self::RouteChanges => "route-changes",
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
            Self::Yank => "yank",
            Self::Mouse => "mouse",
            _ => return None,
        })
    }

    /// The name by which the operator's settings bind keys to it. Those that answer, write or move within a text have
    /// none, nor has the way back: no setting may take it away.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Back => None,
            Self::Palette => Some("command"),
            Self::Results => Some("results"),
            Self::Toggle(Flag::Spare) => Some("spare"),
            Self::Toggle(Flag::IgnoreErrors) => Some("ignore-errors"),
            Self::Toggle(Flag::HealthFail) => Some("health-fail"),
            other => other.line(),
        }
    }
}
