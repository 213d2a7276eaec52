//! The census over whole requests: what counts where, when nobody is left, and what ends an observation.

use evenkeel_protocol::{BalancerEdit, MemberEdit, MemberSettings};
use proptest::prelude::*;

use super::*;
use crate::balancer::Balancer;
use crate::election::{Ask, Election, Why};
use crate::failover::{Failure, Outcome};
use crate::member::MemberId;

const SECOND: u64 = 1_000_000;
const WALL: u64 = 1_795_348_830_000_000;
/// The window of these balancers, in seconds.
const SHORT: u64 = 60;

fn at(second: u64) -> Moment {
    Moment(second * SECOND)
}

fn settings() -> BalancerSettings {
    BalancerSettings {
        stickysession: Some("SID".parse().unwrap()),
        sessionwindow: 60,
        ..BalancerSettings::default()
    }
}

fn members(routes: &[&str]) -> Vec<(MemberName, MemberSettings)> {
    let member = |(number, route): (usize, &&str)| {
        let name = format!("http://m{number}").parse().unwrap();
        (name, MemberSettings { route: route.parse().unwrap(), ..MemberSettings::default() })
    };
    routes.iter().enumerate().map(member).collect()
}

/// A balancer with a member for each route, observed from the start.
fn balancer(routes: &[&str]) -> Balancer {
    let mut balancer = Balancer::new("app".parse().unwrap(), settings(), members(routes), 1);
    balancer.watch_sessions(Salt::default(), at(0));
    balancer
}

fn elect(balancer: &mut Balancer, cookie: &str, second: u64) -> Election {
    balancer.elect(&Ask { url: "/", cookies: &[cookie], ..Ask::default() }, at(second)).unwrap()
}

/// A request that is answered.
fn visit(balancer: &mut Balancer, cookie: &str, second: u64) -> Election {
    let election = elect(balancer, cookie, second);
    if let Some(visit) = &election.visit {
        visit.answered(at(second));
    }
    election
}

fn census(balancer: &mut Balancer, second: u64) -> Census {
    let wall = Timestamp(WALL + second * SECOND);
    balancer.sightings(at(second)).census(at(second), wall)
}

fn seen(balancer: &mut Balancer, route: &str, second: u64) -> RouteSessions {
    census(balancer, second).route(&route.parse().unwrap()).cloned().unwrap()
}

/// Live, claimed, and how many seconds ago one was seen.
fn told(balancer: &mut Balancer, route: &str, second: u64) -> (u64, u64, Option<u64>) {
    let seen = seen(balancer, route, second);
    let ago = seen.last_seen.map(|last| Timestamp(WALL + second * SECOND).since(last).as_secs());
    (seen.live, seen.claimed, ago)
}

fn edit(balancer: &mut Balancer, json: &str) {
    balancer.edit_member(&"http://m0".parse().unwrap(), &parse(json)).unwrap();
}

fn parse(json: &str) -> MemberEdit {
    match json {
        "disable" => MemberEdit { disabled: Some(true), ..MemberEdit::default() },
        "redirect to b" => MemberEdit { redirect: "b".parse().ok(), ..MemberEdit::default() },
        route => MemberEdit { route: route.parse().ok(), ..MemberEdit::default() },
    }
}

#[test]
fn a_population_of_100_000_is_known_within_a_few_hundredths() {
    let mut balancer = balancer(&["a", "b"]);
    for number in 0..150_000_u32 {
        let route = if number % 3 == 0 { "b" } else { "a" };
        visit(&mut balancer, &format!("SID={number:08x}.{route}"), 1 + u64::from(number) / 5000);
    }
    for (route, population) in [("a", 100_000_u64), ("b", 50_000)] {
        let seen = seen(&mut balancer, route, 40);
        let off = seen.live.abs_diff(population) * 1000 / population;
        assert!(off <= 60 && !seen.exact, "{route}: {} of {population}, {off} thousandths off", seen.live);
        assert_eq!(seen.claimed, 0);
    }
}

#[test]
fn few_are_exact_and_zero_needs_a_whole_window() {
    let mut balancer = balancer(&["a", "b"]);
    for session in 0..1000 {
        visit(&mut balancer, &format!("SID={session}.a"), 10);
    }
    visit(&mut balancer, "SID=last.a", 30);
    assert_eq!(told(&mut balancer, "a", 31), (1001, 0, Some(1)));
    let b = seen(&mut balancer, "b", 31);
    assert!((b.live, b.last_seen) == (0, None) && !b.is_empty(), "no whole window was seen: {b:?}");
    assert_eq!(b.unknown_until, Some(Timestamp(WALL + SHORT * SECOND)));
    assert!(!seen(&mut balancer, "b", 59).is_empty() && seen(&mut balancer, "b", 60).is_empty());
    assert_eq!(told(&mut balancer, "a", 30 + SHORT), (1, 0, Some(SHORT)), "the last moment of its window");
    assert!(seen(&mut balancer, "a", 31 + SHORT).is_empty());
    assert_eq!(seen(&mut balancer, "a", 31 + 3 * SHORT).departing, Some(0));
}

