//! Jobs of the Google Ads API: made, filled, run, and asked about.
//!
//! Source: `OfflineUserDataJobService`, "Customer Match".

use serde_json::{Value, json};

use super::lists::{CREATED_ID, Key, List};
use super::people::{People, Person};
use super::refusal::{Refusal, failure};
use super::upload::{is_hash, only_known};
use super::{Answer, Config, State};
use crate::server::Recorded;

/// Most identifiers in one call, and in one operation.
const IDENTIFIERS_MAX: usize = 100_000;
const IDENTIFIERS_OF_ONE_MAX: usize = 20;

/// First id given to a job.
const JOB_ID: usize = 9_000;

/// A job and how far it is.
#[derive(Debug)]
pub(super) struct Job {
    id: String,
    list: String,
    adds: Option<bool>,
    people: Vec<Person>,
    stage: Stage,
    asked: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Filling,
    Running,
    Done,
    Failed,
}

/// Ends jobs that are running and chosen.
pub(super) fn finish(state: &mut State, chosen: impl Fn(&Job) -> bool) {
    let mut jobs = std::mem::take(&mut state.jobs);
    for job in jobs.iter_mut().filter(|job| job.stage == Stage::Running && chosen(job)) {
        if !state.spoilt.is_empty() {
            state.spoilt.remove(0);
            job.stage = Stage::Failed;
            continue;
        }
        job.stage = Stage::Done;
        if let (Some(people), Some(adds)) = (state.people(&job.list), job.adds) {
            job.people.iter().for_each(|person| people.change(person, adds));
        }
    }
    state.jobs = jobs;
}

/// Answers a call below `customers/{id}`.
pub(super) fn answer(path: &[&str], request: &Recorded, config: &Config, state: &mut State) -> Answer {
    let body = request.json().filter(|_| request.declares_json());
    let body = body.ok_or_else(|| Refusal::parse("The body is not valid JSON"))?;
    match path {
        ["offlineUserDataJobs:create"] => create(&body, config, state),
        ["offlineUserDataJobs", step] => {
            let (id, verb) = step.split_once(':').unwrap_or((step, ""));
            match verb {
                "addOperations" => fill(id, &body, state),
                "run" => run(id, config, state),
                _ => Err(Refusal::not_found("Method not found")),
            }
        }
        ["googleAds:search"] => search(&body, config, state),
        ["userLists:mutate"] => mutate(&body, config, state),
        _ => Err(Refusal::not_found("Method not found")),
    }
}

fn invalid(kind: &str, code: &str) -> Refusal {
    Refusal::ads(400, "INVALID_ARGUMENT", kind, code)
}

fn job_error(code: &str) -> Refusal {
    invalid("offlineUserDataJobError", code)
}

fn create(body: &Value, config: &Config, state: &mut State) -> Answer {
    // Google Ads Developer Blog, March 2026: closed to tokens that did not upload before.
    if !config.is_allowlisted {
        return Err(invalid("notAllowlistedError", "CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE"));
    }
    only_known(body, &["job"])?;
    let job = body.get("job").unwrap_or(&Value::Null);
    only_known(job, &["type", "customerMatchUserListMetadata", "externalId"])?;
    if job.get("type") != Some(&Value::from("CUSTOMER_MATCH_USER_LIST")) {
        return Err(Refusal::parse("Invalid value at 'job.type'"));
    }
    let metadata = job.get("customerMatchUserListMetadata").unwrap_or(&Value::Null);
    only_known(metadata, &["userList", "consent"])?;
    if let Some(consent) = metadata.get("consent") {
        only_known(consent, &["adUserData", "adPersonalization"])?;
        let known = |value: &Value| ["GRANTED", "DENIED", "UNSPECIFIED"].iter().any(|word| value == word);
        if !consent.as_object().is_some_and(|consent| consent.values().all(known)) {
            return Err(Refusal::parse("Invalid value at 'job.customer_match_user_list_metadata.consent'"));
        }
    }
    let name = metadata.get("userList").and_then(Value::as_str).unwrap_or_default();
    let list = name.strip_prefix(&format!("customers/{}/userLists/", config.customer_id)).unwrap_or_default();
    if !state.lists.iter().any(|(known, _)| known.id == list) {
        return Err(job_error("INVALID_USER_LIST_ID"));
    }
    let id = (JOB_ID + state.jobs.len()).to_string();
    let answer = json!({"resourceName": format!("customers/{}/offlineUserDataJobs/{id}", config.customer_id)});
    let (list, people) = (list.to_owned(), Vec::new());
    state.jobs.push(Job { id, list, adds: None, people, stage: Stage::Filling, asked: 0 });
    Ok(answer)
}

