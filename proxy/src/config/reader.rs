//! Reads line after line: variables, includes, the directives that say how to read, and everything else by the table
//! of directives. Sections are opened and closed in `section.rs`.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use evenkeel_protocol::clean::is_clean;

use crate::config::directive::{self, Call, Directive, Effect, Reading};
use crate::config::lexer::{self, Line, Word};
use crate::config::notes::{Complaint, Notes};
use crate::config::parameter::value::shown;
use crate::config::section::{Frame, Skipped};
use crate::config::site::{Closing, Scope, Site};
use crate::config::source::{Sources, Spot};
use crate::config::variable::Variables;
use crate::config::{ReadOptions, include, limits};

/// Modules of httpd whose function is built in, by both of their names.
const BUILT_IN: [&str; 23] = [
    "auth_basic_module",
    "authn_core_module",
    "authn_file_module",
    "authz_core_module",
    "authz_groupfile_module",
    "authz_host_module",
    "authz_user_module",
    "core_module",
    "headers_module",
    "heartmonitor_module",
    "http_module",
    "lbmethod_bybusyness_module",
    "lbmethod_byrequests_module",
    "lbmethod_bytraffic_module",
    "lbmethod_heartbeat_module",
    "log_config_module",
    "proxy_balancer_module",
    "proxy_hcheck_module",
    "proxy_http_module",
    "proxy_module",
    "reqtimeout_module",
    "slotmem_shm_module",
    "watchdog_module",
];

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
    pub(super) variables: Variables,
    /// Modules that the configuration loads, by both of their names.
    pub(super) modules: HashSet<String>,
    /// What relative paths start from.
    pub(super) root: Option<PathBuf>,
    pub(super) frames: Vec<Frame>,
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

    fn line(&mut self, line: &Line<'_>, base: usize) {
        let text = line.text.trim();
        if text.is_empty() || text.starts_with('#') {
            return;
        }
        if line.text.len() > limits::LINE_BYTES {
            let what = format!("this line is longer than {} KiB", limits::LINE_BYTES / 1024);
            return self.notes.error(line.whole(), Complaint::new(what, "shorten it"));
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

    fn directive(&mut self, line: &Line<'_>) {
        let start = line.text.len() - line.text.trim_start().len();
        let rest = line.text.get(start..).unwrap_or_default();
        let length = rest.find(|c: char| c.is_ascii_whitespace()).unwrap_or(rest.len());
        let (name, behind) = (rest.get(..length).unwrap_or_default(), start + length);
        let spot = line.whole();
        let row = directive::find(name);
        if let Some(Directive { name, effect: Effect::Closing { does, remedy, harmless }, .. }) = row {
            let words = lexer::words(line, behind, line.text.len()).list;
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
        if let Some(Directive { name, effect: Effect::Guard { does, remedy, harmless, .. }, .. }) = row
            && self.skipped() == Skipped::Searched
        {
            let words = lexer::words(line, behind, line.text.len()).list;
            let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
            if !harmless(&texts) {
                self.closing((name, does, remedy), spot);
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
                let found = match row.effect {
                    Effect::ApplyBraced(_) => lexer::words_in_braces(line, behind, line.text.len()),
                    _ => lexer::words(line, behind, line.text.len()),
                };
                if let Some(words) = self.replaced(found) {
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
            Effect::Apply(apply) | Effect::ApplyBraced(apply) | Effect::Guard { apply, .. } => {
                apply(&mut self.site, &mut self.notes, call);
            }
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
    pub(super) fn arguments(&mut self, line: &Line<'_>, start: usize, end: usize) -> Option<Vec<Word>> {
        self.replaced(lexer::words(line, start, end))
    }

    fn replaced(&mut self, found: lexer::Words) -> Option<Vec<Word>> {
        if let Some(spot) = found.unclosed {
            let what = "this quote or brace is never closed; everything up to the end of the line is one word, as in httpd";
            self.notes.trap(spot, Complaint::new(what, "close it"));
        }
        if let Some(spot) = found.comment {
            self.notes.warn(spot, end_of_line_comment());
        }
        let mut words = found.list;
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

    pub(super) fn ignore(&mut self, name: &'static str, spot: Spot) {
        match self.ignored.iter_mut().find(|ignored| ignored.name == name) {
            Some(ignored) => ignored.times += 1,
            None => self.ignored.push(Ignored { name, first: spot, times: 1 }),
        }
    }

    pub(super) fn closing(&mut self, (name, does, remedy): (&str, &'static str, &'static str), spot: Spot) {
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

/// A comment behind something, which httpd does not know.
pub(super) fn end_of_line_comment() -> Complaint {
    Complaint::new(
        "httpd takes no comment behind a directive; it is accepted here",
        "put it on a line of its own",
    )
}
