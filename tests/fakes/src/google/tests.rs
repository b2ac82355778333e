use super::*;
use crate::faults::{Action, Fault};
use crate::testing::{Raw, exchange, request};

const TOKEN: (&str, &str) = ("authorization", "Bearer fake-google-token");
const JSON: (&str, &str) = ("content-type", "application/json");
const DEVELOPER: (&str, &str) = ("developer-token", "fake-developer-token");
const ANN: &str = "86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d";
const PHONE: &str = "fb4f73a6ec5fdb7077d564cdd22c3554b43ce49168550c3b12c547b78c517b30";
const INGEST: &str = "/v1/audienceMembers:ingest";
const REMOVE: &str = "/v1/audienceMembers:remove";
const LISTS: &str = "/v1/accountTypes/GOOGLE_ADS/accounts/7693729833/userLists";
const JOBS: &str = "/v25/customers/7693729833/offlineUserDataJobs";

async fn start_with(change: impl FnOnce(&mut Config)) -> Google {
    let mut config = Config { lists: vec![List::new("77", "High value")], ..Config::default() };
    change(&mut config);
    Google::start(config).await.unwrap()
}

async fn call(google: &Google, method: &str, target: &str, body: &Value) -> Raw {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    exchange(google.server().addr(), &request(method, target, &[JSON, TOKEN, DEVELOPER], body.as_bytes())).await
}

fn email(hash: &str) -> Value {
    json!({"userData": {"userIdentifiers": [{"emailAddress": hash}]}})
}

fn upload(members: Value) -> Value {
    json!({
        "destinations": [{
            "operatingAccount": {"accountType": "GOOGLE_ADS", "accountId": "7693729833"},
            "productDestinationId": "77",
        }],
        "audienceMembers": members,
        "encoding": "HEX",
    })
}

fn ingest(members: Value) -> Value {
    let mut body = upload(members);
    body["consent"] = json!({"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"});
    body["termsOfService"] = json!({"customerMatchTermsOfServiceStatus": "ACCEPTED"});
    body
}

/// Field and reason of the first violation, or the reason or message of the whole.
fn why(raw: &Raw) -> (u16, String) {
    let error = &raw.json()["error"];
    let details = error["details"].as_array().cloned().unwrap_or_default();
    let violation = details.iter().find_map(|detail| detail["fieldViolations"][0].as_object().cloned());
    let failure = details.iter().find_map(|detail| detail["errors"][0]["errorCode"].as_object().cloned());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let what = match (violation, failure) {
        (Some(found), _) => format!("{} {}", text(&found["field"]), text(&found["reason"])),
        (None, Some(code)) => code.values().map(text).collect(),
        _ => details.first().map_or_else(|| text(&error["message"]), |detail| text(&detail["reason"])),
    };
    (raw.status(), what)
}

/// Sends one body to a fresh account, and expects it to be refused without effect.
async fn check_refused(target: &str, body: Value, status: u16, expect: &str) {
    let google = start_with(|_| {}).await;
    let raw = call(&google, "POST", target, &body).await;
    assert_eq!(why(&raw), (status, expect.to_owned()), "{body}");
    assert!(google.members("77").is_empty());
}

#[tokio::test]
async fn people_come_and_go_by_their_identifiers() {
    let google = start_with(|_| {}).await;
    let both = json!([{"userData": {"userIdentifiers": [{"emailAddress": ANN}, {"phoneNumber": PHONE}]}}]);
    let raw = call(&google, "POST", INGEST, &ingest(both)).await;
    assert_eq!(raw.status(), 200);
    assert!(raw.json()["requestId"].is_string());
    call(&google, "POST", REMOVE, &upload(json!([email(ANN)]))).await;
    assert_eq!(google.members("77"), [BTreeSet::from([format!("phoneNumber:{PHONE}")])], "the phone was not named");
}

#[tokio::test]
async fn a_removal_knows_neither_consent_nor_terms() {
    let body = ingest(json!([email(ANN)]));
    let expect = "Invalid JSON payload received. Unknown name \"consent\": Cannot find field.";
    check_refused(REMOVE, body, 400, expect).await;
}

