//! Links to members, and what they select: as on a real httpd, but for one that leads nowhere there.

use harness::httpd::httpd_with;

use super::{BALANCERS, Operator, managed};

/// Members whose links say something else than their text, and one with what ends a parameter in its path.
const ODD: &str = "<Proxy balancer://odd>
        BalancerMember unix:/tmp/none.sock|http://127.0.0.1/y
        BalancerMember unix:/tmp/b.sock|http://other.example:81
        BalancerMember \"http://127.0.0.1:11/a&c\"
    </Proxy>
    ProxyPass /odd balancer://odd";

/// What `w` says, in the balancers `app` and `odd`, as a query has it.
const SELECTIONS: [&str; 27] = [
    "unix:/tmp/none.sock|http://127.0.0.1/y",
    "unix:/tmp/none.sock%7Chttp://127.0.0.1/y",
    "unix:/tmp/none.sock%7Chttp://127.0.0.1/y/deeper",
    "unix:/tmp/another.sock%7Chttp://127.0.0.1/y",
    "unix:relative%7Chttp://127.0.0.1/y",
    "UNIX:/tmp/none.sock%7Chttp://127.0.0.1/y",
    "x%7Chttp://127.0.0.1/y",
    "unix:%7Chttp://127.0.0.1/y",
    "unix:/a%7Cb%7Chttp://127.0.0.1/y",
    "unix:/http://a%7Chttp://127.0.0.1/y",
    "unix:/a%7Cunix:/b%7Chttp://127.0.0.1/y",
    "unix:/a%7Chttp://other.example",
    "unix:/a%7Chttp://OTHER.example:81/q",
    "unix:/a%7Chttp:",
    "unix:/a%7Chttp:/",
    "unix:/a%7Chttp://",
    "unix:/a%7C:",
    "unix:/a%7C",
    "unix:/a%7C127.0.0.1/y",
    "unix:/tmp/none.sock",
    "unix",
    "http://127.0.0.1/y",
    "http://127.0.0.1:11/a&c",
    "http://127.0.0.1:11/a&amp;c",
    "http://127.0.0.1:11/a%26c",
    "http://127.0.0.1:11/a%2526c",
    "http://127.0.0.1:11/a%26amp;c",
];

/// The heading of the form that a query brings.
fn chosen(operator: &Operator, query: &str) -> Option<String> {
    let page = operator.get(query).text().replace("&amp;c", "&c");
    page.lines().find(|line| line.starts_with("<h3>Edit ")).map(str::to_owned)
}

#[test]
fn what_a_link_selects_is_what_it_selects_in_httpd() {
    let Some(httpd) =
        httpd_with(&["proxy_hcheck", "lbmethod_heartbeat", "heartmonitor"], format!("{BALANCERS}\n{ODD}"))
    else {
        return;
    };
    let ours = managed(ODD);
    let (theirs, ours) = (Operator(httpd.address()), Operator(ours.address()));
    for w in SELECTIONS {
        for balancer in ["odd", "app"] {
            let query = format!("?b={balancer}&w={w}");
            assert_eq!(chosen(&ours, &query), chosen(&theirs, &query), "{query}");
        }
    }
}

#[test]
fn each_link_leads_to_its_member() {
    let ours = managed(ODD);
    let operator = Operator(ours.address());
    let page = operator.get("").text();
    let (_, odd) = page.split_once("balancer://odd</a>").expect("the balancer is there");
    let rows: Vec<&str> = odd.lines().filter(|line| line.starts_with("<td><a href=")).collect();
    assert_eq!(rows.len(), 3, "{odd}");
    for row in rows {
        let (link, shown) = row.split_once("href=\"").unwrap().1.split_once("\">").unwrap();
        let shown = shown.split_once("</a>").unwrap().0;
        let query = link.split_once('?').unwrap().1.replace("&amp;", "&");
        let text = operator.get(&format!("?{query}")).text();
        assert!(text.contains(&format!("<h3>Edit worker settings for {shown}</h3>")), "{link}: {shown}");
    }
}
