//! What forms do, and what the page says of it.

use harness::prelude::*;

use super::{Operator, PATH, managed};

#[test]
fn an_accepted_form_is_applied_told_and_audited_whatever_guards_say() {
    let proxy = managed("");
    let operator = Operator(proxy.address());
    let answer = operator.change("alone-1", "w=http://127.0.0.1:12&w_status_D=1&w_wr=n1");
    assert_eq!(answer.status, 200);
    let text = answer.text();
    // The page is in httpd's character set, which has no arrows.
    assert!(text.contains("http://127.0.0.1:12: route none &#8594; n1, disabled Off &#8594; On."), "{text}");
    let member = proxy.member("alone-1", "http://127.0.0.1:12");
    assert_eq!((member.words.as_str(), member.route.as_str()), ("Init Dis", "n1"));
    let events = serde_json::to_string(&proxy.admin().events(0)).unwrap();
    assert!(events.contains("member_edited") && events.contains("\"address\":\"127.0.0.1\""), "{events}");
}

#[test]
fn what_is_refused_is_told_with_status_200() {
    let proxy = managed("");
    let operator = Operator(proxy.address());
    for (form, says) in [
        ("w=http://127.0.0.1:12&w_lf=0.5", "Refused: w_lf=\"0.5\" must be a number from 1 to 100."),
        ("w=http://127.0.0.1:12&w_ls=100", "Refused: w_ls=\"100\" must be"),
        ("w=http://nobody:1&w_ls=1", "names no member of this balancer"),
        ("w_ls=1", "names no member of this balancer"),
        ("b_tmo=7201", "Refused: b_tmo=\"7201\" must be a whole number from 0 to 7200."),
        ("b_frob=1", "Refused: b_frob=\"1\" is no field of this form."),
        ("w=http://127.0.0.1:12&w_status_E=1", "w_status_E=\"1\" is no field of this form."),
        ("b_tmo=0", "was as asked already."),
    ] {
        let answer = operator.change("alone-1", form);
        assert_eq!(answer.status, 200);
        let text = answer.text().replace("&quot;", "\"");
        assert!(text.contains(says), "{form}: {text}");
    }
}

#[test]
fn nothing_changes_without_nonce_and_referer() {
    let proxy = managed("");
    let operator = Operator(proxy.address());
    let before = operator.xml();
    let nonce = operator.nonce("app");
    let form = |nonce: &str| format!("b=app&w=http://127.0.0.1:9&nonce={nonce}&w_ls=9");
    let good = form(&nonce);
    let own = operator.referer();
    let host = proxy.address().to_string();
    let nothing = String::new();
    for (name, form, fields) in [
        ("a wrong nonce", form("wrong"), vec![("Referer", &own)]),
        ("an empty nonce", form(""), vec![("Referer", &own)]),
        ("no nonce", "b=app&w=http://127.0.0.1:9&w_ls=9".to_owned(), vec![("Referer", &own)]),
        ("the start of the nonce", form(&nonce[..35]), vec![("Referer", &own)]),
        ("another balancer's nonce", form("fixed"), vec![("Referer", &own)]),
        ("no Referer", good.clone(), vec![]),
        ("a foreign Referer", good.clone(), vec![("Referer", &"http://evil.example/".to_owned())].clone()),
        (
            "a Referer that only starts so",
            good.clone(),
            vec![("Referer", &"http://127.0.0.1.evil.example/".to_owned())],
        ),
        (
            "a Referer with us as its user",
            good.clone(),
            vec![("Referer", &format!("http://{host}@evil.example/"))],
        ),
        ("a Referer that is none", good.clone(), vec![("Referer", &"127.0.0.1".to_owned())]),
        ("an empty Referer", good.clone(), vec![("Referer", &nothing)]),
        (
            "a foreign Origin",
            good.clone(),
            vec![("Referer", &own), ("Origin", &"http://evil.example".to_owned())],
        ),
        ("an Origin that hides", good.clone(), vec![("Referer", &own), ("Origin", &"null".to_owned())]),
        ("an unknown balancer", good.replace("b=app", "b=nope"), vec![("Referer", &own)]),
    ]
    .map(|(name, form, fields)| {
        (name, form, fields.into_iter().map(|(field, value)| (field, value.clone())).collect::<Vec<_>>())
    }) {
        let fields: Vec<_> = fields.iter().map(|(field, value)| (*field, value.as_str())).collect();
        let answer = operator.send(("POST", PATH), &fields, form.as_bytes());
        assert_eq!(answer.status, 200, "{name}");
        assert!(answer.text().contains("Nothing was changed"), "{name}: {}", answer.text());
        assert_eq!(operator.xml(), before, "{name}");
    }
    // In the query of a GET or a POST it is nothing either.
    operator.get(&format!("?{good}"));
    operator.send(("POST", &format!("{PATH}?{good}")), &[("Referer", &own)], b"");
    assert_eq!(operator.xml(), before);
    // And with all of it:
    operator.post(&good);
    assert_ne!(operator.xml(), before);
}

