//! When each connection of a worker thread has waited long enough.
//!
//! A connection waits for one thing at a time, so it has one deadline, which it moves as often as it likes: that
//! costs a store and no timer. One task of the worker sleeps until the earliest of all and wakes who is over. The same
//! table knows which client connections are idle, and wakes all when the worker ends.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use evenkeel_protocol::Moment;
use tokio::time::sleep;

use crate::clock;

/// No deadline.
const NEVER: Moment = Moment(u64::MAX);
/// The least time between two looks at the table, and so how late a deadline may be noticed.
const STEP: Duration = Duration::from_millis(5);

/// What a connection is doing, as far as others may end it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    /// Something that is to be finished.
    Working,
    /// Waiting for the next request, with nothing of it read.
    Idle,
}

struct Slot {
    at: Moment,
    over: bool,
    doing: Doing,
    waker: Option<Waker>,
}

/// The deadlines of one worker thread.
#[derive(Default)]
pub(crate) struct Deadlines {
    slots: RefCell<Vec<Option<Slot>>>,
    free: RefCell<Vec<usize>>,
    /// When the table is looked at next.
    next: Cell<Moment>,
    keeper: RefCell<Option<Waker>>,
}

/// One connection's place in the table; free again when it is dropped.
pub(crate) struct Deadline {
    table: Rc<Deadlines>,
    place: usize,
}

impl Deadlines {
    pub(crate) fn join(self: &Rc<Self>) -> Deadline {
        let slot = Slot { at: NEVER, over: false, doing: Doing::Working, waker: None };
        let mut slots = self.slots.borrow_mut();
        let place = self.free.borrow_mut().pop().unwrap_or_else(|| {
            slots.push(None);
            slots.len() - 1
        });
        if let Some(entry) = slots.get_mut(place) {
            *entry = Some(slot);
        }
        drop(slots);
        Deadline { table: Rc::clone(self), place }
    }

    /// Wakes those whose time is over, for as long as it is polled.
    pub(crate) async fn keep(&self) {
        loop {
            let now = clock::now();
            let next = self.look(now);
            self.next.set(next);
            if next == NEVER {
                self.until_sooner().await;
            } else {
                tokio::select! {
                    biased;
                    () = self.until_sooner() => {}
                    () = sleep(next.since(now).max(STEP)) => {}
                }
            }
        }
    }

    /// Until somebody has a deadline before the next look.
    async fn until_sooner(&self) {
        let mut told = false;
        poll_fn(|context| {
            if told {
                return Poll::Ready(());
            }
            told = true;
            *self.keeper.borrow_mut() = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Wakes who is over; the earliest of the others.
    fn look(&self, now: Moment) -> Moment {
        let mut earliest = NEVER;
        for slot in self.slots.borrow_mut().iter_mut().flatten() {
            if slot.at <= now {
                slot.at = NEVER;
                slot.over = true;
                if let Some(waker) = slot.waker.take() {
                    waker.wake();
                }
            }
            earliest = earliest.min(slot.at);
        }
        earliest
    }

    /// Ends the waiting of up to `most` idle connections, those first whose time would be over first; how many.
    pub(crate) fn shed(&self, most: usize) -> usize {
        let mut slots = self.slots.borrow_mut();
        let idle = |slot: &&mut Slot| slot.doing == Doing::Idle && !slot.over;
        let mut chosen: Vec<&mut Slot> = slots.iter_mut().flatten().filter(idle).collect();
        chosen.sort_unstable_by_key(|slot| slot.at);
        let shed = chosen.len().min(most);
        for slot in chosen.into_iter().take(most) {
            slot.over = true;
            if let Some(waker) = slot.waker.take() {
                waker.wake();
            }
        }
        shed
    }

    /// Wakes everybody, so that they look at what has changed.
    pub(crate) fn wake_all(&self) {
        for slot in self.slots.borrow_mut().iter_mut().flatten() {
            if let Some(waker) = slot.waker.take() {
                waker.wake();
            }
        }
    }
}

impl Deadline {
    fn with<T>(&self, act: impl FnOnce(&mut Slot) -> T, absent: T) -> T {
        match self.table.slots.borrow_mut().get_mut(self.place) {
            Some(Some(slot)) => act(slot),
            _ => absent,
        }
    }

    /// Moves the deadline to `at`.
    pub(crate) fn set(&self, at: Moment, doing: Doing) {
        self.with(
            |slot| {
                slot.at = at;
                slot.over = false;
                slot.doing = doing;
            },
            (),
        );
        if at < self.table.next.get() {
            self.table.next.set(at);
            if let Some(keeper) = self.table.keeper.borrow_mut().take() {
                keeper.wake();
            }
        }
    }

    /// No deadline; whatever follows is to be finished.
    pub(crate) fn clear(&self) {
        self.with(
            |slot| {
                slot.at = NEVER;
                slot.over = false;
                slot.doing = Doing::Working;
            },
            (),
        );
    }

    /// Is it over? The task is woken when it is, and also if it is moved on from here after it was over.
    pub(crate) fn is_over(&self, context: &Context<'_>) -> bool {
        self.with(
            |slot| {
                match &mut slot.waker {
                    Some(waker) if waker.will_wake(context.waker()) => {}
                    waker => *waker = Some(context.waker().clone()),
                }
                slot.over
            },
            true,
        )
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        if let Some(slot) = self.table.slots.borrow_mut().get_mut(self.place) {
            *slot = None;
        }
        self.table.free.borrow_mut().push(self.place);
    }
}
