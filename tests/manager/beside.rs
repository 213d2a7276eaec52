//! The same edits on a real httpd and on ours, and the same pages after each, line by line.

use harness::httpd::httpd_with;

use super::{BALANCERS, Operator, managed, mask};

const NAMES: [&str; 4] = ["app", "two", "alone-1", "locked"];
const FIRST: &str = "http://127.0.0.1:9";

fn nonces(operator: &Operator) -> Vec<String> {
    NAMES.iter().map(|name| operator.nonce(name)).collect()
}

/// What an operator sees: XML, page, and both forms, as comparable lines.
fn seen(operator: &Operator) -> Vec<String> {
    let nonces = nonces(operator);
    let port = operator.0.port().to_string();
    let mut lines = mask::xml(&operator.xml(), &nonces);
    for query in
        ["", "?b=app", &format!("?b=app&w={FIRST}"), "?b=two&w=http://127.0.0.1:11", "?b=alone-1", "?b=none"]
    {
        let mut page = mask::page(&operator.get(query).text(), &nonces);
        if let Some(at) = page.iter().position(|line| line == "<tr><td>LBmethod:</td><td>") {
            page[at + 1..at + 5].sort_unstable();
        }
        lines.extend(page);
    }
    lines.iter().map(|line| line.replace(&port, "PORT")).collect()
}

/// The lines that differ, ours first.
fn difference(ours: &Operator, theirs: &Operator) -> Vec<(String, String)> {
    let (own, foreign) = (seen(ours), seen(theirs));
    let most = own.len().max(foreign.len());
    let at = |lines: &[String], at: usize| lines.get(at).cloned().unwrap_or_default();
    let lines = (0..most).map(|line| (at(&own, line), at(&foreign, line)));
    lines.filter(|(own, foreign)| own != foreign).collect()
}

/// A form for one member of `app`.
fn member(fields: &str) -> (&'static str, String) {
    ("app", format!("w={FIRST}&{fields}"))
}

fn forms() -> Vec<(&'static str, String)> {
    let mut forms = Vec::new();
    let mut each = |fields: &str, values: &[&str]| {
        forms.extend(values.iter().map(|value| member(&format!("{fields}={value}"))));
    };
    each(
        "w_lf",
        &["2", "1.234", "99.999", "100.001", "0.99", "100.01", "", "abc", "%203", "4x", "1e1", "-5", "4"],
    );
    each("w_wr", &["node1", "", "n%26m", "a%2525b"]);
    each("w_rr", &["other", "", "b"]);
    for flag in ["I", "N", "D", "H", "R", "C", "S"] {
        each(&format!("w_status_{flag}"), &["1", "", "-1", "text", "7x", "0"]);
    }
    each("w_status_E", &["1"]);
    each("w_status_D", &["1"]);
    each("w_status_D", &["0"]);
    each("w_ls", &["5", "text", "-1", "100", "99", "%207x", "0"]);
    each(
        "w_hi",
        &[
            "500", "99", "5s", "1mi", "2h", "abc", "700ms", "100", "-5", "3S", "2H", "701MS", "1MI", "702mS",
            "2mI", "3m", "4h7",
        ],
    );
    each("w_hp", &["3", "0", "-2", "x", "1"]);
    each("w_hf", &["3", "0", "-2", "x", "1"]);
    each("w_hu", &["/x", "", "/y%3Fz"]);
    each("w_hm", &["NOPE", "CPING", "none"]);
    forms.extend([
        member("w_lf=3&w_lf=5"),
        member("w_lf=7&w_ls=3&w_status_N=1&w_wr=all"),
        member("w_lf=2&b_max=9&b_tmo=8"),
        ("app", "w=HTTP://127.0.0.1:9/zz&w_ls=1".to_owned()),
        ("app", "w=http://127.0.0.1:9/x/zz&w_ls=2".to_owned()),
        ("app", "w=http%3A%2F%2F127.0.0.1%3A9&w_ls=3".to_owned()),
        ("app", "w=http%253A%252F%252F127.0.0.1%253A9&w_ls=4".to_owned()),
        ("app", "w=http://127.0.0.1&w_ls=5&b_max=7".to_owned()),
        ("app", "w=http://LOCALHOST&w_ls=6".to_owned()),
        ("app", "w=http://localhost:80&w_ls=7".to_owned()),
        ("app", "w=127.0.0.1:9&w_ls=7".to_owned()),
        ("app", "w=&w_ls=7".to_owned()),
        ("alone-1", "w=http://127.0.0.1:12&w_lf=4".to_owned()),
        ("two", "w=http://127.0.0.1:11&w_status_D=0".to_owned()),
    ]);
    for (name, values) in [
        ("b_lbm", &["BYREQUESTS", "nope", "bytraffic", "bybusyness", "bybusyness", "byrequests"][..]),
        ("b_tmo", &["7200", "-1", "7201", "5", "text", "5x"]),
        ("b_max", &["99", "-1", "100", "3", "text"]),
        ("b_sforce", &["1", "text", "-1", "0"]),
        ("b_ss", &["A|b", "-", "", "S", "A%2B|%2Bb", "a+b"]),
        ("b_wyes", &["1x"]),
    ] {
        forms.extend(values.iter().map(|value| ("two", format!("{name}={value}"))));
    }
    forms.push(("two", format!("b_ss={}", "x".repeat(62))));
    forms.push(("two", format!("b_ss={}", "x".repeat(63))));
    forms.push(("alone-1", "b_max=5".to_owned()));
    forms.push(("two", "b_wyes=1&b_nwrkr=http://127.0.0.1:77".to_owned()));
    forms.push(("TWO/x", "b_tmo=9".to_owned()));
    forms
}

