//! `map` on ordinary members: total, deterministic, and with nothing to say of nobody.

use std::time::Duration;

use enroute_host::runtime::World;

use crate::bench::Bench;
use crate::catalogue::Check;
use crate::checks::full;
use crate::findings::Failure;
use crate::kit::{Kit, OTHER_WORLDS};
use crate::people::Crowd;

/// Members of an ordinary batch.
const MEMBERS: usize = 40;
/// Most members of a batch, whatever the manifest says: what the host cuts.
const BATCH_MEMBERS_MAX: usize = 10_000;
/// Times that a full batch is mapped, for its figures.
const TIMES: usize = 3;

/// What a full batch took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FullBatch {
    pub(crate) members: usize,
    /// The quickest of several.
    pub(crate) cpu: Duration,
    pub(crate) memory_bytes: usize,
    pub(crate) body_bytes: usize,
}

pub(crate) fn check(kit: &Kit<'_>, benches: &[Bench]) {
    let Outcome { mapped_any, delivered, reasons } = each(kit, benches);
    if mapped_any {
        kit.findings.expect(Check::OrdinaryMembersAreDelivered, delivered, || {
            let expected = "a delivery with one of them at least; a case in cases/map/ shows who can be delivered";
            Failure::new("mapped ordinary members on every connection", expected, reasons.join("; "))
        });
    }
}

/// What came of ordinary members on all connections.
#[derive(Default)]
pub(crate) struct Outcome {
    mapped_any: bool,
    delivered: bool,
    reasons: Vec<String>,
}

/// Nobody, ordinary members, and those of the case, on each connection.
pub(crate) fn each(kit: &Kit<'_>, benches: &[Bench]) -> Outcome {
    let mut outcome = Outcome::default();
    for bench in benches {
        nobody(kit, bench);
        let members = MEMBERS.min(bench.batch_members(kit.manifest));
        let crowds = [Some(bench.ordinary(members)), bench.own.clone()];
        for (crowd, what) in crowds.iter().flatten().zip(["ordinary members", "the members of the case"]) {
            let Some(mapped) = kit.map(bench, crowd, &format!("mapped {what}")) else { continue };
            outcome.mapped_any = true;
            outcome.delivered |= !mapped.deliveries.is_empty();
            outcome.reasons.extend(mapped.rejections.first().map(|one| format!("{}: {}", one.code, one.reason)));
            deterministic(kit, bench, crowd, what);
        }
    }
    outcome
}

fn nobody(kit: &Kit<'_>, bench: &Bench) {
    let Some(mapped) = kit.map(bench, &bench.crowd(Vec::new()), "mapped a batch without members") else { return };
    let requests: usize = mapped.deliveries.iter().map(|delivery| delivery.requests.len()).sum();
    kit.findings.expect(Check::NobodyMakesNoRequest, requests == 0, || {
        Failure::new(format!("{}: mapped a batch without members", bench.name), "no request", format!("{requests}"))
    });
}

fn deterministic(kit: &Kit<'_>, bench: &Bench, crowd: &Crowd, what: &str) {
    let did = format!("{}: mapped {what}", bench.name);
    let batch = crowd.batch();
    let map = |world: World| kit.sandbox.map(&kit.findings, world, &bench.connection, &batch, &did);
    let Some((first, _)) = map(World::default()) else { return };
    let others = [(World::default(), "again")]
        .into_iter()
        .chain(OTHER_WORLDS.map(|world| (world, "again, with another clock and other random numbers")));
    for (world, how) in others {
        let Some((other, _)) = map(world) else { return };
        kit.findings.expect(Check::MapIsDeterministic, other == first, || {
            let bodies = |mapped: &enroute_host::runtime::Mapped| {
                let requests = mapped.deliveries.iter().flat_map(|delivery| &delivery.requests);
                requests
                    .map(|one| String::from_utf8_lossy(&one.request.body).into_owned())
                    .collect::<Vec<_>>()
                    .join("\n")
            };
            let (expected, got) = differing(&bodies(&first), &bodies(&other));
            Failure::new(format!("{did} {how}"), format!("the same bytes: {expected}"), got)
        });
    }
}

/// The place where two texts begin to differ, with what stands around it.
fn differing(one: &str, other: &str) -> (String, String) {
    let at = one.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    let around = |text: &str| {
        let part: String = text.chars().skip(at.saturating_sub(20)).take(60).collect();
        format!("…{part}…")
    };
    (around(one), around(other))
}

/// Maps as many members at once as the host ever hands over.
pub(crate) fn full_batch(kit: &Kit<'_>, bench: &Bench) -> Option<FullBatch> {
    let members = bench.batch_members(kit.manifest).min(BATCH_MEMBERS_MAX);
    let crowd = bench.ordinary(members);
    let batch = crowd.batch();
    let did = format!("{}: mapped {members} members at once", bench.name);
    let mut full: Option<FullBatch> = None;
    for time in 0..TIMES {
        let (mapped, usage) = kit.sandbox.map(&kit.findings, World::default(), &bench.connection, &batch, &did)?;
        let bodies = mapped.deliveries.iter().flat_map(|delivery| &delivery.requests);
        let cpu = full.map_or(usage.cpu, |full| full.cpu.min(usage.cpu));
        let body_bytes = bodies.map(|one| one.request.body.len()).sum();
        full = Some(FullBatch { members, cpu, memory_bytes: usage.memory_bytes, body_bytes });
        if time == 0 {
            full::check(kit, bench, &crowd, &mapped);
        }
    }
    full
}
