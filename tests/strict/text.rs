//! Configured text never becomes a line of its own: what could end a line or a cookie is refused, in the
//! configuration and in an edit, and nothing that was refused is kept.

use harness::prelude::*;

/// Texts that would end a line, a header or a cookie, or reach a terminal.
const HOSTILE: [(&str, &str); 12] = [
    ("CR", "a\rb"),
    ("LF", "a\nb"),
    ("CR LF", "a\r\nX-Evil: b"),
    ("NUL", "a\0b"),
    ("semicolon", "a;b"),
    ("escape", "a\x1b[2Jb"),
    ("delete", "a\x7fb"),
    ("tab", "a\tb"),
    ("comma", "a,b"),
    ("blank", "a b"),
    ("next line", "a\u{85}b"),
    ("right to left", "a\u{202e}b"),
];

#[test]
fn a_route_that_is_no_plain_word_is_refused_in_an_edit() {
    let [a] = backends(["a"]);
    let proxy = proxy(serving([format!("{a} route=a1")]));
    proxy.edit("app", "a1", r#"{"route":"a2"}"#);
    for (name, text) in HOSTILE {
        let json = serde_json::json!({ "route": text }).to_string();
        let told = proxy.try_edit("app", "a2", &json);
        assert!((400..500).contains(&told.status), "{name}: {told:?}");
        assert_eq!(proxy.member("app", "a2").route.as_str(), "a2", "{name}");
    }
    assert_eq!(visits(&proxy, 1), "a");
}

#[test]
fn a_stickysession_name_that_is_no_plain_word_is_refused_in_an_edit() {
    let [a] = backends(["a"]);
    let proxy = proxy(serving([format!("{a} route=a1")]));
    let call = evenkeel_protocol::Call::EditBalancer("app".parse().unwrap());
    proxy.edit_balancer("app", r#"{"stickysession":"SID"}"#);
    for (name, text) in HOSTILE {
        let json = serde_json::json!({ "stickysession": text }).to_string();
        let told = proxy.admin().ask(call.method(), &call.path(), &json);
        assert!((400..500).contains(&told.status), "{name}: {told:?}");
    }
    assert_eq!(visits(&proxy, 1), "a");
}

#[test]
fn hostile_texts_do_not_pass_the_check_of_a_configuration() {
    let folder = harness::proxy::folder();
    for (name, text) in HOSTILE {
        // These end the line or the word, and what is left of it is another configuration.
        if ["CR LF", "LF", "blank", "tab"].contains(&name) {
            continue;
        }
        for parameter in ["route", "redirect"] {
            let path = folder.path().join("site.conf");
            let conf = format!(
                "Listen 127.0.0.1:0\n{}",
                serving([format!("http://127.0.0.1:1 {parameter}=\"{text}\"")])
            );
            std::fs::write(&path, conf).unwrap();
            let ended =
                finish(std::process::Command::new(evenkeel_proxy()).arg("-t").arg("-f").arg(&path), "");
            assert_ne!(ended.code, Some(0), "{parameter} with {name}: {ended:?}");
            let control = |c: char| c.is_control() && c != '\n';
            assert!(!ended.err.contains(control) && !ended.out.contains(control), "{name}: {ended:?}");
        }
    }
}
