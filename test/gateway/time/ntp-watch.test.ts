import { createSocket } from "node:dgram";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { NtpWatch } from "../../../gateway/time/ntp-watch.ts";
import { freePort, until } from "../../fakes/rigs.ts";

/**
 * Replies of chronyd 4.3 (Debian 12) to this program's own request, recorded on loopback: one that a server keeps, one that
 * no server has answered, one with `local stratum 8` and no source. The bytes 16 to 19 are the request's.
 */
const KEPT =
  "06020000002100050000000000000000deadbeef00000000000000007f0000017f0000010000000000000000000000000001000000090000000000006b0884192f3f0343db5d528dcb209d97d08fd236ef55ebbfe97f300df49540a3e09cccc4dafda1c306819aca";
const UNSET =
  "06020000002100050000000000000000deadbeef000000000000000000000000000000000000000000000000000000000000000000000003000000000000000000000000000000000000000000000000000000000000000000000000048000000480000000000000";
const OWN =
  "06020000002100050000000000000000deadbeef00000000000000007f7f0101000000000000000000000000000000000000000000080000000000006b0883f209f80c0a000000000000000000000000000000000000000000000000000000000000000000000000";
const SET_MS = Buffer.from(KEPT, "hex").readUInt32BE(60) * 1000;
const HOUR_MS = 3_600_000;

/** A chronyd on loopback, and a node that looks at its clock beside it. */
async function chronyd(hex: string) {
  const at = { systemMs: SET_MS + 60_000, upMs: 0, reply: Buffer.from(hex, "hex"), isOther: false, asked: 0 };
  const port = await freePort("udp");
  const server = createSocket("udp4");
  server.on("message", (request, { port: from }) => {
    at.asked += 1;
    if (request.length !== 104) return;
    if (!at.isOther) request.copy(at.reply, 16, 8, 12);
    server.send(at.reply, from, "127.0.0.1");
  });
  await new Promise<void>((resolve) => server.bind(port, "127.0.0.1", resolve));
  const root = mkdtempSync(join(tmpdir(), "shao-ntp-"));
  mkdirSync(join(root, "run/chrony"), { recursive: true, mode: 0o700 });
  onTestFinished(() => {
    server.close();
    rmSync(root, { recursive: true });
  });
  const { isSynchronised } = new NtpWatch({ systemMs: () => at.systemMs, upMs: () => at.upMs, root, port });
  return { at, root, isSynchronised };
}

describe("a chronyd whose folders are shut", () => {
  test("is asked, and its word holds as long as it answers and has set the clock of late", async () => {
    const { at, isSynchronised } = await chronyd(KEPT);
    expect(isSynchronised()).toBe(false);
    await until(isSynchronised);
    at.systemMs += 3 * HOUR_MS;
    expect(isSynchronised()).toBe(false);
    at.systemMs -= 3 * HOUR_MS;
    expect(isSynchronised()).toBe(true);
    expect(at.asked).toBe(1);
    at.isOther = true;
    at.reply.writeUInt32BE(0, 16);
    for (const upMs of [16_000, 32_000, 48_000]) {
      at.upMs = upMs;
      expect(isSynchronised()).toBe(true);
      await until(() => at.asked === upMs / 16_000 + 1);
    }
    at.upMs = 49_000;
    expect(isSynchronised()).toBe(false);
  });

  test("that has lost its sources is believed at once", async () => {
    const { at, isSynchronised } = await chronyd(KEPT);
    await until(isSynchronised);
    at.reply = Buffer.from(UNSET, "hex");
    at.upMs = 16_000;
    await until(() => !isSynchronised());
  });

  test.each([
    ["never had a source", UNSET],
    ["calls its own clock one", OWN],
    ["says something else", "0602"],
  ])("that %s keeps no time", async (_, hex) => {
    const { at, isSynchronised } = await chronyd(hex.padEnd(8, "0"));
    at.isOther = hex === "0602";
    expect(isSynchronised()).toBe(false);
    await until(() => at.asked === 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(isSynchronised()).toBe(false);
  });

  test("is not looked for where there is none", async () => {
    const { at, root, isSynchronised } = await chronyd(KEPT);
    rmSync(join(root, "run/chrony"), { recursive: true });
    expect(isSynchronised()).toBe(false);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(at.asked).toBe(0);
  });
});
