//! What an upload of the Data Manager API may say.
//!
//! Source: `IngestAudienceMembersRequest` and `RemoveAudienceMembersRequest`. A single bad member refuses all.

use serde_json::Value;

use super::people::Person;
use super::refusal::Refusal;
use super::{Config, Key, List, messages, proto};
use crate::base64;
use crate::server::Recorded;

/// Most members in a request, identifiers in a member and destinations.
const MEMBERS_MAX: usize = 10_000;
const IDENTIFIERS_MAX: usize = 10;
const DESTINATIONS_MAX: usize = 10;

/// The parts of an address, all of which are needed.
const ADDRESS: [&str; 4] = ["givenName", "familyName", "regionCode", "postalCode"];

/// An upload that is accepted.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) list: String,
    pub(super) people: Vec<Person>,
    /// The consent for the use of the data: the lesser of the two.
    pub(super) consent: Option<String>,
    pub(super) validates: bool,
}

/// Reads the body of a call.
pub(super) fn read(request: &Recorded, config: &Config, lists: &[&List], adds: bool) -> Result<Upload, Refusal> {
    let body = proto::read(request, if adds { messages::INGEST } else { messages::REMOVE })?;
    let list = destination(&body, config, lists)?;
    let consent = body.get("consent").map(consent);
    let members = body.get("audienceMembers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if members.is_empty() {
        return Err(Refusal::field("audience_members", "REQUIRED_FIELD_MISSING"));
    }
    if members.len() > MEMBERS_MAX {
        return Err(Refusal::field("audience_members", "TOO_MANY_AUDIENCE_MEMBERS"));
    }
    let data = data_type(members)?;
    if data != list.key.data() {
        return Err(Refusal::field("audience_members[0]", "INVALID_USER_LIST_TYPE"));
    }
    let encoding = match body.get("encoding").and_then(Value::as_str) {
        Some("BASE64") => hex_of_base64,
        Some("HEX") => hex_of_hex,
        None if list.key != Key::Contact => hex_of_hex,
        None => return Err(Refusal::field("encoding", "REQUIRED_FIELD_MISSING")),
        Some(_) => return Err(Refusal::field("encoding", "INVALID_ENUM_VALUE")),
    };
    let terms = body.pointer("/termsOfService/customerMatchTermsOfServiceStatus").and_then(Value::as_str);
    if adds && list.key != Key::User && terms != Some("ACCEPTED") {
        return Err(Refusal::field("terms_of_service", "TERMS_AND_CONDITIONS_NOT_SIGNED"));
    }
    let (mut people, mut violations) = (Vec::new(), Vec::new());
    for (index, member) in members.iter().enumerate() {
        match person(member, list.key, encoding) {
            Ok(person) => people.push(person),
            Err((field, reason)) => violations.push((format!("audience_members[{index}].{field}"), reason)),
        }
    }
    if !violations.is_empty() {
        return Err(Refusal::fields(violations));
    }
    let validates = body.get("validateOnly") == Some(&Value::Bool(true));
    Ok(Upload { list: list.id.clone(), people, consent, validates })
}

/// One list of the account, reached through its manager where it has one.
fn destination<'l>(body: &Value, config: &Config, lists: &[&'l List]) -> Result<&'l List, Refusal> {
    let destinations = body.get("destinations").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if destinations.len() > DESTINATIONS_MAX {
        return Err(Refusal::field("destinations", "TOO_MANY_DESTINATIONS"));
    }
    let [destination] = destinations else {
        return Err(Refusal::field("destinations", "REQUIRED_FIELD_MISSING"));
    };
    let account = |name: &str| match destination.get(name) {
        None => Ok(None),
        Some(account) => {
            let id = account.get("accountId").and_then(Value::as_str).unwrap_or_default();
            let is_right = account.get("accountType") == Some(&Value::from("GOOGLE_ADS")) && digits(id);
            if is_right { Ok(Some(id)) } else { Err(Refusal::field("destinations[0]", "INVALID_DESTINATION")) }
        }
    };
    if account("operatingAccount")? != Some(&config.customer_id) {
        return Err(Refusal::permission("PERMISSION_DENIED"));
    }
    if account("loginAccount")? != config.login_customer_id.as_deref() {
        return Err(Refusal::permission("OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH"));
    }
    let id = destination.get("productDestinationId").and_then(Value::as_str).unwrap_or_default();
    let list = lists.iter().find(|list| list.id == id);
    let list = list.ok_or_else(|| Refusal::field("destinations[0].product_destination_id", "INVALID_USER_LIST_ID"))?;
    if !list.is_owned {
        return Err(Refusal::field("destinations[0].product_destination_id", "OWNERSHIP_REQUIRED_FOR_UPDATE"));
    }
    Ok(list)
}