#[tokio::test]
async fn bad_members_are_named_and_refuse_all() {
    let two = json!([email(ANN), email("nohash")]);
    let expect = "audience_members[1].user_data.user_identifiers[0].email_address INVALID_SHA256_FORMAT";
    check_refused(INGEST, ingest(two), 400, expect).await;
    let old_name = json!([{"userData": {"userIdentifiers": [{"addressInfo": {}}]}}]);
    let expect = "Invalid JSON payload received. Unknown name \"addressInfo\" at \
                  'audience_members[0].user_data.user_identifiers[0]': Cannot find field.";
    check_refused(INGEST, ingest(old_name), 400, expect).await;
    let address = json!({"givenName": ANN, "familyName": ANN, "regionCode": "USA", "postalCode": "1"});
    let long_code = json!([{"userData": {"userIdentifiers": [{"address": address}]}}]);
    let expect = "audience_members[0].user_data.user_identifiers[0].address INVALID_REGION_CODE";
    check_refused(INGEST, ingest(long_code), 400, expect).await;
    let eleven: Vec<Value> = (0..11).map(|_| json!({"emailAddress": ANN})).collect();
    let many = json!([{"userData": {"userIdentifiers": eleven}}]);
    let expect = "audience_members[0].user_data.user_identifiers TOO_MANY_USER_IDENTIFIERS";
    check_refused(INGEST, ingest(many), 400, expect).await;
}

#[tokio::test]
async fn the_request_as_a_whole_must_be_right() {
    let with = |change: fn(&mut Value)| {
        let mut body = ingest(json!([email(ANN)]));
        change(&mut body);
        body
    };
    for (body, status, expect) in [
        (with(|body| body["termsOfService"] = json!({})), 400, "terms_of_service TERMS_AND_CONDITIONS_NOT_SIGNED"),
        (with(|body| body["encoding"] = Value::Null), 400, "encoding REQUIRED_FIELD_MISSING"),
        (with(|body| body["audienceMembers"] = json!([])), 400, "audience_members REQUIRED_FIELD_MISSING"),
        (
            with(|body| body["destinations"][0]["productDestinationId"] = "78".into()),
            400,
            "destinations[0].product_destination_id INVALID_USER_LIST_ID",
        ),
        (with(|body| body["destinations"][0]["operatingAccount"]["accountId"] = "1".into()), 403, "PERMISSION_DENIED"),
        (
            with(|body| body["audienceMembers"] = json!([{"mobileData": {"mobileIds": ["a"]}}])),
            400,
            "audience_members[0] INVALID_USER_LIST_TYPE",
        ),
        (
            with(|body| body["audienceMembers"] = (0..10_001).map(|_| email(ANN)).collect()),
            400,
            "audience_members TOO_MANY_AUDIENCE_MEMBERS",
        ),
    ] {
        check_refused(INGEST, body, status, expect).await;
    }
}

#[tokio::test]
async fn a_check_changes_nothing() {
    let google = start_with(|_| {}).await;
    let mut body = ingest(json!([email(ANN)]));
    body["validateOnly"] = true.into();
    let raw = call(&google, "POST", INGEST, &body).await;
    assert_eq!((raw.status(), raw.json()), (200, json!({})));
    assert!(google.members("77").is_empty());
}

#[tokio::test]
async fn a_request_ends_after_it_was_asked_about() {
    let google = start_with(|config| config.polls_until_done = 2).await;
    google.spoil("PROCESSING_ERROR_REASON_INVALID_FORMAT", 1);
    let raw = call(&google, "POST", INGEST, &ingest(json!([email(ANN), email(PHONE)]))).await;
    let id = raw.json()["requestId"].as_str().unwrap().to_owned();
    let target = format!("/v1/requestStatus:retrieve?requestId={id}");
    let status =
        async || call(&google, "GET", &target, &Value::Null).await.json()["requestStatusPerDestination"][0].clone();
    assert_eq!(status().await["requestStatus"], "PROCESSING");
    assert!(google.members("77").is_empty());
    let ended = status().await;
    assert_eq!(ended["requestStatus"], "PARTIAL_SUCCESS");
    assert_eq!(ended["errorInfo"]["errorCounts"][0]["recordCount"], "1", "64-bit numbers are text");
    assert_eq!(google.members("77").len(), 1);
    let raw = call(&google, "GET", "/v1/requestStatus:retrieve?requestId=x", &Value::Null).await;
    assert_eq!(raw.status(), 404);
}

#[tokio::test]
async fn denied_consent_is_found_out_while_processing() {
    let google = start_with(|_| {}).await;
    let mut body = ingest(json!([email(ANN)]));
    body["consent"]["adUserData"] = "CONSENT_DENIED".into();
    let raw = call(&google, "POST", INGEST, &body).await;
    let id = raw.json()["requestId"].as_str().unwrap().to_owned();
    let raw = call(&google, "GET", &format!("/v1/requestStatus:retrieve?requestId={id}"), &Value::Null).await;
    assert_eq!(raw.json()["requestStatusPerDestination"][0]["requestStatus"], "FAILED");
    assert!(google.members("77").is_empty());
}

