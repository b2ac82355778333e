use serde_json::json;

use super::*;
use crate::testing::{Raw, exchange, request};

const LEADS: &str = "/services/data/v67.0/composite/sobjects/Lead/Enroute_Id__c";
const COLLECTION: &str = "/services/data/v67.0/composite/sobjects";
const JOBS: &str = "/services/data/v67.0/jobs/ingest";
const OFF: (&str, &str) = ("Sforce-Auto-Assign", "FALSE");

async fn start(config: Config) -> Salesforce {
    let score = Field::number("Score__c");
    let values = Field::multi_picklist("Segments__c", &["vip", "new"]);
    let config = config.field("Lead", Field::checkbox("Vip__c")).field("Lead", score).field("Lead", values);
    Salesforce::start(config).await.unwrap()
}

async fn ask(org: &Salesforce, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Raw {
    let mut all = vec![("Authorization", "Bearer fake-salesforce-token"), ("Content-Type", "application/json")];
    all.retain(|(name, _)| !headers.iter().any(|(own, _)| own == name));
    all.extend(headers);
    exchange(org.server().addr(), &request(method, target, &all, body.as_bytes())).await
}

fn lead(id: &str) -> Value {
    json!({"attributes": {"type": "Lead"}, "Enroute_Id__c": id, "LastName": "Silva", "Company": "Acme", "Vip__c": true})
}

fn with(mut record: Value, name: &str, value: Value) -> Value {
    record[name] = value;
    record
}

async fn upsert(org: &Salesforce, records: &[Value]) -> Raw {
    ask(org, "PATCH", LEADS, &[OFF], &json!({"allOrNone": false, "records": records}).to_string()).await
}

/// The status code of each result, `ok` where it is a success.
fn codes(raw: &Raw) -> Vec<String> {
    let code = |result: &Value| match result["success"] == true {
        true => "ok".to_owned(),
        false => result["errors"][0]["statusCode"].as_str().unwrap_or("?").to_owned(),
    };
    raw.json().as_array().unwrap().iter().map(code).collect()
}

#[track_caller]
fn refused(raw: &Raw, status: u16, code: &str) {
    assert_eq!((raw.status(), raw.json()[0]["errorCode"].as_str().unwrap_or_default()), (status, code));
}

#[tokio::test]
async fn records_are_created_and_then_updated_with_a_result_for_each_in_order() {
    let org = start(Config::default()).await;
    let first = upsert(&org, &[lead("u1"), json!({"attributes": {"type": "Lead"}, "Enroute_Id__c": "u2"})]).await;
    assert_eq!(codes(&first), ["ok", "REQUIRED_FIELD_MISSING"]);
    assert_eq!(first.json()[0]["created"], true);
    assert_eq!(first.json()[1]["errors"][0]["fields"], json!(["LastName", "Company"]));
    let second = upsert(&org, &[json!({"attributes": {"type": "Lead"}, "Enroute_Id__c": "U1", "Vip__c": false})]).await;
    assert_eq!((codes(&second), second.json()[0]["created"].clone()), (vec!["ok".to_owned()], json!(false)));
    assert!(org.members("Lead", "Vip__c").is_empty());
    assert_eq!(org.record("Lead", "u1").unwrap()["LastName"], "Silva");
}

#[tokio::test]
async fn each_value_is_judged_by_its_field() {
    let org = start(Config::default()).await;
    for (name, value, code) in [
        ("FirstName", json!("x".repeat(41)), "STRING_TOO_LONG"),
        ("Email", json!("nobody"), "INVALID_EMAIL_ADDRESS"),
        ("NumberOfEmployees", json!(3_000_000_000_u64), "NUMBER_OUTSIDE_VALID_RANGE"),
        ("Rating", json!("Boiling"), "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ("Segments__c", json!("vip;old"), "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ("OwnerId", json!("me"), "MALFORMED_ID"),
        ("Vip__c", json!(null), "INVALID_TYPE_ON_FIELD_IN_RECORD"),
        ("IsConverted", json!(true), "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ("Enroute_Id__c", json!(""), "MISSING_ARGUMENT"),
        ("Enroute_Id__c", json!("x".repeat(256)), "STRING_TOO_LONG"),
    ] {
        assert_eq!(codes(&upsert(&org, &[with(lead("u1"), name, value), lead("u2")]).await), [code, "ok"], "{name}");
    }
    assert!(org.record("Lead", "u1").is_none());
}

#[tokio::test]
async fn what_cannot_be_read_sinks_the_whole_request() {
    let org = start(Config::default()).await;
    let bad = |name, value| [lead("u1"), with(lead("u2"), name, value)];
    refused(&upsert(&org, &bad("Shoe__c", json!(1))).await, 400, "INVALID_FIELD");
    refused(&upsert(&org, &bad("Score__c", json!("12"))).await, 400, "JSON_PARSER_ERROR");
    refused(&upsert(&org, &bad("Vip__c", json!("true"))).await, 400, "JSON_PARSER_ERROR");
    refused(&upsert(&org, &bad("LastName", json!(["a"]))).await, 400, "JSON_PARSER_ERROR");
    refused(&upsert(&org, &bad("attributes", json!({"type": "Contact"}))).await, 400, "INVALID_TYPE");
    refused(&upsert(&org, &bad("id", json!("00Q000000000001AAA"))).await, 400, "INVALID_FIELD");
    for body in ["", "[]", "{}", r#"{"records":[1]}"#, r#"{"records":[],"mode":1}"#, r#"{"allOrNone":0,"records":[]}"#]
    {
        refused(&ask(&org, "PATCH", LEADS, &[], body).await, 400, "JSON_PARSER_ERROR");
    }
    refused(&ask(&org, "PATCH", LEADS, &[("Content-Type", "text/plain")], "{}").await, 415, "UNSUPPORTED_MEDIA_TYPE");
    assert!(org.records("Lead").is_empty());
}

#[tokio::test]
async fn two_hundred_records_are_taken_and_one_more_is_not() {
    let org = start(Config::default()).await;
    let leads: Vec<Value> = (0..201).map(|number| lead(&format!("u{number}"))).collect();
    refused(&upsert(&org, &leads).await, 400, "EXCEEDED_ID_LIMIT");
    assert_eq!(codes(&upsert(&org, &leads[..200]).await).len(), 200);
}

#[tokio::test]
async fn one_external_id_twice_in_a_request_is_refused_both_times() {
    let org = start(Config::default()).await;
    let raw = upsert(&org, &[lead("u1"), lead("U1"), lead("u2")]).await;
    assert_eq!(codes(&raw), ["DUPLICATE_VALUE", "DUPLICATE_VALUE", "ok"]);
}

#[tokio::test]
async fn a_field_that_is_no_external_id_is_no_key() {
    let org = start(Config::default()).await;
    for field in ["Id", "LastName", "Nothing__c"] {
        let target = format!("{COLLECTION}/Lead/{field}");
        refused(&ask(&org, "PATCH", &target, &[], r#"{"records":[]}"#).await, 404, "NOT_FOUND");
    }
    refused(
        &ask(&org, "PATCH", "/services/data/v45.0/composite/sobjects/Lead/Enroute_Id__c", &[], "{}").await,
        404,
        "NOT_FOUND",
    );
    refused(&ask(&org, "GET", "/services/data/v30.0/limits", &[], "").await, 410, "UNSUPPORTED_API_VERSION");
}

#[tokio::test]
async fn of_all_or_none_none_stays_when_one_fails() {
    let org = start(Config::default()).await;
    let body = json!({"allOrNone": true, "records": [lead("u1"), with(lead("u2"), "Email", json!("x"))]}).to_string();
    let raw = ask(&org, "PATCH", LEADS, &[], &body).await;
    assert_eq!(codes(&raw), ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "INVALID_EMAIL_ADDRESS"]);
    assert!(org.records("Lead").is_empty());
}

#[tokio::test]
async fn a_lock_is_gone_the_second_time() {
    let config = Config { locks: [("u1".to_owned(), 1)].into(), ..Config::default() };
    let org = start(config).await;
    assert_eq!(codes(&upsert(&org, &[lead("u1")]).await), ["UNABLE_TO_LOCK_ROW"]);
    assert_eq!(codes(&upsert(&org, &[lead("u1")]).await), ["ok"]);
}

#[tokio::test]
async fn assignment_rules_run_unless_the_request_keeps_them_from_it() {
    let org = start(Config::default()).await;
    upsert(&org, &[lead("u1")]).await;
    assert!(org.assigned().is_empty());
    ask(&org, "PATCH", LEADS, &[], &json!({"records": [lead("u2")]}).to_string()).await;
    assert_eq!(org.assigned().len(), 1);
}

#[tokio::test]
async fn a_duplicate_alert_is_passed_over_on_request_only() {
    let org = start(Config { duplicate_rule: true, ..Config::default() }).await;
    let mail = |id| with(lead(id), "Email", json!("ann@example.com"));
    assert_eq!(codes(&upsert(&org, &[mail("u1"), mail("u2")]).await), ["ok", "DUPLICATES_DETECTED"]);
    let body = json!({"records": [mail("u2")]}).to_string();
    let raw = ask(&org, "PATCH", LEADS, &[("Sforce-Duplicate-Rule-Header", "allowSave=true")], &body).await;
    assert_eq!(codes(&raw), ["ok"]);
}

#[tokio::test]
async fn a_query_finds_records_page_by_page() {
    let org = start(Config { page_rows: 2, ..Config::default() }).await;
    upsert(&org, &[lead("a"), lead("b"), lead("c"), lead("d'e")]).await;
    let q = "/services/data/v67.0/query/?q=SELECT%20Id%2CEnroute_Id__c%20FROM%20Lead%20WHERE%20Enroute_Id__c%20IN%20(%27A%27%2C%27b%27%2C%27d%5C%27e%27)";
    let first = ask(&org, "GET", q, &[], "").await.json();
    assert_eq!((first["totalSize"].clone(), first["done"].clone()), (json!(3), json!(false)));
    let next = first["nextRecordsUrl"].as_str().unwrap();
    let second = ask(&org, "GET", next, &[], "").await.json();
    assert_eq!((second["done"].clone(), second["records"][0]["Enroute_Id__c"].clone()), (json!(true), json!("d'e")));
    assert_eq!(second.get("nextRecordsUrl"), None);
}

#[tokio::test]
async fn a_query_that_is_none_is_refused() {
    let org = start(Config::default()).await;
    for (soql, code) in [
        ("SELECT Id FROM Lead WHERE LastName = 'a' OR LastName = 'b'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead WHERE LastName = 'O'Neil'", "MALFORMED_QUERY"),
        (r"SELECT Id FROM Lead WHERE LastName = '\x'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead WHERE Enroute_Id__c IN ()", "MALFORMED_QUERY"),
        ("SELECT Shoe__c FROM Lead", "INVALID_FIELD"),
        ("SELECT Id FROM Nothing__c", "INVALID_TYPE"),
        ("", "MALFORMED_QUERY"),
    ] {
        let target = format!("/services/data/v67.0/query/?q={}", soql.replace(' ', "%20").replace('\'', "%27"));
        refused(&ask(&org, "GET", &target, &[], "").await, 400, code);
    }
    let long = format!("/services/data/v67.0/query/?q={}", "a".repeat(URI_BYTES_MAX));
    assert_eq!(ask(&org, "GET", &long, &[], "").await.status(), 414);
}

#[tokio::test]
async fn records_are_updated_and_deleted_by_id() {
    let org = start(Config::default()).await;
    let id = upsert(&org, &[lead("u1")]).await.json()[0]["id"].as_str().unwrap().to_owned();
    let update =
        |id: &str| json!({"records": [{"attributes": {"type": "Lead"}, "id": id, "Vip__c": false}]}).to_string();
    assert_eq!(codes(&ask(&org, "PATCH", COLLECTION, &[], &update(&id[..15])).await), ["ok"]);
    assert_eq!(codes(&ask(&org, "PATCH", COLLECTION, &[], &update("003000000000001AAA")).await), ["MALFORMED_ID"]);
    let delete = format!("{COLLECTION}?ids={id}&allOrNone=false");
    assert_eq!(codes(&ask(&org, "DELETE", &delete, &[], "").await), ["ok"]);
    assert_eq!(codes(&ask(&org, "DELETE", &delete, &[], "").await), ["ENTITY_IS_DELETED"]);
    assert_eq!(codes(&ask(&org, "PATCH", COLLECTION, &[], &update(&id)).await), ["ENTITY_IS_DELETED"]);
}

#[tokio::test]
async fn a_converted_lead_stays_as_it_is() {
    let org = start(Config::default()).await;
    upsert(&org, &[lead("u1")]).await;
    org.convert_lead("u1");
    assert_eq!(codes(&upsert(&org, &[lead("u1")]).await), ["CANNOT_UPDATE_CONVERTED_LEAD"]);
}

#[tokio::test]
async fn a_campaign_has_each_person_once() {
    let org = start(Config::default()).await;
    let person = upsert(&org, &[lead("u1")]).await.json()[0]["id"].clone();
    let campaign =
        ask(&org, "POST", "/services/data/v67.0/sobjects/Campaign", &[], r#"{"Name":"VIP","IsActive":true}"#).await;
    assert_eq!(campaign.status(), 201);
    let link = json!({"attributes": {"type": "CampaignMember"}, "CampaignId": campaign.json()["id"], "LeadId": person, "Status": "Sent"});
    let odd = with(link.clone(), "Status", json!("Dreaming"));
    let nobody = json!({"attributes": {"type": "CampaignMember"}, "CampaignId": campaign.json()["id"]});
    let body = json!({"allOrNone": false, "records": [odd, nobody, link, link]}).to_string();
    let expect = ["INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "REQUIRED_FIELD_MISSING", "ok", "DUPLICATE_VALUE"];
    assert_eq!(codes(&ask(&org, "POST", COLLECTION, &[], &body).await), expect);
    assert_eq!(org.campaign_members("VIP"), ["u1".to_owned()].into());
}

#[tokio::test]
async fn a_composite_updates_what_exists_and_creates_nothing() {
    let org = start(Config::default()).await;
    upsert(&org, &[lead("a/1")]).await;
    org.seed("Lead", &json!({"Enroute_Id__c": "twin"}));
    org.seed("Lead", &json!({"Enroute_Id__c": "twin"}));
    let part = |reference: &str, id: &str| {
        json!({"method": "PATCH", "referenceId": reference, "body": {"Vip__c": false},
        "url": format!("/services/data/v67.0/sobjects/Lead/Enroute_Id__c/{id}?updateOnly=true")})
    };
    let parts = [part("a", "a%2F1"), part("b", "nobody"), part("c", "twin"), part("d", "x@email.inc")];
    let target = "/services/data/v67.0/composite";
    let raw = ask(&org, "POST", target, &[], &json!({"allOrNone": false, "compositeRequest": parts}).to_string()).await;
    let statuses = raw.json()["compositeResponse"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| part["httpStatusCode"].as_u64().unwrap())
        .collect::<Vec<_>>();
    assert_eq!(statuses, [204, 404, 300, 404]);
    let many: Vec<Value> = (0..26).map(|number| part(&format!("m{number}"), "x")).collect();
    refused(
        &ask(&org, "POST", target, &[], &json!({"compositeRequest": many}).to_string()).await,
        400,
        "EXCEEDED_ID_LIMIT",
    );
    refused(
        &ask(&org, "POST", target, &[], &json!({"compositeRequest": [part("a", "x"), part("a", "y")]}).to_string())
            .await,
        400,
        "INVALID_INPUT",
    );
}

#[tokio::test]
async fn a_description_tells_flags_types_and_values() {
    let org = start(Config::default()).await;
    let described = ask(&org, "GET", "/services/data/v67.0/sobjects/Lead/describe", &[], "").await.json();
    let field = |name: &str| {
        described["fields"].as_array().unwrap().iter().find(|field| field["name"] == name).unwrap().clone()
    };
    assert_eq!(field("Enroute_Id__c")["externalId"], true);
    assert_eq!((field("LastName")["nillable"].clone(), field("LastName")["length"].clone()), (json!(false), json!(80)));
    assert_eq!(field("Segments__c")["picklistValues"][1]["value"], "new");
    refused(&ask(&org, "GET", "/services/data/v67.0/sobjects/Nothing__c/describe", &[], "").await, 404, "NOT_FOUND");
}

#[tokio::test]
async fn the_day_is_counted_and_ends() {
    let org = start(Config { daily_calls_max: 2, ..Config::default() }).await;
    let target = "/services/data/v67.0/limits";
    assert_eq!(ask(&org, "GET", target, &[], "").await.header("sforce-limit-info").as_deref(), Some("api-usage=1/2"));
    assert_eq!(ask(&org, "GET", target, &[], "").await.json()["DailyApiRequests"]["Remaining"], 0);
    refused(&ask(&org, "GET", target, &[], "").await, 403, "REQUEST_LIMIT_EXCEEDED");
    let off = start(Config { api_enabled: false, ..Config::default() }).await;
    refused(&ask(&off, "GET", target, &[], "").await, 403, "API_CURRENTLY_DISABLED");
}

async fn token(org: &Salesforce, form: &str) -> Raw {
    let headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Authorization", "none")];
    ask(org, "POST", "/services/oauth2/token", &headers, form).await
}

#[tokio::test]
async fn a_session_is_handed_out_and_ends() {
    let org = start(Config { session_calls: Some(1), ..Config::default() }).await;
    let form = "grant_type=client_credentials&client_id=fake-consumer-key&client_secret=fake-consumer-secret";
    let answer = token(&org, form).await.json();
    // The address that was asked, as the client wrote it; the answer does not say how long the token lasts.
    assert_eq!((answer["instance_url"].clone(), answer.get("expires_in")), (json!("http://fake"), None));
    let bearer = format!("Bearer {}", answer["access_token"].as_str().unwrap());
    let target = "/services/data/v67.0/limits";
    assert_eq!(ask(&org, "GET", target, &[("Authorization", &bearer)], "").await.status(), 200);
    refused(&ask(&org, "GET", target, &[("Authorization", &bearer)], "").await, 401, "INVALID_SESSION_ID");
    refused(&ask(&org, "GET", target, &[("Authorization", "none")], "").await, 401, "INVALID_AUTH_HEADER");
    org.expire_sessions();
    refused(&ask(&org, "GET", target, &[], "").await, 401, "INVALID_SESSION_ID");
}

#[tokio::test]
async fn a_grant_that_is_none_is_refused() {
    let org = start(Config::default()).await;
    for (form, error) in [
        ("grant_type=client_credentials&client_id=other&client_secret=fake-consumer-secret", "invalid_client_id"),
        ("grant_type=client_credentials&client_id=fake-consumer-key&client_secret=wrong", "invalid_client"),
        ("grant_type=client_credentials&client_id=fake-consumer-key", "invalid_client"),
        ("grant_type=password&username=a&password=b", "unsupported_grant_type"),
        ("grant_type=refresh_token&client_id=fake-consumer-key&refresh_token=old", "invalid_grant"),
        ("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=a.b", "invalid_grant"),
    ] {
        let raw = token(&org, form).await;
        assert_eq!((raw.status(), raw.json()["error"].clone()), (400, json!(error)), "{form}");
    }
}

#[tokio::test]
async fn a_rotated_refresh_token_dies_when_it_is_used() {
    let org = start(Config { rotate_refresh_tokens: true, ..Config::default() }).await;
    let form = "grant_type=refresh_token&client_id=fake-consumer-key&client_secret=fake-consumer-secret&refresh_token=";
    let first = token(&org, &format!("{form}fake-refresh-token")).await.json();
    assert_eq!(first["refresh_token"], org.refresh_token().as_str());
    assert_eq!(token(&org, &format!("{form}fake-refresh-token")).await.json()["error"], "invalid_grant");
    assert_eq!(token(&org, &format!("{form}{}", org.refresh_token())).await.status(), 200);
}

#[tokio::test]
async fn the_claims_of_an_assertion_are_checked() {
    let org = start(Config::default()).await;
    // {"alg":"RS256"} and {"iss":"fake-consumer-key","sub":…,"aud":"https://login.salesforce.com","exp":1795428180}
    let header = "eyJhbGciOiJSUzI1NiJ9";
    let sound = "eyJpc3MiOiJmYWtlLWNvbnN1bWVyLWtleSIsInN1YiI6InN5bmNAZXhhbXBsZS5jb20iLCJhdWQiOiJodHRwczovL2xvZ2luLnNhbGVzZm9yY2UuY29tIiwiZXhwIjoxNzk1NDI4MTgwfQ";
    let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
    assert_eq!(token(&org, &format!("{grant}{header}.{sound}.c2ln")).await.status(), 200);
    let other = start(Config { username: "somebody@example.com".into(), ..Config::default() }).await;
    let raw = token(&other, &format!("{grant}{header}.{sound}.c2ln")).await;
    assert_eq!(raw.json()["error_description"], "user hasn't approved this consumer");
}

async fn job(org: &Salesforce, csv: &str) -> String {
    let body = r#"{"object":"Lead","operation":"upsert","externalIdFieldName":"Enroute_Id__c","contentType":"CSV","lineEnding":"LF","columnDelimiter":"COMMA"}"#;
    let made = ask(org, "POST", JOBS, &[], body).await.json();
    let id = made["id"].as_str().unwrap().to_owned();
    let upload = ask(org, "PUT", &format!("{JOBS}/{id}/batches"), &[("Content-Type", "text/csv")], csv).await;
    assert_eq!((made["state"].clone(), upload.status()), (json!("Open"), 201));
    id
}

#[tokio::test]
async fn a_job_lives_from_open_to_complete_and_names_what_failed() {
    let org = start(Config { job_polls: 1, ..Config::default() }).await;
    upsert(&org, &[with(lead("u2"), "Score__c", json!(3))]).await;
    let id = job(&org, "Enroute_Id__c,LastName,Company,Score__c,Vip__c\nu1,\"Silva, \"\"M\"\"\",Acme,,true\nu2,,,#N/A,false\nu3,,,1,true\n").await;
    let target = format!("{JOBS}/{id}");
    assert_eq!(ask(&org, "GET", &target, &[], "").await.json()["state"], "Open");
    assert!(org.record("Lead", "u1").is_none());
    refused(&ask(&org, "GET", &format!("{target}/failedResults"), &[], "").await, 400, "INVALIDJOBSTATE");
    assert_eq!(ask(&org, "PATCH", &target, &[], r#"{"state":"UploadComplete"}"#).await.status(), 200);
    refused(&ask(&org, "PATCH", &target, &[], r#"{"state":"UploadComplete"}"#).await, 400, "INVALIDJOBSTATE");
    assert_eq!(ask(&org, "GET", &target, &[], "").await.json()["state"], "InProgress");
    let done = ask(&org, "GET", &target, &[], "").await.json();
    assert_eq!((done["state"].clone(), done["numberRecordsFailed"].clone()), (json!("JobComplete"), json!(1)));
    let failed = ask(&org, "GET", &format!("{target}/failedResults"), &[], "").await.body();
    assert!(failed.contains(
        "\"REQUIRED_FIELD_MISSING:Required fields are missing: [LastName, Company]:LastName,Company --\",\"u3\""
    ));
    let ok = ask(&org, "GET", &format!("{target}/successfulResults"), &[], "").await.body();
    assert_eq!(ok.lines().count(), 3);
    let second = org.record("Lead", "u2").unwrap();
    assert_eq!(
        (second["LastName"].clone(), second.get("Score__c"), second["Vip__c"].clone()),
        (json!("Silva"), None, json!(false))
    );
}

#[tokio::test]
async fn a_job_with_an_unknown_column_fails_as_a_whole() {
    let org = start(Config::default()).await;
    let id = job(&org, "Enroute_Id__c,Shoe__c\nu1,44\n").await;
    let target = format!("{JOBS}/{id}");
    ask(&org, "PATCH", &target, &[], r#"{"state":"UploadComplete"}"#).await;
    let failed = ask(&org, "GET", &target, &[], "").await.json();
    assert_eq!(
        (failed["state"].clone(), failed["errorMessage"].clone()),
        (json!("Failed"), json!("InvalidBatch : Field name not found : Shoe__c"))
    );
}

#[tokio::test]
async fn a_job_is_filled_once_and_an_aborted_one_changes_nothing() {
    let org = start(Config::default()).await;
    let id = job(&org, "Enroute_Id__c,LastName,Company\nu1,Silva,Acme\n").await;
    let again =
        ask(&org, "PUT", &format!("{JOBS}/{id}/batches"), &[("Content-Type", "text/csv")], "Enroute_Id__c\nu2\n").await;
    refused(&again, 400, "INVALIDJOBSTATE");
    ask(&org, "PATCH", &format!("{JOBS}/{id}"), &[], r#"{"state":"Aborted"}"#).await;
    ask(&org, "GET", &format!("{JOBS}/{id}"), &[], "").await;
    assert_eq!((org.job_states(), org.records("Lead").len()), (vec!["Aborted".to_owned()], 0));
    refused(&ask(&org, "POST", JOBS, &[], r#"{"object":"Lead","operation":"upsert"}"#).await, 400, "INVALIDJOB");
    refused(
        &ask(&org, "POST", JOBS, &[], r#"{"object":"Nothing__c","operation":"upsert","externalIdFieldName":"X"}"#)
            .await,
        400,
        "INVALIDENTITY",
    );
}

#[tokio::test]
async fn what_a_library_asks_for_in_its_own_spelling_is_answered() {
    let org = start(Config::default()).await;
    let data = "/services/data/v67.0";
    let get = async |path: &str| ask(&org, "GET", &format!("{data}/{path}"), &[], "").await;
    for path in ["limits", "limits/"] {
        assert!(get(path).await.json()["DailyApiRequests"]["Remaining"].is_u64(), "{path}");
    }
    let names = get("sobjects").await.json()["sobjects"].as_array().unwrap().len();
    assert_eq!(names, 5);
    let made =
        ask(&org, "POST", &format!("{data}/sobjects/Lead/"), &[OFF], r#"{"LastName":"Ott","Company":"O"}"#).await;
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let own = format!("sobjects/Lead/{id}");
    assert_eq!(ask(&org, "PATCH", &format!("{data}/{own}"), &[OFF], r#"{"Enroute_Id__c":"u1"}"#).await.status(), 204);
    for path in [own.as_str(), "sobjects/Lead/Enroute_Id__c/U1"] {
        let shown = get(path).await.json();
        assert_eq!((&shown["Id"], &shown["attributes"]["type"]), (&json!(id), &json!("Lead")), "{path}");
    }
    assert_eq!(ask(&org, "DELETE", &format!("{data}/{own}"), &[], "").await.status(), 204);
    refused(&get(&own).await, 404, "NOT_FOUND");
    refused(&get("sobjects/Lead/Email/a@example.com").await, 404, "NOT_FOUND");
}

#[tokio::test]
async fn results_of_a_job_are_found_in_both_spellings() {
    let org = start(Config::default()).await;
    let body = r#"{"object":"Lead","operation":"upsert","externalIdFieldName":"Enroute_Id__c"}"#;
    let job = ask(&org, "POST", JOBS, &[], body).await.json();
    for key in ["createdById", "createdDate", "systemModstamp", "apiVersion", "jobType", "concurrencyMode", "retries"] {
        assert!(!job[key].is_null(), "{key}");
    }
    let own = format!("{JOBS}/{}", job["id"].as_str().unwrap());
    let rows = "Enroute_Id__c,LastName,Company\nu1,Ott,O\n";
    ask(&org, "PUT", &format!("{own}/batches"), &[("Content-Type", "text/csv")], rows).await;
    ask(&org, "PATCH", &own, &[], r#"{"state":"UploadComplete"}"#).await;
    ask(&org, "GET", &own, &[], "").await;
    for list in ["unprocessedrecords", "unprocessedRecords", "successfulResults", "failedResults"] {
        assert_eq!(ask(&org, "GET", &format!("{own}/{list}"), &[], "").await.status(), 200, "{list}");
    }
    refused(&ask(&org, "GET", &format!("{own}/results"), &[], "").await, 405, "METHOD_NOT_ALLOWED");
}
