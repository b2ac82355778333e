//! Rows of the mapping that cannot work, by the row.

use std::collections::BTreeMap;

use enroute_sdk::{Context, Place, Problem};

use super::{ExternalId, Settings, error, warning};
use crate::mapping::field::{Field, meant};
use crate::mapping::identity::Kind;
use crate::mapping::remote::{Remote, has_id_form};

/// Longest name of a custom field, in characters: SendGrid's "Create Custom Field Definition" page.
const NAME_CHARS_MAX: usize = 100;

pub(super) fn check(ctx: &Context<Settings>, found: &mut Vec<Problem>) {
    let remote = Remote::of(ctx);
    let mut taken: BTreeMap<String, u32> = BTreeMap::new();
    for (number, row) in (0..).zip(ctx.rows()) {
        let place = || Place::Row(number);
        // A custom field may be named by its name in any case, or by its id.
        let target = match (Field::of(&row.field), &remote) {
            (Field::Custom, Some(remote)) => remote.custom(&row.field).map(|field| field.id.to_owned()),
            (Field::Custom, None) => Some(row.field.to_lowercase()),
            _ => Some(row.field.clone()),
        };
        if let Some(earlier) = target.and_then(|target| taken.insert(target, number)) {
            found.push(error(
                place(),
                format!("row {number} goes into `{}`, and so does row {earlier}", row.field),
                "keep one of them; a trait may go into several fields, but a field takes one trait",
            ));
        }
        if row.trait_ == ctx.audience_key() {
            found.push(error(
                place(),
                format!("`{}` is the audience itself, not a trait", row.trait_),
                "remove the row: membership is the list, and a trait of this name would be stale",
            ));
        }
        field(number, &row.field, remote.as_ref(), found);
    }
    stability(ctx, remote.as_ref(), found);
}

fn field(number: u32, name: &str, remote: Option<&Remote<'_>>, found: &mut Vec<Problem>) {
    let place = Place::Row(number);
    match Field::of(name) {
        Field::ReadOnly => found.push(error(
            place,
            format!("`{name}` is a field that only SendGrid writes"),
            "choose another field, or create a custom field of another name",
        )),
        Field::Identifier(Kind::AnonymousId) => found.push(warning(
            place,
            "`anonymous_id` identifies the contact, and an id that changes makes contacts that cannot be updated"
                .to_owned(),
            "map it only if it never changes",
        )),
        Field::Custom => custom(place, name, remote, found),
        _ => {}
    }
}

fn custom(place: Place, name: &str, remote: Option<&Remote<'_>>, found: &mut Vec<Problem>) {
    // The account may have a custom field of a name that means a reserved one elsewhere.
    let exists = remote.is_some_and(|remote| remote.custom(name).is_some());
    if let Some(known) = meant(name).filter(|_| !exists) {
        // Before the custom fields are known, a name that one may have is only doubtful.
        let report = if remote.is_none() && is_custom_name(name) { warning } else { error };
        found.push(report(
            place,
            format!("`{name}` is none of SendGrid's own fields, where it is `{known}`"),
            format!("did you mean `{known}`? Otherwise create a custom field `{name}`"),
        ));
    } else if !is_custom_name(name) {
        found.push(error(
            place,
            format!("`{name}` cannot be the name of a custom field"),
            format!("use letters, digits and underscores, no digit in front, and at most {NAME_CHARS_MAX} characters"),
        ));
    } else if remote.is_some() && !exists {
        let hint = if has_id_form(name) {
            "look the id up in SendGrid under Marketing > Custom Fields, or use the field's name"
        } else {
            "create it in SendGrid under Marketing > Custom Fields, then run `enroute sync` again"
        };
        found.push(error(place, format!("SendGrid has no custom field `{name}`"), hint));
    }
}

/// Identifiers that contacts were sent with and are not sent any more: SendGrid wants them all in every update.
fn stability(ctx: &Context<Settings>, remote: Option<&Remote<'_>>, found: &mut Vec<Problem>) {
    let Some(remote) = remote else { return };
    for kind in Kind::ALL {
        let field = kind.field();
        if remote.identifiers().any(|known| known == field) && !is_sent(ctx, kind) {
            found.push(warning(
                Place::Remote,
                format!("contacts were sent with `{field}`, and now they are not"),
                "SendGrid refuses updates without all identifiers of a contact; send it again, or expect rejections",
            ));
        }
    }
}

/// Whether an identifier can travel with this mapping.
pub(crate) fn is_sent(ctx: &Context<Settings>, kind: Kind) -> bool {
    match kind {
        Kind::Email => true,
        Kind::ExternalId if ctx.settings().external_id == ExternalId::UserId => true,
        _ => ctx.row(kind.field()).is_some(),
    }
}

fn is_custom_name(name: &str) -> bool {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    plain && name.len() <= NAME_CHARS_MAX && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_custom_fields_are_plain() {
        for name in ["tier", "_tier", "Tier2", &"a".repeat(100)] {
            assert!(is_custom_name(name), "{name}");
        }
        for name in ["", "2tier", "two words", "naïve", "a-b", "address.city", &"a".repeat(101)] {
            assert!(!is_custom_name(name), "{name}");
        }
    }
}
