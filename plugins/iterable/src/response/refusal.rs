//! Refusals of whole requests, by their code.
//!
//! Pages "API Response Codes" and "Troubleshooting Type Mismatches". A plugin sends nothing again: it says who is at
//! fault, and the host sends the others.

use enroute_sdk::{Answer, Context, Outcome, Reading, Sent, Verdict};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{FORGOTTEN, Refused, common, plain};
use crate::mapping::field;
use crate::request::Call;
use crate::settings::Settings;

/// One field of which a value has another type than the project knows.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mismatch {
    #[serde(default)]
    expected_type: String,
}

pub(super) fn read(ctx: &Context<Settings>, sent: &Sent<'_>, answer: &Answer, refused: &Refused) -> Reading {
    if refused.msg.contains("error.lists.invalidListId") {
        let why = "the list does not exist in iterable any more; create it again, or correct `list_id`".to_owned();
        return Reading::deferred(0).verdict(Verdict::Misconfigured(why));
    }
    if answer.status >= 500 {
        return Reading::deferred(0).verdict(common(answer));
    }
    match refused.code.as_str() {
        "BatchTooLarge" => Reading::deferred(0).verdict(Verdict::TooLarge),
        "RateLimitExceeded" => answer.throttled(super::BUCKET, Some(super::THROTTLED_WAIT_MS)),
        "RequestFieldsTypesMismatched" => mismatched(ctx, refused),
        "UniqueFieldsLimitExceeded" => full(ctx, sent),
        "BadJsonBody" => bad_body(sent, refused),
        "BadApiKey" | "BadAuthorizationHeader" | "InvalidJwtPayload" | "Unauthorized" => {
            let why = format!("iterable does not accept the key: {}", plain(&refused.code));
            Reading::deferred(0).verdict(Verdict::CredentialInvalid(why))
        }
        "Forbidden" => Reading::deferred(0).verdict(Verdict::PermissionMissing("iterable forbids the call".to_owned())),
        "NotFound" => Reading::deferred(0).verdict(Verdict::Misconfigured("iterable finds no such list".to_owned())),
        "ForbiddenParamsError" => Reading::deferred(0).verdict(Verdict::RefusedWhole(said(sent, refused))),
        code => match personal(code) {
            Some(outcome) if sent.len() == 1 => Reading::all(outcome),
            // A web page, or a shape of its own, blames nobody.
            None if code.is_empty() => Reading::deferred(0).verdict(common(answer)),
            _ => Reading::deferred(0).verdict(Verdict::RefusedBisect(said(sent, refused))),
        },
    }
}

/// Codes that say what is wrong with one user, where a request has only one.
fn personal(code: &str) -> Option<Outcome> {
    Some(match code {
        "ForgottenUserError" => Outcome::Unchanged(FORGOTTEN.to_owned()),
        "InvalidEmailAddressError" | "InvalidUserIdError" => {
            Outcome::rejected("invalid_identifier", "iterable takes the identifier for malformed")
        }
        "UnknownEmailError" | "UnknownUserIdError" => Outcome::rejected("not_found", "iterable does not know the user"),
        "EmailAlreadyExists" | "UserIdAlreadyExists" | "ExternalKeyConflict" => {
            Outcome::rejected("already_exists", "another user in iterable has this identifier")
        }
        _ => return None,
    })
}

/// Some value has another type than its field. The types that are told are remembered, and the request goes again
/// without the values that clash, which `map` leaves out now. Where nothing new is told, the host looks for the member.
fn mismatched(ctx: &Context<Settings>, refused: &Refused) -> Reading {
    let found = refused.params.as_ref().and_then(|params| params.get("validationErrors")).and_then(Value::as_object);
    let mut remote = ctx.remote().filter(|remote| remote.is_object()).cloned().unwrap_or_else(|| json!({}));
    let (mut names, mut is_news) = (Vec::new(), false);
    for (path, mismatch) in found.into_iter().flatten() {
        let path = without_places(path.rsplit(":::").next().unwrap_or(path));
        let kind = Mismatch::deserialize(mismatch).map(|mismatch| mismatch.expected_type).unwrap_or_default();
        if path == ctx.audience_key() && ctx.settings().membership.has_field() {
            let why = format!("the project has a field `{path}` of another type than boolean; use another membership");
            return Reading::deferred(0).verdict(Verdict::Misconfigured(why));
        }
        for name in ctx.rows().iter().filter_map(|row| own(&row.field, &path)) {
            names.push(format!("`{}` is {}", plain(name), plain(&kind)));
            if let Some(fields) = remote.as_object_mut().filter(|_| !kind.is_empty())
                && let Some(fields) = fields.entry("fields").or_insert_with(|| json!({})).as_object_mut()
            {
                is_news |=
                    fields.insert(name.to_owned(), Value::from(kind.as_str())) != Some(Value::from(kind.as_str()));
            }
        }
    }
    if is_news {
        return Reading::deferred(0).remote(remote.to_string());
    }
    names.dedup();
    let what = if names.is_empty() { "iterable does not say of which field".to_owned() } else { names.join(", ") };
    Reading::deferred(0).verdict(Verdict::RefusedBisect(format!("a value is of another type: {what}")))
}

