//! The two calls that concern a connection as a whole: testing the credential, and finding or creating the list.

use std::sync::Arc;

use enroute_config::crash_point;
use enroute_core::outcome::{Report, Verdict};

use crate::clock::Clock;
use crate::delivery::outlet::DeliveryOutlet;
use crate::delivery::pace::Gates;
use crate::setup::link::Link;
use enroute_runtime::{Fault, Work};
use enroute_store::ledger::RequestRow;
use enroute_store::{Error, Store, Transaction, accounts, ledger};

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

impl Probed {
    /// Whether something is to be mended, or was not found out.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.verdict != Verdict::Ok.word()
    }
}

/// Tests the credential of a connection without side effects, and keeps what is told of the account.
pub(crate) async fn probe(store: &Arc<Store>, link: &Arc<Link>, clock: &Clock) -> Result<Probed, Error> {
    let gates = Arc::new(Gates::open(store, std::slice::from_ref(link), clock).await?);
    let (sent, outlet) = call(link, &gates, clock, Work::Probe, "probe").await;
    gates.close(clock).await?;
    let (verdict, reason, account) = match sent {
        Ok(report) => {
            let reason = cause(&report.verdict, &outlet.take_records());
            (report.verdict.word().to_owned(), reason, report.account)
        }
        Err(fault) => (fault.kind.code().to_owned(), Some(fault.to_string()), None),
    };
    if let Some(items) = account {
        crash_point!("account.answered");
        let (destination, origin, at_ms) = (link.destination.clone(), link.account_origin(), clock.now_ms());
        store.write(move |tx| accounts::put(tx, &destination, &origin, at_ms, items)).await?;
    }
    Ok(Probed { audience: link.audience.clone(), destination: link.destination.clone(), verdict, reason })
}

/// Why a list could not be opened, for the operator.
pub(crate) struct NotOpened {
    pub(crate) reason: String,
    /// Whether a person must mend something; otherwise later may be better.
    pub(crate) needs_person: bool,
    /// How long the destination asks to wait.
    pub(crate) after_ms: u64,
    /// How the plugin failed, if it did.
    pub(crate) fault: Option<Fault>,
}

/// Finds or creates the remote list and remembers what was learned.
pub(crate) async fn open(
    store: &Arc<Store>,
    link: &Arc<Link>,
    run: i64,
    gates: &Arc<Gates>,
    clock: &Clock,
) -> Result<Result<Link, NotOpened>, Error> {
    let (sent, outlet) = call(link, gates, clock, Work::Open, "open").await;
    crash_point!("list.answered");
    let (id, rows) = (link.id, outlet.take_records());
    let why = sent.as_ref().ok().and_then(|report| cause(&report.verdict, &rows));
    store.write(move |tx| ledger::requests(tx, (run, id, None), &rows)).await?;
    let report = match sent {
        Ok(report) if report.verdict == Verdict::Ok => report,
        Ok(report) => {
            gates.heed(link, &report.verdict, clock);
            let after_ms = if let Verdict::Throttled { after_ms, .. } = &report.verdict { *after_ms } else { 0 };
            let reason = why.unwrap_or_else(|| report.verdict.word().to_owned());
            let needs_person = !matches!(report.verdict, Verdict::Throttled { .. } | Verdict::Unavailable(_));
            return Ok(Err(NotOpened { reason, needs_person, after_ms, fault: None }));
        }
        Err(fault) => {
            let needs_person = fault.kind.is_of_the_plugin();
            let reason = fault.to_string();
            return Ok(Err(NotOpened { reason, needs_person, after_ms: 0, fault: Some(fault) }));
        }
    };
    let (remote, at_ms, digest) = (report.remote, clock.now_ms(), link.opening_digest());
    let account = report.account.map(|items| (link.destination.clone(), link.account_origin(), items));
    let opened = remote.clone().map_or_else(|| Link::clone(link), |remote| link.with_remote(&remote));
    let write = move |tx: &Transaction<'_>| {
        if let Some(remote) = &remote {
            ledger::set_remote(tx, id, remote)?;
        }
        if let Some((destination, origin, items)) = account {
            accounts::put(tx, &destination, &origin, at_ms, items)?;
        }
        ledger::set_opened(tx, id, at_ms, &digest)
    };
    store.write(write).await?;
    crash_point!("list.opened");
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
pub(crate) fn cause(verdict: &Verdict, requests: &[RequestRow]) -> Option<String> {
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
