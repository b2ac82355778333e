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
    /// A service manager handed over what is no socket that listens, or several.
    #[error("what the service manager handed over is not one TCP socket that listens")]
    HandedOver(#[source] io::Error),
    /// Others could reach it, and nothing keeps what they say from being read on the way.
    #[error("{0} is open to other machines, and nothing speaks TLS with them")]
    Exposed(SocketAddr),
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

/// The socket that a service manager handed over, or else one that listens on an address; and the address it has.
/// `is_private` is whether others may reach it, because TLS is spoken with them.
///
/// # Errors
///
/// [`Error`]. Must be called within a runtime.
pub fn open(address: SocketAddr, is_private: bool) -> Result<(TcpListener, SocketAddr), Error> {
    let listener = match handed_over()? {
        Some(listener) => listener,
        None => bind(address)?,
    };
    let at = listener.local_addr().map_err(Error::Address)?;
    if at.ip().is_loopback() || is_private { Ok((listener, at)) } else { Err(Error::Exposed(at)) }
}

/// The socket that a service manager listens on for us (systemd's `LISTEN_FDS`), if it handed one over. Connections wait
/// in it while we are restarted, instead of being refused.
fn handed_over() -> Result<Option<TcpListener>, Error> {
    let mut sockets = listenfd::ListenFd::from_env();
    let first = if sockets.len() > 1 { Err(io::ErrorKind::InvalidInput.into()) } else { sockets.take_tcp_listener(0) };
    let Some(socket) = first.map_err(Error::HandedOver)? else { return Ok(None) };
    let ours = socket.set_nonblocking(true).and_then(|()| TcpListener::from_std(socket));
    ours.map(Some).map_err(Error::HandedOver)
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
