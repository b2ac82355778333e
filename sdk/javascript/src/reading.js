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

/** A fate for every member of a request, and a verdict. Members are named by their position in the request. */
export class Reading {
  constructor(/** @type {object} */ rest) {
    /** The fate of every member that has none of its own. */
    this.rest = rest;
    /** @type {Map<number, object>} */
    this.exceptions = new Map();
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

  /** With another fate for one position. */
  except(/** @type {number} */ position, /** @type {object} */ fate) {
    this.exceptions.set(position, fate);
    return this;
  }

  /** With one position rejected: a stable snake_case code and a sentence without personal data. */
  reject(/** @type {number} */ position, /** @type {string} */ code, /** @type {string} */ reason) {
    return this.except(position, outcome.rejected(code, reason));
  }

  /** With another verdict. */
  saying(/** @type {object} */ said) {
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
