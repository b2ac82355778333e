//! Rows of the mapping that cannot work, by the row.

use enroute_sdk::{Context, Place, Problem};

use super::{Settings, error, warning};
use crate::mapping::field::{self, Standing, catalogue, standing};

pub(super) fn check(ctx: &Context<Settings>, found: &mut Vec<Problem>) {
    let rows = ctx.rows();
    for (number, row) in (0..).zip(rows) {
        let place = || Place::Row(number);
        let before = || rows.iter().zip(0u32..).take(number as usize);
        if let Some((_, earlier)) = before().find(|(earlier, _)| earlier.field == row.field) {
            found.push(error(
                place(),
                format!("row {number} goes into `{}`, and so does row {earlier}", row.field),
                "keep one of them; a trait may go into several fields, but a field takes one trait",
            ));
        } else if let Some((other, _)) = before().find(|(other, _)| field::holds(&other.field, &row.field)) {
            found.push(error(
                place(),
                format!("`{}` and `{}` are one object", other.field, row.field),
                "map the whole object, or its parts",
            ));
        }
        if row.trait_ == ctx.audience_key() {
            found.push(error(
                place(),
                format!("`{}` is the audience itself, not a trait", row.trait_),
                "remove the row: membership is sent anyway, and a trait of this name would be stale",
            ));
        } else if ctx.settings().membership.has_field() && field::root(&row.field) == ctx.audience_key() {
            found.push(error(
                place(),
                format!("row {number} goes into `{}`, where membership stands", row.field),
                "choose another field; membership would win",
            ));
        }
        one(ctx.settings(), number, &row.field, found);
    }
}

fn one(settings: &Settings, number: u32, name: &str, found: &mut Vec<Problem>) {
    let place = Place::Row(number);
    match standing(name) {
        Standing::Identifier if name == "email" => {}
        Standing::Identifier => found.push(error(
            place,
            format!("`{name}` identifies a user and cannot be set by a row"),
            "give the profile this identifier; as a field it would change who the user is",
        )),
        Standing::Reserved => found.push(error(
            place,
            format!("`{name}` is a field that Iterable keeps itself"),
            "choose another name, for example with a prefix of your own",
        )),
        Standing::Malformed => found.push(error(
            place,
            format!("`{name}` cannot be the name of a field"),
            "a name has at least one character, also before and behind each dot",
        )),
        Standing::Free => {
            if let Some(known) = catalogue().find(|known| *known != name && similar(known, name)) {
                found.push(warning(
                    place,
                    format!("`{name}` becomes a field of its own, because Iterable's field is written `{known}`"),
                    format!("did you mean `{known}`?"),
                ));
            } else if name.contains('.') && !settings.merge_nested_objects {
                found.push(warning(
                    place,
                    format!("`{name}` replaces the whole object `{}`", field::root(name)),
                    "set `merge_nested_objects = true` to keep what else stands in it",
                ));
            } else if name.split('.').count() > 2 {
                found.push(warning(
                    place,
                    format!("`{name}` replaces what stands beside it: Iterable merges the first level of an object"),
                    "use a name with one dot, or none",
                ));
            }
        }
    }
}

/// Whether two names are spelled alike, or one is a usual name for the other.
fn similar(known: &str, name: &str) -> bool {
    const USUAL: [(&str, &[&str]); 4] = [
        ("phoneNumber", &["phone", "mobile"]),
        ("firstName", &["givenname"]),
        ("lastName", &["familyname", "surname"]),
        ("email", &["emailaddress"]),
    ];
    let squeezed =
        |name: &str| -> String { name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect() };
    let name = squeezed(name);
    squeezed(known) == name || USUAL.iter().any(|(field, words)| *field == known && words.contains(&name.as_str()))
}
