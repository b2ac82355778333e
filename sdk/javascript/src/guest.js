/** The wiring to the host, for the module that becomes the component. Its imports are there in the sandbox alone. */

import * as http from "enroute:destination/http@0.1.0";
import { log as hostLog } from "enroute:destination/log@0.1.0";
import { phone } from "enroute:destination/normalize@0.1.0";

import { connect } from "./deliver.js";

/** The exported interface of a plugin: `export const destination = guest(plugin)`. */
export function guest(/** @type {any} */ plugin) {
  const { validate, map, send } = connect(plugin, { http, phone });
  return {
    validate,
    map(/** @type {any} */ connection, /** @type {any} */ batch) {
      const mapped = map(connection, batch);
      for (const { requests } of mapped.deliveries) requests.forEach(pack);
      return mapped;
    },
    send(/** @type {any} */ connection, /** @type {any} */ work) {
      const report = send(connection, work);
      report.fates.forEach(pack);
      return report;
    },
  };
}

/** The bindings check the numbers of a plain list one by one, and take an array of 32 bits as it is. */
function pack(/** @type {{members: ArrayLike<number>}} */ named) {
  named.members = new Uint32Array(named.members);
}

/** Writes a line to the host's log: no personal data, nothing for each member. */
export function log(/** @type {"debug" | "info" | "warn" | "error"} */ level, /** @type {string} */ message) {
  hostLog(level, message);
}
