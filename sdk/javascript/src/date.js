/**
 * Days and points in time, as people and programs write them, read as all of Enroute's own plugins do.
 *
 * Nothing is guessed: `05/06/1990` is the fifth of June or the sixth of May, and only the operator knows which. Give the
 * plugin the setting `date_order`, `dmy` or `mdy`, and hand it on.
 */

import { trim } from "./text.js";

/** Why a value is no date. */
export class Unread extends Error {
  constructor(/** @type {boolean} */ isAmbiguous) {
    super(isAmbiguous ? "month and day could be swapped" : "it is no date");
    this.isAmbiguous = isAmbiguous;
  }

  /** The code of the warning with which the value is left out: `date_ambiguous`, or the plugin's own. */
  code(/** @type {string} */ malformed) {
    return this.isAmbiguous ? "date_ambiguous" : malformed;
  }
}

/** @typedef {{hour: number, minute: number, second: number, millis: number, offset: number | undefined}} Clock */

const two = (/** @type {number} */ number) => String(number).padStart(2, "0");

/** A day, or a point in time. */
export class Moment {
  constructor(
    /** @type {number} */ year,
    /** @type {number} */ month,
    /** @type {number} */ day,
    /** @type {Clock | undefined} */ clock = undefined,
  ) {
    this.year = year;
    this.month = month;
    this.day = day;
    /** The time of that day; `undefined` where a day is all that is written. `offset` is in seconds east of Greenwich. */
    this.clock = clock;
  }

  /** The day as written, `YYYY-MM-DD`: no time zone moves a birthday. */
  get date() {
    return `${String(this.year).padStart(4, "0")}-${two(this.month)}-${two(this.day)}`;
  }

  /**
   * As RFC 3339 writes it: a day alone is a day, and a time of unknown offset has none.
   *
   * @returns {string}
   */
  get text() {
    if (this.clock === undefined) return this.date;
    const { hour, minute, second, millis, offset } = this.clock;
    // RFC 3339 has no seconds in an offset, which clocks before 1972 had.
    if (offset !== undefined && offset % 60 !== 0) return (this.inUtc() ?? this).text;
    const time = `T${two(hour)}:${two(minute)}:${two(second)}${millis > 0 ? `.${String(millis).padStart(3, "0")}` : ""}`;
    if (offset === undefined) return this.date + time;
    const minutes = Math.abs(offset) / 60;
    const zone = offset === 0 ? "Z" : `${offset < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(Math.floor(minutes % 60))}`;
    return this.date + time + zone;
  }

  /** Milliseconds since 1970; `undefined` where nothing is said of an offset. A day alone begins at midnight in UTC. */
  get epochMs() {
    const { hour = 0, minute = 0, second = 0, millis = 0, offset = this.clock ? undefined : 0 } = this.clock ?? {};
    if (offset === undefined) return undefined;
    return new Date(0).setUTCFullYear(this.year, this.month - 1, this.day) + ((hour * 60 + minute) * 60 + second - offset) * 1000 + millis;
  }

  /**
   * The same at Greenwich, where an offset is known; `undefined` where that is before the year 1 or after 9999.
   *
   * @returns {Moment | undefined}
   */
  inUtc() {
    const { clock, epochMs } = this;
    if (clock === undefined || epochMs === undefined) return this;
    const at = new Date(epochMs);
    const year = at.getUTCFullYear();
    if (year < 1 || year > 9999) return undefined;
    const time = { hour: at.getUTCHours(), minute: at.getUTCMinutes(), second: at.getUTCSeconds(), millis: clock.millis, offset: 0 };
    return new Moment(year, at.getUTCMonth() + 1, at.getUTCDate(), time);
  }
}

/** The zeros of all decimal digits beyond ASCII: Unicode keeps the ten digits of a set together. */
const ZEROS = (
  "660 6f0 7c0 966 9e6 a66 ae6 b66 be6 c66 ce6 d66 de6 e50 ed0 f20 1040 1090 17e0 1810 1946 19d0 1a80 1a90 1b50 " +
  "1bb0 1c40 1c50 a620 a8d0 a900 a9d0 a9f0 aa50 abf0 ff10 104a0 10d30 11066 110f0 11136 111d0 112f0 11450 114d0 " +
  "11650 116c0 11730 118e0 11950 11c50 11d50 11da0 11f50 16a60 16ac0 16b50 1d7ce 1d7d8 1d7e2 1d7ec 1d7f6 1e140 " +
  "1e2f0 1e4f0 1e950 1fbf0"
).split(" ").map((zero) => Number.parseInt(zero, 16));

/** A text with every decimal digit in ASCII. */
function asciiDigits(/** @type {string} */ text) {
  if (/^[\x00-\x7f]*$/.test(text)) return text;
  return Array.from(text, (c) => {
    const code = /** @type {number} */ (c.codePointAt(0));
    const zero = ZEROS.find((zero) => code >= zero && code < zero + 10);
    return zero === undefined ? c : String(code - zero);
  }).join("");
}