fn fill(id: &str, body: &Value, state: &mut State) -> Answer {
    only_known(body, &["operations", "enablePartialFailure", "enableWarnings", "validateOnly"])?;
    let Some(job) = state.jobs.iter_mut().find(|job| job.id == id) else {
        return Err(Refusal::not_found("There is no such job"));
    };
    if job.stage != Stage::Filling {
        return Err(job_error("JOB_ALREADY_STARTED"));
    }
    let key = state.lists.iter().find(|(list, _)| list.id == job.list).map_or(Key::Contact, |(list, _)| list.key);
    let operations = body.get("operations").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let (mut people, mut errors, mut identifiers) = (Vec::new(), Vec::new(), 0);
    for (index, operation) in operations.iter().enumerate() {
        only_known(operation, &["create", "remove"])?;
        let (adds, data) = match (operation.get("create"), operation.get("remove")) {
            (Some(data), None) => (true, data),
            (None, Some(data)) => (false, data),
            _ => return Err(Refusal::parse("an operation is either create or remove")),
        };
        // Creates and removes do not go into one job.
        if *job.adds.get_or_insert(adds) != adds {
            return Err(job_error("CONFLICTING_OPERATION"));
        }
        only_known(data, &["userIdentifiers", "consent"])?;
        if data.get("consent").is_some() {
            return Err(job_error("OPERATION_LEVEL_CONSENT_PROVIDED"));
        }
        let list = data.get("userIdentifiers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        identifiers += list.len();
        match person(list, key)? {
            Ok(person) => people.push(person),
            Err(code) => errors.push(("offlineUserDataJobError", code, Some(index))),
        }
    }
    if identifiers > IDENTIFIERS_MAX {
        return Err(invalid("collectionSizeError", "TOO_MANY"));
    }
    if errors.is_empty() {
        job.people.extend(people);
        return Ok(json!({}));
    }
    if body.get("enablePartialFailure") != Some(&Value::Bool(true)) {
        return Err(job_error(errors.first().map_or("UNKNOWN", |(_, code, _)| code)));
    }
    job.people.extend(people);
    Ok(json!({"partialFailureError": {"code": 3, "message": "Multiple errors", "details": [failure(&errors)]}}))
}

/// Reads the identifiers of one operation.
fn person(identifiers: &[Value], key: Key) -> Result<Result<Person, &'static str>, Refusal> {
    if identifiers.is_empty() {
        return Ok(Err("MISSING_USER_IDENTIFIER"));
    }
    if identifiers.len() > IDENTIFIERS_OF_ONE_MAX {
        return Ok(Err("TOO_MANY_USER_IDENTIFIERS"));
    }
    let mut person = Person::new();
    for identifier in identifiers {
        only_known(identifier, &["hashedEmail", "hashedPhoneNumber", "addressInfo", "mobileId", "thirdPartyUserId"])?;
        let Some((name, value)) = identifier.as_object().filter(|one| one.len() == 1).and_then(|one| one.iter().next())
        else {
            return Ok(Err("MISSING_USER_IDENTIFIER"));
        };
        let text = value.as_str().unwrap_or_default();
        let (fits, id) = match name.as_str() {
            "hashedEmail" => (Key::Contact, format!("emailAddress:{text}")),
            "hashedPhoneNumber" => (Key::Contact, format!("phoneNumber:{text}")),
            "mobileId" => (Key::Mobile, format!("mobileId:{text}")),
            "thirdPartyUserId" => (Key::User, format!("userId:{text}")),
            _ => {
                only_known(value, &["hashedFirstName", "hashedLastName", "countryCode", "postalCode"])?;
                let part = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
                let (given, family) = (part("hashedFirstName"), part("hashedLastName"));
                if !is_hash(given) || !is_hash(family) {
                    return Ok(Err("INVALID_SHA256_FORMAT"));
                }
                if part("countryCode").len() != 2 {
                    return Ok(Err("INVALID_COUNTRY_CODE"));
                }
                (Key::Contact, format!("address:{given}|{family}|{}|{}", part("countryCode"), part("postalCode")))
            }
        };
        if fits != key {
            return Ok(Err("INCOMPATIBLE_USER_IDENTIFIER"));
        }
        if name.starts_with("hashed") && !is_hash(text) {
            return Ok(Err("INVALID_SHA256_FORMAT"));
        }
        person.insert(id);
    }
    Ok(Ok(person))
}