#[test]
fn every_form_does_what_it_does_to_httpd() {
    let Some(httpd) = httpd_with(&["proxy_hcheck", "lbmethod_heartbeat", "heartmonitor"], BALANCERS) else {
        return;
    };
    let ours = managed("");
    let (theirs, ours) = (Operator(httpd.address()), Operator(ours.address()));
    assert_eq!(difference(&ours, &theirs), [], "before any form");
    let nonces = [nonces(&ours), nonces(&theirs)];
    let mut wrong = Vec::new();
    for (balancer, form) in forms() {
        let known = NAMES.iter().position(|name| balancer.to_lowercase().starts_with(name)).unwrap();
        let [own, foreign] = [(&ours, &nonces[0]), (&theirs, &nonces[1])].map(|(operator, nonces)| {
            operator.post(&format!("b={balancer}&nonce={}&{form}", nonces[known])).status
        });
        if own != foreign {
            wrong.push(format!("{balancer} {form}: status {own}, httpd {foreign}"));
        }
        let differs = difference(&ours, &theirs);
        if !differs.is_empty() {
            wrong.push(format!("{balancer} {form}: {differs:?}"));
            break;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Where we are better, on purpose: what httpd clears or cuts without a word is refused here.
#[test]
fn what_httpd_clears_in_silence_is_refused_here() {
    let ours = managed("");
    let ours = Operator(ours.address());
    for (fields, field) in [
        (format!("w_wr={}", "x".repeat(64)), "w_wr"),
        (format!("w_rr={}", "x".repeat(64)), "w_rr"),
        (format!("w_hu={}", "x".repeat(64)), "w_hu"),
        ("w_he=nothing".to_owned(), "w_he"),
        ("w_wr=a;b".to_owned(), "w_wr"),
        ("b_ss=A%20|%20b".to_owned(), "b_ss"),
    ] {
        let before = ours.xml();
        let answer = ours.change("app", &format!("w={FIRST}&{fields}"));
        assert_eq!(answer.status, 200);
        assert!(answer.text().contains(&format!("Refused: {field}=")), "{fields}");
        assert_eq!(ours.xml(), before, "{fields}");
    }
}
