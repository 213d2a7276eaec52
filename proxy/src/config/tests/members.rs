//! Member lines: parameters, names, and lines that httpd takes for another one's.

use std::time::Duration;

use evenkeel_protocol::MemberSettings;

use super::*;

/// The settings of a member with these parameters, and the titles of the warnings.
fn member(parameters: &str) -> Result<(MemberSettings, Vec<String>), String> {
    let text = format!("Listen 80\n<Proxy balancer://b>\nBalancerMember http://h:1 {parameters}\n</Proxy>\n");
    match plain(&text) {
        Ok(config) => {
            let settings = config.balancers[0].members[0].1.clone();
            Ok((settings, config.warnings.into_iter().map(|note| note.title).collect()))
        }
        Err(report) => Err(report.errors[0].title.clone()),
    }
}

fn allows(settings: &MemberSettings, protocol: &str) -> bool {
    settings.connection.upgrade.as_ref().is_some_and(|upgrade| upgrade.allows(protocol))
}

#[test]
fn what_is_taken() {
    type Check = fn(&MemberSettings) -> bool;
    let rows: [(&str, Check); 47] = [
        ("loadfactor=2.5", |m| m.lbfactor.hundredths() == 250),
        ("LOADFACTOR=100", |m| m.lbfactor.hundredths() == 10_000),
        ("loadfactor=2 loadfactor=3", |m| m.lbfactor.hundredths() == 300),
        ("lbset=0", |m| m.lbset.get() == 0),
        ("lbset=99", |m| m.lbset.get() == 99),
        ("route=a.b|c", |m| m.route.as_str() == "a.b|c"),
        ("route=a=b", |m| m.route.as_str() == "a=b"),
        ("\"route=a\"", |m| m.route.as_str() == "a"),
        ("route=a route=", |m| m.route.is_empty()),
        ("redirect=x", |m| m.redirect.as_str() == "x"),
        ("status=+D", |m| m.status.letters() == "OD"),
        ("status=dh", |m| m.status.letters() == "ODH"),
        ("status=+D status=+H", |m| m.status.letters() == "ODH"),
        ("status=+D status=-D", |m| m.status.letters() == "O"),
        ("status=-E", |m| m.status.letters() == "O"),
        ("retry=0", |m| m.retry == 0),
        ("retry=2147483647", |m| m.retry == 2_147_483_647),
        ("timeout=5", |m| m.connection.timeout == Duration::from_secs(5)),
        ("connectiontimeout=100ms", |m| m.connection.connectiontimeout == Some(Duration::from_millis(100))),
        ("connectiontimeout=5", |m| m.connection.connectiontimeout == Some(Duration::from_secs(5))),
        ("ping=2", |m| m.connection.ping == Some(Duration::from_secs(2))),
        ("ping=100ms", |m| m.connection.ping == Some(Duration::from_millis(100))),
        ("lbset=0", |m| m.connection.ping.is_none()),
        ("acquire=5", |m| m.connection.acquire == Some(Duration::from_millis(5))),
        ("acquire=1s", |m| m.connection.acquire == Some(Duration::from_secs(1))),
        ("max=10", |m| m.connection.max == Some(10)),
        ("max=0", |m| m.connection.max.is_none()),
        ("ttl=1", |m| m.connection.ttl == Some(Duration::from_secs(1))),
        ("disablereuse=On", |m| m.connection.disablereuse),
        ("disablereuse=On enablereuse=On", |m| !m.connection.disablereuse),
        ("enablereuse=off", |m| m.connection.disablereuse),
        ("keepalive=on", |m| m.connection.keepalive),
        ("smax=0", |m| m.connection.smax == Some(0)),
        ("smax=5", |m| m.connection.smax == Some(5)),
        ("smax=5 max=3", |m| (m.connection.smax, m.connection.max) == (Some(3), Some(3))),
        ("smax=5 max=0", |m| m.connection.smax == Some(5)),
        ("min=5", |m| *m == MemberSettings::default()),
        ("responsefieldsize=0", |m| m.connection.responsefieldsize.is_none()),
        ("responsefieldsize=1", |m| m.connection.responsefieldsize == Some(1)),
        ("upgrade=WebSocket", |m| allows(m, "websocket") && !allows(m, "foo")),
        ("upgrade=a,b", |m| allows(m, "A") && allows(m, "b") && !allows(m, "websocket")),
        ("\"upgrade=a b\"", |m| allows(m, "b")),
        ("upgrade=any", |m| allows(m, "foo") && !allows(m, "h2c")),
        ("upgrade=NONE", |m| m.connection.upgrade.is_some() && !allows(m, "none")),
        ("upgrade=ANY upgrade=", |m| m.connection.upgrade.is_none()),
        ("", |m| *m == MemberSettings::default()),
        ("# comment", |m| *m == MemberSettings::default()),
    ];
    for (parameters, check) in rows {
        let (settings, _) = member(parameters).unwrap();
        assert!(check(&settings), "{parameters}: {settings:?}");
    }
    assert!(member(&format!("route={}", "x".repeat(63))).is_ok());
}