/// The lesser of both consents, as the service treats them: one that is not granted is enough.
fn consent(consent: &Value) -> String {
    let said = ["adUserData", "adPersonalization"].map(|name| consent.get(name).and_then(Value::as_str));
    let lesser = [Some("CONSENT_DENIED"), None].into_iter().find(|lesser| said.contains(lesser));
    lesser.unwrap_or(Some("CONSENT_GRANTED")).unwrap_or("CONSENT_STATUS_UNSPECIFIED").to_owned()
}

/// One type of data for the whole request.
fn data_type(members: &[Value]) -> Result<&'static str, Refusal> {
    const TYPES: [&str; 3] = ["userData", "mobileData", "userIdData"];
    let mut found = None;
    for member in members {
        for kind in TYPES.into_iter().filter(|kind| member.get(kind).is_some()) {
            if *found.get_or_insert(kind) != kind {
                return Err(Refusal::field("audience_members", "MULTIPLE_DATA_TYPES_NOT_ALLOWED"));
            }
        }
    }
    // Without data there may still be a name that is none; that comes out member by member.
    Ok(found.unwrap_or("userData"))
}

/// What is wrong with a member: a path and a reason.
type Fault = (String, &'static str);

/// A hash in its encoding as hexadecimal digits, if it is one.
type Encoding = fn(&str) -> Option<String>;

/// Reads one member.
fn person(member: &Value, key: Key, encoding: Encoding) -> Result<Person, Fault> {
    let missing = || (String::new(), "REQUIRED_FIELD_MISSING");
    let data = member.get(key.data()).ok_or_else(missing)?;
    let list = |name: &str| data.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    match key {
        Key::Contact => {
            let identifiers = list("userIdentifiers");
            if identifiers.is_empty() {
                return Err(missing());
            }
            if identifiers.len() > IDENTIFIERS_MAX {
                return Err(("user_data.user_identifiers".to_owned(), "TOO_MANY_USER_IDENTIFIERS"));
            }
            let one = |(place, identifier): (usize, &Value)| {
                let place = |(field, reason)| (format!("user_data.user_identifiers[{place}].{field}"), reason);
                identify(identifier, encoding).map_err(place)
            };
            identifiers.iter().enumerate().map(one).collect()
        }
        Key::Mobile => {
            let ids = list("mobileIds");
            if ids.is_empty() || ids.len() > IDENTIFIERS_MAX {
                return Err(missing());
            }
            ids.iter().map(mobile_id).collect()
        }
        Key::User => match data.get("userId").and_then(Value::as_str).filter(|id| !id.trim().is_empty()) {
            Some(id) => Ok(Person::from([format!("userId:{id}")])),
            None => Err(missing()),
        },
    }
}

fn mobile_id(id: &Value) -> Result<String, Fault> {
    let text = id.as_str().unwrap_or_default();
    let fits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if fits {
        Ok(format!("mobileId:{text}"))
    } else {
        Err(("mobile_data.mobile_ids".to_owned(), "INVALID_MOBILE_ID_FORMAT"))
    }
}

/// One of e-mail, phone and address.
fn identify(identifier: &Value, encoding: Encoding) -> Result<String, Fault> {
    let wrong = |field: &str, reason| (field.to_owned(), reason);
    for (name, field) in [("emailAddress", "email_address"), ("phoneNumber", "phone_number")] {
        if let Some(hash) = identifier.get(name).and_then(Value::as_str) {
            let hex = encoding(hash).ok_or_else(|| wrong(field, "INVALID_SHA256_FORMAT"))?;
            return Ok(format!("{name}:{hex}"));
        }
    }
    let address = identifier.get("address").ok_or_else(|| wrong("identifier", "REQUIRED_FIELD_MISSING"))?;
    let part = |name: &str| address.get(name).and_then(Value::as_str).unwrap_or_default();
    let [given, family, region, postal] = ADDRESS.map(part);
    if [given, family, region, postal].iter().any(|part| part.is_empty()) {
        return Err(wrong("address", "REQUIRED_FIELD_MISSING"));
    }
    let (Some(given), Some(family)) = (encoding(given), encoding(family)) else {
        return Err(wrong("address", "INVALID_SHA256_FORMAT"));
    };
    if region.len() != 2 || !region.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(wrong("address", "INVALID_REGION_CODE"));
    }
    Ok(format!("address:{given}|{family}|{region}|{postal}"))
}

pub(super) fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn hex_of_hex(text: &str) -> Option<String> {
    is_hash(text).then(|| text.to_ascii_lowercase())
}

/// In either alphabet, with or without padding, as bytes are read in ProtoJSON.
fn hex_of_base64(text: &str) -> Option<String> {
    let bytes = base64::decoded(text).filter(|bytes| bytes.len() == 32)?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
