//! What the account is like: its user fields, all pages, and the checkbox of the audience.
//!
//! The page "User Fields". Safe to repeat: fields are looked for before one is created, and one that somebody else
//! created meanwhile is taken as it is.

use enroute_sdk::{AccountItem, Answer, Context, Finding, Http, Reading, ValueType, Verdict};
use serde_json::Value;

use super::{classify, read_probe};
use crate::mapping::field::Field;
use crate::request::{create_field, me, user_fields};
use crate::settings::remote::{Remote, UserField, row_keys, snake_case};
use crate::settings::{Settings, is_key, membership_field};

/// Pages that are read: fifty thousand fields, far more than an account may have.
const PAGES_MAX: usize = 500;

/// Pages that the probe reads: as many fields as a host keeps.
const PROBE_PAGES_MAX: usize = 50;

/// Learns the user fields and sees to it that membership has a place.
pub(crate) fn open(ctx: &Context<Settings>, http: &mut dyn Http) -> Finding {
    let mut account = Vec::new();
    match learn(ctx, http, &mut account) {
        Ok(remote) => Finding::ok().remote(remote.to_json()).account(account),
        Err(verdict) => Finding::verdict(verdict),
    }
}

/// Tests the credential, and tells of the user fields where it may read them.
pub(crate) fn probe(ctx: &Context<Settings>, http: &mut dyn Http) -> Finding {
    let finding = match http.send("probe", &me(ctx.settings())) {
        Ok(answer) => read_probe(&answer),
        Err(failure) => return Finding::verdict(Reading::unanswered(failure).verdict),
    };
    if finding.verdict != Verdict::Ok {
        return finding;
    }
    match read_all(ctx, http, PROBE_PAGES_MAX) {
        Ok(fields) => finding.account(account_of(&fields)),
        Err(_) => finding,
    }
}

/// The active user fields as a host offers them, by the names that rows give them.
fn account_of(fields: &[UserField]) -> Vec<AccountItem> {
    let item = |field: &UserField| {
        let name = match Field::of(&field.key) {
            Field::User(key) => key.to_owned(),
            // One of Zendesk's own fields has the name.
            _ => format!("user_fields.{}", field.key),
        };
        let takes = match field.kind.as_str() {
            "checkbox" => ValueType::Boolean,
            "date" => ValueType::Date,
            "decimal" | "integer" => ValueType::Number,
            "multiselect" => ValueType::List,
            "" => ValueType::Any,
            _ => ValueType::Text,
        };
        AccountItem::field(name, takes).label(&field.title).choices(field.options.iter().map(String::as_str))
    };
    fields.iter().filter(|field| field.active).map(item).collect()
}

/// What is stored of the account; `account` becomes what a host offers of it.
fn learn(ctx: &Context<Settings>, http: &mut dyn Http, account: &mut Vec<AccountItem>) -> Result<Remote, Verdict> {
    let fields = read_all(ctx, http, PAGES_MAX)?;
    let mut remote = Remote { rows: row_keys(ctx), fields, ..Remote::default() };
    if let Some(key) = membership_field(ctx) {
        if !remote.fields.iter().any(|field| field.key == key) {
            if !ctx.settings().create_missing_fields {
                return Err(Verdict::Misconfigured(format!(
                    "the account has no user field `{key}` for membership: create it as a checkbox in Admin Center > \
                     People > User fields, or set `create_missing_fields = true`"
                )));
            }
            create(ctx, http, &mut remote, key, ctx.audience_name(), "checkbox")?;
        }
        let usable = |field: &UserField| field.key == key && field.kind == "checkbox" && field.active;
        if !remote.fields.iter().any(usable) {
            return Err(Verdict::Misconfigured(format!(
                "the user field `{key}` is no active checkbox: choose another `membership_field`, or change the field"
            )));
        }
    }
    if ctx.settings().create_missing_fields {
        for row in ctx.rows() {
            let Field::User(name) = Field::of(&row.field) else { continue };
            if remote.resolve(name).is_none() {
                let key = if is_key(name) { name.to_owned() } else { snake_case(name) };
                create(ctx, http, &mut remote, &key, name, "text")?;
            }
        }
    }
    rows_have_a_place(&remote)?;
    *account = account_of(&remote.fields);
    // Options of fields that no row goes into are not needed, and can be thousands.
    let used: Vec<String> =
        remote.rows.iter().filter_map(|name| remote.resolve(name)).map(|field| field.key.clone()).collect();
    for field in remote.fields.iter_mut().filter(|field| !used.contains(&field.key)) {
        field.options.clear();
    }
    Ok(remote)
}

