"""The wiring to the host, for the module that becomes the component. `wit_world` is there in the sandbox alone.

    from enroute_sdk.guest import guest
    Destination = guest(MyPlugin())
"""

from __future__ import annotations

from typing import Any

from componentize_py_types import Err
from wit_world.imports import http as host_http
from wit_world.imports import log as host_log
from wit_world.imports import normalize
from wit_world.imports import types as t

from .answer import Answer
from .context import Context
from .deliver import Finding, Plugin, Report, Unanswered, run_deliver, run_map, run_open, run_probe
from .mapping import Mapping
from .problem import Problem
from .reading import Outcome, Verdict
from .request import Request


def log(level: str, message: str) -> None:
    """Writes a line to the host's log: no personal data, nothing for each member."""
    host_log.log(host_log.Level[level.upper()], message)


class _Http:
    def send_prepared(self, index: int) -> Answer:
        return self._asked(lambda: host_http.send_prepared(index, []))

    def send(self, kind: str, request: Request) -> Answer:
        return self._asked(lambda: host_http.send(kind, _request(request)))

    @staticmethod
    def _asked(call: Any) -> Answer:
        try:
            response = call()
        except Err as error:
            failure = error.value
            names = {
                t.Failure_Denied: "denied",
                t.Failure_Unreachable: "unreachable",
                t.Failure_Interrupted: "interrupted",
                t.Failure_TooLarge: "too_large",
            }
            raise Unanswered(names[type(failure)], str(failure.value)) from None
        return Answer(response.status, response.body, [(item.name, item.value) for item in response.headers])


def guest(plugin: Plugin) -> type:
    """The exported interface of a plugin, under the name `Destination` in the module that is built."""

    class Destination:
        def validate(self, connection: Any) -> list[Any]:
            return [_problem(problem) for problem in plugin.validate(_context(connection))]

        def map(self, connection: Any, batch: Any) -> Any:
            return _mapped(run_map(plugin, _context(connection), batch))

        def send(self, connection: Any, work: Any) -> Any:
            ctx = _context(connection)
            if isinstance(work, t.Work_Probe):
                return _finding(run_probe(plugin, ctx, _Http()))
            if isinstance(work, t.Work_Open):
                return _finding(run_open(plugin, ctx, _Http()))
            if isinstance(work, t.Work_Resume):
                return _report(plugin.resume(ctx, work.value.tickets, _Http()))
            return _report(run_deliver(plugin, ctx, work.value, _Http()))

    return Destination


def _context(connection: Any) -> Context:
    return Context(connection, normalize.phone)


def _problem(problem: Problem) -> Any:
    kind, value = problem.place if isinstance(problem.place, tuple) else (problem.place, None)
    make = {"setting": t.Place_Setting, "row": t.Place_Row, "audience": t.Place_Audience, "remote": t.Place_Remote}[kind]
    severity = t.Severity.WARNING if problem.is_warning else t.Severity.ERROR
    return t.Problem(severity, make() if value is None else make(value), problem.message, problem.hint)


def _request(request: Request) -> Any:
    places = {"path_segment": t.SlotPlace_PathSegment, "query": t.SlotPlace_Query, "header": t.SlotPlace_Header}
    places["body"] = t.SlotPlace_Body

    def value(kind: str, text: str) -> Any:
        return t.SlotValue_RequestKey() if kind == "request_key" else t.SlotValue_Remote(text)

    return t.Request(
        method=t.Method[request.method.upper()],
        origin=request.origin,
        path=request.path,
        query=[t.Item(name, value) for name, value in request.query],
        headers=[t.Item(name, value) for name, value in request.headers],
        body=request.body,
        slots=[t.Slot(places[place[0]](place[1]), value(*what)) for place, what in request.slots],
    )


def _mapped(out: Mapping) -> Any:
    def prepared(requests: Any) -> Any:
        return [t.PreparedRequest(members, _request(request)) for members, request in requests]

    return t.Mapped(
        deliveries=[t.Delivery(operation, prepared(requests)) for operation, requests in out.deliveries],
        rejections=[t.Rejection(member, why.field, why.code, why.reason) for member, why in out.rejections],
        warnings=[t.Warning(code, field, count) for (code, field), count in out.warnings.items()],
    )


def _outcome(outcome: Outcome) -> Any:
    match outcome.tag:
        case "delivered":
            return t.Outcome_Delivered()
        case "unchanged":
            return t.Outcome_Unchanged(outcome.code)
        case "rejected":
            return t.Outcome_Rejected(t.Refusal(outcome.code, outcome.reason))
        case "deferred":
            return t.Outcome_Deferred(outcome.after_ms)
        case "accepted":
            return t.Outcome_Accepted(t.Ticket(outcome.code, outcome.after_ms))
        case _:
            return t.Outcome_Unknown()


def _verdict(verdict: Verdict) -> Any:
    match verdict.tag:
        case "ok":
            return t.Verdict_Ok()
        case "too_large":
            return t.Verdict_TooLarge()
        case "throttled":
            return t.Verdict_Throttled(t.Throttle(verdict.why, verdict.after_ms))
        case tag:
            named = "".join(word.capitalize() for word in tag.split("_"))
            return getattr(t, f"Verdict_{named}")(verdict.why)


def _warnings(warnings: list[tuple[str, str | None, int]]) -> list[Any]:
    return [t.Warning(code, field, count) for code, field, count in warnings]


def _finding(found: Finding) -> Any:
    return t.Report([], _verdict(found.verdict), [], found.remote, None, _warnings(found.warnings))


def _report(report: Report) -> Any:
    return t.Report(
        fates=[t.Fate(members, _outcome(outcome)) for outcome, members in report.fates],
        verdict=_verdict(report.verdict),
        unattributed=[t.Unattributed(reason, count) for reason, count in report.unattributed],
        remote=report.remote,
        account=None,
        warnings=_warnings(report.warnings),
    )