fn run(id: &str, config: &Config, state: &mut State) -> Answer {
    let Some(job) = state.jobs.iter().find(|job| job.id == id) else {
        return Err(Refusal::not_found("There is no such job"));
    };
    if job.stage != Stage::Filling {
        return Err(job_error("JOB_ALREADY_STARTED"));
    }
    // Two jobs on one list do not run side by side.
    if state.jobs.iter().any(|other| other.list == job.list && other.stage == Stage::Running) {
        return Err(invalid("databaseError", "CONCURRENT_MODIFICATION"));
    }
    if let Some(job) = state.jobs.iter_mut().find(|job| job.id == id) {
        job.stage = Stage::Running;
    }
    if config.polls_until_done == 0 {
        finish(state, |job| job.id == id);
    }
    Ok(json!({"name": format!("customers/{}/operations/{id}", config.customer_id)}))
}

/// `googleAds:search`: the two resources that are needed here.
fn search(body: &Value, config: &Config, state: &mut State) -> Answer {
    only_known(body, &["query", "pageToken"])?;
    let query = body.get("query").and_then(Value::as_str).unwrap_or_default();
    let wanted = |field: &str| query.split_once(&format!("WHERE {field} = ")).map(|(_, value)| value.trim());
    if query.contains("FROM offline_user_data_job") {
        let name = wanted("offline_user_data_job.resource_name").unwrap_or_default().trim_matches('\'');
        let id = name.rsplit('/').next().unwrap_or_default().to_owned();
        let Some(job) = state.jobs.iter_mut().find(|job| job.id == id) else { return Ok(json!({"results": []})) };
        job.asked += 1;
        if job.asked >= config.polls_until_done {
            finish(state, |job| job.id == id);
        }
        let stage = state.jobs.iter().find(|job| job.id == id).map(|job| job.stage);
        let status = match stage {
            Some(Stage::Running) => "RUNNING",
            Some(Stage::Done) => "SUCCESS",
            Some(Stage::Failed) => "FAILED",
            _ => "PENDING",
        };
        return Ok(json!({"results": [{"offlineUserDataJob": {"resourceName": name, "status": status}}]}));
    }
    if !query.contains("FROM user_list") {
        return Err(invalid("queryError", "INVALID_QUERY"));
    }
    let name = wanted("user_list.name").map(|name| name.trim_matches('\'').replace("\\'", "'").replace("\\\\", "\\"));
    let fits = |list: &List| match (wanted("user_list.id"), &name) {
        (Some(id), _) => list.id == id,
        (None, Some(name)) => list.name == *name,
        (None, None) => true,
    };
    let lists = state.lists.iter().map(|(list, _)| list).filter(|list| fits(list));
    let rows: Vec<Value> = lists.map(|list| json!({"userList": row(list, config)})).collect();
    Ok(json!({ "results": rows }))
}

fn row(list: &List, config: &Config) -> Value {
    json!({
        "resourceName": format!("customers/{}/userLists/{}", config.customer_id, list.id),
        "id": list.id, "name": list.name, "readOnly": !list.is_owned,
        "membershipStatus": if list.is_open { "OPEN" } else { "CLOSED" },
        "accessReason": if list.is_owned { "OWNED" } else { "SHARED" },
        "crmBasedUserList": {"uploadKeyType": list.key.ads_name()},
    })
}

/// `userLists:mutate`: creates one list.
fn mutate(body: &Value, config: &Config, state: &mut State) -> Answer {
    only_known(body, &["operations", "partialFailure", "validateOnly"])?;
    let create = body.pointer("/operations/0/create").unwrap_or(&Value::Null);
    only_known(create, &["name", "description", "membershipLifeSpan", "crmBasedUserList"])?;
    let text = |pointer: &str| create.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let name = text("/name");
    if state.lists.iter().any(|(list, _)| list.name == name) {
        return Err(invalid("userListError", "NAME_ALREADY_USED"));
    }
    let key = match text("/crmBasedUserList/uploadKeyType") {
        "CONTACT_INFO" => Key::Contact,
        "MOBILE_ADVERTISING_ID" => Key::Mobile,
        "CRM_ID" => Key::User,
        _ => return Err(Refusal::parse("Invalid value at 'upload_key_type'")),
    };
    let id = (CREATED_ID + state.lists.len() as u64).to_string();
    state.lists.push((List { key, ..List::new(&id, name) }, People::default()));
    Ok(json!({"results": [{"resourceName": format!("customers/{}/userLists/{id}", config.customer_id)}]}))
}
