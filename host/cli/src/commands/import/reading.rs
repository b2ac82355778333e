//! How the text of a source is got at: its files, its command, its types.

use std::path::PathBuf;

use anyhow::Context as _;
use enroute_host::config::Paths;
use enroute_host::config::audiences_file::source::command::Command;
use enroute_host::config::audiences_file::source::{FileOrigin, Format as Said, Holds as Held, Source};
use enroute_host::sources::body::{self, Written};
use enroute_host::sources::command::Program;
use enroute_host::sources::{Decided, Error, Format, Holds, Options};

use crate::commands::import::Imported;
use crate::output::Advice;
use crate::session::Session;
use crate::signals;

/// A source of text, ready to be read.
pub(crate) struct Reading {
    pub(crate) source: String,
    pub(crate) path: PathBuf,
    pub(crate) is_pattern: bool,
    options: Options,
    written: Written,
    state: PathBuf,
}

impl Reading {
    /// Takes together what the configuration says, with the secrets of a command.
    pub(crate) async fn of(session: &Session, source: &Source, file: &FileOrigin) -> anyhow::Result<Self> {
        let command = match &file.command {
            Some(command) => Some(program(session, source, command).await?),
            None => None,
        };
        let state = Paths::new(&session.folder).state;
        body::tidy(&state);
        let path = match command {
            Some(_) => PathBuf::from(format!("the command of {}", source.name.value)),
            None => file.file.value.clone(),
        };
        Ok(Self {
            source: source.name.value.to_string(),
            options: options(source, file, path.clone()),
            path,
            is_pattern: file.is_pattern,
            written: Written {
                encoding: file.encoding.clone(),
                is_list: file.format == Said::Json,
                is_parquet: file.format == Said::Parquet,
                types: file.types.clone(),
                is_delimiter_said: file.is_delimiter_said,
                command,
            },
            state,
        })
    }

    /// The files, in the order in which they are read.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>, Error> {
        if self.is_pattern { body::matching(&self.path) } else { Ok(vec![self.path.clone()]) }
    }

    /// How a file is read, and what its columns were found to be.
    pub(crate) fn prepared(&self, path: PathBuf) -> Result<(Options, Vec<Decided>), Error> {
        let mut options = Options { path, ..self.options.clone() };
        let is_asked = || signals::halt().is_asked();
        let decided = body::prepare(&mut options, &self.written, &self.state, &is_asked)?;
        Ok((options, decided))
    }
}

fn options(source: &Source, file: &FileOrigin, path: PathBuf) -> Options {
    let format = match file.format {
        Said::Ndjson | Said::Json | Said::Parquet => Format::Ndjson,
        Said::Csv { delimiter } => Format::Csv { delimiter },
    };
    let mut options = Options::new(source.name.value.clone(), path, format);
    options.holds = if file.holds == Held::Events { Holds::Events } else { Holds::Profiles };
    options.id_key.clone_from(&source.id);
    let is_of_rows = file.command.is_some() || matches!(file.format, Said::Json | Said::Parquet);
    options.has_rows = file.holds == Held::Profiles && is_of_rows;
    options.columns.clone_from(&file.reading.columns);
    options.bad_lines_max_percent = file.bad_lines_max_percent;
    options
}

async fn program(session: &Session, source: &Source, command: &Command) -> anyhow::Result<Program> {
    let mut secrets = Vec::new();
    for (name, reference) in &command.environment {
        let value = reference.resolve(&session.config.sealed).await.with_context(|| {
            let what = format!("`{name}` of `environment` of source `{}` is not known", source.name.value);
            Advice::mistake(what, "set what it refers to")
        })?;
        secrets.push((name.clone(), value));
    }
    Ok(Program {
        words: command.words.clone(),
        usual: Command::usual_environment(),
        secrets,
        timeout: command.timeout,
        folder: command.folder.clone(),
    })
}

/// Adds what columns were found to be.
pub(super) fn tell(imported: &mut Imported, decided: &[Decided]) {
    let types = decided.iter().filter(|one| one.note.is_none());
    imported.types = types.map(|one| (one.column.clone(), one.kind.to_string())).collect();
    let noted = decided.iter().filter_map(|one| Some(format!("column `{}` is {}", one.column, one.note.as_ref()?)));
    imported.notes.extend(noted);
}
