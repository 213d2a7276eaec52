//! What a service manager is told (`NOTIFY_SOCKET` of systemd's `sd_notify`); nothing where there is none.

use sd_notify::NotifyState;

/// Where the process stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    /// It serves.
    Ready,
    /// It reads its configuration anew; [`Stands::Ready`] follows.
    Reloading,
    /// It ends.
    Stopping,
}

/// Tells the service manager. One that does not listen hinders nothing.
pub fn tell(stands: Stands) {
    let told = match stands {
        Stands::Ready => sd_notify::notify(&[NotifyState::Ready]),
        Stands::Reloading => NotifyState::monotonic_usec_now()
            .and_then(|now| sd_notify::notify(&[NotifyState::Reloading, now])),
        Stands::Stopping => sd_notify::notify(&[NotifyState::Stopping]),
    };
    if let Err(why) = told {
        tracing::warn!(%why, ?stands, "the service manager cannot be told where the proxy stands");
    }
}
