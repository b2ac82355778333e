//! `[trait.NAME]`: what a person's events add up to.

use enroute_core::aggregate::Kind;
use enroute_core::path::trait_names;
use toml::de::DeValue;

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::files::Located;
use crate::walker::{Section, Walker, integer};

/// Longest window in days: a hundred years.
pub const WINDOW_DAYS_MAX: i64 = 36_500;

/// A trait that is computed from events.
#[derive(Debug, Clone)]
pub struct ComputedTrait {
    /// Its name, and where `[trait.<name>]` stands.
    pub name: Located<String>,
    /// How values become one.
    pub compute: Kind,
    /// The event that is looked at.
    pub event: String,
    /// The names on the way to the event's property; none to count events.
    pub property: Vec<String>,
    /// Only events of so many days count.
    pub window_days: Option<i64>,
}

pub(super) fn read(
    walker: &mut Walker<'_>,
    name: &Located<String>,
    section: &Section<'_, '_>,
) -> Option<ComputedTrait> {
    walker.unknown_keys(section, &["compute", "event", "property", "window_days"]);
    let is_name = is_name(&name.value) && !name.value.contains('.');
    if !is_name {
        let message = format!("`{}` cannot be the name of a trait", name.value.escape_debug());
        let hint = "take a name without dots, quotes and backslashes";
        walker.found.push(Diagnostic::error(Code::BadTrait, message).at(&name.place).hint(hint));
    }
    if !section.table.contains_key("compute") {
        walker.missing(section, "compute", "\"count\"");
    }
    let compute = walker.choice(section, "compute", &Kind::ALL);
    let event = walker.required(section, "event", "\"Order Completed\"");
    let property = match compute.as_ref().map(|compute| compute.value) {
        Some(Kind::Count) => no_property(walker, section).then(Vec::new),
        Some(_) => property(walker, section),
        None => None,
    };
    let window_days = window(walker, section);
    Some(ComputedTrait {
        name: Located::new(is_name.then(|| name.value.clone())?, name.place.clone()),
        compute: compute?.value,
        event: event?.value,
        property: property?,
        window_days: window_days?,
    })
}

/// Whether JSON paths can lead to it.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['"', '\\', '\0'])
}

fn no_property(walker: &mut Walker<'_>, section: &Section<'_, '_>) -> bool {
    let Some(property) = walker.text(section, "property") else { return true };
    let message = format!("`property` in {} has no meaning for \"count\", which counts events", section.title);
    walker.bad_value(&property.place, message, "remove it, or choose another way to compute");
    false
}

fn property(walker: &mut Walker<'_>, section: &Section<'_, '_>) -> Option<Vec<String>> {
    let property = walker.required(section, "property", "\"total\"")?;
    if let Ok(names) = trait_names(&property.value)
        && names.iter().all(|name| is_name(name))
    {
        return Some(names);
    }
    let message = format!("`property` in {} is no way to a property", section.title);
    walker.bad_value(
        &property.place,
        message,
        "write a name, or several with dots between them; one with a dot in it in quotes of its own",
    );
    None
}

/// The window, if there is one; none where it is wrong.
fn window(walker: &mut Walker<'_>, section: &Section<'_, '_>) -> Option<Option<i64>> {
    let Some(value) = section.table.get("window_days") else { return Some(None) };
    let DeValue::Integer(number) = value.get_ref() else {
        let hint = "write it like `window_days = 90`".to_owned();
        walker.wrong_type(value, "`window_days`", "a whole number", Some(hint));
        return None;
    };
    let days = integer(number).filter(|days| (1..=WINDOW_DAYS_MAX).contains(days));
    if days.is_none() {
        let place = walker.place(value.span());
        let message = format!("`window_days` must be from 1 to {WINDOW_DAYS_MAX}");
        walker.bad_value(&place, message, "leave it out for all events that there are");
    }
    days.map(Some)
}
