//! SHA-256 as Meta wants it, and what already looks like a hash.

use sha2::{Digest, Sha256};

/// Digits of a SHA-256.
const HEX_DIGITS: usize = 64;

/// What a value looks like before it is normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// No text.
    Empty,
    /// 64 hexadecimal digits of any case.
    Sha256,
    /// 32 hexadecimal digits of any case.
    Md5,
    /// Anything else.
    Other,
}

/// Tells hashes from other text.
pub(crate) fn shape(text: &str) -> Shape {
    let hex = || text.bytes().all(|b| b.is_ascii_hexdigit());
    match text.len() {
        0 => Shape::Empty,
        64 if hex() => Shape::Sha256,
        32 if hex() => Shape::Md5,
        _ => Shape::Other,
    }
}

/// Replaces the text of `out` from `start` on by its SHA-256 in lower-case hexadecimal digits.
pub(crate) fn replace_tail(out: &mut String, start: usize) {
    let digest = Sha256::digest(out.get(start..).unwrap_or_default().as_bytes());
    let mut text = [0; HEX_DIGITS];
    for (pair, byte) in text.chunks_exact_mut(2).zip(digest) {
        if let [high, low] = pair {
            (*high, *low) = (hex(byte >> 4), hex(byte & 15));
        }
    }
    out.truncate(start);
    out.push_str(str::from_utf8(&text).unwrap_or_default());
}

/// The digit of a nibble, by sum: digits of a hash are random, and a branch on them is guessed wrong half the time.
fn hex(nibble: u8) -> u8 {
    b'0' + nibble + u8::from(nibble > 9) * (b'a' - b'9' - 1)
}

#[cfg(test)]
mod tests {
    use super::{Shape, replace_tail, shape};

    #[test]
    fn the_tail_is_hashed_and_what_stands_before_it_stays() {
        let mut out = "cell,abc".to_owned();
        replace_tail(&mut out, 5);
        assert_eq!(out, "cell,ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

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
