//! bytraffic: whoever moved the fewest bytes for its share.

use harness::prelude::*;

fn members(factors: [u8; 3]) -> (Proxy, [Backend; 3]) {
    let backends = backends(["1", "2", "3"]);
    let lines: Vec<String> = backends
        .iter()
        .zip(factors)
        .map(|(backend, factor)| {
            format!("BalancerMember {backend} route={} loadfactor={factor}", backend.name())
        })
        .collect();
    let proxy = proxy(format!(
        "<Proxy balancer://app>\n{}\nProxySet lbmethod=bytraffic\n</Proxy>\nProxyPass / balancer://app/",
        lines.join("\n")
    ));
    (proxy, backends)
}

/// Asks for bodies of these sizes in turn.
fn picks(proxy: &Proxy, sizes: &[usize], count: usize) -> String {
    sizes
        .iter()
        .cycle()
        .take(count)
        .map(|size| browser().get(proxy, &format!("/x?size={size}")).answered_by())
        .collect()
}

#[test]
fn picks_are_those_of_httpd() {
    for (factors, sizes, expected) in [
        ([1, 1, 1], &[1000][..], "123123123123123123123123"),
        ([1, 2, 3], &[1000], "123323123323123323123323"),
        ([1, 2, 3], &[100, 5000, 300, 20_000], "123311221133112233331113"),
    ] {
        let (proxy, _backends) = members(factors);
        assert_eq!(picks(&proxy, sizes, 24), expected, "{factors:?} {sizes:?}");
    }
}

#[test]
fn bytes_are_counted_as_httpd_does() {
    let (proxy, backends) = members([1, 2, 3]);
    picks(&proxy, &[100, 5000, 300, 20_000], 24);
    // Status line and body of the answers; the whole of what the members were sent.
    assert_eq!(["1", "2", "3"].map(|route| proxy.member("app", route).read), [20_950, 45_675, 86_135]);
    for backend in &backends {
        let sent: usize = backend.asked().iter().map(|asked| asked.head.bytes.len() + asked.body.len()).sum();
        assert_eq!(proxy.member("app", backend.name()).transferred, sent as u64, "{}", backend.name());
    }
}

#[test]
fn a_change_of_method_resets_what_the_new_one_compares() {
    let (proxy, _backends) = members([1, 1, 1]);
    picks(&proxy, &[1000], 3);
    proxy.edit_balancer("app", r#"{"lbmethod":"byrequests"}"#);
    assert_eq!(visits(&proxy, 1), "1");
    let moved = proxy.member("app", "1");
    assert!(moved.read > 1000 && moved.lbstatus == -200, "{moved:?}");
    proxy.edit_balancer("app", r#"{"lbmethod":"bytraffic"}"#);
    let moved = proxy.member("app", "1");
    assert_eq!((moved.read, moved.transferred, moved.lbstatus), (0, 0, -200));
}
