use super::*;
use crate::faults::{Action, Fault};
use crate::testing::{Raw, exchange, request};

const JSON: (&str, &str) = ("content-type", "application/json");
/// `agent@example.com/token:fake-zendesk-token`
const AGENT: (&str, &str) = ("authorization", "Basic YWdlbnRAZXhhbXBsZS5jb20vdG9rZW46ZmFrZS16ZW5kZXNrLXRva2Vu");

async fn send(fake: &Zendesk, method: &str, target: &str, body: &Value) -> Raw {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    exchange(fake.server().addr(), &request(method, target, &[JSON, AGENT], body.as_bytes())).await
}

async fn get(fake: &Zendesk, target: &str) -> Value {
    send(fake, "GET", target, &Value::Null).await.json()
}

async fn start(config: Config) -> Zendesk {
    Zendesk::start(config).await.unwrap()
}

fn checkbox() -> Config {
    Config { fields: vec![Field::new("vip", Kind::Checkbox)], ..Config::default() }
}

fn ids(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|id| (*id).to_owned()).collect()
}

fn user(external_id: &str) -> Value {
    json!({"external_id": external_id, "name": "Ana Gil", "user_fields": {"vip": true}})
}

async fn begin(fake: &Zendesk, method: &str, target: &str, body: Value) -> String {
    let raw = send(fake, method, target, &body).await;
    assert_eq!(raw.status(), 200, "{}", raw.text());
    raw.json()["job_status"]["id"].as_str().unwrap().to_owned()
}

async fn ask(fake: &Zendesk, job: &str) -> Value {
    get(fake, &format!("/api/v2/job_statuses/show_many?ids={job}")).await["job_statuses"][0].clone()
}

#[tokio::test]
async fn an_upsert_makes_one_user_by_id_and_by_address() {
    let fake = start(checkbox()).await;
    let upsert = "/api/v2/users/create_or_update.json";
    let raw = send(&fake, "POST", upsert, &json!({"user": user("U1")})).await;
    assert_eq!((raw.status(), raw.header("location").is_some()), (201, true));
    let raw = send(&fake, "POST", upsert, &json!({"user": {"external_id": "u1", "email": "Ana@Example.com"}})).await;
    assert_eq!(raw.status(), 200);
    let raw = send(&fake, "POST", upsert, &json!({"user": {"email": "ana@example.com", "alias": "A"}})).await;
    assert_eq!((raw.status(), raw.json()["user"]["external_id"].clone()), (200, json!("u1")));
    assert_eq!(fake.people().len(), 1);
    assert_eq!(fake.members("vip"), ids(&["u1"]));
}

#[tokio::test]
async fn a_pair_that_means_two_users_is_refused() {
    let fake = start(checkbox()).await;
    fake.add(&user("u1"));
    fake.add(&json!({"name": "Bo", "email": "bo@example.com"}));
    let body = json!({"user": {"external_id": "u1", "email": "bo@example.com"}});
    let raw = send(&fake, "POST", "/api/v2/users/create_or_update", &body).await;
    assert_eq!((raw.status(), raw.json()["details"]["email"][0]["error"].clone()), (422, json!("DuplicateValue")));
}

