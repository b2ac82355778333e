//! The loopback server every fake stands on.
//!
//! Owns the listener, its connections, the fault script and the record of what
//! was asked. All tasks belong to one task, which ends when the [`Server`] is
//! dropped. What an answer *means* is the business of the [`Service`] behind it.

mod body;
mod record;
mod reply;

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::faults::{Action, Fault, Script};

use body::AnswerBody;
pub use record::Recorded;
use record::Records;
pub(crate) use record::{decode, pairs};
pub use reply::Reply;

/// Largest request body that is read at all; larger ones are answered 413.
///
/// Above every limit of the fakes (4 MB and 5 MiB), so that a fake answers an
/// overlong request in the destination's own words.
pub const REQUEST_BYTES_MAX: usize = 16 << 20;

/// Connections served at once; further clients wait to be accepted.
pub const CONNECTIONS_MAX: usize = 256;

/// Pause after a failed accept, so that a lack of descriptors does not spin.
const ACCEPT_RETRY: Duration = Duration::from_millis(20);

/// A destination: turns a request into an answer and keeps the state behind it.
pub trait Service: Send + Sync + 'static {
    /// Answers one request. Called once per request, after its whole body came in.
    fn answer(&self, request: &Recorded) -> Reply;
}

impl<S: Service> Service for Arc<S> {
    fn answer(&self, request: &Recorded) -> Reply {
        S::answer(self, request)
    }
}

/// A running HTTP/1 server on a free port of 127.0.0.1; dropping it stops it.
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<Infallible>,
}

/// What the connections and the handle both see.
#[derive(Debug, Default)]
struct Shared {
    records: Mutex<Records>,
    script: Mutex<Script>,
    /// Requests that were recorded since the start.
    seen: watch::Sender<u64>,
}

impl Shared {
    fn record(&self, head: &Parts, body: Bytes) -> Recorded {
        let recorded = lock(&self.records).add(head, body);
        self.seen.send_modify(|seen| *seen += 1);
        recorded
    }
}

/// The connection ends here, without an answer.
#[derive(Debug, thiserror::Error)]
#[error("connection cut")]
struct Cut;

impl Server {
    /// Binds a free port and serves `service` on it until dropped.
    pub async fn start<S: Service>(service: S) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let accepting = tokio::spawn(accept(listener, shared.clone(), Arc::new(service)));
        Ok(Self { addr, shared, accepting })
    }

    /// The address that is listened on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The base URL, without a slash at the end: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Every request since the start or the last [`clear`](Self::clear), in order of arrival.
    ///
    /// Only the newest [`Recorded::KEPT_MAX`] are kept.
    pub fn requests(&self) -> Vec<Recorded> {
        lock(&self.shared.records).list()
    }

    /// Requests that came in since the start; [`clear`](Self::clear) does not reset it.
    pub fn seen(&self) -> u64 {
        *self.shared.seen.borrow()
    }

    /// Waits until so many requests came in since the start. The last of them may not be answered yet.
    pub async fn until_seen(&self, count: u64) {
        let mut seen = self.shared.seen.subscribe();
        // The sender lives as long as the server, so the wait cannot fail.
        let _seen = seen.wait_for(|seen| *seen >= count).await;
    }

    /// Forgets the recorded requests; sequence numbers go on.
    pub fn clear(&self) {
        lock(&self.shared.records).clear();
    }

    /// Appends a rule to the fault script.
    pub fn fault(&self, fault: Fault) {
        lock(&self.shared.script).push(fault);
    }

    /// Removes all fault rules.
    pub fn clear_faults(&self) {
        lock(&self.shared.script).clear();
    }

    /// Stops and waits until the port is closed and every connection is gone.
    pub async fn stop(mut self) {
        self.accepting.abort();
        // The only way this task ends is by being cancelled.
        let _cancelled = (&mut self.accepting).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Locks `mutex`; a panic of another holder does not matter to a fake.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Accepts for ever. Owns the connections: when this future goes, they go.
async fn accept<S: Service>(listener: TcpListener, shared: Arc<Shared>, service: Arc<S>) -> Infallible {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, shared.clone(), service.clone()));
                }
                Err(_) => tokio::time::sleep(ACCEPT_RETRY).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves one connection until the client leaves or a fault cuts it.
