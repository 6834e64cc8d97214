import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { expect, onTestFinished, test, vi } from "vitest";
import type { NodeView } from "../../cloud-bridge/api/schema/fleet.ts";
import { readIdentity } from "../../gateway/identity/identity-files.ts";
import { scratchFolder } from "../fakes/rigs.ts";
import { signInBy, startTestBridge } from "../fakes/running-bridge.ts";

const SOON = { timeout: 60_000, interval: 100 };

test("a box whose line is cut between the bridge's commit and its answer enrols with the same token", {
  timeout: 180_000,
}, async () => {
  const folder = scratchFolder();
  onTestFinished(() => folder.remove());
  const bridge = await startTestBridge();
  onTestFinished(() => bridge.close());
  const operator = await signInBy(bridge, bridge.adminLink ?? "");
  const offered = await operator.post("/api/v1/nodes", { node: "site-042" });
  const { token } = offered.json as { token: string };
  const line = await lineWithoutAnswers(Number(new URL(bridge.url).port));
  onTestFinished(() => line.cut());
  const state = join(folder.path, "state");

  const first = enrol(`https://127.0.0.1:${line.port}`, token, state);
  const pairedAtMs = await vi.waitFor(async () => {
    const view = (await operator.ask("/api/v1/nodes/site-042")).json as NodeView;
    expect(view.pairedAtMs).toBeGreaterThan(0);
    return view.pairedAtMs;
  }, SOON);
  line.cut();
  const missed = await first;
  expect(missed.code).not.toBe(0);
  expect(missed.stderr).toContain("ENROL_UNREACHABLE");
  expect(readIdentity(state)).toBeUndefined();
  expect(readdirSync(state)).toEqual([expect.stringMatching(/^enrol-[0-9a-f]{16}\.json$/)]);

  // Somebody else who has seen the token has another key.
  const stranger = await enrol(bridge.url, token, join(folder.path, "stranger"));
  expect(stranger.stderr).toContain("ENROL_REFUSED");

  const second = await enrol(bridge.url, token, state);
  expect(second.code, second.stderr).toBe(0);
  expect(readIdentity(state)).toMatchObject({ node: "site-042" });
  expect(readdirSync(state)).toEqual(["identity"]);
  expect(((await operator.ask("/api/v1/nodes/site-042")).json as NodeView).pairedAtMs).toBe(pairedAtMs);
});

/** `shao enroll`, as an installer runs it. */
function enrol(url: string, token: string, state: string): Promise<{ code: number | null; stderr: string }> {
  const child = spawn(process.execPath, ["cli/shao.js", "enroll", url, token, "--state", state], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk;
  });
  return new Promise((resolve) => child.once("exit", (code) => resolve({ code, stderr })));
}

/** A line that lets everything through up to the second thing that a caller says: after its greeting that is its request. */
async function lineWithoutAnswers(to: number): Promise<{ readonly port: number; cut(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((caller) => {
    const called = connect(to, "127.0.0.1");
    for (const socket of [caller, called]) {
      sockets.add(socket);
      socket.on("error", () => {}).on("close", () => [caller, called].map((one) => one.destroy()));
    }
    let said = 0;
    caller.on("data", (chunk) => {
      said += 1;
      called.write(chunk);
    });
    called.on("data", (chunk) => {
      if (said < 2) caller.write(chunk);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    cut: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
