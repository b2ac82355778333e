/** What an account has of its own, beside what the manifest names: fields, lists, objects. */

/**
 * @typedef {"any" | "text" | "number" | "boolean" | "date" | "moment" | "list" | "object"} ValueType
 * @typedef {{label?: string, required?: boolean, choices?: string[]}} More
 */

function item(
  /** @type {"field" | "list" | "object"} */ kind,
  /** @type {string} */ name,
  /** @type {ValueType} */ type,
  /** @type {More} */ { label = "", required = false, choices = [] } = {},
) {
  return { kind, name, label, type, required, choices };
}

/** Items for `account` of a finding. */
export const account = {
  /** A field of the account's own, as rows name it. */
  field: (/** @type {string} */ name, /** @type {ValueType} */ takes = "any", /** @type {More} */ more = {}) =>
    item("field", name, takes, more),
  /** A place that people can be put, as settings name it. */
  list: (/** @type {string} */ name, label = "") => item("list", name, "any", { label }),
  /** A table or object that records belong to, as settings name it. */
  object: (/** @type {string} */ name, label = "") => item("object", name, "any", { label }),
};
