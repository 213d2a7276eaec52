//! What is wrong with a line of the palette, in one short sentence of our own: what the parser prints is for a shell,
//! where there is room for usage and tips.

use clap::error::{ContextKind, ContextValue, Error, ErrorKind};
use evenkeel_protocol::clean::clean;

/// The longest word of the line that a sentence repeats, in characters.
const WORD: usize = 30;

/// What the parser found wrong with a line that begins with `verb`.
pub(super) fn complaint(why: &Error, verb: &str) -> String {
    let about = |kind| why.get(kind).map(|value| clean(&text(value), WORD)).filter(|text| !text.is_empty());
    let option = about(ContextKind::InvalidArg).unwrap_or_default();
    let value = about(ContextKind::InvalidValue);
    match (why.kind(), value) {
        (ErrorKind::DisplayHelp | ErrorKind::DisplayVersion, _) => {
            format!("for its options ask a shell: evenkeel {verb} --help")
        }
        (ErrorKind::UnknownArgument, _) => match about(ContextKind::SuggestedArg) {
            Some(near) => format!("{verb} has no option '{option}'; did you mean {near}?"),
            None if option.starts_with('-') => format!("{verb} has no option '{option}'"),
            None => format!("'{option}' is one word too many for {verb}"),
        },
        (ErrorKind::MissingRequiredArgument | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand, _) => {
            format!("{verb} lacks {option}")
        }
        (ErrorKind::ArgumentConflict, _) => match about(ContextKind::PriorArg) {
            Some(other) if other != option => format!("'{option}' cannot stand beside '{other}'"),
            _ => format!("'{option}' stands there twice"),
        },
        (ErrorKind::InvalidValue, None) => format!("'{option}' lacks its value"),
        (ErrorKind::InvalidValue | ErrorKind::ValueValidation, Some(value)) => {
            format!("{option}: '{value}' {}", wanted(why))
        }
        _ => whole(why),
    }
}

/// What a value must be: the words of who checked it, else the list of those that there are.
fn wanted(why: &Error) -> String {
    if let Some(source) = std::error::Error::source(why) {
        return clean(&source.to_string(), 200);
    }
    match why.get(ContextKind::ValidValue).map(text) {
        Some(values) if !values.is_empty() => clean(&format!("is none of {values}"), 200),
        _ => "is no value for it".to_owned(),
    }
}

/// What the context of an error holds, as text; an option without the name of its value.
fn text(value: &ContextValue) -> String {
    let name = |text: &String| text.split_once(" <").map_or(text.as_str(), |(name, _)| name).to_owned();
    match value {
        ContextValue::String(text) => name(text),
        ContextValue::Strings(several) => several.iter().map(name).collect::<Vec<_>>().join(" "),
        _ => String::new(),
    }
}

/// The first sentence of what the parser prints.
fn whole(why: &Error) -> String {
    let text = why.to_string();
    clean(text.lines().next().unwrap_or_default().trim_start_matches("error: "), 200)
}

/// What to type in a shell for a command that does nothing here, and what does the like here where there is something.
/// A line that is not complete is no command there either.
pub(super) fn in_a_shell(line: &str, is_complete: bool) -> String {
    let verb = line.split(' ').next().unwrap_or_default();
    let here = match verb {
        "history" => "the member in full (z) shows it; ",
        "watch" => "this screen does that; ",
        "roll" | "wait" => "the console goes on meanwhile; ",
        _ => "",
    };
    let line = if is_complete { line.to_owned() } else { format!("{verb} --help") };
    format!("{here}in a shell: evenkeel {}", clean(&line, 200))
}
