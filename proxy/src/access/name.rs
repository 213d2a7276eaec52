//! The names of addresses, for `Require host`: one counts only if it leads back to the address, as in httpd; and the
//! addresses of names, for `Require forward-dns`. Both are asked for off the worker threads, few at a time, and
//! remembered for a while; who gets no answer in time has none.

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
    /// Of names that the configuration has, so they are few.
    forward: Mutex<HashMap<String, (Vec<IpAddr>, Moment)>>,
    at_once: Arc<Semaphore>,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            known: Mutex::default(),
            forward: Mutex::default(),
            at_once: Arc::new(Semaphore::new(limits::NAMES_ASKED_AT_ONCE)),
        }
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
        let name = self.ask(move || look_up(address)).await?;
        let mut known = self.known();
        if known.len() >= limits::NAMES_KNOWN {
            known.clear();
        }
        known.insert(address, (name.clone(), clock::now()));
        name
    }

    /// Those of these names that lead to an address.
    pub(super) async fn leading_to(&self, address: IpAddr, names: &[&str]) -> Vec<String> {
        let mut leading = Vec::new();
        for name in names {
            if self.addresses(name).await.contains(&address) {
                leading.push((*name).to_owned());
            }
        }
        leading
    }

    async fn addresses(&self, name: &str) -> Vec<IpAddr> {
        let forward = || self.forward.lock().unwrap_or_else(PoisonError::into_inner);
        let remembered = forward().get(name).cloned();
        if let Some((addresses, asked)) = remembered
            && clock::now().since(asked) < limits::NAME_REMEMBERED
        {
            return addresses;
        }
        let wanted = name.to_owned();
        let found = self.ask(move || {
            let found = dns_lookup::lookup_host(&wanted).ok()?;
            Some(found.map(|address| address.to_canonical()).collect::<Vec<_>>())
        });
        let Some(found) = found.await else { return Vec::new() };
        let addresses = found.unwrap_or_default();
        let mut forward = forward();
        if forward.len() >= limits::NAMES_KNOWN {
            forward.clear();
        }
        forward.insert(name.to_owned(), (addresses.clone(), clock::now()));
        addresses
    }

    /// Asks the system when it is one's turn; none: it took too long.
    async fn ask<T: Send + 'static>(&self, look_up: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let asking = async {
            let turn = Arc::clone(&self.at_once).acquire_owned().await.ok()?;
            // The turn goes along: who gives up waiting does not end what the system does.
            let work = move || (look_up(), turn);
            tokio::task::spawn_blocking(work).await.ok().map(|(found, _)| found)
        };
        tokio::time::timeout(limits::NAME_WITHIN, asking).await.ok().flatten()
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
