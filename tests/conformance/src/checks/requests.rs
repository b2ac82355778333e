//! One result of `map`: every request against the manifest, the host's rules, and the members that it is about.

use enroute_core::request::{Request, SlotPlace};
use enroute_host::runtime::{Mapped, PreparedRequest};

use crate::bench::Bench;
use crate::catalogue::Check;
use crate::checks::{bodies, said};
use crate::findings::Failure;
use crate::kit::Kit;
use crate::people::Crowd;
use crate::spelled::Said;

/// Largest crowd in which every member's marks are looked for in every request.
const CROWD_SEARCHED_MAX: usize = 64;

/// Looks at everything that one result can show.
pub(crate) fn look(kit: &Kit<'_>, bench: &Bench, crowd: &Crowd, mapped: &Mapped, did: &str) {
    said::mapped(kit, bench, crowd, mapped, did);
    for delivery in &mapped.deliveries {
        let limit = bench.connection.limits.iter().find(|(operation, ..)| *operation == delivery.operation);
        let sound = limit.is_some() && !delivery.requests.is_empty();
        kit.findings.expect(Check::OperationsAreDeclared, sound, || {
            let got = format!("operation `{}` with {} requests", delivery.operation, delivery.requests.len());
            Failure::new(did, "an operation of the manifest, with a request at least", got)
        });
        for prepared in &delivery.requests {
            if let Some((_, members, bytes)) = limit {
                let (has, size) = (prepared.members.len(), prepared.request.body.len());
                kit.findings.expect(Check::LimitsAreKept, has <= *members as usize && size <= *bytes as usize, || {
                    let expected = format!("at most {members} members and {bytes} bytes in `{}`", delivery.operation);
                    Failure::new(did, expected, format!("{has} members and {size} bytes"))
                });
            }
            let places = (Check::HostsAreDeclared, Check::HostsPartsAreLeftAlone);
            sendable(kit, bench, &prepared.request, places, did);
            bodies::of_members(kit, crowd, &prepared.request, did);
            hashed(kit, crowd, &prepared.request, did);
            if crowd.len() <= CROWD_SEARCHED_MAX {
                names_members(kit, crowd, prepared, did);
            }
        }
    }
}

/// Whether a request goes to a declared host, and the host would let it go.
pub(crate) fn sendable(kit: &Kit<'_>, bench: &Bench, request: &Request, checks: (Check, Check), did: &str) {
    let shown = || format!("{} {}{}", request.method.as_str(), request.origin, request.target());
    bodies::look(kit, request, did);
    let denied = match host_of(&request.origin) {
        Some((host, port)) => bench.grant.allows(host, port).err().map(|denied| denied.to_string()),
        None => Some(format!("`{}` is no origin", request.origin)),
    };
    kit.findings.expect(checks.0, denied.is_none(), || {
        Failure::new(did, "a host of the manifest", format!("{}: {}", shown(), denied.clone().unwrap_or_default()))
    });
    let ill_formed = slots(request);
    kit.findings.expect(Check::SlotsAreWellFormed, ill_formed.is_none(), || {
        Failure::new(did, "slots that stand in empty places", ill_formed.clone().unwrap_or_default())
    });
    if denied.is_none() && ill_formed.is_none() {
        let refused = bench.client.preview(&filled(request)).refused;
        kit.findings.expect(checks.1, refused.is_none(), || {
            let got = format!("{}: {}", shown(), refused.clone().unwrap_or_default());
            Failure::new(did, "a request that the host lets go", got)
        });
    }
}

/// Host and port of an origin.
fn host_of(origin: &str) -> Option<(&str, u16)> {
    let (rest, usual) = match origin.split_once("://")? {
        ("https", rest) => (rest, 443),
        ("http", rest) => (rest, 80),
        _ => return None,
    };
    let rest = rest.trim_end_matches('/');
    match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => Some((host, port.parse().ok()?)),
        _ => Some((rest, usual)),
    }
}

