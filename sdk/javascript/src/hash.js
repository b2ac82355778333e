/** SHA-256 as FIPS 180-4 has it, without a promise: the exported functions are synchronous. */

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** The first 32 bits of the fractional part of the root of this degree of each of the first primes. */
function fractions(/** @type {number} */ count, /** @type {bigint} */ degree) {
  const found = [];
  for (let number = 2n; found.length < count; number += 1n) {
    let isPrime = true;
    for (let divisor = 2n; divisor * divisor <= number; divisor += 1n) isPrime &&= number % divisor !== 0n;
    if (isPrime) found.push(Number(root(number << (32n * degree), degree) & 0xffffffffn) | 0);
  }
  return Int32Array.from(found);
}

/** The largest number whose power of this degree is at most `square`. */
function root(/** @type {bigint} */ square, /** @type {bigint} */ degree) {
  let found = 0n;
  for (let bit = 1n << 48n; bit > 0n; bit >>= 1n) {
    if ((found | bit) ** degree <= square) found |= bit;
  }
  return found;
}

// Made once, when the component is built: what a module makes as it loads is kept in the component.
const FIRST = fractions(8, 2n);
const ROUNDS = fractions(64, 3n);
const encoder = new TextEncoder();

/** The SHA-256 of a text (in UTF-8) or of bytes, in lower-case hexadecimal. */
export function sha256Hex(/** @type {string | Uint8Array} */ input) {
  const bytes = typeof input === "string" ? encoder.encode(input) : input;
  const padded = new Uint8Array(((bytes.length + 72) >>> 6) << 6);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(bytes.length / 0x20000000));
  view.setUint32(padded.length - 4, (bytes.length << 3) >>> 0);
  const state = Int32Array.from(FIRST);
  const words = new Int32Array(64);
  for (let at = 0; at < padded.length; at += 64) block(state, words, view, at);
  let hex = "";
  for (const word of state) {
    hex += HEX[word >>> 24] + HEX[(word >>> 16) & 255] + HEX[(word >>> 8) & 255] + HEX[word & 255];
  }
  return hex;
}

const turned = (/** @type {number} */ word, /** @type {number} */ by) => (word >>> by) | (word << (32 - by));

/** Takes one block of 64 bytes into the state. */
function block(
  /** @type {Int32Array} */ state,
  /** @type {Int32Array} */ words,
  /** @type {DataView} */ view,
  /** @type {number} */ at,
) {
  for (let i = 0; i < 16; i += 1) words[i] = view.getInt32(at + 4 * i);
  for (let i = 16; i < 64; i += 1) {
    const near = words[i - 15];
    const far = words[i - 2];
    const low = turned(near, 7) ^ turned(near, 18) ^ (near >>> 3);
    const high = turned(far, 17) ^ turned(far, 19) ^ (far >>> 10);
    words[i] = words[i - 16] + low + words[i - 7] + high;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i += 1) {
    const choice = (e & f) ^ (~e & g);
    const one = (h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + choice + ROUNDS[i] + words[i]) | 0;
    const two = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => {
    state[i] += word;
  });
}

/** The bytes that hexadecimal digits name. */
export function bytesFromHex(/** @type {string} */ hex) {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
