//! Sessions whose member drains, is disabled or is dead.

use harness::prelude::*;

fn members(settings: &str, parameters: [&str; 3]) -> (Proxy, [Backend; 3]) {
    let backends = backends(["1", "2", "3"]);
    let lines: Vec<String> = backends
        .iter()
        .zip(["a", "b", "c"])
        .zip(parameters)
        .map(|((backend, route), parameters)| format!("BalancerMember {backend} route={route} {parameters}"))
        .collect();
    let proxy = proxy(format!(
        "<Proxy balancer://app>\n{}\nProxySet stickysession=SID {settings}\n</Proxy>\nProxyPass / balancer://app/",
        lines.join("\n")
    ));
    (proxy, backends)
}

fn loyal(route: &str) -> Browser {
    browser().cookie("SID", &format!("x.{route}"))
}

#[test]
fn a_draining_member_keeps_its_sessions_and_gets_no_new_ones() {
    let (proxy, _backends) = members("", ["", "", ""]);
    proxy.edit("app", "b", r#"{"drain":true}"#);
    assert_eq!(visits(&proxy, 12), "131313131313");
    assert_eq!(loyal("b").visits(&proxy, "/", 6), "222222");
    assert_eq!(proxy.member("app", "b").words, "Init Drn Ok");
    proxy.edit("app", "a", r#"{"drain":true}"#);
    proxy.edit("app", "c", r#"{"drain":true}"#);
    assert_eq!(visits(&proxy, 1), "[503]");
    assert_eq!(loyal("a").visits(&proxy, "/", 3), "111");
}

#[test]
fn a_disabled_or_stopped_member_loses_its_sessions_to_the_others() {
    for flag in ["disabled", "stopped"] {
        let (proxy, _backends) = members("", ["", "", ""]);
        proxy.edit("app", "b", &format!("{{\"{flag}\":true}}"));
        assert!(!loyal("b").visits(&proxy, "/", 6).contains('2'), "{flag}");
    }
}

#[test]
fn nofailover_refuses_sessions_whose_member_is_away_and_nobody_else() {
    let (proxy, backends) = members("nofailover=On", ["", "", ""]);
    proxy.edit("app", "b", r#"{"disabled":true}"#);
    assert_eq!(loyal("b").visits(&proxy, "/", 3), "[503][503][503]");
    assert_eq!(proxy.member("app", "b").elected, 0);
    assert!(!loyal("zz").visits(&proxy, "/", 3).contains('['), "an unknown route is no session");
    assert!(!visits(&proxy, 4).contains('['), "free requests are served");
    proxy.edit("app", "b", r#"{"disabled":false,"drain":true}"#);
    assert_eq!(loyal("b").visits(&proxy, "/", 3), "222");
    backends[1].refuses();
    assert_eq!(loyal("b").visits(&proxy, "/", 1), "[503]");
}

#[test]
fn redirect_names_the_heir_of_a_members_sessions() {
    let (proxy, _backends) = members("", ["", "redirect=c", ""]);
    assert_eq!(loyal("b").visits(&proxy, "/", 3), "222");
    proxy.edit("app", "b", r#"{"disabled":true}"#);
    assert_eq!(loyal("b").visits(&proxy, "/", 4), "3333");
    proxy.edit("app", "c", r#"{"drain":true}"#);
    assert_eq!(loyal("b").visits(&proxy, "/", 2), "33");
    proxy.edit("app", "c", r#"{"disabled":true}"#);
    assert_eq!(loyal("b").visits(&proxy, "/", 2), "11");
    proxy.edit("app", "b", r#"{"disabled":false,"redirect":"a"}"#);
    assert_eq!(loyal("b").visits(&proxy, "/", 2), "22");
}

#[test]
fn redirects_in_a_circle_end() {
    let (proxy, _backends) = members("", ["", "redirect=c", "redirect=b"]);
    proxy.edit("app", "b", r#"{"disabled":true}"#);
    proxy.edit("app", "c", r#"{"disabled":true}"#);
    assert_eq!(loyal("b").visits(&proxy, "/", 2), "11");
}

#[test]
fn a_route_that_is_changed_counts_at_once() {
    let (proxy, _backends) = members("", ["", "", ""]);
    proxy.edit("app", "b", r#"{"route":"z"}"#);
    assert_eq!(loyal("z").visits(&proxy, "/", 3), "222");
}

#[test]
fn names_and_routes_that_are_changed_leave_old_cookies_free() {
    let (proxy, _backends) = members("", ["", "", ""]);
    proxy.edit_balancer("app", r#"{"stickysession":"NEW|new"}"#);
    assert_ne!(loyal("b").visits(&proxy, "/", 3), "222");
    assert_eq!(browser().cookie("NEW", "x.b").visits(&proxy, "/", 3), "222");
    assert_eq!(browser().visits(&proxy, "/;new=x.c", 3), "333");
    proxy.edit("app", "b", r#"{"route":"a"}"#);
    assert_eq!(browser().cookie("NEW", "x.a").visits(&proxy, "/", 3), "111", "of two the first gets all");
    assert_ne!(browser().cookie("NEW", "x.b").visits(&proxy, "/", 3), "222");
    proxy.edit_balancer("app", r#"{"stickysession":""}"#);
    assert_ne!(browser().cookie("NEW", "x.c").visits(&proxy, "/", 3), "333");
}

#[test]
fn a_standby_with_the_same_route_takes_over_even_under_nofailover() {
    let [one, two] = backends(["1", "2"]);
    let proxy = proxy(format!(
        "<Proxy balancer://app>
            BalancerMember {one} route=a
            BalancerMember {two} route=a status=+H
            ProxySet stickysession=SID nofailover=On
        </Proxy>
        ProxyPass / balancer://app/"
    ));
    assert_eq!(loyal("a").visits(&proxy, "/", 2), "11");
    one.refuses();
    assert_eq!(loyal("a").visits(&proxy, "/", 3), "222");
}
