//! Defects of `map`.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::hint::black_box;

use enroute_sdk::bindings::enroute::destination::types::{Batch, Cells, Delivery, Mapped, PreparedRequest, Rejection};
use enroute_sdk::{Item, Level, Method, Request, Slot, SlotPlace, SlotValue, Warning, hash, log};
use serde_json::Value;
use serde_json::value::RawValue;

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
        "map_spins_on_a_value" if says("\u{0}") => loop {
            black_box(());
        },
        "map_hoards" if is_empty => {
            let mut gulps = Vec::new();
            loop {
                gulps.push(black_box(vec![1_u8; 1 << 20]));
            }
        }
        "map_floods_the_log" if is_empty => (0..1_000).for_each(|line| log(Level::Info, &format!("line {line}"))),
        "log_hashes_a_value" => log(Level::Debug, &hash::sha256_hex(&cell_text(&batch.identifiers, 0, 0))),
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
        "too_many_members" => super::crowds::join(mapped),
        "unknown_operation" => mapped.deliveries.iter_mut().for_each(|one| one.operation.push('s')),
        "one_spoils_all" if !mapped.rejections.is_empty() => {
            mapped.deliveries.clear();
            let everybody = (0..).zip(&batch.changes).map(|(member, _)| rejection(member, "no_id"));
            mapped.rejections = everybody.collect();
        }
        "warning_quotes_a_value" => warn_of(mapped, word(batch, |text| text)),
        "warning_turns_a_value_round" => warn_of(mapped, word(batch, |text| text.chars().rev().collect())),
        "warning_in_camel_case" => {
            mapped.warnings.push(Warning { code: "ValueLeftOut".to_owned(), field: None, count: 1 })
        }
        "warning_of_nobody" => {
            mapped.warnings.push(Warning { code: "value_left_out".to_owned(), field: None, count: 0 })
        }
        "warnings_without_end" => {
            let one = |at| Warning { code: format!("value_{at}_left_out"), field: None, count: 1 };
            mapped.warnings.extend((0..150).map(one));
        }
        _ => {
            rejections(defect, batch, mapped);
            for delivery in &mut mapped.deliveries {
                for one in &mut delivery.requests {
                    request(defect, one);
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
            "code_too_long" => rejection.code = "n".repeat(70),
            "reason_too_long" => rejection.reason = "the member has no usable id ".repeat(30),
            "reason_of_two_lines" => "the member has\nno usable id".clone_into(&mut rejection.reason),
            "reason_hides_a_value" => {
                let text = row_text(&batch.values, rejection.member as usize);
                rejection.reason =
                    format!("cannot use {}", in_base64(text.as_bytes()).chars().take(300).collect::<String>());
            }
            "code_without_advice" => "unadvised".clone_into(&mut rejection.code),
            "rejection_without_reason" => rejection.reason.clear(),
            "rejection_for_no_field" => rejection.field = Some("no_such_field".to_owned()),
            "reason_quotes_a_value" => {
                let text = row_text(&batch.values, rejection.member as usize);
                let plain: String = text.chars().filter(char::is_ascii_alphanumeric).take(100).collect();
                rejection.reason = format!("cannot use {plain}");
            }
            _ => {}
        }
    }
}

/// Defects of single requests.
fn request(defect: &str, one: &mut PreparedRequest) {
    let many = one.members.len() >= MANY;
    let request = &mut one.request;
    let mut ask = |name: &str, value: String| request.query.push(Item { name: name.to_owned(), value });
    match defect {
        "map_sees_the_clock" => ask("at", seconds().to_string()),
        "map_sees_chance" if many => ask("nonce", RandomState::new().hash_one(0).to_string()),
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
        _ => {}
    }
}

fn warn_of(mapped: &mut Mapped, code: Option<String>) {
    mapped.warnings.extend(code.map(|code| Warning { code, field: None, count: 1 }));
}

/// The first member's name, where it is a word that a code may be.
fn word(batch: &Batch, change: impl FnOnce(String) -> String) -> Option<String> {
    let mut words = (0..batch.values.columns as usize).map(|column| cell_text(&batch.values, 0, column));
    let is_word =
        |text: &String| text.len() > 8 && text.len() < 60 && text.bytes().all(|byte| byte.is_ascii_lowercase());
    words.find(is_word).map(change)
}

