//! The write key of a request's head: the name of HTTP's Basic scheme, whose password is empty.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

/// What a request says in its head.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Nothing.
    Nothing,
    /// A key.
    Key(String),
    /// Something that is none.
    Odd,
}

/// The key of the header `Authorization`, with a colon behind it or without.
pub(super) fn said(headers: &HeaderMap) -> Said {
    let Some(value) = headers.get(AUTHORIZATION) else { return Said::Nothing };
    let text = value.to_str().unwrap_or_default();
    let Some((scheme, packed)) = text.split_once(' ') else { return Said::Odd };
    let plain = Some(packed).filter(|_| scheme.eq_ignore_ascii_case("basic")).and_then(decode);
    let key = plain.and_then(|plain| String::from_utf8(plain).ok());
    key.map_or(Said::Odd, |key| Said::Key(key.split(':').next().unwrap_or_default().to_owned()))
}

/// What base64 stands for, in either alphabet, with or without padding.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in text.trim().trim_end_matches('=').bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            plain.push((bits >> count & 0xff) as u8);
        }
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[track_caller]
    fn check(value: &str, expect: &Said) {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        assert_eq!(said(&headers), *expect, "{value}");
    }

    #[test]
    fn a_key_is_the_name_of_basic_with_a_colon_and_without() {
        let key = Said::Key("wk_1".to_owned());
        for value in ["Basic d2tfMTo=", "basic d2tfMQ==", "Basic d2tfMQ", "BASIC d2tfMTpwdw=="] {
            check(value, &key);
        }
        check("Basic Og==", &Said::Key(String::new()));
        for odd in ["Basic", "Basic d2t*", "Bearer d2tfMTo=", "Basic /w=="] {
            check(odd, &Said::Odd);
        }
        assert_eq!(said(&HeaderMap::new()), Said::Nothing);
    }
}
