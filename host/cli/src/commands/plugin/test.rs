//! `enroute plugin test`: whether a plugin's file keeps the contract.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use enroute_conformance::{KitError, Options, Report, cases_beside, examine};
use enroute_host::catalog;
use serde_json::{Map, Value};

use crate::output::{Advice, EXIT_MISTAKE, Output};

/// The seed where none is given: every examination of a file is the same.
const SEED_DEFAULT: u64 = 1;

#[derive(Debug, Args)]
pub(super) struct TestArgs {
    /// The plugin's file.
    file: PathBuf,
    /// Its own cases, played too; `cases` beside the file if not given and there is one.
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,
    /// How the report is printed; `--json` stands for `json`.
    #[arg(long, default_value = "human", value_name = "FORMAT")]
    format: Format,
    /// What made-up values and orders are drawn from; the report names it.
    #[arg(long, default_value_t = SEED_DEFAULT, value_name = "N")]
    seed: u64,
    /// A setting that the kit cannot make up, such as `--set region=eu`; a number or true and false are taken as such.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    settings: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line a check, for people.
    Human,
    /// Everything, for programs.
    Json,
    /// JUnit XML, for CI.
    Junit,
}

pub(super) async fn run(args: TestArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let bytes = catalog::read_file(&args.file).with_context(|| {
        let what = format!("`{}` cannot be tested", args.file.display());
        Advice::mistake(what, "name a plugin's file; `enroute plugin build` makes one")
    })?;
    let cases = cases(args.cases.as_deref(), &args.file)?;
    let options = Options { seed: args.seed, cases, settings: settings(&args.settings)? };
    let format = if output.json { Format::Json } else { args.format };
    let told = *output;
    let progress = move |what: &str| {
        if format == Format::Human {
            told.note(what);
        }
    };
    let examined = tokio::task::spawn_blocking(move || examine(&bytes, &options, &progress));
    let report = examined.await.context("the examination did not end as it should")?.map_err(unable)?;
    print(&report, format, output)?;
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(report: &Report, format: Format, output: &Output) -> anyhow::Result<()> {
    match format {
        Format::Human => output.text(report.to_text().trim_end()),
        Format::Json => output.print_json(report),
        Format::Junit => output.text(report.to_junit().trim_end()),
    }
}

/// The folder of cases: the one that was named, else the one beside the file.
fn cases(named: Option<&Path>, file: &Path) -> anyhow::Result<Option<PathBuf>> {
    match named {
        Some(folder) if !folder.is_dir() => {
            let what = format!("`{}` is no folder of cases", folder.display());
            Err(Advice::mistake(what, "name the folder with `validate/`, `map/` and `send/`").into())
        }
        Some(folder) => Ok(Some(folder.to_path_buf())),
        None => Ok(cases_beside(file)),
    }
}

fn settings(given: &[String]) -> anyhow::Result<Map<String, Value>> {
    let mut settings = Map::new();
    for text in given {
        let (name, value) = text.split_once('=').with_context(|| {
            Advice::mistake(format!("`--set {text}` has no value"), "write it as `--set NAME=VALUE`")
        })?;
        let value = match value.parse::<i64>() {
            Ok(number) if !value.starts_with('0') || value == "0" => Value::from(number),
            _ => value.parse::<bool>().map_or_else(|_| Value::from(value), Value::from),
        };
        settings.insert(name.to_owned(), value);
    }
    Ok(settings)
}

fn unable(error: KitError) -> anyhow::Error {
    let (next, exit) = match &error {
        KitError::Setting { .. } => ("mend `--set`; `enroute plugin inspect` shows the settings", EXIT_MISTAKE),
        KitError::Cases(_) => ("check that the folder of cases can be read", EXIT_MISTAKE),
        _ => ("see what the system refuses", 1),
    };
    let advice = match exit {
        EXIT_MISTAKE => Advice::mistake("the plugin was not tested", next),
        _ => Advice::failed("the plugin was not tested", next),
    };
    anyhow::Error::new(error).context(advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_numbers_flags_or_texts() {
        let given = ["a=7", "b=true", "c=007", "d=x=y"].map(str::to_owned);
        let expect = serde_json::json!({"a": 7, "b": true, "c": "007", "d": "x=y"});
        assert_eq!(Value::Object(settings(&given).unwrap()), expect);
        assert!(settings(&["a".to_owned()]).is_err());
    }
}
