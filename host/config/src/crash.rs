//! Named points where a test can make the process die, as a power cut would. A release has none of them.
//!
//! [`POINTS`] has all of them, and `tests/it/crashes.rs` dies at each, but for those of tokens (`tests/it/oauth/crashes.rs`).

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Every point, in the order in which a sync meets them first.
pub const POINTS: [&str; 23] = [
    "store.migrating",
    "store.migrated",
    "import.begun",
    "import.read",
    "import.staged",
    "import.carried",
    "traits.refreshed",
    "token.granted",
    "token.saved",
    "account.answered",
    "list.answered",
    "list.opened",
    "delivery.intended",
    "delivery.answered",
    "store.committing",
    "store.committed",
    "delivery.settled",
    "job.answered",
    "job.settled",
    "forget.begun",
    "forget.withdrawn",
    "store.closing",
    "store.closed",
];

/// Who is told of every point that is met.
static WATCH: OnceLock<fn(&str)> = OnceLock::new();
static WANTED: OnceLock<Option<(String, AtomicU32)>> = OnceLock::new();

/// Has every point that is met told to this function, on the thread that meets it. The simulator of `enroute-sync` lets a
/// life end there, by unwinding. Only the first call has an effect.
pub fn watch(told: fn(&str)) {
    let _ = WATCH.set(told);
}

/// Dies at the wanted hit of the wanted point: `ENROUTE_CRASH=delivery.answered:3`.
pub fn hit(name: &str) {
    if cfg!(debug_assertions)
        && let Some(told) = WATCH.get()
    {
        told(name);
    }
    if cfg!(debug_assertions)
        && let Some((wanted, left)) = WANTED.get_or_init(wanted)
        && wanted == name
        && left.fetch_sub(1, Ordering::SeqCst) == 1
    {
        std::process::abort();
    }
}

#[expect(clippy::disallowed_methods, reason = "this module belongs to `config`")]
fn wanted() -> Option<(String, AtomicU32)> {
    let text = std::env::var("ENROUTE_CRASH").ok()?;
    let (name, hit) = text.split_once(':').unwrap_or((&text, "1"));
    Some((name.to_owned(), AtomicU32::new(hit.parse().ok()?)))
}

/// A named point where a test can make the process die.
#[macro_export]
macro_rules! crash_point {
    ($name:literal) => {
        $crate::crash::hit($name)
    };
}
