//! What the journal knows of a field: what the configuration says, what was set over it, and by whom.

use std::path::Path;

use evenkeel_protocol::Subject;
use serde_json::Value;

use super::Journal;
use super::configured::shown;
use super::line::Origin;

impl Journal {
    /// The run folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the configuration says of each field of a balancer or member, as an edit.
    pub(crate) fn configured(&self, subject: &Subject) -> Value {
        self.configured.get(subject).cloned().map_or(Value::Null, Value::Object)
    }

    /// The fields that were given a value and of which the configuration says nothing.
    pub(crate) fn unconfigured(&self, subject: &Subject) -> Vec<String> {
        let configured = self.configured.get(subject);
        let fields = self.overrides.get(subject).into_iter().flat_map(|known| known.set.keys());
        fields.filter(|field| configured.is_none_or(|map| !map.contains_key(*field))).cloned().collect()
    }

    /// The parameters of a member as they stand in its line.
    pub(crate) fn written(&self, subject: &Subject) -> Option<&[String]> {
        self.written.get(subject).map(Vec::as_slice)
    }

    /// The value that a field was given at run time, and by whom; none: it was given none.
    pub(crate) fn overridden(&self, subject: &Subject, field: &str) -> Option<(String, Origin)> {
        let known = self.overrides.get(subject)?;
        let value = shown(field, known.set.get(field)?);
        Some((value, known.origins.get(field).cloned().unwrap_or_default()))
    }
}
