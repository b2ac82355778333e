//! The way out of the sandbox for one `send`: keeps the bytes of prepared requests, labels and records what leaves.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use enroute_core::request::{Item, Request, Response};

use crate::egress::{Failure, Fill};
use crate::runtime::{Outlet, RequestKind};
use crate::store::ledger::RequestRow;
use crate::sync::clock::Clock;
use crate::sync::link::Link;
use crate::sync::pace::Gate;

/// Longest wait for one answer.
///
/// Meta and Braze advise time-outs of 30 s; a bulk call of 10,000 rows may take longer.
const ANSWER_MAX: Duration = Duration::from_secs(50);

/// The outlet of one delivery, probe or open.
pub(super) struct DeliveryOutlet {
    pub(super) link: Arc<Link>,
    pub(super) clock: Clock,
    pub(super) gate: Option<Arc<Gate>>,
    /// The delivery's requests, byte for byte.
    pub(super) prepared: Vec<Request>,
    /// `prepared` or `subset`; for calls without a delivery `probe` or `open`.
    pub(super) label: &'static str,
    pub(super) request_key: String,
    pub(super) records: Mutex<Vec<RequestRow>>,
}

impl DeliveryOutlet {
    /// What left so far, in order.
    pub(super) fn take_records(&self) -> Vec<RequestRow> {
        std::mem::take(&mut *self.records.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn leave(
        &self,
        request: &Request,
        learned: &[Item],
        label: &'static str,
        kind: Option<String>,
    ) -> Result<Response, Failure> {
        let digest = request.digest().0;
        let permit = match &self.gate {
            Some(gate) => gate.enter(&self.clock).await,
            None => None,
        };
        let at_ms = self.clock.now_ms();
        let fill = Fill {
            remote: self.link.remote.as_ref(),
            request_key: &self.request_key,
            learned,
            unix_seconds: at_ms / 1_000,
            token: "",
        };
        let answer = self.link.client.send(request, &fill, ANSWER_MAX).await;
        drop(permit);
        let row = RequestRow {
            label,
            kind,
            digest,
            status: answer.as_ref().ok().map(|response| response.status),
            failure: answer.as_ref().err().map(ToString::to_string),
            at_ms,
        };
        self.records.lock().unwrap_or_else(PoisonError::into_inner).push(row);
        answer
    }
}

impl Outlet for DeliveryOutlet {
    fn send(&self, request: RequestKind) -> Pin<Box<dyn Future<Output = Result<Response, Failure>> + Send + '_>> {
        Box::pin(async move {
            match request {
                RequestKind::Prepared { index, learned } => {
                    let Some(prepared) = self.prepared.get(index as usize) else {
                        return Err(Failure::Denied(format!("the delivery has no request number {index}")));
                    };
                    self.leave(prepared, &learned, self.label, None).await
                }
                RequestKind::Derived { kind, request } => {
                    if !self.link.manifest.derived.iter().any(|derived| derived.kind == kind) {
                        return Err(Failure::Denied(format!("the manifest lists no derived request of kind `{kind}`")));
                    }
                    let label = if matches!(self.label, "probe" | "open") { self.label } else { "derived" };
                    self.leave(&request, &[], label, Some(kind)).await
                }
            }
        })
    }
}
