// Iterable, by `@iterable/api`: users in bulk, lists, and fields. The library reads every answer with its own schemas.
// Called by judges.py: iterable_judge.mjs URL KEY. Ends with 1 if there is a violation.

import assert from "node:assert/strict";
import { IterableClient } from "@iterable/api";

const [url, apiKey] = process.argv.slice(2);
const client = new IterableClient({ apiKey, baseUrl: url, timeout: 30000, debug: false });
const violations = [];
let tried = 0;

async function call(name, work) {
  tried += 1;
  try {
    await work();
  } catch (error) {
    violations.push(`${name}: ${error.constructor.name}: ${error.message}`);
  }
}

const ann = { email: "ann@example.com", userId: "u1", dataFields: { gold_customers: true, lifetime_value: 4.5 } };
let listId;

await call("bulk update", async () => {
  const told = await client.bulkUpdateUsers({ users: [ann, { userId: "u2", dataFields: { plan: "gold" } }] });
  assert.deepEqual([told.successCount, told.failCount], [2, 0]);
});
await call("bulk update with a bad user", async () => {
  const told = await client.bulkUpdateUsers({ users: [{ email: "no" }] });
  assert.equal(told.failCount, 1);
  assert.deepEqual(told.failedUpdates?.invalidEmails ?? told.invalidEmails, ["no"]);
});
await call("fields of users", async () => {
  const told = await client.getUserFields();
  assert.equal(told.fields.gold_customers, "boolean");
});
await call("user by e-mail address", async () => {
  const told = await client.getUserByEmail({ email: "ann@example.com" });
  assert.equal(told.user.dataFields.gold_customers, true);
});
await call("user by id", async () => {
  const told = await client.getUserByUserId({ userId: "u1" });
  assert.equal(told.user.email, "ann@example.com");
});
await call("user who is not there", async () => {
  assert.equal((await client.getUserByUserId({ userId: "u9" })).user, undefined);
});
await call("create list", async () => {
  ({ listId } = await client.createList({ name: "Gold customers", description: "by the judge" }));
});
await call("lists", async () => {
  const found = (await client.getLists()).lists.find((list) => list.id === listId);
  assert.deepEqual([found.name, found.listType], ["Gold customers", "Standard"]);
});
await call("subscribe", async () => {
  const told = await client.subscribeUserToList({ listId, subscribers: [{ email: "ann@example.com" }, { userId: "u2" }] });
  assert.deepEqual([told.successCount, told.failCount], [2, 0]);
});
await call("size of a list", async () => {
  assert.equal((await client.getListSize({ listId })).size, 2);
});
await call("users of a list", async () => {
  assert.equal((await client.getListUsers({ listId })).users.length, 2);
});
await call("unsubscribe", async () => {
  const told = await client.unsubscribeUserFromList({ listId, subscribers: [{ email: "ann@example.com" }] });
  assert.equal(told.successCount, 1);
});
await call("a value of another type", async () => {
  const clash = client.bulkUpdateUsers({ users: [{ userId: "u2", dataFields: { plan: 5 } }] });
  await assert.rejects(clash, (error) => error.statusCode === 400 && /RequestFieldsTypesMismatched/.test(JSON.stringify(error)));
});
await call("a list that does not exist", async () => {
  const lost = client.subscribeUserToList({ listId: 99999, subscribers: [{ userId: "u2" }] });
  await assert.rejects(lost, (error) => error.statusCode === 400);
});
await call("delete list", async () => {
  assert.equal((await client.deleteList({ listId })).code, "Success");
});
client.destroy();

console.log(`@iterable/api: ${tried} calls tried, ${violations.length} violations`);
violations.forEach((violation) => console.log(`  ${violation.replaceAll("\n", " ")}`));
process.exit(violations.length ? 1 : 0);
