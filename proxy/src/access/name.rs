//! The names of addresses, for `Require host`: one counts only if it leads back to the address, as in httpd. Names are
//! asked for off the worker threads, few at a time, and remembered for a while; who gets no name in time has none.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use evenkeel_protocol::Moment;
use tokio::sync::Semaphore;

use crate::clock;
use crate::limits;

/// What was asked lately.
#[derive(Debug)]
pub(super) struct Names {
    known: Mutex<HashMap<IpAddr, (Option<String>, Moment)>>,
    at_once: Arc<Semaphore>,
}

impl Default for Names {
    fn default() -> Self {
        Self { known: Mutex::default(), at_once: Arc::new(Semaphore::new(limits::NAMES_ASKED_AT_ONCE)) }
    }
}

impl Names {
    fn known(&self) -> MutexGuard<'_, HashMap<IpAddr, (Option<String>, Moment)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The name of an address; none if it has none.
    pub(super) async fn of(&self, address: IpAddr) -> Option<String> {
        let remembered = self.known().get(&address).cloned();
        if let Some((name, asked)) = remembered
            && clock::now().since(asked) < limits::NAME_REMEMBERED
        {
            return name;
        }
        let asking = async {
            let turn = Arc::clone(&self.at_once).acquire_owned().await.ok()?;
            // The turn goes along: who gives up waiting does not end what the system does.
            let work = move || (look_up(address), turn);
            tokio::task::spawn_blocking(work).await.ok().map(|(name, _)| name)
        };
        let name = tokio::time::timeout(limits::NAME_WITHIN, asking).await.ok().flatten()?;
        let mut known = self.known();
        if known.len() >= limits::NAMES_KNOWN {
            known.clear();
        }
        known.insert(address, (name.clone(), clock::now()));
        name
    }
}

fn look_up(address: IpAddr) -> Option<String> {
    let name = dns_lookup::lookup_addr(&address).ok()?;
    // An address without a name is told as one.
    if name.parse::<IpAddr>().is_ok() {
        return None;
    }
    let mut back = dns_lookup::lookup_host(&name).ok()?;
    back.any(|found| found.to_canonical() == address).then_some(name)
}
