//! Lines about heartbeats.

use super::*;

/// A balancer that elects by heartbeats, below `lines`.
fn site(lines: &str, members: &str) -> String {
    format!("Listen 80\n{lines}\n<Proxy balancer://b>\n{members}\nProxySet lbmethod=heartbeat\n</Proxy>\n")
}

#[test]
fn heartbeats_are_listened_for_and_kept() {
    type Check = fn(&HeartbeatConfig) -> bool;
    let rows: [(&str, Check); 11] = [
        ("", |c| c.listen.is_none() && c.max_servers == Some(10) && !c.reads_storage && c.allow.is_none()),
        ("HeartbeatListen 239.0.0.1:27999", |c| {
            c.listen == "239.0.0.1:27999".parse().ok() && !c.reads_storage && !c.writes_storage()
        }),
        ("heartbeatlisten [ff02::1]:5", |c| c.listen == "[ff02::1]:5".parse().ok()),
        ("HeartbeatMaxServers 0", |c| c.max_servers.is_none() && c.reads_storage && !c.writes_storage()),
        ("HeartbeatListen 127.0.0.1:5\nHeartbeatMaxServers 0", |c| c.reads_storage && c.writes_storage()),
        ("HeartbeatMaxServers 10", |c| c.max_servers == Some(10)),
        ("HeartbeatMaxServers 100000", |c| c.max_servers == Some(100_000)),
        ("HeartbeatStorage /x/hb.dat", |c| c.reads_storage && c.storage == Path::new("/x/hb.dat")),
        ("HeartbeatStorage a\nHeartbeatStorage b", |c| c.storage == Path::new("b")),
        ("HeartbeatAllow 10.0.0.1 10.2\nHeartbeatAllow ::1", |c| {
            c.allow.as_ref().is_some_and(|it| it.len() == 3)
        }),
        ("<IfModule heartmonitor_module>\nHeartbeatAllow ALL\n</IfModule>", |c| {
            c.allow.as_ref().is_some_and(|it| it.len() == 2)
        }),
    ];
    for (lines, check) in rows {
        let config = loaded(&format!("Listen 80\n{lines}\n"));
        assert!(check(&config.heartbeat), "{lines}: {:?}", config.heartbeat);
        assert_eq!(warnings(&config), [""; 0], "{lines}");
    }
}

#[test]
fn what_httpd_refuses_is_refused_with_its_place() {
    for (lines, why) in [
        ("HeartbeatListen 239.0.0.1", "2:17: '239.0.0.1' has no port"),
        ("HeartbeatListen :27999", "2:17: ':27999' has no address"),
        ("HeartbeatListen 27999", "2:17: '27999' has no address"),
        ("HeartbeatListen *:27999", "2:17: '*:27999' has no address"),
        ("HeartbeatListen h:27999", "2:17: 'h:27999' is no IP address with a port; names are not resolved"),
        ("HeartbeatListen", "2:1: HeartbeatListen needs more arguments"),
        (
            "HeartbeatListen 239.0.0.1:1\nHeartbeatListen 239.0.0.1:1",
            "3:1: HeartbeatListen may stand only once",
        ),
        (
            "<Location /x>\nHeartbeatListen 239.0.0.1:1\n</Location>",
            "3:1: HeartbeatListen is not supported in <Location>",
        ),
        ("HeartbeatMaxServers 9", "2:21: '9' must be 0 or at least 10, as in httpd"),
        ("HeartbeatMaxServers -1", "2:21: '-1' must be a whole number from 0 to 100000"),
        ("HeartbeatMaxServers 100001", "2:21: '100001' must be a whole number from 0 to 100000"),
        ("HeartbeatAllow node1", "2:16: 'node1' is neither an address nor a network"),
        ("HeartbeatAllow 10.0.0.0/33", "2:16: '10.0.0.0/33' has more bits than an address"),
        ("SetHandler heartbeat", "2:1: the handler heartbeat would answer every request here"),
        ("<Location /x>\nSetHandler Heartbeat\n</Location>", "3:1: there is no handler 'Heartbeat'"),
    ] {
        assert_eq!(errors(&format!("Listen 80\n{lines}\n")), [format!("site.conf:{why}")], "{lines}");
    }
    let strictly = strict("Listen 80\nHeartbeatMaxServers x\n").unwrap_err();
    assert!(strictly.to_string().contains("'x' means 0"), "{strictly}");
}

#[test]
fn what_cannot_work_is_told() {
    let two = "BalancerMember http://10.0.0.1\nBalancerMember http://10.0.0.2";
    let many: Vec<String> = (1..=11).map(|at| format!("BalancerMember http://10.0.0.{at}")).collect();
    let many = many.join("\n");
    let named: Vec<String> = (1..=9).map(|at| format!("BalancerMember http://n{at}")).collect();
    let named = named.join("\n");
    let listen = "HeartbeatListen 239.0.0.1:1";
    for (text, told) in [
        (
            site("", two),
            "3:1: balancer://b has lbmethod=heartbeat, and nothing listens for heartbeats: it elects by requests",
        ),
        (
            site(listen, &named),
            "3:1: no heartbeat is known to be of http://n1, http://n2, http://n3, http://n4, http://n5, http://n6, \
             http://n7, http://n8 and 1 more: as in httpd they are known by address",
        ),
        (
            site(listen, &many),
            "2:1: members that are elected by heartbeats have 11 addresses, and 10 are remembered",
        ),
        (
            site("HeartbeatListen 239.0.0.1:1\nHeartbeatStorage /x", two),
            "3:1: the file is not used, as in httpd: heartbeats are kept in memory",
        ),
        (
            "Listen 80\n<Location /hb>\nSetHandler heartbeat\n</Location>\n".to_owned(),
            "3:1: /hb answers 503, as in httpd, because nothing is listened for",
        ),
    ] {
        assert_eq!(warnings(&loaded(&text)), [format!("site.conf:{told}")], "{text}");
    }
    for text in [
        site(listen, two),
        site("HeartbeatStorage /x", two),
        site(&format!("{listen}\nHeartbeatMaxServers 0\nHeartbeatStorage /x"), &many),
        format!("Listen 80\n{listen}\n<Location /hb>\nSetHandler heartbeat\n</Location>\n"),
        "Listen 80\n<Location /hb>\nSetHandler heartbeat\nSetHandler none\n</Location>\n".to_owned(),
    ] {
        assert_eq!(warnings(&loaded(&text)), [""; 0], "{text}");
    }
}

#[test]
fn a_rule_of_access_on_the_handler_is_never_passed_over() {
    let text = "Listen 80\nHeartbeatListen 239.0.0.1:1\n<Location /hb>\nSetHandler heartbeat\nRequire expr x\n</Location>\n";
    assert_eq!(
        errors(text),
        ["site.conf:5:1: Require restricts access for /hb; this proxy cannot do that yet"]
    );
    let config = fenced(text).unwrap();
    assert!(
        config.handlers.find("/hb") == Handler::Heartbeat
            && config.fences.iter().any(|fence| fence.covers("/hb", None))
    );
}
