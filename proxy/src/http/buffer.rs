//! Bytes on their way through a worker thread, in buffers that it lends and takes back.
//!
//! A connection has a buffer only while bytes flow: an idle one holds none, and a body needs one at a time.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Bytes of a buffer for heads.
pub(crate) const SMALL: usize = 16 * 1024;
/// Bytes of a buffer for bodies.
pub(crate) const LARGE: usize = 64 * 1024;
/// Bytes of a buffer for bodies that flow fast: fewer and larger pieces cost less. A client's system takes one whole
/// where it says that it has room: see [`limits::UNSENT`](crate::limits::UNSENT).
const HUGE: usize = 512 * 1024;
/// Buffers of each size that a worker keeps for the next who needs one, and the bytes that these may take.
const KEPT: usize = 64;
const KEPT_BYTES: usize = 2 * 1024 * 1024;
/// Bytes that those who keep a worker waiting may hold before it moves bodies in small pieces only.
const HELD: usize = 4 * 1024 * 1024;

/// The buffers that one worker thread has to lend.
#[derive(Default)]
pub(crate) struct Spares {
    small: RefCell<Vec<Box<[u8]>>>,
    large: RefCell<Vec<Box<[u8]>>>,
    huge: RefCell<Vec<Box<[u8]>>>,
    /// Bytes that were copied for takers who keep us waiting.
    held: Cell<usize>,
}

impl Spares {
    /// Do those who keep us waiting hold so much that nobody is to be given large pieces? One of those that is not
    /// taken at once would have to be held as well.
    pub(crate) fn are_short(&self) -> bool {
        self.held.get() > HELD
    }

    /// A buffer for a head.
    pub(crate) fn small(self: &Rc<Self>) -> Buffer {
        self.lend(&self.small, SMALL)
    }

    /// A buffer for a body, or for an answer with its head.
    pub(crate) fn large(self: &Rc<Self>) -> Buffer {
        self.lend(&self.large, LARGE)
    }

    /// A buffer for a body that flows fast.
    pub(crate) fn huge(self: &Rc<Self>) -> Buffer {
        self.lend(&self.huge, HUGE)
    }

    /// A buffer without room, for somebody who has nothing to read.
    pub(crate) fn none(self: &Rc<Self>) -> Buffer {
        Buffer { bytes: Box::default(), start: 0, end: 0, held: false, home: Rc::clone(self) }
    }

    fn lend(self: &Rc<Self>, shelf: &RefCell<Vec<Box<[u8]>>>, size: usize) -> Buffer {
        let bytes = shelf.borrow_mut().pop().unwrap_or_else(|| vec![0; size].into_boxed_slice());
        Buffer { bytes, start: 0, end: 0, held: false, home: Rc::clone(self) }
    }

    /// Gives back to the system what a burst left here and nobody needed since.
    pub(crate) fn trim(&self) {
        for shelf in [&self.small, &self.large, &self.huge] {
            let mut shelf = shelf.borrow_mut();
            let keep = shelf.len() / 2;
            shelf.truncate(keep);
        }
    }
}

/// Some bytes (`filled`) in a lent block; goes home when it is dropped.
pub(crate) struct Buffer {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
    /// Is it a copy for somebody who keeps us waiting?
    held: bool,
    home: Rc<Spares>,
}

