import unittest

from enroute_sdk import (
    HOUR_MS,
    Answer,
    date,
    digits,
    email_lower,
    http_seconds,
    nfc,
    quotable,
    sha256_hex,
    trim,
    trim_lower,
)

NOW = "Sun, 06 Nov 1994 08:49:37 GMT"


class AnswerTest(unittest.TestCase):
    def test_statuses_that_mean_the_same_everywhere_are_read(self):
        def said(status, body="{}"):
            reading = Answer(status, body).classify("api")
            return reading and f"{reading.rest.tag} {reading.verdict.tag}"

        expect = {
            200: None,
            301: "deferred misconfigured",
            400: None,
            401: "deferred credential_invalid",
            403: "deferred permission_missing",
            404: None,
            408: "deferred unavailable",
            409: None,
            413: "deferred too_large",
            425: "deferred unavailable",
            429: "deferred throttled",
            500: "deferred unavailable",
            503: "deferred unavailable",
        }
        self.assertEqual({status: said(status) for status in expect}, expect)
        self.assertEqual(said(200, ""), "unknown unavailable")
        self.assertEqual(said(202, " <html>"), "unknown unavailable")
        page = Answer(200, "Sign in", {"Content-Type": "text/html; charset=utf-8"})
        self.assertEqual(page.classify("api").rest.tag, "unknown")

    def test_a_wait_comes_as_seconds_as_a_date_or_as_nonsense(self):
        def wait(text, headers=None):
            return Answer(429, "", {"Retry-After": text, **(headers or {})}).retry_after_ms()

        self.assertEqual(wait("30"), 30_000)
        self.assertEqual(wait("2.5"), 2_500)
        self.assertEqual(wait("-5"), 0)
        self.assertEqual(wait("86400"), HOUR_MS)
        self.assertEqual(wait("1e300"), HOUR_MS)
        self.assertEqual(wait("1e999"), HOUR_MS)
        self.assertEqual(wait("Sun, 06 Nov 1994 08:49:39 GMT", {"Date": NOW}), 2_000)
        self.assertEqual(wait("Sun, 06 Nov 1994 08:00:00 GMT", {"Date": NOW}), 0)
        for text in (NOW, "soon", "NaN", "", "0x10"):
            self.assertIsNone(wait(text), text)
        self.assertIsNone(Answer(429).retry_after_ms())
        self.assertEqual(Answer(429).classify("api").verdict.after_ms, 60_000)

    def test_a_point_in_time_is_seen_from_the_answers_own_date(self):
        def wait(**headers):
            return Answer(429, "", {"X-RateLimit-Reset": "1795428003", **headers}).wait_ms("x-ratelimit-reset")

        self.assertEqual(wait(Date="Mon, 23 Nov 2026 10:00:00 GMT"), 3_000)
        self.assertIsNone(wait())

    def test_a_bucket_is_closed_for_as_long_as_is_asked_a_minute_if_nothing_is_and_an_hour_at_most(self):
        def closed(wait=None):
            reading = Answer(400).throttled("api", wait)
            return reading.verdict.why, reading.verdict.after_ms, reading.rest.after_ms

        self.assertEqual(closed(), ("api", 60_000, 60_000))
        self.assertEqual(closed(5_000), ("api", 5_000, 5_000))
        self.assertEqual(closed(2 * HOUR_MS), ("api", HOUR_MS, HOUR_MS))

    def test_a_header_has_a_whole_number_or_none(self):
        def left(text):
            return Answer(200, "", {"X-RateLimit-Remaining": text}).number("x-ratelimit-remaining")

        self.assertEqual([left(text) for text in ("0", " 17 ", "1.5", "-1", "")], [0, 17, None, None, None])
        self.assertIsNone(Answer(200).number("x-ratelimit-remaining"))

    def test_texts_are_brought_to_one_form(self):
        self.assertEqual(trim_lower(" Ann@Example.com\u200b"), "ann@example.com")
        self.assertEqual(nfc("e\u0301"), "é")
        self.assertEqual(digits("+351 912-345"), "351912345")

    def test_a_moment_is_shown_as_written_and_as_one_number(self):
        def shown(text):
            moment = date.read(text)
            utc = moment.in_utc()
            return moment.text, utc and utc.text, moment.epoch_ms

        self.assertEqual(shown("1970-01-02"), ("1970-01-02", "1970-01-02", 86_400_000))
        leap = ("2024-02-28T23:30:00.250-05:00", "2024-02-29T04:30:00.250Z", 1_709_181_000_250)
        self.assertEqual(shown("2024-02-28T23:30:00.25-05:00"), leap)
        self.assertEqual(shown("2024-01-01 10:00"), ("2024-01-01T10:00:00", "2024-01-01T10:00:00", None))
        old = ("1930-04-30T23:40:28Z", "1930-04-30T23:40:28Z")
        self.assertEqual(shown("1930-05-01 00:00:00+00:19:32")[:2], old)
        self.assertEqual(shown("0001-01-01T00:00:00+01")[:2], ("0001-01-01T00:00:00+01:00", None))
        for text, code in (("05/06/1990", "date_ambiguous"), ("2024-03-02 12:00:250", "value_malformed")):
            with self.assertRaises(date.Unread) as raised:
                date.read(text)
            self.assertEqual(raised.exception.code("value_malformed"), code)

    def test_only_dates_that_exist_are_dates(self):
        self.assertEqual(http_seconds(NOW), 784_111_777)
        for text in (NOW.replace("06", "31"), NOW.replace("Nov", "Foo"), NOW.replace("08:", "24:")):
            self.assertIsNone(http_seconds(text), text)

    def test_what_is_no_json_is_none_and_so_is_what_no_stack_takes(self):
        self.assertEqual(Answer(200, '{"a": [1, "]}"]}').json(), {"a": [1, "]}"]})
        for body in ("{", "NaN", b"\xff\xfe", b"\x00\x00", "[" * 100_000, '{"a":' * 1_000 + "1" + "}" * 1_000, "9" * 5_000):
            self.assertIsNone(Answer(200, body).json(), body[:20])


