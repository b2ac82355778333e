//! Lots through `map`, and a plugin that fails on one member kept from costing the others.

use crate::change::lot::Lot;
use crate::delivery::blame::{Call, Trust};
use crate::report::bounded::Bounded;
use crate::setup::link::Link;
use enroute_core::isolate::{Isolation, Step};
use enroute_core::outcome::Warning;
use enroute_egress::Refusal;
use enroute_runtime::{Delivery, Fault, Rejection};

/// What became of a lot.
#[derive(Debug, Default)]
pub(crate) struct MappedLot {
    /// Deliveries, each with the part of the lot that its positions mean.
    pub(crate) parts: Vec<(Lot, Vec<Delivery>)>,
    /// Rejections, with the part they mean.
    pub(crate) rejections: Vec<(Lot, Rejection)>,
    pub(crate) warnings: Vec<Warning>,
    /// Requests that the host would refuse, whatever members are in them: nothing of the lot may be sent.
    pub(crate) refused: Bounded<Refusal>,
    /// Failed calls, with the number of members in each.
    pub(crate) faults: Vec<(Fault, usize)>,
    /// Members whom nothing is known against: isolating the culprits would have cost too many calls.
    pub(crate) unmapped: Vec<Lot>,
}

/// Maps a lot. A call that fails is repeated in halves until the members at fault stand alone, for as long as the plugin
/// is trusted; who stands alone is remembered there.
pub(crate) async fn map(link: &Link, lot: Lot, trust: &mut Trust) -> MappedLot {
    let mut search = Isolation::new(lot.len());
    search.park(lot);
    let mut found = MappedLot::default();
    while trust.gave_up().is_none()
        && let Some(step) = search.next_step()
    {
        let lot = match step {
            Step::Send(lot) => lot,
            Step::Halve(lot) => {
                lot.into_halves().into_iter().rev().for_each(|half| search.park(half));
                continue;
            }
        };
        let mapped = link.plugin.map(&link.guest, &lot.batch).await;
        let checked = mapped.and_then(|(mapped, usage)| {
            link.log("map", &usage);
            within_limits(link, &mapped.deliveries)?;
            found.refused.absorb(refused(link, &mapped.deliveries)?);
            Ok(mapped)
        });
        match checked {
            Ok(mapped) => {
                trust.succeeded(Call::Map);
                search.found_sound(lot.len() as u64);
                found.warnings.extend(mapped.warnings);
                for rejection in mapped.rejections {
                    let at = rejection.member;
                    found.rejections.push((lot.subset(&[at]), Rejection { member: 0, ..rejection }));
                }
                if !mapped.deliveries.is_empty() {
                    trust.found_sound(lot.len() as u64);
                    found.parts.push((lot, mapped.deliveries));
                }
            }
            Err(fault) if !fault.kind.is_of_the_plugin() => {
                link.log_fault(&fault);
                found.faults.push((fault, lot.len()));
                found.unmapped.push(lot);
            }
            Err(fault) => {
                trust.failed(Call::Map, &fault, lot.len(), false);
                link.log_fault(&fault);
                found.faults.push((fault.clone(), lot.len()));
                if lot.len() == 1 {
                    search.found_culprits(1);
                    trust.suspect(lot, fault);
                } else {
                    search.shelve(lot);
                }
            }
        }
    }
    let (unsent, failed) = search.take_rest();
    found.unmapped.extend([unsent, failed].concat());
    found
}

/// Refuses deliveries that break what the manifest promises of members and bytes.
fn within_limits(link: &Link, deliveries: &[Delivery]) -> Result<(), Fault> {
    for delivery in deliveries {
        let limit = link.guest.limits.iter().find(|(operation, ..)| *operation == delivery.operation);
        let Some((operation, members, bytes)) = limit else {
            return Err(broken(link, format!("the manifest has no operation `{}`", delivery.operation)));
        };
        for request in &delivery.requests {
            let (sent, size) = (request.members.len(), request.request.body.len());
            if sent > *members as usize || size > *bytes as usize {
                return Err(broken(
                    link,
                    format!(
                        "a request of `{operation}` has {sent} members and {size} bytes, the limit is {members} and {bytes}"
                    ),
                ));
            }
        }
    }
    Ok(())
}

/// Requests that the host would refuse for what no member has to do with.
///
/// # Errors
/// Where a member may be the reason: then those at fault are looked for.
fn refused(link: &Link, deliveries: &[Delivery]) -> Result<Bounded<Refusal>, Fault> {
    let mut found = Bounded::default();
    for request in deliveries.iter().flat_map(|delivery| &delivery.requests) {
        match link.client.objection(&request.request) {
            Some(objection) if objection.may_be_of_a_member => {
                return Err(broken(link, format!("the host refuses its request: {}", objection.refusal)));
            }
            Some(objection) => found.add(objection.refusal, 1),
            None => {}
        }
    }
    Ok(found)
}

fn broken(link: &Link, reason: String) -> Fault {
    Fault::contract(link.plugin_name.clone(), "map", reason)
}
