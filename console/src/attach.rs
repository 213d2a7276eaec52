//! Ties the screen to one proxy, or to several.

use crate::client::{Client, Limits, Place, watch};
use crate::screen::{self, Station};
use crate::targets::Fleet;

/// Shows the screen of the proxy at `place` until the operator leaves it; `words` mean it on a command line.
///
/// # Errors
///
/// No terminal, or none that lets itself be used.
pub fn screen(place: &Place, words: &str, options: screen::Options) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (link, news) = watch(Client::of(place, Limits::default())?, options.pace.period());
        let (title, door) = (place.to_string(), place.door());
        let station = Station { title, name: None, words: words.to_owned(), door, link, news };
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
            let (words, door) = (target.words(), target.place.door());
            stations.push(Station { title, name, words, door, link, news });
        }
        screen::run(stations, &fleet.words, options).await
    })
}
