/** JSON texts put together from parts, so that numbers keep their digits. */

import { Value } from "./cells.js";

/** JSON already, in pieces that are put together where they are encoded: long texts are copied no more than needed. */
export class Raw {
  constructor(/** @type {string[]} */ ...pieces) {
    this.pieces = pieces;
  }

  /** The JSON as one text. */
  get text() {
    return this.pieces.length === 1 ? this.pieces[0] : this.pieces.join("");
  }
}

/** Marks a text as JSON that is written as it stands. */
export function raw(/** @type {string} */ text) {
  return new Raw(text);
}

/**
 * Anything as JSON text: cells as they came, texts, booleans, null, whole numbers, lists.
 *
 * A number that JavaScript cannot hold exactly is a mistake of the plugin: such numbers come as cells and go as cells.
 *
 * @param {unknown} value
 * @returns {string}
 */
export function write(value) {
  if (value instanceof Value) return value.kind === "text" ? text(value.raw) : value.raw || "null";
  if (typeof value === "string") return text(value);
  return value instanceof Raw ? value.text : plain(value);
}

/** Longest text that is quoted at once: the engine reserves six times as much for it as it is long. */
const QUOTED_MOST = 1 << 16;

const text = (/** @type {string} */ raw) => (raw.length <= QUOTED_MOST ? JSON.stringify(raw) : quoted(raw).join(""));

/** A long text as JSON, in pieces. */
function quoted(/** @type {string} */ text) {
  const pieces = ['"'];
  for (let start = 0; start < text.length; ) {
    let end = Math.min(start + QUOTED_MOST, text.length);
    // Two units that make one character stay together.
    if ((text.charCodeAt(end - 1) & 0xfc00) === 0xd800) end += 1;
    pieces.push(JSON.stringify(text.slice(start, end)).slice(1, -1));
    start = end;
  }
  return [...pieces, '"'];
}

/** @returns {string} */
function plain(/** @type {unknown} */ value) {
  if (value === null || typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (Number.isSafeInteger(value)) return Object.is(value, -0) ? "0" : String(value);
  if (Array.isArray(value)) return `[${value.map(write).join(",")}]`;
  throw new TypeError(`${typeof value} cannot be written as JSON; use a cell, a text, json.object or json.raw`);
}

/** Names of members as they are written, made once: every record of a batch has the same. */
const names = new Map();
const NAMES_MOST = 1_000;

function named(/** @type {string} */ name) {
  let known = names.get(name);
  if (known === undefined) {
    known = `${JSON.stringify(name)}:`;
    if (names.size < NAMES_MOST) names.set(name, known);
  }
  return known;
}

/**
 * An object, its members in this order. What is `undefined` is left out. A name that comes twice is a mistake.
 *
 * @param {Iterable<readonly [string, unknown]>} members
 */
export function object(members) {
  // By index: this runs for every member of an audience, and iterators and spreads cost an interpreter most of all.
  const pairs = Array.isArray(members) ? members : Array.from(members);
  const seen = new Set();
  const pieces = [];
  let text = "{";
  let count = 0;
  for (let at = 0; at < pairs.length; at += 1) {
    const pair = pairs[at];
    const value = pair[1];
    if (value === undefined) continue;
    seen.add(pair[0]);
    count += 1;
    if (seen.size < count) throw new TypeError(`a JSON object has ${JSON.stringify(pair[0])} twice`);
    text += count === 1 ? named(pair[0]) : "," + named(pair[0]);
    const long = value instanceof Raw && value.pieces.length > 1 ? value.pieces : longPieces(value);
    if (long === undefined) {
      text += write(value);
    } else {
      pieces.push(text, ...long);
      text = "";
    }
  }
  text += "}";
  return pieces.length === 0 ? new Raw(text) : new Raw(...pieces, text);
}

/** The pieces of a text that is too long to be quoted at once; `undefined` for everything else. */
function longPieces(/** @type {any} */ value) {
  const text = value?.kind === "text" ? value.raw : value;
  return typeof text === "string" && text.length > QUOTED_MOST ? quoted(text) : undefined;
}
