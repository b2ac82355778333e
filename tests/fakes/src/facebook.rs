//! A strict fake of Facebook custom audiences: the `/users` edge, the checks
//! around it and the people behind it.
//!
//! Owns the ad account and its audiences. Who may call is decided in `auth`, what a
//! body may say in `upload` and `cells`, what it does to an audience in `people`.
//! There is no clock here: the age of time-bound proofs is judged once [`Facebook::set_now`] tells the time.

mod audience;
mod auth;
mod cells;
mod parameters;
mod people;
mod refusal;
mod upload;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};

use crate::server::{Recorded, Reply, Server, Service, lock};

pub use audience::Audience;
pub use auth::proof;
use people::People;
use refusal::{ADS_MANAGEMENT, INTEGRITY, PERMISSION, Refusal, TERMS, UPDATE_FAILED};
use upload::Row;

/// Rows echoed in `invalid_entry_samples`.
const SAMPLES_MAX: usize = 5;

/// First id given to a created audience.
const CREATED_ID: u64 = 23_848_494_844_100_000;

/// Session id of the first call, when the caller names no session.
const SESSION_ID: u64 = 1_000_000;

/// A running fake of one ad account.
#[derive(Debug)]
pub struct Facebook {
    server: Server,
    account: Arc<Account>,
}

/// How the ad account is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// The one token that is accepted.
    pub access_token: String,
    /// If set, every call must carry a valid `appsecret_proof`.
    pub app_secret: Option<String>,
    /// The account's id, digits only.
    pub ad_account_id: String,
    /// The audiences that exist at the start.
    pub audiences: Vec<Audience>,
    /// Whether the custom audience terms were accepted.
    pub terms_accepted: bool,
    /// Whether the token has `ads_management`.
    pub can_manage_ads: bool,
    /// Largest body of a `/users` call; Meta documents none, 5 MiB is prudent.
    pub body_bytes_max: usize,
    /// Most audiences on one page of the list.
    pub page_entries_max: usize,
}

/// What happens to the next well-formed `/users` call instead of what usually would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The call is refused with this error and has no effect.
    Refuse {
        /// HTTP status, mostly 400.
        status: u16,
        /// `error.code`.
        code: i64,
        /// `error.error_subcode`.
        subcode: Option<i64>,
        /// `error.is_transient`.
        is_transient: bool,
    },
    /// The call is refused as too frequent; the usage headers name the minutes to wait.
    Throttle {
        /// `error.code`: 4, 17, 32, 613, 80003, …
        code: i64,
        /// `error.error_subcode`.
        subcode: Option<i64>,
        /// `estimated_time_to_regain_access`, in minutes.
        regain_minutes: u64,
    },
    /// The last so many rows are counted as invalid and have no effect; no sample tells which.
    InvalidRows(usize),
    /// All rows are counted as invalid and have no effect.
    AllInvalid,
}

/// What the server and the handle both see.
#[derive(Debug)]
struct Account {
    config: Config,
    state: Mutex<State>,
}

/// What changes.
#[derive(Debug, Default)]
struct State {
    audiences: Vec<(Audience, People)>,
    troubles: VecDeque<Trouble>,
    usage_percent: u64,
    now_s: Option<u64>,
}

/// What a call is answered.
type Answer = Result<Value, Refusal>;

impl Default for Config {
    fn default() -> Self {
        Self {
            access_token: "fake-facebook-token".to_owned(),
            app_secret: None,
            ad_account_id: "1000".to_owned(),
            audiences: Vec::new(),
            terms_accepted: true,
            can_manage_ads: true,
            body_bytes_max: 5 << 20,
            page_entries_max: 200,
        }
    }
}

impl Trouble {
    /// A refusal with this code, status 400 and no subcode.
    pub fn refuse(code: i64) -> Self {
        Self::Refuse { status: 400, code, subcode: None, is_transient: false }
    }

    /// A throttle with this code and no subcode.
    pub fn throttle(code: i64, regain_minutes: u64) -> Self {
        Self::Throttle { code, subcode: None, regain_minutes }
    }
}

impl Facebook {
    /// Starts an ad account with empty audiences on a free port.
    pub async fn start(config: Config) -> io::Result<Self> {
        let audiences = config.audiences.iter().map(|audience| (audience.clone(), People::default())).collect();
        let state = Mutex::new(State { audiences, ..State::default() });
        let account = Arc::new(Account { config, state });
        let server = Server::start(account.clone()).await?;
        Ok(Self { server, account })
    }

    /// The server, for its address, its record and its faults.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The people of an audience: each key and value that was uploaded, in the order they came.
    pub fn members(&self, audience_id: &str) -> Vec<BTreeMap<String, String>> {
        lock(&self.account.state).people(audience_id).map(|people| people.list()).unwrap_or_default()
    }

