//! Sources whose result replaces the one before: predictions and queries.

use std::path::PathBuf;

use anyhow::Context as _;
use enroute_host::config::audiences_file::source::{Database, FileOrigin, QueryOrigin, Source};
use enroute_host::config::code::Code;
use enroute_host::config::diagnostic::{Diagnostic, Diagnostics};
use enroute_host::config::secret::Secret;
use enroute_host::sources::query::{self, Query};
use enroute_host::sources::{Replaced, postgres, predictions};
use enroute_host::store::imports::Rejection;

use crate::commands::import::reading::{self, Reading};
use crate::commands::import::{BAD_LINES_SHOWN, Imported, hint, now_ms};
use crate::output::{self, Advice, EXIT_MISTAKE, Output};
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

/// A database that can be asked.
enum Open {
    File(PathBuf),
    Server(Secret),
}

/// Asks a database.
pub(super) async fn query(
    session: &Session,
    source: &Source,
    origin: &QueryOrigin,
    output: &Output,
) -> anyhow::Result<Imported> {
    let name = source.name.value.as_str();
    let query = Query { source: name.to_owned(), query: origin.query.value.clone(), id: source.id.clone() };
    let store = session.store.clone();
    let bar = progress::count(name, output);
    let shown = bar.clone();
    let database = match &origin.database.value {
        Database::Sqlite(file) => Open::File(file.clone()),
        Database::Postgres(reference) => Open::Server(reference.resolve().await.with_context(|| {
            let next =
                "set what `database` of the source in audiences.toml refers to: postgres://user:password@host/database";
            Advice::mistake(format!("the database of source `{name}` is not known"), next)
        })?),
    };
    let read = tokio::task::spawn_blocking(move || {
        let mut on_progress = |rows| shown.set_position(rows);
        match &database {
            Open::File(file) => query::sqlite(&store, &query, file, now_ms(), &mut on_progress),
            Open::Server(url) => postgres::read(&store, &query, url, now_ms(), &mut on_progress),
        }
    });
    let read = signals::unless_asked(async { read.await.context("the import was lost") }).await?;
    bar.finish_and_clear();
    if let Err(error) = &read
        && error.is_of_the_query()
    {
        session.tell(&mistake(name, origin, error), output)?;
        return Err(output::Told(EXIT_MISTAKE).into());
    }
    let replaced = read.with_context(|| {
        let what = format!("source `{name}` cannot be imported");
        Advice::failed(what, "mend `query` or `database` of the source in audiences.toml; nothing of it was written")
    })?;
    Ok(told(name, "query", &replaced, Vec::new()))
}

/// What is wrong with a query, and where it stands.
fn mistake(source: &str, origin: &QueryOrigin, error: &enroute_host::sources::Error) -> Diagnostics {
    let place = match &origin.database.value {
        Database::Sqlite(file) if !file.is_file() => &origin.database.place,
        Database::Sqlite(_) | Database::Postgres(_) => &origin.query.place,
    };
    let message = format!("source `{source}` has no result that can be used: {error}");
    let hint = "try it with the database's own client; nothing of the source was written";
    let mut found = Diagnostics::default();
    found.push(Diagnostic::error(Code::BadQuery, message).at(place).hint(hint));
    found
}

fn told(source: &str, holds: &'static str, replaced: &Replaced, bad: Vec<Rejection>) -> Imported {
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
        endless: replaced.endless,
        bad_lines: bad.into_iter().take(BAD_LINES_SHOWN).map(|bad| (bad.line, bad.code, bad.reason)).collect(),
        ..Imported::default()
    }
}
