//! Bodies: what their content type says, without a name twice, with every digit and character that came in.

use std::collections::BTreeSet;

use enroute_core::request::Request;

use crate::bodies::{self, Kind};
use crate::catalogue::Check;
use crate::digits;
use crate::findings::Failure;
use crate::kit::Kit;
use crate::people::{Cell, Crowd};

/// Looks at the body of any request.
pub(crate) fn look(kit: &Kit<'_>, request: &Request, did: &str) {
    let place = || format!("{} {}", request.method.as_str(), request.target());
    let wrong = bodies::wrong(request);
    kit.findings.expect(Check::BodiesAreWhatTheySay, wrong.is_none(), || {
        Failure::new(
            did,
            "a body that is what its content type says",
            format!("{}: {}", place(), wrong.unwrap_or_default()),
        )
    });
}

/// Looks at what a prepared request says of these members.
pub(crate) fn of_members(kit: &Kit<'_>, crowd: &Crowd, request: &Request, did: &str) {
    let place = || format!("{} {}", request.method.as_str(), request.target());
    if bodies::kind(request) == Some(Kind::Json) {
        let mut twice = bodies::names_twice(&request.body);
        if !twice.is_empty() {
            // What came in with a name twice may leave so.
            let came = came_twice(crowd);
            twice.retain(|name| !came.contains(name));
        }
        kit.findings.expect(Check::NamesStandOnce, twice.is_empty(), || {
            Failure::new(did, "every name once in its object", format!("{}: {twice:?} stand twice", place()))
        });
    }
    let lost = digits::lost(crowd, &request.body);
    let garbled = std::str::from_utf8(&request.body).ok().and_then(|body| digits::garbled(crowd, body));
    kit.findings.expect(Check::DigitsAndCharactersAreKept, lost.is_none() && garbled.is_none(), || {
        let (expected, got) =
            lost.unwrap_or_else(|| ("the characters that came in".to_owned(), garbled.unwrap_or_default()));
        Failure::new(did, format!("{expected}, or nothing"), format!("{}: {got}", place()))
    });
}

fn came_twice(crowd: &Crowd) -> BTreeSet<String> {
    let objects = crowd.cells().filter(|cell| matches!(cell, Cell::Json(_)));
    objects.flat_map(|cell| bodies::names_twice(cell.words().as_bytes())).collect()
}
