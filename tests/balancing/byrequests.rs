//! byrequests: shares by lbfactor, to the pick.

use harness::prelude::*;

/// A proxy over backends 1, 2, 3 with these parameters.
fn members(parameters: [&str; 3]) -> (Proxy, [Backend; 3]) {
    let backends = backends(["1", "2", "3"]);
    let lines: Vec<String> = backends
        .iter()
        .zip(parameters)
        .map(|(backend, parameters)| {
            format!("BalancerMember {backend} route={} {parameters}", backend.name())
        })
        .collect();
    let proxy =
        proxy(format!("<Proxy balancer://app>\n{}\n</Proxy>\nProxyPass / balancer://app/", lines.join("\n")));
    (proxy, backends)
}

#[test]
fn picks_are_those_of_httpd() {
    for (factors, picks) in [
        (["1", "2", "3"], "321323321323321323321323"),
        (["3", "2", "1"], "121321121321121321121321"),
        (["1", "1", "1"], "123123123123123123123123"),
    ] {
        let (proxy, _backends) =
            members(factors.map(|factor| format!("loadfactor={factor}")).each_ref().map(String::as_str));
        assert_eq!(visits(&proxy, 24), picks, "{factors:?}");
    }
}

#[test]
fn picks_do_not_depend_on_the_clients_connection() {
    let (proxy, _backends) = members(["loadfactor=1", "loadfactor=2", "loadfactor=3"]);
    let (mut one, mut other) = (browser().keep_alive(), browser().keep_alive());
    let picks: String =
        (0..12).map(|_| one.get(&proxy, "/").answered_by() + &other.get(&proxy, "/").answered_by()).collect();
    assert_eq!(picks, "321323321323321323321323");
}

#[test]
fn elected_and_load_are_those_of_httpd() {
    let (proxy, _backends) = members(["loadfactor=1", "loadfactor=2", "loadfactor=3"]);
    // Load of the members after each of the first picks.
    for (pick, load) in [
        ("3", [100, 200, -300]),
        ("2", [200, -200, 0]),
        ("1", [-300, 0, 300]),
        ("3", [-200, 200, 0]),
        ("2", [-100, -200, 300]),
        ("3", [0, 0, 0]),
    ] {
        assert_eq!(visits(&proxy, 1), pick);
        assert_eq!(["1", "2", "3"].map(|route| proxy.member("app", route).lbstatus), load, "after {pick}");
    }
    assert_eq!(["1", "2", "3"].map(|route| proxy.member("app", route).elected), [1, 2, 3]);
    assert_eq!(["1", "2", "3"].map(|route| proxy.member("app", route).served), [1, 2, 3]);
}

#[test]
fn a_member_that_is_enabled_again_changes_nothing_else() {
    let (proxy, _backends) = members(["loadfactor=1", "loadfactor=2", "loadfactor=3"]);
    assert_eq!(visits(&proxy, 6), "321323");
    proxy.edit("app", "2", r#"{"disabled":true}"#);
    assert_eq!(visits(&proxy, 12), "313331333133");
    proxy.edit("app", "2", r#"{"disabled":false}"#);
    assert_eq!(visits(&proxy, 12), "321323321323");
}

#[test]
fn a_changed_factor_resets_load_and_says_so() {
    let (proxy, _backends) = members(["", "", ""]);
    assert_eq!(visits(&proxy, 4), "1231");
    let edited = proxy.edit("app", "3", r#"{"lbfactor":2}"#);
    assert!(edited.changed && !edited.notes.is_empty(), "{edited:?}");
    assert_eq!(["1", "2", "3"].map(|route| proxy.member("app", route).lbstatus), [100, 100, 200]);
    let again = proxy.edit("app", "3", r#"{"lbfactor":2}"#);
    assert!(!again.changed && again.event.is_none(), "{again:?}");
}

#[test]
fn shares_hold_under_concurrency_and_nothing_is_lost() {
    let (proxy, _backends) = members(["loadfactor=1", "loadfactor=2", "loadfactor=3"]);
    let to = proxy.address();
    let clients: Vec<_> = (0..6)
        .map(|_| {
            std::thread::spawn(move || {
                let mut client = browser().keep_alive();
                (0..80).for_each(|_| assert_eq!(client.try_send(to, "GET", "/", b"").unwrap().status, 200));
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
    let members = proxy.balancer("app").members;
    assert_eq!(members.iter().map(|member| member.elected).collect::<Vec<_>>(), [80, 160, 240]);
    assert_eq!(members.iter().map(|member| member.lbstatus).sum::<i64>(), 0);
    eventually_equal(&0, || proxy.busy());
}
