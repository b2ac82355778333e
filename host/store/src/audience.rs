//! Who belongs to an audience: the operator's condition, evaluated over all profiles.
//!
//! The condition is SQL that we did not write. It runs on a connection of its own that reads the view
//! `profiles`, computes, and does nothing else (`guard`), within a time.

use std::time::Duration;

use roaring::RoaringBitmap;
use rusqlite::{Connection, ErrorCode};

use crate::guard::{self, Watch};
use crate::sql_text::{self, Flaw};
use crate::{Error, Reader, connect, schema};

/// Longest condition. Lists of thousands of ids belong into a trait.
pub const CONDITION_BYTES_MAX: usize = 64 << 10;

/// Time for one audience, unless said otherwise. Ten million profiles take some four seconds.
pub const WALL: Duration = Duration::from_secs(120);

/// Profiles that a condition is tried on where it is only checked.
const PROFILES_CHECKED: u32 = 1_000;

/// Time for that.
const CHECK_WALL: Duration = Duration::from_secs(10);

const BEFORE: &str = "select _n from profiles where (\n";
const AFTER: &str = "\n)";

/// What an evaluation may use.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Time from beginning to end.
    pub wall: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { wall: WALL }
    }
}

/// Whether an equal condition over equal profiles can give another result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Volatile {
    /// It cannot; the members may be kept for as long as no profile changes.
    No,
    /// It may look at the clock or at chance, and must be evaluated each time.
    Yes,
}

/// The members of an audience at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Their dense numbers.
    pub members: RoaringBitmap,
    /// Whether the members may be kept.
    pub volatile: Volatile,
    /// The store revision that they are of.
    pub revision: i64,
}

/// Why a condition has no result.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum AudienceError {
    /// It cannot be understood.
    #[error("{message}")]
    Condition {
        /// What is wrong, in SQLite's words or ours.
        message: String,
        /// The byte of the condition where that is, if it is known.
        offset: Option<usize>,
    },
    /// It does what conditions must not do.
    #[error("{what}")]
    Denied {
        /// What it is, and what to do instead.
        what: String,
    },
    /// It is longer than [`CONDITION_BYTES_MAX`].
    #[error("the condition has {bytes} bytes, and {CONDITION_BYTES_MAX} is the most")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It took too long.
    #[error("the condition took longer than {} s and was stopped", wall.as_secs_f64())]
    Timeout {
        /// The time that it had.
        wall: Duration,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Error),
}

/// Evaluates a condition over all profiles.
///
/// Takes its own connection, and a while: not to be called from async code.
///
/// # Errors
///
/// [`AudienceError`] says what is wrong with the condition, and where.
pub fn evaluate(reader: &Reader, condition: &str, limits: Limits) -> Result<Evaluation, AudienceError> {
    let (connection, watch, revision) = open(reader, condition, limits)?;
    let members = run(&connection, condition).map_err(|error| explain(error, condition, &watch, limits, reader))?;
    let volatile = if watch.is_volatile() { Volatile::Yes } else { Volatile::No };
    Ok(Evaluation { members, volatile, revision })
}

/// Which of these profiles a condition that looks at one profile at a time is true of.
///
/// # Errors
///
/// As [`evaluate`].
pub(super) fn evaluate_of(
    reader: &Reader,
    condition: &str,
    profiles: &RoaringBitmap,
    limits: Limits,
) -> Result<RoaringBitmap, AudienceError> {
    if profiles.is_empty() {
        return Ok(RoaringBitmap::new());
    }
    let (connection, watch, _) = open(reader, condition, limits)?;
    let look = || {
        let mut statement = connection.prepare(&format!("{BEFORE}{condition}{AFTER} and _n = ?1"))?;
        let mut found = RoaringBitmap::new();
        for profile in profiles {
            if statement.exists([profile])? {
                found.insert(profile);
            }
        }
        Ok(found)
    };
    look().map_err(|error| explain(error, condition, &watch, limits, reader))
}

