//! Reads that count as a whole: complete files, and queries.

use std::sync::Arc;

use anyhow::Context as _;
use enroute_host::config::audiences_file::source::query::{ColumnType, Database, Mode, QueryOrigin, Rows};
use enroute_host::config::audiences_file::source::reading::Reading;
use enroute_host::config::audiences_file::source::{FileOrigin, Source};
use enroute_host::config::code::Code;
use enroute_host::config::diagnostic::{Diagnostic, Diagnostics};
use enroute_host::config::files::Place;
use enroute_host::config::reference::Sealed;
use enroute_host::sources::query::{Holds, Query, Type, Watch};
use enroute_host::sources::{self, Access, CancellationToken, Error, Read, Snapshot, members, snapshot};

use crate::commands::import::reading::{self as text, Reading as Text};
use crate::commands::import::replace::told;
use crate::commands::import::{Imported, Wanted, now_ms};
use crate::output::{self, Advice, EXIT_MISTAKE, Output};
use crate::progress;
use crate::session::Session;
use crate::signals;

/// Where a read that is not believed ends.
const EXIT_FAILED: u8 = 1;

/// Reads a file of profiles that holds everybody.
pub(super) async fn complete_file(
    session: &Session,
    source: &Source,
    file: &FileOrigin,
    wanted: Wanted<'_>,
    output: &Output,
) -> anyhow::Result<Imported> {
    let name = source.name.value.as_str();
    let (store, snapshot) = (session.store.clone(), believed(&file.reading, wanted));
    let written = Text::of(session, source, file).await?;
    let bar = progress::bytes(name, output);
    let shown = bar.clone();
    let read = until_asked(move |stop| {
        let (options, decided) = written.prepared(written.path.clone())?;
        let read = snapshot::read(&store, &options, snapshot, now_ms(), &stop, &mut |bytes, total| {
            shown.set_length(total);
            shown.set_position(bytes);
        })?;
        Ok((read, decided))
    });
    let (read, decided) = match read.await? {
        Ok((read, decided)) => (Ok(read), decided),
        Err(error) => (Err(error), Vec::new()),
    };
    bar.finish_and_clear();
    let read = explained(session, source, &file.reading, &file.file.place, read, output)?;
    let mut imported = Imported { notes: read.notes, ..told(name, "profiles", &read.counts, read.bad) };
    text::tell(&mut imported, &decided);
    Ok(imported)
}

/// Asks a database.
pub(super) async fn query(
    session: &Session,
    source: &Source,
    origin: &QueryOrigin,
    wanted: Wanted<'_>,
    output: &Output,
) -> anyhow::Result<Imported> {
    let name = source.name.value.as_str();
    let query = as_query(source, origin, wanted);
    let database = database(name, origin, &session.config.sealed).await?;
    let store = session.store.clone();
    let bar = progress::count(name, output);
    let shown = bar.clone();
    let read = until_asked(move |stop| {
        let on_progress = Arc::new(move |rows| shown.set_position(rows));
        database.read(&store, &query, &Watch { on_progress, stop, now_ms: now_ms() })
    });
    let read = read.await?;
    bar.finish_and_clear();
    let place = match &origin.database.value {
        Database::Sqlite(file) if !file.is_file() => &origin.database.place,
        Database::Sqlite(_) | Database::Server(..) => &origin.query.place,
    };
    let read = explained(session, source, &origin.reading, place, read, output)?;
    let holds = match origin.holds {
        Rows::Profiles => "profiles",
        Rows::Traits => "query",
        Rows::Members | Rows::Changes(_) => "members",
    };
    Ok(Imported { notes: read.notes, ..told(name, holds, &read.counts, read.bad) })
}

/// A query as it is asked.
pub(super) fn as_query(source: &Source, origin: &QueryOrigin, wanted: Wanted<'_>) -> Query {
    let as_type = |column_type: &ColumnType| match column_type {
        ColumnType::Text => Type::Text,
        ColumnType::Number => Type::Number,
        ColumnType::Boolean => Type::Boolean,
        ColumnType::Json => Type::Json,
    };
    Query {
        source: source.name.value.as_str().to_owned(),
        query: origin.query.value.clone(),
        holds: holds(origin.holds),
        id: source.id.clone(),
        columns: origin.reading.columns.clone(),
        types: origin.types.iter().map(|(name, column_type)| (name.clone(), as_type(column_type))).collect(),
        snapshot: believed(&origin.reading, wanted),
        cursor: origin.reading.cursor.as_ref().map(|cursor| cursor.value.clone()),
        is_full: wanted.is_full,
        database: String::new(),
    }
}

