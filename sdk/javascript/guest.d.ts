import type { Plugin } from "./index.js";

/** The exported interface of a plugin: `export const destination = guest(plugin)`. */
export function guest(plugin: Plugin): { validate: Function; map: Function; send: Function };

/** Writes a line to the host's log: no personal data, nothing for each member. */
export function log(level: "debug" | "info" | "warn" | "error", message: string): void;
