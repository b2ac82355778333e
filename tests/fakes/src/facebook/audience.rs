//! Audiences and the ad account that has them: their fields, the list, creation.
//!
//! Pure, but for what the caller hands in. Source of the rules: Meta, reference of
//! "Custom Audience" and "Ad Account, Customaudiences".

use serde_json::{Map, Value, json};

use crate::server::Recorded;

use super::parameters;
use super::refusal::Refusal;

/// Meta, "Custom Audience": where a customer list may come from.
const FILE_SOURCES: [&str; 3] = ["USER_PROVIDED_ONLY", "PARTNER_PROVIDED_ONLY", "BOTH_USER_AND_PARTNER_PROVIDED"];

/// Meta, "Custom Audience": parameters of a creation that are known here.
const CREATE_MEMBERS: [&str; 12] = [
    "name",
    "subtype",
    "description",
    "customer_file_source",
    "is_value_based",
    "audience_labels",
    "enable_fetch_or_create",
    "use_in_campaigns",
    "retention_days",
    "access_token",
    "appsecret_proof",
    "appsecret_time",
];

/// Meta: customer list audiences in one ad account.
const AUDIENCES_MAX: usize = 500;

/// Entries of a page when the caller names no limit.
const PAGE_ENTRIES: usize = 25;

/// One audience, as the caller of the fake describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audience {
    /// Digits.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Free text.
    pub description: String,
    /// `CUSTOM` for a customer list; members of others cannot be uploaded.
    pub subtype: String,
    /// Whether every row must carry `LOOKALIKE_VALUE`.
    pub is_value_based: bool,
    /// 200 is fine; 471 is blocked for hints at health or finance.
    pub operation_status: u16,
}

impl Audience {
    /// A customer list in good order.
    pub fn new(id: &str, name: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            description: String::new(),
            subtype: "CUSTOM".to_owned(),
            is_value_based: false,
            operation_status: 200,
        }
    }

    /// The fields asked for; the id always.
    pub(super) fn fields(&self, request: &Recorded, account_id: &str) -> Result<Value, Refusal> {
        let field = |name: &str| {
            Some(match name {
                "id" => json!(self.id),
                "name" => json!(self.name),
                "description" => json!(self.description),
                "account_id" => json!(account_id),
                "subtype" => json!(self.subtype),
                "is_value_based" => json!(self.is_value_based),
                "operation_status" => json!({"code": self.operation_status, "description": ""}),
                "delivery_status" => json!({"code": 200, "description": "This audience is ready for use."}),
                "permission_for_actions" => json!({"can_edit": true, "can_see_insight": true, "can_share": true}),
                // Meta rounds sizes and hides those of small lists.
                "approximate_count_lower_bound" | "approximate_count_upper_bound" => json!(-1),
                _ => return None,
            })
        };
        pick(request, "CustomAudience", &self.id, field)
    }

    /// Reads the body of a creation; `id` is the new audience's.
    pub(super) fn create(request: &Recorded, id: String, existing: usize) -> Result<Self, Refusal> {
        let members = parameters::read(request)?;
        let known = |name: &str| CREATE_MEMBERS.contains(&name) || parameters::OF_ALL.contains(&name);
        if let Some(name) = members.keys().find(|name| !known(name)) {
            return Err(Refusal::parameter(format!("Unknown parameter '{name}'")));
        }
        let text = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or_default();
        let name = text("name").trim();
        if name.is_empty() {
            return Err(Refusal::parameter("The parameter name is required"));
        }
        if text("subtype") != "CUSTOM" {
            return Err(Refusal::parameter("The parameter subtype must be CUSTOM"));
        }
        if !FILE_SOURCES.contains(&text("customer_file_source")) {
            return Err(Refusal::parameter(
                "The parameter customer_file_source is required and must be a known source",
            ));
        }
        if existing >= AUDIENCES_MAX {
            return Err(Refusal::parameter(format!("An ad account has at most {AUDIENCES_MAX} customer lists")));
        }
        let is_value_based = match members.get("is_value_based") {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => return Err(Refusal::parameter("is_value_based must be a boolean")),
        };
        let description = text("description").to_owned();
        Ok(Self { id: id.clone(), description, is_value_based, ..Self::new(&id, name) })
    }
}

/// The fields of an ad account that are known here.
pub(super) fn account_fields(request: &Recorded, account_id: &str, terms_accepted: bool) -> Result<Value, Refusal> {
    let id = format!("act_{account_id}");
    let field = |name: &str| {
        Some(match name {
            "id" => json!(id),
            "account_id" => json!(account_id),
            "tos_accepted" if terms_accepted => json!({"custom_audience_tos": 1}),
            "tos_accepted" => json!({}),
            _ => return None,
        })
    };
    pick(request, "AdAccount", &id, field)
}

/// One page of the account's audiences, with cursors as Meta's paging has them.
///
/// `page_entries_max` caps what the caller may ask for.
pub(super) fn page(
    request: &Recorded,
    audiences: &[&Audience],
    account_id: &str,
    page_entries_max: usize,
) -> Result<Value, Refusal> {
    let bad = |name: &str| Refusal::parameter(format!("The parameter {name} is not valid"));
    let limit = match request.parameter("limit") {
        None => PAGE_ENTRIES,
        Some(text) => text.parse().ok().filter(|limit| *limit > 0).ok_or_else(|| bad("limit"))?,
    };
    let start = match request.parameter("after") {
        None => 0,
        Some(cursor) => place(cursor).filter(|place| *place <= audiences.len()).ok_or_else(|| bad("after"))?,
    };
    let limit = limit.min(page_entries_max.max(1));
    let shown = audiences.iter().skip(start).take(limit);
    let data = shown.map(|audience| audience.fields(request, account_id)).collect::<Result<Vec<_>, _>>()?;
    let end = start + data.len();
    let mut answer = json!({"data": data});
    if let (false, Some(members)) = (data.is_empty(), answer.as_object_mut()) {
        let mut paging = json!({"cursors": {"before": cursor(start), "after": cursor(end)}});
        if let (true, Some(paging)) = (end < audiences.len(), paging.as_object_mut()) {
            let host = request.header("host").unwrap_or_default();
            let fields = request.parameter("fields").unwrap_or("id");
            let next = format!("http://{host}{}?fields={fields}&limit={limit}&after={}", request.path, cursor(end));
            paging.insert("next".into(), next.into());
        }
        members.insert("paging".into(), paging);
    }
    Ok(answer)
}

/// The object with the fields named in the query, and its id.
fn pick(request: &Recorded, kind: &str, id: &str, field: impl Fn(&str) -> Option<Value>) -> Result<Value, Refusal> {
    let mut object = Map::from_iter([("id".to_owned(), json!(id))]);
    let names = request.parameter("fields").unwrap_or_default();
    for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let missing =
            || Refusal::parameter(format!("Tried accessing nonexisting field ({name}) on node type ({kind})"));
        object.insert(name.to_owned(), field(name).ok_or_else(missing)?);
    }
    Ok(object.into())
}

/// An opaque cursor for the place before the `n`th audience.
fn cursor(place: usize) -> String {
    format!("QVFI{place:04x}ZD")
}

/// The place a cursor stands for.
fn place(cursor: &str) -> Option<usize> {
    usize::from_str_radix(cursor.strip_prefix("QVFI")?.strip_suffix("ZD")?, 16).ok()
}

#[cfg(test)]
mod tests;
