//! Every edit, made and proven on both pages, and what neither page can do.

use super::*;

/// Each line, whether it changes something, and the words of `a` after it.
const LINES: [(&str, bool, &str); 14] = [
    ("drain app/a", true, "Init Drn Ok"),
    ("drain app/a", false, "Init Drn Ok"),
    ("undrain app/a", true, "Init Ok"),
    ("disable a", true, "Init Dis"),
    ("stop a", true, "Init Dis Stop"),
    ("enable a", true, "Init Ok"),
    ("enable a", false, "Init Ok"),
    ("standby a", true, "Init Stby Ok"),
    ("set a standby=off spare=on ignore_errors=on", true, "Init Ign Spar Ok"),
    ("set a spare=off ignore_errors=off", true, "Init Ok"),
    ("set a lbset=2 redirect=b lbfactor=2.5", true, "Init Ok"),
    ("set a lbset=2 redirect=b lbfactor=2.5", false, "Init Ok"),
    ("set a route=x&y%z", true, "Init Ok"),
    (
        "set app timeout=5 lbmethod=bytraffic nofailover=on maxattempts=3 stickysession=SID|sid",
        true,
        "Init Ok",
    ),
];

#[test]
fn every_edit_is_made_and_proven() {
    for page in of_httpd().into_iter().chain([of_ours()]) {
        for (line, changes, words) in LINES {
            let ended = page.command(&format!("{line} --json")).with_code(0);
            let told: Value = serde_json::from_str(&ended.out).unwrap();
            assert_eq!(told["changed"], changes, "{line}: {}", ended.out);
            assert_eq!(page.words("a"), words, "{line}");
            assert_eq!(page.words("b"), "Init Ok", "{line} moves nobody else");
        }
        let a = page.member("a");
        assert_eq!((&a["lbset"], &a["redirect"], &a["lbfactor"]), (&2.into(), &"b".into(), &2.5.into()));
        assert_eq!(a["route"], "x&y%z");
        let status = page.command("status app").with_code(0).out;
        for setting in ["lbmethod=bytraffic", "stickysession=SID|sid", "nofailover=On"] {
            assert!(status.contains(setting), "{status}");
        }
    }
}

#[test]
fn a_member_whose_name_begins_with_anothers_is_the_one_that_changes() {
    let [a] = backends(["a"]);
    let text = format!(
        "<Proxy balancer://app>\nBalancerMember {a}/a&b route=r&1\nBalancerMember {a} route=root\n</Proxy>\n\
         ProxyPass / balancer://app/"
    );
    let Some(httpd) = httpd(text) else { return };
    let url = format!("http://{}/balancer-manager", httpd.address());
    let command = |line: &str| run(&evenkeel(), ["--apache", &url].into_iter().chain(line.split(' ')));
    command("drain app/r&1").with_code(0);
    let told: Value = serde_json::from_str(&command("status --json").with_code(0).out).unwrap();
    let members = told["balancers"][0]["members"].as_array().unwrap();
    let words: Vec<_> = members.iter().map(|member| (&member["route"], &member["words"])).collect();
    assert_eq!(words, [(&"r&1".into(), &"Init Drn Ok".into()), (&"root".into(), &"Init Ok".into())]);
}

#[test]
fn a_revision_holds_from_one_command_to_the_next_and_not_beyond_a_change() {
    let Some(page) = of_httpd() else { return };
    let revision = page.member("a")["revision"].clone();
    page.command(&format!("drain a --if-revision {revision}")).with_code(0);
    let stale = page.command(&format!("disable a --if-revision {revision}")).with_code(8);
    assert!(stale.err.contains("changed since you looked"), "{}", stale.err);
    assert_eq!(page.words("a"), "Init Drn Ok");
}

