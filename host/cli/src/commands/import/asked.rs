//! What sources would give, for who checks them: a query is prepared, a file of CSV with types is looked at, and nothing is
//! taken over.

use enroute_host::config::audiences_file::source::query::QueryOrigin;
use enroute_host::config::audiences_file::source::{FileOrigin, Origin, Source};
use serde::Serialize;

use crate::commands::import::Wanted;
use crate::commands::import::profiles::{as_query, database};
use crate::commands::import::reading::Reading;
use crate::session::Session;
use crate::signals;

/// What became of asking for a source.
#[derive(Debug, Serialize)]
pub(crate) struct Asked {
    pub(crate) source: String,
    /// The columns, and what each becomes.
    pub(crate) columns: Vec<(String, String)>,
    /// Why there are none.
    pub(crate) problem: Option<String>,
}

type Columns = Vec<(String, String)>;

/// Asks each source whose columns have types that it does not say itself.
pub(crate) async fn asked(session: &Session) -> anyhow::Result<Vec<Asked>> {
    let mut all = Vec::new();
    let mut sources: Vec<&Source> = session.config.sources.values().collect();
    sources.sort_by_key(|source| source.name.place.span.start);
    for source in sources {
        let told = match &source.origin {
            Origin::Query(origin) => of_query(session, source, origin).await?,
            Origin::File(file) if file.command.is_none() && !file.types.is_empty() => {
                of_file(session, source, file).await?
            }
            Origin::File(_) | Origin::Listen(_) => continue,
        };
        let (columns, problem) = match told {
            Ok(columns) => (columns, None),
            Err(problem) => (Vec::new(), Some(problem)),
        };
        all.push(Asked { source: source.name.value.to_string(), columns, problem });
    }
    Ok(all)
}

/// Prepares a query; no row of it is read.
async fn of_query(session: &Session, source: &Source, origin: &QueryOrigin) -> anyhow::Result<Result<Columns, String>> {
    let query = as_query(source, origin, Wanted::default());
    let database = match database(source.name.value.as_str(), origin, &session.config.sealed).await {
        Ok(database) => database,
        Err(error) => return Ok(Err(format!("{error:#}"))),
    };
    let work = tokio::task::spawn_blocking(move || {
        let columns = database.prepare(&query)?;
        query.fits(&columns)?;
        Ok::<_, enroute_host::sources::Error>(columns)
    });
    let columns = signals::unless_asked(async { Ok(work.await?) }).await?;
    Ok(match columns {
        Ok(columns) => Ok(columns.into_iter().map(|(name, becomes)| (name, becomes.to_owned())).collect()),
        Err(error) => Err(error.to_string()),
    })
}

/// Looks at a file, of several at the last by name; no line of it is imported.
async fn of_file(session: &Session, source: &Source, file: &FileOrigin) -> anyhow::Result<Result<Columns, String>> {
    let reading = Reading::of(session, source, file).await?;
    let work = tokio::task::spawn_blocking(move || {
        let path = reading.files()?.pop().unwrap_or_default();
        reading.prepared(path)
    });
    let found = signals::unless_asked(async { Ok(work.await?) }).await?;
    Ok(match found {
        Ok((options, decided)) if decided.is_empty() => {
            Ok(options.types.into_iter().map(|(name, kind)| (name, kind.to_string())).collect())
        }
        Ok((_, decided)) => {
            let note = |note: Option<String>| note.map_or_else(String::new, |note| format!(" ({note})"));
            Ok(decided.into_iter().map(|one| (one.column, format!("{}{}", one.kind, note(one.note)))).collect())
        }
        Err(error) => Err(format!("{error}; {}", error.hint(source.name.value.as_str()))),
    })
}
