//! Codes of single records, and what they mean.
//!
//! Messages are read for their kind and never passed on: they quote what people's records hold.

use enroute_sdk::{Outcome, Throttle, Verdict};
use serde::Deserialize;

use super::worse;

/// The one bucket of the manifest: limits are the org's.
pub(crate) const BUCKET: &str = "org";

/// Code of members for whom Salesforce has no record: nothing had to be done.
pub(crate) const NOT_PRESENT: &str = "not_present";

/// Code of members whose record exists already, where only new ones are made.
const EXISTS: &str = "exists_already";

/// Wait before a locked record is tried again.
pub(crate) const LATER_MS: u64 = 5_000;

/// Wait where the org has used up what it may: an hour, after which one request asks again.
pub(crate) const EXHAUSTED_MS: u64 = 3_600_000;

/// One error, as collections (`statusCode`) and everything else (`errorCode`) write it.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(crate) struct Complaint {
    #[serde(rename = "statusCode", alias = "errorCode")]
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) fields: Vec<String>,
}

/// What was being done when the error came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    /// Creating or updating the record of a member.
    Upsert,
    /// Creating it; a second time would make a second one.
    Create,
    /// Updating it, if it exists.
    Update,
    /// Taking the membership away: by an update or by deleting.
    Withdraw,
    /// Making a campaign member.
    Join,
    /// Reading.
    Read,
}

/// The fate of one record, and what it says beyond that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Meaning {
    pub(crate) outcome: Outcome,
    pub(crate) beyond: Beyond,
}

/// What a record's error says of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beyond {
    /// Nothing.
    Nothing,
    /// If all records have it, the connection is set up wrongly.
    Configuration,
    /// If all records have it, the user lacks a right.
    Permission,
    /// Fewer records in a request would do.
    Smaller,
    /// The org is full.
    Full,
    /// The org has used up a limit.
    Exhausted,
}

impl Meaning {
    pub(crate) const fn of(outcome: Outcome) -> Self {
        Self { outcome, beyond: Beyond::Nothing }
    }

    const fn later(ms: u64, beyond: Beyond) -> Self {
        Self { outcome: Outcome::Deferred(ms), beyond }
    }
}

/// What is wrong with the data of a record, by code: code of the rejection and its sentence.
pub(super) const REFUSALS: [(&str, &str, &str); 22] = [
    ("REQUIRED_FIELD_MISSING", "required_field_missing", "a new record lacks a required field"),
    ("STRING_TOO_LONG", "string_too_long", "a text is longer than its field"),
    ("INVALID_EMAIL_ADDRESS", "invalid_email_address", "salesforce does not take the e-mail address"),
    ("NUMBER_OUTSIDE_VALID_RANGE", "number_outside_valid_range", "a number is outside of its field's range"),
    ("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "picklist_value_refused", "a picklist does not have the value"),
    ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "validation_rule", "a validation rule of the org refuses the record"),
    ("INVALID_TYPE_ON_FIELD_IN_RECORD", "invalid_type_on_field", "a value is of another type than its field"),
    ("MALFORMED_ID", "malformed_id", "a value is no record id"),
    ("INVALID_CROSS_REFERENCE_KEY", "invalid_cross_reference_key", "a record that is referred to does not exist"),
    ("MISSING_ARGUMENT", "missing_argument", "salesforce misses the external id"),
    ("DUPLICATE_VALUE", "duplicate_value", "another record has the same unique value"),
    ("DUPLICATES_DETECTED", "duplicates_detected", "a duplicate rule of the org refuses the record"),
    ("DUPLICATE_EXTERNAL_ID", "several_records_match", "several records have this external id"),
    ("ENTITY_IS_DELETED", "entity_is_deleted", "the record is in the recycle bin"),
    ("CANNOT_UPDATE_CONVERTED_LEAD", "converted_lead", "the lead was converted and cannot be changed"),
    ("INACTIVE_OWNER_OR_USER", "inactive_owner", "the owner of the record is no active user"),
    ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "automation_failed", "a trigger of the org refuses the record"),
    ("CANNOT_EXECUTE_FLOW_TRIGGER", "automation_failed", "a flow of the org refuses the record"),
    ("INVALID_FIELD", "invalid_field", "the object has no such field for this user"),
    ("INVALID_FIELD_FOR_INSERT_UPDATE", "field_not_writable", "a field cannot be written by this user"),
    ("INVALID_TYPE", "invalid_type", "the user may not see the object"),
    ("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient_access", "the user may not edit the record"),
];

/// What all errors of one record mean; none where there is none. One reason to refuse it for good is enough, a listed
/// one before others.
pub(super) fn of_all(complaints: &[Complaint], doing: Doing) -> Option<Meaning> {
    let rank = |complaint: &Complaint, meaning: &Meaning| {
        (worse(&meaning.outcome), REFUSALS.iter().any(|(code, ..)| *code == complaint.code))
    };
    let mut found: Option<((u8, bool), Meaning)> = None;
    for complaint in complaints {
        let meaning = meaning(complaint, doing);
        let rank = rank(complaint, &meaning);
        if found.as_ref().is_none_or(|(known, _)| *known < rank) {
            found = Some((rank, meaning));
        }
    }
    found.map(|(_, meaning)| meaning)
}

