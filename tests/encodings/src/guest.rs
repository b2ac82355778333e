//! The three exports.

#![expect(unsafe_code, reason = "generated code: exports are declared so")]

wit_bindgen::generate!({ path: "wit", world: "encodings" });

use exports::enroute::encodings::forms::{Cells, Guest, Value as Row};

use crate::{Value, of_kind, write};

struct Component;

export!(Component);

impl Guest for Component {
    fn rows(names: Vec<String>, rows: Vec<Vec<Row>>) -> Vec<u8> {
        let mut body = Vec::new();
        for row in &rows {
            write(&mut body, &names, row.iter().map(borrowed));
        }
        body
    }

    fn packed(names: Vec<String>, cells: Cells) -> Vec<u8> {
        let mut body = Vec::new();
        let columns = cells.columns as usize;
        let mut start = 0;
        for (kinds, ends) in cells.kinds.chunks(columns).zip(cells.ends.chunks(columns)) {
            let values = kinds.iter().zip(ends).map(|(kind, end)| {
                let text = cells.text.get(start as usize..*end as usize).unwrap_or_default();
                start = *end;
                of_kind(*kind, text)
            });
            write(&mut body, &names, values);
        }
        body
    }

    fn text(members: String) -> Vec<u8> {
        let mut body = Vec::new();
        for line in members.lines() {
            let member: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap_or_default();
            let _cannot_fail = serde_json::to_writer(&mut body, &member);
            body.push(b'\n');
        }
        body
    }
}

fn borrowed(value: &Row) -> Value<'_> {
    match value {
        Row::Absent => Value::Absent,
        Row::Null => Value::Null,
        Row::Boolean(flag) => Value::Bool(*flag),
        Row::Number(text) | Row::Json(text) => Value::Raw(text),
        Row::Text(text) => Value::Text(text),
    }
}
