//! Where requests go: the REST API below `/services/data/vNN.0`.
//!
//! Salesforce's "REST API Developer Guide". The bearer token is the host's.

use enroute_sdk::{Method, Request, SlotPlace, SlotValue, json};

use crate::settings::{Operation, Settings};

pub(crate) mod soql;

/// Before the first record of a collection.
pub(crate) const RECORDS: &[u8] = b"{\"allOrNone\":false,\"records\":[";

/// Before the first sub-request of a composite.
pub(crate) const SUBREQUESTS: &[u8] = b"{\"allOrNone\":false,\"collateSubrequests\":false,\"compositeRequest\":[";

/// After the last record or sub-request.
pub(crate) const END: &[u8] = b"]}";

/// What the id of a bulk job is called until it is known.
pub(crate) const JOB: &str = "job";

/// Place of the job's id in the path of an upload.
const JOB_SEGMENT: u32 = 5;

fn at<'a>(settings: &Settings, method: Method, path: impl IntoIterator<Item = &'a str>) -> Request {
    let request = Request::new(method, &settings.instance_url).header("accept", "application/json");
    request.path(["services", "data", &settings.api_version]).path(path)
}

/// A request that writes: with what it may set off in the org.
fn write<'a>(settings: &Settings, method: Method, path: impl IntoIterator<Item = &'a str>) -> Request {
    let request = at(settings, method, path).header("sforce-auto-assign", settings.assignment_rules.as_str());
    if settings.duplicate_rule_allow_save {
        request.header("sforce-duplicate-rule-header", "allowSave=true")
    } else {
        request
    }
}

/// The request that writes a batch of records, as the operation wants it.
pub(crate) fn records(settings: &Settings, body: Vec<u8>) -> Request {
    let (object, field) = (settings.object.as_str(), settings.external_id_field.as_str());
    let request = match settings.operation {
        Operation::Upsert => write(settings, Method::Patch, ["composite", "sobjects", object, field]),
        Operation::CreateOnly => write(settings, Method::Post, ["composite", "sobjects"]),
        Operation::UpdateOnly => write(settings, Method::Post, ["composite"]),
    };
    request.body("application/json", body)
}

/// The part of a composite that updates one record if it exists, up to the record's fields.
pub(crate) fn open_subrequest(body: &mut Vec<u8>, settings: &Settings, external_id: &str) {
    let Settings { api_version, object, external_id_field, .. } = settings;
    body.extend_from_slice(b"{\"method\":\"PATCH\",\"referenceId\":");
    json::write_str(body, &reference(external_id));
    let id = soql::escaped_segment(external_id);
    let url = format!("/services/data/{api_version}/sobjects/{object}/{external_id_field}/{id}?updateOnly=true");
    body.extend_from_slice(b",\"url\":");
    json::write_str(body, &url);
    // What a composite does is said by each part: the header of the whole does not reach them all.
    body.extend_from_slice(b",\"httpHeaders\":{\"Sforce-Auto-Assign\":");
    json::write_str(body, &settings.assignment_rules);
    if settings.duplicate_rule_allow_save {
        body.extend_from_slice(b",\"Sforce-Duplicate-Rule-Header\":\"allowSave=true\"");
    }
    body.extend_from_slice(b"},\"body\":");
}

/// What a part of a composite is called: it says the same in every batch, and nothing about the person.
pub(crate) fn reference(external_id: &str) -> String {
    let hash = enroute_sdk::hash::sha256_hex(external_id);
    format!("m{}", hash.get(..24).unwrap_or_default())
}

/// A query.
pub(crate) fn query(settings: &Settings, soql: String) -> Request {
    at(settings, Method::Get, ["query", ""]).query("q", soql)
}

/// The next page of a query; none where the address is not one of this API.
pub(crate) fn page(settings: &Settings, next: &str) -> Option<Request> {
    let rest = next.strip_prefix("/services/data/")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '.' | '_');
    if !rest.chars().all(plain) || rest.contains("..") {
        return None;
    }
    let request = Request::get(&settings.instance_url).header("accept", "application/json");
    Some(request.path(["services", "data"]).path(rest.split('/')))
}

/// Updates records whose ids are in the body.
pub(crate) fn update(settings: &Settings, body: Vec<u8>) -> Request {
    write(settings, Method::Patch, ["composite", "sobjects"]).body("application/json", body)
}

/// Creates records of any object.
pub(crate) fn create(settings: &Settings, body: Vec<u8>) -> Request {
    write(settings, Method::Post, ["composite", "sobjects"]).body("application/json", body)
}

