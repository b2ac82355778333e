import unittest
from types import SimpleNamespace

from enroute_sdk import (
    AccountItem,
    Answer,
    Context,
    Finding,
    Limit,
    Mapping,
    Outcome,
    Packer,
    Plugin,
    Reading,
    Reject,
    Request,
    Tally,
    Verdict,
)
from enroute_sdk.deliver import Unanswered, run_deliver, run_open, run_probe
from enroute_sdk.testing import batch, connection


def pack(records, members, size, most=None):
    out = Mapping()

    def build(body):
        return Request.put("https://a.example").json(body)

    packer = Packer(out, "put", Limit(members, size), ("[", ",", "]"), build, most)
    for index, record in enumerate(records):

        def write(record=record):
            if record == "bad":
                raise Reject("bad", "it is bad")
            return record

        packer.push(SimpleNamespace(index=index), write)
    packer.finish()
    shown = [" | ".join(f"{of} {one.body.decode()}" for of, one in requests) for _, requests in out.deliveries]
    return shown + [f"{member} {why.code}" for member, why in out.rejections]


class PackerTest(unittest.TestCase):
    def test_requests_stay_within_both_limits_counted_in_bytes(self):
        self.assertEqual(pack(['"a"', '"b"', '"c"'], 2, 100), ['[0, 1] ["a","b"]', '[2] ["c"]'])
        self.assertEqual(pack(['"a"', '"b"', '"c"'], 9, 9), ['[0, 1] ["a","b"]', '[2] ["c"]'])
        self.assertEqual(pack(['"é"', '"é"'], 9, 10), ['[0] ["é"]', '[1] ["é"]'])
        self.assertEqual(pack(['"é"', '"é"'], 9, 11), ['[0, 1] ["é","é"]'])

    def test_a_record_that_fits_nowhere_is_rejected_and_the_others_go(self):
        expect = ["[0, 3] [1,3]", "1 bad", "2 record_too_large"]
        self.assertEqual(pack(["1", "bad", "22222", "3"], 9, 100, 4), expect)
        self.assertEqual(pack(["é"], 9, 3), ["0 record_too_large"])
        self.assertEqual(pack([], 9, 3), [])

    def test_several_records_of_a_member_stand_in_several_requests_of_one_delivery(self):
        self.assertEqual(pack([["1", "2"], "3"], 9, 100), ["[0, 1] [1,3] | [0] [2]"])
        self.assertEqual(pack([["1", "2"], ["3", "4"]], 1, 100), ["[0] [1] | [0] [2]", "[1] [3] | [1] [4]"])


class TallyTest(unittest.TestCase):
    def test_a_report_names_every_member_once_and_the_fate_that_leaves_more_to_do_holds(self):
        tally = Tally(4)
        self.assertTrue(tally.read([0, 1], Reading.delivered().reject(1, "bad", "it is bad")))
        self.assertFalse(tally.read([0], Reading.unknown().saying(Verdict.unavailable("gone"))))
        report = tally.finish()
        fates = {member: outcome.tag for outcome, members in report.fates for member in members}
        self.assertEqual(fates, {0: "unknown", 1: "rejected", 2: "deferred", 3: "deferred"})
        self.assertEqual(report.verdict.tag, "unavailable")

    def test_an_answer_that_names_nobody_who_was_sent_makes_nobody_delivered(self):
        tally = Tally(1)
        tally.read([0], Reading.delivered().but(7, Outcome.deferred()))
        report = tally.finish()
        self.assertEqual(report.fates, [(Outcome.deferred(), [0])])
        self.assertEqual(report.warnings[0][0], "answer_names_no_member")


    def test_one_known_reason_is_enough_and_unknown_words_let_members_be_sent_in_smaller_requests(self):
        bad = Outcome.rejected("bad_id", "the id is too long")
        known = Reading.delivered().complaints([(0, "E7"), (0, bad), (2, bad), (2, Outcome.deferred())])
        self.assertEqual((known.exceptions, known.verdict), ({0: bad, 2: bad}, Verdict.ok()))
        unknown = Reading.delivered().complaints([(1, "E7")])
        self.assertEqual((unknown.exceptions, unknown.verdict), ({1: Outcome.deferred()}, Verdict.refused_bisect("E7")))

    def test_a_form_is_written_as_forms_are(self):
        request = Request.post("https://a.example").form([("a b", "c&d=é"), ("x", "*-._~!'()")])
        self.assertEqual(request.body, b"a+b=c%26d%3D%C3%A9&x=*-._%7E%21%27%28%29")
        self.assertEqual(request.headers, [("content-type", "application/x-www-form-urlencoded")])