impl Buffer {
    pub(crate) fn filled(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    pub(crate) fn filled_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.start..self.end).unwrap_or_default()
    }

    pub(crate) fn len(&self) -> usize {
        self.end - self.start
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// The whole block, for positions that must outlive moves of the start.
    pub(crate) fn block(&self) -> &[u8] {
        &self.bytes
    }

    /// Where in the block the filled part starts.
    pub(crate) fn start(&self) -> usize {
        self.start
    }

    /// Where in the block the filled part ends.
    pub(crate) fn end(&self) -> usize {
        self.end
    }

    /// Room behind what is filled.
    pub(crate) fn spare_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.end..).unwrap_or_default()
    }

    /// `count` bytes of the spare room were filled.
    pub(crate) fn advance(&mut self, count: usize) {
        self.end = (self.end + count).min(self.bytes.len());
    }

    /// The first `count` bytes are not needed any more.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }

    /// Only the first `count` of the filled bytes stay.
    pub(crate) fn truncate(&mut self, count: usize) {
        self.end = self.end.min(self.start + count);
    }

    /// Empty, with `headroom` bytes before what comes.
    pub(crate) fn clear(&mut self, headroom: usize) {
        self.start = headroom.min(self.bytes.len());
        self.end = self.start;
    }

    /// Gives a large block back, and keeps what is filled in one of its own size.
    pub(crate) fn shrink(&mut self) {
        if matches!(self.bytes.len(), LARGE | HUGE) {
            let kept = Self {
                bytes: self.filled().into(),
                start: 0,
                end: self.len(),
                held: true,
                home: Rc::clone(&self.home),
            };
            self.home.held.set(self.home.held.get() + kept.bytes.len());
            // The large block goes home with what it is replaced by.
            *self = kept;
        }
    }

    /// Moves what is filled to the front of the block. Positions in the block change.
    pub(crate) fn settle(&mut self) {
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
    }

    /// Room for at least `count` more bytes; positions in the block stay.
    pub(crate) fn reserve(&mut self, count: usize) {
        if self.bytes.len() - self.end < count {
            let wanted = (self.end + count).max(self.bytes.len() * 2);
            if self.held {
                self.home.held.set(self.home.held.get() + wanted - self.bytes.len());
            }
            let mut bytes = std::mem::take(&mut self.bytes).into_vec();
            bytes.reserve_exact(wanted - bytes.len());
            bytes.resize(wanted, 0);
            self.bytes = bytes.into_boxed_slice();
        }
    }

    /// Appends `text`.
    pub(crate) fn put(&mut self, text: &[u8]) {
        self.reserve(text.len());
        if let Some(room) = self.bytes.get_mut(self.end..self.end + text.len()) {
            room.copy_from_slice(text);
            self.end += text.len();
        }
    }

    /// Appends these texts, one behind the other.
    pub(crate) fn put_all<const PARTS: usize>(&mut self, parts: [&[u8]; PARTS]) {
        let length = parts.iter().map(|part| part.len()).sum();
        self.reserve(length);
        let mut room = self.bytes.get_mut(self.end..).unwrap_or_default();
        for part in parts {
            let Some((front, behind)) = room.split_at_mut_checked(part.len()) else { return };
            front.copy_from_slice(part);
            room = behind;
        }
        self.end += length;
    }

    /// Puts `text` before what is filled, into the headroom, which must be there.
    pub(crate) fn put_before(&mut self, text: &[u8]) {
        debug_assert!(text.len() <= self.start, "no headroom");
        let at = self.start.saturating_sub(text.len());
        if let Some(room) = self.bytes.get_mut(at..at + text.len()) {
            room.copy_from_slice(text);
            self.start = at;
        }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.held {
            self.home.held.set(self.home.held.get().saturating_sub(self.bytes.len()));
            return;
        }
        let shelf = match self.bytes.len() {
            SMALL => &self.home.small,
            LARGE => &self.home.large,
            HUGE => &self.home.huge,
            // It grew for something unusual.
            _ => return,
        };
        let mut shelf = shelf.borrow_mut();
        if shelf.len() < KEPT && self.bytes.len() * shelf.len() < KEPT_BYTES {
            shelf.push(std::mem::take(&mut self.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_put_consumed_and_settled() {
        let spares = Rc::new(Spares::default());
        let mut buffer = spares.small();
        buffer.clear(8);
        buffer.put(b"he");
        buffer.put_all([b"l", b"", b"lo"]);
        buffer.put_before(b">>");
        assert_eq!((buffer.filled(), buffer.start(), buffer.end()), (&b">>hello"[..], 6, 13));
        buffer.consume(3);
        buffer.truncate(3);
        buffer.settle();
        assert_eq!((buffer.filled(), buffer.start()), (&b"ell"[..], 0));
        buffer.consume(99);
        assert!(buffer.is_empty());
    }

    #[test]
    fn what_was_lent_comes_back_unless_it_grew() {
        let spares = Rc::new(Spares::default());
        drop((spares.small(), spares.small(), spares.large()));
        assert_eq!((spares.small.borrow().len(), spares.large.borrow().len()), (2, 1));
        let mut grown = spares.large();
        grown.put(&vec![1; LARGE + 1]);
        assert_eq!(grown.len(), LARGE + 1);
        drop(grown);
        assert_eq!(spares.large.borrow().len(), 0);
        spares.trim();
        assert_eq!(spares.small.borrow().len(), 1);
    }

    #[test]
    fn what_those_who_wait_hold_is_counted_and_bounded() {
        let spares = Rc::new(Spares::default());
        let stalled = || {
            let mut piece = spares.huge();
            piece.advance(200_000);
            piece.shrink();
            piece
        };
        let few: Vec<Buffer> = (0..20).map(|_| stalled()).collect();
        assert!(!spares.are_short());
        let more = [stalled(), stalled()];
        assert!(spares.are_short());
        drop(more);
        assert!(!spares.are_short());
        let mut grown = few;
        grown[0].reserve(1_000_000);
        assert!(spares.held.get() > 1_000_000);
        drop(grown);
        assert_eq!(spares.held.get(), 0);
    }
}
