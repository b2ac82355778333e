//! What is asked before the first delivery: the catalogue of fields, and the list.
//!
//! Safe to repeat: a list is looked for before it is created, and a creation whose answer was lost ends the step, so
//! that the next one finds what it made (case `create_list_interrupted`).

use enroute_sdk::{Answer, Context, Failure, Finding, Http, Reading, Request, Verdict};
use serde_json::{Map, Value, json};

use super::{create_list, fields, lists};
use crate::mapping::field;
use crate::response::catalogue::{self, ListEntry};
use crate::settings::Settings;

/// Warning: nobody could look whether the list is a static one.
const LIST_NOT_CHECKED: &str = "list_not_checked";

/// Learns the fields that the connection uses, and finds or creates the list.
pub(crate) fn open(ctx: &Context<Settings>, http: &mut dyn Http) -> Finding {
    learn(ctx, http).unwrap_or_else(Finding::verdict)
}

/// Tests the key on what it may read, the fields of users and the lists that the settings need, and tells of both.
pub(crate) fn probe(settings: &Settings, http: &mut dyn Http) -> Finding {
    let known = match ask(http, "probe", &fields(settings)).and_then(|answer| catalogue::read(&answer)) {
        Ok(known) => known,
        Err(verdict) => return Finding::verdict(verdict),
    };
    if !settings.membership.has_list() {
        return Finding::ok().account(catalogue::account(&known, &[]));
    }
    // More lists than an answer may have are no fault of the key.
    match http.send("lists", &lists(settings)).ok().map(|answer| catalogue::read_lists(&answer)) {
        Some(Ok(lists)) => Finding::ok().account(catalogue::account(&known, &lists)),
        Some(Err(_)) | None => Finding::ok(),
    }
}

fn learn(ctx: &Context<Settings>, http: &mut dyn Http) -> Result<Finding, Verdict> {
    let settings = ctx.settings();
    let known = catalogue::read(&ask(http, "fields", &fields(settings))?)?;
    let used: Map<String, Value> =
        known.iter().filter(|(name, _)| is_used(ctx, name)).map(|(name, kind)| (name.clone(), kind.clone())).collect();
    let mut remote = json!({ "fields": used });
    let mut checked = true;
    let mut entries = Vec::new();
    if settings.membership.has_list() {
        let id = match (http.send("lists", &lists(settings)), settings.list_id) {
            (Err(Failure::TooLarge(_)), Some(id)) => {
                checked = false;
                id.into()
            }
            (Err(Failure::TooLarge(_)), None) => {
                let why = "the project has too many lists to look for one by name; set `list_id`".to_owned();
                return Err(Verdict::Misconfigured(why));
            }
            (Err(failure), _) => return Err(Reading::unanswered(failure).verdict),
            (Ok(answer), wanted) => {
                entries = catalogue::read_lists(&answer)?;
                let id = list(ctx, http, &entries, wanted)?;
                entries.extend(ListEntry::created(&id, settings.list_name(ctx.audience_key()), &entries));
                id
            }
        };
        if let Value::Object(remote) = &mut remote {
            remote.insert("list_id".to_owned(), id);
        }
    }
    let finding = Finding::ok().remote(remote.to_string());
    Ok(match checked {
        true => finding.account(catalogue::account(&known, &entries)),
        false => finding.warn(LIST_NOT_CHECKED, None, 1),
    })
}

fn ask(http: &mut dyn Http, kind: &str, request: &Request) -> Result<Answer, Verdict> {
    http.send(kind, request).map_err(|failure| Reading::unanswered(failure).verdict)
}

/// Whether a row or the membership goes into a field, or into something inside it.
fn is_used(ctx: &Context<Settings>, name: &str) -> bool {
    name == ctx.audience_key() || ctx.rows().iter().any(|row| row.field == name || field::holds(&row.field, name))
}

/// The number of the list: the one that is wanted, the one of the right name, or a new one's.
fn list(
    ctx: &Context<Settings>,
    http: &mut dyn Http,
    lists: &[ListEntry],
    wanted: Option<u64>,
) -> Result<Value, Verdict> {
    if let Some(wanted) = wanted {
        return match lists.iter().find(|list| list.id.as_u64() == Some(wanted)) {
            Some(list) if list.is_static() => Ok(wanted.into()),
            Some(list) => Err(Verdict::Misconfigured(format!(
                "list {wanted} is of type {}; only static lists can be joined and left",
                list.kind
            ))),
            None => Err(Verdict::Misconfigured(format!("the project has no list {wanted}; check `list_id`"))),
        };
    }
    let name = ctx.settings().list_name(ctx.audience_key());
    let mut named = lists.iter().filter(|list| list.name == name && list.is_static());
    match (named.next(), named.next()) {
        (Some(list), None) => Ok(list.id.clone().into()),
        (Some(_), Some(_)) => Err(Verdict::Misconfigured(format!(
            "the project has several static lists named `{name}`; set `list_id` to one of them"
        ))),
        (None, _) => {
            let answer = ask(http, "create_list", &create_list(ctx.settings(), name))?;
            catalogue::read_created(&answer).map(Value::from)
        }
    }
}
