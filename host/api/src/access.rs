//! Who asks: tokens, logins of browsers, and what comes of wrong ones.
//!
//! A token is 32 random bytes in hex behind `ert_`, shown once; a login's cookie is the same behind `erl_`. Both are kept as
//! keyed hashes. Wrong ones are counted by address: after ten of them within a minute, further ones from there are told to
//! wait until the minute is over. A good one is always let in: behind a proxy all have one address, and nobody may lock
//! out the others.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, header};
use enroute_store::access::{self, Role, Token};
use enroute_store::audit;
use enroute_store::seal::HASH_BYTES;
use enroute_store::{Sealer, Store};

use crate::problem::Problem;

/// How long a login lasts.
pub const LOGIN_MS: u64 = 12 * 60 * 60 * 1000;
/// Wrong tokens that an address may send in [`WINDOW_MS`].
const WRONG_MAX: u32 = 10;
const WINDOW_MS: u64 = 60_000;
/// Addresses that are remembered; beyond it the oldest are forgotten.
const ADDRESSES_MAX: usize = 10_000;
/// The use of a token is noted at most so often.
const NOTED_MS: u64 = 60_000;

/// Somebody who may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The token's number.
    pub token: i64,
    /// Its name.
    pub name: String,
    /// What it is good for.
    pub role: Role,
    /// Where the request came from.
    pub source: String,
}

impl Caller {
    /// Goes on only with this role, or one that reaches further.
    ///
    /// # Errors
    /// [`Problem::Forbidden`].
    pub fn needs(&self, role: Role) -> Result<(), Problem> {
        if self.role >= role { Ok(()) } else { Err(Problem::Forbidden(role)) }
    }
}

/// Whether a page of another site sends this: its `Origin`, where it has one, is not the host that it asks.
#[must_use]
pub fn is_foreign(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    headers.get_all(header::ORIGIN).iter().any(|origin| {
        let asks = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
        !asks.is_some_and(|(_, from)| from.eq_ignore_ascii_case(host))
    })
}

/// A new secret text of ours: a prefix that says what it is, and 32 random bytes in hex.
///
/// # Errors
/// When the system has no random bytes.
pub fn secret(prefix: &str) -> Result<String, Problem> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| Problem::Failed(format!("no random bytes: {error}")))?;
    Ok(bytes.iter().fold(prefix.to_owned(), |text, byte| format!("{text}{byte:02x}")))
}

/// What a token is kept by.
#[must_use]
pub fn token_hash(sealer: &Sealer, token: &str) -> [u8; HASH_BYTES] {
    sealer.keyed_hash("api token", token.as_bytes())
}

fn login_hash(sealer: &Sealer, cookie: &str) -> [u8; HASH_BYTES] {
    sealer.keyed_hash("api login", cookie.as_bytes())
}

/// The door: it knows tokens and logins, and who knocked too often.
#[derive(Debug, Clone)]
pub struct Door {
    store: Arc<Store>,
    wrong: Arc<Mutex<HashMap<IpAddr, (u64, u32)>>>,
}

impl Door {
    /// The door of a store.
    #[must_use]
    pub fn new(store: Arc<Store>) -> Self {
        Self { store, wrong: Arc::default() }
    }

    fn wrong(&self) -> std::sync::MutexGuard<'_, HashMap<IpAddr, (u64, u32)>> {
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has an address wait that sent too many wrong tokens.
    fn look_at(&self, address: IpAddr, now_ms: u64) -> Result<(), Problem> {
        match self.wrong().get(&address) {
            Some((since_ms, times)) if *times >= WRONG_MAX && now_ms.saturating_sub(*since_ms) < WINDOW_MS => {
                let left_ms = WINDOW_MS - now_ms.saturating_sub(*since_ms);
                Err(Problem::TooMany(left_ms.div_ceil(1_000).max(1)))
            }
            _ => Ok(()),
        }
    }

