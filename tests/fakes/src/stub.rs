//! A destination that answers at once and keeps nothing: what a sync costs on its own side, and not at a fake's.
//!
//! And a bare client that posts bodies as they are: the least that sending them can cost.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1 as client;
use hyper::server::conn::http1 as server;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// What every request is answered with, once its body is read: Braze takes it for a success.
const ANSWER: &[u8] = br#"{"message":"success"}"#;

/// A running stub on a free port of 127.0.0.1; dropping it stops it.
#[derive(Debug)]
pub struct Stub {
    addr: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Stub {
    /// Binds a free port and answers until dropped.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let addr = listener.local_addr()?;
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(async move {
                    let serving = server::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
                    // A client that goes away is nobody's fault.
                    let _ = serving.await;
                });
            }
        });
        Ok(Self { addr, accepting })
    }

    /// The address that is listened on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let mut body = request.into_body();
    while let Some(frame) = body.frame().await {
        frame?;
    }
    let mut response = Response::new(Full::new(Bytes::from_static(ANSWER)));
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// Posts every body to a path of the stub, over so many connections at a time, and reads the answers. Returns how many
/// were successes.
///
/// # Errors
/// When a connection fails.
pub async fn post_all(
    addr: SocketAddr,
    path: &str,
    bodies: Vec<impl Into<Bytes>>,
    connections: usize,
) -> io::Result<usize> {
    let bodies: Vec<Bytes> = bodies.into_iter().map(Into::into).collect();
    let (bodies, next) = (Arc::new(bodies), Arc::new(AtomicUsize::new(0)));
    let mut posting = JoinSet::new();
    for _ in 0..connections.max(1) {
        posting.spawn(post(addr, path.to_owned(), Arc::clone(&bodies), Arc::clone(&next)));
    }
    let mut taken = 0;
    while let Some(ended) = posting.join_next().await {
        taken += ended.map_err(io::Error::other)??;
    }
    Ok(taken)
}

/// One connection: takes body after body until none is left.
async fn post(addr: SocketAddr, path: String, bodies: Arc<Vec<Bytes>>, next: Arc<AtomicUsize>) -> io::Result<usize> {
    let stream = TcpStream::connect(addr).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = client::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let driving = tokio::spawn(connection);
    let mut taken = 0;
    while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
        let request = Request::post(&path)
            .header("host", addr.to_string())
            .header("content-type", "application/json")
            .body(Full::new(body.clone()))
            .map_err(io::Error::other)?;
        let response = sender.send_request(request).await.map_err(io::Error::other)?;
        taken += usize::from(response.status().is_success());
        response.into_body().collect().await.map_err(io::Error::other)?;
    }
    drop(sender);
    // The connection ends by itself once nobody can send on it.
    let _: Result<Result<(), hyper::Error>, _> = driving.await;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_body_is_posted_once_and_answered() {
        let stub = Stub::start().await.unwrap();
        let bodies: Vec<String> = (0..50).map(|number| format!("{{\"n\":{number}}}")).collect();
        assert_eq!(post_all(stub.addr(), "/users/track", bodies, 4).await.unwrap(), 50);
    }
}