#[test]
fn who_departed_is_told_as_a_rate() {
    let mut balancer = balancer(&["a"]);
    for session in 0..30 {
        visit(&mut balancer, &format!("SID={session}.a"), 70);
    }
    assert_eq!(seen(&mut balancer, "a", 100).departing, None, "nobody knows how many were there before");
    let departing = seen(&mut balancer, "a", 150).departing;
    assert_eq!(departing, Some(30 * 3_600_000 / 60_000));
}

#[test]
fn a_session_counts_where_it_was_answered() {
    let mut balancer = balancer(&["a", "b"]);
    // Elected, and not answered.
    let election = elect(&mut balancer, "SID=1.a", 1);
    assert_eq!(told(&mut balancer, "a", 1), (0, 0, None));
    election.visit.unwrap().failed(at(2));
    assert_eq!(told(&mut balancer, "a", 2), (0, 1, None), "claimed, and never answered");
    visit(&mut balancer, "SID=1.a", 3);
    assert_eq!(told(&mut balancer, "a", 3), (1, 0, Some(0)), "answered now");
    // No member of that route can be used: others take it by their turn.
    edit(&mut balancer, "disable");
    assert_eq!(visit(&mut balancer, "SID=2.a", 4).why, Why::Method);
    assert_eq!(told(&mut balancer, "a", 4), (1, 1, Some(1)));
    assert_eq!(told(&mut balancer, "b", 4), (0, 0, None), "it may be gone again");
    // A redirect leads to the same member each time, so that one holds it.
    edit(&mut balancer, "redirect to b");
    assert_eq!(visit(&mut balancer, "SID=3.a", 5).why, Why::Sticky);
    assert_eq!(told(&mut balancer, "b", 5), (1, 0, Some(0)));
    // A route of nobody's, and no session at all.
    visit(&mut balancer, "SID=4.nobody", 6);
    assert!(visit(&mut balancer, "", 6).visit.is_some());
    assert_eq!(census(&mut balancer, 6).strangers, 1);
}

#[test]
fn a_session_that_was_just_given_is_seen_though_not_counted() {
    let mut balancer = balancer(&["a"]);
    let election = elect(&mut balancer, "", 100);
    election.visit.unwrap().welcomed(at(100));
    assert_eq!(told(&mut balancer, "a", 101), (1, 0, Some(1)), "never none where one was seen");
    visit(&mut balancer, "SID=new.a", 102);
    assert_eq!(told(&mut balancer, "a", 102), (1, 0, Some(0)));
}

#[test]
fn sessions_that_are_a_route_alone_are_one() {
    let mut balancer = balancer(&["a"]);
    for second in [1, 2] {
        visit(&mut balancer, "SID=.a", second);
    }
    let seen = seen(&mut balancer, "a", 3);
    assert!(seen.live == 1 && seen.anonymous, "{seen:?}");
}

#[test]
fn what_changes_how_sessions_are_found_starts_the_observation_anew() {
    let mut balancer = balancer(&["a", "b"]);
    visit(&mut balancer, "SID=1.a", 100);
    // What has nothing to do with it does not.
    balancer.edit(&BalancerEdit { nofailover: Some(true), ..BalancerEdit::default() }).unwrap();
    assert_eq!((told(&mut balancer, "a", 101).0, census(&mut balancer, 101).unknown_until), (1, None));
    let other = |text: &str| evenkeel_protocol::edit::StickyEdit(text.parse().ok());
    balancer.edit(&BalancerEdit { stickysession: Some(other("TID")), ..BalancerEdit::default() }).unwrap();
    balancer.watch_sessions(Salt::default(), at(110));
    let b = seen(&mut balancer, "b", 169);
    assert!(b.live == 0 && !b.is_empty(), "{b:?}");
    assert!(seen(&mut balancer, "a", 170).is_empty());
    balancer.edit(&BalancerEdit { stickysession: Some(other("")), ..BalancerEdit::default() }).unwrap();
    let census = census(&mut balancer, 180);
    assert!(!census.sticky && census.routes.is_empty(), "{census:?}");
    assert!(balancer.sightings_of_members(0, usize::MAX).iter().all(Option::is_none));
}

