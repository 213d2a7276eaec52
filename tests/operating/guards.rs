//! Guards and previews through real sockets and commands: the last that serves is not taken by one wrong key, and
//! what a dry run says is what then happens.

use evenkeel_protocol::{Code, EventKind, PlanPreview, Preview};
use harness::prelude::*;

fn pair(method: &str) -> (Proxy, [Backend; 2]) {
    let [a, b] = backends(["a", "b"]);
    let proxy = proxy(format!(
        "<Proxy balancer://app>
            BalancerMember {a} route=a
            BalancerMember {b} route=b loadfactor=3
            ProxySet stickysession=SID lbmethod={method}
        </Proxy>
        ProxyPass / balancer://app/"
    ));
    (proxy, [a, b])
}

fn preview(proxy: &Proxy, member: &str, json: &str) -> Preview {
    proxy.admin().ask("PATCH", &format!("/v1/balancers/app/members/{member}?dry_run=true"), json).message()
}

fn evenkeel_with(proxy: &Proxy, line: &str) -> Ended {
    let socket = proxy.admin().socket().display().to_string();
    run(&evenkeel(), ["--socket", &socket].into_iter().chain(line.split(' ')))
}

#[test]
fn the_last_that_serves_is_taken_only_with_force() {
    let (proxy, _backends) = pair("byrequests");
    assert_eq!(proxy.try_edit("app", "a", r#"{"drain":true}"#).status, 200);
    for json in
        [r#"{"drain":true}"#, r#"{"disabled":true}"#, r#"{"stopped":true}"#, r#"{"health_fail":true}"#]
    {
        let refusal = proxy.try_edit("app", "b", json).refusal();
        assert_eq!(refusal.code, Code::Guarded, "{json}");
        assert!(
            refusal.message.contains("last usable member") && refusal.message.contains("force"),
            "{refusal:?}"
        );
    }
    assert_eq!(proxy.member("app", "b").words, "Init Ok", "nothing has changed");
    let refused: Vec<_> = proxy
        .admin()
        .events(0)
        .into_iter()
        .filter_map(|event| match event.kind {
            EventKind::EditRefused(refused) => Some(refused),
            _ => None,
        })
        .collect();
    assert_eq!(refused.len(), 4);
    assert_eq!((refused[0].code, refused[0].changes[0].field.as_str()), (Code::Guarded, "drain"));
    assert!(refused[0].by.is_some());

    // To enable is never refused, and one word overrides.
    assert_eq!(proxy.try_edit("app", "a", r#"{"drain":false}"#).status, 200);
    proxy.edit("app", "a", r#"{"drain":true}"#);
    assert_eq!(proxy.try_edit("app", "b", r#"{"disabled":true,"force":true}"#).status, 200);
    let last = proxy.admin().events(0).pop().unwrap();
    assert!(matches!(last.kind, EventKind::MemberEdited { forced: true, .. }), "{last:?}");
}

#[test]
fn the_command_ends_with_the_guards_code_and_force_overrides_it() {
    let (proxy, _backends) = pair("byrequests");
    evenkeel_with(&proxy, "drain app/a").with_code(0);
    let refused = evenkeel_with(&proxy, "drain app/b").with_code(4);
    assert!(refused.err.contains("--force"), "{refused:?}");
    let looked = evenkeel_with(&proxy, "drain app/b --dry-run --json").with_code(4);
    let json: serde_json::Value = serde_json::from_str(&looked.out).unwrap();
    assert_eq!((&json["applied"], &json["refusal"]["code"]), (&false.into(), &"guarded".into()));
    let looked = evenkeel_with(&proxy, "drain app/b --dry-run --force").with_code(0);
    assert!(looked.out.contains("takes new clients then: nobody"), "{}", looked.out);
    assert_eq!(proxy.member("app", "b").words, "Init Ok");
    evenkeel_with(&proxy, "drain app/b --force").with_code(0);
    assert_eq!(proxy.member("app", "b").words, "Init Drn Ok");
}

#[test]
fn a_dry_run_changes_nothing_and_is_no_event() {
    let (proxy, _backends) = pair("byrequests");
    visits(&proxy, 3);
    let look = || {
        let mut snapshot = proxy.snapshot();
        snapshot.taken = evenkeel_protocol::Timestamp(0);
        snapshot
    };
    let before = look();
    for json in [r#"{"drain":true}"#, r#"{"lbfactor":9}"#, r#"{"stopped":true,"reason":"x"}"#, "{}"] {
        assert!(!preview(&proxy, "a", json).applied);
    }
    let told = proxy.admin().ask("PATCH", "/v1/balancers/app?dry_run=true", r#"{"lbmethod":"bybusyness"}"#);
    assert_eq!(told.message::<Preview>().changes.len(), 1);
    assert_eq!(look(), before);
    // The same checks as at the door, and they are no attempts.
    let asked = |json: &str| proxy.admin().ask("PATCH", "/v1/balancers/app/members/a?dry_run=true", json);
    assert_eq!(asked(r#"{"drain":true,"revision":77}"#).refusal().code, Code::Stale);
    assert_eq!(asked(r#"{"lbfactor":0}"#).refusal().code, Code::Invalid);
    assert_eq!(look().event, before.event);
}

#[test]
fn several_edits_are_looked_at_together_and_the_last_one_is_seen() {
    let (proxy, [a, b]) = pair("byrequests");
    let plan = |members: &[&Backend], edit: serde_json::Value| {
        let members: Vec<String> = members.iter().map(ToString::to_string).collect();
        let proposal = serde_json::json!({"balancer": "app", "members": members, "edit": edit});
        let order = serde_json::json!({"proposals": [proposal]}).to_string();
        let mut told: PlanPreview = proxy.admin().ask("POST", "/v1/preview", &order).message();
        assert!(!told.applied && told.balancers.len() == 1);
        told.balancers.remove(0)
    };
    let drains = serde_json::json!({"drain": true});
    // What came before the first look at the counters was not measured.
    let both = eventually("some of the visits are measured", || {
        visits(&proxy, 8);
        let both = plan(&[&a, &b], drains.clone());
        both.moved.is_some_and(|moved| moved.requests > 0).then_some(both)
    });
    let before = proxy.snapshot().balancers;
    let refused: Vec<Option<Code>> =
        both.steps.iter().map(|step| step.refusal.as_ref().map(|refusal| refusal.code)).collect();
    assert_eq!(refused, [None, Some(Code::Guarded)]);
    assert_eq!((both.remaining.len(), both.next_after.len()), (0, 0));
    assert_eq!(both.moved.map(|moved| moved.free), Some(10_000));
    let one = plan(&[&a], drains);
    assert_eq!((one.steps[0].refusal.as_ref(), one.remaining.len()), (None, 1));
    let forced = plan(&[&b, &a], serde_json::json!({"drain": true, "force": true}));
    assert!(forced.steps.iter().all(|step| step.refusal.is_none() && step.changes.len() == 1));
    let stale = plan(&[&a, &b], serde_json::json!({"drain": true, "revision": 77}));
    assert!(stale.steps.iter().all(|step| step.refusal.as_ref().unwrap().code == Code::Stale));
    assert_eq!(proxy.snapshot().balancers, before, "nothing was done");
    let nowhere = r#"{"proposals":[{"balancer":"zz","members":[],"edit":{}}]}"#;
    assert_eq!(proxy.admin().ask("POST", "/v1/preview", nowhere).refusal().code, Code::NotFound);
}

#[test]
fn what_a_preview_says_is_what_happens() {
    for method in ["byrequests", "bybusyness"] {
        let (proxy, [a, b]) = pair(method);
        visits(&proxy, 5);
        for json in [r#"{"lbfactor":2}"#, r#"{"drain":true}"#, r#"{"drain":false}"#, r#"{"lbset":1}"#] {
            let told = preview(&proxy, "a", json);
            assert_eq!(told.refusal, None, "{json}");
            assert_eq!(proxy.edit("app", "a", json).changes, told.changes, "{json}");
            let name = |member: &evenkeel_protocol::MemberName| {
                if member.to_string() == a.to_string() { 'a' } else { 'b' }
            };
            let expected: String = told.next_after.iter().map(name).collect();
            assert_eq!(expected.len(), Preview::PICKS);
            assert_eq!(visits(&proxy, Preview::PICKS), expected, "{method} {json}, b is {b}");
        }
    }
}

#[test]
fn shares_are_measured_and_sessions_apart_from_the_others() {
    let (proxy, _backends) = pair("byrequests");
    let unknown = preview(&proxy, "a", r#"{"drain":true}"#);
    assert_eq!(unknown.moved, None);
    assert!(unknown.notes.iter().any(|note| note.contains("unknown")), "{:?}", unknown.notes);
    assert_eq!(visits(&proxy, 4).matches('a').count(), 1);
    let mut known = browser().cookie("SID", "x.a");
    assert_eq!(known.visits(&proxy, "/", 4), "aaaa");
    let drained = preview(&proxy, "a", r#"{"drain":true}"#).moved.unwrap();
    assert_eq!((drained.requests, drained.sticky, drained.free), (8, 0, 1_250));
    let stopped = preview(&proxy, "a", r#"{"disabled":true}"#).moved.unwrap();
    assert_eq!((stopped.requests, stopped.sticky, stopped.free), (8, 5_000, 1_250));
}

#[test]
fn sessions_that_would_move_are_counted_once_a_window_was_seen() {
    let (proxy, _backends) = pair("byrequests sessionwindow=2s");
    for session in ["x.a", "y.a", "z.b"] {
        browser().cookie("SID", session).get(&proxy, "/");
    }
    let stop = r#"{"stopped":true}"#;
    let early = preview(&proxy, "a", stop);
    assert_eq!(early.sessions, None);
    assert!(early.notes.iter().any(|note| note.starts_with("Sessions seen so far: 2;")), "{:?}", early.notes);
    assert_eq!(preview(&proxy, "a", r#"{"drain":true}"#).sessions, Some(0), "a drain moves no session");
    eventually("a whole window", || {
        for session in ["x.a", "y.a", "z.b"] {
            browser().cookie("SID", session).get(&proxy, "/");
        }
        preview(&proxy, "a", stop).sessions.filter(|sessions| *sessions == 2)
    });
    eventually_equal(&Some(0), || preview(&proxy, "a", stop).sessions);
}
