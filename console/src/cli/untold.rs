//! A snapshot as JSON in which what the proxy does not tell is null, for a zero would be taken for a count, and methods
//! that only an httpd has stand under their own names.

use evenkeel_protocol::Snapshot;
use serde_json::Value;

use super::Exit;
use super::output::Stop;

/// The snapshot, with null in the place of each field that its proxy does not tell.
pub(super) fn json(snapshot: &Snapshot) -> Result<Value, Stop> {
    let mut value = serde_json::to_value(snapshot)
        .map_err(|why| Stop::Failed(Exit::Failed, format!("the snapshot is no JSON: {why}")))?;
    for field in &snapshot.proxy.untold {
        if let Some(own) = field.strip_prefix("proxy.") {
            blank(value.pointer_mut("/proxy"), own);
            continue;
        }
        let balancers = value.pointer_mut("/balancers").and_then(Value::as_array_mut);
        for balancer in balancers.into_iter().flatten() {
            if let Some(own) = field.strip_prefix("settings.") {
                blank(balancer.pointer_mut("/settings"), own);
                continue;
            }
            let members = balancer.pointer_mut("/members").and_then(Value::as_array_mut);
            for member in members.into_iter().flatten() {
                blank(Some(member), field);
            }
        }
    }
    uncounted(&mut value);
    name_foreign(&mut value);
    Ok(value)
}

/// Puts null for the requests in flight of single members whose count cannot be read.
fn uncounted(value: &mut Value) {
    for balancer in value.pointer_mut("/balancers").and_then(Value::as_array_mut).into_iter().flatten() {
        let members = balancer.pointer_mut("/members").and_then(Value::as_array_mut);
        for member in members.into_iter().flatten().filter(|member| member["uncounted"] == true) {
            blank(Some(member), "busy");
        }
    }
}

/// Puts the names of methods that are none of ours where scripts look for a method.
fn name_foreign(value: &mut Value) {
    for balancer in value.pointer_mut("/balancers").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(name) = balancer.get("foreign_lbmethod").cloned() {
            put(balancer.pointer_mut("/settings"), "lbmethod", name);
        }
        for member in balancer.pointer_mut("/members").and_then(Value::as_array_mut).into_iter().flatten() {
            let health = member.get_mut("health");
            if let Some(name) = health.as_ref().and_then(|health| health.get("foreign_method")).cloned() {
                put(health, "method", name);
            }
        }
    }
}

/// Puts null into a field that is there.
fn blank(object: Option<&mut Value>, field: &str) {
    put(object, field, Value::Null);
}

/// Puts something else into a field that is there.
fn put(object: Option<&mut Value>, field: &str, other: Value) {
    if let Some(value) = object.and_then(|object| object.get_mut(field)) {
        *value = other;
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::Foreign;
    use serde_json::json;

    use super::*;
    use crate::client::scripted;

    #[test]
    fn what_is_not_told_is_null_and_nothing_else_is() {
        let mut snapshot = scripted::snapshot(0);
        let whole = json(&snapshot).unwrap();
        assert_eq!(whole, serde_json::to_value(&snapshot).unwrap());
        snapshot.proxy.untold =
            ["served", "settings.failonstatus", "proxy.pid", "nothing"].map(str::to_owned).to_vec();
        let told = json(&snapshot).unwrap();
        assert_eq!(told["proxy"]["pid"], Value::Null);
        for balancer in told["balancers"].as_array().unwrap() {
            assert_eq!(balancer["settings"]["failonstatus"], Value::Null);
            for member in balancer["members"].as_array().unwrap() {
                assert_eq!((&member["served"], &member["elected"]), (&Value::Null, &json!(10)));
            }
        }
        assert_eq!(told["proxy"].get("nothing"), None);
    }

    #[test]
    fn a_count_that_cannot_be_read_is_null_of_that_member_alone() {
        let mut snapshot = scripted::snapshot(0);
        snapshot.balancers[0].members[0].uncounted = true;
        let told = json(&snapshot).unwrap();
        let members = &told["balancers"][0]["members"];
        assert_eq!((&members[0]["busy"], members[1]["busy"].is_u64()), (&Value::Null, true));
    }

    #[test]
    fn methods_of_others_stand_where_methods_stand() {
        let mut snapshot = scripted::snapshot(0);
        snapshot.balancers[0].foreign_lbmethod = Some(Foreign::new("fair"));
        snapshot.balancers[0].members[0].health.foreign_method = Some(Foreign::new("CPING"));
        let told = json(&snapshot).unwrap();
        let balancer = &told["balancers"][0];
        assert_eq!(
            (&balancer["settings"]["lbmethod"], &balancer["members"][0]["health"]["method"]),
            (&json!("fair"), &json!("CPING"))
        );
        assert_eq!(balancer["members"][1]["health"]["method"], "NONE");
    }
}