#[tokio::test]
async fn what_one_user_may_say_is_checked() {
    let config = Config {
        fields: vec![
            Field::new("vip", Kind::Checkbox),
            Field::new("plan", Kind::Dropdown).options(["gold"]),
            Field::new("seats", Kind::Integer),
            Field::new("since", Kind::Date),
            Field::new("likes", Kind::Multiselect).options(["shoes"]),
        ],
        organizations: [7].into(),
        validates_phones: true,
        ..Config::default()
    };
    let fake = start(config).await;
    for (said, status) in [
        (json!({"external_id": "a"}), 422),
        (json!({"external_id": "a", "name": " "}), 422),
        (json!({"name": "A", "email": "ana@"}), 422),
        (json!({"name": "A", "phone": "912"}), 422),
        (json!({"name": "A", "organization_id": 8}), 422),
        (json!({"name": "A", "time_zone": "America/New_York"}), 422),
        (json!({"name": "A", "user_fields": {"vip": "true"}}), 422),
        (json!({"name": "A", "user_fields": {"plan": "Gold plan"}}), 422),
        (json!({"name": "A", "user_fields": {"seats": 1.5}}), 422),
        (json!({"name": "A", "user_fields": {"since": "yesterday"}}), 422),
        (json!({"name": "A", "user_fields": {"likes": ["hats"]}}), 422),
        (json!({"name": "A", "id": null}), 400),
        (json!({"name": "A", "user_fields": {"nobody_knows": 1}}), 201),
        (
            json!({"name": "A", "phone": "+34600111222", "organization_id": 7, "time_zone": "Lisbon", "user_fields":
                {"vip": null, "plan": "gold", "seats": 3, "since": "2020-08-19T20:50:04.000Z", "likes": ["shoes"]}}),
            201,
        ),
    ] {
        let raw = send(&fake, "POST", "/api/v2/users/create_or_update", &json!({"user": said})).await;
        assert_eq!(raw.status(), status, "{said}");
    }
    let fields = &fake.people()[1]["user_fields"];
    assert_eq!((&fields["vip"], &fields["since"]), (&json!(false), &json!("2020-08-19T00:00:00+00:00")));
    assert_eq!(fake.people()[0]["user_fields"], json!({}));
}

#[tokio::test]
async fn a_second_address_or_number_stands_behind_the_first() {
    let fake = start(checkbox()).await;
    let id = fake.add(&json!({"name": "A", "email": "old@example.com", "phone": "+34600111222"}));
    let path = format!("/api/v2/users/{id}");
    send(&fake, "PUT", &path, &json!({"user": {"email": "new@example.com", "phone": "+34600111333"}})).await;
    assert_eq!(fake.people()[0]["email"], "old@example.com");
    assert_eq!(fake.people()[0]["phone"], "+34600111222");
    let raw = send(&fake, "PUT", &format!("{path}/identities/2/make_primary"), &json!({})).await;
    assert_eq!((raw.status(), fake.people()[0]["email"].clone()), (200, json!("new@example.com")));
    send(&fake, "PUT", &path, &json!({"user": {"phone": ""}})).await;
    assert_eq!(fake.people()[0]["phone"], Value::Null);
}

#[tokio::test]
async fn tags_are_added_taken_away_and_replaced() {
    let mut field = Field::new("vip", Kind::Checkbox);
    field.tag = Some("vip_box".to_owned());
    let fake = start(Config { fields: vec![field], ..Config::default() }).await;
    let id = fake.add(&json!({"external_id": "u1", "name": "A", "tags": ["own"], "user_fields": {"vip": true}}));
    let path = format!("/api/v2/users/{id}/tags");
    let tags = |raw: Raw| raw.json()["tags"].clone();
    let body = json!({"tags": ["vip1", "Not A Tag"]});
    assert_eq!(tags(send(&fake, "PUT", &path, &body).await), json!(["own", "vip1", "vip_box"]));
    assert_eq!(fake.members_with_tag("vip1"), ids(&["u1"]));
    assert_eq!(tags(send(&fake, "DELETE", &path, &json!({"tags": ["vip1"]})).await), json!(["own", "vip_box"]));
    assert_eq!(tags(send(&fake, "POST", &path, &json!({"tags": ["all"]})).await), json!(["all"]));
}

#[tokio::test]
async fn a_job_is_carried_out_when_it_was_asked_about() {
    let fake = start(Config { job_asks: 1, ..checkbox() }).await;
    let users = json!({"users": [user("u1"), {"external_id": "u2", "name": "B", "email": "bad"}]});
    let job = begin(&fake, "POST", "/api/v2/users/create_or_update_many", users).await;
    assert_eq!((fake.people().len(), fake.open_jobs()), (0, 1));
    assert_eq!(ask(&fake, &job).await["status"], "working");
    let done = ask(&fake, &job).await;
    assert_eq!(done["status"], "completed");
    assert_eq!(
        (done["results"][0]["external_id"].clone(), done["results"][0]["success"].clone()),
        (json!("u2"), json!(false))
    );
    assert_eq!(done["results"][1]["status"], "Created");
    assert_eq!(ask(&fake, &job).await["results"], done["results"]);
    assert_eq!(fake.members("vip"), ids(&["u1"]));
    fake.forget_jobs();
    assert_eq!(get(&fake, &format!("/api/v2/job_statuses/show_many?ids={job}")).await["job_statuses"], json!([]));
}

