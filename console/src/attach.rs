//! Ties the screen to the proxy behind one admin socket, or to several.

use std::path::Path;
use std::time::Duration;

use crate::client::{Client, watch};
use crate::screen::{self, Station};
use crate::targets::Fleet;

/// How often the screen is given a snapshot when nothing happens that asks for one sooner.
const PERIOD: Duration = Duration::from_secs(1);

/// Shows the screen until the operator leaves it.
///
/// # Errors
///
/// No terminal, or none that lets itself be used.
pub fn screen(socket: &Path, options: screen::Options) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (link, news) = watch(Client::new(socket)?, PERIOD);
        screen::run(&socket.display().to_string(), link, news, options).await
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
            let (link, news) = watch(Client::new(&target.admin_socket())?, PERIOD);
            let (title, name) = (target.typed.clone(), Some(target.name.clone()));
            stations.push(Station { title, name, link, news });
        }
        screen::run_fleet(stations, &fleet.words, options).await
    })
}
