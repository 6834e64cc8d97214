import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, type TestContext, test, vi } from "vitest";
import { startBadLink, whyNoBadLink } from "../../cli/sim/bad-link.ts";
import { BAD_3G, PacedLine } from "../../cli/sim/line-shape.ts";
import { reachInto, serveAt } from "../../cli/sim/link-forward.ts";
import { Chance } from "../model/chance.ts";

const SHAO = fileURLToPath(new URL("../../cli/shao.js", import.meta.url));

function needsRig(ctx: TestContext): void {
  const reason = whyNoBadLink();
  if (reason === undefined) return;
  if (process.env["CI"] !== undefined && process.getuid?.() === 0) throw new Error(reason);
  ctx.skip(reason);
}

function namespacesOf(pid: number): string[] {
  const { stdout } = spawnSync("ip", ["netns", "list"], { encoding: "utf8" });
  return stdout.split("\n").filter((line) => line.includes(`shao-link-${pid}-`));
}

/** Sends back all that it hears. */
async function echo(): Promise<number> {
  const server = createServer((socket) => socket.pipe(socket).on("error", () => socket.destroy()));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

describe("a paced line", () => {
  test("takes its time for each byte, one packet after the other, and then the delay", () => {
    const line = new PacedLine({ rateBytesPerS: 1000, delayMs: 50, lossShare: 0, queueBytes: 10_000 });
    expect(line.carry(100, 0)).toBe(150);
    expect(line.carry(100, 0)).toBe(250);
    expect(line.carry(100, 1_000)).toBe(1_150);
  });

  test("drops what finds its queue full, and its share of the rest", () => {
    const full = new PacedLine({ rateBytesPerS: 1000, delayMs: 0, lossShare: 0, queueBytes: 1500 });
    expect([1000, 1000, 500, 1000].map((size) => full.carry(size, 0) !== undefined)).toEqual([
      true,
      false,
      true,
      false,
    ]);
    const chance = new Chance(1);
    const lossy = new PacedLine({ ...BAD_3G, lossShare: 0.1, queueBytes: 1e9 }, () => chance.next());
    const lost = Array.from({ length: 10_000 }, () => lossy.carry(10, 0)).filter((at) => at === undefined).length;
    expect(lost).toBeGreaterThan(850);
    expect(lost).toBeLessThan(1150);
  });
});

describe("two namespaces with a bad line between them", () => {
  test("carry real TCP late, can be cut and mended, and leave nothing behind", async (ctx) => {
    needsRig(ctx);
    const target = await echo();
    const link = await startBadLink({ ...BAD_3G, lossShare: 0 });
    onTestFinished(() => link.close());
    const far = await serveAt(link.far, 7000, { host: "127.0.0.1", port: target });
    const near = await reachInto(link.near, { host: link.far.address, port: 7000 });
    const { connect } = await import("node:net");
    const socket = connect(near.port, "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    const ask = async (word: string) => {
      const startMs = performance.now();
      socket.write(word);
      await once(socket, "data");
      return performance.now() - startMs;
    };
    expect(await ask("first")).toBeGreaterThanOrEqual(300);
    link.cut(true);
    const late = ask("second");
    expect(await Promise.race([late, new Promise((resolve) => setTimeout(resolve, 1_000, "nothing"))])).toBe("nothing");
    link.cut(false);
    expect(await late).toBeGreaterThan(1_000);
    expect((await link.report()).upBytes).toBeGreaterThan(100);
    expect(namespacesOf(process.pid)).toHaveLength(3);
    socket.destroy();
    await Promise.all([near.close(), far.close()]);
    await link.close();
    expect(namespacesOf(process.pid)).toEqual([]);
  }, 60_000);

  test.each(["SIGINT", "SIGKILL"] as const)(
    "are gone after %s of the command that made them",
    async (signal) => {
      if (whyNoBadLink() !== undefined) return;
      const child = spawn(process.execPath, [SHAO, "sim", "link", "--to", "127.0.0.1:9"], {
        stdio: ["ignore", "pipe", "ignore"],
      });
      onTestFinished(() => void child.kill("SIGKILL"));
      const [line] = await once(createInterface({ input: child.stdout }), "line");
      expect(JSON.parse(String(line))).toMatchObject({
        listening: { kind: "link", rig: "namespaces", rateBytesPerS: 8000 },
      });
      expect(namespacesOf(child.pid ?? 0)).toHaveLength(3);
      child.kill(signal);
      await once(child, "exit");
      await vi.waitFor(() => expect(namespacesOf(child.pid ?? 0)).toEqual([]), { timeout: 15_000, interval: 100 });
    },
    60_000,
  );
});
