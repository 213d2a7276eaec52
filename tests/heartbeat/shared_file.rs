//! The file between Evenkeel and a real httpd, in both directions.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use harness::httpd::httpd_with;

use super::*;

/// A folder in which httpd's own user may write.
fn open_folder() -> tempfile::TempDir {
    let folder = folder();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    folder
}

#[test]
fn what_httpds_monitor_writes_decides_our_picks() {
    let folder = open_folder();
    let path = folder.path().join("hb.dat");
    // What is posted to httpd stands in its file at once, until its listener writes it anew.
    let Some(httpd) = httpd_with(
        &["heartmonitor"],
        format!(
            "HeartbeatListen 239.255.77.9:27999\nHeartbeatMaxServers 0\nHeartbeatStorage {}\n\
             <Location /hb>\nSetHandler heartbeat\n</Location>",
            path.display()
        ),
    ) else {
        return;
    };
    // All clients of httpd come from the address of the first.
    let backends = [Backend::new("1"), Backend::at(address(2), "2")];
    let proxy = proxy(site(&format!("HeartbeatStorage {}", path.display()), &backends));
    let member = proxy.balancer("app").members[0].name.clone();
    let note = eventually("it is heard", || {
        let answer = browser().try_send(httpd.address(), "POST", "/hb", b"ready=6&busy=2").unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (200, "OK"));
        proxy.member("app", member.as_str()).heard
    });
    assert_eq!((note.ready, note.busy, note.by.name()), (6, 2, "file"));
    // The files that httpd left meanwhile may be stale or empty; what was heard last counts for ten seconds.
    let answer = browser().try_send(httpd.address(), "POST", "/hb", b"ready=7&busy=2").unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(visits(&proxy, 5), "11111");
}

#[test]
fn what_we_write_decides_httpds_picks() {
    let folder = open_folder();
    let path = folder.path().join("hb.dat");
    let lines =
        format!("HeartbeatListen 127.0.0.1:0\nHeartbeatMaxServers 0\nHeartbeatStorage {}", path.display());
    let (proxy, backends) = heard::<2>(&lines);
    let _pulses = pulses(&proxy, hearing_at(&proxy), &backends, &[(0, 9), (9, 1)]);
    let members: Vec<String> = backends.iter().map(|backend| format!("BalancerMember {backend}")).collect();
    let Some(httpd) = httpd_with(
        &["lbmethod_heartbeat"],
        format!(
            "HeartbeatStorage {}\n<Proxy balancer://app>\n{}\nProxySet lbmethod=heartbeat\n</Proxy>\n\
             ProxyPass / balancer://app/",
            path.display(),
            members.join("\n")
        ),
    ) else {
        return;
    };
    eventually_true("both are written", || {
        fs::read_to_string(&path).unwrap_or_default().lines().count() == 2
    });
    assert_eq!(httpd.visits("/", 20), "2".repeat(20));
    assert_eq!(visits(&proxy, 20), "2".repeat(20));
}
