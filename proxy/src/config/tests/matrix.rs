//! Every parameter, whatever is written behind it: it is taken, or refused with its name and a reason.

use super::*;

/// A configuration with that text where parameters of the kind stand.
fn text(kind: &str, written: &str) -> String {
    let (member, balancer) = if kind == "member" { (written, "") } else { ("", written) };
    let set = if balancer.is_empty() { String::new() } else { format!("ProxySet {balancer}\n") };
    format!("Listen 80\n<Proxy balancer://b>\nBalancerMember http://h:1 {member}\n{set}</Proxy>\n")
}

/// What is refused first of `key=value`; none if all is taken.
fn refused(kind: &str, key: &str, value: &str) -> Option<String> {
    let mut errors = errors(&text(kind, &format!("\"{key}={value}\""))).into_iter();
    let title = errors.next()?;
    let title = title.split_once(": ").map_or(title.as_str(), |(_, title)| title);
    assert!(title.starts_with(&format!("{key}=")), "{kind} {key}={value:.40}: {title}");
    assert!(title.len() > key.len() + 8, "{kind} {key}: {title}");
    Some(title.to_owned())
}

#[test]
fn no_parameter_takes_control_characters_or_more_than_anybody_means() {
    for (kind, key, ..) in parameters() {
        for value in ["\u{1}", "1\u{7f}", "a\u{1b}[2J", "On\u{0}"] {
            // Of the line, before anything of it is read.
            assert!(!errors(&text(kind, &format!("\"{key}={value}\""))).is_empty(), "{kind} {key}={value:?}");
        }
        assert!(refused(kind, key, &"9".repeat(5_000)).is_some(), "{kind} {key}: five thousand digits");
        // What httpd takes for a nought is taken so, with a warning, and refused by who wants to know.
        let letters = text(kind, &format!("{key}={}", "x".repeat(5_000)));
        assert!(strict(&letters).is_err(), "{kind} {key}: five thousand letters");
        assert!(
            plain(&letters).map_or(true, |config| !config.warnings.is_empty()),
            "{kind} {key}: in silence"
        );
    }
}

#[test]
fn every_value_is_taken_or_refused_by_name() {
    let values = [
        "",
        "0",
        "-1",
        "1.5",
        "1e9",
        "99999999999999999999",
        "0x10",
        "10 ",
        " 10",
        "10zz",
        "10ms",
        "10mi",
        "on",
        "Off",
        "maybe",
        "é",
        "%",
        "a=b",
        "a|b",
        ";",
        "+",
        "..",
        "/",
    ];
    for (kind, key, ..) in parameters() {
        for value in values {
            refused(kind, key, value);
        }
    }
}