const DAY = /^(?:(\d{4})(\d\d)(\d\d)(?!\d)|(\d{1,4})\s*([-/.])\s*(\d{1,2})\s*\5\s*(\d{1,4})(?!\d))(.*)$/s;
const CLOCK =
  /^,?(?:[Tt]|\s+)(?:(\d{1,2}):(\d\d)(?!\d)(?::(\d\d)(?!\d))?|(\d\d)(\d\d)(\d\d)?(?!\d))(?:[.,](\d+)|:(\d{3})(?!\d))?\s*(?:([AaPp])[Mm])?\s*(.*)$/s;
const OFFSET = /^([-+])(\d\d)(?::(\d\d)(?::(\d\d))?|(\d\d)(\d\d)?)?$/;
/** Largest offset in hours; no clock on earth has a larger one. */
const OFFSET_HOURS_MAX = 15;

/**
 * Reads a day or a point in time.
 *
 * Days are `YYYY-MM-DD`, `YYYYMMDD`, or have the year last (`25/06/1990`); between numbers stands `-`, `/` or `.`. A time
 * may follow, after `T` or a blank, and an offset that. Words, numbers of seconds and `infinity` are no dates.
 *
 * @param {string | import("./cells.js").Value} given a text, or a value that is one or a number of eight digits
 * @param {"dmy" | "mdy" | undefined} order which of day and month comes first where both readings are possible
 * @throws {Unread} where it is no date, or has two readings and no order decides
 */
export function read(given, order = undefined) {
  const parts = DAY.exec(asciiDigits(trim(textOf(given))));
  if (parts === null) throw new Unread(false);
  const clock = parts[8] === "" ? undefined : timeOf(parts[8]);
  const [year, month, day] = parts[1] !== undefined ? [parts[1], parts[2], parts[3]].map(Number) : ordered(parts, order);
  if (!exists(year, month, day)) throw new Unread(false);
  return new Moment(year, month, day, clock);
}

/** @returns {string} */
function textOf(/** @type {any} */ given) {
  if (typeof given === "string") return given;
  const digits = given.raw.replace(/\.0+$/, "");
  if (given.kind === "text") return given.raw;
  if (given.kind === "number" && digits.length === 8) return digits;
  throw new Unread(false);
}

const exists = (/** @type {number} */ year, /** @type {number} */ month, /** @type {number} */ day) => {
  const at = new Date(new Date(0).setUTCFullYear(year, month - 1, day));
  return year >= 1 && at.getUTCMonth() === month - 1 && at.getUTCDate() === day;
};

/** Year, month and day of a date with separators. */
function ordered(/** @type {RegExpExecArray} */ parts, /** @type {"dmy" | "mdy" | undefined} */ order) {
  const [first, second, third] = [parts[4], parts[6], parts[7]];
  const numbers = [first, second, third].map(Number);
  if (first.length === 4 && third.length <= 2) return numbers;
  if (first.length > 2 || third.length !== 4) throw new Unread(false);
  const [a, b, year] = numbers;
  // What stands first is a day where it is no month; a set order decides nothing else.
  if (a > 12) return [year, b, a];
  if (b > 12 || a === b || order === "mdy") return [year, a, b];
  if (order === "dmy") return [year, b, a];
  throw new Unread(exists(year, a, b) && exists(year, b, a));
}

/** @returns {Clock} */
function timeOf(/** @type {string} */ text) {
  const parts = CLOCK.exec(text);
  if (parts === null) throw new Unread(false);
  const [hours, minute, second] = [parts[1] ?? parts[4], parts[2] ?? parts[5], parts[3] ?? parts[6] ?? 0].map(Number);
  const half = parts[9]?.toLowerCase();
  const isSound = half === undefined ? hours <= 23 : hours >= 1 && hours <= 12;
  // Three digits behind a colon are thousandths, where seconds are there.
  if (!isSound || minute > 59 || second > 59 || (parts[8] !== undefined && parts[1] !== undefined && parts[3] === undefined)) {
    throw new Unread(false);
  }
  const hour = half === undefined ? hours : (hours % 12) + (half === "p" ? 12 : 0);
  const millis = Number((parts[7] ?? parts[8] ?? "").slice(0, 3).padEnd(3, "0"));
  return { hour, minute, second, millis, offset: offsetOf(parts[10]) };
}

function offsetOf(/** @type {string} */ text) {
  if (text === "") return undefined;
  if (/^(?:z|utc|gmt)$/i.test(text)) return 0;
  const parts = OFFSET.exec(text);
  if (parts === null) throw new Unread(false);
  const [hours, minutes, seconds] = [parts[2], parts[3] ?? parts[5] ?? 0, parts[4] ?? parts[6] ?? 0].map(Number);
  if (hours > OFFSET_HOURS_MAX || minutes > 59 || seconds > 59) throw new Unread(false);
  const offset = (hours * 60 + minutes) * 60 + seconds;
  return parts[1] === "-" && offset > 0 ? -offset : offset;
}
