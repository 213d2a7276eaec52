//! Files of groups, for `Require group`: a line each, `NAME: USER "USER NAME"`, as `mod_authz_groupfile` reads them. A
//! file is read off the worker threads and looked at again once a second; one that cannot be read has nobody come.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use evenkeel_protocol::Moment;
use evenkeel_protocol::word::words;

use crate::clock;
use crate::config::lexer::lines;
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

/// The groups of `user`. Lines are joined as in a configuration, one that starts with `#` says nothing, and within one
/// there are no comments.
fn groups(text: &str, user: &str) -> Vec<String> {
    let of_line = |line: &str| {
        let (name, users) = line.trim_ascii().split_once(':')?;
        // More colons belong to the first.
        let is_in =
            !name.starts_with('#') && words(users.trim_start_matches(':')).iter().any(|word| word == user);
        is_in.then(|| name.trim_ascii_end().to_owned())
    };
    lines(0, text).filter_map(|line| of_line(&line.text)).collect()
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

    #[test]
    fn words_are_quoted_and_lines_joined_as_in_httpd() {
        for (line, users) in [
            ("g: \"anna\" bert", &["anna", "bert"][..]),
            ("g: 'x y' \"q\\\"t\"", &["x y", "q\"t"]),
            ("g: anna\"bert\"", &["anna\"bert\""]),
            ("g: \"anna\"bert", &["anna", "bert"]),
            ("g: \"anna bert", &["anna bert"]),
            ("g: anna # bert", &["anna", "#", "bert"]),
            ("g \\\n :anna", &["anna"]),
            ("g: anna\\\nbert", &["annabert"]),
            ("g:: anna", &["anna"]),
            ("g: b\\\\c", &["b\\c"]),
            (" # g: anna", &[]),
            ("  g:anna\tbert\r\n", &["anna", "bert"]),
        ] {
            for user in
                ["anna", "bert", "x y", "q\"t", "anna\"bert\"", "anna bert", "annabert", "b\\c", "#", ""]
            {
                let wanted: &[&str] = if users.contains(&user) { &["g"] } else { &[] };
                assert_eq!(groups(line, user), wanted, "'{user}' in {line}");
            }
        }
    }
}
