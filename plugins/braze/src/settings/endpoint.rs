//! The REST endpoint: one for each Braze instance.
//!
//! A key works on its own instance only. Names do not follow from numbers (US-08 is `iad-08`, US-09 is `us-09`), so
//! the table of Braze's "API overview" page is kept here, and a host of the same form passes with a warning, because
//! Braze adds instances every few months.

use enroute_sdk::{Place, Problem};

use super::{error, warning};

/// Instances and their hosts.
const INSTANCES: [(&str, &str); 16] = [
    ("US-01", "rest.iad-01.braze.com"),
    ("US-02", "rest.iad-02.braze.com"),
    ("US-03", "rest.iad-03.braze.com"),
    ("US-04", "rest.iad-04.braze.com"),
    ("US-05", "rest.iad-05.braze.com"),
    ("US-06", "rest.iad-06.braze.com"),
    ("US-07", "rest.iad-07.braze.com"),
    ("US-08", "rest.iad-08.braze.com"),
    ("US-09", "rest.us-09.braze.com"),
    ("US-10", "rest.us-10.braze.com"),
    ("EU-01", "rest.fra-01.braze.eu"),
    ("EU-02", "rest.fra-02.braze.eu"),
    ("EU-03", "rest.fra-03.braze.eu"),
    ("AU-01", "rest.au-01.braze.com"),
    ("ID-01", "rest.id-01.braze.com"),
    ("JP-01", "rest.jp-01.braze.com"),
];

/// What an endpoint is.
#[derive(Debug, PartialEq, Eq)]
enum Endpoint<'a> {
    /// A host of the table, or a fake on this machine.
    Known,
    /// A host of the form that Braze's hosts have.
    New,
    /// The SDK's host of an instance.
    Sdk,
    /// The number of an instance in a name that it never had: the host is this one.
    Misnamed(&'a str),
    /// Not Braze.
    Foreign,
}

pub(super) fn check(endpoint: &str, found: &mut Vec<Problem>) {
    let place = || Place::Setting("endpoint".to_owned());
    match read(endpoint) {
        Endpoint::Known => {}
        Endpoint::New => found.push(warning(
            place(),
            format!("`{endpoint}` is not among the instances known to this plugin"),
            "compare it with the REST endpoint in Braze under Settings > APIs and Identifiers",
        )),
        Endpoint::Sdk => found.push(error(
            place(),
            format!("`{endpoint}` is the endpoint for apps, not for the REST API"),
            "use the REST endpoint: it begins with `https://rest.`",
        )),
        Endpoint::Misnamed(host) => found.push(error(
            place(),
            format!("`{endpoint}` does not exist"),
            format!("the REST endpoint of this instance is https://{host}"),
        )),
        Endpoint::Foreign => {
            let known: Vec<String> = INSTANCES.iter().map(|(name, host)| format!("{name} {host}")).collect();
            found.push(error(
                place(),
                format!("`{endpoint}` is not the REST endpoint of a Braze instance"),
                format!("https:// with one of: {}", known.join(", ")),
            ));
        }
    }
}

fn read(endpoint: &str) -> Endpoint<'static> {
    if let Some(local) = endpoint.strip_prefix("http://") {
        return if is_loopback(local) { Endpoint::Known } else { Endpoint::Foreign };
    }
    let Some(host) = endpoint.strip_prefix("https://") else { return Endpoint::Foreign };
    if INSTANCES.iter().any(|(_, known)| *known == host) {
        return Endpoint::Known;
    }
    let Some(rest) = host.strip_suffix(".braze.com").or_else(|| host.strip_suffix(".braze.eu")) else {
        return Endpoint::Foreign;
    };
    let is_label = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    match rest.split_once('.') {
        Some(("sdk", label)) if is_label(label) => Endpoint::Sdk,
        Some(("rest", label)) if is_label(label) => misnamed(label).map_or(Endpoint::New, Endpoint::Misnamed),
        _ => Endpoint::Foreign,
    }
}

/// The host that was meant by `iad-09`, `us-01`, `eu-01` and the like.
fn misnamed(label: &str) -> Option<&'static str> {
    let (region, number) = label.rsplit_once('-')?;
    let instance = match region {
        "iad" | "us" => format!("US-{number}"),
        "fra" | "eu" => format!("EU-{number}"),
        _ => label.to_uppercase(),
    };
    INSTANCES.iter().find(|(name, _)| *name == instance).map(|(_, host)| *host)
}

fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next(),
        None => authority.split(':').next(),
    };
    matches!(host, Some("127.0.0.1" | "localhost" | "::1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_of_brazes_form_pass() {
        assert_eq!(read("https://rest.fra-01.braze.eu"), Endpoint::Known);
        assert_eq!(read("https://rest.kr-01.braze.com"), Endpoint::New);
        for foreign in [
            "https://rest.iad-01.braze.com.example.org",
            "https://evilbraze.com",
            "https://rest.iad-01.braze.com:8443",
            "https://user@rest.iad-01.braze.com",
            "https://rest.iad-01.braze.com/v1",
            "https://rest.a.b.braze.com",
            "https://rest..braze.com",
            "http://rest.iad-01.braze.com",
            "http://127.0.0.1.example.org",
        ] {
            assert_eq!(read(foreign), Endpoint::Foreign, "{foreign}");
        }
    }

    #[test]
    fn the_sdk_host_and_a_computed_host_are_told_apart() {
        assert_eq!(read("https://sdk.iad-01.braze.com"), Endpoint::Sdk);
        assert_eq!(read("https://rest.iad-09.braze.com"), Endpoint::Misnamed("rest.us-09.braze.com"));
        assert_eq!(read("https://rest.eu-01.braze.eu"), Endpoint::Misnamed("rest.fra-01.braze.eu"));
    }

    #[test]
    fn a_fake_on_this_machine_is_fine() {
        assert_eq!(read("http://127.0.0.1:4010"), Endpoint::Known);
        assert_eq!(read("http://[::1]:4010"), Endpoint::Known);
        assert_eq!(read("http://localhost"), Endpoint::Known);
    }
}
