//! `enroute serve`: the host that stays.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use enroute_host::api::{self, Desk, Office};
use enroute_host::config::Config;
use enroute_host::pages;
use enroute_host::server::{self, Error, Hands, Service, listen};
use enroute_host::store::Store;
use enroute_host::sync::RunReport;
use tokio::sync::oneshot;

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
    /// The certificate that others are shown, as PEM; it is read again when it changes.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its key, as PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// A name by which others know this host; may be given several times.
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
    /// A proxy stands before it, and speaks TLS with others.
    #[arg(long)]
    behind_proxy: bool,
    /// Change nothing through the API and the pages: for teams that deploy the two files by git.
    #[arg(long)]
    read_only: bool,
    /// How long it goes on listening after it was told to stop, for balancers that still send.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    drain_delay: u64,
}

/// Runs the command.
pub(crate) async fn run(args: ServeArgs, folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let tls = args.tls_cert.zip(args.tls_key);
    if !args.listen.ip().is_loopback() && tls.is_none() && !args.behind_proxy {
        return Err(exposed(args.listen).into());
    }
    let session = match Session::open_own(folder, output)? {
        Ok(session) => session,
        Err(Told(code)) => return Ok(code),
    };
    let config = server::Config {
        folder: folder.to_path_buf(),
        listen: args.listen,
        tls,
        hosts: args.host,
        is_behind_proxy: args.behind_proxy,
        drain_delay: Duration::from_secs(args.drain_delay),
        version: env!("CARGO_PKG_VERSION"),
    };
    stay(&session, config, args.read_only, output, None).await
}

/// Runs the host until it is told to stop; `listens` learns where it listens, once it does.
pub(crate) async fn stay(
    session: &Session,
    config: server::Config,
    is_read_only: bool,
    output: &Output,
    listens: Option<oneshot::Sender<SocketAddr>>,
) -> anyhow::Result<ExitCode> {
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let hands = Arc::new(Ours { scheme, folder: config.folder.clone(), output: *output, listens: Mutex::new(listens) });
    let (folder, version, runtime) = (config.folder.clone(), config.version, session.runtime()?);
    let service = Service::new(config, Arc::clone(&session.store), runtime.clone(), hands);
    let (store, handle) = (Arc::clone(&session.store), service.handle());
    let desk = Desk::new(Office { folder, store, runtime, handle, is_read_only, version });
    let service = service.with_routes(pages::router(desk.clone())).with_routes(api::router(desk));
    match service.run(signals::halt()).await {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(Error::Configuration(told)) => {
            output.notes(told);
            Ok(ExitCode::from(EXIT_MISTAKE))
        }
        Err(Error::Listen(listen::Error::Exposed(at))) => Err(exposed(at).into()),
        Err(error @ Error::Certificate(_)) => {
            let next = "`--tls-cert` is the certificate with those that vouch for it, `--tls-key` its key, both as PEM";
            Err(anyhow::Error::new(error).context(Advice::mistake("TLS cannot be spoken", next)))
        }
        Err(error @ Error::Listen(_)) => {
            let next = "another program may have the port: choose one with `--listen`";
            Err(anyhow::Error::new(error).context(Advice::failed("the host cannot start", next)))
        }
        Err(error) => Err(error).context("the host ended"),
    }
}

/// An address that others reach, where nothing keeps what is said from being read on the way.
fn exposed(at: SocketAddr) -> Advice {
    let what = format!("`{at}` is open to other machines, and nothing speaks TLS with them");
    let next =
        "give `--tls-cert` and `--tls-key`; or say `--behind-proxy` where a proxy speaks TLS; or listen on 127.0.0.1";
    Advice::mistake(what, next)
}

/// What the host does through this program.
struct Ours {
    scheme: &'static str,
    folder: PathBuf,
    output: Output,
    /// Who wants to know where it listens.
    listens: Mutex<Option<oneshot::Sender<SocketAddr>>>,
}

impl Ours {
    fn session(&self, store: &Arc<Store>, config: &Arc<Config>) -> Session {
        Session::of(&self.folder, (**config).clone(), Arc::clone(store))
    }
}

impl Hands for Ours {
    fn listening(&self, at: SocketAddr) {
        let told = if self.output.json {
            self.output.print_json(
                &serde_json::json!({ "address": format!("{}://{at}", self.scheme), "process": std::process::id() }),
            )
        } else {
            self.output.line(format_args!("listening on {}://{at}", self.scheme))
        };
        if let Err(error) = told {
            self.output.note(format_args!("the address cannot be told: {error}"));
        }
        if let Some(listens) = self.listens.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // Whoever wanted to know may be gone.
            let _ = listens.send(at);
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
