// A host in a temporary folder, beside the demo's fake destinations.
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** The thirteen traits, each with the field that Facebook has for it. */
export const THIRTEEN = {
  email: "EMAIL", phone: "PHONE", firstName: "FN", lastName: "LN", gender: "GEN", birthYear: "DOBY", birthMonth: "DOBM",
  birthday: "DOBD", "address.state": "ST", "address.city": "CT", "address.postalCode": "ZIP", "address.country": "COUNTRY",
  "context.device.advertisingId": "MADID",
};

const person = (number) => ({
  id: `u-${number}`,
  traits: {
    plan: number % 2 ? "silver" : "gold", lifetime_value: 100 + number,
    email: `person${number}@example.com`, phone: `+351912345${String(number).padStart(3, "0")}`, firstName: "Ana", lastName: "Silva",
    gender: "f", birthYear: "1980", birthMonth: "02", birthday: "14",
    address: { state: "ca", city: "lisbon", postalCode: "94110", country: "pt" },
    note: number === 2 ? "<script>globalThis.broken = true</script>" : "x",
    "<img src=x onerror=globalThis.broken=true>": 1,
  },
  context: { device: { advertisingId: `aaaaaaaa-0000-4000-8000-${String(number).padStart(12, "0")}` } },
});

/** Starts a program and waits for the address that it tells. */
const started = (program, args) => new Promise((done, failed) => {
  const process = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "", notes = "";
  process.stderr.on("data", (data) => { notes += data; });
  process.stdout.on("data", (data) => {
    said += data;
    const found = /https?:\/\/127\.0\.0\.1:\d+/.exec(said);
    if (found) done({ process, url: found[0], notes: () => notes });
  });
  process.on("exit", (code) => failed(new Error(`${args.join(" ")} ended with ${code}: ${said}${notes}`)));
});

/** The fakes, and a host that knows two plugins and people, and has neither destination nor audience. */
export const begin = async (enroute, plugins) => {
  const folder = mkdtempSync(join(tmpdir(), "enroute-web-"));
  const [demo, work] = [join(folder, "demo"), join(folder, "work")];
  const fakes = await started(enroute, ["demo", "--serve", "--keep", demo, "--plugins", resolve(plugins), "--listen", "127.0.0.1:0", "--events", "0", "--profiles", "20"]);
  const told = readFileSync(join(demo, "plugins.toml"), "utf8");
  const of = (name) => {
    const block = told.split(`[destination.${name}]`)[1].split("[destination.")[0];
    return {
      host: /hosts = \["([^"]+)"/.exec(block)[1],
      url: /(?:base_url|endpoint) = "([^"]+)"/.exec(block)[1],
    };
  };
  mkdirSync(join(work, "plugins"), { recursive: true });
  for (const id of ["facebook", "braze"]) cpSync(join(plugins, `${id}.wasm`), join(work, "plugins", `${id}.wasm`));
  for (const file of ["facebook.token", "facebook.secret", "braze.key"]) cpSync(join(demo, file), join(work, file));
  writeFileSync(join(work, "site.key"), "site-key");
  writeFileSync(join(work, "plugins.toml"), "# What this team reviewed.\n");
  writeFileSync(join(work, "audiences.toml"), "# Kept by the CRM team.\n[source.crm]\nfile = \"profiles.ndjson\" # every night\n\n[source.site]\nholds = \"events\"\nlisten = true\nkey = \"${file:site.key}\"\n");
  writeFileSync(join(work, "profiles.ndjson"), Array.from({ length: 200 }, (_, at) => JSON.stringify(person(at + 1))).join("\n"));
  const ask = (...args) => execFileSync(enroute, ["-C", work, "--json", ...args], { encoding: "utf8" });
  ask("import");
  const admin = JSON.parse(ask("token", "new", "web", "--role", "admin")).token;
  const viewer = JSON.parse(ask("token", "new", "looker", "--role", "viewer")).token;
  const host = await started(enroute, ["-C", work, "serve", "--listen", "127.0.0.1:0"]);
  return {
    work, admin, viewer, ask, url: host.url, facebook: of("facebook-ads"), braze: of("braze-eu"),
    file: (name) => readFileSync(join(work, name), "utf8"),
    write: (name, text) => writeFileSync(join(work, name), text),
    notes: host.notes,
    end: async () => {
      for (const one of [host, fakes]) {
        const gone = new Promise((done) => { one.process.removeAllListeners("exit"); one.process.on("exit", done); });
        one.process.kill();
        await gone;
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