#[tokio::test]
async fn lists_are_found_page_by_page_and_made_once() {
    let google = start_with(|config| {
        config.lists.push(List::new("78", "Other"));
        config.page_entries_max = 1;
    })
    .await;
    let first = call(&google, "GET", LISTS, &Value::Null).await.json();
    assert_eq!((first["userLists"][0]["id"].as_str(), first["nextPageToken"].as_str()), (Some("77"), Some("1")));
    let found =
        call(&google, "GET", &format!("{LISTS}?filter=display_name%20%3D%20%22Other%22"), &Value::Null).await.json();
    assert_eq!(found["userLists"][0]["id"], "78");
    let new = json!({
        "displayName": "New", "membershipStatus": "OPEN", "membershipDuration": "7776000s",
        "ingestedUserListInfo": {
            "uploadKeyTypes": ["CONTACT_ID"], "contactIdInfo": {"dataSourceType": "DATA_SOURCE_TYPE_FIRST_PARTY"},
        },
    });
    assert_eq!(call(&google, "POST", LISTS, &new).await.status(), 200);
    let again = call(&google, "POST", LISTS, &new).await;
    assert_eq!(why(&again), (400, "user_list.display_name DISPLAY_NAME_ALREADY_USED".to_owned()));
    assert_eq!(google.lists().len(), 3);
    let mut short = new;
    short["displayName"] = "Short".into();
    short["membershipDuration"] = "100s".into();
    assert_eq!(call(&google, "POST", LISTS, &short).await.status(), 400, "durations are whole days");
}

#[tokio::test]
async fn callers_are_known() {
    let google = start_with(|config| config.login_customer_id = Some("8704830944".to_owned())).await;
    let raw = exchange(google.server().addr(), &request("GET", LISTS, &[], b"")).await;
    assert_eq!(raw.status(), 401);
    let raw = call(&google, "GET", LISTS, &Value::Null).await;
    assert_eq!(why(&raw), (403, "OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH".to_owned()));
    let login = ("login-account", "accountTypes/GOOGLE_ADS/accounts/8704830944");
    let raw = exchange(google.server().addr(), &request("GET", LISTS, &[TOKEN, login], b"")).await;
    assert_eq!(raw.status(), 200);
    let raw =
        exchange(google.server().addr(), &request("POST", &format!("{JOBS}:create"), &[JSON, TOKEN], b"{}")).await;
    assert_eq!(why(&raw), (401, "DEVELOPER_TOKEN_INVALID".to_owned()));
}

#[tokio::test]
async fn tokens_are_handed_out_for_what_proves_the_caller() {
    let google = start_with(|_| {}).await;
    let form = ("content-type", "application/x-www-form-urlencoded");
    let ask =
        async |body: &str| exchange(google.server().addr(), &request("POST", "/token", &[form], body.as_bytes())).await;
    let client = "client_id=fake-client.apps.googleusercontent.com&client_secret=fake-client-secret";
    let raw = ask(&format!("grant_type=refresh_token&refresh_token=fake-refresh-token&{client}")).await;
    assert_eq!(raw.json()["access_token"], "fake-google-token");
    let raw = ask(&format!("grant_type=refresh_token&refresh_token=revoked&{client}")).await;
    assert_eq!((raw.status(), raw.json()), (400, json!({"error": "invalid_grant"})));
    let raw = ask("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=a.b.c").await;
    assert_eq!(raw.status(), 200);
}

