//! Getting to know the account: the rights of the key, the custom fields, and the list of the audience.
//!
//! Invariant: a list is created only after every page of lists was read and none had the name
//! (cases `open_creates_the_list` and `open_stops_where_a_page_is_missing`).

use enroute_sdk::{AccountItem, Answer, Context, Finding, Http, Reading, Request, ValueType, Verdict};
use serde_json::Value;

use super::unclear;
use crate::mapping::identity::Kind;
use crate::mapping::remote::{Definition, Learned, List};
use crate::request::{self, REQUESTS};
use crate::settings::{Settings, is_sent, list_name};

/// Most pages of lists that are read; an account has far fewer than 1,000 lists on each.
const PAGES_MAX: usize = 100;

/// Most pages of lists that the probe reads; with 1,000 on each, as many as a host keeps.
const ACCOUNT_PAGES_MAX: usize = 10;

/// How the rights of a key begin that let it work with contacts.
const MARKETING: &str = "marketing";

/// Tests the key, without side effects.
pub(crate) fn probe(ctx: &Context<Settings>, http: &mut dyn Http) -> Finding {
    let settings = ctx.settings();
    let verdict = match http.send("probe", &request::scopes(settings)) {
        Ok(answer) => scopes(&answer),
        Err(failure) => Reading::unanswered(failure).verdict,
    };
    if verdict != Verdict::Ok {
        return Finding::verdict(verdict);
    }
    let fields = match definitions(http, "probe", settings) {
        Ok(fields) => fields,
        Err(finding) => return finding,
    };
    if let Some(id) = &settings.list_id
        && let Err(finding) = known_list(http, "probe", settings, id)
    {
        return finding;
    }
    let page = |token: Option<&str>| {
        let (lists, next) = list_page(http, "lists", settings, token).ok()?;
        Some((lists.iter().map(item_of_list).collect(), next))
    };
    match AccountItem::pages(ACCOUNT_PAGES_MAX, page) {
        Some(lists) => Finding::ok().account(account(&fields, lists)),
        None => Finding::ok(),
    }
}

/// Custom fields and lists as a host offers them.
fn account(fields: &[Definition], lists: Vec<AccountItem>) -> Vec<AccountItem> {
    let field = |field: &Definition| {
        let takes = match field.kind.to_ascii_lowercase().as_str() {
            "text" => ValueType::Text,
            "number" => ValueType::Number,
            "date" => ValueType::Date,
            _ => ValueType::Any,
        };
        AccountItem::field(&field.name, takes)
    };
    fields.iter().map(field).chain(lists).collect()
}

fn item_of_list(list: &List) -> AccountItem {
    AccountItem::list(&list.id, &list.name)
}

/// What the list of a key's rights says. A key that may not read it is tested by the next request.
fn scopes(answer: &Answer) -> Verdict {
    match answer.status {
        200 => {
            let body: Option<Value> = answer.json();
            let Some(scopes) = body.as_ref().and_then(|body| body.get("scopes")).and_then(Value::as_array) else {
                return unclear(answer, REQUESTS).verdict;
            };
            let mut names = scopes.iter().filter_map(Value::as_str);
            if names.any(|name| name.starts_with(MARKETING)) {
                return Verdict::Ok;
            }
            Verdict::PermissionMissing("the key has no access to Marketing".to_owned())
        }
        403 | 404 => Verdict::Ok,
        _ => unclear(answer, REQUESTS).verdict,
    }
}

/// Finds or creates the list, and learns the custom fields.
pub(crate) fn open(ctx: &Context<Settings>, http: &mut dyn Http) -> Finding {
    let mut lists = None;
    match learn(ctx, http, &mut lists) {
        Ok(learned) => {
            let finding = Finding::ok().remote(text(&learned));
            match lists {
                Some(lists) => finding.account(account(&learned.fields, lists)),
                None => finding,
            }
        }
        Err(finding) => finding,
    }
}

/// What is stored of the account; `lists` becomes all lists of it, where all of them were read on the way.
fn learn(
    ctx: &Context<Settings>,
    http: &mut dyn Http,
    lists: &mut Option<Vec<AccountItem>>,
) -> Result<Learned, Finding> {
    let settings = ctx.settings();
    let fields = definitions(http, "fields", settings)?;
    let list = match &settings.list_id {
        Some(id) => known_list(http, "lists", settings, id)?,
        None => match named_list(http, settings, list_name(ctx), lists)? {
            Some(list) => list,
            None => {
                let list = new_list(http, settings, list_name(ctx))?;
                lists.iter_mut().for_each(|lists| lists.push(item_of_list(&list)));
                list
            }
        },
    };
    let before: Vec<String> = stored(ctx).map(|learned| learned.identifiers).unwrap_or_default();
    let sent = |kind: &Kind| is_sent(ctx, *kind) || before.iter().any(|known| known == kind.field());
    let identifiers = Kind::ALL.into_iter().filter(sent).map(|kind| kind.field().to_owned()).collect();
    Ok(Learned { list, fields, identifiers })
}

