//! The two clocks of a manager page's reader: one for people, and one that never steps.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use evenkeel_protocol::{Moment, Timestamp};

/// Since when moments are counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    zero: Instant,
}

/// One moment on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Now {
    pub(super) wall: Timestamp,
    pub(super) moment: Moment,
}

impl Clock {
    #[expect(
        clippy::disallowed_methods,
        reason = "an httpd's page tells no time, so the side that reads it does"
    )]
    pub(super) fn start() -> Self {
        Self { zero: Instant::now() }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "an httpd's page tells no time, so the side that reads it does"
    )]
    pub(super) fn now(self) -> Now {
        let micros = |span: std::time::Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, micros);
        Now { wall: Timestamp(wall), moment: Moment(micros(self.zero.elapsed())) }
    }
}
