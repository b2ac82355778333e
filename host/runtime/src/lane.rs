//! Where a call runs: on the runtime's workers as long as it is short, then on a thread of its own.
//!
//! Few guests need more than some milliseconds. One that needs more must not keep a worker from looking at the network,
//! and one that needs far more must not take a core from calls that are short: it goes on as the least urgent work of the
//! machine. Not sooner: what is least urgent may stand still for as long as the cores have anything else to do. Who needed
//! that long the last time begins there, so that it does not take its first tenth of a second from the others call by
//! call; one short call, and it begins as everybody does.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;

use crate::cpu;
use crate::limits::TICK;

/// CPU time after which a call goes on by itself: most calls of the plugins in Rust need less.
const SHORT: Duration = Duration::from_millis(20);

/// CPU time that a call has by itself before all others go first: twice what the largest lot of a plugin in Rust
/// needs.
const URGENT: Duration = Duration::from_millis(100);

/// How long a function needed when it was called last.
#[derive(Debug, Default)]
pub(super) struct Habit {
    is_long: AtomicBool,
}

impl Habit {
    fn is_long(&self) -> bool {
        self.is_long.load(Ordering::Relaxed)
    }

    fn note(&self, spent: Duration) {
        self.is_long.store(spent >= SHORT + URGENT, Ordering::Relaxed);
    }
}

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Drives `call` to its end, as its function's habit has it. Nothing where the thread of its own that it needed could not
/// be had, or was lost.
pub(super) async fn drive<T: Send + 'static>(
    habit: &Arc<Habit>,
    call: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    let mut call: Boxed<T> = Box::pin(call);
    if habit.is_long() && has_workers() {
        return aside(call, Duration::ZERO, Duration::ZERO, habit).await;
    }
    let mut spent = Duration::ZERO;
    let ended = poll_fn(|context| {
        if spent >= SHORT && has_workers() {
            return Poll::Ready(None);
        }
        let (polled, took) = cpu::measured(|| poll(&mut call, spent, context));
        spent += took;
        polled.map(Some)
    });
    match ended.await {
        Some(value) => {
            habit.note(spent);
            Some(value)
        }
        None => aside(call, spent, URGENT, habit).await,
    }
}

/// A call that has run through a tick gives its worker's other tasks away while it is polled.
fn poll<T>(call: &mut Boxed<T>, spent: Duration, context: &mut Context<'_>) -> Poll<T> {
    if spent >= TICK && has_workers() {
        tokio::task::block_in_place(|| call.as_mut().poll(context))
    } else {
        call.as_mut().poll(context)
    }
}

/// Whether there are several threads for tasks, so that one of them can be done without.
fn has_workers() -> bool {
    Handle::try_current().is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread)
}

/// Goes on with `call`, which has `spent` so much, on a thread of its own. After `urgent` it gets what the others leave.
/// Ends it where nobody waits for it any more.
async fn aside<T: Send + 'static>(call: Boxed<T>, spent: Duration, urgent: Duration, habit: &Arc<Habit>) -> Option<T> {
    let (mut tell, told) = oneshot::channel();
    let runtime = Handle::current();
    let habit = Arc::clone(habit);
    let run = move || {
        let mut call = call;
        let mut is_urgent = true;
        let call = poll_fn(move |context| {
            if is_urgent && cpu::now() >= urgent {
                is_urgent = false;
                yield_to_others();
            }
            call.as_mut().poll(context)
        });
        let ended = runtime.block_on(async {
            tokio::select! {
                value = call => Some(value),
                () = tell.closed() => None,
            }
        });
        habit.note(spent + cpu::now());
        if let Some(value) = ended {
            drop(tell.send(value));
        }
    };
    std::thread::Builder::new().name("guest".to_owned()).spawn(run).ok()?;
    told.await.ok()
}

/// Makes this thread run only where no other wants to. Niceness would not do: a thread that wakes up waits for a nice
/// one to use up its slice, and takes an idle one's core at once (Linux, `sched(7)`). Elsewhere nothing is done.
fn yield_to_others() {
    #[cfg(target_os = "linux")]
    {
        let none = libc::sched_param { sched_priority: 0 };
        // SAFETY: `none` outlives the call, which reads it; 0 is this thread.
        #[expect(unsafe_code, reason = "no safe wrapper sets the policy of a single thread")]
        let done = unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const none) };
        if done != 0 {
            let error = std::io::Error::last_os_error();
            tracing::debug!(%error, "a guest that runs for long keeps the priority of the others");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_habit() -> Arc<Habit> {
        Arc::default()
    }

    /// Spends about so much CPU time, and yields in between as a guest does.
    async fn busy(time: Duration) -> std::thread::ThreadId {
        let mut spent = Duration::ZERO;
        while spent < time {
            let start = cpu::now();
            while cpu::now().saturating_sub(start) < Duration::from_millis(1) {}
            spent += Duration::from_millis(1);
            tokio::task::yield_now().await;
        }
        std::thread::current().id()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_call_that_is_long_goes_on_by_itself() {
        let name = async {
            busy(2 * SHORT).await;
            std::thread::current().name().map(str::to_owned)
        };
        assert_eq!(drive(&no_habit(), name).await, Some(Some("guest".to_owned())));
    }

    #[tokio::test]
    async fn a_call_that_is_short_stays_where_it_is() {
        let here = std::thread::current().id();
        assert_eq!(drive(&no_habit(), busy(Duration::from_millis(1))).await, Some(here));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn whoever_needed_long_begins_by_itself_until_it_needed_little() {
        let habit = no_habit();
        let (here, little) = (std::thread::current().id(), Duration::from_millis(1));
        assert_eq!(drive(&habit, busy(little)).await, Some(here), "nothing is known of it yet");
        drive(&habit, busy(SHORT + URGENT + Duration::from_millis(20))).await;
        assert_ne!(drive(&habit, busy(little)).await, Some(here), "the last one was long");
        assert_eq!(drive(&habit, busy(little)).await, Some(here), "the last one was short");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_call_that_nobody_waits_for_ends() {
        struct Ends(Arc<AtomicBool>, Option<oneshot::Sender<()>>);
        impl Drop for Ends {
            fn drop(&mut self) {
                self.0.store(true, Ordering::SeqCst);
                self.1.take().map(|tell| tell.send(()));
            }
        }
        let (ended, (tell, told), (begun, has_begun)) =
            (Arc::new(AtomicBool::new(false)), oneshot::channel(), oneshot::channel());
        let guard = Ends(Arc::clone(&ended), Some(tell));
        let call = tokio::spawn(async move {
            let endless = async move {
                busy(2 * SHORT).await;
                begun.send(()).ok();
                std::future::pending::<()>().await;
                drop(guard);
            };
            drive(&no_habit(), endless).await
        });
        has_begun.await.expect("it runs");
        call.abort();
        told.await.expect("it is dropped");
        assert!(ended.load(Ordering::SeqCst));
    }
}
