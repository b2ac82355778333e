//! How soon a host with all plugins is ready, where its cache has them: this binary as a process of its own, from its
//! beginning to the end of `enroute check`.

use std::process::{Command, Stdio};

use anyhow::Context as _;

use crate::commands::bench::figures::Figures;
use crate::commands::bench::ground::Ground;
use crate::commands::bench::measure::Meter;

/// The scenario *start*.
pub(super) const START: &str = "start";
/// Its subject.
pub(super) const CHECK: &str = "check of all plugins";
/// Starts in a round: one takes little time.
const STARTS: usize = 5;

/// One round. Only the time from beginning to end counts; the CPU time is another process's.
pub(super) fn round(ground: &Ground, meter: &mut Meter, figures: &mut Figures) -> anyhow::Result<()> {
    let own = std::env::current_exe().context("this program cannot be found")?;
    let check = || {
        let mut command = Command::new(&own);
        command.arg("-C").arg(ground.home()).arg("check").stdin(Stdio::null()).stdout(Stdio::null());
        let status = command.stderr(Stdio::null()).status().context("this program cannot be started")?;
        anyhow::ensure!(status.success(), "`enroute check` of the bench's own folder ended with {status}");
        Ok(())
    };
    // The first one may have to compile.
    check()?;
    for _ in 0..STARTS {
        let running = meter.start();
        check()?;
        figures.add(START, CHECK, (1, 0), meter.stop(&running));
    }
    Ok(())
}
