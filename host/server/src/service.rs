//! The parts of the host put together, from the first look at the files to the last write.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use enroute_config::Paths;
use enroute_runtime::Runtime;
use enroute_store::Store;
use enroute_sync::{Clock, Halt, Together};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::conductor::{Conductor, LOOK_MS, Parts};
use crate::handover::{self, Order};
use crate::hands::Hands;
use crate::http::{self, About};
use crate::intake::Intake;
use crate::listen::{self, BadCertificate, Certificate, Hosts, Limits, Seen};
use crate::manager;
use crate::metrics::Metrics;
use crate::reload::{self, Ready, Refused};
use crate::state::State;
use crate::watch::Watch;
use crate::work::Work;

/// Orders that wait for the loop; whoever has one more waits in turn.
const ORDERS_MAX: usize = 64;

/// How the host is wanted.
#[derive(Debug, Clone)]
pub struct Config {
    /// The operator's folder.
    pub folder: PathBuf,
    /// Where it listens, unless a service manager handed a socket over.
    pub listen: SocketAddr,
    /// Certificate and key for TLS, as files of PEM, which are read again when they change; plain HTTP without them.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Names by which others know it, beside `localhost` and its address.
    pub hosts: Vec<String>,
    /// Whether a proxy stands before it that speaks TLS with others.
    pub is_behind_proxy: bool,
    /// How long it goes on listening after it was told to stop, for balancers that still send.
    pub drain_delay: Duration,
    /// The host's version.
    pub version: &'static str,
}

