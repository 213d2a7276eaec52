//! Random lists of rules, each in a section of its own, before our proxy and before a real httpd.
//!
//! What we do otherwise on purpose is avoided by construction: framing, variables that nobody sets, and patterns that
//! fit nothing, over which httpd falls.

use std::fmt::Write;

use crate::beside::{check, reply};

/// Sections of one configuration, and lines of one section at most.
const SECTIONS: usize = 24;
const LINES: usize = 6;

/// A small generator of numbers (xorshift), so that a seed names what was played.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % most
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}

const NAMES: &[&str] = &["X-A", "x-a", "X-B", "X-C", "X-Answered-By", "Set-Cookie", "Content-Type"];
const ASKED: &[&str] = &["X-A", "x-a", "X-B", "X-C", "Cookie", "Authorization"];
const VALUES: &[&str] = &[
    "one",
    "two",
    "\"\"",
    "\"one, two\"",
    "\"a b\"",
    "\"%%\"",
    "\"%{BALANCER_WORKER_ROUTE}e\"",
    "\"%{BALANCER_ROUTE_CHANGED}e-%{BALANCER_SESSION_ROUTE}e\"",
    "\"x;q=1\"",
    "\"\\\"one, two\\\"\"",
];
const PATTERNS: &[&str] = &["one", "o", "[a-z]+", "(t)(w|e)", "^(.+)$", "\\b.", ".$", "[^,]+"];
const TEMPLATES: &[&str] =
    &["0", "<$0>", "$1", "\"$2-$1\"", "\"\"", "\"\\$0\"", "\"%{BALANCER_WORKER_ROUTE}e$0\""];
const CONDITIONS: &[&str] = &[
    "",
    "",
    "",
    " env=BALANCER_ROUTE_CHANGED",
    " env=!BALANCER_ROUTE_CHANGED",
    " env=BALANCER_SESSION_ROUTE",
];

/// One line of a section.
fn line(dice: &mut Dice) -> String {
    let answer = dice.below(3) > 0;
    let names = if answer { NAMES } else { ASKED };
    let front =
        if answer { dice.of(&["Header", "Header onsuccess", "Header always"]) } else { "RequestHeader" };
    let name = dice.of(names);
    let action = dice.below(8);
    // We never send two types; httpd sometimes does.
    let name = if name == "Content-Type" && (front.ends_with("always") || matches!(action, 1..=4)) {
        "X-C"
    } else {
        name
    };
    let action = match action {
        0 => format!("set {name} {}", dice.of(VALUES)),
        1 => format!("setifempty {name} {}", dice.of(VALUES)),
        2 => format!("add {name} {}", dice.of(VALUES)),
        3 => format!("append {name} {}", dice.of(VALUES)),
        4 => format!("merge {name} {}", dice.of(VALUES)),
        5 => format!("unset {name}"),
        6 => format!("edit {name} {} {}", dice.of(PATTERNS), dice.of(TEMPLATES)),
        _ => format!("edit* {name} {} {}", dice.of(PATTERNS), dice.of(TEMPLATES)),
    };
    format!("{front} {action}{}", dice.of(CONDITIONS))
}

#[test]
fn random_rules_do_what_they_do_in_httpd() {
    for seed in 1..=8_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut rules = String::new();
        let mut targets = Vec::new();
        for section in 0..SECTIONS {
            writeln!(rules, "<Location /{seed}-{section}>").unwrap();
            for _ in 0..=dice.below(LINES) {
                writeln!(rules, "{}", line(&mut dice)).unwrap();
            }
            rules.push_str("</Location>\n");
            targets.push(format!("/{seed}-{section}/x"));
        }
        let clients: [&[(&str, &str)]; 3] = [
            &[],
            &[("Cookie", "ROUTEID=x.a"), ("X-A", "one")],
            &[("Cookie", "ROUTEID=.gone"), ("X-A", "two"), ("X-B", "one, two")],
        ];
        let asks: Vec<_> =
            targets.iter().flat_map(|target| clients.map(|headers| (target.as_str(), headers))).collect();
        check(&rules, reply().header("X-B", "\"one, two\", three"), &asks);
    }
}
