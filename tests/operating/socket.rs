//! The run folder and its socket: private, one proxy's, and never in anybody's way.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use evenkeel_protocol::{Code, EventKind};
use harness::prelude::*;

const TEXT: &str = "Listen 127.0.0.1:0\n<Proxy balancer://app>\nBalancerMember http://127.0.0.1:9\n</Proxy>\nProxyPass / balancer://app/\n";

/// Runs a proxy that must not come up with this run folder, and gives what it said.
#[track_caller]
fn refused(run_dir: &Path) -> String {
    let home = folder();
    let configuration = home.path().join("site.conf");
    fs::write(&configuration, TEXT).unwrap();
    let ended = run(
        &evenkeel_proxy(),
        ["-f".as_ref(), configuration.as_os_str(), "--run-dir".as_ref(), run_dir.as_os_str()],
    );
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("--run-dir"), "names no remedy: {}", ended.err);
    ended.err
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o777
}

#[test]
fn the_socket_and_its_folder_are_private() {
    let proxy = proxy(serving(["http://127.0.0.1:9"]));
    assert_eq!((mode(proxy.admin().socket()), mode(&proxy.run_folder())), (0o600, 0o700));
    for entry in fs::read_dir(proxy.run_folder()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path) & 0o077, 0, "{} can be read by others", path.display());
    }
}

#[test]
fn what_is_no_socket_of_ours_is_left_where_it_is() {
    let precious = folder();
    fs::set_permissions(precious.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let socket = precious.path().join("admin.sock");

    fs::write(&socket, "precious").unwrap();
    assert!(refused(precious.path()).contains("admin.sock"));
    assert_eq!(fs::read_to_string(&socket).unwrap(), "precious");

    fs::remove_file(&socket).unwrap();
    let target = precious.path().join("target");
    fs::write(&target, "precious").unwrap();
    symlink(&target, &socket).unwrap();
    refused(precious.path());
    assert_eq!(fs::read_link(&socket).unwrap(), target);
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
}

#[test]
fn a_dead_socket_is_taken_over() {
    let home = folder();
    let run_dir = home.path().join("run");
    fs::create_dir(&run_dir).unwrap();
    fs::set_permissions(&run_dir, fs::Permissions::from_mode(0o700)).unwrap();
    drop(UnixListener::bind(run_dir.join("admin.sock")).unwrap());
    let proxy = Proxy::start(home, TEXT);
    assert_eq!(proxy.snapshot().proxy.pid, proxy.pid());
}

#[test]
fn a_live_socket_is_not_taken() {
    let home = folder();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let listener = UnixListener::bind(home.path().join("admin.sock")).unwrap();
    refused(home.path());
    assert!(home.path().join("admin.sock").exists());
    drop(listener);
}

#[test]
fn two_proxies_do_not_share_a_run_folder_and_the_first_does_not_notice() {
    let [a] = backends(["a"]);
    let first = proxy(serving([&a]));
    let said = refused(&first.run_folder());
    assert!(said.contains("another proxy"), "{said}");
    assert_eq!((visits(&first, 1).as_str(), first.snapshot().proxy.pid), ("a", first.pid()));
}

#[test]
fn a_folder_that_others_may_write_to_is_refused() {
    let home = folder();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o777)).unwrap();
    refused(home.path());
    assert!(!home.path().join("admin.sock").exists());
}

#[test]
fn a_path_that_no_socket_can_have_is_refused_with_the_reason() {
    let home = folder();
    let deep = home.path().join("x".repeat(110));
    assert!(refused(&deep).contains("107"));
}

#[test]
fn a_run_folder_that_cannot_be_made_is_refused_with_the_reason() {
    let home = folder();
    let file = home.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(refused(&file.join("run")).contains("file"));
}

#[test]
fn the_socket_for_looking_shows_everything_and_changes_nothing() {
    let [a, b] = backends(["a", "b"]);
    let proxy = proxy(serving([format!("{a} route=a"), format!("{b} route=b")]));
    let socket = proxy.run_folder().join("read.sock");
    let reading = Admin::at(&socket);
    let seen: evenkeel_protocol::Snapshot = reading.ask("GET", "/v1/snapshot", "").message();
    assert_eq!(seen.balancers, proxy.snapshot().balancers);
    let member = "/v1/balancers/app/members/a";
    assert_eq!(reading.ask("PATCH", &format!("{member}?dry_run=true"), r#"{"drain":true}"#).status, 200);
    for (method, path, json) in [
        ("PATCH", member, r#"{"drain":true,"force":true}"#),
        ("PATCH", "/v1/balancers/app", r#"{"timeout":1}"#),
        ("POST", "/v1/undo", ""),
        ("POST", "/v1/reload", ""),
    ] {
        assert_eq!(reading.ask(method, path, json).refusal().code, Code::ReadOnly, "{method} {path}");
    }
    let socket = socket.display().to_string();
    let ended = run(&evenkeel(), ["--socket", &socket, "drain", "app/a"]).with_code(9);
    assert!(ended.err.contains("only lets look"), "{ended:?}");
    run(&evenkeel(), ["--socket", &socket, "status"]).with_code(0);
    assert_eq!(proxy.member("app", "a").words, "Init Ok");
    let refused: Vec<(String, Option<bool>)> = proxy
        .admin()
        .events(0)
        .into_iter()
        .filter_map(|event| match event.kind {
            EventKind::EditRefused(it) if it.code == Code::ReadOnly => Some((
                it.subject.member.map_or_else(String::new, |name| name.to_string()),
                it.by.map(|by| by.pid.is_some()),
            )),
            _ => None,
        })
        .collect();
    let name = proxy.member("app", "a").name.to_string();
    assert_eq!(refused.first(), Some(&(name, Some(true))), "who tried is known: {refused:?}");
    assert_eq!(refused.get(1).map(|(name, _)| name.as_str()), Some(""), "of the balancer: {refused:?}");
}