#[test]
fn what_is_refused_and_why() {
    let factor = "must be a number from 1 to 100";
    for (parameter, why) in [
        ("loadfactor=0.999", factor),
        ("loadfactor=100.01", factor),
        ("loadfactor=", factor),
        ("loadfactor=abc", factor),
        ("lbset=-1", "must be a whole number from 0 to 99"),
        ("lbset=100", "must be a whole number from 0 to 99"),
        ("lbset=4294967296", "must be a whole number from 0 to 99"),
        ("route=a;b", "contains ';'; a route takes visible ASCII characters except \" ; , and \\"),
        ("route=\"a\"", "contains '\"'; a route takes visible ASCII characters except \" ; , and \\"),
        ("status=X", "'X' is no status letter; those are D S I R H E N C U F G O"),
        ("status=+", "needs a letter behind its sign, as in +D or -E"),
        ("status=+D,-E", "',' is no status letter; those are D S I R H E N C U F G O"),
        ("retry=-1", "must be a whole number of seconds, at least 0"),
        ("retry=2147483648", "must be a whole number of seconds, at least 0"),
        ("timeout=0", "must be a whole number of seconds, at least 1"),
        ("timeout=", "must be a whole number of seconds, at least 1"),
        ("timeout=x", "must be a whole number of seconds, at least 1"),
        ("connectiontimeout=0", "must be at least one millisecond"),
        ("connectiontimeout=0.5", "must be a whole number with ms, s, mi or h behind it (without: s)"),
        ("acquire=1m", "must be a whole number with ms, s, mi or h behind it (without: ms)"),
        ("acquire=", "must be a whole number with ms, s, mi or h behind it (without: ms)"),
        ("max=-1", "must be a whole number, at least 0"),
        ("ttl=0", "must be a whole number of seconds, at least 1"),
        ("disablereuse=yes", "must be On or Off"),
        ("keepalive=1", "must be On or Off"),
        ("flushpackets=maybe", "must be on, off or auto"),
        ("flushwait=1001", "must be a whole number of milliseconds from 0 to 1000"),
        ("iobuffersize=5", "must be 0 or at least 512 bytes"),
        ("receivebuffersize=511", "must be 0 or at least 512 bytes"),
        ("responsefieldsize=-1", "must be a whole number of bytes, at least 0"),
        ("min=-1", "must be a whole number, at least 0"),
        ("smax=-1", "must be a whole number, at least 0"),
        ("ping=0", "must be at least one millisecond"),
        ("ping=", "must be a whole number with ms, s, mi or h behind it (without: s)"),
        ("ping=-1", "must be a whole number with ms, s, mi or h behind it (without: s)"),
        ("addressttl=-2", "must be a whole number with ms, s, mi or h behind it (without: s)"),
        ("upgrade=abcdefghijklmnop", "is longer than 15 characters"),
        ("upgrade=a;b", "contains U+003B, which no protocol's name has"),
    ] {
        assert_eq!(member(parameter), Err(format!("{parameter} {why}")), "{parameter}");
    }
    let long = "x".repeat(64);
    assert!(member(&format!("route={long}")).unwrap_err().ends_with("is longer than 63 characters"));
    assert!(member(&format!("secret={long}")).unwrap_err().ends_with("is longer than 63 characters"));
    assert!(member("route=a\u{7}").unwrap_err().contains("control characters"));
    assert!(member("foo=1").unwrap_err().starts_with("'foo' is no parameter"));
    assert!(member("foo").unwrap_err().starts_with("'foo' is neither"));
}

#[test]
fn what_is_taken_and_told() {
    for (parameter, told) in [
        ("timeout=500ms", "timeout=500ms means 500 seconds: what follows the digits is ignored, as in httpd"),
        ("retry=", "retry= means 0 seconds: it starts with no digit, as in httpd"),
        ("lbset=5x", "lbset=5x means 5: what follows the digits is ignored, as in httpd"),
        ("loadfactor=1.239", "loadfactor=1.239 means 1.23: httpd multiplies by 100 and cuts"),
        ("loadfactor=2.3", "loadfactor=2.3 means 2.29: httpd multiplies by 100 and cuts"),
        ("acquire=5million", "acquire=5million means 5mi: only the start of the unit counts, as in httpd"),
        ("status=+E", "status=+E has no effect as to E: the first election lifts it, as in httpd"),
        ("status=-O", "status=-O has no effect as to O (-O): every member is initialised"),
        ("status=", "status= has no effect: there is no letter"),
        ("min=5", "min=5 is not used: no connection is opened before it is needed, as in httpd"),
        (
            "flushpackets=Auto",
            "flushpackets=Auto is not used: parts of an answer are always passed on at once",
        ),
        ("flushwait=0", "flushwait=0 is not used: parts of an answer are always passed on at once"),
        ("iobuffersize=512", "iobuffersize=512 is not used: buffers have the proxy's own size"),
        ("receivebuffersize=0", "receivebuffersize=0 is not used: buffers have the proxy's own size"),
        ("addressttl=-1", "addressttl=-1 is not used: a name is looked up until it resolves, and then kept"),
        ("upgrade=H2C", "upgrade=H2C has no effect as to h2c: behind it requests would pass unseen"),
        ("secret=x", "secret=x is not used: it belongs to ajp members"),
        ("flusher=x", "flusher=x is not used: it belongs to fdpass members"),
    ] {
        let (_, told_now) = member(parameter).unwrap();
        assert_eq!(told_now, [told], "{parameter}");
    }
    let (settings, _) = member("status=+E").unwrap();
    assert_eq!(settings.status.letters(), "O");
}

