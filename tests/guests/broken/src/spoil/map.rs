//! Defects of `map`.

use std::hash::{BuildHasher as _, RandomState};
use std::hint::black_box;

use enroute_sdk::bindings::enroute::destination::types::{Batch, Cells, Delivery, Mapped, PreparedRequest, Rejection};
use enroute_sdk::{Item, Level, Method, Request, Slot, SlotPlace, SlotValue, Warning, log};
use serde_json::Value;

use super::{ELSEWHERE, call, seconds, trap};

/// Members of a request above which a defect of many shows.
const MANY: usize = 5;
/// Bytes over the manifest's limit, and over the host's.
const OVER_LIMIT_BYTES: usize = 20_001;
const OVER_OUTPUT_BYTES: usize = 33 << 20;

/// What goes wrong before any member is looked at.
pub(crate) fn before_map(defect: &str, batch: &Batch) {
    let says = |text: &str| [&batch.values, &batch.identifiers].iter().any(|cells| cells.text.contains(text));
    let is_empty = batch.changes.is_empty();
    match defect {
        "map_reaches_out" => call("probe", "https://api.example.com"),
        "map_traps_on_nul" if says("\u{0}") => trap("a NUL in a value"),
        "map_traps_on_large_numbers" if says("18446744073709551616") => trap("a number over 2^64"),
        "map_traps_on_deep_values" if says("[[[[[[[[") => trap("a deep value"),
        "map_spins" if is_empty => loop {
            black_box(());
        },
        "map_hoards" if is_empty => {
            let mut gulps = Vec::new();
            loop {
                gulps.push(black_box(vec![1_u8; 1 << 20]));
            }
        }
        "map_floods_the_log" if is_empty => (0..1_000).for_each(|line| log(Level::Info, &format!("line {line}"))),
        "log_quotes_a_value" => log(Level::Debug, &row_text(&batch.values, 0)),
        _ => {}
    }
}

/// What goes wrong with a sound result.
pub(crate) fn mapped(defect: &str, batch: &Batch, mapped: &mut Mapped) {
    match defect {
        "leaves_a_member_out" => with_first(mapped, |request| {
            request.members.pop();
        }),
        "names_a_member_twice" => {
            let first = mapped.deliveries.first().and_then(|one| one.requests.first()?.members.first().copied());
            mapped.rejections.extend(first.map(|member| rejection(member, "no_id")));
        }
        "names_a_stranger" => {
            let stranger = u32::try_from(batch.changes.len()).unwrap_or(u32::MAX);
            with_first(mapped, |request| request.members.push(stranger));
        }
        "request_for_nobody" if batch.changes.is_empty() => {
            let request = Request::new(Method::Post, "https://api.example.com").json(b"{\"contacts\":[]}".to_vec());
            let requests = vec![PreparedRequest { members: Vec::new(), request }];
            mapped.deliveries.push(Delivery { operation: "upsert".to_owned(), requests });
        }
        "hands_over_too_much" if batch.changes.is_empty() => {
            let request = Request::new(Method::Post, ELSEWHERE).json(vec![b' '; OVER_OUTPUT_BYTES]);
            let requests = vec![PreparedRequest { members: Vec::new(), request }];
            mapped.deliveries.push(Delivery { operation: "upsert".to_owned(), requests });
        }
        "names_too_few" => names_too_few(mapped),
        "too_many_members" => too_many_members(mapped),
        "unknown_operation" => mapped.deliveries.iter_mut().for_each(|one| one.operation.push('s')),
        "one_spoils_all" if !mapped.rejections.is_empty() => {
            mapped.deliveries.clear();
            let everybody = (0..).zip(&batch.changes).map(|(member, _)| rejection(member, "no_id"));
            mapped.rejections = everybody.collect();
        }
        "warning_quotes_a_value" => {
            let field = Some("name".to_owned());
            mapped.warnings.push(Warning { code: row_text(&batch.values, 0), field, count: 1 });
        }
        _ => {
            rejections(defect, batch, mapped);
            for delivery in &mut mapped.deliveries {
                for one in &mut delivery.requests {
                    request(defect, &delivery.operation, batch, one);
                }
            }
        }
    }
}

/// Defects of rejections.
fn rejections(defect: &str, batch: &Batch, mapped: &mut Mapped) {
    for rejection in &mut mapped.rejections {
        match defect {
            "code_in_camel_case" => "NoId".clone_into(&mut rejection.code),
            "code_without_advice" => "unadvised".clone_into(&mut rejection.code),
            "rejection_without_reason" => rejection.reason.clear(),
            "rejection_for_no_field" => rejection.field = Some("no_such_field".to_owned()),
            "reason_quotes_a_value" => {
                let text = row_text(&batch.values, rejection.member as usize);
                rejection.reason = format!("cannot use {text}");
            }
            _ => {}
        }
    }
}

