//! Many edits and removals that are looked at together: the proxy knows who would be left, however many are named.

use evenkeel_protocol::{BalancerOutlook, Code, Edited, PlanPreview};
use harness::prelude::*;
use serde_json::{Value, json};

fn look(proxy: &Proxy, members: &[String], intent: (&str, Value)) -> BalancerOutlook {
    let mut proposal = json!({"balancer": "app", "members": members});
    proposal[intent.0] = intent.1;
    let order = json!({"proposals": [proposal]}).to_string();
    let mut told: PlanPreview = proxy.admin().ask("POST", "/v1/preview", &order).message();
    assert!(!told.applied && told.balancers.len() == 1);
    told.balancers.remove(0)
}

fn codes(outlook: &BalancerOutlook) -> Vec<Option<Code>> {
    outlook.steps.iter().map(|step| step.refusal.as_ref().map(|refusal| refusal.code)).collect()
}

#[test]
fn several_removals_are_foreseen_together_as_they_would_be_refused_one_by_one() {
    let [a, b, c] = backends(["a", "b", "c"]);
    let proxy = proxy(serving([&a]));
    for member in [&b, &c] {
        let json = json!({"url": member.to_string(), "parameters": ["status=-D"]}).to_string();
        proxy.admin().ask("POST", "/v1/balancers/app/members", &json).message::<Edited>();
    }
    let [a, b, c] = [&a, &b, &c].map(ToString::to_string);
    let removal = || ("removal", json!({}));
    visits(&proxy, 9);
    let before = proxy.snapshot().balancers;

    let two = look(&proxy, &[b.clone(), c.clone()], removal());
    assert_eq!(codes(&two), [None, None]);
    assert_eq!(two.steps[0].changes[0].field, "member");
    assert_eq!((two.remaining.len(), two.remaining[0].to_string()), (1, a.clone()));
    let moved = two.moved.expect("something was measured");
    assert_eq!((moved.requests, moved.free), (9, 6_666), "two thirds of it");

    let all = look(&proxy, &[b.clone(), a.clone(), c.clone(), "http://h".to_owned()], removal());
    assert_eq!(codes(&all), [None, Some(Code::Invalid), None, Some(Code::NotFound)]);
    let why = all.steps[1].refusal.as_ref().map(|refusal| refusal.message.as_str()).unwrap_or_default();
    assert!(why.contains("stands in the configuration"), "{why}");

    // With nobody else for new clients the last of the two is guarded.
    proxy.edit("app", a.replace("http://", ""), r#"{"drain":true}"#);
    let last = look(&proxy, &[b.clone(), c.clone()], removal());
    assert_eq!(codes(&last), [None, Some(Code::Guarded)]);
    assert_eq!(last.remaining.len(), 0);
    let forced = look(&proxy, &[b.clone(), c], ("removal", json!({"force": true})));
    assert_eq!(codes(&forced), [None, None]);
    assert_eq!(proxy.balancer("app").members.len(), before[0].members.len(), "nothing was done");
    let both = json!({"proposals": [{"balancer": "app", "members": [b], "edit": {}, "removal": {}}]});
    let refusal = proxy.admin().ask("POST", "/v1/preview", &both.to_string()).refusal();
    assert!(refusal.message.contains("either an edit or a removal"), "{}", refusal.message);
}

#[test]
fn a_spare_does_not_stand_in_for_who_is_removed() {
    let [a, b] = backends(["a", "b"]);
    let proxy = proxy(serving([format!("{a} status=+R")]));
    let json = json!({"url": b.to_string(), "parameters": ["status=-D"]}).to_string();
    proxy.admin().ask("POST", "/v1/balancers/app/members", &json).message::<Edited>();
    assert_eq!(visits(&proxy, 3), "bbb");
    let plan = look(&proxy, &[b.to_string()], ("removal", json!({})));
    assert_eq!(codes(&plan), [Some(Code::Guarded)]);
    let target = format!("/v1/balancers/app/members/{}", b.to_string().replace("http://", ""));
    let refusal = proxy.admin().ask("DELETE", &target, "").refusal();
    assert_eq!(refusal.code, Code::Guarded, "{}", refusal.message);
    assert_eq!(visits(&proxy, 3), "bbb");
}

#[test]
fn as_many_bytes_as_a_thousand_long_names_have_are_answered() {
    // Fewer and longer ones: elections among a thousand take their time in a build for tests.
    let name = |at: usize| format!("http://127.0.0.1:1/{at:0>331}");
    let names: Vec<String> = (0..300).map(name).collect();
    assert!(names.iter().map(String::len).sum::<usize>() > 100_000);
    let proxy = proxy(serving(&names));
    let plan = look(&proxy, &names, ("edit", json!({"drain": true})));
    assert_eq!(plan.steps.len(), 300);
    assert_eq!(plan.steps.iter().filter(|step| step.refusal.is_some()).count(), 1);
    assert_eq!(plan.steps[299].refusal.as_ref().map(|refusal| refusal.code), Some(Code::Guarded));
    let refused = look(&proxy, &names, ("removal", json!({})));
    assert!(codes(&refused).iter().all(|code| *code == Some(Code::Invalid)));
    let huge = format!(r#"{{"proposals":[{}]}}"#, " ".repeat(600_000));
    assert_eq!(proxy.admin().ask("POST", "/v1/preview", &huge).refusal().code, Code::TooLarge);
}
