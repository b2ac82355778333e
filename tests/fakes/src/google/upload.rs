//! What an upload of the Data Manager API may say.
//!
//! Source: `IngestAudienceMembersRequest` and `RemoveAudienceMembersRequest`. A single bad member refuses all.

use serde_json::Value;

use super::people::Person;
use super::refusal::Refusal;
use super::{Config, Key, List};
use crate::server::Recorded;

/// Most members in a request, identifiers in a member and destinations.
const MEMBERS_MAX: usize = 10_000;
const IDENTIFIERS_MAX: usize = 10;
const DESTINATIONS_MAX: usize = 10;

const INGEST: [&str; 7] =
    ["destinations", "audienceMembers", "consent", "validateOnly", "encoding", "encryptionInfo", "termsOfService"];

/// Removing knows neither consent nor terms.
const REMOVE: [&str; 5] = ["destinations", "audienceMembers", "validateOnly", "encoding", "encryptionInfo"];

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

/// Refuses a member that is not listed: proto3 JSON knows no others.
pub(super) fn only_known(value: &Value, known: &[&str]) -> Result<(), Refusal> {
    let members = value.as_object().ok_or_else(|| Refusal::parse("Invalid value: an object is expected"))?;
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => {
            Err(Refusal::parse(&format!("Invalid JSON payload received. Unknown name \"{name}\": Cannot find field.")))
        }
    }
}

/// Reads the body of a call.
pub(super) fn read(request: &Recorded, config: &Config, lists: &[&List], adds: bool) -> Result<Upload, Refusal> {
    let body = request.json().filter(|_| request.declares_json());
    let body = body.ok_or_else(|| Refusal::parse("The body is not valid JSON"))?;
    only_known(&body, if adds { &INGEST } else { &REMOVE })?;
    let list = destination(&body, config, lists)?;
    let consent = body.get("consent").map(consent).transpose()?;
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
    let encoding = body.get("encoding").and_then(Value::as_str);
    if list.key == Key::Contact && encoding != Some("HEX") {
        // BASE64 is legal too, and not sent by anything that is tested here.
        return Err(Refusal::field("encoding", "REQUIRED_FIELD_MISSING"));
    }
    let terms = body.pointer("/termsOfService/customerMatchTermsOfServiceStatus").and_then(Value::as_str);
    if adds && list.key != Key::User && terms != Some("ACCEPTED") {
        return Err(Refusal::field("terms_of_service", "TERMS_AND_CONDITIONS_NOT_SIGNED"));
    }
    let (mut people, mut violations) = (Vec::new(), Vec::new());
    for (index, member) in members.iter().enumerate() {
        only_known(member, &["destinationReferences", "consent", data])?;
        match person(member, list.key)? {
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
    only_known(
        destination,
        &["reference", "operatingAccount", "loginAccount", "linkedAccount", "productDestinationId"],
    )?;
    let account = |name: &str| match destination.get(name) {
        None => Ok(None),
        Some(account) => {
            only_known(account, &["accountType", "accountId"])?;
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
fn consent(consent: &Value) -> Result<String, Refusal> {
    only_known(consent, &["adUserData", "adPersonalization"])?;
    let mut lesser = "CONSENT_GRANTED";
    for name in ["adUserData", "adPersonalization"] {
        match consent.get(name).and_then(Value::as_str) {
            Some("CONSENT_GRANTED") => {}
            Some("CONSENT_DENIED") => lesser = "CONSENT_DENIED",
            None | Some("CONSENT_STATUS_UNSPECIFIED") if lesser == "CONSENT_GRANTED" => {
                lesser = "CONSENT_STATUS_UNSPECIFIED";
            }
            None | Some("CONSENT_STATUS_UNSPECIFIED") => {}
            Some(other) => return Err(Refusal::parse(&format!("Invalid value at 'consent' (Consent), \"{other}\""))),
        }
    }
    Ok(lesser.to_owned())
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

/// Reads one member. The outer error refuses the request's JSON, the inner one the member.
fn person(member: &Value, key: Key) -> Result<Result<Person, Fault>, Refusal> {
    let missing = || Ok(Err((String::new(), "REQUIRED_FIELD_MISSING")));
    let Some(data) = member.get(key.data()) else { return missing() };
    match key {
        Key::Contact => {
            only_known(data, &["userIdentifiers"])?;
            let identifiers =
                data.get("userIdentifiers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            if identifiers.is_empty() {
                return missing();
            }
            if identifiers.len() > IDENTIFIERS_MAX {
                return Ok(Err(("user_data.user_identifiers".to_owned(), "TOO_MANY_USER_IDENTIFIERS")));
            }
            let mut person = Person::new();
            for (index, identifier) in identifiers.iter().enumerate() {
                match identify(identifier)? {
                    Ok(id) => person.extend([id]),
                    Err((field, reason)) => {
                        return Ok(Err((format!("user_data.user_identifiers[{index}].{field}"), reason)));
                    }
                }
            }
            Ok(Ok(person))
        }
        Key::Mobile => {
            only_known(data, &["mobileIds"])?;
            let ids = data.get("mobileIds").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            if ids.is_empty() || ids.len() > IDENTIFIERS_MAX {
                return missing();
            }
            Ok(ids.iter().map(mobile_id).collect())
        }
        Key::User => {
            only_known(data, &["userId"])?;
            match data.get("userId").and_then(Value::as_str).filter(|id| !id.trim().is_empty()) {
                Some(id) => Ok(Ok(Person::from([format!("userId:{id}")]))),
                None => missing(),
            }
        }
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

/// Exactly one of e-mail, phone and address.
fn identify(identifier: &Value) -> Result<Result<String, Fault>, Refusal> {
    only_known(identifier, &["emailAddress", "phoneNumber", "address"])?;
    let members = identifier.as_object().map_or(0, serde_json::Map::len);
    if members != 1 {
        return Ok(Err(("identifier".to_owned(), "REQUIRED_FIELD_MISSING")));
    }
    for (name, field) in [("emailAddress", "email_address"), ("phoneNumber", "phone_number")] {
        if let Some(hash) = identifier.get(name) {
            return Ok(match hash.as_str().filter(|hash| is_hash(hash)) {
                Some(hash) => Ok(format!("{name}:{}", hash.to_ascii_lowercase())),
                None => Err((field.to_owned(), "INVALID_SHA256_FORMAT")),
            });
        }
    }
    let address = identifier.get("address").unwrap_or(&Value::Null);
    only_known(address, &ADDRESS)?;
    let part = |name: &str| address.get(name).and_then(Value::as_str).unwrap_or_default();
    let [given, family, region, postal] = ADDRESS.map(part);
    let fault = |reason| Ok(Err(("address".to_owned(), reason)));
    if [given, family, region, postal].iter().any(|part| part.is_empty()) {
        return fault("REQUIRED_FIELD_MISSING");
    }
    if !is_hash(given) || !is_hash(family) {
        return fault("INVALID_SHA256_FORMAT");
    }
    if region.len() != 2 || !region.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return fault("INVALID_REGION_CODE");
    }
    Ok(Ok(format!("address:{given}|{family}|{region}|{postal}")))
}

pub(super) fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