#[test]
fn members_that_httpd_takes_for_one_are_one() {
    for (what, lines, expected) in [
        ("equal", "http://h:1\nhttp://H:1", vec!["http://h:1"]),
        ("default port", "http://h\nhttp://h:80", vec!["http://h"]),
        ("prefix first", "http://h:1\nhttp://h:1/app2", vec!["http://h:1"]),
        ("prefix last", "http://h:1/app2\nhttp://h:1", vec!["http://h:1/app2", "http://h:1"]),
        ("prefix of a word", "http://h:1/app\nhttp://h:1/application", vec!["http://h:1/app"]),
        ("longer port", "http://h:1\nhttp://h:10", vec!["http://h:1", "http://h:10"]),
        ("longer host", "http://h\nhttp://h2", vec!["http://h", "http://h2"]),
        ("other scheme", "http://h\nws://h", vec!["http://h", "ws://h"]),
        ("same name, other socket", "unix:/a|http://h\nunix:/b|http://h", vec!["unix:/a|http://h"]),
        ("same name, no socket", "unix:/a|http://h\nhttp://h", vec!["unix:/a|http://h"]),
        (
            "same socket, other name",
            "unix:/a|http://h\nunix:/a|http://i",
            vec!["unix:/a|http://h", "unix:/a|http://i"],
        ),
    ] {
        let lines: Vec<_> = lines.lines().map(|url| format!("BalancerMember {url} route=x\n")).collect();
        let lines = lines.concat();
        let config = loaded(&format!("Listen 80\n<Proxy balancer://b>\n{lines}</Proxy>\n"));
        let names: Vec<_> = config.balancers[0].members.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, expected, "{what}");
        assert_eq!(config.warnings.len(), lines.lines().count() - expected.len(), "{what}");
    }
}

#[test]
fn members_may_be_sockets_and_speak_websocket() {
    let config = loaded(
        "Listen 80
        <Proxy balancer://b>
            BalancerMember unix:/run/App.sock|http://App/x route=a
            BalancerMember UNIX:/run/ws.sock|ws://ws:80
            BalancerMember ws://h:80/chat upgrade=NONE
            BalancerMember ws://i upgrade=ANY upgrade=
            BalancerMember http://plain
        </Proxy>",
    );
    let members: Vec<_> = config.balancers[0]
        .members
        .iter()
        .map(|(name, settings)| (name.as_str(), name.unix_path(), allows(settings, "websocket")))
        .collect();
    assert_eq!(
        members,
        [
            ("unix:/run/App.sock|http://app/x", Some("/run/App.sock"), false),
            ("unix:/run/ws.sock|ws://ws", Some("/run/ws.sock"), true),
            ("ws://h/chat", None, false),
            ("ws://i", None, true),
            ("http://plain", None, false),
        ]
    );
    assert_eq!(warnings(&config), [""; 0]);
    let same = loaded(
        "Listen 80\nBalancerMember balancer://b unix:/a|http://h\nBalancerMember balancer://b unix:/b|http://h\n",
    );
    let [note] = same.warnings.as_slice() else { panic!("{:?}", warnings(&same)) };
    assert!(note.remedy.starts_with("sockets are not compared"), "{note}");
}

#[test]
fn other_protocols_are_refused_by_name() {
    for (url, scheme) in [
        ("https://h", "https"),
        ("wss://h", "wss"),
        ("AJP://h:8009", "ajp"),
        ("fcgi://h", "fcgi"),
        ("h2://h", "h2"),
        ("unix:/run/x|https://h", "https"),
        ("unix:/run/x|fcgi://h", "fcgi"),
    ] {
        let found = errors(&format!("Listen 80\nBalancerMember balancer://b \"{url}\"\n"));
        assert_eq!(found, [format!("site.conf:2:29: {scheme} members are not supported yet")], "{url}");
    }
    for url in [
        "h:1",
        "http://",
        "http://h:0",
        "http://h?x=1",
        "gopher://h",
        "http://h\\x",
        "unix:/run/x",
        "unix:run/x|http://h",
        "unix:/run/x|gopher://h",
    ] {
        let found = errors(&format!("Listen 80\nBalancerMember balancer://b {url} timeout=1\n"));
        assert_eq!(found.len(), 1, "{url}: {found:?}");
        assert!(found[0].starts_with("site.conf:2:29: the member's URL"), "{url}: {found:?}");
    }
    let url = format!("http://h/{}", "x".repeat(375));
    assert!(
        errors(&format!("Listen 80\nBalancerMember balancer://b {url}\n"))[0]
            .ends_with("is longer than 383 characters")
    );
}
