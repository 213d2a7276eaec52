//! Ties the screen to one proxy, or to several.

use crate::client::{Client, Limits, Place, watch};
use crate::screen::{self, Station};
use crate::targets::{self, Fleet};

/// Shows the screen until the operator leaves it.
///
/// # Errors
///
/// No terminal, or none that lets itself be used.
pub fn screen(place: &Place, options: screen::Options) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (link, news) = watch(Client::of(place, Limits::default())?, options.pace.period());
        let (title, is_page) = (place.to_string(), matches!(place, Place::Apache(_)));
        let words = if is_page { targets::words(place) } else { String::new() };
        let looks_only = place.looks_only();
        let station = Station { title, name: None, words, is_page, looks_only, link, news };
        screen::run(vec![station], "", options).await
    })
}

/// As [`screen()`], with several targets. Those that do not answer (yet) are waited for, each by itself.
///
/// # Errors
///
/// No terminal, or none that lets itself be used.
pub fn fleet(fleet: &Fleet, options: screen::Options) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut stations = Vec::new();
        for target in &fleet.targets {
            let client = Client::of(&target.watched(), Limits::default())?;
            let (link, news) = watch(client, options.pace.period());
            let (title, name) = (target.typed.clone(), Some(target.name.clone()));
            let (is_page, looks_only) = (matches!(target.place, Place::Apache(_)), target.place.looks_only());
            stations.push(Station { title, name, words: target.words(), is_page, looks_only, link, news });
        }
        screen::run(stations, &fleet.words, options).await
    })
}