/// Defects of single requests.
fn request(defect: &str, operation: &str, batch: &Batch, one: &mut PreparedRequest) {
    let first = one.members.first().map_or(0, |member| *member as usize);
    let many = one.members.len() >= MANY;
    let request = &mut one.request;
    let mut ask = |name: &str, value: String| request.query.push(Item { name: name.to_owned(), value });
    match defect {
        "map_sees_the_clock" => ask("at", seconds().to_string()),
        "map_sees_chance" if many => ask("nonce", RandomState::new().hash_one(0).to_string()),
        "sends_the_address" if operation == "upsert" => {
            let email = cell_text(&batch.identifiers, first, 1);
            if email.contains('@') && email.len() < 100 {
                ask("email", email);
            }
        }
        "removes_who_is_there_now" if operation == "remove" => {
            let id = cell_text(&batch.identifiers, first, 0);
            if id.len() < 100 {
                ask("now", id);
            }
        }
        "sends_ids_as_written" if operation == "upsert" => sends_ids_as_written(batch, one),
        "foreign_host" => ELSEWHERE.clone_into(&mut request.origin),
        "own_authorization" => {
            request.headers.push(Item { name: "Authorization".to_owned(), value: "Bearer mine".to_owned() });
        }
        "own_length" => request.headers.push(Item { name: "content-length".to_owned(), value: "7".to_owned() }),
        "slot_is_filled" => {
            if let Some(segment) = request.path.get_mut(1) {
                "7".clone_into(segment);
            }
        }
        "slot_stands_nowhere" => {
            let place = SlotPlace::Query("list".to_owned());
            request.slots.push(Slot { place, value: SlotValue::Remote("/list".to_owned()) });
        }
        "slot_stands_twice" => {
            let again = request.slots.clone();
            request.slots.extend(again);
        }
        "too_many_bytes" if many => request.body.resize(OVER_LIMIT_BYTES, b' '),
        "order_of_members" => one.members.reverse(),
        "first_level_for_all" => first_level_for_all(&mut request.body),
        "removes_one_of_several" if operation == "remove" && one.members.len() == 1 => keep_one(&mut request.body),
        _ => {}
    }
}

fn with_first(mapped: &mut Mapped, change: impl FnOnce(&mut PreparedRequest)) {
    if let Some(first) = mapped.deliveries.first_mut().and_then(|delivery| delivery.requests.first_mut()) {
        change(first);
    }
}

fn rejection(member: u32, code: &str) -> Rejection {
    Rejection { member, field: None, code: code.to_owned(), reason: "the member has no usable id".to_owned() }
}

/// White space at the ends of ids stays.
fn sends_ids_as_written(batch: &Batch, one: &mut PreparedRequest) {
    let Ok(mut body) = String::from_utf8(one.request.body.clone()) else { return };
    for member in &one.members {
        let raw = cell_text(&batch.identifiers, *member as usize, 0);
        let id = |text: &str| format!("\"id\":{}", Value::from(text));
        if raw != raw.trim() && raw.len() < 100 {
            body = body.replacen(&id(raw.trim()), &id(&raw), 1);
        }
    }
    one.request.body = body.into_bytes();
}

/// The last two members of a request go as a delivery of their own, with everybody's values.
fn names_too_few(mapped: &mut Mapped) {
    let mut more = Vec::new();
    for delivery in &mut mapped.deliveries {
        let Some(one) = delivery.requests.first_mut().filter(|one| one.members.len() >= 4) else { continue };
        let members = one.members.split_off(one.members.len() - 2);
        let requests = vec![PreparedRequest { members, request: one.request.clone() }];
        more.push(Delivery { operation: delivery.operation.clone(), requests });
    }
    mapped.deliveries.extend(more);
}

/// A full request takes the members of the next one along.
fn too_many_members(mapped: &mut Mapped) {
    let Some(at) = mapped.deliveries.windows(2).position(|pair| match pair {
        [one, next] => one.operation == next.operation,
        _ => false,
    }) else {
        return;
    };
    let next = mapped.deliveries.remove(at + 1);
    let members = next.requests.into_iter().flat_map(|one| one.members);
    if let Some(full) = mapped.deliveries.get_mut(at).and_then(|delivery| delivery.requests.first_mut()) {
        full.members.extend(members);
    }
}

fn contacts(body: &mut Vec<u8>, change: impl FnOnce(&mut Vec<Value>)) {
    let Ok(mut json) = serde_json::from_slice::<Value>(body) else { return };
    if let Some(contacts) = json.get_mut("contacts").and_then(Value::as_array_mut) {
        change(contacts);
        *body = json.to_string().into_bytes();
    }
}

fn first_level_for_all(body: &mut Vec<u8>) {
    contacts(body, |contacts| {
        let Some(level) = contacts.first().and_then(|contact| contact.get("level")).cloned() else { return };
        for contact in contacts.iter_mut().filter_map(Value::as_object_mut) {
            contact.insert("level".to_owned(), level.clone());
        }
    });
}

fn keep_one(body: &mut Vec<u8>) {
    contacts(body, |contacts| contacts.truncate(1));
}

fn cell_text(cells: &Cells, row: usize, column: usize) -> String {
    let at = row * cells.columns as usize + column;
    let end = |at: usize| cells.ends.get(at).map_or(0, |end| *end as usize);
    let start = at.checked_sub(1).map_or(0, end);
    cells.text.get(start..end(at)).unwrap_or_default().to_owned()
}

fn row_text(cells: &Cells, row: usize) -> String {
    (0..cells.columns as usize).map(|column| cell_text(cells, row, column)).collect::<Vec<_>>().join(" ")
}
