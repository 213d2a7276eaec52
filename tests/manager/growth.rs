//! Members that are added by the page's form: as in httpd, to the pick, and what of it lasts.

use evenkeel_protocol::{EventKind, Subject};
use harness::httpd::httpd_with;
use harness::prelude::*;

use super::{Operator, PATH, mask};

/// One balancer with room for two more; its page is open to everybody.
fn balancer(members: &[&Backend], settings: &str) -> String {
    let lines: Vec<String> = members.iter().map(|member| format!("BalancerMember {member}")).collect();
    let lines = lines.join("\n");
    format!(
        "<Proxy balancer://app>\n{lines}\nProxySet growth=2 maxattempts=1 {settings}\n</Proxy>\n\
         ProxyPass {PATH} !\nProxyPass / balancer://app/"
    )
}

fn ours(text: &str) -> Proxy {
    proxy_with_threads(
        1,
        format!(
            "ServerName localhost\nMaxRequestWorkers 16\n<Location {PATH}>\nSetHandler balancer-manager\n\
             Require all granted\n</Location>\n{text}"
        ),
    )
}

fn add(operator: &Operator, url: &str) -> Answer {
    operator.change("app", &format!("b_wyes=1&b_nwrkr={url}"))
}

#[test]
fn posts_are_answered_as_by_httpd_and_the_pages_are_the_same() {
    let [one, two] = backends(["1", "2"]);
    let text = balancer(&[&one, &two], "");
    let Some(httpd) = httpd_with(&["proxy_hcheck", "lbmethod_heartbeat", "heartmonitor"], &text) else {
        return;
    };
    let proxy = ours(&text);
    let operators = [Operator(proxy.address()), Operator(httpd.address())];
    let nonces = operators.each_ref().map(|operator| operator.nonce("app"));
    let seen = |operator: &Operator| {
        let mut lines = mask::xml(&operator.xml(), &nonces);
        // Its own form, which is shown as well while there is no such member.
        for query in ["", "?b=app&w=http://127.0.0.1:77"] {
            let mut page = mask::page(&operator.get(query).text(), &nonces);
            // httpd has the methods in no order.
            page.retain(|line| !line.starts_with("<option value='by") && !line.contains("'heartbeat'"));
            lines.extend(page);
        }
        let form = operator.get("?b=app").text();
        let newcomer = form.lines().find(|line| line.contains("b_nwrkr")).map(str::to_owned);
        let port = operator.0.port().to_string();
        let lines = lines.into_iter().chain(newcomer);
        lines.map(|line| line.replace(&port, "PORT")).collect::<Vec<_>>()
    };
    let prefix = format!("b_wyes=1&b_nwrkr={one}/deeper");
    for (form, status) in [
        ("b_wyes=1", 200),
        ("b_wyes=0&b_nwrkr=http://127.0.0.1:77", 200),
        ("b_wyes=yes&b_nwrkr=http://127.0.0.1:77", 200),
        ("b_wyes=1x&b_nwrkr=http://127.0.0.1:77", 200),
        ("b_nwrkr=http://127.0.0.1:77", 200),
        ("b_wyes=1&b_nwrkr=", 400),
        ("b_wyes=1&b_nwrkr=nonsense", 400),
        ("b_wyes=1&b_nwrkr=/path", 400),
        (&prefix, 400),
        ("b_wyes=1&b_nwrkr=http%3A%2F%2F127.0.0.1%3A77&b_tmo=4", 200),
        ("b_wyes=1&b_nwrkr=http://127.0.0.1:77", 400),
        ("b_wyes=1&b_nwrkr=http://127.0.0.1:77/y", 400),
        ("b_wyes=1&b_nwrkr=http://127.0.0.1:78/path", 200),
        ("b_wyes=1&b_nwrkr=http://127.0.0.1:79&b_max=3", 400),
        ("w=http://127.0.0.1:77&w_status_D=0&w_lf=2&w_wr=n", 200),
    ] {
        let answered = operators.each_ref().map(|operator| operator.change("app", form).status);
        assert_eq!(answered, [status; 2], "{form}");
        let [own, foreign] = operators.each_ref().map(seen);
        let differs: Vec<_> = own.iter().zip(&foreign).filter(|(own, foreign)| own != foreign).collect();
        assert!(differs.is_empty() && own.len() == foreign.len(), "{form}: {differs:#?}");
    }
    assert!(operators[0].get("").text().contains("4 [4 Used]"));
}

