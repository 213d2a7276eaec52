//! A manager page as its text says it: balancers, members and forms, found by headings and names and not by versions.

use evenkeel_protocol::clean::clean;
use evenkeel_protocol::{BalancerName, InvalidName, MemberName};
use percent_encoding::percent_decode_str;

use super::form::Form;
use super::html::{Cell, Piece, pieces};

/// The longest text that is kept of a page, in characters.
const LONGEST: usize = 400;

/// What a manager page says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Page {
    /// What httpd calls itself: the name that it wants to see in a Referer.
    pub(super) server: String,
    /// `Apache/2.4.71 (Debian)`.
    pub(super) version: String,
    /// Do changes survive a restart, if it says so?
    pub(super) persists: Option<bool>,
    pub(super) balancers: Vec<Balancer>,
    /// What stood there and has no name that can be used, each with the reason.
    pub(super) passed_over: Vec<String>,
    /// The header by which it was a cache that answered; none: it was httpd, as far as is known.
    pub(super) cached: Option<String>,
    /// The form, if one was asked for.
    pub(super) form: Option<Form>,
}

/// One balancer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Balancer {
    pub(super) name: BalancerName,
    /// As its links name it.
    pub(super) b: String,
    /// What its forms must carry; empty: nothing can be changed. None: there is no link.
    pub(super) nonce: Option<String>,
    /// The cells of its own row, by their headings.
    pub(super) cells: Cells,
    pub(super) members: Vec<Member>,
}

/// One member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) name: MemberName,
    /// As its link names it.
    pub(super) w: String,
    pub(super) cells: Cells,
}

/// The cells of a row, by the headings of their columns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Cells(Vec<(String, String)>);

impl Cells {
    fn of(headings: &[String], row: &[Cell]) -> Self {
        let cells = headings.iter().zip(row);
        Self(cells.map(|(heading, cell)| (heading.clone(), clean(&cell.text, LONGEST))).collect())
    }

    /// What stands in a column, if there is such a one.
    pub(super) fn get(&self, heading: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == heading).map(|(_, text)| text.as_str())
    }

    /// The number in a column, if there is one.
    pub(super) fn number<T: std::str::FromStr>(&self, heading: &str) -> Option<T> {
        self.get(heading)?.parse().ok()
    }
}

/// Why a document is no manager page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoPage {
    /// It asks for a password.
    Login(String),
    /// It is one, and has no end.
    Cut,
    /// It is something else, of that title.
    Other(String),
}

impl NoPage {
    /// What it is, in words.
    pub(super) fn said(&self) -> String {
        match self {
            Self::Login(title) if title.is_empty() => "a page to log in".to_owned(),
            Self::Login(title) => format!("a page to log in ('{title}')"),
            Self::Cut => "a page that ends in the middle".to_owned(),
            Self::Other(title) if title.is_empty() => "something without a heading".to_owned(),
            Self::Other(title) => format!("'{title}'"),
        }
    }
}

/// What is said of a name that cannot be used.
fn unusable(kind: &str, text: &str, why: &InvalidName) -> String {
    match clean(text, 80) {
        name if name.is_empty() => format!("a {kind} without a name"),
        name => format!("the {kind} '{name}' {why}"),
    }
}

impl Page {
    /// The balancer of that name.
    pub(super) fn balancer(&self, name: &BalancerName) -> Option<&Balancer> {
        self.balancers.iter().find(|balancer| balancer.name == *name)
    }

