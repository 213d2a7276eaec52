//! Reads line after line: sections and their nesting, conditions, includes, variables; everything else is handed to
//! the table of directives.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use evenkeel_protocol::clean::is_clean;

use crate::config::directive::{self, Call, Directive, Effect, Reading, closing};
use crate::config::lexer::{self, Line, Word};
use crate::config::nearest::did_you_mean;
use crate::config::notes::{Complaint, Notes};
use crate::config::parameter::apply_to_balancer;
use crate::config::parameter::value::shown;
use crate::config::site::{Closing, Scope, Site};
use crate::config::source::{Sources, Spot};
use crate::config::variable::Variables;
use crate::config::{ReadOptions, include, limits};

/// Modules of httpd whose function is built in, by both of their names.
const BUILT_IN: [&str; 11] = [
    "authz_core_module",
    "core_module",
    "http_module",
    "lbmethod_bybusyness_module",
    "lbmethod_byrequests_module",
    "lbmethod_bytraffic_module",
    "log_config_module",
    "proxy_balancer_module",
    "proxy_http_module",
    "proxy_module",
    "slotmem_shm_module",
];

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
struct Frame {
    name: String,
    spot: Spot,
    /// What lines in it are about.
    scope: Rc<Scope>,
    skipped: Skipped,
}

/// Whether lines are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Skipped {
    /// They are.
    No,
    /// They are not, but what closes something is looked for: httpd may have the module that is missing here.
    Searched,
    /// They are not.
    Whole,
}

/// A harmless directive that was ignored.
pub(super) struct Ignored {
    pub(super) name: &'static str,
    pub(super) first: Spot,
    pub(super) times: usize,
}

/// What is known while reading.
pub(super) struct Reader {
    pub(super) sources: Sources,
    pub(super) notes: Notes,
    pub(super) site: Site,
    pub(super) ignored: Vec<Ignored>,
    variables: Variables,
    /// Modules that the configuration loads, by both of their names.
    modules: HashSet<String>,
    /// What relative paths start from.
    root: Option<PathBuf>,
    frames: Vec<Frame>,
    depth: usize,
    lines: usize,
}

impl Reader {
    pub(super) fn new(options: &ReadOptions, root: Option<PathBuf>) -> Self {
        Self {
            sources: Sources::default(),
            notes: Notes::new(options.strict),
            site: Site::default(),
            ignored: Vec::new(),
            variables: Variables::new(&options.defines, include::environment),
            modules: BUILT_IN.into_iter().flat_map(names_of_module).collect(),
            root,
            frames: Vec::new(),
            depth: 0,
            lines: 0,
        }
    }

    /// Reads a text with everything that it includes.
    pub(super) fn text(&mut self, name: &str, loaded: &include::Loaded) {
        let file = self.sources.add(name, &loaded.text);
        let here = Spot { file, start: 0, end: 0 };
        if let Some((at, complaint)) = &loaded.fault {
            return self.notes.error(Spot { file, start: *at, end: at + 1 }, complaint.clone());
        }
        self.lines += loaded.text.lines().count();
        if self.lines > limits::LINES {
            let what = format!("the configuration has more than {} lines", limits::LINES);
            return self.notes.error(here, Complaint::new(what, "shorten it"));
        }
        let (base, text) = (self.frames.len(), self.sources.text(file));
        for line in lexer::lines(file, &text) {
            if self.notes.full() {
                break;
            }
            self.line(&line, base);
        }
        for frame in self.frames.drain(base..) {
            let what = format!("<{}> is never closed", frame.name);
            self.notes.error(frame.spot, Complaint::new(what, format!("add </{}>", frame.name)));
        }
    }

    fn scope(&self) -> Rc<Scope> {
        self.frames.last().map_or_else(|| Rc::new(Scope::Server), |frame| Rc::clone(&frame.scope))
    }

    fn skipped(&self) -> Skipped {
        self.frames.last().map_or(Skipped::No, |frame| frame.skipped)
    }

