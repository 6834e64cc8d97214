import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { afterAll, expect, test } from "vitest";

const ENTRY = join(import.meta.dirname, "../../cli/shao.js");
const folder = mkdtempSync(join(tmpdir(), "shao-cli-trust-"));
const config = join(folder, "bridge.yaml");
writeFileSync(
  config,
  `listen: { host: 127.0.0.1, mqtt: 0, http: 0 }\nstate: ${join(folder, "state")}\ntimeZone: Asia/Shanghai\n`,
);
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
});

function shao(...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [ENTRY, ...args], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  return child;
}

async function run(...args: string[]): Promise<{ code: number; lines: Record<string, unknown>[]; talk: string }> {
  const child = shao(...args);
  const texts = { stdout: "", stderr: "" };
  child.stdout?.on("data", (chunk: Buffer) => (texts.stdout += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (texts.stderr += chunk.toString()));
  const [code] = (await once(child, "close")) as [number];
  const lines = texts.stdout.split("\n").filter((line) => line !== "");
  return { code, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>), talk: texts.stderr };
}

test("init prints the CA's fingerprint and one link; node and user print what to hand on; the bridge serves and ends cleanly", async () => {
  expect(await run("node", "add", "site-042", "--config", config)).toMatchObject({
    code: 1,
    lines: [],
    talk: expect.stringContaining("BRIDGE_NOT_INITIALISED"),
  });
  const init = await run("bridge", "init", "--config", config);
  const { fingerprint } = init.lines[0] as { fingerprint: string };
  expect(init).toMatchObject({
    code: 0,
    lines: [{ made: true, adminLink: expect.stringMatching(/\/welcome#[\w-]{32}$/u) }],
  });
  expect(init.talk).toContain((fingerprint.match(/../gu) ?? []).join(":").toUpperCase());
  expect((await run("bridge", "init", "--config", config)).lines).toMatchObject([{ made: false, fingerprint }]);

  const user = await run("user", "add", "lin", "--role", "dispatcher", "--config", config);
  expect(user.lines).toMatchObject([{ name: "lin", role: "dispatcher", link: expect.stringContaining("/welcome#") }]);
  expect(await run("user", "add", "lin", "--role", "viewer", "--config", config)).toMatchObject({
    code: 1,
    talk: expect.stringContaining("ACCOUNT_NAME_TAKEN"),
  });

  const bridge = shao("bridge", "--config", config, "--log-level", "warn");
  const out = createInterface({ input: bridge.stdout ?? process.stdin });
  const [line] = (await once(out, "line")) as [string];
  const { url } = JSON.parse(line) as { url: string };
  const add = await run("node", "add", "site-042", "--config", config);
  const { token } = add.lines[0] as { token: string };
  const enrolled = await run("enroll", url, token, "--state", join(folder, "node"));
  expect(enrolled).toMatchObject({ code: 0, lines: [{ node: "site-042" }] });
  expect(existsSync(join(folder, "node"))).toBe(true);
  expect((await run("node", "ls", "--config", config)).lines).toMatchObject([
    { id: "site-042", pairedAtMs: expect.any(Number), presence: { transport: "never" } },
  ]);
  expect((await run("node", "revoke", "site-042", "--config", config)).code).toBe(0);
  const disabled = await run("user", "disable", "lin", "--config", config);
  expect(disabled.lines).toEqual([expect.objectContaining({ name: "lin", sessionsEnded: 0, linksEnded: 1 })]);
  const accounts = (await run("user", "ls", "--config", config)).lines;
  expect(accounts.find(({ name }) => name === "lin")).toMatchObject({ disabledAtMs: expect.any(Number) });
  expect((await run("user", "enable", "lin", "--config", config)).lines).toMatchObject([{ name: "lin" }]);
  expect(await run("user", "disable", "admin", "--config", config)).toMatchObject({
    code: 1,
    talk: expect.stringContaining("ACCOUNT_LAST_ADMIN"),
  });
  const ended = once(bridge, "exit");
  bridge.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
}, 180_000);

test("wrong usage and a bad config end with their own exit codes", async () => {
  const bad = join(folder, "bad.yaml");
  writeFileSync(bad, "listen: { host: 127.0.0.1, mqtt: none, http: 0 }\nstate: x\n");
  const [usage, role, broken] = await Promise.all([
    run("node", "add", "Site 42", "--config", config),
    run("user", "add", "x", "--role", "boss", "--config", config),
    run("bridge", "--config", bad),
  ]);
  expect([usage.code, role.code, broken.code]).toEqual([64, 64, 78]);
  expect(broken.talk).toContain("bad.yaml:1:");
});