#[test]
fn a_balancer_with_nonce_none_is_read_only_and_says_so() {
    let proxy = managed("");
    let operator = Operator(proxy.address());
    for nonce in ["", "None", "x"] {
        let form = format!("b=locked&w=http://127.0.0.1:13&nonce={nonce}&w_ls=9");
        let text = operator.post(&form).text();
        assert!(text.contains("balancer://locked has nonce=None and is read-only"), "{text}");
    }
    assert_eq!(proxy.member("locked", "http://127.0.0.1:13").lbset.get(), 0);
}

#[test]
fn reading_needs_no_referer() {
    let proxy = managed("");
    let operator = Operator(proxy.address());
    let bare = |query: &str| operator.send(("GET", &format!("{PATH}{query}")), &[], b"").text();
    assert!(bare("?xml").starts_with("<?xml"));
    assert!(bare("?b=app&w=http://127.0.0.1:9").contains("Edit worker settings for http://127.0.0.1:9<"));
    // A foreign page's link chooses nothing, as in httpd.
    let foreign = [("Referer", "http://evil.example/")];
    let page = operator.send(("GET", &format!("{PATH}?xml")), &foreign, b"").text();
    assert!(page.contains("<h1>Load Balancer Manager for 127.0.0.1</h1>"), "{page}");
}

#[test]
fn a_body_may_come_in_many_segments_and_in_chunks() {
    let proxy = managed("");
    let operator = Operator(proxy.address());
    let form = format!("b=app&w=http://127.0.0.1:9&nonce={}&w_wr=segments", operator.nonce("app"));
    let mut stream = connect(proxy.address()).unwrap();
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nReferer: http://127.0.0.1/\r\nContent-Length: {}\r\n\r\n",
        form.len()
    );
    std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
    for byte in form.as_bytes() {
        std::io::Write::write_all(&mut stream, &[*byte]).unwrap();
    }
    let answer = read_answer(&mut std::io::BufReader::new(&stream), "POST").unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(proxy.member("app", "http://127.0.0.1:9").route.as_str(), "segments");
    let form = form.replace("segments", "chunks");
    let chunks = form.as_bytes().chunks(7);
    let chunks: Vec<String> =
        chunks.map(|chunk| format!("{:x}\r\n{}\r\n", chunk.len(), String::from_utf8_lossy(chunk))).collect();
    let chunks = chunks.concat();
    let request = format!(
        "POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nReferer: http://127.0.0.1/\r\nConnection: close\r\n\
         Transfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"
    );
    assert!(raw(proxy.address(), request.as_bytes()).starts_with(b"HTTP/1.1 200 OK"));
    assert_eq!(proxy.member("app", "http://127.0.0.1:9").route.as_str(), "chunks");
}

#[test]
fn two_browsers_do_not_undo_each_other() {
    let proxy = managed("");
    let (one, other) = (Operator(proxy.address()), Operator(proxy.address()));
    let nonce = one.nonce("app");
    std::thread::scope(|scope| {
        for (operator, field) in [(&one, "w_ls=4"), (&other, "w_wr=kept")] {
            let form = format!("b=app&w=http://127.0.0.1:9&nonce={nonce}&{field}");
            scope.spawn(move || (0..20).for_each(|_| assert_eq!(operator.post(&form).status, 200)));
        }
    });
    let member = proxy.member("app", "http://127.0.0.1:9");
    assert_eq!((member.lbset.get(), member.route.as_str()), (4, "kept"));
}

#[test]
fn nonces_outlive_a_reload_as_edits_do() {
    let mut proxy = managed("");
    let before = Operator(proxy.address()).nonce("app");
    let text = std::fs::read_to_string(proxy.folder().join("site.conf")).unwrap();
    proxy.reload(&text);
    assert_eq!(Operator(proxy.address()).nonce("app"), before);
    let text = format!("{text}\nBalancerPersist Off");
    proxy.reload(&text);
    assert_ne!(Operator(proxy.address()).nonce("app"), before);
}
