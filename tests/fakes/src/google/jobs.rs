//! Jobs of the Google Ads API: made, filled, run, and asked about.
//!
//! Source: `OfflineUserDataJobService`, "Customer Match".

use serde_json::{Value, json};

use super::lists::{CREATED_ID, Key, List};
use super::people::{People, Person};
use super::query::Query;
use super::refusal::{Refusal, failure};
use super::upload::is_hash;
use super::{Answer, Config, State, messages, proto};
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
    let read = |message| proto::read(request, message);
    match path {
        ["offlineUserDataJobs:create"] => create(&read(messages::CREATE_JOB)?, config, state),
        ["offlineUserDataJobs", step] => {
            let (id, verb) = step.split_once(':').unwrap_or((step, ""));
            match verb {
                "addOperations" => fill(id, &read(messages::FILL_JOB)?, state),
                "run" => {
                    read(messages::RUN_JOB)?;
                    run(id, config, state)
                }
                _ => Err(Refusal::not_found("Method not found")),
            }
        }
        ["googleAds:search"] => search(&read(messages::SEARCH)?, config, state),
        ["userLists:mutate"] => mutate(&read(messages::MUTATE)?, config, state),
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
    let job = body.get("job").unwrap_or(&Value::Null);
    if job.get("type") != Some(&Value::from("CUSTOMER_MATCH_USER_LIST")) {
        return Err(Refusal::parse("Invalid value at 'job.type'"));
    }
    let metadata = job.get("customerMatchUserListMetadata").unwrap_or(&Value::Null);
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
        let (adds, data) = match (operation.get("create"), operation.get("remove")) {
            (Some(data), None) => (true, data),
            (None, Some(data)) => (false, data),
            _ => return Err(Refusal::parse("an operation is either create or remove")),
        };
        // Creates and removes do not go into one job.
        if *job.adds.get_or_insert(adds) != adds {
            return Err(job_error("CONFLICTING_OPERATION"));
        }
        if data.get("consent").is_some() {
            return Err(job_error("OPERATION_LEVEL_CONSENT_PROVIDED"));
        }
        let list = data.get("userIdentifiers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        identifiers += list.len();
        match person(list, key) {
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
fn person(identifiers: &[Value], key: Key) -> Result<Person, &'static str> {
    if identifiers.is_empty() {
        return Err("MISSING_USER_IDENTIFIER");
    }
    if identifiers.len() > IDENTIFIERS_OF_ONE_MAX {
        return Err("TOO_MANY_USER_IDENTIFIERS");
    }
    let mut person = Person::new();
    for identifier in identifiers {
        let mut members = identifier.as_object().into_iter().flatten();
        let Some((name, value)) = members.find(|(name, _)| *name != "userIdentifierSource") else {
            return Err("MISSING_USER_IDENTIFIER");
        };
        let text = value.as_str().unwrap_or_default();
        let (fits, id) = match name.as_str() {
            "hashedEmail" => (Key::Contact, format!("emailAddress:{text}")),
            "hashedPhoneNumber" => (Key::Contact, format!("phoneNumber:{text}")),
            "mobileId" => (Key::Mobile, format!("mobileId:{text}")),
            "thirdPartyUserId" => (Key::User, format!("userId:{text}")),
            _ => {
                let part = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
                let (given, family) = (part("hashedFirstName"), part("hashedLastName"));
                if !is_hash(given) || !is_hash(family) {
                    return Err("INVALID_SHA256_FORMAT");
                }
                if part("countryCode").len() != 2 {
                    return Err("INVALID_COUNTRY_CODE");
                }
                (Key::Contact, format!("address:{given}|{family}|{}|{}", part("countryCode"), part("postalCode")))
            }
        };
        if fits != key {
            return Err("INCOMPATIBLE_USER_IDENTIFIER");
        }
        if name.starts_with("hashed") && !is_hash(text) {
            return Err("INVALID_SHA256_FORMAT");
        }
        person.insert(id);
    }
    Ok(person)
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
    let query = Query::parse(body.get("query").and_then(Value::as_str).unwrap_or_default())?;
    if query.resource == "user_list" {
        return Ok(query.answer(state.lists.iter().map(|(list, _)| row(list, config))));
    }
    let name = query.wanted("resource_name").unwrap_or_default();
    let id = name.rsplit('/').next().unwrap_or_default();
    if let Some(job) = state.jobs.iter_mut().find(|job| job.id == id) {
        job.asked += 1;
        if job.asked >= config.polls_until_done {
            finish(state, |job| job.id == id);
        }
    }
    Ok(query.answer(state.jobs.iter().map(|job| job.row(config))))
}

impl Job {
    fn row(&self, config: &Config) -> Value {
        let status = match self.stage {
            Stage::Filling => "PENDING",
            Stage::Running => "RUNNING",
            Stage::Done => "SUCCESS",
            Stage::Failed => "FAILED",
        };
        json!({
            "resourceName": format!("customers/{}/offlineUserDataJobs/{}", config.customer_id, self.id),
            "id": self.id, "type": "CUSTOMER_MATCH_USER_LIST", "status": status,
            "customerMatchUserListMetadata":
                {"userList": format!("customers/{}/userLists/{}", config.customer_id, self.list)},
        })
    }
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
    let create = body.pointer("/operations/0/create").unwrap_or(&Value::Null);
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
