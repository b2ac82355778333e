//! The plugin's own cases, played on the component in its sandbox.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use enroute_core::manifest::Manifest;
use enroute_host::runtime::{Outlet, RequestKind};
use enroute_sdk::Http as _;
use enroute_sdk::bindings::enroute::destination::types as sdk;
use enroute_sdk::testing::{self, Given, Played, Script, Stage};
use serde_json::{Map, Value};

use crate::convert;
use crate::error::KitError;
use crate::network::Reply;
use crate::sandbox::Sandbox;

/// The manifest as the format of cases wants it. Settings that were given by hand stand where a case says nothing of
/// them, as defaults do.
fn table(manifest: &Manifest, given: &Map<String, Value>) -> Result<toml::Table, KitError> {
    let mut manifest = manifest.clone();
    for setting in &mut manifest.settings {
        if let Some(value) = given.get(&setting.name) {
            setting.default = Some(value.clone());
        }
    }
    toml::Table::try_from(&manifest).map_err(|error| KitError::Cases(error.to_string()))
}

/// Plays every case of a folder, with these settings where a case does not say others.
pub(crate) fn play(
    sandbox: &Sandbox,
    manifest: &Manifest,
    folder: &Path,
    given: &Map<String, Value>,
) -> Result<Vec<Played>, KitError> {
    testing::play(folder, &table(manifest, given)?, &Sandboxed(sandbox)).map_err(KitError::Cases)
}

/// What the cases of a folder give.
pub(crate) fn givens(manifest: &Manifest, folder: &Path, given: &Map<String, Value>) -> Result<Vec<Given>, KitError> {
    testing::givens(folder, &table(manifest, given)?).map_err(KitError::Cases)
}

/// The component as a stage.
struct Sandboxed<'a>(&'a Sandbox);

impl Stage for Sandboxed<'_> {
    fn validate(&self, connection: sdk::Connection) -> Result<Vec<sdk::Problem>, String> {
        let connection = convert::connection_in(&connection);
        let problems = self.0.plainly(async |plugin| plugin.validate(&connection).await)?;
        Ok(problems.into_iter().map(convert::problem_out).collect())
    }

    fn map(&self, connection: sdk::Connection, batch: &sdk::Batch) -> Result<sdk::Mapped, String> {
        let (connection, batch) = (convert::connection_in(&connection), convert::batch_in(batch));
        let (mapped, _) = self.0.plainly(async |plugin| plugin.map(&connection, &batch).await)?;
        Ok(convert::mapped_out(mapped))
    }

    fn send(&self, connection: sdk::Connection, work: sdk::Work, script: &mut Script) -> Result<sdk::Report, String> {
        let (connection, work) = (convert::connection_in(&connection), convert::work_in(&work));
        let outlet = Arc::new(ScriptOutlet(Mutex::new(std::mem::take(script))));
        let way_out = Arc::clone(&outlet);
        let sent = self.0.plainly(async |plugin| plugin.send(&connection, &work, way_out).await);
        *script = std::mem::take(&mut *outlet.0.lock().unwrap_or_else(PoisonError::into_inner));
        sent.map(|(report, _)| convert::report_out(report))
    }
}

/// A script behind the sandbox's door.
struct ScriptOutlet(Mutex<Script>);

impl Outlet for ScriptOutlet {
    fn send(&self, request: RequestKind) -> Pin<Box<dyn Future<Output = Reply> + Send + '_>> {
        let mut script = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = match request {
            RequestKind::Prepared { index, learned } => script.send_prepared(index, &convert::items_out(learned)),
            RequestKind::Derived { kind, request } => script.send(&kind, &convert::request_out(request)),
        };
        Box::pin(std::future::ready(convert::reply(answer)))
    }
}
