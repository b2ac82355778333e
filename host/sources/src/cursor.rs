//! How far a source that is read in increments has come: the greatest value of a column that grows with each change.
//!
//! Invariants: the value that is kept is one of the server's own, with all its digits; it never passes the moment up to
//! which everything that was changed can be seen; rows without a value, and those beyond that moment, are read each time.

use std::cmp::Ordering;

use crate::Error;
use crate::reject::shown;
use enroute_store::warehouse::Value;

/// Time that an increment goes back behind the last value, so that late rows are read: an application may set the
/// moment of a change long before its transaction ends. In seconds.
pub(super) const OVERLAP_S: u32 = 3_600;

/// The same for a cursor that is a number.
pub(super) const OVERLAP_NUMBERS: u32 = 10_000;

/// Longest time between two reads of all, in ms: what was deleted, dated back or restored is seen by these alone.
pub(super) const FULL_EVERY_MS: i64 = 7 * 24 * 3_600_000;

/// What a cursor's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    /// Moments or dates, as texts that sort by time.
    Moments,
    /// Whole numbers.
    Numbers,
}

/// Follows the values of a cursor through a read.
#[derive(Debug, Clone)]
pub(super) struct Follow {
    /// The column's index.
    pub(super) index: usize,
    scale: Option<Scale>,
    /// The moment up to which everything that was changed can be seen; no kept value passes it.
    pub(super) until: Option<String>,
    /// The server's moment.
    pub(super) now: Option<String>,
    greatest: Option<String>,
    /// Rows without a value.
    pub(super) nulls: u64,
    /// Rows beyond `now`.
    pub(super) beyond: u64,
}

impl Follow {
    pub(super) const fn new(index: usize) -> Self {
        Self { index, scale: None, until: None, now: None, greatest: None, nulls: 0, beyond: 0 }
    }

    /// Takes the value of a row.
    pub(super) fn take(&mut self, name: &str, value: Option<&Value<'_>>) -> Result<(), Error> {
        let (scale, text) = match value {
            Some(Value::Number(number)) if is_whole(number) => (Scale::Numbers, number.as_ref()),
            Some(Value::Text(text)) if text.starts_with(|c: char| c.is_ascii_digit()) => {
                (Scale::Moments, text.as_ref())
            }
            Some(Value::Endless) => {
                self.beyond += 1;
                return Ok(());
            }
            Some(Value::Null) | None => {
                self.nulls += 1;
                return Ok(());
            }
            Some(_) => return Err(unfit(name)),
        };
        if *self.scale.get_or_insert(scale) != scale {
            return Err(unfit(name));
        }
        let is_behind = |limit: &Option<String>| {
            scale == Scale::Moments && limit.as_deref().is_some_and(|limit| compare(scale, text, limit).is_gt())
        };
        self.beyond += u64::from(is_behind(&self.now));
        let text = match &self.until {
            Some(until) if is_behind(&self.until) => &shaped(until, text),
            _ => text,
        };
        if self.greatest.as_deref().is_none_or(|greatest| compare(scale, text, greatest).is_gt()) {
            self.greatest = Some(text.to_owned());
        }
        Ok(())
    }

    /// What is kept for the next read, with what was kept before this one.
    pub(super) fn reached(self, before: Option<String>) -> Option<String> {
        let Some(scale) = self.scale else { return before };
        match (self.greatest, before) {
            (Some(now), Some(before)) if compare(scale, &before, &now).is_gt() => Some(before),
            (Some(now), _) => Some(now),
            (None, before) => before,
        }
    }
}

/// A moment as a column writes its own.
fn shaped(moment: &str, like: &str) -> String {
    let plain = moment.trim_end_matches('Z');
    if like.len() <= "2026-03-02".len() {
        return plain.get(.."2026-03-02".len()).unwrap_or(plain).to_owned();
    }
    let separated = if like.contains(' ') { plain.replacen('T', " ", 1) } else { plain.to_owned() };
    if like.ends_with('Z') { format!("{separated}Z") } else { separated }
}

