//! Sections and their nesting, and the conditions that some of them are.

use std::rc::Rc;

use crate::config::access::{Reach, Together};
use crate::config::directive::{check_path, closing};
use crate::config::lexer::{Line, Word};
use crate::config::nearest::did_you_mean;
use crate::config::notes::Complaint;
use crate::config::parameter::apply_to_balancer;
use crate::config::parameter::value::shown;
use crate::config::reader::{Reader, end_of_line_comment};
use crate::config::site::{Scope, Site};
use crate::config::source::Spot;

/// Sections about files, of which this proxy serves none.
const FILE_SECTIONS: [&str; 4] = ["Directory", "DirectoryMatch", "Files", "FilesMatch"];

/// Sections that are not supported, and what to do.
const MISSING_SECTIONS: [(&str, &str); 7] = [
    ("IfDirective", "remove the section, or use <IfDefine>"),
    ("IfFile", "remove the section, or use IncludeOptional"),
    ("IfVersion", "remove the section and keep the lines that fit httpd 2.4"),
    ("LocationMatch", "use <Location> with a plain path"),
    ("Macro", "write the lines out"),
    ("ProxyMatch", "use <Proxy balancer://NAME>"),
    ("VirtualHost", "move its lines to the top level; one configuration is one site"),
];

/// A section that is open.
pub(super) struct Frame {
    pub(super) name: String,
    pub(super) spot: Spot,
    /// What lines in it are about.
    scope: Rc<Scope>,
    skipped: Skipped,
}

/// Whether lines are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Skipped {
    /// They are.
    No,
    /// They are not, but what closes something is looked for: httpd may have the module that is missing here.
    Searched,
    /// They are not.
    Whole,
}

impl Reader {
    /// What lines are about here.
    pub(super) fn scope(&self) -> Rc<Scope> {
        self.frames.last().map_or_else(|| Rc::new(Scope::Server), |frame| Rc::clone(&frame.scope))
    }

    /// Whether lines are read here.
    pub(super) fn skipped(&self) -> Skipped {
        self.frames.last().map_or(Skipped::No, |frame| frame.skipped)
    }

    /// A line `</Name>`; sections that were open before `base` are not its business.
    pub(super) fn close(&mut self, line: &Line<'_>, base: usize) {
        let text = line.text.trim();
        let name = text.trim_start_matches("</").split('>').next().unwrap_or_default().trim();
        let open = self.frames.get(base..).and_then(<[Frame]>::last).map(|frame| frame.name.clone());
        match open {
            Some(open) if open.eq_ignore_ascii_case(name) => {
                let read = self.frames.pop().is_some_and(|frame| frame.skipped == Skipped::No);
                if read && Together::of(name).is_some() {
                    self.site.access.close(&mut self.notes);
                }
            }
            Some(open) => {
                let what = format!("</{}> does not close <{open}>", shown(name));
                self.notes.error(line.whole(), Complaint::new(what, format!("write </{open}> first")));
                // If an outer section is meant, what is inside ends with it.
                let outer = self.frames.iter().rposition(|frame| frame.name.eq_ignore_ascii_case(name));
                if let Some(outer) = outer.filter(|outer| *outer >= base) {
                    self.frames.truncate(outer);
                }
            }
            None => {
                let what = format!("</{}> closes nothing", shown(name));
                self.notes.error(line.whole(), Complaint::new(what, "remove it, or open the section above"));
            }
        }
    }

    /// A line `<Name …>`.
    pub(super) fn open(&mut self, line: &Line<'_>) {
        let start = line.text.find('<').unwrap_or_default() + 1;
        let rest = line.text.get(start..).unwrap_or_default();
        let name_length = rest.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(rest.len());
        let name = rest.get(..name_length).unwrap_or_default();
        let spot = line.whole();
        let (scope, skipped) = match closing_bracket(rest) {
            Some(end) if self.skipped() == Skipped::No => {
                let behind = rest.get(end + 1..).unwrap_or_default().trim();
                if behind.starts_with('#') {
                    self.notes.warn(line.spot(start + end + 1, line.text.len()), end_of_line_comment());
                } else if !behind.is_empty() {
                    let what = format!("'{}' behind the section is ignored, as in httpd", shown(behind));
                    self.notes.trap(spot, Complaint::new(what, "remove it"));
                }
                match self.arguments(line, start + name_length, start + end) {
                    Some(words) => self.section(name, &words, spot),
                    None => (self.scope(), Skipped::Whole),
                }
            }
            Some(end) => (self.scope(), self.section_in_skipped(name, rest.get(name_length..end), spot)),
            None => {
                let what = format!("<{} has no > at its end", shown(name));
                self.notes.error(spot, Complaint::new(what, "add >"));
                (self.scope(), Skipped::Whole)
            }
        };
        self.frames.push(Frame { name: shown(name), spot, scope, skipped });
    }

    /// Whether a section in a skipped one is searched.
    fn section_in_skipped(&mut self, name: &str, argument: Option<&str>, spot: Spot) -> Skipped {
        if self.skipped() == Skipped::Whole {
            return Skipped::Whole;
        }
        if let Some((name, does, remedy)) = closing_section(name) {
            self.closing((name, does, remedy), spot);
            return Skipped::Whole;
        }
        let argument = argument.unwrap_or_default().trim();
        if name.eq_ignore_ascii_case("IfDefine") && !self.is_defined(argument) {
            return Skipped::Whole;
        }
        Skipped::Searched
    }

