//! Rows of the mapping that cannot work, by the row.

use enroute_sdk::{Context, Place, Problem};

use super::{MembershipMode, NAME_CHARS_MAX, Settings, error, warning};
use crate::mapping::field::{Field, catalogue};

/// The attribute that membership stands in.
pub(crate) fn membership_field(ctx: &Context<Settings>) -> &str {
    match ctx.settings().membership_mode {
        MembershipMode::BooleanAttribute => ctx.audience_key(),
        MembershipMode::ArrayAttribute => &ctx.settings().array_attribute,
        MembershipMode::SubscriptionGroup => "subscription_groups",
    }
}

pub(super) fn check(ctx: &Context<Settings>, found: &mut Vec<Problem>) {
    let rows = ctx.rows();
    for (number, row) in (0..).zip(rows) {
        let place = || Place::Row(number);
        let earlier = rows.iter().take(number as usize).zip(0u32..).find(|(earlier, _)| earlier.field == row.field);
        if let Some((_, earlier)) = earlier {
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
                "remove the row: membership is sent anyway, and a trait of this name would be stale",
            ));
        } else if row.field == membership_field(ctx) {
            found.push(error(
                place(),
                format!("row {number} goes into `{}`, where membership stands", row.field),
                "choose another field; membership would win",
            ));
        }
        field(number, &row.field, found);
    }
    location(ctx, found);
}

fn field(number: u32, name: &str, found: &mut Vec<Problem>) {
    let place = Place::Row(number);
    match Field::of(name) {
        Field::Identifier => found.push(error(
            place,
            format!("`{name}` identifies a profile and cannot be set by a row"),
            "give the profile this identifier; Braze refuses objects with two of them",
        )),
        Field::Reserved => found.push(error(
            place,
            format!("`{name}` is a name that Braze keeps for itself"),
            "choose a name that begins with a letter",
        )),
        Field::Custom if name.is_empty() || name.chars().count() > NAME_CHARS_MAX => found.push(error(
            place,
            format!("the name of an attribute must have 1 to {NAME_CHARS_MAX} characters"),
            "choose a shorter name",
        )),
        Field::Custom => {
            if let Some(known) = catalogue().find(|known| squeezed(known) == squeezed(name)) {
                found.push(warning(
                    place,
                    format!("`{name}` becomes an attribute of its own, because Braze's field is written `{known}`"),
                    format!("did you mean `{known}`?"),
                ));
            }
        }
        _ => {}
    }
}

/// A name as people misspell it: without case and separators.
fn squeezed(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn location(ctx: &Context<Settings>, found: &mut Vec<Problem>) {
    let (latitude, longitude) = ("current_location.latitude", "current_location.longitude");
    for (one, other) in [(latitude, longitude), (longitude, latitude)] {
        let Some(row) = ctx.row(one) else { continue };
        let place = Place::Row(u32::try_from(row).unwrap_or(u32::MAX));
        if ctx.row("current_location").is_some() {
            let message = format!("`{one}` and `current_location` are one field");
            found.push(error(place, message, "map the whole location, or its parts"));
        } else if ctx.row(other).is_none() {
            found.push(error(place, format!("`{one}` is half a location"), format!("map `{other}` too")));
        }
    }
}
