import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { expect, onTestFinished, test, vi } from "vitest";
import { freezableDisk } from "../fakes/frozen-disk.ts";
import { freePort, scratchFolder, stopped } from "../fakes/rigs.ts";

const SOON = { timeout: 30_000, interval: 100 };

test("a gateway's /health is 503 while the disk of its journal hangs, and 200 again once it answers", {
  timeout: 90_000,
}, async (context) => {
  const disk = freezableDisk(context);
  onTestFinished(() => disk.remove());
  const folder = scratchFolder();
  onTestFinished(() => folder.remove());
  const port = await freePort();
  const config = join(folder.path, "gateway.yaml");
  writeFileSync(
    config,
    `node: site-042
timeZone: Asia/Shanghai
bridge: { url: "mqtts://127.0.0.1:1" }
state: ${disk.directory}
health: { port: ${port} }
`,
  );
  const child = spawn(process.execPath, ["cli/shao.js", "gateway", "--config", config], { stdio: "ignore" });
  onTestFinished(() => {
    // A process that waits for a frozen disk cannot end.
    disk.thaw();
    return stopped(child);
  });
  const ask = async (path: string, method = "GET") => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method });
    return { status: answer.status, text: await answer.text() };
  };
  const isWell = async () => expect((await ask("/health")).status).toBe(200);
  await vi.waitFor(isWell, SOON);
  // Not enrolled, no link: something needs a hand, and still it works.
  expect(JSON.parse((await ask("/health")).text)).toMatchObject({ node: "site-042", status: "degraded" });

  disk.freeze();
  const ill = await vi.waitFor(async () => {
    const found = await ask("/health");
    expect(found.status).toBe(503);
    return found;
  }, SOON);
  expect(ill.text).toContain("the journal does not answer");
  const [metrics, head, elsewhere] = await Promise.all([ask("/metrics"), ask("/health", "HEAD"), ask("/other")]);
  expect([metrics.status, head.status, elsewhere.status]).toEqual([503, 503, 404]);
  expect(child.exitCode).toBeNull();

  disk.thaw();
  await vi.waitFor(isWell, SOON);
});
