//! Takes a request: whose key it has, what its calls say, and the inbox before the answer.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request};
use axum::http::header::CONTENT_LENGTH;
use axum::http::request::Parts;
use axum::http::{Method, Response};
use enroute_core::call::CallKind;
use enroute_sources::calls::{self, Arrival, BATCH_BYTES_MAX, CALL_BYTES_MAX};
use enroute_store::calls::{Call, pack};
use enroute_store::inbox::Row;
use tracing::error;

use crate::ingest::body::{self, Encoding};
use crate::ingest::cors;
use crate::ingest::counts::add;
use crate::ingest::keys::{self, Said};
use crate::ingest::refusal::{Refusal, taken};
use crate::ingest::tracking::{Listening, Tracking};
use crate::listen::BodyFaults;

/// Bodies from this size on are read where they hold up no other request.
const INLINE_BYTES_MAX: usize = 64 << 10;

/// Calls of one row of the inbox, so that a large batch is applied in parts.
const ROW_CALLS_MAX: usize = 500;

/// A call moved by more than this, in ms, shows a wrong clock.
const MOVED_MS_MIN: i64 = 60_000;

/// What a path takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A list of calls.
    Batch,
    /// One call of a kind.
    Single(CallKind),
    /// What a client tells of itself; nobody asked.
    Metrics,
}

/// What a request has that will be kept, and what is counted of it.
struct Checked {
    source: Arc<Listening>,
    rows: Vec<Row>,
    bytes: u64,
    dropped: Vec<&'static str>,
    moved: u64,
}

/// Answers a request of the tracking API.
pub(super) async fn take(tracking: Tracking, form: Form, request: Request) -> Response<Body> {
    let origin = cors::origin(request.headers());
    match *request.method() {
        Method::POST => {}
        Method::OPTIONS => return cors::preflight(&tracking, origin.as_ref(), "POST"),
        _ => {
            let mut response = Refusal::method().answer();
            cors::allow(&mut response, &tracking, None, origin.as_ref());
            return response;
        }
    }
    let (parts, body) = request.into_parts();
    let mut source = None;
    let done = keep(&tracking, form, &parts, body, &mut source).await;
    let mut response = done.map_or_else(Refusal::answer, |()| taken());
    let name = source.as_ref().map_or_else(String::new, |source| source.name.clone());
    let mut counts = tracking.counts().lock();
    add(&mut counts.requests, (name.clone(), response.status().as_u16()), 1);
    let retry = parts.headers.get("x-retry-count").and_then(|value| value.to_str().ok()?.parse::<u32>().ok());
    if source.is_some() && retry.is_some_and(|count| count > 0) {
        add(&mut counts.retries, name, 1);
    }
    drop(counts);
    cors::allow(&mut response, &tracking, source.as_deref(), origin.as_ref());
    response
}

/// Makes the calls of a request durable. Whose they are is told as soon as it is known.
async fn keep(
    tracking: &Tracking,
    form: Form,
    parts: &Parts,
    body: Body,
    told: &mut Option<Arc<Listening>>,
) -> Result<(), Refusal> {
    let from = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    let faults = parts.extensions.get::<BodyFaults>().cloned().unwrap_or_default();
    let limit = if let Form::Single(_) = form { CALL_BYTES_MAX } else { BATCH_BYTES_MAX };
    *told = match keys::said(&parts.headers) {
        Said::Nothing => None,
        Said::Key(key) => Some(known(tracking, &key, from)?),
        Said::Odd => return Err(Refusal::key(tracking.wrong_key(from))),
    };
    let encoding = body::encoding(&parts.headers)?;
    let length = parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > limit as u64) {
        return Err(Refusal::too_large(limit));
    }
    if form != Form::Metrics {
        // Where there is no room now, nobody has to send a body for nothing.
        drop(tracking.inbox().admit(length.unwrap_or(0)).map_err(Refusal::busy)?);
    }
    let packed = body::read(body, &faults, limit, tracking.reading()).await?;
    if form == Form::Metrics {
        return Ok(());
    }
    let checked = if encoding == Encoding::Plain && packed.len() < INLINE_BYTES_MAX {
        check(tracking, form, told.clone(), from, &packed, encoding, limit)?
    } else {
        let (tracking, source) = (tracking.clone(), told.clone());
        let work = move || check(&tracking, form, source, from, &packed, encoding, limit);
        let checked = tokio::task::spawn_blocking(work).await;
        checked.unwrap_or_else(|_| Err(Refusal::invalid_json("the calls cannot be read")))?
    };
    *told = Some(Arc::clone(&checked.source));
    if let Some(origin) = cors::origin(&parts.headers)
        && !cors::is_allowed(&checked.source, &origin)
    {
        return Err(Refusal::origin());
    }
    store(tracking, checked).await
}

