/** What a plugin is written with. The wiring to the host is `@enroute/sdk/guest`. */

export type Kind = "absent" | "null" | "bool" | "number" | "text" | "json";

/** One value of a member. Numbers and JSON keep the text they came with. */
export class Value {
  constructor(kind: Kind, raw?: string);
  readonly kind: Kind;
  readonly raw: string;
  readonly isAbsent: boolean;
  readonly isNull: boolean;
  readonly text: string | undefined;
  readonly scalar: string | undefined;
  /** True or false where the value says so without a doubt: a boolean, 1 or 0, or a text of `true`, `false`, `1`, `0`. */
  readonly flag: boolean | undefined;
  static absent(): Value;
  static null(): Value;
  static bool(flag: boolean): Value;
  static number(digits: string): Value;
  static text(text: string): Value;
  static json(json: string): Value;
}

export interface Cells {
  columns: number;
  kinds: ArrayLike<number>;
  ends: ArrayLike<number>;
  text: string;
}

/** A checked view of packed cells. */
export class Table {
  constructor(cells: Cells, columns: number, rows: number);
  value(row: number, column: number): Value;
}

export interface Limit {
  operation: string;
  members: number;
  bytes: number;
}

/** What is known of a connection before any member is looked at. */
export class Context<Settings = { [name: string]: any }> {
  readonly settings: Settings;
  readonly audience: { key: string; name: string };
  readonly rows: { trait: string; field: string }[];
  readonly identifierFields: string[];
  /** The day of the run in UTC, `YYYY-MM-DD`. */
  readonly today: string;
  readonly remote: unknown;
  hasSecret(name: string): boolean;
  /** -1 where there is none. */
  identifier(field: string): number;
  /** The row that goes into a field; -1 where there is none. */
  row(field: string): number;
  limit(operation: string): Limit;
  phone(text: string, region?: string): string | undefined;
}

export class Member {
  readonly index: number;
  readonly change: "added" | "updated" | "removed";
  readonly isRemoved: boolean;
  identifier(column: number): Value;
  value(row: number): Value;
  sent(column: number): Value[];
}

export class Batch {
  readonly members: Member[];
  readonly consent: unknown;
}

/** Thrown for a member that cannot be delivered as it stands. */
export class Reject extends Error {
  constructor(code: string, reason: string, field?: string);
  readonly code: string;
  readonly field: string | undefined;
}

export class Request {
  constructor(method: "get" | "post" | "put" | "patch" | "delete", origin: string);
  static get(origin: string): Request;
  static post(origin: string): Request;
  static put(origin: string): Request;
  static patch(origin: string): Request;
  static delete(origin: string): Request;
  segments(...segments: string[]): this;
  item(name: string, value: string): this;
  header(name: string, value: string): this;
  json(text: string | Uint8Array): this;
  content(type: string, body: string | Uint8Array): this;
  form(items: Iterable<readonly [name: string, value: string]>): this;
  remoteSegment(segment: number, pointer: string): this;
  remoteBody(place: string, pointer: string): this;
  requestKeyHeader(name: string): this;
}

export class Mapping {
  reject(member: { index: number }, reject: Reject): void;
  warn(code: string, field?: string, count?: number): void;
  deliver(operation: string, requests: { members: number[]; request: Request }[]): void;
}

export type Record = json.Raw | string;

/** Packs members into deliveries, within the limits of an operation. */
export class Packer {
  constructor(
    out: Mapping,
    operation: string,
    limit: { members: number; bytes: number },
    frame: [before: string, between: string, behind: string],
    build: (body: Uint8Array, members: number) => Request,
    recordBytesMax?: number,
  );
  push(member: { index: number }, write: () => Record | Record[]): void;
  finish(): void;
}

export type Outcome = { tag: string; val?: unknown };
export type Verdict = { tag: string; val?: unknown };

export const outcome: {
  delivered(): Outcome;
  unchanged(code: string): Outcome;
  rejected(code: string, reason: string): Outcome;
  deferred(afterMs?: number): Outcome;
  accepted(token: string, askAfterMs: number): Outcome;
  unknown(): Outcome;
};

export const verdict: {
  ok(): Verdict;
  credentialInvalid(why: string): Verdict;
  permissionMissing(why: string): Verdict;
  misconfigured(why: string): Verdict;
  throttled(bucket: string, afterMs: number): Verdict;
  tooLarge(): Verdict;
  refusedBisect(why: string): Verdict;
  refusedWhole(why: string): Verdict;
  unavailable(why: string): Verdict;
};

/** A fate for every member of a request, by position, and a verdict. */
export class Reading {
  constructor(rest: Outcome);
  static delivered(): Reading;
  static deferred(afterMs?: number): Reading;
  static unknown(): Reading;
  remote: string | undefined;
  except(position: number, fate: Outcome): this;
  reject(position: number, code: string, reason: string): this;
  /** Fates, or the destination's words where they are not known. */
  complaints(complaints: Iterable<readonly [position: number, said: Outcome | string]>): this;
  /** A new remote: a JSON text of at most 1 MiB, without secrets or personal data. */
  learning(remote: string): this;
  saying(said: Verdict): this;
  counting(reason: string, count: number): this;
  warn(code: string, field?: string, count?: number): this;
}

