//! Each directive: what it takes, what it refuses, and where it may stand.

use super::*;

/// The errors of a line put at the top level of a configuration that is fine otherwise.
fn at_top(line: &str) -> Vec<String> {
    errors(&format!(
        "{line}\nListen 127.0.0.1:1\n<Proxy balancer://b>\nBalancerMember http://h:1\n</Proxy>\n"
    ))
}

#[test]
fn what_is_taken_at_the_top_level() {
    for line in [
        "Listen 80",
        "Listen *:80",
        "Listen [::1]:80 http",
        "Listen 0",
        "listen 127.0.0.1:0",
        "ServerName a",
        "ServerName http://a.example.com:80",
        "ServerName [::1]:80",
        "Timeout 1",
        "Timeout 5s",
        "ProxyTimeout 2147483647",
        "KeepAlive on",
        "KeepAliveTimeout 0",
        "KeepAliveTimeout 100ms",
        "MaxKeepAliveRequests 0",
        "ProxyPreserveHost On",
        "ProxyAddHeaders Off",
        "ProxyVia full",
        "ProxyRequests Off",
        "ProxyPass /x balancer://b",
        "ProxyPass /x/ balancer://B/y/ nocanon timeout=3",
        "ProxyPass /x !",
        "ProxyPassReverse /x balancer://b",
        "ProxyPassReverse /x http://h:1/y",
        "BalancerMember balancer://b http://h:2 route=a",
        "BalancerMember balancer://new/x route=a http://h:2",
        "<Proxy balancer://b/y timeout=3>\n</Proxy>",
        "<Proxy *>\nRequire all granted\n</Proxy>",
        "<proxy 'balancer://b'>\n</PROXY>",
        "<Location /x> # why\n</Location>",
        "<Directory />\nRequire all denied\nNonsense\n</Directory>",
        "Require all granted",
        "RewriteEngine Off",
        "SSLEngine off",
        "<Location /m>\nSetHandler balancer-manager\nRequire local\n</Location>",
        "Define A b",
        "Define A",
        "User www-data",
        "StartServers 1",
        "  # comment \\\n still a comment",
        "ServerName \\\n a",
        "LoadModule proxy_module modules/mod_proxy.so",
    ] {
        assert_eq!(at_top(line), [""; 0], "{line}");
    }
}

