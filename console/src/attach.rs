//! Ties the screen to one proxy.

use std::time::Duration;

use crate::client::{Client, Limits, Place, watch};
use crate::screen;

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