#[test]
fn what_httpd_cannot_do_has_its_code_and_its_reason() {
    let Some(page) = of_httpd() else { return };
    for (line, says) in [
        ("explain /", "does not tell why"),
        ("sessions app", "idle sessions are unknown"),
        ("elections", "does not remember its elections"),
        ("history app/a", "remembers no past"),
        ("reload", "apachectl graceful"),
        ("export", "what its configuration says"),
        ("undo", "remembers no edits"),
        ("events", "--follow"),
        ("drain a --wait --until no-sessions", "idle sessions are unknown"),
        ("drain a --wait --timeout 1s --on-timeout cut", "cannot end what is in flight"),
        ("drain a --timeout 1s", "use --wait"),
        ("drain a --until no-sessions", "idle sessions are unknown"),
        ("drain a --timeout 1s --on-timeout cut", "cannot end what is in flight"),
    ] {
        let ended = page.command(line).with_code(12);
        assert!(ended.err.contains(says) && ended.out.is_empty(), "{line}: {}", ended.err);
        let helps = says == "use --wait";
        assert_eq!(ended.err.contains("--wait"), helps, "{line}: {}", ended.err);
    }
    assert_eq!(page.words("a"), "Init Ok");
    page.command("drain nosuch").with_code(3);
    page.command("drain nosuch --ignore-missing").with_code(0);
}

#[test]
fn a_dry_run_is_the_forecast_of_the_console_and_posts_nothing() {
    for page in of_httpd().into_iter().chain([of_ours()]) {
        for (line, code, says) in [
            ("drain a --dry-run", 0, "takes new clients then: b"),
            ("set a lbset=3 --dry-run", 0, "lbset 0 -> 3"),
            ("set app timeout=9 --dry-run", 0, "timeout 0 -> 9"),
            ("enable a --dry-run", 0, "it would change nothing"),
            ("disable a --dry-run --if-revision 1", 8, "would change disabled Off -> On"),
        ] {
            let ended = page.command(line).with_code(code);
            assert!(ended.out.contains(says), "{line}: {} {}", ended.out, ended.err);
        }
        let told = page.command("drain a --dry-run --json").with_code(0).out;
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!((&told["estimated"], &told["applied"]), (&true.into(), &false.into()));
        let added = page.command("add app http://127.0.0.1:1 --dry-run").with_code(10);
        assert!(added.err.contains("growth="), "{}", added.err);
        assert_eq!([page.words("a"), page.words("b")], ["Init Ok", "Init Ok"]);
        page.command("stop b").with_code(0);
        let last = page.command("drain a --dry-run").with_code(4);
        assert!(last.out.contains("takes new clients then: nobody"), "{}", last.out);
        assert!(last.err.contains("it would be refused") && last.err.contains("last usable"), "{}", last.err);
    }
}

#[test]
fn a_name_of_its_own_is_met_and_a_page_that_nobody_may_change_says_so() {
    if let Some(page) = of_httpd_with(&[], "UseCanonicalName On") {
        page.command("drain a").with_code(0);
        assert_eq!(page.words("a"), "Init Drn Ok");
    }
    let backends = backends(["a", "b"]);
    let lines = balancer(&backends).replace("stickysession=SID", "nonce=None");
    let Some(httpd) = harness::httpd::httpd(lines) else { return };
    let page = Page { address: httpd.address(), backends, httpd: Some(httpd), _proxy: None };
    let ended = page.command("drain a").with_code(9);
    assert!(ended.err.contains("nonce=None"), "{}", ended.err);
}

#[test]
fn counts_that_are_not_told_are_null_in_json() {
    let Some(page) = of_httpd() else { return };
    let told: Value = serde_json::from_str(&page.command("status --json").with_code(0).out).unwrap();
    let member = &told["balancers"][0]["members"][0];
    for field in ["served", "failed", "answers", "latency", "failovers"] {
        assert!(member[field].is_null(), "{field}: {}", member[field]);
    }
    assert!(told["proxy"]["pid"].is_null() && member["busy"] == 0 && member["transferred"].is_u64());
    let watched = page.command("watch --json --count 1").with_code(0);
    assert!(watched.out.contains("\"served\":null"), "{}", watched.out);
}
