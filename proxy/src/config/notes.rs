//! Collects what is wrong while reading, so that one run shows several errors.

use std::borrow::Cow;

use crate::config::limits;
use crate::config::report::{Note, Severity};
use crate::config::source::{Sources, Spot};

/// What is wrong and what to do, before it has a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Complaint {
    /// What is wrong, without a full stop.
    pub(super) what: Cow<'static, str>,
    /// What to do about it.
    pub(super) remedy: Cow<'static, str>,
}

impl Complaint {
    pub(super) fn new(what: impl Into<Cow<'static, str>>, remedy: impl Into<Cow<'static, str>>) -> Self {
        Self { what: what.into(), remedy: remedy.into() }
    }
}

/// The errors and warnings so far.
pub(super) struct Notes {
    strict: bool,
    errors: Vec<(Option<Spot>, Complaint)>,
    warnings: Vec<(Option<Spot>, Complaint)>,
}

impl Notes {
    pub(super) fn new(strict: bool) -> Self {
        Self { strict, errors: Vec::new(), warnings: Vec::new() }
    }

    /// The configuration cannot run with this.
    pub(super) fn error(&mut self, spot: impl Into<Option<Spot>>, complaint: Complaint) {
        if self.errors.len() < limits::NOTES {
            self.errors.push((spot.into(), complaint));
        }
    }

    /// It runs, but somebody should know.
    pub(super) fn warn(&mut self, spot: impl Into<Option<Spot>>, complaint: Complaint) {
        if self.warnings.len() < limits::NOTES {
            self.warnings.push((spot.into(), complaint));
        }
    }

    /// httpd swallows this with an effect that nobody means: a warning, and an error if reading is strict.
    pub(super) fn trap(&mut self, spot: impl Into<Option<Spot>>, complaint: Complaint) {
        if self.strict {
            self.error(spot, complaint);
        } else {
            self.warn(spot, complaint);
        }
    }

    /// Is there an error?
    pub(super) fn failed(&self) -> bool {
        !self.errors.is_empty()
    }

    /// Are there so many errors that reading on helps nobody?
    pub(super) fn full(&self) -> bool {
        self.errors.len() >= limits::NOTES
    }

    /// Errors and warnings about words that stand in no text, as sentences.
    pub(super) fn told(self) -> (Vec<String>, Vec<String>) {
        let sentence = |(_, Complaint { what, remedy })| format!("{what}; {remedy}");
        let told = |found: Vec<(Option<Spot>, Complaint)>| found.into_iter().map(sentence).collect();
        (told(self.errors), told(self.warnings))
    }

    /// Errors and warnings with their places, in the order of the text; those about the whole come last.
    pub(super) fn finish(self, sources: &Sources) -> (Vec<Note>, Vec<Note>) {
        let place = |severity, mut found: Vec<(Option<Spot>, Complaint)>| {
            found.sort_by_key(|(spot, _)| (spot.is_none(), *spot));
            found
                .into_iter()
                .map(|(spot, complaint)| Note {
                    severity,
                    title: complaint.what.into_owned(),
                    remedy: complaint.remedy.into_owned(),
                    place: spot.map(|spot| sources.place(spot)),
                })
                .collect()
        };
        (place(Severity::Error, self.errors), place(Severity::Warning, self.warnings))
    }
}
