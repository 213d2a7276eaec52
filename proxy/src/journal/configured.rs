//! What the configuration says, in the words of edits, so that the two can be compared field by field.

use std::collections::BTreeMap;

use evenkeel_protocol::edit::{StickyEdit, UpTo};
use evenkeel_protocol::{
    BalancerEdit, BalancerSettings, CheckCount, MemberEdit, MemberName, MemberSettings, Subject,
};
use serde_json::{Map, Value};

use crate::config::BalancerConfig;

/// What the configuration says of each field that can be edited.
pub(super) fn configured(balancers: &[BalancerConfig]) -> BTreeMap<Subject, Map<String, Value>> {
    let object = |edit: serde_json::Result<Value>| match edit {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    };
    let mut all = BTreeMap::new();
    for config in balancers {
        let subject =
            |member: Option<&MemberName>| Subject { balancer: config.name.clone(), member: member.cloned() };
        all.insert(subject(None), object(serde_json::to_value(of_balancer(&config.settings))));
        for (name, settings) in &config.members {
            all.insert(subject(Some(name)), object(serde_json::to_value(of_member(settings))));
        }
    }
    all
}

/// The parameters of each member as they stand in its line.
pub(super) fn written(balancers: &[BalancerConfig]) -> BTreeMap<Subject, Vec<String>> {
    let of = |config: &BalancerConfig| {
        let names = config.members.iter().map(|(name, _)| name.clone());
        let balancer = config.name.clone();
        let subjects = names.map(move |name| Subject { balancer: balancer.clone(), member: Some(name) });
        subjects.zip(config.written.clone()).collect::<Vec<_>>()
    };
    balancers.iter().flat_map(of).collect()
}

/// The edit that would set what a member is configured with.
fn of_member(settings: &MemberSettings) -> MemberEdit {
    let edit = MemberEdit {
        lbfactor: Some(settings.lbfactor),
        lbset: Some(settings.lbset),
        route: Some(settings.route.clone()),
        redirect: Some(settings.redirect.clone()),
        hcmethod: Some(settings.health.method),
        hcinterval: Some(settings.health.interval),
        hcpasses: CheckCount::new(settings.health.passes.max(1)),
        hcfails: CheckCount::new(settings.health.fails.max(1)),
        hcuri: Some(settings.health.uri.clone()),
        hcexpr: Some(settings.health.expression.clone()),
        ..MemberEdit::default()
    };
    MemberEdit::FLAGS
        .into_iter()
        .filter(|(_, field)| *field != MemberEdit::TRANSIENT)
        .fold(edit, |edit, (flag, _)| edit.with_flag(flag, settings.status.has(flag)))
}

/// The edit that would set what a balancer is configured with.
fn of_balancer(settings: &BalancerSettings) -> BalancerEdit {
    BalancerEdit {
        lbmethod: Some(settings.lbmethod),
        stickysession: Some(StickyEdit(settings.stickysession.clone())),
        nofailover: Some(settings.nofailover),
        timeout: UpTo::new(settings.timeout),
        maxattempts: settings.maxattempts.and_then(UpTo::new),
        revision: None,
        force: None,
        reason: None,
    }
}

/// A value as changes show it.
pub(super) fn shown(field: &str, value: &Value) -> String {
    match value {
        Value::Number(number) if field == "lbfactor" => format!("{:.2}", number.as_f64().unwrap_or_default()),
        Value::Bool(on) => if *on { "On" } else { "Off" }.to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