#[tokio::test]
async fn results_name_what_the_page_about_jobs_names_and_users_what_they_are() {
    let fake = start(checkbox()).await;
    let users = json!({"users": [user("u1"), {"external_id": "u2"}]});
    let job = begin(&fake, "POST", "/api/v2/users/create_or_update_many", users).await;
    let done = ask(&fake, &job).await;
    let (failed, made) = (&done["results"][0], &done["results"][1]);
    assert_eq!((&made["index"], &made["action"], &made["success"]), (&json!(0), &json!("create"), &json!(true)));
    assert_eq!(
        (&failed["index"], &failed["status"], &failed["error"]),
        (&json!(1), &json!("Failed"), &json!("UserInvalid"))
    );
    let shown = fake.person("u1").unwrap();
    assert!(shown["url"].is_string() && shown["created_at"].is_string() && shown["active"] == true);
    assert_eq!(shown.get("skip_verify_email"), None, "only a request says so");
}

#[tokio::test]
async fn results_have_all_the_shapes_that_were_seen() {
    for (results, missing, expect) in [
        (Shape::Ids, 0, json!([{"id": 9_000_001, "status": "Created"}, {"id": 9_000_002, "status": "Created"}])),
        (Shape::Places, 1, json!([{"id": 9_000_001, "index": 0}])),
        (Shape::Object, 0, json!({"success": true})),
    ] {
        let fake = start(Config { results, results_missing: missing, ..checkbox() }).await;
        let users = json!({"users": [user("u1"), user("u2")]});
        let job = begin(&fake, "POST", "/api/v2/users/create_or_update_many", users).await;
        assert_eq!(ask(&fake, &job).await["results"], expect);
    }
}

#[tokio::test]
async fn an_update_of_many_creates_nobody() {
    let fake = start(checkbox()).await;
    let id = fake.add(&user("u1"));
    let body = json!({"user": {"user_fields": {"vip": false}}});
    let job = begin(&fake, "PUT", "/api/v2/users/update_many?external_ids=U1,stranger", body).await;
    let entry = json!([{"id": id, "action": "update", "status": "Updated", "success": true}]);
    assert_eq!(ask(&fake, &job).await["results"], entry);
    assert_eq!((fake.members("vip"), fake.people().len()), (ids(&[]), 1));
}

#[tokio::test]
async fn jobs_are_limited_killed_and_forbidden() {
    let fake = start(Config { jobs_max: 1, jobs_killed: 1, ..checkbox() }).await;
    let target = "/api/v2/users/create_or_update_many";
    let job = begin(&fake, "POST", target, json!({"users": [user("u1")]})).await;
    let raw = send(&fake, "POST", target, &json!({"users": [user("u2")]})).await;
    assert_eq!((raw.status(), raw.json()["error"].clone()), (429, json!("TooManyJobs")));
    assert_eq!(ask(&fake, &job).await["status"], "killed");
    assert_eq!((fake.people().len(), fake.most_open_jobs()), (0, 1));
    let many: Vec<Value> = (0..101).map(|n| user(&format!("u{n}"))).collect();
    let raw = send(&fake, "POST", target, &json!({"users": many})).await;
    assert_eq!((raw.status(), raw.json()["error"].clone()), (400, json!("TooManyValues")));
    let raw = send(&fake, "POST", target, &json!({"users": [user("u1"), {"id": null}]})).await;
    assert!(raw.status() == 400 && raw.body().contains("users.1.id"), "{}", raw.text());
    let fake = start(Config { data_imports: false, ..checkbox() }).await;
    assert_eq!(send(&fake, "POST", target, &json!({"users": [user("u1")]})).await.status(), 403);
    let one = send(&fake, "POST", "/api/v2/users/create_or_update", &json!({"user": user("u1")})).await;
    assert_eq!(one.status(), 201);
}

