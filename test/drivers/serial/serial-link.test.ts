import { readdirSync, readlinkSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openPtyPair } from "../../../cli/sim/pty-pair.ts";
import { openSerialLink } from "../../../drivers/serial/serial-link.ts";
import { needRigs, scratchFolder } from "../../fakes/rigs.ts";

const scratch = scratchFolder();
afterAll(() => scratch.remove());

function isOpenHere(path: string): boolean {
  const target = realpathSync(path);
  return readdirSync("/proc/self/fd").some((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === target;
    } catch {
      return false;
    }
  });
}

test("a port that was given back is closed, and can be opened again at once with other settings", async (context) => {
  needRigs(context, "socat");
  const pair = await openPtyPair(join(scratch.path, "again"));
  for (const baudRate of [9600, 4800, 115_200]) {
    const link = await openSerialLink(pair.path, { baudRate });
    const reading = (async () => {
      for await (const _ of link) break;
    })();
    await link.write(Uint8Array.of(1));
    expect(isOpenHere(pair.path)).toBe(true);
    await link[Symbol.asyncDispose]();
    await reading;
    expect(isOpenHere(pair.path)).toBe(false);
  }
  await pair.close();
});
