/** Normalising that destinations share. Pure; normalising twice changes nothing more. */

import { isLetter } from "./letters.js";

// White space, and what shows nothing: soft hyphen, joiners, direction marks, byte order mark, variation selectors, tags.
const UNSEEN = new RegExp(
  "^[\\t-\\r \\u0085\\u00a0\\u00ad\\u034f\\u061c\\u115f\\u1160\\u1680\\u17b4\\u17b5\\u180b-\\u180f\\u2000-\\u200f\\u2028-\\u202f" +
    "\\u205f-\\u206f\\u3000\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufff8\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}" +
    "\\u{e0000}-\\u{e0fff}]$",
  "u",
);

const isGraphic = (/** @type {number} */ code) => code > 0x20 && code < 0x7f;

/** Without white space and characters that show nothing at both ends. */
export function trim(/** @type {string} */ text) {
  // What begins and ends with a letter of ASCII has nothing to trim.
  if (isGraphic(text.charCodeAt(0)) && isGraphic(text.charCodeAt(text.length - 1))) return text;
  let [start, end] = [0, text.length];
  while (start < end) {
    const c = String.fromCodePoint(/** @type {number} */ (text.codePointAt(start)));
    if (!UNSEEN.test(c)) break;
    start += c.length;
  }
  while (end > start) {
    const isPair = end - start > 1 && (text.charCodeAt(end - 1) & 0xfc00) === 0xdc00;
    if (!UNSEEN.test(text.slice(end - (isPair ? 2 : 1), end))) break;
    end -= isPair ? 2 : 1;
  }
  return text.slice(start, end);
}

/** In lower case, by Unicode's rules. */
export function lower(/** @type {string} */ text) {
  return text.toLowerCase();
}

/** Trimmed and in lower case. */
export function trimLower(/** @type {string} */ text) {
  return lower(trim(text));
}

/** In Unicode normal form C: one character for `é`, however it was typed. */
export function nfc(/** @type {string} */ text) {
  return text.normalize("NFC");
}

/** The ASCII digits of a text, and nothing else. */
export function digits(/** @type {string} */ text) {
  return text.replace(/[^0-9]+/g, "");
}

const LOCAL_ASCII = /^[0-9A-Za-z!#$%&'*+\-/=?^_`{|}~]$/;
const DOMAIN_ASCII = /^[0-9A-Za-z-]$/;
// What almost every address is: ASCII, two labels or more, the last of them beginning with a letter.
const PLAIN =
  /^[0-9A-Za-z!#$%&'*+\-/=?^_`{|}~]+(?:\.[0-9A-Za-z!#$%&'*+\-/=?^_`{|}~]+)*@(?:[0-9A-Za-z](?:[0-9A-Za-z-]*[0-9A-Za-z])?\.)+[A-Za-z](?:[0-9A-Za-z-]*[0-9A-Za-z])?$/;
const MARK = /^[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]/;
const bytesOf = (/** @type {string} */ text) => new TextEncoder().encode(text).length;

/** A word of an address: legal characters, the first of which is no mark, which would stand upon nothing. */
function isWord(/** @type {string} */ word, /** @type {RegExp} */ ascii) {
  const isLegal = (/** @type {string} */ c) => {
    const code = /** @type {number} */ (c.codePointAt(0));
    return code < 0x80 ? ascii.test(c) : isLetter(code);
  };
  return word !== "" && !MARK.test(word) && Array.from(word).every(isLegal);
}

const isLabel = (/** @type {string} */ label) =>
  isWord(label, DOMAIN_ASCII) && bytesOf(label) <= 63 && !label.startsWith("-") && !label.endsWith("-");

/**
 * The address in a text, trimmed and in lower case; `undefined` where the text is no address.
 *
 * What mail systems take without quoting: RFC 5321 and 5322 with letters of all scripts (RFC 6531), and lengths of
 * RFC 5321, 4.5.3.1. Nothing inside is mended.
 */
export function emailLower(/** @type {string} */ text) {
  const address = trim(text);
  const at = address.indexOf("@");
  if (at < 1 || address.length > 254) return undefined;
  const local = address.slice(0, at);
  const domain = address.slice(at + 1);
  const labels = domain.split(".");
  if (PLAIN.test(address)) {
    const isShort = local.length <= 64 && (domain.length <= 63 || labels.every((one) => one.length <= 63));
    return isShort ? lower(address) : undefined;
  }
  const isSound =
    local.split(".").every((word) => isWord(word, LOCAL_ASCII)) &&
    labels.length > 1 &&
    labels.every(isLabel) &&
    !/^\d+$/.test(labels[labels.length - 1]);
  const isShort = isSound && bytesOf(local) <= 64 && bytesOf(domain) <= 253 && bytesOf(address) <= 254;
  return isShort ? lower(address) : undefined;
}

/** Whether a text is a SHA-256 in hexadecimal already, in either case. */
export function isSha256Hex(/** @type {string} */ text) {
  return /^[0-9a-fA-F]{64}$/.test(text);
}

/** What is looked at of a text that is quoted: an answer may have a megabyte. */
const SAID_MOST = 10_000;

/**
 * What a destination says, fit for a reason or a report: one line of at most `most` characters, without words that
 * look like an address, a hash or a token, because destinations repeat what they were sent.
 */
export function quotable(/** @type {string} */ said, most = 200) {
  const words = said.slice(0, SAID_MOST).split(/[\s\u0000-\u001f\u007f-\u009f]+/).filter((word) => word !== "");
  const kept = words.map((word) => (word.includes("@") || /[0-9A-Za-z]{32}/.test(word) ? "[…]" : word));
  return Array.from(kept.join(" ")).slice(0, most).join("");
}
