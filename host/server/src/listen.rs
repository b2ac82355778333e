//! The way in: one listener, whose connections are counted, timed and bounded before any route sees a request.
//!
//! Owns accepting, heads, the reading of bodies, the check of the `Host`, TLS and the orderly end. What must never
//! happen: a client that keeps a connection by saying nothing, a body that is read without end, a request for somebody
//! else's host, an accept loop that dies or spins, or a request that was begun and is cut off by an orderly stop.

mod accept;
mod body;
mod connection;
mod hosts;
mod limits;
#[cfg(test)]
mod tests;
mod tls;
mod watch;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::sync::CancellationToken;

pub use self::body::{BodyFault, BodyFaults, Told};
pub use self::hosts::Hosts;
pub use self::limits::{Limits, Seen};
pub use self::tls::{BadCertificate, Certificate};

/// Connections that the system keeps until they are accepted. Its usual 128 resets clients that come back together
/// after an outage.
const BACKLOG: u32 = 1024;

/// Why there is no listener.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address cannot be had.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The listener does not know its own address.
    #[error("the listener has no address")]
    Address(#[source] io::Error),
}

/// Listens on an address; with port 0 on one that is free.
///
/// # Errors
///
/// [`Error::Bind`], for instance if another process has the port. Must be called within a runtime.
pub fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    let listen = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // Else the port is not to be had for a minute after a stop.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    listen().map_err(|source| Error::Bind { address, source })
}

/// Answers what comes in until `drain` is cancelled; then no connection is accepted any more, what was begun is
/// answered, with `Connection: close`, and what takes longer than [`Limits::drain_max`] is cut off.
///
/// Streams that never end by themselves must be ended by their routes when the same signal comes. Handlers find the
/// client's address in the request's extension `axum::extract::ConnectInfo<SocketAddr>`.
///
/// # Errors
///
/// [`Error::Address`]; once it listens, nothing ends it but `drain`.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    drain: CancellationToken,
) -> Result<(), Error> {
    let bound = listener.local_addr().map_err(Error::Address)?;
    let next = async move || {
        let (stream, peer) = listener.accept().await?;
        // An answer is one write; without this it may wait for the acknowledgement of the one before.
        stream.set_nodelay(true)?;
        let local = stream.local_addr().unwrap_or(bound);
        Ok((stream, connection::Ends { peer, local }))
    };
    accept::run(next, router, Arc::new(limits), drain).await;
    Ok(())
}
