"""The wiring to the host, with stand-ins for the modules that are there in the sandbox alone."""

import importlib
import sys
import unittest
from enum import Enum
from types import ModuleType, SimpleNamespace
from unittest import mock

from enroute_sdk import AccountItem, Finding, Plugin, Reading, Request, Verdict
from enroute_sdk.testing import batch, connection


class Types(ModuleType):
    """Any record or variant that is asked for: its name, and what it was made of."""

    AccountKind = Enum("AccountKind", ["FIELD", "LIST", "OBJECT"])
    ValueType = Enum("ValueType", ["ANY", "TEXT", "NUMBER", "BOOLEAN", "DATE", "MOMENT", "LIST", "OBJECT"])
    Method = Enum("Method", ["GET", "POST", "PUT", "PATCH", "DELETE"])

    def __getattr__(self, name):
        def __init__(made, *given, **named):
            made.given, made.named = given, named

        made = type(name, (), {"__init__": __init__})
        setattr(self, name, made)
        return made


def wired(plugin):
    """The exported interface of a plugin, the types it speaks in, and the module that wires it."""
    types, imports = Types("types"), ModuleType("wit_world.imports")
    imports.types, imports.log, imports.normalize = types, SimpleNamespace(), SimpleNamespace(phone=None)
    imports.http = SimpleNamespace(send=lambda kind, request: SimpleNamespace(status=200, body=b"{}", headers=[]))
    stand_ins = {
        "componentize_py_types": SimpleNamespace(Err=type("Err", (Exception,), {})),
        "wit_world": ModuleType("wit_world"),
        "wit_world.imports": imports,
    }
    sys.modules.pop("enroute_sdk.guest", None)
    with mock.patch.dict(sys.modules, stand_ins):
        wiring = importlib.import_module("enroute_sdk.guest")
    return wiring.guest(plugin)(), types, wiring


class Contacts(Plugin):
    def probe_request(self, ctx):
        return Request.get("https://api.example.com")

    def read_probe(self, ctx, answer):
        color = AccountItem.field("color", "text", label="Colour", required=True, choices=["red"])
        return Finding(account=[color, AccountItem.list("7", "Newsletter")])

    def map(self, ctx, batch, out):
        out.deliver("put", [([0], Request.put("https://api.example.com").form([("a", "b")]))])

    def read(self, ctx, sent, answer):
        return Reading.delivered()


class GuestTest(unittest.TestCase):
    def test_what_the_account_has_of_its_own_crosses_the_border(self):
        exported, types, _ = wired(Contacts())
        report = exported.send(connection(), types.Work_Probe())
        fates, verdict, unattributed, remote, account, warnings = report.given
        self.assertEqual((fates, type(verdict).__name__, unattributed, remote, warnings), ([], "Verdict_Ok", [], None, []))
        field, place = (item.given for item in account)
        self.assertEqual(field, (types.AccountKind.FIELD, "color", "Colour", types.ValueType.TEXT, True, ["red"]))
        self.assertEqual(place, (types.AccountKind.LIST, "7", "Newsletter", types.ValueType.ANY, False, []))
        self.assertIsNone(exported.send(connection(), types.Work_Open()).given[4])

    def test_requests_and_verdicts_cross_the_border(self):
        exported, types, wiring = wired(Contacts())
        link = connection()
        mapped = exported.map(link, batch(link, [{}]))
        [delivery] = mapped.named["deliveries"]
        [prepared] = delivery.given[1]
        self.assertEqual((delivery.given[0], prepared.given[0]), ("put", [0]))
        self.assertEqual(prepared.given[1].named["method"], types.Method.PUT)
        self.assertEqual(prepared.given[1].named["body"], b"a=b")
        names = {type(wiring._verdict(said)).__name__ for said in (Verdict.refused_bisect("x"), Verdict.throttled("api", 1))}
        self.assertEqual(names, {"Verdict_RefusedBisect", "Verdict_Throttled"})


if __name__ == "__main__":
    unittest.main()
