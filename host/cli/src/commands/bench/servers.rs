//! The destinations, in a process of their own: what they cost is not ours.

use std::io::Read as _;
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;
use enroute_fakes::all::All;
use enroute_fakes::stub::Stub;
use serde::{Deserialize, Serialize};

use crate::output::Output;

/// The name of the command that this binary runs itself as.
pub(crate) const NAME: &str = "bench-servers";

/// What they say of themselves once they run.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Addresses {
    /// `[destination.…]` of the strict fakes.
    pub(super) destinations: String,
    /// Where the stub listens, `HOST:PORT`.
    pub(super) stub: String,
}

/// The process; dropping it ends it.
#[derive(Debug)]
pub(super) struct Servers {
    child: Child,
    pub(super) addresses: Addresses,
}

impl Servers {
    /// Starts them and waits until they listen.
    pub(super) fn start() -> anyhow::Result<Self> {
        let own = std::env::current_exe().context("this program cannot be found")?;
        let mut child = Command::new(own)
            .arg(NAME)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the fake destinations cannot start")?;
        let said = child.stdout.take().context("the fake destinations have no output")?;
        let first = serde_json::Deserializer::from_reader(said).into_iter().next();
        let addresses = first.context("the fake destinations ended")?.context("the fake destinations ended")?;
        Ok(Self { child, addresses })
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        // It ends by itself when nobody is there any more; this only makes it sooner.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs them until standard input ends.
pub(crate) async fn serve(output: &Output) -> anyhow::Result<()> {
    let fakes = All::start().await.context("the fake destinations cannot start")?;
    let stub = Stub::start().await.context("the stub cannot start")?;
    output.print_json(&Addresses { destinations: fakes.destinations(), stub: stub.addr().to_string() })?;
    let ended = tokio::task::spawn_blocking(|| std::io::stdin().lock().read_to_end(&mut Vec::new()));
    let _ = ended.await;
    Ok(())
}