class TextTest(unittest.TestCase):
    def test_the_vectors_of_fips_180_4_come_out(self):
        self.assertEqual(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        self.assertEqual(sha256_hex(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")

    def test_an_address_is_what_mail_systems_take(self):
        for text in ("a@b.c", "o'hara+x@mail.example.com", "用户@例え.jp", "jörg@bücher.example", "1@123.example.com"):
            self.assertEqual(email_lower(text), text)
        self.assertEqual(email_lower(" Ann@Example.com\u200b"), "ann@example.com")
        none = (
            "", "ann", "@example.com", "ann@", "ann@example", "ann@@example.com", ".ann@example.com", "ann..b@example.com",
            "ann@example.com.", "ann@-example.com", "ann@example-.com", "ann@ex_ample.com", "ann@127.0.0.1",
            "ann b@example.com", "ann\u200bx@example.com", "mailto:ann@example.com", "<ann@example.com>",
            "ann@example.com,", "ann＠example.com", "ann@ｅxample.com", "\u0307@x.y", "a" * 65 + "@b.com", "a@" + "b" * 64 + ".com",
        )
        for text in none:
            self.assertIsNone(email_lower(text), text)

    def test_only_the_ends_are_trimmed_in_one_pass(self):
        self.assertEqual(trim("\ufeff\u00a0 Ann \u3000\U000e0001"), "Ann")
        self.assertEqual(len(trim("a" + " " * 100_000 + "b")), 100_002)
        self.assertEqual(trim(" \u200b "), "")

    def test_what_is_quoted_has_no_address_no_token_and_one_line(self):
        self.assertEqual(quotable("no user\nann@example.com here"), "no user […] here")
        self.assertEqual(quotable("key " + "a1" * 20), "key […]")
        self.assertEqual(quotable("one two three", 7), "one two")
        quotable("half \ud83e a pair").encode()


if __name__ == "__main__":
    unittest.main()
