//! SHA-256 as destinations want it: lower-case hexadecimal.

use sha2::{Digest as _, Sha256};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// SHA-256 of a text in lower-case hexadecimal.
///
/// ```
/// assert_eq!(
///     enroute_sdk::hash::sha256_hex("ann@example.com"),
///     "71d4f55f72fa128dfb468a1a3901507c804b74316488744d769d7f4b16696476",
/// );
/// ```
#[must_use]
pub fn sha256_hex(text: &str) -> String {
    let mut hex = Vec::with_capacity(64);
    write_sha256_hex(&mut hex, text.as_bytes());
    String::from_utf8(hex).unwrap_or_default()
}

/// Writes the SHA-256 of bytes in lower-case hexadecimal, without quotes.
///
/// ```
/// let mut body = Vec::new();
/// enroute_sdk::hash::write_sha256_hex(&mut body, b"");
/// assert_eq!(body, b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
/// ```
pub fn write_sha256_hex(body: &mut Vec<u8>, bytes: &[u8]) {
    body.reserve(64);
    for byte in Sha256::digest(bytes) {
        body.extend_from_slice(&hex_pair(byte));
    }
}

pub(crate) fn hex_pair(byte: u8) -> [u8; 2] {
    let digit = |index: u8| HEX.get(usize::from(index)).copied().unwrap_or_default();
    [digit(byte >> 4), digit(byte & 15)]
}
