//! The token that is in use: one for all who share a credential, renewed by one request however many wait for it.
//!
//! A renewal runs as a task of its own, so that a plugin's call that is cut off cannot lose a rotated refresh token
//! between answer and store. Invariants: one renewal at a time (test `fifty_who_wait_are_served_by_one_renewal`); what
//! an answer brings is durable before it is used; after a definite refusal nothing is asked again.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use enroute_core::manifest::Grant;
use tokio::sync::watch;

use crate::answer::Granted;
use crate::error::TokenError;
use crate::source::{Shared, With};
use enroute_config::secret::Secret;
use enroute_egress::seal;
use enroute_store::tokens::{self, TokenRow};
use enroute_store::{Error, Store};

/// How long before its end a token is no longer used.
const MARGIN_MS: u64 = 60_000;

/// A token for requests.
pub struct Token {
    secret: Secret,
    /// Not used from this moment on.
    use_until_ms: Option<u64>,
    generation: i64,
    /// Whether it was got because the one before was refused.
    after_refusal: bool,
    /// Whether some answer took it.
    accepted: AtomicBool,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.generation)
    }
}

impl Token {
    /// What goes into a request.
    #[must_use]
    pub const fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Notes that a destination took it.
    pub fn was_accepted(&self) {
        self.accepted.store(true, Ordering::Relaxed);
    }

    /// Whether a refusal of it may be cured by another one: not if it was itself the cure and never worked.
    #[must_use]
    pub fn may_be_renewed(&self) -> bool {
        !self.after_refusal || self.accepted.load(Ordering::Relaxed)
    }

    fn serves(&self, now_ms: u64, refused: Option<i64>) -> bool {
        refused.is_none_or(|refused| self.generation > refused) && self.use_until_ms.is_none_or(|until| now_ms < until)
    }
}

type Landed = Result<Arc<Token>, TokenError>;

#[derive(Default)]
struct State {
    token: Option<Arc<Token>>,
    /// Said once, true for the rest of the run.
    refused: Option<TokenError>,
    /// When it is not to be asked, and why.
    trouble: Option<(Range<u64>, TokenError)>,
    flight: Option<watch::Receiver<Option<Landed>>>,
}

/// Keeps the token of one credential.
pub struct Keeper {
    source: Shared,
    store: Arc<Store>,
    credential: [u8; 16],
    state: Mutex<State>,
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keeper({:?})", self.source)
    }
}

impl Keeper {
    /// A keeper over what the store has.
    #[must_use]
    pub fn new(source: Shared, store: Arc<Store>) -> Self {
        let credential = source.credential(store.sealer());
        Self { source, store, credential, state: Mutex::default() }
    }

    /// The token to use now; with `refused`, one that is newer than that.
    ///
    /// # Errors
    /// When there is none, the same for all who wait for it.
    pub async fn token(self: &Arc<Self>, now_ms: u64, refused: Option<&Token>) -> Landed {
        let refused = refused.map(|token| token.generation);
        loop {
            let mut flight = match self.at_once(now_ms, refused) {
                Ok(landed) => return landed,
                Err(flight) => flight,
            };
            let lost = || Err(TokenError::Store("a renewal was lost".to_owned()));
            let landed = flight
                .wait_for(Option::is_some)
                .await
                .map_or_else(|_| lost(), |landed| landed.clone().unwrap_or_else(lost));
            // Who joined a flight that had begun before the refusal asks again.
            match landed {
                Ok(token) if refused.is_some_and(|refused| token.generation <= refused) => {}
                landed => return landed,
            }
        }
    }

    /// What is known without waiting, or the renewal to wait for.
    fn at_once(self: &Arc<Self>, now_ms: u64, refused: Option<i64>) -> Result<Landed, watch::Receiver<Option<Landed>>> {
        let mut state = self.lock();
        if let Some(error) = &state.refused {
            return Ok(Err(error.clone()));
        }
        if let Some(token) = state.token.as_ref().filter(|token| token.serves(now_ms, refused)) {
            return Ok(Ok(Arc::clone(token)));
        }
        // A flight whose task is gone will never land.
        if let Some(flight) = state.flight.as_ref().filter(|flight| flight.has_changed().is_ok()) {
            return Err(flight.clone());
        }
        // A clock that goes back does not make it longer.
        if let Some((when, error)) = &state.trouble
            && when.contains(&now_ms)
        {
            return Ok(Err(error.clone()));
        }
        let (tell, flight) = watch::channel(None);
        state.flight = Some(flight.clone());
        let keeper = Arc::clone(self);
        tokio::spawn(async move {
            let landed = keeper.renew(now_ms, refused).await;
            keeper.land(&landed, now_ms);
            tell.send_replace(Some(landed));
        });
        Err(flight)
    }

    fn land(&self, landed: &Landed, now_ms: u64) {
        let mut state = self.lock();
        state.flight = None;
        state.trouble = None;
        match landed {
            Ok(token) => state.token = Some(Arc::clone(token)),
            Err(error) if error.is_definite() => state.refused = Some(error.clone()),
            Err(error) => {
                let after_ms = if let TokenError::Unavailable { after_ms, .. } = error { *after_ms } else { 0 };
                state.trouble = Some((now_ms..now_ms.saturating_add(after_ms), error.clone()));
            }
        }
    }

