use super::*;
use crate::faults::{Action, Fault};
use crate::testing::{Raw, exchange, request};

const JSON: (&str, &str) = ("content-type", "application/json");
const TOKEN: (&str, &str) = ("authorization", "Bearer fake-facebook-token");
pub(super) const ANN: &str = "86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d";
const BEN: &str = "b36a83701f1c3191e19722d6f90274bc1b5501fe69ebf33313e440fe4b0fe210";
const USERS: &str = "/v25.0/77/users";

pub(super) async fn start_with(change: impl FnOnce(&mut Config)) -> Facebook {
    let mut config = Config { audiences: vec![Audience::new("77", "High value")], ..Config::default() };
    change(&mut config);
    Facebook::start(config).await.unwrap()
}

pub(super) async fn start() -> Facebook {
    start_with(|_| {}).await
}

pub(super) async fn call(facebook: &Facebook, method: &str, target: &str, body: &Value) -> Raw {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    exchange(facebook.server().addr(), &request(method, target, &[JSON, TOKEN], body.as_bytes())).await
}

pub(super) async fn get(facebook: &Facebook, target: &str) -> Raw {
    call(facebook, "GET", target, &Value::Null).await
}

fn payload(schema: Value, data: Value) -> Value {
    json!({"payload": {"schema": schema, "data": data}})
}

pub(super) fn emails(hashes: &[&str]) -> Value {
    payload(json!(["EMAIL"]), hashes.iter().map(|hash| json!([hash])).collect())
}

/// Code, subcode and text of a refusal.
pub(super) fn error(raw: &Raw) -> (i64, Option<i64>, String) {
    let error = &raw.json()["error"];
    let text = error["message"].as_str().unwrap_or_default().to_owned();
    (error["code"].as_i64().unwrap_or_default(), error["error_subcode"].as_i64(), text)
}

/// Received and invalid rows.
fn counts(raw: &Raw) -> (u64, u64) {
    let body = raw.json();
    (body["num_received"].as_u64().unwrap(), body["num_invalid_entries"].as_u64().unwrap())
}

/// Sends one body to a fresh audience, and expects it to be refused without effect.
#[track_caller]
fn check_refused(body: Value, code: i64, text: &str) -> impl Future<Output = ()> {
    let text = format!("(#{code}) {text}");
    async move {
        let facebook = start().await;
        let raw = call(&facebook, "POST", USERS, &body).await;
        let (got, _, message) = error(&raw);
        assert_eq!((raw.status(), got, message), (400, code, text));
        assert_eq!(facebook.members("77"), []);
    }
}

#[tokio::test]
async fn people_are_added_and_removed() {
    let facebook = start().await;
    let raw = call(&facebook, "POST", USERS, &emails(&[ANN, BEN])).await;
    let expect = json!({
        "audience_id": "77", "session_id": "1000000", "num_received": 2, "num_invalid_entries": 0,
        "invalid_entry_samples": {},
    });
    assert_eq!((raw.status(), raw.json()), (200, expect));
    assert_eq!(facebook.members_by("77", "EMAIL"), [ANN.to_owned(), BEN.to_owned()].into());
    call(&facebook, "DELETE", USERS, &emails(&[ANN])).await;
    assert_eq!(facebook.members("77"), [BTreeMap::from([("EMAIL".to_owned(), BEN.to_owned())])]);
    assert_eq!(facebook.members("78"), []);
}

