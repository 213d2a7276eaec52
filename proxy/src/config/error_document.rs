//! `ErrorDocument`: what is answered in the place of the proxy's own pages. Files are read once, when the proxy starts.
//!
//! Not here: answering; and pages of members, which are passed on as they are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

pub use crate::answer::ErrorDocument;
use crate::config::notes::{Complaint, Notes};
use crate::config::parameter::value::shown;
use crate::config::source::Spot;
use crate::config::{include, limits};
use crate::mapping::Mappings;

/// The statuses that this proxy answers on its own.
pub(super) const OWN: &[u16] = &[400, 403, 404, 405, 408, 413, 414, 417, 431, 500, 501, 502, 503, 504];

/// What kinds of files are sent, by the end of their names. Of others httpd might run what we would show.
const KINDS: &[(&str, &str)] = &[
    ("htm", "text/html"),
    ("html", "text/html"),
    ("json", "application/json"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain"),
    ("xhtml", "application/xhtml+xml"),
    ("xml", "application/xml"),
];

/// What was written, while reading.
pub(super) enum Draft {
    Ready(ErrorDocument),
    /// A path of this server, as URLs have it.
    Path(String),
}

/// Everything that was written about pages for errors.
#[derive(Default)]
pub(super) struct Documents {
    pub(super) drafts: BTreeMap<u16, (Draft, Spot)>,
    pub(super) root: Option<(String, Spot)>,
    pub(super) aliases: Vec<Alias>,
}

/// `Alias PATH FOLDER`.
pub(super) struct Alias {
    pub(super) path: String,
    pub(super) folder: String,
    pub(super) spot: Spot,
}

impl Documents {
    /// Where `DocumentRoot` stands, if no page is looked for there.
    pub(super) fn unused_root(&self) -> Option<Spot> {
        let (_, spot) = self.root.as_ref()?;
        let used = self.paths().any(|path| self.alias(path).is_none());
        (!used).then_some(*spot)
    }

    /// Reads the files; those that cannot be sent are told, and the proxy's own page stays.
    pub(super) fn resolve(
        self,
        root: Option<&Path>,
        mappings: &Mappings,
        notes: &mut Notes,
    ) -> BTreeMap<u16, ErrorDocument> {
        self.check_aliases(notes);
        let mut found = BTreeMap::new();
        for (status, (draft, spot)) in &self.drafts {
            let document = match draft {
                Draft::Ready(document) => Ok(document.clone()),
                Draft::Path(path) => {
                    tell_mapped(path, mappings, *spot, notes);
                    self.read(path, root)
                }
            };
            match document {
                Ok(document) => drop(found.insert(*status, document)),
                Err(complaint) => notes.trap(*spot, complaint),
            }
        }
        found
    }

    fn paths(&self) -> impl Iterator<Item = &str> {
        self.drafts.values().filter_map(|(draft, _)| match draft {
            Draft::Path(path) => Some(path.as_str()),
            Draft::Ready(_) => None,
        })
    }

    /// The alias that a path is below, and the rest of the path; the first one counts, as in httpd.
    fn alias<'a>(&self, path: &'a str) -> Option<(&Alias, &'a str)> {
        self.aliases.iter().find_map(|alias| {
            let rest = path.strip_prefix(alias.path.as_str())?;
            let whole = alias.path.ends_with('/') || rest.is_empty() || rest.starts_with('/');
            whole.then_some((alias, rest))
        })
    }

    /// An alias serves pages for errors here and nothing else; one that does not is refused.
    fn check_aliases(&self, notes: &mut Notes) {
        for alias in &self.aliases {
            let used =
                self.paths().filter_map(|path| self.alias(path)).any(|(used, _)| used.spot == alias.spot);
            if used {
                let what = format!(
                    "{} is used for ErrorDocument only: this proxy answers no requests with files",
                    shown(&alias.path)
                );
                notes.warn(alias.spot, Complaint::new(what, "write pages that need no other files"));
            } else {
                let remedy = "this proxy serves no files: send the path to a member with ProxyPass, or remove \
                              the line";
                notes.error(alias.spot, Complaint::new("Alias is not supported", remedy));
            }
        }
    }

    /// The file that a path of this server means.
    fn read(&self, path: &str, root: Option<&Path>) -> Result<ErrorDocument, Complaint> {
        let file = self.locate(path, root)?;
        let name = file.extension().map(|end| end.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        let Some((_, content_type)) = KINDS.iter().find(|(end, _)| *end == name) else {
            let what = format!(
                "{} is no kind of file that is sent as it is; the proxy's own page is used",
                include::shown(&file)
            );
            return Err(Complaint::new(what, "write a .html or .txt file, or a text in quotes"));
        };
        let bytes = include::load_bytes(&file, limits::DOCUMENT_BYTES).map_err(|why| Complaint {
            what: format!("{}; the proxy's own page is used", why.what).into(),
            remedy: "create the file, or write a text in quotes or a URL".into(),
        })?;
        Ok(ErrorDocument::File { bytes: bytes.into(), content_type })
    }

    fn locate(&self, path: &str, root: Option<&Path>) -> Result<PathBuf, Complaint> {
        let bare = path.split(['?', '#']).next().unwrap_or_default();
        let decoded = percent_decode_str(bare).decode_utf8().unwrap_or_default();
        if decoded.contains('\0') || decoded.split('/').any(|part| part == "..") {
            let what = format!("'{}' is no path of a file; the proxy's own page is used", shown(path));
            return Err(Complaint::new(what, "write a plain path, such as /errors/503.html"));
        }
        if let Some((alias, rest)) = self.alias(&decoded) {
            return include::below_root(root, &format!("{}{rest}", alias.folder));
        }
        let Some((folder, _)) = &self.root else {
            let what = format!(
                "there is no DocumentRoot that {} could be below; the proxy's own page is used",
                shown(path)
            );
            return Err(Complaint::new(what, "write DocumentRoot FOLDER, or a text in quotes"));
        };
        include::below_root(root, &format!("{folder}/{}", decoded.trim_start_matches('/')))
    }
}

/// httpd asks whomever the path is mapped to, a member perhaps; here it is always a file.
fn tell_mapped(path: &str, mappings: &Mappings, spot: Spot, notes: &mut Notes) {
    let bare = path.split(['?', '#']).next().unwrap_or_default();
    if mappings.find(bare).is_some() {
        let what =
            format!("httpd would ask a member for {}, as ProxyPass says; here it is a file", shown(path));
        notes.warn(spot, Complaint::new(what, format!("write ProxyPass {} ! above", shown(bare))));
    }
}
