//! What a file seems to hold: who a person is, what is known of them, and a first audience.
//!
//! A name alone proposes nothing: the shape of the cells has to agree.

use std::collections::BTreeMap;

use enroute_host::config::audiences_file::source::types::Kind;
use enroute_host::sources::sample::{Column, Sample};

/// Share of the filled cells that a shape needs.
const SHAPE: f64 = 0.95;
/// Share of the rows in which an id is different.
const DIFFERENT: f64 = 0.999;
/// People that each value has that is written.
const PEOPLE_MIN: u64 = 20;
/// Values of an audience's column.
const VALUES_MAX: u64 = 12;

const IDS: [&str; 14] = [
    "id",
    "userid",
    "customerid",
    "contactid",
    "externalid",
    "uuid",
    "clientid",
    "memberid",
    "personid",
    "accountid",
    "subscriberid",
    "customer",
    "profileid",
    "kundennummer",
];
const EMAILS: [&str; 5] = ["email", "mail", "emailaddress", "customeremail", "useremail"];
const PHONES: [&str; 8] = ["phone", "mobile", "msisdn", "cell", "tel", "telefon", "mobil", "phonenumber"];
const AUDIENCES: [&str; 4] = ["plan", "tier", "segment", "status"];
const SENSITIVE: [&str; 14] = [
    "gender",
    "sex",
    "age",
    "health",
    "religion",
    "ethnic",
    "race",
    "nationality",
    "marital",
    "married",
    "disab",
    "politic",
    "union",
    "birth",
];
const PLACES: [&str; 8] = ["name", "city", "country", "zip", "postcode", "plz", "state", "address"];

/// What is written.
#[derive(Debug)]
pub(super) struct Proposal {
    pub(super) id: String,
    /// Columns that go elsewhere than into a trait of their name.
    pub(super) columns: BTreeMap<String, String>,
    pub(super) types: BTreeMap<String, String>,
    /// Key and condition.
    pub(super) audience: (String, String),
    /// The column that the condition asks for.
    pub(super) asks_for: Option<String>,
    /// Columns that look sensitive.
    pub(super) left_out: Vec<String>,
    pub(super) notes: Vec<String>,
}

