//! A writer that several targets share: each line has the name of its target before it, and lines never mix.

use std::cell::RefCell;
use std::io::{self, Write};

/// The share of one target.
pub(super) struct Labelled<'a, 'w> {
    shared: &'a RefCell<&'w mut dyn Write>,
    name: &'a str,
    line: Vec<u8>,
}

impl<'a, 'w> Labelled<'a, 'w> {
    /// Lines of the target `name`.
    pub(super) fn new(shared: &'a RefCell<&'w mut dyn Write>, name: &'a str) -> Self {
        Self { shared, name, line: Vec::new() }
    }
}

impl Write for Labelled<'_, '_> {
    /// Only whole lines are handed on; who writes here ends each of them.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        let mut shared = self.shared.borrow_mut();
        while let Some(end) = self.line.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.line.drain(..=end).collect();
            shared.write_all(&[self.name.as_bytes(), b": ", &line].concat())?;
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
}
