import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT } from "../repo/source-tree.ts";

let folder = "";
let server: Server;
let status = 200;
let port = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "shao-health-"));
  mkdirSync(join(folder, "state"));
  writeFileSync(join(folder, "site.yaml"), "state: ./state\n");
  server = createServer((_, response) => response.writeHead(status).end());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  port = typeof address === "object" && address !== null ? address.port : 0;
  writeFileSync(join(folder, "bridge.yaml"), bridge(port));
});

afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

function bridge(http: number): string {
  return `listen: { host: 127.0.0.1, mqtt: 1883, http: ${http} }\nstate: ./state\ninsecureLoopback: true\n`;
}

async function check(...words: string[]): Promise<{ exit: unknown; said: string }> {
  const child = spawn(process.execPath, [join(ROOT, "scripts/health-check.ts"), ...words], { cwd: folder });
  let said = "";
  const keep = (chunk: Buffer): void => {
    said += chunk.toString();
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const exit = await new Promise((resolve) => child.on("close", resolve));
  return { exit, said };
}

test("a bridge that answers 200 is healthy, one that answers anything else is not", async () => {
  status = 200;
  expect(await check("bridge", "--config", "bridge.yaml")).toEqual({ exit: 0, said: "/health answered 200\n" });
  status = 503;
  expect(await check("bridge", "--config", "bridge.yaml")).toEqual({ exit: 1, said: "/health answered 503\n" });
});

test("a bridge that does not listen is not healthy", async () => {
  writeFileSync(join(folder, "nobody.yaml"), bridge(1));
  const { exit, said } = await check("bridge", "--config", "nobody.yaml");
  expect(exit).toBe(1);
  expect(said).toContain("ECONNREFUSED");
});

test("a gateway is healthy while its journal is written, and not when that stopped three minutes ago", async () => {
  expect((await check("gateway", "--config", "site.yaml")).exit).toBe(1);
  const wal = join(folder, "state/journal.sqlite-wal");
  writeFileSync(wal, "");
  expect((await check("gateway", "--config", "site.yaml")).exit).toBe(0);
  const old = Date.now() / 1000 - 200;
  utimesSync(wal, old, old);
  const { exit, said } = await check("gateway", "--config", "site.yaml");
  expect(exit).toBe(1);
  expect(said).toMatch(/^journal written 20\d s ago\n$/);
});

test("where neither half runs there is nothing to be ill", async () => {
  expect((await check("--help")).exit).toBe(0);
});
