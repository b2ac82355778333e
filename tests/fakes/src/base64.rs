//! Base64, as it comes in: in either alphabet, with or without padding.

/// The bytes of a text, or nothing where it is none.
pub(crate) fn decoded(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for byte in text.trim_end_matches('=').bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        held = (held << 6 | u32::from(six)) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_alphabets_are_read_padded_or_not() {
        for text in ["+/+/YQ==", "-_-_YQ", "+/-_YQ="] {
            assert_eq!(decoded(text).as_deref(), Some(&b"\xfb\xff\xbfa"[..]), "{text}");
        }
        assert_eq!(decoded("a b"), None);
    }
}