#[tokio::test]
async fn a_bad_credential_is_anonymous_to_me_and_refused_elsewhere() {
    let fake = start(Config { access_tokens: ids(&["fake-oauth"]), ..checkbox() }).await;
    for (value, id, status) in [
        (AGENT.1, json!(1), 200),
        ("Bearer fake-oauth", json!(1), 200),
        ("Bearer other", Value::Null, 401),
        ("Basic b3RoZXI=", Value::Null, 401),
    ] {
        let head = [("authorization", value)];
        let me = exchange(fake.server().addr(), &request("GET", "/api/v2/users/me", &head, b"")).await;
        assert_eq!((me.status(), me.json()["user"]["id"].clone()), (200, id), "{value}");
        let fields = exchange(fake.server().addr(), &request("GET", "/api/v2/user_fields", &head, b"")).await;
        assert_eq!(fields.status(), status, "{value}");
    }
}

#[tokio::test]
async fn a_refresh_token_is_good_once() {
    let client = Client { id: "enroute".into(), secret: "fake-secret".into(), refresh_token: "fake-refresh".into() };
    let fake = start(Config { client: Some(client), ..checkbox() }).await;
    let renew = async |body: &str| {
        let head = [("content-type", "application/x-www-form-urlencoded")];
        exchange(fake.server().addr(), &request("POST", "/oauth/tokens", &head, body.as_bytes())).await
    };
    let body = "grant_type=refresh_token&client_id=enroute&client_secret=fake%2Dsecret&refresh_token=fake-refresh";
    let given = renew(body).await.json();
    assert_eq!(given["access_token"], "fake-access-1");
    assert_eq!(renew(body).await.json()["error"], "invalid_grant");
    assert_eq!(renew("grant_type=refresh_token&client_id=enroute").await.status(), 401);
    let head = [("authorization", "Bearer fake-access-1")];
    let asked = request("GET", "/api/v2/user_fields", &head, b"");
    assert_eq!(exchange(fake.server().addr(), &asked).await.status(), 200);
    fake.expire_tokens();
    assert_eq!(exchange(fake.server().addr(), &asked).await.status(), 401);
}

#[tokio::test]
async fn rights_differ_by_role() {
    let field = json!({"user_field": {"key": "vip", "title": "VIP", "type": "checkbox"}});
    let one = json!({"user": {"external_id": "u1", "name": "A"}});
    for (role, reads, writes, creates) in [
        (Role::Admin, 200, 201, 201),
        (Role::Agent, 200, 201, 403),
        (Role::LightAgent, 200, 403, 403),
        (Role::EndUser, 403, 403, 403),
    ] {
        let fake = start(Config { role, ..Config::default() }).await;
        assert_eq!(send(&fake, "GET", "/api/v2/user_fields", &Value::Null).await.status(), reads, "{role:?}");
        assert_eq!(send(&fake, "POST", "/api/v2/users/create_or_update", &one).await.status(), writes, "{role:?}");
        assert_eq!(send(&fake, "POST", "/api/v2/user_fields", &field).await.status(), creates, "{role:?}");
    }
}

#[tokio::test]
async fn fields_come_in_pages_and_are_created_once() {
    let fields = ["a", "b", "c"].map(|key| Field::new(key, Kind::Text)).to_vec();
    let fake = start(Config { fields, page_entries: 2, ..Config::default() }).await;
    let page = get(&fake, "/api/v2/user_fields?page%5Bsize%5D=100").await;
    assert_eq!((page["user_fields"].as_array().unwrap().len(), page["meta"]["has_more"].clone()), (2, json!(true)));
    let cursor = page["meta"]["after_cursor"].as_str().unwrap();
    let page = get(&fake, &format!("/api/v2/user_fields?page[size]=100&page[after]={cursor}")).await;
    assert_eq!((page["user_fields"][0]["key"].clone(), page["meta"]["has_more"].clone()), (json!("c"), json!(false)));
    for (key, title, kind, status) in [
        ("d", "D", "checkbox", 201),
        ("d", "D", "checkbox", 422),
        ("12", "D", "text", 422),
        ("e-f", "D", "text", 422),
        ("g", "", "text", 422),
        ("h", "H", "colour", 422),
    ] {
        let body = json!({"user_field": {"key": key, "title": title, "type": kind}});
        assert_eq!(send(&fake, "POST", "/api/v2/user_fields", &body).await.status(), status, "{key}");
    }
    assert_eq!(fake.fields(), ["a", "b", "c", "d"]);
}

