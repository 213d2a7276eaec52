//! `Header` and `RequestHeader` lines, read into rules. What httpd would take with no effect is said; what would break the
//! framing of messages, and what could leave something open that httpd closes, is refused.
//!
//! Not here: what rules do.

use crate::config::directive::Call;
use crate::config::lexer::Word;
use crate::config::limits;
use crate::config::notes::{Complaint, Notes};
use crate::config::parameter::value::shown;
use crate::config::site::Scope;
use crate::header_rules::{
    Action, Condition, HeaderRules, Pattern, Reach, Rule, Table, Text, VARIABLES, is_free, makes_a_request,
};
use crate::http::head::Known;

/// Whose fields a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Request,
    Answer,
}

/// All rules, while reading.
#[derive(Default)]
pub(super) struct Headers {
    /// `RequestHeader … early`.
    early: Vec<Rule>,
    requests: [Vec<Rule>; 3],
    answers: [Vec<Rule>; 3],
    lines: usize,
}

impl Headers {
    /// In httpd's order: outside of sections, in `<Proxy>`, in `<Location>`; each as they stand in the file.
    pub(super) fn resolve(self) -> HeaderRules {
        let requests = self.early.into_iter().chain(self.requests.into_iter().flatten());
        HeaderRules { requests: requests.collect(), answers: self.answers.into_iter().flatten().collect() }
    }

    /// Reads one line; complains about what is none.
    pub(super) fn read(&mut self, side: Side, call: &Call<'_>, notes: &mut Notes) {
        if self.lines >= limits::HEADER_RULES {
            let what =
                format!("there are more than {} lines of Header and RequestHeader", limits::HEADER_RULES);
            return notes.error(call.spot, Complaint::new(what, "remove some"));
        }
        self.lines += 1;
        let line = Reading { side, call, notes };
        let Some((rule, early)) = line.rule() else { return };
        let (place, in_section) = match &rule.reach {
            Reach::Everything => (0, false),
            Reach::Proxied | Reach::Balancer(_) => (1, true),
            Reach::Below(_) => (2, true),
        };
        if early && in_section {
            let what = "early has no effect in sections, as in httpd; the line is ignored";
            return notes
                .trap(call.spot, Complaint::new(what, "leave early out, or move the line to the top level"));
        }
        let lists = match side {
            Side::Request if early => return self.early.push(rule),
            Side::Request => &mut self.requests,
            Side::Answer => &mut self.answers,
        };
        if let Some(list) = lists.get_mut(place) {
            list.push(rule);
        }
    }
}

/// One line while it is read.
struct Reading<'a> {
    side: Side,
    call: &'a Call<'a>,
    notes: &'a mut Notes,
}

/// What stands behind the value.
enum Clause {
    Nothing,
    Early,
    Env(Condition),
}

const ACTIONS: &str = "write set, setifempty, add, append, merge, unset, edit or edit*";

