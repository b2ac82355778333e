//! Who may ask a running host what: tokens with a role, and the logins made with them.
//!
//! Neither a token nor a login's cookie is kept: only a keyed hash, by which it is found again. What must never happen:
//! a login that outlives its token.

use rusqlite::{OptionalExtension as _, Row, params};

use crate::seal::HASH_BYTES;
use crate::{Error, Look, Transaction};

/// What somebody may do. Each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Looks at everything, with values masked.
    Viewer,
    /// Changes what is sent, and may see values.
    Operator,
    /// Also gives tokens, locks plugins and forgets people.
    Admin,
}

impl Role {
    /// Every role, the least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// The role with this word.
    ///
    /// ```
    /// use enroute_store::access::Role;
    /// assert_eq!(Role::parse("operator"), Some(Role::Operator));
    /// assert_eq!(Role::parse("root"), None);
    /// ```
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }
}

/// A token, without what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its number.
    pub id: i64,
    /// What people call it.
    pub name: String,
    /// What it is good for.
    pub role: Role,
    /// Milliseconds since 1970, as all moments here.
    pub created_ms: u64,
    /// From when on it is good for nothing.
    pub expires_ms: Option<u64>,
    /// When it was used last, to the minute.
    pub used_ms: Option<u64>,
    /// When it was taken back.
    pub revoked_ms: Option<u64>,
}

impl Token {
    /// Whether it is good for anything at this moment.
    #[must_use]
    pub fn is_good(&self, now_ms: u64) -> bool {
        self.revoked_ms.is_none() && self.expires_ms.is_none_or(|end_ms| now_ms < end_ms)
    }
}

const COLUMNS: &str = "id, name, role, created_ms, expires_ms, used_ms, revoked_ms";

fn token(row: &Row<'_>) -> rusqlite::Result<Token> {
    let moment = |at| row.get::<_, Option<i64>>(at).map(|ms| ms.map(i64::cast_unsigned));
    let role: String = row.get(2)?;
    Ok(Token {
        id: row.get(0)?,
        name: row.get(1)?,
        // A role that nobody knows any more may do least.
        role: Role::parse(&role).unwrap_or(Role::Viewer),
        created_ms: row.get::<_, i64>(3)?.cast_unsigned(),
        expires_ms: moment(4)?,
        used_ms: moment(5)?,
        revoked_ms: moment(6)?,
    })
}

