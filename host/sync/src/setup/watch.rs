//! Keeps what one person's requests and their answers were, for who looks on.

use std::sync::{Arc, Mutex, PoisonError};

use enroute_core::request::{Request, Response};
use serde::Serialize;

use enroute_egress::Failure;

/// Bytes of an answer that are shown.
const ANSWER_BYTES_MAX: usize = 4_096;

/// One request that left, and its answer.
#[derive(Debug, Clone, Serialize)]
pub struct Exchange {
    /// GET, POST, …
    pub method: &'static str,
    /// SHA-256 over everything but what the host fills in.
    pub digest: String,
    /// Status of the answer.
    pub status: Option<u16>,
    /// The answer's body, as text, with secrets masked; its first bytes where it is long.
    pub answer: Option<String>,
    /// Why there is none.
    pub failure: Option<String>,
}

/// Keeps what is sent and answered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watch(Arc<Mutex<Vec<Exchange>>>);

impl Watch {
    pub(crate) fn saw(&self, request: &Request, answer: &Result<Response, Failure>) {
        let text = |response: &Response| {
            let body = response.body.get(..ANSWER_BYTES_MAX).unwrap_or(&response.body);
            String::from_utf8_lossy(body).into_owned()
        };
        let exchange = Exchange {
            method: request.method.as_str(),
            digest: request.digest().to_string(),
            status: answer.as_ref().ok().map(|response| response.status),
            answer: answer.as_ref().ok().map(text),
            failure: answer.as_ref().err().map(ToString::to_string),
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
    }

    pub(crate) fn take(&self) -> Vec<Exchange> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
