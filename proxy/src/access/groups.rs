//! Files of groups, for `Require group`: a line each, `NAME: USER USER`, as httpd reads them. A file is read off the
//! worker threads and looked at again once a second; one that cannot be read has nobody come.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use evenkeel_protocol::Moment;

use crate::clock;
use crate::limits;

/// What was read lately.
#[derive(Debug, Default)]
pub(super) struct Groups(Mutex<HashMap<PathBuf, (Arc<str>, Moment)>>);

impl Groups {
    /// The groups of a user; none: the file cannot be read.
    pub(super) async fn of(&self, file: &Path, user: &str) -> Option<Vec<String>> {
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let remembered = known().get(file).cloned();
        let recent = |asked: Moment| clock::now().since(asked) < limits::USERS_LOOKED_AT_EVERY;
        if let Some((text, _)) = remembered.filter(|(_, asked)| recent(*asked)) {
            return Some(groups(&text, user));
        }
        let path = file.to_owned();
        let Ok(Ok(text)) = tokio::task::spawn_blocking(move || read(&path)).await else {
            known().remove(file);
            return None;
        };
        // As many files as the configuration names.
        known().insert(file.to_owned(), (Arc::clone(&text), clock::now()));
        Some(groups(&text, user))
    }
}

fn read(path: &Path) -> std::io::Result<Arc<str>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limits::USER_FILE).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into())
}

/// As in httpd: names are parted by blanks, and a line that starts with `#` says nothing.
fn groups(text: &str, user: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let named = lines.filter_map(|line| line.split_once(':'));
    let own = named.filter(|(_, users)| users.split_ascii_whitespace().any(|known| known == user));
    own.map(|(name, _)| name.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_in_every_group_that_names_it() {
        let text = "# comment: anna\nadmin: anna  bert\n\nops : carl\nempty:\nnone anna\nops: anna\n";
        for (user, expected) in [
            ("anna", &["admin", "ops"][..]),
            ("bert", &["admin"]),
            ("carl", &["ops"]),
            ("", &[]),
            ("ann", &[]),
        ] {
            assert_eq!(groups(text, user), expected, "{user}");
        }
    }
}