async fn serve<S: Service>(stream: TcpStream, shared: Arc<Shared>, service: Arc<S>) {
    let reset = Arc::new(AtomicBool::new(false));
    let call = service_fn(|request| handle(request, shared.clone(), service.clone(), reset.clone()));
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), call);
    let ended = (&mut connection).await;
    if ended.is_err() && reset.load(Ordering::Relaxed) {
        let stream = connection.into_parts().io.into_inner();
        // Without a linger time, closing sends RST instead of FIN.
        let _best_effort = stream.set_zero_linger();
    }
}

/// Records one request, asks the fault script, and answers or cuts.
async fn handle<S: Service>(
    request: hyper::Request<Incoming>,
    shared: Arc<Shared>,
    service: Arc<S>,
    reset: Arc<AtomicBool>,
) -> Result<hyper::Response<AnswerBody>, Cut> {
    let (head, body) = request.into_parts();
    let action = lock(&shared.script).next(head.method.as_str(), head.uri.path(), None);
    if matches!(action, Some(Action::Close)) {
        shared.record(&head, Bytes::new());
        return Err(Cut);
    }
    let body = match Limited::new(body, REQUEST_BYTES_MAX).collect().await {
        Ok(body) => body,
        Err(error) => {
            let recorded = shared.record(&head, Bytes::new());
            if !error.is::<LengthLimitError>() {
                return Err(Cut); // The client left in the middle of its body.
            }
            let reply = Reply::text(413, "request body too large").header("connection", "close");
            return Ok(respond(&shared, &recorded, reply, AnswerBody::whole));
        }
    };
    let recorded = shared.record(&head, body.to_bytes());
    let of_body = || lock(&shared.script).next(head.method.as_str(), head.uri.path(), Some(&recorded.body));
    let action = action.or_else(of_body);
    perform(action, &recorded, &shared, &*service, &reset).await
}

/// Does what the fault says; without one, lets the service answer.
async fn perform<S: Service>(
    action: Option<Action>,
    request: &Recorded,
    shared: &Shared,
    service: &S,
    reset: &AtomicBool,
) -> Result<hyper::Response<AnswerBody>, Cut> {
    let answer = || service.answer(request);
    let (reply, body): (Reply, Box<dyn FnOnce(Bytes) -> AnswerBody + Send>) = match action {
        None => (answer(), Box::new(AnswerBody::whole)),
        Some(Action::Delay(time)) => {
            tokio::time::sleep(time).await;
            (answer(), Box::new(AnswerBody::whole))
        }
        Some(Action::Hold(latch)) => {
            let reply = answer();
            latch.opened().await;
            (reply, Box::new(AnswerBody::whole))
        }
        Some(Action::Hang) => std::future::pending().await,
        Some(Action::Close) => return Err(Cut),
        Some(Action::Reset) => {
            answer();
            reset.store(true, Ordering::Relaxed);
            return Err(Cut);
        }
        Some(Action::CutBody) => (answer(), Box::new(AnswerBody::cut)),
        Some(Action::Drip(every)) => (answer(), Box::new(move |bytes| AnswerBody::drip(bytes, every))),
        Some(Action::HugeBody(length)) => (Reply::text(200, ""), Box::new(move |_| AnswerBody::huge(length))),
        Some(Action::Answer(reply)) => (reply, Box::new(AnswerBody::whole)),
        Some(Action::Garbage) => (Reply::garbage(), Box::new(AnswerBody::whole)),
        Some(Action::Html) => (Reply::html(), Box::new(AnswerBody::whole)),
        Some(Action::Redirect(to)) => (Reply::redirect(&to), Box::new(AnswerBody::whole)),
        Some(Action::HugeHeaders) => (Reply::huge_headers(), Box::new(AnswerBody::whole)),
    };
    Ok(respond(shared, request, reply, body))
}

/// Notes the status in the record and builds the response.
fn respond(
    shared: &Shared,
    request: &Recorded,
    reply: Reply,
    body: impl FnOnce(Bytes) -> AnswerBody,
) -> hyper::Response<AnswerBody> {
    let response = reply.into_response(body);
    lock(&shared.records).answered(request.sequence, response.status().as_u16());
    response
}

#[cfg(test)]
mod tests;
