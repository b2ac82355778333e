//! Searches the sandbox's own memory after an exchange: inputs, answers, and what was freed and not overwritten.
//!
//! What is searched for comes masked, byte by byte, and is compared masked: so it is in memory only where somebody
//! else put it.

use enroute_sdk::{Context, Delivery, Http, Outcome, Reading, Report, Tally};

use crate::mode::Settings;

/// What every byte of a needle was combined with.
const MASK: u8 = 0x5a;

/// A text that is searched for.
struct Needle<'a> {
    name: &'a str,
    masked: Vec<u8>,
}

/// Sends the requests, holds on to the answers, and rejects everybody with a code that lists what was found:
/// `found`, and the names of the needles behind it.
pub(crate) fn deliver(ctx: &Context<Settings>, delivery: &Delivery<'_>, http: &mut dyn Http) -> Report {
    let mut tally = Tally::new(delivery.members().len());
    let needles = needles(&ctx.settings().seek);
    let mut answers = Vec::new();
    for sent in delivery.requests() {
        let members: Vec<u32> = sent.members().map(|member| member.index()).collect();
        match http.send_prepared(sent.index(), &[]) {
            Ok(answer) => answers.push((members, answer)),
            Err(failure) => drop(tally.read(&members, Reading::unanswered(failure))),
        }
    }
    for (members, answer) in &answers {
        let found: Vec<&str> = needles.iter().filter(|needle| is_in_memory(needle)).map(|needle| needle.name).collect();
        let code = ["found"].into_iter().chain(found).collect::<Vec<_>>().join("_");
        let reason = format!("searched after an answer of {} bytes", answer.body.len());
        tally.read(members, Reading::all(Outcome::rejected(&code, reason)));
    }
    tally.finish()
}

/// `NAME=HEX NAME=HEX`, the digits being those of masked bytes.
fn needles(text: &str) -> Vec<Needle<'_>> {
    text.split(' ').filter_map(needle).collect()
}

fn needle(text: &str) -> Option<Needle<'_>> {
    let (name, digits) = text.split_once('=')?;
    let byte = |at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    let masked = (0..digits.len()).step_by(2).map(byte).collect::<Option<Vec<u8>>>()?;
    (!masked.is_empty()).then_some(Needle { name, masked })
}

fn is_in_memory(needle: &Needle<'_>) -> bool {
    let length = needle.masked.len();
    let fits = |from: usize| needle.masked.iter().zip(from..).all(|(masked, at)| memory::byte(at) ^ MASK == *masked);
    (1..memory::size().saturating_sub(length)).any(fits)
}

#[cfg(target_arch = "wasm32")]
mod memory {
    const PAGE_BYTES: usize = 1 << 16;

    pub(super) fn size() -> usize {
        core::arch::wasm32::memory_size(0) * PAGE_BYTES
    }

    #[expect(unsafe_code, reason = "a plugin that searches its memory is what is tested")]
    pub(super) fn byte(at: usize) -> u8 {
        // SAFETY: all of a linear memory can be read, and a volatile read sees whatever is there.
        unsafe { core::ptr::read_volatile(at as *const u8) }
    }
}

/// Outside of the sandbox there is no memory to search.
#[cfg(not(target_arch = "wasm32"))]
mod memory {
    pub(super) const fn size() -> usize {
        0
    }

    pub(super) const fn byte(_: usize) -> u8 {
        0
    }
}
