//! `enroute init`: looks at a file and writes the two files with comments, so that a plan can be made of it at once.
//!
//! What must never happen: a file that is there is overwritten, or a value of a person is printed or written.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use enroute_host::catalog::{self, Inspection};
use enroute_host::config::Paths;
use enroute_host::config::load::load;
use enroute_host::sources::body::{self, Written};
use enroute_host::sources::sample::{self, Sample};
use enroute_host::sources::{Format, Options};

use crate::output::{Advice, EXIT_MISTAKE, Output};

mod propose;
mod write;

use self::propose::Proposal;

/// What to begin with.
#[derive(Debug, clap::Args)]
pub(crate) struct InitArgs {
    /// The file of people: CSV, also packed.
    #[arg(long, value_name = "FILE")]
    source: Option<PathBuf>,
    /// A destination's plugin, such as `braze`; its file is looked for in `plugins`.
    #[arg(long = "destination", value_name = "ID")]
    destinations: Vec<String>,
    /// What a destination wants to know, as DESTINATION.NAME=VALUE.
    #[arg(long = "setting", value_name = "SETTING")]
    settings: Vec<String>,
    /// The folder of plugins.
    #[arg(long, value_name = "FOLDER", default_value = "plugins")]
    plugins: PathBuf,
    /// The column of the id, where it is another than the one proposed.
    #[arg(long, value_name = "COLUMN")]
    id: Option<String>,
    /// The name of the file's encoding, such as windows-1252.
    #[arg(long, value_name = "NAME")]
    encoding: Option<String>,
    /// Ask nothing, and take every default.
    #[arg(long)]
    yes: bool,
}

/// A destination, with its plugin.
pub(super) struct Chosen {
    pub(super) id: String,
    pub(super) file: PathBuf,
    pub(super) plugin: Inspection,
    /// The settings that it cannot do without, as they are written.
    pub(super) settings: Vec<(String, toml::Value)>,
}

/// Runs the command.
pub(crate) fn run(args: &InitArgs, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let paths = Paths::new(folder);
    for file in [&paths.plugins_file, &paths.audiences_file] {
        if file.exists() {
            let next = "nothing is overwritten: remove it, or begin in another folder with `-C`";
            return Err(Advice::mistake(format!("{} is there already", file.display()), next).into());
        }
    }
    let asks = !args.yes && std::io::stdin().is_terminal();
    let source = match &args.source {
        Some(source) => source.clone(),
        None if asks => PathBuf::from(ask(output, "The file of people", "customers.csv")?),
        None => return Err(Advice::mistake("no file of people was named", "add `--source customers.csv`").into()),
    };
    let destinations = match (args.destinations.is_empty(), asks) {
        (true, true) => vec![ask(output, "The destination's plugin", "braze")?],
        (true, false) => return Err(Advice::mistake("no destination was named", "add `--destination braze`").into()),
        (false, _) => args.destinations.clone(),
    };
    let sample = look(&source, args, &paths)?;
    let mut proposal = Proposal::of(&sample, args.id.as_deref()).map_err(|why| {
        let next = "name a file with one row for each person, or the column of their id with `--id`";
        Advice::mistake(format!("{} has no people: {why}", source.display()), next)
    })?;
    if asks {
        proposal.audience.0 = ask(output, "The key of the audience", &proposal.audience.0)?;
    }
    let chosen = destinations.iter().map(|id| choose(id, args, asks, output)).collect::<anyhow::Result<Vec<_>>>()?;
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let here = absolute(folder)?;
    let plugins = write::plugins(&chosen, &here);
    let source = write::Source { file: &absolute(&source)?, encoding: args.encoding.as_deref(), here: &here };
    let audiences = write::audiences(&source, &sample, &proposal, &chosen);
    create(&paths.plugins_file, &plugins)?;
    create(&paths.audiences_file, &audiences)?;
    let loaded = load(folder);
    if loaded.config.is_none() {
        output.notes(loaded.diagnostics.render(&loaded.files));
        return Ok(ExitCode::from(EXIT_MISTAKE));
    }
    tell(&sample, &proposal, &paths, output)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes a file that is not there yet.
fn create(path: &Path, text: &str) -> anyhow::Result<()> {
    let made = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
    let cannot = || Advice::failed(format!("{} cannot be written", path.display()), "see that you may write there");
    std::io::Write::write_all(&mut made.with_context(cannot)?, text.as_bytes()).with_context(cannot)
}

fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    path.canonicalize().with_context(|| {
        Advice::mistake(format!("{} cannot be read", path.display()), "see that it is there, and that you may read it")
    })
}