#[test]
fn who_gets_a_request_after_it_is_httpds_decision() {
    for method in ["byrequests", "bytraffic", "bybusyness"] {
        let [one, two, three] = backends(["1", "2", "3"]);
        let text = balancer(&[&one, &two], &format!("lbmethod={method}"));
        let Some(httpd) = httpd_with(&[], &text) else { return };
        let proxy = ours(&text);
        let steps: [(&str, String); 4] = [
            ("nothing", String::new()),
            ("added", format!("b_wyes=1&b_nwrkr={three}")),
            ("enabled", format!("w={three}&w_status_D=0")),
            ("given another share", format!("w={three}&w_lf=2")),
        ];
        for (step, form) in steps {
            let [own, foreign] = [proxy.address(), httpd.address()].map(|address| {
                if !form.is_empty() {
                    assert_eq!(Operator(address).change("app", &form).status, 200, "{step}");
                }
                // httpd counts a request as in flight until after its client has the answer.
                let busy = || {
                    let page = Operator(address).get("").text();
                    let rows = page.lines().filter(|line| line.contains("<td>Init"));
                    rows.filter(|row| !row.split("<td>").nth(8).is_some_and(|busy| busy.starts_with("0<")))
                        .count()
                };
                let visit = |at: usize| {
                    let target = format!("/x?size={}", [1000, 40, 9000][at % 3]);
                    let by = browser().try_send(address, "GET", &target, b"").unwrap().answered_by();
                    eventually_equal(&0, busy);
                    by
                };
                let picks: String = (0..13).map(visit).collect();
                let page = Operator(address).get("").text();
                let rows: Vec<String> = mask::page(&page, &[Operator(address).nonce("app")])
                    .into_iter()
                    .filter(|line| line.contains("<td>Init"))
                    .map(|line| line.split("<td>").skip(6).take(4).collect())
                    .collect();
                (picks, rows)
            });
            assert_eq!(own, foreign, "{method}, {step}");
        }
    }
}

#[test]
fn it_lasts_over_kill_and_reload_and_is_told() {
    let [one] = backends(["1"]);
    let text = balancer(&[&one], "");
    let mut proxy = ours(&text);
    let answer = add(&Operator(proxy.address()), "http://127.0.0.1:77");
    assert!(
        answer.text().contains("balancer://app: member none &#8594; http://127.0.0.1:77."),
        "{}",
        answer.text()
    );
    let words = |proxy: &Proxy| proxy.member("app", "http://127.0.0.1:77").words;
    assert_eq!(words(&proxy), "Init Dis");
    proxy.kill();
    proxy.restart();
    assert_eq!(words(&proxy), "Init Dis");
    proxy.edit("app", "http://127.0.0.1:77", r#"{"disabled":false,"route":"n"}"#);
    let written = std::fs::read_to_string(proxy.folder().join("site.conf")).unwrap();
    let reloaded = proxy.reload(&written);
    assert_eq!((reloaded.added, reloaded.removed), (Vec::<Subject>::new(), Vec::<Subject>::new()));
    assert!(reloaded.kept.iter().any(|kept| kept.field == "member"), "{:?}", reloaded.kept);
    assert_eq!(words(&proxy), "Init Ok");
    // Once the configuration has it, it is the configuration's.
    let line = format!("BalancerMember {one}\nBalancerMember http://127.0.0.1:77 route=n");
    let reloaded = proxy.reload(written.replace(&format!("BalancerMember {one}"), &line));
    assert!(reloaded.absorbed.iter().any(|it| it.why == "the configuration has it now"), "{reloaded:?}");
    assert_eq!(words(&proxy), "Init Ok");
    assert_eq!(proxy.balancer("app").members.len(), 2);
    let page = Operator(proxy.address()).get("").text();
    assert!(page.contains("4 [2 Used]"), "{page}");
}

#[test]
fn what_is_refused_stands_in_the_audit_and_a_scanner_cannot_fill_it() {
    let [one] = backends(["1"]);
    let proxy = ours(&balancer(&[&one], ""));
    let operator = Operator(proxy.address());
    assert_eq!(add(&operator, "nonsense").status, 400);
    operator.post("b=app&nonce=guess&w_ls=1");
    operator.send(("POST", PATH), &[("Referer", "http://evil.example/")], b"b=app&nonce=x&b_tmo=1");
    operator.send(("POST", PATH), &[], b"b=app&nonce=x&b_tmo=1");
    let refused = |proxy: &Proxy| {
        let events = proxy.admin().events(0).into_iter();
        let refused = events.filter_map(|event| match event.kind {
            EventKind::EditRefused(refused) => Some(refused),
            _ => None,
        });
        refused.collect::<Vec<_>>()
    };
    let told = refused(&proxy);
    let says =
        ["nonsense", "its nonce is not that", "its Referer is the page of another", "it has no Referer"];
    assert_eq!(told.len(), says.len(), "{told:?}");
    for (refused, says) in told.iter().zip(says) {
        assert!(refused.message.contains(says), "{refused:?}");
        assert!(refused.by.as_ref().is_some_and(|by| by.to_string().contains("127.0.0.1")), "{refused:?}");
        assert!(!refused.message.contains("guess"), "{refused:?}");
    }
    for _ in 0..200 {
        operator.post("b=app&nonce=guess&w_ls=1");
    }
    let told = refused(&proxy).len();
    assert!(told < 40, "{told} of 200");
    let audited = std::fs::read_dir(proxy.run_folder())
        .unwrap()
        .flatten()
        .any(|file| std::fs::read_to_string(file.path()).is_ok_and(|text| text.contains("edit_refused")));
    assert!(audited);
}
