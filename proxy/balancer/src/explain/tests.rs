//! What is told of an election that would be; that it is the election itself is for the simulation to say.

use evenkeel_protocol::{BalancerSettings, MemberSettings, Reading, SessionPlace};

use super::*;
use crate::failover::{Failure, Outcome};

/// Members as `route status redirect`.
fn balancer(settings: BalancerSettings, members: &[&str]) -> Balancer {
    let member = |(number, text): (usize, &&str)| {
        let mut words = text.split(' ');
        let mut settings = MemberSettings::default();
        settings.route = words.next().unwrap_or_default().parse().unwrap();
        settings.status = settings.status.apply(words.next().unwrap_or("O")).unwrap();
        settings.redirect = words.next().unwrap_or_default().parse().unwrap();
        (format!("http://m{number}").parse().unwrap(), settings)
    };
    let members = members.iter().enumerate().map(member).collect();
    Balancer::new("app".parse().unwrap(), settings, members, 2)
}

fn sticky() -> BalancerSettings {
    BalancerSettings { stickysession: "SID|sid".parse().ok(), ..BalancerSettings::default() }
}

fn explain(balancer: &Balancer, url: &str, cookies: &[&str]) -> Candidacy {
    balancer.explain(&Ask { url, cookies, ..Ask::default() }, Moment(5_000_000), 4)
}

fn hosts(members: &[MemberName]) -> Vec<&str> {
    members.iter().map(MemberName::host).collect()
}

#[test]
fn a_session_goes_to_its_member_though_it_drains() {
    let balancer = balancer(sticky(), &["a +N", "b"]);
    let told = explain(&balancer, "/", &["X=1; SID=0123456789.a"]);
    assert_eq!((told.elected.unwrap().host(), told.why), ("m0", ElectionWhy::Sticky));
    assert_eq!(told.because, "the session's route a is that of http://m0");
    assert_eq!(hosts(&told.next), ["m0"; 4]);
    let note = told.session;
    assert_eq!((note.found, note.reading), (Some(SessionPlace::Cookie), Some(Reading::Literal)));
    assert_eq!((note.name.as_str(), note.id.as_str(), note.route.as_str()), ("SID", "0123…", "a"));
    let looks: Vec<&str> = note.looked.iter().map(|look| look.saw.as_str()).collect();
    assert_eq!(looks, ["nothing", "a value of route 'a'"]);
    assert!(told.search[0].taken && told.search[0].saw.contains("does not matter"));
    assert!(told.candidates[0].why.starts_with("it drains") && !told.candidates[0].offered);
    assert!(told.candidates[1].offered);
}

#[test]
fn what_was_looked_at_and_not_found_is_told() {
    let balancer = balancer(sticky(), &["a", "b"]);
    let looks = |url, cookies: &[&str]| -> Vec<String> {
        explain(&balancer, url, cookies).session.looked.into_iter().map(|look| look.saw).collect()
    };
    assert_eq!(looks("/", &[]), ["nothing"; 4]);
    assert_eq!(
        looks("/?sid=x", &["SID=x.b"]),
        ["a value without a route: there is no '.' in it", "nothing", "a value of route 'b'"]
    );
    assert_eq!(looks("/", &["SID=x.zz"])[1], "a value of route 'zz', which no member has");
    let told = explain(&balancer, "/", &["SID=\"x.b\""]);
    assert_eq!((told.session.reading, told.why), (Some(Reading::Tolerant), ElectionWhy::Sticky));
    let hostile = explain(&balancer, "/", &["SID=x.\u{1b}]0;evil"]);
    assert!(!format!("{hostile:?}").contains('\u{1b}') && !hostile.session.known);
    assert_eq!(hostile.search[0].saw, "no member has this route");
}

#[test]
fn by_traffic_what_comes_moves_as_much_as_what_came() {
    let settings = BalancerSettings { lbmethod: LbMethod::ByTraffic, ..BalancerSettings::default() };
    let mut balancer = balancer(settings, &["a", "b"]);
    for _ in 0..2 {
        let election = balancer.elect(&Ask::default(), Moment(1)).unwrap();
        election.lease.received(1000);
        election.lease.connected();
    }
    let told = explain(&balancer, "/", &[]);
    assert_eq!(hosts(&told.next), ["m0", "m1", "m0", "m1"]);
    assert!(told.notes[0].contains("each moved 1000 bytes, the average so far"), "{:?}", told.notes);
}

