//! The days of an operator: an import, a plan, a first sync, one after which nothing has changed, one after which a
//! thousandth has, and one changed profile.

use enroute_host::store::yardstick;
use enroute_host::sync::{self, Clock, Detail, LinkState, Options};

use crate::commands::bench::Scenario;
use crate::commands::bench::destinations::Case;
use crate::commands::bench::figures::Figures;
use crate::commands::bench::ground::{Ground, World};
use crate::commands::bench::measure::{Cost, Meter};
use crate::commands::bench::people::Row;

/// The scenario *import*.
pub(super) const IMPORT: &str = "import";
/// Its subjects.
pub(super) const PROFILES: &str = "profiles";
pub(super) const SAME_PROFILES: &str = "unchanged profiles";
pub(super) const SQLITE: &str = "SQLite's own";
/// The scenario *plan*.
pub(super) const PLAN: &str = "plan";
/// The scenario *sync*.
pub(super) const SYNC: &str = "sync";
/// The scenario *unchanged*.
pub(super) const UNCHANGED: &str = "unchanged";
/// The scenario *delta*.
pub(super) const DELTA: &str = "delta";
/// Its subject for one changed profile, from import to request.
pub(super) const ONE_PROFILE: &str = "one profile";

/// One in so many has changed.
const CHANGED: usize = 1_000;

/// The scenarios that one round of this file covers.
pub(super) const COVERED: [Scenario; 5] =
    [Scenario::Import, Scenario::Plan, Scenario::Sync, Scenario::Unchanged, Scenario::Delta];

/// One round: a new folder, and every destination in it.
pub(super) async fn round(
    ground: &Ground,
    is_asked: impl Fn(Scenario) -> bool,
    meter: &mut Meter,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let world = ground.world()?;
    let rows = ground.lines()?;
    import(&world, &rows, is_asked(Scenario::Import), meter, figures).await?;
    let later = [Scenario::Sync, Scenario::Unchanged, Scenario::Delta].into_iter().any(&is_asked);
    for case in &ground.cases {
        if is_asked(Scenario::Plan) {
            plan(ground, &world, case, meter, figures).await?;
        }
        if later {
            let (counts, cost) = synced(ground, &world, case.name, meter).await?;
            figures.add(SYNC, case.id, counts, cost);
        }
        if is_asked(Scenario::Unchanged) {
            let (counts, cost) = synced(ground, &world, case.name, meter).await?;
            figures.add(UNCHANGED, case.id, counts, cost);
        }
    }
    if is_asked(Scenario::Delta) {
        let changed = rows.iter().step_by(CHANGED).map(|line| Ok(Row::read(line)?.changed()));
        world.import(world.write("changed.ndjson", changed)?).await?;
        for case in &ground.cases {
            let (counts, cost) = synced(ground, &world, case.name, meter).await?;
            figures.add(DELTA, case.id, counts, cost);
        }
        one_profile(ground, &world, &rows, meter, figures).await?;
    }
    Ok(())
}

/// The profiles once, and, where that is what is asked, a second time, and by SQLite alone.
async fn import(
    world: &World,
    rows: &[String],
    is_asked: bool,
    meter: &mut Meter,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let profiles = || rows.iter().map(|line| Ok(Row::read(line)?.profile()));
    let file = world.write("profiles.ndjson", profiles())?;
    let running = meter.start();
    let read = world.import(file.clone()).await?;
    let cost = meter.stop(&running);
    if !is_asked {
        return Ok(());
    }
    figures.add(IMPORT, PROFILES, (read, 0), cost);
    let again = world.write("again.ndjson", profiles())?;
    let running = meter.start();
    let read = world.import(again).await?;
    figures.add(IMPORT, SAME_PROFILES, (read, 0), meter.stop(&running));
    let lines = std::io::BufReader::new(std::fs::File::open(file)?);
    let running = meter.start();
    let read = yardstick::import_lines(&world.path("yardstick.db"), lines)?;
    figures.add(IMPORT, SQLITE, (read, 0), meter.stop(&running));
    Ok(())
}

async fn plan(
    ground: &Ground,
    world: &World,
    case: &Case,
    meter: &mut Meter,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let setup = world.setup(ground, Some(case.name)).await?;
    let running = meter.start();
    let plans = sync::plan(&world.store, &setup, &Clock::System, Detail::default()).await?;
    let cost = meter.stop(&running);
    let requests = plans.iter().map(|plan| plan.requests.len() as u64).sum();
    figures.add(PLAN, case.id, (plans.iter().map(|plan| plan.members).sum(), requests), cost);
    anyhow::ensure!(requests > 0, "the plan for {} has no requests", case.id);
    Ok(())
}

/// One sync, which has to end well: a figure of a run that stopped is none. Returns how many members are in the
/// audience, and how many requests were prepared.
pub(super) async fn synced(
    ground: &Ground,
    world: &World,
    destination: &str,
    meter: &mut Meter,
) -> anyhow::Result<((u64, u64), Cost)> {
    let setup = world.setup(ground, Some(destination)).await?;
    let options = Options { wait: true, clock: world.clock.clone(), ..Options::default() };
    let running = meter.start();
    let report = sync::sync(&world.store, &setup, &options).await?;
    let cost = meter.stop(&running);
    for link in &report.connections {
        let is_sound = link.state == LinkState::Done && link.adds_up && link.held > 0;
        let why = link.reason.as_deref().unwrap_or("its numbers are not those of a sound run");
        anyhow::ensure!(is_sound, "the sync to {destination} did not end well: {why}");
    }
    let members = report.connections.iter().map(|link| link.members).sum();
    let requests = report.connections.iter().map(|link| link.requests.prepared).sum();
    Ok(((members, requests), cost))
}

/// One changed profile, from its line to the request that is ready.
async fn one_profile(
    ground: &Ground,
    world: &World,
    rows: &[String],
    meter: &mut Meter,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let (Some(case), Some(line)) = (ground.cases.first(), rows.last()) else { return Ok(()) };
    let setup = world.setup(ground, Some(case.name)).await?;
    let file = world.write("one.ndjson", [Ok(Row::read(line)?.changed())])?;
    let running = meter.start();
    world.import(file).await?;
    let plans = sync::plan(&world.store, &setup, &Clock::System, Detail::default()).await?;
    let cost = meter.stop(&running);
    let requests = plans.iter().map(|plan| plan.requests.len() as u64).sum();
    figures.add(DELTA, ONE_PROFILE, (1, requests), cost);
    Ok(())
}
