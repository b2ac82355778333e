//! Removals: they name what was sent, all of it, and nothing else, alone and among others.

use enroute_core::batch::Change;
use enroute_host::runtime::{Mapped, PreparedRequest};

use crate::bench::Bench;
use crate::catalogue::Check;
use crate::checks::grouping;
use crate::findings::Failure;
use crate::kit::Kit;
use crate::people::{Cell, Person};

/// Numbers of the identities; multiples of seven have the best identifier.
const NOW: [usize; 2] = [30_100, 30_107];
const SENT: [usize; 2] = [30_114, 30_121];

/// Members of a crowd that leaves, and of one that leaves while others enter.
const CROWD: usize = 31;
/// The first of their numbers.
const CROWD_FIRST: usize = 40_000;

pub(crate) fn check(kit: &Kit<'_>, benches: &[Bench]) {
    for bench in benches {
        let leaving = |at: usize| leaving(bench, at);
        grouping::leave(kit, bench, &bench.crowd((0..CROWD).map(leaving).collect()), "as 31 who leave");
        let mixed =
            (0..CROWD).map(|at| if at % 2 == 0 { leaving(at) } else { bench.member(CROWD_FIRST + at, Change::Added) });
        grouping::leave(kit, bench, &bench.crowd(mixed.collect()), "as 16 who leave and 15 who enter");
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

/// Somebody who leaves, to whom one to three identities were sent, none of which is that of now.
fn leaving(bench: &Bench, at: usize) -> Person {
    let sent = (0..=at % 3).map(|nth| bench.identity(CROWD_FIRST + 1_000 + (at * 3 + nth) * 7));
    let (sent, marks): (Vec<_>, Vec<_>) = sent.unzip();
    let marks = marks.into_iter().flatten().collect();
    Person { sent, marks, ..bench.member(CROWD_FIRST + at, Change::Removed) }
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
