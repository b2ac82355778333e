//! What a service manager is told, where one asks: systemd's notify protocol.

use std::sync::Arc;

use enroute_store::Store;
use enroute_sync::Clock;
use sd_notify::NotifyState;
use tokio::time::Duration;

use crate::state::State;

/// Tells something. Where no manager asks this does nothing, and one that does not listen stops nobody.
pub(crate) fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}

/// Everything is ready.
pub(crate) fn ready(state: &State) {
    tell(&[NotifyState::Ready, NotifyState::Status(&state.sentence())]);
}

/// Nothing new begins.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("stopping: what is in flight is waited for")]);
}

/// Feeds the watchdog, where there is one, as long as both the loop and the thread that writes do something.
pub(crate) async fn feed(store: Arc<Store>, state: Arc<State>, clock: Clock) {
    let watchdog = sd_notify::watchdog_enabled();
    let every = watchdog.map_or(Duration::from_secs(10), |within| within / 2);
    loop {
        tokio::time::sleep(every).await;
        let writes = tokio::time::timeout(every, store.write_relaxed(|_| Ok(()))).await;
        if watchdog.is_some() && matches!(writes, Ok(Ok(()))) && state.is_alive(clock.now_ms()) {
            tell(&[NotifyState::Watchdog]);
        }
        tell(&[NotifyState::Status(&state.sentence())]);
    }
}
