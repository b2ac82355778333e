/** What members became: deliveries, rejections and warnings. */

const encoder = new TextEncoder();

/** Thrown for a member that cannot be delivered as it stands. Give `[codes]` of the manifest a sentence for the code. */
export class Reject extends Error {
  /**
   * @param {string} code snake_case, at most 64 bytes, stable
   * @param {string} reason one sentence without personal data
   * @param {string} [field] the field at fault
   */
  constructor(code, reason, field) {
    super(reason);
    this.code = code;
    this.field = field;
  }
}

/** The result of `map`. Every member must end in exactly one delivery or one rejection. */
export class Mapping {
  /** @type {{operation: string, requests: {members: number[], request: object}[]}[]} */
  deliveries = [];
  /** @type {{member: number, field: string | undefined, code: string, reason: string}[]} */
  rejections = [];
  /** @type {Map<string, {code: string, field: string | undefined, count: number}>} */
  #warnings = new Map();

  /** Rejects a member. */
  reject(/** @type {{index: number}} */ member, /** @type {Reject} */ { code, message, field }) {
    this.rejections.push({ member: member.index, field, code, reason: message });
  }

  /** Tells something of members who are delivered all the same; counts add up by code and field. */
  warn(/** @type {string} */ code, /** @type {string | undefined} */ field, count = 1) {
    const key = `${code} ${field}`;
    const known = this.#warnings.get(key);
    this.#warnings.set(key, { code, field, count: (known?.count ?? 0) + count });
  }

  /** Adds a delivery of requests, in order, that together bring the same members about. */
  deliver(/** @type {string} */ operation, /** @type {{members: number[], request: object}[]} */ requests) {
    this.deliveries.push({ operation, requests });
  }

  /** The result as it crosses the border. */
  finish() {
    return { deliveries: this.deliveries, rejections: this.rejections, warnings: [...this.#warnings.values()] };
  }
}

/**
 * One request in the making: what is encoded already, and the text behind it.
 *
 * @typedef {{chunks: Uint8Array[], bytes: number, text: string, members: number[]}} Round
 */

/** Longest text that waits to be encoded: encoded at once, a batch would be in memory three times. */
const WAITING_MOST = 1 << 16;

/** A unit of a string has one to three bytes. */
const UNIT_BYTES_MOST = 3;

/**
 * Packs members into deliveries: no body larger than the limit, no request with more members.
 *
 * A member has one record, or several, such as one for every identity it was known by. A delivery has as many requests
 * as its members have records: the first record of each member stands in the first request, the second in the second.
 * So a request lists a member once, and positions in an answer stay plain.
 */
export class Packer {
  #out;
  #operation;
  #limit;
  #frame;
  #build;
  #recordBytesMax;
  #aroundBytes;
  /** @type {Round[]} */
  #rounds = [];

  /**
   * @param {Mapping} out
   * @param {string} operation an operation of the manifest
   * @param {{members: number, bytes: number}} limit `ctx.limit(operation)`
   * @param {[string, string, string]} frame before, between and behind the records: `["[", ",", "]"]`
   * @param {(body: Uint8Array, members: number) => object} build makes the request from its body
   * @param {number} [recordBytesMax] most bytes of a record, where the destination limits those too
   */
  constructor(out, operation, limit, frame, build, recordBytesMax = Number.MAX_SAFE_INTEGER) {
    this.#out = out;
    this.#operation = operation;
    this.#limit = limit;
    this.#frame = frame;
    this.#build = build;
    const [before, between, behind] = frame.map(bytesOf);
    this.#recordBytesMax = Math.min(recordBytesMax, limit.bytes - before - behind);
    this.#aroundBytes = between + behind;
  }

  /**
   * Adds a member. `write` returns its record as JSON (or any text), or a list of records, or throws a `Reject`. A
   * record too large for any request is rejected as `record_too_large`.
   *
   * @typedef {{pieces: string[]} | string} Written
   * @param {{index: number}} member
   * @param {() => Written | Written[]} write
   */
  push(member, write) {
    let records;
    try {
      const written = write();
      records = Array.isArray(written) ? written : [written];
      for (let at = 0; at < records.length; at += 1) this.#check(records[at]);
    } catch (error) {
      if (!(error instanceof Reject)) throw error;
      this.#out.reject(member, error);
      return;
    }
    // By index: this runs for every member, and iterators cost an interpreter most of all.
    for (let at = 0; at < records.length && at < this.#rounds.length; at += 1) {
      if (!this.#hasRoom(this.#rounds[at], records[at])) this.finish();
    }
    for (let at = 0; at < records.length; at += 1) {
      this.#rounds[at] ??= { chunks: [], bytes: 0, text: this.#frame[0], members: [] };
      const round = this.#rounds[at];
      if (round.members.length > 0) round.text += this.#frame[1];
      append(round, records[at]);
      round.members.push(member.index);
    }
  }

  /** Ends the last delivery. */
  finish() {
    const requests = this.#rounds.map((round) => {
      append(round, this.#frame[2]);
      encode(round);
      const body = round.chunks.length === 1 ? round.chunks[0] : joined(round);
      return { members: round.members, request: this.#build(body, round.members.length) };
    });
    if (requests.length > 0) this.#out.deliver(this.#operation, requests);
    this.#rounds = [];
  }

  #check(/** @type {Written} */ record) {
    // The bytes are counted only where they may be too many.
    const units = unitsOf(record);
    if (units * UNIT_BYTES_MOST <= this.#recordBytesMax) return;
    if (units > this.#recordBytesMax || bytesOf(record) > this.#recordBytesMax) {
      throw new Reject("record_too_large", `the record has more than the ${this.#recordBytesMax} bytes that fit`);
    }
  }

  #hasRoom(/** @type {Round} */ round, /** @type {Written} */ record) {
    if (round.members.length >= Math.max(this.#limit.members, 1)) return false;
    const around = this.#aroundBytes;
    const most = round.bytes + around + (round.text.length + unitsOf(record)) * UNIT_BYTES_MOST;
    if (most <= this.#limit.bytes) return true;
    encode(round);
    return round.bytes + around + bytesOf(record) <= this.#limit.bytes;
  }
}

function unitsOf(/** @type {Written} */ record) {
  if (typeof record === "string") return record.length;
  let units = 0;
  for (let at = 0; at < record.pieces.length; at += 1) units += record.pieces[at].length;
  return units;
}

function bytesOf(/** @type {Written} */ record) {
  const pieces = typeof record === "string" ? [record] : record.pieces;
  return pieces.reduce((sum, piece) => sum + encoder.encode(piece).length, 0);
}

function append(/** @type {Round} */ round, /** @type {Written} */ record) {
  const pieces = typeof record === "string" ? [record] : record.pieces;
  for (let at = 0; at < pieces.length; at += 1) {
    round.text += pieces[at];
    if (round.text.length > WAITING_MOST) encode(round);
  }
}

function encode(/** @type {Round} */ round) {
  if (round.text === "") return;
  const chunk = encoder.encode(round.text);
  round.chunks.push(chunk);
  round.bytes += chunk.length;
  round.text = "";
}

function joined(/** @type {Round} */ round) {
  const body = new Uint8Array(round.bytes);
  let at = 0;
  for (const chunk of round.chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}
