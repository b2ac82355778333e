//! Secrets wiped from what a destination sends back.
//!
//! Destinations echo: error pages quote URLs, token endpoints return tokens, debug headers repeat headers. Every
//! occurrence of a secret, also percent-escaped, JSON-escaped, in HTML, in base64 or hex, becomes `[secret name]`
//! before a plugin sees it. What this cannot find: a secret that the destination encrypts, compresses or cuts up.

use std::fmt;

use enroute_core::request::{SEGMENT_EXTRA, escape_into};
use zeroize::Zeroizing;

use crate::egress::encode::{base64, base64_url, hex, json_string, percent};

/// Texts shorter than this are wiped only where they stand alone.
///
/// A secret of five bytes turns up inside unrelated words; wiping those would make answers unreadable.
const ANYWHERE_BYTES_MIN: usize = 6;

/// Shortest inner part of a base64 text that is looked for.
const BASE64_PART_BYTES_MIN: usize = 8;

/// Finds secrets in answers.
#[derive(Clone, Default)]
pub(super) struct Scrubber {
    /// By first byte; within, the longest first.
    by_first: Vec<Vec<Pattern>>,
}

#[derive(Clone)]
struct Pattern {
    text: Zeroizing<Vec<u8>>,
    mask: String,
}

impl fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scrubber({} texts)", self.by_first.iter().map(Vec::len).sum::<usize>())
    }
}

impl Scrubber {
    /// Adds a secret in every form that it may come back in.
    pub(super) fn add(&mut self, name: &str, secret: &str) {
        for form in forms(secret) {
            let text = Zeroizing::new(form.as_bytes().to_vec());
            let Some(first) = text.first().copied().map(usize::from) else { continue };
            if self.by_first.is_empty() {
                self.by_first.resize_with(256, Vec::new);
            }
            if let Some(known) = self.by_first.get_mut(first)
                && !known.iter().any(|pattern| pattern.text == text)
            {
                known.push(Pattern { text, mask: format!("[secret {name}]") });
                known.sort_by_key(|pattern| std::cmp::Reverse(pattern.text.len()));
            }
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
            let Some(pattern) = self.hit(&input, at) else {
                at += 1;
                continue;
            };
            out.extend_from_slice(input.get(done..at).unwrap_or_default());
            out.extend_from_slice(pattern.mask.as_bytes());
            at += pattern.text.len();
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

    fn hit(&self, input: &[u8], at: usize) -> Option<&Pattern> {
        let candidates = self.by_first.get(usize::from(*input.get(at)?))?;
        candidates.iter().find(|pattern| {
            let end = at + pattern.text.len();
            input.get(at..end) == Some(pattern.text.as_slice())
                && (pattern.text.len() >= ANYWHERE_BYTES_MIN || stands_alone(input, at, end))
        })
    }
}

fn stands_alone(input: &[u8], start: usize, end: usize) -> bool {
    let in_word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    !in_word(start.checked_sub(1).and_then(|before| input.get(before))) && !in_word(input.get(end))
}

/// The forms in which a text may come back, the text itself among them.
fn forms(secret: &str) -> Vec<Zeroizing<String>> {
    let escaped = |extra: &[u8]| {
        let mut out = String::new();
        escape_into(&mut out, secret, extra);
        out
    };
    let quoted = json_string(secret);
    let json = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned();
    let html = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let mut all = vec![
        secret.to_owned(),
        percent(secret).replace("%20", "+"),
        // What `encodeURIComponent` and a path segment leave as it is.
        escaped(b"!'()*"),
        escaped(SEGMENT_EXTRA),
        percent(secret),
        json.replace('/', "\\/"),
        ascii_json(&json, false),
        ascii_json(&json, true),
        json,
        html.replace('\'', "&#39;"),
        html.replace('\'', "&#x27;"),
        html,
        hex(secret.as_bytes()),
        hex(secret.as_bytes()).to_ascii_uppercase(),
        base64(secret.as_bytes()),
        base64_url(secret.as_bytes()),
        base64(secret.as_bytes()).trim_end_matches('=').to_owned(),
    ];
    for lead in 1..3 {
        all.extend(base64_part(secret, lead));
    }
    all.extend(base64_part(secret, 0));
    let lower = all.iter().filter(|form| form.contains('%')).map(|form| lower_escapes(form)).collect::<Vec<_>>();
    all.extend(lower);
    all.into_iter().map(Zeroizing::new).collect()
}

/// The base64 letters that a text has in common wherever it stands in a longer one, `lead` bytes into a group.
fn base64_part(secret: &str, lead: usize) -> Vec<String> {
    let mut bytes = vec![0; lead];
    bytes.extend_from_slice(secret.as_bytes());
    let whole = base64(&bytes);
    // Letters that also depend on what stands in front and behind say nothing.
    let (from, to) = ((lead * 8).div_ceil(6), bytes.len() * 8 / 6);
    match whole.get(from..to) {
        Some(part) if part.len() >= BASE64_PART_BYTES_MIN => {
            vec![part.to_owned(), part.replace('+', "-").replace('/', "_")]
        }
        _ => Vec::new(),
    }
}

/// JSON as careful writers put it: letters beyond ASCII, and those that HTML reads, as `\u` escapes.
fn ascii_json(json: &str, upper: bool) -> String {
    let mut out = String::new();
    for letter in json.chars() {
        if letter.is_ascii() && !"<>&'".contains(letter) {
            out.push(letter);
            continue;
        }
        for unit in letter.encode_utf16(&mut [0; 2]) {
            let escape = if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") };
            out.push_str(&escape);
        }
    }
    out
}

/// Percent-escapes with their letters in lower case.
fn lower_escapes(text: &str) -> String {
    let mut digits = 0;
    text.chars()
        .map(|letter| {
            if letter == '%' {
                digits = 2;
                return letter;
            }
            if digits > 0 {
                digits -= 1;
                return letter.to_ascii_lowercase();
            }
            letter
        })
        .collect()
}

#[cfg(test)]
mod tests;
