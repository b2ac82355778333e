//! The two calls that concern a connection as a whole: testing the credential, and finding or creating the list.

use std::sync::{Arc, Mutex};

use enroute_core::outcome::{Report, Verdict};

use crate::runtime::{Fault, Work};
use crate::store::{Error, Store, ledger};
use crate::sync::clock::Clock;
use crate::sync::link::Link;
use crate::sync::outlet::DeliveryOutlet;

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
    let (sent, _) = call(link, clock, Work::Probe, "probe").await;
    let (verdict, reason) = match sent {
        Ok(report) => (report.verdict.word().to_owned(), reason(&report.verdict)),
        Err(fault) => (fault.kind.code().to_owned(), Some(fault.to_string())),
    };
    Probed { audience: link.audience.clone(), destination: link.destination.clone(), verdict, reason }
}

/// Finds or creates the remote list and remembers what was learned. The inner error is for the operator.
pub(super) async fn open(
    store: &Arc<Store>,
    link: &Arc<Link>,
    run: i64,
    clock: &Clock,
) -> Result<Result<Link, String>, Error> {
    let (sent, outlet) = call(link, clock, Work::Open, "open").await;
    let (id, rows) = (link.id, outlet.take_records());
    store.write(move |tx| ledger::requests(tx.connection(), (run, id, None), &rows)).await?;
    let report = match sent {
        Ok(report) if report.verdict == Verdict::Ok => report,
        Ok(report) => return Ok(Err(reason(&report.verdict).unwrap_or_else(|| report.verdict.word().to_owned()))),
        Err(fault) => return Ok(Err(fault.to_string())),
    };
    let remote = report.remote.or_else(|| link.guest.remote.clone());
    let kept = remote.clone();
    store.write(move |tx| ledger::set_remote(tx.connection(), id, kept.as_deref(), true)).await?;
    Ok(Ok(link.with_remote(remote)))
}

async fn call(
    link: &Arc<Link>,
    clock: &Clock,
    work: Work,
    label: &'static str,
) -> (Result<Report, Fault>, Arc<DeliveryOutlet>) {
    let outlet = Arc::new(DeliveryOutlet {
        link: Arc::clone(link),
        clock: clock.clone(),
        gate: None,
        prepared: Vec::new(),
        label,
        request_key: String::new(),
        records: Mutex::new(Vec::new()),
    });
    let sent = link.plugin.send(&link.guest, &work, Arc::clone(&outlet) as _).await;
    let report = sent.map(|(report, usage)| {
        link.log("send", &usage);
        report
    });
    (report, outlet)
}

/// What a verdict says in words.
pub(super) fn reason(verdict: &Verdict) -> Option<String> {
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
