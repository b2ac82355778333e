//! JSON written straight into a body, without a tree in between.
//!
//! Pure. Invariant: what is written for a text is a JSON string that reads back as that text
//! (test `texts_read_back_as_they_were`).

use crate::Value;

/// Writes a text as a JSON string.
///
/// ```
/// let mut body = Vec::new();
/// enroute_sdk::json::write_str(&mut body, "say \"hi\"\n");
/// assert_eq!(body, br#""say \"hi\"\n""#);
/// ```
pub fn write_str(body: &mut Vec<u8>, text: &str) {
    body.push(b'"');
    write_escaped(body, text);
    body.push(b'"');
}

/// Writes a text as the inside of a JSON string: escaped, without quotes.
///
/// ```
/// let mut body = b"\"id-".to_vec();
/// enroute_sdk::json::write_escaped(&mut body, "a\"b");
/// assert_eq!(body, br#""id-a\"b"#);
/// ```
pub fn write_escaped(body: &mut Vec<u8>, text: &str) {
    if is_plain(text.as_bytes()) {
        body.extend_from_slice(text.as_bytes());
    } else {
        write_with_escapes(body, text.as_bytes());
    }
}

fn write_with_escapes(body: &mut Vec<u8>, bytes: &[u8]) {
    let mut copied = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if !needs_escape(*byte) {
            continue;
        }
        body.extend_from_slice(bytes.get(copied..at).unwrap_or_default());
        copied = at + 1;
        match byte {
            b'"' => body.extend_from_slice(b"\\\""),
            b'\\' => body.extend_from_slice(b"\\\\"),
            b'\n' => body.extend_from_slice(b"\\n"),
            b'\r' => body.extend_from_slice(b"\\r"),
            b'\t' => body.extend_from_slice(b"\\t"),
            other => {
                body.extend_from_slice(b"\\u00");
                body.extend_from_slice(&crate::hash::hex_pair(*other));
            }
        }
    }
    body.extend_from_slice(bytes.get(copied..).unwrap_or_default());
}

const fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Whether a text needs no escape; eight bytes at a time, because this is asked of every text that is sent.
fn is_plain(bytes: &[u8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    // The high bit of each byte that is below `limit`, at most 0x80. Bytes above one that is may be taken for one too,
    // which does not matter to the question whether there is any.
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGHS;
    let (words, rest) = bytes.as_chunks::<8>();
    let special = words.iter().any(|word| {
        let word = u64::from_le_bytes(*word);
        let (quote, slash) = (word ^ (ONES * 0x22), word ^ (ONES * 0x5c));
        below(word, 0x20) | below(quote, 1) | below(slash, 1) != 0
    });
    !special && !rest.iter().any(|byte| needs_escape(*byte))
}

/// Writes a value as it came: numbers with their digits, lists and objects as their text. Absent is written as
/// null, so leave absent fields out before.
///
/// ```
/// use enroute_sdk::{Value, json};
///
/// let mut body = Vec::new();
/// json::write_value(&mut body, Value::Number("18446744073709551616"));
/// assert_eq!(body, b"18446744073709551616");
/// ```
pub fn write_value(body: &mut Vec<u8>, value: Value<'_>) {
    match value {
        Value::Absent | Value::Null => body.extend_from_slice(b"null"),
        Value::Bool(true) => body.extend_from_slice(b"true"),
        Value::Bool(false) => body.extend_from_slice(b"false"),
        Value::Number(text) | Value::Json(text) => body.extend_from_slice(text.as_bytes()),
        Value::Text(text) => write_str(body, text),
    }
}

/// Writes a text, a number or a boolean as a JSON string, and anything else as null.
///
/// ```
/// use enroute_sdk::{Value, json};
///
/// let mut body = Vec::new();
/// json::write_text(&mut body, Value::Number("42"));
/// assert_eq!(body, br#""42""#);
/// ```
pub fn write_text(body: &mut Vec<u8>, value: Value<'_>) {
    match value.scalar() {
        Some(text) => write_str(body, &text),
        None => body.extend_from_slice(b"null"),
    }
}

/// Writes a member of an object: a comma unless it is the first, the name and the colon.
///
/// ```
/// let mut body = b"{".to_vec();
/// enroute_sdk::json::write_key(&mut body, "id");
/// body.push(b'1');
/// enroute_sdk::json::write_key(&mut body, "name");
/// assert_eq!(body, br#"{"id":1,"name":"#);
/// ```
pub fn write_key(body: &mut Vec<u8>, name: &str) {
    if !matches!(body.last(), None | Some(b'{')) {
        body.push(b',');
    }
    write_str(body, name);
    body.push(b':');
}

/// The bytes of `,"name":`, to be made once for a row and copied for each member.
///
/// ```
/// assert_eq!(enroute_sdk::json::key("first\"name"), br#","first\"name":"#);
/// ```
#[must_use]
pub fn key(name: &str) -> Vec<u8> {
    let mut key = vec![b','];
    write_str(&mut key, name);
    key.push(b':');
    key
}

/// A list or an object as a type of the plugin's own; none where it is neither or does not fit.
///
/// ```
/// use enroute_sdk::{Value, json};
///
/// assert_eq!(json::read::<Vec<u8>>(Value::Json("[1, 2]")), Some(vec![1, 2]));
/// assert_eq!(json::read::<Vec<u8>>(Value::Text("[1, 2]")), None);
/// ```
#[must_use]
pub fn read<T: serde::de::DeserializeOwned>(value: Value<'_>) -> Option<T> {
    match value {
        Value::Json(text) => serde_json::from_str(text).ok(),
        _ => None,
    }
}

/// The texts of a list, or a single text; for traits that may hold one value or several.
///
/// ```
/// use enroute_sdk::{Value, json};
///
/// assert_eq!(json::texts(Value::Json(r#"["a", 1, null]"#)), ["a", "1"]);
/// assert_eq!(json::texts(Value::Text("a")), ["a"]);
/// ```
#[must_use]
pub fn texts(value: Value<'_>) -> Vec<String> {
    match value {
        Value::Json(text) => {
            let items: Vec<serde_json::Value> = serde_json::from_str(text).unwrap_or_default();
            items
                .iter()
                .filter_map(|item| match item {
                    serde_json::Value::String(text) => Some(text.clone()),
                    serde_json::Value::Number(number) => Some(number.to_string()),
                    serde_json::Value::Bool(flag) => Some(flag.to_string()),
                    _ => None,
                })
                .collect()
        }
        other => other.scalar().map(|text| text.into_owned()).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_read_back_as_they_were() {
        for text in ["", "plain", "\"\\/\n\r\t", "\u{0}\u{1f}\u{7f}", "é ö 漢 🦀", "{{secret}}"] {
            // Once inside a group of eight bytes and once behind it.
            let text = &format!("{text}{text}01234567{text}");
            let mut body = Vec::new();
            write_str(&mut body, text);
            let back: String = serde_json::from_slice(&body).expect("a JSON string");
            assert_eq!(back, *text);
        }
    }

    #[test]
    fn every_byte_that_needs_an_escape_is_found_at_every_place() {
        for byte in 0..=0x7f_u8 {
            for place in 0..19 {
                let mut bytes = [b'x'; 19];
                bytes[place] = byte;
                assert_eq!(is_plain(&bytes), !needs_escape(byte), "{byte} at {place}");
            }
        }
        assert!(is_plain("ÿ漢🦀ÿ漢🦀ÿ漢🦀".as_bytes()));
    }
}