    /// What a section is about, and whether its lines are read.
    fn section(&mut self, name: &str, words: &[Word], spot: Spot) -> (Rc<Scope>, Skipped) {
        let around = self.scope();
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        let first = words.first().map_or("", |word| word.text.as_str());
        if is("IfModule") || is("IfDefine") {
            let skipped = if is("IfModule") { self.if_module(first) } else { self.if_define(first) };
            if words.len() != 1 {
                let what = format!("<{}> takes one name", shown(name));
                self.notes.error(spot, Complaint::new(what, format!("write <{} NAME>", shown(name))));
                return (around, Skipped::Whole);
            }
            return (around, skipped);
        }
        if is("Proxy") || is("Location") {
            if *around != Scope::Server {
                let what = format!("<{}> cannot stand in another section", shown(name));
                self.notes.error(spot, Complaint::new(what, "close the section above first"));
                return (around, Skipped::Whole);
            }
            let scope = if is("Proxy") { self.proxy(words, spot) } else { self.location(words, spot) };
            return scope.map_or((around, Skipped::Whole), |scope| (Rc::new(scope), Skipped::No));
        }
        if let Some(together) = Together::of(name).filter(|_| *around != Scope::Server) {
            self.site.access.open(together, spot);
            return (around, Skipped::No);
        }
        if let Some(name) = FILE_SECTIONS.into_iter().find(|known| is(known)) {
            self.ignore(name, spot);
        } else if let Some(found) = closing_section(name) {
            self.closing(found, spot);
        } else if let Some((name, remedy)) = MISSING_SECTIONS.into_iter().find(|(known, _)| is(known)) {
            self.notes.error(spot, Complaint::new(format!("<{name}> is not supported yet"), remedy));
        } else {
            let known = ["Proxy", "Location", "IfModule", "IfDefine"].into_iter();
            let what = format!("<{}> is no section that this proxy knows", shown(name));
            let remedy =
                did_you_mean(name, known, "known are <Proxy>, <Location>, <IfModule> and <IfDefine>");
            self.notes.error(spot, Complaint::new(what, remedy));
        }
        (around, Skipped::Whole)
    }

    fn if_module(&self, argument: &str) -> Skipped {
        match argument.strip_prefix('!') {
            Some(name) if self.modules.contains(name) => Skipped::Whole,
            Some(_) => Skipped::No,
            None if self.modules.contains(argument) => Skipped::No,
            None => Skipped::Searched,
        }
    }

    fn if_define(&self, argument: &str) -> Skipped {
        if self.is_defined(argument) { Skipped::No } else { Skipped::Whole }
    }

    fn is_defined(&self, argument: &str) -> bool {
        match argument.strip_prefix('!') {
            Some(name) => !self.variables.is_defined(name),
            None => self.variables.is_defined(argument),
        }
    }

    fn proxy(&mut self, words: &[Word], spot: Spot) -> Option<Scope> {
        let Some((url, parameters)) = words.split_first() else {
            self.notes
                .error(spot, Complaint::new("<Proxy> names no balancer", "write <Proxy balancer://NAME>"));
            return None;
        };
        if url.text == "*" {
            self.site.access.begin(Reach::Proxied);
            return Some(Scope::AllProxied);
        }
        let is_balancer = url.text.get(..11).is_some_and(|start| start.eq_ignore_ascii_case("balancer://"));
        if !is_balancer {
            let what = format!("<Proxy {}> is not supported", shown(&url.text));
            self.notes.error(url.spot, Complaint::new(what, "write <Proxy balancer://NAME>"));
            return None;
        }
        let name = Site::balancer_name(&mut self.notes, &url.text, url.spot)?;
        let behind = url.text.get(11..).and_then(|rest| rest.split_once('/')).map(|(_, path)| path);
        self.site.access.begin(Reach::Balancer { name: name.clone(), whole: behind.is_some() });
        if behind.is_some_and(|path| !path.is_empty()) {
            self.site.access.is_about_a_part(url.spot);
        }
        let index = self.site.declare(&name, spot);
        if let Some(balancer) = self.site.balancers.get_mut(index) {
            for word in parameters {
                apply_to_balancer(&mut balancer.settings, word, &mut self.notes);
            }
        }
        Some(Scope::Balancer(index))
    }

    fn location(&mut self, words: &[Word], spot: Spot) -> Option<Scope> {
        let [path] = words else {
            let what = "<Location> takes one path";
            self.notes
                .error(spot, Complaint::new(what, "write <Location /PATH>; quote what contains blanks"));
            return None;
        };
        if path.text.contains(['*', '?', '[']) {
            let what = "wildcards are not supported in <Location>";
            self.notes.error(path.spot, Complaint::new(what, "write a plain path"));
            return None;
        }
        if path.text.contains("//") {
            let what = "no request fits a <Location> with two slashes in a row: httpd makes one of those in requests";
            self.notes.error(path.spot, Complaint::new(what, "write one slash"));
            return None;
        }
        check_path(&mut self.notes, path)?;
        self.site.access.begin(Reach::Below(path.text.clone()));
        Some(Scope::Location(path.text.clone()))
    }
}

fn closing_section(name: &str) -> Option<(&'static str, &'static str, &'static str)> {
    closing::SECTIONS.iter().copied().find(|(known, ..)| known.eq_ignore_ascii_case(name))
}

/// Where the `>` of a section stands: the first that nothing or a comment follows, else the last, as in httpd.
fn closing_bracket(text: &str) -> Option<usize> {
    let before_comment = text.match_indices('>').map(|(at, _)| at).find(|at| {
        let behind = text.get(at + 1..).unwrap_or_default();
        behind.trim_start().is_empty()
            || (behind.starts_with([' ', '\t']) && behind.trim_start().starts_with('#'))
    });
    before_comment.or_else(|| text.rfind('>'))
}
