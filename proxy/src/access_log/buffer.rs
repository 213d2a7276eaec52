//! The lines that one worker thread gathers for one file, until they are worth a hand-over.
//!
//! Nothing here waits: what the queue does not take is dropped and counted.

use std::sync::Arc;

use super::loss::Losses;
use super::queue::{Lines, Queue};
use crate::limits;

/// Lines for one file.
#[derive(Debug)]
pub(super) struct LogBuffer {
    queue: Arc<Queue>,
    losses: Arc<Losses>,
    lines: Lines,
}

impl LogBuffer {
    pub(super) fn new(file: usize, queue: Arc<Queue>, losses: Arc<Losses>) -> Self {
        Self { queue, losses, lines: Lines { file, text: Vec::new(), count: 0 } }
    }

    /// Appends what `render` writes; hands over when enough has gathered.
    pub(super) fn push(&mut self, render: impl FnOnce(&mut Vec<u8>)) {
        if self.lines.text.capacity() == 0 {
            self.lines.text.reserve(limits::LOG_BUFFER + limits::LOG_BUFFER / 8);
        }
        render(&mut self.lines.text);
        self.lines.count += 1;
        if self.lines.text.len() >= limits::LOG_BUFFER {
            self.hand_over();
        }
    }

    /// Hands over what there is.
    pub(super) fn hand_over(&mut self) {
        if self.lines.count == 0 {
            return;
        }
        let file = self.lines.file;
        let full = std::mem::replace(&mut self.lines, Lines { file, text: Vec::new(), count: 0 });
        match self.queue.put(full) {
            Ok(spare) => self.lines.text = spare,
            Err(mut lost) => {
                self.losses.add(lost.count);
                lost.text.clear();
                self.lines.text = lost.text;
            }
        }
    }
}

impl Drop for LogBuffer {
    fn drop(&mut self) {
        self.hand_over();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::queue::Task;
    use super::*;

    fn buffer() -> (LogBuffer, Arc<Queue>, Arc<Losses>) {
        let (queue, losses) = (Arc::<Queue>::default(), Arc::<Losses>::default());
        (LogBuffer::new(7, Arc::clone(&queue), Arc::clone(&losses)), queue, losses)
    }

    fn next(queue: &Queue) -> Task {
        queue.next(Duration::ZERO)
    }

    #[test]
    fn lines_wait_until_they_are_many_or_asked_for_or_the_end_comes() {
        let (mut buffer, queue, losses) = buffer();
        buffer.hand_over();
        buffer.push(|out| out.extend(b"a\n"));
        buffer.push(|out| out.extend(b"b\n"));
        assert_eq!(next(&queue), Task::Idle);
        buffer.hand_over();
        assert_eq!(next(&queue), Task::Write(Lines { file: 7, text: b"a\nb\n".to_vec(), count: 2 }));
        buffer.push(|out| out.resize(limits::LOG_BUFFER, b'x'));
        assert!(matches!(next(&queue), Task::Write(lines) if lines.text.len() == limits::LOG_BUFFER));
        buffer.push(|out| out.extend(b"c\n"));
        drop(buffer);
        assert_eq!(next(&queue), Task::Write(Lines { file: 7, text: b"c\n".to_vec(), count: 1 }));
        assert_eq!(losses.count(), 0);
    }

    #[test]
    fn what_a_full_queue_does_not_take_is_counted_line_by_line_and_its_memory_used_again() {
        let (mut buffer, queue, losses) = buffer();
        queue.put(Lines { file: 0, text: vec![0; limits::LOG_WAITING], count: 1 }).unwrap();
        for _ in 0..3 {
            buffer.push(|out| out.extend(b"a\n"));
        }
        let room = buffer.lines.text.capacity();
        buffer.hand_over();
        assert_eq!((losses.count(), buffer.lines.text.len(), buffer.lines.text.capacity()), (3, 0, room));
    }
}
