//! Defects that show with the number of members, among those who leave, or behind a setting.

use enroute_sdk::bindings::enroute::destination::types::{Batch, Connection, Mapped, PreparedRequest};
use enroute_sdk::{Item, Method, SlotValue};
use serde_json::Value;

use super::map::{cell_text, contacts, raw_contacts, with_first};

/// Members of a request above which it is another one.
const MANY: usize = 12;
/// What the manifest allows at most.
const MEMBERS_MAX: u32 = 20;
const BYTES_MAX: u32 = 20_000;

/// What goes wrong with a result about several members.
pub(crate) fn crowds(defect: &str, connection: &Connection, batch: &Batch, mapped: &mut Mapped) {
    let members = batch.changes.len();
    let with = |text: &str| connection.settings.contains(text);
    let lowered = |most: fn(&enroute_sdk::bindings::enroute::destination::types::Limit) -> bool| {
        connection.limits.iter().any(most)
    };
    match defect {
        "the_31st_loses_its_level" if members >= 31 => lose(mapped, 30),
        "the_101st_loses_its_level" if members >= 101 => lose(mapped, 100),
        "the_1001st_loses_its_level" if members >= 1_001 => lose(mapped, 1_000),
        "a_full_batch_loses_a_level" if members >= 1_100 => lose(mapped, 700),
        "the_second_of_two_is_the_first" if members == 2 => with_first(mapped, |one| {
            contacts(&mut one.request.body, |contacts| {
                if let [first, second] = contacts.as_mut_slice()
                    && let (Some(level), Some(second)) = (first.get("level").cloned(), second.as_object_mut())
                {
                    second.insert("level".to_owned(), level);
                }
            });
        }),
        "limit_of_the_manifest" if lowered(|limit| limit.members < MEMBERS_MAX) => join(mapped),
        "bytes_of_the_manifest" if lowered(|limit| limit.bytes < BYTES_MAX) => join(mapped),
        "careful_has_a_key" if with("careful") => each(mapped, |_, one| {
            one.request.headers.push(Item { name: "authorization".to_owned(), value: "Bearer mine".to_owned() });
        }),
        "quick_loses_levels" if with("\"quick\":true") && members > 1 => lose(mapped, 0),
        "quick_traps" if with("\"quick\":true") => super::trap("nobody tried that"),
        "a_request_twice" => mapped.deliveries.iter_mut().for_each(|delivery| {
            let again = delivery.requests.clone();
            delivery.requests.extend(again);
        }),
        _ => each(mapped, |operation, one| {
            head(defect, one);
            entries(defect, one);
            if operation == "remove" {
                leaving(defect, batch, one);
            }
        }),
    }
}

fn each(mapped: &mut Mapped, mut change: impl FnMut(&str, &mut PreparedRequest)) {
    for delivery in &mut mapped.deliveries {
        for one in &mut delivery.requests {
            change(&delivery.operation, one);
        }
    }
}

/// What stands outside of the members' own.
fn head(defect: &str, one: &mut PreparedRequest) {
    let is_many = one.members.len() >= MANY;
    let request = &mut one.request;
    match defect {
        "a_header_for_many" if is_many => {
            request.headers.push(Item { name: "x-many".to_owned(), value: "true".to_owned() });
        }
        "a_path_for_many" if is_many => request.path.push("many".to_owned()),
        "a_query_for_many" if is_many => request.query.push(Item { name: "many".to_owned(), value: "true".to_owned() }),
        "a_method_for_one" if one.members.len() == 1 => request.method = Method::Put,
        "a_name_for_many" if is_many => top(&mut request.body, "many", true),
        "a_flag_for_many" => top(&mut request.body, "wait", !is_many),
        "a_slot_for_many" if is_many => {
            request.slots.iter_mut().for_each(|slot| slot.value = SlotValue::Remote("/other".to_owned()));
        }
        _ => {}
    }
}

fn top(body: &mut Vec<u8>, name: &str, value: bool) {
    let begin = format!("{{\"{name}\":{value},");
    body.splice(..1, begin.into_bytes());
}

fn entries(defect: &str, one: &mut PreparedRequest) {
    match defect {
        "a_contact_twice" if one.members.len() == 1 => contacts(&mut one.request.body, |contacts| {
            contacts.extend(contacts.last().cloned());
        }),
        "a_contact_twice_among_many" if one.members.len() >= MANY => contacts(&mut one.request.body, |contacts| {
            contacts.extend(contacts.last().cloned());
        }),
        _ => {}
    }
}

/// A member's level, wherever the member stands.
fn lose(mapped: &mut Mapped, member: u32) {
    each(mapped, |operation, one| {
        let at = one.members.iter().position(|known| *known == member).filter(|_| operation == "upsert");
        contacts(&mut one.request.body, |contacts| {
            if let Some(contact) = at.and_then(|at| contacts.get_mut(at)).and_then(Value::as_object_mut) {
                contact.remove("level");
            }
        });
    });
}

/// All requests of an operation as one, whatever the limit in force.
pub(super) fn join(mapped: &mut Mapped) {
    let mut at = 0;
    while at + 1 < mapped.deliveries.len() {
        let same = match mapped.deliveries.get(at..at + 2) {
            // Who is in two requests of a delivery is not one of too many.
            Some([one, next]) => one.operation == next.operation && one.requests.len() == 1 && next.requests.len() == 1,
            _ => false,
        };
        if !same {
            at += 1;
            continue;
        }
        let next = mapped.deliveries.remove(at + 1);
        for more in next.requests {
            let mut moved = Vec::new();
            let mut body = more.request.body;
            raw_contacts(&mut body, |contacts| moved = std::mem::take(contacts));
            let Some(one) = mapped.deliveries.get_mut(at).and_then(|delivery| delivery.requests.first_mut()) else {
                return;
            };
            one.members.extend(more.members);
            raw_contacts(&mut one.request.body, |contacts| contacts.extend(moved));
        }
    }
}

/// Removals among others.
fn leaving(defect: &str, batch: &Batch, one: &mut PreparedRequest) {
    let is_alone = one.members.len() == 1;
    match defect {
        "removes_the_first_of_several" if is_alone => {}
        "removes_one_of_several" | "removes_the_first_of_several" => {
            let mut owners = batch.sent_members.clone();
            owners.retain(|owner| one.members.contains(owner));
            contacts(&mut one.request.body, |contacts| {
                let mut last = None;
                let mut owners = owners.into_iter();
                contacts.retain(|_| {
                    let owner = owners.next();
                    let is_first = owner != last || owner.is_none();
                    last = owner;
                    is_first
                });
            });
        }
        "removes_who_is_there_now" => {
            let ids = one.members.iter().map(|member| cell_text(&batch.identifiers, *member as usize, 0));
            let now: Vec<Value> = ids.map(|id| serde_json::json!({ "id": id, "now": true })).collect();
            contacts(&mut one.request.body, |contacts| contacts.extend(now));
        }
        "removes_who_stays" if !is_alone => {
            let sent = |member: u32| {
                batch.sent_members.iter().position(|owner| *owner == member).map(|row| cell_text(&batch.sent, row, 0))
            };
            let now = |member: u32| cell_text(&batch.identifiers, member as usize, 0);
            let other =
                one.members.iter().copied().find(|member| sent(*member).is_some_and(|sent| sent != now(*member)));
            contacts(&mut one.request.body, |contacts| {
                contacts.extend(other.map(|member| serde_json::json!({ "id": now(member) })));
            });
        }
        _ => {}
    }
}
