//! The rows of the lens that the pictures do not have: what else can be found of a session, or not.

use evenkeel_protocol::{Census, Explanation, Look, Reading, SearchStep, SessionPlace, Timestamp};

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
fn what_is_looked_for_twice_and_found_alike_is_told_once() {
    let rows = asked(|it, _| {
        let session = &mut it.balancer.as_mut().unwrap().session;
        let look = |place, name: &str, reading| Look {
            place,
            name: name.to_owned(),
            reading,
            saw: "nothing".to_owned(),
        };
        let looks = |reading| {
            [
                look(SessionPlace::Url, "jsessionid", reading),
                look(SessionPlace::Cookie, "JSESSIONID", reading),
            ]
        };
        session.looked = [Reading::Literal, Reading::Tolerant].map(looks).concat();
        (session.found, session.known) = (None, false);
    });
    let told: Vec<&String> = rows.iter().filter(|row| row.ends_with(": nothing")).collect();
    assert_eq!(told, ["session   jsessionid in the URL: nothing", "JSESSIONID in the cookies: nothing"]);
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
            &["no id, route gone, which no member of balancer://app has"],
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
                "is answered 403 by the proxy: it is denied".clone_into(&mut it.verdict);
            },
            &["answered  403 by the proxy: it is denied", "the proxy itself answers 403"],
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
            &["census    about 12,345 live of this route, none seen answered"],
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
            &["census    unknown until 12:31 how many are live of this route, none seen answered so far"],
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
fn no_session_in_a_url_is_shown_whole() {
    let mut model = sample::model(120, 36);
    press(&mut model, "4⏎/app/x;jsessionid=0123456789.node2⏎");
    let need =
        model.gathered.needs.iter().find(|need| matches!(need, Need::Explanation(..))).cloned().unwrap();
    let mut explanation = sample::explanation();
    explanation.balancer.as_mut().unwrap().session.found = Some(SessionPlace::Url);
    explanation.mapping.as_mut().unwrap().becomes = Some("/x;jsessionid=0123456789.node2".to_owned());
    let outcome = Ok(Found::Explanation(Box::new(explanation)));
    update(&mut model, crate::message::Message::News(News::Found { need, outcome }));
    let shown = rows(&model).join("\n");
    for row in [
        "asked     /app/x;jsessionid=0123….node2",
        "the member gets /x;jsessionid=0123….node2",
        "recent elections of this session",
    ] {
        assert!(shown.contains(row), "{row} is not in\n{shown}");
    }
    assert!(!shown.contains("0123456789"), "{shown}");
}

#[test]
fn why_there_are_no_elections_is_told_whole() {
    let mut model = sample::model(80, 24);
    press(&mut model, "4⏎X=abcd /app⏎");
    let need = model.gathered.needs.iter().find(|need| matches!(need, Need::Elections(..))).cloned().unwrap();
    let why =
        "cookie: no balancer finds a session in it; write NAME=VALUE as the client sends it, or its URL";
    update(&mut model, crate::message::Message::News(News::Found { need, outcome: Err(why.to_owned()) }));
    assert!(rows(&model).join(" ").contains(why), "{:#?}", rows(&model));
}

#[test]
fn a_refusal_is_taken_back_by_what_is_understood() {
    let mut model = sample::model(80, 24);
    for (refused, good) in [("4⏎Host: h⏎", "⏎/app⏎"), ("5/Host: h⏎", "/node1⏎")] {
        press(&mut model, refused);
        assert!(model.toast.as_ref().is_some_and(|toast| toast.text.starts_with("of a head")), "{refused}");
        press(&mut model, good);
        assert_eq!(model.toast, None, "{good}");
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
