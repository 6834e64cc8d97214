import { type ChildProcess, execFile, spawn } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { freePorts } from "../../cli/sim/free-port.ts";
import { ApiClient } from "../fakes/api-client.ts";
import { freePort, hasRig, scratchFolder, startPymodbus } from "../fakes/rigs.ts";
import { ROOT } from "../repo/source-tree.ts";

const MINUTE = 60_000;
/** Time that a step may take; the test runs beside others. */
const SLOW_MS = 10 * MINUTE;
vi.setConfig({ testTimeout: 3 * SLOW_MS, hookTimeout: SLOW_MS });

const lacking = (["curl", "pymodbus"] as const).filter((rig) => !hasRig(rig));
if (lacking.length > 0 && process.env["CI"] !== undefined) throw new Error(`missing: ${lacking.join(", ")}`);
const here = test.skipIf(lacking.length > 0);

const OPERATIONS = readFileSync(join(ROOT, "docs/operations.md"), "utf8");
const API = readFileSync(join(ROOT, "docs/api.md"), "utf8");

/** The code blocks of one chapter of a page, as a reader copies them. */
function blocksOf(page: string, chapter: string): string[] {
  const text = page.slice(page.indexOf(`\n## ${chapter}\n`)).split(/\n## /u)[1] ?? "";
  const blocks = [...text.matchAll(/^ *```sh\n([\s\S]*?)^ *```$/gmu)].map(([, block = ""]) =>
    block.replaceAll(/^ +/gmu, ""),
  );
  expect(blocks.length, chapter).toBeGreaterThan(0);
  return blocks;
}

/** A command that a chapter names inside a sentence: it must stand there. */
function named(command: string): string {
  expect(OPERATIONS).toContain(`\`${command}\``);
  return command;
}

const folder = scratchFolder();
const cloud = join(folder.path, "cloud");
const programs: ChildProcess[] = [];
const said = new Map<ChildProcess, string>();
let ports: readonly number[] = [];
let bridge: ChildProcess;
let operator: ApiClient;

/** What a shell of ours finds under the name `shao`. */
const env = () => ({ ...process.env, PATH: `${join(folder.path, "bin")}:${process.env["PATH"]}` });

/** A place with a shell: the bridge's, or a box. The words in capitals are what a reader fills in. */
function filledIn(command: string, token = ""): string {
  return command.replaceAll("BRIDGE:8443", `localhost:${ports[1]}`).replaceAll("TOKEN", token);
}

/** Typed, and waited for. @returns its stdout */
function type(place: string, command: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const options = { cwd: place, env: env(), timeout: SLOW_MS };
  execFile("bash", ["-c", `set -euo pipefail\n${command}`], options, (error, stdout, stderr) => {
    if (error === null) resolve(stdout);
    else reject(new Error(`${command}\n${stdout}${stderr}`, { cause: error }));
  });
  return promise;
}

/** A command that stays: typed, and left running. */
function leave(place: string, command: string): ChildProcess {
  const program = spawn("bash", ["-c", `exec ${command}`], {
    cwd: place,
    env: env(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  programs.push(program);
  for (const stream of [program.stdout, program.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => said.set(program, `${said.get(program) ?? ""}${text}`));
  }
  return program;
}

async function becomes<T>(ask: () => Promise<T>, isSo: (value: T) => boolean, about: () => string): Promise<T> {
  const startMs = performance.now();
  for (;;) {
    const value = await ask();
    if (isSo(value)) return value;
    if (performance.now() - startMs > SLOW_MS) throw new Error(`${JSON.stringify(value)}\n${about().slice(-3000)}`);
    await wait(300);
  }
}

const ask = async (path: string) => (await operator.ask(`/api/v1/${path}`)).json;
const presence = async (node: string) =>
  ((await ask(`nodes/${node}`)) as { presence: { transport: string } }).presence.transport;
/** Begins of the minutes of levels that the bridge has, in whole seconds: a node's clock may be corrected by less. */
const minutes = async (node: string): Promise<number[]> => {
  const toMs = Date.now() + MINUTE;
  const levels = await ask(`nodes/${node}/levels?device=noise-01&fromMs=${toMs - 60 * MINUTE}&toMs=${toMs}`);
  const found = (levels as { minutes: readonly { readonly series: { readonly fromMs: number } }[] }).minutes;
  return found.map(({ series }) => Math.round(series.fromMs / 1000));
};

async function box(name: string, node: string, site: string): Promise<string> {
  const place = join(folder.path, name);
  mkdirSync(place);
  const meter = await freePort();
  const slave = startPymodbus("tcp", String(meter));
  slaves.push(slave);
  writeFileSync(
    join(place, "site.yaml"),
    `node: ${node}
site: { name: ${site}, timeZone: Asia/Shanghai }
bridge: { url: "mqtts://localhost:${ports[0]}" }
state: ./state/${node}
buses: { rs485: { tcp: "127.0.0.1:${meter}", framing: tcp } }
devices:
  noise-01: { driver: modbus-noise, bus: rs485, unit: 1, profile: sonbest-sm7901b, periodMs: 1000 }
rules: {}
`,
  );
  return place;
}
const slaves: { stop(): Promise<void> }[] = [];

const tokenOf = (offer: string) => (JSON.parse(offer) as { token: string }).token;

beforeAll(async () => {
  if (lacking.length > 0) return;
  ports = await freePorts(2);
  mkdirSync(join(folder.path, "bin"));
  symlinkSync(join(ROOT, "scripts/shao"), join(folder.path, "bin/shao"));
  mkdirSync(join(cloud, "config"), { recursive: true });
  writeFileSync(
    join(cloud, "config/bridge.yaml"),
    `listen: { host: 127.0.0.1, publicHost: localhost, mqtt: ${ports[0]}, http: ${ports[1]} }
state: ./state/bridge
timeZone: Asia/Shanghai
`,
  );
  await type(cloud, named("shao check config/bridge.yaml"));
  const { adminLink } = JSON.parse(await type(cloud, named("shao bridge init --config config/bridge.yaml"))) as {
    adminLink: string;
  };
  bridge = leave(cloud, named("shao bridge --config config/bridge.yaml"));
  await becomes(
    async () => said.get(bridge) ?? "",
    (text) => text.includes('"mqttUrl"'),
    () => said.get(bridge) ?? "",
  );
  operator = new ApiClient(
    `https://localhost:${ports[1]}`,
    readFileSync(join(cloud, "state/bridge/trust/ca.pem"), "utf8"),
  );
  const link = new URL(adminLink);
  const password = "a password of this test";
  expect((await operator.post("/api/v1/welcome", { token: link.hash.slice(1), password })).status).toBe(200);
});

afterAll(async () => {
  for (const program of programs) program.kill("SIGKILL");
  for (const slave of slaves) await slave.stop();
  folder.remove();
});

const [revoke = "", add = "", start = "", bind = ""] = blocksOf(OPERATIONS, "A lost or broken box");
const [check = "", enrol = "", run = ""] = start.trim().split("\n");
let stolen: ChildProcess;
let replacement: ChildProcess;
let heardBefore: readonly number[] = [];

here("a box is paired as the page says, and its levels arrive", async () => {
  const place = await box("old", "site-042", "Guanghua Road block 7");
  const pair = blocksOf(OPERATIONS, "Pair a box")[0]?.split("\n") ?? [];
  const [atBridge = "", onBox = ""] = pair.map((line) => line.replace(/\s+#.*$/u, ""));
  const token = tokenOf(await type(cloud, atBridge));
  await type(place, filledIn(onBox, token));
  stolen = leave(place, run);
  await becomes(
    () => presence("site-042"),
    (is) => is === "connected",
    () => said.get(stolen) ?? "",
  );
  await becomes(
    () => minutes("site-042"),
    (found) => found.length > 0,
    () => said.get(stolen) ?? "",
  );
});

here("a stolen box is shut out within seconds, and stays out", async () => {
  await type(cloud, revoke);
  const startMs = performance.now();
  await becomes(
    () => presence("site-042"),
    (is) => is === "disconnected",
    () => said.get(stolen) ?? "",
  );
  process.stderr.write(`shut out ${Math.round(performance.now() - startMs)} ms after the command ended\n`);
  await becomes(
    async () => said.get(stolen) ?? "",
    (text) => text.includes("BROKER_REFUSED"),
    () => said.get(stolen) ?? "",
  );
  expect(await presence("site-042")).toBe("disconnected");
  heardBefore = await minutes("site-042");
  expect(heardBefore.length).toBeGreaterThan(0);
});

here(
  "the new box under the old id goes on at the same site with the same history, while the old one knocks in vain",
  async () => {
    const place = join(folder.path, "new");
    mkdirSync(place);
    cpSync(join(folder.path, "old/site.yaml"), join(place, "site.yaml"));
    const token = tokenOf(await type(cloud, add));
    await type(place, check);
    await type(place, filledIn(enrol, token));
    replacement = leave(place, run);
    await becomes(
      () => presence("site-042"),
      (is) => is === "connected",
      () => said.get(replacement) ?? "",
    );
    const later = await becomes(
      () => minutes("site-042"),
      (found) => found.length > heardBefore.length,
      () => said.get(replacement) ?? "",
    );
    expect(later).toEqual(expect.arrayContaining([...heardBefore]));
    expect(await ask("nodes/site-042")).toMatchObject({ siteId: "site-042", presence: { transport: "connected" } });
    expect(await ask("devices?node=site-042")).toMatchObject({ items: [{ device: "noise-01", siteId: "site-042" }] });
    const books = (await ask("nodes/site-042/accounting")) as { runs: unknown[] };
    expect(books.runs).toHaveLength(2);
    expect(stolen.exitCode).toBeNull();
    const faults = (await ask("alarms?family=fault&standing=true")) as { items: readonly { readonly rule: string }[] };
    expect(faults.items.filter(({ rule }) => /evidence|shared|quarantine/u.test(rule))).toEqual([]);
    stolen.kill("SIGTERM");
  },
);

here(
  "a box with an id of its own takes the place: from then on its meter counts for that site, also after its next start",
  async () => {
    const place = await box("other", "box-77", "in the workshop");
    const token = tokenOf(await type(cloud, add.replace("site-042", "box-77")));
    await type(place, check);
    await type(place, filledIn(enrol, token));
    const first = leave(place, run);
    const devices = () => ask("devices?node=box-77") as Promise<{ items: { siteId?: string }[] }>;
    await becomes(
      devices,
      ({ items }) => items.length > 0,
      () => said.get(first) ?? "",
    );
    const script = [...blocksOf(API, "Sign in"), bind].join("\n");
    const before = `BRIDGE=https://localhost:${ports[1]}; CA=state/bridge/trust/ca.pem; NAME=admin; PASSWORD="a password of this test"\n`;
    await type(cloud, `${before}${script}`);
    expect((await devices()).items.at(-1)).toMatchObject({ siteId: "site-042" });
    first.kill("SIGTERM");
    await becomes(
      async () => first.exitCode,
      (code) => code !== null,
      () => said.get(first) ?? "",
    );
    const again = leave(place, run);
    await becomes(
      () => presence("box-77"),
      (is) => is === "connected",
      () => said.get(again) ?? "",
    );
    await becomes(
      () => minutes("box-77"),
      (found) => found.length > 0,
      () => said.get(again) ?? "",
    );
    expect(await ask("nodes/box-77")).toMatchObject({ siteId: "site-042" });
  },
);

here("a bridge is backed up while it runs, and restored as the page says: its boxes go on", async () => {
  const [backup = "", restore = ""] = blocksOf(OPERATIONS, "Back up and restore");
  const filled = (block: string) =>
    block.replaceAll("FOLDER", join(folder.path, "backup")).replaceAll("ASIDE", join(folder.path, "aside"));
  await type(cloud, filled(backup));
  bridge.kill("SIGTERM");
  await becomes(
    async () => bridge.exitCode,
    (code) => code !== null,
    () => said.get(bridge) ?? "",
  );
  await type(join(cloud, "state/bridge"), filled(restore));
  bridge = leave(cloud, "shao bridge --config config/bridge.yaml");
  await becomes(
    async () => (await operator.ask("/api/v1/nodes/site-042").catch(() => undefined))?.status,
    (status) => status === 200,
    () => said.get(bridge) ?? "",
  );
  await becomes(
    () => presence("site-042"),
    (is) => is === "connected",
    () => said.get(replacement) ?? "",
  );
  expect(await minutes("site-042")).toEqual(expect.arrayContaining([...heardBefore]));
});