    fn was_wrong(&self, address: IpAddr, now_ms: u64) {
        let mut wrong = self.wrong();
        if wrong.len() >= ADDRESSES_MAX {
            wrong.retain(|_, (since_ms, _)| now_ms.saturating_sub(*since_ms) < WINDOW_MS);
            if wrong.len() >= ADDRESSES_MAX {
                wrong.clear();
            }
        }
        let seen = wrong.entry(address).or_insert((now_ms, 0));
        if now_ms.saturating_sub(seen.0) >= WINDOW_MS {
            *seen = (now_ms, 0);
        }
        seen.1 += 1;
    }

    /// Who has this token. Blocks on the disk.
    ///
    /// # Errors
    /// [`Problem::Unauthorized`], [`Problem::TooMany`], or a store that fails.
    pub fn by_token(&self, token: &str, address: IpAddr, now_ms: u64) -> Result<Caller, Problem> {
        let found = access::by_hash(&self.store.reader()?, &token_hash(self.store.sealer(), token))?;
        let Some(found) = found.filter(|found| found.is_good(now_ms)) else {
            self.look_at(address, now_ms)?;
            self.was_wrong(address, now_ms);
            return Err(Problem::Unauthorized);
        };
        self.note_use(&found, now_ms)?;
        Ok(caller(found, address))
    }

    /// Who has this login. Blocks on the disk.
    ///
    /// # Errors
    /// [`Problem::Unauthorized`], or a store that fails.
    pub fn by_login(&self, cookie: &str, address: IpAddr, now_ms: u64) -> Result<Caller, Problem> {
        let hash = login_hash(self.store.sealer(), cookie);
        let found = access::by_login(&self.store.reader()?, &hash, now_ms)?.ok_or(Problem::Unauthorized)?;
        self.note_use(&found, now_ms)?;
        Ok(caller(found, address))
    }

    fn note_use(&self, token: &Token, now_ms: u64) -> Result<(), Problem> {
        if token.used_ms.is_none_or(|used_ms| now_ms.saturating_sub(used_ms) >= NOTED_MS) {
            let id = token.id;
            self.store.write_blocking(move |tx| access::used(tx, id, now_ms))?;
        }
        Ok(())
    }

    /// Whether this token is still good. Blocks on the disk.
    ///
    /// # Errors
    /// When the store fails.
    pub fn is_good(&self, token: i64, now_ms: u64) -> Result<bool, Problem> {
        let all = access::all(&self.store.reader()?)?;
        Ok(all.into_iter().any(|one| one.id == token && one.is_good(now_ms)))
    }

    /// Begins a login with a token; returns its cookie. Blocks on the disk.
    ///
    /// # Errors
    /// As [`Self::by_token`].
    pub fn log_in(&self, token: &str, address: IpAddr, now_ms: u64) -> Result<(String, Caller), Problem> {
        let caller = self.by_token(token, address, now_ms)?;
        let cookie = secret("erl_")?;
        let (hash, id) = (login_hash(self.store.sealer(), &cookie), caller.token);
        self.store.write_blocking(move |tx| access::log_in(tx, &hash, id, (now_ms, now_ms + LOGIN_MS)))?;
        Ok((cookie, caller))
    }

    /// Ends a login. Blocks on the disk.
    ///
    /// # Errors
    /// When the store fails.
    pub fn log_out(&self, cookie: &str) -> Result<(), Problem> {
        let hash = login_hash(self.store.sealer(), cookie);
        Ok(self.store.write_blocking(move |tx| access::log_out(tx, &hash))?)
    }

