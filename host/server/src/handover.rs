//! The socket in the state folder, by which commands ask the host for the store, or how it is.
//!
//! A command that writes is not carried out in this process: the host lends it the store. What the command sends runs
//! while the host's own runs rest, with the command's own output, progress, signals and exit code, so that it prints what
//! it always prints; and when its process ends, however it ends, the system closes the connection, and the host goes on.
//! Events are taken in meanwhile. What must never happen: two that send about one connection, and a loan that outlives
//! its process.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};

use crate::state::State;

/// The socket's name in the state folder.
pub(crate) const NAME: &str = "serve.sock";
/// Longest line that is read.
const LINE_BYTES_MAX: u64 = 4_096;
/// Commands that may ask at a time; the others wait.
const ASKING_MAX: usize = 64;

/// What a command needs of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Want {
    /// The store, while everything goes on.
    Store,
    /// The store, while no source is read.
    Imports,
    /// The store, while nothing is sent and no source is read.
    Runs,
    /// How the host is.
    State,
    /// That the files are read now.
    Reload,
}

/// A command's question: one line of JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Question {
    /// What it needs.
    pub want: Want,
    /// The command's name.
    pub command: String,
    /// Its process.
    pub process: u32,
}

/// The host's answer: one line of JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The store is lent until the connection is closed.
    Lent,
    /// How the host is.
    State(serde_json::Value),
    /// What is in the files is in force, or why it is not.
    Reloaded(Option<String>),
    /// The host cannot.
    Refused(String),
}

/// What is asked of the loop.
#[derive(Debug)]
pub(crate) enum Order {
    /// Rest, and say when; the number is the loan's.
    Lend { loan: u64, want: Want, name: String, rests: oneshot::Sender<()> },
    /// A loan is back.
    Back(u64),
    /// Read the files, and tell what came of it.
    Reload(Option<oneshot::Sender<Option<String>>>),
    /// These files changed.
    Changed(Vec<PathBuf>),
    /// Profiles were changed by another part.
    Touched,
    /// Give a connection a turn.
    Run(String),
    /// Read a source.
    Read(String),
}

/// Listens in the state folder. Whoever calls holds the store's lock, so a socket that is there is nobody's.
pub(crate) fn listen(folder: &Path) -> std::io::Result<UnixListener> {
    let path = folder.join(NAME);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answers commands until it is dropped.
pub(crate) async fn serve(listener: UnixListener, folder: PathBuf, orders: mpsc::Sender<Order>, state: Arc<State>) {
    let places = Arc::new(tokio::sync::Semaphore::new(ASKING_MAX));
    for loan in 0.. {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            // No descriptor is left, say: it would fail again at once.
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            continue;
        };
        if !is_the_owners(&stream, &folder) {
            tracing::warn!("another user asked at the socket of the state folder");
            continue;
        }
        let (orders, state) = (orders.clone(), Arc::clone(&state));
        tokio::spawn(async move {
            let _place = place;
            if let Err(error) = answer(stream, loan, &orders, &state).await {
                tracing::debug!(%error, "a command went away");
            }
            // Also of one that was never granted: it is not waited for any more.
            let _ = orders.send(Order::Back(loan)).await;
        });
    }
}

/// Whether the other end is run by the owner of the state folder.
fn is_the_owners(stream: &UnixStream, folder: &Path) -> bool {
    let owner = std::fs::metadata(folder).map(|folder| folder.uid());
    let peer = stream.peer_cred().map(|peer| peer.uid());
    matches!((owner, peer), (Ok(owner), Ok(peer)) if owner == peer || peer == 0)
}

async fn answer(stream: UnixStream, loan: u64, orders: &mpsc::Sender<Order>, state: &State) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read.take(LINE_BYTES_MAX));
    let mut line = String::new();
    read.read_line(&mut line).await?;
    let question: Question = serde_json::from_str(&line)?;
    let name = format!("{} (process {})", question.command.chars().take(40).collect::<String>(), question.process);
    let said = match question.want {
        Want::State => Answer::State(serde_json::to_value(state.told())?),
        Want::Reload => {
            let (reply, came) = oneshot::channel();
            let _ = orders.send(Order::Reload(Some(reply))).await;
            came.await.map_or_else(|_| Answer::Refused(STOPPING.to_owned()), Answer::Reloaded)
        }
        want => {
            let (reply, rests) = oneshot::channel();
            let _ = orders.send(Order::Lend { loan, want, name, rests: reply }).await;
            let mut nothing = [0; 1];
            tokio::select! {
                rests = rests => if rests.is_ok() { Answer::Lent } else { Answer::Refused(STOPPING.to_owned()) },
                // It went away before its turn.
                _ = read.read(&mut nothing) => return Ok(()),
            }
        }
    };
    let mut text = serde_json::to_vec(&said)?;
    text.push(b'\n');
    write.write_all(&text).await?;
    if matches!(said, Answer::Lent) {
        let mut nothing = [0; 1];
        // Nothing is said any more: this ends when the process does.
        while read.read(&mut nothing).await? > 0 {}
    }
    Ok(())
}

const STOPPING: &str = "enroute serve is stopping";

/// A connection to the host of a state folder, from a command's side.
#[derive(Debug)]
pub struct Asked {
    stream: std::os::unix::net::UnixStream,
}

impl Asked {
    /// Asks the host of this state folder; nothing where none is there.
    #[must_use]
    pub fn ask(state: &Path, question: &Question) -> Option<Self> {
        use std::io::Write as _;
        let mut stream = std::os::unix::net::UnixStream::connect(state.join(NAME)).ok()?;
        let mut text = serde_json::to_vec(question).ok()?;
        text.push(b'\n');
        stream.write_all(&text).ok()?;
        Some(Self { stream })
    }

    /// Waits for the answer; nothing where the host went away, or `is_over` says that nobody waits any more.
    ///
    /// A loan lasts until this is dropped.
    pub fn answer(&mut self, is_over: impl Fn() -> bool) -> Option<Answer> {
        use std::io::Read as _;
        // So often it is asked whether the wait is over.
        self.stream.set_read_timeout(Some(std::time::Duration::from_millis(100))).ok()?;
        let (mut text, mut bytes) = (Vec::new(), [0; 4_096]);
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) => return None,
                Ok(read) => text.extend_from_slice(bytes.get(..read)?),
                Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                    if is_over() {
                        return None;
                    }
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
            if text.ends_with(b"\n") {
                return serde_json::from_slice(&text).ok();
            }
        }
    }
}
