//! The list behind an audience: found by its id or name, made where there is none, checked each time.
//!
//! Must never happen: a second list is made where there is one already.

use enroute_sdk::{AccountItem, Context, Finding, Http, Reading, Request, Verdict};
use serde_json::{Value, json};

use crate::request::{REMOTE_ID, head};
use crate::response::{self, Body};
use crate::settings::{Api, ListType, Settings};

/// Most pages of lists that are looked at.
const PAGES_MAX: usize = 100;

/// Most pages of lists that the probe reads; with 1,000 on each, as many as a host keeps.
const ACCOUNT_PAGES_MAX: usize = 10;

/// A list as either API tells of it.
#[derive(Debug)]
struct List {
    id: String,
    name: String,
    /// Why members cannot be uploaded to it.
    problem: Option<String>,
}

/// Why there is no list.
enum Missing {
    NotFound,
    Trouble(Verdict),
}

/// Finds the list or makes it, and remembers its id.
pub(crate) fn open(ctx: &Context<Settings>, http: &mut dyn Http) -> Finding {
    let settings = ctx.settings();
    let list = match known(ctx, "list", http) {
        Ok(Some(list)) => Ok(list),
        Ok(None) => named(ctx, http),
        Err(verdict) => Err(verdict),
    };
    match list {
        Err(verdict) => Finding::verdict(verdict),
        Ok(List { problem: Some(problem), .. }) => Finding::verdict(Verdict::Misconfigured(problem)),
        Ok(List { id, .. }) => {
            let resource_name = format!("customers/{}/userLists/{id}", settings.customer());
            Finding::ok().remote(json!({"list": {"id": id, "resource_name": resource_name}}).to_string())
        }
    }
}

/// Tests credential, account and list, and whether members would be taken.
pub(crate) fn probe(ctx: &Context<Settings>, http: &mut dyn Http) -> Finding {
    let settings = ctx.settings();
    let list = match known(ctx, "probe", http) {
        Ok(list) => list,
        Err(verdict) => return Finding::verdict(verdict),
    };
    let Some(list) = list else {
        let first = match ask(settings, "probe", &head::any_lists(settings, None), http) {
            Ok(first) => Some(first),
            Err(missing) => return Finding::verdict(without_account(settings, missing)),
        };
        return told(settings, first, http);
    };
    if let Some(problem) = list.problem {
        return Finding::verdict(Verdict::Misconfigured(problem));
    }
    let finding = checked(settings, &list, http);
    if finding.verdict == Verdict::Ok { told(settings, None, http) } else { finding }
}

/// All well, with the lists of the account, where they can be read; `first` is their first page.
fn told(settings: &Settings, mut first: Option<Value>, http: &mut dyn Http) -> Finding {
    let page = |token: Option<&str>| {
        let body = first.take();
        let body = body.or_else(|| ask(settings, "list", &head::any_lists(settings, token), http).ok())?;
        let item = |list: List| AccountItem::list(list.id, list.name);
        Some((lists_of(settings, &body).into_iter().map(item).collect(), next_page(&body)))
    };
    match AccountItem::pages(ACCOUNT_PAGES_MAX, page) {
        Some(items) => Finding::ok().account(items),
        None => Finding::ok(),
    }
}

/// Whether members would be taken.
fn checked(settings: &Settings, list: &List, http: &mut dyn Http) -> Finding {
    let checks = settings.api == Api::DataManager
        && settings.list_type == ListType::Contact
        && settings.accept_customer_match_terms;
    if !checks {
        return Finding::ok();
    }
    match ask(settings, "probe", &head::validate_only(settings, &list.id), http) {
        Ok(_) => Finding::ok(),
        Err(Missing::NotFound) => Finding::verdict(Verdict::Misconfigured(gone(&list.id))),
        Err(Missing::Trouble(verdict)) => Finding::verdict(verdict),
    }
}

/// What it means that the lists of the account cannot be read: those of an account without lists are an empty page.
fn without_account(settings: &Settings, missing: Missing) -> Verdict {
    match missing {
        Missing::NotFound => {
            Verdict::Misconfigured(format!("there is no account {} that the credential can see", settings.customer()))
        }
        Missing::Trouble(verdict) => verdict,
    }
}

fn gone(id: &str) -> String {
    format!("there is no list {id} in the account, or the credential may not see it")
}

/// The list whose id is set, or was found before and is still there.
fn known(ctx: &Context<Settings>, kind: &str, http: &mut dyn Http) -> Result<Option<List>, Verdict> {
    let settings = ctx.settings();
    let Some(id) = settings.user_list_id.as_deref().or_else(|| ctx.remote_text(REMOTE_ID)) else { return Ok(None) };
    let found = ask(settings, kind, &head::list(settings, id), http).and_then(|body| match settings.api {
        Api::DataManager => Ok(List::of(settings, &body)),
        Api::GoogleAds => ads_lists(settings, &body).into_iter().next().ok_or(Missing::NotFound),
    });
    match found {
        Ok(list) if list.id == id => Ok(Some(list)),
        Ok(_) => Err(Verdict::Misconfigured(format!("asked for list {id} and got another"))),
        Err(Missing::NotFound) if settings.user_list_id.is_none() => Ok(None),
        Err(Missing::NotFound) => Err(Verdict::Misconfigured(gone(id))),
        // A list that may not be seen is answered like a right that is missing.
        Err(Missing::Trouble(Verdict::PermissionMissing(text))) => {
            Err(Verdict::PermissionMissing(format!("{text}; or {}", gone(id))))
        }
        Err(Missing::Trouble(verdict)) => Err(verdict),
    }
}

