//! Edits: what they answer, what they change at once, and two operators at one member.

use std::fs;

use evenkeel_protocol::{Change, Code, EventKind};
use harness::prelude::*;

fn pair() -> (Proxy, [Backend; 2]) {
    let [a, b] = backends(["a", "b"]);
    let proxy = proxy(format!(
        "<Proxy balancer://app>
            BalancerMember {a} route=a
            BalancerMember {b} route=b
        </Proxy>
        ProxyPass / balancer://app/"
    ));
    (proxy, [a, b])
}

#[test]
fn a_revision_of_before_a_restart_is_never_the_current_one_again() {
    let (mut proxy, _backends) = pair();
    let seen = |proxy: &Proxy| proxy.member("app", "a").revision;
    let mut known = vec![seen(&proxy)];
    for edits in [&["2", "5", "7"][..], &["1"], &[], &["3"]] {
        for lbfactor in edits {
            proxy.edit("app", "a", &format!("{{\"lbfactor\":{lbfactor}}}"));
            known.push(seen(&proxy));
        }
        proxy.kill();
        proxy.restart();
        for before in &known {
            let edit = format!("{{\"lbset\":1,\"revision\":{before}}}");
            let refusal = proxy.try_edit("app", "a", &edit).refusal();
            assert_eq!(refusal.code, Code::Stale);
            assert!(refusal.message.contains("the proxy was started again"), "{refusal:?}");
        }
        known.push(seen(&proxy));
    }
}