export class Answer {
  constructor(status: number, body?: string | Uint8Array, headers?: { [name: string]: string });
  readonly status: number;
  readonly isSuccess: boolean;
  readonly isHtml: boolean;
  readonly namesAnError: boolean;
  readonly text: string;
  header(name: string): string | undefined;
  /** The whole number in a header; `undefined` where it is none. */
  number(header: string): number | undefined;
  json(): any;
  retryAfterMs(): number | undefined;
  waitMs(header: string): number | undefined;
  classify(bucket: string): Reading | undefined;
  /** Everybody deferred and the bucket closed, for a minute where no time is given. */
  throttled(bucket: string, waitMs?: number): Reading;
}

/** Puts readings together to one report, for a `resume` of one's own. */
export class Tally {
  constructor(members: number);
  read(members: ArrayLike<number>, reading: Reading): boolean;
  settle(member: number, fate: Outcome): void;
  finish(): object;
}

export interface Problem {
  severity: "error" | "warning";
  place: { tag: "setting"; val: string } | { tag: "row"; val: number } | { tag: "audience" } | { tag: "remote" };
  message: string;
  hint: string;
}

export type ValueType = "any" | "text" | "number" | "boolean" | "date" | "moment" | "list" | "object";

/** A field, list or object of the account's own, as rows and settings name it. */
export interface AccountItem {
  kind: "field" | "list" | "object";
  name: string;
  /** What people at the destination call it; empty where it has no other name. */
  label: string;
  type: ValueType;
  required: boolean;
  /** What it may be, where nothing else is taken. */
  choices: string[];
}

export const account: {
  field(name: string, takes?: ValueType, more?: { label?: string; required?: boolean; choices?: string[] }): AccountItem;
  list(name: string, label?: string): AccountItem;
  object(name: string, label?: string): AccountItem;
};

export interface Finding {
  verdict?: Verdict;
  /** A JSON text of at most 1 MiB, without secrets or personal data. */
  remote?: string;
  /** All that the account has of its own; replaces what was known. */
  account?: AccountItem[];
  warnings?: { code: string; field?: string; count: number }[];
}

/** The network during `open` and `resume`: an answer, or the reading of there being none. */
export interface Network {
  send(kind: string, request: Request): { answer: Answer; none?: undefined } | { answer?: undefined; none: Reading };
}

/** A destination. `map` and `read` are all that most need. */
export interface Plugin {
  validate?(ctx: Context): Problem[];
  map(ctx: Context, batch: Batch, out: Mapping): void;
  read(ctx: Context, sent: { operation: string; index: number; members: Member[] }, answer: Answer): Reading;
  probeRequest?(ctx: Context): Request | undefined;
  readProbe?(ctx: Context, answer: Answer): Finding;
  open?(ctx: Context, network: Network): Finding;
  resume?(ctx: Context, work: { tickets: { token: string; firstMember: number; members: number }[] }, network: Network): object;
}

export function connect(plugin: Plugin, host?: object): { validate: Function; map: Function; send: Function };

export const HOUR_MS: number;
export function httpSeconds(text: string): number | undefined;
export function sha256Hex(input: string | Uint8Array): string;
export function bytesFromHex(hex: string): Uint8Array;
export function trim(text: string): string;
export function lower(text: string): string;
export function trimLower(text: string): string;
export function nfc(text: string): string;
export function digits(text: string): string;
export function emailLower(text: string): string | undefined;
export function isSha256Hex(text: string): boolean;
export function quotable(said: string, most?: number): string;

/** Days and points in time, read as all of Enroute's own plugins do. Nothing is guessed. */
export namespace date {
  interface Clock {
    hour: number;
    minute: number;
    second: number;
    millis: number;
    /** Seconds east of Greenwich; `undefined` where nothing is said of it. */
    offset: number | undefined;
  }
  class Moment {
    constructor(year: number, month: number, day: number, clock?: Clock);
    readonly year: number;
    readonly month: number;
    readonly day: number;
    readonly clock: Clock | undefined;
    /** The day as written, `YYYY-MM-DD`. */
    readonly date: string;
    /** As RFC 3339 writes it. */
    readonly text: string;
    /** Milliseconds since 1970; `undefined` where nothing is said of an offset. */
    readonly epochMs: number | undefined;
    inUtc(): Moment | undefined;
  }
  class Unread extends Error {
    constructor(isAmbiguous: boolean);
    readonly isAmbiguous: boolean;
    /** `date_ambiguous`, or the plugin's own code. */
    code(malformed: string): string;
  }
  /** Throws `Unread`. `order` says which of day and month comes first where both readings are possible. */
  function read(given: string | Value, order?: "dmy" | "mdy"): Moment;
}

export namespace json {
  class Raw {
    constructor(...pieces: string[]);
    readonly pieces: string[];
    readonly text: string;
  }
  function raw(text: string): Raw;
  function write(value: unknown): string;
  function object(members: Iterable<readonly [string, unknown]>): Raw;
}
