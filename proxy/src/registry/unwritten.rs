//! Edits that the disk refused are tried again, though nobody asks for anything; when it takes them that is told.

use std::sync::Arc;

use evenkeel_protocol::EventKind;
use tokio::time::{MissedTickBehavior, interval};

use super::Registry;
use crate::limits;

/// Tries again for as long as it is polled.
pub(crate) async fn run(registry: Arc<Registry>) {
    let mut ticks = interval(limits::EDITS_SAVE_AGAIN);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if registry.unwritten.is_closed() {
            let writing = Arc::clone(&registry);
            // It may wait for a disk.
            let _ = tokio::task::spawn_blocking(move || writing.writer().durability()).await;
            if !registry.unwritten.is_closed() {
                tracing::info!("the journal of edits can be written again");
            }
        }
        registry.tell_written();
    }
}

impl Registry {
    /// Tells of edits that were written down after all.
    fn tell_written(&self) {
        let edited = self.unwritten.take_written();
        if !edited.is_empty() {
            let whose: Vec<String> = edited.iter().map(ToString::to_string).collect();
            tracing::info!(
                whose = whose.join(", "),
                "edits that were refused by the disk are written down now"
            );
            self.events.publish(EventKind::EditsDurable { edited });
        }
    }
}
