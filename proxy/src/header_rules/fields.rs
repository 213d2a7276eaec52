//! Header fields as a list that rules change, with the meaning that httpd's tables have: names without regard to case,
//! and of several lines of a name the first is the one that is asked for.

use regex::bytes::{Captures, Regex};

use crate::http::buffer::Buffer;
use crate::limits;

/// Fields in their order.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(Vec<u8>, Vec<u8>)>);

impl Fields {
    /// Reads lines in the form in which heads are written here: `Name: value` and a line's end.
    pub(super) fn read(mut text: &[u8]) -> Self {
        let mut fields = Vec::new();
        while let Some(end) = memchr::memchr(b'\n', text) {
            let line = text.get(..end).unwrap_or_default();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let colon = memchr::memchr(b':', line).unwrap_or(line.len());
            let (name, value) = line.split_at(colon);
            fields.push((name.to_vec(), value.get(1..).unwrap_or_default().trim_ascii().to_vec()));
            text = text.get(end + 1..).unwrap_or_default();
        }
        Self(fields)
    }

    pub(super) fn write(&self, out: &mut Buffer) {
        let mut text = Vec::new();
        self.push_to(&mut text);
        out.put(&text);
    }

    pub(super) fn push_to(&self, text: &mut Vec<u8>) {
        text.reserve(self.bytes());
        for (name, value) in &self.0 {
            for part in [name, &b": "[..], value, b"\r\n"] {
                text.extend_from_slice(part);
            }
        }
    }

    /// How long they are when written.
    pub(super) fn bytes(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + value.len() + 4).sum()
    }

    pub(super) fn into_list(self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.0
    }

    /// Those of a name, in order.
    fn named<'a>(&'a mut self, name: &'a str) -> impl Iterator<Item = &'a mut Vec<u8>> {
        let is_it = move |known: &[u8]| known.eq_ignore_ascii_case(name.as_bytes());
        self.0.iter_mut().filter(move |(known, _)| is_it(known)).map(|(_, value)| value)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes()))
    }

    pub(super) fn add(&mut self, name: &[u8], value: Vec<u8>) {
        self.0.push((name.to_vec(), value));
    }

    /// Appends the value to the first of its name, if there is one.
    pub(super) fn join(&mut self, name: &[u8], value: &[u8], between: &[u8]) {
        match self.0.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, known)) => {
                known.extend_from_slice(between);
                known.extend_from_slice(value);
            }
            None => self.add(name, value.to_vec()),
        }
    }

    /// The first takes the value, the others go.
    pub(super) fn set(&mut self, name: &str, value: Vec<u8>) {
        self.single(name);
        if let Some(known) = self.named(name).next() {
            *known = value;
        } else {
            self.add(name.as_bytes(), value);
        }
    }

    /// Of several of a name only the first stays.
    pub(super) fn single(&mut self, name: &str) {
        let mut is_first = true;
        self.0.retain(|(known, _)| {
            !known.eq_ignore_ascii_case(name.as_bytes()) || std::mem::take(&mut is_first)
        });
    }

    /// Joins the value to the first with a comma.
    pub(super) fn append(&mut self, name: &str, value: Vec<u8>) {
        if let Some(known) = self.named(name).next() {
            known.extend_from_slice(b", ");
            known.extend(value);
        } else {
            self.add(name.as_bytes(), value);
        }
    }

    /// As [`Self::append`], unless the value is an element of the first already.
    pub(super) fn merge(&mut self, name: &str, value: Vec<u8>) {
        if !self.named(name).next().is_some_and(|known| is_element(known, &value)) {
            self.append(name, value);
        }
    }

    pub(super) fn unset(&mut self, name: &str) {
        self.0.retain(|(known, _)| !known.eq_ignore_ascii_case(name.as_bytes()));
    }

    /// Replaces in all values of a name what the pattern finds first, or each time.
    pub(super) fn edit(&mut self, name: &str, (pattern, every): (&Regex, bool), template: &[u8]) {
        for value in self.named(name) {
            *value = edited(value, (pattern, every), template);
        }
    }
}

/// As in httpd what stands behind a find is searched as a text of its own: there `^` fits again.
fn edited(value: &[u8], (pattern, every): (&Regex, bool), template: &[u8]) -> Vec<u8> {
    let (mut text, mut rest) = (Vec::new(), value);
    while let Some(found) = pattern.captures(rest) {
        let Some(whole) = found.get(0) else { break };
        text.extend_from_slice(rest.get(..whole.start()).unwrap_or_default());
        expand(template, &found, &mut text);
        rest = rest.get(whole.end()..).unwrap_or_default();
        if whole.is_empty() {
            // Nothing was found, which would be found for ever.
            let Some((first, behind)) = rest.split_first() else { break };
            text.push(*first);
            rest = behind;
        }
        if !every || text.len() > limits::RULED_HEAD {
            break;
        }
    }
    text.extend_from_slice(rest);
    text
}

