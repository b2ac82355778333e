import assert from "node:assert/strict";
import { test } from "node:test";

import { account, connect, Mapping, outcome, Packer, Reading, Reject, Request, Tally, verdict } from "@enroute/sdk";
import { batch, connection } from "@enroute/sdk/testing";

const pack = (records, limit, most) => {
  const out = new Mapping();
  const packer = new Packer(out, "put", limit, ["[", ",", "]"], (body) => Request.put("https://a.example").json(body), most);
  records.forEach((record, index) => {
    packer.push({ index }, () => {
      if (record === "bad") throw new Reject("bad", "it is bad");
      return record;
    });
  });
  packer.finish();
  const { deliveries, rejections } = out.finish();
  const shown = deliveries.map(({ requests }) =>
    requests.map(({ members, request }) => `${members} ${new TextDecoder().decode(request.body)}`).join(" | "),
  );
  return [...shown, ...rejections.map(({ member, code }) => `${member} ${code}`)];
};

test("requests stay within both limits, counted in bytes", () => {
  assert.deepEqual(pack(['"a"', '"b"', '"c"'], { members: 2, bytes: 100 }), ['0,1 ["a","b"]', '2 ["c"]']);
  assert.deepEqual(pack(['"a"', '"b"', '"c"'], { members: 9, bytes: 9 }), ['0,1 ["a","b"]', '2 ["c"]']);
  assert.deepEqual(pack(['"é"', '"é"'], { members: 9, bytes: 10 }), ['0 ["é"]', '1 ["é"]']);
  assert.deepEqual(pack(['"é"', '"é"'], { members: 9, bytes: 11 }), ['0,1 ["é","é"]']);
});

test("a record that fits nowhere is rejected and the others go", () => {
  assert.deepEqual(pack(["1", "bad", "22222", "3"], { members: 9, bytes: 100 }, 4), ["0,3 [1,3]", "1 bad", "2 record_too_large"]);
  assert.deepEqual(pack(["é"], { members: 9, bytes: 3 }), ["0 record_too_large"]);
  assert.deepEqual(pack([], { members: 9, bytes: 3 }), []);
  assert.deepEqual(pack(["é"], { members: 9, bytes: 4 }), ["0 [é]"]);
});

test("bodies of many pieces are what their pieces say, and as large as the limit allows", () => {
  const long = `"${"é".repeat(50_000)}"`;
  const [first, second, ...none] = pack(Array(5).fill(long), { members: 9, bytes: 400_000 });
  assert.equal(first, `0,1,2 [${long},${long},${long}]`);
  assert.equal(second, `3,4 [${long},${long}]`);
  assert.deepEqual(none, []);
});

test("several records of a member stand in several requests of one delivery", () => {
  assert.deepEqual(pack([["1", "2"], "3"], { members: 9, bytes: 100 }), ["0,1 [1,3] | 0 [2]"]);
  assert.deepEqual(pack([["1", "2"], ["3", "4"]], { members: 1, bytes: 100 }), ["0 [1] | 0 [2]", "1 [3] | 1 [4]"]);
});

test("a report names every member once, and the fate that leaves more to do holds", () => {
  const tally = new Tally(4);
  assert.equal(tally.read([0, 1], Reading.delivered().reject(1, "bad", "it is bad")), true);
  assert.equal(tally.read([0], Reading.unknown().saying(verdict.unavailable("gone"))), false);
  const { fates, verdict: said } = tally.finish();
  const all = Object.fromEntries(fates.flatMap((fate) => fate.members.map((member) => [member, fate.outcome.tag])));
  assert.deepEqual(all, { 0: "unknown", 1: "rejected", 2: "deferred", 3: "deferred" });
  assert.equal(said.tag, "unavailable");
});

test("one known reason is enough, and unknown words let members be sent in smaller requests", () => {
  const bad = outcome.rejected("bad_id", "the id is too long");
  const known = Reading.delivered().complaints([[0, "E7"], [0, bad], [2, bad], [2, outcome.deferred()]]);
  assert.deepEqual([...known.exceptions], [[0, bad], [2, bad]]);
  assert.equal(known.verdict.tag, "ok");
  const unknown = Reading.delivered().complaints([[1, "E7"]]);
  assert.deepEqual([...unknown.exceptions], [[1, outcome.deferred()]]);
  assert.deepEqual(unknown.verdict, verdict.refusedBisect("E7"));
});

