//! What waits for the writer of access logs: bounded in bytes, and never waited for by those who put into it.
//!
//! The lock is held for moves of a few words only, never while a file is touched. Written buffers go back the same
//! way, so that steady traffic allocates none.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::limits;

/// Whole lines for one file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lines {
    /// The place of the file among the writer's.
    pub(super) file: usize,
    pub(super) text: Vec<u8>,
    /// How many requests they tell of.
    pub(super) count: u64,
}

/// What the writer does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Task {
    Write(Lines),
    /// Opens all files anew.
    Reopen,
    /// Nothing came for a while.
    Idle,
    /// Nothing will come.
    End,
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    inside: Mutex<Inside>,
    /// Something came, or the end.
    filled: Condvar,
    /// The writer has ended.
    ended: Condvar,
}

#[derive(Debug, Default)]
struct Inside {
    tasks: VecDeque<Task>,
    /// Bytes of the lines among the tasks.
    waiting: usize,
    spares: Vec<Vec<u8>>,
    is_reopen_asked: bool,
    is_ending: bool,
    has_ended: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands lines over and returns an empty buffer; or the lines, if too many wait or the end has come.
    pub(super) fn put(&self, lines: Lines) -> Result<Vec<u8>, Lines> {
        let mut inside = self.lock();
        let waiting = inside.waiting.saturating_add(lines.text.len());
        if inside.is_ending || waiting > limits::LOG_WAITING {
            return Err(lines);
        }
        inside.waiting = waiting;
        inside.tasks.push_back(Task::Write(lines));
        let spare = inside.spares.pop().unwrap_or_default();
        drop(inside);
        self.filled.notify_one();
        Ok(spare)
    }

    /// Asks for new files, behind the lines that wait. Asking again before that changes nothing.
    pub(super) fn reopen(&self) {
        let mut inside = self.lock();
        if !inside.is_reopen_asked {
            inside.is_reopen_asked = true;
            inside.tasks.push_back(Task::Reopen);
        }
        drop(inside);
        self.filled.notify_one();
    }

    /// The next task, waited for that long at most.
    pub(super) fn next(&self, patience: Duration) -> Task {
        let is_empty = |inside: &mut Inside| inside.tasks.is_empty() && !inside.is_ending;
        let waited = self.filled.wait_timeout_while(self.lock(), patience, is_empty);
        let (mut inside, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match inside.tasks.pop_front() {
            Some(Task::Write(lines)) => {
                inside.waiting = inside.waiting.saturating_sub(lines.text.len());
                Task::Write(lines)
            }
            Some(task) => {
                inside.is_reopen_asked = false;
                task
            }
            None if inside.is_ending => Task::End,
            None => Task::Idle,
        }
    }

    /// Keeps a buffer for lines to come, unless a long line made it large or there are enough.
    pub(super) fn give_back(&self, mut text: Vec<u8>) {
        text.clear();
        if text.capacity() <= 2 * limits::LOG_BUFFER {
            let mut inside = self.lock();
            if inside.spares.len() < limits::LOG_SPARES {
                inside.spares.push(text);
            }
        }
    }

    /// Nothing more may come; what waits will be written.
    pub(super) fn end(&self) {
        self.lock().is_ending = true;
        self.filled.notify_one();
    }

    /// The writer's last word.
    pub(super) fn ended(&self) {
        self.lock().has_ended = true;
        self.ended.notify_all();
    }

    /// Waits for the writer's end that long at most, and says whether it came.
    pub(super) fn wait_ended(&self, patience: Duration) -> bool {
        let waited = self.ended.wait_timeout_while(self.lock(), patience, |inside| !inside.has_ended);
        waited.unwrap_or_else(PoisonError::into_inner).0.has_ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(file: usize, bytes: usize) -> Lines {
        Lines { file, text: vec![b'x'; bytes], count: 1 }
    }

    fn next(queue: &Queue) -> Task {
        queue.next(Duration::ZERO)
    }

    #[test]
    fn tasks_come_in_order_and_a_reopening_once() {
        let queue = Queue::default();
        assert_eq!(next(&queue), Task::Idle);
        queue.put(lines(0, 1)).unwrap();
        queue.reopen();
        queue.put(lines(1, 2)).unwrap();
        queue.reopen();
        queue.end();
        assert_eq!(queue.put(lines(2, 3)), Err(lines(2, 3)));
        assert_eq!(next(&queue), Task::Write(lines(0, 1)));
        assert_eq!(next(&queue), Task::Reopen);
        assert_eq!(next(&queue), Task::Write(lines(1, 2)));
        assert_eq!(next(&queue), Task::End);
    }

    #[test]
    fn too_much_is_given_back_at_once_and_there_is_room_again_when_something_was_taken() {
        let queue = Queue::default();
        let half = limits::LOG_WAITING / 2;
        queue.put(lines(0, half)).unwrap();
        queue.put(lines(0, half)).unwrap();
        assert_eq!(queue.put(lines(0, 1)), Err(lines(0, 1)));
        next(&queue);
        queue.put(lines(0, half)).unwrap();
    }

    #[test]
    fn buffers_come_back_and_are_few_and_small() {
        let queue = Queue::default();
        queue.give_back(Vec::with_capacity(limits::LOG_BUFFER));
        queue.give_back(Vec::with_capacity(limits::LOG_BUFFER * 4));
        assert!(queue.put(lines(0, 1)).unwrap().capacity() >= limits::LOG_BUFFER);
        assert_eq!(queue.put(lines(0, 1)).unwrap().capacity(), 0);
        for _ in 0..limits::LOG_SPARES * 2 {
            queue.give_back(Vec::with_capacity(1));
        }
        assert_eq!(queue.lock().spares.len(), limits::LOG_SPARES);
    }

    #[test]
    fn the_end_of_the_writer_is_seen() {
        let queue = Queue::default();
        assert!(!queue.wait_ended(Duration::ZERO));
        queue.ended();
        assert!(queue.wait_ended(Duration::ZERO));
    }
}
