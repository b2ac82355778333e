import assert from "node:assert/strict";
import { test } from "node:test";

import { Table, Value } from "@enroute/sdk";
import { pack } from "@enroute/sdk/testing";

test("cells are cut by bytes, whatever the characters", () => {
  for (const row of [["a", "", "bc"], ["é", "漢字", "🦀", "z"], ["\ufeffa", "e\u0301", "\ud83e\udd80x"]]) {
    const table = new Table(pack(row.length, [row]), row.length, 1);
    assert.deepEqual(row.map((_, column) => table.value(0, column).text), row);
  }
});

test("kinds stay what they were", () => {
  const row = [undefined, null, false, true, Value.number("450.0"), "text", [1, 2]];
  const table = new Table(pack(7, [row]), 7, 1);
  const seen = row.map((_, column) => table.value(0, column));
  assert.deepEqual(seen.map(({ kind }) => kind), ["absent", "null", "bool", "bool", "number", "text", "json"]);
  assert.deepEqual(seen.map(({ scalar }) => scalar), [undefined, undefined, "false", "true", "450.0", "text", undefined]);
  assert.equal(table.value(0, 7).isAbsent, true);
  assert.equal(table.value(1, 0).isAbsent, true);
});

test("true and false are read where there is no doubt", () => {
  const flags = (...values) => values.map((value) => value.flag);
  assert.deepEqual(flags(Value.bool(true), Value.number("1"), Value.number("1.0"), Value.text(" TRUE"), Value.text("1")), [true, true, true, true, true]);
  assert.deepEqual(flags(Value.bool(false), Value.number("0"), Value.number("0.0"), Value.text("false")), [false, false, false, false]);
  const none = flags(Value.text("yes"), Value.text(""), Value.number("2"), Value.number("1.5"), Value.json("[1]"), Value.null(), Value.absent());
  assert.deepEqual(none, Array(7).fill(undefined));
});

test("a table that does not add up is refused", () => {
  const sound = () => pack(1, [["é"], ["x"]]);
  new Table(sound(), 1, 2);
  for (const change of [{ columns: 2 }, { kinds: [5] }, { kinds: [5, 7] }, { ends: [1, 3] }, { ends: [2, 1] }, { ends: [2, 4] }]) {
    assert.throws(() => new Table({ ...sound(), ...change }, 1, 2), /do not add up/);
  }
});