    /// A text that only the holder of this login can know, for forms.
    #[must_use]
    pub fn form_key(&self, cookie: &str) -> String {
        let hash = self.store.sealer().keyed_hash("form", cookie.as_bytes());
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn caller(token: Token, address: IpAddr) -> Caller {
    Caller { token: token.id, name: token.name, role: token.role, source: address.to_string() }
}

/// Makes a token; what it is is in the answer and nowhere else. Blocks on the disk.
///
/// # Errors
/// [`Problem::Invalid`] where the name is taken or no name, or a store that fails.
pub fn new_token(
    store: &Store,
    by: &Caller,
    (name, role): (&str, Role),
    (now_ms, expires_ms): (u64, Option<u64>),
) -> Result<(String, Token), Problem> {
    if name.is_empty() || name.len() > 64 || name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Problem::invalid(
            "a token's name has 1 to 64 characters and no blanks",
            "say who uses it: `ci-berlin`",
        ));
    }
    let token = secret("ert_")?;
    let hash = token_hash(store.sealer(), &token);
    let name = name.to_owned();
    let entry = entry(by, "made a token", &format!("{name} ({})", role.word()), now_ms);
    let taken = format!("there is a token `{name}` already");
    let made = store.write_blocking(move |tx| {
        let made = access::add(tx, &name, role, &hash, (now_ms, expires_ms))?;
        if made.is_some() {
            audit::note(tx, &entry)?;
        }
        Ok(made)
    })?;
    let made = made.ok_or_else(|| Problem::invalid(taken, "choose another name, or revoke that one first"))?;
    Ok((token, made))
}

/// Takes a token back, with its logins. Blocks on the disk.
///
/// # Errors
/// [`Problem::Missing`] where no good token has the name, or a store that fails.
pub fn revoke(store: &Store, by: &Caller, name: &str, now_ms: u64) -> Result<(), Problem> {
    let (entry, wanted) = (entry(by, "revoked a token", name, now_ms), name.to_owned());
    let was_there = store.write_blocking(move |tx| {
        let was_there = access::revoke(tx, &wanted, now_ms)?;
        if was_there {
            audit::note(tx, &entry)?;
        }
        Ok(was_there)
    })?;
    if was_there { Ok(()) } else { Err(Problem::Missing(format!("token `{name}` that is good"))) }
}

/// A line for the audit log.
#[must_use]
pub fn entry(by: &Caller, what: &str, about: &str, now_ms: u64) -> audit::Entry {
    audit::Entry {
        id: 0,
        at_ms: now_ms,
        who: by.name.clone(),
        role: by.role.word().to_owned(),
        what: what.to_owned(),
        about: about.to_owned(),
        source: by.source.clone(),
    }
}

/// Whoever works at the machine itself, with the rights of the folder.
#[must_use]
pub fn operator_of_the_machine() -> Caller {
    Caller { token: 0, name: "command line".to_owned(), role: Role::Admin, source: "command".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_tokens_of_one_address_have_to_wait_and_lock_out_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(folder.path()).unwrap());
        let by = operator_of_the_machine();
        let (good, _) = new_token(&store, &by, ("ann", Role::Viewer), (0, Some(10 * WINDOW_MS))).unwrap();
        let door = Door::new(store);
        let (one, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let status = |token: &str, address, now_ms| {
            door.by_token(token, address, now_ms).map_or_else(|problem| problem.status().as_u16(), |_| 200)
        };
        let tries: Vec<u16> = (0..12).map(|number| status("ert_00", one, number)).collect();
        assert_eq!(tries, [[401; 10].as_slice(), &[429; 2]].concat());
        assert_eq!([status("ert_00", other, 12), status(&good, one, 12)], [401, 200]);
        assert_eq!([status("ert_00", one, WINDOW_MS - 1), status("ert_00", one, WINDOW_MS)], [429, 401]);
        assert_eq!(status(&good, one, 10 * WINDOW_MS), 401, "it has expired");
    }

    #[test]
    fn only_pages_of_the_host_that_is_asked_are_ours() {
        let check = |origins: &[&str], expect: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "localhost:8400".parse().unwrap());
            for origin in origins {
                headers.append(header::ORIGIN, origin.parse().unwrap());
            }
            assert_eq!(is_foreign(&headers), expect, "{origins:?}");
        };
        check(&[], false);
        check(&["http://localhost:8400"], false);
        check(&["https://LocalHost:8400"], false);
        for foreign in
            ["null", "", "http://evil.example", "http://localhost", "http://localhost:8401", "localhost:8400"]
        {
            check(&[foreign], true);
        }
        check(&["http://localhost:8400", "http://evil.example"], true);
    }
}
