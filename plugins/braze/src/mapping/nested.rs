//! Lists and objects of custom attributes, copied token by token so that numbers keep their digits.
//!
//! Pages "Nested custom attributes" and "Array of objects" of Braze's documentation: a null anywhere inside makes Braze
//! drop the whole attribute without an error, times have to be written `{"$time": "…"}`, and an object may be an
//! order (`{"inc": 1}`) instead of a value. Traits are values, never orders
//! (test `a_trait_that_reads_as_an_order_stays_out`).

use enroute_sdk::date::Moment;

use super::value::{MALFORMED, Note, TEXT_CHARS_MAX, TEXT_TOO_LONG};

/// Largest nested attribute in bytes. Newer pages of Braze say 100 KB, older ones 50 KB; above its limit Braze drops
/// the update and says success.
const NESTED_BYTES_MAX: usize = 50 * 1024;

/// Most entries of a list that Braze keeps unless an attribute's maximum was raised: page "Custom attributes", section
/// "Arrays". It cuts what is beyond and says nothing. Lists of objects are bounded by their bytes alone.
const LIST_ENTRIES_MAX: usize = 25;

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

/// Warning: a list has more entries than Braze keeps by itself; all of it was sent.
const LIST_LONG: &str = "list_long";

/// Names that make an object an order.
const ORDERS: [&str; 3] = ["inc", "add", "remove"];

const REFUSED: Note = Note::LeftOut(MALFORMED);

/// Writes a list or an object.
pub(super) fn write(body: &mut Vec<u8>, json: &str) -> Result<(), Note> {
    if json.len() > NESTED_BYTES_MAX {
        return Err(Note::LeftOut(NESTED_TOO_LARGE));
    }
    let mut walk = Walk { text: json, at: 0, nulls: false, long: false };
    walk.value(body, false, 0)?;
    match (walk.nulls, walk.long) {
        (false, false) => Ok(()),
        (true, false) => Err(Note::Sent(NULLS_TAKEN_OUT)),
        (false, true) => Err(Note::Sent(LIST_LONG)),
        (true, true) => Err(Note::SentWith([NULLS_TAKEN_OUT, LIST_LONG])),
    }
}

/// A reader of JSON text that the host has checked; what it does not understand, it refuses.
struct Walk<'t> {
    text: &'t str,
    at: usize,
    nulls: bool,
    /// Whether a list is longer than Braze may keep.
    long: bool,
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
                match time(token).filter(|_| timed) {
                    Some(time) => {
                        let time = format!("{{\"$time\":\"{time}\"}}");
                        body.extend_from_slice(time.as_bytes());
                    }
                    None => body.extend_from_slice(token.as_bytes()),
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
        let mut plain = 0;
        while !self.ends(b']')? {
            if self.null() {
                continue;
            }
            if !first {
                body.push(b',');
            }
            first = false;
            plain += usize::from(self.peek() != Some(b'{'));
            self.value(body, false, depth + 1)?;
        }
        body.push(b']');
        self.long |= plain > LIST_ENTRIES_MAX;
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

/// The day or point in time that a string token is, where it begins as ISO 8601 has it: `YYYY-MM-DD`. Nothing says that
/// the text is a date but its form, so no other form is taken for one.
fn time(token: &str) -> Option<Moment> {
    let text = inside(token);
    let bytes = text.as_bytes();
    let shape = bytes.get(4) == Some(&b'-') && bytes.get(7) == Some(&b'-');
    let ends = matches!(bytes.get(10), None | Some(b'T' | b't' | b' '));
    (shape && ends).then(|| Moment::read(text, None).ok()).flatten()
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
            Err(Note::SentWith(codes)) => {
                format!("{} ({})", String::from_utf8(body).expect("text in, text out"), codes.join(", "))
            }
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
        check(r#"{"at": "2021-05-01 10:00:00+00"}"#, r#"{"at":{"$time":"2021-05-01T10:00:00Z"}}"#);
        check(r#"{"at": "05/06/1990", "id": "20210501"}"#, r#"{"at":"05/06/1990","id":"20210501"}"#);
        check(r#"["2021-05-01"]"#, r#"["2021-05-01"]"#);
        check(r#"{"no": "2021-05-01x", "id": "2021-13-01"}"#, r#"{"no":"2021-05-01x","id":"2021-13-01"}"#);
    }

    #[test]
    fn a_list_that_braze_may_cut_is_sent_and_told() {
        let numbers = |count: usize| format!("[{}]", vec!["1"; count].join(","));
        check(&numbers(25), &numbers(25));
        check(&numbers(30), &format!("{} (list_long)", numbers(30)));
        let inside = format!(r#"{{"sizes":{}}}"#, numbers(26));
        check(&inside, &format!("{inside} (list_long)"));
        let with_nulls = format!("[null,{}", numbers(30).trim_start_matches('['));
        check(&with_nulls, &format!("{} (nested_nulls_taken_out, list_long)", numbers(30)));
        let objects = format!("[{}]", vec!["{}"; 30].join(","));
        check(&objects, &objects);
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