pub(super) fn in_base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let letter = |bits: &[u8]| {
        let value = bits.iter().fold(0_usize, |value, bit| value << 1 | usize::from(*bit));
        LETTERS.get(value << (6 - bits.len())).map(|letter| char::from(*letter))
    };
    bits.chunks(6).filter_map(letter).collect()
}

pub(super) fn with_first(mapped: &mut Mapped, change: impl FnOnce(&mut PreparedRequest)) {
    // Who is in two requests of a delivery is known by the other one.
    let only = mapped.deliveries.iter_mut().find(|delivery| delivery.requests.len() == 1);
    if let Some(first) = only.and_then(|delivery| delivery.requests.first_mut()) {
        change(first);
    }
}

fn rejection(member: u32, code: &str) -> Rejection {
    Rejection { member, field: None, code: code.to_owned(), reason: "the member has no usable id".to_owned() }
}

/// The last two members of a request go as a delivery of their own, with everybody's values.
fn names_too_few(mapped: &mut Mapped) {
    let mut more = Vec::new();
    for delivery in mapped.deliveries.iter_mut().filter(|delivery| delivery.requests.len() == 1) {
        let Some(one) = delivery.requests.first_mut().filter(|one| one.members.len() >= 4) else { continue };
        let members = one.members.split_off(one.members.len() - 2);
        let requests = vec![PreparedRequest { members, request: one.request.clone() }];
        more.push(Delivery { operation: delivery.operation.clone(), requests });
    }
    mapped.deliveries.extend(more);
}

pub(super) fn contacts(body: &mut Vec<u8>, change: impl FnOnce(&mut Vec<Value>)) {
    raw_contacts(body, |texts| {
        let Ok(before) = texts.iter().map(|text| serde_json::from_str(text)).collect::<Result<Vec<Value>, _>>() else {
            return;
        };
        let mut after = before.clone();
        change(&mut after);
        // What is not changed stays as it is, to the letter.
        let text = |(at, value): (usize, &Value)| {
            let same = before.get(at).filter(|known| *known == value).map(|_| at);
            let same = same.or_else(|| before.iter().position(|known| known == value));
            same.and_then(|at| texts.get(at).cloned()).unwrap_or_else(|| value.to_string())
        };
        *texts = after.iter().enumerate().map(text).collect();
    });
}

/// As [`contacts`], as they are written.
pub(super) fn raw_contacts(body: &mut Vec<u8>, change: impl FnOnce(&mut Vec<String>)) {
    let Ok(mut members) = serde_json::from_slice::<BTreeMap<String, Box<RawValue>>>(body) else { return };
    let Some(list) = members.remove("contacts") else { return };
    let Ok(list) = serde_json::from_str::<Vec<Box<RawValue>>>(list.get()) else { return };
    let mut texts: Vec<String> = list.iter().map(|raw| raw.get().to_owned()).collect();
    change(&mut texts);
    let others: String = members.iter().map(|(name, raw)| format!(",{name:?}:{}", raw.get())).collect();
    *body = format!("{{\"contacts\":[{}]{others}}}", texts.join(",")).into_bytes();
}

fn first_level_for_all(body: &mut Vec<u8>) {
    raw_contacts(body, |contacts| {
        let members = |text: &String| serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(text).unwrap_or_default();
        let Some(level) = contacts.first().and_then(|first| members(first).remove("level")) else { return };
        for contact in contacts.iter_mut() {
            let mut changed = members(contact);
            changed.insert("level".to_owned(), level.clone());
            *contact = serde_json::to_string(&changed).unwrap_or_default();
        }
    });
}

pub(super) fn cell_text(cells: &Cells, row: usize, column: usize) -> String {
    let at = row * cells.columns as usize + column;
    let end = |at: usize| cells.ends.get(at).map_or(0, |end| *end as usize);
    let start = at.checked_sub(1).map_or(0, end);
    cells.text.get(start..end(at)).unwrap_or_default().to_owned()
}

fn row_text(cells: &Cells, row: usize) -> String {
    (0..cells.columns as usize).map(|column| cell_text(cells, row, column)).collect::<Vec<_>>().join(" ")
}