/// Is `value` an element of a list, as httpd looks for it: behind the blanks before the element, with those behind it, and
/// no comma in quotes parts two?
fn is_element(mut list: &[u8], value: &[u8]) -> bool {
    while !list.is_empty() {
        list = list.trim_ascii_start();
        let mut quoted = false;
        let end = list.iter().position(|byte| {
            quoted ^= *byte == b'"';
            *byte == b',' && !quoted
        });
        let (element, behind) = list.split_at(end.unwrap_or(list.len()));
        if element == value {
            return true;
        }
        list = behind.get(1..).unwrap_or_default();
    }
    false
}

/// `$0` to `$9` of a template become what was found; a backslash takes the meaning of what follows it (httpd:
/// `ap_pregsub`).
fn expand(template: &[u8], found: &Captures<'_>, text: &mut Vec<u8>) {
    let mut bytes = template.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match (byte, bytes.peek().copied()) {
            (b'$', Some(digit @ b'0'..=b'9')) => {
                bytes.next();
                text.extend_from_slice(
                    found.get(usize::from(digit - b'0')).map_or(&[][..], |part| part.as_bytes()),
                );
            }
            (b'\\', Some(next)) => {
                bytes.next();
                text.push(next);
            }
            _ => text.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Fields {
        Fields::read(text.replace(';', "\r\n").as_bytes())
    }

    fn shown(fields: &Fields) -> String {
        let line = |(name, value): &(Vec<u8>, Vec<u8>)| {
            format!("{}: {};", String::from_utf8_lossy(name), String::from_utf8_lossy(value))
        };
        fields.0.iter().map(line).collect()
    }

    #[test]
    fn lists_change_as_httpds_tables_do() {
        type Act = fn(&mut Fields);
        let rows: [(&str, &str, Act, &str); 13] = [
            ("set keeps the place", "A: 1;B: 2;a: 3;", |f| f.set("a", b"x".to_vec()), "A: x;B: 2;"),
            ("set adds", "A: 1;", |f| f.set("B", b"x".to_vec()), "A: 1;B: x;"),
            ("unset", "A: 1;B: 2;a: 3;", |f| f.unset("a"), "B: 2;"),
            ("append to the first", "A: 1;A: 2;", |f| f.append("a", b"3".to_vec()), "A: 1, 3;A: 2;"),
            ("append adds", "", |f| f.append("A", b"3".to_vec()), "A: 3;"),
            ("merge what is there", "A: x, y;", |f| f.merge("A", b"y".to_vec()), "A: x, y;"),
            ("merge looks at the first only", "A: x;A: y;", |f| f.merge("A", b"y".to_vec()), "A: x, y;A: y;"),
            ("merge respects case", "A: x;", |f| f.merge("A", b"X".to_vec()), "A: x, X;"),
            ("merge of nothing", "A: ;", |f| f.merge("A", Vec::new()), "A: , ;"),
            ("merge knows quotes", "A: \"x,y\";", |f| f.merge("A", b"y\"".to_vec()), "A: \"x,y\", y\";"),
            (
                "edit once in each",
                "A: oo;A: po;",
                |f| f.edit("a", (&Regex::new("o").unwrap(), false), b"0"),
                "A: 0o;A: p0;",
            ),
            (
                "edit each time",
                "A: one;",
                |f| f.edit("a", (&Regex::new("[a-z]").unwrap(), true), b"<$0>"),
                "A: <o><n><e>;",
            ),
            (
                "groups",
                "A: m2;",
                |f| f.edit("a", (&Regex::new("(m)(.)").unwrap(), false), br"$2-$1-$0-$9\$1$x"),
                "A: 2-m-m2-$1$x;",
            ),
        ];
        for (name, before, act, after) in rows {
            let mut list = fields(before);
            act(&mut list);
            assert_eq!(shown(&list), after, "{name}");
        }
    }

    #[test]
    fn what_stands_behind_a_find_is_a_text_of_its_own() {
        let mut list = fields("A: aab;");
        list.edit("A", (&Regex::new("^a").unwrap(), true), b"x");
        assert_eq!(shown(&list), "A: xxb;");
    }

    #[test]
    fn a_pattern_that_fits_nothing_ends() {
        let mut list = fields("A: ab;");
        list.edit("A", (&Regex::new("x*").unwrap(), true), b"-");
        assert_eq!(shown(&list), "A: -a-b-;");
    }
}
