//! The signals that end the proxy: SIGTERM and SIGINT let requests in flight finish, a second one ends at once.

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Waits for the end. Made before anything else starts, so that no early signal is lost.
#[derive(Debug)]
pub struct Ending {
    runtime: Runtime,
    terminate: Signal,
    interrupt: Signal,
}

impl Ending {
    /// Takes over SIGTERM and SIGINT.
    ///
    /// # Errors
    ///
    /// What the system says if it refuses.
    pub fn install() -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let guard = runtime.enter();
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        drop(guard);
        Ok(Self { runtime, terminate, interrupt })
    }

    /// Blocks until the first signal; a later one then ends the process at once.
    pub fn wait(self) {
        let Self { runtime, mut terminate, mut interrupt } = self;
        runtime.block_on(async { either(&mut terminate, &mut interrupt).await });
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
