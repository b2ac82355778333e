//! How much of everything a client may take.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::listen::hosts::Hosts;
use crate::listen::tls::Certificate;

/// What a client may take, and what it must say. [`Limits::default`] is for loopback without TLS.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The hosts that are ours; a request for another one gets 421.
    pub hosts: Hosts,
    /// Most connections at a time; others wait in the system's queue.
    ///
    /// Each takes a descriptor and some 20 KiB; 8,192 leave most of a usual limit of 65,536 descriptors to the rest.
    pub connections_max: usize,
    /// Longest time for a request's head, from its first byte; and from the start of a connection to its first head,
    /// its TLS handshake included.
    pub head_timeout: Duration,
    /// How long a connection may be idle. Clients that send every ten seconds and balancers that reuse connections for
    /// a minute must not meet one that is being closed.
    pub idle_timeout: Duration,
    /// Most headers of a request. Browsers send some twenty.
    pub headers_max: usize,
    /// Largest head, in bytes. At least 8,192.
    pub head_bytes_max: usize,
    /// Largest body, in bytes as they come, whether or not its length was said.
    pub body_bytes_max: u64,
    /// Longest time for a body …
    pub body_timeout: Duration,
    /// … and for each 64 KiB of it that came.
    pub body_timeout_per_64_kib: Duration,
    /// Once cancelled, every answer says `Connection: close`, while connections are still accepted: balancers go on
    /// sending for some seconds after a stop was announced.
    pub leaving: CancellationToken,
    /// How long the end waits for what was begun.
    pub drain_max: Duration,
    /// The certificate; none for plain HTTP.
    pub certificate: Option<Arc<Certificate>>,
    /// What is counted.
    pub seen: Arc<Seen>,
}

/// What the listener counts, for metrics.
#[derive(Debug, Default)]
pub struct Seen {
    /// Connections that are open now.
    pub connections: AtomicU64,
    /// Requests for a host that is not ours.
    pub foreign_hosts: AtomicU64,
    /// Times that no connection could be accepted, for want of descriptors or memory.
    pub exhausted: AtomicU64,
    /// Bodies that were too slow.
    pub slow_bodies: AtomicU64,
    /// Bodies that were too large.
    pub large_bodies: AtomicU64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            hosts: Hosts::loopback(),
            connections_max: 8192,
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            headers_max: 64,
            head_bytes_max: 32 << 10,
            body_bytes_max: 1 << 20,
            body_timeout: Duration::from_secs(10),
            body_timeout_per_64_kib: Duration::from_secs(1),
            leaving: CancellationToken::new(),
            drain_max: Duration::from_secs(30),
            certificate: None,
            seen: Arc::default(),
        }
    }
}
