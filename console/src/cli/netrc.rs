//! `~/.netrc`: names and passwords for hosts, as curl and ftp read them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use evenkeel_protocol::clean::clean;

use crate::client::apache::Credentials;

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// The file that `NETRC` names, else the one in the home folder.
pub(super) fn path() -> Option<PathBuf> {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    named("NETRC").or_else(|| Some(named("HOME")?.join(".netrc")))
}

/// Whom the file knows at `machine`, if `name` is left open or is that one.
///
/// # Errors
///
/// The file is there and cannot be read.
pub(super) fn look_up(file: &Path, machine: &str, name: Option<&str>) -> Result<Option<Credentials>, String> {
    let unreadable =
        |why: &dyn std::fmt::Display| format!("{}: {why}", clean(&file.display().to_string(), 200));
    match fs::metadata(file) {
        Ok(about) if about.len() > LARGEST => {
            return Err(unreadable(&format_args!("it is larger than {LARGEST} bytes")));
        }
        Ok(_) => {}
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(unreadable(&why)),
    }
    let text = fs::read_to_string(file).map_err(|why| unreadable(&why))?;
    Ok(find(&text, machine, name))
}

/// The first entry that fits; `default` fits every machine.
fn find(text: &str, machine: &str, name: Option<&str>) -> Option<Credentials> {
    let mut entry: Option<(Option<String>, Option<String>)> = None;
    let fitting = |entry: Option<(Option<String>, Option<String>)>| {
        let (login, password) = entry?;
        let login = login.or_else(|| name.map(str::to_owned))?;
        let fits = name.is_none_or(|name| name == login);
        Some(Credentials { name: login, password: password? }).filter(|_| fits)
    };
    let mut words = words(text).into_iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "machine" | "default" => {
                if let Some(found) = fitting(entry.take()) {
                    return Some(found);
                }
                let fits = word == "default"
                    || words.next().is_some_and(|named| named.eq_ignore_ascii_case(machine));
                entry = fits.then_some((None, None));
            }
            "login" | "password" | "account" => {
                let value = words.next();
                if let Some((login, password)) = &mut entry {
                    match word.as_str() {
                        "login" => *login = value,
                        "password" => *password = value,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    fitting(entry)
}

/// The words of the file: comments and macros left out, a word in double quotes as one.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut within_macro = false;
    for line in text.lines() {
        if within_macro {
            // A macro ends with an empty line.
            within_macro = !line.trim().is_empty();
            continue;
        }
        let mut characters = line.chars().peekable();
        while let Some(c) = characters.next() {
            match c {
                '#' => break,
                '"' => {
                    let mut word = String::new();
                    while let Some(c) = characters.next().filter(|c| *c != '"') {
                        word.extend(if c == '\\' { characters.next() } else { Some(c) });
                    }
                    words.push(word);
                }
                c if c.is_whitespace() => {}
                c => {
                    let mut word = String::from(c);
                    while let Some(c) = characters.next_if(|c| !c.is_whitespace()) {
                        word.push(c);
                    }
                    within_macro |= word == "macdef";
                    words.push(word);
                }
            }
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# mine\nmachine lb1 login anna password s3cret\n\
        machine lb2\n  login \"an na\"\n  password \"a \\\"b\\\" c\"\n  account x\n\
        macdef init\nmachine lb1 login evil password evil\n\n\
        machine lb1 login bert password other\nmachine lb3 login nobody\ndefault login guest password guest\n";

    #[test]
    fn the_first_entry_that_fits_is_taken() {
        for (machine, name, found) in [
            ("lb1", None, Some(("anna", "s3cret"))),
            ("LB1", Some("bert"), Some(("bert", "other"))),
            ("lb2", None, Some(("an na", "a \"b\" c"))),
            ("lb2", Some("anna"), None),
            ("lb3", None, Some(("guest", "guest"))),
            ("elsewhere", Some("guest"), Some(("guest", "guest"))),
        ] {
            let credentials = find(FILE, machine, name);
            let told = credentials.as_ref().map(|known| (known.name.as_str(), known.password.as_str()));
            assert_eq!(told, found, "{machine} {name:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_to_its_end(text in ".{0,200}") {
            let _ = find(&text, "lb1", None);
        }
    }

    #[test]
    fn no_file_is_no_entry_and_a_folder_is_an_error() {
        assert_eq!(look_up(Path::new("/nonexistent/netrc"), "lb1", None), Ok(None));
        assert!(look_up(Path::new("/"), "lb1", None).unwrap_err().starts_with("/: "));
    }
}
