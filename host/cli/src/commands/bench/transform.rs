//! Rows in, request bytes out, through the sandbox; and the sandbox alone.

use enroute_host::store::Sealer;
use enroute_host::sync::{Transform, Transformed};

use crate::commands::bench::destinations::transform_of;
use crate::commands::bench::figures::Figures;
use crate::commands::bench::ground::Ground;
use crate::commands::bench::measure::{Cost, Meter};
use crate::commands::bench::people::Row;

/// The scenario *transform*.
pub(super) const TRANSFORM: &str = "transform";
/// The scenario *sandbox*.
pub(super) const SANDBOX: &str = "sandbox";
/// What the sandbox itself costs: an instance, one call about nobody, and its end.
pub(super) const INSTANCE: &str = "instance";

/// Members in one call where the sandbox alone is measured.
const SANDBOX_MEMBERS: usize = 1_000;
/// Calls of which each counts as a round: the sandbox is quick, and one call would be lost in the noise.
const SANDBOX_CALLS: usize = 10;

/// The connections, without a store; and the rows in memory, where they are for a peer, too.
pub(super) struct Ready {
    transforms: Vec<Transform>,
    lines: Vec<String>,
}

impl Ready {
    pub(super) async fn new(ground: &Ground) -> anyhow::Result<Self> {
        let world = ground.world()?;
        let sealer: &Sealer = world.store.sealer();
        let transforms = world.setup(ground, None).await?.transforms(sealer);
        Ok(Self { transforms, lines: ground.lines()? })
    }

    /// One round: every destination once.
    pub(super) async fn round(&self, ground: &Ground, meter: &mut Meter, figures: &mut Figures) -> anyhow::Result<()> {
        for case in &ground.cases {
            let transform = transform_of(&self.transforms, case.name)?;
            let running = meter.start();
            let mut done = Transformed::default();
            for lines in self.lines.chunks(transform.batch_members()) {
                done += one_batch(transform, lines).await?;
            }
            let cost = meter.stop(&running);
            anyhow::ensure!(done.members > 0, "{} took nobody of {}", case.id, self.lines.len());
            figures.add(TRANSFORM, case.id, (self.lines.len() as u64, done.requests), cost);
        }
        Ok(())
    }

    /// One round of `map` alone, by the CPU time that the sandbox counts.
    pub(super) async fn sandbox(&self, ground: &Ground, figures: &mut Figures) -> anyhow::Result<()> {
        let lines = self.lines.get(..SANDBOX_MEMBERS).unwrap_or(&self.lines);
        for case in &ground.cases {
            let transform = transform_of(&self.transforms, case.name)?;
            let (batch, nobody) = (batch(transform, lines)?, transform.batch(&[])?);
            for _ in 0..SANDBOX_CALLS {
                let done = transform.map(&batch).await?;
                let cost = Cost { cpu: done.sandbox, wall: done.sandbox, instructions: None };
                figures.add(SANDBOX, case.id, (lines.len() as u64, done.requests), cost);
            }
            if case.id == ground.cases.first().map_or("", |first| first.id) {
                for _ in 0..SANDBOX_CALLS {
                    let done = transform.map(&nobody).await?;
                    let cost = Cost { cpu: done.sandbox, wall: done.sandbox, instructions: None };
                    figures.add(SANDBOX, INSTANCE, (1, 0), cost);
                }
            }
        }
        Ok(())
    }
}

/// Texts to requests.
async fn one_batch(transform: &Transform, lines: &[String]) -> anyhow::Result<Transformed> {
    let batch = batch(transform, lines)?;
    Ok(transform.map(&batch).await?)
}

fn batch(transform: &Transform, lines: &[String]) -> anyhow::Result<enroute_core::batch::Batch> {
    let rows: Vec<Row<'_>> = lines.iter().map(|line| Row::read(line)).collect::<Result<_, _>>()?;
    let identifiers: Vec<_> = rows.iter().map(Row::identifiers).collect();
    let people: Vec<_> = rows.iter().zip(&identifiers).map(|(row, given)| row.person(given)).collect();
    Ok(transform.batch(&people)?)
}
