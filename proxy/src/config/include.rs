//! Files, folders and environment: the only file of the configuration that touches the world.
//!
//! What it hands out is bounded, UTF-8 and free of NUL bytes, or a complaint.

use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use evenkeel_protocol::clean::clean;

use crate::config::limits;
use crate::config::notes::Complaint;

/// A text that was read, and what is wrong with it at which byte.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Loaded {
    /// The text; what is not UTF-8 is replaced.
    pub(super) text: String,
    /// Why it is no configuration, and where.
    pub(super) fault: Option<(usize, Complaint)>,
}

/// The value of an environment variable.
pub(super) fn environment(name: &str) -> Option<String> {
    // The system takes neither an equals sign nor a NUL in a name.
    if name.is_empty() || name.contains(['=', '\0']) {
        return None;
    }
    std::env::var(name).ok()
}

/// Reads one file of the configuration.
pub(super) fn load(path: &Path) -> Result<Loaded, Complaint> {
    // One byte more is enough to see that it is too large.
    read(path, limits::FILE_BYTES.saturating_add(1)).map(check)
}

/// Reads one file of at most `most` bytes, whatever is in it.
pub(super) fn load_bytes(path: &Path, most: usize) -> Result<Vec<u8>, Complaint> {
    let bytes = read(path, most.saturating_add(1))?;
    if bytes.len() > most {
        let what = format!("{} is larger than {} KiB", shown(path), most / 1024);
        return Err(Complaint::new(what, "write a smaller file"));
    }
    Ok(bytes)
}

/// A path of the configuration that may be relative to `root`.
pub(super) fn below_root(root: Option<&Path>, path: &str) -> Result<PathBuf, Complaint> {
    let path = Path::new(path);
    match root {
        _ if path.is_absolute() => Ok(path.to_owned()),
        Some(root) => Ok(root.join(path)),
        None => Err(Complaint::new(
            format!("{} is relative, and there is no folder to start from", shown(path)),
            "write an absolute path, or set ServerRoot",
        )),
    }
}

/// Refuses a file that could not be created because its folder does not exist, or because it is one itself.
pub(super) fn writable_place(path: &Path) -> Result<(), Complaint> {
    if path.is_dir() {
        return Err(Complaint::new(format!("{} is a folder", shown(path)), "write the path of a file"));
    }
    match path.parent().filter(|folder| !folder.is_dir()) {
        Some(folder) => {
            let what = format!("there is no folder {}", shown(folder));
            Err(Complaint::new(what, "create it, or write another path"))
        }
        None => Ok(()),
    }
}

/// The first `most` bytes of a file.
fn read(path: &Path, most: usize) -> Result<Vec<u8>, Complaint> {
    let unreadable = |why: &dyn std::fmt::Display| {
        Complaint::new(format!("cannot read {}: {why}", shown(path)), "check its name and its permissions")
    };
    // Asked before opening: opening a pipe would wait for somebody to write.
    let metadata = fs::metadata(path).map_err(|why| unreadable(&why))?;
    if !metadata.is_file() {
        return Err(unreadable(&"it is no regular file"));
    }
    let file = fs::File::open(path).map_err(|why| unreadable(&why))?;
    let mut bytes = Vec::new();
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    file.take(most).read_to_end(&mut bytes).map_err(|why| unreadable(&why))?;
    Ok(bytes)
}

/// Text or fault, from bytes.
pub(super) fn check(bytes: Vec<u8>) -> Loaded {
    if bytes.len() > limits::FILE_BYTES {
        let what = format!("this file is larger than {} MiB", limits::FILE_BYTES / 1024 / 1024);
        return Loaded {
            text: String::new(),
            fault: Some((0, Complaint::new(what, "is it a configuration?"))),
        };
    }
    let (text, fault) = match String::from_utf8(bytes) {
        Ok(text) => (text, None),
        Err(why) => {
            let at = why.utf8_error().valid_up_to();
            let complaint = Complaint::new("this is not UTF-8", "save the file as UTF-8");
            (String::from_utf8_lossy(why.as_bytes()).into_owned(), Some((at, complaint)))
        }
    };
    let nul = text.find('\0').map(|at| {
        (at, Complaint::new("there is a NUL byte here", "this is no text; check the name of the file"))
    });
    Loaded { text, fault: fault.or(nul) }
}

/// The files that `Include PATTERN` means, in alphabetical order; a folder means all files below it.
///
/// `root` is what a relative pattern starts from.
pub(super) fn expand(root: Option<&Path>, pattern: &str) -> Result<Vec<PathBuf>, Complaint> {
    let pattern = Path::new(pattern);
    let start = match root {
        _ if pattern.is_absolute() => PathBuf::new(),
        Some(root) => root.to_owned(),
        None => {
            return Err(Complaint::new(
                format!("{} is relative, and there is no folder to start from", shown(pattern)),
                "write an absolute path, or set ServerRoot above",
            ));
        }
    };
    let mut found = vec![start];
    for component in pattern.components() {
        let name = component.as_os_str().to_string_lossy();
        if !matches!(component, Component::Normal(_)) || !name.contains(['*', '?', '[']) {
            for path in &mut found {
                path.push(component);
            }
            continue;
        }
        let mut next = Vec::new();
        for folder in found.iter().filter(|folder| folder.is_dir()) {
            let entries = entries(folder)?;
            next.extend(entries.into_iter().filter(|entry| {
                entry.file_name().is_some_and(|file| wildcard(&name, &file.to_string_lossy()))
            }));
        }
        found = next;
    }
    let mut files = Vec::new();
    for path in found {
        below(&path, &mut files, limits::DEPTH)?;
    }
    Ok(files)
}

