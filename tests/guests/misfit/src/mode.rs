//! The rules that can be broken.

use serde::Deserialize;

/// The settings of the manifest.
#[derive(Debug, Deserialize)]
pub struct Settings {
    /// Where the destination is.
    pub base_url: String,
    /// The rule to break.
    pub mode: Mode,
    /// What mode `seek` searches for.
    #[serde(default)]
    pub seek: String,
}

/// What to do wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nothing.
    Ok,
    /// `map` spins for ever at a member with the value `loop`.
    Loop,
    /// `map` asks for memory without end.
    Allocate,
    /// `map` panics at a member with the value `trap`.
    Trap,
    /// `map` logs a million lines.
    Flood,
    /// `map` says nothing of the first member.
    LeaveOut,
    /// `map` names the first member in two deliveries.
    Twice,
    /// `map` names a member that is not in the batch.
    Stranger,
    /// `map` returns a body of 33 MiB.
    Huge,
    /// `send` spins for ever.
    LoopSend,
    /// `send` panics.
    TrapSend,
    /// `map` calls the network, and rejects everybody with the answer to that.
    NetInMap,
    /// `map` writes the time and a random number into the body.
    Clock,
    /// Not wrong: members are accepted with the job that the answer names, and `resume` asks for it.
    Ticket,
    /// Not wrong: a derived request follows each delivery.
    Derived,
    /// `map` makes requests to a host that the manifest does not ask for.
    BadHost,
    /// `map` sets `Authorization` itself.
    Header,
    /// Not wrong: after a 400 it says that bisecting helps.
    RefuseBisect,
    /// `send` makes 2,000 requests.
    Many,
    /// Not wrong: `open` learns how the account is, `validate` and `map` go by it, and a 403 teaches that it changed.
    Learn,
    /// `send` searches its memory for what the setting `seek` lists.
    Seek,
    /// `map` writes each member's value into the path of a request of its own.
    PathValue,
    /// `send` asks a host that the manifest does not ask for, then blames the destination and rejects everybody.
    Blame,
    /// `map` logs and panics at a member with the value `trap`, quoting its id, in characters that steer a terminal.
    TrapTelling,
    /// `send` puts everybody off for ten years.
    Wait,
    /// `map` writes line feeds and characters that turn the direction of writing into the body.
    Ugly,
}
