//! What is told as it happens: the overview whenever it has changed, to a bounded number of readers.
//!
//! However many read, the overview is made once a second at most. A stream ends with the host, and with the token of
//! whoever reads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::Stream;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

use crate::access::Caller;
use crate::desk::Desk;
use crate::problem::Problem;

/// Streams that are open at a time.
pub const STREAMS_MAX: usize = 64;
/// How often changes are looked for.
const LOOK: Duration = Duration::from_secs(1);

/// Something that is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// The overview as JSON, other than it was.
    Overview(Arc<str>),
    /// The host stops, or the token is not good any more: nothing comes after it.
    Bye,
}

/// Seats of readers, and what was told last.
#[derive(Debug)]
pub(super) struct Live {
    seats: Arc<Semaphore>,
    last: Mutex<Option<(Instant, Arc<str>)>>,
}

impl Default for Live {
    fn default() -> Self {
        Self { seats: Arc::new(Semaphore::new(STREAMS_MAX)), last: Mutex::default() }
    }
}

/// Where a stream is.
struct Place {
    desk: Desk,
    caller: Caller,
    told: Option<Arc<str>>,
    has_ended: bool,
    _seat: OwnedSemaphorePermit,
}

impl Desk {
    /// What is told as it happens, the overview of now first.
    ///
    /// # Errors
    /// [`Problem::Full`].
    pub fn news(&self, caller: Caller) -> Result<impl Stream<Item = News> + Send + use<>, Problem> {
        let seat = Arc::clone(&self.live.seats).try_acquire_owned();
        let seat = seat.map_err(|_| Problem::Full(STREAMS_MAX))?;
        let place = Place { desk: self.clone(), caller, told: None, has_ended: false, _seat: seat };
        Ok(futures_util::stream::unfold(place, next))
    }

    /// The overview as JSON, at most a second old.
    async fn overview_of_late(&self) -> Result<Arc<str>, Problem> {
        let mut last = self.live.last.lock().await;
        if let Some((_, text)) = last.as_ref().filter(|(at, _)| at.elapsed() < LOOK) {
            return Ok(Arc::clone(text));
        }
        let text = serde_json::to_string(&self.overview().await?);
        let text: Arc<str> = text.map_err(|error| Problem::Failed(error.to_string()))?.into();
        *last = Some((Instant::now(), Arc::clone(&text)));
        Ok(text)
    }

    async fn may_still_read(&self, caller: &Caller) -> bool {
        let token = caller.token;
        self.aside(move |desk| desk.door().is_good(token, desk.now_ms())).await.unwrap_or(false)
    }
}

async fn next(mut place: Place) -> Option<(News, Place)> {
    if place.has_ended {
        return None;
    }
    let handle = place.desk.handle().clone();
    tokio::select! {
        () = handle.leaving() => {}
        text = changed(&place) => {
            if let Some(text) = text {
                place.told = Some(Arc::clone(&text));
                return Some((News::Overview(text), place));
            }
        }
    }
    place.has_ended = true;
    Some((News::Bye, place))
}

/// Waits for an overview that differs from the one told last; nothing once the reader may not know any more.
async fn changed(place: &Place) -> Option<Arc<str>> {
    loop {
        if !place.desk.may_still_read(&place.caller).await {
            return None;
        }
        // What failed may work in a second.
        if let Ok(text) = place.desk.overview_of_late().await
            && place.told.as_ref() != Some(&text)
        {
            return Some(text);
        }
        tokio::time::sleep(LOOK).await;
    }
}
