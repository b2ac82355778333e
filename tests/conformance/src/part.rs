//! A member's part of a request: what must be the same whoever else is in the batch.
//!
//! Nothing is known of a destination's bodies, so a part is found by comparing: what a request says of a member alone
//! must stand, entry by entry, in the request that the member shares with others.

use enroute_core::request::Request;
use serde_json::Value;

/// Whether everything that `alone` says of its one member stands in `shared`, a request about several members.
pub(crate) fn stands_in(alone: &Request, shared: &Request) -> bool {
    match (serde_json::from_slice::<Value>(&alone.body), serde_json::from_slice::<Value>(&shared.body)) {
        (Ok(alone), Ok(shared)) => entries_stand_in(&alone, &shared),
        _ => lines_stand_in(&alone.body, &shared.body),
    }
}

/// Every entry of every outermost list of `alone` is an entry of the same list of `shared`. What stands outside of
/// lists, such as counts, belongs to the packing.
fn entries_stand_in(alone: &Value, shared: &Value) -> bool {
    match (alone, shared) {
        (Value::Array(alone), Value::Array(shared)) => alone.iter().all(|entry| shared.contains(entry)),
        (Value::Object(alone), Value::Object(shared)) => alone.iter().all(|(name, value)| match shared.get(name) {
            Some(shared) => entries_stand_in(value, shared),
            None => !holds_list(value),
        }),
        (alone, _) => !holds_list(alone),
    }
}

fn holds_list(value: &Value) -> bool {
    match value {
        Value::Array(list) => !list.is_empty(),
        Value::Object(members) => members.values().any(holds_list),
        _ => false,
    }
}

/// Lines, for tables of text. A body without lines cannot be taken apart, so nothing is said of it.
fn lines_stand_in(alone: &[u8], shared: &[u8]) -> bool {
    if !alone.contains(&b'\n') {
        return true;
    }
    let shared: Vec<&[u8]> = shared.split(|byte| *byte == b'\n').collect();
    alone.split(|byte| *byte == b'\n').all(|line| shared.contains(&line))
}

#[cfg(test)]
mod tests {
    use enroute_core::request::Method;

    use super::*;

    #[track_caller]
    fn check(alone: &str, shared: &str, expect: bool) {
        let request = |body: &str| Request {
            method: Method::Post,
            origin: String::new(),
            path: Vec::new(),
            query: Vec::new(),
            headers: Vec::new(),
            body: body.as_bytes().to_vec(),
            slots: Vec::new(),
        };
        assert_eq!(stands_in(&request(alone), &request(shared)), expect, "{alone} in {shared}");
    }

    #[test]
    fn entries_are_found_and_counts_do_not_matter() {
        check(r#"{"n":1,"users":[{"id":"a","x":1}]}"#, r#"{"n":2,"users":[{"id":"b"},{"id":"a","x":1}]}"#, true);
        check(r#"{"users":[{"id":"a","x":1}]}"#, r#"{"users":[{"id":"b"},{"id":"a","x":2}]}"#, false);
        check(r#"{"payload":{"data":[["h1"]]}}"#, r#"{"payload":{"data":[["h0"],["h1"]]}}"#, true);
        check(r#"{"add":["a"]}"#, r#"{"remove":["a"]}"#, false);
        check("id\na\n", "id\nb\na\n", true);
        check("id\na\n", "id\nb\n", false);
    }
}
