//! The console as one file, in a root folder that holds nothing else: no libraries, no `/etc`, no zones, no certificates.
//!
//! `.ci/one-file` makes it, and `EVENKEEL_ONE_FILE` names another one. What is tried here is what was made last.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use harness::httpd::skipped;
use harness::proxy::folder;
use harness::terminal::console_with;
use tempfile::TempDir;

use super::*;

/// A root folder with the program and nothing else, and what enters it.
struct Root {
    folder: TempDir,
    enter: &'static [&'static str],
}

/// Root may enter another root folder; others may where the system lets them be root among themselves.
const WAYS: [&[&str]; 2] = [&["chroot"], &["unshare", "--map-root-user", "chroot"]];

/// None, and said so, where there is no such program, or no way to enter a root folder.
fn root() -> Option<Root> {
    let own = std::env::var_os("EVENKEEL_ONE_FILE").map(PathBuf::from);
    let beside = |profile: PathBuf| Some(profile.parent()?.parent()?.join("one-file/evenkeel"));
    let Some(file) = own.or_else(|| beside(evenkeel())).filter(|file| file.exists()) else {
        skipped("the console was not linked statically; `.ci/one-file` does that");
        return None;
    };
    let works = |way: &&&[&str]| {
        let tried = Command::new(way[0]).args(&way[1..]).args(["/", "true"]).output();
        tried.is_ok_and(|ran| ran.status.success())
    };
    let Some(enter) = WAYS.iter().find(works) else {
        skipped("no other root folder can be entered here");
        return None;
    };
    let folder = folder();
    let inside = folder.path().join("evenkeel");
    fs::hard_link(&file, &inside).or_else(|_| fs::copy(&file, &inside).map(drop)).unwrap();
    Some(Root { folder, enter })
}

impl Root {
    /// What runs the program there, its arguments included.
    fn words<'a>(&'a self, line: &[&'a str]) -> Vec<&'a str> {
        [self.enter, &[self.folder.path().to_str().unwrap(), "/evenkeel"], line].concat()
    }

    fn run(&self, line: &[&str]) -> Ended {
        let words = self.words(line);
        run(words[0].as_ref(), &words[1..])
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

#[test]
fn it_starts_where_there_is_nothing() {
    let Some(root) = root() else { return };
    let version = root.run(&["--version"]).with_code(0);
    assert!(version.out.starts_with("evenkeel "), "{version:?}");
    root.run(&["man"]).with_code(0);
    let nobody = root.run(&["status"]).with_code(6);
    assert!(nobody.err.contains("no proxy is running"), "{nobody:?}");
}

#[test]
fn it_finds_machines_by_name() {
    let Some(root) = root() else { return };
    let page = of_ours();
    let url = |machine: &str| format!("http://{machine}:{}/balancer-manager", page.address.port());
    let asked = |machine: &str| root.run(&["--apache", &url(machine), "status"]);
    let told = asked("localhost").with_code(0);
    assert!(told.out.contains("balancer://app"), "{told:?}");
    for missing in ["(/dev/random: No such file", "(/etc/resolv.conf: No such file"] {
        let unknown = asked("lb1").with_code(6);
        let why = format!("lb1 is not in /etc/hosts, and no name server can be asked {missing}");
        assert!(unknown.err.contains(&why), "{unknown:?}");
        root.put("dev/random", "");
        root.put("dev/urandom", "");
    }
    root.put("etc/hosts", "127.0.0.1 lb1.example lb1\n");
    assert_eq!(asked("lb1").with_code(0).out, told.out);
    root.run(&["--apache", &url("lb1"), "drain", "app/a"]).with_code(0);
    assert_eq!(page.words("a"), "Init Drn Ok");
}

#[test]
fn without_certificates_it_says_what_helps() {
    let Some(root) = root() else { return };
    let refused = root.run(&["--apache", "https://127.0.0.1:1/balancer-manager", "status"]).with_code(6);
    assert!(refused.err.contains("--cacert FILE"), "{refused:?}");
}

#[test]
fn it_has_a_screen_there() {
    let Some(root) = root() else { return };
    let page = of_ours();
    let url = page.url();
    let words = root.words(&["--apache", &url, "--write"]);
    let terminal = console_with(&words[1..]).program(words[0]).size(120, 30).open();
    terminal.wait_for("● live");
    terminal.keys("d");
    terminal.wait_for("Drain app/a?");
    terminal.keys("y");
    terminal.wait_for("◐ Drn");
    assert_eq!(page.words("a"), "Init Drn Ok");
}