#[tokio::test]
async fn a_row_keeps_all_its_keys_but_the_blank_ones() {
    let facebook = start().await;
    let body = payload(json!(["EXTERN_ID", "EMAIL", "PHONE"]), json!([["u1", ANN, ""]]));
    call(&facebook, "POST", USERS, &body).await;
    let expect = [("EMAIL", ANN), ("EXTERN_ID", "u1")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(facebook.members("77"), [BTreeMap::from(expect)]);
}

#[tokio::test]
async fn a_token_is_taken_from_header_or_query_and_must_be_the_right_one() {
    let facebook = start().await;
    let cases = [
        (&[][..], "/v25.0/77?access_token=fake-facebook-token", 200),
        (&[TOKEN], "/v25.0/77", 200),
        (&[], "/v25.0/77", 400),
        (&[], "/v25.0/77?access_token=other", 400),
        (&[("authorization", "Bearer other")], "/v25.0/77", 400),
    ];
    for (headers, target, status) in cases {
        let raw = exchange(facebook.server().addr(), &request("GET", target, headers, b"")).await;
        assert_eq!(raw.status(), status, "{target}");
        if status == 400 {
            assert_eq!(error(&raw).0, 190, "{target}");
        }
    }
}

#[tokio::test]
async fn a_proof_is_required_once_the_app_has_a_secret() {
    let facebook = start_with(|config| config.app_secret = Some("s".into())).await;
    assert_eq!(error(&get(&facebook, "/v25.0/77").await).0, 100);
    let plain = proof("s", "fake-facebook-token", None);
    assert_eq!(get(&facebook, &format!("/v25.0/77?appsecret_proof={plain}")).await.status(), 200);
    facebook.set_now(1_697_328_000);
    let timed = proof("s", "fake-facebook-token", Some(1_697_328_000));
    let target = format!("/v25.0/77?appsecret_proof={timed}&appsecret_time=1697328000");
    assert_eq!(get(&facebook, &target).await.status(), 200);
    facebook.set_now(1_697_329_000);
    assert_eq!(error(&get(&facebook, &target).await).0, 100);
}

#[tokio::test]
async fn a_call_needs_a_version_and_a_known_object() {
    let facebook = start().await;
    for target in
        ["/77", "/25.0/77", "/v25/77", "/v25.0/78", "/v25.0/act_2", "/v25.0/77/users/1", "/v25.0/77/other", "/"]
    {
        assert_eq!(error(&get(&facebook, target).await).1, Some(33), "{target}");
    }
    let raw = call(&facebook, "POST", "/v25.0/78/users", &emails(&[ANN])).await;
    assert_eq!((raw.status(), error(&raw).0, error(&raw).1), (400, 100, Some(33)));
    assert_eq!(error(&get(&facebook, USERS).await).1, Some(33));
}

#[tokio::test]
async fn a_token_without_permission_or_terms_is_refused() {
    let facebook = start_with(|config| config.can_manage_ads = false).await;
    assert_eq!(error(&call(&facebook, "POST", USERS, &emails(&[ANN])).await).0, 294);
    let facebook = start_with(|config| config.terms_accepted = false).await;
    let raw = call(&facebook, "POST", USERS, &emails(&[ANN])).await;
    assert_eq!((error(&raw).0, error(&raw).1), (200, Some(1_870_034)));
}

#[tokio::test]
async fn an_audience_that_is_blocked_or_no_customer_list_is_refused() {
    let lookalike = Audience { subtype: "LOOKALIKE".into(), ..Audience::new("1", "") };
    let blocked = Audience { operation_status: 471, ..Audience::new("2", "") };
    let facebook = start_with(|config| config.audiences = vec![lookalike, blocked]).await;
    assert_eq!(error(&call(&facebook, "POST", "/v25.0/1/users", &emails(&[ANN])).await).0, 2650);
    let raw = call(&facebook, "DELETE", "/v25.0/2/users", &emails(&[ANN])).await;
    assert_eq!((error(&raw).0, error(&raw).1), (100, Some(1_713_230)));
}

#[tokio::test]
async fn a_body_must_be_declared_and_valid_json() {
    let facebook = start().await;
    let body = emails(&[ANN]).to_string();
    for (kind, body) in [("application/x-www-form-urlencoded", body.as_str()), ("application/json", "{\"payload\":")] {
        let raw = request("DELETE", USERS, &[TOKEN, ("content-type", kind)], body.as_bytes());
        let raw = exchange(facebook.server().addr(), &raw).await;
        assert_eq!((raw.status(), error(&raw).0), (400, 100), "{kind}");
    }
}

#[tokio::test]
async fn a_body_above_the_cap_is_too_much_data() {
    let facebook = start_with(|config| config.body_bytes_max = 100).await;
    let raw = call(&facebook, "POST", USERS, &emails(&[ANN])).await;
    assert_eq!((raw.status(), error(&raw).0), (413, 105));
}

#[tokio::test]
async fn a_body_has_only_members_the_edge_knows() {
    check_refused(json!([]), 100, "The body must be a JSON object").await;
    check_refused(json!({}), 100, "The parameter payload is required").await;
    check_refused(json!({"payload": "{}"}), 100, "payload must be an object").await;
    let with = |name: &str, value: Value| {
        let mut body = emails(&[ANN]);
        body[name] = value;
        body
    };
    check_refused(with("paylod", json!(1)), 100, "Unknown parameter 'paylod'").await;
    check_refused(with("customer_consent", json!("yes")), 100, "customer_consent must be a boolean").await;
    check_refused(with("namespace", json!(1)), 100, "namespace must be a string").await;
    let session = "session needs session_id, batch_seq (from 1) and last_batch_flag";
    check_refused(with("session", json!({"session_id": 1, "batch_seq": 0, "last_batch_flag": true})), 100, session)
        .await;
    check_refused(with("session", json!({"session_id": "1", "batch_seq": 1, "last_batch_flag": true})), 100, session)
        .await;
    let inner = |name: &str, value: Value| {
        let mut body = emails(&[ANN]);
        body["payload"][name] = value;
        body
    };
    check_refused(inner("rows", json!([])), 100, "Unknown member of payload 'rows'").await;
    check_refused(inner("is_raw", json!("true")), 100, "is_raw must be a boolean").await;
    check_refused(inner("data_source", json!("FILE")), 100, "data_source must be an object").await;
}

#[tokio::test]
async fn parameters_come_in_json_in_forms_and_in_the_query() {
    let facebook = start().await;
    let payload = format!(r#"{{"schema":["EMAIL"],"data":[["{ANN}"]]}}"#);
    let escaped: String = payload.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let send = async |method: &str, target: &str, kind: &str, body: String| {
        let text = request(method, target, &[("content-type", kind)], body.as_bytes());
        counts(&exchange(facebook.server().addr(), &text).await)
    };
    let form = "application/x-www-form-urlencoded";
    let body = format!("payload={escaped}&customer_consent=true&access_token=fake-facebook-token");
    assert_eq!(send("POST", USERS, form, body).await, (1, 0));
    let target = format!("{USERS}?access_token=fake-facebook-token&payload={escaped}");
    assert_eq!(send("DELETE", &target, "text/plain", String::new()).await, (1, 0));
    assert_eq!(facebook.members("77"), []);
    let part =
        |name: &str, value: &str| format!("--b0\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    let body = [part("access_token", "fake-facebook-token"), part("payload", &payload), "--b0--\r\n".into()].concat();
    assert_eq!(send("POST", USERS, "multipart/form-data; boundary=b0", body).await, (1, 0));
    assert_eq!(facebook.members_by("77", "EMAIL"), [ANN.to_owned()].into());
}

#[tokio::test]
async fn a_body_is_json_or_a_form() {
    let facebook = start().await;
    for (kind, body, why) in [
        ("text/plain", "{}", "The body must be declared as JSON or as a form"),
        ("application/json", "[]", "The body must be a JSON object"),
        ("application/json", "{", "The body is not valid JSON"),
        ("multipart/form-data; boundary=b0", "--b1--", "The body is not valid multipart/form-data"),
        ("application/x-www-form-urlencoded", "payload=x", "payload must be an object"),
    ] {
        let text = request("POST", USERS, &[("content-type", kind), TOKEN], body.as_bytes());
        assert_eq!(error(&exchange(facebook.server().addr(), &text).await).2, format!("(#100) {why}"), "{kind}");
    }
}

#[tokio::test]
async fn a_session_and_a_consent_are_accepted() {
    let facebook = start().await;
    let mut body = emails(&[ANN]);
    body["customer_consent"] = json!(true);
    body["session"] = json!({"session_id": 5, "batch_seq": 1, "last_batch_flag": true, "estimated_num_total": 1});
    let raw = call(&facebook, "POST", USERS, &body).await;
    assert_eq!((raw.status(), raw.json()["session_id"].clone()), (200, json!("5")));
}

#[tokio::test]
async fn a_schema_is_an_array_of_known_keys_each_once() {
    check_refused(
        payload(json!("EMAIL_SHA256"), json!([ANN])),
        2650,
        "MULTI_HASHES does not support the schema EMAIL_SHA256",
    )
    .await;
    check_refused(payload(json!([]), json!([])), 100, "schema must be an array of keys").await;
    check_refused(payload(json!(["EMAIL", "MAIL"]), json!([])), 100, "schema has an unknown key \"MAIL\"").await;
    check_refused(payload(json!([5]), json!([])), 100, "schema has an unknown key 5").await;
    check_refused(payload(json!(["EMAIL", "EMAIL"]), json!([])), 100, "schema has the key \"EMAIL\" twice").await;
    check_refused(payload(json!(["APPUID"]), json!([["1"]])), 100, "APPUID requires app_ids").await;
}

#[tokio::test]
async fn rows_are_as_wide_as_the_schema_and_at_most_ten_thousand() {
    check_refused(payload(json!(["EMAIL"]), json!({})), 100, "data must be an array of rows").await;
    check_refused(payload(json!(["EMAIL"]), json!([[ANN], [ANN, ""]])), 100, "row 1 must be an array of 1 cells").await;
    check_refused(payload(json!(["EMAIL"]), json!([ANN])), 100, "row 0 must be an array of 1 cells").await;
    let rows = |count: usize| emails(&vec![ANN; count]);
    check_refused(rows(10_001), 1, "At most 10000 rows per call").await;
    let facebook = start().await;
    assert_eq!(counts(&call(&facebook, "POST", USERS, &rows(10_000)).await), (10_000, 0));
}

#[tokio::test]
async fn a_bad_cell_or_a_blank_row_is_counted_and_the_others_are_added() {
    let facebook = start().await;
    let raw = call(&facebook, "POST", USERS, &emails(&["ann@example.com", BEN, ""])).await;
    assert_eq!(counts(&raw), (3, 2));
    let samples = json!({"row 0": "EMAIL: must be SHA-256 as 64 lower-case hex digits", "row 2": "the row is blank"});
    assert_eq!(raw.json()["invalid_entry_samples"], samples);
    assert_eq!(facebook.members_by("77", "EMAIL"), [BEN.to_owned()].into());
}

#[tokio::test]
async fn values_are_for_value_based_audiences_and_required_there_on_add() {
    let refused = "LOOKALIKE_VALUE is only for value-based audiences";
    check_refused(payload(json!(["EMAIL", "LOOKALIKE_VALUE"]), json!([[ANN, 1]])), 100, refused).await;
    let valued = Audience { is_value_based: true, ..Audience::new("77", "") };
    let facebook = start_with(|config| config.audiences = vec![valued]).await;
    let (code, _, text) = error(&call(&facebook, "POST", USERS, &emails(&[ANN])).await);
    assert_eq!((code, text.as_str()), (100, "(#100) Value-Based Custom Audience requires LOOKALIKE_VALUE attribute"));
    let body = payload(json!(["EMAIL", "LOOKALIKE_VALUE"]), json!([[ANN, 1.5], [BEN, "2"]]));
    assert_eq!(counts(&call(&facebook, "POST", USERS, &body).await), (2, 1));
    assert_eq!(facebook.members_by("77", "LOOKALIKE_VALUE"), ["1.5".to_owned()].into());
    assert_eq!(call(&facebook, "DELETE", USERS, &emails(&[ANN])).await.status(), 200);
    assert_eq!(facebook.members("77"), []);
}

#[tokio::test]
async fn troubles_come_one_per_call_and_without_effect_on_what_they_refuse() {
    let facebook = start().await;
    facebook.trouble(Trouble::Refuse { status: 500, code: 2, subcode: Some(9), is_transient: true });
    facebook.trouble(Trouble::refuse(190));
    facebook.trouble(Trouble::InvalidRows(1));
    facebook.trouble(Trouble::AllInvalid);
    let raw = call(&facebook, "POST", USERS, &emails(&[ANN])).await;
    assert_eq!((raw.status(), error(&raw).0, error(&raw).1), (500, 2, Some(9)));
    assert_eq!(raw.json()["error"]["is_transient"], true);
    assert_eq!(error(&call(&facebook, "POST", USERS, &emails(&[ANN])).await).0, 190);
    assert_eq!(facebook.members("77"), []);
    assert_eq!(counts(&call(&facebook, "POST", USERS, &emails(&[ANN, BEN])).await), (2, 1));
    assert_eq!(facebook.members_by("77", "EMAIL"), [ANN.to_owned()].into());
    assert_eq!(counts(&call(&facebook, "DELETE", USERS, &emails(&[ANN])).await), (1, 1));
    assert_eq!(facebook.members_by("77", "EMAIL"), [ANN.to_owned()].into());
    assert_eq!(counts(&call(&facebook, "DELETE", USERS, &emails(&[ANN])).await), (1, 0));
}

#[tokio::test]
async fn usage_headers_tell_the_load_and_the_minutes_to_wait() {
    let facebook = start().await;
    facebook.set_usage(42);
    let raw = get(&facebook, "/v25.0/77").await;
    assert_eq!(raw.header("x-app-usage").unwrap(), r#"{"call_count":42,"total_cputime":42,"total_time":42}"#);
    assert_eq!(raw.header("facebook-api-version").unwrap(), "v25.0");
    facebook.trouble(Trouble::throttle(80_003, 7));
    let raw = call(&facebook, "POST", USERS, &emails(&[ANN])).await;
    assert_eq!((raw.status(), error(&raw).0), (400, 80_003));
    let business: Value = serde_json::from_str(&raw.header("x-business-use-case-usage").unwrap()).unwrap();
    assert_eq!(business["1000"][0]["estimated_time_to_regain_access"], 7);
    let account: Value = serde_json::from_str(&raw.header("x-ad-account-usage").unwrap()).unwrap();
    assert_eq!((&account["acc_id_util_pct"], &account["reset_time_duration"]), (&json!(100), &json!(420)));
}

#[tokio::test]
async fn a_cut_answer_leaves_the_person_in_the_audience() {
    let facebook = start().await;
    facebook.server().fault(Fault::once(Action::CutBody).method("POST").path("/v25.0/77/users"));
    let raw = call(&facebook, "POST", USERS, &emails(&[ANN])).await;
    assert!(serde_json::from_str::<Value>(&raw.body()).is_err());
    assert_eq!(facebook.members("77").len(), 1);
}