async fn job(google: &Google, operations: Value) -> (String, Raw) {
    let metadata = json!({"userList": "customers/7693729833/userLists/77", "consent": {"adUserData": "GRANTED"}});
    let body = json!({"job": {"type": "CUSTOMER_MATCH_USER_LIST", "customerMatchUserListMetadata": metadata}});
    let made = call(google, "POST", &format!("{JOBS}:create"), &body).await.json();
    let name = made["resourceName"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let body = json!({"enablePartialFailure": true, "operations": operations});
    let raw = call(google, "POST", &format!("{JOBS}/{name}:addOperations"), &body).await;
    (name, raw)
}

fn operation(kind: &str, hash: &str) -> Value {
    json!({kind: {"userIdentifiers": [{"hashedEmail": hash}]}})
}

#[tokio::test]
async fn a_job_is_made_filled_and_run() {
    let google = start_with(|config| config.polls_until_done = 1).await;
    let (id, raw) = job(&google, json!([operation("create", ANN), operation("create", "nohash")])).await;
    let failure = &raw.json()["partialFailureError"]["details"][0]["errors"][0];
    assert_eq!(failure["errorCode"]["offlineUserDataJobError"], "INVALID_SHA256_FORMAT");
    assert_eq!(failure["location"]["fieldPathElements"][0]["index"], 1);
    assert_eq!(call(&google, "POST", &format!("{JOBS}/{id}:run"), &json!({})).await.status(), 200);
    let again = call(&google, "POST", &format!("{JOBS}/{id}:run"), &json!({})).await;
    assert_eq!(why(&again), (400, "JOB_ALREADY_STARTED".to_owned()));
    let (other, _) = job(&google, json!([operation("remove", ANN)])).await;
    let beside = call(&google, "POST", &format!("{JOBS}/{other}:run"), &json!({})).await;
    assert_eq!(why(&beside), (400, "CONCURRENT_MODIFICATION".to_owned()));
    let query = format!(
        "SELECT offline_user_data_job.status FROM offline_user_data_job WHERE offline_user_data_job.resource_name = 'customers/7693729833/offlineUserDataJobs/{id}'"
    );
    let raw = call(&google, "POST", "/v25/customers/7693729833/googleAds:search", &json!({"query": query})).await;
    assert_eq!(raw.json()["results"][0]["offlineUserDataJob"]["status"], "SUCCESS");
    assert_eq!(google.members("77"), [BTreeSet::from([format!("emailAddress:{ANN}")])]);
}

#[tokio::test]
async fn a_job_does_not_add_and_remove() {
    let google = start_with(|_| {}).await;
    let (_, raw) = job(&google, json!([operation("create", ANN), operation("remove", ANN)])).await;
    assert_eq!(why(&raw), (400, "CONFLICTING_OPERATION".to_owned()));
}

#[tokio::test]
async fn the_older_api_is_closed_to_newcomers() {
    let google = start_with(|config| config.is_allowlisted = false).await;
    let raw = call(&google, "POST", &format!("{JOBS}:create"), &json!({"job": {}})).await;
    assert_eq!(why(&raw), (400, "CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE".to_owned()));
}

#[tokio::test]
async fn a_message_is_read_in_every_spelling_that_its_json_has() {
    let google = start_with(|_| {}).await;
    let base64 = "huC55WwXzE0SOH4ZSbhQU_vnO8POWhGIcTqdMAzGEz0";
    let snake = json!({
        "destinations": [{
            "operating_account": {"account_type": 1, "account_id": "7693729833"}, "product_destination_id": "77",
        }],
        "audience_members": [{"user_data": {"user_identifiers": [{"email_address": base64}]}}],
        "consent": {"ad_user_data": 1, "ad_personalization": "CONSENT_GRANTED"},
        "encoding": 2,
        "terms_of_service": {"customer_match_terms_of_service_status": 1},
        "validate_only": null,
    });
    let raw = call(&google, "POST", INGEST, &snake).await;
    assert_eq!(raw.status(), 200, "{}", raw.text());
    assert_eq!(google.members("77").len(), 1);
    let id = raw.json()["requestId"].as_str().unwrap().to_owned();
    let target = format!("/v1/requestStatus:retrieve?request_id={id}&$alt=json;enum-encoding=int");
    let told = call(&google, "GET", &target, &Value::Null).await.json()["requestStatusPerDestination"][0].clone();
    assert_eq!(
        (&told["requestStatus"], &told["destination"]["operatingAccount"]["accountType"]),
        (&json!(1), &json!(1))
    );
    let counts = &told["audienceMembersIngestionStatus"]["userDataIngestionStatus"];
    assert_eq!((&counts["recordCount"], &counts["userIdentifierCount"]), (&json!("1"), &json!("1")));
}

#[tokio::test]
async fn a_query_has_the_parameters_of_its_method_and_of_all() {
    let google = start_with(|_| {}).await;
    let status = async |query: &str| call(&google, "GET", &format!("{LISTS}?{query}"), &Value::Null).await.status();
    for fine in ["alt=json", "%24alt=json%3Benum-encoding%3Dint", "prettyPrint=false", "page_size=1", "pageSize=1"] {
        assert_eq!(status(fine).await, 200, "{fine}");
    }
    for bad in ["alt=xml", "size=1", "$pageSize=1"] {
        assert_eq!(status(bad).await, 400, "{bad}");
    }
    let numbers = call(&google, "GET", &format!("{LISTS}?$alt=json;enum-encoding=int"), &Value::Null).await.json();
    let list = &numbers["userLists"][0];
    assert_eq!((&list["membershipStatus"], &list["ingestedUserListInfo"]["uploadKeyTypes"]), (&json!(1), &json!([1])));
}

#[tokio::test]
async fn faults_come_before_everything() {
    let google = start_with(|_| {}).await;
    google.server().fault(Fault::once(Action::Answer(Reply::text(503, "later"))).path(INGEST));
    assert_eq!(call(&google, "POST", INGEST, &ingest(json!([email(ANN)]))).await.status(), 503);
    assert_eq!(call(&google, "POST", INGEST, &ingest(json!([email(ANN)]))).await.status(), 200);
}
