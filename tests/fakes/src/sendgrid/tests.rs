use super::*;
use crate::faults::{Action, Fault};
use crate::testing::{Raw, exchange, request};

const JSON: (&str, &str) = ("content-type", "application/json");
const ACCEPT: (&str, &str) = ("accept", "application/json");
const KEY: (&str, &str) = ("authorization", "Bearer fake-sendgrid-key");

async fn start(config: Config) -> SendGrid {
    SendGrid::start(config).await.unwrap()
}

/// An account with the list `VIP` and a custom field of each type.
async fn vip() -> (SendGrid, String) {
    let custom_fields = [("tier", FieldType::Text), ("value", FieldType::Number), ("since", FieldType::Date)];
    let custom_fields = custom_fields.map(|(name, kind)| (name.to_owned(), kind)).to_vec();
    let account = start(Config { lists: vec!["VIP".to_owned()], custom_fields, ..Default::default() }).await;
    let id = account.lists()[0].0.clone();
    (account, id)
}

async fn call(account: &SendGrid, method: &str, target: &str, body: Value) -> Raw {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let text = request(method, target, &[JSON, ACCEPT, KEY], body.as_bytes());
    exchange(account.server().addr(), &text).await
}

async fn upsert(account: &SendGrid, list: &str, contacts: Value) -> Raw {
    call(account, "PUT", "/v3/marketing/contacts", json!({ "list_ids": [list], "contacts": contacts })).await
}

/// The status of the job that an answer began.
async fn ended(account: &SendGrid, raw: &Raw) -> Value {
    assert_eq!(raw.status(), 202, "{}", raw.text());
    let job = raw.json()["job_id"].as_str().unwrap().to_owned();
    call(account, "GET", &format!("/v3/marketing/contacts/imports/{job}"), Value::Null).await.json()
}

fn ids(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|id| (*id).to_owned()).collect()
}

/// Sends contacts to an account with a list; gives the status and the first complaint.
async fn check(contacts: Value, status: u16, message: &str, field: &str) {
    let (account, list) = vip().await;
    let raw = upsert(&account, &list, contacts).await;
    let answer = raw.json();
    let first = &answer["errors"][0];
    assert_eq!((raw.status(), first["message"].as_str()), (status, Some(message)));
    assert_eq!(first["field"].as_str().unwrap_or_default(), field);
    assert_eq!(account.contacts(), 0, "nothing is taken in");
}

#[tokio::test]
async fn a_contact_enters_and_leaves_a_list() {
    let (account, list) = vip().await;
    let contact =
        json!([{"email": "Ann@Example.com", "external_id": "u1", "city": "Porto"}, {"email": "bob@example.com"}]);
    let job = ended(&account, &upsert(&account, &list, contact).await).await;
    assert_eq!((&job["status"], &job["results"]["created_count"]), (&json!("completed"), &json!(2)));
    assert_eq!(account.members("VIP"), ids(&["u1", "bob@example.com"]));
    assert_eq!(account.emails(&list), ids(&["ann@example.com", "bob@example.com"]));
    let search = "/v3/marketing/contacts/search/identifiers/email";
    let found =
        call(&account, "POST", search, json!({"identifiers": ["ANN@example.com", "no@example.com"]})).await.json();
    assert_eq!(found["result"]["no@example.com"], json!({"error": "contact not found"}));
    let contact = found["result"]["ANN@example.com"]["contact"].clone();
    assert_eq!((&contact["list_ids"], &contact["city"]), (&json!([list]), &json!("Porto")));
    let target = format!("/v3/marketing/lists/{list}/contacts?contact_ids={}", contact["id"].as_str().unwrap());
    ended(&account, &call(&account, "DELETE", &target, Value::Null).await).await;
    assert_eq!(account.members(&list), ids(&["bob@example.com"]));
    assert_eq!(account.contacts(), 2, "the contact stays");
}