/// Whether a condition is true of one profile.
///
/// Takes its own connection: not to be called from async code.
///
/// # Errors
///
/// As [`evaluate`].
pub fn holds_of(reader: &Reader, condition: &str, profile: u32, limits: Limits) -> Result<bool, AudienceError> {
    let (connection, watch, _) = open(reader, condition, limits)?;
    let looked = connection
        .prepare(&format!("{BEFORE}{condition}{AFTER} and _n = ?1"))
        .and_then(|mut statement| statement.exists([profile]));
    looked.map_err(|error| explain(error, condition, &watch, limits, reader))
}

/// Whether a condition can be evaluated: it is, over the first profiles, so that what only values show is found too.
///
/// Takes its own connection, and a while: not to be called from async code.
///
/// # Errors
///
/// [`AudienceError`] says what is wrong with it, and where. That it takes long is no mistake here.
pub fn check(reader: &Reader, condition: &str) -> Result<(), AudienceError> {
    let limits = Limits { wall: CHECK_WALL };
    let (connection, watch, _) = open(reader, condition, limits)?;
    let text = format!("{BEFORE}{condition}{AFTER} and _n <= {PROFILES_CHECKED}");
    let looked = connection.prepare(&text).and_then(|mut statement| {
        let mut rows = statement.query(())?;
        while rows.next()?.is_some() {}
        Ok(())
    });
    match looked.map_err(|error| explain(error, condition, &watch, limits, reader)) {
        Err(AudienceError::Timeout { .. }) => Ok(()),
        looked => looked,
    }
}

/// A connection that may do no more than evaluate a condition, at one moment of the store.
fn open(reader: &Reader, condition: &str, limits: Limits) -> Result<(Connection, Watch, i64), AudienceError> {
    if condition.len() > CONDITION_BYTES_MAX {
        return Err(AudienceError::TooLong { bytes: condition.len() });
    }
    sql_text::check(condition).map_err(|Flaw { offset, message }| AudienceError::Condition {
        message: message.to_owned(),
        offset: Some(offset),
    })?;
    let mut connection = connect::reader(&reader.path, &reader.sealer).map_err(|error| error.at(&reader.path))?;
    let (revision, watch) = prepare(&mut connection, limits).map_err(|error| error.at(&reader.path))?;
    Ok((connection, watch, revision))
}

/// Takes the moment that is looked at, then gives up all other rights.
fn prepare(connection: &mut Connection, limits: Limits) -> Result<(i64, Watch), Error> {
    // Never ended: closing the connection does that, and the guard lets no statement do it.
    connection.execute_batch("begin")?;
    let revision = schema::revision(connection)?;
    Ok((revision, guard::restrict(connection, limits.wall)?))
}

fn run(connection: &Connection, condition: &str) -> Result<RoaringBitmap, rusqlite::Error> {
    let mut statement = connection.prepare(&format!("{BEFORE}{condition}{AFTER}"))?;
    statement.query_map((), |row| row.get::<_, u32>(0))?.collect()
}

