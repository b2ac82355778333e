//! The loop that accepts connections, and the end of all of them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use axum::Router;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::listen::connection::{self, Ends};
use crate::listen::limits::Limits;

/// How long the loop waits when the system has no descriptors or memory for another connection. Whoever tries at once
/// spins, and whoever gives up is deaf for good.
const EXHAUSTED_WAIT: Duration = Duration::from_millis(100);

/// Accepts connections from `next` until `drain` is cancelled, then waits for those that are open.
pub(super) async fn run<IO>(
    next: impl AsyncFn() -> io::Result<(IO, Ends)>,
    router: Router,
    limits: Arc<Limits>,
    drain: CancellationToken,
) where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let room = Arc::new(Semaphore::new(limits.connections_max));
    let mut open = JoinSet::new();
    while let Some(permit) = turn(&room, &drain).await {
        let accepted = tokio::select! {
            biased;
            () = drain.cancelled() => break,
            Some(_) = open.join_next() => continue,
            accepted = next() => accepted,
        };
        match accepted {
            Ok((io, ends)) => {
                let connection = connection::serve(io, ends, router.clone(), Arc::clone(&limits), drain.clone());
                let seen = Arc::clone(&limits.seen);
                seen.connections.fetch_add(1, Relaxed);
                open.spawn(async move {
                    let _counted = Counted(seen, permit);
                    connection.await;
                });
            }
            Err(error) if is_of_the_client(&error) => debug!(%error, "a client went away before it was accepted"),
            Err(error) => {
                limits.seen.exhausted.fetch_add(1, Relaxed);
                warn!(%error, "no connection can be accepted; trying again");
                tokio::time::sleep(EXHAUSTED_WAIT).await;
            }
        }
    }
    drop(next);
    let all = async { while open.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.drain_max, all).await.is_err() {
        warn!(connections = open.len(), "requests took longer than the stop; they are cut off");
        open.shutdown().await;
    }
}

/// Waits for room for another connection; none when the end came first.
async fn turn(room: &Arc<Semaphore>, drain: &CancellationToken) -> Option<OwnedSemaphorePermit> {
    tokio::select! {
        biased;
        () = drain.cancelled() => None,
        permit = Arc::clone(room).acquire_owned() => permit.ok(),
    }
}

/// An open connection.
struct Counted(
    Arc<crate::listen::limits::Seen>,
    #[expect(dead_code, reason = "held until the end")] OwnedSemaphorePermit,
);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Relaxed);
    }
}

/// Whether an error is of one client alone, so that the next one can be accepted at once.
fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, NotConnected};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | NotConnected)
}
