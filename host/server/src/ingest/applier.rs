//! Moves calls from the inbox into the store, in their order, and has computed traits follow.
//!
//! What must never happen: a row that leaves the inbox before the store has committed it, or one bad row that stops all
//! behind it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use enroute_store::calls::Applied;
use enroute_store::computed::{Definition, REFRESHED_AT_ONCE};
use enroute_store::inbox::{Inbox, Row};
use enroute_store::{Error, Store};
use enroute_sync::Clock;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::ingest::counts::add;
use crate::ingest::tracking::Tracking;

/// Most and least calls of one transaction, and how long it should hold the store: others wait for it.
const CALLS_MAX: u32 = 2_000;
const CALLS_MIN: u32 = 100;
const HELD_MAX: Duration = Duration::from_millis(50);

/// How long nothing may come in before traits are looked at again: events leave their windows.
const IDLE_WAIT: Duration = Duration::from_secs(30);

/// Wait after the store failed.
const FAILED_WAIT: Duration = Duration::from_secs(1);

/// Profiles that calls were about, once everything that follows from these calls is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// Their dense numbers.
    pub profiles: BTreeSet<u32>,
    /// Profiles that are part of another one now: its number and the other's.
    pub joined: Vec<(u32, u32)>,
    /// How many profiles have other traits now, those of whom an event left its window among them.
    pub changed: u64,
}

/// What moves calls. Its handle is the inbox: whatever is put there is moved.
#[derive(Debug)]
pub struct Applier<F> {
    /// The store.
    pub store: Arc<Store>,
    /// The inbox.
    pub inbox: Arc<Inbox>,
    /// What counts.
    pub tracking: Tracking,
    /// How traits are computed; the store must know the definitions already.
    pub definitions: watch::Receiver<Arc<[Definition]>>,
    /// The clock.
    pub clock: Clock,
    /// What is told who was touched.
    pub touched: F,
}

impl<F: Fn(Touched) + Send> Applier<F> {
    /// Moves calls until `drain` is cancelled. What is in the inbox then stays there for the next start.
    pub async fn run(self, drain: CancellationToken) {
        let mut calls_max = CALLS_MAX;
        while !drain.is_cancelled() {
            let wait = match self.step(&mut calls_max).await {
                Ok(true) => continue,
                Ok(false) => IDLE_WAIT,
                Err(error) => {
                    error!(error = %error, "calls stay in the inbox");
                    FAILED_WAIT
                }
            };
            tokio::select! {
                () = drain.cancelled() => {}
                () = self.inbox.arrived(), if wait == IDLE_WAIT => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Moves what waits, as much as one transaction holds; tells whether there was anything.
    ///
    /// # Errors
    ///
    /// When the store or the inbox cannot be used; then everything that was not moved is in the inbox still.
    pub async fn step(&self, calls_max: &mut u32) -> Result<bool, Error> {
        let (inbox, most) = (Arc::clone(&self.inbox), *calls_max);
        let rows = tokio::task::spawn_blocking(move || inbox.next(0, most)).await;
        let rows: Arc<[Row]> = rows.map_err(|_| Error::Broken("a reader of the inbox was lost"))??.into();
        let Some(last) = rows.last().map(|row| row.id) else {
            let changed = self.refresh().await?;
            if changed > 0 {
                (self.touched)(Touched { changed, ..Touched::default() });
            }
            return Ok(false);
        };
        let began = Instant::now();
        let applied = self.apply(&rows).await?;
        let took = began.elapsed();
        *calls_max = if took > HELD_MAX { most / 2 } else { most.saturating_mul(2) }.clamp(CALLS_MIN, CALLS_MAX);
        self.inbox.remove(last).await?;
        for ((source, kind, fate), count) in applied.fates {
            add(&mut self.tracking.counts().lock().calls, (source, kind, fate.as_str()), count);
        }
        for (from, to) in &applied.joined {
            info!(from, to, "two profiles turned out to be one person and are one now; it cannot be undone");
        }
        let changed = self.refresh().await?;
        (self.touched)(Touched { profiles: applied.touched, joined: applied.joined, changed });
        Ok(true)
    }

    /// Applies rows together, and where that fails, one by one: a row that cannot be applied is left out.
    async fn apply(&self, rows: &Arc<[Row]>) -> Result<Applied, Error> {
        match self.transact(Arc::clone(rows)).await {
            Err(error) if is_of_the_data(&error) && rows.len() > 1 => {}
            done => return self.left_out(done, rows),
        }
        let mut all = Applied::default();
        for row in rows.iter() {
            let one: Arc<[Row]> = Arc::new([row.clone()]);
            let applied = self.left_out(self.transact(Arc::clone(&one)).await, &one)?;
            all.touched.extend(applied.touched);
            all.joined.extend(applied.joined);
            for (key, count) in applied.fates {
                add(&mut all.fates, key, count);
            }
        }
        Ok(all)
    }

    fn left_out(&self, done: Result<Applied, Error>, rows: &[Row]) -> Result<Applied, Error> {
        match (done, rows) {
            (Err(error), [row]) if is_of_the_data(&error) => {
                error!(error = %error, source = row.source, calls = row.count, "calls cannot be applied and are left out");
                add(
                    &mut self.tracking.counts().lock().dropped,
                    (row.source.clone(), "not_applied"),
                    u64::from(row.count),
                );
                Ok(Applied::default())
            }
            (done, _) => done,
        }
    }

    async fn transact(&self, rows: Arc<[Row]>) -> Result<Applied, Error> {
        let (sealer, now_ms) = (self.store.sealer().clone(), self.clock.now_ms().cast_signed());
        self.store.write(move |tx| tx.apply_calls(&rows, &sealer, now_ms)).await
    }

    /// Looks at everybody who is due; tells how many have other traits now.
    async fn refresh(&self) -> Result<u64, Error> {
        let mut changed = 0;
        loop {
            let definitions = Arc::clone(&self.definitions.borrow());
            let now_ms = self.clock.now_ms().cast_signed();
            let done = self.store.write_relaxed(move |tx| tx.refresh(&definitions, now_ms)).await?;
            changed += done.changed;
            if done.looked_at < u64::from(REFRESHED_AT_ONCE) {
                return Ok(changed);
            }
        }
    }
}

/// Whether a write failed for what it was about, so that it fails whenever it is tried. All else passes, a lock that
/// another process holds for long among it.
fn is_of_the_data(error: &Error) -> bool {
    match error {
        Error::Broken(_) => true,
        Error::Database(cause) => cause.to_string().contains("malformed JSON"),
        _ => false,
    }
}
