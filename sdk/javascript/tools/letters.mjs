// Prints src/letters.js: the engine inside a component knows no Unicode properties, so the SDK brings the one it needs.

const isLetter = (code) => {
  const text = String.fromCodePoint(code);
  return /^[\p{L}\p{N}\p{M}]$/u.test(text) && text.normalize("NFKC") === text;
};

const ends = [];
let was = false;
for (let code = 0x80; code <= 0x110000; code += 1) {
  const is = code < 0x110000 && !(code >= 0xd800 && code < 0xe000) && isLetter(code);
  if (is !== was) ends.push(code);
  was = is;
}
const steps = ends.map((end, at) => (end - (at === 0 ? 0 : ends[at - 1])).toString(36)).join(" ");
const lines = steps.match(/.{1,116}(?: |$)/g).map((line) => `  ${JSON.stringify(line)}`);
console.log(`/** Letters, digits and marks of all scripts beyond ASCII, Unicode ${process.versions.unicode}. Made by tools/letters.mjs. */

/** Where runs begin and end, each as the distance from the one before, to the base of 36. */
const STEPS =
${lines.join(" +\n")};

const ends = [];
for (const step of STEPS.trim().split(" ")) ends.push((ends.at(-1) ?? 0) + Number.parseInt(step, 36));

/** Whether a code point above 127 is a letter, digit or mark that stands for itself: no form of another width or style. */
export function isLetter(/** @type {number} */ code) {
  let [low, high] = [0, ends.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ends[middle] <= code) low = middle + 1;
    else high = middle;
  }
  return low % 2 === 1;
}`);
