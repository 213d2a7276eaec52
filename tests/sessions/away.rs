//! Sessions whose member cannot serve from the start, before our proxy and before a real httpd: redirect, standby and
//! nofailover.

use harness::prelude::*;

/// Where a session of this cookie goes, request by request, in both.
#[track_caller]
fn check(name: &str, (members, settings): (&[&str], &str), cookie: &str, wanted: &str) {
    let backends: Vec<Backend> =
        (1..=members.len()).map(|number| Backend::new(&number.to_string())).collect();
    let lines: Vec<String> = backends
        .iter()
        .zip(members)
        .map(|(backend, parameters)| format!("BalancerMember {backend} {parameters}\n"))
        .collect();
    let text = format!(
        "<Proxy balancer://app>\n{}ProxySet stickysession=SID {settings}\n</Proxy>\nProxyPass / balancer://app/",
        lines.concat()
    );
    let ask = |to| {
        let mut client = browser().header("Cookie", cookie);
        let answers = (0..3).map(|_| client.try_send(to, "GET", "/", b"").unwrap().answered_by());
        answers.collect::<String>()
    };
    assert_eq!(ask(proxy(&text).address()), wanted, "ours: {name}");
    if let Some(theirs) = httpd(&text) {
        assert_eq!(ask(theirs.address()), wanted, "httpd's: {name}");
    }
}

/// A row: its name, the members' parameters, the balancer's settings, a cookie, and who answers.
type Row<'a> = (&'a str, &'a [&'a str], &'a str, &'a str, &'a str);

#[test]
fn sessions_whose_member_is_away() {
    let rows: [Row<'_>; 8] = [
        (
            "disabled under nofailover",
            &["route=a", "route=b status=+D", "route=c"],
            "nofailover=On",
            "SID=x.b",
            "[503][503][503]",
        ),
        (
            "stopped under nofailover",
            &["route=a", "route=b status=+S", "route=c"],
            "nofailover=On",
            "SID=x.b",
            "[503][503][503]",
        ),
        (
            "draining under nofailover",
            &["route=a", "route=b status=+N", "route=c"],
            "nofailover=On",
            "SID=x.b",
            "222",
        ),
        (
            "an unknown route under nofailover",
            &["route=a", "route=b status=+D", "route=c"],
            "nofailover=On",
            "SID=x.zz",
            "131",
        ),
        ("disabled, free to move", &["route=a", "route=b status=+D", "route=c"], "", "SID=x.b", "131"),
        ("a spare has sessions", &["route=a", "route=b status=+R", "route=c"], "", "SID=x.b", "222"),
        ("another set has sessions", &["route=a", "route=b lbset=3", "route=c"], "", "SID=x.b", "222"),
        ("two with the same route: the first", &["route=a", "route=b", "route=b"], "", "SID=x.b", "222"),
    ];
    for (name, members, settings, cookie, wanted) in rows {
        check(name, (members, settings), cookie, wanted);
    }
}

#[test]
fn redirects() {
    let rows: [Row<'_>; 9] = [
        (
            "unused while the member serves",
            &["route=a", "route=b redirect=c", "route=c"],
            "",
            "SID=x.b",
            "222",
        ),
        ("followed", &["route=a", "route=b redirect=c status=+D", "route=c"], "", "SID=x.b", "333"),
        (
            "under nofailover too",
            &["route=a", "route=b redirect=c status=+D", "route=c"],
            "nofailover=On",
            "SID=x.b",
            "333",
        ),
        (
            "to one that drains",
            &["route=a", "route=b redirect=c status=+D", "route=c status=+N"],
            "",
            "SID=x.b",
            "333",
        ),
        (
            "not for one that drains itself",
            &["route=a", "route=b redirect=c status=+N", "route=c"],
            "",
            "SID=x.b",
            "222",
        ),
        (
            "to one that is away",
            &["route=a", "route=b redirect=c status=+D", "route=c status=+D"],
            "",
            "SID=x.b",
            "111",
        ),
        (
            "to one that is away, nofailover",
            &["route=a", "route=b redirect=c status=+D", "route=c status=+D"],
            "nofailover=On",
            "SID=x.b",
            "[503][503][503]",
        ),
        (
            "in a circle",
            &["route=a", "route=b redirect=c status=+D", "route=c redirect=b status=+D"],
            "",
            "SID=x.b",
            "111",
        ),
        ("not for free requests", &["route=a", "route=b redirect=c status=+D", "route=c"], "", "", "131"),
    ];
    for (name, members, settings, cookie, wanted) in rows {
        check(name, (members, settings), cookie, wanted);
    }
}

#[test]
fn standbys_with_the_route_of_another() {
    let rows: [Row<'_>; 4] = [
        ("takes over", &["route=a status=+D", "route=b", "route=a status=+H"], "", "SID=x.a", "333"),
        (
            "under nofailover too",
            &["route=a status=+D", "route=b", "route=a status=+H"],
            "nofailover=On",
            "SID=x.a",
            "333",
        ),
        ("not while the other serves", &["route=a status=+H", "route=b", "route=a"], "", "SID=x.a", "333"),
        (
            "by redirect",
            &["route=a status=+D redirect=s", "route=b", "route=s status=+H"],
            "nofailover=On",
            "SID=x.a",
            "333",
        ),
    ];
    for (name, members, settings, cookie, wanted) in rows {
        check(name, (members, settings), cookie, wanted);
    }
}
