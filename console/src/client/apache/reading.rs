//! Reading the page, as often as it takes to know whose it is.

use evenkeel_protocol::refusal::Code;
use evenkeel_protocol::{Refusal, Snapshot};

use super::http::Ask;
use super::page::{NoPage, Page};
use super::servers::Run;
use super::sight::Sight;
use super::xml::{Document, read};
use super::{Look, Manager, State, closed};
use crate::client::Failure;

/// More answers that are asked for, each over a connection of its own, where one alone could always come from the same of
/// several servers.
const PROBES: u32 = 4;
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
            let run = Run { nonces: exact.nonces.clone(), ..Run::default() };
            self.with(|state| state.record.servers.hear(run));
        } else if self.with(|state| state.looks.is_multiple_of(SURE)) {
            for _ in 0..PROBES {
                page = self.page(None).await?;
            }
        }
        self.with(|state| state.looks += 1);
        let servers = |state: &mut State| {
            (state.record.servers.is_in_doubt(), state.record.servers.several().is_some())
        };
        let (in_doubt, several) = self.with(servers);
        // Whether the others are gone is known sooner the more often it is asked.
        for _ in 0..if several { PROBES } else { 0 } {
            page = self.page(None).await?;
        }
        let page = self.settled(page, None).await?;
        // Numbers of another run, or of another server, are none of this page's.
        Ok(self.take(page, exact.filter(|_| !in_doubt && !several)))
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
        self.not_cached(&look.page)?;
        Ok(look)
    }

    /// Is it httpd that answered, and no cache in front of it?
    pub(super) fn not_cached(&self, page: &Page) -> Result<(), Failure> {
        let Some(by) = &page.cached else { return Ok(()) };
        let why = format!(
            "a cache in front of {} answered with an old page ({by}): name httpd itself with --apache, or have the cache \
             leave this page alone",
            self.http.url()
        );
        Err(Failure::Refused(Refusal::new(Code::ReadOnly, why)))
    }

    /// The same of a page that was read after something was posted; `what` that was, in words.
    pub(super) fn not_old(&self, what: impl Fn() -> String, page: &Page) -> Result<(), Failure> {
        self.not_cached(page).map_err(|why| {
            Failure::FateUnknown(format!("{}: posted, and unknown whether it took: {why}", what()))
        })
    }

    /// Can what was seen last be believed for going on by it?
    pub(super) fn believed(&self) -> Result<(), Failure> {
        self.one_server()?;
        let cached = self.with(|state| state.record.last().filter(|last| last.cached).cloned());
        cached.map_or(Ok(()), |last| Err(Failure::Old(last.warnings.into_iter().next().unwrap_or_default())))
    }

    /// Is it one server that answers, as far as is known?
    pub(super) fn one_server(&self) -> Result<(), Failure> {
        let several = self.with(|state| state.record.servers.several());
        several.map_or(Ok(()), |why| Err(Failure::Refused(Refusal::new(Code::ReadOnly, why))))
    }

    /// The same after something was posted.
    pub(super) fn one_server_still(&self) -> Result<(), Failure> {
        let several = self.with(|state| state.record.servers.several());
        several.map_or(Ok(()), |why| Err(Failure::FateUnknown(why.to_owned())))
    }

    /// Asks more answers, each over a connection of its own, whether all of them show of an edit what the first one did.
    ///
    /// # Errors
    ///
    /// They do not: several servers answer, and one of them was changed. `what` is the edit, in words.
    pub(super) async fn agree(
        &self,
        what: impl Fn() -> String,
        (first, shows): (bool, impl Fn(&Snapshot) -> bool),
    ) -> Result<(), Failure> {
        let Ok(_reading) = self.reading.acquire().await else { return Err(closed()) };
        let turns = |state: &mut State| state.record.servers.turns();
        let before = self.with(turns);
        let mut showing = u32::from(first);
        for _ in 0..PROBES {
            let page = self.page(None).await.map_err(|why| unproven(&why))?;
            self.not_old(&what, &page)?;
            showing += u32::from(shows(&self.sight(&page, None)));
            self.settled(page, None).await.map_err(|why| unproven(&why))?;
        }
        let asked = PROBES + 1;
        if showing < asked {
            // What was seen last does not tell what is.
            self.with(|state| state.read = None);
        }
        if self.with(turns) != before {
            let why = format!("{}: httpd was restarted just after it", what());
            return Err(Failure::FateUnknown(why));
        }
        if showing == 0 || showing == asked {
            return self.one_server_still();
        }
        self.with(|state| state.record.servers.part());
        let why = format!(
            "{}: {showing} of {asked} answers after it show it and the others do not: several servers answer behind this \
             name, and one of them was changed (or somebody changes the same at this moment); name each of them with \
             --apache",
            what()
        );
        Err(Failure::Refused(Refusal::new(Code::Internal, why)))
    }

    /// One answer.
    async fn page(&self, query: Option<&str>) -> Result<Page, Failure> {
        let document = self.http.ask(Ask::Get(query), &self.referer()).await?;
        let page = Page::read(&document.bytes).map_err(|no| self.no_page(&no))?;
        self.with(|state| {
            state.server = Some(page.server.clone());
            // An old page would look like another server that answers in between.
            if document.cached.is_none() {
                state.record.servers.hear(Run::of(&page));
            }
        });
        Ok(Page { cached: document.cached, ..page })
    }

    /// The page, read again for as long as another run answers than before and has not shown that it stays. That ends:
    /// it stays, one from before comes back, one follows the other, or a cache answers, which settles nothing.
    async fn settled(&self, mut page: Page, query: Option<&str>) -> Result<Page, Failure> {
        while page.cached.is_none() && self.with(|state| state.record.servers.is_in_doubt()) {
            page = self.page(query).await?;
        }
        Ok(page)
    }

    fn take(&self, page: Page, exact: Option<Document>) -> Look {
        let now = self.clock.now();
        let seen = self.sight(&page, exact.as_ref());
        let snapshot = self.with(|state| {
            state.read = Some(now);
            let before = state.record.number();
            let snapshot = state.record.take(page.persists, seen);
            (before != state.record.number()).then(|| self.news.notify_waiters());
            snapshot
        });
        Look { page, exact, snapshot }
    }

    /// What a page says, without what follows from those before.
    pub(super) fn sight(&self, page: &Page, exact: Option<&Document>) -> Snapshot {
        let (url, taken) = (self.http.url().as_str(), self.clock.now().wall);
        let exact = exact.map(|exact| exact.members.as_slice());
        Sight { page, exact, url, taken }.snapshot()
    }

    /// The name that httpd wants to see in a Referer: what it calls itself, and until that is known what we call it.
    fn referer(&self) -> String {
        self.with(|state| state.server.clone()).unwrap_or_else(|| self.http.host().to_owned())
    }

    fn no_page(&self, no: &NoPage) -> Failure {
        let url = self.http.url();
        Failure::Protocol(match no {
            NoPage::Login(_) => format!(
                "{url} is {} and no balancer-manager: lend the console a session with \
                 --cookie or --header, or name yourself with --user",
                no.said()
            ),
            NoPage::Cut => format!(
                "the page at {url} ends in the middle, so nothing of it is believed: something in between cut it off; \
                 look again, or ask httpd without what stands in between"
            ),
            NoPage::Other(_) => format!(
                "{url} is no balancer-manager page but {}: is it the path of SetHandler balancer-manager?",
                no.said()
            ),
        })
    }
}

/// A failure to look again at what was posted, whatever it is.
fn unproven(why: &Failure) -> Failure {
    Failure::FateUnknown(format!("something was posted, and the page cannot be read since: {why}"))
}
