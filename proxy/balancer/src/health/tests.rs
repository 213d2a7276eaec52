//! The tables of health checks.

use evenkeel_protocol::{BalancerSettings, CheckInterval, CheckMethod, MemberEdit, MemberSettings};

use super::*;
use crate::election::Ask;
use crate::failover::{Failure, Outcome};

fn check(interval: u64, passes: u32, fails: u32) -> HealthCheck {
    HealthCheck {
        method: CheckMethod::Get,
        interval: CheckInterval::from_millis(interval).unwrap(),
        passes,
        fails,
        ..HealthCheck::default()
    }
}

/// A balancer whose members are checked so, and start with these flags.
fn balancer(members: &[(&HealthCheck, &str)]) -> Balancer {
    let member = |(at, (health, status)): (usize, &(&HealthCheck, &str))| {
        let mut settings =
            MemberSettings { health: (*health).clone(), retry: 60, ..MemberSettings::default() };
        if !status.is_empty() {
            settings.status = settings.status.apply(status).unwrap();
        }
        (format!("http://10.0.0.{}", at + 1).parse().unwrap(), settings)
    };
    let members = members.iter().enumerate().map(member).collect();
    Balancer::new("app".parse().unwrap(), BalancerSettings::default(), members, 1)
}

fn name(member: u32) -> MemberName {
    format!("http://10.0.0.{}", member + 1).parse().unwrap()
}

fn finding(verdict: Verdict) -> Finding {
    Finding { verdict, reason: "as told\u{1b}".to_owned(), took: Duration::from_millis(3) }
}

fn found(balancer: &mut Balancer, member: u32, verdict: Verdict, now: u64) -> Observed {
    let check = balancer.members[member as usize].settings.health.clone();
    balancer.observe(MemberId(member), &check, &finding(verdict), Moment(now))
}

const MS: u64 = 1000;

/// The members to be checked at `milliseconds`, and when there is something to do next.
fn due(balancer: &mut Balancer, milliseconds: u64) -> (Vec<u32>, Option<u64>) {
    let mut begin = Vec::new();
    let mut room = Room { any: 16, late: 8 };
    let next = balancer.due_checks(Moment(milliseconds * MS), &mut room, |_| false, &mut begin);
    (begin.iter().map(|due| due.member.0).collect(), next.map(|next| next.0))
}

#[test]
fn counts_are_of_checks_in_a_row() {
    // What is found; then passed, failed and status after each.
    for (what, passes, fails, start, found_in_turn, wanted) in [
        ("one is enough", 1, 1, "", "PFFP", "00. 00C 00C 00."),
        ("nought is as one", 0, 0, "", "FP", "00C 00."),
        ("two of each", 2, 2, "", "PFPFFPFPP", "00. 01. 00. 01. 00C 10C 00C 10C 00."),
        ("what httpd takes for a fail is none", 2, 2, "", "FPPF", "01. 00. 00. 01."),
        ("an error is lifted too", 2, 1, "E", "PP", "10E 00."),
        ("both are lifted at once", 1, 1, "EC", "P", "00."),
        ("what fails in error does not fail twice", 1, 1, "E", "FF", "00E 00E"),
        ("disabled stays so", 1, 1, "D", "FP", "00DC 00D"),
        ("drain, standby and spare stay", 1, 1, "NHR", "FP", "00NHRC 00NHR"),
        ("not known is nothing", 1, 2, "", "FUF", "01. 01. 00C"),
        ("late is failed", 1, 1, "", "LP", "00C 00."),
        ("a stopped member is not judged", 1, 1, "S", "FF", "00S 00S"),
    ] {
        let mut balancer = balancer(&[(&check(100, passes, fails), start)]);
        let states: Vec<String> = found_in_turn
            .chars()
            .map(|letter| {
                let verdict = match letter {
                    'P' => Verdict::Passed,
                    'F' => Verdict::Failed,
                    'L' => Verdict::Late,
                    _ => Verdict::Undecided,
                };
                found(&mut balancer, 0, verdict, 0);
                let member = &balancer.members[0];
                let letters = member.status.with(Flag::Initialised, false).letters();
                let letters = if letters.is_empty() { "." } else { &letters };
                format!("{}{}{letters}", member.health.passed, member.health.failed)
            })
            .collect();
        assert_eq!(states.join(" "), wanted, "{what}");
    }
}

