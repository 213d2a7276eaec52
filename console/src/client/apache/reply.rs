//! What answered a form that was posted. httpd answers with its page as it is then, and with the form of what the fields
//! name if it has read them. Whatever else comes was said by something in between, which may have passed the form on.

use evenkeel_protocol::Snapshot;

use super::http::{Ask, Document};
use super::page::{NoPage, Page};
use super::servers::Run;
use super::{Look, Manager};
use crate::client::Failure;

/// Why httpd's own answer may show that it has read nothing of what was posted.
pub(super) const UNREAD: &str = "httpd answered as if nothing had been posted: something in between drops the body of a \
                                 POST, changes its Referer, or answers by itself; see httpd's access and error logs";

/// An answer.
#[derive(Debug)]
pub(super) enum Reply {
    /// httpd's page.
    Page(Box<Shown>),
    /// Something that keeps such a form to itself, and why.
    Refused(Failure),
    /// Something from which nobody can know whether httpd has read the form, and what it was.
    Unclear(String),
}

/// What the page said that answered.
#[derive(Debug)]
pub(super) struct Shown {
    page: Page,
    pub(super) snapshot: Snapshot,
}

impl Shown {
    /// Has httpd read what was posted? A form it shows only to whoever names whose.
    pub(super) fn has_read(&self) -> bool {
        self.page.form.is_some()
    }
}

impl Reply {
    /// What to say with an edit that holds although this came.
    pub(super) fn note(&self) -> Option<String> {
        let why = match self {
            Self::Page(_) => return None,
            Self::Refused(failure) => failure.to_string(),
            Self::Unclear(why) => why.clone(),
        };
        Some(format!("The page shows it, though what answered was not httpd's word on it: {why}."))
    }
}

impl Manager {
    /// Posts a form, and looks what has come of it whatever the answer was.
    ///
    /// # Errors
    ///
    /// There was no connection, so that nothing was posted; or the page cannot be read any more.
    pub(super) async fn post(&self, form: &str, before: &Look) -> Result<(Reply, Look), Failure> {
        let reply = match self.http.ask(Ask::Post(form), &before.page.server).await {
            Ok(document) => self.reply(&document),
            Err(Failure::Unreachable(why)) => return Err(Failure::Unreachable(why)),
            Err(Failure::Protocol(why)) => Reply::Unclear(why),
            Err(failure) => Reply::Refused(failure),
        };
        match self.look().await {
            Ok(after) => Ok((reply, after)),
            Err(why) => Err(match reply {
                Reply::Refused(failure) => failure,
                Reply::Unclear(first) if first == why.to_string() => Failure::FateUnknown(first),
                Reply::Unclear(first) => Failure::FateUnknown(format!("{first}; and then: {why}")),
                Reply::Page(_) => Failure::FateUnknown(format!(
                    "httpd answered, and then its page could not be read: {why}"
                )),
            }),
        }
    }

    fn reply(&self, document: &Document) -> Reply {
        let url = self.http.url();
        if let Some(by) = &document.cached {
            return Reply::Unclear(format!(
                "a cache in front of {url} answered with an old page ({by}), and may do so for what is read after it; ask httpd \
                 without what stands in between"
            ));
        }
        match Page::read(&document.bytes) {
            Ok(page) => {
                self.with(|state| state.record.servers.hear(Run::of(&page)));
                let snapshot = self.sight(&page, None);
                Reply::Page(Box::new(Shown { page, snapshot }))
            }
            Err(no @ NoPage::Login(_)) => Reply::Refused(Failure::Permission(format!(
                "{url} shows its page and answers what changes it with {}: lend the console a session that may change \
                 something, with --cookie or --header",
                no.said()
            ))),
            Err(NoPage::Cut) => Reply::Unclear(format!("the answer of {url} ends in the middle")),
            Err(no @ NoPage::Other(_)) => Reply::Unclear(format!(
                "what answered at {url} is no balancer-manager page but {}",
                no.said()
            )),
        }
    }
}
