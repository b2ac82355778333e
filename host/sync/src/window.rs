//! What became of members in a while: counts by outcome, reasons of rejections, and how long deliveries took.

use std::collections::BTreeMap;

use enroute_store::chronicle::{self, Stages};
use enroute_store::{Error, Reader, ledger};
use serde::Serialize;

use crate::clock::moment;
use crate::explain::Status;

/// One connection in a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Window {
    /// The audience's key.
    pub audience: String,
    /// The destination's name.
    pub destination: String,
    /// The mapping's name, where the connection has several.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mapping: String,
    /// Its beginning, in UTC.
    pub since: String,
    /// Members by outcome; somebody who was tried several times counts as often.
    pub outcomes: BTreeMap<String, u64>,
    /// Milliseconds from the intent of a delivery to its outcome, for the members who were delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<Latency>,
    /// Why members were rejected, most first.
    pub discards: Vec<Discarded>,
}

/// Within which time 50, 95 and 99 of a hundred members were delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// Half of them.
    pub p50: u64,
    /// 95 of a hundred.
    pub p95: u64,
    /// 99 of a hundred.
    pub p99: u64,
}

/// Members who were rejected for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Discarded {
    /// snake_case.
    pub code: String,
    /// One sentence.
    pub reason: String,
    /// How many times.
    pub members: u64,
    /// How many times in the while of equal length before.
    pub before: u64,
    /// Ids of some of them, masked unless asked for.
    pub samples: Vec<String>,
}

/// What became of the members of these connections since a moment; where nothing did, nothing is told.
///
/// # Errors
/// When the store cannot be read.
pub fn windows(
    reader: &Reader,
    connections: &[Status],
    (since_ms, now_ms): (u64, u64),
    with_ids: bool,
) -> Result<Vec<Window>, Error> {
    let mut found = Vec::new();
    let before_ms = since_ms.saturating_sub(now_ms.saturating_sub(since_ms));
    for status in connections {
        let Some(link) = ledger::find_link(reader, &status.name())? else { continue };
        let stages = chronicle::stages(reader, link.id, since_ms)?;
        if stages.outcomes.is_empty() && stages.discards.is_empty() {
            continue;
        }
        // What is counted from the earlier moment on has the later ones in it.
        let longer = chronicle::stages(reader, link.id, before_ms)?;
        found.push(Window {
            audience: status.audience.clone(),
            destination: status.destination.clone(),
            mapping: status.mapping.clone(),
            since: moment(since_ms),
            latency_ms: latency(&stages),
            discards: discards(&stages, &longer, with_ids),
            outcomes: stages.outcomes,
        });
    }
    Ok(found)
}

fn latency(stages: &Stages) -> Option<Latency> {
    let [p50, p95, p99] = [50, 95, 99].map(|percent| stages.percentile_ms(percent));
    Some(Latency { p50: p50?, p95: p95?, p99: p99? })
}

fn discards(stages: &Stages, longer: &Stages, with_ids: bool) -> Vec<Discarded> {
    let mut found: Vec<Discarded> = stages
        .discards
        .iter()
        .map(|(reason, discard)| Discarded {
            code: reason.0.clone(),
            reason: reason.1.clone(),
            members: discard.members,
            before: longer.discards.get(reason).map_or(0, |all| all.members.saturating_sub(discard.members)),
            samples: discard.samples.iter().map(|id| if with_ids { id.clone() } else { masked(id) }).collect(),
        })
        .collect();
    found.sort_by(|a, b| b.members.cmp(&a.members).then_with(|| a.code.cmp(&b.code)));
    found
}

/// An id of which only the ends are seen: enough to find one's own, too little to be somebody's.
fn masked(id: &str) -> String {
    let characters: Vec<char> = id.chars().collect();
    match characters.as_slice() {
        [a, b, .., y, z] if characters.len() > 6 && !id.contains('@') => format!("{a}{b}…{y}{z}"),
        [a, ..] => format!("{a}…"),
        [] => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use enroute_store::chronicle::Discard;

    #[test]
    fn an_id_is_masked_to_its_ends() {
        for (id, expect) in [("user-000042", "us…42"), ("ann@example.com", "a…"), ("u42", "u…"), ("", "")] {
            assert_eq!(masked(id), expect);
        }
    }

    #[test]
    fn reasons_stand_beside_those_of_the_while_before() {
        let reason = |code: &str| (code.to_owned(), String::new());
        let discard = |members| Discard { members, samples: vec!["u000001".to_owned()] };
        let now =
            Stages { discards: [(reason("a"), discard(2)), (reason("b"), discard(5))].into(), ..Stages::default() };
        let both = Stages { discards: [(reason("b"), discard(8))].into(), ..Stages::default() };
        let told: Vec<_> =
            discards(&now, &both, false).into_iter().map(|one| (one.code, one.members, one.before)).collect();
        assert_eq!(told, [("b".to_owned(), 5, 3), ("a".to_owned(), 2, 0)]);
        assert_eq!(discards(&now, &both, true)[0].samples, ["u000001"]);
    }
}
