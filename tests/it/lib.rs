//! What integration tests and examples share: a made-up town, and whether a plan said what the receipts say.

use std::collections::BTreeMap;

use enroute_host::sync::{LinkPlan, LinkReport, ReasonCount};
use serde_json::{Value, json};

/// People of a made-up town: most of them whole, some without an address, a first name or a usable id, some not gold.
/// All have a last name, which Salesforce wants of new people alone: a plan cannot know who is new there, and says so.
#[must_use]
pub fn town(people: u32) -> Vec<Value> {
    (0..people).map(somebody).collect()
}

fn somebody(number: u32) -> Value {
    let mut person = enroute_fakes::all::person(&format!("u{number:06}"));
    let mut set = |name: &str, value: Value| {
        if let Some(traits) = person.get_mut("traits").and_then(Value::as_object_mut) {
            traits.insert(name.to_owned(), value);
        }
    };
    match number % 97 {
        3 => set("email", json!(format!("no address {number}"))),
        5 => set("email", json!("")),
        17 => set("firstName", json!("")),
        23 => set("plan", json!("silver")),
        29 => set("lifetime_value", Value::Null),
        31 => {
            if let Some(id) = person.get_mut("id") {
                *id = json!(format!("{number:0300}"));
            }
        }
        _ => {}
    }
    person
}

/// Where the receipts of a sync differ from the plan before it; nothing where they agree to the member.
///
/// Warnings are compared only where the plan knew the destination's fields. What an answer alone can tell comes on top.
#[must_use]
pub fn differences(plan: &LinkPlan, link: &LinkReport, fields_known: bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut same = |what: &str, planned: String, received: String| {
        if planned != received {
            found.push(format!("{}: {what}: planned {planned}, received {received}", plan.destination));
        }
    };
    let refused: u64 = plan.rejections.iter().map(|one| one.members).sum();
    let outcomes = &link.outcomes;
    same("people", plan.people.to_string(), link.people.to_string());
    same("members", plan.members.to_string(), link.members.to_string());
    same("changes", format!("{:?}", plan.changes), format!("{:?}", link.changes));
    same("delivered", plan.sendable.to_string(), outcomes.delivered.to_string());
    same("rejected", refused.to_string(), outcomes.rejected.to_string());
    same("unchanged", plan.unchanged.to_string(), outcomes.unchanged.to_string());
    let (planned, received) = (reasons(&plan.rejections), reasons(&link.rejections));
    same("reasons", format!("{planned:?}"), format!("{received:?}"));
    if fields_known {
        let told = reasons(&link.warnings);
        for (warning, members) in reasons(&plan.warnings) {
            let received = told.get(&warning).copied().unwrap_or_default();
            same(&format!("warning {warning:?}"), members.to_string(), received.to_string());
        }
    }
    found
}

fn reasons(found: &[ReasonCount]) -> BTreeMap<(&str, Option<&str>), u64> {
    found.iter().map(|one| ((one.code.as_str(), one.field.as_deref()), one.members)).collect()
}