#[tokio::test]
async fn one_bad_contact_refuses_all() {
    let ann = json!({"email": "ann@example.com"});
    check(json!([ann, {"email": "ann"}]), 400, "email 'ann' is not valid", "contacts[1].identifier").await;
    check(json!([{"city": "Porto"}]), 400, "at least one identifier is required", "contacts[0].identifier").await;
    check(
        json!([ann, {"phone_number_id": "+0000000000"}]),
        400,
        "phone_number_id '+0000000000' is not valid",
        "contacts[1].identifier",
    )
    .await;
    check(json!([{"email": "ann@example.com", "city": null}]), 400, "city must be a string", "contacts[0].city").await;
    check(
        json!([{"email": "ann@example.com", "first_name": "é".repeat(51)}]),
        400,
        "first_name is too long",
        "contacts[0].first_name",
    )
    .await;
    check(
        json!([{"email": "ann@example.com", "custom_fields": {"e2_T": null}}]),
        400,
        "a custom field must be a string or a number",
        "contacts[0].custom_fields.e2_T",
    )
    .await;
    check(json!([]), 400, "contacts must have 1 to 30000 entries", "contacts").await;
}

#[tokio::test]
async fn custom_fields_go_by_id() {
    check(
        json!([{"email": "ann@example.com", "custom_fields": {"tier": "gold", "e99_T": "x"}}]),
        400,
        "invalid custom field ids supplied - e99_T,tier",
        "",
    )
    .await;
    let (account, list) = vip().await;
    let id = |name| account.field_id(name).unwrap();
    let good = json!([{"email": "ann@example.com", "custom_fields": {id("tier"): "gold", id("value"): 4.5, id("since"): "5/1/2021"}}]);
    assert_eq!(ended(&account, &upsert(&account, &list, good).await).await["status"], "completed");
    assert_eq!(account.contact("ann@example.com").unwrap()["custom_fields"][id("value")], json!(4.5));
    let old = id("tier");
    account.renew_field("tier");
    assert_ne!(id("tier"), old);
}

#[tokio::test]
async fn a_value_of_another_type_makes_no_contact() {
    let (account, list) = vip().await;
    let id = |name| account.field_id(name).unwrap();
    for (field, value) in
        [("value", json!("4.5")), ("since", json!("1700000000")), ("since", json!(5)), ("tier", json!(1))]
    {
        let contact = json!([{"email": "ann@example.com", "custom_fields": {id(field): value}}]);
        assert_eq!(ended(&account, &upsert(&account, &list, contact).await).await["status"], "failed", "{field}");
    }
    assert_eq!(account.contacts(), 0);
}

#[tokio::test]
async fn an_update_needs_all_identifiers_of_the_contact() {
    let (account, list) = vip().await;
    upsert(&account, &list, json!([{"email": "ann@example.com", "external_id": "u1"}])).await;
    let batch = json!([{"email": "ann@example.com", "city": "Porto"}, {"email": "bob@example.com"}]);
    let job = ended(&account, &upsert(&account, &list, batch).await).await;
    assert_eq!((&job["status"], &job["results"]["errored_count"]), (&json!("errored"), &json!(1)));
    assert_eq!(account.contact("u1").unwrap()["city"], Value::Null);
    let url = job["results"]["errors_url"].as_str().unwrap().to_owned();
    let target = url.strip_prefix(&account.files().url()).unwrap();
    let file = exchange(account.files().addr(), &request("GET", target, &[], b"")).await;
    assert!(file.body().contains("\"ann@example.com\",\"\",\"\",\"\",\"all existing identifiers"), "{}", file.body());
    let with_key = exchange(account.files().addr(), &request("GET", target, &[KEY], b"")).await;
    assert_eq!(with_key.status(), 400, "a signed address takes no credential");
    let unsigned = target.split('?').next().unwrap();
    assert_eq!(exchange(account.files().addr(), &request("GET", unsigned, &[], b"")).await.status(), 403);
}

#[tokio::test]
async fn an_identifier_can_be_taken_off_but_the_last() {
    let (account, list) = vip().await;
    upsert(&account, &list, json!([{"email": "ann@example.com", "external_id": "u1"}])).await;
    let id = account.contact("u1").unwrap()["id"].as_str().unwrap().to_owned();
    let target = format!("/v3/marketing/contacts/{id}/identifiers");
    let off = |kind: &str, value: &str| json!({"identifier_type": kind, "identifier_value": value});
    let first = call(&account, "DELETE", &target, off("EMAIL", "Ann@example.com")).await;
    assert_eq!(ended(&account, &first).await["status"], "completed");
    let last = call(&account, "DELETE", &target, off("EXTERNALID", "u1")).await;
    assert_eq!(ended(&account, &last).await["status"], "failed");
    assert_eq!(call(&account, "DELETE", &target, off("email", "x")).await.status(), 400);
    assert_eq!(account.members(&list), ids(&["u1"]));
}

