//! The start of the proxy: ports that are taken, options that are wrong, several proxies side by side.

use std::fs;
use std::net::TcpListener;
use std::process::{Command, Stdio};

use harness::prelude::*;
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

const SOME: &str =
    "<Proxy balancer://app>\nBalancerMember http://127.0.0.1:9\n</Proxy>\nProxyPass / balancer://app/\n";

/// Starts a proxy that must not come up; gives what it said, and sees to it that nothing is left.
#[track_caller]
fn refused(text: &str) -> String {
    let home = folder();
    let configuration = home.path().join("site.conf");
    fs::write(&configuration, text).unwrap();
    let run_dir = home.path().join("run");
    let ended = run(
        &evenkeel_proxy(),
        ["-f".as_ref(), configuration.as_os_str(), "--run-dir".as_ref(), run_dir.as_os_str()],
    );
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(ended.out, "");
    assert!(!run_dir.join("admin.sock").exists(), "a start that failed left its socket behind");
    ended.err
}

#[test]
fn a_port_in_use_is_refused_and_named() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    let said = refused(&format!("Listen {address}\n{SOME}"));
    assert!(said.contains(&address.to_string()) && said.contains("in use"), "{said}");
}

#[test]
fn a_port_that_another_process_shares_is_refused_too() {
    let other = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    other.set_reuse_port(true).unwrap();
    other.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    other.listen(8).unwrap();
    let address = other.local_addr().unwrap().as_socket().unwrap();
    let said = refused(&format!("Listen {address}\n{SOME}"));
    assert!(said.contains(&address.to_string()), "{said}");
}

#[test]
fn the_same_port_twice_is_refused() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    refused(&format!("Listen {free}\nListen {free}\n{SOME}"));
}

#[test]
fn several_listeners_serve_the_same() {
    let [a] = backends(["a"]);
    let proxy = proxy(format!("Listen 127.0.0.1:0\nListen 127.0.0.1:0\n{}", serving([&a])));
    let addresses = proxy.addresses();
    assert_eq!(addresses.len(), 2);
    for address in addresses {
        assert_eq!(browser().try_send(address, "GET", "/", b"").unwrap().answered_by(), "a");
    }
}

#[test]
fn several_proxies_live_side_by_side() {
    let [a, b] = backends(["a", "b"]);
    let first = proxy(serving([&a]));
    let second = proxy(serving([&b]));
    assert_eq!((visits(&first, 1).as_str(), visits(&second, 1).as_str()), ("a", "b"));
    first.stop();
    assert_eq!(visits(&second, 1), "b");
}

#[test]
fn wrong_options_are_usage_errors() {
    for arguments in [&["--no-such-option"][..], &[], &["-f"], &["-f", "x", "--threads", "0"]] {
        let ended = run(&evenkeel_proxy(), arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?}: {ended:?}");
        assert!(ended.err.contains("--help"), "{arguments:?}: {}", ended.err);
    }
    let help = run(&evenkeel_proxy(), ["--help"]).with_code(0);
    assert!(help.out.contains("--run-dir"), "{}", help.out);
    let version = run(&evenkeel_proxy(), ["--version"]).with_code(0);
    assert!(version.out.starts_with("evenkeel-proxy "), "{}", version.out);
}

#[test]
fn a_proxy_needs_little_memory_also_with_many_members() {
    let members = (0..200).map(|number| format!("http://127.0.0.1:9/{number:03} route=r{number}"));
    let proxy = proxy(serving(members));
    assert_eq!(proxy.balancer("app").members.len(), 200);
    assert!(proxy.rss() < 60_000, "{} KiB", proxy.rss());
}

#[test]
fn a_name_that_nobody_needs_is_not_looked_up() {
    let proxy = proxy(
        "<Proxy balancer://app>
            BalancerMember unix:/nowhere/app.sock|http://behind.invalid
            BalancerMember http://needed.invalid
        </Proxy>
        ProxyPass / balancer://app",
    );
    // Members are looked up in their order.
    eventually_true("the name that is needed is missed", || {
        proxy.log().contains("the name needed.invalid does not resolve")
    });
    assert!(!proxy.log().contains("behind.invalid does not resolve"), "{}", proxy.log());
}

#[test]
fn of_two_proxies_that_start_on_one_port_at_the_same_moment_one_comes_up() {
    for round in 0..5 {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let homes = [folder(), folder()];
        let mut children = homes.each_ref().map(|home| {
            let configuration = home.path().join("site.conf");
            fs::write(&configuration, format!("Listen {free}\n{SOME}")).unwrap();
            let mut command = Command::new(evenkeel_proxy());
            command.arg("-f").arg(configuration).arg("--run-dir").arg(home.path().join("run"));
            command.stderr(Stdio::null()).spawn().unwrap()
        });
        let up = |home: &TempDir| {
            Admin::at(&home.path().join("run").join("admin.sock")).try_ask("GET", "/v1", "").is_ok()
        };
        let ended = eventually("each is up or has ended", || {
            let ended = children.each_mut().map(|child| child.try_wait().unwrap());
            let decided = homes.iter().zip(&ended).all(|(home, ended)| ended.is_some() || up(home));
            decided.then_some(ended)
        });
        for child in &mut children {
            drop(child.kill());
            drop(child.wait());
        }
        let mut codes: Vec<_> = ended.iter().map(|ended| ended.and_then(|status| status.code())).collect();
        codes.sort_unstable();
        assert_eq!(codes, [None, Some(1)], "round {round}: none is one that came up");
    }
}

#[test]
fn what_carries_traffic_is_more_urgent_than_what_is_no_request() {
    let [backend] = backends(["a"]);
    let proxy = proxy(format!(
        "<Proxy balancer://app>\nBalancerMember {backend}\n</Proxy>\nProxyPass / balancer://app/"
    ));
    let nice = |thread: &str| -> i32 {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", proxy.pid())).unwrap();
        let stat = |path: std::path::PathBuf| std::fs::read_to_string(path.join("stat")).ok();
        let stats = tasks.filter_map(|task| stat(task.unwrap().path()));
        let found = stats.filter(|stat| stat.contains(&format!("({thread})"))).map(|stat| {
            let (_, behind) = stat.rsplit_once(')').unwrap();
            behind.split_whitespace().nth(16).unwrap().parse().unwrap()
        });
        found.last().unwrap()
    };
    let traffic = nice("worker-0");
    eventually_true("the control thread steps back", || nice("control") == (traffic + 10).min(19));
}