#[test]
fn what_is_refused_at_the_top_level_and_why() {
    for (line, why) in [
        ("Listen", "1:1: Listen needs more arguments"),
        ("Listen 80 http x", "1:1: Listen takes fewer arguments"),
        ("Listen x", "1:8: 'x' has a port that is no number up to 65535"),
        ("Listen 70000", "1:8: '70000' has a port that is no number up to 65535"),
        ("Listen 127.0.0.1", "1:8: '127.0.0.1' has no port"),
        ("Listen localhost:80", "1:8: 'localhost:80' is no IP address with a port; names are not resolved"),
        ("Listen 443 https", "1:12: 'https' is not spoken here: there is no TLS yet"),
        ("Listen \"\"", "1:8: '' has no port"),
        ("ServerName \"a b\"", "1:12: 'a b' is no name of a server"),
        ("ServerName a:x", "1:12: 'a:x' is no name of a server"),
        ("ServerName a b", "1:1: ServerName takes fewer arguments"),
        ("Timeout 0", "1:9: '0' must be a whole number of seconds, at least 1"),
        ("Timeout -1", "1:9: '-1' must be a whole number of seconds, at least 1"),
        ("Timeout x", "1:9: 'x' must be a whole number of seconds, at least 1"),
        ("ProxyTimeout 2147483648", "1:14: '2147483648' must be a whole number of seconds, at least 1"),
        ("KeepAlive yes", "1:11: 'yes' must be On or Off"),
        ("BalancerPersist never", "1:17: 'never' must be On or Off"),
        ("BalancerPersist", "1:1: BalancerPersist needs more arguments"),
        (
            "KeepAliveTimeout 5m",
            "1:18: '5m' must be a whole number with ms, s, mi or h behind it (without: s)",
        ),
        ("MaxKeepAliveRequests -1", "1:22: '-1' must be a whole number, at least 0"),
        ("ProxyPreserveHost 1", "1:19: '1' must be On or Off"),
        ("ProxyVia maybe", "1:10: 'maybe' must be Off, On, Full or Block"),
        ("ProxyRequests On", "1:1: this proxy serves no forward requests"),
        ("ProxyPass /x", "1:11: the path is missing"),
        ("ProxyPass balancer://b /x", "1:11: the path is missing"),
        ("ProxyPass x balancer://b", "1:11: a path must start with /"),
        ("ProxyPass \"\" balancer://b", "1:11: a path must start with /"),
        ("ProxyPass ~ ^/x balancer://b", "1:11: regular expressions are not supported"),
        ("ProxyPass /x http://h/", "1:14: ProxyPass to a single URL is not supported"),
        (
            "ProxyPass /x balancer://b?q",
            "1:14: the balancer's URL contains '?'; a balancer's name takes letters, digits and . _ - ~ :",
        ),
        (
            "ProxyPass /x balancer://b/y?q",
            "1:14: the path behind the balancer's name has characters that no path of a URL has",
        ),
        ("ProxyPass /x balancer:///y", "1:14: the balancer's URL has no name; write balancer://NAME"),
        ("ProxyPass /x balancer://b foo", "1:27: 'foo' is no parameter"),
        ("ProxyPass /x balancer://b loadfactor=2", "1:27: 'loadfactor' is no parameter that is known here"),
        ("ProxyPass /x balancer://b interpolate", "1:27: 'interpolate' is not supported"),
        ("ProxyPass /x balancer://b mapping=servlet", "1:27: mapping= is not supported"),
        ("ProxyPass /x balancer://bb", "1:14: there is no balancer://bb"),
        ("ProxyPassReverse balancer://b", "1:18: the path is missing"),
        ("ProxyPassReverse /x /y", "1:21: '/y' is no URL"),
        ("ProxyPassReverse /x balancer://bb", "1:21: there is no balancer://bb"),
        ("ProxyPassReverse /x balancer://b interpolate", "1:34: 'interpolate' is not supported"),
        ("ProxySet timeout=3", "1:1: this belongs to no balancer"),
        ("ProxySet balancer://b timeout=3", "1:10: there is no balancer://b yet"),
        ("BalancerMember http://h:2", "1:1: this member belongs to no balancer"),
        ("BalancerMember route=x", "1:1: there is no URL"),
        ("SetHandler balancer-manager", "1:1: the handler balancer-manager would answer every request here"),
        ("SetHandler cgi-script", "1:1: there is no handler 'cgi-script'"),
        ("Alias /x /y", "1:1: Alias is not supported"),
        ("ProxyHCExpr a {x}", "1:16: 'x' is no word"),
        ("HeartbeatAddress 239.0.0.1:1", "1:1: HeartbeatAddress is not supported"),
        ("Frobnicate", "1:1: 'Frobnicate' is no directive that this proxy knows"),
        (
            "Require ip 10.0.0.1",
            "1:1: Require restricts access for every path; this proxy cannot do that yet",
        ),
        (
            "LimitXMLRequestBody 5",
            "1:1: LimitXMLRequestBody limits requests for every path; this proxy cannot do that yet",
        ),
        ("AuthType Basic", "1:1: AuthType is not supported in top level"),
        (
            "<Limit GET>\n</Limit>",
            "1:1: Limit restricts methods for every path; this proxy cannot do that yet",
        ),
        ("<VirtualHost *>\nNonsense\n</VirtualHost>", "1:1: <VirtualHost> is not supported yet"),
        ("<LocationMatch x>\n</LocationMatch>", "1:1: <LocationMatch> is not supported yet"),
        ("<Locatoin /x>\n</Locatoin>", "1:1: <Locatoin> is no section that this proxy knows"),
        ("<Location x>\n</Location>", "1:11: a path must start with /"),
        ("<Location /x/*>\n</Location>", "1:11: wildcards are not supported in <Location>"),
        ("<Location /x y>\n</Location>", "1:1: <Location> takes one path"),
        ("<Proxy http://h>\n</Proxy>", "1:8: <Proxy http://h> is not supported"),
        ("<Proxy>\n</Proxy>", "1:1: <Proxy> names no balancer"),
        ("<Proxy balancer://a b>\n</Proxy>", "1:21: 'b' is no parameter"),
        ("<Proxy balancer://a", "1:1: <Proxy has no > at its end"),
        ("</Proxy>", "1:1: </Proxy> closes nothing"),
        ("<IfDefine>\n</IfDefine>", "1:1: <IfDefine> takes one name"),
        ("ServerName ${NOT_SET_ANYWHERE}", "1:12: ${NOT_SET_ANYWHERE} is not defined"),
        ("Define a:b c", "1:8: 'a:b' is no name of a variable"),
        ("Include relative.conf", "1:9: relative.conf is relative, and there is no folder to start from"),
        (
            "ServerName a\u{1b}[31m",
            "1:1: this line contains control characters, or characters that cannot be seen",
        ),
        (
            "ServerName a\u{202e}b",
            "1:1: this line contains control characters, or characters that cannot be seen",
        ),
    ] {
        let found = at_top(line);
        // A section without its bracket swallows the rest, and says so in a second error.
        assert_eq!(
            found.first().map(String::as_str),
            Some(format!("site.conf:{why}").as_str()),
            "{line}: {found:?}"
        );
    }
}

