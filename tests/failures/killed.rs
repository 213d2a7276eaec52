//! A proxy that is killed loses nothing that it acknowledged.

use harness::prelude::*;

#[test]
fn edits_survive_a_kill() {
    let [a, b] = backends(["a", "b"]);
    let mut proxy = proxy(format!(
        "<Proxy balancer://app>
            BalancerMember {a} route=a
            BalancerMember {b} route=b
        </Proxy>
        ProxyPass / balancer://app/"
    ));
    for (member, json) in [
        ("a", r#"{"drain":true,"reason":"deploy 42"}"#),
        ("b", r#"{"lbfactor":2.5,"redirect":"a","lbset":3}"#),
    ] {
        let edited = proxy.edit("app", member, json);
        assert!(edited.durable, "{edited:?}");
    }
    proxy.kill();
    assert!(proxy.admin().socket().exists(), "a killed proxy cannot tidy up");
    proxy.restart();
    let [first, second] = ["a", "b"].map(|route| proxy.member("app", route));
    assert_eq!(first.words, "Init Drn Ok");
    assert_eq!(
        (second.lbfactor.to_string().as_str(), second.redirect.as_str(), second.lbset.get()),
        ("2.50", "a", 3)
    );
    assert_eq!(visits(&proxy, 2), "bb");
}

#[test]
fn a_kill_in_the_middle_of_edits_keeps_all_that_were_acknowledged() {
    let [a] = backends(["a"]);
    let mut proxy = proxy(format!(
        "<Proxy balancer://app>\nBalancerMember {a}/one route=a\nBalancerMember {a}/two route=b\n</Proxy>\nProxyPass / balancer://app/"
    ));
    let admin = proxy.admin().clone();
    let editor = std::thread::spawn(move || {
        let mut acknowledged = 0;
        for set in (0..=99).cycle() {
            let Ok(told) =
                admin.try_ask("PATCH", "/v1/balancers/app/members/a", &format!("{{\"lbset\":{set}}}"))
            else {
                break;
            };
            assert_eq!(told.status, 200, "{}", told.body);
            acknowledged = set;
        }
        acknowledged
    });
    eventually_true("some edits are through", || proxy.member("app", "a").revision > 5);
    proxy.kill();
    let acknowledged = editor.join().unwrap();
    proxy.restart();
    let kept = proxy.member("app", "a").lbset.get();
    assert!(
        kept == acknowledged || kept == (acknowledged + 1) % 100,
        "{acknowledged} was acknowledged, {kept} is kept"
    );
}

#[test]
fn a_value_that_the_file_changes_wins_over_an_edit_and_flags_stay() {
    let [a] = backends(["a"]);
    let text = |factor: u8| {
        format!(
            "Listen 127.0.0.1:0\n<Proxy balancer://app>\nBalancerMember {a}/one route=a loadfactor={factor}\n\
             BalancerMember {a}/two route=b\n</Proxy>\nProxyPass / balancer://app/"
        )
    };
    let mut proxy = proxy(text(1));
    proxy.edit("app", "a", r#"{"lbfactor":5,"redirect":"b","drain":true}"#);
    assert_eq!(proxy.stop().code(), Some(0));
    std::fs::write(proxy.folder().join("site.conf"), text(7)).unwrap();
    proxy.restart();
    let member = proxy.member("app", "a");
    assert_eq!((member.lbfactor.to_string().as_str(), member.redirect.as_str()), ("7.00", "b"));
    assert_eq!(member.words, "Init Drn Ok");
}
