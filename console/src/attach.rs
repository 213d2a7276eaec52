//! Ties the screen to the proxy behind one admin socket.

use std::path::Path;

use crate::client::{Client, watch};
use crate::screen;

/// Shows the screen until the operator leaves it.
///
/// # Errors
///
/// No terminal, or none that lets itself be used.
pub fn screen(socket: &Path, options: screen::Options) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (link, news) = watch(Client::new(socket)?, options.pace.period());
        screen::run(&socket.display().to_string(), link, news, options).await
    })
}
