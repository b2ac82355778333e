//! Rows of the mapping that cannot work, by the row.

use enroute_sdk::{Context, Place, Problem};

use super::remote::{Remote, UserField, snake_case};
use super::{Settings, error, is_key, membership_field, warning};
use crate::mapping::field::Field;
use crate::mapping::has_name;

pub(super) fn check(ctx: &Context<Settings>, found: &mut Vec<Problem>) {
    let catalogue = Remote::catalogue(ctx);
    for (number, row) in (0u32..).zip(ctx.rows()) {
        let field = Field::of(&row.field);
        let same = |earlier: &enroute_sdk::Row| key(&Field::of(&earlier.field), catalogue.as_ref());
        let mine = key(&field, catalogue.as_ref());
        let earlier = ctx.rows().iter().take(number as usize).zip(0u32..).find(|(earlier, _)| same(earlier) == mine);
        if let Some((_, earlier)) = earlier {
            found.push(error(
                Place::Row(number),
                format!("row {number} goes into `{}`, and so does row {earlier}", row.field),
                "keep one of them; a trait may go into several fields, but a field takes one trait",
            ));
        }
        if row.trait_ == ctx.audience_key() {
            found.push(error(
                Place::Row(number),
                format!("`{}` is the audience itself, not a trait", row.trait_),
                "remove the row: membership is sent anyway, and a trait of this name would be stale",
            ));
        } else if membership_field(ctx).is_some_and(|membership| mine == format!("user_fields.{membership}")) {
            found.push(error(
                Place::Row(number),
                format!("row {number} goes into `{}`, where membership stands", row.field),
                "choose another field; membership would win",
            ));
        }
        one(ctx, number, &field, catalogue.as_ref(), found);
    }
    names(ctx, found);
    if let Some(remote) = &catalogue {
        membership(ctx, remote, found);
    }
}

/// What a row writes, so that two rows can be compared.
fn key(field: &Field<'_>, catalogue: Option<&Remote>) -> String {
    match field {
        Field::User(name) => {
            let known = catalogue.and_then(|remote| remote.resolve(name)).map(|field| field.key.as_str());
            format!("user_fields.{}", known.unwrap_or(name))
        }
        field => format!("{field:?}"),
    }
}

fn one(ctx: &Context<Settings>, row: u32, field: &Field<'_>, catalogue: Option<&Remote>, found: &mut Vec<Problem>) {
    let place = Place::Row(row);
    match field {
        Field::Forbidden(name) => found.push(error(
            place,
            format!("`{name}` decides what a user may do, or which user it is, and can never be mapped"),
            "remove the row; give rights to users by hand, in Zendesk",
        )),
        Field::Settings(name) => found.push(error(
            place,
            format!("`{name}` is not set by a trait"),
            "use the settings `suppress_verification_mail` and `mark_verified`",
        )),
        Field::Tags => found.push(error(
            place,
            "writing `tags` would replace all tags of a user, also those that agents gave".to_owned(),
            "map the trait to a user field, or use `membership = \"tag\"`",
        )),
        Field::User(name) => match catalogue {
            Some(remote) => known(ctx, place, name, remote, found),
            None if ctx.settings().create_missing_fields && !is_key(&snake_case(name)) => found.push(error(
                place,
                format!("`{name}` cannot be the key of a user field"),
                "choose letters, digits and underscores, not only digits",
            )),
            None => {}
        },
        _ => {}
    }
}

/// What only the account's fields can tell.
fn known(ctx: &Context<Settings>, place: Place, name: &str, remote: &Remote, found: &mut Vec<Problem>) {
    match remote.resolve(name) {
        None if ctx.settings().create_missing_fields => {}
        None => {
            let near = nearest(name, &remote.fields);
            let hint = near.map_or_else(
                || "create the user field in Admin Center > People, or set `create_missing_fields = true`".to_owned(),
                |near| format!("did you mean `{near}`? otherwise create the user field, or remove the row"),
            );
            found.push(error(place, format!("the account has no user field `{name}`"), hint));
        }
        Some(field) if !field.active => {
            let message = format!("the user field `{}` is not active", field.key);
            found.push(error(place, message, "activate it in Admin Center > People > User fields"));
        }
        Some(_) => {}
    }
}

/// The key that differs in case and separators only, or that one of the two begins with.
fn nearest<'f>(name: &str, fields: &'f [UserField]) -> Option<&'f str> {
    let squeezed =
        |text: &str| -> String { text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect() };
    let wanted = squeezed(name);
    let near = |field: &&UserField| {
        let key = squeezed(&field.key);
        key == wanted || key.len() > 3 && wanted.starts_with(&key) || wanted.len() > 3 && key.starts_with(&wanted)
    };
    fields.iter().find(near).map(|field| field.key.as_str())
}

fn membership(ctx: &Context<Settings>, remote: &Remote, found: &mut Vec<Problem>) {
    let Some(key) = membership_field(ctx) else { return };
    let Some(field) = remote.fields.iter().find(|field| field.key == key) else { return };
    if field.kind != "checkbox" || !field.active {
        found.push(error(
            Place::Remote,
            format!("membership stands in `{key}`, which is no active checkbox"),
            "choose another `membership_field`, or make the field a checkbox",
        ));
    }
}

/// A user has a name: of two traits, or of one that has all of it.
fn names(ctx: &Context<Settings>, found: &mut Vec<Problem>) {
    let row = |wanted: &Field<'_>| ctx.rows().iter().position(|row| Field::of(&row.field) == *wanted);
    let (name, first, last) = (row(&Field::Name), row(&Field::FirstName), row(&Field::LastName));
    let place = |row: Option<usize>| Place::Row(row.and_then(|row| u32::try_from(row).ok()).unwrap_or_default());
    if name.is_some() && (first.is_some() || last.is_some()) {
        let message = "`name` and its parts are both mapped".to_owned();
        found.push(error(place(first.or(last)), message, "keep `name`, or first_name and last_name"));
    } else if !ctx.rows().is_empty() && !has_name(ctx) {
        let missing = match (first, last) {
            (Some(_), None) => "`lastName` is",
            (None, Some(_)) => "`firstName` is",
            _ => "`firstName` and `lastName` are",
        };
        found.push(error(
            place(first.or(last)),
            format!("{missing} not mapped, and Zendesk makes a user's name of both"),
            "map `firstName` to first_name and `lastName` to last_name",
        ));
    }
    if let (Some(_), Some(other)) = (row(&Field::Locale), row(&Field::LocaleId)) {
        let message = "`locale` and `locale_id` say the same".to_owned();
        found.push(warning(place(Some(other)), message, "keep one of them"));
    }
}
