//! `GET /custom_attributes`: what the workspace has of its own, 50 on a page.
//!
//! Braze, "GET: Export custom attributes": pages in the alphabet's order, and the address of the next in `Link`.

use serde_json::{Value, json};

use super::message;
use crate::base64::decoded;
use crate::server::{Recorded, Reply};

/// Attributes on a page.
const PAGE: usize = 50;

/// An attribute of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Its type as the dashboard has it: `String`, `Number`, `Boolean`, …
    pub data_type: String,
    /// Whether it can be set.
    pub is_active: bool,
}

impl Attribute {
    /// One that can be set.
    #[must_use]
    pub fn new(name: &str, data_type: &str) -> Self {
        Self { name: name.to_owned(), data_type: data_type.to_owned(), is_active: true }
    }

    fn json(&self) -> Value {
        json!({
            "array_length": null, "data_type": self.data_type, "description": null, "name": self.name,
            "status": if self.is_active { "Active" } else { "Blocklisted" }, "tag_names": [],
        })
    }
}

pub(super) fn page(request: &Recorded, attributes: &[Attribute]) -> Reply {
    let start = match request.parameter("cursor") {
        None => Some(0),
        Some(cursor) => place(cursor).filter(|start| *start < attributes.len()),
    };
    let Some(start) = start else { return message(400, "Invalid cursor") };
    let mut sorted: Vec<&Attribute> = attributes.iter().collect();
    sorted.sort_by(|one, other| one.name.cmp(&other.name));
    let shown: Vec<Value> = sorted.iter().skip(start).take(PAGE).map(|attribute| attribute.json()).collect();
    let end = start + shown.len();
    let reply = Reply::json(200, &json!({"attributes": shown, "message": "success"}));
    if end >= attributes.len() {
        return reply;
    }
    let host = request.header("host").unwrap_or_default();
    reply.header("link", &format!("<https://{host}/custom_attributes?cursor={}>; rel=\"next\"", cursor(end)))
}

/// `skip:N` in base64, as an address writes it.
fn cursor(place: usize) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in format!("skip:{place}").as_bytes().chunks(3) {
        let at = |index: usize| u32::from(three.get(index).copied().unwrap_or_default());
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for (index, shift) in [18, 12, 6, 0].into_iter().enumerate() {
            match LETTERS.get((bits >> shift & 63) as usize) {
                Some(letter) if index <= three.len() => text.push(char::from(*letter)),
                _ => text.push_str("%3D"),
            }
        }
    }
    text
}

fn place(cursor: &str) -> Option<usize> {
    String::from_utf8(decoded(cursor)?).ok()?.strip_prefix("skip:")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_stands_for_its_place() {
        for at in [0, 7, 50, 100, 1_000] {
            assert_eq!(place(&cursor(at).replace("%3D", "=")), Some(at));
        }
        assert_eq!(place("c2tpcDow"), Some(0));
        assert_eq!(place("elsewhere"), None);
    }
}
