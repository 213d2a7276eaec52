//! A line of the journal: who was edited, what was set, and a checksum.

use std::collections::BTreeMap;
use std::io;

use evenkeel_protocol::{Peer, Subject, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::roster::Roster;

/// What was set, and what the configuration said then, field by field.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    #[serde(default)]
    pub(super) set: Map<String, Value>,
    #[serde(default)]
    pub(super) file: Map<String, Value>,
    /// Journals of before have none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) origins: BTreeMap<String, Origin>,
}

/// Who set a field, when and why.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Origin {
    pub(crate) by: Option<Peer>,
    pub(crate) at: Option<Timestamp>,
    pub(crate) reason: Option<String>,
}

impl Kept {
    /// Sets `field` as `what` does. What the configuration said is kept of before where `what` does not say it.
    pub(super) fn put(&mut self, field: &str, value: &Value, what: &Self) {
        if let Some(then) = what.file.get(field) {
            self.file.insert(field.to_owned(), then.clone());
        }
        match what.origins.get(field) {
            Some(origin) => self.origins.insert(field.to_owned(), origin.clone()),
            None => self.origins.remove(field),
        };
        self.set.insert(field.to_owned(), value.clone());
    }

    pub(super) fn forget(&mut self, field: &str) {
        self.set.remove(field);
        self.file.remove(field);
        self.origins.remove(field);
    }
}

/// What was set of whom.
#[derive(Serialize, Deserialize)]
pub(super) struct Line {
    #[serde(flatten)]
    pub(super) subject: Subject,
    #[serde(flatten)]
    pub(super) what: Kept,
    /// Did it come or go?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) roster: Option<Roster>,
}

/// A line: the checksum of its JSON in eight hexadecimal digits, a blank, the JSON.
pub(super) fn render(line: &Line) -> io::Result<Vec<u8>> {
    let json = serde_json::to_vec(line)?;
    let mut text = format!("{:08x} ", crc32fast::hash(&json)).into_bytes();
    text.extend(json);
    text.push(b'\n');
    Ok(text)
}

/// None: it is damaged.
pub(super) fn parse(text: &[u8]) -> Option<Line> {
    let (checksum, rest) = text.split_at_checked(9)?;
    let json = rest.strip_suffix(b"\n")?;
    let expected = format!("{:08x} ", crc32fast::hash(json));
    (checksum == expected.as_bytes()).then(|| serde_json::from_slice(json).ok()).flatten()
}
