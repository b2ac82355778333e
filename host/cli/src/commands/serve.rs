//! `enroute serve`: the host that stays.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use enroute_host::config::Config;
use enroute_host::server::{self, Error, Hands, Service};
use enroute_host::store::Store;
use enroute_host::sync::RunReport;

use crate::commands::{alert, import};
use crate::output::{Advice, EXIT_MISTAKE, Output};
use crate::session::{Session, Told};
use crate::signals;

/// How the host is wanted.
#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    /// Where it listens; port 0 is any that is free.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8400")]
    listen: SocketAddr,
    /// How long it goes on listening after it was told to stop, for balancers that still send.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    drain_delay: u64,
}

/// Runs the command.
pub(crate) async fn run(args: ServeArgs, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    if !args.listen.ip().is_loopback() {
        let what = format!("`--listen {}` is open to other machines, and nothing here asks who they are", args.listen);
        let next = "listen on 127.0.0.1, and let a proxy on this machine speak TLS with others";
        return Err(Advice::mistake(what, next).into());
    }
    let session = match Session::open_own(folder, output)? {
        Ok(session) => session,
        Err(Told(code)) => return Ok(code),
    };
    let config = server::Config {
        folder: folder.to_path_buf(),
        listen: args.listen,
        drain_delay: Duration::from_secs(args.drain_delay),
        version: env!("CARGO_PKG_VERSION"),
    };
    let hands = Arc::new(Ours { folder: folder.to_path_buf(), output: *output });
    let service = Service::new(config, Arc::clone(&session.store), session.runtime()?, hands);
    match service.run(signals::halt()).await {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(Error::Configuration(told)) => {
            output.notes(told);
            Ok(ExitCode::from(EXIT_MISTAKE))
        }
        Err(error @ Error::Listen(_)) => {
            let next = "another program may have the port: choose one with `--listen`";
            Err(anyhow::Error::new(error).context(Advice::failed("the host cannot start", next)))
        }
        Err(error) => Err(error).context("the host ended"),
    }
}

/// What the host does through this program.
struct Ours {
    folder: PathBuf,
    output: Output,
}

impl Ours {
    fn session(&self, store: &Arc<Store>, config: &Arc<Config>) -> Session {
        Session::of(&self.folder, (**config).clone(), Arc::clone(store))
    }
}

impl Hands for Ours {
    fn listening(&self, at: SocketAddr) {
        let told = if self.output.json {
            self.output.print_json(&serde_json::json!({ "address": format!("http://{at}"), "process": std::process::id() }))
        } else {
            self.output.line(format_args!("listening on http://{at}"))
        };
        if let Err(error) = told {
            self.output.note(format_args!("the address cannot be told: {error}"));
        }
    }

    fn note(&self, text: &str) {
        self.output.notes(text);
    }

    fn import(&self, store: &Arc<Store>, config: &Arc<Config>, source: &str) -> Result<(), String> {
        let session = self.session(store, config);
        let read = import::sources(&session, Some(source), &self.output);
        tokio::runtime::Handle::current().block_on(read).map_err(|error| format!("{error:#}"))
    }

    fn told(&self, store: &Arc<Store>, config: &Arc<Config>, report: &RunReport) {
        let session = self.session(store, config);
        let told = alert::tell(&session, report, &self.output);
        if let Err(error) = tokio::runtime::Handle::current().block_on(told) {
            self.output.note(format_args!("alerts cannot be told: {error:#}"));
        }
    }
}
