"""What an answer means for the members of a request."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Outcome:
    """The fate of a member. Times are milliseconds."""

    tag: str
    code: str = ""
    reason: str = ""
    after_ms: int = 0

    @classmethod
    def delivered(cls) -> Outcome:
        return cls("delivered")

    @classmethod
    def unchanged(cls, code: str) -> Outcome:
        """Nothing had to be done, and the answer said so."""
        return cls("unchanged", code)

    @classmethod
    def rejected(cls, code: str, reason: str) -> Outcome:
        """The destination will never take the member as it stands."""
        return cls("rejected", code, reason)

    @classmethod
    def deferred(cls, after_ms: int = 0) -> Outcome:
        """Nothing is known against the member: sent again, no sooner than that."""
        return cls("deferred", after_ms=after_ms)

    @classmethod
    def accepted(cls, token: str, ask_after_ms: int) -> Outcome:
        """A job began that ends later; the ticket's token suffices to go on."""
        return cls("accepted", token, after_ms=ask_after_ms)

    @classmethod
    def unknown(cls) -> Outcome:
        """Bytes left and no clear answer came."""
        return cls("unknown")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer says of the call as a whole."""

    tag: str = "ok"
    why: str = ""
    after_ms: int = 0

    @classmethod
    def ok(cls) -> Verdict:
        return cls()

    @classmethod
    def credential_invalid(cls, why: str) -> Verdict:
        return cls("credential_invalid", why)

    @classmethod
    def permission_missing(cls, why: str) -> Verdict:
        return cls("permission_missing", why)

    @classmethod
    def misconfigured(cls, why: str) -> Verdict:
        return cls("misconfigured", why)

    @classmethod
    def throttled(cls, bucket: str, after_ms: int) -> Verdict:
        """`bucket` is one of the manifest's."""
        return cls("throttled", bucket, after_ms)

    @classmethod
    def too_large(cls) -> Verdict:
        """Fewer members in a request would do."""
        return cls("too_large")

    @classmethod
    def refused_bisect(cls, why: str) -> Verdict:
        """Some member is at fault and the answer does not say which."""
        return cls("refused_bisect", why)

    @classmethod
    def refused_whole(cls, why: str) -> Verdict:
        """Sending fewer members would not help."""
        return cls("refused_whole", why)

    @classmethod
    def unavailable(cls, why: str) -> Verdict:
        return cls("unavailable", why)


@dataclass(slots=True)
class Reading:
    """A fate for every member of a request, and a verdict. Members are named by their position in the request."""

    rest: Outcome
    exceptions: dict[int, Outcome] = field(default_factory=dict)
    verdict: Verdict = field(default_factory=Verdict)
    unattributed: list[tuple[str, int]] = field(default_factory=list)
    warnings: list[tuple[str, str | None, int]] = field(default_factory=list)
    remote: str | None = None

    @classmethod
    def delivered(cls) -> Reading:
        return cls(Outcome.delivered())

    @classmethod
    def deferred(cls, after_ms: int = 0) -> Reading:
        return cls(Outcome.deferred(after_ms))

    @classmethod
    def unknown(cls) -> Reading:
        return cls(Outcome.unknown())

    def but(self, position: int, fate: Outcome) -> Reading:
        """With another fate for one position."""
        self.exceptions[position] = fate
        return self

    def reject(self, position: int, code: str, reason: str) -> Reading:
        """With one position rejected: a stable snake_case code and a sentence without personal data."""
        return self.but(position, Outcome.rejected(code, reason))

    def saying(self, verdict: Verdict) -> Reading:
        """With another verdict."""
        self.verdict = verdict
        return self

    def counting(self, reason: str, count: int) -> Reading:
        """With refusals that the destination only counts."""
        self.unattributed.append((reason, count))
        return self

    def warn(self, code: str, field: str | None = None, count: int = 1) -> Reading:
        """With a warning."""
        self.warnings.append((code, field, count))
        return self