    fn line(&mut self, line: &Line<'_>, base: usize) {
        let text = line.text.trim();
        if text.is_empty() || text.starts_with('#') {
            return;
        }
        if self.skipped() == Skipped::No && !text.chars().all(|c| c == '\t' || is_clean(c)) {
            let what = "this line contains control characters, or characters that cannot be seen";
            return self.notes.error(line.whole(), Complaint::new(what, "write the line again, by hand"));
        }
        if text.starts_with("</") {
            self.close(line, base);
        } else if text.starts_with('<') {
            self.open(line);
        } else {
            self.directive(line);
        }
    }

    fn close(&mut self, line: &Line<'_>, base: usize) {
        let text = line.text.trim();
        let name = text.trim_start_matches("</").split('>').next().unwrap_or_default().trim();
        let open = self.frames.get(base..).and_then(<[Frame]>::last).map(|frame| frame.name.clone());
        match open {
            Some(open) if open.eq_ignore_ascii_case(name) => {
                self.frames.pop();
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

    fn open(&mut self, line: &Line<'_>) {
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
            return Some(Scope::AllProxied);
        }
        let is_balancer = url.text.get(..11).is_some_and(|start| start.eq_ignore_ascii_case("balancer://"));
        if !is_balancer {
            let what = format!("<Proxy {}> is not supported", shown(&url.text));
            self.notes.error(url.spot, Complaint::new(what, "write <Proxy balancer://NAME>"));
            return None;
        }
        let name = Site::balancer_name(&mut self.notes, &url.text, url.spot)?;
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
        directive::check_path(&mut self.notes, path)?;
        Some(Scope::Location(path.text.clone()))
    }

    fn directive(&mut self, line: &Line<'_>) {
        let start = line.text.len() - line.text.trim_start().len();
        let rest = line.text.get(start..).unwrap_or_default();
        let length = rest.find(|c: char| c.is_ascii_whitespace()).unwrap_or(rest.len());
        let (name, behind) = (rest.get(..length).unwrap_or_default(), start + length);
        let spot = line.whole();
        let row = directive::find(name);
        if let Some(Directive { name, effect: Effect::Closing { does, remedy, harmless }, .. }) = row {
            let words = lexer::words(line, behind, line.text.len()).words;
            let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
            if self.skipped() != Skipped::Whole && !harmless(&texts) {
                let called = if name.ends_with('*') {
                    shown(rest.get(..length).unwrap_or_default())
                } else {
                    (*name).to_owned()
                };
                self.closing((&called, does, remedy), spot);
            }
            return;
        }
        if self.skipped() != Skipped::No {
            return;
        }
        match row {
            None => {
                let name_spot = line.spot(start, behind);
                self.notes.error(name_spot, directive::unknown(name));
            }
            Some(Directive { name, effect: Effect::Ignore, .. }) => self.ignore(name, spot),
            Some(Directive { effect: Effect::Missing { remedy }, .. }) => {
                let what = format!("{} is not supported", shown(name));
                self.notes.error(spot, Complaint::new(what, *remedy));
            }
            Some(row) => {
                if let Some(words) = self.arguments(line, behind, line.text.len()) {
                    let scope = self.scope();
                    self.apply(row, &Call { words: &words, spot, scope: &scope });
                }
            }
        }
    }

    fn apply(&mut self, row: &'static Directive, call: &Call<'_>) {
        if !directive::fits(row, call, &mut self.notes) {
            return;
        }
        match row.effect {
            Effect::Apply(apply) => apply(&mut self.site, &mut self.notes, call),
            Effect::Read(reading) => self.read(reading, row.name, call),
            Effect::Ignore | Effect::Missing { .. } | Effect::Closing { .. } => {}
        }
    }

    fn read(&mut self, reading: Reading, name: &'static str, call: &Call<'_>) {
        let first = call.text(0);
        match reading {
            Reading::Define => {
                let value = call.words.get(1).map(|word| word.text.as_str());
                if let Err(complaint) = self.variables.define(first, value) {
                    self.notes.error(call.word_spot(0), complaint);
                }
            }
            Reading::UnDefine => self.variables.undefine(first),
            Reading::ServerRoot => self.root = Some(PathBuf::from(first)),
            Reading::LoadModule => {
                self.modules.extend(names_of_module(first));
                let file = Path::new(call.text(1)).file_stem().map(|stem| stem.to_string_lossy());
                self.modules.extend(file.map(|stem| format!("{stem}.c")));
                self.ignore(name, call.spot);
            }
            Reading::Include => self.include(call, true),
            Reading::IncludeOptional => self.include(call, false),
        }
    }

    fn include(&mut self, call: &Call<'_>, needed: bool) {
        let spot = call.word_spot(0);
        let files = match include::expand(self.root.as_deref(), call.text(0)) {
            Ok(files) => files,
            Err(complaint) => return self.notes.error(spot, complaint),
        };
        if files.is_empty() && needed {
            let what = format!("no file fits {}", shown(call.text(0)));
            let remedy = "check the path, or write IncludeOptional";
            return self.notes.error(spot, Complaint::new(what, remedy));
        }
        if self.depth >= limits::DEPTH {
            let what = format!("files include one another more than {} deep", limits::DEPTH);
            return self.notes.error(spot, Complaint::new(what, "does a file include itself?"));
        }
        for path in files {
            if self.sources.len() >= limits::FILES {
                return self.notes.error(spot, include::too_many_files());
            }
            if !needed && !path.exists() {
                continue;
            }
            match include::load(&path) {
                Ok(loaded) => {
                    self.depth += 1;
                    self.text(&include::shown(&path), &loaded);
                    self.depth -= 1;
                }
                Err(complaint) => self.notes.error(spot, complaint),
            }
        }
    }

    /// The words of a stretch of a line, with their variables replaced.
    fn arguments(&mut self, line: &Line<'_>, start: usize, end: usize) -> Option<Vec<Word>> {
        let found = lexer::words(line, start, end);
        if let Some(spot) = found.unclosed {
            let what =
                "this quote is never closed; everything up to the end of the line is one word, as in httpd";
            self.notes.trap(spot, Complaint::new(what, "close the quote"));
        }
        if let Some(spot) = found.comment {
            self.notes.warn(spot, end_of_line_comment());
        }
        let mut words = found.words;
        for word in &mut words {
            match self.variables.replace(&word.text) {
                Ok(text) => word.text = text,
                Err(complaint) => {
                    self.notes.error(word.spot, complaint);
                    return None;
                }
            }
        }
        Some(words)
    }

    fn ignore(&mut self, name: &'static str, spot: Spot) {
        match self.ignored.iter_mut().find(|ignored| ignored.name == name) {
            Some(ignored) => ignored.times += 1,
            None => self.ignored.push(Ignored { name, first: spot, times: 1 }),
        }
    }

    fn closing(&mut self, (name, does, remedy): (&str, &'static str, &'static str), spot: Spot) {
        if self.site.closings.len() < limits::NOTES {
            let scope = Scope::clone(&self.scope());
            self.site.closings.push(Closing { name: name.to_owned(), does, remedy, scope, spot });
        }
    }
}

/// The two names of a module: that of its table and that of its source.
fn names_of_module(name: &str) -> [String; 2] {
    [name.to_owned(), format!("mod_{}.c", name.strip_suffix("_module").unwrap_or(name))]
}

fn closing_section(name: &str) -> Option<(&'static str, &'static str, &'static str)> {
    closing::SECTIONS.iter().copied().find(|(known, ..)| known.eq_ignore_ascii_case(name))
}

fn end_of_line_comment() -> Complaint {
    Complaint::new(
        "httpd takes no comment behind a directive; it is accepted here",
        "put it on a line of its own",
    )
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