#[tokio::test]
async fn a_job_ends_when_it_was_asked_about_often_enough() {
    let account = start(Config { lists: vec!["VIP".to_owned()], polls_until_done: 2, ..Default::default() }).await;
    let list = account.lists()[0].0.clone();
    let raw = upsert(&account, &list, json!([{"email": "ann@example.com"}])).await;
    assert_eq!(ended(&account, &raw).await["status"], "pending");
    assert_eq!(ended(&account, &raw).await["status"], "pending");
    assert!(account.members(&list).is_empty());
    assert_eq!(ended(&account, &raw).await["status"], "completed");
    assert_eq!(account.members(&list), ids(&["ann@example.com"]));
    upsert(&account, &list, json!([{"email": "bob@example.com"}])).await;
    account.finish_jobs();
    assert_eq!(account.members(&list).len(), 2);
    assert_eq!(call(&account, "GET", "/v3/marketing/contacts/imports/none", Value::Null).await.status(), 404);
}

#[tokio::test]
async fn a_look_up_answers_all_that_a_contact_can_have() {
    let (account, list) = vip().await;
    upsert(&account, &list, json!([{"email": "ann@example.com", "external_id": "u1"}])).await;
    let search = |target: &'static str, body| call(&account, "POST", target, body);
    let by_id = "/v3/marketing/contacts/search/identifiers/external_id";
    let found = search(by_id, json!({"identifiers": [{"external_id": "u1"}, "u9"]})).await.json();
    let contact = found["result"]["u1"]["contact"].clone();
    for key in
        ["id", "list_ids", "segment_ids", "created_at", "updated_at", "alternate_emails", "custom_fields", "_metadata"]
    {
        assert!(!contact[key].is_null(), "{key}");
    }
    assert_eq!((&contact["phone_number_id"], &contact["city"]), (&json!(""), &json!("")));
    let emails = "/v3/marketing/contacts/search/emails";
    let found = search(emails, json!({"emails": ["Ann@Example.com", ""]})).await.json();
    assert_eq!(found["result"]["ann@example.com"]["contact"], contact);
    let own = format!("/v3/marketing/contacts/{}", contact["id"].as_str().unwrap());
    assert_eq!(call(&account, "GET", &own, Value::Null).await.json(), contact);
}

#[tokio::test]
async fn a_look_up_that_finds_nobody_has_the_errors_of_its_page() {
    let (account, _) = vip().await;
    let search = |target: &'static str, body| call(&account, "POST", target, body);
    let by_id = "/v3/marketing/contacts/search/identifiers/external_id";
    let none = search(by_id, json!({"identifiers": ["u9"]})).await;
    assert_eq!((none.status(), none.json()), (404, json!({"message": "no contacts found"})), "a bare complaint");
    let bad = search(by_id, json!({"identifiers": []})).await;
    assert_eq!((bad.status(), bad.json()["field"].clone()), (400, json!("identifiers")));
    let none = search("/v3/marketing/contacts/search/emails", json!({"emails": ["no@example.com"]})).await;
    assert_eq!((none.status(), none.json()), (404, json!({"errors": [{"message": "no contacts found"}]})));
}

#[tokio::test]
async fn searches_and_removals_have_limits() {
    let (account, list) = vip().await;
    let search = |body| call(&account, "POST", "/v3/marketing/contacts/search/identifiers/external_id", body);
    let many: Vec<String> = (0..101).map(|n| n.to_string()).collect();
    assert_eq!(search(json!({"identifiers": many})).await.status(), 400);
    assert_eq!(search(json!({"identifiers": many[..100]})).await.status(), 404, "nobody is found");
    let target = "/v3/marketing/contacts/search/identifiers/email";
    assert_eq!(call(&account, "POST", target, json!({"identifiers": ["ann"]})).await.status(), 400);
    let target = format!("/v3/marketing/lists/{list}/contacts");
    assert_eq!(call(&account, "DELETE", &target, Value::Null).await.status(), 400);
    assert_eq!(call(&account, "DELETE", &format!("{target}?contact_ids=x"), Value::Null).await.status(), 404);
    let long = "a".repeat(9_000);
    assert_eq!(call(&account, "DELETE", &format!("{target}?contact_ids={long}"), Value::Null).await.status(), 414);
    let all = "/v3/marketing/contacts?delete_all_contacts=true";
    assert_eq!(call(&account, "DELETE", all, Value::Null).await.status(), 400);
    let large = "x".repeat(6_000_001);
    assert_eq!(upsert(&account, &list, json!([{"email": "ann@example.com", "line": large}])).await.status(), 413);
}

