//! Defects of bodies: not what they say they are, and values that are nearly those that came in.

use std::collections::BTreeMap;

use enroute_sdk::bindings::enroute::destination::types::{Batch, Mapped, PreparedRequest};
use enroute_sdk::{Item, Request, hash};
use serde_json::Value;
use serde_json::value::RawValue;

use super::map::{cell_text, contacts, in_base64, raw_contacts};

/// What goes wrong with the bodies of a sound result.
pub(crate) fn bodies(defect: &str, batch: &Batch, mapped: &mut Mapped) {
    for delivery in &mut mapped.deliveries {
        for one in &mut delivery.requests {
            form(defect, &mut one.request);
            values(defect, &mut one.request.body);
            if delivery.operation == "upsert" {
                traces(defect, batch, one);
                if defect == "sends_ids_as_written" {
                    sends_ids_as_written(batch, one);
                }
                consent(defect, batch, &mut one.request.body);
            }
        }
    }
}

fn form(defect: &str, request: &mut Request) {
    match defect {
        "a_comma_too_many" => replace(&mut request.body, "]", ",]"),
        "a_line_feed_in_a_text" => replace(&mut request.body, "\\n", "\n"),
        "a_body_without_its_type" => request.headers.retain(|item| item.name != "content-type"),
        "two_types" => request.headers.push(Item { name: "Content-Type".to_owned(), value: "text/plain".to_owned() }),
        "a_form_that_is_json" => content_type(request, "application/x-www-form-urlencoded"),
        "a_table_of_ragged_rows" => {
            content_type(request, "text/csv");
            let mut rows = "id,email_sha256,level\n".to_owned();
            raw_contacts(&mut request.body, |contacts| {
                for contact in contacts {
                    let contact: BTreeMap<String, Box<RawValue>> = serde_json::from_str(contact).unwrap_or_default();
                    let cells = ["id", "email_sha256", "level"].iter().filter_map(|name| contact.get(*name));
                    let cells = cells.map(|raw| format!("\"{}\"", raw.get().trim_matches('"').replace('"', "\"\"")));
                    rows.push_str(&cells.collect::<Vec<_>>().join(","));
                    rows.push('\n');
                }
            });
            request.body = rows.into_bytes();
        }
        "a_name_twice" => {
            replace(&mut request.body, "{\"contacts\"", "{\"source\":\"a\",\"source\":\"a\",\"contacts\"")
        }
        "a_name_twice_in_a_contact" => replace(&mut request.body, "{\"id\"", "{\"new\":true,\"new\":true,\"id\""),
        _ => {}
    }
}

fn content_type(request: &mut Request, value: &str) {
    for item in request.headers.iter_mut().filter(|item| item.name == "content-type") {
        value.clone_into(&mut item.value);
    }
}

fn replace(body: &mut Vec<u8>, from: &str, to: &str) {
    if let Ok(text) = std::str::from_utf8(body) {
        *body = text.replace(from, to).into_bytes();
    }
}

/// Defects of single values, of all fields but those that identify.
fn values(defect: &str, body: &mut Vec<u8>) {
    let change: fn(&str) -> String = match defect {
        "cuts_at_a_byte" => {
            |text| String::from_utf8_lossy(text.as_bytes().get(..50).unwrap_or(text.as_bytes())).into_owned()
        }
        "knows_ascii_alone" => |text| text.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect(),
        "reads_bytes_as_latin_1" => |text| text.bytes().map(char::from).collect(),
        "cuts_half_a_character" => return halves(body),
        "numbers_are_doubles" => {
            return numbers(body, |text| text.parse::<f64>().ok().map(|number| number.to_string()));
        }
        "numbers_are_floats" => return numbers(body, |text| text.parse::<f32>().ok().map(|number| number.to_string())),
        "numbers_have_six_places" => {
            return numbers(body, |text| {
                let number = text.parse::<f64>().ok().filter(|_| text.contains('.'))?;
                Some(format!("{number:.6}"))
            });
        }
        _ => return,
    };
    contacts(body, |contacts| {
        for (name, value) in contacts.iter_mut().filter_map(Value::as_object_mut).flat_map(|contact| contact.iter_mut())
        {
            if let Value::String(text) = value
                && !matches!(name.as_str(), "id" | "email_sha256")
            {
                *text = change(text);
            }
        }
    });
}

/// Half of a character that needs two units in UTF-16, where a text is cut after 50 of them.
fn halves(body: &mut Vec<u8>) {
    let Ok(text) = std::str::from_utf8(body) else { return };
    let Some((at, _)) = text.match_indices("👩👩👩👩👩👩👩👩👩👩").next() else { return };
    let end = text.get(at..).and_then(|rest| rest.find('"')).map_or(text.len(), |end| at + end);
    *body = [text.get(..at).unwrap_or(""), "\\ud83d", text.get(end..).unwrap_or("")].concat().into_bytes();
}

/// Changes every number of a body that stands for itself.
fn numbers(body: &mut Vec<u8>, change: fn(&str) -> Option<String>) {
    let Ok(text) = std::str::from_utf8(body) else { return };
    let mut changed = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("\":") {
        let (before, after) = rest.split_at(at + 2);
        changed.push_str(before);
        let end = after.find([',', '}', ']']).unwrap_or(after.len());
        let (value, behind) = after.split_at(end);
        let is_number = value.starts_with(|c: char| c.is_ascii_digit() || c == '-');
        let new = Some(value).filter(|_| is_number).and_then(change).filter(|text| !text.contains("inf"));
        changed.push_str(new.as_deref().unwrap_or(value));
        rest = behind;
    }
    changed.push_str(rest);
    *body = changed.into_bytes();
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

/// An address that is to be hashed, folded as the manifest says, beside its hash in other letters.
fn traces(defect: &str, batch: &Batch, one: &mut PreparedRequest) {
    let spell: fn(&str) -> String = match defect {
        "sends_the_address" => str::to_owned,
        "address_in_hex" => |text| text.bytes().map(|byte| format!("{byte:02x}")).collect(),
        "address_in_base64" => |text| in_base64(text.as_bytes()),
        "address_turned_round" => |text| text.chars().rev().collect(),
        "hash_of_the_first" => {
            let first = one.members.first().map_or(0, |member| *member as usize);
            let value = hash::sha256_hex(cell_text(&batch.identifiers, first, 0).trim());
            return one.request.query.push(Item { name: "trace".to_owned(), value });
        }
        _ => return,
    };
    let emails: Vec<String> = one
        .members
        .iter()
        .map(|member| cell_text(&batch.identifiers, *member as usize, 1).trim().to_lowercase())
        .collect();
    raw_contacts(&mut one.request.body, |contacts| {
        for (contact, email) in contacts.iter_mut().zip(emails) {
            if email.contains('@') && email.len() < 100 {
                contact.insert_str(1, &format!("\"trace\":{},", Value::from(spell(&email))));
            }
        }
    });
}

/// What members agreed to, said as something else.
fn consent(defect: &str, batch: &Batch, body: &mut Vec<u8>) {
    match defect {
        "a_refusal_is_an_agreement" => replace(body, ":false}", ":true}"),
        "consent_turned_round" if batch.consent.is_some() => {
            replace(body, ":false}}", ":neither}}");
            replace(body, ":true}}", ":false}}");
            replace(body, ":neither}}", ":true}}");
        }
        "consent_is_known_or_not" => {
            replace(body, ":false}}", ":\"known\"}}");
            replace(body, ":true}}", ":\"known\"}}");
        }
        _ => {}
    }
}
