//! Lists and objects of custom attributes, copied token by token so that numbers keep their digits.
//!
//! Pages "Nested custom attributes" and "Array of objects" of Braze's documentation: a null anywhere inside makes Braze
//! drop the whole attribute without an error, times have to be written `{"$time": "…"}`, and an object may be an
//! order (`{"inc": 1}`) instead of a value. Traits are values, never orders
//! (test `a_trait_that_reads_as_an_order_stays_out`).

use enroute_sdk::date::Date;

use super::value::{MALFORMED, Note, TEXT_CHARS_MAX, TEXT_TOO_LONG};

/// Largest nested attribute in bytes. Newer pages of Braze say 100 KB, older ones 50 KB; above its limit Braze drops
/// the update and says success.
const NESTED_BYTES_MAX: usize = 50 * 1024;

/// Deepest nesting that is read; recursion ends here.
const DEPTH_MAX: u32 = 32;

/// Warning: the attribute is larger than Braze keeps, and was left out.
const NESTED_TOO_LARGE: &str = "nested_too_large";

/// Warning: a name inside has a space, or is too long; the attribute was left out.
const NESTED_NAME: &str = "nested_name_malformed";

/// Warning: the object reads as one of Braze's orders, and was left out.
const READS_AS_ORDER: &str = "reads_as_order";

/// Warning: nulls inside were taken out, which clears them, because the attribute is replaced as a whole.
const NULLS_TAKEN_OUT: &str = "nested_nulls_taken_out";

/// Names that make an object an order.
const ORDERS: [&str; 3] = ["inc", "add", "remove"];

const REFUSED: Note = Note::LeftOut(MALFORMED);

/// Writes a list or an object.
pub(super) fn write(body: &mut Vec<u8>, json: &str) -> Result<(), Note> {
    if json.len() > NESTED_BYTES_MAX {
        return Err(Note::LeftOut(NESTED_TOO_LARGE));
    }
    let mut walk = Walk { text: json, at: 0, nulls: false };
    walk.value(body, false, 0)?;
    if walk.nulls { Err(Note::Sent(NULLS_TAKEN_OUT)) } else { Ok(()) }
}

/// A reader of JSON text that the host has checked; what it does not understand, it refuses.
struct Walk<'t> {
    text: &'t str,
    at: usize,
    nulls: bool,
}

impl<'t> Walk<'t> {
    /// Copies a value; `timed` where a text that is a time has to be written as one.
    fn value(&mut self, body: &mut Vec<u8>, timed: bool, depth: u32) -> Result<(), Note> {
        if depth > DEPTH_MAX {
            return Err(REFUSED);
        }
        match self.peek() {
            Some(b'{') => self.object(body, depth),
            Some(b'[') => self.list(body, depth),
            Some(b'"') => {
                let token = self.string()?;
                if timed && is_time(token) {
                    body.extend_from_slice(b"{\"$time\":");
                    body.extend_from_slice(token.as_bytes());
                    body.push(b'}');
                } else {
                    body.extend_from_slice(token.as_bytes());
                }
                Ok(())
            }
            Some(_) => {
                body.extend_from_slice(self.literal()?.as_bytes());
                Ok(())
            }
            None => Err(REFUSED),
        }
    }

    fn object(&mut self, body: &mut Vec<u8>, depth: u32) -> Result<(), Note> {
        self.at += 1;
        body.push(b'{');
        let mut first = true;
        while !self.ends(b'}')? {
            let name = self.string()?;
            let plain = inside(name);
            if self.peek() != Some(b':') {
                return Err(REFUSED);
            }
            self.at += 1;
            // At any depth: what Braze reads as an order inside an object is not documented.
            if plain.starts_with('$') && plain != "$time" || depth == 0 && ORDERS.contains(&plain) {
                return Err(Note::LeftOut(READS_AS_ORDER));
            }
            if plain.contains(' ') || plain.is_empty() {
                return Err(Note::LeftOut(NESTED_NAME));
            }
            if self.null() {
                continue;
            }
            if !first {
                body.push(b',');
            }
            first = false;
            body.extend_from_slice(name.as_bytes());
            body.push(b':');
            self.value(body, plain != "$time", depth + 1)?;
        }
        body.push(b'}');
        Ok(())
    }

    fn list(&mut self, body: &mut Vec<u8>, depth: u32) -> Result<(), Note> {
        self.at += 1;
        body.push(b'[');
        let mut first = true;
        while !self.ends(b']')? {
            if self.null() {
                continue;
            }
            if !first {
                body.push(b',');
            }
            first = false;
            self.value(body, false, depth + 1)?;
        }
        body.push(b']');
        Ok(())
    }

