/** The three exported functions, made of what a plugin says. */

import { Answer } from "./answer.js";
import { Batch, Context } from "./context.js";
import { Mapping } from "./mapping.js";
import { isHeavier, outcome, Reading, verdict } from "./reading.js";

/** Wait after a connection could not be made, before the host's own back-off makes it longer. */
const UNREACHABLE_WAIT_MS = 1_000;

/** Two fates that are the same in every part. */
const keyOf = (/** @type {object} */ fate) => JSON.stringify(fate, (_, val) => (typeof val === "bigint" ? `${val}` : val));

/** Puts readings together to one report that names every member exactly once. */
export class Tally {
  /** @type {(object | undefined)[]} */
  #fates;
  #report = /** @type {any} */ ({ verdict: verdict.ok(), unattributed: [], remote: undefined, account: undefined, warnings: [] });

  constructor(/** @type {number} */ members) {
    this.#fates = Array.from({ length: members });
  }

  /** Takes in what an answer means for the members of a request. Returns whether all is well with the call. */
  read(/** @type {ArrayLike<number>} */ members, /** @type {Reading} */ reading) {
    let { rest } = reading;
    const isNamed = (/** @type {number} */ at) => Number.isInteger(at) && at >= 0 && at < members.length;
    if ([...reading.exceptions.keys()].some((at) => !isNamed(at))) {
      // The answer speaks of a record that was not sent, so it says nothing sure of those that were.
      if (/** @type {any} */ (rest).tag === "delivered") rest = outcome.deferred();
      this.#report.warnings.push({ code: "answer_names_no_member", field: undefined, count: 1 });
    }
    for (let at = 0; at < members.length; at += 1) this.settle(members[at], reading.exceptions.get(at) ?? rest);
    this.#report.unattributed.push(...reading.unattributed);
    this.#report.warnings.push(...reading.warnings);
    this.#report.remote = reading.remote ?? this.#report.remote;
    if (this.#report.verdict.tag === "ok") this.#report.verdict = reading.verdict;
    return reading.verdict.tag === "ok";
  }

  /** Gives one member a fate. */
  settle(/** @type {number} */ member, /** @type {object} */ fate) {
    const known = this.#fates[member];
    if (member < this.#fates.length && isHeavier(fate, known)) this.#fates[member] = fate;
  }

  /** The report; members that nothing was said of are deferred. */
  finish() {
    const groups = new Map();
    this.#fates.forEach((said, member) => {
      const fate = said ?? outcome.deferred();
      const key = keyOf(fate);
      if (!groups.has(key)) groups.set(key, { members: [], outcome: fate });
      groups.get(key).members.push(member);
    });
    return { fates: [...groups.values()], ...this.#report };
  }
}

/** What it means that there is no answer: nobody is known to have it, and who may have it is unknown. */
function unanswered(/** @type {any} */ failure) {
  switch (failure?.tag) {
    case "denied":
      return Reading.deferred().saying(verdict.misconfigured(failure.val));
    case "unreachable":
      return Reading.deferred(UNREACHABLE_WAIT_MS).saying(verdict.unavailable(failure.val));
    case "interrupted":
      return Reading.unknown().saying(verdict.unavailable(failure.val));
    case "too-large":
      return Reading.unknown().saying(verdict.unavailable(`the answer is larger than ${failure.val} bytes`));
    default:
      throw failure;
  }
}

/** Calls the host: the answer, or the reading of there being none. A failure is thrown by the bindings. */
function asked(/** @type {() => any} */ call) {
  try {
    const { status, headers, body } = call();
    return { answer: new Answer(status, body, headers) };
  } catch (error) {
    return { none: unanswered(/** @type {any} */ (error)?.payload ?? error) };
  }
}

function finding(/** @type {any} */ { verdict: said = verdict.ok(), remote, account, warnings = [] } = {}) {
  return { fates: [], verdict: said, unattributed: [], remote, account, warnings };
}

/** The default reading of a probe: a success that names no error is good, and the rest as `classify` has it. */
function readProbe(/** @type {Answer} */ answer) {
  const reading = answer.classify("");
  if (reading) return { verdict: reading.verdict };
  if (answer.isSuccess && !answer.namesAnError) return {};
  return { verdict: verdict.refusedWhole(`the probe was answered with ${answer.status}`) };
}

/** The network as `open` and `resume` see it: `send(kind, request)` gives `{ answer }` or `{ none }`. */
function network(/** @type {any} */ http) {
  return { send: (/** @type {string} */ kind, /** @type {object} */ request) => asked(() => http.send(kind, request)) };
}

function probe(/** @type {any} */ plugin, /** @type {Context} */ ctx, /** @type {any} */ http) {
  const request = plugin.probeRequest?.(ctx);
  if (request === undefined) return {};
  const { answer, none } = network(http).send("probe", request);
  return none ? { verdict: none.verdict } : (plugin.readProbe ?? ((_, said) => readProbe(said)))(ctx, answer);
}

function deliver(/** @type {any} */ plugin, /** @type {Context} */ ctx, /** @type {any} */ work, /** @type {any} */ http) {
  const members = new Batch(ctx, work).members;
  const tally = new Tally(members.length);
  let isWell = true;
  work.requests.forEach((/** @type {any} */ head, /** @type {number} */ index) => {
    if (!isWell) {
      // A member of several requests has arrived only when the last of them has.
      for (const member of head.members) tally.settle(member, outcome.deferred());
      return;
    }
    const { answer, none } = asked(() => http.sendPrepared(index, []));
    const sent = { operation: work.operation, index, members: Array.from(head.members, (at) => members[at]) };
    isWell = tally.read(head.members, none ?? plugin.read(ctx, sent, answer));
  });
  return tally.finish();
}

function resume(/** @type {any} */ plugin, /** @type {Context} */ ctx, /** @type {any} */ work, /** @type {any} */ http) {
  if (plugin.resume) return plugin.resume(ctx, work, network(http));
  const tally = new Tally(Math.max(0, ...work.tickets.map((/** @type {any} */ one) => one.firstMember + one.members)));
  work.tickets.forEach((/** @type {any} */ one) => {
    for (let at = 0; at < one.members; at += 1) tally.settle(one.firstMember + at, outcome.unknown());
  });
  return tally.finish();
}

/**
 * The exported interface of a plugin.
 *
 * @param {any} plugin see `Plugin` in `index.d.ts`
 * @param {{http?: any, phone?: any}} host
 */
export function connect(plugin, host = {}) {
  const context = (/** @type {any} */ connection) => new Context(connection, host.phone);
  return {
    validate: (/** @type {any} */ connection) => plugin.validate?.(context(connection)) ?? [],
    map(/** @type {any} */ connection, /** @type {any} */ batch) {
      const ctx = context(connection);
      const out = new Mapping();
      plugin.map(ctx, new Batch(ctx, batch), out);
      return out.finish();
    },
    send(/** @type {any} */ connection, /** @type {any} */ work) {
      const ctx = context(connection);
      switch (work.tag) {
        case "probe":
          return finding(probe(plugin, ctx, host.http));
        case "open":
          return finding(plugin.open?.(ctx, network(host.http)));
        case "resume":
          return resume(plugin, ctx, work.val, host.http);
        default:
          return deliver(plugin, ctx, work.val, host.http);
      }
    },
  };
}