/// Puts rows into the inbox, and counts what is not in them.
async fn store(tracking: &Tracking, checked: Checked) -> Result<(), Refusal> {
    if !checked.rows.is_empty() {
        let permit = tracking.inbox().admit(checked.bytes).map_err(Refusal::busy)?;
        let put = tracking.inbox().put(checked.rows).await;
        drop(permit);
        put.map_err(|error| {
            error!(error = %error, "calls cannot be kept");
            Refusal::unavailable(tracking.after_an_outage())
        })?;
    }
    let mut counts = tracking.counts().lock();
    let name = &checked.source.name;
    for reason in checked.dropped {
        add(&mut counts.dropped, (name.clone(), reason), 1);
    }
    add(&mut counts.moved, name.clone(), checked.moved);
    Ok(())
}

fn known(tracking: &Tracking, key: &str, from: Option<IpAddr>) -> Result<Arc<Listening>, Refusal> {
    tracking.source_of(key).ok_or_else(|| Refusal::key(tracking.wrong_key(from)))
}

/// Reads the calls of a body and checks each; finds the source, where the head did not tell it.
fn check(
    tracking: &Tracking,
    form: Form,
    source: Option<Arc<Listening>>,
    from: Option<IpAddr>,
    packed: &Bytes,
    encoding: Encoding,
    limit: usize,
) -> Result<Checked, Refusal> {
    let text = body::unpack(packed, encoding, limit)?;
    let sent = if form == Form::Batch { calls::batch(&text) } else { calls::single(&text) };
    let sent = sent.map_err(Refusal::invalid_json)?;
    let kind = if let Form::Single(kind) = form { Some(kind) } else { None };
    let received_ms = tracking.now_ms();
    let arrival = Arrival { kind, received_ms, sent_ms: sent.sent_ms, sealer: tracking.sealer() };
    let (mut good, mut dropped, mut moved) = (Vec::new(), Vec::new(), 0);
    let mut keys: Vec<_> = sent.key.into_iter().collect();
    for raw in &sent.calls {
        match calls::check(raw, &arrival) {
            Ok(checked) => {
                moved += u64::from(checked.moved_ms.abs() > MOVED_MS_MIN);
                keys.extend(checked.key.filter(|key| keys.last() != Some(key)));
                good.push(checked.call);
            }
            Err((_, fault)) => dropped.push(fault.as_str()),
        }
    }
    let source = match (source, keys.first()) {
        (Some(source), _) => source,
        (None, Some(key)) => known(tracking, key, from)?,
        (None, None) => return Err(Refusal::key(tracking.wrong_key(from))),
    };
    if keys.iter().any(|key| !source.key.is(key)) {
        return Err(Refusal::two_keys());
    }
    if sent.calls.is_empty() {
        dropped.push("empty_batch");
    }
    if !source.enabled {
        dropped.extend(good.drain(..).map(|_| "source_disabled"));
    }
    let before = good.len();
    good.retain(|call| source.calls.contains(&call.kind));
    dropped.extend(std::iter::repeat_n("call_not_taken", before - good.len()));
    let rows = rows(&source, &good, received_ms)?;
    let bytes = rows.iter().map(|row| row.calls.len() as u64).sum();
    Ok(Checked { source, rows, bytes, dropped, moved })
}

fn rows(source: &Listening, calls: &[Call<'_>], received_ms: i64) -> Result<Vec<Row>, Refusal> {
    let row = |calls: &[Call<'_>]| {
        let count = u32::try_from(calls.len()).unwrap_or(u32::MAX);
        let calls = pack(calls).map_err(|_| Refusal::invalid_json("a call cannot be kept"))?;
        let (source, anonymous) = (source.name.clone(), source.anonymous);
        Ok(Row { id: 0, source, anonymous, received_ms, count, calls })
    };
    calls.chunks(ROW_CALLS_MAX).map(row).collect()
}
