//! A request's body, read within limits and unpacked within limits.

use std::io::Read as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_ENCODING;
use flate2::bufread::MultiGzDecoder;
use http_body_util::BodyExt as _;

use crate::ingest::refusal::Refusal;
use crate::listen::{BodyFault, BodyFaults};

/// Bytes of all bodies that are being read. Who sends slowly could otherwise hold as much as there are connections.
const READING_BYTES_MAX: usize = 64 << 20;

/// How a body is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Not at all.
    Plain,
    /// With gzip, in one member or several.
    Gzip,
}

/// How the head says that the body is packed. Twice is no way to pack it.
pub(super) fn encoding(headers: &HeaderMap) -> Result<Encoding, Refusal> {
    let mut said = headers.get_all(CONTENT_ENCODING).iter();
    let (first, second) = (said.next(), said.next());
    let text = first.map(|value| value.to_str().unwrap_or("?").trim().to_ascii_lowercase());
    match (text.as_deref(), second) {
        (None | Some("" | "identity"), None) => Ok(Encoding::Plain),
        (Some("gzip" | "x-gzip"), None) => Ok(Encoding::Gzip),
        _ => Err(Refusal::encoding()),
    }
}

/// Bytes that count as being read until this is dropped.
struct Reading<'a>(&'a AtomicUsize, usize);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(self.1, Ordering::Relaxed);
    }
}

/// Reads a body to its end, and no further than `limit`.
pub(super) async fn read(
    mut body: Body,
    faults: &BodyFaults,
    limit: usize,
    reading: &AtomicUsize,
) -> Result<Bytes, Refusal> {
    let mut counted = Reading(reading, 0);
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let fault = || faults.get().unwrap_or(BodyFault::Broken);
        let frame = frame.map_err(|_| Refusal::of_the_body(fault(), limit))?;
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + data.len() > limit {
            return Err(Refusal::too_large(limit));
        }
        counted.1 += data.len();
        if reading.fetch_add(data.len(), Ordering::Relaxed) + data.len() > READING_BYTES_MAX {
            return Err(Refusal::busy(enroute_store::inbox::Busy { retry_after_s: 1 }));
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.into())
}

/// Unpacks a body, no further than `limit`.
pub(super) fn unpack(packed: &[u8], encoding: Encoding, limit: usize) -> Result<Vec<u8>, Refusal> {
    if encoding == Encoding::Plain {
        return Ok(packed.to_vec());
    }
    let mut plain = Vec::new();
    let mut unpacking = MultiGzDecoder::new(packed).take(limit as u64 + 1);
    unpacking.read_to_end(&mut plain).map_err(|_| Refusal::invalid_json("the body is no gzip"))?;
    if plain.len() > limit { Err(Refusal::too_large(limit)) } else { Ok(plain) }
}
