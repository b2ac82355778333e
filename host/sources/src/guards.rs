//! Whether a read that says to be of everybody can be believed.
//!
//! Pure: counts of this read and of the one before, and no people. What must never happen: somebody is taken as gone
//! because a file was cut off, a query read half of a table, or a column was renamed.

use std::collections::BTreeMap;
use std::fmt;

use crate::reject::shown;

/// Rows at which clients, tools and spreadsheets cut, beside the round numbers.
const LIMITS: [u64; 3] = [65_535, 65_536, 1_048_575];

/// By how much the filled share of a column must have fallen, in percent of the rows, before it counts as emptied.
const FALL_PERCENT: f64 = 20.0;

/// Names that a sentence lists.
const NAMES_SHOWN: usize = 5;

/// What a read of all of a source found.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    /// Rows that are a profile.
    pub(super) rows: u64,
    /// Rows that are none.
    pub(super) rejected: u64,
    /// How many rows had a value in each column.
    pub(super) columns: BTreeMap<String, u64>,
    /// Whether a column without a value is listed all the same.
    pub(super) has_header: bool,
    /// People who were held before and are still there.
    pub(super) still: u64,
    /// People who were held before and are not there.
    pub(super) missing: u64,
    /// The moment that the snapshot is of, in ms since 1970.
    pub(super) as_of_ms: Option<i64>,
}

/// What the read before found.
#[derive(Debug, Clone, Default)]
pub(super) struct Before {
    pub(super) rows: u64,
    pub(super) columns: BTreeMap<String, u64>,
    pub(super) as_of_ms: Option<i64>,
}

/// Why a read is not believed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Guard {
    /// There is nobody in it.
    Empty {
        /// People who would be gone.
        people: u64,
    },
    /// The snapshot is of an earlier moment than the one before.
    Older,
    /// Columns that were there are not.
    Narrower {
        /// Their names.
        columns: Vec<String>,
    },
    /// Columns that were filled are mostly null.
    Emptied {
        /// Their names.
        columns: Vec<String>,
    },
    /// There are as many rows as something cuts at.
    CutAtALimit {
        /// So many.
        rows: u64,
        /// People who would be gone.
        missing: u64,
    },
    /// There are as many unreadable rows as people are missing.
    Unreadable {
        /// So many rows.
        rejected: u64,
        /// People who would be gone.
        missing: u64,
    },
    /// There are about as many people, and most of them have other ids.
    OtherIds {
        /// People who would be gone.
        missing: u64,
        /// People who were held.
        people: u64,
    },
    /// More people are missing than may be.
    Shrunk {
        /// People who would be gone.
        missing: u64,
        /// People who were held.
        people: u64,
        /// The share that may go at once, in percent.
        most: f64,
    },
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty { people } => write!(f, "empty: there is nobody in it, and {people} were there before"),
            Self::Older => f.write_str("older: it is of an earlier moment than the one that was read before"),
            Self::Narrower { columns } => {
                write!(f, "narrower: {} had values and is not there any more", Names(columns))
            }
            Self::Emptied { columns } => {
                write!(f, "emptied: {} had values and is null for most people now", Names(columns))
            }
            Self::CutAtALimit { rows, missing } => write!(
                f,
                "cut at a limit: it has exactly {rows} rows, at which programs cut results off, and {missing} people \
                 are missing"
            ),
            Self::Unreadable { rejected, missing } => write!(
                f,
                "unreadable: {rejected} of its rows are no profile, and {missing} people are missing, so that nobody \
                 can be told to be gone"
            ),
            Self::OtherIds { missing, people } => write!(
                f,
                "other ids: {missing} of {people} people are missing, and about as many came; were ids written in \
                 another way?"
            ),
            Self::Shrunk { missing, people, most } => {
                write!(f, "shrunk: {missing} of {people} people are missing, and {most} % may be at once")
            }
        }
    }
}

/// Looks at a read of everything, whether or not who is missing counts as gone; the first doubt is told.
pub(super) fn look_at_columns(found: &Found, before: &Before) -> Option<Guard> {
    let had_values = before.columns.iter().filter(|(_, filled)| **filled > 0);
    let is_there = |name: &&String| found.columns.contains_key(*name);
    let absent: Vec<String> =
        had_values.clone().map(|(name, _)| name).filter(|name| !is_there(name)).cloned().collect();
    if !absent.is_empty() && (found.has_header || found.rows > 0) {
        return Some(Guard::Narrower { columns: absent });
    }
    let emptied: Vec<String> = had_values
        .filter(|(name, then)| {
            let (then, now) =
                (share(**then, before.rows), share(found.columns.get(*name).copied().unwrap_or(0), found.rows));
            then > 50.0 && now < 50.0 && then - now >= FALL_PERCENT
        })
        .map(|(name, _)| name.clone())
        .collect();
    (found.rows > 0 && !emptied.is_empty()).then_some(Guard::Emptied { columns: emptied })
}

