import assert from "node:assert/strict";
import { test } from "node:test";

import { json, Value } from "@enroute/sdk";

test("numbers keep every digit", () => {
  for (const digits of ["450.0", "-0", "18446744073709551616", "1e400", "0.1000000000000000055511151231257827"]) {
    assert.equal(json.write(Value.number(digits)), digits);
  }
  assert.equal(json.write(2n ** 64n), "18446744073709551616");
  assert.throws(() => json.write(0.5), TypeError);
  assert.throws(() => json.write(2 ** 60), TypeError);
});

test("texts read back as they were, however long", () => {
  for (const text of ["", '"\\/\n\u0000', "é 漢 🦀", "🦀".repeat(40_000), `x${"🦀".repeat(40_000)}`, '"'.repeat(70_000)]) {
    assert.equal(JSON.parse(json.write(text)), text);
    assert.equal(JSON.parse(json.write(Value.text(text))), text);
  }
});

test("an object has its members in order, each once", () => {
  assert.equal(json.object([["b", null], ["1", true], ["c", undefined], ["a", [1, "x"]]]).text, '{"b":null,"1":true,"a":[1,"x"]}');
  assert.equal(json.object([]).text, "{}");
  assert.equal(json.object([["a", json.object([["b", json.raw("[1.0]")]])]]).text, '{"a":{"b":[1.0]}}');
  assert.throws(() => json.object([["a", 1], ["a", 2]]), /twice/);
});

test("absent is null, and a list is its own text", () => {
  assert.equal(json.write([Value.absent(), Value.null(), Value.bool(false), Value.json('["a", 1.50]')]), '[null,null,false,["a", 1.50]]');
});
