//! Consent: what a request says of it is what the members agreed to.
//!
//! What the parts of consent are called depends on the destination. The kit takes the names that stand in the plugin's
//! cases and, as `consent.NAME`, in its manifest, and one of its own.

use enroute_core::request::Request;
use enroute_host::runtime::Mapped;
use serde_json::{Map, Value};

use crate::bench::Bench;
use crate::catalogue::Check;
use crate::findings::Failure;
use crate::kit::Kit;

/// Connections on which consent is tried.
const BENCHES_MAX: usize = 4;
/// Members of a batch.
const MEMBERS: usize = 7;
/// A name that nobody uses; what a plugin makes of it shows whether it passes consent on.
const OWN: &str = "kit_purpose";
/// Consent that nobody thought of.
const ODD: [&str; 5] = [
    "{}",
    r#"{"":null}"#,
    r#"{"kit_purpose":"yes"}"#,
    r#"{"kit_purpose":{"ads":[true,1]}}"#,
    r#"{"kit_purpose":1e400}"#,
];

pub(crate) fn check(kit: &Kit<'_>, benches: &[Bench]) {
    let names = names(kit);
    for bench in benches.iter().take(BENCHES_MAX) {
        let crowd = bench.ordinary(MEMBERS);
        let map = |consent: Option<String>| {
            let shown = consent.as_deref().unwrap_or("none").to_owned();
            kit.map(bench, &crowd.consenting(consent), &format!("mapped members with the consent {shown}"))
        };
        for odd in ODD {
            let _ = map(Some(odd.to_owned()));
        }
        let Some(unknown) = map(None) else { continue };
        for name in &names {
            let said =
                |flag: bool| map(Some(Value::Object(Map::from_iter([(name.clone(), Value::from(flag))])).to_string()));
            let (Some(agreed), Some(refused)) = (said(true), said(false)) else { continue };
            let did = format!("{}: mapped members who agreed to `{name}`, then who refused it", bench.name);
            // Who says something else where the name is known has read it.
            let ignores = agreed == refused && agreed != unknown;
            kit.findings.expect(Check::ConsentIsSaidAsGiven, !ignores, || {
                let got = "both alike, and unlike members of whom nothing is known";
                Failure::new(&did, "requests that tell a refusal from an agreement", got)
            });
            for (flag, mapped) in [(true, &agreed), (false, &refused)] {
                let other = requests(mapped).find_map(|request| contradicts(request, name, flag));
                kit.findings.expect(Check::ConsentIsSaidAsGiven, other.is_none(), || {
                    Failure::new(&did, format!("`{name}` as {flag}"), other.unwrap_or_default())
                });
            }
        }
    }
}

fn requests(mapped: &Mapped) -> impl Iterator<Item = &Request> {
    mapped.deliveries.iter().flat_map(|delivery| &delivery.requests).map(|prepared| &prepared.request)
}

/// Names of purposes: in the consents of cases, and in the manifest's words.
fn names(kit: &Kit<'_>) -> Vec<String> {
    let mut names = vec![OWN.to_owned()];
    let consents = kit.givens.iter().filter_map(|given| given.fixture.packed().consent);
    let known = consents.filter_map(|text| serde_json::from_str::<Map<String, Value>>(&text).ok());
    names.extend(known.flat_map(|known| known.into_iter().map(|(name, _)| name)));
    let texts = kit.manifest.settings.iter().map(|setting| setting.help.as_str());
    for text in texts.chain(kit.manifest.fields.iter().map(|field| field.format.as_str())) {
        let words = text.split("consent.").skip(1);
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        names.extend(words.filter_map(|rest| rest.split(|c| !is_word(c)).next()).map(str::to_owned));
    }
    names.retain(|name| !name.is_empty());
    names.sort();
    names.dedup();
    names
}

/// The place in a body where the name has the other flag.
fn contradicts(request: &Request, name: &str, flag: bool) -> Option<String> {
    let body: Value = serde_json::from_slice(&request.body).ok()?;
    let mut open = vec![(String::new(), &body)];
    while let Some((place, value)) = open.pop() {
        match value {
            Value::Object(members) => {
                for (key, value) in members {
                    let place = format!("{place}/{key}");
                    if key == name && value.as_bool().is_some_and(|said| said != flag) {
                        return Some(format!("{value} at {place}"));
                    }
                    open.push((place, value));
                }
            }
            Value::Array(list) => open.extend(list.iter().map(|value| (format!("{place}/…"), value))),
            _ => {}
        }
    }
    None
}
