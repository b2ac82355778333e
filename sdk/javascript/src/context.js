/** What is known of a connection, and the members that are mapped for it. */

import { Table } from "./cells.js";

/** Audience, settings, rows, limits. */
export class Context {
  #connection;
  #phone;
  #remote;

  /**
   * @param {any} connection as it crossed the border
   * @param {(text: string, region?: string) => string | undefined} phone the host's rules for phone numbers
   */
  constructor(connection, phone = () => undefined) {
    this.#connection = connection;
    this.#phone = phone;
    /** The settings of the manifest that are set or have a default. */
    this.settings = JSON.parse(connection.settings);
    this.audience = connection.audience;
    /** @type {{trait: string, field: string}[]} */
    this.rows = connection.rows;
    /** @type {string[]} */
    this.identifierFields = connection.identifierFields;
    /** The day of the run in UTC, `YYYY-MM-DD`. */
    this.today = connection.today;
    this.#remote = connection.remote === undefined ? undefined : JSON.parse(connection.remote);
  }

  /** What an earlier `send` learned, if anything. */
  get remote() {
    return this.#remote;
  }

  /** Whether a secret is configured. Its value is nobody's business but the host's. */
  hasSecret(/** @type {string} */ name) {
    return this.#connection.secrets.includes(name);
  }

  /** The place of an identifier's field; -1 where there is none. */
  identifier(/** @type {string} */ field) {
    return this.identifierFields.indexOf(field);
  }

  /** The place of the row that goes into a field; -1 where there is none. */
  row(/** @type {string} */ field) {
    return this.rows.findIndex((row) => row.field === field);
  }

  /** The limits of an operation of the manifest, after settings and remote. */
  limit(/** @type {string} */ operation) {
    const found = this.#connection.limits.find((/** @type {any} */ limit) => limit.operation === operation);
    return found ?? { operation, members: 1, bytes: 1 << 20 };
  }

  /** The phone number in E.164; `undefined` where the text is none, or a national one without a region. */
  phone(/** @type {string} */ text, /** @type {string | undefined} */ region = undefined) {
    return this.#phone(text, region);
  }
}

/** One member of a batch, known by its position. */
export class Member {
  #batch;

  constructor(/** @type {Batch} */ batch, /** @type {number} */ index) {
    this.#batch = batch;
    this.index = index;
  }

  /** @returns {"added" | "updated" | "removed"} */
  get change() {
    return this.#batch.changes[this.index];
  }

  get isRemoved() {
    return this.change === "removed";
  }

  /** What identifies the member now, in the column of an identifier's field. */
  identifier(/** @type {number} */ column) {
    return this.#batch.identifiers.value(this.index, column);
  }

  /** The value for a row of the mapping. Removed members have absent values. */
  value(/** @type {number} */ row) {
    return this.#batch.values.value(this.index, row);
  }

  /** What identified the member in deliveries that stand, in this column. */
  sent(/** @type {number} */ column) {
    return this.#batch.sentRows(this.index).map((row) => this.#batch.sent.value(row, column));
  }
}

/** Members of one audience, all with the same consent. */
export class Batch {
  /** @type {Map<number, number[]> | undefined} */
  #sentRows;
  #sentMembers;
  /** @type {Member[]} */
  #members = [];

  /**
   * Checks the tables and makes a view of them.
   *
   * @param {{identifierFields: string[], rows: object[]}} connection
   * @param {any} batch a batch, or the work of a delivery, which has no values
   */
  constructor(connection, batch) {
    const count = batch.changes.length;
    const identifiers = connection.identifierFields.length;
    this.changes = batch.changes;
    this.consent = batch.consent === undefined ? undefined : JSON.parse(batch.consent);
    this.identifiers = new Table(batch.identifiers, identifiers, count);
    this.sent = new Table(batch.sent, identifiers, batch.sentMembers.length);
    const none = { columns: 0, kinds: [], ends: [], text: "" };
    this.values = batch.values ? new Table(batch.values, connection.rows.length, count) : new Table(none, 0, count);
    this.#sentMembers = batch.sentMembers;
  }

  /** The members, in order; always the same list. */
  get members() {
    if (this.#members.length === 0) {
      for (let index = 0; index < this.changes.length; index += 1) this.#members.push(new Member(this, index));
    }
    return this.#members;
  }

  /** The rows of `sent` that belong to a member. */
  sentRows(/** @type {number} */ member) {
    if (this.#sentRows === undefined) {
      this.#sentRows = new Map();
      this.#sentMembers.forEach((/** @type {number} */ owner, /** @type {number} */ row) => {
        const rows = this.#sentRows?.get(owner);
        if (rows) rows.push(row);
        else this.#sentRows?.set(owner, [row]);
      });
    }
    return this.#sentRows.get(member) ?? [];
  }
}
