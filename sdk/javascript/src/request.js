/** Requests, part by part. Path and query are plain text: the host joins and escapes them, and adds the credential. */

const encoder = new TextEncoder();

const bytesOf = (/** @type {string | Uint8Array} */ body) => (typeof body === "string" ? encoder.encode(body) : body);

/** As the WHATWG's URL standard writes a form: blanks as `+`, and everything but letters, digits and `*-._` escaped. */
const formText = (/** @type {string} */ text) =>
  encodeURIComponent(text.toWellFormed?.() ?? text)
    .replace(/[!'()~]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%20/g, "+");

/** A request to `https://host` or `https://host:port`. Every method returns the request itself. */
export class Request {
  constructor(/** @type {"get" | "post" | "put" | "patch" | "delete"} */ method, /** @type {string} */ origin) {
    this.method = method;
    this.origin = origin;
    /** @type {string[]} */
    this.path = [];
    /** @type {{name: string, value: string}[]} */
    this.query = [];
    /** @type {{name: string, value: string}[]} */
    this.headers = [];
    this.body = new Uint8Array();
    /** @type {{place: object, value: object}[]} */
    this.slots = [];
  }

  static get(/** @type {string} */ origin) {
    return new Request("get", origin);
  }

  static post(/** @type {string} */ origin) {
    return new Request("post", origin);
  }

  static put(/** @type {string} */ origin) {
    return new Request("put", origin);
  }

  static patch(/** @type {string} */ origin) {
    return new Request("patch", origin);
  }

  static delete(/** @type {string} */ origin) {
    return new Request("delete", origin);
  }

  /** Appends path segments as plain text. */
  segments(/** @type {string[]} */ ...segments) {
    this.path.push(...segments);
    return this;
  }

  /** Appends a query item as plain text. */
  item(/** @type {string} */ name, /** @type {string} */ value) {
    this.query.push({ name, value });
    return this;
  }

  /** Appends a header. Those of the host and of the manifest's `auth` are refused by the host. */
  header(/** @type {string} */ name, /** @type {string} */ value) {
    this.headers.push({ name, value });
    return this;
  }

  /** Sets a JSON body, and asks for a JSON answer. */
  json(/** @type {string | Uint8Array} */ text) {
    return this.header("accept", "application/json").content("application/json", text);
  }

  /** Sets a body of any type. */
  content(/** @type {string} */ type, /** @type {string | Uint8Array} */ body) {
    this.body = bytesOf(body);
    return this.header("content-type", type);
  }

  /** Sets a form body. */
  form(/** @type {Iterable<readonly [name: string, value: string]>} */ items) {
    const written = Array.from(items, ([name, value]) => `${formText(name)}=${formText(value)}`);
    return this.content("application/x-www-form-urlencoded", written.join("&"));
  }

  /** Fills a path segment, written as an empty text, from the remote when the request leaves. */
  remoteSegment(/** @type {number} */ segment, /** @type {string} */ pointer) {
    return this.#slot({ tag: "path-segment", val: segment }, { tag: "remote", val: pointer });
  }

  /** Fills an empty string of a JSON body from the remote; both places are JSON pointers. */
  remoteBody(/** @type {string} */ place, /** @type {string} */ pointer) {
    return this.#slot({ tag: "body", val: place }, { tag: "remote", val: pointer });
  }

  /** Sends a key in a header that is the same whenever the delivery is repeated. */
  requestKeyHeader(/** @type {string} */ name) {
    return this.#slot({ tag: "header", val: name }, { tag: "request-key" });
  }

  #slot(/** @type {object} */ place, /** @type {object} */ value) {
    this.slots.push({ place, value });
    return this;
  }
}
