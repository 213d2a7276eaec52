//! The writer's tasks, done one by one.

use std::fs;
use std::path::Path;

use super::*;

/// A writer of these files, its queue, and all that they lost.
fn writer(paths: &[&Path]) -> (LogWriter, Arc<Queue>, Arc<Losses>) {
    let (queue, unwritten) = (Arc::<Queue>::default(), Arc::<Losses>::default());
    let files = paths.iter().map(|path| LogFile::open(path).unwrap()).collect();
    (LogWriter::new(files, Arc::clone(&queue), Arc::clone(&unwritten)), queue, unwritten)
}

fn put(queue: &Queue, file: usize, text: &str) {
    let count = text.lines().count() as u64;
    queue.put(Lines { file, text: text.as_bytes().to_vec(), count }).unwrap();
}

#[test]
fn a_disk_error_costs_its_own_lines_only() {
    let folder = tempfile::tempdir().unwrap();
    let good = folder.path().join("access.log");
    let (mut writer, queue, unwritten) = writer(&[Path::new("/dev/full"), &good]);
    put(&queue, 0, "a\nb\n");
    put(&queue, 1, "c\n");
    put(&queue, 0, "d\n");
    for _ in 0..3 {
        assert!(writer.step(Duration::ZERO));
    }
    assert_eq!(unwritten.count(), 3);
    assert!(writer.logs[0].why.contains("No space"), "{}", writer.logs[0].why);
    assert_eq!(fs::read(&good).unwrap(), b"c\n");
}

#[test]
fn lines_that_waited_go_to_the_old_file_and_later_ones_to_the_new() {
    let folder = tempfile::tempdir().unwrap();
    let [path, old] = ["access.log", "access.log.1"].map(|name| folder.path().join(name));
    let (mut writer, queue, _) = writer(&[&path]);
    put(&queue, 0, "a\n");
    fs::rename(&path, &old).unwrap();
    queue.reopen();
    put(&queue, 0, "b\n");
    queue.end();
    while writer.step(Duration::ZERO) {}
    assert_eq!((fs::read(&old).unwrap(), fs::read(&path).unwrap()), (b"a\n".to_vec(), b"b\n".to_vec()));
}