impl Reading<'_> {
    /// The rule, and whether it is an early one.
    fn rule(mut self) -> Option<(Rule, bool)> {
        let mut words = self.call.words;
        let mut table = Table::OnSuccess;
        if let Some((first, rest)) = words.split_first().filter(|_| self.side == Side::Answer) {
            let is = |word: &str| first.text.eq_ignore_ascii_case(word);
            if is("always") || is("onsuccess") {
                words = rest;
                table = if is("always") { Table::Always } else { Table::OnSuccess };
            }
        }
        let Some((verb, words)) = words.split_first() else {
            return self.refuse(None, "there is no action", ACTIONS);
        };
        let action = verb.text.to_ascii_lowercase();
        let needed = match action.as_str() {
            "unset" | "echo" => 1,
            "set" | "setifempty" | "add" | "append" | "merge" | "note" => 2,
            "edit" | "edit*" => 3,
            _ => return self.refuse(verb, format!("'{}' is no action", shown(&verb.text)), ACTIONS),
        };
        if self.side == Side::Request && matches!(action.as_str(), "echo" | "note") {
            return self.refuse(verb, format!("{action} is for answers only"), "remove the line");
        }
        let Some((words, rest)) = words.split_at_checked(needed) else {
            let what = format!("{action} needs more arguments");
            let remedy = match needed {
                1 => "write the name of the field behind it",
                2 => "write the name of the field and its value behind it",
                _ => "write the name of the field, a pattern, and what to put in its place",
            };
            return self.refuse(verb, what, remedy);
        };
        let clause = self.clause(rest)?;
        if action == "note" {
            let what = "notes have no reader here; the line is ignored";
            self.notes.warn(self.call.spot, Complaint::new(what, "remove it"));
            return None;
        }
        let [named, ..] = words else { return None };
        let name = if action == "echo" { String::new() } else { self.name(named)? };
        let action = self.action(&action, words)?;
        let (condition, early) = match clause {
            Clause::Nothing => (None, false),
            Clause::Early => (None, true),
            Clause::Env(condition) => (Some(condition), false),
        };
        let reach = match self.call.scope {
            Scope::Server => Reach::Everything,
            Scope::AllProxied => Reach::Proxied,
            Scope::Balancer(index) => Reach::Balancer(*index),
            Scope::Location(path) => Reach::Below(path.clone()),
        };
        let rule = Rule { reach, table, action, name, condition };
        self.may(&rule, named)?;
        Some((rule, early))
    }

    fn refuse<'w, T>(
        &mut self,
        word: impl Into<Option<&'w Word>>,
        what: impl Into<std::borrow::Cow<'static, str>>,
        remedy: impl Into<std::borrow::Cow<'static, str>>,
    ) -> Option<T> {
        let spot = word.into().map_or(self.call.spot, |word| word.spot);
        self.notes.error(spot, Complaint::new(what, remedy));
        None
    }

    /// A field's name; httpd takes a colon at its end.
    fn name(&mut self, word: &Word) -> Option<String> {
        let name = word.text.strip_suffix(':').unwrap_or(&word.text);
        let fits = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if name.is_empty() || !name.chars().all(fits) {
            let what = format!("'{}' is no name of a header field", shown(&word.text));
            return self.refuse(word, what, "write a name such as X-Forwarded-Proto");
        }
        Some(name.to_owned())
    }

    fn action(&mut self, action: &str, words: &[Word]) -> Option<Action> {
        let value = words.last()?;
        match action {
            "unset" => return Some(Action::Unset),
            "echo" => return Some(Action::Echo(self.pattern(value)?)),
            _ => {}
        }
        if value.text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("expr=")) {
            let what = "expressions are not supported";
            return self.refuse(
                value,
                what,
                "write the value itself, or one with %{BALANCER_WORKER_ROUTE}e and the like",
            );
        }
        let text = match Text::parse(&value.text) {
            Ok(text) => text,
            Err(why) => {
                let remedy = "write plain text, %{NAME}e, %t, %D or %l";
                return self.refuse(value, format!("the value '{}' {why}", shown(&value.text)), remedy);
            }
        };
        for name in text.variables() {
            self.variable(name, value)?;
        }
        Some(match action {
            "set" => Action::Set(text),
            "setifempty" => Action::SetIfEmpty(text),
            "add" => Action::Add(text),
            "append" => Action::Append(text),
            "merge" => Action::Merge(text),
            _ => {
                let pattern = self.pattern(words.get(1)?)?;
                Action::Edit { pattern, text, every: action.ends_with('*') }
            }
        })
    }

    fn pattern(&mut self, word: &Word) -> Option<Pattern> {
        match Pattern::parse(&word.text) {
            Ok(pattern) => Some(pattern),
            Err(why) => {
                let what = format!("'{}' {why}", shown(&word.text));
                self.refuse(word, what, "write a simpler one; a backslash makes a character plain")
            }
        }
    }

    /// A variable that nothing sets here may be one that closes something in httpd.
    fn variable(&mut self, name: &str, word: &Word) -> Option<()> {
        if !VARIABLES.contains(&name) {
            let what = format!(
                "nothing sets the variable '{}' here; SetEnv and SetEnvIf are not supported",
                shown(name)
            );
            return self.refuse(word, what, format!("known are {}", VARIABLES.join(", ")));
        }
        if self.side == Side::Request {
            let what = format!("{name} is not set yet when RequestHeader is applied, as in httpd");
            self.notes.trap(word.spot, Complaint::new(what, "only Header can tell who was elected"));
        }
        Some(())
    }

    fn clause(&mut self, words: &[Word]) -> Option<Clause> {
        let word = match words {
            [] => return Some(Clause::Nothing),
            [word] => word,
            [_, extra, ..] => {
                let what = format!("'{}' is too much", shown(&extra.text));
                return self.refuse(extra, what, "quote a value that contains blanks");
            }
        };
        let (kind, name) = word.text.split_once('=').unwrap_or((&word.text, ""));
        if kind.eq_ignore_ascii_case("early") && !word.text.contains('=') {
            if self.side == Side::Answer {
                return self.refuse(word, "early is not supported for answers", "leave early out");
            }
            return Some(Clause::Early);
        }
        let (is_negated, variable) = name.strip_prefix('!').map_or((false, name), |name| (true, name));
        if kind.eq_ignore_ascii_case("expr") {
            self.refuse(word, "expressions are not supported", "write env=VARIABLE or env=!VARIABLE")
        } else if !kind.eq_ignore_ascii_case("env") || variable.is_empty() {
            let what = format!("'{}' is no condition", shown(&word.text));
            self.refuse(word, what, "write env=VARIABLE or env=!VARIABLE; quote a value that contains blanks")
        } else {
            self.variable(variable, word)?;
            Some(Clause::Env(Condition { variable: variable.to_owned(), is_negated }))
        }
    }

    /// May this rule be applied? Says why not, and what has no effect.
    fn may(&mut self, rule: &Rule, named: &Word) -> Option<()> {
        let known = Known::of(rule.name.as_bytes());
        let (name, unset) = (&rule.name, rule.action == Action::Unset);
        if !is_free(known) {
            return self.framing(known, name, (named, unset));
        }
        match (self.side, known) {
            (Side::Request, Known::Expect) if !unset => {
                self.refuse(named, "only the client can say what it expects", "remove the line")
            }
            (Side::Request, Known::Host) => self.host(&rule.action, named),
            (Side::Answer, _)
                if rule.table == Table::Always
                    && matches!(rule.action, Action::Unset | Action::Edit { .. }) =>
            {
                let what =
                    format!("always {name} does not reach the {name} of members' answers, as in httpd");
                let remedy = "write the line without always; one of each if both are meant";
                self.notes.trap(self.call.spot, Complaint::new(what, remedy));
                Some(())
            }
            _ => Some(()),
        }
    }

    /// A field that frames the message, or ends here.
    fn framing(&mut self, known: Known, name: &str, (named, unset): (&Word, bool)) -> Option<()> {
        let spot = named.spot;
        let written = match (self.side, known) {
            (Side::Answer, Known::ContentLength) | (_, Known::Connection) => true,
            (_, Known::Hop) => name.eq_ignore_ascii_case("keep-alive"),
            _ => false,
        };
        if written {
            let what = format!("{name} is what the proxy makes it; the line has no effect");
            self.notes.trap(spot, Complaint::new(what, "remove it"));
            return None;
        }
        let ends_here = known == Known::Hop || (self.side == Side::Answer && unset);
        if unset && ends_here {
            let what = format!("{name} is never passed on; the line has no effect");
            self.notes.warn(spot, Complaint::new(what, "remove it"));
            return None;
        }
        let remedy = if known == Known::Upgrade {
            "write upgrade=PROTOCOL or upgrade=NONE on the BalancerMember line"
        } else {
            "remove the line"
        };
        self.refuse(
            named,
            format!("{name} frames messages, or ends at each hop: rules cannot change it"),
            remedy,
        )
    }

    /// A request has one host.
    fn host(&mut self, action: &Action, named: &Word) -> Option<()> {
        match action {
            Action::Set(text) if text.fixed().is_none_or(|host| makes_a_request(b"Host", host)) => Some(()),
            Action::Set(_) => self.refuse(named, "this is no host", "write HOST or HOST:PORT"),
            Action::SetIfEmpty(_) | Action::Edit { .. } => Some(()),
            _ => self.refuse(named, "a request has exactly one Host", "write RequestHeader set Host NAME"),
        }
    }
}
