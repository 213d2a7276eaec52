//! Who is elected, request by request.

use harness::prelude::*;

/// Runs the same text in both, and gives the picks of both for these cookies in turn.
#[track_caller]
fn compare(text: &str, targets: &[(&str, &str)], count: usize) {
    let Some(theirs) = httpd(text) else { return };
    let ours = proxy(text);
    let ask = |to, (target, cookie): (&str, &str)| {
        let mut client = browser();
        if !cookie.is_empty() {
            client = client.header("Cookie", cookie);
        }
        client.try_send(to, "GET", target, b"").unwrap().answered_by()
    };
    let picks = |to| targets.iter().cycle().take(count).map(|target| ask(to, *target)).collect::<Vec<_>>();
    assert_eq!(picks(ours.address()), picks(theirs.address()), "{text}");
}

fn members(parameters: &[&str]) -> (Vec<Backend>, String) {
    let backends: Vec<Backend> =
        (1..=parameters.len()).map(|number| Backend::new(&number.to_string())).collect();
    let lines: Vec<String> = backends
        .iter()
        .zip(parameters)
        .map(|(backend, parameters)| {
            format!("BalancerMember {backend} route={} {parameters}\n", backend.name())
        })
        .collect();
    let lines = lines.concat();
    (backends, lines)
}

#[test]
fn factors_sets_spares_and_standbys() {
    for parameters in [
        &["loadfactor=1", "loadfactor=2", "loadfactor=3"][..],
        &["loadfactor=2", "loadfactor=2", "loadfactor=5", "loadfactor=1"],
        &["loadfactor=1.5", "loadfactor=1"],
        &["status=+D", "loadfactor=2", "loadfactor=3 status=+R"],
        &["status=+N", "status=+D", "", "status=+R", "status=+R"],
        &["status=+D", "status=+D", "status=+H", "lbset=1"],
        &["lbset=3", "status=+R lbset=3", "lbset=7"],
    ] {
        let (_backends, lines) = members(parameters);
        // Not bybusyness: httpd lowers busy only after the client has its answer, so that its picks depend on who
        // is faster.
        for method in ["byrequests", "bytraffic"] {
            let text = format!(
                "<Proxy balancer://app>\n{lines}ProxySet lbmethod={method}\n</Proxy>\nProxyPass / balancer://app/"
            );
            compare(&text, &[("/", "")], 30);
        }
    }
}

#[test]
fn sessions_mixed_with_free_requests() {
    let (_backends, lines) = members(&["", "loadfactor=2", "status=+H", "status=+N"]);
    let text = format!(
        "<Proxy balancer://app>\n{lines}ProxySet stickysession=SID|sid\n</Proxy>\nProxyPass / balancer://app/"
    );
    let mixed = [
        ("/", ""),
        ("/", "SID=x.2"),
        ("/?sid=x.1", ""),
        ("/", "SID=x.4"),
        ("/", ""),
        ("/", "SID=x.3"),
        ("/p;sid=x.2?q=1", "SID=x.1"),
        ("/", "SID=x.nobody"),
    ];
    compare(&text, &mixed, 64);
}

#[test]
fn bodies_of_many_sizes_by_traffic() {
    let (_backends, lines) = members(&["loadfactor=1", "loadfactor=2", "loadfactor=3"]);
    let text = format!(
        "<Proxy balancer://app>\n{lines}ProxySet lbmethod=bytraffic\n</Proxy>\nProxyPass / balancer://app/"
    );
    compare(
        &text,
        &[("/x?size=100", ""), ("/x?size=5000", ""), ("/x?size=300", ""), ("/x?size=20000", "")],
        48,
    );
}
