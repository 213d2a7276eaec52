//! Reading the page, as often as it takes to know whose it is.

use evenkeel_protocol::Refusal;
use evenkeel_protocol::refusal::Code;

use super::http::Ask;
use super::page::{NoPage, Page};
use super::servers::{Run, SEVERAL};
use super::sight::Sight;
use super::xml::{Document, read};
use super::{Look, Manager, closed};
use crate::client::Failure;

/// More answers that are asked for where one alone could always come from the same of several servers.
const PROBES: u32 = 2;
/// Of so many looks at a page whose XML does not tell who answers one is made sure, the first one too.
const SURE: u64 = 30;

impl Manager {
    /// Reads the page with its exact numbers, and takes it in.
    pub(super) async fn look(&self) -> Result<Look, Failure> {
        let Ok(_reading) = self.reading.acquire().await else { return Err(closed()) };
        let mut page = self.page(None).await?;
        let exact = match self.http.ask(Ask::Get(Some("xml=1")), &page.server).await {
            Ok(document) if document.kind.contains("xml") => read(&document.bytes),
            _ => None,
        };
        let tells = exact.as_ref().is_some_and(|exact| !exact.nonces.is_empty());
        if let Some(exact) = exact.as_ref().filter(|_| tells) {
            let run = Run { nonces: exact.nonces.clone(), facts: None };
            self.with(|state| state.record.servers.hear(run));
        } else if self.with(|state| state.looks.is_multiple_of(SURE)) {
            for _ in 0..PROBES {
                page = self.page(None).await?;
            }
        }
        self.with(|state| state.looks += 1);
        let was = self.with(|state| state.record.servers.is_in_doubt() || state.record.servers.is_several());
        let page = self.settled(page, None).await?;
        // Numbers of another run, or of another server, are none of this page's.
        Ok(self.take(page, exact.filter(|_| !was)))
    }

    /// Reads the page with a form on it and nothing in between, so that what is posted next goes by what was read last.
    ///
    /// # Errors
    ///
    /// Several servers answer in turn, so that nobody could say which of them would be changed.
    pub(super) async fn look_at_form(&self, query: &str, before: Look) -> Result<Look, Failure> {
        let Ok(_reading) = self.reading.acquire().await else { return Err(closed()) };
        let mut page = self.page(Some(query)).await?;
        for _ in 0..PROBES {
            page = self.page(Some(query)).await?;
        }
        let page = self.settled(page, Some(query)).await?;
        let look = self.take(page, before.exact);
        self.one_server()?;
        Ok(look)
    }

    /// Is it one server that answers, as far as is known?
    pub(super) fn one_server(&self) -> Result<(), Failure> {
        if self.with(|state| state.record.servers.is_several()) {
            return Err(Failure::Refused(Refusal::new(Code::ReadOnly, SEVERAL)));
        }
        Ok(())
    }

    /// One answer.
    async fn page(&self, query: Option<&str>) -> Result<Page, Failure> {
        let document = self.http.ask(Ask::Get(query), &self.referer()).await?;
        let page = Page::read(&document.bytes).map_err(|no| self.no_page(&no))?;
        self.with(|state| {
            state.server = Some(page.server.clone());
            state.record.servers.hear(Run::of(&page));
        });
        Ok(page)
    }

    /// The page, read again for as long as another run answers than before and has not shown that it stays. That ends:
    /// it stays, one from before comes back, or one follows the other.
    async fn settled(&self, mut page: Page, query: Option<&str>) -> Result<Page, Failure> {
        while self.with(|state| state.record.servers.is_in_doubt()) {
            page = self.page(query).await?;
        }
        Ok(page)
    }

    fn take(&self, page: Page, exact: Option<Document>) -> Look {
        let now = self.clock.now();
        let url = self.http.url().as_str();
        let members = exact.as_ref().map(|exact| exact.members.as_slice());
        let seen = Sight { page: &page, exact: members, url, taken: now.wall }.snapshot();
        let snapshot = self.with(|state| {
            state.read = Some(now);
            let before = state.record.number();
            let snapshot = state.record.take(page.persists, seen);
            (before != state.record.number()).then(|| self.news.notify_waiters());
            snapshot
        });
        Look { page, exact, snapshot }
    }

    /// The name that httpd wants to see in a Referer: what it calls itself, and until that is known what we call it.
    fn referer(&self) -> String {
        self.with(|state| state.server.clone()).unwrap_or_else(|| self.http.host().to_owned())
    }

    fn no_page(&self, no: &NoPage) -> Failure {
        let url = self.http.url();
        Failure::Protocol(match no {
            NoPage::Login(title) => format!(
                "{url} is a page to log in ('{title}') and no balancer-manager: lend the console a session with \
                 --cookie or --header, or name yourself with --user"
            ),
            NoPage::Cut => format!(
                "the page at {url} ends in the middle, so nothing of it is believed: something in between cut it off; \
                 look again, or ask httpd without what stands in between"
            ),
            NoPage::Other(title) if title.is_empty() => {
                format!("{url} is no balancer-manager page: is it the path of SetHandler balancer-manager?")
            }
            NoPage::Other(title) => format!(
                "{url} is no balancer-manager page but '{title}': is it the path of SetHandler balancer-manager?"
            ),
        })
    }
}