#[test]
fn a_route_that_is_given_later_is_observed_from_then_on() {
    let mut balancer = balancer(&["a", "b"]);
    visit(&mut balancer, "SID=1.a", 100);
    edit(&mut balancer, "c");
    balancer.watch_sessions(Salt::default(), at(110));
    assert_eq!(seen(&mut balancer, "c", 111).unknown_until, Some(Timestamp(WALL + 170 * SECOND)));
    assert!(seen(&mut balancer, "b", 111).unknown_until.is_none(), "the others are not concerned");
    let gone = seen(&mut balancer, "a", 111);
    assert!((gone.live, gone.members.len()) == (1, 0), "{gone:?}");
    assert_eq!(census(&mut balancer, 111).routes.len(), 3);
    edit(&mut balancer, "a");
    assert_eq!(told(&mut balancer, "a", 120), (1, 0, Some(20)), "who gets it back has its sessions");
    let until = seen(&mut balancer, "a", 120).unknown_until;
    assert_eq!(until, Some(Timestamp(WALL + 180 * SECOND)), "and those that went elsewhere meanwhile");
    assert_eq!(census(&mut balancer, 200).routes.len(), 2);
}

#[test]
fn a_reload_goes_on_observing_unless_sessions_are_found_otherwise() {
    let longer = BalancerSettings { sessionwindow: 61, ..settings() };
    let renamed = BalancerSettings { stickysession: Some("TID".parse().unwrap()), ..settings() };
    let timeout = BalancerSettings { timeout: 3, ..settings() };
    for (name, settings, goes_on) in [
        ("the same", settings(), true),
        ("another timeout", timeout, true),
        ("another window", longer, false),
        ("another cookie", renamed, false),
    ] {
        let mut before = balancer(&["a", "b"]);
        let late = elect(&mut before, "SID=2.b", 99);
        visit(&mut before, "SID=1.a", 100);
        let made = ("app".parse().unwrap(), settings);
        let mut next = Balancer::succeeding(&before, made, members(&["b", "a", "c"]), 1);
        next.go_on_watching(&before);
        next.watch_sessions(Salt::default(), at(105));
        // A request of before ends after it.
        late.visit.unwrap().answered(at(106));
        for (route, live) in [("a", u64::from(goes_on)), ("b", 1)] {
            let seen = seen(&mut next, route, 110);
            assert_eq!((seen.live, seen.unknown_until.is_none()), (live, goes_on), "{name}");
        }
        assert!(!seen(&mut next, "b", 166).is_empty() && seen(&mut next, "b", 170).is_empty(), "{name}");
        assert!(seen(&mut next, "c", 110).unknown_until.is_some(), "{name}: a new route");
        assert!(seen(&mut next, "c", 170).is_empty(), "{name}");
    }
}

#[test]
fn a_member_asks_for_its_own_and_a_snapshot_counts_once_a_second() {
    let mut balancer = balancer(&["a", "", "b"]);
    visit(&mut balancer, "SID=1.a", 100);
    let live = |balancer: &Balancer, second| -> Vec<Option<u64>> {
        let members = balancer.sightings_of_members(0, usize::MAX);
        members.iter().map(|seen| seen.as_ref().and_then(|seen| seen.live(at(second)))).collect()
    };
    assert_eq!(live(&balancer, 100), [Some(1), None, Some(0)]);
    visit(&mut balancer, "SID=2.a", 100);
    assert_eq!(live(&balancer, 100)[0], Some(1));
    assert_eq!(live(&balancer, 101)[0], Some(2));
    assert_eq!(live(&balancer, 161), [Some(0), None, Some(0)]);
    let mut of = |member| {
        let sighted = balancer.sighted_at(MemberId(member), at(102))?;
        Some(sighted.count(at(102), Timestamp(WALL)).live)
    };
    assert_eq!((of(0), of(1), of(2), of(3)), (Some(2), None, Some(0), None));
}

#[test]
fn what_began_before_a_change_is_seen_however_late_it_ends() {
    let mut balancer = balancer(&["a"]);
    let other = |text: &str| BalancerEdit {
        stickysession: Some(evenkeel_protocol::edit::StickyEdit(text.parse().ok())),
        ..BalancerEdit::default()
    };
    let late = elect(&mut balancer, "SID=1.a", 1).visit.unwrap();
    for (second, change) in [(2, other("TID")), (3, other("")), (4, other("SID"))] {
        balancer.edit(&change).unwrap();
        balancer.watch_sessions(Salt::default(), at(second));
    }
    edit(&mut balancer, "b");
    balancer.watch_sessions(Salt::default(), at(5));
    edit(&mut balancer, "a");
    balancer.watch_sessions(Salt::default(), at(6));
    assert!(seen(&mut balancer, "a", 70).is_empty(), "its request is in flight all the time");
    late.answered(at(80));
    assert_eq!(told(&mut balancer, "a", 140), (1, 0, Some(SHORT)));
    assert!(seen(&mut balancer, "a", 141).is_empty());
    assert_eq!(balancer.watch.lasts.len(), 1);
    drop(late);
    edit(&mut balancer, "c");
    balancer.watch_sessions(Salt::default(), at(150));
    assert!(balancer.watch.lasts.keys().map(Route::as_str).eq(["c"]), "nothing can come of the others");
}

