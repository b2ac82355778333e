//! What a plugin may say in a request, before any slot is filled.
//!
//! Pure. The host owns everything that frames a request or proves who sends it: method line, `Host`, lengths,
//! hop-by-hop headers, credentials. What must never happen: that a text of the plugin is read as one of these.
//!
//! Messages name places and never quote a value, for values may be traits of a person.

use crate::hosts::{HostGrant, Origin, Standing};
use crate::place::Place;
use crate::rules::{Refused, header, is_forbidden, path_slot, segment};
use crate::slots::{Outgoing, locate};
use enroute_core::plain;
use enroute_core::request::{Item, Request, SlotPlace};
use std::collections::BTreeSet;

/// Most bytes in path and query together.
///
/// Common servers stop at 8 KiB for the request line.
pub(super) const URL_BYTES_MAX: usize = 8 << 10;

/// Most headers of a plugin, and most bytes in their names and values.
///
/// Common servers stop at 100 headers and 16 KiB in all; a plugin needs about five.
pub(super) const HEADERS_MAX: usize = 64;
const HEADER_BYTES_MAX: usize = 16 << 10;

/// Largest body.
///
/// Twice the largest that a destination of ours takes in one request.
pub(super) const BODY_BYTES_MAX: usize = 8 << 20;

/// Longest origin: a name of 253 bytes with scheme and port.
const ORIGIN_BYTES_MAX: usize = 300;
/// Characters of what is no origin that are shown.
const ORIGIN_CHARS_SHOWN: usize = 80;

/// A request that may leave.
#[derive(Debug)]
pub(super) struct Checked {
    /// Where it goes.
    pub(super) origin: Origin,
    /// Whether it gets the credential.
    pub(super) standing: Standing,
}

/// The rules for one destination.
#[derive(Debug)]
pub(super) struct Policy {
    hosts: HostGrant,
    /// Whether `http` may be named at all; the address decides then.
    plain_http: bool,
    /// Where the manifest's auth puts credentials, whether they are configured or not.
    owned: Vec<Place>,
}

impl Policy {
    pub(super) fn new(hosts: HostGrant, plain_http: bool, owned: Vec<Place>) -> Self {
        Self { hosts, plain_http, owned }
    }

    /// Checks a request as the plugin prepared it.
    pub(super) fn check(&self, request: &Request) -> Result<Checked, Refused> {
        let checked = self.origin(&request.origin)?;
        path(request)?;
        at_most("the query", request.query.iter().map(item_bytes).sum(), "bytes", URL_BYTES_MAX)?;
        for item in &request.query {
            if self.owned.iter().any(|place| matches!(place, Place::Query(name) if *name == item.name)) {
                return Err(Refused::QueryOwned(item.name.clone()));
            }
        }
        self.headers(&request.headers)?;
        at_most("the body", request.body.len(), "bytes", BODY_BYTES_MAX)?;
        slots(request)?;
        Ok(checked)
    }

    /// Checks where a request goes, and nothing else of it.
    pub(super) fn origin(&self, text: &str) -> Result<Checked, Refused> {
        let unfit =
            || Refused::Origin(plain::visible(&text.chars().take(ORIGIN_CHARS_SHOWN).collect::<String>()).into_owned());
        if text.len() > ORIGIN_BYTES_MAX {
            return Err(unfit());
        }
        let origin = Origin::parse(text).ok_or_else(unfit)?.map_err(|_| unfit())?;
        if !origin.https && !self.plain_http {
            return Err(Refused::PlainHttp(origin.to_string()));
        }
        let standing = self.hosts.allows_host(&origin.host, origin.port)?;
        Ok(Checked { origin, standing })
    }

    fn headers(&self, headers: &[Item]) -> Result<(), Refused> {
        at_most("the request", headers.len(), "headers", HEADERS_MAX)?;
        at_most("the header", headers.iter().map(item_bytes).sum(), "bytes", HEADER_BYTES_MAX)?;
        for item in headers {
            let (name, _) = header(&item.name, &item.value)?;
            let name = name.as_str();
            let owned = self.owned.iter().any(|place| matches!(place, Place::Header(owned) if owned == name));
            if owned || is_forbidden(name) {
                return Err(Refused::HeaderForbidden(name.to_owned()));
            }
        }
        Ok(())
    }
}

/// Checks what filling and credentials have made longer.
pub(super) fn check_filled(outgoing: &Outgoing) -> Result<(), Refused> {
    at_most("the URL", outgoing.path.len() + outgoing.query.len(), "bytes", URL_BYTES_MAX)?;
    let headers = outgoing.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    at_most("the header", headers, "bytes", HEADER_BYTES_MAX)?;
    at_most("the body", outgoing.body.len(), "bytes", BODY_BYTES_MAX)
}

fn path(request: &Request) -> Result<(), Refused> {
    at_most("the path", request.path.iter().map(|segment| segment.len() + 1).sum(), "bytes", URL_BYTES_MAX)?;
    let last = request.path.len().saturating_sub(1);
    for (index, text) in request.path.iter().enumerate() {
        segment(index, text)?;
        // `//host` at the front would read as a host to some servers.
        if text.is_empty() && (index != last || index == 0) && path_slot(request, index).is_none() {
            return Err(Refused::SegmentEmpty(index));
        }
    }
    Ok(())
}

fn slots(request: &Request) -> Result<(), Refused> {
    let mut places = BTreeSet::new();
    for slot in &request.slots {
        let refused = |problem| Refused::Slot { place: slot.place.to_string(), problem };
        let named = |items: &[Item], same: fn(&str, &str) -> bool, name: &str| {
            let mut found = items.iter().filter(|item| same(&item.name, name));
            match (found.next(), found.next()) {
                (Some(item), None) if item.value.is_empty() => Ok(()),
                (Some(_), None) => Err(refused("stands where a value already is")),
                (Some(_), Some(_)) => Err(refused("stands where there are several of that name")),
                (None, _) => Err(refused("stands where there is nothing")),
            }
        };
        match &slot.place {
            SlotPlace::PathSegment(index) => {
                match usize::try_from(*index).ok().and_then(|index| request.path.get(index)) {
                    Some(text) if text.is_empty() => {}
                    Some(_) => return Err(refused("stands where a value already is")),
                    None => return Err(refused("stands where there is nothing")),
                }
            }
            SlotPlace::Query(name) => named(&request.query, str::eq, name)?,
            SlotPlace::Header(name) => named(&request.headers, str::eq_ignore_ascii_case, name)?,
            SlotPlace::Body(pointer) => match locate(&request.body, pointer).and_then(|at| request.body.get(at)) {
                Some(br#""""#) => {}
                Some(_) => return Err(refused("stands where a value already is")),
                None => return Err(refused("stands where there is nothing")),
            },
        }
        // Only names of headers are the same in either case.
        let place = match &slot.place {
            SlotPlace::Header(name) => SlotPlace::Header(name.to_ascii_lowercase()).to_string(),
            other => other.to_string(),
        };
        if !places.insert(place) {
            return Err(refused("stands twice"));
        }
    }
    Ok(())
}

fn item_bytes(item: &Item) -> usize {
    item.name.len() + item.value.len()
}

fn at_most(part: &'static str, found: usize, unit: &'static str, max: usize) -> Result<(), Refused> {
    if found <= max { Ok(()) } else { Err(Refused::TooMuch { part, found, unit, max }) }
}

#[cfg(test)]
mod tests;
