/** What a destination answered, and the readings that most destinations share. */

import { Reading, verdict } from "./reading.js";

/** Longest wait that an answer may ask for: a header gone wrong must not stop a destination for a day. */
export const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** Numbers above this are points in time (2001 and later), below it spans of seconds. */
const EPOCH_SECONDS_MIN = 1_000_000_000;

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const HTTP_DATE = /^\w+, (\d{2}) (\w{3}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/;
const NUMBER = /^[+-]?\d+(\.\d*)?([eE][+-]?\d+)?$/;

/** Seconds since 1970 of a date as HTTP headers write it; `undefined` where it is none. */
export function httpSeconds(/** @type {string} */ text) {
  const parts = HTTP_DATE.exec(text);
  if (parts === null) return undefined;
  const month = MONTHS.indexOf(parts[2]);
  const [day, year, hours, minutes, seconds] = [1, 3, 4, 5, 6].map((part) => Number(parts[part]));
  const ms = Date.UTC(year, month, day, hours, minutes, Math.min(seconds, 59));
  const exists = month >= 0 && new Date(ms).getUTCDate() === day && hours < 24 && minutes < 60 && seconds <= 60;
  return exists ? ms / 1000 + (seconds === 60 ? 1 : 0) : undefined;
}

/** An answer. */
export class Answer {
  /**
   * @param {number} status
   * @param {string | Uint8Array} body
   * @param {Record<string, string> | {name: string, value: string}[]} headers
   */
  constructor(status, body = "", headers = {}) {
    this.status = status;
    this.body = typeof body === "string" ? new TextEncoder().encode(body) : body;
    this.headers = Array.isArray(headers)
      ? headers
      : Object.entries(headers).map(([name, value]) => ({ name: name.toLowerCase(), value }));
  }

  /** Whether the status is one of 200 to 299. */
  get isSuccess() {
    return this.status >= 200 && this.status < 300;
  }

  /** The body as text, with replacement characters where it is none. */
  get text() {
    return new TextDecoder().decode(this.body);
  }

  /** Whether the body is a web page: something between us and the destination answered. */
  get isHtml() {
    const typed = (this.header("content-type") ?? "").toLowerCase().includes("text/html");
    return typed || this.text.trimStart().startsWith("<");
  }

  /** The first header with this name, in any case. */
  header(/** @type {string} */ name) {
    const wanted = name.toLowerCase();
    return this.headers.find((item) => item.name.toLowerCase() === wanted)?.value;
  }

  /** The whole number in a header, such as what is left of a rate limit; `undefined` where it is none. */
  number(/** @type {string} */ header) {
    const text = this.header(header)?.trim() ?? "";
    return /^\d+$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined;
  }

  /** The body as what its JSON says; `undefined` where it is no JSON. Numbers are JavaScript's here. */
  json() {
    try {
      return JSON.parse(this.text);
    } catch {
      return undefined;
    }
  }

  /**
   * Whether the body is a JSON object that calls itself an error, whatever the status says: with an `error` or `errors`
   * that is not empty, a `success` or `ok` that is false, or a list all of whose entries are such objects.
   */
  get namesAnError() {
    const body = this.json();
    const all = (/** @type {any} */ value) => Array.isArray(value) && value.length > 0 && value.every(isError);
    return isError(body) || (isObject(body) && Object.values(body).some(all));
  }

  /** How long `retry-after` asks to wait, in milliseconds: seconds, or a date seen from the answer's own `date`. */
  retryAfterMs() {
    return this.waitMs("retry-after");
  }

  /** How long any header asks to wait, at most an hour; `undefined` where it says nothing that can be understood. */
  waitMs(/** @type {string} */ header) {
    const text = this.header(header)?.trim();
    if (text === undefined) return undefined;
    const capped = (/** @type {number} */ ms) => Math.min(Math.max(Math.floor(ms), 0), HOUR_MS);
    const isNumber = NUMBER.test(text);
    const seconds = isNumber ? Number(text) : undefined;
    const then = isNumber && Number(text) >= EPOCH_SECONDS_MIN && /^\d+$/.test(text) ? seconds : httpSeconds(text);
    if (then === undefined) return seconds === undefined ? undefined : capped(seconds * 1000);
    const now = httpSeconds(this.header("date")?.trim() ?? "");
    return now === undefined ? undefined : capped((then - now) * 1000);
  }

  /**
   * The reading of answers that mean the same at most destinations; `undefined` where the plugin has to look closer.
   *
   * | Answer | Members | Verdict |
   * |---|---|---|
   * | 200–202 with a web page or nothing | unknown | unavailable |
   * | 3xx | deferred | misconfigured |
   * | 401 / 403 | deferred | credential invalid / permission missing |
   * | 408, 425, 5xx | deferred, as `retry-after` says | unavailable |
   * | 413 | deferred | too large |
   * | 429 | deferred, as `retry-after` says | throttled, for this bucket of the manifest |
   */
  classify(/** @type {string} */ bucket) {
    const { status } = this;
    const later = (/** @type {{tag: string, val?: unknown}} */ said) => Reading.deferred(this.retryAfterMs() ?? 0).saying(said);
    if (status >= 200 && status <= 202) {
      const what = this.isHtml ? "a web page instead of JSON" : this.text.trim() === "" ? "nothing" : undefined;
      return what && Reading.unknown().saying(verdict.unavailable(`answered ${status} with ${what}`));
    }
    if (status >= 300 && status < 400) {
      return later(verdict.misconfigured(`answered ${status}: the address has moved`));
    }
    if (status === 408 || status === 425 || status >= 500) return later(verdict.unavailable(`answered ${status}`));
    switch (status) {
      case 401:
        return later(verdict.credentialInvalid("answered 401: the credential is not accepted"));
      case 403:
        return later(verdict.permissionMissing("answered 403: the credential lacks a permission"));
      case 413:
        return later(verdict.tooLarge());
      case 429:
        return this.throttled(bucket, this.retryAfterMs());
      default:
        return undefined;
    }
  }

  /** Everybody deferred and the bucket closed: for this long, or a minute where no time is given; at most an hour. */
  throttled(/** @type {string} */ bucket, /** @type {number | undefined} */ waitMs = undefined) {
    const wait = Math.min(waitMs ?? MINUTE_MS, HOUR_MS);
    return Reading.deferred(wait).saying(verdict.throttled(bucket, wait));
  }
}

function isObject(/** @type {any} */ value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a value is an object that calls itself an error. */
function isError(/** @type {any} */ value) {
  if (!isObject(value)) return false;
  const isThere = (/** @type {any} */ said) =>
    typeof said === "object" && said !== null ? Object.keys(said).length > 0 : Boolean(said);
  return isThere(value.error) || isThere(value.errors) || value.success === false || value.ok === false;
}
