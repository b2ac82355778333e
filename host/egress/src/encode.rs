//! The text forms that bytes take on their way: base64, hex, percent-escapes, JSON strings.
//!
//! Pure.

use std::fmt::Write as _;

use enroute_core::request::escape_into;
use zeroize::Zeroizing;

/// The alphabet of base64, and what its URL-safe form has in place of `+` and `/`.
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 with padding (RFC 4648 §4).
pub fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let at = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let group = (at(0) << 16) | (at(1) << 8) | at(2);
        for digit in 0..4_usize {
            let place = (group >> (18 - 6 * digit)) & 0x3f;
            let letter = usize::try_from(place).ok().and_then(|place| BASE64.get(place));
            out.push(if digit > chunk.len() { '=' } else { letter.map_or('=', |letter| char::from(*letter)) });
        }
    }
    out
}

/// Base64 without padding and with `-` and `_` (RFC 4648 §5).
pub fn base64_url(bytes: &[u8]) -> String {
    base64(bytes).trim_end_matches('=').replace('+', "-").replace('/', "_")
}

/// The bytes that base64 stands for, line breaks and padding aside; none where a letter is of another alphabet.
pub(super) fn base64_decoded(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut out = Zeroizing::new(Vec::with_capacity(text.len() / 4 * 3));
    let (mut group, mut bits) = (0_u32, 0_u32);
    for letter in text.bytes().filter(|letter| !letter.is_ascii_whitespace() && *letter != b'=') {
        let value = BASE64.iter().position(|known| *known == letter)?;
        group = (group << 6 | u32::try_from(value).ok()?) & 0xff_ffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from(group >> bits & 0xff).ok()?);
        }
    }
    Some(out)
}

/// Hex in lower case.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// Text with everything escaped but RFC 3986's unreserved characters.
pub fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    escape_into(&mut out, text, b"");
    out
}

/// A JSON string, with its quotes.
pub(super) fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_agrees_with_the_vectors_of_rfc_4648() {
        let vectors =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")];
        for (plain, encoded) in vectors {
            assert_eq!(base64(plain.as_bytes()), encoded);
            assert_eq!(base64_decoded(encoded).unwrap().as_slice(), plain.as_bytes());
        }
        assert_eq!(base64(&[0xfb, 0xff]), "+/8=");
        assert_eq!(base64_url(&[0xfb, 0xff]), "-_8");
        assert_eq!(base64_decoded("a!"), None);
    }

    #[test]
    fn hex_has_two_digits_a_byte() {
        assert_eq!(hex(&[0, 0x0f, 0xff]), "000fff");
    }
}
