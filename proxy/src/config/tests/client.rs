//! Limits, paces and numbers of clients.

use super::*;

#[test]
fn limits_are_taken_as_httpd_takes_them() {
    type Check = fn(&Config) -> bool;
    let rows: [(&str, Check); 17] = [
        ("LimitRequestLine 100", |c| c.request_limits.line == 100),
        ("LimitRequestLine 1048576", |c| c.request_limits.line == 1_048_576),
        ("LimitRequestFieldSize 30", |c| c.request_limits.field_size == 30),
        ("LimitRequestFields 0", |c| c.request_limits.fields == 0),
        ("LimitRequestFields 2147483647", |c| c.request_limits.fields == 2_147_483_647),
        ("limitrequestbody 0", |c| c.request_limits.body == 0),
        ("MaxRequestWorkers 150", |c| c.max_connections == Some(150)),
        ("MaxClients 1", |c| c.max_connections == Some(1)),
        ("Proxy100Continue Off", |c| !c.continue_100),
        ("BalancerPersist Off", |c| !c.persist),
        ("BalancerPersist Off\nbalancerpersist on", |c| c.persist),
        ("RequestReadTimeout", |c| c.read_timeouts == ReadTimeouts::default()),
        ("RequestReadTimeout header=0", |c| {
            c.read_timeouts.header.is_none() && c.read_timeouts.body.is_some()
        }),
        ("RequestReadTimeout BODY=0,MinRate=5", |c| c.read_timeouts.body.is_none()),
        ("RequestReadTimeout handshake=5", |c| c.read_timeouts == ReadTimeouts::default()),
        ("RequestReadTimeout header=5-6,MinRate=7 body=8", |c| {
            let seconds = Duration::from_secs;
            c.read_timeouts.header
                == Some(Pace { first: seconds(5), most: Some(seconds(6)), min_rate: Some(7) })
                && c.read_timeouts.body == Some(Pace { first: seconds(8), most: None, min_rate: None })
        }),
        ("<IfModule reqtimeout_module>\nRequestReadTimeout body=0\n</IfModule>", |c| {
            c.read_timeouts.body.is_none()
        }),
    ];
    for (line, check) in rows {
        let config = loaded(&format!("Listen 80\n{line}\n"));
        assert!(check(&config), "{line}: {config:?}");
        assert_eq!(warnings(&config), [""; 0], "{line}");
    }
}

#[test]
fn what_is_no_limit_is_refused() {
    for (line, why) in [
        ("LimitRequestLine -1", "'-1' must be a whole number of bytes, at least 0"),
        ("LimitRequestFieldSize 4294967296", "'4294967296' must be a whole number of bytes, at least 0"),
        ("LimitRequestFields -1", "'-1' must be a whole number, at least 0"),
        ("LimitRequestBody -1", "'-1' must be a whole number of bytes, at least 0"),
        ("LimitRequestBody 5k", "'5k' must be a whole number of bytes, at least 0"),
        (
            "LimitRequestBody 9223372036854775808",
            "'9223372036854775808' must be a whole number of bytes, at least 0",
        ),
        ("MaxRequestWorkers 0", "'0' must be a whole number, at least 1"),
        ("Proxy100Continue x", "'x' must be On or Off"),
        ("RequestReadTimeout header", "'header' is not STAGE=SECONDS"),
        ("RequestReadTimeout foo=5", "there is no stage 'foo'"),
        ("RequestReadTimeout header=20-40", "'header=20-40' has two times and no MinRate"),
        (
            "RequestReadTimeout body=20 header=40-20,MinRate=1",
            "'header=40-20,MinRate=1' has a second time that is not greater than the first",
        ),
        (
            "RequestReadTimeout handshake=x",
            "'handshake=x' must be SECONDS, SECONDS,MinRate=BYTES or FIRST-MOST,MinRate=BYTES",
        ),
        ("<Location /x>\nLimitRequestLine 5\n</Location>", "LimitRequestLine is not supported in <Location>"),
        ("<Proxy *>\nLimitRequestBody 5\n</Proxy>", "LimitRequestBody is not supported in <Proxy>"),
    ] {
        let found = errors(&format!("Listen 80\n{line}\n"));
        assert_eq!(found.len(), 1, "{line}: {found:?}");
        assert!(found[0].ends_with(&format!(": {why}")), "{line}: {found:?}");
    }
}

#[test]
fn limits_that_mean_something_else_are_told() {
    let told = |line: &str| warnings(&loaded(&format!("Listen 80\n{line}\n")));
    assert_eq!(
        told("LimitRequestLine 0"),
        ["site.conf:2:18: '0' lets no request through, as in httpd; it does not mean that there is no limit"]
    );
    assert_eq!(
        told("LimitRequestFieldSize 2000000"),
        ["site.conf:2:23: more than 1048576 bytes are not taken here; that is the limit"]
    );
    assert_eq!(
        told("LimitRequestBody 5"),
        ["site.conf:2:1: httpd does not limit bodies that go to members; here this limit holds"]
    );
    assert_eq!(
        told("LimitRequestFields 5x"),
        ["site.conf:2:20: '5x' means 5: what follows the digits is ignored, as in httpd"]
    );
    assert!(strict("Listen 80\nLimitRequestLine 0\n").is_err());
}

#[test]
fn the_last_location_that_fits_limits_a_body() {
    let config = loaded(
        "Listen 80
        <Location /up>
            LimitRequestBody 10
        </Location>
        LimitRequestBody 5
        <Location /up/large>
            LimitRequestBody 0
        </Location>
        <Location /up/large/no>
            LimitRequestBody 20
            LimitRequestBody 7
        </Location>",
    );
    assert_eq!(config.request_limits.body, 5);
    let largest = loaded("Listen 80\nLimitRequestBody 5\nLimitRequestBody 9223372036854775807\n");
    assert_eq!(largest.body_limit("/"), 9_223_372_036_854_775_807);
    for (path, bytes) in
        [("/", 5), ("/upper", 5), ("/up", 10), ("/%75p/x", 10), ("/up/large/x", 0), ("/up/large/no", 7)]
    {
        assert_eq!(config.body_limit(path), bytes, "{path}");
    }
}

#[test]
fn a_limit_in_a_section_for_a_missing_module_is_never_passed_over() {
    for line in ["LimitRequestBody 5", "LimitRequestLine 5", "RequestReadTimeout body=5"] {
        let text = format!("Listen 80\n<IfModule mod_security2.c>\n{line}\n</IfModule>\n");
        let name = line.split(' ').next().unwrap();
        assert_eq!(
            errors(&text),
            [format!("site.conf:3:1: {name} limits requests for every path; this proxy cannot do that yet")]
        );
        assert_eq!(fenced(&text).unwrap().fences.len(), 1);
        assert!(plain(&format!("Listen 80\n<IfDefine NOT>\n{line}\n</IfDefine>\n")).is_ok());
    }
}