/// What is stored, with the custom fields of a new answer; none where the answer has none.
pub(super) fn relearned(ctx: &Context<Settings>, answer: &Answer) -> Option<String> {
    let fields = read_definitions(answer)?;
    Some(text(&Learned { fields, ..stored(ctx)? }))
}

fn stored(ctx: &Context<Settings>) -> Option<Learned> {
    serde_json::from_value(ctx.remote()?.clone()).ok()
}

fn text(learned: &Learned) -> String {
    serde_json::to_string(learned).unwrap_or_default()
}

fn ask(http: &mut dyn Http, kind: &str, request: &Request) -> Result<Answer, Finding> {
    http.send(kind, request).map_err(|failure| Finding::verdict(Reading::unanswered(failure).verdict))
}

/// The finding for an answer that is not what was hoped for.
fn not_well(answer: &Answer) -> Finding {
    Finding::verdict(unclear(answer, REQUESTS).verdict)
}

fn definitions(http: &mut dyn Http, kind: &str, settings: &Settings) -> Result<Vec<Definition>, Finding> {
    let answer = ask(http, kind, &request::definitions(settings))?;
    read_definitions(&answer).ok_or_else(|| match answer.status {
        404 => {
            let reason = "there is no Marketing Campaigns at `base_url`: answered 404".to_owned();
            Finding::verdict(Verdict::Misconfigured(reason))
        }
        _ => not_well(&answer),
    })
}

fn read_definitions(answer: &Answer) -> Option<Vec<Definition>> {
    let body = answer.json::<Value>().filter(|_| answer.status == 200)?;
    // Accounts without custom fields have only reserved ones.
    match body.get("custom_fields") {
        Some(fields) => serde_json::from_value(fields.clone()).ok(),
        None => body.get("reserved_fields").map(|_| Vec::new()),
    }
}

fn known_list(http: &mut dyn Http, kind: &str, settings: &Settings, id: &str) -> Result<List, Finding> {
    let answer = ask(http, kind, &request::list(settings, id))?;
    match (answer.status, answer.json::<List>()) {
        (200, Some(list)) => Ok(list),
        (400 | 404, _) => {
            let reason = "there is no list with the id in `list_id`".to_owned();
            Err(Finding::verdict(Verdict::Misconfigured(reason)))
        }
        _ => Err(not_well(&answer)),
    }
}

/// A page of lists, and the token of the next.
fn list_page(
    http: &mut dyn Http,
    kind: &str,
    settings: &Settings,
    token: Option<&str>,
) -> Result<(Vec<List>, Option<String>), Finding> {
    let answer = ask(http, kind, &request::lists(settings, token))?;
    let body = answer.json::<Value>().filter(|_| answer.status == 200);
    let Some(page) = body.as_ref().and_then(|body| body.get("result")).and_then(Value::as_array) else {
        return Err(not_well(&answer));
    };
    let lists = page.iter().filter_map(|list| serde_json::from_value::<List>(list.clone()).ok()).collect();
    let next = body.as_ref().and_then(|body| body.pointer("/_metadata/next")).and_then(Value::as_str);
    Ok((lists, next.and_then(request::page_token).filter(|next| token != Some(next.as_str()))))
}

/// The list of this name, on whichever page it stands; `all` becomes all lists, where it stands on the last or nowhere.
fn named_list(
    http: &mut dyn Http,
    settings: &Settings,
    name: &str,
    all: &mut Option<Vec<AccountItem>>,
) -> Result<Option<List>, Finding> {
    let (mut token, mut seen): (Option<String>, Vec<AccountItem>) = (None, Vec::new());
    for _ in 0..PAGES_MAX {
        let (lists, next) = list_page(http, "lists", settings, token.as_deref())?;
        seen.extend(lists.iter().map(item_of_list));
        let found = lists.into_iter().find(|list| list.name.trim() == name);
        if next.is_none() {
            *all = Some(seen);
            return Ok(found);
        }
        if found.is_some() {
            return Ok(found);
        }
        token = next;
    }
    let reason = format!("the account has more than {PAGES_MAX} pages of lists; name the list by `list_id`");
    Err(Finding::verdict(Verdict::Misconfigured(reason)))
}

fn new_list(http: &mut dyn Http, settings: &Settings, name: &str) -> Result<List, Finding> {
    let answer = ask(http, "create_list", &request::create_list(settings, name))?;
    match (answer.status, answer.json::<List>()) {
        (200 | 201, Some(list)) if !list.id.is_empty() => Ok(list),
        (400, _) => {
            let reason = "sendgrid refuses to create the list; create it there, or set `list_id`".to_owned();
            Err(Finding::verdict(Verdict::Misconfigured(reason)))
        }
        _ => Err(not_well(&answer)),
    }
}
