//! The signals that the proxy hears, which are httpd's: SIGTERM and SIGINT let requests in flight finish within a bounded
//! time, SIGWINCH (unless in a terminal) however long they take, and once more SIGTERM or SIGINT ends it at once;
//! SIGUSR1 and SIGHUP read the configuration anew and open log files anew.

use std::io::IsTerminal as _;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::server::{Hurry, Reload};

/// How the proxy is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// After the requests in flight, within a bounded time.
    Soon,
    /// After the requests in flight, however long they take.
    Patiently,
}

/// Waits for the end. Made before anything else starts, so that no early signal is lost.
#[derive(Debug)]
pub struct Ending {
    runtime: Runtime,
    ends: Ends,
    /// None where the signal means that somebody has resized a window.
    winch: Option<Signal>,
    reload: [Signal; 2],
}

/// The signals that end the proxy.
#[derive(Debug)]
struct Ends([Signal; 2]);

impl Ends {
    async fn heard(&mut self) {
        either(&mut self.0).await;
    }
}

impl Ending {
    /// Takes over the signals.
    ///
    /// # Errors
    ///
    /// What the system says if it refuses.
    pub fn install() -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let guard = runtime.enter();
        let ends = Ends([signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?]);
        // Who runs the proxy in a terminal does not want to end it by resizing the window, as happens to httpd.
        let in_terminal = std::io::stdin().is_terminal()
            || std::io::stdout().is_terminal()
            || std::io::stderr().is_terminal();
        let winch = if in_terminal { None } else { Some(signal(SignalKind::window_change())?) };
        let reload = [signal(SignalKind::user_defined1())?, signal(SignalKind::hangup())?];
        drop(guard);
        Ok(Self { runtime, ends, winch, reload })
    }

    /// Blocks until the first signal to end. Until then a signal to read the configuration anew does so, beside the
    /// signals, because it may wait for a disk; those that come meanwhile do so once more. After a patient end began,
    /// the next signal to end hurries it up; one more ends the process at once.
    pub fn wait(self, reload: &Reload, hurry: Hurry) -> End {
        let Self { runtime, mut ends, mut winch, reload: mut reloads } = self;
        let how = runtime.block_on(async {
            let (mut wanted, mut reading) = (false, None);
            loop {
                if wanted && reading.is_none() {
                    let reload = reload.clone();
                    (wanted, reading) = (false, Some(spawn_blocking(move || reload.now())));
                }
                tokio::select! {
                    biased;
                    () = ends.heard() => return End::Soon,
                    () = heard(winch.as_mut()) => return End::Patiently,
                    () = either(&mut reloads) => wanted = true,
                    () = over(&mut reading) => reading = None,
                }
            }
        });
        let spawned = std::thread::Builder::new().name("second-signal".to_owned()).spawn(move || {
            if how == End::Patiently {
                runtime.block_on(ends.heard());
                hurry.up();
            }
            runtime.block_on(ends.heard());
            tracing::warn!("told twice; ending at once");
            std::process::exit(1);
        });
        if let Err(why) = spawned {
            tracing::warn!(%why, "a second signal will not be heard");
        }
        how
    }
}

async fn heard(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Until what runs beside the signals is over; never if nothing runs.
async fn over(running: &mut Option<JoinHandle<()>>) {
    match running {
        Some(running) => {
            // A panic was told where it happened.
            let _ = running.await;
        }
        None => std::future::pending().await,
    }
}

async fn either([one, other]: &mut [Signal; 2]) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}