#[test]
fn sections_say_what_has_no_place_in_them() {
    for (section, line, why) in [
        ("Proxy balancer://a", "Listen 80", "Listen is not supported in <Proxy>"),
        ("Proxy balancer://a", "ProxyPass /x balancer://a", "ProxyPass is not supported in <Proxy>"),
        (
            "Proxy balancer://a",
            "BalancerMember balancer://a http://h:2",
            "'http://h:2' is neither the member's URL nor KEY=VALUE",
        ),
        ("Proxy balancer://a", "ProxySet balancer://a timeout=3", "'balancer://a' is not KEY=VALUE"),
        ("Proxy *", "BalancerMember http://h:2", "<Proxy *> is no balancer"),
        ("Proxy *", "ProxySet timeout=3", "this belongs to no balancer"),
        ("Location /x", "ProxyPass /y balancer://b", "the path is that of the section"),
        ("Location /x", "ProxyPassReverse /y balancer://b", "the path is that of the section"),
        ("Location /x", "ProxyPreserveHost On", "ProxyPreserveHost is not supported in <Location>"),
        (
            "Location /x",
            "BalancerMember balancer://b http://h:2",
            "BalancerMember is not supported in <Location>",
        ),
        ("Location /x", "<Location /y>\n</Location>", "<Location> cannot stand in another section"),
        ("Location /x", "<Proxy balancer://a>\n</Proxy>", "<Proxy> cannot stand in another section"),
        ("Location /x", "</Proxy>", "</Proxy> does not close <Location>"),
    ] {
        let name = section.split(' ').next().unwrap();
        let found = at_top(&format!("<{section}>\n{line}\n</{name}>"));
        assert_eq!(found.len(), 1, "{line}: {found:?}");
        assert!(found[0].starts_with("site.conf:2:") && found[0].ends_with(why), "{line}: {found:?}");
    }
}

#[test]
fn a_section_that_is_left_open_or_closed_wrongly_is_told_once() {
    assert_eq!(errors("Listen 80\n<Location /x>\n"), ["site.conf:2:1: <Location> is never closed"]);
    assert_eq!(
        errors("Listen 80\n<Location /x>\n<IfModule mod_proxy.c>\n</Location>\n"),
        ["site.conf:4:1: </Location> does not close <IfModule>"]
    );
}

#[test]
fn a_directive_that_stands_twice_means_the_later_one() {
    let config =
        loaded("Listen 80\nTimeout 5\nTimeout 6\nKeepAlive Off\nKeepAlive On\nProxyVia On\nProxyVia Block\n");
    assert_eq!((config.timeout.as_secs(), config.keep_alive, config.via), (6, true, Via::Block));
    assert_eq!(
        errors("Listen 80\nListen 127.0.0.1:80\nListen *:80\n"),
        ["site.conf:3:1: [::]:80 is listened on already"]
    );
    assert_eq!(loaded("Listen 127.0.0.1:0\nListen 127.0.0.1:0\n").listen.len(), 2);
}

#[test]
fn what_httpd_swallows_is_told_and_refused_if_strict() {
    let member = "<Proxy balancer://b>\nBalancerMember http://h:1\n</Proxy>\nListen 80\n";
    for (line, told) in [
        ("Timeout 500ms", "'500ms' means 500 seconds: what follows the digits is ignored, as in httpd"),
        ("MaxKeepAliveRequests x", "'x' means 0: it starts with no digit, as in httpd"),
        (
            "ServerName \"a",
            "this quote or brace is never closed; everything up to the end of the line is one word, as in httpd",
        ),
        (
            "ProxyPass / balancer://b",
            "httpd joins the name and the rest of the path here and fails; a slash is put between them",
        ),
        ("ProxyPass /x balancer://b/", "members get two slashes, as in httpd: /x/x becomes //x"),
        ("ProxyPass /x ! timeout=3", "'timeout=3' has no meaning behind !"),
        ("<Location /x>junk\n</Location>", "'junk' behind the section is ignored, as in httpd"),
        (
            "BalancerMember balancer://b http://h:1",
            "http://h:1 is a member of this balancer already; this line is ignored, as in httpd",
        ),
        (
            "BalancerMember balancer://b http://h:1/app route=x",
            "this line is ignored, as in httpd: its URL starts with that of the member http://h:1",
        ),
    ] {
        let text = format!("{member}{line}\n");
        let config = loaded(&text);
        let [note] = config.warnings.as_slice() else { panic!("{line}: {:?}", warnings(&config)) };
        assert_eq!(note.title, told, "{line}");
        let report = strict(&text).unwrap_err();
        assert_eq!(report.errors[0].title, told, "{line}");
    }
}
