//! What a member costs where there are ten times as many, and how much memory that takes.

use crate::commands::bench::days::{IMPORT, SYNC, synced};
use crate::commands::bench::destinations::STUB;
use crate::commands::bench::figures::Figures;
use crate::commands::bench::ground::Ground;
use crate::commands::bench::measure::{Meter, forget_peak, peak_mib};
use crate::commands::bench::people::{self, Row};

/// The scenario *scale*.
pub(super) const SCALE: &str = "scale";
/// The larger number of people is so many times the smaller one.
const TIMES: u64 = 10;

/// Import and first sync of Braze's rows, at both sizes. People are made up, whatever the input is.
pub(super) async fn round(ground: &Ground, meter: &mut Meter, figures: &mut Figures) -> anyhow::Result<()> {
    let (small, large) = sizes(ground.members);
    for members in [small, large] {
        let world = ground.world()?;
        let rows = people::rows(u32::try_from(members).unwrap_or(u32::MAX), ground.seed);
        let file = world.write("profiles.ndjson", rows.map(|line| Ok(Row::read(&line)?.profile())))?;
        forget_peak();
        let running = meter.start();
        world.import(file).await?;
        let cost = meter.stop(&running);
        figures.add(SCALE, &subject(IMPORT, members), (members, 0), cost);
        figures.memory(SCALE, &subject(IMPORT, members), peak_mib());
        forget_peak();
        let (counts, cost) = synced(ground, &world, STUB, meter).await?;
        figures.add(SCALE, &subject(SYNC, members), counts, cost);
        figures.memory(SCALE, &subject(SYNC, members), peak_mib());
    }
    Ok(())
}

/// What a size is called.
pub(super) fn subject(what: &str, members: u64) -> String {
    format!("{what} of {members}")
}

/// The two sizes of a run.
pub(super) const fn sizes(members: u64) -> (u64, u64) {
    (members, members * TIMES)
}