/// Looks at a read in which who is missing counts as gone; the first doubt is told.
pub(super) fn look(found: &Found, before: &Before, remove_max_percent: f64) -> Option<Guard> {
    let (missing, people) = (found.missing, found.missing + found.still);
    if found.rows == 0 && people > 0 {
        return Some(Guard::Empty { people });
    }
    if let (Some(now), Some(then)) = (found.as_of_ms, before.as_of_ms)
        && now < then
    {
        return Some(Guard::Older);
    }
    if let Some(guard) = look_at_columns(found, before) {
        return Some(guard);
    }
    if missing == 0 {
        return None;
    }
    if is_limit(found.rows + found.rejected) {
        return Some(Guard::CutAtALimit { rows: found.rows + found.rejected, missing });
    }
    if found.rejected >= missing {
        return Some(Guard::Unreadable { rejected: found.rejected, missing });
    }
    let is_about_as_large = found.rows.saturating_mul(2) >= people && found.rows <= people.saturating_mul(2);
    if is_about_as_large && found.still.saturating_mul(2) < people {
        return Some(Guard::OtherIds { missing, people });
    }
    (share(missing, people) > remove_max_percent).then_some(Guard::Shrunk { missing, people, most: remove_max_percent })
}

/// 100, 200, 500, 1,000 and so on, and what spreadsheets hold.
fn is_limit(rows: u64) -> bool {
    let mut digits = rows;
    while digits > 0 && digits.is_multiple_of(10) {
        digits /= 10;
    }
    (rows >= 100 && matches!(digits, 1 | 2 | 5)) || LIMITS.contains(&rows)
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows lie far below 2^52")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

struct Names<'a>(&'a [String]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().take(NAMES_SHOWN).enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}`{}`", shown(name))?;
        }
        if self.0.len() > NAMES_SHOWN { f.write_str(", …") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(columns: &[(&str, u64)]) -> BTreeMap<String, u64> {
        columns.iter().map(|&(name, filled)| (name.to_owned(), filled)).collect()
    }

    /// A read of `rows` rows in which so many of before are still there and missing.
    fn found(rows: u64, still: u64, missing: u64) -> Found {
        Found { rows, still, missing, has_header: true, columns: columns(&[("email", rows)]), ..Found::default() }
    }

    fn before(rows: u64) -> Before {
        Before { rows, columns: columns(&[("email", rows)]), as_of_ms: Some(5) }
    }

    #[track_caller]
    fn check(found: &Found, before: &Before, expect: &str) {
        let told = look(found, before, 25.0).map_or_else(|| "fine".to_owned(), |guard| guard.to_string());
        assert!(told.starts_with(expect), "{told}");
    }

    #[test]
    fn a_read_that_is_much_as_the_one_before_is_believed() {
        check(&found(1_013, 990, 10), &before(1_000), "fine");
        check(&found(0, 0, 0), &Before::default(), "fine");
        check(&found(3, 3, 0), &before(3), "fine");
        check(&Found { as_of_ms: Some(5), ..found(990, 990, 10) }, &before(1_000), "fine");
    }

    #[test]
    fn a_read_with_nobody_in_it_is_empty() {
        check(&found(0, 0, 3), &before(3), "empty: there is nobody in it, and 3 were there before");
    }

    #[test]
    fn a_read_that_lost_many_has_shrunk() {
        check(&found(601, 601, 399), &before(1_000), "shrunk: 399 of 1000 people are missing, and 25 % may be at once");
        check(&found(3, 3, 1), &before(4), "fine");
        check(&found(2, 2, 1), &before(3), "shrunk");
    }

    #[test]
    fn a_read_of_as_many_with_other_ids_is_not_believed() {
        check(&found(999, 10, 990), &before(1_000), "other ids: 990 of 1000 people are missing");
    }

    #[test]
    fn a_round_number_of_rows_is_where_programs_cut() {
        for rows in [100, 200, 500, 1_000, 65_535, 1_048_575, 2_000_000] {
            check(&found(rows, rows, 1), &before(rows + 1), "cut at a limit");
            check(&found(rows, rows, 0), &before(rows), "fine");
        }
        for rows in [50, 300, 1_001, 65_534] {
            check(&found(rows, rows, 1), &before(rows + 1), "fine");
        }
    }

    #[test]
    fn rows_that_cannot_be_read_may_be_those_who_are_missing() {
        check(&Found { rejected: 2, ..found(97, 97, 2) }, &before(99), "unreadable: 2 of its rows are no profile");
        check(&Found { rejected: 2, ..found(97, 97, 3) }, &before(99), "fine");
    }

    #[test]
    fn a_column_that_is_lost_or_emptied_is_told() {
        let lost = Found { columns: columns(&[("plan", 9)]), ..found(9, 9, 0) };
        check(&lost, &before(9), "narrower: `email` had values and is not there any more");
        let emptied = Found { columns: columns(&[("email", 3)]), ..found(9, 9, 0) };
        check(&emptied, &before(9), "emptied: `email` had values and is null for most people now");
        let drift = Found { columns: columns(&[("email", 49)]), ..found(99, 99, 0) };
        let half = Before { columns: columns(&[("email", 51)]), ..before(99) };
        check(&drift, &half, "fine");
        let never = Before { columns: columns(&[("email", 9), ("fax", 0)]), ..before(9) };
        check(&found(9, 9, 0), &never, "fine");
    }

    #[test]
    fn a_snapshot_does_not_go_back_in_time() {
        check(&Found { as_of_ms: Some(4), ..found(9, 9, 0) }, &before(9), "older");
    }
}
