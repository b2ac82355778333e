//! Removals: they name what was sent, all of it, and nothing else.

use enroute_core::batch::Change;
use enroute_host::runtime::{Mapped, PreparedRequest};

use crate::bench::Bench;
use crate::catalogue::Check;
use crate::findings::Failure;
use crate::kit::Kit;
use crate::people::{Cell, Person};

/// Numbers of the identities; multiples of seven have the best identifier.
const NOW: [usize; 2] = [30_100, 30_107];
const SENT: [usize; 2] = [30_114, 30_121];

pub(crate) fn check(kit: &Kit<'_>, benches: &[Bench]) {
    for bench in benches {
        let sent: Vec<Vec<Cell>> = SENT.iter().map(|number| bench.identity(*number).0).collect();
        let [first, second] = sent.as_slice() else { continue };
        let remove = |now: usize, sent: &[&Vec<Cell>]| -> Option<Vec<PreparedRequest>> {
            let person =
                Person { sent: sent.iter().map(|row| (*row).clone()).collect(), ..bench.member(now, Change::Removed) };
            let mapped = kit.map(bench, &bench.crowd(vec![person]), "mapped the removal of one member")?;
            Some(requests(mapped))
        };
        let [now, other] = NOW;
        let (Some(one), Some(elsewhere)) = (remove(now, &[first]), remove(other, &[first])) else { continue };
        kit.findings.expect(Check::RemovalsNameWhatWasSent, one == elsewhere, || {
            let did = format!("{}: mapped a removal with two different identifiers of now", bench.name);
            Failure::new(did, format!("the same requests: {}", shown(&one)), shown(&elsewhere))
        });
        let (Some(second_only), Some(both)) = (remove(now, &[second]), remove(now, &[first, second])) else {
            continue;
        };
        // A plugin that rejects a removal has nothing to reach.
        if one.is_empty() || second_only.is_empty() || one == second_only {
            continue;
        }
        kit.findings.expect(Check::RemovalsReachAllThatWasSent, both != one && both != second_only, || {
            let did = format!("{}: mapped a removal of what was sent under two identities", bench.name);
            Failure::new(did, "requests that name both", format!("what names one of them: {}", shown(&both)))
        });
    }
}

fn requests(mapped: Mapped) -> Vec<PreparedRequest> {
    mapped.deliveries.into_iter().flat_map(|delivery| delivery.requests).collect()
}

fn shown(requests: &[PreparedRequest]) -> String {
    let one = |prepared: &PreparedRequest| {
        let body: String = String::from_utf8_lossy(&prepared.request.body).chars().take(200).collect();
        format!("{} {} {body}", prepared.request.method.as_str(), prepared.request.target())
    };
    requests.iter().map(one).collect::<Vec<_>>().join(", ")
}