#[test]
fn what_changed_is_told_once() {
    let mut balancer = balancer(&[(&check(100, 2, 1), "")]);
    assert_eq!(found(&mut balancer, 0, Verdict::Failed, 0), Observed::Failed);
    assert_eq!(found(&mut balancer, 0, Verdict::Failed, 0), Observed::Nothing);
    assert_eq!(found(&mut balancer, 0, Verdict::Passed, 0), Observed::Nothing);
    let lifted = Status::NONE.with(Flag::HealthFail, true);
    assert_eq!(found(&mut balancer, 0, Verdict::Passed, 0), Observed::Passed { lifted });
    assert_eq!(found(&mut balancer, 0, Verdict::Passed, 0), Observed::Nothing);
}

#[test]
fn the_interval_counts_from_the_end_of_a_check_and_first_from_the_first_look() {
    let mut balancer = balancer(&[(&check(100, 1, 1), ""), (&check(250, 1, 1), "")]);
    assert_eq!(due(&mut balancer, 1000), (vec![], Some(1_100_001)));
    assert_eq!(due(&mut balancer, 1100), (vec![], Some(1_100_001)), "strictly later");
    let mut begin = Vec::new();
    let mut room = Room { any: 1, late: 1 };
    let next = balancer.due_checks(Moment(1_100_001), &mut room, |_| false, &mut begin);
    assert_eq!((begin.len(), next), (1, Some(Moment(1_250_001))), "and not a microsecond after that");
    assert_eq!(due(&mut balancer, 1101), (vec![0], Some(1_250_001)));
    found(&mut balancer, 0, Verdict::Passed, 1180 * MS);
    assert_eq!(due(&mut balancer, 1260), (vec![1], Some(1_280_001)));
    assert_eq!(due(&mut balancer, 1300), (vec![1, 0], None), "the longest overdue first");
}

#[test]
fn who_is_checked() {
    let (off, on) = (HealthCheck::default(), check(100, 1, 1));
    for (what, check, status, checked) in [
        ("no method", &off, "", false),
        ("in use", &on, "", true),
        ("disabled", &on, "D", true),
        ("draining", &on, "N", true),
        ("standby and spare", &on, "HR", true),
        ("in error", &on, "E", true),
        ("failed", &on, "C", true),
        ("in shutdown", &on, "U", true),
        ("stopped", &on, "S", false),
    ] {
        let mut balancer = balancer(&[(check, status)]);
        due(&mut balancer, 0);
        assert_eq!(!due(&mut balancer, 101).0.is_empty(), checked, "{what}");
    }
}

#[test]
fn room_is_for_all_and_those_that_were_late_have_a_part_of_it() {
    let check = check(100, 1, 1);
    let mut balancer = balancer(&[(&check, ""), (&check, ""), (&check, ""), (&check, "")]);
    due(&mut balancer, 0);
    for (member, verdict) in
        [(0, Verdict::Late), (1, Verdict::Late), (2, Verdict::Failed), (3, Verdict::Passed)]
    {
        found(&mut balancer, member, verdict, u64::from(member));
    }
    for (what, any, late, running, wanted) in [
        ("room for all", 4, 2, vec![], vec![0, 1, 2, 3]),
        ("one late", 4, 1, vec![], vec![0, 2, 3]),
        ("none late", 4, 0, vec![], vec![2, 3]),
        ("room for two", 2, 1, vec![], vec![0, 2]),
        ("no room", 0, 0, vec![], vec![]),
        ("what runs is not doubled", 4, 2, vec![0, 2], vec![1, 3]),
    ] {
        let (mut room, mut begin) = (Room { any, late }, Vec::new());
        let is_running = |member: &MemberName| running.iter().any(|running| name(*running) == *member);
        balancer.due_checks(Moment(200 * MS), &mut room, is_running, &mut begin);
        assert_eq!(begin.iter().map(|due| due.member.0).collect::<Vec<_>>(), wanted, "{what}");
        assert_eq!(room.any, any - wanted.len(), "{what}");
    }
}

#[test]
fn edits_hold_from_the_next_look_on() {
    let mut balancer = balancer(&[(&check(60_000, 1, 1), "")]);
    due(&mut balancer, 0);
    let edit = |json: MemberEdit| json;
    let faster = edit(MemberEdit { hcinterval: CheckInterval::from_millis(100), ..MemberEdit::default() });
    balancer.edit_member(&name(0), &faster).unwrap();
    assert_eq!(due(&mut balancer, 101).0, [0], "its time counts from where it did");
    let stop = |on| MemberEdit { stopped: Some(on), ..MemberEdit::default() };
    balancer.edit_member(&name(0), &stop(true)).unwrap();
    assert_eq!(due(&mut balancer, 500), (vec![], None));
    balancer.edit_member(&name(0), &stop(false)).unwrap();
    assert_eq!(due(&mut balancer, 600), (vec![], Some(700_001)), "a whole interval first");
    let off = MemberEdit { hcmethod: Some(CheckMethod::None), ..MemberEdit::default() };
    balancer.edit_member(&name(0), &off).unwrap();
    assert_eq!(due(&mut balancer, 9000), (vec![], None));
}

