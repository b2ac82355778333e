//! The two calls that concern a connection as a whole: testing the credential, and finding or creating the list.

use std::sync::Arc;

use enroute_core::outcome::{Report, Verdict};

use crate::runtime::{Fault, Work};
use crate::store::ledger::RequestRow;
use crate::store::{Error, Store, Transaction, ledger};
use crate::sync::clock::Clock;
use crate::sync::link::Link;
use crate::sync::outlet::DeliveryOutlet;
use crate::sync::pace::Gates;

/// What a probe found.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Probed {
    /// The audience.
    pub audience: String,
    /// The destination.
    pub destination: String,
    /// `ok`, or the verdict's word.
    pub verdict: String,
    /// What is wrong.
    pub reason: Option<String>,
}

/// Tests the credential of a connection without side effects.
pub(super) async fn probe(link: &Arc<Link>, clock: &Clock) -> Probed {
    let (sent, outlet) = call(link, &Arc::default(), clock, Work::Probe, "probe").await;
    let (verdict, reason) = match sent {
        Ok(report) => (report.verdict.word().to_owned(), cause(&report.verdict, &outlet.take_records())),
        Err(fault) => (fault.kind.code().to_owned(), Some(fault.to_string())),
    };
    Probed { audience: link.audience.clone(), destination: link.destination.clone(), verdict, reason }
}

/// Why a list could not be opened, for the operator.
pub(super) struct NotOpened {
    pub(super) reason: String,
    /// Whether a person must mend something; otherwise later may be better.
    pub(super) needs_person: bool,
}

/// Finds or creates the remote list and remembers what was learned.
pub(super) async fn open(
    store: &Arc<Store>,
    link: &Arc<Link>,
    run: i64,
    gates: &Arc<Gates>,
    clock: &Clock,
) -> Result<Result<Link, NotOpened>, Error> {
    let (sent, outlet) = call(link, gates, clock, Work::Open, "open").await;
    let (id, rows) = (link.id, outlet.take_records());
    let why = sent.as_ref().ok().and_then(|report| cause(&report.verdict, &rows));
    store.write(move |tx| ledger::requests(tx.connection(), (run, id, None), &rows)).await?;
    let report = match sent {
        Ok(report) if report.verdict == Verdict::Ok => report,
        Ok(report) => {
            let reason = why.unwrap_or_else(|| report.verdict.word().to_owned());
            let needs_person = !matches!(report.verdict, Verdict::Throttled { .. } | Verdict::Unavailable(_));
            return Ok(Err(NotOpened { reason, needs_person }));
        }
        Err(fault) => return Ok(Err(NotOpened { reason: fault.to_string(), needs_person: true })),
    };
    let (remote, at_ms, digest) = (report.remote, clock.now_ms(), link.opening_digest());
    let opened = remote.clone().map_or_else(|| Link::clone(link), |remote| link.with_remote(&remote));
    let write = move |tx: &Transaction<'_>| {
        if let Some(remote) = &remote {
            ledger::set_remote(tx.connection(), id, remote)?;
        }
        ledger::set_opened(tx.connection(), id, at_ms, &digest)
    };
    store.write(write).await?;
    Ok(Ok(opened))
}

async fn call(
    link: &Arc<Link>,
    gates: &Arc<Gates>,
    clock: &Clock,
    work: Work,
    label: &'static str,
) -> (Result<Report, Fault>, Arc<DeliveryOutlet>) {
    let outlet = Arc::new(DeliveryOutlet::new(link, gates, clock, label));
    let sent = link.plugin.send(&link.guest, &work, Arc::clone(&outlet) as _).await;
    let report = sent.inspect_err(|fault| link.log_fault(fault)).map(|(report, usage)| {
        link.log("send", &usage);
        outlet.corrected(report)
    });
    (report, outlet)
}

/// Why a call did not do all that it was to do: what the way out saw, else what the plugin says.
pub(super) fn cause(verdict: &Verdict, requests: &[RequestRow]) -> Option<String> {
    let seen = || requests.iter().rev().find_map(|request| request.failure.clone());
    match verdict {
        Verdict::Ok => None,
        // The plugin passes on what it was told, or something of its own.
        Verdict::Unavailable(_) => seen().or_else(|| reason(verdict)),
        _ => reason(verdict),
    }
}

/// What a verdict says in words.
fn reason(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Ok => None,
        Verdict::CredentialInvalid(text)
        | Verdict::PermissionMissing(text)
        | Verdict::Misconfigured(text)
        | Verdict::RefusedBisect(text)
        | Verdict::RefusedWhole(text)
        | Verdict::Unavailable(text) => Some(text.clone()),
        Verdict::Throttled { after_ms, .. } => Some(format!("it asks to wait {} s", after_ms.div_ceil(1_000))),
        Verdict::TooLarge => Some("the request was too large".to_owned()),
    }
}
