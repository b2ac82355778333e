//! A first sync over loopback beside a bare client that posts the same bytes to the same server.

use anyhow::Context as _;
use enroute_fakes::stub;
use enroute_host::sync::{self, Clock, Detail};

use crate::commands::bench::days::synced;
use crate::commands::bench::destinations::STUB;
use crate::commands::bench::figures::Figures;
use crate::commands::bench::ground::Ground;
use crate::commands::bench::measure::Meter;
use crate::commands::bench::people::Row;

/// The scenario *wire*.
pub(super) const WIRE: &str = "wire";
/// Its subjects.
pub(super) const END_TO_END: &str = "end to end";
pub(super) const BARE: &str = "bare client";
/// Connections of the bare client: about what a sync has in flight at Braze.
const CONNECTIONS: usize = 4;
/// Where Braze takes members.
const PATH: &str = "/users/track";

/// One round.
pub(super) async fn round(ground: &Ground, meter: &mut Meter, figures: &mut Figures) -> anyhow::Result<()> {
    let world = ground.world()?;
    let profiles = ground.lines()?.into_iter().map(|line| Ok(Row::read(&line)?.profile()));
    world.import(world.write("profiles.ndjson", profiles)?).await?;
    let setup = world.setup(ground, Some(STUB)).await?;
    let detail = Detail { bodies: true, ..Detail::default() };
    let plans = sync::plan(&world.store, &setup, &Clock::System, detail).await?;
    let requests = plans.into_iter().flat_map(|plan| plan.requests);
    let bodies: Vec<String> = requests.filter_map(|request| request.body).collect();
    let addr = ground.servers.addresses.stub.parse().context("the stub has no address")?;
    let (counts, cost) = synced(ground, &world, STUB, meter).await?;
    figures.add(WIRE, END_TO_END, counts, cost);
    let count = bodies.len();
    let running = meter.start();
    let taken = stub::post_all(addr, PATH, bodies, CONNECTIONS).await.context("the stub does not answer")?;
    let cost = meter.stop(&running);
    anyhow::ensure!(taken == count, "the stub took {taken} of {count} requests");
    figures.add(WIRE, BARE, (counts.0, count as u64), cost);
    Ok(())
}
