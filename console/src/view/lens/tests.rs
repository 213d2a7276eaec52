//! The rows of the lens that the pictures do not have: what else can be found of a session, or not.

use evenkeel_protocol::{Census, Explanation, SearchStep, Timestamp};

use crate::model::{Model, sample};
use crate::need::{Found, Need};
use crate::news::News;
use crate::update::hands::press;
use crate::update::update;
use crate::view::tests::drawn;

type Change = fn(&mut Explanation, &mut Census);

/// The lens after that answer, without its frame: a line for each row.
fn asked(change: Change) -> Vec<String> {
    let mut model = sample::model(120, 36);
    press(&mut model, "4⏎JSESSIONID=5f2a99.node2 /app/cart⏎");
    for _ in 0..2 {
        for need in model.gathered.needs.clone() {
            let (mut explanation, mut census) = (sample::explanation(), sample::census());
            change(&mut explanation, &mut census);
            let found = match need {
                Need::Explanation(..) => Found::Explanation(Box::new(explanation)),
                Need::Census(_) => Found::Census(Box::new(census)),
                _ => continue,
            };
            update(&mut model, crate::message::Message::News(News::Found { need, outcome: Ok(found) }));
        }
    }
    rows(&model)
}

fn rows(model: &Model) -> Vec<String> {
    drawn(model).lines().map(|line| line.trim().to_owned()).collect()
}

fn step(route: &str, member: Option<&str>, saw: &str) -> SearchStep {
    SearchStep {
        route: route.parse().unwrap(),
        member: member.map(|route| sample::target(route).member),
        taken: false,
        saw: saw.to_owned(),
    }
}

#[test]
fn every_finding_has_its_row() {
    let rows: [(&str, Change, &[&str]); 12] = [
        (
            "two steps of the search, and nobody has the first route",
            |it, _| {
                let steps = &mut it.balancer.as_mut().unwrap().search;
                steps.insert(0, step("old", None, "no member has it"));
                steps.insert(1, step("node3", Some("node3"), "it is in error"));
            },
            &[
                "search    · old: nobody has it; no member has it",
                "· node3: app3.example.com:8080; it is in error",
                "✓ node2: app2.example.com:8080; it is usable; that it drains does not matter to its own sessions",
            ],
        ),
        (
            "a route that no member has, and no id",
            |it, _| {
                let session = &mut it.balancer.as_mut().unwrap().session;
                (session.known, session.route, session.id) = (false, "gone".to_owned(), String::new());
            },
            &["no id, route gone, which no member has"],
        ),
        (
            "a session that was asked for without a path",
            |it, _| "goes to http://app2.example.com:8080".clone_into(&mut it.verdict),
            &["goes to   http://app2.example.com:8080"],
        ),
        (
            "a session without a route",
            |it, _| it.balancer.as_mut().unwrap().session.route.clear(),
            &["id 5f2…, no route"],
        ),
        (
            "nobody is next, and a note",
            |it, _| {
                let candidacy = it.balancer.as_mut().unwrap();
                (candidacy.elected, candidacy.next) = (None, Vec::new());
                candidacy.notes.push("nobody is usable".to_owned());
            },
            &["next      nobody", "note      nobody is usable"],
        ),
        (
            "the proxy answers by itself",
            |it, _| {
                (it.mapping.as_mut().unwrap().status, it.balancer) = (Some(403), None);
                "/app/cart is denied".clone_into(&mut it.verdict);
            },
            &["goes to   /app/cart is denied", "the proxy itself answers 403"],
        ),
        (
            "a rule of access, of which the proxy cannot say whether it lets the client in",
            |it, _| {
                it.access =
                    Some("Require ip 10.0.0.0/8 must grant it; else the proxy answers 403".to_owned());
            },
            &["access    Require ip 10.0.0.0/8 must grant it; else the proxy answers 403"],
        ),
        (
            "sessions of the route are counted, about",
            |_, census| {
                let route = census.routes.iter_mut().find(|it| it.route.as_str() == "node2").unwrap();
                (route.live, route.exact, route.last_seen) = (12_345, false, None);
            },
            &["census    about 12,345 live of this route, none seen"],
        ),
        (
            "a route of which no whole window was seen",
            |_, census| {
                let route = census.routes.iter_mut().find(|it| it.route.as_str() == "node2").unwrap();
                (route.live, route.exact) = (17, true);
                (route.last_seen, route.unknown_until) = (
                    Some(Timestamp(census.taken.0 - 3_000_000)),
                    Some(Timestamp(sample::NOON + 1_860_000_000)),
                );
            },
            &["census    17+ live of this route, last seen 3 s ago; known at 12:31"],
        ),
        (
            "and none in it so far",
            |_, census| {
                let route = census.routes.iter_mut().find(|it| it.route.as_str() == "node2").unwrap();
                (route.live, route.last_seen) = (0, None);
                route.unknown_until = Some(Timestamp(sample::NOON + 1_860_000_000));
            },
            &["census    unknown until 12:31 how many are live of this route, none seen so far"],
        ),
        (
            "a balancer without sessions",
            |_, census| census.sticky = false,
            &["census    the balancer keeps none"],
        ),
        (
            "the member gets the path as it came",
            |it, _| it.mapping.as_mut().unwrap().becomes = None,
            &[
                "path      the line ProxyPass /app is the first that fits",
                "session   jsessionid in the URL: nothing",
            ],
        ),
    ];
    for (what, change, wanted) in rows {
        let shown = asked(change);
        let mut from = shown.iter();
        for line in wanted {
            assert!(from.any(|row| row == line), "{what}: {line} is not in\n{}", shown.join("\n"));
        }
    }
}

#[test]
fn what_cannot_be_told_says_why_in_its_place() {
    let mut model = sample::model(80, 24);
    press(&mut model, "4⏎/app⏎");
    assert!(rows(&model).iter().any(|row| row == "asking the proxy …"), "{:#?}", rows(&model));
    let need =
        model.gathered.needs.iter().find(|need| matches!(need, Need::Explanation(..))).cloned().unwrap();
    let outcome = Err("no answer within 5 s".to_owned());
    update(&mut model, crate::message::Message::News(News::Found { need, outcome }));
    assert!(rows(&model).iter().any(|row| row == "no answer within 5 s"), "{:#?}", rows(&model));
}
