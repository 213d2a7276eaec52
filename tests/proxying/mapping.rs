//! Which path goes where: order, exceptions, the path that a member sees, and redirects on the way back.

use harness::prelude::*;

#[test]
fn the_first_mapping_that_fits_decides_and_an_exclamation_mark_excludes() {
    let [shop, rest] = backends(["shop", "rest"]);
    let proxy = proxy(format!(
        "<Proxy balancer://shop>
            BalancerMember {shop}
        </Proxy>
        <Proxy balancer://rest>
            BalancerMember {rest}
        </Proxy>
        ProxyPass /shop/static !
        ProxyPass /shop balancer://shop
        ProxyPass /rest/ balancer://rest/
        ProxyPass /rest/late !"
    ));
    for (target, answered) in [
        ("/shop", "shop"),
        ("/shop/cart", "shop"),
        ("/shop/static", "[404]"),
        ("/shop/static/logo.png", "[404]"),
        ("/shop/statics", "shop"),
        ("/shopping", "[404]"),
        ("/rest/x", "rest"),
        ("/rest/late", "rest"),
        ("/", "[404]"),
        ("/elsewhere", "[404]"),
    ] {
        assert_eq!(browser().get(&proxy, target).answered_by(), answered, "{target}");
    }
}

#[test]
fn a_member_sees_its_own_path_and_the_query() {
    let [a] = backends(["a"]);
    let proxy = proxy(format!(
        "<Proxy balancer://app>
            BalancerMember {a}/base
        </Proxy>
        ProxyPass /app balancer://app
        ProxyPass /deep/ balancer://app/inner/"
    ));
    for (asked, seen) in [
        ("/app", "/base/"),
        ("/app/x?q=1&r=%2F", "/base/x?q=1&r=%2F"),
        ("/app/a%20b", "/base/a%20b"),
        ("/deep/y", "/base/inner/y"),
    ] {
        browser().get(&proxy, asked);
        assert_eq!(a.last().head.word(1), seen, "{asked}");
    }
}

#[test]
fn a_path_cannot_climb_out_of_its_mapping() {
    let [public, secret] = backends(["public", "secret"]);
    let proxy = proxy(format!(
        "<Proxy balancer://public>
            BalancerMember {public}
        </Proxy>
        <Proxy balancer://secret>
            BalancerMember {secret}
        </Proxy>
        ProxyPass /secret !
        ProxyPass /public balancer://public
        ProxyPass /secret balancer://secret"
    ));
    for target in ["/public/../secret", "/public/%2e%2e/secret", "/public/./../secret/x"] {
        browser().get(&proxy, target);
        let seen = public.asked().pop().map(|asked| asked.head.word(1).to_owned());
        assert!(!seen.is_some_and(|seen| seen.contains("..") || seen.contains("2e")), "{target}");
    }
    assert_eq!(secret.count(), 0);
}

#[test]
fn redirects_of_members_come_back_to_the_proxy() {
    let [a, b] = backends(["a", "b"]);
    let proxy = proxy(format!(
        "<Proxy balancer://app>
            BalancerMember {a}
            BalancerMember {b}
        </Proxy>
        ProxyPass /app balancer://app
        ProxyPassReverse /app balancer://app"
    ));
    let elsewhere = "http://elsewhere.example/x".to_owned();
    for (location, seen) in [
        (format!("{a}/login?next=1"), format!("http://{}/app/login?next=1", proxy.address())),
        (format!("{b}/login"), format!("http://{}/app/login", proxy.address())),
        (elsewhere.clone(), elsewhere),
    ] {
        for backend in [&a, &b] {
            backend.behaves(Behaviour::Answers(Reply::status(302).header("Location", &location)));
        }
        let answer = browser().get(&proxy, "/app/start");
        assert_eq!((answer.status, answer.head.header("location")), (302, Some(seen.as_str())));
    }
}
