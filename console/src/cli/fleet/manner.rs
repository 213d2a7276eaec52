//! What each command means over several targets, and how its results are written.

use crate::cli::edit::EditOptions;
use crate::cli::{Ask, EditArguments};

/// What a command means over several targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// It is done in each.
    Each(Shape),
    /// It goes on in each, and what comes is told in one feed.
    Feed(Lines),
    /// It is about one; the end of the sentence that says why.
    One(&'static str),
    /// It is about no target at all.
    Alone,
}

/// How the lines of a feed name their target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    /// Before the line.
    Text,
    /// In the object that is the line.
    Json,
}

/// How the results stand together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Lines, each with its target before it, as they come.
    Lines,
    /// All of a target below a heading, one target after the other.
    Parts,
    /// One object with a result for each target.
    Json,
}

const UNDO: &str = "events are numbered by each proxy for itself; name one with --socket or --apache";
const REVISIONS: &str = "--if-revision is of one proxy; name one with --socket or --apache";

/// What it means.
pub(super) fn of(ask: &Ask) -> Manner {
    let looked = |json: bool| Manner::Each(if json { Shape::Json } else { Shape::Parts });
    let fed = |json: bool| Manner::Feed(if json { Lines::Json } else { Lines::Text });
    let done = |json: bool| Manner::Each(if json { Shape::Json } else { Shape::Lines });
    if options(ask).is_some_and(|options| options.if_revision.is_some()) {
        return Manner::One(REVISIONS);
    }
    match ask {
        Ask::Status(arguments) => looked(arguments.json),
        Ask::History(arguments) => looked(arguments.json),
        Ask::Sessions(arguments) => looked(arguments.json),
        Ask::Explain(arguments) => looked(arguments.json),
        Ask::Elections(arguments) if arguments.since.is_some() => {
            Manner::One("elections are numbered by each proxy for itself; name one with --socket or --apache")
        }
        Ask::Elections(arguments) => looked(arguments.json),
        Ask::Drain(arguments) => done(arguments.options.json),
        Ask::Undrain(arguments) => done(arguments.options.json),
        Ask::Set(arguments) => done(arguments.options.json),
        Ask::Enable(arguments) | Ask::Disable(arguments) | Ask::Stop(arguments) | Ask::Standby(arguments) => {
            done(arguments.options.json)
        }
        Ask::Add(arguments) => done(arguments.options.json),
        Ask::Remove(arguments) => done(arguments.options.json),
        Ask::Wait(arguments) => done(arguments.json),
        Ask::Reload(arguments) => done(arguments.json),
        Ask::Undo(_) => Manner::One(UNDO),
        Ask::Events(arguments) => fed(arguments.is_json()),
        Ask::Watch(arguments) => fed(arguments.is_json()),
        Ask::Export(_) => {
            Manner::One("what is exported belongs into one configuration; name one with --socket or --apache")
        }
        Ask::Roll(arguments) => done(arguments.options.json),
        Ask::Proxies(_) => Manner::Alone,
    }
}

/// The member or balancer of a command that must mean the same one everywhere.
pub(super) fn selector(ask: &Ask) -> Option<&str> {
    match ask {
        Ask::Drain(arguments) => Some(&arguments.selector),
        Ask::Undrain(arguments) => Some(&arguments.selector),
        Ask::Set(arguments) => Some(&arguments.selector),
        Ask::Wait(arguments) => Some(&arguments.selector),
        Ask::Add(arguments) => Some(&arguments.balancer),
        Ask::Remove(arguments) => Some(&arguments.selector),
        _ => verb(ask).map(|arguments| arguments.selector.as_str()),
    }
}

fn options(ask: &Ask) -> Option<&EditOptions> {
    match ask {
        Ask::Drain(arguments) => Some(&arguments.options),
        Ask::Undrain(arguments) => Some(&arguments.options),
        Ask::Set(arguments) => Some(&arguments.options),
        Ask::Add(arguments) => Some(&arguments.options),
        Ask::Remove(arguments) => Some(&arguments.options),
        _ => verb(ask).map(|arguments| &arguments.options),
    }
}

fn verb(ask: &Ask) -> Option<&EditArguments> {
    match ask {
        Ask::Enable(arguments) | Ask::Disable(arguments) | Ask::Stop(arguments) | Ask::Standby(arguments) => {
            Some(arguments)
        }
        _ => None,
    }
}