const fn holds(rows: Rows) -> Holds {
    match rows {
        Rows::Profiles => Holds::Profiles,
        Rows::Traits => Holds::Traits,
        Rows::Members => Holds::Members,
        Rows::Changes(mode) => Holds::Changes(match mode {
            Mode::Add => members::Mode::Add,
            Mode::Update => members::Mode::Update,
            Mode::Upsert => members::Mode::Upsert,
            Mode::Mirror => members::Mode::Mirror,
            Mode::Delete => members::Mode::Delete,
        }),
    }
}

const fn believed(reading: &Reading, wanted: Wanted<'_>) -> Snapshot {
    Snapshot {
        is_complete: reading.complete,
        remove_max_percent: reading.remove_max_percent,
        is_accepted: wanted.is_accepted,
    }
}

/// The database of a source, with its secret.
pub(super) async fn database(
    name: &str,
    origin: &QueryOrigin,
    sealed: &Sealed,
) -> anyhow::Result<sources::database::Database> {
    Ok(match &origin.database.value {
        Database::Sqlite(file) => sources::database::Database::File(file.clone()),
        Database::Server(reference, certificates) => {
            let url = reference.resolve(sealed).await.with_context(|| {
                let next = "set what `database` of the source in audiences.toml refers to: \
                    postgres://user:password@host/database";
                Advice::mistake(format!("the database of source `{name}` is not known"), next)
            })?;
            let access = Access {
                ca_file: certificates.ca.clone(),
                cert_file: certificates.own.clone(),
                key_file: certificates.key.clone(),
            };
            sources::database::Database::Server(url, access)
        }
    })
}

/// Reads on a thread that may block, and has the read end when a signal asks for it.
async fn until_asked<T: Send + 'static>(
    read: impl FnOnce(CancellationToken) -> Result<T, Error> + Send + 'static,
) -> anyhow::Result<Result<T, Error>> {
    let stop = CancellationToken::new();
    let theirs = stop.clone();
    let mut work = tokio::task::spawn_blocking(move || read(theirs));
    let halt = signals::halt();
    let done = tokio::select! {
        done = &mut work => done,
        () = halt.asked() => {
            stop.cancel();
            work.await
        }
    };
    done.context("the import was lost")
}

/// Tells what is wrong with a read, where it stands in the file.
fn explained(
    session: &Session,
    source: &Source,
    reading: &Reading,
    place: &Place,
    read: Result<Read, Error>,
    output: &Output,
) -> anyhow::Result<Read> {
    let error = match read {
        Ok(read) => return Ok(read),
        Err(Error::Stopped) => return Err(signals::interrupted("run it again: nothing of it was taken over").into()),
        Err(error) => error,
    };
    let name = source.name.value.as_str();
    let (code, place, exit) = match &error {
        Error::Guarded { .. } => (Code::Guarded, &reading.place, EXIT_FAILED),
        Error::Cursor { .. } => {
            (Code::BadCursor, reading.cursor.as_ref().map_or(place, |cursor| &cursor.place), EXIT_MISTAKE)
        }
        Error::Columns { .. } => {
            (Code::BadColumns, if reading.columns.is_empty() { place } else { &reading.place }, EXIT_MISTAKE)
        }
        error if error.is_of_the_query() => (Code::BadQuery, place, EXIT_MISTAKE),
        _ => {
            let next = match &error {
                Error::Database { .. } => {
                    "look at the database, and at `database` of the source in audiences.toml; what was there stays"
                        .to_owned()
                }
                other => other.hint(name),
            };
            return Err(error).with_context(|| Advice::failed(format!("source `{name}` cannot be imported"), next));
        }
    };
    let message = match &error {
        Error::Guarded { .. } | Error::Cursor { .. } | Error::Columns { .. } => format!("source `{name}`: {error}"),
        _ => format!("source `{name}` has no result that can be used: {error}"),
    };
    let hint = match &error {
        Error::Guarded { .. } | Error::Cursor { .. } | Error::Columns { .. } => error.hint(name),
        _ => "try it with the database's own client; nothing of the source was written".to_owned(),
    };
    let mut found = Diagnostics::default();
    found.push(Diagnostic::error(code, message).at(place).hint(hint));
    session.tell(&found, output)?;
    Err(output::Told(exit).into())
}
