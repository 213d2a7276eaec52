//! A line of the journal: who was edited, what was set, and a checksum.

use std::io;

use evenkeel_protocol::Subject;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What was set, and what the configuration said then, field by field.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) set: Map<String, Value>,
    pub(super) file: Map<String, Value>,
}

/// What was set of whom.
#[derive(Serialize, Deserialize)]
pub(super) struct Line {
    #[serde(flatten)]
    pub(super) subject: Subject,
    #[serde(flatten)]
    pub(super) what: Kept,
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
