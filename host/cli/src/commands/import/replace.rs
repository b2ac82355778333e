//! Predictions: files whose result replaces the one before.

use anyhow::Context as _;
use enroute_host::config::audiences_file::source::{FileOrigin, Source};
use enroute_host::sources::Replaced;
use enroute_host::sources::predictions;
use enroute_host::store::imports::Rejection;

use crate::commands::import::reading::{self, Reading};
use crate::commands::import::{BAD_LINES_SHOWN, Imported, hint, now_ms};
use crate::output::{Advice, Output};
use crate::progress;
use crate::session::Session;
use crate::signals;

/// Imports a file of scores.
pub(super) async fn predictions(
    session: &Session,
    source: &Source,
    file: &FileOrigin,
    output: &Output,
) -> anyhow::Result<Imported> {
    let name = source.name.value.as_str();
    let store = session.store.clone();
    let reading = Reading::of(session, source, file).await?;
    let bar = progress::bytes(name, output);
    let shown = bar.clone();
    let read = tokio::task::spawn_blocking(move || {
        let (options, decided) = reading.prepared(reading.path.clone())?;
        let read = predictions::run(&store, &options, now_ms(), &mut |bytes, total| {
            shown.set_length(total);
            shown.set_position(bytes);
        })?;
        Ok::<_, anyhow::Error>((read, decided))
    });
    let read = signals::unless_asked(async { read.await.context("the import was lost") }).await?;
    bar.finish_and_clear();
    let hint = read.as_ref().err().map_or_else(String::new, |error| hint(error, name));
    let ((replaced, bad, notes), decided) = read.with_context(|| {
        let what = format!("source `{name}` cannot be imported");
        Advice::failed(what, hint)
    })?;
    let mut imported = Imported { notes, ..told(name, "predictions", &replaced, bad) };
    reading::tell(&mut imported, &decided);
    Ok(imported)
}

/// What became of a read, as it is told.
pub(super) fn told(source: &str, holds: &'static str, replaced: &Replaced, bad: Vec<Rejection>) -> Imported {
    Imported {
        source: source.to_owned(),
        holds,
        read: replaced.read,
        added: replaced.added,
        updated: replaced.updated,
        unchanged: replaced.unchanged,
        rejected: replaced.rejected,
        repeated: replaced.repeated,
        dropped_out: replaced.dropped_out,
        gone: replaced.gone,
        skipped: replaced.skipped,
        endless: replaced.endless,
        bad_lines: bad.into_iter().take(BAD_LINES_SHOWN).map(|bad| (bad.line, bad.code, bad.reason)).collect(),
        ..Imported::default()
    }
}
