//! May this console change anything? It opens locked, so that a key typed into the wrong window does nothing.

use std::time::Duration;

use evenkeel_protocol::Moment;

/// How long nobody must have pressed a key before the console locks itself again, unless told otherwise.
pub const IDLE: Duration = Duration::from_secs(600);

/// The lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lock {
    open: bool,
    after: Option<Duration>,
    touched: Moment,
    held: bool,
}

impl Default for Lock {
    fn default() -> Self {
        Self::new(false, Some(IDLE))
    }
}

impl Lock {
    /// Open or not; it locks itself when no key was pressed for `after`, or never.
    pub fn new(open: bool, after: Option<Duration>) -> Self {
        Self { open, after, touched: Moment(0), held: false }
    }

    /// May changes be asked?
    pub fn is_open(self) -> bool {
        self.open
    }

    /// From now on changes may be asked.
    pub fn open(&mut self, now: Moment) {
        (self.open, self.touched) = (true, now);
    }

    /// From now on no change may be asked.
    pub fn close(&mut self) {
        self.open = false;
    }

    /// Somebody is there.
    pub fn touch(&mut self, now: Moment) {
        self.touched = now;
    }

    /// While it is held, it does not lock itself: something goes on elsewhere.
    pub fn hold(&mut self, held: bool) {
        self.held = held;
    }

    /// Is it open although nobody has touched a key for so long that it should not be?
    pub fn is_overdue(self, now: Moment) -> bool {
        self.open && !self.held && self.after.is_some_and(|after| now.since(self.touched) >= after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_overdue_only_while_open_and_untouched() {
        let mut lock = Lock::new(false, Some(Duration::from_secs(10)));
        assert!(!lock.is_open() && !lock.is_overdue(Moment(60_000_000)));
        lock.open(Moment(60_000_000));
        assert!(lock.is_open() && !lock.is_overdue(Moment(69_000_000)));
        lock.touch(Moment(69_000_000));
        assert!(!lock.is_overdue(Moment(78_000_000)));
        assert!(lock.is_overdue(Moment(79_000_000)));
        lock.close();
        assert!(!lock.is_overdue(Moment(79_000_000)));
        assert!(!Lock::new(true, None).is_overdue(Moment(u64::MAX)), "never, if it is told so");
    }
}