    async fn renew(&self, now_ms: u64, refused: Option<i64>) -> Landed {
        let mut row = self.stored().await?;
        let mut may_race = true;
        loop {
            if let Some(token) = self.cached(&row)
                && token.serves(now_ms, refused)
            {
                return Ok(Arc::new(token));
            }
            let refresh = self.refresh_token(&row)?;
            let with = match (&refresh, self.source.oauth().grant) {
                (Some(token), _) => With::Refresh(token),
                (None, Grant::RefreshToken) => return Err(TokenError::LoginMissing),
                (None, _) => With::Own,
            };
            match self.source.ask(with, now_ms).await {
                Ok(granted) => {
                    enroute_config::crash_point!("token.granted");
                    let token = self.keep(granted, row, now_ms, refused).await?;
                    enroute_config::crash_point!("token.saved");
                    return Ok(Arc::new(token));
                }
                Err(failed) if failed.raced && may_race => {
                    may_race = false;
                    row = self.stored().await?;
                }
                Err(failed) => return Err(failed.error),
            }
        }
    }

    /// Makes durable what an answer brought, and only then hands the token out.
    pub(super) async fn keep(
        &self,
        granted: Granted,
        row: TokenRow,
        now_ms: u64,
        refused: Option<i64>,
    ) -> Result<Token, TokenError> {
        let flaw = self.source.flaw(&granted);
        let sealer = self.store.sealer();
        let sealed = |secret: &Secret, context: Vec<u8>| seal(secret, sealer, &context).map_err(|e| stored(&e));
        let life_ms = granted.expires_in_s.map(|seconds| seconds.saturating_mul(1_000));
        // A token that lives shorter than the margin is used for half its life.
        let use_until_ms = life_ms.map(|life| now_ms.saturating_add(life - MARGIN_MS.min(life / 2)));
        let mut next = TokenRow {
            credential: self.credential.to_vec(),
            destination: self.source.destination().to_owned(),
            generation: row.generation.max(refused.unwrap_or_default()) + 1,
            at_ms: now_ms,
            ..row
        };
        if let Some(refresh) = &granted.refresh {
            next.refresh = Some(sealed(refresh, self.refresh_context())?);
        }
        (next.access, next.use_until_ms) = match &flaw {
            None => (Some(sealed(&granted.access, self.access_context())?), use_until_ms),
            Some(_) => (None, None),
        };
        let generation = next.generation;
        tracing::debug!(destination = %next.destination, generation, flawed = flaw.is_some(), "token granted");
        self.store.write(move |tx| tokens::put(tx, &next)).await.map_err(|error| stored(&error))?;
        match flaw {
            Some(flaw) => Err(flaw),
            None => Ok(Token {
                secret: granted.access,
                use_until_ms,
                generation,
                after_refusal: refused.is_some(),
                accepted: AtomicBool::new(false),
            }),
        }
    }

    /// What the store has for the credential.
    pub(super) async fn stored(&self) -> Result<TokenRow, TokenError> {
        let (store, credential) = (Arc::clone(&self.store), self.credential);
        let read = tokio::task::spawn_blocking(move || tokens::find(&store.reader()?, &credential));
        let found = read.await.unwrap_or(Err(Error::Broken("a reader was lost"))).map_err(|error| stored(&error))?;
        Ok(found.unwrap_or_default())
    }

    /// The access token of an earlier run. One that was got under other settings does not open.
    fn cached(&self, row: &TokenRow) -> Option<Token> {
        let plain = self.store.sealer().open(&self.access_context(), row.access.as_ref()?).ok()?;
        Some(Token {
            secret: secret(&plain)?,
            use_until_ms: row.use_until_ms,
            generation: row.generation,
            after_refusal: false,
            accepted: AtomicBool::new(false),
        })
    }

    /// The refresh token to use: the last one that came, else the operator's own.
    fn refresh_token(&self, row: &TokenRow) -> Result<Option<Secret>, TokenError> {
        if self.source.oauth().grant != Grant::RefreshToken {
            return Ok(None);
        }
        match &row.refresh {
            Some(sealed) => {
                let plain =
                    self.store.sealer().open(&self.refresh_context(), sealed).map_err(|error| stored(&error))?;
                Ok(secret(&plain))
            }
            None => Ok(self.source.own_refresh_token().cloned()),
        }
    }

    fn refresh_context(&self) -> Vec<u8> {
        [b"token refresh ".as_slice(), &self.credential].concat()
    }

    fn access_context(&self) -> Vec<u8> {
        [b"token access ".as_slice(), &self.credential, &self.source.settings(self.store.sealer())].concat()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn secret(plain: &[u8]) -> Option<Secret> {
    std::str::from_utf8(plain).ok().map(|text| Secret::new(text.to_owned()))
}

fn stored(error: &Error) -> TokenError {
    TokenError::Store(error.to_string())
}

/// The keepers of a setup: one for all destinations that ask with the same credential and settings.
#[derive(Debug, Default)]
pub struct Keepers {
    known: Mutex<HashMap<[u8; 16], Arc<Keeper>>>,
}

impl Keepers {
    /// The keeper for a source.
    #[must_use]
    pub fn of(&self, source: &Shared, store: &Arc<Store>) -> Arc<Keeper> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || Arc::new(Keeper::new(Arc::clone(source), Arc::clone(store)));
        Arc::clone(known.entry(source.settings(store.sealer())).or_insert_with(fresh))
    }
}

#[cfg(test)]
mod tests;
