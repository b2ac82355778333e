//! Secrets wiped from what a destination sends back.
//!
//! Destinations echo: error pages quote URLs, token endpoints return tokens, debug headers repeat headers. Every
//! occurrence of a secret becomes `[secret name]` before a plugin sees it: as it is, with any of its characters escaped
//! (by percent sign, for JSON, for HTML, as quoted-printable, also twice), in hex, in UTF-16, and in base64 wherever it
//! stands in a longer text. What this cannot find: a secret that the destination encrypts, hashes, compresses, reverses,
//! cuts up or writes in another case.

mod needle;

use std::fmt;

use crate::scrub::needle::Needle;

/// Texts shorter than this are wiped only where they stand alone.
///
/// A secret of five bytes turns up inside unrelated words; wiping those would make answers unreadable.
const ANYWHERE_BYTES_MIN: usize = 6;

/// Finds secrets in answers.
#[derive(Clone, Default)]
pub(super) struct Scrubber {
    patterns: Vec<Pattern>,
    /// Positions of those that can begin with a byte; empty as long as there are none at all.
    by_first: Vec<Vec<usize>>,
}

#[derive(Clone)]
struct Pattern {
    needle: Needle,
    mask: String,
}

impl fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scrubber({} texts)", self.patterns.len())
    }
}

impl Scrubber {
    /// Adds a secret in every form that it may come back in.
    pub(super) fn add(&mut self, name: &str, secret: &str) {
        for needle in Needle::all(secret) {
            if self.patterns.iter().any(|known| known.needle == needle) {
                continue;
            }
            self.by_first.resize_with(256, Vec::new);
            for first in needle.firsts() {
                if let Some(positions) = self.by_first.get_mut(usize::from(first)) {
                    positions.push(self.patterns.len());
                }
            }
            self.patterns.push(Pattern { needle, mask: format!("[secret {name}]") });
        }
    }

    /// The text without secrets; the very same where there is none.
    pub(super) fn scrub(&self, input: Vec<u8>) -> Vec<u8> {
        if self.by_first.is_empty() {
            return input;
        }
        let mut out = Vec::new();
        let (mut done, mut at) = (0, 0);
        while at < input.len() {
            let Some((pattern, end)) = self.hit(&input, at) else {
                at += 1;
                continue;
            };
            out.extend_from_slice(input.get(done..at).unwrap_or_default());
            out.extend_from_slice(pattern.mask.as_bytes());
            at = end;
            done = at;
        }
        if done == 0 {
            return input;
        }
        out.extend_from_slice(input.get(done..).unwrap_or_default());
        out
    }

    /// As [`Scrubber::scrub`], for text.
    pub(super) fn scrub_text(&self, input: &[u8]) -> String {
        String::from_utf8_lossy(&self.scrub(input.to_vec())).into_owned()
    }

    /// The longest occurrence that begins here, and its end.
    fn hit(&self, input: &[u8], at: usize) -> Option<(&Pattern, usize)> {
        let candidates = self.by_first.get(usize::from(*input.get(at)?))?;
        let hits = candidates.iter().filter_map(|position| {
            let pattern = self.patterns.get(*position)?;
            let end = pattern.needle.end_of_match(input, at)?;
            let is_long = pattern.needle.len() >= ANYWHERE_BYTES_MIN;
            (is_long || stands_alone(input, at, end)).then_some((pattern, end))
        });
        hits.max_by_key(|(_, end)| *end)
    }
}

fn stands_alone(input: &[u8], start: usize, end: usize) -> bool {
    let in_word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    !in_word(start.checked_sub(1).and_then(|before| input.get(before))) && !in_word(input.get(end))
}

#[cfg(test)]
mod tests;
