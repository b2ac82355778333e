/** Values as they cross the border: one text, and where each cell of a table ends in it. */

import { trim } from "./text.js";

const KINDS = ["absent", "null", "bool", "bool", "number", "text", "json"];

/** One value of a member. Numbers and JSON keep the text they came with, so every digit survives. */
export class Value {
  /**
   * @param {"absent" | "null" | "bool" | "number" | "text" | "json"} kind
   * @param {string} raw the text: the characters of a text, the JSON of a number, list or object, `true` or `false`
   */
  constructor(kind, raw = "") {
    this.kind = kind;
    this.raw = raw;
  }

  /** Whether the profile does not have it: leave the field out. */
  get isAbsent() {
    return this.kind === "absent";
  }

  /** Whether the profile says null: an order to clear the field. */
  get isNull() {
    return this.kind === "null";
  }

  /** The text, where it is one. */
  get text() {
    return this.kind === "text" ? this.raw : undefined;
  }

  /** Texts, numbers and booleans as text: for what knows only texts. */
  get scalar() {
    return this.kind === "text" || this.kind === "number" || this.kind === "bool" ? this.raw : undefined;
  }

  /**
   * True or false, where the value is one of them in a spelling of which there is no doubt: a boolean, the number 1 or
   * 0, or one of the texts `true`, `false`, `1`, `0` in any case and with blanks around; else `undefined`.
   */
  get flag() {
    if (this.kind === "bool") return this.raw === "true";
    const isNumber = this.kind === "number";
    const word = isNumber ? withoutZeros(this.raw) : this.kind === "text" ? trim(this.raw).toLowerCase() : "";
    if (word === "1" || (!isNumber && word === "true")) return true;
    return word === "0" || (!isNumber && word === "false") ? false : undefined;
  }

  static absent() {
    return ABSENT;
  }

  static null() {
    return NULL;
  }

  /** @param {boolean} flag */
  static bool(flag) {
    return flag ? TRUE : FALSE;
  }

  /** @param {string} digits the number as its JSON text */
  static number(digits) {
    return new Value("number", digits);
  }

  /** @param {string} text */
  static text(text) {
    return new Value("text", text);
  }

  /** @param {string} json a list or object as JSON text */
  static json(json) {
    return new Value("json", json);
  }
}

/** A number without a fraction of zeros, which is none. */
function withoutZeros(/** @type {string} */ digits) {
  return /^-?\d+\.0+$/.test(digits) ? digits.slice(0, digits.indexOf(".")) : digits;
}

const ABSENT = new Value("absent");
const NULL = new Value("null");
const TRUE = new Value("bool", "true");
const FALSE = new Value("bool", "false");
const PLAIN = [ABSENT, NULL, FALSE, TRUE];

const encoder = new TextEncoder();
// A byte order mark is part of a value like any other character.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The packed values do not add up: the host and this SDK disagree on the form. */
export class Malformed extends Error {
  constructor(/** @type {string} */ why) {
    super(`the packed values do not add up: ${why}`);
  }
}

/** A checked view of packed cells. */
export class Table {
  #columns;
  #kinds;
  #ends;
  #text;
  /** @type {Uint8Array | undefined} */
  #bytes;

  /**
   * Checks the number of cells, their kinds, and that every cell ends at a character.
   *
   * @param {{columns: number, kinds: ArrayLike<number>, ends: ArrayLike<number>, text: string}} cells
   * @param {number} columns how many columns the connection has
   * @param {number} rows
   */
  constructor({ columns: given, kinds, ends, text }, columns, rows) {
    const count = columns * rows;
    if (given !== columns) throw new Malformed("a table has another number of columns than the connection");
    if (kinds.length !== count || ends.length !== count) {
      throw new Malformed("a table has another number of cells than rows times columns");
    }
    // The ends count bytes of UTF-8. Where all of them are ASCII, a byte is a unit of a JavaScript string.
    const bytes = encoder.encode(text);
    const isAscii = bytes.length === text.length;
    let start = 0;
    for (let cell = 0; cell < count; cell += 1) {
      const end = ends[cell];
      if (kinds[cell] >= KINDS.length) throw new Malformed("a cell is of an unknown kind");
      if (end < start || end > bytes.length || (!isAscii && end < bytes.length && (bytes[end] & 0xc0) === 0x80)) {
        throw new Malformed("a cell ends before it starts, behind the text or inside a character");
      }
      start = end;
    }
    this.#columns = columns;
    this.#kinds = kinds;
    this.#ends = ends;
    this.#text = text;
    this.#bytes = isAscii ? undefined : bytes;
  }

  /** The value in this place; absent outside of the table. */
  value(/** @type {number} */ row, /** @type {number} */ column) {
    if (column < 0 || column >= this.#columns) return ABSENT;
    const cell = row * this.#columns + column;
    const kind = this.#kinds[cell] ?? 0;
    if (kind < 4) return PLAIN[kind];
    const from = cell === 0 ? 0 : this.#ends[cell - 1];
    const to = this.#ends[cell];
    const bytes = this.#bytes;
    const raw = bytes === undefined ? this.#text.slice(from, to) : decoder.decode(bytes.subarray(from, to));
    return new Value(/** @type {any} */ (KINDS[kind]), raw);
  }
}
