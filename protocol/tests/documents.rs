//! One example of each message of the admin interface, as scripts see it: it must read, and be written as it stands.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a document that does not read fails the test")]

use std::path::PathBuf;

use evenkeel_protocol::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

fn document(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("documents").join(format!("{name}.json"));
    std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

fn check<T: DeserializeOwned + Serialize>(name: &str) {
    let text = document(name);
    let message: T = serde_json::from_str(&text).unwrap_or_else(|why| panic!("{name}: {why}"));
    let written: Value = serde_json::to_value(&message).unwrap();
    assert_eq!(
        written,
        serde_json::from_str::<Value>(&text).unwrap(),
        "{name} is written otherwise than it stands"
    );
}

#[test]
fn every_document_reads_and_is_written_as_it_stands() {
    check::<Hello>("hello");
    check::<Snapshot>("snapshot");
    check::<BalancerSnapshot>("balancer");
    check::<MemberSnapshot>("member");
    check::<MemberEdit>("member_edit");
    check::<BalancerEdit>("balancer_edit");
    check::<Edited>("edited");
    check::<MemberAddition>("member_addition");
    check::<MemberRemoval>("member_removal");
    check::<DrainOrder>("drain_order");
    check::<DrainChange>("drain_change");
    check::<DrainCancel>("drain_cancel");
    check::<DrainAnswer>("drain_answer");
    check::<Drain>("drain");
    check::<Vec<Drain>>("drains");
    check::<Census>("census");
    check::<Question>("question");
    check::<Explanation>("explanation");
    check::<ElectionFilter>("election_filter");
    check::<Elections>("elections");
    check::<History>("history");
    check::<Reloaded>("reloaded");
    check::<Preview>("preview");
    check::<PlanOrder>("plan_order");
    check::<PlanPreview>("plan_preview");
    check::<UndoOrder>("undo_order");
    check::<Undone>("undone");
    check::<Overrides>("overrides");
    check::<Refusal>("refusal");
    check::<Vec<Event>>("event");
}

#[test]
fn every_message_of_the_table_has_a_document() {
    for endpoint in evenkeel_protocol::ENDPOINTS {
        for message in [endpoint.takes, endpoint.gives].into_iter().filter(|message| !message.is_empty()) {
            assert!(!document(message).is_empty());
        }
    }
}
