//! Chance from a seed, and the end of a process at a moment that chance has chosen.

use std::cell::Cell;
use std::sync::Once;

use enroute_config::crash;

/// Numbers from a seed, by `SplitMix64`.
#[derive(Debug)]
pub(super) struct Dice(pub(super) u64);

impl Dice {
    /// A number below `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    pub(super) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

thread_local! {
    /// Points that this thread meets until it ends there; 0 where it does not.
    static LEFT: Cell<u32> = const { Cell::new(0) };
}

/// What a thread that ends at a point unwinds with.
struct Death;

/// Ends this thread at the `nth` point that it meets, or at none where that is 0. A death on the thread of a run comes
/// between two steps of a delivery; one on the thread that writes comes in the middle of a commit or right behind it, as
/// when the disk fails.
pub(super) fn die_at(nth: u32) {
    static WATCHED: Once = Once::new();
    WATCHED.call_once(|| crash::watch(meet));
    LEFT.set(nth);
}

fn meet(_: &str) {
    let left = LEFT.get();
    LEFT.set(left.saturating_sub(1));
    if left == 1 {
        // Without the words that a panic would print.
        std::panic::resume_unwind(Box::new(Death));
    }
}
