/** Connections, batches and answers for tests that run in Node, without a host. */

import { Value } from "./cells.js";
import { connect } from "./deliver.js";

/** A plain value as the cell that the host would make of it. A `Value` stays as it is. */
export function cell(/** @type {unknown} */ plain) {
  if (plain instanceof Value) return plain;
  if (plain === undefined) return Value.absent();
  if (plain === null) return Value.null();
  if (typeof plain === "boolean") return Value.bool(plain);
  if (typeof plain === "string") return Value.text(plain);
  if (typeof plain === "number" || typeof plain === "bigint") return Value.number(String(plain));
  return Value.json(JSON.stringify(plain));
}

/** Rows of plain values, packed as they cross the border. */
export function pack(/** @type {number} */ columns, /** @type {unknown[][]} */ rows) {
  const kindOf = { absent: 0, null: 1, number: 4, text: 5, json: 6 };
  const cells = rows.flat().map(cell);
  let text = "";
  let bytes = 0;
  const ends = cells.map(({ kind, raw }) => {
    const shown = kind === "bool" ? "" : raw;
    text += shown;
    bytes += new TextEncoder().encode(shown).length;
    return bytes;
  });
  const kinds = cells.map(({ kind, raw }) => (kind === "bool" ? (raw === "true" ? 3 : 2) : kindOf[kind]));
  return { columns, kinds: Uint8Array.from(kinds), ends: Uint32Array.from(ends), text };
}

/**
 * A connection as the host hands it over. Rows are written `"trait"` or `"trait -> field"`.
 *
 * @param {{settings?: object, rows?: string[], identifiers?: string[], limits?: object, remote?: unknown,
 *   secrets?: string[], audience?: {key: string, name: string}, today?: string}} [given]
 */
export function connection(given = {}) {
  const { settings = {}, rows = [], identifiers = ["id"], limits = {}, remote, secrets = [] } = given;
  const row = (/** @type {string} */ text) => {
    const [trait, field = trait] = text.split(" -> ");
    return { trait, field };
  };
  return {
    audience: given.audience ?? { key: "vip", name: "VIP" },
    settings: JSON.stringify(settings),
    secrets,
    rows: rows.map(row),
    identifierFields: identifiers,
    limits: Object.entries(limits).map(([operation, limit]) => ({ operation, ...limit })),
    remote: remote === undefined ? undefined : JSON.stringify(remote),
    today: given.today ?? "2026-01-31",
  };
}

/**
 * A batch for a connection. A member has `change`, `identifiers` and `values` in the order of the connection's, and
 * `sent`: rows of identifiers that it was sent with.
 *
 * @param {any} link a connection
 * @param {{change?: string, identifiers?: unknown[], values?: unknown[], sent?: unknown[][]}[]} members
 */
export function batch(link, members) {
  const padded = (/** @type {unknown[] | undefined} */ row, /** @type {number} */ columns) =>
    Array.from({ length: columns }, (_, at) => row?.[at]);
  const fields = link.identifierFields.length;
  const sent = members.flatMap((member, index) => (member.sent ?? []).map((row) => ({ index, row })));
  return {
    consent: undefined,
    changes: members.map((member) => member.change ?? "added"),
    identifiers: pack(fields, members.map((member) => padded(member.identifiers, fields))),
    sent: pack(fields, sent.map(({ row }) => padded(row, fields))),
    sentMembers: Uint32Array.from(sent, ({ index }) => index),
    values: pack(link.rows.length, members.map((member) => padded(member.values, link.rows.length))),
  };
}

/** What a plugin makes of members: the bodies of its requests as text, rejections and warnings. */
export function mapped(/** @type {any} */ plugin, /** @type {any} */ link, /** @type {any[]} */ members) {
  const { deliveries, rejections, warnings } = connect(plugin).map(link, batch(link, members));
  const decoder = new TextDecoder();
  const requests = deliveries.flatMap((delivery) =>
    delivery.requests.map(({ members: of, request }) => ({ ...request, members: of, body: decoder.decode(/** @type {any} */ (request).body) })),
  );
  return { requests, rejections, warnings };
}
