//! A batch with what only the host may know of its members: hashes, identities and what was sent before.

use enroute_core::batch::{Batch, Change};
use enroute_core::cells::{Cells, Value};

use enroute_store::held::Held;
use enroute_store::{Error, Sealer};

/// What the host knows of one member of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Meta {
    /// Keyed hash of everything that is sent of the member.
    pub(crate) hash: [u8; 16],
    /// Keyed hash of the folded identity, where the destination folds.
    pub(crate) identity: Option<[u8; 16]>,
    /// What the destination held before this run.
    pub(crate) before: Option<Held>,
    /// How earlier runs tried it.
    pub(crate) tried: Option<Tried>,
    /// Whether the member is withdrawn though it is in the audience: it was refused as it is now, and stays so.
    pub(crate) is_refused: bool,
}

/// How earlier runs tried a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tried {
    /// Attempts.
    pub(crate) attempts: u32,
    /// When the first was, in milliseconds since 1970.
    pub(crate) first_ms: u64,
    /// Whether it failed alone while others passed.
    pub(crate) alone: bool,
    /// Whether it was given up, and is tried to see whether the cause is gone.
    pub(crate) is_probe: bool,
}

impl Tried {
    /// Whether nobody else may suffer for it.
    pub(crate) const fn goes_alone(self) -> bool {
        self.alone || self.is_probe
    }
}

/// Members on their way, with what stays in the host. Positions of both are the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Lot {
    pub(crate) batch: Batch,
    pub(crate) meta: Vec<Meta>,
}

impl Lot {
    pub(crate) fn new(identifier_columns: usize, value_columns: usize, consent: Option<String>) -> Self {
        let columns = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let mut batch = Batch::new(columns(identifier_columns), columns(value_columns), 0);
        batch.consent = consent;
        Self { batch, meta: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.meta.len()
    }

    /// All positions.
    pub(crate) fn positions(&self) -> Vec<u32> {
        (0..u32::try_from(self.len()).unwrap_or(u32::MAX)).collect()
    }

    /// The members in two lots, the first halves first; one lot where there is one member.
    pub(crate) fn into_halves(self) -> Vec<Self> {
        if self.len() < 2 {
            return vec![self];
        }
        let positions = self.positions();
        let (first, second) = Batch::halves(&positions);
        vec![self.subset(first), self.subset(second)]
    }

    /// Members who failed alone before go alone, each; the others stay together, in front.
    pub(crate) fn apart(self) -> Vec<Self> {
        let goes_alone =
            |at: &u32| self.meta.get(*at as usize).and_then(|meta| meta.tried).is_some_and(Tried::goes_alone);
        let (lone, others): (Vec<u32>, Vec<u32>) = self.positions().into_iter().partition(goes_alone);
        if lone.is_empty() {
            return vec![self];
        }
        let others = (!others.is_empty()).then(|| self.subset(&others));
        others.into_iter().chain(lone.iter().map(|at| self.subset(&[*at]))).collect()
    }

    /// Whether this is somebody who goes alone.
    pub(crate) fn is_lone(&self) -> bool {
        matches!(self.meta.as_slice(), [Meta { tried: Some(tried), .. }] if tried.goes_alone())
    }

    /// The most attempts that earlier runs made at a member.
    pub(crate) fn attempts_max(&self) -> u32 {
        self.meta.iter().map(|meta| meta.tried.map_or(0, |tried| tried.attempts)).max().unwrap_or(0)
    }

    /// The members at these positions as a lot of their own.
    pub(crate) fn subset(&self, positions: &[u32]) -> Self {
        Self {
            batch: self.batch.subset(positions),
            meta: positions.iter().filter_map(|at| self.meta.get(*at as usize).cloned()).collect(),
        }
    }

    pub(crate) fn profile(&self, position: u32) -> Option<u32> {
        self.batch.profiles.get(position as usize).copied()
    }

    pub(crate) fn change(&self, position: u32) -> Change {
        self.batch.changes.get(position as usize).copied().unwrap_or(Change::Updated)
    }

    /// Members of whom it was not known what an earlier request had done.
    pub(crate) fn in_doubt(&self, positions: &[u32]) -> u64 {
        let doubtful = |at: &&u32| {
            self.meta.get(**at as usize).and_then(|meta| meta.before.as_ref()).is_some_and(|held| held.hash.is_none())
        };
        positions.iter().filter(doubtful).count() as u64
    }

    /// The identifiers of one member now, as the row that is remembered of it.
    pub(crate) fn identifiers(&self, position: u32, fields: &[String]) -> SentRow {
        SentRow::of(&self.batch.identifiers, position as usize, fields)
    }
}

/// Identifiers that were sent of a member in one delivery: field and value.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct SentRow(pub(crate) Vec<(String, String)>);

impl SentRow {
    fn of(cells: &Cells, row: usize, fields: &[String]) -> Self {
        let one = |(column, field): (usize, &String)| match cells.value(row, column) {
            Value::Text(text) | Value::Number(text) => Some((field.clone(), text.to_owned())),
            _ => None,
        };
        Self(fields.iter().enumerate().filter_map(one).collect())
    }

    pub(crate) fn get(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == field).map(|(_, value)| value.as_str())
    }
}

/// Seals what was sent of a member; bound to connection and profile, so that rows cannot be swapped.
pub(crate) fn seal_sent(sealer: &Sealer, link: i64, profile: u32, rows: &[SentRow]) -> Result<Vec<u8>, Error> {
    let plain = serde_json::to_vec(rows).unwrap_or_default();
    sealer.seal(&context(link, profile), &plain)
}

/// Opens what was sealed; nothing where the store does not say.
pub(crate) fn open_sent(sealer: &Sealer, link: i64, held: &Held) -> Vec<SentRow> {
    if held.sent.is_empty() {
        return Vec::new();
    }
    let opened = sealer.open(&context(link, held.profile), &held.sent);
    opened.ok().and_then(|plain| serde_json::from_slice(&plain).ok()).unwrap_or_default()
}

fn context(link: i64, profile: u32) -> Vec<u8> {
    format!("sent/{link}/{profile}").into_bytes()
}
