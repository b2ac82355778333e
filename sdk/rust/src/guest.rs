//! Between the exported functions and the plugin: nothing here is for plugins to call.

pub use crate::bindings::enroute::destination::types::{Batch as PackedBatch, Connection, Mapped, Work};
use crate::deliver::{Delivery, Resume};
use crate::http::HostHttp;
use crate::{
    Batch, Context, Destination, Failure, Fate, Finding, Http, Mapping, Outcome, Place, Problem, Reject, Report,
    Severity, Verdict,
};

/// Wait after a connection could not be made, before the host's own back-off makes it longer.
const UNREACHABLE_WAIT_MS: u64 = 1_000;

/// `validate` as the host calls it.
#[must_use]
pub fn validate<D: Destination>(connection: Connection) -> Vec<Problem> {
    match Context::new(connection) {
        Ok(ctx) => D::validate(&ctx),
        Err(error) => {
            let message = error.to_string();
            // Of serde's messages, only this one names the setting: "missing field `endpoint`".
            let missing = message.split_once("missing field `").and_then(|(_, rest)| rest.split('`').next());
            let place = Place::Setting(missing.unwrap_or_default().to_owned());
            let hint = "the settings in the plugin's manifest and in its code must agree; tell its author".to_owned();
            vec![Problem { severity: Severity::Error, place, message, hint }]
        }
    }
}

/// `map` as the host calls it.
#[must_use]
pub fn map<D: Destination>(connection: Connection, batch: &PackedBatch) -> Mapped {
    let mut out = Mapping::new();
    let ctx = match Context::<D::Settings>::new(connection) {
        Ok(ctx) => ctx,
        Err(error) => return reject_all(out, batch, &Reject::new("settings_unreadable", error.to_string())),
    };
    match Batch::new(ctx.connection(), batch) {
        Ok(view) => D::map(&ctx, &view, &mut out),
        Err(error) => return reject_all(out, batch, &Reject::new("batch_malformed", error.to_string())),
    }
    out.into_mapped()
}

fn reject_all(mut out: Mapping, batch: &PackedBatch, reject: &Reject) -> Mapped {
    for (member, _) in (0..).zip(&batch.changes) {
        out.reject_index(member, reject.clone());
    }
    out.into_mapped()
}

/// `send` as the host calls it.
#[must_use]
pub fn send<D: Destination>(connection: Connection, work: Work) -> Report {
    send_with::<D>(connection, work, &mut HostHttp)
}

/// `send` with any network.
pub fn send_with<D: Destination>(connection: Connection, work: Work, http: &mut dyn Http) -> Report {
    let ctx = match Context::<D::Settings>::new(connection) {
        Ok(ctx) => ctx,
        Err(error) => return nothing_sent(&work, Verdict::Misconfigured(error.to_string())),
    };
    match work {
        Work::Probe => report(D::probe(&ctx, http)),
        Work::Open => report(D::open(&ctx, http)),
        Work::Resume(work) => D::resume(&ctx, &Resume::new(work), http),
        Work::Deliver(delivery) => match Delivery::new(ctx.connection(), &delivery) {
            Ok(view) => D::deliver(&ctx, &view, http),
            Err(error) => {
                let verdict = Verdict::RefusedWhole(error.to_string());
                nothing_sent(&Work::Deliver(delivery), verdict)
            }
        },
    }
}

/// The report of a work that did not begin.
fn nothing_sent(work: &Work, verdict: Verdict) -> Report {
    let (members, outcome): (Vec<u32>, _) = match work {
        Work::Probe | Work::Open => (Vec::new(), Outcome::Unknown),
        Work::Deliver(work) => ((0..).zip(&work.changes).map(|(member, _)| member).collect(), Outcome::Deferred(0)),
        Work::Resume(work) => ((0..Resume::new(work.clone()).len()).collect(), Outcome::Unknown),
    };
    let fates = if members.is_empty() { Vec::new() } else { vec![Fate { members, outcome }] };
    Report { fates, verdict, unattributed: Vec::new(), remote: None, account: None, warnings: Vec::new() }
}

fn report(finding: Finding) -> Report {
    let Finding { verdict, remote, account, warnings } = finding;
    Report { fates: Vec::new(), verdict, unattributed: Vec::new(), remote, account, warnings }
}

/// What a request without an answer means for its members and for the call.
pub(crate) fn unsent(failure: Failure) -> (Outcome, Verdict) {
    match failure {
        Failure::Unreachable(why) => (Outcome::Deferred(UNREACHABLE_WAIT_MS), Verdict::Unavailable(why)),
        Failure::Denied(why) => (Outcome::Deferred(0), Verdict::Misconfigured(why)),
        Failure::Interrupted(why) => (Outcome::Unknown, Verdict::Unavailable(why)),
        Failure::TooLarge(bytes) => {
            (Outcome::Unknown, Verdict::Unavailable(format!("the answer is larger than {bytes} bytes")))
        }
    }
}

/// Makes a type that implements [`Destination`] the component's destination. Does nothing in native builds.
///
/// ```
/// # use enroute_sdk::{Answer, Batch, Context, Destination, Mapping, Reading, Sent};
/// struct Nowhere;
///
/// impl Destination for Nowhere {
///     type Settings = serde_json::Value;
///     fn map(_: &Context<Self::Settings>, _: &Batch<'_>, _: &mut Mapping) {}
///     fn read(_: &Context<Self::Settings>, _: &Sent<'_>, _: &Answer) -> Reading {
///         Reading::delivered()
///     }
/// }
///
/// enroute_sdk::export!(Nowhere);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! export {
    ($destination:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Component;

            impl $crate::bindings::exports::enroute::destination::destination::Guest for Component {
                fn validate(connection: $crate::guest::Connection) -> ::std::vec::Vec<$crate::Problem> {
                    $crate::guest::validate::<$destination>(connection)
                }

                fn map(
                    connection: $crate::guest::Connection,
                    batch: $crate::guest::PackedBatch,
                ) -> $crate::guest::Mapped {
                    $crate::guest::map::<$destination>(connection, &batch)
                }

                fn send(connection: $crate::guest::Connection, work: $crate::guest::Work) -> $crate::Report {
                    $crate::guest::send::<$destination>(connection, work)
                }
            }

    $crate::bindings::export!(Component with_types_in $crate::bindings);
        };
    };
}