    /// The values of one key over the people of an audience.
    pub fn members_by(&self, audience_id: &str, key: &str) -> BTreeSet<String> {
        lock(&self.account.state).people(audience_id).map(|people| people.values(key)).unwrap_or_default()
    }

    /// The audiences, created ones included, in the order they came.
    pub fn audiences(&self) -> Vec<Audience> {
        lock(&self.account.state).audiences.iter().map(|(audience, _)| audience.clone()).collect()
    }

    /// Adds to the troubles that the next `/users` calls meet, one each.
    pub fn trouble(&self, trouble: Trouble) {
        lock(&self.account.state).troubles.push_back(trouble);
    }

    /// Sets what the usage headers say, in per cent.
    pub fn set_usage(&self, percent: u64) {
        lock(&self.account.state).usage_percent = percent;
    }

    /// Tells the time, in seconds since 1970; from then on time-bound proofs must be current.
    pub fn set_now(&self, now_s: u64) {
        lock(&self.account.state).now_s = Some(now_s);
    }
}

impl State {
    fn people(&mut self, audience_id: &str) -> Option<&mut People> {
        self.audiences.iter_mut().find(|(audience, _)| audience.id == audience_id).map(|(_, people)| people)
    }
}

impl Service for Account {
    fn answer(&self, request: &Recorded) -> Reply {
        let mut state = lock(&self.state);
        let mut regain_minutes = 0;
        let answer = self.dispatch(request, &mut state, &mut regain_minutes);
        let reply = match answer {
            Ok(value) => Reply::json(200, &value),
            Err(refusal) => refusal.reply(request.sequence),
        };
        let percent = if regain_minutes > 0 { 100 } else { state.usage_percent };
        let reply = match request.path.split('/').nth(1).filter(|part| is_version(part)) {
            Some(version) => reply.header("facebook-api-version", version),
            None => reply,
        };
        let headers = usage_headers(&self.config.ad_account_id, percent, regain_minutes);
        headers.iter().fold(reply, |reply, (name, value)| reply.header(name, &value.to_string()))
    }
}

impl Account {
    /// Finds the endpoint and lets it answer.
    fn dispatch(&self, request: &Recorded, state: &mut State, regain_minutes: &mut u64) -> Answer {
        auth::check(request, &self.config, state.now_s)?;
        let path: Vec<&str> = request.path.split('/').skip(1).collect();
        let method = request.method.as_str();
        let unsupported = |id: &str| Err(Refusal::not_visible(method, id));
        let (node, edge) = match path.as_slice() {
            ["debug_token"] if method == "GET" => return self.debug_token(request),
            [version, rest @ ..] if is_version(version) => match rest {
                ["debug_token"] if method == "GET" => return self.debug_token(request),
                [node] => (*node, ""),
                [node, edge] => (*node, *edge),
                _ => return unsupported(&request.path),
            },
            _ => return unsupported(&request.path),
        };
        let account_id = self.config.ad_account_id.as_str();
        match (method, edge, node.strip_prefix("act_")) {
            ("GET", "", Some(id)) if id == account_id => {
                audience::account_fields(request, id, self.config.terms_accepted)
            }
            ("GET", "customaudiences", Some(id)) if id == account_id => {
                let audiences: Vec<_> = state.audiences.iter().map(|(audience, _)| audience).collect();
                audience::page(request, &audiences, account_id, self.config.page_entries_max)
            }
            ("POST", "customaudiences", Some(id)) if id == account_id => self.create(request, state),
            ("GET", "", None) => match state.audiences.iter().find(|(audience, _)| audience.id == node) {
                Some((audience, _)) => audience.fields(request, account_id),
                None => unsupported(node),
            },
            ("POST" | "DELETE", "users", None) => self.users(request, node, state, regain_minutes),
            _ => unsupported(node),
        }
    }

    /// Meta, `GET /debug_token`: what is known of a token.
    fn debug_token(&self, request: &Recorded) -> Answer {
        let Some(token) = parameters::text(request, "input_token") else {
            return Err(Refusal::parameter("The parameter input_token is required"));
        };
        let is_valid = token == self.config.access_token;
        let scopes = if is_valid && self.config.can_manage_ads { vec!["ads_management"] } else { Vec::new() };
        Ok(json!({"data": {
            "app_id": "2000", "application": "Enroute", "type": "SYSTEM_USER", "user_id": "3000", "is_valid": is_valid,
            "issued_at": 1_700_000_000, "expires_at": 0, "data_access_expires_at": 0, "scopes": scopes,
        }}))
    }

    /// Meta, `POST /act_{id}/customaudiences`.
    fn create(&self, request: &Recorded, state: &mut State) -> Answer {
        self.check_permission()?;
        let count = state.audiences.len();
        let id = (CREATED_ID + count as u64).to_string();
        let created = Audience::create(request, id, count)?;
        let answer = json!({"id": created.id});
        state.audiences.push((created, People::default()));
        Ok(answer)
    }

