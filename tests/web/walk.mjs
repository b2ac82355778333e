// The original's steps, one by one, and what may go wrong on the way; each page is judged by axe in both schemes.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { basename, join } from "node:path";
import { chromium } from "playwright-core";
import { THIRTEEN, begin } from "./host.mjs";

const [enroute, plugins, target] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const host = await begin(enroute, plugins);
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
const told = [];
const only = process.env.ONLY;
mkdirSync(join(target, "pictures"), { recursive: true });

const enter = async (token = host.admin, more = {}) => {
  const context = await browser.newContext({
    baseURL: host.url, viewport: { width: 1280, height: 900 }, reducedMotion: "reduce", timezoneId: "Europe/Oslo", ...more,
  });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  page.on("console", (message) => {
    // A status that the test provokes is told by the browser itself.
    if (message.type() === "error" && !message.text().includes("Failed to load resource")) told.push(`${page.url()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => told.push(`${page.url()}: ${error}`));
  page.on("request", (request) => { if (!request.url().startsWith(host.url)) told.push(`asked elsewhere: ${request.url()}`); });
  page.on("response", (answer) => { if (answer.status() >= 500) told.push(`${answer.url()}: ${answer.status()}`); });
  await page.goto("/");
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("heading", { level: 1 }).waitFor();
  return page;
};

/** Judges a page in both schemes, at both widths, and keeps pictures of it. */
const judge = async (page, name) => {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    // The judge comes in by the protocol, so that the page's policy stays as it is.
    await page.evaluate(axe);
    const found = await page.evaluate(() => globalThis.axe.run({ resultTypes: ["violations"] }));
    for (const one of found.violations) told.push(`${name} (${colorScheme}): ${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`);
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.screenshot({ path: join(target, "pictures", `${name}-1280.png`), fullPage: true });
  await page.setViewportSize({ width: 390, height: 844 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  if (wide > 390) told.push(`${name}: ${wide} wide on a phone`);
  await page.screenshot({ path: join(target, "pictures", `${name}-390.png`), fullPage: true });
  await page.setViewportSize({ width: 1280, height: 900 });
  assert.equal(await page.evaluate(() => globalThis.broken), undefined, `${name}: a script of the data ran`);
};

const press = (page, name) => page.getByRole("button", { name, exact: true }).click();

/** With keys alone: goes to an element by Tab, however far it is. */
const reach = async (page, locator) => {
  const element = await locator.elementHandle();
  for (let turn = 0; turn < 600; turn += 1) {
    if (await page.evaluate((one) => document.activeElement === one, element)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`no way by Tab to ${locator}`);
};
const strike = async (page, locator, key = "Enter") => {
  await reach(page, locator);
  await page.keyboard.press(key);
};
const write = async (page, locator, text) => {
  await reach(page, locator);
  await page.keyboard.press("Control+A");
  await page.keyboard.type(text);
};

const addDestination = async (page, { plugin, name, settings, secrets, at }) => {
  await page.goto(`/destinations/new?plugin=${plugin}`);
  await page.locator("#destination").fill(name);
  for (const one of await page.locator("details summary").all()) await one.click();
  for (const [key, value] of Object.entries(settings)) await page.locator(`[name="set.${key}"]:visible`).fill(value);
  for (const [key, value] of Object.entries(secrets)) await page.locator(`[name="secret.${key}"]:visible`).fill(value);
  await page.locator("#hosts").fill(at.host);
  await page.locator("#networks").fill("127.0.0.0/8");
  await judge(page, `destination-new-${plugin}`);
  await press(page, "Review");
  await judge(page, `destination-review-${plugin}`);
  await press(page, "Save");
  await page.waitForURL(`**/destinations/${name}`);
};

const delivered = async (audience, destination) => {
  const page = await enter();
  for (let turn = 0; turn < 100; turn += 1) {
    await page.goto(`/audiences/${audience}/to/${destination}`);
    const text = await page.locator("main").innerText();
    if (/Connected/.test(text) && /\b100\b/.test(text)) return page;
    // The host takes turns of its own; its next page is asked when this one has come.
    await page.waitForLoadState("networkidle");
  }
  throw new Error(`nothing arrived: ${await page.locator("main").innerText()}\n${host.notes()}`);
};

const steps = {
  async "an empty host tells what to do first"() {
    const page = await enter();
    assert.match(await page.locator("main").innerText(), /Three steps/);
    for (const path of ["", "audiences", "destinations", "destinations/new", "activity", "activity/waiting", "activity/refused", "people", "sources", "traits", "plugins", "config", "config/edit", "access"]) {
      await page.goto(`/${path}`);
      await judge(page, `empty-${path.replaceAll("/", "-") || "home"}`);
    }
  },
  async "a destination is added from its plugin"() {
    await addDestination(await enter(), {
      plugin: "facebook", name: "facebook-ads", settings: { base_url: host.facebook.url, audience_id: "23848494844100489" },
      secrets: { access_token: "${file:facebook.token}", app_secret: "${file:facebook.secret}" }, at: host.facebook,
    });
    assert.match(host.file("plugins.toml"), /^# What this team reviewed\./);
  },
  async "an audience is built from rows, counted and saved"() {
    const page = await enter();
    await page.goto("/audiences/new");
    await page.locator("#name").fill("VIP buyers");
    assert.equal(await page.locator("#key").inputValue(), "vip_buyers");
    if (await page.locator("[name=what]").count() === 0) await press(page, "Add condition");
    await page.locator("[name=what]").first().fill("traits.plan");
    await page.locator("[name=value]").first().fill("gold");
    await page.locator("[data-live-count]").filter({ hasText: "100" }).waitFor();
    await judge(page, "build");
    await press(page, "Save and connect");
    await press(page, "Save");
    await page.waitForURL("**/audiences/vip_buyers/connect");
    assert.match(host.file("audiences.toml"), /^# Kept by the CRM team\.\n\[source\.crm\]\nfile = "profiles\.ndjson" # every night\n/);
    assert.match(host.file("audiences.toml"), /where = "traits ->> 'plan' = 'gold'"/);
    await judge(page, "connect-choose");
  },
  async "thirteen traits are connected, each with a field, and arrive"() {
    const page = await enter();
    await page.goto("/audiences/vip_buyers/connect?to=facebook-ads");
    await page.getByRole("radio", { name: /Customized/ }).check();
    if (!await page.locator("#ticks").isVisible()) await page.locator("summary", { hasText: "Add Trait" }).click();
    for (const trait of Object.keys(THIRTEEN)) await page.locator(`#ticks input[value="${trait}"], #ticks input[value="traits.${trait}"]`).first().check();
    await press(page, "Add ticked traits");
    const rows = await page.locator("[name=trait]").all();
    for (const [at, row] of rows.entries()) {
      const field = THIRTEEN[(await row.inputValue()).replace(/^traits\./, "")];
      if (field) await page.locator("[name=field]").nth(at).fill(field);
    }
    await judge(page, "connect");
    await page.locator("main").getByRole("button", { name: "Review" }).last().click();
    await judge(page, "review");
    await press(page, "Save and start");
    await page.waitForURL("**/to/facebook-ads");
    for (const field of Object.values(THIRTEEN)) assert.match(host.file("audiences.toml"), new RegExp(`"${field}"`), field);
    await judge(await delivered("vip_buyers", "facebook-ads"), "connection");
  },
  async "Braze gets a preset and an event variable"() {
    const page = await enter();
    await addDestination(page, {
      plugin: "braze", name: "braze-eu", settings: { endpoint: host.braze.url }, secrets: { api_key: "${file:braze.key}" }, at: host.braze,
    });
    await page.goto("/audiences/vip_buyers/connect?to=braze-eu");
    await page.getByRole("radio", { name: /Customized/ }).check();
    if (!await page.locator("#ticks").isVisible()) await page.locator("summary", { hasText: "Add Trait" }).click();
    for (const trait of ["email", "firstName", "lifetime_value"]) await page.locator(`#ticks input[value="${trait}"]`).check();
    await press(page, "Add ticked traits");
    await page.locator("main").getByRole("button", { name: "Review" }).last().click();
    await press(page, "Save, start later");
    await page.goto("/destinations/braze-eu/mappings/edit?audience=vip_buyers&preset=Update%20User%20Profile");
    await press(page, "Add field");
    await page.locator("[name=m_field]").last().fill("ltv");
    await page.locator("[name=m_value]").last().fill("traits.lifetime_value");
    await page.locator("#person").fill("u-2");
    await press(page, "Test");
    await judge(page, "mapping");
    await press(page, "Save and enable");
    await judge(page, "mapping-review");
    await press(page, "Save");
    assert.match(host.file("audiences.toml"), /"@path" = "traits\.lifetime_value"/);
  },
  async "Braze has the members with their traits"() {
    const page = await enter();
    await page.goto("/audiences/vip_buyers/to/braze-eu");
    await press(page, "Turn on");
    await press(page, "Save");
    await judge(await delivered("vip_buyers", "braze-eu"), "connection-braze");
    // What left for one of them has the event variable's value.
    assert.match(host.ask("try", "vip_buyers", "braze-eu", "--profile", "u-2"), /ltv\W+102/);
  },
  async "a person who comes by the browser's library shows up"() {
    const library = join(createRequire(import.meta.url).resolve("@segment/analytics-next/package.json"), "../dist/umd");
    const site = createServer((request, answer) => {
      const isPage = request.url === "/";
      answer.writeHead(200, { "content-type": isPage ? "text/html" : "text/javascript" });
      const file = join(library, basename(request.url));
      const page = '<!doctype html><title>A shop</title><link rel="icon" href="data:,"><h1>A shop</h1>';
      answer.end(isPage ? page : existsSync(file) ? readFileSync(file) : "");
    });
    await new Promise((done) => site.listen(0, "127.0.0.1", done));
    const visitor = await (await browser.newContext()).newPage();
    await visitor.goto(`http://127.0.0.1:${site.address().port}/`);
    await visitor.addScriptTag({ url: "/index.js" });
    await visitor.evaluate(async (cdnURL) => {
      const [analytics] = await globalThis.AnalyticsNext.AnalyticsBrowser.load({ writeKey: "site-key", cdnURL });
      await analytics.identify("web-1", { firstName: "Wanda", plan: "gold" });
      await analytics.track("Order Completed", { revenue: 12.5 });
    }, host.url);
    site.close();
    const page = await enter();
    // She is gold, so she enters the audience, and Braze has her.
    for (let turn = 0; ; turn += 1) {
      await page.goto("/people");
      await page.locator("#kind").fill("id");
      await page.locator("#value").fill("web-1");
      await press(page, "Find");
      const text = await page.locator("main").innerText();
      if (/firstName/.test(text) && /braze-eu[^]*There/.test(text)) break;
      assert.ok(turn < 100, text);
    }
    await judge(page, "person-of-the-site");
  },
  async "all of that by the keyboard alone"() {
    const page = await enter();
    const [link, button] = ["link", "button"].map((role) => (name) => page.getByRole(role, { name }).first());
    await strike(page, link(/^Destinations/));
    await page.waitForURL("**/destinations");
    await strike(page, link(/Add (the first )?destination/));
    await page.waitForURL("**/destinations/new");
    await strike(page, page.locator("a[href='/destinations/new?plugin=facebook']"));
    await write(page, page.locator("#destination"), "facebook-keys");
    for (const summary of await page.locator("details summary").all()) await strike(page, summary);
    await write(page, page.locator('[name="set.base_url"]:visible'), host.facebook.url);
    await write(page, page.locator('[name="set.audience_id"]:visible'), "23848494844100490");
    await write(page, page.locator('[name="secret.access_token"]:visible'), "${file:facebook.token}");
    await write(page, page.locator('[name="secret.app_secret"]:visible'), "${file:facebook.secret}");
    await write(page, page.locator("#hosts"), host.facebook.host);
    await write(page, page.locator("#networks"), "127.0.0.0/8");
    await strike(page, button("Review"));
    await strike(page, button("Save"));
    await page.waitForURL("**/destinations/facebook-keys");
    await strike(page, link(/^Audiences/));
    await page.waitForURL("**/audiences");
    await strike(page, link(/Create (the first )?audience/));
    await page.waitForURL("**/audiences/new");
    await write(page, page.locator("#name"), "Keyboard buyers");
    if (await page.locator("[name=what]").count() === 0) await strike(page, button("Add condition"));
    await write(page, page.locator("[name=what]").first(), "traits.plan");
    await write(page, page.locator("[name=value]").first(), "gold");
    await strike(page, button("Save and connect"));
    await strike(page, page.getByRole("button", { name: "Save", exact: true }));
    await page.waitForURL("**/audiences/keyboard_buyers/connect");
    await strike(page, page.locator("a[href$='connect?to=facebook-keys']"));
    const customized = page.getByRole("radio", { name: /Customized/ });
    await reach(page, page.locator("[name=setup]:checked").or(customized).first());
    if (!await customized.isChecked()) await page.keyboard.press("ArrowDown");
    assert.ok(await customized.isChecked());
    if (!await page.locator("#ticks").isVisible()) await strike(page, page.locator("summary", { hasText: "Add Trait" }));
    for (const trait of Object.keys(THIRTEEN)) await strike(page, page.locator(`#ticks input[value="${trait}"], #ticks input[value="traits.${trait}"]`).first(), "Space");
    await strike(page, button("Add ticked traits"));
    await page.locator("[name=trait]").nth(12).waitFor({ state: "attached" });
    for (const [at, row] of (await page.locator("[name=trait]").all()).entries()) {
      const field = THIRTEEN[(await row.inputValue()).replace(/^traits\./, "")];
      if (field) await write(page, page.locator("[name=field]").nth(at), field);
    }
    await strike(page, page.locator("main").getByRole("button", { name: "Review" }).last());
    await strike(page, button("Save and start"));
    await page.waitForURL("**/to/facebook-keys");
    await delivered("keyboard_buyers", "facebook-keys");
  },
  async "a destination that is down is told with its cause"() {
    const page = await enter();
    await addDestination(page, {
      plugin: "facebook", name: "facebook-down", settings: { base_url: "http://127.0.0.1:9", audience_id: "23848494844100491" },
      secrets: { access_token: "${file:facebook.token}", app_secret: "${file:facebook.secret}" }, at: { host: "127.0.0.1:9" },
    });
    await page.goto("/audiences/vip_buyers/connect?to=facebook-down");
    await page.locator("main").getByRole("button", { name: "Review" }).last().click();
    await press(page, "Save and start");
    await page.waitForURL("**/to/facebook-down");
    for (let turn = 0; ; turn += 1) {
      const text = await page.locator("main").innerText();
      if (/connection.*refused|refused.*connection|connection failed/i.test(text)) break;
      assert.ok(turn < 100, text);
      await page.goto("/audiences/vip_buyers/to/facebook-down");
      await page.waitForLoadState("networkidle");
    }
    await judge(page, "connection-down");
    await page.goto("/");
    const home = await page.locator("main").innerText();
    assert.match(home, /\b100 wait\b|Not answering/);
    assert.doesNotMatch(home, /All is well/);
    await judge(page, "home-down");
  },
  async "every page with data is sound"() {
    const page = await enter();
    for (const path of ["", "audiences", "audiences/vip_buyers", "audiences/vip_buyers/build", "destinations", "destinations/facebook-ads", "destinations/braze-eu/mappings", "activity", "activity/runs/1", "people", "sources", "traits", "plugins", "plugins/facebook", "config", "config/edit", "access"]) {
      await page.goto(`/${path}`);
      await judge(page, path.replaceAll("/", "-") || "home");
    }
    await page.goto("/people");
    await page.locator("#kind").fill("id");
    await page.locator("#value").fill("u-2");
    await press(page, "Find");
    const found = page.locator("main table a[href^='/people/']").first();
    if (await found.count()) await found.click();
    await judge(page, "person");
    assert.doesNotMatch(page.url(), /u-2/);
    assert.doesNotMatch(await page.locator("main").innerText(), /person2@example/);
  },
  async "a login that ends in a form loses nothing"() {
    const page = await enter();
    await page.goto("/audiences/new");
    await page.locator("#name").fill("Typed before");
    await page.locator("#key").fill("typed_before");
    await page.context().clearCookies();
    await press(page, "Save");
    await page.getByLabel("Token").fill(host.admin);
    await press(page, "Log in");
    assert.match(await page.content(), /Typed before/);
    await judge(page, "resume");
  },
  async "two tabs that save are a conflict, and the second keeps both"() {
    const [first, second] = [await enter(), await enter()];
    const open = async (page, name) => {
      await page.goto("/audiences/vip_buyers/build");
      await page.locator("#name").fill(name);
      await press(page, "Save");
    };
    await open(first, "First");
    await open(second, "Second");
    await press(first, "Save");
    await first.waitForURL("**/audiences/vip_buyers");
    await press(second, "Save");
    await second.getByText(/meanwhile|changed/i).first().waitFor();
    await judge(second, "conflict");
    assert.match(host.file("audiences.toml"), /name = "First"/);
  },
  async "a form of another site changes nothing"() {
    const page = await enter();
    const before = host.file("audiences.toml");
    const answer = await page.request.post("/change", { headers: { origin: "https://elsewhere.example" }, form: { do: "texts", audiences: "" } });
    assert.equal(answer.status(), 403);
    assert.equal(host.file("audiences.toml"), before);
  },
  async "a viewer sees pages without their buttons"() {
    const page = await enter(host.viewer);
    await page.goto("/audiences/new");
    assert.equal(await page.getByRole("button", { name: "Save", exact: true }).count(), 0);
    await judge(page, "viewer");
  },
  async "a file that is broken by hand is told on every page"() {
    const page = await enter();
    const before = host.file("audiences.toml");
    host.write("audiences.toml", `${before}\n[audience.`);
    try { host.ask("reload"); } catch { /* it is refused, as it should be */ }
    await page.goto("/people");
    await page.getByText("not in force").waitFor();
    await judge(page, "broken");
    host.write("audiences.toml", before);
    host.ask("reload");
  },
};

let failed = 0;
for (const [name, step] of Object.entries(steps)) {
  if (only && !name.includes(only)) continue;
  const from = told.length;
  try {
    await step();
    for (const one of told.slice(from)) console.log(`  ${one}`);
    failed += told.length > from ? 1 : 0;
    console.log(`${told.length > from ? "FAILED" : "ok"}  ${name}`);
  } catch (error) {
    failed += 1;
    for (const one of told.slice(from)) console.log(`  ${one}`);
    console.log(`FAILED  ${name}\n${error.stack}`);
  }
  for (const context of browser.contexts()) {
    if (failed && context.pages()[0]) await context.pages()[0].screenshot({ path: join(target, `last-${name.replaceAll(/\W+/g, "-")}.png`) }).catch(() => {});
    await context.close();
  }
}
await browser.close();
await host.end();
process.exit(failed ? 1 : 0);
