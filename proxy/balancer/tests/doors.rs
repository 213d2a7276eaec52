//! The doors as the proxy uses them: what they tell beside who is elected. Rows of facts, no schedules.

#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

use std::time::Duration;

use evenkeel_balancer::{
    Ask, Balancer, Failure, FailureKind, MemberId, NoMember, NoMemberWhy, Outcome, Sent,
};
use evenkeel_protocol::{
    BalancerSettings, Factor, Flag, LbMethod, MemberEdit, MemberName, MemberSettings, Moment, Status,
    Timestamp,
};

fn name(at: usize) -> MemberName {
    format!("http://10.0.0.{at}").parse().unwrap()
}

/// A balancer with a member for each of these settings.
fn balancer(settings: BalancerSettings, members: Vec<MemberSettings>) -> Balancer {
    let members = members.into_iter().enumerate().map(|(at, member)| (name(at), member)).collect();
    Balancer::new("app".parse().unwrap(), settings, members, 1)
}

/// A member with this factor in hundredths, and its route.
fn member(factor: u16, route: &str) -> MemberSettings {
    MemberSettings {
        lbfactor: Factor::from_hundredths(factor).unwrap(),
        route: route.parse().unwrap(),
        ..MemberSettings::default()
    }
}

fn with(flag: Flag) -> MemberSettings {
    let status = Status::INITIALISED.with(flag, true);
    MemberSettings { status, ..MemberSettings::default() }
}

fn failure(kind: FailureKind) -> Outcome {
    Outcome::Failed(Failure {
        kind,
        sent: Sent::Nothing,
        reused: false,
        idempotent: true,
        repeats: 0,
        tries: 1,
        reason: "refused".to_owned(),
    })
}

#[test]
fn settings_are_those_it_was_given() {
    let settings = BalancerSettings { timeout: 7, failonstatus: vec![503], ..BalancerSettings::default() };
    assert_eq!(*balancer(settings.clone(), vec![member(100, "")]).settings(), settings);
}

#[test]
fn a_stopped_member_is_known_by_its_name() {
    let balancer = balancer(
        BalancerSettings::default(),
        vec![with(Flag::Stopped), with(Flag::Disabled), member(100, "")],
    );
    for (at, stopped) in [(0, true), (1, false), (2, false), (3, false)] {
        assert_eq!(balancer.is_stopped(&name(at)), stopped, "{at}");
    }
}

#[test]
fn waiting_is_worth_it_only_where_a_change_can_help_and_the_balancer_allows_it() {
    let sticky = BalancerSettings {
        stickysession: Some("SID".parse().unwrap()),
        nofailover: true,
        ..BalancerSettings::default()
    };
    let cookies = ["SID=x.a"];
    for (timeout, cookies, why, wait) in [
        (0, &[][..], NoMemberWhy::Unusable, None),
        (3, &[], NoMemberWhy::Unusable, Some(Duration::from_secs(3))),
        (3, &cookies, NoMemberWhy::RouteUnusable, None),
        (0, &cookies, NoMemberWhy::RouteUnusable, None),
    ] {
        let settings = BalancerSettings { timeout, ..sticky.clone() };
        let mut balancer =
            balancer(settings, vec![MemberSettings { route: "a".parse().unwrap(), ..with(Flag::Disabled) }]);
        let nobody = balancer.elect(&Ask { cookies, ..Ask::default() }, Moment(0)).unwrap_err();
        assert_eq!((nobody.why, nobody.wait), (why, wait), "{timeout} {cookies:?}");
    }
    let mut empty = balancer(BalancerSettings { timeout: 3, ..BalancerSettings::default() }, Vec::new());
    assert_eq!(empty.elect(&Ask::default(), Moment(0)).unwrap_err().why, NoMemberWhy::Empty);
}

#[test]
fn why_nobody_is_elected_is_said_with_a_remedy() {
    for (why, words) in [
        (NoMemberWhy::Empty, ["no members", "add a BalancerMember"]),
        (NoMemberWhy::Unusable, ["no member takes new requests", "enable one"]),
        (NoMemberWhy::RouteUnusable, ["nofailover forbids", "switch nofailover off"]),
    ] {
        let text =
            NoMember { why, retried: Vec::new(), wait: None, session: None, missing: None }.to_string();
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    }
}

#[test]
fn what_a_lease_counted_is_shown_and_a_lease_shows_whose_it_is() {
    let mut balancer = balancer(BalancerSettings::default(), vec![member(100, "")]);
    let shown = |balancer: &Balancer| {
        let member = balancer.snapshot(Moment(0), Timestamp(0)).members.remove(0);
        (member.elected, member.busy, member.served, member.failed)
    };
    let election = balancer.elect(&Ask::default(), Moment(0)).unwrap();
    assert_eq!(format!("{:?}", election.lease), "Lease { member: MemberId(0), probes: false, .. }");
    election.lease.failed();
    assert_eq!(shown(&balancer), (1, 1, 0, 1));
    drop(election);
    balancer.elect(&Ask::default(), Moment(0)).unwrap().lease.answered(200, 1);
    assert_eq!(shown(&balancer), (2, 0, 1, 1));
}