    /// Meta, `POST` and `DELETE /{audience_id}/users`.
    fn users(&self, request: &Recorded, id: &str, state: &mut State, regain_minutes: &mut u64) -> Answer {
        self.check_permission()?;
        let Some((audience, _)) = state.audiences.iter().find(|(audience, _)| audience.id == id) else {
            return Err(Refusal::not_visible(&request.method, id));
        };
        // Meta, "Custom Audience": only customer lists can be uploaded to.
        if audience.subtype != "CUSTOM" {
            return Err(Refusal::new(UPDATE_FAILED, "Failed to update the custom audience: it is not a customer list"));
        }
        // Meta, operation status 471: uploads are refused.
        if audience.operation_status == 471 {
            return Err(Refusal::parameter("The custom audience is blocked").subcode(INTEGRITY));
        }
        let adds = request.method == "POST";
        let upload = upload::read(request, self.config.body_bytes_max, audience.is_value_based, adds)?;
        let trouble = state.troubles.pop_front();
        if let Some(refusal) = trouble.as_ref().and_then(|trouble| refuse(trouble, regain_minutes)) {
            return Err(refusal);
        }
        let spared = match trouble {
            Some(Trouble::InvalidRows(count)) => upload.rows.len().saturating_sub(count),
            Some(Trouble::AllInvalid) => 0,
            _ => upload.rows.len(),
        };
        let session_id = upload.session_id.unwrap_or(SESSION_ID + request.sequence).to_string();
        let Some(people) = state.people(id) else { return Err(Refusal::not_visible(&request.method, id)) };
        let mut answer = json!({"audience_id": id, "session_id": session_id});
        if let Some(members) = answer.as_object_mut() {
            members.extend(apply(upload.rows, spared, adds, people));
        }
        Ok(answer)
    }

    /// Meta, errors 294 and 200/1870034: what the token's owner must have and have accepted.
    fn check_permission(&self) -> Result<(), Refusal> {
        if !self.config.can_manage_ads {
            return Err(Refusal::new(ADS_MANAGEMENT, "Managing advertisements requires the permission ads_management"));
        }
        if !self.config.terms_accepted {
            return Err(Refusal::new(PERMISSION, "The custom audience terms were not accepted").subcode(TERMS));
        }
        Ok(())
    }
}

/// Adds or removes the valid ones of the first `spared` rows and counts the others.
fn apply(rows: Vec<Result<Row, String>>, spared: usize, adds: bool, people: &mut People) -> Map<String, Value> {
    let received = rows.len();
    let (mut invalid, mut samples) = (received.saturating_sub(spared), Map::new());
    for (index, row) in rows.into_iter().take(spared).enumerate() {
        match row {
            Ok(row) if adds => people.add(row),
            Ok(row) => people.remove(&row),
            Err(why) => {
                invalid += 1;
                if samples.len() < SAMPLES_MAX {
                    samples.insert(format!("row {index}"), why.into());
                }
            }
        }
    }
    Map::from_iter([
        ("num_received".to_owned(), received.into()),
        ("num_invalid_entries".to_owned(), invalid.into()),
        ("invalid_entry_samples".to_owned(), samples.into()),
    ])
}

/// The refusal a trouble stands for, if it is one.
fn refuse(trouble: &Trouble, regain: &mut u64) -> Option<Refusal> {
    match *trouble {
        Trouble::Refuse { status, code, subcode, is_transient } => {
            Some(Refusal { status, subcode, is_transient, ..Refusal::new(code, "Scripted refusal") })
        }
        Trouble::Throttle { code, subcode, regain_minutes } => {
            *regain = regain_minutes;
            Some(Refusal { subcode, ..Refusal::new(code, "There have been too many calls to this ad account") })
        }
        Trouble::InvalidRows(_) | Trouble::AllInvalid => None,
    }
}

/// Meta, "Rate limits": the three usage headers, JSON in a header value.
fn usage_headers(account_id: &str, percent: u64, regain_minutes: u64) -> [(&'static str, Value); 3] {
    let business = json!([{
        "type": "custom_audience",
        "call_count": percent,
        "total_cputime": percent,
        "total_time": percent,
        "estimated_time_to_regain_access": regain_minutes,
    }]);
    let account = json!({
        "acc_id_util_pct": percent,
        "reset_time_duration": regain_minutes * 60,
        "ads_api_access_tier": "standard_access",
    });
    [
        ("x-business-use-case-usage", json!({ account_id: business })),
        ("x-app-usage", json!({"call_count": percent, "total_cputime": percent, "total_time": percent})),
        ("x-ad-account-usage", account),
    ]
}

/// Whether a path segment is a version: `v25.0`.
fn is_version(segment: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    segment.strip_prefix('v').and_then(|rest| rest.split_once('.')).is_some_and(|(a, b)| digits(a) && digits(b))
}

#[cfg(test)]
mod tests;
