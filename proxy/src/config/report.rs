//! What is wrong with a configuration, compiler-style: file, line, column, the line, a caret, a remedy.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::config::limits;

/// How bad a note is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The configuration cannot run.
    Error,
    /// It runs, but somebody should know.
    Warning,
}

/// Where a note points.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The file as people call it, cleaned.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The line, cleaned, cut if it is long.
    pub excerpt: String,
    /// Which bytes of the excerpt are meant.
    pub marked: Range<usize>,
}

impl Place {
    fn header(&self, column: usize) -> String {
        format!("{}:{}:{column}\n", self.file, self.line)
    }

    /// The column of the marked bytes in the excerpt, from 1.
    fn excerpt_column(&self) -> usize {
        self.excerpt.get(..self.marked.start).map_or(0, |before| before.chars().count()) + 1
    }
}

/// One error or warning. `Display` renders it without colour and without a newline at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, without a full stop.
    pub title: String,
    /// What to do about it.
    pub remedy: String,
    /// Where; none if it is about the configuration as a whole.
    pub place: Option<Place>,
}

impl Note {
    /// The note as text, with terminal colours if `colour`.
    pub fn render(&self, colour: bool) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut group = Group::with_title(level.primary_title(self.title.as_str()));
        if let Some(place) = &self.place {
            group = group.element(
                Snippet::source(place.excerpt.as_str())
                    .path(place.file.as_str())
                    .line_start(place.line)
                    .annotation(AnnotationKind::Primary.span(place.marked.clone())),
            );
        }
        if !self.remedy.is_empty() {
            group = group.element(Level::HELP.message(self.remedy.as_str()));
        }
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        // Wide enough that nothing is elided: the excerpt is already short.
        let text = renderer.term_width(4 * limits::EXCERPT).render(&[group]);
        match &self.place {
            // The renderer counts columns in the excerpt; of a line that was cut we know better.
            Some(place) => {
                text.replacen(&place.header(place.excerpt_column()), &place.header(place.column), 1)
            }
            None => text,
        }
    }

    /// One line for a log: `site.conf:3:12: title`.
    pub fn one_line(&self) -> String {
        match &self.place {
            Some(place) => format!("{}:{}:{}: {}", place.file, place.line, place.column, self.title),
            None => self.title.clone(),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

/// Why a configuration was refused. `Display` renders it without colour.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// What must be changed, in the order of the text; never empty.
    pub errors: Vec<Note>,
    /// What else somebody should know.
    pub warnings: Vec<Note>,
}

impl Report {
    /// Errors, then warnings; of each the first few, and how many more there are. Ends with a newline.
    pub fn render(&self, colour: bool) -> String {
        let mut out = String::new();
        for (notes, what) in [(&self.errors, "error"), (&self.warnings, "warning")] {
            for note in notes.iter().take(limits::SHOWN) {
                out.push_str(&note.render(colour));
                out.push_str("\n\n");
            }
            let more = notes.len().saturating_sub(limits::SHOWN);
            if more > 0 {
                let plural = if more == 1 { "" } else { "s" };
                out.extend(["and ", &more.to_string(), " more ", what, plural, "\n\n"]);
            }
        }
        out.truncate(out.trim_end_matches('\n').len());
        out.push('\n');
        out
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Report {}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(severity: Severity, number: usize) -> Note {
        let place = Place {
            file: "site.conf".to_owned(),
            line: number,
            column: 8,
            excerpt: "Listen x".to_owned(),
            marked: 7..8,
        };
        Note {
            severity,
            title: format!("title {number}"),
            remedy: "write Listen 80".to_owned(),
            place: Some(place),
        }
    }

    #[test]
    fn a_note_shows_title_place_line_caret_and_remedy() {
        let expected = "\
error: title 12
  --> site.conf:12:8
   |
12 | Listen x
   |        ^
   |
   = help: write Listen 80";
        assert_eq!(note(Severity::Error, 12).to_string(), expected);
        let coloured = note(Severity::Error, 12).render(true);
        assert!(coloured.contains("\u{1b}[") && coloured.contains("title 12"), "{coloured:?}");
    }

    #[test]
    fn the_column_is_that_of_the_line_even_if_the_excerpt_is_cut() {
        let mut note = note(Severity::Error, 12);
        let place = note.place.as_mut().unwrap();
        (place.column, place.excerpt, place.marked) = (501, "…aaHERE…".to_owned(), 5..9);
        for colour in [false, true] {
            assert!(note.render(colour).contains("site.conf:12:501\n"), "{}", note.render(colour));
        }
    }

    #[test]
    fn a_note_without_a_place_has_title_and_remedy() {
        let note = Note { place: None, ..note(Severity::Warning, 1) };
        assert_eq!(note.to_string(), "warning: title 1\n |\n = help: write Listen 80");
        assert_eq!(note.one_line(), "title 1");
    }

    #[test]
    fn a_report_shows_twenty_errors_and_counts_the_rest() {
        let errors = (1..=25).map(|number| note(Severity::Error, number)).collect();
        let report = Report { errors, warnings: vec![note(Severity::Warning, 90)] };
        let text = report.to_string();
        assert_eq!(text.matches("error: ").count(), 20);
        assert!(text.contains("\n\nand 5 more errors\n\nwarning: title 90\n"), "{text}");
        assert!(text.ends_with("write Listen 80\n"), "{text}");
    }
}
