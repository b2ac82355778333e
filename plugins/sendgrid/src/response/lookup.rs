//! Contacts by what identifies them.
//!
//! SendGrid's "Get Contacts by Identifiers" page: one type of identifier and at most 100 values in a request; 404 where
//! nobody is found, 400 where a value is none. Searching changes nothing, so an answer that got lost defers.

use std::collections::BTreeMap;

use enroute_sdk::{Answer, Context, Failure, Http, Reading, Verdict};
use serde_json::Value;

use super::{unasked, unclear};
use crate::mapping::identity::{Id, Kind};
use crate::request::{self, REQUESTS};
use crate::settings::Settings;

/// Most values in one search.
const VALUES_MAX: usize = 100;

/// A contact as a search finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Contact {
    pub(super) id: String,
    pub(super) list_ids: Vec<String>,
    /// What identifies it, where the answer tells.
    ids: Vec<(Kind, String)>,
}

impl Contact {
    /// Whether the answer told what identifies the contact.
    pub(super) fn tells_ids(&self) -> bool {
        !self.ids.is_empty()
    }

    /// Whether the contact has this identifier.
    pub(super) fn has(&self, (kind, value): &Id<'_>) -> bool {
        self.ids.iter().any(|(known, text)| known == kind && text == value)
    }

    /// Whether the contact is on the list.
    pub(super) fn is_on(&self, list_id: &str) -> bool {
        self.list_ids.iter().any(|known| known.eq_ignore_ascii_case(list_id))
    }
}

/// Finds a contact for each set of identifiers: by the first type that finds one.
pub(super) fn find(
    ctx: &Context<Settings>,
    http: &mut dyn Http,
    sets: &[&[Id<'_>]],
) -> Result<Vec<Option<Contact>>, Box<Reading>> {
    let mut found: Vec<Option<Contact>> = vec![None; sets.len()];
    for kind in Kind::ALL {
        let of_kind =
            |set: &&[Id<'_>]| set.iter().find(|(known, _)| *known == kind).map(|(_, value)| value.to_string());
        let open = sets.iter().zip(&found).filter(|(_, contact)| contact.is_none());
        let mut values: Vec<String> = open.filter_map(|(set, _)| of_kind(set)).collect();
        values.sort_unstable();
        values.dedup();
        if values.is_empty() {
            continue;
        }
        let known = search(ctx, http, kind, &values)?;
        for (set, contact) in sets.iter().zip(&mut found) {
            if contact.is_none() {
                *contact = of_kind(set).and_then(|value| known.get(&value).cloned());
            }
        }
    }
    Ok(found)
}

fn search(
    ctx: &Context<Settings>,
    http: &mut dyn Http,
    kind: Kind,
    values: &[String],
) -> Result<BTreeMap<String, Contact>, Box<Reading>> {
    let texts: Vec<&str> = values.iter().map(String::as_str).collect();
    let requests: Vec<_> = texts.chunks(VALUES_MAX).map(|chunk| request::search(ctx.settings(), kind, chunk)).collect();
    let mut known = BTreeMap::new();
    for (chunk, answer) in texts.chunks(VALUES_MAX).zip(http.send_all("search", &requests)) {
        match answer {
            Ok(answer) => take(&mut known, kind, chunk.len(), &answer)?,
            Err(Failure::TooLarge(_)) => return Err(Box::new(Reading::deferred(0).verdict(Verdict::TooLarge))),
            Err(failure) => return Err(Box::new(unasked(Reading::unanswered(failure)))),
        }
    }
    Ok(known)
}

fn take(known: &mut BTreeMap<String, Contact>, kind: Kind, values: usize, answer: &Answer) -> Result<(), Box<Reading>> {
    match answer.status {
        // Nobody; or, of a single value, that it is none, which comes to the same.
        404 => return Ok(()),
        400 if values == 1 => return Ok(()),
        400 => {
            let reason = "sendgrid refused to look for the contacts: answered 400".to_owned();
            return Err(Box::new(Reading::deferred(0).verdict(Verdict::RefusedBisect(reason))));
        }
        _ => {}
    }
    let body = answer.json::<Value>().filter(|_| answer.status == 200);
    let Some(result) = body.as_ref().and_then(|body| body.get("result")).and_then(Value::as_object) else {
        return Err(Box::new(unasked(unclear(answer, REQUESTS))));
    };
    for (value, entry) in result {
        if let Some(contact) = entry.get("contact").and_then(contact) {
            known.insert(if kind == Kind::Email { value.to_lowercase() } else { value.clone() }, contact);
        }
    }
    Ok(())
}

fn contact(value: &Value) -> Option<Contact> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let id = text("id").filter(|id| super::ticket::is_job_id(id))?.to_owned();
    let lists = value.get("list_ids").and_then(Value::as_array).into_iter().flatten();
    let ids = Kind::ALL.into_iter().filter_map(|kind| {
        let found = text(kind.field())?;
        Some((kind, if kind == Kind::Email { found.to_lowercase() } else { found.to_owned() }))
    });
    Some(Contact { id, list_ids: lists.filter_map(Value::as_str).map(str::to_owned).collect(), ids: ids.collect() })
}
