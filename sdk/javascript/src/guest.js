/** The wiring to the host, for the module that becomes the component. Its imports are there in the sandbox alone. */

import * as http from "enroute:destination/http@0.1.0";
import { log as hostLog } from "enroute:destination/log@0.1.0";
import { phone } from "enroute:destination/normalize@0.1.0";

import { connect } from "./deliver.js";

/** The exported interface of a plugin: `export const destination = guest(plugin)`. */
export function guest(/** @type {any} */ plugin) {
  return connect(plugin, { http, phone });
}

/** Writes a line to the host's log: no personal data, nothing for each member. */
export function log(/** @type {"debug" | "info" | "warn" | "error"} */ level, /** @type {string} */ message) {
  hostLog(level, message);
}
