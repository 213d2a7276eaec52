//! Directives about the pages that errors are answered with, and about where their files are.

use crate::config::directive::server::value;
use crate::config::directive::{Call, Directive, Effect, SERVER};
use crate::config::error_document::{Alias, Draft, ErrorDocument, OWN};
use crate::config::notes::{Complaint, Notes};
use crate::config::parameter::value::{Whole, shown};
use crate::config::site::Site;

/// Sorted by name.
pub(super) static ROWS: &[Directive] = &[
    Directive {
        name: "Alias",
        contexts: SERVER,
        usage: "PATH FOLDER",
        arguments: 2..=2,
        about: "Where ErrorDocument finds files below a path; requests are not answered with files.",
        effect: Effect::Apply(|site, notes, call| {
            let path = call.text(0).to_owned();
            if !path.starts_with('/') {
                let what = "a path must start with /";
                return notes.error(call.word_spot(0), Complaint::new(what, "write for example /errors"));
            }
            let alias = Alias { path, folder: call.text(1).to_owned(), spot: call.spot };
            site.documents.aliases.push(alias);
        }),
    },
    Directive {
        name: "DocumentRoot",
        contexts: SERVER,
        usage: "FOLDER",
        arguments: 1..=1,
        about: "Where ErrorDocument finds files; requests are not answered with files.",
        effect: Effect::Apply(|site, _, call| {
            site.documents.root = Some((call.text(0).to_owned(), call.spot));
        }),
    },
    Directive {
        name: "ErrorDocument",
        contexts: SERVER,
        usage: "STATUS TEXT|URL|/PATH|default",
        arguments: 2..=2,
        about: "What is answered instead of one of the proxy's own pages: a text, a redirection, or a file below \
                DocumentRoot, which is read once, at start.",
        effect: Effect::Apply(error_document),
    },
];

fn error_document(site: &mut Site, notes: &mut Notes, call: &Call<'_>) {
    let rule = Whole { least: 100, most: 599, unit: "" };
    let status = value(notes, call, |text, remarks| rule.read(text, remarks));
    let Some(status) = status.and_then(|status| u16::try_from(status).ok()) else { return };
    let (text, spot) = (call.text(1), call.word_spot(1));
    if !OWN.contains(&status) {
        let what = format!("this proxy never answers {status} on its own; answers of members are passed on");
        notes.warn(call.word_spot(0), Complaint::new(what, "remove the line"));
    }
    if text.is_empty() {
        let what = "the text is empty";
        return notes.error(spot, Complaint::new(what, "write a text, a URL, a /path, or default"));
    }
    if text.contains("%{") {
        let what = "expressions are not supported in ErrorDocument";
        return notes.error(spot, Complaint::new(what, "write what is to be answered without %{…}"));
    }
    let draft = if text.eq_ignore_ascii_case("default") {
        site.documents.drafts.remove(&status);
        return;
    } else if text.starts_with('/') {
        Draft::Path(text.to_owned())
    } else if is_url(text) {
        if text.contains(|c: char| !c.is_ascii_graphic()) {
            let what =
                format!("httpd takes '{}' for a URL, because a colon follows its first word", shown(text));
            let remedy = "put another word before the colon, or write a URL without blanks";
            return notes.error(spot, Complaint::new(what, remedy));
        }
        if status == 401 {
            let what = "httpd does not redirect a 401, which asks for a password; this line is ignored";
            return notes.trap(call.spot, Complaint::new(what, "write a text or a /path"));
        }
        Draft::Ready(ErrorDocument::Redirect(text.to_owned()))
    } else {
        Draft::Ready(ErrorDocument::Text(text.to_owned()))
    };
    site.documents.drafts.insert(status, (draft, spot));
}

/// Does a text start with a scheme and a colon, without blanks before it, as httpd asks?
fn is_url(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, _)| {
        !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    })
}
