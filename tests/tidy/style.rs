//! Sizes, words, heads: how a file looks.

use crate::source::{Source, identifiers, item};

/// The longest file, in lines of code without inline tests.
const LONGEST_FILE: usize = 400;
/// The longest function, in lines.
const LONGEST_FUNCTION: usize = 70;

/// Files that may be longer, and why.
const LONG: &[(&str, &str)] = &[
    (
        "proxy/balancer/tests/simulation/main.rs",
        "the shadow of the balancer, the storm and what must hold are read side by side",
    ),
    ("tests/tidy/arrow.rs", "the tables of all arrows, a line a dependency, and what reads them"),
];

/// Functions that may be longer, by path and name, and why.
const LONG_FUNCTIONS: &[(&str, &str)] = &[];

/// Words that the lexicon replaces, and by which. Folders in which a word has a meaning of its own follow.
const WORDS: &[(&str, &str, &[&str])] = &[
    ("jvmroute", "route", &[]),
    ("weight", "lbfactor", &[]),
    ("upstream", "member", &[]),
    ("algorithm", "lbmethod", &[]),
    // What makes the values of a property is called so by its library.
    ("strategy", "lbmethod", &["tests/strict/", "proxy/src/http/second_opinion.rs"]),
    ("tier", "lbset", &[]),
    ("cluster", "balancer", &[]),
    ("affinity", "sticky", &["proxy/src/"]),
    ("inflight", "busy", &[]),
    // In the proxy and its demo a worker is a thread.
    ("worker", "member", &["proxy/src/", "tests/parity/", "console/src/demo"]),
    // The terminal library calls its output a backend.
    (
        "backend",
        "member (a backend is an origin of tests and demo)",
        &["tests/", "console/src/demo", "console/src/terminal.rs", "console/benches/"],
    ),
];

/// File names that say nothing.
const FILES: &[&str] = &["mod", "util", "utils", "common", "helper", "helpers", "types", "misc", "core"];

/// A file without a head that says what it is.
pub(crate) fn head(source: &Source) -> Vec<String> {
    if source.text.starts_with("//! ") {
        return Vec::new();
    }
    vec!["does not open with //! and what it is".to_owned()]
}

/// A file that is too long.
pub(crate) fn file_size(source: &Source) -> Vec<String> {
    // A suite is nothing but tests, and only its helpers have a size worth looking at.
    let lines = source.code().lines().filter(|line| !line.trim().is_empty()).count();
    let excused = LONG.iter().any(|(path, _)| *path == source.path);
    if lines <= LONGEST_FILE || excused {
        return Vec::new();
    }
    vec![format!(
        "has {lines} lines of code; past {LONGEST_FILE} it needs a reason in the list of long files"
    )]
}

/// Functions that are too long.
pub(crate) fn function_size(source: &Source) -> Vec<String> {
    let code = source.code();
    let mut wrong = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let function = &code[at..at + item(&code[at..])];
        let name = identifiers(function).nth(1).unwrap_or_default();
        let lines = function.lines().count();
        let excused = LONG_FUNCTIONS.iter().any(|(path, _)| *path == format!("{}::{name}", source.path));
        if lines > LONGEST_FUNCTION && function.contains('{') && !excused {
            wrong.push(format!("{name} has {lines} lines; {LONGEST_FUNCTION} is the most"));
        }
    }
    wrong
}

/// Identifiers and file names that the lexicon forbids.
pub(crate) fn words(source: &Source) -> Vec<String> {
    let mut wrong = Vec::new();
    let stem = source.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs");
    if FILES.contains(&stem) {
        wrong.push(format!("a file named {stem} says nothing about itself"));
    }
    let code = source.code();
    for identifier in identifiers(&code) {
        for part in parts(identifier) {
            for (word, instead, except) in WORDS {
                let plural = part.strip_suffix('s').unwrap_or(&part);
                let is_excepted = except.iter().any(|folder| source.path.starts_with(folder));
                if (part == *word || plural == *word) && !is_excepted {
                    let complaint = format!("{identifier} says {word}; the lexicon says {instead}");
                    if !wrong.contains(&complaint) {
                        wrong.push(complaint);
                    }
                }
            }
        }
    }
    wrong
}

/// The words of an identifier, in small letters.
fn parts(identifier: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut before = '_';
    for c in identifier.chars() {
        if c == '_' || (c.is_uppercase() && before.is_lowercase()) {
            parts.push(String::new());
        }
        if c != '_' {
            parts.last_mut().unwrap().extend(c.to_lowercase());
        }
        before = c;
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// Notes to do something later: it is done, or it is an issue.
pub(crate) fn promises(source: &Source) -> Vec<String> {
    [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X"), concat!("unimple", "mented!")]
        .iter()
        .filter(|word| source.text.contains(*word))
        .map(|word| format!("says {word}: do it, or leave it out"))
        .collect()
}

#[test]
fn a_missing_head_is_noticed() {
    let check = |text: &str| head(&Source::new("a.rs", text)).len();
    assert_eq!((check("//! What it is.\nfn f() {}"), check("fn f() {}"), check("// no\n")), (0, 1, 1));
}

#[test]
fn long_files_and_functions_are_noticed() {
    let lines = |count: usize| "let x = 1;\n".repeat(count);
    let of = |text: String| Source::new("a.rs", &text);
    assert_eq!(file_size(&of(lines(400))).len(), 0);
    assert_eq!(file_size(&of(lines(401))).len(), 1);
    assert_eq!(file_size(&of(format!("{}{}", lines(400), "// why\n\n".repeat(99)))).len(), 0);
    assert_eq!(file_size(&of(format!("#[cfg(test)]\nmod tests {{\n{}}}\n", lines(401)))).len(), 0);
    assert_eq!(function_size(&of(format!("fn f() {{\n{}}}\nfn g() {{}}", lines(68)))).len(), 0);
    assert_eq!(function_size(&of(format!("impl A {{ fn f(a: [u8; 4]) {{\n{}}}\n}}", lines(70)))).len(), 1);
}

#[test]
fn forbidden_words_are_noticed() {
    let check = |path: &str, text: &str| words(&Source::new(path, text)).len();
    assert_eq!(check("proxy/src/a.rs", "let upstream_members = 1;"), 1);
    assert_eq!(check("proxy/src/a.rs", "struct MemberWeight;"), 1);
    assert_eq!(check("proxy/src/a.rs", "let frontier = 1; // upstream\nlet s = \"backend\";"), 0);
    assert_eq!(check("proxy/src/a.rs", "let backends = 1;"), 1);
    assert_eq!(check("tests/a.rs", "let backends = 1;"), 0);
    assert_eq!(check("proxy/src/util.rs", ""), 1);
    assert_eq!(check("proxy/src/a/mod.rs", ""), 1);
}

#[test]
fn promises_are_noticed() {
    let text = format!("// {}: later", concat!("TO", "DO"));
    assert_eq!(promises(&Source::new("a.rs", &text)).len(), 1);
    assert_eq!(promises(&Source::new("a.rs", "// done")).len(), 0);
}
