//! Members that operators add and remove: guards, previews, undo, and requests that are under way meanwhile.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use evenkeel_protocol::{
    Call, Code, Drain, DrainAnswer, DrainOutcome, Edited, EventKind, Overrides, Preview, Undone,
};
use harness::prelude::*;

const MEMBERS: &str = "/v1/balancers/app/members";

fn add(proxy: &Proxy, json: &str) -> Told {
    proxy.admin().ask("POST", MEMBERS, json)
}

fn remove(proxy: &Proxy, member: &str, json: &str) -> Told {
    proxy.admin().ask("DELETE", &format!("{MEMBERS}/{member}"), json)
}

fn url(member: &Backend, parameters: &str) -> String {
    format!(r#"{{"url":"{member}","parameters":[{parameters}]}}"#)
}

#[test]
fn a_member_comes_serves_and_goes_over_a_kill_and_a_reload() {
    let [a, b] = backends(["a", "b"]);
    let mut proxy = proxy(serving([&a]));
    let written = std::fs::read_to_string(proxy.folder().join("site.conf")).unwrap();
    let edited: Edited = add(&proxy, &url(&b, r#""route=b","loadfactor=3""#)).message();
    assert_eq!((edited.changed, edited.durable, edited.revision), (true, true, 1));
    assert_eq!(proxy.member("app", "b").words, "Init Dis");
    assert_eq!(visits(&proxy, 4), "aaaa");
    proxy.edit("app", "b", r#"{"disabled":false}"#);
    assert_eq!(visits(&proxy, 4).matches('b').count(), 3);
    proxy.kill();
    proxy.restart();
    assert_eq!(visits(&proxy, 4).matches('b').count(), 3);
    proxy.reload(&written);
    assert_eq!(visits(&proxy, 4).matches('b').count(), 3);
    let layers: Overrides = proxy.admin().ask("GET", "/v1/overrides", "").message();
    assert_eq!(layers.lines[0].parameters, ["status=+D", "route=b", "loadfactor=3"]);
    let edited: Edited = remove(&proxy, "b", "").message();
    assert_eq!(edited.changes[0].after, "");
    assert_eq!(visits(&proxy, 4), "aaaa");
    proxy.kill();
    proxy.restart();
    assert_eq!(proxy.balancer("app").members.len(), 1);
    let layers: Overrides = proxy.admin().ask("GET", "/v1/overrides", "").message();
    assert_eq!(layers.fields.len(), 0);
}

#[test]
fn what_cannot_be_added_or_removed_is_refused_and_nothing_is_half_done() {
    let [a, b] = backends(["a", "b"]);
    let proxy = proxy(serving([format!("{a} route=a")]));
    for (json, code, says) in [
        (url(&a, ""), Code::Invalid, "is a member of balancer://app already"),
        (format!(r#"{{"url":"{a}/x"}}"#), Code::Invalid, "starts with that of the member"),
        (url(&b, r#""weight=2""#), Code::Invalid, "did you mean loadfactor?"),
        (url(&b, r#""lbset=200""#), Code::Invalid, "lbset=200"),
        (r#"{"url":"nonsense"}"#.to_owned(), Code::Invalid, "nonsense"),
        (r#"{"url":"https://h"}"#.to_owned(), Code::Invalid, "https members are not supported"),
        (format!(r#"{{"url":"{b}","revision":7}}"#), Code::Stale, "is at revision 0 and not 7"),
        (r#"{"parameters":[]}"#.to_owned(), Code::Invalid, "url"),
        (format!(r#"{{"url":"{b}","what":1}}"#), Code::Invalid, "what"),
    ] {
        let refusal = add(&proxy, &json).refusal();
        assert_eq!(refusal.code, code, "{json}");
        assert!(refusal.message.contains(says), "{json}: {}", refusal.message);
    }
    let refusal = remove(&proxy, "a", r#"{"force":true}"#).refusal();
    assert!(refusal.message.contains("only who was added at run time"), "{}", refusal.message);
    assert_eq!(remove(&proxy, "nobody", "").refusal().code, Code::NotFound);
    assert_eq!(proxy.balancer("app").members.len(), 1);
    let refused =
        proxy.admin().events(0).into_iter().filter(|it| matches!(it.kind, EventKind::EditRefused(_)));
    assert_eq!(refused.count(), 11);
}

#[test]
fn who_is_needed_goes_only_by_force() {
    let [a, b] = backends(["a", "b"]);
    let proxy = proxy(format!("{}\nTimeout 20", serving([format!("{a} route=a status=+D")])));
    add(&proxy, &url(&b, r#""route=b","status=-D""#)).message::<Edited>();
    let looked: Preview = proxy.admin().ask("DELETE", &format!("{MEMBERS}/b?dry_run=true"), "").message();
    assert_eq!(looked.refusal.map(|refusal| refusal.code), Some(Code::Guarded));
    assert_eq!((looked.remaining.len(), looked.next.len(), looked.next_after.len()), (0, 12, 0));
    let refusal = remove(&proxy, "b", "").refusal();
    assert!(refusal.message.contains("last usable member"), "{}", refusal.message);
    // What is with it ends as if nothing had happened.
    proxy.edit("app", "a", r#"{"disabled":false}"#);
    let gate = Gate::default();
    b.behaves(Behaviour::HoldsUntil(gate.clone(), Reply::default()));
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| browser().get(&proxy, "/").answered_by());
        let other = scope.spawn(|| browser().get(&proxy, "/").answered_by());
        eventually_true("a request is with it", || proxy.member("app", "b").busy == 1);
        let refusal = remove(&proxy, "b", "").refusal();
        assert_eq!(refusal.code, Code::Guarded);
        assert!(refusal.message.contains("has 1 request in flight"), "{}", refusal.message);
        remove(&proxy, "b", r#"{"force":true,"reason":"it burns"}"#).message::<Edited>();
        assert_eq!(visits(&proxy, 3), "aaa");
        gate.open();
        let mut answered = [asking.join().unwrap(), other.join().unwrap()];
        answered.sort();
        assert_eq!(answered, ["a", "b"]);
    });
    let last = proxy.admin().events(0).pop().unwrap();
    assert!(matches!(last.kind, EventKind::BalancerEdited { forced: true, .. }), "{last:?}");
}

#[test]
fn coming_and_going_can_be_undone_unless_it_was_touched() {
    let [a, b] = backends(["a", "b"]);
    let proxy = proxy(serving([&a]));
    let undo = |json: &str| proxy.admin().ask("POST", "/v1/undo", json);
    let came: Edited = add(&proxy, &url(&b, r#""route=b""#)).message();
    let again: Edited = add(&proxy, &url(&b, r#""route=b""#)).message();
    assert!(!again.changed, "the same once more is nothing new");
    let undone: Undone = undo("").message();
    assert_eq!((Some(undone.undoes), proxy.balancer("app").members.len()), (came.event, 1));
    let event = undone.edited.unwrap().event.unwrap();
    let redone: Undone = undo(&format!(r#"{{"event":{event}}}"#)).message();
    assert_eq!(redone.does_again, came.event);
    assert_eq!(proxy.member("app", "b").route.as_str(), "b");
    let event = redone.edited.unwrap().event.unwrap();
    proxy.edit("app", "b", r#"{"lbset":2}"#);
    let refusal = undo(&format!(r#"{{"event":{event}}}"#)).refusal();
    assert_eq!(refusal.code, Code::Stale);
    undo(&format!(r#"{{"event":{event},"force":true}}"#)).message::<Undone>();
    assert_eq!(proxy.balancer("app").members.len(), 1);
}

#[test]
fn who_was_removed_comes_back_as_it_was_when_that_is_undone() {
    let [a, b] = backends(["a", "b"]);
    let proxy = proxy(serving([&a]));
    let line = r#""loadfactor=2","route=b","hcpasses=3","retry=7","ttl=9""#;
    add(&proxy, &url(&b, line)).message::<Edited>();
    let (lbfactor, settings) = (
        r#"{"lbfactor":4,"disabled":false}"#,
        r#"{"lbset":2,"standby":true,"hcinterval":200,"redirect":"a"}"#,
    );
    proxy.edit("app", "b", lbfactor);
    proxy.edit("app", "b", settings);
    let before = proxy.member("app", "b");
    let removed: Edited = remove(&proxy, "b", "").message();
    let line = format!(
        "{b} route=b hcpasses=3 retry=7 ttl=9 loadfactor=4.00 lbset=2 redirect=a hcinterval=200ms status=+H-D"
    );
    assert_eq!(removed.changes[0].before, line);
    let order = format!(r#"{{"event":{},"dry_run":true}}"#, removed.event.unwrap());
    let looked: Undone = proxy.admin().ask("POST", "/v1/undo", &order).message();
    let preview = looked.preview.unwrap();
    assert_eq!(preview.changes[0].after, line);
    assert!(preview.notes.iter().any(|note| note.contains("begin anew")), "{:?}", preview.notes);
    proxy.admin().ask("POST", "/v1/undo", "").message::<Undone>();
    let after = proxy.member("app", "b");
    let told = |member: &evenkeel_protocol::MemberSnapshot| {
        let health = (member.health.interval, member.health.passes);
        let (route, redirect) = (member.route.to_string(), member.redirect.to_string());
        (member.lbfactor, member.lbset, route, redirect, member.words.clone(), member.retry, health)
    };
    assert_eq!(told(&after), told(&before));
    assert_eq!(after.words, "Init Stby Ok");
}

#[test]
fn a_text_of_a_template_that_was_cleared_stays_so_and_words_with_blanks_stay_whole() {
    let [a, b] = backends(["a", "b"]);
    let templates = "ProxyHCExpr fine {%{REQUEST_STATUS} =~ /^2/}\nProxyHCTemplate web hcmethod=GET hcinterval=3600 \
                     hcpasses=2 hcuri=/health hcexpr=fine hctimeout=2";
    let proxy = proxy(format!("{templates}\n{}", serving([&a])));
    add(&proxy, &url(&b, r#""hctemplate=web","secret=a b","hcfails=4","status=-D""#)).message::<Edited>();
    let checked = || {
        let health = proxy.member("app", b.address()).health;
        assert_eq!((health.method_name(), health.interval.millis()), ("GET", 3_600_000));
        assert_eq!((health.passes, health.fails, health.timeout), (2, 4, Some(2_000)));
        (health.uri.to_string(), health.expression.to_string())
    };
    assert_eq!(checked(), ("/health".to_owned(), "fine".to_owned()));
    for (edit, left) in [(r#"{"hcexpr":""}"#, ("/health", "")), (r#"{"hcuri":""}"#, ("", ""))] {
        proxy.edit("app", b.address(), edit);
        let layers: Overrides = proxy.admin().ask("GET", "/v1/overrides", "").message();
        let line = layers.lines.iter().find(|line| line.member.as_str() == b.to_string()).unwrap();
        assert!(!line.parameters.iter().any(|word| word.starts_with("hctemplate")), "{line:?}");
        let removed: Edited = remove(&proxy, &b.address().to_string(), r#"{"force":true}"#).message();
        assert!(removed.changes[0].before.contains(r#" "secret=a b" "#), "{removed:?}");
        proxy.admin().ask("POST", "/v1/undo", "").message::<Undone>();
        assert_eq!(checked(), (left.0.to_owned(), left.1.to_owned()), "{edit}");
    }
}

#[test]
fn who_was_drained_and_removed_takes_nothing_when_that_is_undone() {
    let [a, b] = backends(["a", "b"]);
    let proxy = proxy(serving([&a]));
    add(&proxy, &url(&b, r#""route=b","status=-D""#)).message::<Edited>();
    for _ in 0..2 {
        proxy.edit("app", "b", r#"{"drain":true}"#);
        remove(&proxy, "b", "").message::<Edited>();
        proxy.admin().ask("POST", "/v1/undo", "").message::<Undone>();
        assert_eq!(proxy.member("app", "b").words, "Init Drn Ok");
        assert_eq!(visits(&proxy, 3), "aaa");
    }
}

#[test]
fn no_request_is_lost_while_members_come_and_go() {
    let [a, b, c] = backends(["a", "b", "c"]);
    let proxy = proxy_with_threads(2, serving([&a, &b]));
    let (ends, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut browser = browser().keep_alive();
                while !ends.load(Ordering::Relaxed) {
                    assert_eq!(browser.get(&proxy, "/").status, 200);
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for round in 0..15 {
            add(&proxy, &url(&c, r#""status=-D""#)).message::<Edited>();
            let before = c.count();
            eventually_true("it is given requests", || c.count() > before);
            if round % 3 == 0 {
                proxy.edit_balancer("app", &format!("{{\"timeout\":{}}}", round + 1));
            }
            remove(&proxy, &c.address().to_string(), r#"{"force":true}"#).message::<Edited>();
        }
        ends.store(true, Ordering::Relaxed);
    });
    assert!(asked.load(Ordering::Relaxed) > 15);
    assert_eq!(proxy.busy(), 0);
    let total: u64 = proxy.balancer("app").members.iter().map(|member| member.elected).sum();
    assert_eq!(total + c.count() as u64, (a.count() + b.count() + c.count()) as u64);
}

#[test]
fn who_was_removed_by_force_gets_no_failover_of_requests_that_came_before() {
    let [a, b, c] = backends(["a", "b", "c"]);
    let members = [format!("{a} route=a max=1 acquire=3000"), format!("{c} lbset=2")];
    let proxy = proxy(serving(members));
    add(&proxy, &url(&b, r#""lbset=1","status=-D""#)).message::<Edited>();
    proxy.edit("app", "a", r#"{"disabled":true}"#);
    assert_eq!(browser().get(&proxy, "/").answered_by(), "b");
    assert_eq!((b.count(), b.open()), (1, 1), "its connection is kept");
    proxy.edit("app", "a", r#"{"disabled":false}"#);
    // One is with a, and the other waits for it to be free, in vain.
    let held = Held::by(&proxy, &a);
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| browser().get(&proxy, "/").answered_by());
        eventually_equal(&2, || proxy.member("app", "a").busy);
        remove(&proxy, &b.address().to_string(), r#"{"force":true}"#).message::<Edited>();
        eventually_equal(&0, || b.open());
        assert_eq!((waits.join().unwrap().as_str(), b.count()), ("c", 1));
    });
    held.answer();
    assert_eq!(proxy.busy(), 0);
}

#[test]
fn a_drain_ends_as_gone_when_its_member_is_removed_and_one_of_a_member_that_is_back_sees_what_is_in_flight() {
    let [a, b] = backends(["a", "b"]);
    let proxy = proxy(serving([format!("{a} lbset=1")]));
    let (whom, newcomer) = (b.address().to_string(), url(&b, r#""status=-D""#));
    let order = |json: &str| -> DrainAnswer {
        let call = Call::BeginDrain("app".parse().unwrap(), whom.clone());
        proxy.admin().ask(call.method(), &call.path(), json).message()
    };
    let look = |number: u64| -> Drain { proxy.admin().get(&Call::Drain(number)) };
    let ended =
        |number: u64| eventually("it ends", || Some(look(number)).filter(|drain| !drain.is_running()));
    add(&proxy, &newcomer).message::<Edited>();
    let held = Held::by(&proxy, &b);
    let first = order("{}").drain.number;
    let refusal = remove(&proxy, &whom, "").refusal();
    assert_eq!(refusal.code, Code::Guarded, "{}", refusal.message);
    assert!(look(first).is_running());
    remove(&proxy, &whom, r#"{"force":true}"#).message::<Edited>();
    let gone = ended(first);
    assert_eq!((gone.outcome, gone.safe_to_stop), (Some(DrainOutcome::MemberGone), false), "{gone:?}");
    assert!(gone.why.starts_with("the member was removed by "), "{}", gone.why);
    assert!(gone.why.ends_with("; 1 request was in flight"), "{}", gone.why);
    add(&proxy, &newcomer).message::<Edited>();
    // Its deadline cuts what came when it was a member before.
    let second = order(r#"{"settle":"0","timeout":"100ms","on_timeout":"cut"}"#).drain;
    assert!(second.busy.total() == 1 && !second.safe_to_stop, "{second:?}");
    assert_eq!(look(first).busy.total(), 0, "who is back is another member");
    assert_eq!(ended(second.number).outcome, Some(DrainOutcome::Cut));
    eventually_equal(&0, || proxy.busy());
    drop(held.outcome());
}