fn explain(error: rusqlite::Error, condition: &str, watch: &Watch, limits: Limits, reader: &Reader) -> AudienceError {
    if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) {
        return AudienceError::Timeout { wall: limits.wall };
    }
    if let Some(what) = watch.denied() {
        return AudienceError::Denied { what };
    }
    match error {
        rusqlite::Error::SqlInputError { msg, offset, .. } => {
            let offset = usize::try_from(offset).ok().and_then(|offset| offset.checked_sub(BEFORE.len()));
            if offset.is_some_and(|offset| offset >= condition.len()) {
                let message = "the condition ends too early".to_owned();
                return AudienceError::Condition { message, offset: Some(condition.len()) };
            }
            AudienceError::Condition { message: msg, offset }
        }
        // What SQLite notices while it runs, such as a bad path; other codes are about the file.
        rusqlite::Error::SqliteFailure(cause, Some(message))
            if matches!(cause.code, ErrorCode::Unknown | ErrorCode::TooBig | ErrorCode::TypeMismatch) =>
        {
            AudienceError::Condition { message, offset: None }
        }
        error => AudienceError::Store(reader.explain(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{TestStore, line};

    fn people() -> TestStore {
        TestStore::with(&[
            line("u1", r#"{"plan": "gold", "ltv": 450.0, "tags": ["a", "b"], "since": "2024-05-01"}"#),
            line("u2", r#"{"plan": "free", "ltv": 12}"#),
            line("u3", r#"{"plan": null}"#),
            line("u4", "{}"),
        ])
    }

    fn evaluate_in(store: &TestStore, condition: &str) -> Result<Evaluation, AudienceError> {
        evaluate(&store.reader().unwrap(), condition, Limits::default())
    }

    #[track_caller]
    fn check(condition: &str, expect: &str) {
        let got = match evaluate_in(&people(), condition) {
            Ok(found) => format!("{:?} {:?}", found.volatile, found.members.iter().collect::<Vec<_>>()),
            Err(AudienceError::Condition { message, offset }) => format!("{offset:?} {message}"),
            Err(error) => error.to_string(),
        };
        assert_eq!(got, expect, "{condition}");
    }

    #[test]
    fn a_condition_chooses_profiles_by_their_values() {
        check("traits ->> 'plan' = 'gold' and traits ->> 'ltv' > 400", "No [1]");
        check("traits ->> '$.plan' in ('gold', 'free')", "No [1, 2]");
        check("traits -> 'plan' = 'null'", "No [3]");
        check("json_type(traits, '$.plan') is null", "No [4]");
        check("exists (select 1 from json_each(traits, '$.tags') where value = 'b')", "No [1]");
        check("id like 'U%' and upper(id) glob 'U[34]'", "No [3, 4]");
        check("identifiers is null and context is null and _n <= 2", "No [1, 2]");
        check(
            "id in (with gold as (select id from profiles where traits ->> 'plan' = 'gold') select id from gold)",
            "No [1]",
        );
        check("(with all_of (n) as (select id from profiles) select count(*) from all_of) = 4", "No [1, 2, 3, 4]");
        check("traits ->> 'ltv' > (select avg(traits ->> 'ltv') from profiles)", "No [1]");
        check("0 -- nobody", "No []");
    }

    #[test]
    fn a_condition_on_the_clock_or_on_chance_is_volatile() {
        check("traits ->> 'since' < date('now', '-1 day')", "Yes [1]");
        check("traits ->> 'since' < current_date", "Yes [1]");
        check("random() is not null", "Yes [1, 2, 3, 4]");
        check("traits ->> 'since' < '2025'", "No [1]");
    }

    #[test]
    fn an_evaluation_tells_the_revision_that_it_is_of() {
        let store = people();
        let before = evaluate_in(&store, "1").unwrap().revision;
        store.put(&[line("u5", "{}")]);
        let after = evaluate_in(&store, "1").unwrap();
        assert_eq!((after.revision, after.members.len()), (before + 1, 5));
    }

    #[test]
    fn an_error_says_where_it_is() {
        check("traits ->> 'plan' = = 1", "Some(20) near \"=\": syntax error");
        check("plan = 'gold'", "Some(0) no such column: plan");
        check(
            "traits ->> 'plan' = \"gold\"",
            "Some(20) no such column: \"gold\" - should this be a string literal in single-quotes?",
        );
        check("traits ->> 'plan' =", "Some(19) the condition ends too early");
        check("", "Some(0) the condition ends too early");
        check("nope(1)", "Some(0) no such function: nope");
        check("traits ->> 'a", "Some(11) a text in single quotes is not closed");
        check("json_extract(traits, 'x y') = 1", "None bad JSON path: 'x y'");
        check("1 limit 5", "Some(2) near \"limit\": syntax error");
        check("sum(1) > 2", "Some(0) misuse of aggregate function sum()");
    }

    #[test]
    fn a_condition_can_be_checked_without_evaluating_it_for_everybody() {
        let store = people();
        let check =
            |condition: &str| super::check(&store.reader().unwrap(), condition).map_err(|error| error.to_string());
        assert_eq!(check("traits ->> 'plan' = 'gold'"), Ok(()));
        let path = "json_extract(traits, 'x y') = 1";
        assert_eq!(check(path), Err("bad JSON path: 'x y'".to_owned()), "only values show it");
        assert_eq!(check("traits ->> 'plan' ="), Err("the condition ends too early".to_owned()));
        assert_eq!(check("plan = 'gold'"), Err("no such column: plan".to_owned()));
        assert_eq!(check("1) or (1"), Err("`)` closes nothing".to_owned()));
        let denied = "`held` is not open to audiences; use `profiles`";
        assert_eq!(check("exists (select * from held)"), Err(denied.to_owned()));
    }

    #[test]
    fn a_condition_reads_the_view_and_nothing_else() {
        let table = |name: &str| format!("`{name}` is not open to audiences; use `profiles`");
        for name in ["held", "meta", "sqlite_master", "import_rejection", "connection"] {
            check(&format!("exists (select * from {name})"), &table(name));
            check(&format!("(select count(*) from {name}) > 0"), &table(name));
            check(&format!("(select 1 from {name} as profiles) > 0"), &table(name));
        }
        check("(select key from profile) is null", &table("profile"));
        check("(select hash from profile as profiles) is null", &table("profile"));
        check("(select rowid from profile) is null", &table("profile"));
        check("(with profiles as (select hash from profile) select max(hash) from profiles) > ''", &table("profile"));
        check("(select max(consent) from (select consent from profile) as profiles) > ''", &table("profile"));
        check("(select 1 from pragma_table_info('held'))", &table("pragma_table_info"));
        check("(select sql from sqlite_schema) > ''", &table("sqlite_master"));
        check("(select hash from profile) > ''", &table("profile"));
        check("(select consent from profiles) > ''", "Some(8) no such column: consent");
    }

    #[test]
    fn a_condition_computes_and_nothing_else() {
        let function = |name: &str| format!("the function `{name}` is not one that audiences may use");
        check("load_extension('x')", &function("load_extension"));
        check("zeroblob(1000000000) is null", &function("zeroblob"));
        check("randomblob(1000) is null", &function("randomblob"));
        check("sqlite_version() = ''", &function("sqlite_version"));
        check("fts3_tokenizer('x') = ''", &function("fts3_tokenizer"));
        check("writefile('x', 'y')", "Some(0) no such function: writefile");
        check("1; delete from profile", "Some(1) `;` ends a statement; a condition is only a part of one");
        check("1) union select 5 from profiles where (1", "Some(1) `)` closes nothing");
        check("delete from profile", "Some(0) near \"delete\": syntax error");
        check("attach 'x' as y", "Some(7) near \"'x'\": syntax error");
        check("1 in (delete from profile returning id)", "Some(6) near \"delete\": syntax error");
        check(
            "(with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n) > 0",
            "a recursive query is more than audiences may use",
        );
    }

    #[test]
    fn a_condition_has_limits() {
        let long = format!("1 = {}", "1".repeat(CONDITION_BYTES_MAX));
        check(&long, "the condition has 65540 bytes, and 65536 is the most");
        let deep = format!("{}1{}", "(".repeat(10_000), ")".repeat(10_000));
        assert!(matches!(evaluate_in(&people(), &deep), Err(AudienceError::Condition { .. })));
        let compound = ["select 1"; 12].join(" union all ");
        check(&format!("1 in ({compound})"), "None too many terms in compound SELECT");
        check("length(replace(format('%10000000s', ''), ' ', 'xx')) > 0", "None string or blob too big");
    }

    #[test]
    fn a_condition_that_takes_too_long_is_stopped() {
        let store = TestStore::with(&(0..200).map(|i| line(&format!("u{i}"), "{}")).collect::<Vec<_>>());
        let condition = "(select count(*) from profiles a, profiles b, profiles c, profiles d, profiles e) > 0";
        let limits = Limits { wall: Duration::from_millis(20) };
        let result = evaluate(&store.reader().unwrap(), condition, limits);
        assert_eq!(result.unwrap_err().to_string(), "the condition took longer than 0.02 s and was stopped");
    }
}
