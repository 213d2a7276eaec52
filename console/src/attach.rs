//! Ties the screen to one proxy, or to several.

use std::time::Duration;

use crate::client::{Client, Limits, Place, watch};
use crate::screen::{self, Station};
use crate::targets::Fleet;

/// How often the screen is given a snapshot when nothing happens that asks for one sooner.
const PERIOD: Duration = Duration::from_secs(1);

/// Shows the screen until the operator leaves it.
///
/// # Errors
///
/// No terminal, or none that lets itself be used.
pub fn screen(place: &Place, options: screen::Options) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (link, news) = watch(Client::of(place, Limits::default())?, PERIOD);
        screen::run(&place.to_string(), link, news, options).await
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
            let (link, news) = watch(Client::of(&target.watched(), Limits::default())?, PERIOD);
            let (title, name) = (target.typed.clone(), Some(target.name.clone()));
            stations.push(Station { title, name, link, news });
        }
        screen::run_fleet(stations, &fleet.words, options).await
    })
}