/// Adds `path`, or if it is a folder all files below it.
fn below(path: &Path, files: &mut Vec<PathBuf>, depth: usize) -> Result<(), Complaint> {
    if !path.is_dir() {
        files.push(path.to_owned());
    } else if let Some(depth) = depth.checked_sub(1) {
        for entry in entries(path)? {
            below(&entry, files, depth)?;
        }
    } else {
        return Err(Complaint::new(
            format!("folders below {} are nested too deeply", shown(path)),
            "include the files by name",
        ));
    }
    if files.len() > limits::FILES {
        return Err(too_many_files());
    }
    Ok(())
}

/// More files than a configuration may have.
pub(super) fn too_many_files() -> Complaint {
    Complaint::new(
        format!("the configuration has more than {} files", limits::FILES),
        "name fewer files in Include",
    )
}

/// What is in a folder, in alphabetical order.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Complaint> {
    let unreadable = |why: std::io::Error| {
        Complaint::new(format!("cannot read the folder {}: {why}", shown(folder)), "check its permissions")
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        found.push(entry.map_err(unreadable)?.path());
        if found.len() > limits::FOLDER_ENTRIES {
            let what = format!("the folder {} has too many entries", shown(folder));
            return Err(Complaint::new(what, "include the files by name"));
        }
    }
    found.sort();
    Ok(found)
}

/// A path as it may stand in a message.
pub(super) fn shown(path: &Path) -> String {
    clean(&path.to_string_lossy(), limits::VARIABLE)
}

/// Does `name` fit `pattern`, with `*`, `?` and `[a-z]`? A leading dot must be written.
fn wildcard(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    // Where to go on if what follows the last star does not fit.
    let mut star: Option<(usize, usize)> = None;
    while let Some(c) = name.get(n) {
        let step = match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
                continue;
            }
            Some('?') => Some(1),
            Some('[') => set(pattern.get(p + 1..).unwrap_or_default(), *c).map(|length| length + 1),
            Some(other) if other == c => Some(1),
            _ => None,
        };
        match (step, star) {
            (Some(width), _) => (p, n) = (p + width, n + 1),
            (None, Some((at, from))) => {
                (p, n) = (at + 1, from + 1);
                star = Some((at, from + 1));
            }
            (None, None) => return false,
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|c| *c == '*')
}

/// How many characters of `pattern`, behind its `[`, make up a set that `c` is in; none if it is not.
fn set(pattern: &[char], c: char) -> Option<usize> {
    let negated = matches!(pattern.first(), Some('!' | '^'));
    let start = usize::from(negated);
    // A closing bracket right at the start belongs to the set.
    let end = start + 1 + pattern.get(start + 1..)?.iter().position(|c| *c == ']')?;
    let mut members = pattern.get(start..end)?;
    let mut inside = false;
    while let Some((first, rest)) = members.split_first() {
        members = match rest {
            ['-', last, rest @ ..] => {
                inside |= (*first..=*last).contains(&c);
                rest
            }
            rest => {
                inside |= *first == c;
                rest
            }
        };
    }
    (inside != negated).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards() {
        for (pattern, name, expected) in [
            ("*.conf", "a.conf", true),
            ("*.conf", "a.conf.bak", false),
            ("*.conf", ".conf", false),
            (".*", ".conf", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[0-9]*", "10-site", true),
            ("[!0-9]*", "10-site", false),
            ("[]]", "]", true),
            ("[a", "a", false),
            ("a*b*c", "aXbYbZc", true),
            ("", "", true),
            ("*", "", true),
        ] {
            assert_eq!(wildcard(pattern, name), expected, "{pattern} {name}");
        }
        // Many stars stay cheap.
        assert!(!wildcard(&"*a".repeat(30), &"a".repeat(29)));
    }

    #[test]
    fn files_that_are_no_text_are_told_with_their_place() {
        assert_eq!(check(b"Listen 80\n".to_vec()).fault, None);
        let (at, complaint) = check(b"Listen \xff80".to_vec()).fault.unwrap();
        assert_eq!((at, complaint.what.as_ref()), (7, "this is not UTF-8"));
        let (at, complaint) = check(b"a\0b".to_vec()).fault.unwrap();
        assert_eq!((at, complaint.what.as_ref()), (1, "there is a NUL byte here"));
        assert!(check(vec![b'#'; limits::FILE_BYTES]).fault.is_none());
        assert!(check(vec![b'#'; limits::FILE_BYTES + 1]).fault.unwrap().1.what.contains("larger than 16"));
    }

    #[test]
    fn patterns_name_files_in_order_and_folders_all_below_them() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in ["b.conf", "a.conf", "x.txt", ".hidden.conf", "sub/deep/c.conf", "sub/d.conf"] {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        for (pattern, expected) in [
            ("*.conf", vec!["a.conf", "b.conf"]),
            ("a.conf", vec!["a.conf"]),
            ("s*/*.conf", vec!["sub/d.conf"]),
            ("sub", vec!["sub/d.conf", "sub/deep/c.conf"]),
            ("none.conf", vec!["none.conf"]),
            ("*.none", vec![]),
        ] {
            let expected: Vec<_> = expected.into_iter().map(|name| root.join(name)).collect();
            assert_eq!(expand(Some(root), pattern).unwrap(), expected, "{pattern}");
            let absolute = root.join(pattern);
            assert_eq!(expand(None, absolute.to_str().unwrap()).unwrap(), expected, "{pattern}");
        }
        assert!(expand(None, "a.conf").unwrap_err().what.contains("relative"));
        assert!(load(root).unwrap_err().what.contains("no regular file"));
        assert!(load(&root.join("none")).unwrap_err().what.contains("cannot read"));
    }
}
