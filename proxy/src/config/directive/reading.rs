//! Directives that say how the rest of the configuration is read; `reader.rs` carries them out.

use crate::config::directive::{Directive, EVERYWHERE, Effect, Reading, SERVER};

/// Sorted by name.
pub(super) static ROWS: &[Directive] = &[
    Directive {
        name: "Define",
        contexts: EVERYWHERE,
        usage: "NAME [VALUE]",
        arguments: 1..=2,
        about: "Makes <IfDefine NAME> hold, and ${NAME} mean VALUE, from here on.",
        effect: Effect::Read(Reading::Define),
    },
    Directive {
        name: "Include",
        contexts: EVERYWHERE,
        usage: "PATH",
        arguments: 1..=1,
        about: "Reads another file here; *, ? and [a-z] stand for several, a folder for all files below it.",
        effect: Effect::Read(Reading::Include),
    },
    Directive {
        name: "IncludeOptional",
        contexts: EVERYWHERE,
        usage: "PATH",
        arguments: 1..=1,
        about: "As Include, and content if there is no such file.",
        effect: Effect::Read(Reading::IncludeOptional),
    },
    Directive {
        name: "LoadModule",
        contexts: SERVER,
        usage: "NAME FILE",
        arguments: 2..=2,
        about: "Loads nothing: what is here is built in; <IfModule NAME> holds from here on.",
        effect: Effect::Read(Reading::LoadModule),
    },
    Directive {
        name: "ServerRoot",
        contexts: SERVER,
        usage: "PATH",
        arguments: 1..=1,
        about: "What relative paths of Include start from; without it, the folder of the first file.",
        effect: Effect::Read(Reading::ServerRoot),
    },
    Directive {
        name: "UnDefine",
        contexts: EVERYWHERE,
        usage: "NAME",
        arguments: 1..=1,
        about: "Undoes Define.",
        effect: Effect::Read(Reading::UnDefine),
    },
];