/// The list with the name, made where there is none.
fn named(ctx: &Context<Settings>, http: &mut dyn Http) -> Result<List, Verdict> {
    let settings = ctx.settings();
    let name = settings.list_name.as_deref().unwrap_or_else(|| ctx.audience_name()).trim();
    let trouble = |missing| without_account(settings, missing);
    let mut page = None;
    for _ in 0..PAGES_MAX {
        let request = head::lists_named(settings, name, page.as_deref());
        let body = ask(settings, "list", &request, http).map_err(trouble)?;
        if let Some(list) = lists_of(settings, &body).into_iter().find(|list| list.name == name) {
            return Ok(list);
        }
        page = next_page(&body);
        if page.is_none() {
            return make(settings, name, http).map_err(trouble);
        }
    }
    Err(Verdict::Misconfigured(format!(
        "over {PAGES_MAX} pages of lists without one named `{name}`: set `user_list_id`"
    )))
}

/// The lists on a page.
fn lists_of(settings: &Settings, body: &Value) -> Vec<List> {
    match settings.api {
        Api::DataManager => {
            let lists = body.get("userLists").and_then(Value::as_array).into_iter().flatten();
            lists.map(|list| List::of(settings, list)).collect()
        }
        Api::GoogleAds => ads_lists(settings, body),
    }
}

fn next_page(body: &Value) -> Option<String> {
    body.get("nextPageToken").and_then(Value::as_str).filter(|token| !token.is_empty()).map(str::to_owned)
}

fn make(settings: &Settings, name: &str, http: &mut dyn Http) -> Result<List, Missing> {
    let body = ask(settings, "create_list", &head::create(settings, name), http)?;
    let id = match settings.api {
        Api::DataManager => List::of(settings, &body).id,
        Api::GoogleAds => {
            let made = body.pointer("/results/0/resourceName").and_then(Value::as_str);
            made.and_then(|name| name.rsplit('/').next()).unwrap_or_default().to_owned()
        }
    };
    if id.is_empty() {
        return Err(Missing::Trouble(Verdict::Unavailable("a list was made without an id".to_owned())));
    }
    Ok(List { id, name: name.to_owned(), problem: None })
}

/// Sends a request and takes its answer apart.
fn ask(settings: &Settings, kind: &str, request: &Request, http: &mut dyn Http) -> Result<Value, Missing> {
    let answer = match http.send(kind, request) {
        Ok(answer) => answer,
        Err(failure) => return Err(Missing::Trouble(Reading::unanswered(failure).verdict)),
    };
    match response::body(&answer) {
        Body::Success(body) => Ok(body),
        Body::Fault(fault) if fault.is_not_found() => Err(Missing::NotFound),
        Body::Fault(fault) => Err(Missing::Trouble(response::refused(settings, 0, &fault, &answer).verdict)),
        Body::Strange => Err(Missing::Trouble(response::strange(settings, &answer).verdict)),
    }
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str)
}

/// An id, which proto3 JSON writes as text.
fn id_of(value: &Value) -> String {
    let id = value.get("id").unwrap_or(&Value::Null);
    let number = || id.as_u64().map(|id| id.to_string());
    id.as_str().map(str::to_owned).or_else(number).unwrap_or_default()
}

impl List {
    /// As the Data Manager API tells of it.
    fn of(settings: &Settings, list: &Value) -> Self {
        let keys = list.pointer("/ingestedUserListInfo/uploadKeyTypes").and_then(Value::as_array);
        let wanted = settings.list_type.key();
        let has_key = keys.is_some_and(|keys| keys.iter().any(|key| key == wanted));
        let name = text(list, "displayName").unwrap_or_default().to_owned();
        Self { id: id_of(list), name, problem: problem(list, has_key, wanted) }
    }
}

/// Lists as the Google Ads API tells of them.
fn ads_lists(settings: &Settings, body: &Value) -> Vec<List> {
    let rows = body.get("results").and_then(Value::as_array).into_iter().flatten();
    let list = |list: &Value| {
        let key = list.pointer("/crmBasedUserList/uploadKeyType").and_then(Value::as_str);
        let wanted = settings.list_type.ads_key();
        let name = text(list, "name").unwrap_or_default().to_owned();
        List { id: id_of(list), name, problem: problem(list, key == Some(wanted), wanted) }
    };
    rows.filter_map(|row| row.get("userList")).map(list).collect()
}

/// Why members cannot be uploaded to a list.
fn problem(list: &Value, has_key: bool, wanted: &str) -> Option<String> {
    let id = id_of(list);
    if text(list, "membershipStatus").is_some_and(|status| status != "OPEN") {
        return Some(format!("list {id} is closed: open it in Audience manager"));
    }
    if list.get("readOnly").and_then(Value::as_bool) == Some(true) {
        return Some(format!("list {id} can only be read by this account"));
    }
    if let Some(reason) = text(list, "accessReason").filter(|reason| *reason != "OWNED") {
        return Some(format!("list {id} is {reason} and only its owner can upload to it"));
    }
    (!has_key).then(|| format!("list {id} is not keyed by {wanted}: change `list_type`, or use another list"))
}
