//! A writer that several targets share: each line has its target before it, or in it where it is an object of JSON, and
//! lines never mix.

use std::cell::RefCell;
use std::io::{self, Write};

use serde_json::Value;

/// The share of one target.
pub(super) struct Labelled<'a, 'w> {
    shared: &'a RefCell<&'w mut dyn Write>,
    /// What stands before a line.
    label: String,
    /// What the label takes the place of, where a line begins with it.
    instead_of: &'static [u8],
    line: Vec<u8>,
}

impl<'a, 'w> Labelled<'a, 'w> {
    /// Lines of the target `name`.
    pub(super) fn new(shared: &'a RefCell<&'w mut dyn Write>, name: &str) -> Self {
        Self { shared, label: format!("{name}: "), instead_of: b"", line: Vec::new() }
    }

    /// Objects of the target `typed`, one a line and none of them empty, with the field `target` before the others.
    pub(super) fn objects(shared: &'a RefCell<&'w mut dyn Write>, typed: &str) -> Self {
        let label = format!("{{\"target\":{},", Value::from(typed));
        Self { shared, label, instead_of: b"{", line: Vec::new() }
    }
}

impl Write for Labelled<'_, '_> {
    /// Only whole lines are handed on; who writes here ends each of them.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        let mut shared = self.shared.borrow_mut();
        while let Some(end) = self.line.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.line.drain(..=end).collect();
            let rest = line.strip_prefix(self.instead_of).unwrap_or(&line);
            shared.write_all(&[self.label.as_bytes(), rest].concat())?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.shared.borrow_mut().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_two_never_mix() {
        let mut out = Vec::new();
        {
            let shared: RefCell<&mut dyn Write> = RefCell::new(&mut out);
            let (mut one, mut two) = (Labelled::new(&shared, "lb1"), Labelled::new(&shared, "lb2"));
            one.write_all(b"be").unwrap();
            two.write_all(b"second\n").unwrap();
            one.write_all(b"gun\nand more\n").unwrap();
        }
        assert_eq!(String::from_utf8(out).unwrap(), "lb2: second\nlb1: begun\nlb1: and more\n");
    }

    #[test]
    fn an_object_has_its_target_in_it() {
        let mut out = Vec::new();
        {
            let shared: RefCell<&mut dyn Write> = RefCell::new(&mut out);
            let mut one = Labelled::objects(&shared, "/run/\"a\"");
            one.write_all(b"{\"number\":1}\n{\"number\":2}\n").unwrap();
        }
        let targets: Vec<Value> = String::from_utf8(out)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["target"].clone())
            .collect();
        assert_eq!(targets, ["/run/\"a\"", "/run/\"a\""]);
    }
}
