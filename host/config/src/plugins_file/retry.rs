//! `retry` of a destination: how long its members are tried before they are given up.

use toml::de::DeValue;

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::walker::{Section, Walker, integer};

/// Hours that can be asked for: a month is longer than any outage that is waited for.
const HOURS_MAX: u64 = 720;
/// Attempts that can be asked for.
const ATTEMPTS_MAX: u64 = 1_000;

/// When members are given up, where that is not the default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retry {
    /// Not before so many hours …
    pub hours: Option<u32>,
    /// … and so many attempts.
    pub attempts: Option<u32>,
}

/// Reads `retry`. What has a mistake in it is reported and left out.
pub(super) fn read(walker: &mut Walker<'_>, section: &Section<'_, '_>, destination: &str) -> Retry {
    let Some(value) = section.table.get("retry") else { return Retry::default() };
    let Some(table) = value.get_ref().as_table() else {
        let hint = "write `retry = { hours = 12, attempts = 8 }`".to_owned();
        walker.wrong_type(value, "`retry`", "a table", Some(hint));
        return Retry::default();
    };
    let title = format!("`retry` of destination `{destination}`");
    let inner = Section { table, title, place: walker.place(value.span()) };
    walker.unknown_keys(&inner, &["hours", "attempts"]);
    let mut number = |key: &str, most: u64| {
        let value = table.get(key)?;
        let DeValue::Integer(number) = value.get_ref() else {
            walker.wrong_type(value, &format!("`{key}`"), "a whole number", None);
            return None;
        };
        let given = integer(number).and_then(|number| u64::try_from(number).ok());
        if let Some(given) = given.filter(|given| (1..=most).contains(given)) {
            return u32::try_from(given).ok();
        }
        let message = format!("`{key}` of `retry` of destination `{destination}` is not between 1 and {most}");
        let hint = "without the key it is 4 hours and 5 attempts; a member is given up when both are over";
        let place = walker.place(value.span());
        walker.found.push(Diagnostic::error(Code::BadRetry, message).at(&place).hint(hint));
        None
    };
    Retry { hours: number("hours", HOURS_MAX), attempts: number("attempts", ATTEMPTS_MAX) }
}
