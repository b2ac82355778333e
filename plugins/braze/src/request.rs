//! Where requests go.
//!
//! Braze's "POST: Create and update users" page: one URL without a version, a JSON body, and the REST key as a bearer
//! token, which the host adds.

use enroute_sdk::Request;

/// Before the first object of a body.
pub(crate) const PREFIX: &[u8] = b"{\"attributes\":[";

/// After the last object of a body.
pub(crate) const SUFFIX: &[u8] = b"]}";

/// Says that a request may carry several objects; Braze's partners send it too. It stands there for one object as well:
/// a request does not depend on who else is in the batch.
const BATCH_HEADER: &str = "x-braze-batch";

/// A request that updates this many profiles.
pub(crate) fn track(endpoint: &str, body: Vec<u8>, objects: usize) -> Request {
    let request = Request::post(endpoint).path(["users", "track"]).json(body);
    if objects > 0 { request.header(BATCH_HEADER, "true") } else { request }
}

/// A request that touches nobody: a good key is told that data is missing, a bad one that it is bad.
pub(crate) fn probe(endpoint: &str) -> Request {
    track(endpoint, [PREFIX, SUFFIX].concat(), 0)
}

/// A page of the custom attributes of the workspace (page "GET: Export custom attributes"): 50, in the alphabet's order.
pub(crate) fn attributes(endpoint: &str, cursor: Option<&str>) -> Request {
    let request = Request::get(endpoint).path(["custom_attributes"]).header("accept", "application/json");
    match cursor {
        Some(cursor) => request.query("cursor", cursor),
        None => request,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_update_is_a_batch_however_many_are_in_it() {
        let has_header = |objects| {
            let request = track("https://rest.iad-01.braze.com", Vec::new(), objects);
            request.headers.iter().any(|header| header.name == BATCH_HEADER)
        };
        assert!(!has_header(0));
        assert!(has_header(1) && has_header(2));
    }

    #[test]
    fn a_probe_has_no_objects() {
        assert_eq!(probe("https://rest.iad-01.braze.com").body, b"{\"attributes\":[]}");
    }
}
