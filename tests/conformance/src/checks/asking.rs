//! What is true of the requests of any call of `send`.

use crate::bench::Bench;
use crate::catalogue::Check;
use crate::checks::requests;
use crate::findings::Failure;
use crate::kit::Kit;
use crate::network::{Asked, What};

/// Looks at what was asked, in order.
pub(crate) fn look(kit: &Kit<'_>, bench: &Bench, asked: &[Asked], did: &str) {
    let mut sent: Vec<u32> = Vec::new();
    for one in asked {
        match &one.what {
            What::Prepared(index) => {
                let again = sent.contains(index);
                kit.findings.expect(Check::NothingIsSentTwice, !again, || {
                    Failure::new(did, "each prepared request once", format!("request {index} was sent again"))
                });
                let late = sent.iter().find(|earlier| **earlier > *index).filter(|_| !again);
                kit.findings.expect(Check::RequestsAreSentInOrder, late.is_none(), || {
                    let got = format!("request {} left before request {index}", late.copied().unwrap_or_default());
                    Failure::new(did, "requests in the order in which they stand", got)
                });
                sent.push(*index);
            }
            What::Derived(kind, request) => {
                kit.findings.expect(Check::DerivedKindsAreDeclared, kit.kinds.contains(kind), || {
                    Failure::new(did, format!("a kind of the manifest: {}", kit.kinds.join(", ")), format!("`{kind}`"))
                });
                let checks = (Check::DerivedHostsAreDeclared, Check::HostsPartsAreLeftAlone);
                requests::sendable(kit, bench, request, checks, did);
            }
        }
    }
}

/// No loop that sends a derived request again, as it is, right after it failed. Two jobs may be one at the destination,
/// so this is nothing to ask of who asks about jobs.
pub(crate) fn at_once(kit: &Kit<'_>, asked: &[Asked], did: &str) {
    for pair in asked.windows(2) {
        let [first, second] = pair else { continue };
        let again = first.is_derived() && first.what == second.what && failed(first);
        kit.findings.expect(Check::NothingIsSentTwice, !again, || {
            Failure::new(
                did,
                "no loop that sends again: that is the host's",
                "a derived request was sent again at once",
            )
        });
    }
}

/// Whether a request had no answer, or one that asks to come back later.
fn failed(asked: &Asked) -> bool {
    asked.reply.as_ref().map_or(true, |response| response.status == 429 || response.status >= 500)
}
