"""The three functions, made of what a plugin says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from .account import AccountItem
from .answer import Answer
from .context import Batch, Context, Member
from .mapping import Mapping
from .problem import Problem
from .reading import Outcome, Reading, Verdict, heavier
from .request import Request

# Wait after a connection could not be made, before the host's own back-off makes it longer.
_UNREACHABLE_WAIT_MS = 1_000


class Unanswered(Exception):
    """A request has no answer: denied, unreachable, interrupted or too_large."""

    def __init__(self, tag: str, why: str) -> None:
        super().__init__(f"{tag}: {why}")
        self.tag = tag
        self.why = why

    def reading(self) -> Reading:
        """What that means: nobody is known to have it, and who may have it is unknown."""
        if self.tag == "denied":
            return Reading.deferred().saying(Verdict.misconfigured(self.why))
        if self.tag == "unreachable":
            return Reading.deferred(_UNREACHABLE_WAIT_MS).saying(Verdict.unavailable(self.why))
        why = f"the answer is larger than {self.why} bytes" if self.tag == "too_large" else self.why
        return Reading.unknown().saying(Verdict.unavailable(why))


class Http(Protocol):
    """The network, as the host lends it. Raises `Unanswered`."""

    def send_prepared(self, index: int) -> Answer: ...

    def send(self, kind: str, request: Request) -> Answer: ...


@dataclass(slots=True)
class Finding:
    """What a probe or an open found out.

    `remote` is a JSON text of at most 1 MiB, without secrets or personal data. `account` is all that the account has of
    its own, and replaces what was known; None leaves it as it is.
    """

    verdict: Verdict = field(default_factory=Verdict)
    remote: str | None = None
    account: list[AccountItem] | None = None
    warnings: list[tuple[str, str | None, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sent:
    """A prepared request whose answer is to be read: its members in the order in which the body lists them."""

    operation: str
    index: int
    members: Sequence[Member]


@dataclass(slots=True)
class Report:
    """What a work came to. `fates` are groups of members with one outcome."""

    fates: list[tuple[Outcome, list[int]]] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)
    unattributed: list[tuple[str, int]] = field(default_factory=list)
    remote: str | None = None
    warnings: list[tuple[str, str | None, int]] = field(default_factory=list)


class Tally:
    """Puts readings together to one report that names every member exactly once."""

    def __init__(self, members: int) -> None:
        self._fates: list[Outcome | None] = [None] * members
        self._report = Report()

    def read(self, members: Sequence[int], reading: Reading) -> bool:
        """Takes in what an answer means for the members of a request. Returns whether all is well with the call."""
        rest = reading.rest
        if any(not 0 <= position < len(members) for position in reading.exceptions):
            # The answer speaks of a record that was not sent, so it says nothing sure of those that were.
            if rest.tag == "delivered":
                rest = Outcome.deferred()
            self._report.warnings.append(("answer_names_no_member", None, 1))
        for position, member in enumerate(members):
            self.settle(member, reading.exceptions.get(position, rest))
        self._report.unattributed += reading.unattributed
        self._report.warnings += reading.warnings
        if reading.remote is not None:
            self._report.remote = reading.remote
        if self._report.verdict.tag == "ok":
            self._report.verdict = reading.verdict
        return reading.verdict.tag == "ok"

    def settle(self, member: int, fate: Outcome) -> None:
        """Gives one member a fate."""
        if member >= len(self._fates):
            return
        self._fates[member] = heavier(self._fates[member], fate)

    def finish(self) -> Report:
        """The report; members that nothing was said of are deferred."""
        groups: dict[Outcome, list[int]] = {}
        for member, fate in enumerate(self._fates):
            groups.setdefault(fate or Outcome.deferred(), []).append(member)
        self._report.fates = list(groups.items())
        return self._report


class Plugin:
    """A destination: what is peculiar to it. `map` and `read` are all that most need."""

    def validate(self, ctx: Context) -> list[Problem]:
        """Finds what does not go together. Pure. Types, choices and ranges are the manifest's."""
        return []

    def map(self, ctx: Context, batch: Batch, out: Mapping) -> None:
        """Turns members into requests: each into one delivery or one rejection. Pure: same input, same bytes."""
        raise NotImplementedError

    def read(self, ctx: Context, sent: Sent, answer: Answer) -> Reading:
        """Says what the answer to one prepared request means for its members. Pure."""
        raise NotImplementedError

    def probe_request(self, ctx: Context) -> Request | None:
        """A request that tests the credential without side effects; the manifest lists the derived kind `probe`."""
        return None

    def read_probe(self, ctx: Context, answer: Answer) -> Finding:
        """Says what the answer to the probe means: a success that names no error is good."""
        reading = answer.classify("")
        if reading is not None:
            return Finding(reading.verdict)
        if answer.is_success and not answer.names_an_error:
            return Finding()
        return Finding(Verdict.refused_whole(f"the probe was answered with {answer.status}"))

    def open(self, ctx: Context, http: Http) -> Finding:
        """Finds or creates the remote list of the audience, for manifests with `opens`. Safe to repeat."""
        return Finding()

    def resume(self, ctx: Context, tickets: Sequence[Any], http: Http) -> Report:
        """Asks for the fate of members that were accepted earlier; unknown for plugins that accept nobody."""
        tally = Tally(max((one.first_member + one.members for one in tickets), default=0))
        for one in tickets:
            for member in range(one.first_member, one.first_member + one.members):
                tally.settle(member, Outcome.unknown())
        return tally.finish()


def run_map(plugin: Plugin, ctx: Context, packed: Any) -> Mapping:
    """`map` as the host calls it."""
    out = Mapping()
    plugin.map(ctx, Batch(ctx, packed), out)
    return out


def run_probe(plugin: Plugin, ctx: Context, http: Http) -> Finding:
    """The probe as the host asks for it."""
    request = plugin.probe_request(ctx)
    if request is None:
        return Finding()
    try:
        return plugin.read_probe(ctx, http.send("probe", request))
    except Unanswered as none:
        return Finding(none.reading().verdict)


def run_open(plugin: Plugin, ctx: Context, http: Http) -> Finding:
    """The open as the host asks for it."""
    try:
        return plugin.open(ctx, http)
    except Unanswered as none:
        return Finding(none.reading().verdict)


def run_deliver(plugin: Plugin, ctx: Context, work: Any, http: Http) -> Report:
    """Sends the requests in order; the first that is not well ends it."""
    members = list(Batch(ctx, work).members)
    tally = Tally(len(members))
    well = True
    for index, head in enumerate(work.requests):
        if not well:
            # A member of several requests has arrived only when the last of them has.
            for member in head.members:
                tally.settle(member, Outcome.deferred())
            continue
        sent = Sent(work.operation, index, [members[at] for at in head.members])
        well = tally.read(head.members, _answered(lambda: http.send_prepared(index), plugin, ctx, sent))
    return tally.finish()


def _answered(call: Callable[[], Answer], plugin: Plugin, ctx: Context, sent: Sent) -> Reading:
    try:
        answer = call()
    except Unanswered as none:
        return none.reading()
    return plugin.read(ctx, sent, answer)
