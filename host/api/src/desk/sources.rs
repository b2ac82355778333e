//! Where people come from, and when they were read last.

use enroute_config::audiences_file::source::Origin;
use enroute_store::access::Role;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::access::Caller;
use crate::desk::{Desk, moment};
use crate::problem::Problem;

/// Imports that are looked through.
const IMPORTS_LOOKED_AT: u32 = 200;

/// A source.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// `file`, `query` or `listens`.
    pub origin: String,
    /// Its schedule; nothing where it has none.
    pub schedule: Option<String>,
    /// `running`, `waiting`, `idle` or `person`.
    pub state: String,
    /// Why it is not well.
    pub reason: Option<String>,
    /// The newest import of a file.
    pub last_import: Option<Import>,
}

/// An import.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Import {
    /// In UTC.
    pub started: String,
    /// In UTC; nothing while it runs, or where it was cut off.
    pub ended: Option<String>,
    /// Records read.
    pub read: u64,
    /// People who were not known.
    pub added: u64,
    /// People whose profile changed.
    pub updated: u64,
    /// People whose profile is the same.
    pub unchanged: u64,
    /// Records that could not be used.
    pub rejected: u64,
}

impl Desk {
    /// Every source.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sources(&self) -> Result<Vec<Source>, Problem> {
        self.read(|desk, reader| {
            let Some(config) = desk.config() else { return Ok(Vec::new()) };
            let told = desk.handle().state();
            let imports = reader.imports(IMPORTS_LOOKED_AT)?;
            let one = |source: &enroute_config::audiences_file::source::Source| {
                let name = source.name.value.as_str();
                let unit = told.get("sources").and_then(|units| units.get(name));
                let of_unit = |key: &str| unit.and_then(|unit| unit.get(key)).and_then(Value::as_str);
                let last = imports.iter().find(|import| import.source == name);
                Source {
                    name: name.to_owned(),
                    origin: origin(&source.origin).to_owned(),
                    schedule: source.schedule.as_ref().map(|schedule| schedule.written.clone()),
                    state: of_unit("state").unwrap_or("idle").to_owned(),
                    reason: of_unit("reason").map(str::to_owned),
                    last_import: last.map(|import| Import {
                        started: moment(import.started_ms.max(0).cast_unsigned()),
                        ended: import.ended_ms.map(|ms| moment(ms.max(0).cast_unsigned())),
                        read: import.read,
                        added: import.added,
                        updated: import.updated,
                        unchanged: import.unchanged,
                        rejected: import.rejected,
                    }),
                }
            };
            Ok(config.sources.values().map(one).collect())
        })
        .await
    }

    /// Has a source read now.
    ///
    /// # Errors
    /// [`Problem::Missing`], or that the caller may not.
    pub async fn read_source(&self, caller: &Caller, name: &str) -> Result<(), Problem> {
        self.may_change(caller, Role::Operator)?;
        let (by, wanted) = (caller.clone(), name.to_owned());
        self.aside(move |desk| {
            let config = desk.sound_config()?;
            if !config.sources.keys().any(|found| found.as_str() == wanted) {
                return Err(Problem::Missing(format!("source `{wanted}`")));
            }
            desk.note(&by, "asked for an import", &wanted)
        })
        .await?;
        self.handle().read_now(name).await;
        Ok(())
    }
}

const fn origin(origin: &Origin) -> &'static str {
    match origin {
        Origin::File(_) => "file",
        Origin::Query(_) => "query",
        Origin::Listen(_) => "listens",
    }
}