/// Keeps a new token; nothing where a token that is not revoked has the name.
///
/// # Errors
/// When the store cannot be written.
pub fn add(
    tx: &Transaction<'_>,
    name: &str,
    role: Role,
    hash: &[u8; HASH_BYTES],
    (now_ms, expires_ms): (u64, Option<u64>),
) -> Result<Option<Token>, Error> {
    let connection = tx.connection();
    let taken: Option<Option<i64>> = connection
        .prepare_cached("select revoked_ms from api_token where name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    match taken {
        Some(None) => return Ok(None),
        Some(Some(revoked_ms)) => {
            let earlier = format!("{name} (revoked {revoked_ms})");
            connection.execute("update api_token set name = ?2 where name = ?1", (name, earlier))?;
        }
        None => {}
    }
    let (now, expires) = (now_ms.cast_signed(), expires_ms.map(u64::cast_signed));
    connection
        .prepare_cached("insert into api_token (name, role, hash, created_ms, expires_ms) values (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![name, role.word(), hash, now, expires])?;
    let id = connection.last_insert_rowid();
    let sql = format!("select {COLUMNS} from api_token where id = ?1");
    Ok(Some(connection.prepare_cached(&sql)?.query_row([id], token)?))
}

/// Takes a token back, and every login made with it; tells whether one of this name was good before.
///
/// # Errors
/// When the store cannot be written.
pub fn revoke(tx: &Transaction<'_>, name: &str, now_ms: u64) -> Result<bool, Error> {
    let sql = "update api_token set revoked_ms = ?2 where name = ?1 and revoked_ms is null";
    let changed = tx.connection().prepare_cached(sql)?.execute((name, now_ms.cast_signed()))?;
    let sql = "delete from api_session where token in (select id from api_token where revoked_ms is not null)";
    tx.connection().execute(sql, ())?;
    Ok(changed > 0)
}

/// Every token, the newest first.
///
/// # Errors
/// When the store cannot be read.
pub fn all(from: &impl Look) -> Result<Vec<Token>, Error> {
    let sql = format!("select {COLUMNS} from api_token order by revoked_ms is not null, id desc");
    let mut statement = from.connection().prepare_cached(&sql)?;
    Ok(statement.query_map((), token)?.collect::<Result<_, _>>()?)
}

/// The token with this hash, whether it is good or not.
///
/// # Errors
/// When the store cannot be read.
pub fn by_hash(from: &impl Look, hash: &[u8; HASH_BYTES]) -> Result<Option<Token>, Error> {
    let sql = format!("select {COLUMNS} from api_token where hash = ?1");
    Ok(from.connection().prepare_cached(&sql)?.query_row([hash], token).optional()?)
}

/// Notes that a token was used.
///
/// # Errors
/// When the store cannot be written.
pub fn used(tx: &Transaction<'_>, token: i64, now_ms: u64) -> Result<(), Error> {
    let sql = "update api_token set used_ms = ?2 where id = ?1";
    tx.connection().prepare_cached(sql)?.execute((token, now_ms.cast_signed()))?;
    Ok(())
}

/// Begins a login with a token, and drops those that have ended.
///
/// # Errors
/// When the store cannot be written.
pub fn log_in(
    tx: &Transaction<'_>,
    hash: &[u8; HASH_BYTES],
    token: i64,
    (now_ms, expires_ms): (u64, u64),
) -> Result<(), Error> {
    tx.connection().execute("delete from api_session where expires_ms <= ?1", [now_ms.cast_signed()])?;
    let sql = "insert into api_session (hash, token, expires_ms) values (?1, ?2, ?3)";
    tx.connection().prepare_cached(sql)?.execute(params![hash, token, expires_ms.cast_signed()])?;
    Ok(())
}

/// Ends a login.
///
/// # Errors
/// When the store cannot be written.
pub fn log_out(tx: &Transaction<'_>, hash: &[u8; HASH_BYTES]) -> Result<(), Error> {
    tx.connection().prepare_cached("delete from api_session where hash = ?1")?.execute([hash])?;
    Ok(())
}

/// The token of a login that has not ended.
///
/// # Errors
/// When the store cannot be read.
pub fn by_login(from: &impl Look, hash: &[u8; HASH_BYTES], now_ms: u64) -> Result<Option<Token>, Error> {
    let sql = format!(
        "select {COLUMNS} from api_token
         where id = (select token from api_session where hash = ?1 and expires_ms > ?2)"
    );
    let found = from.connection().prepare_cached(&sql)?.query_row((hash, now_ms.cast_signed()), token).optional()?;
    Ok(found.filter(|token| token.is_good(now_ms)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::TestStore;

    #[test]
    fn a_login_ends_with_its_token_and_a_name_is_free_again() {
        let store = TestStore::new();
        let made =
            store.write_blocking(|tx| add(tx, "ann", Role::Operator, &[1; HASH_BYTES], (10, Some(100)))).unwrap();
        let made = made.unwrap();
        store.write_blocking(move |tx| log_in(tx, &[9; HASH_BYTES], made.id, (20, 500))).unwrap();
        let role = |now_ms| {
            let reader = store.reader().unwrap();
            by_login(&reader, &[9; HASH_BYTES], now_ms).unwrap().map(|token| token.role)
        };
        assert_eq!([role(50), role(100)], [Some(Role::Operator), None], "the token ends before the login");
        let again = store.write_blocking(|tx| add(tx, "ann", Role::Admin, &[2; HASH_BYTES], (30, None))).unwrap();
        assert_eq!(again, None, "the name is taken");
        assert!(store.write_blocking(|tx| revoke(tx, "ann", 60)).unwrap());
        assert_eq!(role(70), None);
        let again = store.write_blocking(|tx| add(tx, "ann", Role::Admin, &[2; HASH_BYTES], (80, None))).unwrap();
        assert_eq!(again.map(|token| (token.name, token.role)), Some(("ann".to_owned(), Role::Admin)));
        assert_eq!(all(&store.reader().unwrap()).unwrap().len(), 2);
    }
}