    /// Reads a document.
    ///
    /// # Errors
    ///
    /// It is no manager page.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, NoPage> {
        let pieces = pieces(bytes);
        let server = pieces.iter().find_map(|piece| match piece {
            Piece::Heading(heading) => heading.text.strip_prefix("Load Balancer Manager for "),
            _ => None,
        });
        let Some(server) = server else { return Err(foreign(&pieces)) };
        // Every version ends its page so, and of a page that was cut off members would seem to be gone.
        if !pieces.contains(&Piece::End) {
            return Err(NoPage::Cut);
        }
        let mut page = Self { server: clean(server, LONGEST), ..Self::default() };
        // Of every table that is open, the innermost last: a form is laid out in tables too, and they have none.
        let mut headings: Vec<Vec<String>> = Vec::new();
        for piece in &pieces {
            match piece {
                Piece::Heading(heading) => page.heading(heading),
                Piece::Note(note) => page.note(note),
                Piece::Table => headings.push(Vec::new()),
                Piece::TableEnd => _ = headings.pop(),
                Piece::Row(row) => match headings.last_mut() {
                    Some(headings) if row.iter().all(|cell| cell.heads) => {
                        *headings = row.iter().map(|cell| cell.text.clone()).collect();
                    }
                    Some(headings) => page.row(headings, row),
                    None => {}
                },
                Piece::End => {}
                Piece::Form(posted) => page.form = Some(Form::new(*posted)),
                Piece::Field(field) => {
                    if let Some(form) = &mut page.form {
                        form.add(&field.name, &field.value);
                    }
                }
            }
        }
        Ok(page)
    }

    fn note(&mut self, note: &str) {
        if let Some(version) = note.strip_prefix("Server Version: ") {
            self.version = clean(version, LONGEST);
        } else if note.starts_with("Balancer changes will ") {
            self.persists = Some(!note.contains("NOT be persisted"));
        }
    }

    fn heading(&mut self, heading: &Cell) {
        let Some(rest) = heading.text.strip_prefix("LoadBalancer Status for ") else { return };
        let text = rest.split(" [").next().unwrap_or_default();
        let link = heading.link.as_deref().map(Link::of).unwrap_or_default();
        match BalancerName::as_shown(text) {
            Ok(name) => {
                let b = link.b.unwrap_or_else(|| text.trim_start_matches("balancer://").to_owned());
                let (cells, members) = (Cells::default(), Vec::new());
                self.balancers.push(Balancer { name, b, nonce: link.nonce, cells, members });
            }
            Err(why) => {
                self.passed_over.push(unusable("balancer", text.trim_start_matches("balancer://"), &why));
            }
        }
    }

    fn row(&mut self, headings: &[String], row: &[Cell]) {
        let Some(balancer) = self.balancers.last_mut() else { return };
        let column = |heading: &str| headings.iter().position(|known| known == heading);
        if let Some(cell) = column("Worker URL").and_then(|at| row.get(at)) {
            let link = cell.link.as_deref().map(Link::of).unwrap_or_default();
            // Of a balancer whose own name could not be used the rows would seem to be those of the one before.
            if link.b.as_ref().is_some_and(|b| *b != balancer.b) {
                return;
            }
            if balancer.nonce.is_none() {
                balancer.nonce = link.nonce;
            }
            let (cells, w) = (Cells::of(headings, row), link.w.unwrap_or_else(|| cell.text.clone()));
            match MemberName::as_shown(&cell.text) {
                Ok(name) => balancer.members.push(Member { name, w, cells }),
                Err(why) => self.passed_over.push(unusable("member", &cell.text, &why)),
            }
        } else if column("StickySession").is_some() && balancer.cells == Cells::default() {
            balancer.cells = Cells::of(headings, row);
        }
    }
}

/// What a document is that is no manager page.
fn foreign(pieces: &[Piece]) -> NoPage {
    let title = pieces.iter().find_map(|piece| match piece {
        Piece::Heading(heading) if !heading.text.is_empty() => Some(clean(&heading.text, 80)),
        _ => None,
    });
    let title = title.unwrap_or_default();
    let asks = |piece: &Piece| matches!(piece, Piece::Field(field) if field.kind == "password");
    if pieces.iter().any(asks) { NoPage::Login(title) } else { NoPage::Other(title) }
}

/// What the links of a page carry.
#[derive(Debug, Default)]
struct Link {
    b: Option<String>,
    w: Option<String>,
    nonce: Option<String>,
}

impl Link {
    fn of(href: &str) -> Self {
        let (_, query) = href.split_once('?').unwrap_or_default();
        // httpd leaves an `&` of a name as it is, so that only the order of its three parameters tells where one ends.
        let (rest, nonce) = match query.rsplit_once("&nonce=") {
            Some((rest, nonce)) => (rest, Some(nonce)),
            None => (query, None),
        };
        let Some(rest) = rest.strip_prefix("b=") else { return Self::default() };
        let (b, w) = match rest.split_once("&w=") {
            Some((b, w)) => (b, Some(w)),
            None => (rest, None),
        };
        let text = |value: &str| percent_decode_str(value).decode_utf8_lossy().into_owned();
        Self { b: Some(text(b)), w: w.map(text), nonce: nonce.map(text) }
    }
}

#[cfg(test)]
mod tests;
