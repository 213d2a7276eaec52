//! `SetHandler`: which paths the proxy answers by itself, and with what.

use crate::config::notes::{Complaint, Notes};
use crate::config::source::Spot;
use crate::mapping::{Mappings, covers};

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Handler {
    /// Nobody of the proxy's own.
    #[default]
    None,
    /// The handler that takes heartbeats.
    Heartbeat,
    /// The page that shows and changes balancers.
    Manager,
}

/// Every `<Location PATH>` with a `SetHandler`, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Handlers(Vec<(String, Handler)>);

impl Handlers {
    /// Who answers a request for `path`; the last section that fits counts. Paths are compared as mappings do.
    pub fn find(&self, path: &str) -> Handler {
        let found = self.0.iter().rev().find(|(prefix, _)| covers(prefix, path));
        found.map_or(Handler::None, |(_, handler)| *handler)
    }
}

/// What was written, while reading.
#[derive(Default)]
pub(super) struct Written(Vec<(String, Handler, Spot)>);

impl Written {
    /// A section with a handler; it takes the place of one from an earlier section.
    pub(super) fn push(&mut self, path: &str, handler: Handler, spot: Spot) {
        self.0.push((path.to_owned(), handler, spot));
    }

    /// What shall run.
    pub(super) fn handlers(&self) -> Handlers {
        Handlers(self.0.iter().map(|(path, handler, _)| (path.clone(), *handler)).collect())
    }

    /// The first section of that handler that nothing later takes the place of.
    pub(super) fn first(&self, handler: Handler) -> Option<(&str, Spot)> {
        self.all(handler).next()
    }

    /// All of them.
    pub(super) fn all(&self, handler: Handler) -> impl Iterator<Item = (&str, Spot)> {
        let handlers = self.handlers();
        let kept = move |known: Handler, path: &str| known == handler && handlers.find(path) == handler;
        self.0
            .iter()
            .filter(move |(path, known, _)| kept(*known, path))
            .map(|(path, _, spot)| (path.as_str(), *spot))
    }

    /// A page that a `ProxyPass` covers is never seen, as in httpd.
    pub(super) fn tell_covered(&self, mappings: &Mappings, notes: &mut Notes) {
        for (path, handler, spot) in &self.0 {
            if let Some(found) = mappings.find(path).filter(|_| *handler == Handler::Manager) {
                let what = format!(
                    "the page is never seen, as in httpd: ProxyPass {} covers it",
                    mappings.path(found.mapping)
                );
                notes.warn(*spot, Complaint::new(what, format!("write ProxyPass {path} ! above it")));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_location_that_fits_decides() {
        use Handler::{Heartbeat, Manager, None};
        let sections = [("/hb", Heartbeat), ("/hb/no", None), ("/other", None), ("/other", Manager)];
        let handlers = Handlers(sections.map(|(path, handler)| (path.to_owned(), handler)).into());
        for (path, handler) in [
            ("/hb", Heartbeat),
            ("/hb/x", Heartbeat),
            ("/%68b", Heartbeat),
            ("/hbx", None),
            ("/hb/no/x", None),
            ("/other", Manager),
            ("/", None),
        ] {
            assert_eq!(handlers.find(path), handler, "{path}");
        }
    }
}
