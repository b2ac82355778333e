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
 * One request in the making.
 *
 * @typedef {{pieces: Uint8Array[], bytes: number, members: number[]}} Round
 */

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
    this.#frame = frame.map((part) => encoder.encode(part));
    this.#build = build;
    this.#recordBytesMax = Math.min(recordBytesMax, limit.bytes - this.#frame[0].length - this.#frame[2].length);
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
      records = (Array.isArray(written) ? written : [written]).map((one) => this.#encoded(one));
    } catch (error) {
      if (!(error instanceof Reject)) throw error;
      this.#out.reject(member, error);
      return;
    }
    if (!records.every((record, at) => this.#hasRoom(this.#rounds[at], record.bytes))) this.finish();
    const [before, between] = this.#frame;
    records.forEach(({ pieces, bytes }, at) => {
      this.#rounds[at] ??= { pieces: [], bytes: 0, members: [] };
      const round = this.#rounds[at];
      const first = round.members.length === 0 ? before : between;
      round.pieces.push(first, ...pieces);
      round.bytes += first.length + bytes;
      round.members.push(member.index);
    });
  }

  /** Ends the last delivery. */
  finish() {
    const requests = this.#rounds.map(({ pieces, bytes, members }) => {
      const body = new Uint8Array(bytes + this.#frame[2].length);
      let at = 0;
      for (const piece of [...pieces, this.#frame[2]]) {
        body.set(piece, at);
        at += piece.length;
      }
      return { members, request: this.#build(body, members.length) };
    });
    if (requests.length > 0) this.#out.deliver(this.#operation, requests);
    this.#rounds = [];
  }

  #encoded(/** @type {Written} */ written) {
    const texts = typeof written === "string" ? [written] : written.pieces;
    // A unit of a string has one byte at least, so what is too long needs no encoding to be told.
    const units = texts.reduce((sum, text) => sum + text.length, 0);
    const pieces = units > this.#recordBytesMax ? [] : [encoder.encode(texts.join(""))];
    const bytes = pieces.length === 0 ? units : pieces[0].length;
    if (bytes > this.#recordBytesMax) {
      throw new Reject("record_too_large", `the record has more than the ${this.#recordBytesMax} bytes that fit`);
    }
    return { pieces, bytes };
  }

  #hasRoom(/** @type {Round | undefined} */ round, /** @type {number} */ bytes) {
    if (round === undefined) return true;
    const longer = round.bytes + this.#frame[1].length + bytes + this.#frame[2].length;
    return round.members.length < Math.max(this.#limit.members, 1) && longer <= this.#limit.bytes;
  }
}
