//! A scenario as data: a configuration, steps, and what is expected of each. It reads from a text of one page and
//! prints as the same text.
//!
//! ```text
//! # Shares by factor, to the pick.
//! <Proxy balancer://app>
//!     BalancerMember {1} loadfactor=1
//!     BalancerMember {2} loadfactor=2
//! </Proxy>
//! ProxyPass / balancer://app/
//! ---
//! get / x3 = 212
//! edit 1 disabled=on
//! get / cookie SID=x.1 = 2
//! see lbstatus = 0 0
//! ```
//!
//! `{1}` is the URL of the backend called 1. A line `departure NUMBER` before the configuration says that the two
//! differ, and then some steps have two expectations: `= httpd | ours`.

use std::fmt;

use crate::step::Step;

/// What stands between the configuration and the steps.
const RULE: &str = "---";

/// A scenario.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Scenario {
    /// What it shows, in sentences.
    pub(crate) about: String,
    /// The numbers of the departures that it asserts.
    pub(crate) departures: Vec<u32>,
    /// The configuration with `{name}` for the URLs of backends. Its balancer is `app`, mapped from `/`.
    pub(crate) configuration: String,
    /// What is done.
    pub(crate) lines: Vec<Line>,
}

/// A step and what is expected of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// What is done.
    pub(crate) step: Step,
    /// What it must give.
    pub(crate) expected: Option<Expected>,
}

/// What a step must give: who answered, or what there was to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expected {
    /// Before httpd.
    pub(crate) httpd: String,
    /// Before our proxy.
    pub(crate) ours: String,
}

impl Expected {
    /// Do the two differ?
    pub(crate) fn differs(&self) -> bool {
        self.httpd != self.ours
    }
}

impl Scenario {
    /// Reads the text of a scenario.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut scenario = Self::default();
        let (head, steps) = text.split_once(&format!("\n{RULE}\n")).ok_or("it has no line of dashes")?;
        for line in head.lines() {
            if let Some(about) = line.strip_prefix("# ") {
                scenario.about.extend([about, "\n"]);
            } else if let Some(numbers) = line.strip_prefix("departure ") {
                for number in numbers.split_whitespace() {
                    scenario.departures.push(number.parse().map_err(|_| format!("departure '{number}'"))?);
                }
            } else {
                scenario.configuration.extend([line, "\n"]);
            }
        }
        for line in steps.lines().filter(|line| !line.trim().is_empty()) {
            scenario.lines.push(Line::parse(line).map_err(|why| format!("'{line}': {why}"))?);
        }
        let differs = |line: &Line| line.expected.as_ref().is_some_and(Expected::differs);
        if scenario.departures.is_empty() && scenario.lines.iter().any(differs) {
            return Err("it tolerates a difference and names no departure".to_owned());
        }
        Ok(scenario)
    }

    /// The names of the backends that its configuration mentions, in the order of their first mention.
    pub(crate) fn backends(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for (at, _) in self.configuration.match_indices('{') {
            let (before, behind) = self.configuration.split_at(at);
            let name = behind[1..].split('}').next().unwrap_or_default();
            // `%{NAME}e` is a variable's.
            if !before.ends_with('%') && !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        names
    }
}

impl Line {
    /// A step of which nothing is expected but that both do the same.
    pub(crate) fn of(step: Step) -> Self {
        Self { step, expected: None }
    }

    fn parse(line: &str) -> Result<Self, String> {
        let mut words = words(line)?;
        let expected = match words.iter().position(|(_, word)| word == "=") {
            None => None,
            Some(at) => {
                let rest = line[words[at].0..].trim_start_matches('=').trim();
                words.truncate(at);
                let (httpd, ours) = rest.split_once(" | ").unwrap_or((rest, rest));
                Some(Expected { httpd: httpd.trim().to_owned(), ours: ours.trim().to_owned() })
            }
        };
        let words: Vec<&str> = words.iter().map(|(_, word)| word.as_str()).collect();
        Ok(Self { step: Step::parse(&words)?, expected })
    }
}

/// The words of a line with their places; quotation marks join words, and a backslash takes the next character as it
/// is.
fn words(line: &str) -> Result<Vec<(usize, String)>, String> {
    let (mut words, mut quoted, mut escaped): (Vec<(usize, String)>, _, _) = (Vec::new(), false, false);
    let mut open = false;
    for (at, c) in line.char_indices() {
        if c.is_whitespace() && !quoted && !escaped {
            open = false;
            continue;
        }
        if !open {
            words.push((at, String::new()));
            open = true;
        }
        match c {
            '\\' if !escaped => escaped = true,
            '"' if !escaped => quoted = !quoted,
            c => {
                words.last_mut().ok_or("no word")?.1.push(c);
                escaped = false;
            }
        }
    }
    if quoted { Err("a quotation mark is not closed".to_owned()) } else { Ok(words) }
}

/// A word as a line writes it.
pub(crate) fn written(word: &str) -> String {
    let escaped = word.replace('\\', "\\\\").replace('"', "\\\"");
    let plain = !word.is_empty() && word != "=" && !word.contains(char::is_whitespace);
    if plain { escaped } else { format!("\"{escaped}\"") }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.about.lines() {
            writeln!(f, "# {line}")?;
        }
        if !self.departures.is_empty() {
            let numbers: Vec<String> = self.departures.iter().map(u32::to_string).collect();
            writeln!(f, "departure {}", numbers.join(" "))?;
        }
        writeln!(f, "{}\n{RULE}", self.configuration.trim_end())?;
        for line in &self.lines {
            write!(f, "{}", line.step)?;
            match &line.expected {
                None => writeln!(f)?,
                Some(expected) if expected.differs() => {
                    writeln!(f, " = {} | {}", expected.httpd, expected.ours)?;
                }
                Some(expected) => writeln!(f, " = {}", expected.ours)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"# What it shows.
departure 21 22
<Proxy balancer://app>
    BalancerMember {1} route=a
    BalancerMember {2}/base route=b
</Proxy>
ProxyPass / balancer://app/
---
get /x x3 = 121
post /?a=1 body=300 kept field "A: b c" = [cut] | [502]
get / cookie "SID = x.c; B=\"1\"" = 2
hold /
release 1 = 1
begin / x2
join = 12
edit 1 route=
edit balancer stickysession=A|b
kill 1
hear location = /in
shut 2
behave 2 status 503 "Retry-After: 1"
pause 1100
see words = "Init Err" "Init Ok"
"#;

    #[test]
    fn a_text_reads_and_prints_as_itself() {
        let scenario = Scenario::parse(TEXT).unwrap();
        assert_eq!(scenario.to_string(), TEXT);
        assert_eq!(scenario.backends(), ["1", "2"]);
        let variable = Scenario { configuration: "%{X}e {b}/{a} {b}".to_owned(), ..Scenario::default() };
        assert_eq!(variable.backends(), ["b", "a"]);
        assert_eq!(scenario.departures, [21, 22]);
        assert!(scenario.lines[1].expected.as_ref().unwrap().differs());
    }

    #[test]
    fn what_is_no_scenario_is_refused() {
        for (text, why) in [
            ("Listen 1\nget /\n", "it has no line of dashes"),
            ("x\n---\nget / = 1 | 2\n", "it tolerates a difference and names no departure"),
            ("x\n---\ndance 1\n", "'dance 1': there is no step 'dance'"),
            ("x\n---\nget \"/\n", "'get \"/': a quotation mark is not closed"),
            ("departure x\n---\n", "departure 'x'"),
        ] {
            assert_eq!(Scenario::parse(text).unwrap_err(), why);
        }
    }
}
