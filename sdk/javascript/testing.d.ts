import type { Cells, Plugin, Value } from "./index.js";

/** A plain value as the cell that the host would make of it. */
export function cell(plain: unknown): Value;
export function pack(columns: number, rows: unknown[][]): Cells;

export function connection(given?: {
  settings?: object;
  /** `"trait"` or `"trait -> field"`. */
  rows?: string[];
  identifiers?: string[];
  limits?: { [operation: string]: { members: number; bytes: number } };
  remote?: unknown;
  secrets?: string[];
  audience?: { key: string; name: string };
  today?: string;
}): any;

export interface Person {
  change?: "added" | "updated" | "removed";
  identifiers?: unknown[];
  values?: unknown[];
  sent?: unknown[][];
}

export function batch(connection: any, members: Person[]): any;

export function mapped(
  plugin: Plugin,
  connection: any,
  members: Person[],
): { requests: any[]; rejections: any[]; warnings: any[] };