test("an answer that names nobody who was sent makes nobody delivered", () => {
  const tally = new Tally(1);
  tally.read([0], Reading.delivered().except(7, outcome.deferred()));
  const { fates, warnings } = tally.finish();
  assert.deepEqual(fates, [{ members: [0], outcome: outcome.deferred() }]);
  assert.equal(warnings[0].code, "answer_names_no_member");
});

const plugin = { map() {}, read: (_, __, answer) => answer.classify("api") ?? Reading.delivered() };
const link = connection();
const heads = [{ members: [0, 1] }, { members: [1, 2] }];
const people = batch(link, [{}, {}, {}]);
const fatesOf = (answers) => {
  const http = { sendPrepared: (index) => answers[index]() };
  const report = connect(plugin, { http }).send(link, { tag: "deliver", val: { ...people, operation: "put", requests: heads } });
  const fates = report.fates.flatMap(({ members, outcome: { tag } }) => members.map((member) => [member, tag]));
  return [fates.sort().map(([, tag]) => tag).join(" "), report.verdict.tag];
};
const ok = () => ({ status: 200, headers: [], body: new TextEncoder().encode("{}") });
const fails = (tag, val) => () => {
  throw Object.assign(new Error("no answer"), { payload: { tag, val } });
};

test("the first answer that is not well ends a delivery, and who was not sent is deferred", () => {
  assert.deepEqual(fatesOf([ok, ok]), ["delivered delivered delivered", "ok"]);
  assert.deepEqual(fatesOf([() => ({ ...ok(), status: 503 }), ok]), ["deferred deferred deferred", "unavailable"]);
  assert.deepEqual(fatesOf([ok, fails("interrupted", "reset")]), ["delivered unknown unknown", "unavailable"]);
  assert.deepEqual(fatesOf([ok, fails("denied", "no grant")]), ["delivered deferred deferred", "misconfigured"]);
  assert.deepEqual(fatesOf([fails("unreachable", "refused"), ok]), ["deferred deferred deferred", "unavailable"]);
  assert.deepEqual(fatesOf([fails("too-large", 5n), ok]), ["unknown unknown deferred", "unavailable"]);
});

test("a finding tells what the account has of its own", () => {
  const items = [
    account.field("color", "text", { label: "Colour", required: true, choices: ["red", "blue"] }),
    account.field("score"),
    account.list("7", "Newsletter"),
    account.object("orders"),
  ];
  const opening = { ...plugin, open: () => ({ account: items, remote: "{}" }) };
  const report = connect(opening).send(link, { tag: "open" });
  assert.deepEqual(report.account, [
    { kind: "field", name: "color", label: "Colour", type: "text", required: true, choices: ["red", "blue"] },
    { kind: "field", name: "score", label: "", type: "any", required: false, choices: [] },
    { kind: "list", name: "7", label: "Newsletter", type: "any", required: false, choices: [] },
    { kind: "object", name: "orders", label: "", type: "any", required: false, choices: [] },
  ]);
  assert.equal(connect(plugin).send(link, { tag: "open" }).account, undefined);
});

test("a form is written as forms are", () => {
  const { body, headers } = Request.post("https://a.example").form([["a b", "c&d=é"], ["x", "*-._~!'()"]]);
  assert.equal(new TextDecoder().decode(body), "a+b=c%26d%3D%C3%A9&x=*-._%7E%21%27%28%29");
  assert.deepEqual(headers, [{ name: "content-type", value: "application/x-www-form-urlencoded" }]);
});

test("a probe is well on success alone", () => {
  const probing = { ...plugin, probeRequest: () => Request.get("https://a.example") };
  const said = (status, body = "{}") => {
    const http = { send: () => ({ status, headers: [], body: new TextEncoder().encode(body) }) };
    return connect(probing, { http }).send(link, { tag: "probe" }).verdict.tag;
  };
  assert.equal(said(200), "ok");
  assert.equal(said(401), "credential-invalid");
  assert.equal(said(404), "refused-whole");
  assert.equal(said(200, '{"ok":false}'), "refused-whole");
  assert.equal(said(200, '{"error":null,"errors":[]}'), "ok");
  assert.equal(said(207, '{"results":[{"error":"no"}]}'), "refused-whole");
  assert.equal(said(200, "<html>"), "unavailable");
  assert.equal(connect(plugin).send(link, { tag: "probe" }).verdict.tag, "ok");
});

test("who was accepted by nobody is unknown when asked about", () => {
  const tickets = [{ token: "a", requestKey: "", firstMember: 0, members: 2 }];
  const { fates } = connect(plugin).send(link, { tag: "resume", val: { tickets } });
  assert.deepEqual(fates, [{ members: [0, 1], outcome: outcome.unknown() }]);
});
