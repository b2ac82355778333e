//! What Ctrl-C and SIGTERM do: the first ends a command in order, the second ends it at once.
//!
//! Signals belong to the process, and so does the one order to end that they give. Also keeps the process's memory, in
//! which secrets and people's data are, out of core dumps.

use std::sync::LazyLock;
use std::time::Duration;

use enroute_host::sync::Halt;
use rustix::process::{Resource, Rlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

use crate::output::{Advice, Output};

/// How long what is in flight is waited for: most answers come within seconds, and service managers kill after 90 s.
const GRACE: Duration = Duration::from_secs(30);
/// What a run has after that to write down what it knows and to report.
const LAST_WORDS: Duration = Duration::from_secs(5);

static HALT: LazyLock<Halt> = LazyLock::new(Halt::default);

/// The order to end that signals give.
pub(crate) fn halt() -> Halt {
    HALT.clone()
}

/// Listens to signals from now on.
pub(crate) fn listen(output: &Output) -> std::io::Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let output = *output;
    tokio::spawn(async move {
        let mut next = async || tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} };
        next().await;
        output.note(format_args!(
            "stopping: nothing new begins, and what is in flight is waited for, {} s at most; once more to end at once",
            GRACE.as_secs()
        ));
        HALT.ask();
        let patience = async {
            tokio::time::sleep(GRACE).await;
            HALT.cut_off();
            tokio::time::sleep(LAST_WORDS).await;
        };
        let code = tokio::select! {
            () = next() => 1,
            () = patience => i32::from(crate::output::EXIT_INTERRUPTED),
        };
        output.note("ended at once: what was in flight is in doubt, and the next run clears that up");
        std::process::exit(code);
    });
    Ok(())
}

/// Does something, unless an end is asked for before it is through: then it is dropped where it stands.
pub(crate) async fn unless_asked<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::select! {
        biased;
        () = HALT.asked() => Err(interrupted("run it again").into()),
        done = work => done,
    }
}

/// The failure of a command that was told to end.
pub(crate) fn interrupted(next: &str) -> Advice {
    Advice::interrupted("interrupted: it was told to stop before it was through", next)
}

/// Keeps what is in memory out of core dumps: the limit is for dumps into files, the other for those that a program of
/// the system takes. A system that knows neither is no reason not to run.
pub(crate) fn keep_memory_private() {
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}
