//! The rules that can be broken.

use serde::Deserialize;

/// The settings of the manifest.
#[derive(Debug, Clone, Deserialize)]
pub struct Settings {
    /// Where the destination is.
    pub base_url: String,
    /// The rule to break.
    pub mode: Mode,
    /// What mode `seek` searches for.
    #[serde(default)]
    pub seek: String,
    /// The day, `YYYY-MM-DD`, from which `validate` and `map` break the rule; always where it is empty.
    #[serde(default)]
    pub from: String,
    /// The moment, in seconds since 1970, from which `send` does; always where it is empty.
    #[serde(default)]
    pub from_s: String,
}

impl Settings {
    /// The settings as they are on a day, by which `validate` and `map` go.
    pub(crate) fn on(&self, today: &str) -> Self {
        let is_due = self.from.as_str() <= today;
        Self { mode: if is_due { self.mode } else { Mode::Ok }, ..self.clone() }
    }

    /// The settings as they are by the clock, which `send` has.
    #[expect(clippy::disallowed_types, reason = "a plugin that waits for a moment is what is tested")]
    pub(crate) fn by_clock(&self) -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let is_due = self.from_s.parse().is_ok_and(|from_s: u64| now.is_ok_and(|now| now.as_secs() < from_s));
        Self { mode: if is_due { Mode::Ok } else { self.mode }, ..self.clone() }
    }
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
    /// `send` has 150,000 warnings and as many refusals that are only counted, all different.
    FloodWarnings,
    /// `map` rejects everybody, each for a reason of 10,000 bytes of its own.
    FloodReasons,
    /// `validate` panics.
    TrapValidate,
    /// `validate` spins for ever.
    LoopValidate,
    /// `validate` asks for memory without end.
    AllocateValidate,
    /// Not wrong: `validate` finds a mistake.
    Object,
    /// `open` and `probe` panic.
    TrapOpen,
    /// `map` panics, whoever is in the batch.
    TrapMap,
    /// `map` spins for ever, whoever is in the batch.
    LoopMap,
    /// `send` panics after its requests have left.
    TrapAfter,
    /// `send` spins for ever after its requests have left.
    LoopAfter,
    /// `send` asks for memory without end after its requests have left.
    AllocateAfter,
    /// `send` panics before its requests leave, where a member has the id `u7`.
    StumbleSend,
    /// `send` panics after its requests have left, where a member has the id `u7`.
    StumbleAfter,
    /// `send` asks nobody, and says that everybody was delivered.
    LieDelivered,
    /// `send` asks nobody, and says that nothing had to be done.
    LieUnchanged,
    /// `send` asks nobody, and says that everybody was accepted.
    LieAccepted,
    /// As `ticket`, but `resume` panics.
    TrapResume,
    /// As `ticket`, but `resume` asks nobody, and says that everybody was delivered.
    LieResume,
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
