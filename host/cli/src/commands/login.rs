//! `enroute login`: a person approves in the browser, and the destination's refresh token is kept, sealed.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use enroute_core::suggest::nearest;
use enroute_host::auth::{Login, LoginError, Source};
use enroute_host::sync::{Clock, Setup};

use crate::output::{Advice, Output};
use crate::session::{Session, Told};

/// Where to log in.
#[derive(Debug, clap::Args)]
pub(crate) struct LoginArgs {
    /// The destination's name in plugins.toml.
    destination: String,
    /// The port of 127.0.0.1 that the browser comes back to; any that is free where not given.
    #[arg(long, default_value_t = 0, value_name = "N")]
    port: u16,
    /// How long to wait for the approval.
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    timeout: u64,
}

/// Runs the command.
pub(crate) async fn run(args: LoginArgs, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let session = match Session::open(folder, output)? {
        Ok(session) => session,
        Err(Told(code)) => return Ok(code),
    };
    let setup = match session.setup(None, output).await? {
        Ok(setup) => setup,
        Err(Told(code)) => return Ok(code),
    };
    let source = source(&session, &setup, &args.destination)?;
    let login = Login::begin(source, args.port).await;
    let login = login.map_err(|error| advised(error, &args.destination))?;
    output.line("open this address in a browser on this machine, and approve:")?;
    output.line(login.url())?;
    output.note(format_args!("waiting on {} for {} s at most …", login.redirect_uri(), args.timeout));
    let wait = Duration::from_secs(args.timeout);
    let ended = login.finish(&session.store, Clock::System.now_ms(), wait).await;
    ended.map_err(|error| advised(error, &args.destination))?;
    if output.json {
        output.print_json(&serde_json::json!({ "destination": args.destination, "logged_in": true }))?;
    } else {
        output
            .line(format_args!("logged in at {}; see with `enroute check --probe` that it works", args.destination))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn source(session: &Session, setup: &Setup, name: &str) -> anyhow::Result<Arc<Source>> {
    if let Some(source) = setup.source(name) {
        return Ok(Arc::clone(source));
    }
    let known = || session.config.destinations.iter().map(|(name, destination)| (name.as_str(), destination));
    let Some((_, destination)) = known().find(|(known, _)| *known == name) else {
        let near = nearest(name, known().map(|(name, _)| name));
        let next = near.map_or_else(
            || format!("it has: {}", known().map(|(name, _)| name).collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        return Err(Advice::mistake(format!("plugins.toml has no destination `{name}`"), next).into());
    };
    if let Some(reason) = setup.refused(destination.plugin.value.as_str()) {
        let what = format!("the plugin of destination `{name}` is not there: {reason}");
        return Err(Advice::mistake(what, "`enroute check` says what to do").into());
    }
    if !destination.enabled {
        let what = format!("destination `{name}` is disabled");
        return Err(Advice::mistake(what, "enable it in plugins.toml first").into());
    }
    Err(advised(LoginError::NotByLogin(name.to_owned()), name))
}

fn advised(error: LoginError, destination: &str) -> anyhow::Error {
    let what = error.to_string();
    let advice = match &error {
        LoginError::NotByLogin(_) => {
            Advice::mistake(what, "its secrets are all it needs; `enroute check --probe` tests them")
        }
        LoginError::HasSecret { secret, .. } => {
            let next = format!("remove `{secret}` from its secrets to log in instead");
            Advice::mistake(what, next)
        }
        LoginError::Listen { .. } => Advice::failed(what, "take another port with `--port`, or none for any"),
        LoginError::Late(_) => {
            let next = format!("run `enroute login {destination}` again, with a longer `--timeout` if need be");
            Advice::failed(what, next)
        }
        LoginError::NoRefreshToken => {
            Advice::failed(what, "see that the app at the destination may refresh its access (offline access)")
        }
        _ => Advice::failed(
            what,
            format!("see that the app at the destination is set up, then run `enroute login {destination}` again"),
        ),
    };
    match error {
        error @ LoginError::Listen { .. } => anyhow::Error::new(error).context(advice),
        _ => advice.into(),
    }
}