#[test]
fn time_that_was_not_observed_does_not_count() {
    let mut balancer = balancer(&["a"]);
    visit(&mut balancer, "SID=1.a", 100);
    balancer.missed_sessions(at(200));
    let missed = seen(&mut balancer, "a", 200);
    assert!((missed.live, missed.unknown_until.is_some()) == (0, true), "{missed:?}");
    assert!(!seen(&mut balancer, "a", 259).is_empty() && seen(&mut balancer, "a", 260).is_empty());
}

#[test]
fn an_error_of_a_member_is_no_answer() {
    let mut balancer = balancer(&["a", "b"]);
    let election = elect(&mut balancer, "SID=1.a", 1);
    balancer.settle(MemberId(0), &Outcome::Failed(Failure::refused()), at(1));
    election.visit.unwrap().failed(at(1));
    visit(&mut balancer, "SID=1.a", 2);
    assert_eq!(told(&mut balancer, "a", 2), (0, 1, None));
}

#[test]
fn ids_are_told_apart_and_mean_nothing_elsewhere() {
    let (one, other) = (Salt::new([1, 2]), Salt::new([1, 3]));
    let ids: Vec<String> = (0..100_000).map(|id| format!("{id:032x}")).collect();
    let marks: HashSet<u64> = ids.iter().map(|id| one.of(id.as_bytes())).collect();
    assert_eq!(marks.len(), ids.len());
    assert!(ids.iter().all(|id| one.of(id.as_bytes()) != other.of(id.as_bytes())));
    for (a, b) in [("", "\0"), ("a", "a\0"), ("12345678", "12345678\0")] {
        assert_ne!(one.of(a.as_bytes()), one.of(b.as_bytes()));
    }
    for bit in 0..64 {
        let set = marks.iter().filter(|mark| **mark >> bit & 1 == 1).count();
        assert!(set.abs_diff(50_000) < 1000, "bit {bit} is even: {set}");
    }
}

proptest! {
    /// Whatever is visited when: none is said only where none was seen for a whole window that was observed, and
    /// small numbers are exact as far as a tick is.
    #[test]
    fn none_is_said_only_of_a_whole_window_without_any(
        window in 1_u32..200,
        steps in proptest::collection::vec((0_u64..90_000_000, 0_u8..40, 0_u8..2), 1..120),
    ) {
        let settings = BalancerSettings { sessionwindow: window, ..settings() };
        let mut balancer = Balancer::new("app".parse().unwrap(), settings, members(&["a", "b"]), 1);
        let (mut now, length) = (Moment(5), u64::from(window) * SECOND);
        let began = now;
        balancer.watch_sessions(Salt::default(), now);
        let mut last: HashMap<(u8, u8), Moment> = HashMap::new();
        for (pause, session, route) in steps {
            now = Moment(now.0 + pause);
            let name = ["a", "b"][usize::from(route)];
            for (number, name) in [(0, "a"), (1, "b")] {
                let all = balancer.sightings(now).census(now, Timestamp(WALL));
                let told = all.route(&name.parse().unwrap()).unwrap();
                let ages = || last.iter().filter(|((_, route), _)| *route == number).map(|(_, seen)| now.0 - seen.0);
                let surely = ages().filter(|age| *age <= length).count() as u64;
                let perhaps = ages().filter(|age| *age <= length + length.div_ceil(256) * 2).count() as u64;
                prop_assert_eq!(told.live == 0, surely == 0);
                prop_assert!(told.live >= surely && told.live <= perhaps, "{} {} {}", surely, told.live, perhaps);
                prop_assert_eq!(told.is_empty(), surely == 0 && now.0 >= began.0 + length);
            }
            let cookie = format!("SID={session}.{name}");
            let ask = Ask { url: "/", cookies: &[&cookie], ..Ask::default() };
            balancer.elect(&ask, now).unwrap().visit.unwrap().answered(now);
            last.insert((session, route), now);
        }
    }
}
