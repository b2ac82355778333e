//! One connection: its requests, one after the other, until it is idle for too long or told to end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::header::{CONNECTION, CONTENT_TYPE};
use axum::http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower_service::Service as _;
use tracing::debug;

use crate::listen::body::{BodyFault, BodyFaults, Bounds, Guarded, Told};
use crate::listen::limits::Limits;
use crate::listen::watch::{Watch, Watched};

/// The two ends of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    /// Who is there.
    pub(super) peer: SocketAddr,
    /// The address that it came in at.
    pub(super) local: SocketAddr,
}

/// Answers the requests of a connection, by TLS where there is a certificate.
pub(super) async fn serve<IO>(io: IO, ends: Ends, router: Router, limits: Arc<Limits>, drain: CancellationToken)
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let Some(certificate) = &limits.certificate else { return talk(io, ends, router, limits, drain).await };
    let shaken = TlsAcceptor::from(certificate.server()).accept(io);
    match tokio::time::timeout(limits.head_timeout, shaken).await {
        Ok(Ok(io)) => talk(io, ends, router, limits, drain).await,
        Ok(Err(error)) => debug!(%error, "a client and we found no way to talk TLS"),
        Err(_) => debug!("a client did not come to the end of its TLS handshake"),
    }
}

async fn talk<IO>(io: IO, ends: Ends, router: Router, limits: Arc<Limits>, drain: CancellationToken)
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let watch = Watch::new();
    let io = TokioIo::new(Watched::new(io, watch.clone(), limits.head_timeout));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(limits.idle_timeout);
    builder.max_headers(limits.headers_max).max_buf_size(limits.head_bytes_max);
    let ending = drain.clone();
    let service = service_fn(move |request| {
        let (router, limits, watch, ending) = (router.clone(), Arc::clone(&limits), watch.clone(), ending.clone());
        async move {
            let says_length_twice = watch.head_ended();
            let mut response = answer(request, says_length_twice, ends, router, &limits).await;
            if ending.is_cancelled() || limits.leaving.is_cancelled() {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            watch.answered();
            Ok::<_, Infallible>(response)
        }
    });
    let mut connection = std::pin::pin!(builder.serve_connection(io, service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = drain.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, "a connection broke off");
    }
}

/// Refuses what no route may see, and has the routes answer the rest.
async fn answer(
    request: Request<Incoming>,
    says_length_twice: bool,
    ends: Ends,
    mut router: Router,
    limits: &Limits,
) -> Response<Body> {
    if says_length_twice {
        return refusal(
            StatusCode::BAD_REQUEST,
            "length_twice",
            "a length and an encoding of transfer exclude each other",
        );
    }
    let (parts, body) = request.into_parts();
    if !limits.hosts.are_asked_by(&parts, ends.local.ip()) {
        limits.seen.foreign_hosts.fetch_add(1, Relaxed);
        return refusal(StatusCode::MISDIRECTED_REQUEST, "not_our_host", "the request is not for a host of ours");
    }
    let bounds = Bounds {
        bytes_max: limits.body_bytes_max,
        timeout: limits.body_timeout,
        timeout_per_64_kib: limits.body_timeout_per_64_kib,
    };
    let faults = BodyFaults::default();
    let mut request = Request::from_parts(parts, Body::new(Guarded::new(body, bounds, faults.clone())));
    request.extensions_mut().insert(ConnectInfo(ends.peer));
    request.extensions_mut().insert(faults.clone());
    let mut response = match router.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let Some(fault) = faults.get() else { return response };
    match fault {
        BodyFault::TooLarge => limits.seen.large_bodies.fetch_add(1, Relaxed),
        BodyFault::TooSlow => limits.seen.slow_bodies.fetch_add(1, Relaxed),
        BodyFault::Broken => 0,
    };
    if response.extensions().get::<Told>().is_none() {
        response = match fault {
            BodyFault::TooLarge => refusal(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "the body is too large"),
            BodyFault::TooSlow => refusal(StatusCode::REQUEST_TIMEOUT, "body_too_slow", "the body came too slowly"),
            BodyFault::Broken => refusal(StatusCode::BAD_REQUEST, "body_broken", "the body broke off"),
        };
    }
    // What is left of the body must not be taken for the next request.
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// A refusal of the listener itself, as RFC 9457 has them; its connection is closed.
fn refusal(status: StatusCode, code: &str, title: &str) -> Response<Body> {
    let problem = format!(r#"{{"type":"about:blank","title":"{title}","status":{},"code":"{code}"}}"#, status.as_u16());
    let mut response = Response::new(Body::from(problem));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