/// What an error of one record means.
pub(crate) fn meaning(complaint: &Complaint, doing: Doing) -> Meaning {
    if let Some(meaning) = passing(complaint) {
        return meaning;
    }
    let nothing_to_do = |code: &str| Meaning::of(Outcome::Unchanged(code.to_owned()));
    let already = complaint.message.to_ascii_lowercase().contains("already");
    match (complaint.code.as_str(), doing) {
        ("ENTITY_IS_DELETED" | "NOT_FOUND" | "INVALID_CROSS_REFERENCE_KEY", Doing::Withdraw) => {
            nothing_to_do(NOT_PRESENT)
        }
        ("NOT_FOUND", Doing::Update) => nothing_to_do(NOT_PRESENT),
        ("DUPLICATE_VALUE", Doing::Create) => nothing_to_do(EXISTS),
        // Who is a member already is one: the end is what was asked for.
        ("DUPLICATE_VALUE", Doing::Join) => Meaning::of(Outcome::Delivered),
        (_, Doing::Join) if already => Meaning::of(Outcome::Delivered),
        _ => refused(complaint),
    }
}

/// Errors that pass, or that fewer records would not have.
fn passing(complaint: &Complaint) -> Option<Meaning> {
    let said = |words: &[&str]| words.iter().any(|word| complaint.message.contains(word));
    if said(&["Too many SOQL queries", "Apex CPU time limit"]) {
        return Some(Meaning::later(0, Beyond::Smaller));
    }
    let locked = said(&["UNABLE_TO_LOCK_ROW"]);
    match complaint.code.as_str() {
        "UNABLE_TO_LOCK_ROW" | "UNKNOWN_EXCEPTION" | "SERVER_UNAVAILABLE" | "QUERY_TIMEOUT" => {
            Some(Meaning::later(LATER_MS, Beyond::Nothing))
        }
        "FUNCTIONALITY_TEMPORARILY_UNAVAILABLE" => Some(Meaning::later(LATER_MS, Beyond::Nothing)),
        _ if locked => Some(Meaning::later(LATER_MS, Beyond::Nothing)),
        // An innocent record of a request that was taken back as a whole.
        "ALL_OR_NONE_OPERATION_ROLLED_BACK" => Some(Meaning::later(0, Beyond::Nothing)),
        "STORAGE_LIMIT_EXCEEDED" => Some(Meaning::later(EXHAUSTED_MS, Beyond::Full)),
        "LIMIT_EXCEEDED" | "REQUEST_LIMIT_EXCEEDED" => Some(Meaning::later(EXHAUSTED_MS, Beyond::Exhausted)),
        _ => None,
    }
}

fn refused(complaint: &Complaint) -> Meaning {
    let beyond = match complaint.code.as_str() {
        "INVALID_FIELD" | "INVALID_FIELD_FOR_INSERT_UPDATE" | "INVALID_TYPE" | "INACTIVE_OWNER_OR_USER" => {
            Beyond::Configuration
        }
        code if code.starts_with("INSUFFICIENT_ACCESS") => Beyond::Permission,
        _ => Beyond::Nothing,
    };
    let known = REFUSALS.iter().find(|(code, ..)| *code == complaint.code);
    let outcome = match known {
        Some((_, code, sentence)) => Outcome::rejected(code, told(sentence, &complaint.fields)),
        None if beyond == Beyond::Permission => Outcome::rejected("insufficient_access", "the user lacks a right"),
        None if is_code(&complaint.code) => {
            Outcome::rejected("refused", format!("salesforce refuses the record: {}", complaint.code))
        }
        None => Outcome::rejected("refused", "salesforce refuses the record in words that are no code"),
    };
    Meaning { outcome, beyond }
}

/// A sentence with the names of the fields at fault.
fn told(sentence: &str, fields: &[String]) -> String {
    let names: Vec<&str> =
        fields.iter().map(String::as_str).filter(|name| crate::settings::catalogue::is_name(name)).collect();
    if names.is_empty() { sentence.to_owned() } else { format!("{sentence}: {}", names.join(", ")) }
}

fn is_code(text: &str) -> bool {
    !text.is_empty() && text.len() <= 80 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

/// What the fates of all records say of the call.
pub(super) fn verdict(records: usize, fates: &[Meaning]) -> Verdict {
    let some = |beyond: Beyond| fates.iter().any(|meaning| meaning.beyond == beyond);
    // One record may have an owner or a right of its own; what all have in common is the connection's.
    let all = |beyond: Beyond| records > 1 && fates.len() == records && fates.iter().all(|fate| fate.beyond == beyond);
    if some(Beyond::Full) {
        return Verdict::Misconfigured("the org's data storage is full".to_owned());
    }
    if some(Beyond::Exhausted) {
        return Verdict::Throttled(Throttle { bucket: BUCKET.to_owned(), after_ms: EXHAUSTED_MS });
    }
    if all(Beyond::Configuration) {
        return Verdict::Misconfigured(
            "salesforce refused every record for a field, type or owner that it does not take; run `enroute check --probe`"
                .to_owned(),
        );
    }
    if all(Beyond::Permission) {
        return Verdict::PermissionMissing("the user may not write any of these records".to_owned());
    }
    if some(Beyond::Smaller) {
        return Verdict::TooLarge;
    }
    Verdict::Ok
}