#[tokio::test]
async fn lists_come_in_pages() {
    let names: Vec<String> = (0..150).map(|n| format!("list {n}")).collect();
    let account = start(Config { lists: names, ..Default::default() }).await;
    let first = call(&account, "GET", "/v3/marketing/lists", Value::Null).await.json();
    assert_eq!(first["result"].as_array().unwrap().len(), 100);
    let next =
        first["_metadata"]["next"].as_str().unwrap().strip_prefix("https://api.sendgrid.com").unwrap().to_owned();
    let second = call(&account, "GET", &next, Value::Null).await.json();
    assert_eq!((second["result"].as_array().unwrap().len(), &second["_metadata"]["next"]), (50, &Value::Null));
    assert_eq!(call(&account, "GET", "/v3/marketing/lists?page_size=1001", Value::Null).await.status(), 400);
    let made = call(&account, "POST", "/v3/marketing/lists", json!({"name": "new"})).await;
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!((made.status(), id.len()), (201, 36));
    assert_eq!(call(&account, "POST", "/v3/marketing/lists", json!({"name": "x".repeat(101)})).await.status(), 400);
    assert_eq!(
        call(&account, "GET", &format!("/v3/marketing/lists/{id}"), Value::Null).await.json()["contact_count"],
        0
    );
    account.delete_list(&id);
    assert_eq!(call(&account, "GET", &format!("/v3/marketing/lists/{id}"), Value::Null).await.status(), 404);
    assert_eq!(upsert(&account, &id, json!([{"email": "ann@example.com"}])).await.status(), 404);
}

#[tokio::test]
async fn fields_have_free_and_plain_names() {
    let (account, _) = vip().await;
    let define = |name: &str, kind: &str| {
        let body = json!({"name": name, "field_type": kind});
        let account = &account;
        async move { call(account, "POST", "/v3/marketing/field_definitions", body).await.status() }
    };
    assert_eq!(define("shoe_size", "Number").await, 200);
    for (name, kind) in [("TIER", "Text"), ("First_Name", "Text"), ("2nd", "Text"), ("a b", "Text"), ("ok", "Bool")] {
        assert_eq!(define(name, kind).await, 400, "{name}");
    }
    let all = call(&account, "GET", "/v3/marketing/field_definitions", Value::Null).await.json();
    assert_eq!(all["custom_fields"].as_array().unwrap().len(), 4);
    assert!(all["custom_fields"][3]["id"].as_str().unwrap().ends_with("_N"));
}

#[tokio::test]
async fn keys_and_headers_are_looked_at_first() {
    let account = start(Config { scopes: vec!["mail.send".to_owned()], ..Default::default() }).await;
    let ask = |headers: Vec<(&'static str, &'static str)>, target: &'static str| {
        let addr = account.server().addr();
        async move { exchange(addr, &request("GET", target, &headers, b"")).await.status() }
    };
    assert_eq!(ask(vec![ACCEPT], "/v3/scopes").await, 401);
    assert_eq!(ask(vec![ACCEPT, ("authorization", "Bearer other")], "/v3/scopes").await, 401);
    assert_eq!(ask(vec![KEY], "/v3/scopes").await, 406);
    assert_eq!(ask(vec![KEY, ACCEPT], "/v3/scopes").await, 200);
    assert_eq!(ask(vec![KEY, ACCEPT, ("on-behalf-of", "shop")], "/v3/scopes").await, 403);
    assert_eq!(ask(vec![KEY, ACCEPT], "/v3/marketing/lists").await, 403);
    let text = request("PUT", "/v3/marketing/contacts", &[KEY, ACCEPT, ("content-type", "text/plain")], b"{}");
    assert_eq!(exchange(account.server().addr(), &text).await.status(), 415);
}

#[tokio::test]
async fn answers_tell_what_is_left_of_the_limit() {
    let (account, _) = vip().await;
    let raw = call(&account, "GET", "/v3/marketing/lists", Value::Null).await;
    assert_eq!(raw.header("x-ratelimit-remaining").as_deref(), Some("599"));
    account.server().fault(Fault::once(Action::Answer(too_many_requests(1_800_000_000))));
    let raw = call(&account, "GET", "/v3/marketing/lists", Value::Null).await;
    assert_eq!((raw.status(), raw.header("x-ratelimit-reset").as_deref()), (429, Some("1800000000")));
}
