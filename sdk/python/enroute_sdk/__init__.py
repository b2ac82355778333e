"""What a plugin is written with. The wiring to the host is `enroute_sdk.guest`."""

from . import date, json
from .account import AccountItem
from .answer import HOUR_MS, Answer, http_seconds
from .cells import ABSENT, NULL, Malformed, Table, Value
from .context import Batch, Context, Limit, Member
from .deliver import Finding, Plugin, Sent, Tally
from .hash import sha256_hex
from .mapping import Mapping, Packer, Reject
from .reading import Outcome, Reading, Verdict
from .request import Request
from .problem import Problem
from .text import digits, email_lower, is_sha256_hex, lower, nfc, quotable, trim, trim_lower

__all__ = [
    "ABSENT",
    "HOUR_MS",
    "NULL",
    "AccountItem",
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
    "date",
    "digits",
    "email_lower",
    "http_seconds",
    "is_sha256_hex",
    "json",
    "lower",
    "nfc",
    "quotable",
    "sha256_hex",
    "trim",
    "trim_lower",
]
