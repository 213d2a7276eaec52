//! The signals that the proxy hears: SIGTERM and SIGINT let requests in flight finish, a second one ends at once;
//! SIGUSR1 opens log files anew.

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Waits for the end. Made before anything else starts, so that no early signal is lost.
#[derive(Debug)]
pub struct Ending {
    runtime: Runtime,
    terminate: Signal,
    interrupt: Signal,
    reopen: Signal,
}

impl Ending {
    /// Takes over SIGTERM, SIGINT and SIGUSR1.
    ///
    /// # Errors
    ///
    /// What the system says if it refuses.
    pub fn install() -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let guard = runtime.enter();
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        let reopen = signal(SignalKind::user_defined1())?;
        drop(guard);
        Ok(Self { runtime, terminate, interrupt, reopen })
    }

    /// Blocks until the first signal to end; a later one then ends the process at once. Each SIGUSR1 until then calls
    /// `reopen_logs`, which must return soon.
    pub fn wait(self, reopen_logs: impl Fn()) {
        let Self { runtime, mut terminate, mut interrupt, mut reopen } = self;
        runtime.block_on(async {
            loop {
                tokio::select! {
                    biased;
                    () = either(&mut terminate, &mut interrupt) => return,
                    _ = reopen.recv() => reopen_logs(),
                }
            }
        });
        let spawned = std::thread::Builder::new().name("second-signal".to_owned()).spawn(move || {
            runtime.block_on(async { either(&mut terminate, &mut interrupt).await });
            tracing::warn!("told twice; ending at once");
            std::process::exit(1);
        });
        if let Err(why) = spawned {
            tracing::warn!(%why, "a second signal will not be heard");
        }
    }
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
