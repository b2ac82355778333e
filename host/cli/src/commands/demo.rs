//! `enroute demo`: the whole way on this machine, with fake destinations on loopback and nothing to configure.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use enroute_fakes::{Braze, Facebook, braze, facebook};
use enroute_host::sync::{self, Clock, Detail, Options, RunReport};

use crate::commands::{import, plugin, sync as sync_command};
use crate::output::Output;
use crate::progress;
use crate::session::{Session, Told};

mod files;
mod people;

/// How to run the demo.
#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// Work in this folder and keep it, instead of a temporary one.
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// How many profiles to make up.
    #[arg(long, default_value_t = 1_000)]
    profiles: u32,
}

/// Runs the command.
pub(crate) async fn run(args: DemoArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let plugins = plugin::build_own(output).await?;
    let temporary = tempfile::tempdir().context("no temporary folder can be made")?;
    let folder = args.keep.clone().unwrap_or_else(|| temporary.path().to_path_buf());
    let fakes = Fakes::start().await?;
    files::write(&folder, &plugins, &fakes)?;

    output.note(format_args!("\n1. {} profiles are imported and synced for the first time", args.profiles));
    people::write(&folder, args.profiles, people::Day::First)?;
    let first = round(&folder, output).await?;
    let Ok(first) = first else { return Ok(ExitCode::FAILURE) };
    fakes.tell(output);

    output.note("\n2. A day later one person entered, one left, one has a new lifetime value, one has new notes that");
    output.note("   no mapping names, and one lost her e-mail and wrote more diary than a destination takes");
    people::write(&folder, args.profiles, people::Day::Second)?;
    fakes.forget();
    let second = round(&folder, output).await?;
    let Ok(second) = second else { return Ok(ExitCode::FAILURE) };
    fakes.tell(output);

    let sound = [&first, &second].iter().all(|report| report.connections.iter().all(|link| link.adds_up));
    if output.json {
        output.print_json(&serde_json::json!({ "first": first, "second": second }))?;
    } else {
        output.line(format_args!("\nWhy was {} not updated?", people::UNUSABLE))?;
        crate::commands::status::explain_profile(people::UNUSABLE, &folder, output)?;
    }
    if let Some(kept) = &args.keep {
        output.note(format_args!("\nEverything is in {}; the fake destinations end now.", kept.display()));
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Import, plan and sync, with what each prints.
async fn round(folder: &Path, output: &Output) -> anyhow::Result<Result<RunReport, Told>> {
    let session = match Session::open(folder, output)? {
        Ok(session) => session,
        Err(told) => return Ok(Err(told)),
    };
    let setup = match session.setup(None, output).await? {
        Ok(setup) => setup,
        Err(told) => return Ok(Err(told)),
    };
    import::sources(&session, None, output).await?;
    let plans = sync::plan(&session.store, &setup, &Clock::System, Detail::default()).await?;
    for plan in &plans {
        output.note(format_args!(
            "   plan: {} → {}: {} members in {} requests",
            plan.audience,
            plan.destination,
            plan.sendable,
            plan.requests.len()
        ));
    }
    let bars = progress::Bars::new(output);
    let options = Options { progress: bars.sink(), ..Options::default() };
    let report = sync::sync(&session.store, &setup, &options).await?;
    bars.finish();
    if !output.json {
        sync_command::show(&report, output)?;
    }
    Ok(Ok(report))
}

/// The two destinations.
pub(super) struct Fakes {
    braze: Braze,
    facebook: Facebook,
}

/// Keys that open nothing.
pub(super) const BRAZE_KEY: &str = "demo-braze-key-opens-nothing";
pub(super) const FACEBOOK_TOKEN: &str = "demo-facebook-token-opens-nothing";
pub(super) const FACEBOOK_APP_SECRET: &str = "demo-app-secret-opens-nothing";
/// The audience at the fake Facebook.
pub(super) const FACEBOOK_AUDIENCE: &str = "23848494844100489";

impl Fakes {
    async fn start() -> anyhow::Result<Self> {
        let braze = braze::Config { api_key: BRAZE_KEY.to_owned(), ..Default::default() };
        let facebook = facebook::Config {
            access_token: FACEBOOK_TOKEN.to_owned(),
            app_secret: Some(FACEBOOK_APP_SECRET.to_owned()),
            audiences: vec![facebook::Audience::new(FACEBOOK_AUDIENCE, "Gold customers")],
            ..Default::default()
        };
        Ok(Self {
            braze: Braze::start(braze).await.context("the fake Braze cannot start")?,
            facebook: Facebook::start(facebook).await.context("the fake Facebook cannot start")?,
        })
    }

    fn tell(&self, output: &Output) {
        output.note(format_args!(
            "   the destinations themselves count: Braze {} members after {} requests, Facebook {} after {}",
            self.braze.members(people::AUDIENCE).len(),
            self.braze.server().requests().len(),
            self.facebook.members(FACEBOOK_AUDIENCE).len(),
            self.facebook.server().requests().len(),
        ));
    }

    fn forget(&self) {
        self.braze.server().clear();
        self.facebook.server().clear();
    }

    pub(super) fn braze_url(&self) -> String {
        self.braze.server().url()
    }

    pub(super) fn facebook_url(&self) -> String {
        self.facebook.server().url()
    }
}
