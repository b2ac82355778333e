//! Whose requests are answered: those that name a host of ours.
//!
//! A page of another site can have a name of its own lead to our address, and its requests then look like those of one
//! origin (DNS rebinding); only their `Host` tells. So there must be exactly one, and it must be ours. An address instead
//! of a name cannot be rebound: the one that the connection came in at is ours.

use std::collections::BTreeSet;
use std::net::IpAddr;

use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::uri::Authority;

/// The names that are ours, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts {
    names: BTreeSet<String>,
}

impl Hosts {
    /// `localhost`, and the address that a connection comes in at.
    #[must_use]
    pub fn loopback() -> Self {
        Self { names: BTreeSet::from(["localhost".to_owned()]) }
    }

    /// These names or addresses beside those of [`Hosts::loopback`], as the operator wrote them, without a port.
    #[must_use]
    pub fn with(names: impl IntoIterator<Item = String>) -> Self {
        let mut hosts = Self::loopback();
        hosts.names.extend(names.into_iter().map(|name| bare(&name).to_ascii_lowercase()));
        hosts
    }

    /// Whether a request that came in at the address `local` is for us.
    pub(super) fn are_asked_by(&self, request: &Parts, local: IpAddr) -> bool {
        let mut said = request.headers.get_all(HOST).iter();
        let (Some(host), None) = (said.next(), said.next()) else { return false };
        let is_ours = |host: &str| self.are_named(host, local);
        host.to_str().is_ok_and(is_ours) && request.uri.authority().is_none_or(|named| is_ours(named.as_str()))
    }

    fn are_named(&self, host: &str, local: IpAddr) -> bool {
        // Nobody's name or password belongs there.
        let Some(named) = host.parse::<Authority>().ok().filter(|_| !host.contains('@')) else { return false };
        let name = bare(named.host());
        match name.parse::<IpAddr>() {
            Ok(address) if address.to_canonical() == local.to_canonical() => true,
            _ => self.names.contains(&name.to_ascii_lowercase()),
        }
    }
}

/// An address without the brackets that URLs put around one of IPv6.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    #[track_caller]
    fn check(uri: &str, said: &[&str], local: &str, expect: bool) {
        let mut request = Request::builder().uri(uri);
        for host in said {
            request = request.header(HOST, *host);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let hosts = Hosts::with(["Events.Example.com".to_owned()]);
        assert_eq!(hosts.are_asked_by(&parts, local.parse().unwrap()), expect, "{uri} {said:?} at {local}");
    }

    #[test]
    fn one_host_is_named_and_it_is_ours() {
        for ours in ["localhost", "LOCALHOST:8080", "events.example.com", "127.0.0.1:9", "127.0.0.1"] {
            check("/v1/batch", &[ours], "127.0.0.1", true);
        }
        check("/", &["[::1]:8080"], "::1", true);
        check("/", &["10.0.0.7:8080"], "::ffff:10.0.0.7", true);
        for foreign in
            ["evil.example", "localhost.", "localhost.evil.example", "10.0.0.8", "[::1]:9", "", "a b", "u@localhost"]
        {
            check("/", &[foreign], "127.0.0.1", false);
        }
    }

    #[test]
    fn none_and_two_are_not_one() {
        check("/", &[], "127.0.0.1", false);
        check("/", &["localhost", "localhost"], "127.0.0.1", false);
        check("/", &["localhost", "evil.example"], "127.0.0.1", false);
    }

    #[test]
    fn a_whole_address_in_the_request_line_must_be_ours_too() {
        check("http://localhost/v1/batch", &["localhost"], "127.0.0.1", true);
        check("http://evil.example/v1/batch", &["localhost"], "127.0.0.1", false);
    }
}
