//! Requests that are not uploads: to find, read, make and check lists, and to ask for the end of an upload.
//!
//! Pure. Source: the reference of both APIs.

use enroute_sdk::{Request, json};

use super::destination;
use crate::settings::{Api, ListType, Settings};

/// Most lists on a page.
const PAGE: &str = "1000";

/// The description of lists made here.
const DESCRIPTION: &str = "Kept in step by Enroute";

/// SHA-256 of `alexz@example.com`, an example of Google's own, for a check that changes nothing.
const EXAMPLE_HASH: &str = "509e933019bb285a134a9334b8bb679dff79d0ce023d529af4bd744d47b4fd8a";

/// With the headers that say for whom and at whose cost, where the settings do.
pub(crate) fn signed(settings: &Settings, request: Request) -> Request {
    let request = match &settings.quota_project {
        Some(project) => request.header("x-goog-user-project", project),
        None => request,
    };
    match settings.login_customer().filter(|_| settings.api == Api::GoogleAds) {
        Some(manager) => request.header("login-customer-id", manager),
        None => request,
    }
}

/// The lists of the account, in the Data Manager API.
fn lists(settings: &Settings, request: Request) -> Request {
    let customer = settings.customer();
    let path = ["v1", "accountTypes", "GOOGLE_ADS", "accounts", &customer, "userLists"];
    let request = signed(settings, request.path(path)).header("accept", "application/json");
    match settings.login_customer() {
        Some(manager) => request.header("login-account", format!("accountTypes/GOOGLE_ADS/accounts/{manager}")),
        None => request,
    }
}

/// A list by its id.
pub(crate) fn list(settings: &Settings, id: &str) -> Request {
    match settings.api {
        Api::DataManager => lists(settings, Request::get(&settings.base_url)).path([id]),
        Api::GoogleAds => search(settings, &format!("{LIST_FIELDS} WHERE user_list.id = {id}"), None),
    }
}

/// A page of the lists with a name.
pub(crate) fn lists_named(settings: &Settings, name: &str, page: Option<&str>) -> Request {
    match settings.api {
        Api::DataManager => {
            let name = name.replace('\\', "\\\\").replace('"', "\\\"");
            let request = lists(settings, Request::get(&settings.base_url))
                .query("filter", format!("display_name = \"{name}\""))
                .query("pageSize", PAGE);
            match page {
                Some(page) => request.query("pageToken", page),
                None => request,
            }
        }
        Api::GoogleAds => {
            let name = name.replace('\\', "\\\\").replace('\'', "\\'");
            search(settings, &format!("{LIST_FIELDS} WHERE user_list.name = '{name}'"), page)
        }
    }
}

/// A page of all lists: whether the account can be read at all, and what it has.
pub(crate) fn any_lists(settings: &Settings, page: Option<&str>) -> Request {
    match settings.api {
        Api::DataManager => {
            let request = lists(settings, Request::get(&settings.base_url)).query("pageSize", PAGE);
            match page {
                Some(page) => request.query("pageToken", page),
                None => request,
            }
        }
        Api::GoogleAds => search(settings, LIST_FIELDS, page),
    }
}

/// Makes a list.
pub(crate) fn create(settings: &Settings, name: &str) -> Request {
    let body = match settings.api {
        Api::DataManager => create_body(settings, name),
        Api::GoogleAds => ads_create_body(settings, name),
    };
    let request = Request::post(&settings.base_url);
    match settings.api {
        // `lists` asks for a JSON answer already.
        Api::DataManager => lists(settings, request).body("application/json", body),
        Api::GoogleAds => customer(settings, request, "userLists:mutate").json(body),
    }
}

