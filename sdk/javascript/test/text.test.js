import assert from "node:assert/strict";
import { test } from "node:test";

import { date, digits, emailLower, nfc, quotable, trim, trimLower } from "@enroute/sdk";

test("an address is what mail systems take", () => {
  const same = ["a@b.c", "o'hara+x@mail.example.com", "ann@xn--bcher-kva.example", "用户@例え.jp", "jörg@bücher.example", "1@123.example.com"];
  for (const text of same) assert.equal(emailLower(text), text);
  assert.equal(emailLower(" Ann@Example.com\u200b"), "ann@example.com");
  const none = [
    "", "ann", "@example.com", "ann@", "ann@example", "ann@@example.com", ".ann@example.com", "ann..b@example.com",
    "ann@example.com.", "ann@-example.com", "ann@example-.com", "ann@ex_ample.com", "ann@127.0.0.1", "ann b@example.com",
    "ann\u200bx@example.com", "mailto:ann@example.com", "<ann@example.com>", "ann@example.com,", "ann＠example.com",
    "ann@ｅxample.com", "\u0307@x.y", `${"a".repeat(65)}@b.com`, `a@${"b".repeat(64)}.com`,
  ];
  for (const text of none) assert.equal(emailLower(text), undefined, text);
});

test("only the ends are trimmed, in one pass", () => {
  assert.equal(trim("\ufeff\u00a0 Ann \u3000\u{e0001}"), "Ann");
  assert.equal(trim(`a${" ".repeat(100_000)}b`).length, 100_002);
  assert.equal(trim(" \u200b "), "");
});

test("texts are brought to one form", () => {
  assert.equal(trimLower(" Ann@Example.com\u200b"), "ann@example.com");
  assert.equal(nfc("e\u0301"), "é");
  assert.equal(digits("+351 912-345"), "351912345");
});

test("what is quoted has no address, no token and one line", () => {
  assert.equal(quotable("no user\nann@example.com here"), "no user […] here");
  assert.equal(quotable(`key ${"a1".repeat(20)}`), "key […]");
  assert.equal(quotable("one two three", 7), "one two");
});

test("a moment is shown as written, and as one number", () => {
  const shown = (text) => {
    const moment = date.read(text);
    return [moment.text, moment.inUtc()?.text, moment.epochMs];
  };
  assert.deepEqual(shown("1970-01-02"), ["1970-01-02", "1970-01-02", 86_400_000]);
  assert.deepEqual(shown("2024-02-28T23:30:00.25-05:00"), ["2024-02-28T23:30:00.250-05:00", "2024-02-29T04:30:00.250Z", 1_709_181_000_250]);
  assert.deepEqual(shown("2024-01-01 10:00"), ["2024-01-01T10:00:00", "2024-01-01T10:00:00", undefined]);
  assert.deepEqual(shown("1930-05-01 00:00:00+00:19:32").slice(0, 2), ["1930-04-30T23:40:28Z", "1930-04-30T23:40:28Z"]);
  assert.deepEqual(shown("0001-01-01T00:00:00+01").slice(0, 2), ["0001-01-01T00:00:00+01:00", undefined]);
  assert.throws(() => date.read("05/06/1990"), (error) => error.code("value_malformed") === "date_ambiguous");
  assert.throws(() => date.read("2024-03-02 12:00:250"), (error) => error.code("value_malformed") === "value_malformed");
});