#[test]
fn redirects_are_followed_step_by_step() {
    let balancer = balancer(sticky(), &["a +D b", "b +D c", "c"]);
    let told = explain(&balancer, "/", &["SID=x.a"]);
    let steps: Vec<(&str, bool)> =
        told.search.iter().map(|step| (step.member.as_ref().unwrap().host(), step.taken)).collect();
    assert_eq!(steps, [("m0", false), ("m1", false), ("m2", true)]);
    assert_eq!(told.because, "the session's route a leads by a redirect to c, that of http://m2");
    assert!(told.notes[0].contains("another route"), "{:?}", told.notes);
}

#[test]
fn everybody_hears_why() {
    let lbset = |balancer: &mut Balancer, member: usize| {
        balancer.members[member].settings.lbset = evenkeel_protocol::Lbset::new(1).unwrap();
        balancer.lineup.refresh(&balancer.members);
    };
    let mut balancer = balancer(
        BalancerSettings::default(),
        &["a", "b +D", "c +R", "d +R", "e +H", "f +N", "g +S", "h +C", "i"],
    );
    lbset(&mut balancer, 8);
    balancer.members[5].settings.lbset = evenkeel_protocol::Lbset::new(1).unwrap();
    lbset(&mut balancer, 6);
    lbset(&mut balancer, 7);
    let told = explain(&balancer, "/", &[]);
    let starts = [
        "it is usable",
        "it is disabled (D)",
        "a spare that stands in",
        "a spare, and no more",
        "a standby, and its set has others",
        "it drains",
        "it is stopped (S)",
        "it failed its health checks",
        "set 1 is asked only if nobody of set 0",
    ];
    for (candidate, start) in told.candidates.iter().zip(starts) {
        assert!(candidate.why.starts_with(start), "{}: {}", candidate.member, candidate.why);
    }
    assert_eq!(hosts(&told.next), ["m0", "m2", "m0", "m2"]);
}

#[test]
fn errors_and_nobody_are_explained() {
    let mut balancer = balancer(BalancerSettings { nofailover: true, ..sticky() }, &["a", "b"]);
    balancer.settle(MemberId(0), &Outcome::Failed(Failure::refused()), Moment(1_000_000));
    let told = explain(&balancer, "/", &["SID=x.a"]);
    assert_eq!((told.elected, told.why), (None, ElectionWhy::RouteUnusable));
    assert!(told.because.contains("nofailover") && told.next.is_empty());
    let why = &told.candidates[0].why;
    assert!(
        why.starts_with("in error for 4 s: ") && why.ends_with("tried again in 57 s at the earliest"),
        "{why}"
    );
    let later = Moment(100_000_000);
    let told = balancer.explain(&Ask::default(), later, 2);
    assert_eq!(told.elected.unwrap().host(), "m0");
    assert!(told.notes[0].starts_with("The error of http://m0 would be lifted: its retry time"));
    // A request that finds out keeps the others away.
    let probe = balancer.elect(&Ask::default(), later).unwrap();
    let told = balancer.explain(&Ask::default(), later, 2);
    assert!(told.candidates[0].why.contains("being tried again") && hosts(&told.next) == ["m1", "m1"]);
    drop(probe);
    let empty = super::tests::balancer(sticky(), &[]);
    assert_eq!(explain(&empty, "/", &[]).why, ElectionWhy::Empty);
}

#[test]
fn what_waits_and_what_is_chance_is_noted() {
    let waiting = BalancerSettings { timeout: 7, ..BalancerSettings::default() };
    let told = explain(&balancer(waiting, &["a +D"]), "/", &[]);
    assert_eq!(told.because, "no member takes this request");
    assert!(told.notes[0].contains("up to 7 s"));
    let chance = BalancerSettings { lbmethod: LbMethod::Heartbeat, ..BalancerSettings::default() };
    let told = explain(&balancer(chance, &["a", "b"]), "/", &[]);
    assert!(told.notes[0].contains("elects by requests"));
}
