//! `Header` and `RequestHeader`: what is taken, what is said of it, and what is refused.

use super::*;

const TRAP: &str = "no effect";

fn text(line: &str) -> String {
    format!(
        "Listen 80\n{line}\n<Proxy balancer://a>\nBalancerMember http://h route=a\n</Proxy>\nProxyPass / balancer://a/\n"
    )
}

#[test]
fn lines_that_httpd_takes_are_taken_in_silence() {
    for line in [
        "Header set X y",
        "header SET X: \"\"",
        "Header always set X y",
        "Header onsuccess add X y",
        "Header append X y",
        "Header merge X y",
        "Header setifempty X y",
        "Header unset X",
        "Header unset X env=BALANCER_ROUTE_CHANGED",
        "Header set X y env=!BALANCER_SESSION_ROUTE",
        "Header edit X a b",
        "Header edit* X ^(.*)$ \"$1; Secure\"",
        "Header echo ^X-",
        "Header set X \"%t %D %l %% %{HTTPS}s %{BALANCER_NAME}e\"",
        "Header add Set-Cookie \"ROUTEID=.%{BALANCER_WORKER_ROUTE}e; path=/\" env=BALANCER_ROUTE_CHANGED",
        "RequestHeader set X y early",
        "RequestHeader unset Expect early",
        "RequestHeader set Host www.example.com:8080",
        "<Location /x>\nHeader set X y\nRequestHeader unset Y\n</Location>",
        "<Proxy *>\nHeader set X y\n</Proxy>",
        "<Proxy balancer://a>\nRequestHeader set X y\n</Proxy>",
        "<IfModule mod_headers.c>\nHeader unset Server\n</IfModule>",
    ] {
        let config = loaded(&text(line));
        assert_eq!(warnings(&config), [""; 0], "{line}");
        let rules = &config.header_rules;
        assert!(rules.requests.len() + rules.answers.len() > 0, "{line}");
    }
}

#[test]
fn what_has_no_effect_is_said_and_refused_when_strict() {
    for (line, why, rules) in [
        ("Header set Content-Length 5", TRAP, 0),
        ("Header edit Connection a b", TRAP, 0),
        ("Header set Keep-Alive timeout=5", TRAP, 0),
        ("RequestHeader set Connection close", TRAP, 0),
        ("<Location /x>\nRequestHeader set X y early\n</Location>", TRAP, 0),
        ("Header always unset X", "does not reach", 1),
        ("Header always edit X a b", "does not reach", 1),
        ("RequestHeader set X %{BALANCER_WORKER_ROUTE}e", "is not set yet", 1),
        ("RequestHeader set X y env=BALANCER_NAME", "is not set yet", 1),
    ] {
        let config = loaded(&text(line));
        let told = warnings(&config);
        assert!(told.len() == 1 && told[0].contains(why), "{line}: {told:?}");
        assert_eq!(config.header_rules.requests.len() + config.header_rules.answers.len(), rules, "{line}");
        assert!(strict(&text(line)).is_err(), "{line}");
    }
    // Harmless: httpd does not pass these on either.
    for line in [
        "Header unset Transfer-Encoding",
        "Header unset Upgrade",
        "Header unset Trailer",
        "RequestHeader unset TE",
        "RequestHeader unset Proxy-Connection",
        "Header note X y",
    ] {
        let config = strict(&text(line)).unwrap_or_else(|report| panic!("{line}: {report}"));
        assert_eq!(config.warnings.len(), 1, "{line}");
        assert_eq!(config.header_rules, HeaderRules::default(), "{line}");
    }
}

