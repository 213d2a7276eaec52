//! Source files as the rules see them: text, and code without comments, literals and inline tests.
//!
//! A small scanner, not a parser: it knows where comments and literals end and how braces nest, no more.

use std::fs;
use std::path::Path;

/// A file of the workspace.
pub(crate) struct Source {
    /// Its path from the workspace, with slashes.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// Its code: comments and the insides of literals are blanks, inline tests are gone.
    ///
    /// A module named `tests` is an inline test that stands in a file of its own.
    pub(crate) fn code(&self) -> String {
        if self.module().is_some_and(|(_, module)| module.contains(&"tests")) {
            return String::new();
        }
        without_tests(&blanked(&self.text))
    }

    /// The crate's folder and the module's path in it: `proxy/src/config/lexer.rs` is `proxy` and `config::lexer`.
    pub(crate) fn module(&self) -> Option<(&str, Vec<&str>)> {
        let (krate, inside) = self.path.split_once("/src/")?;
        let inside = inside.strip_suffix(".rs")?;
        let module = inside.split('/').filter(|part| !["lib", "main"].contains(part)).collect();
        Some((krate, module))
    }
}

/// The files of the workspace that end so, without those that tools make.
pub(crate) fn files(root: &Path, ending: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.starts_with('.') || name == "target" {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(ending) {
                let inside = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                found.push(Source { path: inside, text: fs::read_to_string(&path).unwrap() });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// `text` with comments and the insides of literals replaced by blanks; lines stay where they are.
fn blanked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = literal(rest, out.chars().next_back()) {
            length
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        out.extend(rest[..length].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = &rest[length..];
    }
    out
}

/// The length of the text or character literal that `rest` starts with.
fn literal(rest: &str, before: Option<char>) -> Option<usize> {
    if rest.starts_with('r') && !before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
        let hashes = rest[1..].chars().take_while(|c| *c == '#').count();
        if rest[1 + hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let inside = 2 + hashes;
            return Some(rest[inside..].find(&end).map_or(rest.len(), |at| inside + at + end.len()));
        }
    }
    let quote = rest.chars().next().filter(|c| ['"', '\''].contains(c))?;
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Some(at + 1),
            // What is no character literal is a lifetime.
            _ if quote == '\'' && at > 1 && !rest.starts_with("'\\") => return None,
            _ => {}
        }
    }
    None
}

/// `code` without the items that stand behind `#[cfg(test)]`; lines stay where they are.
fn without_tests(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        let (before, tests) = rest.split_at(at);
        out.push_str(before);
        let length = item(tests);
        out.extend(tests[..length].chars().filter(|c| *c == '\n'));
        rest = &tests[length..];
    }
    out + rest
}

/// How long the item at the start of `code` is: up to its closing brace, or its semicolon.
pub(crate) fn item(code: &str) -> usize {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth <= 1 => return at + 1,
            '}' => depth -= 1,
            ';' if depth == 0 && !code[..at].ends_with(|c: char| c.is_ascii_digit()) => return at + 1,
            _ => {}
        }
    }
    code.len()
}

/// The identifiers in code, in order.
pub(crate) fn identifiers(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| word.starts_with(|c: char| !c.is_numeric()))
}

#[test]
fn code_is_what_is_neither_comment_nor_literal_nor_test() {
    let source = Source::new(
        "a/src/b/c.rs",
        "//! head\nuse x; // y \"\nlet s = \"a // b \\\" c\"; let t = r#\"d \" e\"#; let c = '\"'; let l: &'a str;\n\
         /* tokio */ fn f() {}\n#[cfg(test)]\nmod tests { fn g() { hidden(); } }\nfn h() {}\n",
    );
    let code = source.code();
    for gone in ["head", "y", "// b", "d", "tokio", "hidden"] {
        assert!(!identifiers(&code).any(|word| word == gone), "{gone} in {code}");
    }
    for kept in ["x", "s", "t", "c", "l", "str", "f", "h"] {
        assert!(identifiers(&code).any(|word| word == kept), "{kept} not in {code}");
    }
    assert_eq!(code.lines().count(), source.text.lines().count());
    assert_eq!(source.module(), Some(("a", vec!["b", "c"])));
    assert_eq!(Source::new("a/src/b/tests.rs", "fn f() {}").code(), "");
    assert_eq!(Source::new("a/tests/b.rs", "fn f() {}").code(), "fn f() {}");
}