    /// Steps over a comma, and says whether the list or object ends here.
    fn ends(&mut self, close: u8) -> Result<bool, Note> {
        if self.peek() == Some(b',') {
            self.at += 1;
        }
        match self.peek() {
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(true)
            }
            Some(_) => Ok(false),
            None => Err(REFUSED),
        }
    }

    /// Steps over a null.
    fn null(&mut self) -> bool {
        let is_null = self.peek() == Some(b'n') && self.rest().starts_with("null");
        if is_null {
            self.at += 4;
            self.nulls = true;
        }
        is_null
    }

    /// A string with its quotes.
    fn string(&mut self) -> Result<&'t str, Note> {
        if self.peek() != Some(b'"') {
            return Err(REFUSED);
        }
        let rest = self.rest();
        let mut escaped = false;
        let end = rest.bytes().skip(1).position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        let token = rest.get(..end.ok_or(REFUSED)? + 2).ok_or(REFUSED)?;
        if token.len() > TEXT_CHARS_MAX + 2 && token.chars().count() > TEXT_CHARS_MAX + 2 {
            return Err(Note::LeftOut(TEXT_TOO_LONG));
        }
        self.at += token.len();
        Ok(token)
    }

    /// A number, true or false.
    fn literal(&mut self) -> Result<&'t str, Note> {
        let rest = self.rest();
        let end = rest.find([',', ']', '}', ' ', '\n', '\r', '\t']).unwrap_or(rest.len());
        let token = rest.get(..end).filter(|token| !token.is_empty()).ok_or(REFUSED)?;
        self.at += token.len();
        Ok(token)
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        loop {
            let byte = *bytes.get(self.at)?;
            if !byte.is_ascii_whitespace() {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }
}

/// A string token without its quotes.
fn inside(token: &str) -> &str {
    token.strip_prefix('"').and_then(|token| token.strip_suffix('"')).unwrap_or(token)
}

/// Whether a string token is a day, or a point in time, of ISO 8601.
fn is_time(token: &str) -> bool {
    let text = inside(token);
    let shape = match text.as_bytes().get(10) {
        None => text.len() == 10,
        Some(b'T' | b' ') => text.len() >= 16 && text.as_bytes().get(13) == Some(&b':'),
        Some(_) => false,
    };
    shape && text.as_bytes().get(4) == Some(&b'-') && Date::parse(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expect: &str) {
        let mut body = Vec::new();
        let got = match write(&mut body, json) {
            Ok(()) => String::from_utf8(body).expect("text in, text out"),
            Err(Note::Sent(code)) => format!("{} ({code})", String::from_utf8(body).expect("text in, text out")),
            Err(other) => format!("{other:?}"),
        };
        assert_eq!(got, expect);
    }

    #[test]
    fn values_are_copied_as_they_are() {
        check(r#"["shoes", "bags"]"#, r#"["shoes","bags"]"#);
        check(
            r#"{"n": 18446744073709551616, "d": 450.0, "b": [true, {}]}"#,
            r#"{"n":18446744073709551616,"d":450.0,"b":[true,{}]}"#,
        );
        check(r#"{"q": "a \"b\" \\", "u": "é"}"#, r#"{"q":"a \"b\" \\","u":"é"}"#);
    }

    #[test]
    fn nulls_inside_are_taken_out() {
        check(r#"{"a": null, "b": 1, "c": null}"#, r#"{"b":1} (nested_nulls_taken_out)"#);
        check(r#"[null, 1, null, {"a": null}]"#, r#"[1,{}] (nested_nulls_taken_out)"#);
    }

    #[test]
    fn times_inside_objects_are_written_as_times() {
        check(r#"{"since": "2021-05-01"}"#, r#"{"since":{"$time":"2021-05-01"}}"#);
        check(r#"{"at": "2021-05-01T10:00:00Z"}"#, r#"{"at":{"$time":"2021-05-01T10:00:00Z"}}"#);
        check(r#"{"since": {"$time": "2021-05-01"}}"#, r#"{"since":{"$time":"2021-05-01"}}"#);
        check(r#"["2021-05-01"]"#, r#"["2021-05-01"]"#);
        check(r#"{"no": "2021-05-01x", "id": "2021-13-01"}"#, r#"{"no":"2021-05-01x","id":"2021-13-01"}"#);
    }

    #[test]
    fn a_trait_that_reads_as_an_order_stays_out() {
        for order in [r#"{"inc": 1}"#, r#"{"add": ["x"]}"#, r#"{"$update": []}"#, r#"{"a": {"$add": []}}"#] {
            check(order, "LeftOut(\"reads_as_order\")");
        }
    }

    #[test]
    fn what_braze_would_drop_stays_out() {
        check(r#"{"two words": 1}"#, "LeftOut(\"nested_name_malformed\")");
        check(&format!(r#"{{"a": "{}"}}"#, "x".repeat(256)), "LeftOut(\"text_too_long\")");
        check(&format!("[{}]", "1,".repeat(NESTED_BYTES_MAX / 2)), "LeftOut(\"nested_too_large\")");
        check(&"[".repeat(100), "LeftOut(\"value_malformed\")");
        check(r#"{"a" 1}"#, "LeftOut(\"value_malformed\")");
    }
}
