//! User lists of the account, as the Data Manager API tells of them.

use serde_json::{Map, Value, json};

use super::people::People;
use super::proto::Query;
use super::refusal::Refusal;
use super::{Answer, Config, State};

/// Lists on a page where the caller asks for no number, and the most that may be asked for.
const PAGE: usize = 50;
const PAGE_MAX: usize = 1000;

/// Longest membership, in days.
const DAYS_MAX: u64 = 540;

/// First id given to a created list.
pub(super) const CREATED_ID: u64 = 7_100_000_000;

/// What a list is keyed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// E-mail, phone, address.
    Contact,
    /// Mobile advertising ids.
    Mobile,
    /// The advertiser's own ids.
    User,
}

/// A list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// Digits.
    pub id: String,
    /// Unique in the account.
    pub name: String,
    /// What it is keyed by.
    pub key: Key,
    /// Whether members can be added.
    pub is_open: bool,
    /// Whether it belongs to the account.
    pub is_owned: bool,
    /// How long a member stays without being added again.
    pub days: u64,
}

impl Key {
    /// As the Data Manager API names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Contact => "CONTACT_ID",
            Self::Mobile => "MOBILE_ID",
            Self::User => "USER_ID",
        }
    }

    /// As the Google Ads API names it.
    pub(super) fn ads_name(self) -> &'static str {
        match self {
            Self::Contact => "CONTACT_INFO",
            Self::Mobile => "MOBILE_ADVERTISING_ID",
            Self::User => "CRM_ID",
        }
    }

    /// The member of a request that holds such people.
    pub(super) fn data(self) -> &'static str {
        match self {
            Self::Contact => "userData",
            Self::Mobile => "mobileData",
            Self::User => "userIdData",
        }
    }

    /// The part of a list that describes it.
    fn info(self) -> &'static str {
        match self {
            Self::Contact => "contactIdInfo",
            Self::Mobile => "mobileIdInfo",
            Self::User => "userIdInfo",
        }
    }

    const ALL: [Self; 3] = [Self::Contact, Self::Mobile, Self::User];
}

impl List {
    /// An open list of contacts that belongs to the account.
    pub fn new(id: &str, name: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            key: Key::Contact,
            is_open: true,
            is_owned: true,
            days: DAYS_MAX,
        }
    }

    fn json(&self, config: &Config) -> Value {
        let name = format!("accountTypes/GOOGLE_ADS/accounts/{}/userLists/{}", config.customer_id, self.id);
        json!({
            "name": name, "id": self.id, "displayName": self.name, "readOnly": !self.is_owned,
            "membershipStatus": if self.is_open { "OPEN" } else { "CLOSED" },
            "accessReason": if self.is_owned { "OWNED" } else { "SHARED" },
            "membershipDuration": format!("{}s", self.days * 86_400),
            "ingestedUserListInfo": {
                "uploadKeyTypes": [self.key.name()],
                self.key.info(): {"dataSourceType": "DATA_SOURCE_TYPE_FIRST_PARTY"},
            },
        })
    }
}

/// `userLists.get`.
pub(super) fn get(id: &str, config: &Config, state: &State) -> Answer {
    let list = state.lists.iter().map(|(list, _)| list).find(|list| list.id == id);
    list.map(|list| list.json(config)).ok_or_else(|| Refusal::not_found("NOT_FOUND"))
}

/// `userLists.list`, with the only filter that is needed here.
pub(super) fn page(query: &Query<'_>, config: &Config, state: &State) -> Answer {
    let number = |name: &str| query.get(name).map(str::parse::<usize>).transpose();
    let size = number("pageSize").map_err(|_| Refusal::field("page_size", "INVALID_FORMAT"))?.unwrap_or(PAGE);
    let start = number("pageToken").map_err(|_| Refusal::field("page_token", "INVALID_PAGE_TOKEN"))?.unwrap_or(0);
    let size = size.clamp(1, PAGE_MAX).min(config.page_entries_max);
    let wanted = match query.get("filter") {
        Some(filter) => Some(name_of(filter).ok_or_else(|| Refusal::field("filter", "INVALID_FORMAT"))?),
        None => None,
    };
    let fits = |list: &&List| wanted.as_ref().is_none_or(|name| list.name == *name);
    let lists: Vec<&List> = state.lists.iter().map(|(list, _)| list).filter(fits).collect();
    let shown: Vec<Value> = lists.iter().skip(start).take(size).map(|list| list.json(config)).collect();
    let next = (start + size < lists.len()).then(|| (start + size).to_string());
    Ok(match next {
        Some(next) => json!({"userLists": shown, "nextPageToken": next}),
        None => json!({"userLists": shown}),
    })
}

/// The name in `display_name = "…"`.
fn name_of(filter: &str) -> Option<String> {
    let quoted = filter.strip_prefix("display_name")?.trim_start().strip_prefix('=')?.trim();
    serde_json::from_str(quoted).ok()
}

/// `userLists.create`: a unique name, whole days, and exactly one upload key type with its description.
pub(super) fn create(body: &Value, validates: bool, config: &Config, state: &mut State) -> Answer {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let name = text(body, "displayName");
    if name.trim().is_empty() {
        return Err(Refusal::field("user_list.display_name", "REQUIRED_FIELD_MISSING"));
    }
    if state.lists.iter().any(|(list, _)| list.name == name) {
        return Err(Refusal::field("user_list.display_name", "DISPLAY_NAME_ALREADY_USED"));
    }
    let seconds = text(body, "membershipDuration").strip_suffix('s').and_then(|text| text.parse::<u64>().ok());
    let days = seconds.filter(|seconds| seconds % 86_400 == 0).map(|seconds| seconds / 86_400);
    let days = days.filter(|days| *days <= DAYS_MAX);
    let days = days.ok_or_else(|| Refusal::field("user_list.membership_duration", "INVALID_FORMAT"))?;
    let info = body.get("ingestedUserListInfo").and_then(Value::as_object).cloned().unwrap_or_default();
    let key = key_of(&info)?;
    let list = List { key, days, ..List::new(&(CREATED_ID + state.lists.len() as u64).to_string(), &name) };
    let answer = list.json(config);
    if validates {
        return Ok(json!({}));
    }
    state.lists.push((list, People::default()));
    Ok(answer)
}

fn key_of(info: &Map<String, Value>) -> Result<Key, Refusal> {
    const PLACE: &str = "user_list.ingested_user_list_info.upload_key_types";
    let types = info.get("uploadKeyTypes").and_then(Value::as_array).cloned().unwrap_or_default();
    let [only] = types.as_slice() else { return Err(Refusal::field(PLACE, "INVALID_FORMAT")) };
    let key = Key::ALL.into_iter().find(|key| only == key.name());
    let key = key.ok_or_else(|| Refusal::field(PLACE, "INVALID_ENUM_VALUE"))?;
    let described = info.get(key.info()).and_then(Value::as_object);
    let source = described.and_then(|info| info.get("dataSourceType")).and_then(Value::as_str);
    // A list of mobile ids is for one platform and one app.
    let has_app = key != Key::Mobile
        || described
            .is_some_and(|info| ["keySpace", "appId"].iter().all(|name| info.get(*name).is_some_and(Value::is_string)));
    if source == Some("DATA_SOURCE_TYPE_FIRST_PARTY") && has_app {
        Ok(key)
    } else {
        Err(Refusal::field("user_list.ingested_user_list_info", "REQUIRED_FIELD_MISSING"))
    }
}
