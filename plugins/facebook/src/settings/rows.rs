//! Which traits may go into which columns.

use enroute_sdk::{Context, Problem, Row};

use super::{Settings, error, place};
use crate::normalize::key::Key;

/// The traits that go to Facebook, each with its columns; the first is the one to suggest.
const TRAITS: [(&str, &[Key]); 13] = [
    ("email", &[Key::Email]),
    ("context.device.advertisingId", &[Key::Madid]),
    ("firstName", &[Key::Fn, Key::Fi]),
    ("lastName", &[Key::Ln]),
    ("phone", &[Key::Phone]),
    ("gender", &[Key::Gen]),
    ("birthYear", &[Key::Doby]),
    ("birthMonth", &[Key::Dobm]),
    ("birthday", &[Key::Dobd, Key::Dobm, Key::Doby]),
    ("address.state", &[Key::St]),
    ("address.city", &[Key::Ct]),
    ("address.postalCode", &[Key::Zip]),
    ("address.country", &[Key::Country]),
];

/// The columns of a trait; none for a trait that is not one of the thirteen.
fn keys_of(name: &str) -> Option<&'static [Key]> {
    TRAITS.iter().find(|(known, _)| *known == name).map(|(_, keys)| *keys)
}

/// Checks every row, alone and against the rows before it.
pub(super) fn check(ctx: &Context<Settings>, problems: &mut Vec<Problem>) {
    for (number, row) in ctx.rows().iter().enumerate() {
        let key = Key::parse(&row.field);
        match key {
            None => problems.push(unknown_key(number, row)),
            Some(_) if ctx.row(&row.field) != Some(number) => problems.push(taken(number, row, ctx)),
            Some(_) => {}
        }
        if row.trait_ == ctx.audience_key() {
            let message = format!("`{}` is the audience itself, not a trait", row.trait_);
            problems.push(error(place(number), message, "take the row out: membership is the list"));
        } else {
            problems.extend(trait_problem(number, row, key, ctx.settings()));
        }
    }
}

fn unknown_key(number: usize, row: &Row) -> Problem {
    let (from, field) = (&row.trait_, &row.field);
    let message = if from == field {
        format!("trait `{from}` must name a Facebook key")
    } else {
        format!("`{field}`, for trait `{from}`, is no Facebook key")
    };
    let capitals = Key::parse(&field.to_ascii_uppercase());
    let suggested = capitals.or_else(|| keys_of(from)?.first().copied());
    let hint = match suggested {
        Some(key) => format!("write `{{ trait = \"{from}\", field = \"{key}\" }}`"),
        None => format!("the keys are {}", Key::ALL.map(Key::as_str).join(", ")),
    };
    error(place(number), message, hint)
}

fn taken(number: usize, row: &Row, ctx: &Context<Settings>) -> Problem {
    let first = ctx.row(&row.field).and_then(|first| ctx.rows().get(first));
    let first = first.map_or("another", |first| first.trait_.as_str());
    let message = format!("`{}` is mapped twice: from `{first}` and from `{}`", row.field, row.trait_);
    error(place(number), message, "map each key once; one trait may go into several keys")
}

/// What is wrong with sending this trait, wherever it goes.
fn trait_problem(number: usize, row: &Row, key: Option<Key>, settings: &Settings) -> Option<Problem> {
    let from = &row.trait_;
    let Some(keys) = keys_of(from) else {
        let wanted = settings.allow_custom_traits || (settings.value_based && key == Some(Key::LookalikeValue));
        let hint = format!(
            "these may: {}; for others set `allow_custom_traits = true`",
            TRAITS.map(|(name, _)| name).join(", ")
        );
        return (!wanted).then(|| error(place(number), format!("trait `{from}` may not go to Facebook"), hint));
    };
    let key = key?;
    let mapped = keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
    if keys.contains(&key) || (settings.allow_custom_traits && key.is_hashed()) {
        return None;
    }
    // What these traits hold must not turn up in a column that goes in clear, whatever is allowed.
    let why = if key.is_hashed() { "" } else { ", which goes in clear" };
    Some(error(place(number), format!("trait `{from}` does not go into `{key}`{why}"), format!("map it to {mapped}")))
}
