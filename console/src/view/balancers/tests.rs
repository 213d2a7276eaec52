//! The list with names as they are in the field.

use std::collections::HashSet;

use crate::message::Message;
use crate::model::{Model, sample};
use crate::news::News;
use crate::update::update;
use crate::view::tests::drawn;

/// The text of the member at a place.
type Named = fn(usize) -> String;

/// A balancer with so many members, called by `named` and routed by `routed`.
fn crowd((columns, count): (u16, usize), (named, routed): (Named, Named)) -> Model {
    let mut snapshot = sample::snapshot(62);
    snapshot.balancers.truncate(1);
    snapshot.balancers[0].members = (0..count)
        .map(|at| {
            let mut member = sample::member(&named(at), &routed(at));
            (member.lbstatus, member.transferred, member.read) = (-588_321, 19_560_012, 77_120_445);
            member
        })
        .collect();
    let mut model = sample::model(columns, 340);
    update(&mut model, Message::News(News::Snapshot(Box::new(snapshot))));
    model
}

#[test]
fn members_are_told_apart_by_name_and_route_at_every_width() {
    let typical: [(Named, Named); 3] = [
        (
            |at| format!("http://app-frontend-{:03}.eu-west-1.internal:8080", at + 1),
            |at| format!("frontend-{:03}", at + 1),
        ),
        (|at| format!("http://127.0.0.1:{}/some/longer/path", 30_000 + at), |at| format!("web-node-{at:03}")),
        (|at| format!("http://node-{at}.shop.example.com:8080"), |_| String::new()),
    ];
    for names in typical {
        for count in [3, 30, 300] {
            for columns in [60, 80, 120, 160] {
                let drawn = drawn(&crowd((columns, count), names));
                let rows: Vec<&str> = drawn.lines().skip(4).take(count).collect();
                let called: HashSet<&str> = rows
                    .iter()
                    .map(|row| row.trim_start_matches(['▸', ' ']).split(' ').next().unwrap())
                    .collect();
                assert_eq!(called.len(), count, "{columns}: {}", rows[0]);
                let (first, last) = ((names.1)(0), (names.1)(count - 1));
                // On 60 columns they are told apart, but need not be whole.
                assert!(
                    columns == 60 || rows[0].contains(&first) && rows[count - 1].contains(&last),
                    "{columns}: {}",
                    rows[0]
                );
            }
        }
    }
}

#[test]
fn settings_that_would_be_lost_are_marked_at_their_balancer() {
    let mut snapshot = sample::snapshot(62);
    let balancer = snapshot.balancers[0].name.clone();
    let member = snapshot.balancers[1].members[0].name.clone();
    let other = snapshot.balancers[1].name.clone();
    snapshot.undurable = vec![
        evenkeel_protocol::Subject { balancer: balancer.clone(), member: None },
        evenkeel_protocol::Subject { balancer: other.clone(), member: Some(member) },
    ];
    for (columns, mark) in [
        (60, "settings NOT kept  "),
        (80, "settings NOT kept over a restart  "),
        (120, "settings NOT kept over a restart  "),
    ] {
        let mut model = sample::model(columns, 24);
        update(&mut model, Message::News(News::Snapshot(Box::new(snapshot.clone()))));
        let drawn = drawn(&model);
        let heading =
            |name: &str| drawn.lines().find(|line| line.contains(&format!(" balancer://{name}  "))).unwrap();
        assert!(heading(balancer.as_str()).contains(&format!("  {mark}")), "{drawn}");
        assert!(!heading(other.as_str()).contains("kept"), "{drawn}");
    }
}
