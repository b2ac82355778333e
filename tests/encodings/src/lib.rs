//! The guest's half of the comparison: turns members, handed over in one of three forms, into the same JSON.
//!
//! `tests/examples/encodings.rs` is the other half. [`write`] is the work itself, which runs natively too.

#[cfg(target_arch = "wasm32")]
mod guest;

/// A value of a member, borrowed from whatever form it came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// Left out.
    Absent,
    /// `null`.
    Null,
    /// True or false.
    Bool(bool),
    /// Written as it stands: a number, a list or an object.
    Raw(&'a str),
    /// Written in quotes.
    Text(&'a str),
}

/// Appends `{"name":value,…}` for one member.
pub fn write<'a>(body: &mut Vec<u8>, names: &[String], values: impl Iterator<Item = Value<'a>>) {
    body.push(b'{');
    let start = body.len();
    for (name, value) in names.iter().zip(values).filter(|(_, value)| *value != Value::Absent) {
        if body.len() > start {
            body.push(b',');
        }
        quoted(body, name);
        body.push(b':');
        match value {
            Value::Absent | Value::Null => body.extend_from_slice(b"null"),
            Value::Bool(flag) => body.extend_from_slice(if flag { b"true" } else { b"false" }),
            Value::Raw(text) => body.extend_from_slice(text.as_bytes()),
            Value::Text(text) => quoted(body, text),
        }
    }
    body.extend_from_slice(b"}\n");
}

/// A cell of the packed form, by its kind.
#[must_use]
pub const fn of_kind(kind: u8, text: &str) -> Value<'_> {
    match kind {
        0 => Value::Absent,
        1 => Value::Null,
        2 | 3 => Value::Bool(kind == 3),
        5 => Value::Text(text),
        _ => Value::Raw(text),
    }
}

fn quoted(body: &mut Vec<u8>, text: &str) {
    // Writing to a vector cannot fail.
    let _cannot_fail = serde_json::to_writer(body, text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_absent_is_left_out() {
        let names: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
        let mut body = Vec::new();
        write(&mut body, &names, [Value::Text("x\"y"), Value::Absent, of_kind(4, "450.0")].into_iter());
        assert_eq!(body, b"{\"a\":\"x\\\"y\",\"c\":450.0}\n");
    }
}
