//! The demo: the whole system in one process, over real sockets. Embedded origin servers, visitors, the real proxy with
//! its real admin socket, and the console on top; another `evenkeel` can attach to the same socket.
//!
//! The only file of the console that may name the proxy.

mod backend;
mod traffic;

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use evenkeel_proxy::config::{self, ReadOptions};
use evenkeel_proxy::server::{self, Running, StartOptions};
use tokio::runtime::Runtime;

use crate::client::{Client, Place, Surroundings};
use crate::screen::Options;
use crate::{attach, cli, targets};
use backend::Backend;
use traffic::Visitor;

/// How long it runs when there is no terminal to show it on.
const WITHOUT_TERMINAL: Duration = Duration::from_secs(4);

/// A balancer of the demo: its name, its settings, and its members with their parameters.
type Cast = (&'static str, &'static str, Vec<(Backend, &'static str)>);

fn cast() -> [Cast; 2] {
    let backend = |name, thinks, bytes| Backend { name, thinks: Duration::from_millis(thinks), bytes };
    [
        (
            "shop",
            "lbmethod=byrequests stickysession=SID",
            vec![
                (backend("shop1", 20, 600), "loadfactor=2"),
                (backend("shop2", 35, 600), "loadfactor=1"),
                (backend("shop3", 30, 600), "loadfactor=1"),
                (backend("spare", 30, 600), "status=+R"),
            ],
        ),
        (
            "media",
            "lbmethod=bytraffic",
            vec![
                (backend("media1", 60, 9_000), ""),
                (backend("media2", 90, 5_000), ""),
                (backend("media3", 70, 7_000), "loadfactor=1.5"),
                (backend("standby", 80, 7_000), "status=+H"),
            ],
        ),
    ]
}

/// Runs the demo until the operator leaves the console; without a terminal for a few seconds.
///
/// # Errors
///
/// What the system refuses: sockets, threads, a place for the admin socket.
pub fn run(options: Options) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let text = runtime.block_on(origins()).context("the demo's origin servers cannot start")?;
    // Where `evenkeel` without arguments looks, so that a second one finds the demo.
    let own = Surroundings::of_this_process().folders.into_iter().next().unwrap_or_else(std::env::temp_dir);
    let folder = own.join(format!("demo-{}", std::process::id()));
    let outcome = play(&runtime, &text, &folder, options);
    // It is ours alone, named after this process.
    let _ = std::fs::remove_dir_all(&folder);
    outcome
}

fn play(runtime: &Runtime, text: &str, folder: &Path, screen: Options) -> anyhow::Result<()> {
    let config = config::read_text("demo", text, &ReadOptions::default())
        .map_err(|report| anyhow::anyhow!("{report}"))?;
    let options = StartOptions {
        configuration: "demo".into(),
        run_dir: Some(folder.to_owned()),
        ..StartOptions::default()
    };
    let proxy = server::start(config, &options)?;
    visit(runtime, &proxy)?;
    let socket = proxy.admin_socket();
    let shown = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let outcome = if shown {
        // Other proxies may run on this machine, and once this one has ended one of them may be the only one.
        let place = Place::Socket(socket);
        attach::screen(&place, &targets::words(&place), screen)
    } else {
        report(runtime, &socket)
    };
    proxy.stop();
    outcome
}

/// Starts the origin servers and writes the configuration that balances over them.
async fn origins() -> anyhow::Result<String> {
    let mut text = String::from("Listen 127.0.0.1:0\n");
    for (name, settings, members) in cast() {
        writeln!(text, "<Proxy balancer://{name}>\n  ProxySet {settings}")?;
        for (backend, parameters) in members {
            let route = backend.name;
            let address = backend.start().await?;
            writeln!(text, "  BalancerMember http://{address} route={route} {parameters}")?;
        }
        writeln!(text, "</Proxy>\nProxyPass /{name} balancer://{name}")?;
    }
    Ok(text)
}

/// Starts the visitors: a calm, bounded number of requests each second, half of them with a session.
fn visit(runtime: &Runtime, proxy: &Running) -> anyhow::Result<()> {
    let address: SocketAddr = *proxy.listen().first().context("the demo's proxy listens nowhere")?;
    for number in 0..24_u64 {
        let visitor = Visitor {
            path: if number % 3 == 0 { "/media/film" } else { "/shop/basket" },
            pause: Duration::from_millis(150 + 37 * number),
            keeps_session: number % 2 == 0,
        };
        runtime.spawn(visitor.visit(address));
    }
    Ok(())
}

/// What is told when nobody looks.
fn report(runtime: &Runtime, socket: &Path) -> anyhow::Result<()> {
    let snapshot = runtime.block_on(async {
        tokio::time::sleep(WITHOUT_TERMINAL).await;
        Client::new(socket)?.snapshot().await
    })?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", cli::page(&snapshot))?;
    writeln!(
        out,
        "\nThis was {} seconds of the demo; in a terminal it is a console.",
        WITHOUT_TERMINAL.as_secs()
    )?;
    Ok(())
}
