//! Directives about access logs.

use crate::config::access_log::{LogCondition, LogDraft, Named};
use crate::config::directive::{Call, Directive, Effect, SERVER};
use crate::config::lexer::Word;
use crate::config::limits;
use crate::config::notes::{Complaint, Notes};
use crate::config::parameter::value::shown;
use crate::config::site::Site;
use crate::header_rules::VARIABLES;

/// Sorted by name.
pub(super) static ROWS: &[Directive] = &[
    Directive {
        name: "CustomLog",
        contexts: SERVER,
        usage: "FILE FORMAT|NAME [env=[!]VARIABLE]",
        arguments: 2..=3,
        about: "Writes a line for each request to a file, in a format or in that of a LogFormat.",
        effect: Effect::Apply(custom_log),
    },
    Directive {
        name: "GlobalLog",
        contexts: SERVER,
        usage: "FILE FORMAT|NAME [env=[!]VARIABLE]",
        arguments: 2..=3,
        about: "As CustomLog, since there is one site.",
        effect: Effect::Apply(custom_log),
    },
    Directive {
        name: "LogFormat",
        contexts: SERVER,
        usage: "FORMAT|NAME [NAME]",
        arguments: 1..=2,
        about: "Gives a format of access logs a name; without a name, it is the format of TransferLog.",
        effect: Effect::Apply(log_format),
    },
    Directive {
        name: "TransferLog",
        contexts: SERVER,
        usage: "FILE",
        arguments: 1..=1,
        about: "Writes a line for each request to a file, in the format of the LogFormat without a name.",
        effect: Effect::Apply(|site, notes, call| {
            if let Some(draft) = draft(notes, call) {
                add(site, notes, draft);
            }
        }),
    },
];

fn custom_log(site: &mut Site, notes: &mut Notes, call: &Call<'_>) {
    let Some(draft) = draft(notes, call) else { return };
    let [_, format, rest @ ..] = call.words else { return };
    if format.text.is_empty() {
        let what = "the format is empty";
        return notes.error(format.spot, Complaint::new(what, "write a format, or the name of a LogFormat"));
    }
    let condition = match rest {
        [word, ..] => match condition(notes, word) {
            Some(condition) => Some(condition),
            None => return,
        },
        [] => None,
    };
    let format = Some(Named { text: format.text.clone(), spot: format.spot });
    add(site, notes, LogDraft { format, condition, ..draft });
}

fn add(site: &mut Site, notes: &mut Notes, draft: LogDraft) {
    if site.logs.drafts.len() >= limits::ACCESS_LOGS {
        let what = format!("there are more than {} access logs", limits::ACCESS_LOGS);
        return notes.error(draft.path_spot, Complaint::new(what, "remove some"));
    }
    site.logs.drafts.push(draft);
}

/// The file; complains about what is none.
fn draft(notes: &mut Notes, call: &Call<'_>) -> Option<LogDraft> {
    let path = call.text(0);
    let complaint = if path.is_empty() {
        Complaint::new("the name of the file is empty", "write the path of a file")
    } else if path.starts_with('|') {
        let remedy = "write to a file, and let the other program read that";
        Complaint::new("logs are not written to other programs", remedy)
    } else if path.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("syslog:")) {
        Complaint::new("access logs are not written to syslog", "write to a file")
    } else {
        let path_spot = call.word_spot(0);
        return Some(LogDraft { path: path.to_owned(), path_spot, format: None, condition: None });
    };
    notes.error(call.word_spot(0), complaint);
    None
}

/// `env=NAME` or `env=!NAME`.
fn condition(notes: &mut Notes, word: &Word) -> Option<LogCondition> {
    let (kind, name) = word.text.split_once('=').unwrap_or((&word.text, ""));
    let (unset, name) = name.strip_prefix('!').map_or((false, name), |name| (true, name));
    let complaint = if kind.eq_ignore_ascii_case("expr") {
        Complaint::new(
            "expressions are not supported",
            "write env=VARIABLE, or leave it out and filter the file",
        )
    } else if !kind.eq_ignore_ascii_case("env") || !word.text.contains('=') {
        let what = format!("'{}' is no condition", shown(&word.text));
        Complaint::new(what, "write env=VARIABLE or env=!VARIABLE; quote a format that contains blanks")
    } else if name.is_empty() {
        Complaint::new("the name of the variable is missing", "write env=VARIABLE or env=!VARIABLE")
    } else if VARIABLES.contains(&name) {
        let name = name.to_owned();
        return Some(if unset { LogCondition::Unset(name) } else { LogCondition::Set(name) });
    } else {
        let effect = if unset { "every request is logged" } else { "no request is logged" };
        let what = format!("no such variable is set here, because SetEnvIf is not supported: {effect}");
        notes.warn(word.spot, Complaint::new(what, "leave the condition out, and filter the file"));
        let name = name.to_owned();
        return Some(if unset { LogCondition::Unset(name) } else { LogCondition::Set(name) });
    };
    notes.error(word.spot, complaint);
    None
}

fn log_format(site: &mut Site, notes: &mut Notes, call: &Call<'_>) {
    let format = Named { text: call.text(0).to_owned(), spot: call.word_spot(0) };
    if format.text.is_empty() {
        return notes.error(call.word_spot(0), Complaint::new("the format is empty", "write a format"));
    }
    match call.text(1) {
        "" => site.logs.unnamed = Some(format),
        name => {
            if name.contains('%') {
                let what = format!("'{}' looks like a format and is taken for a name", shown(name));
                notes.trap(call.word_spot(1), Complaint::new(what, "write the format first, then its name"));
            }
            site.logs.formats.insert(name.to_owned(), format);
        }
    }
}