/// Looks at the file of people.
fn look(source: &Path, args: &InitArgs, paths: &Paths) -> anyhow::Result<Sample> {
    let name = "crm".parse().context("a name of a source")?;
    let mut options = Options::new(name, absolute(source)?, Format::Csv { delimiter: b',' });
    let written = Written { encoding: args.encoding.clone(), is_delimiter_said: true, ..Written::default() };
    let looked = body::prepare(&mut options, &written, &paths.state, &|| false).and_then(|_| {
        sample::assume(&mut options)?;
        sample::sample(&options)
    });
    let hint = looked.as_ref().err().map_or_else(String::new, |error| error.hint("crm"));
    looked.with_context(|| Advice::mistake(format!("{} cannot be looked at", source.display()), hint))
}

/// Finds a plugin and what it cannot do without.
fn choose(id: &str, args: &InitArgs, asks: bool, output: &Output) -> anyhow::Result<Chosen> {
    let file = args.plugins.join(format!("{id}.wasm"));
    let missing = || {
        let next = "name the folder of plugins with `--plugins`, or build them as the README says";
        Advice::mistake(format!("the plugin {} is not there", file.display()), next)
    };
    let bytes = catalog::read_file(&file).with_context(missing)?;
    let plugin = Inspection::read(&bytes).with_context(|| format!("{} is no plugin", file.display()))?;
    let mut settings = Vec::new();
    for setting in &plugin.manifest.settings {
        let said = args.settings.iter().find_map(|one| {
            let (name, value) = one.split_once('=')?;
            (name == format!("{id}.{}", setting.name)).then(|| value.to_owned())
        });
        let is_needed = setting.required && setting.default.is_none();
        let example = || setting.help.split_whitespace().find(|word| word.starts_with("https://"));
        let default = example().map(|word| word.trim_end_matches([',', ';', '.']).to_owned());
        let default = default.or_else(|| setting.choices.first().cloned());
        let value = match (said, default) {
            (Some(said), _) => said,
            (None, _) if !is_needed => continue,
            (None, default) if asks => {
                output.note(&setting.help);
                ask(output, &format!("{id}: {}", setting.name), default.as_deref().unwrap_or_default())?
            }
            (None, Some(default)) => default,
            (None, None) => {
                let next = format!("add `--setting {id}.{}=…`: {}", setting.name, setting.help);
                return Err(Advice::mistake(format!("{id} has to know `{}`", setting.name), next).into());
            }
        };
        let parsed = value.parse::<bool>().map(toml::Value::Boolean);
        settings.push((setting.name.clone(), parsed.unwrap_or(toml::Value::String(value))));
    }
    Ok(Chosen { id: id.to_owned(), file: absolute(&file)?, plugin, settings })
}

/// Asks a question; an empty answer is the default.
fn ask(output: &Output, question: &str, default: &str) -> anyhow::Result<String> {
    output.note(format_args!("{question} [{default}]:"));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).context("nobody answers")?;
    Ok(if answer.trim().is_empty() { default.to_owned() } else { answer.trim().to_owned() })
}

fn tell(sample: &Sample, proposal: &Proposal, paths: &Paths, output: &Output) -> anyhow::Result<()> {
    if output.json {
        return output.print_json(&serde_json::json!({
            "rows": sample.rows,
            "id": proposal.id,
            "columns": proposal.columns,
            "types": proposal.types,
            "audience": { "key": proposal.audience.0, "where": proposal.audience.1 },
            "left_out": proposal.left_out,
            "notes": proposal.notes,
            "files": [paths.plugins_file, paths.audiences_file],
        }));
    }
    output.line(format_args!("{} rows, id `{}`, audience `{}`", sample.rows, proposal.id, proposal.audience.0))?;
    for (column, goes) in &proposal.columns {
        output.line(format_args!("  {column} is {goes}"))?;
    }
    proposal.notes.iter().try_for_each(|note| output.line(format_args!("  note: {note}")))?;
    output.line(format_args!("{} and {} are written", paths.plugins_file.display(), paths.audiences_file.display()))?;
    output.line("next: set the secrets that plugins.toml names, then `enroute plan`")
}
