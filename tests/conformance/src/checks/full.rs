//! A full batch against the same members in small parts, which is cheaper than each of them alone.

use std::collections::{BTreeMap, HashMap};

use enroute_host::runtime::{Mapped, World};

use crate::bench::Bench;
use crate::catalogue::Check;
use crate::checks::grouping::{Fate, Taken, is_comparable};
use crate::checks::requests;
use crate::findings::Failure;
use crate::kit::Kit;
use crate::people::Crowd;

/// Members of the parts.
const PART: usize = 47;

/// Entries by operation, place and list, how often each stands there, and the first member of the part that it is from.
type Census = BTreeMap<String, HashMap<u64, (usize, usize)>>;

fn count(census: &mut Census, taken: &Taken, first: usize) {
    for sent in &taken.requests {
        for (place, list) in &sent.parts.lists {
            let (method, origin, path) = sent.parts.place();
            let key = format!("{} {method} {origin}/{} {place}", sent.operation, path.join("/"));
            let known = census.entry(key).or_default();
            for entry in list {
                known.entry(*entry).or_insert((0, first)).0 += 1;
            }
        }
    }
}

/// A full batch, which is mapped already, against the same members in small parts: nothing is missing, new, or there
/// more often.
pub(crate) fn check(kit: &Kit<'_>, bench: &Bench, crowd: &Crowd, mapped: &Mapped) {
    let did = format!("{}: mapped {} members at once, then {PART} at a time", bench.name, crowd.len());
    requests::look(kit, bench, crowd, mapped, &did);
    if !is_comparable(kit) {
        return;
    }
    let whole = Taken::new(mapped, crowd.len());
    let (mut in_parts, mut fates) = (Census::new(), Vec::new());
    let everybody: Vec<usize> = (0..crowd.len()).collect();
    for part in everybody.chunks(PART) {
        let batch = crowd.chosen(part).batch();
        let Some((mapped, _)) = kit.sandbox.map(&kit.findings, World::default(), &bench.connection, &batch, &did)
        else {
            return;
        };
        let taken = Taken::new(&mapped, part.len());
        count(&mut in_parts, &taken, part.first().copied().unwrap_or(0));
        fates.extend(taken.fates);
    }
    let mut at_once = Census::new();
    count(&mut at_once, &whole, 0);
    for (at, (part, whole)) in fates.iter().zip(&whole.fates).enumerate() {
        let same = match (part, whole) {
            (Fate::Delivered(_), Fate::Delivered(_)) => true,
            (part, whole) => part == whole,
        };
        kit.findings.expect(Check::MapMindsNoNeighbours, same, || {
            Failure::new(&did, format!("member {at} as in a small part: {}", part.shown()), whole.shown())
        });
    }
    // Where places differ by crowd there is nothing to compare.
    if kit.findings.of(Check::HeadsMindNoNeighbours).failed == 0 {
        compare(kit, &in_parts, &at_once, &did);
    }
}

/// Lists that only one of the two has belong to another way for many members, which a plugin may have.
fn compare(kit: &Kit<'_>, in_parts: &Census, at_once: &Census, did: &str) {
    for (place, parts) in in_parts {
        let Some(whole) = at_once.get(place) else {
            let operation = place.split_inclusive(' ').next().unwrap_or(place);
            let there = at_once.keys().find(|other| other.starts_with(operation) && !in_parts.contains_key(*other));
            kit.findings.expect(Check::HeadsMindNoNeighbours, there.is_none(), || {
                Failure::new(did, place, there.map_or("", String::as_str))
            });
            continue;
        };
        let missing = parts.iter().find(|(entry, _)| !whole.contains_key(entry));
        let new = whole.keys().any(|entry| !parts.contains_key(entry));
        kit.findings.expect(Check::MapMindsNoNeighbours, missing.is_none() && !new, || {
            let got = match missing {
                Some((_, (_, first))) => format!("one of members {first} to {} is not there", first + PART - 1),
                None => "there are entries that no small part has".to_owned(),
            };
            Failure::new(did, format!("the same entries: {place}"), got)
        });
        let more = whole.iter().any(|(entry, (times, _))| parts.get(entry).is_some_and(|(known, _)| times > known));
        kit.findings.expect(Check::NobodyStandsTwice, !more, || {
            Failure::new(did, format!("no entry more often: {place}"), "some are")
        });
    }
}
