/** What an answer means for the members of a request. */

/** Fates of members. Times are milliseconds. */
export const outcome = {
  delivered: () => ({ tag: "delivered" }),
  /** Nothing had to be done, and the answer said so. */
  unchanged: (/** @type {string} */ code) => ({ tag: "unchanged", val: code }),
  /** The destination will never take the member as it stands. */
  rejected: (/** @type {string} */ code, /** @type {string} */ reason) => ({ tag: "rejected", val: { code, reason } }),
  /** Nothing is known against the member: sent again, no sooner than that. */
  deferred: (afterMs = 0) => ({ tag: "deferred", val: BigInt(afterMs) }),
  /** A job began that ends later; the ticket's token suffices to go on. */
  accepted: (/** @type {string} */ token, /** @type {number} */ askAfterMs) => ({
    tag: "accepted",
    val: { token, askAfterMs: BigInt(askAfterMs) },
  }),
  /** Bytes left and no clear answer came. */
  unknown: () => ({ tag: "unknown" }),
};

/** What an answer says of the call as a whole. */
export const verdict = {
  ok: () => ({ tag: "ok" }),
  credentialInvalid: (/** @type {string} */ why) => ({ tag: "credential-invalid", val: why }),
  permissionMissing: (/** @type {string} */ why) => ({ tag: "permission-missing", val: why }),
  misconfigured: (/** @type {string} */ why) => ({ tag: "misconfigured", val: why }),
  throttled: (/** @type {string} */ bucket, /** @type {number} */ afterMs) => ({
    tag: "throttled",
    val: { bucket, afterMs: BigInt(afterMs) },
  }),
  /** Fewer members in a request would do. */
  tooLarge: () => ({ tag: "too-large" }),
  /** Some member is at fault and the answer does not say which. */
  refusedBisect: (/** @type {string} */ why) => ({ tag: "refused-bisect", val: why }),
  /** Sending fewer members would not help. */
  refusedWhole: (/** @type {string} */ why) => ({ tag: "refused-whole", val: why }),
  unavailable: (/** @type {string} */ why) => ({ tag: "unavailable", val: why }),
};

/** Of two fates of a member, the one that leaves more to be done holds. */
const WEIGHTS = ["unchanged", "delivered", "accepted", "deferred", "unknown", "rejected"];

/** Whether a fate takes the place of the one that is known, if any. */
export function isHeavier(/** @type {any} */ fate, /** @type {any} */ known) {
  return known === undefined || WEIGHTS.indexOf(known.tag) < WEIGHTS.indexOf(fate.tag);
}

/** A fate for every member of a request, and a verdict. Members are named by their position in the request. */
export class Reading {
  constructor(/** @type {object} */ rest) {
    /** The fate of every member that has none of its own. */
    this.rest = rest;
    /** @type {Map<number, object>} */
    this.exceptions = new Map();
    /** @type {{tag: string, val?: unknown}} */
    this.verdict = verdict.ok();
    /** @type {{reason: string, count: number}[]} */
    this.unattributed = [];
    /** @type {{code: string, field: string | undefined, count: number}[]} */
    this.warnings = [];
    /** @type {string | undefined} */
    this.remote = undefined;
  }

  static delivered() {
    return new Reading(outcome.delivered());
  }

  static deferred(afterMs = 0) {
    return new Reading(outcome.deferred(afterMs));
  }

  static unknown() {
    return new Reading(outcome.unknown());
  }

  /** With another fate for one position. Of two of them, the one that leaves more to be done holds. */
  except(/** @type {number} */ position, /** @type {object} */ fate) {
    if (isHeavier(fate, this.exceptions.get(position))) this.exceptions.set(position, fate);
    return this;
  }

  /** With one position rejected: a stable snake_case code and a sentence without personal data. */
  reject(/** @type {number} */ position, /** @type {string} */ code, /** @type {string} */ reason) {
    return this.except(position, outcome.rejected(code, reason));
  }

  /**
   * With what an answer complains of: each a position, and a fate, or the destination's words where they are not known.
   *
   * One known reason is enough for a member. Who is named in unknown words only is deferred, and the members are sent
   * in smaller requests, to the single one in the end. Have the words pass through `quotable`.
   */
  complaints(/** @type {Iterable<readonly [position: number, said: object | string]>} */ complaints) {
    const all = Array.from(complaints);
    for (const [position, said] of all) if (typeof said !== "string") this.except(position, said);
    const known = new Set(all.filter(([, said]) => typeof said !== "string").map(([position]) => position));
    for (const [position, said] of all) {
      if (typeof said !== "string" || known.has(position)) continue;
      this.except(position, outcome.deferred());
      if (this.verdict.tag === "ok") this.verdict = verdict.refusedBisect(said);
    }
    return this;
  }

  /** With a new remote: a JSON text of at most 1 MiB, without secrets or personal data. */
  learning(/** @type {string} */ remote) {
    this.remote = remote;
    return this;
  }

  /** With another verdict. */
  saying(/** @type {{tag: string, val?: unknown}} */ said) {
    this.verdict = said;
    return this;
  }

  /** With refusals that the destination only counts. */
  counting(/** @type {string} */ reason, /** @type {number} */ count) {
    this.unattributed.push({ reason, count });
    return this;
  }

  /** With a warning. */
  warn(/** @type {string} */ code, /** @type {string | undefined} */ field, count = 1) {
    this.warnings.push({ code, field, count });
    return this;
  }
}