/// What keeps the host from running.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The files have mistakes, told as `enroute check` does.
    #[error("the configuration cannot be in force:\n{0}")]
    Configuration(String),
    /// The address is taken, or not ours.
    #[error(transparent)]
    Listen(#[from] listen::Error),
    /// The certificate or its key cannot be used.
    #[error(transparent)]
    Certificate(#[from] BadCertificate),
    /// The socket in the state folder, or a signal.
    #[error("cannot {doing}")]
    System {
        /// What.
        doing: &'static str,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] enroute_store::Error),
    /// A part of the host is gone, which is a flaw of ours.
    #[error("a part of the host was lost")]
    Lost,
}

/// What other parts of the host tell the loop, and ask it.
#[derive(Debug, Clone)]
pub struct Handle {
    touched: Arc<Notify>,
    orders: mpsc::Sender<Order>,
    state: Arc<State>,
    leaving: CancellationToken,
}

impl Handle {
    /// Profiles were changed: whoever follows them is woken.
    pub fn touched(&self) {
        self.touched.notify_one();
    }

    /// How the host is, as `/health` tells it.
    #[must_use]
    pub fn state(&self) -> serde_json::Value {
        serde_json::to_value(self.state.told()).unwrap_or_default()
    }

    /// Comes back once the host was told to stop: streams that never end by themselves end then.
    pub async fn leaving(&self) {
        self.leaving.cancelled().await;
    }

    /// Has the two files read now. Nothing where they are in force afterwards, else why they are not.
    pub async fn reload(&self) -> Option<String> {
        let (reply, came) = oneshot::channel();
        let stopping = || Some("the host is stopping".to_owned());
        if self.orders.send(Order::Reload(Some(reply))).await.is_err() {
            return stopping();
        }
        came.await.unwrap_or_else(|_| stopping())
    }

    /// Gives a connection, `AUDIENCE/DESTINATION`, a turn as soon as it can. Nothing happens where there is none.
    pub async fn run_now(&self, connection: &str) {
        let _ = self.orders.send(Order::Run(connection.to_owned())).await;
    }

    /// Has a source read as soon as it can be. Nothing happens where there is none.
    pub async fn read_now(&self, source: &str) {
        let _ = self.orders.send(Order::Read(source.to_owned())).await;
    }
}

/// The host.
pub struct Service {
    config: Config,
    store: Arc<Store>,
    runtime: Runtime,
    hands: Arc<dyn Hands>,
    handle: Handle,
    inbox: mpsc::Receiver<Order>,
    others: Router,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Service {
    /// A host that owns this store.
    #[must_use]
    pub fn new(config: Config, store: Arc<Store>, runtime: Runtime, hands: Arc<dyn Hands>) -> Self {
        let (orders, inbox) = mpsc::channel(ORDERS_MAX);
        let handle =
            Handle { touched: Arc::default(), orders, state: Arc::default(), leaving: CancellationToken::new() };
        Self { config, store, runtime, hands, handle, inbox, others: Router::new() }
    }

    /// What other parts tell it by.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// The same with more routes.
    #[must_use]
    pub fn with_routes(mut self, others: Router) -> Self {
        self.others = self.others.merge(others);
        self
    }

    /// Runs until an end is asked for and what was in flight is written down.
    ///
    /// # Errors
    /// What kept it from starting, or a store that failed.
    pub async fn run(self, halt: Halt) -> Result<(), Error> {
        let (clock, state) = (Clock::System, Arc::clone(&self.handle.state));
        let intake = Arc::new(Intake::open(&self.store, &clock, self.config.tls.is_some())?);
        let (together, seen) = (Arc::<Together>::default(), Arc::<Seen>::default());
        let metrics = Metrics::new(self.config.version).with(intake.figures());
        let metrics = Arc::new(metrics.with(self.work(&together, &intake, &seen)));
        let watch = Arc::new(Mutex::new(Watch::default()));
        // Before they are read: an edit in between is then seen as one.
        let paths = Paths::new(&self.config.folder);
        watch.lock().unwrap_or_else(PoisonError::into_inner).keep(reload::the_two(&paths));
        let ready = tokio::select! {
            ready = self.load(&clock) => ready?,
            // Nothing was begun yet.
            () = halt.asked() => return Ok(()),
        };
        let certificate = self.certificate()?;
        let is_private = certificate.is_some() || self.config.is_behind_proxy;
        let (listener, at) = listen::open(self.config.listen, is_private)?;
        let socket = handover::listen(self.store.dir());
        let socket = socket.map_err(|source| Error::System { doing: "listen in the state folder", source })?;
        let orders = self.handle.orders.clone();

        self.introduce(&state, at, &ready.remarks);
        metrics.reloaded(Some(clock.now_ms()));
        let conductor =
            self.conductor((&state, &metrics), (&watch, &intake, &together), &clock, halt.clone(), ready).await?;
        let (drain, leaving) = (CancellationToken::new(), self.handle.leaving.clone());
        let mut beside = JoinSet::new();
        let handle = self.handle.clone();
        let applying = tokio::spawn(intake.applier(move || handle.touched()).run(drain.clone()));
        beside.spawn(handover::serve(socket, self.store.dir().to_owned(), orders.clone(), Arc::clone(&state)));
        beside.spawn(manager::feed(Arc::clone(&self.store), Arc::clone(&state), clock.clone()));
        beside.spawn(on_hangup(orders.clone())?);
        if let (Some(certificate), Some((file, key))) = (certificate.clone(), self.config.tls.clone()) {
            beside.spawn(renew(certificate, [file, key], Arc::clone(&self.hands), clock.clone()));
        }
        beside.spawn(on_touch(self.handle.clone(), orders.clone()));
        beside.spawn(look(Arc::clone(&watch), orders, clock.clone()));

        let folder = self.store.dir().to_owned();
        let about = About { state: Arc::clone(&state), metrics, folder: folder.clone(), clock };
        let router = http::router(&about, self.others.merge(intake.router()));
        let limits = Limits {
            leaving: leaving.clone(),
            hosts: Hosts::with(self.config.hosts),
            certificate: certificate.clone(),
            seen,
            ..Limits::default()
        };
        // Whoever waited at the socket is answered from here on, and must not be told that nothing is ready.
        state.beat(Clock::System.now_ms());
        let serving = tokio::spawn(listen::serve(listener, router, limits, drain.clone()));
        beside.spawn(leave(halt, leaving, self.config.drain_delay, drain.clone()));
        self.hands.listening(at);
        manager::ready(&state);

        let ended = conductor.run(self.inbox).await;
        drain.cancel();
        let served = serving.await.map_err(|_| Error::Lost);
        applying.await.map_err(|_| Error::Lost)?;
        beside.shutdown().await;
        // We still have the lock, so it is ours to take away; one that stays does no harm.
        let _ = std::fs::remove_file(folder.join(handover::NAME));
        ended?;
        served??;
        Ok(())
    }

    /// What is counted of the work.
    fn work(&self, together: &Together, intake: &Intake, seen: &Arc<Seen>) -> Work {
        Work {
            figures: Arc::clone(together.figures()),
            store: Arc::clone(&self.store),
            inbox: Arc::clone(intake.inbox()),
            seen: Arc::clone(seen),
        }
    }

    fn introduce(&self, state: &State, at: SocketAddr, remarks: &str) {
        state.tell(|told| {
            told.version = self.config.version;
            told.process = std::process::id();
            let scheme = if self.config.tls.is_some() { "https" } else { "http" };
            told.address = format!("{scheme}://{at}");
        });
        if !remarks.is_empty() {
            self.hands.note(remarks.trim_end());
        }
    }

    fn certificate(&self) -> Result<Option<Arc<Certificate>>, Error> {
        let Some((certificate, key)) = &self.config.tls else { return Ok(None) };
        Ok(Some(Arc::new(Certificate::read(certificate, key)?)))
    }

    async fn load(&self, clock: &Clock) -> Result<Ready, Error> {
        let (folder, runtime, store) = (self.config.folder.clone(), self.runtime.clone(), Arc::clone(&self.store));
        let clock = clock.clone();
        let load = move || Ready::load(&folder, &runtime, &store, &clock, None);
        let loaded = tokio::task::spawn_blocking(load).await.map_err(|_| Error::Lost)?;
        loaded.map_err(|Refused(why)| Error::Configuration(why))
    }

    async fn conductor(
        &self,
        (state, metrics): (&Arc<State>, &Arc<Metrics>),
        (watch, intake, together): (&Arc<Mutex<Watch>>, &Arc<Intake>, &Arc<Together>),
        clock: &Clock,
        halt: Halt,
        ready: Ready,
    ) -> Result<Conductor, Error> {
        let parts = Parts {
            folder: self.config.folder.clone(),
            store: Arc::clone(&self.store),
            runtime: self.runtime.clone(),
            hands: Arc::clone(&self.hands),
            state: Arc::clone(state),
            metrics: Arc::clone(metrics),
            clock: clock.clone(),
            halt,
            watch: Arc::clone(watch),
            intake: Arc::clone(intake),
            together: Arc::clone(together),
        };
        Ok(Conductor::new(parts, ready).await?)
    }
}

/// Once an end is asked for, says so in every answer, and stops listening after a while.
async fn leave(halt: Halt, leaving: CancellationToken, delay: Duration, drain: CancellationToken) {
    halt.asked().await;
    leaving.cancel();
    tokio::time::sleep(delay).await;
    drain.cancel();
}

/// Takes a certificate on when its files are others.
async fn renew(certificate: Arc<Certificate>, files: [PathBuf; 2], hands: Arc<dyn Hands>, clock: Clock) {
    let mut watch = Watch::default();
    watch.keep(files);
    loop {
        clock.sleep_until(clock.now_ms() + LOOK_MS).await;
        if watch.look(clock.now_ms()).is_empty() {
            continue;
        }
        match certificate.reload() {
            Ok(()) => hands.note("the certificate was read again, and is shown to new connections"),
            Err(error) => {
                let why = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
                hands.note(&format!("the certificate before it stays: {error}{why}"));
            }
        }
    }
}

/// SIGHUP means: read the files now.
fn on_hangup(orders: mpsc::Sender<Order>) -> Result<impl Future<Output = ()> + Send, Error> {
    let hangup = signal(SignalKind::hangup());
    let mut hangup = hangup.map_err(|source| Error::System { doing: "listen to SIGHUP", source })?;
    Ok(async move {
        while hangup.recv().await.is_some() {
            if orders.send(Order::Reload(None)).await.is_err() {
                return;
            }
        }
    })
}

async fn on_touch(handle: Handle, orders: mpsc::Sender<Order>) {
    loop {
        handle.touched.notified().await;
        if orders.send(Order::Touched).await.is_err() {
            return;
        }
    }
}

/// Looks at files until nobody wants to know any more. On a thread where blocking is fine: a network mount may keep it
/// waiting.
async fn look(watch: Arc<Mutex<Watch>>, orders: mpsc::Sender<Order>, clock: Clock) {
    loop {
        clock.sleep_until(clock.now_ms() + LOOK_MS).await;
        let (watch, now_ms) = (Arc::clone(&watch), clock.now_ms());
        let look = move || watch.lock().unwrap_or_else(PoisonError::into_inner).look(now_ms);
        let changed = tokio::task::spawn_blocking(look).await.unwrap_or_default();
        if !changed.is_empty() && orders.send(Order::Changed(changed)).await.is_err() {
            return;
        }
    }
}