/// An upload of one constant member that Google checks and forgets.
pub(crate) fn validate_only(settings: &Settings, list_id: &str) -> Request {
    let destination = destination(settings)
        .replace(r#""productDestinationId":"""#, &format!(r#""productDestinationId":"{list_id}""#));
    let member = format!(r#"{{"userData":{{"userIdentifiers":[{{"emailAddress":"{EXAMPLE_HASH}"}}]}}}}"#);
    let granted = r#"{"adUserData":"CONSENT_GRANTED","adPersonalization":"CONSENT_GRANTED"}"#;
    let body = format!(
        r#"{{"destinations":[{destination}],"audienceMembers":[{member}],"consent":{granted},"encoding":"HEX","termsOfService":{{"customerMatchTermsOfServiceStatus":"ACCEPTED"}},"validateOnly":true}}"#
    );
    let request = Request::post(&settings.base_url).path(["v1", "audienceMembers:ingest"]);
    signed(settings, request).json(body.into_bytes())
}

/// What became of a request of the Data Manager API.
pub(crate) fn status(settings: &Settings, request_id: &str) -> Request {
    let request = Request::get(&settings.base_url).path(["v1", "requestStatus:retrieve"]);
    signed(settings, request).query("requestId", request_id).header("accept", "application/json")
}

/// What became of a job of the Google Ads API.
pub(crate) fn job_status(settings: &Settings, job: &str) -> Request {
    let job = format!("customers/{}/offlineUserDataJobs/{job}", settings.customer());
    let query = format!(
        "SELECT offline_user_data_job.status, offline_user_data_job.failure_reason FROM offline_user_data_job \
         WHERE offline_user_data_job.resource_name = '{job}'"
    );
    search(settings, &query, None)
}

/// Starts a job that is filled already.
pub(crate) fn run(settings: &Settings, job: &str) -> Request {
    let request = customer(settings, Request::post(&settings.base_url), "offlineUserDataJobs");
    request.path([format!("{job}:run")]).json(b"{}".to_vec())
}

/// What is read of a list in the Google Ads API.
const LIST_FIELDS: &str = "SELECT user_list.id, user_list.name, user_list.membership_status, user_list.read_only, \
                           user_list.access_reason, user_list.crm_based_user_list.upload_key_type FROM user_list";

fn customer(settings: &Settings, request: Request, edge: &str) -> Request {
    let customer = settings.customer();
    signed(settings, request.path([settings.ads_api_version.as_str(), "customers", &customer, edge]))
}

fn search(settings: &Settings, query: &str, page: Option<&str>) -> Request {
    let mut body = b"{".to_vec();
    json::write_key(&mut body, "query");
    json::write_str(&mut body, query);
    if let Some(page) = page {
        json::write_key(&mut body, "pageToken");
        json::write_str(&mut body, page);
    }
    body.push(b'}');
    customer(settings, Request::post(&settings.base_url), "googleAds:search").json(body)
}

fn create_body(settings: &Settings, name: &str) -> Vec<u8> {
    const FIRST_PARTY: &str = "DATA_SOURCE_TYPE_FIRST_PARTY";
    let key = settings.list_type.key();
    let info = match settings.list_type {
        ListType::Contact => serde_json::json!({"contactIdInfo": {"dataSourceType": FIRST_PARTY}}),
        ListType::UserId => serde_json::json!({"userIdInfo": {"dataSourceType": FIRST_PARTY}}),
        ListType::Mobile => serde_json::json!({"mobileIdInfo": {
            "dataSourceType": FIRST_PARTY, "keySpace": settings.mobile_platform, "appId": settings.app_id,
        }}),
    };
    let mut uploads = serde_json::json!({"uploadKeyTypes": [key]});
    if let (Some(uploads), serde_json::Value::Object(info)) = (uploads.as_object_mut(), info) {
        uploads.extend(info);
    }
    let seconds = u64::from(settings.membership_days) * 86_400;
    let body = serde_json::json!({
        "displayName": name, "description": DESCRIPTION, "membershipStatus": "OPEN",
        "membershipDuration": format!("{seconds}s"), "ingestedUserListInfo": uploads,
    });
    body.to_string().into_bytes()
}

fn ads_create_body(settings: &Settings, name: &str) -> Vec<u8> {
    let mut crm = serde_json::json!({"uploadKeyType": settings.list_type.ads_key(), "dataSourceType": "FIRST_PARTY"});
    if let (Some(crm), Some(app), ListType::Mobile) = (crm.as_object_mut(), &settings.app_id, settings.list_type) {
        crm.insert("appId".to_owned(), app.as_str().into());
    }
    let body = serde_json::json!({"operations": [{"create": {
        "name": name, "description": DESCRIPTION, "membershipLifeSpan": settings.membership_days.to_string(),
        "crmBasedUserList": crm,
    }}]});
    body.to_string().into_bytes()
}