/// The name under which a type is remembered that is told of `path`: the path's where it is the field of a row, lies
/// in it or around it; the row's where only the last part of the name is told.
fn own<'n>(field: &'n str, path: &'n str) -> Option<&'n str> {
    if field == path || field::holds(field, path) {
        return Some(path);
    }
    (field.rsplit('.').next() == Some(path)).then_some(field)
}

/// `orders.price` of `orders[3].price`: elements of a list have the name of the list.
fn without_places(path: &str) -> String {
    let mut name = String::with_capacity(path.len());
    for part in path.split('.') {
        let part = part.split('[').next().unwrap_or(part);
        if part.is_empty() || part.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(part);
    }
    name
}

/// The project takes no new fields: from the next run on none are asked for.
fn full(ctx: &Context<Settings>, sent: &Sent<'_>) -> Reading {
    let settings = ctx.settings();
    if Call::of(sent.path()) != Call::BulkUpdate || settings.create_new_fields == Some(true) {
        let why = "the project has as many user fields as iterable allows; map fewer, or remove unused fields";
        return Reading::deferred(0).verdict(Verdict::Misconfigured(why.to_owned()));
    }
    let mut remote = ctx.remote().filter(|remote| remote.is_object()).cloned().unwrap_or_else(|| json!({}));
    if let Some(remote) = remote.as_object_mut() {
        remote.insert("fields_full".to_owned(), true.into());
    }
    let why = "the project takes no new user fields; the next run asks for none".to_owned();
    Reading::deferred(0).verdict(Verdict::RefusedWhole(why)).warn("fields_full", None, 1).remote(remote.to_string())
}

/// The body cannot be read: the record that is named is at fault, or nobody is.
fn bad_body(sent: &Sent<'_>, refused: &Refused) -> Reading {
    let params = refused.params.iter().flat_map(|params| params.keys());
    let mut places: Vec<usize> = params.filter_map(|path| index(path)).filter(|place| *place < sent.len()).collect();
    places.sort_unstable();
    places.dedup();
    if places.is_empty() {
        let verdict = match part_of_no_user(refused) {
            Some(part) => Verdict::Misconfigured(format!("iterable cannot read `{part}` of the request")),
            None => Verdict::RefusedBisect(said(sent, refused)),
        };
        return Reading::deferred(0).verdict(verdict);
    }
    let outcome = |place| (place, Outcome::rejected("bad_record", "iterable cannot read what was sent of the member"));
    Reading::by_index(Outcome::Deferred(0), places.into_iter().map(outcome))
}

/// `1` of `obj.users[1].preferUserId`.
fn index(path: &str) -> Option<usize> {
    let (before, rest) = path.split_once('[')?;
    let named = before.ends_with("users") || before.ends_with("subscribers");
    rest.split_once(']').filter(|_| named)?.0.parse().ok()
}

/// `listId` of `obj.listId`: what is named is no user's, but part of every request; none where a user may be meant.
fn part_of_no_user(refused: &Refused) -> Option<String> {
    let mut parts = refused.params.iter().flat_map(|params| params.keys()).map(|path| {
        let path = path.strip_prefix("obj.")?;
        let root = path.split(['.', '[']).next().filter(|root| !["users", "subscribers"].contains(root))?;
        Some(plain(root)).filter(|root| !root.is_empty())
    });
    let first = parts.next()??;
    parts.all(|part| part.is_some()).then_some(first)
}

/// Code and message of a refusal; without the message where it could speak of a person.
fn said(sent: &Sent<'_>, refused: &Refused) -> String {
    let Refused { code, msg, .. } = refused;
    let names_somebody = || {
        let texts = sent.members().flat_map(|member| {
            let earlier = member.sent().flat_map(enroute_sdk::Identifiers::iter);
            member.identifiers().iter().chain(earlier).filter_map(|(_, value)| value.scalar()).collect::<Vec<_>>()
        });
        texts.into_iter().any(|text| !text.is_empty() && msg.contains(text.as_ref()))
    };
    let code = plain(code);
    if msg.is_empty() || msg.contains('@') || names_somebody() {
        return format!("iterable refused the request: {code}");
    }
    format!(
        "iterable refused the request: {code}: {}",
        msg.chars().filter(|c| !c.is_control()).take(200).collect::<String>()
    )
}