/// Deletes records.
pub(crate) fn delete(settings: &Settings, ids: &[&str]) -> Request {
    write(settings, Method::Delete, ["composite", "sobjects"]).query("ids", ids.join(",")).query("allOrNone", "false")
}

/// Creates one campaign.
pub(crate) fn create_campaign(settings: &Settings, name: &str) -> Request {
    let mut body = b"{\"Name\":".to_vec();
    json::write_str(&mut body, name);
    body.extend_from_slice(b",\"IsActive\":true}");
    write(settings, Method::Post, ["sobjects", "Campaign"]).body("application/json", body)
}

/// What the org has left of its limits. Tests the token, and changes nothing.
pub(crate) fn limits(settings: &Settings) -> Request {
    at(settings, Method::Get, ["limits"])
}

/// The description of the object.
pub(crate) fn describe(settings: &Settings) -> Request {
    at(settings, Method::Get, ["sobjects", settings.object.as_str(), "describe"])
}

/// Makes a bulk job.
pub(crate) fn job(settings: &Settings) -> Request {
    let mut body = b"{\"object\":".to_vec();
    json::write_str(&mut body, &settings.object);
    body.extend_from_slice(b",\"operation\":\"upsert\",\"externalIdFieldName\":");
    json::write_str(&mut body, &settings.external_id_field);
    if crate::settings::catalogue::is_record_id(&settings.assignment_rules) {
        body.extend_from_slice(b",\"assignmentRuleId\":");
        json::write_str(&mut body, &settings.assignment_rules);
    }
    body.extend_from_slice(b",\"contentType\":\"CSV\",\"lineEnding\":\"LF\",\"columnDelimiter\":\"COMMA\"}");
    at(settings, Method::Post, ["jobs", "ingest"]).body("application/json", body)
}

/// Uploads the rows of the job that was made just before.
pub(crate) fn upload(settings: &Settings, csv: Vec<u8>) -> Request {
    at(settings, Method::Put, ["jobs", "ingest", "", "batches"])
        .body("text/csv", csv)
        .slot(SlotPlace::PathSegment(JOB_SEGMENT), SlotValue::Learned(JOB.to_owned()))
}

/// Asks how a job stands.
pub(crate) fn job_state(settings: &Settings, job: &str) -> Request {
    at(settings, Method::Get, ["jobs", "ingest", job])
}

/// Moves a job on: `UploadComplete` or `Aborted`.
pub(crate) fn move_job(settings: &Settings, job: &str, state: &str) -> Request {
    let mut body = b"{\"state\":".to_vec();
    json::write_str(&mut body, state);
    body.push(b'}');
    at(settings, Method::Patch, ["jobs", "ingest", job]).body("application/json", body)
}

/// A list of a finished job: `successfulResults`, `failedResults` or `unprocessedrecords`.
pub(crate) fn results(settings: &Settings, job: &str, list: &str) -> Request {
    let request = Request::get(&settings.instance_url).header("accept", "text/csv");
    request.path(["services", "data", &settings.api_version, "jobs", "ingest", job, list])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        serde_json::from_str(
            r#"{"instance_url": "https://acme.my.salesforce.com", "api_version": "v67.0", "object": "Lead",
                "external_id_field": "Enroute_Id__c", "membership_field": "Vip__c", "membership_value": "vip",
                "assignment_rules": "FALSE"}"#,
        )
        .expect("settings")
    }

    #[test]
    fn assignment_rules_stay_off_unless_asked_for() {
        let header = |settings: &Settings| {
            let request = records(settings, Vec::new());
            request.headers.into_iter().find(|item| item.name == "sforce-auto-assign").map(|item| item.value)
        };
        assert_eq!(header(&settings()).as_deref(), Some("FALSE"));
        let on = Settings { assignment_rules: "TRUE".to_owned(), ..settings() };
        assert_eq!(header(&on).as_deref(), Some("TRUE"));
    }

    #[test]
    fn only_pages_of_this_api_are_followed() {
        let path = |next: &str| page(&settings(), next).map(|request| request.path.join("/"));
        let next = "/services/data/v67.0/query/01gRM000002-2000";
        assert_eq!(path(next).as_deref(), Some("services/data/v67.0/query/01gRM000002-2000"));
        for other in
            ["https://evil.example/x", "/services/apexrest/x", "/services/data/../x", "/services/data/v67.0/q?x=1"]
        {
            assert_eq!(path(other), None, "{other}");
        }
    }

    #[test]
    fn a_reference_is_letters_and_digits_and_stays_the_same() {
        let reference = reference("cust-1001");
        assert!(reference.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_eq!(reference, super::reference("cust-1001"));
        assert_ne!(reference, super::reference("cust-1002"));
    }
}
