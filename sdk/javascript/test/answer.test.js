import assert from "node:assert/strict";
import { test } from "node:test";

import { Answer, HOUR_MS, httpSeconds } from "@enroute/sdk";

const NOW = "Sun, 06 Nov 1994 08:49:37 GMT";

test("statuses that mean the same everywhere are read", () => {
  const said = (status, body = "{}") => {
    const reading = new Answer(status, body).classify("api");
    return reading && `${reading.rest.tag} ${reading.verdict.tag}`;
  };
  const expect = {
    200: undefined,
    301: "deferred misconfigured",
    400: undefined,
    401: "deferred credential-invalid",
    403: "deferred permission-missing",
    404: undefined,
    408: "deferred unavailable",
    409: undefined,
    413: "deferred too-large",
    425: "deferred unavailable",
    429: "deferred throttled",
    500: "deferred unavailable",
    503: "deferred unavailable",
  };
  for (const [status, meaning] of Object.entries(expect)) assert.equal(said(Number(status)), meaning, status);
  assert.equal(said(200, ""), "unknown unavailable");
  assert.equal(said(202, " <html>"), "unknown unavailable");
  const page = new Answer(200, "Sign in", { "Content-Type": "text/html; charset=utf-8" });
  assert.equal(page.classify("api").rest.tag, "unknown");
});

test("a wait comes as seconds, as a date or as nonsense", () => {
  const wait = (text, headers = {}) => new Answer(429, "", { "Retry-After": text, ...headers }).retryAfterMs();
  assert.equal(wait("30"), 30_000);
  assert.equal(wait("2.5"), 2_500);
  assert.equal(wait("-5"), 0);
  assert.equal(wait("86400"), HOUR_MS);
  assert.equal(wait("1e300"), HOUR_MS);
  assert.equal(wait("Sun, 06 Nov 1994 08:49:39 GMT", { Date: NOW }), 2_000);
  assert.equal(wait("Sun, 06 Nov 1994 08:00:00 GMT", { Date: NOW }), 0);
  for (const text of [NOW, "soon", "NaN", "", "0x10"]) assert.equal(wait(text), undefined, text);
  assert.equal(new Answer(429).retryAfterMs(), undefined);
  assert.equal(new Answer(429).classify("api").verdict.val.afterMs, 60_000n);
});

test("a point in time is seen from the answer's own date", () => {
  const answer = (headers) => new Answer(429, "", { "X-RateLimit-Reset": "1795428003", ...headers });
  assert.equal(answer({ Date: "Mon, 23 Nov 2026 10:00:00 GMT" }).waitMs("x-ratelimit-reset"), 3_000);
  assert.equal(answer({}).waitMs("x-ratelimit-reset"), undefined);
});

test("only dates that exist are dates", () => {
  assert.equal(httpSeconds(NOW), 784_111_777);
  for (const text of ["Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT"]) {
    assert.equal(httpSeconds(text), undefined, text);
  }
});

test("a bucket is closed for as long as is asked, a minute if nothing is, and an hour at most", () => {
  const closed = (wait) => new Answer(400).throttled("api", wait);
  assert.deepEqual([closed().verdict.val.bucket, closed().verdict.val.afterMs], ["api", 60_000n]);
  assert.equal(closed(5_000).rest.val, 5_000n);
  assert.equal(closed(2 * HOUR_MS).rest.val, BigInt(HOUR_MS));
});

test("a header has a whole number or none", () => {
  const left = (text) => new Answer(200, "", { "X-RateLimit-Remaining": text }).number("x-ratelimit-remaining");
  assert.deepEqual([left("0"), left(" 17 "), left("1.5"), left("-1"), left("")], [0, 17, undefined, undefined, undefined]);
  assert.equal(new Answer(200).number("x-ratelimit-remaining"), undefined);
});

test("what is no JSON is undefined", () => {
  assert.deepEqual(new Answer(200, '{"a":1}').json(), { a: 1 });
  assert.equal(new Answer(200, "{").json(), undefined);
});
