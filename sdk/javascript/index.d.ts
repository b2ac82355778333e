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
export class Context<Settings = Record<string, any>> {
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
  json(): any;
  retryAfterMs(): number | undefined;
  waitMs(header: string): number | undefined;
  classify(bucket: string): Reading | undefined;
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

export interface Finding {
  verdict?: Verdict;
  /** A JSON text of at most 1 MiB, without secrets or personal data. */
  remote?: string;
  account?: object[];
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
export function emailLower(text: string): string | undefined;
export function isSha256Hex(text: string): boolean;
export function quotable(said: string, most?: number): string;

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
