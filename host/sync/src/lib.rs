//! Keeps each destination's audience equal to ours: plans, sends, settles and reports.
//!
//! Owns the order of things: intent before the first byte, outcomes and held state in one transaction, removals
//! before additions, one request about a member at a time. What is decided without I/O is in `enroute-core`.
//!
//! The files stand on floors, as the modules do, and use what stands before them: `clock`, `halt`, `figures` and `report`, the wings
//! `setup`, `change` and `delivery`, then the ways through: `run`, `plan`, `trial`, `resync`, `forget`, and what is told:
//! `doubt`, `versions`, `explain`, `window`.

mod alert;
mod change;
mod clock;
mod delivery;
mod doubt;
mod explain;
mod figures;
mod flow;
mod forget;
mod halt;
mod history;
mod left;
mod plan;
mod report;
mod resync;
mod retry;
mod run;
mod setup;
#[cfg(test)]
mod tests;
mod transform;
mod trial;
mod versions;
mod window;

pub use alert::{Raised, made_up, raised};
pub use change::coverage::{Coverage, FieldCoverage, IdentifierCoverage};
pub use change::only::Only;
pub use change::resend::Resend;
pub use change::snapshot::SnapshotError;
pub use clock::{Clock, moment};
pub use delivery::dispatch::{Progress, ProgressSink};
pub use delivery::open::Probed;
pub use delivery::quota::Quota;
pub use doubt::{condition_hint, conditions};
pub use explain::{Chapter, DestinationStatus, Explanation, Standing, Status, explain, status};
pub use figures::{Counted, Figures};
pub use flow::HeldBack;
pub use forget::{ForgetPreview, Forgetting, Left, Shared, being_forgotten, forget, forget_preview, forgetting};
pub use halt::Halt;
pub use left::{Adopted, LeftBehind, LeftError, Which, adopt, adoption, held_by, left_behind, let_go};
pub use plan::{Detail, LinkPlan, PlannedRequest, plan, plan_purge};
pub use report::{
    ChangeCounts, FaultReport, LinkReport, LinkState, OutcomeCounts, ReasonCount, RefusedRequests, RequestCounts,
    RunReport,
};
pub use resync::{LinkResync, preview, resync};
pub use retry::{LetterCount, Retriable, bring_back, fold, retriable};
pub use run::options::Options;
pub use run::purge::purge;
pub use run::together::Together;
pub use run::{probe, sync};
pub use setup::account::KnownAccount;
pub use setup::link::{batch_members, limits};
pub use setup::named::InAccount;
pub use setup::prepare::{Connected, Matched, Setup};
pub use setup::stopped::Stopped;
pub use setup::watch::Exchange;
pub use transform::{Person, Transform, Transformed};
pub use trial::{Sent, Trial, TriedMapping, try_profile};
pub use versions::{Difference, Undo, VersionDiff, VersionError, VersionTold, diff, undo};
pub use window::{Discarded, Latency, Window, windows};