/// Zendesk drops values of fields that it does not know without a word, so nothing is sent before all are known. Said
/// here and not by `validate` alone, so that a field that was created meanwhile is seen by the next run.
fn rows_have_a_place(remote: &Remote) -> Result<(), Verdict> {
    let lost = |name: &&String| remote.resolve(name).is_none_or(|field| !field.active);
    let lost: Vec<String> = remote.rows.iter().filter(lost).map(|name| format!("`{name}`")).collect();
    if lost.is_empty() {
        return Ok(());
    }
    Err(Verdict::Misconfigured(format!(
        "the account has no active user field {}: create it in Admin Center > People > User fields, correct the row, or \
         set `create_missing_fields = true`",
        lost.join(", ")
    )))
}

fn create(
    ctx: &Context<Settings>,
    http: &mut dyn Http,
    remote: &mut Remote,
    key: &str,
    title: &str,
    kind: &str,
) -> Result<(), Verdict> {
    let request = create_field(ctx.settings(), key, title, kind);
    let answer = http.send("create_field", &request).map_err(|failure| Reading::unanswered(failure).verdict)?;
    match answer.status {
        200..=201 => {
            let body: Value = answer.json().unwrap_or_default();
            let made = UserField {
                key: key.to_owned(),
                title: title.to_owned(),
                kind: kind.to_owned(),
                active: true,
                options: Vec::new(),
            };
            remote.fields.push(body.get("user_field").and_then(field_of).unwrap_or(made));
            Ok(())
        }
        403 => Err(Verdict::PermissionMissing(format!(
            "the user field `{key}` is missing and only an admin may create it: create it by hand, or use an admin's \
             credential"
        ))),
        422 => {
            // Somebody may have created it meanwhile.
            remote.fields = read_all(ctx, http, PAGES_MAX)?;
            if remote.fields.iter().any(|field| field.key == key) {
                return Ok(());
            }
            Err(Verdict::Misconfigured(format!("zendesk does not create the user field `{key}`: answered 422")))
        }
        status => Err(other(&answer, &format!("zendesk answered {status} when user field `{key}` was created"))),
    }
}

fn read_all(ctx: &Context<Settings>, http: &mut dyn Http, pages_max: usize) -> Result<Vec<UserField>, Verdict> {
    let (mut fields, mut after): (Vec<UserField>, Option<String>) = (Vec::new(), None);
    for _ in 0..pages_max {
        let request = user_fields(ctx.settings(), after.as_deref());
        let answer = http.send("user_fields", &request).map_err(|failure| Reading::unanswered(failure).verdict)?;
        if answer.status != 200 || classify(&answer).is_some() {
            return Err(other(&answer, &format!("the user fields were answered with {}", answer.status)));
        }
        let body: Value = answer.json().unwrap_or_default();
        let Some(page) = body.get("user_fields").and_then(Value::as_array) else {
            return Err(Verdict::Unavailable("zendesk answered without a list of user fields".to_owned()));
        };
        fields.extend(page.iter().filter_map(field_of));
        let more = body.pointer("/meta/has_more") == Some(&Value::Bool(true));
        let cursor = body.pointer("/meta/after_cursor").and_then(Value::as_str).map(str::to_owned);
        if !more || cursor.is_none() || cursor == after {
            break;
        }
        after = cursor;
    }
    Ok(fields)
}

fn other(answer: &Answer, why: &str) -> Verdict {
    classify(answer).map_or_else(|| Verdict::RefusedWhole(why.to_owned()), |reading| reading.verdict)
}

fn field_of(value: &Value) -> Option<UserField> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let options = value.get("custom_field_options").and_then(Value::as_array);
    let option = |option: &Value| option.get("value").and_then(Value::as_str).map(str::to_owned);
    Some(UserField {
        key: text("key")?,
        title: text("title").unwrap_or_default(),
        kind: text("type").unwrap_or_default(),
        active: value.get("active") != Some(&Value::Bool(false)),
        options: options.into_iter().flatten().filter_map(option).collect(),
    })
}