#[test]
fn an_edit_answers_what_it_changed_and_is_in_effect() {
    let (proxy, [_a, b]) = pair();
    let before = proxy.member("app", "b").revision;
    let edited = proxy.edit("app", "b", r#"{"drain":true,"lbset":2,"reason":"deploy 42"}"#);
    assert!(edited.changed && edited.durable && edited.event.is_some(), "{edited:?}");
    assert_eq!(
        (edited.revision, edited.member.map(|name| name.to_string())),
        (before + 1, Some(b.to_string()))
    );
    let mut fields: Vec<&str> = edited.changes.iter().map(|change| change.field.as_str()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["drain", "lbset"]);
    let lbset = Change { field: "lbset".into(), before: "0".into(), after: "2".into() };
    assert!(edited.changes.contains(&lbset), "{:?}", edited.changes);
    assert_eq!(visits(&proxy, 3), "aaa");
}

#[test]
fn asking_for_what_already_holds_is_a_success_without_a_change() {
    let (proxy, _backends) = pair();
    let first = proxy.edit("app", "a", r#"{"drain":true}"#);
    let again = proxy.edit("app", "a", r#"{"drain":true}"#);
    assert!(first.changed && !again.changed);
    assert_eq!((again.revision, again.changes.len(), again.event), (first.revision, 0, None));
}

#[test]
fn of_two_operators_who_saw_the_same_the_second_is_told() {
    let (proxy, _backends) = pair();
    let seen = proxy.member("app", "a").revision;
    let mine = format!("{{\"lbset\":1,\"revision\":{seen}}}");
    let theirs = format!("{{\"lbset\":2,\"revision\":{seen}}}");
    assert!(proxy.edit("app", "a", &mine).changed);
    let refusal = proxy.try_edit("app", "a", &theirs).refusal();
    assert_eq!((refusal.code, refusal.field.as_deref()), (Code::Stale, Some("revision")));
    assert_eq!(proxy.member("app", "a").lbset.get(), 1);
}

#[test]
fn edits_at_the_same_time_are_all_counted_and_none_is_lost() {
    let (proxy, _backends) = pair();
    let admin = proxy.admin().clone();
    let before = proxy.member("app", "a").revision;
    let editors: Vec<_> = (0..4_u8)
        .map(|editor| {
            let admin = admin.clone();
            std::thread::spawn(move || {
                for round in 0..10_u8 {
                    let json = format!("{{\"route\":\"r{editor}x{round}\"}}");
                    let url = admin
                        .get::<evenkeel_protocol::Snapshot>(&evenkeel_protocol::Call::Snapshot)
                        .balancers[0]
                        .members[0]
                        .name
                        .clone();
                    let call = evenkeel_protocol::Call::edit_member(&"app".parse().unwrap(), &url);
                    assert_eq!(admin.ask(call.method(), &call.path(), &json).status, 200);
                }
            })
        })
        .collect();
    for editor in editors {
        editor.join().unwrap();
    }
    let member = &proxy.balancer("app").members[0];
    assert_eq!(member.revision, before + 40);
    let edits = proxy
        .admin()
        .events(0)
        .into_iter()
        .filter(|event| matches!(event.kind, EventKind::MemberEdited { .. }));
    assert_eq!(edits.count(), 40);
}

#[test]
fn a_balancers_own_settings_change_while_it_runs() {
    let (proxy, _backends) = pair();
    let edited = proxy
        .edit_balancer("app", r#"{"stickysession":"SID|sid","nofailover":true,"maxattempts":3,"timeout":2}"#);
    assert!(edited.changed && edited.member.is_none() && edited.changes.len() == 4, "{edited:?}");
    assert_eq!(browser().cookie("SID", "x.b").visits(&proxy, "/", 3), "bbb");
    let settings = proxy.balancer("app").settings;
    assert_eq!((settings.nofailover, settings.maxattempts, settings.timeout), (true, Some(3), 2));
    proxy.edit_balancer("app", r#"{"stickysession":""}"#);
    assert_eq!(proxy.balancer("app").settings.stickysession, None);
}

#[test]
fn requests_in_flight_finish_on_a_member_that_is_disabled_under_them() {
    let (proxy, [a, _b]) = pair();
    let request = Held::answered(&proxy, &a, Reply::size(1000));
    proxy.edit("app", "a", r#"{"disabled":true}"#);
    assert_eq!((visits(&proxy, 3).as_str(), proxy.member("app", "a").busy), ("bbb", 1));
    let answer = request.answer();
    assert_eq!((answer.answered_by().as_str(), answer.body.len()), ("a", 1000));
}

#[test]
fn an_edit_that_cannot_be_kept_says_so_whenever_it_is_asked_for() {
    let (mut proxy, _backends) = pair();
    let journal = proxy.run_folder().join("edits.journal");
    // Not even root can write to a folder as if it were a file.
    fs::remove_file(&journal).unwrap();
    fs::create_dir(&journal).unwrap();
    let drain = r#"{"drain":true}"#;
    let first = proxy.edit("app", "a", drain);
    assert_eq!((first.changed, first.durable), (true, false), "{first:?}");
    assert_eq!(proxy.member("app", "a").words, "Init Drn Ok", "it is in effect all the same");
    let again = proxy.edit("app", "a", drain);
    assert_eq!((again.changed, again.durable), (false, false), "{again:?}");
    let other = proxy.edit("app", "b", r#"{"lbset":1}"#);
    assert_eq!((other.changed, other.durable), (true, false), "{other:?}");

    fs::remove_dir(&journal).unwrap();
    let again = proxy.edit("app", "a", drain);
    assert_eq!((again.changed, again.durable), (false, true), "{again:?}");
    proxy.kill();
    proxy.restart();
    assert_eq!(proxy.member("app", "a").words, "Init Drn Ok");
    assert_eq!(proxy.member("app", "b").lbset.get(), 1);
}

#[test]
fn a_drain_that_was_set_and_cleared_leaves_the_word_to_the_file() {
    let (mut proxy, _backends) = pair();
    proxy.edit("app", "a", r#"{"drain":true}"#);
    proxy.edit("app", "a", r#"{"drain":false}"#);
    assert_eq!(proxy.stop().code(), Some(0));
    let file = proxy.folder().join("site.conf");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("route=a", "route=a status=+N")).unwrap();
    proxy.restart();
    assert_eq!((proxy.member("app", "a").words.as_str(), visits(&proxy, 2).as_str()), ("Init Drn Ok", "bb"));
}
