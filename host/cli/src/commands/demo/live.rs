//! The demo as a host that stays: the fakes, made-up people from a file, and others who come by the tracking API.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use enroute_core::words::counted;
use enroute_fakes::all::All;
use enroute_host::api::Problem;
use enroute_host::api::access::{new_token, operator_of_the_machine};
use enroute_host::server;
use enroute_host::store::Store;
use enroute_host::store::access::Role;
use enroute_host::sync::Clock;
use tokio::sync::oneshot;

use crate::commands::demo::{DemoArgs, files, people, stream};
use crate::commands::serve;
use crate::output::{Advice, Output};
use crate::session::{Session, Told};

/// Runs until Ctrl-C.
pub(super) async fn run(args: &DemoArgs, folder: &Path, fakes: &All, output: &Output) -> anyhow::Result<ExitCode> {
    if !args.listen.ip().is_loopback() {
        let what = format!("`--listen {}` is open to other machines, and the demo's keys are known", args.listen);
        return Err(Advice::mistake(what, "listen on 127.0.0.1").into());
    }
    files::listen(folder)?;
    people::write(folder, args.profiles, people::Day::First)?;
    let folder = folder.canonicalize().context("the demo's folder is gone")?;
    let session = match Session::open_own(&folder, output)? {
        Ok(session) => session,
        Err(Told(code)) => return Ok(code),
    };
    let config = server::Config {
        folder: folder.clone(),
        listen: args.listen,
        tls: None,
        hosts: Vec::new(),
        is_behind_proxy: false,
        drain_delay: Duration::ZERO,
        version: env!("CARGO_PKG_VERSION"),
    };
    output.note("starting: the plugins are compiled for the sandbox, which takes up to a minute the first time");
    let (listens, address) = oneshot::channel();
    let mut host = std::pin::pin!(serve::stay(&session, config, false, output, Some(listens)));
    let events = async {
        // It is gone where the host could not start, and then the host says why.
        let Ok(at) = address.await else { return };
        let people = counted(u64::from(args.profiles.max(10)), "person");
        output.notes(format_args!("\n{people} from a file, and {} a second over the tracking API, go to", args.events));
        output.notes(format_args!("seven fake destinations. Look at it with\n"));
        let store = Arc::clone(&session.store);
        let made = tokio::task::spawn_blocking(move || token(&store)).await;
        if let Ok(Ok(token)) = made {
            output.notes(format_args!("   http://{at}/ in a browser, with the token {token}"));
        }
        output.notes(format_args!("   curl http://{at}/health\n   curl http://{at}/metrics"));
        output.notes(format_args!("   enroute -C {} status", folder.display()));
        output.notes(format_args!("   enroute -C {} explain {}\n", folder.display(), stream::SOMEBODY));
        output.note("Edit plugins.toml or audiences.toml in that folder, and see it come into force. Ctrl-C ends all.");
        stream::run(at, args.events, fakes, output).await;
    };
    tokio::select! {
        ended = &mut host => ended,
        () = events => host.await,
    }
}

/// A token to come in with; one of each demo, since what an earlier one was is nowhere.
fn token(store: &Store) -> Result<String, Problem> {
    let now_ms = Clock::System.now_ms();
    let name = format!("demo-{now_ms}");
    let made = new_token(store, &operator_of_the_machine(), (&name, Role::Admin), (now_ms, None))?;
    Ok(made.0)
}