#[test]
fn what_was_found_by_another_question_does_not_count() {
    let mut balancer = balancer(&[(&check(100, 1, 1), "")]);
    let before = balancer.members[0].settings.health.clone();
    let uri = MemberEdit { hcuri: "/new".parse().ok(), ..MemberEdit::default() };
    balancer.edit_member(&name(0), &uri).unwrap();
    let observed = balancer.observe(MemberId(0), &before, &finding(Verdict::Failed), Moment(5));
    assert_eq!(observed, Observed::Nothing);
    assert!(balancer.members[0].health.last.is_none());
    // How often, and how many, is no question to the member.
    let more = MemberEdit { hcfails: evenkeel_protocol::CheckCount::new(1), ..MemberEdit::default() };
    let before = balancer.members[0].settings.health.clone();
    balancer.edit_member(&name(0), &more).unwrap();
    let observed = balancer.observe(MemberId(0), &before, &finding(Verdict::Failed), Moment(5));
    assert_eq!(observed, Observed::Failed);
    assert_eq!(
        balancer.observe(MemberId(7), &before, &finding(Verdict::Failed), Moment(5)),
        Observed::Nothing
    );
}

/// Departure 62: forced recovery lifts errors and never HcFl.
#[test]
fn all_failed_is_nobody_and_nothing_is_forced() {
    let check = check(100, 1, 1);
    for (what, statuses, elected, forced) in [
        ("all HcFl", ["C", "C"], None, 0),
        ("HcFl and error on one", ["CE", "C"], None, 0),
        ("one in error alone", ["C", "E"], Some(1), 1),
        ("one is well", ["C", ""], Some(1), 0),
    ] {
        let mut balancer = balancer(&[(&check, statuses[0]), (&check, statuses[1])]);
        for at in [0, 1] {
            if balancer.members[at].status.has(Flag::Error) {
                let error = crate::member::ErrorState { at: Moment(0), reason: String::new() };
                balancer.members[at].error = Some(error);
            }
        }
        let (member, retried) = match balancer.elect(&Ask::default(), Moment(1)) {
            Ok(election) => (Some(election.member.0), election.retried.len()),
            Err(nobody) => (None, nobody.retried.len()),
        };
        assert_eq!((member, retried), (elected, forced), "{what}");
    }
}

#[test]
fn a_member_that_passes_is_elected_before_its_retry_time_and_without_a_trial() {
    let mut balancer = balancer(&[(&check(100, 1, 1), "")]);
    let failure = Failure::refused();
    assert!(balancer.settle(MemberId(0), &Outcome::Failed(failure), Moment(0)).marked);
    let lifted = Status::NONE.with(Flag::Error, true);
    assert_eq!(found(&mut balancer, 0, Verdict::Passed, MS), Observed::Passed { lifted });
    let election = balancer.elect(&Ask::default(), Moment(2 * MS)).unwrap();
    assert!(election.retried.is_empty() && !election.lease.is_probe());
    assert!(election.lease.answered(200, 1), "its error note is to be cleared");
    balancer.settle(MemberId(0), &Outcome::Answered { status: 200 }, Moment(3 * MS));
    assert!(balancer.members[0].error.is_none());
}

#[test]
fn the_snapshot_says_what_was_found_when_and_why() {
    let mut balancer = balancer(&[(&check(100, 2, 3), "")]);
    let at = |now, balancer: &Balancer| {
        balancer.snapshot(Moment(now), Timestamp(1_000_000)).members[0].health.clone()
    };
    assert_eq!(at(0, &balancer).last, None);
    found(&mut balancer, 0, Verdict::Failed, 100);
    let shown = at(150, &balancer);
    assert_eq!((shown.passes, shown.passed, shown.fails, shown.failed), (2, 0, 3, 1));
    let last =
        CheckNote { passed: false, reason: "as told\u{FFFD}".to_owned(), at: Timestamp(999_950), took: 3000 };
    assert_eq!(shown.last, Some(last));
}

#[test]
fn ten_thousand_members_are_looked_at_by_their_turns_alone() {
    let check = check(30_000, 1, 1);
    let settings = || MemberSettings { health: check.clone(), ..MemberSettings::default() };
    let members = (0..10_000).map(|at| (format!("http://m{at}").parse().unwrap(), settings())).collect();
    let mut balancer = Balancer::new("app".parse().unwrap(), BalancerSettings::default(), members, 1);
    due(&mut balancer, 0);
    assert_eq!(due(&mut balancer, 29_999), (vec![], Some(30_000_001)));
    assert_eq!(due(&mut balancer, 30_001).0.len(), 16);
}
