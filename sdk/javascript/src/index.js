/** What a plugin is written with. The wiring to the host is `@enroute/sdk/guest`. */

export { account } from "./account.js";
export { Answer, HOUR_MS, httpSeconds } from "./answer.js";
export { Table, Value } from "./cells.js";
export { Batch, Context, Member } from "./context.js";
export * as date from "./date.js";
export { Tally, connect } from "./deliver.js";
export { bytesFromHex, sha256Hex } from "./hash.js";
export * as json from "./json.js";
export { Mapping, Packer, Reject } from "./mapping.js";
export { outcome, Reading, verdict } from "./reading.js";
export { Request } from "./request.js";
export { digits, emailLower, isSha256Hex, lower, nfc, quotable, trim, trimLower } from "./text.js";