/// What is wrong with the slots of a request.
fn slots(request: &Request) -> Option<String> {
    let body = || serde_json::from_slice::<serde_json::Value>(&request.body).ok();
    let mut places: Vec<String> = Vec::new();
    for slot in &request.slots {
        let found = match &slot.place {
            SlotPlace::PathSegment(at) => request.path.get(*at as usize).map(String::is_empty),
            SlotPlace::Query(name) => only(request.query.iter().filter(|item| item.name == *name)),
            SlotPlace::Header(name) => only(request.headers.iter().filter(|item| item.name.eq_ignore_ascii_case(name))),
            SlotPlace::Body(pointer) => {
                body().and_then(|body| body.pointer(pointer).map(|value| value.as_str() == Some("")))
            }
        };
        let place = slot.place.to_string().to_lowercase();
        match found {
            None => return Some(format!("there is nothing at {place}, or it stands there several times")),
            Some(false) => return Some(format!("{place} is not empty")),
            Some(true) if places.contains(&place) => return Some(format!("{place} is named twice")),
            Some(true) => places.push(place),
        }
    }
    None
}

fn only<'a>(mut items: impl Iterator<Item = &'a enroute_core::request::Item>) -> Option<bool> {
    let first = items.next()?;
    if items.next().is_some() { None } else { Some(first.value.is_empty()) }
}

/// The request with something in its slots.
fn filled(request: &Request) -> Request {
    let mut filled = request.clone();
    for slot in &request.slots {
        match &slot.place {
            SlotPlace::PathSegment(at) => {
                if let Some(segment) = filled.path.get_mut(*at as usize) {
                    "x".clone_into(segment);
                }
            }
            SlotPlace::Query(_) | SlotPlace::Header(_) | SlotPlace::Body(_) => {}
        }
    }
    filled.slots.clear();
    filled
}

/// Everything of a request in which a value could stand.
fn text(request: &Request) -> String {
    let mut text = String::from_utf8_lossy(&request.body).into_owned();
    let items = request.query.iter().chain(&request.headers).map(|item| &item.value);
    for part in request.path.iter().chain(items) {
        text.push('\n');
        text.push_str(part);
    }
    text
}

fn hashed(kit: &Kit<'_>, crowd: &Crowd, request: &Request, did: &str) {
    let is_hashed = |field: &str| kit.manifest.field(field).is_some_and(|field| field.hashed);
    if crowd.len() > CROWD_SEARCHED_MAX || !kit.manifest.fields.iter().any(|field| field.hashed) {
        return;
    }
    let said = Said::new(&text(request));
    let marks = crowd.people.iter().flat_map(|person| &person.marks).filter(|mark| is_hashed(&mark.field));
    for mark in marks {
        let spelling = said.spelling(mark);
        kit.findings.expect(Check::HashedFieldsLeaveHashed, spelling.is_none(), || {
            let place = format!("{} {}", request.method.as_str(), request.target());
            let got = format!("one stands {} in {place}", spelling.unwrap_or_default());
            Failure::new(did, format!("no clear value of `{}`", mark.field), got)
        });
    }
}

/// A member's values stand in requests that name the member, and members stand in the order of the body.
fn names_members(kit: &Kit<'_>, crowd: &Crowd, prepared: &PreparedRequest, did: &str) {
    let (text, body) =
        (text(&prepared.request).to_lowercase(), String::from_utf8_lossy(&prepared.request.body).to_lowercase());
    let first = |at: u32, text: &str| {
        let person = crowd.people.get(at as usize)?;
        person.marks.iter().filter_map(|mark| text.find(&mark.text)).min()
    };
    for at in 0..u32::try_from(crowd.len()).unwrap_or(u32::MAX) {
        let stranger = !prepared.members.contains(&at) && first(at, &text).is_some();
        kit.findings.expect(Check::RequestsNameTheirMembers, !stranger, || {
            let got = format!("a value of member {at} is in a request about {:?}", prepared.members);
            Failure::new(did, "a request that names every member it carries", got)
        });
    }
    let places: Vec<usize> = prepared.members.iter().filter_map(|at| first(*at, &body)).collect();
    kit.findings.expect(Check::RequestsNameTheirMembers, places.is_sorted(), || {
        let got = format!("{:?} stand at bytes {places:?}", prepared.members);
        Failure::new(did, "members in the order in which the body lists them", got)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_off_origins() {
        assert_eq!(host_of("https://api.example.com"), Some(("api.example.com", 443)));
        assert_eq!(host_of("http://127.0.0.1:8080"), Some(("127.0.0.1", 8080)));
        assert_eq!(host_of("https://[::1]"), Some(("[::1]", 443)));
        assert_eq!(host_of("ftp://a"), None);
    }
}