#[tokio::test]
async fn look_ups_find_by_id_and_searches_find_too_much() {
    let fake = start(checkbox()).await;
    fake.add(&json!({"external_id": "U1", "name": "Ana", "email": "ana@example.com"}));
    fake.add(&json!({"external_id": "a,b", "name": "Bo", "email": "ana+x@example.com"}));
    let found = async |target: &str| get(&fake, target).await["users"].as_array().unwrap().len();
    assert_eq!(found("/api/v2/users/show_many?external_ids=u1,nobody").await, 1);
    assert_eq!(found("/api/v2/users/search?external_id=a%2Cb").await, 1);
    assert_eq!(found("/api/v2/users/search?query=ana%2Bx@example.com").await, 2);
    let many: Vec<String> = (0..101).map(|n| n.to_string()).collect();
    let raw = send(&fake, "GET", &format!("/api/v2/users/show_many?ids={}", many.join(",")), &Value::Null).await;
    assert_eq!(raw.status(), 400);
}

#[tokio::test]
async fn paces_are_told_in_three_spellings() {
    for (headers, name) in [
        (Headers::Documented, "ratelimit-remaining"),
        (Headers::Dashed, "rate-limit-remaining"),
        (Headers::Old, "x-rate-limit-remaining"),
    ] {
        let fake = start(Config { requests_per_minute: Some(1), headers, ..checkbox() }).await;
        let raw = send(&fake, "GET", "/api/v2/user_fields", &Value::Null).await;
        assert_eq!((raw.status(), raw.header(name).as_deref()), (200, Some("0")));
        let raw = send(&fake, "GET", "/api/v2/user_fields", &Value::Null).await;
        assert_eq!((raw.status(), raw.header("retry-after").as_deref()), (429, Some("30")));
        fake.next_minute();
        assert_eq!(send(&fake, "GET", "/api/v2/user_fields", &Value::Null).await.status(), 200);
    }
}

#[tokio::test]
async fn one_user_is_not_changed_all_the_time() {
    let fake = start(Config { updates_per_user: Some(5), ..checkbox() }).await;
    let id = fake.add(&user("u1"));
    let body = json!({"user": {"alias": "A"}});
    for _ in 0..5 {
        assert_eq!(send(&fake, "PUT", &format!("/api/v2/users/{id}"), &body).await.status(), 200);
    }
    let raw = send(&fake, "PUT", &format!("/api/v2/users/{id}"), &body).await;
    assert!(raw.status() == 429 && raw.body().contains("single unique user"), "{}", raw.text());
}

#[tokio::test]
async fn other_paths_and_bodies_are_refused_and_faults_come_first() {
    let fake = start(checkbox()).await;
    for (method, path, status) in [
        ("GET", "/api/v2/tickets", 404),
        ("GET", "/users/me", 404),
        ("PUT", "/api/v2/users/7", 404),
        ("DELETE", "/api/v2/users/create_or_update", 404),
    ] {
        assert_eq!(send(&fake, method, path, &json!({})).await.status(), status, "{method} {path}");
    }
    let raw = exchange(fake.server().addr(), &request("POST", "/api/v2/user_fields", &[AGENT], b"{}")).await;
    assert_eq!(raw.status(), 422);
    fake.server().fault(Fault::once(Action::Html));
    assert!(send(&fake, "GET", "/api/v2/user_fields", &Value::Null).await.body().contains("<html>"));
    let id = fake.add(&user("u1"));
    fake.delete(id);
    assert_eq!(fake.person("u1"), None);
}