#[test]
fn the_time_of_the_next_try_is_shown_until_it_has_come() {
    let mut balancer = balancer(BalancerSettings::default(), vec![member(100, "a"), member(100, "b")]);
    let (error, retry) = (Moment(5_000_000), Duration::from_secs(60));
    balancer.settle(MemberId(0), &failure(FailureKind::Connect), error);
    let (start, micro) = (Timestamp(1_000_000_000), Duration::from_micros(1));
    for (passed, retry_at) in [
        (Duration::ZERO, Some(retry)),
        (Duration::from_secs(20), Some(Duration::from_secs(40))),
        (retry, Some(Duration::ZERO)),
        (retry + micro, None),
        (retry + retry, None),
    ] {
        let wall = start.plus(passed);
        let note = balancer.snapshot(error.plus(passed), wall).members[0].error.clone().unwrap();
        assert_eq!((note.at, note.retry_at), (start, retry_at.map(|after| wall.plus(after))), "{passed:?}");
    }
}

/// Bytes that a member was sent and that it answered.
type Traffic = (u64, u64);

/// Moves bytes for each member by requests of its sessions, and previews that the first is enabled again.
fn returns_behind(members: [(u16, Traffic); 3], usable: [bool; 3]) -> bool {
    let settings = BalancerSettings {
        lbmethod: LbMethod::ByTraffic,
        stickysession: Some("SID".parse().unwrap()),
        ..BalancerSettings::default()
    };
    let routes = ["a", "b", "c"];
    let each = members.iter().zip(routes).map(|((factor, _), route)| member(*factor, route)).collect();
    let mut balancer = balancer(settings, each);
    for ((_, (sent, received)), route) in members.iter().zip(routes) {
        let cookie = format!("SID=x.{route}");
        let election =
            balancer.elect(&Ask { cookies: &[cookie.as_str()], ..Ask::default() }, Moment(0)).unwrap();
        election.lease.sent(*sent);
        election.lease.received(*received);
    }
    for (at, usable) in usable.into_iter().enumerate() {
        let edit = MemberEdit { disabled: Some(!usable), ..MemberEdit::default() };
        balancer.edit_member(&name(at), &edit).unwrap();
    }
    let enabled = MemberEdit { disabled: Some(false), ..MemberEdit::default() };
    !balancer.preview_member(&name(0), &enabled).unwrap().notes.is_empty()
}

#[test]
fn a_member_is_behind_if_it_moved_less_for_its_share_than_all_that_serve() {
    let away = [false, true, true];
    for (about, members, usable, behind) in [
        ("less", [(100, (0, 1000)), (100, (0, 2000)), (100, (0, 3000))], away, true),
        ("as much", [(100, (0, 1000)), (100, (0, 1000)), (100, (0, 3000))], away, false),
        ("sent, less by number and more for its share", share((1000, 0), (1500, 0)), away, false),
        ("read, less by number and more for its share", share((0, 1000), (0, 1500)), away, false),
        ("both directions count", [(100, (900, 900)), (100, (0, 1000)), (100, (1000, 0))], away, false),
        (
            "who serves nobody does not count",
            [(100, (0, 1000)), (100, (0, 2000)), (100, (0, 0))],
            [false, true, false],
            true,
        ),
    ] {
        assert_eq!(returns_behind(members, usable), behind, "{about}");
    }
}

/// A member with the factor 1 before two with the factor 2.
fn share(first: Traffic, others: Traffic) -> [(u16, Traffic); 3] {
    [(100, first), (200, others), (200, others)]
}

#[test]
fn nothing_is_noted_where_nothing_changes_for_sessions() {
    let settings =
        BalancerSettings { stickysession: Some("SID".parse().unwrap()), ..BalancerSettings::default() };
    // Nobody serves before and after.
    let alone = balancer(settings.clone(), vec![with(Flag::Disabled)]);
    let lbset =
        MemberEdit { lbset: Some(evenkeel_protocol::Lbset::new(1).unwrap()), ..MemberEdit::default() };
    assert_eq!(alone.preview_member(&name(0), &lbset).unwrap().notes, [""; 0]);
    // It serves before and after, though it is behind.
    let by_traffic = BalancerSettings { lbmethod: LbMethod::ByTraffic, ..settings.clone() };
    let mut behind = balancer(by_traffic, vec![member(100, "a"), member(100, "b")]);
    behind.elect(&Ask { cookies: &["SID=x.b"], ..Ask::default() }, Moment(0)).unwrap().lease.received(1000);
    assert_eq!(behind.preview_member(&name(0), &lbset).unwrap().notes, [""; 0]);
    // A redirect that leads nowhere takes no sessions.
    let redirected = MemberSettings { redirect: "nobody".parse().unwrap(), ..member(100, "a") };
    let pair = balancer(settings, vec![redirected, member(100, "b")]);
    let disabled = MemberEdit { disabled: Some(true), ..MemberEdit::default() };
    let notes = pair.preview_member(&name(0), &disabled).unwrap().notes;
    assert!(notes.len() == 1 && notes[0].starts_with("Its sessions move"), "{notes:?}");
}
