//! The file that is shared with other processes, httpd's among them.

use std::fs;
use std::path::Path;

use super::*;

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// As another process does it: written beside, then renamed.
fn replace(path: &Path, text: &str) {
    let beside = path.with_extension("other");
    fs::write(&beside, text).unwrap();
    fs::rename(beside, path).unwrap();
}

/// A file written by httpd's `mod_heartmonitor` decides, as with its lbmethod.
#[test]
fn a_file_of_another_process_is_read_again_and_again() {
    let folder = folder();
    let path = folder.path().join("hb.dat");
    let lines = format!("HeartbeatStorage {}", path.display());
    let (proxy, [first, second]) = heard(&lines);
    assert_eq!(visits(&proxy, 2), "12", "there is no file yet");
    let line = |number: u8, slots: &str, seen: &str| format!("{} &{slots}{seen}&port=80\n", address(number));
    replace(&path, &(line(1, "ready=0&busy=9", "&lastseen=1") + &line(2, "ready=7&busy=1", "&lastseen=2")));
    until_heard(&proxy, &first, (0, 9));
    until_heard(&proxy, &second, (7, 1));
    assert_eq!(visits(&proxy, 20), "2".repeat(20));
    assert_eq!(proxy.member("app", &second).heard.unwrap().by.name(), "file");
    // What is ten seconds old takes no part; a line that does not say counts as fresh.
    replace(&path, &(line(1, "ready=5&busy=1", "") + &line(2, "ready=7&busy=1", "&lastseen=10")));
    until_heard(&proxy, &first, (5, 1));
    assert!(
        !path.with_extension("tmp").exists() && fs::read_to_string(&path).unwrap().contains("lastseen=10")
    );
}

/// Departure 68: httpd's listener drops from the file who was heard by POST.
#[test]
fn the_file_is_written_as_httpd_writes_it_and_keeps_posts() {
    let (proxy, [first, second]) = heard(
        "HeartbeatListen 127.0.0.1:0\nHeartbeatMaxServers 0\nHeartbeatAllow all\n<Location /hb>\nSetHandler heartbeat\n</Location>",
    );
    let path = proxy.run_folder().join("hb.dat");
    eventually_true("it is written at the start", || path.exists());
    let _pulse = Pulse::of(address(1), hearing_at(&proxy), (5, 2));
    until_heard(&proxy, &first, (5, 2));
    beat(address(2), hearing_at(&proxy), "v=1&ready=3&busy=4&port=8081");
    assert_eq!(browser().send(&proxy, "POST", "/hb", b"ready=6&busy=7").status, 200);
    let written = eventually("all are written", || Some(lines(&path)).filter(|lines| lines.len() == 3));
    let seen = |line: &str| -> u64 {
        line.split('&').find_map(|pair| pair.strip_prefix("lastseen=")).unwrap().parse().unwrap()
    };
    for (line, (number, pairs, port)) in written.iter().zip([
        ("127.0.0.1", "ready=6&busy=7", 80),
        ("127.0.0.11", "ready=5&busy=2", 80),
        ("127.0.0.12", "ready=3&busy=4", 8081),
    ]) {
        assert_eq!(*line, format!("{number} &{pairs}&lastseen={}&port={port}", seen(line)));
        assert!(seen(line) < 10, "{line}");
    }
    let again = eventually("it is written anew", || Some(lines(&path)).filter(|lines| *lines != written));
    assert!(again.iter().any(|line| line.starts_with("127.0.0.1 &ready=6&busy=7")), "{again:?}");
    assert_eq!(proxy.member("app", &second).heard, None, "that was another port");
}

#[test]
fn what_others_write_into_our_file_is_heard_and_kept() {
    let (proxy, [first, second]) = heard("HeartbeatListen 127.0.0.1:0\nHeartbeatMaxServers 0");
    let path = proxy.run_folder().join("hb.dat");
    let _pulse = Pulse::of(address(1), hearing_at(&proxy), (5, 2));
    eventually_true("it is written", || lines(&path).len() == 1);
    replace(&path, &format!("{} &ready=4&busy=1&lastseen=1&port=80\n", address(2)));
    until_heard(&proxy, &second, (4, 1));
    until_heard(&proxy, &first, (5, 2));
    eventually_true("both are written", || lines(&path).len() == 2);
}

#[test]
fn a_restart_reads_what_was_written() {
    let (mut proxy, [first]) = heard("HeartbeatListen 127.0.0.1:0\nHeartbeatMaxServers 0");
    let path = proxy.run_folder().join("hb.dat");
    beat(address(1), hearing_at(&proxy), "v=1&ready=5&busy=2");
    eventually_true("it is written", || lines(&path).len() == 1);
    proxy.kill();
    proxy.restart();
    eventually_equal(&Some((5, 2)), || proxy.member("app", &first).heard.map(|note| (note.ready, note.busy)));
}

#[test]
fn a_file_that_is_none_harms_nobody() {
    let (proxy, [first]) = heard("HeartbeatListen 127.0.0.1:0\nHeartbeatMaxServers 0\nHeartbeatStorage .");
    eventually_true("it is told", || proxy.log().contains("the file of HeartbeatStorage cannot be"));
    let _pulse = Pulse::of(address(1), hearing_at(&proxy), (5, 2));
    until_heard(&proxy, &first, (5, 2));
    assert_eq!(visits(&proxy, 2), "11");
}
