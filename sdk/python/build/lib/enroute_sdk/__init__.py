"""What a plugin is written with. The wiring to the host is `enroute_sdk.guest`."""

from . import json
from .answer import HOUR_MS, Answer, http_seconds
from .cells import ABSENT, NULL, Malformed, Table, Value
from .context import Batch, Context, Limit, Member
from .deliver import Finding, Plugin, Sent, Tally
from .hash import sha256_hex
from .mapping import Mapping, Packer, Reject
from .reading import Outcome, Reading, Verdict
from .request import Request
from .problem import Problem
from .text import email_lower, is_sha256_hex, lower, quotable, trim

__all__ = [
    "ABSENT",
    "HOUR_MS",
    "NULL",
    "Answer",
    "Batch",
    "Context",
    "Finding",
    "Limit",
    "Malformed",
    "Mapping",
    "Member",
    "Outcome",
    "Packer",
    "Plugin",
    "Problem",
    "Reading",
    "Reject",
    "Request",
    "Sent",
    "Table",
    "Tally",
    "Value",
    "Verdict",
    "email_lower",
    "http_seconds",
    "is_sha256_hex",
    "json",
    "lower",
    "quotable",
    "sha256_hex",
    "trim",
]