fn plain(name: &str) -> String {
    name.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows lie far below 2^52")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Whether a column looks sensitive.
pub(super) fn is_sensitive(name: &str) -> bool {
    let words = name.to_lowercase();
    let mut words = words.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.any(|word| SENSITIVE.iter().any(|one| if one.len() <= 4 { word == *one } else { word.starts_with(one) }))
}

impl Proposal {
    /// What a sample proposes, or why it has no people.
    pub(super) fn of(sample: &Sample, id: Option<&str>) -> Result<Self, String> {
        let id = find_id(sample, id)?;
        let others = || sample.columns.iter().filter(|column| column.name != id);
        let mut columns = BTreeMap::new();
        let mut notes = Vec::new();
        for column in others().filter(|column| column.filled > 0) {
            let name = plain(&column.name);
            let (email, phone) = (share(column.emails, column.filled), share(column.phones, column.filled));
            if EMAILS.contains(&name.as_str()) && email >= SHAPE {
                columns.insert(column.name.clone(), "identifiers.email".to_owned());
            } else if PHONES.contains(&name.as_str()) && phone >= SHAPE {
                columns.insert(column.name.clone(), "identifiers.phone".to_owned());
            } else if email >= SHAPE {
                notes.push(format!("`{}` looks like e-mail addresses; its name says something else", column.name));
            } else if is_consent(&name) {
                notes.push(consent_note(&column.name, &name));
            }
        }
        let typed = others().filter(|column| column.kind != Kind::Text && !columns.contains_key(&column.name));
        let types = typed.map(|column| (column.name.clone(), column.kind.to_string())).collect();
        let left_out: Vec<String> =
            others().filter(|column| is_sensitive(&column.name)).map(|column| column.name.clone()).collect();
        if !left_out.is_empty() {
            notes.push(format!("left out of what is sent, as they look sensitive: {}", left_out.join(", ")));
        }
        let (asks_for, audience) = audience(sample, &id, &columns);
        Ok(Self { id, columns, types, audience, asks_for, left_out, notes })
    }
}

/// The column that says who a row is about.
fn find_id(sample: &Sample, wanted: Option<&str>) -> Result<String, String> {
    if sample.rows == 0 {
        return Err("it has no rows".to_owned());
    }
    if let Some(wanted) = wanted {
        let column = sample.columns.iter().find(|column| column.name == wanted);
        let column = column.ok_or_else(|| format!("there is no column `{wanted}`"))?;
        return why_not(column, sample.rows, false).map_or_else(|| Ok(wanted.to_owned()), Err);
    }
    let is_named = |column: &&Column| IDS.contains(&plain(&column.name).as_str());
    let mut fallen = Vec::new();
    for column in sample.columns.iter().filter(is_named) {
        match why_not(column, sample.rows, false) {
            None => return Ok(column.name.clone()),
            Some(why) => fallen.push(why),
        }
    }
    let alike = |column: &&Column| plain(&column.name).ends_with("id") || column.name.is_empty();
    fallen.extend(sample.columns.iter().filter(|column| alike(column) && !is_named(column)).map(|column| {
        why_not(column, sample.rows, true)
            .unwrap_or_else(|| format!("`{}` does not say that it is of a person", column.name))
    }));
    if fallen.is_empty() {
        fallen.push("no column is named like an id".to_owned());
    }
    Err(fallen.join("; "))
}

/// Why a column is no id of people.
fn why_not(column: &Column, rows: u64, counting_counts: bool) -> Option<String> {
    let name = &column.name;
    if column.counts_rows && counting_counts {
        return Some(format!("`{name}` counts the rows"));
    }
    if share(column.filled, rows) < DIFFERENT {
        return Some(format!("`{name}` is empty in {} of {rows} rows", rows - column.filled));
    }
    (share(column.different, rows) < DIFFERENT)
        .then(|| format!("`{name}` repeats: {} different in {rows} rows, so a row is no person", column.different))
}

fn is_consent(name: &str) -> bool {
    ["optin", "consent", "marketing", "newsletter", "gdpr", "subscribed", "optout", "donotcall", "suppressed"]
        .iter()
        .any(|word| name.contains(word))
}

fn consent_note(column: &str, name: &str) -> String {
    let is_inverse = ["unsubscribed", "optout", "donotcall", "suppressed"].iter().any(|word| name.contains(word));
    match is_inverse {
        true => {
            format!("`{column}` may say who did not agree: turn it round where it comes from before it is a consent")
        }
        false => format!("`{column}` may be a consent: `columns = {{ \"{column}\" = \"consent.marketing\" }}`"),
    }
}

type Audience = (Option<String>, (String, String));

/// A first audience: by a column with few values, else everybody.
fn audience(sample: &Sample, id: &str, columns: &BTreeMap<String, String>) -> Audience {
    let fits = |column: &&Column| {
        let most = column.few.values().max().copied().unwrap_or(0);
        let is_simple = column.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let is_place = PLACES.iter().any(|place| plain(&column.name).contains(place));
        column.name != id
            && is_simple
            && !is_place
            && !is_sensitive(&column.name)
            && !columns.contains_key(&column.name)
            && (2..=VALUES_MAX).contains(&(column.few.len() as u64))
            && share(most, sample.rows) <= 0.9
            && column.few.values().all(|people| *people >= PEOPLE_MIN)
            && (AUDIENCES.contains(&plain(&column.name).as_str()) || matches!(column.kind, Kind::Boolean(_)))
    };
    let Some(column) = sample.columns.iter().find(fits) else {
        return (None, ("everybody".to_owned(), "true".to_owned()));
    };
    let most = column.few.iter().max_by_key(|(_, people)| **people);
    let value = most.map(|(value, _)| value.as_str()).unwrap_or_default();
    let condition = match &column.kind {
        Kind::Boolean(_) => format!("traits ->> '{}' = 1", column.name),
        Kind::Number(_) => format!("traits ->> '{}' = {value}", column.name),
        _ => format!("traits ->> '{}' = '{}'", column.name, value.replace('\'', "''")),
    };
    (Some(column.name.clone()), (format!("by_{}", plain(&column.name)), condition))
}
