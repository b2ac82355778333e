/** JSON texts put together from parts, so that numbers keep their digits. */

import { Value } from "./cells.js";

/** JSON already, in pieces that are put together where they are encoded: long texts are copied no more than needed. */
export class Raw {
  constructor(/** @type {string[]} */ ...pieces) {
    this.pieces = pieces;
  }

  /** The JSON as one text. */
  get text() {
    return this.pieces.join("");
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
  return piecesOf(value).join("");
}

/** @returns {string[]} */
function piecesOf(/** @type {unknown} */ value) {
  if (value instanceof Raw) return value.pieces;
  if (value instanceof Value) return value.kind === "text" ? quoted(value.raw) : [value.raw || "null"];
  return typeof value === "string" ? quoted(value) : [plain(value)];
}

/** Longest text that is quoted at once: the engine reserves six times as much for it as it is long. */
const QUOTED_MOST = 1 << 16;

/** A text as JSON. */
function quoted(/** @type {string} */ text) {
  if (text.length <= QUOTED_MOST) return [JSON.stringify(text)];
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

/**
 * An object, its members in this order. What is `undefined` is left out. A name that comes twice is a mistake.
 *
 * @param {Iterable<readonly [string, unknown]>} members
 */
export function object(members) {
  const seen = new Set();
  const pieces = [];
  for (const [name, value] of members) {
    if (value === undefined) continue;
    if (seen.has(name)) throw new TypeError(`a JSON object has ${JSON.stringify(name)} twice`);
    seen.add(name);
    pieces.push(`${seen.size === 1 ? "{" : ","}${JSON.stringify(name)}:`, ...piecesOf(value));
  }
  return new Raw(...pieces, seen.size === 0 ? "{}" : "}");
}
