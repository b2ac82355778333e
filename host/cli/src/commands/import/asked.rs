//! What queries would give, for who checks them: each is prepared, and nothing is read.

use enroute_host::config::audiences_file::source::{Origin, Source};
use serde::Serialize;

use crate::commands::import::Wanted;
use crate::commands::import::profiles::{as_query, database};
use crate::session::Session;
use crate::signals;

/// What became of asking for a source.
#[derive(Debug, Serialize)]
pub(crate) struct Asked {
    pub(crate) source: String,
    /// The columns, and what each becomes.
    pub(crate) columns: Vec<(String, &'static str)>,
    /// Why there are none.
    pub(crate) problem: Option<String>,
}

/// Prepares the query of each source that is one.
pub(crate) async fn asked(session: &Session) -> anyhow::Result<Vec<Asked>> {
    let mut all = Vec::new();
    let mut sources: Vec<&Source> = session.config.sources.values().collect();
    sources.sort_by_key(|source| source.name.place.span.start);
    for source in sources {
        let Origin::Query(origin) = &source.origin else { continue };
        let name = source.name.value.as_str();
        let query = as_query(source, origin, Wanted::default());
        let told = match database(name, origin).await {
            Ok(database) => {
                let work = tokio::task::spawn_blocking(move || {
                    let columns = database.prepare(&query)?;
                    query.fits(&columns)?;
                    Ok::<_, enroute_host::sources::Error>(columns)
                });
                signals::unless_asked(async { Ok(work.await?) }).await?.map_err(|error| error.to_string())
            }
            Err(error) => Err(format!("{error:#}")),
        };
        let (columns, problem) = match told {
            Ok(columns) => (columns, None),
            Err(problem) => (Vec::new(), Some(problem)),
        };
        all.push(Asked { source: name.to_owned(), columns, problem });
    }
    Ok(all)
}
