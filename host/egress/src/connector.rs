//! Connections: a host is resolved, its addresses are checked, and only what passed is dialled.
//!
//! The check sits here and not in the resolver, because a URL can name an address outright, and the very address
//! that was checked is dialled, because a name can resolve to something else a moment later. A pooled connection
//! stays on the address it was made to. Plain text goes to allowed networks only; nothing ever falls back to it.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower_service::Service;

use crate::address::Addresses;
use crate::error::Error;
use crate::hosts::HTTPS_PORT;
use crate::trust::Verifier;

/// Longest wait for a name to be resolved.
///
/// Resolvers try their servers for about five seconds each; a healthy one answers in milliseconds.
const RESOLVE_WAIT: Duration = Duration::from_secs(5);

/// Longest wait for one address to accept a connection.
///
/// One lost packet costs a second, two cost three; a host that takes longer is as good as down.
const CONNECT_WAIT: Duration = Duration::from_secs(5);

/// Most addresses of one name that are tried.
const ADDRESSES_MAX: usize = 8;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("the URL names no host")]
    NoHost,
    #[error("host `{host}` cannot be resolved")]
    Resolve {
        host: String,
        #[source]
        cause: io::Error,
    },
    #[error("host `{host}` was not resolved within {} s", RESOLVE_WAIT.as_secs())]
    ResolveLate { host: String },
    #[error("host `{host}` has no address")]
    NoAddress { host: String },
    /// The only one that is a matter of policy.
    #[error("host `{host}` must not be reached: {reason}")]
    Forbidden { host: String, reason: String },
    #[error("host `{host}` does not accept a connection on port {port}")]
    Connect {
        host: String,
        port: u16,
        #[source]
        cause: io::Error,
    },
}

/// A future behind a pointer, as trait objects need it.
pub(super) type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What turns a host into addresses. Tests have their own.
pub(super) trait Resolve: Send + Sync + 'static {
    /// The addresses of a host: a name, or an address written out.
    fn resolve(&self, host: String, port: u16) -> Boxed<io::Result<Vec<SocketAddr>>>;
}

/// The resolver of this machine.
pub(super) struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, host: String, port: u16) -> Boxed<io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { tokio::net::lookup_host((host, port)).await.map(Iterator::collect) })
    }
}

/// Makes connections to checked addresses.
#[derive(Clone)]
pub(super) struct Connector {
    resolver: Arc<dyn Resolve>,
    addresses: Arc<Addresses>,
}

impl Connector {
    pub(super) fn new(resolver: Arc<dyn Resolve>, addresses: Addresses) -> Self {
        Self { resolver, addresses: Arc::new(addresses) }
    }

    /// The connector with TLS on top, for the roots given.
    pub(super) fn with_tls(self, roots: RootCertStore) -> Result<HttpsConnector<Self>, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = Verifier::new(roots, Arc::clone(&provider))?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::Tls(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        let builder = HttpsConnectorBuilder::new().with_tls_config(config).https_or_http();
        Ok(builder.enable_all_versions().wrap_connector(self))
    }

    async fn connect(self, uri: Uri) -> Result<TokioIo<TcpStream>, ConnectError> {
        let https = uri.scheme_str() != Some("http");
        let host = uri.host().ok_or(ConnectError::NoHost)?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).to_owned();
        let port = uri.port_u16().unwrap_or(if https { HTTPS_PORT } else { 80 });
        let found = match timeout(RESOLVE_WAIT, self.resolver.resolve(host.clone(), port)).await {
            Ok(Ok(found)) => found,
            Ok(Err(cause)) => return Err(ConnectError::Resolve { host, cause }),
            Err(_) => return Err(ConnectError::ResolveLate { host }),
        };
        let mut refusal = ConnectError::NoAddress { host: host.clone() };
        for address in found.into_iter().take(ADDRESSES_MAX) {
            if let Err(reason) = self.addresses.check(address.ip(), https) {
                if matches!(refusal, ConnectError::NoAddress { .. }) {
                    refusal = ConnectError::Forbidden { host: host.clone(), reason };
                }
                continue;
            }
            let late = || io::Error::new(io::ErrorKind::TimedOut, format!("{address} did not answer"));
            match timeout(CONNECT_WAIT, TcpStream::connect(address)).await.unwrap_or_else(|_| Err(late())) {
                Ok(stream) => {
                    // Requests are written whole, so waiting for more to send only costs time.
                    let _ = stream.set_nodelay(true);
                    return Ok(TokioIo::new(stream));
                }
                Err(cause) => refusal = ConnectError::Connect { host: host.clone(), port, cause },
            }
        }
        Err(refusal)
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = ConnectError;
    type Future = Boxed<Result<Self::Response, ConnectError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

#[cfg(test)]
mod tests;
