//! The store, where `enroute serve` has it: the host rests as far as the command needs it, and lends the store.
//!
//! The command does all by itself, with its own output, signals and exit code. When its process ends, however it ends,
//! the host goes on.

use std::path::Path;
use std::sync::OnceLock;

use enroute_host::server::{Answer, Asked, Question, Want};
use enroute_host::store::{Error, Store};

use crate::output::Advice;
use crate::signals;

/// What the command of this process is called, and what it needs.
static COMMAND: OnceLock<(&'static str, Want)> = OnceLock::new();

/// Says what the command of this process is called, and what it needs of a host that has the store.
pub(crate) fn needs(command: &'static str, want: Want) {
    // There is one command a process.
    let _ = COMMAND.set((command, want));
}

/// Opens the store for writing, lent by the host where that has it. The loan lasts as long as what is returned.
pub(crate) fn open(state: &Path) -> anyhow::Result<(Store, Option<Asked>)> {
    let locked = match Store::open(state) {
        Err(locked @ Error::Locked { .. }) => locked,
        opened => return Ok((opened.map_err(taken)?, None)),
    };
    let Some(mut asked) = ask(state, None) else { return Err(taken(locked)) };
    match asked.answer(|| signals::halt().is_asked()) {
        Some(Answer::Lent) => Ok((Store::open_beside(state).map_err(taken)?, Some(asked))),
        _ if signals::halt().is_asked() => Err(signals::interrupted("run it again").into()),
        Some(Answer::Refused(why)) => Err(Advice::failed(why, "run it again in a moment").into()),
        _ => Err(taken(locked)),
    }
}

/// Asks the host of a state folder, for what the command needs or for something else.
pub(crate) fn ask(state: &Path, want: Option<Want>) -> Option<Asked> {
    let (command, needed) = COMMAND.get().copied().unwrap_or(("enroute", Want::Runs));
    let question = Question { want: want.unwrap_or(needed), command: command.to_owned(), process: std::process::id() };
    Asked::ask(state, &question)
}

fn taken(error: Error) -> anyhow::Error {
    let next = "end the other process, or use another folder with `-C`";
    anyhow::Error::new(error).context(Advice::failed("the store cannot be opened", next))
}
