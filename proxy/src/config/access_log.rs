//! Access logs: which file, which format, which requests. Names of formats are resolved when everything is read, as in
//! httpd: `LogFormat` may stand behind the line that uses it.
//!
//! Not here: what a format means, and writing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::access_log::LogFormat;
use crate::config::include;
use crate::config::notes::{Complaint, Notes};
use crate::config::parameter::value::shown;
use crate::config::source::Spot;

/// One `CustomLog` or `TransferLog`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessLogConfig {
    /// The file; a relative one was put below `ServerRoot`, or the folder of the configuration if there is none. Its
    /// folder existed when the configuration was read.
    pub path: PathBuf,
    /// The format with its percent signs. The quotes of the configuration are taken off; `\n`, `\r`, `\t` and `\\` are to
    /// be replaced by whoever reads the format, as in httpd.
    pub format: String,
    /// Which requests are logged; none: all.
    pub condition: Option<LogCondition>,
}

/// `env=`: the requests that are logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogCondition {
    /// `env=NAME`: those for which this variable is set.
    Set(String),
    /// `env=!NAME`: those for which it is not.
    Unset(String),
}

/// One line, while reading.
pub(super) struct LogDraft {
    pub(super) path: String,
    pub(super) path_spot: Spot,
    /// The format or its name; none: the format without a name.
    pub(super) format: Option<Named>,
    pub(super) condition: Option<LogCondition>,
}

/// A format, or the name of one, and where it stands.
#[derive(Clone)]
pub(super) struct Named {
    pub(super) text: String,
    pub(super) spot: Spot,
}

/// What was written about access logs.
#[derive(Default)]
pub(super) struct Logs {
    pub(super) drafts: Vec<LogDraft>,
    /// `LogFormat FORMAT NAME`.
    pub(super) formats: BTreeMap<String, Named>,
    /// `LogFormat FORMAT`.
    pub(super) unnamed: Option<Named>,
}

impl Logs {
    /// What is written where; complains about each line that cannot be.
    pub(super) fn resolve(&self, root: Option<&Path>, notes: &mut Notes) -> Vec<AccessLogConfig> {
        for named in self.formats.values().chain(&self.unnamed) {
            check(named, notes);
        }
        self.drafts.iter().filter_map(|draft| self.one(draft, root, notes)).collect()
    }

    fn one(&self, draft: &LogDraft, root: Option<&Path>, notes: &mut Notes) -> Option<AccessLogConfig> {
        let format = match (&draft.format, &self.unnamed) {
            (Some(named), _) => self.lookup(named, notes),
            (None, Some(unnamed)) => self.lookup(unnamed, notes),
            (None, None) => LogFormat::COMMON.to_owned(),
        };
        let path = include::below_root(root, &draft.path)
            .and_then(|path| include::writable_place(&path).map(|()| path))
            .map_err(|complaint| notes.error(draft.path_spot, complaint))
            .ok()?;
        Some(AccessLogConfig { path, format, condition: draft.condition.clone() })
    }

    /// The format that is meant: that of the name, else the text itself.
    fn lookup(&self, named: &Named, notes: &mut Notes) -> String {
        if let Some(found) = self.formats.get(&named.text) {
            return found.text.clone();
        }
        if named.text.eq_ignore_ascii_case("CLF") {
            return LogFormat::COMMON.to_owned();
        }
        check(named, notes);
        if !named.text.contains('%') {
            let what = format!(
                "there is no LogFormat named '{}': each line of the log is that word, as in httpd",
                shown(&named.text)
            );
            let remedy = format!("write LogFormat \"%h %l %u %t …\" {}", shown(&named.text));
            notes.trap(named.spot, Complaint::new(what, remedy));
        }
        named.text.clone()
    }
}

fn check(named: &Named, notes: &mut Notes) {
    if let Err(what) = LogFormat::parse(&named.text) {
        notes.error(named.spot, Complaint::new(what, "write for example \"%h %t \\\"%r\\\" %>s %b\""));
    }
}