#[test]
fn what_is_no_rule_or_breaks_messages_is_refused() {
    for (line, why) in [
        ("Header", "there is no action"),
        ("Header always", "there is no action"),
        ("Header nosuch X y", "'nosuch' is no action"),
        ("RequestHeader always set X y", "'always' is no action"),
        ("Header set X", "set needs more arguments"),
        ("Header unset", "unset needs more arguments"),
        ("Header edit X a", "edit needs more arguments"),
        ("Header set X a b", "'b' is no condition"),
        ("Header set X a env=", "'env=' is no condition"),
        ("Header set X a env=!", "'env=!' is no condition"),
        ("Header set X a early env=BALANCER_NAME", "'env=BALANCER_NAME' is too much"),
        ("Header set X a early", "early is not supported for answers"),
        ("Header set X a expr=true", "expressions are not supported"),
        ("Header set X expr=%{REQUEST_URI}", "expressions are not supported"),
        ("Header set \"\" y", "'' is no name of a header field"),
        ("Header set \"X Y\" y", "'X Y' is no name of a header field"),
        ("Header set X:: y", "'X::' is no name of a header field"),
        ("Header set X %c", "the value '%c' has %c"),
        ("Header set X %{A", "the value '%{A' has a %{ without }"),
        (r#"Header set X "a\nB: c""#, "contains a line's end"),
        ("Header set X %{UNIQUE_ID}e", "nothing sets the variable 'UNIQUE_ID' here"),
        ("SetEnvIf Host x Y\nHeader unset X env=Y", "nothing sets the variable 'Y' here"),
        ("Header edit X ( b", "'(' is no regular expression"),
        ("Header edit X (?<=a)b c", "'(?<=a)b' is no regular expression"),
        ("Header edit X (a)\\1 b", "is no regular expression"),
        ("Header echo (", "'(' is no regular expression"),
        ("RequestHeader echo X", "echo is for answers only"),
        ("RequestHeader note X y", "note is for answers only"),
        ("Header set Transfer-Encoding gzip", "Transfer-Encoding frames messages"),
        ("Header set Upgrade h2c", "Upgrade frames messages"),
        ("Header add Trailer X", "Trailer frames messages"),
        ("RequestHeader set Content-Length 5", "Content-Length frames messages"),
        ("RequestHeader unset Content-Length", "Content-Length frames messages"),
        ("RequestHeader set Transfer-Encoding chunked", "Transfer-Encoding frames messages"),
        ("RequestHeader unset Upgrade", "Upgrade frames messages"),
        ("RequestHeader set TE trailers", "TE frames messages"),
        ("RequestHeader set Expect 100-continue", "only the client can say what it expects"),
        ("RequestHeader unset Host", "a request has exactly one Host"),
        ("RequestHeader add Host x", "a request has exactly one Host"),
        ("RequestHeader set Host \"a b\"", "this is no host"),
    ] {
        let told = errors(&text(line));
        assert!(told.len() == 1 && told[0].contains(why), "{line}: {told:?}");
    }
}

#[test]
fn a_rule_in_a_section_for_a_missing_module_is_never_passed_over() {
    let told = errors(&text("<IfModule mod_nosuch.c>\nHeader unset X\n</IfModule>"));
    assert!(told.len() == 1 && told[0].contains("Header changes headers"), "{told:?}");
}

#[test]
fn rules_apply_in_httpds_order() {
    let config = loaded(&text(
        "<Location /x>\nHeader set A 5\n</Location>\n<Proxy *>\nHeader set A 3\n</Proxy>\nHeader set A 1\n\
         <Proxy balancer://a>\nHeader set A 4\n</Proxy>\nHeader set A 2\n\
         RequestHeader set B late\nRequestHeader set B early early",
    ));
    let values = |rules: &[crate::header_rules::Rule]| -> Vec<String> {
        let value = |rule: &crate::header_rules::Rule| match &rule.action {
            crate::header_rules::Action::Set(text) => {
                String::from_utf8_lossy(text.fixed().unwrap_or_default()).into_owned()
            }
            other => format!("{other:?}"),
        };
        rules.iter().map(value).collect()
    };
    assert_eq!(values(&config.header_rules.answers), ["1", "2", "3", "4", "5"]);
    assert_eq!(values(&config.header_rules.requests), ["early", "late"]);
}

#[test]
fn a_route_cookie_needs_a_reader_a_route_and_a_separator_that_fits() {
    let read = |parameters: &str, route: &str| {
        plain(&format!(
            "Listen 80\n<Proxy balancer://a>\nBalancerMember http://h {route}\nProxySet {parameters}\n</Proxy>\n"
        ))
    };
    let sticky =
        |config: &Config| config.balancers[0].settings.stickysession.as_ref().map(ToString::to_string);
    let alone = read("routecookie=R", "route=a").unwrap();
    assert_eq!((sticky(&alone), alone.warnings.len()), (Some("R".to_owned()), 0));
    let both = read("routecookie=R stickysession=R|r", "route=a").unwrap();
    assert_eq!((sticky(&both), both.warnings.len()), (Some("R|r".to_owned()), 0));
    let other = read("routecookie=R stickysession=S", "route=a").unwrap();
    assert!(warnings(&other)[0].contains("nothing reads routecookie=R"), "{:?}", other.warnings);
    let no_route = read("routecookie=R", "").unwrap();
    assert!(warnings(&no_route)[0].contains("no member has a route"), "{:?}", no_route.warnings);
    for bad in ["routecookie=R stickysessionsep=;", "routecookie=a;b", "routecookie=__Host-a"] {
        assert!(read(bad, "route=a").is_err(), "{bad}");
    }
    assert_eq!(
        read("routecookie=R routecookie=", "route=a").unwrap().balancers[0].settings.routecookie,
        None
    );
}
