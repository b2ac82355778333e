//! SHA-256 as destinations want it, lower-case hexadecimal, and what to do with values that are hashed already.
//!
//! Must never happen: a value is hashed twice.

use sha2::{Digest as _, Sha256};

/// Digits of a SHA-256.
const HEX_DIGITS: usize = 64;

/// Whether values come in clear, hashed, or mixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hashing {
    /// Hashes what is not yet a SHA-256 and passes through what is.
    Auto,
    /// Hashes everything; a value that is a SHA-256 already is an error.
    Always,
    /// Hashes nothing; a value that is not a SHA-256 is an error.
    Prehashed,
}

/// What a value looks like before it is normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// No text.
    Empty,
    /// 64 hexadecimal digits of any case.
    Sha256,
    /// 32 hexadecimal digits of any case.
    Md5,
    /// Anything else.
    Other,
}

/// Why a value cannot be sent under a mode of [`Hashing`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashError {
    /// The value is a SHA-256 and the setting says that all values come in clear.
    AlreadyHashed,
    /// The value is not a SHA-256 and the setting says that all values are.
    NotHashed,
    /// The value has the shape of an MD5.
    Md5,
}

impl HashError {
    /// The code as counted and reported.
    ///
    /// ```
    /// assert_eq!(enroute_sdk::hash::HashError::Md5.code(), "md5_value");
    /// ```
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::AlreadyHashed => "already_hashed",
            Self::NotHashed => "not_hashed",
            Self::Md5 => "md5_value",
        }
    }
}

impl Hashing {
    /// Parses the setting as written: `auto`, `always` or `prehashed`.
    ///
    /// ```
    /// use enroute_sdk::hash::Hashing;
    ///
    /// assert_eq!(Hashing::parse("always"), Some(Hashing::Always));
    /// assert_eq!(Hashing::parse("never"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "auto" => Some(Self::Auto),
            "always" => Some(Self::Always),
            "prehashed" => Some(Self::Prehashed),
            _ => None,
        }
    }

    /// Says whether a trimmed value passes as the hash it is (`true`), or is to be normalised and hashed (`false`).
    ///
    /// ```
    /// use enroute_sdk::hash::{HashError, Hashing, sha256_hex};
    ///
    /// let hash = sha256_hex("ann@example.com");
    /// assert_eq!(Hashing::Auto.passes(&hash), Ok(true));
    /// assert_eq!(Hashing::Auto.passes("ann@example.com"), Ok(false));
    /// assert_eq!(Hashing::Always.passes(&hash), Err(HashError::AlreadyHashed));
    /// assert_eq!(Hashing::Prehashed.passes("ann@example.com"), Err(HashError::NotHashed));
    /// ```
    ///
    /// # Errors
    /// When the value does not fit the mode, or is an MD5.
    pub fn passes(self, text: &str) -> Result<bool, HashError> {
        match (shape(text), self) {
            (Shape::Sha256, Self::Auto | Self::Prehashed) => Ok(true),
            (Shape::Sha256, Self::Always) => Err(HashError::AlreadyHashed),
            (Shape::Md5, _) => Err(HashError::Md5),
            (Shape::Other, Self::Prehashed) => Err(HashError::NotHashed),
            (Shape::Other, Self::Auto | Self::Always) | (Shape::Empty, _) => Ok(false),
        }
    }
}

/// Tells hashes from other text.
///
/// ```
/// use enroute_sdk::hash::{Shape, shape};
///
/// assert_eq!(shape(&"aF".repeat(16)), Shape::Md5);
/// ```
#[must_use]
pub fn shape(text: &str) -> Shape {
    let hex = || text.bytes().all(|b| b.is_ascii_hexdigit());
    match text.len() {
        0 => Shape::Empty,
        64 if hex() => Shape::Sha256,
        32 if hex() => Shape::Md5,
        _ => Shape::Other,
    }
}

/// Replaces the text of `out` from `start` on by its SHA-256 in lower-case hexadecimal digits.
///
/// ```
/// let mut out = "cell,abc".to_owned();
/// enroute_sdk::hash::replace_tail(&mut out, 5);
/// assert_eq!(out, "cell,ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
/// ```
pub fn replace_tail(out: &mut String, start: usize) {
    let digest = Sha256::digest(out.get(start..).unwrap_or_default().as_bytes());
    let mut text = [0; HEX_DIGITS];
    for (pair, byte) in text.chunks_exact_mut(2).zip(digest) {
        pair.copy_from_slice(&hex_pair(byte));
    }
    out.truncate(start);
    out.push_str(str::from_utf8(&text).unwrap_or_default());
}

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

/// The digits of a byte.
pub(crate) fn hex_pair(byte: u8) -> [u8; 2] {
    [hex(byte >> 4), hex(byte & 15)]
}

/// The digit of a nibble, by sum: digits of a hash are random, and a branch on them is guessed wrong half the time.
fn hex(nibble: u8) -> u8 {
    b'0' + nibble + u8::from(nibble > 9) * (b'a' - b'9' - 1)
}

#[cfg(test)]
mod tests {
    use super::{Shape, shape};

    #[test]
    fn only_the_exact_number_of_hexadecimal_digits_is_a_hash() {
        assert_eq!(shape(&"aF".repeat(32)), Shape::Sha256);
        assert_eq!(shape(&"0".repeat(63)), Shape::Other);
        assert_eq!(shape(&"g".repeat(64)), Shape::Other);
        assert_eq!(shape(&"aF".repeat(16)), Shape::Md5);
        assert_eq!(shape(&"é".repeat(16)), Shape::Other);
        assert_eq!(shape(""), Shape::Empty);
    }
}