class Plain(Plugin):
    def read(self, ctx, sent, answer):
        return answer.classify("api") or Reading.delivered()

    def probe_request(self, ctx):
        return Request.get("https://a.example")


class Script:
    """Answers in order; an exception is raised."""

    def __init__(self, *answers):
        self.answers = answers

    def send_prepared(self, index):
        return self._play(index)

    def send(self, kind, request):
        return self._play(0)

    def _play(self, index):
        answer = self.answers[index]
        if isinstance(answer, Exception):
            raise answer
        return answer


class DeliverTest(unittest.TestCase):
    def fates(self, *answers):
        link = connection()
        work = batch(link, [{}, {}, {}])
        work.operation = "put"
        work.requests = [SimpleNamespace(members=[0, 1]), SimpleNamespace(members=[1, 2])]
        del work.values
        report = run_deliver(Plain(), Context(link), work, Script(*answers))
        fates = sorted((member, outcome.tag) for outcome, members in report.fates for member in members)
        return " ".join(tag for _, tag in fates), report.verdict.tag

    def test_the_first_answer_that_is_not_well_ends_a_delivery_and_who_was_not_sent_is_deferred(self):
        ok = Answer(200, "{}")
        self.assertEqual(self.fates(ok, ok), ("delivered delivered delivered", "ok"))
        self.assertEqual(self.fates(Answer(503), ok), ("deferred deferred deferred", "unavailable"))
        gone = Unanswered("interrupted", "reset")
        self.assertEqual(self.fates(ok, gone), ("delivered unknown unknown", "unavailable"))
        denied = Unanswered("denied", "no grant")
        self.assertEqual(self.fates(ok, denied), ("delivered deferred deferred", "misconfigured"))
        away = Unanswered("unreachable", "refused")
        self.assertEqual(self.fates(away, ok), ("deferred deferred deferred", "unavailable"))
        self.assertEqual(self.fates(Unanswered("too_large", "5"), ok), ("unknown unknown deferred", "unavailable"))

    def test_a_probe_is_well_on_success_alone(self):
        def said(answer):
            return run_probe(Plain(), Context(connection()), Script(answer)).verdict.tag

        self.assertEqual(said(Answer(200, "{}")), "ok")
        self.assertEqual(said(Answer(401)), "credential_invalid")
        self.assertEqual(said(Answer(404)), "refused_whole")
        self.assertEqual(said(Answer(200, '{"ok":false}')), "refused_whole")
        self.assertEqual(said(Answer(200, '{"error":null,"errors":[]}')), "ok")
        self.assertEqual(said(Answer(207, '{"results":[{"error":"no"}]}')), "refused_whole")
        self.assertEqual(said(Answer(200, "<html>")), "unavailable")
        self.assertEqual(said(Unanswered("denied", "no grant")), "misconfigured")

    def test_a_finding_tells_what_the_account_has_of_its_own(self):
        items = [
            AccountItem.field("color", "text", label="Colour", required=True, choices=["red", "blue"]),
            AccountItem.list("7", "Newsletter"),
            AccountItem.object("orders"),
        ]

        class Opening(Plain):
            def open(self, ctx, http):
                return Finding(remote="{}", account=items)

        found = run_open(Opening(), Context(connection()), Script())
        self.assertEqual(found.account, items)
        self.assertEqual((items[0].takes, items[0].choices, items[1].takes), ("text", ("red", "blue"), "any"))
        self.assertIsNone(run_open(Plain(), Context(connection()), Script()).account)
        with self.assertRaises(ValueError):
            AccountItem.field("color", "colour")

    def test_who_was_accepted_by_nobody_is_unknown_when_asked_about(self):
        ticket = SimpleNamespace(first_member=0, members=2)
        report = Plain().resume(Context(connection()), [ticket], Script())
        self.assertEqual(report.fates, [(Outcome.unknown(), [0, 1])])


if __name__ == "__main__":
    unittest.main()