/// The scale of a value that was kept.
pub(super) fn scale(kept: &str) -> Scale {
    if is_whole(kept) { Scale::Numbers } else { Scale::Moments }
}

/// Compares two values of one scale.
pub(super) fn compare(scale: Scale, one: &str, other: &str) -> Ordering {
    match scale {
        Scale::Numbers => one.parse::<i128>().ok().cmp(&other.parse().ok()),
        // A fraction of seconds comes behind none, and would sort before the `Z`.
        Scale::Moments => sortable(one).cmp(&sortable(other)),
    }
}

fn sortable(moment: &str) -> String {
    moment.trim_end_matches('Z').replacen(' ', "T", 1)
}

fn is_whole(number: &str) -> bool {
    let digits = number.strip_prefix('-').unwrap_or(number);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn unfit(name: &str) -> Error {
    let name = shown(name);
    Error::Cursor {
        reason: format!("column `{name}` has values that are neither moments, dates nor whole numbers, or mixes them"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(until: Option<&str>, values: &[Value<'_>], before: Option<&str>) -> (Option<String>, u64, u64) {
        let until = until.map(str::to_owned);
        let mut follow = Follow { until: until.clone(), now: until, ..Follow::new(0) };
        values.iter().for_each(|value| follow.take("at", Some(value)).unwrap());
        let (nulls, beyond) = (follow.nulls, follow.beyond);
        (follow.reached(before.map(str::to_owned)), nulls, beyond)
    }

    fn texts<'a>(texts: &[&'a str]) -> Vec<Value<'a>> {
        texts.iter().map(|&text| Value::Text(text.into())).collect()
    }

    #[test]
    fn the_greatest_value_is_kept_with_all_its_digits() {
        let values = texts(&["2026-03-02T09:15:00Z", "2026-03-02T09:15:00.123456Z", "2026-03-02T09:15:00.12Z"]);
        assert_eq!(follow(None, &values, None).0.unwrap(), "2026-03-02T09:15:00.123456Z");
        assert_eq!(follow(None, &values, Some("2027-01-01T00:00:00Z")).0.unwrap(), "2027-01-01T00:00:00Z");
        let numbers = ["9", "123456789012345678901", "10"].map(|number| Value::Number(number.into()));
        assert_eq!(follow(None, &numbers, Some("11")).0.unwrap(), "123456789012345678901");
    }

    #[test]
    fn a_date_of_the_future_does_not_move_the_cursor() {
        let mut values = texts(&["2026-03-02T09:15:00Z", "2099-01-01T00:00:00Z"]);
        values.extend([Value::Endless, Value::Null]);
        let (kept, nulls, beyond) = follow(Some("2026-03-02T10:00:00.5"), &values, None);
        assert_eq!((kept.unwrap().as_str(), nulls, beyond), ("2026-03-02T10:00:00.5Z", 1, 2));
        let shape = |values: &[&str]| follow(Some("2026-03-02T10:00:00.5"), &texts(values), None).0.unwrap();
        assert_eq!(shape(&["2099-01-01"]), "2026-03-02");
        assert_eq!(shape(&["2026-03-02 10:00:01", "2026-03-02 09:00:00"]), "2026-03-02 10:00:00.5");
        assert_eq!(shape(&["2026-03-02 09:00:00"]), "2026-03-02 09:00:00");
    }

    #[test]
    fn a_read_without_rows_keeps_what_was_kept() {
        assert_eq!(follow(None, &[], Some("7")).0.unwrap(), "7");
        assert_eq!(follow(None, &[Value::Null], Some("7")).0.unwrap(), "7");
    }

    #[test]
    fn what_cannot_be_ordered_is_no_cursor() {
        for value in [Value::Boolean(true), Value::Number("1.5".into()), Value::Text("v7".into())] {
            assert!(Follow::new(0).take("at", Some(&value)).is_err(), "{value:?}");
        }
        let mut mixed = Follow::new(0);
        mixed.take("at", Some(&Value::Number("1".into()))).unwrap();
        assert!(mixed.take("at", Some(&Value::Text("2026-03-02".into()))).is_err());
    }
}
