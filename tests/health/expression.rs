//! Expressions decide in the place of the status.

use harness::prelude::*;

#[test]
fn an_expression_decides_and_the_status_does_not() {
    // Backends say their names over and over: `fine fine `.
    let rows = [
        ("ok234", "fine", 404, true),
        ("ok234", "fine", 500, false),
        ("in_maint", "fine", 500, true),
        ("in_maint", "Under maintenance", 200, false),
        ("both", "fine", 200, true),
        ("both", "fine", 201, false),
        ("load", "fine", 200, true),
        ("listed", "fine", 204, false),
        ("listed", "fine", 203, true),
    ];
    let backends: Vec<Backend> = rows
        .iter()
        .map(|(_, name, status, _)| {
            let reply = Reply { status: *status, ..Reply::size(40) };
            Backend::new(name).that(Behaviour::Answers(reply.header("X-Load", "17")))
        })
        .collect();
    let members = backends.iter().zip(rows).map(|(backend, (expression, ..))| {
        format!("{backend} hcmethod=GET hcinterval=100ms hcexpr={expression}")
    });
    let proxy = proxy(format!(
        "ProxyHCExpr ok234 {{%{{REQUEST_STATUS}} =~ /^[234]/}}
        ProxyHCExpr in_maint {{hc('body') !~ /Under maintenance/}}
        ProxyHCExpr both {{(%{{REQUEST_STATUS}} -eq 200) && hc('body') =~ m#^FINE#i}}
        ProxyHCExpr load {{%{{resp:x-load}} -lt 18 && !(%{{HC_BODY}} == '')}}
        ProxyHCExpr listed {{%{{REQUEST_STATUS}} -in {{'200','203'}}}}
        {}",
        serving(members)
    ));
    for (backend, (expression, name, status, passes)) in backends.iter().zip(rows) {
        let last = eventually("it was checked", || proxy.member("app", backend).health.last);
        let outcome = if passes { "holds" } else { "does not hold" };
        let wanted = format!("answered {status}, and {expression} {outcome}");
        assert_eq!((last.passed, last.reason), (passes, wanted), "{name}");
    }
}

#[test]
fn head_has_no_body_to_look_at() {
    let backend = Backend::new("fine");
    let proxy = proxy(format!(
        "ProxyHCExpr empty {{-z hc('body')}}\n{}",
        serving([format!("{backend} hcmethod=HEAD hcinterval=100ms hcexpr=empty")])
    ));
    let last = eventually("it was checked", || proxy.member("app", &backend).health.last);
    assert!(last.passed, "{last:?}");
}

#[test]
fn a_body_that_is_too_large_for_an_expression_fails() {
    let backend = Backend::new("x").that(Behaviour::Answers(Reply::size(2_000_000)));
    let proxy = proxy(format!(
        "ProxyHCExpr never {{hc('body') =~ /nowhere/}}\n{}",
        serving([format!("{backend} hcmethod=GET hcinterval=100ms hcexpr=never")])
    ));
    let last = eventually("it was checked", || proxy.member("app", &backend).health.last);
    assert_eq!(last.reason, "its body has more than 1048576 bytes, too many for an expression");
}
