import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { MESSAGE } from "../../drivers/jt808/messages.ts";
import { openForReading, storedRows } from "../../gateway/journal/inspect.ts";
import { locationBody } from "../drivers/jt808/frames.ts";
import { type RawTerminal, rawTerminal } from "../drivers/jt808/raw-terminal.ts";
import { startPagedGateway } from "../fakes/paged-gateway.ts";
import { freePort } from "../fakes/rigs.ts";
import { held } from "./journal/sample-records.ts";

const EMERGENCY_BIT = 1;
const SOON = { timeout: 10_000, interval: 20 };

test("a call for help is confirmed to its terminal once it is on the disk, and not before", async () => {
  const state = mkdtempSync(join(tmpdir(), "shao-call-"));
  const port = await freePort();
  await startPagedGateway(`
node: centre
site: { name: Centre, timeZone: Asia/Shanghai }
bridge: { url: "mqtt://127.0.0.1:1", insecureLoopback: true }
state: ${JSON.stringify(state)}
devices: { cars: { driver: jt808, listen: "127.0.0.1:${port}", terminals: { "13912345678": {} } } }
`);
  const terminal: RawTerminal = await vi.waitFor(() => rawTerminal(port), SOON);
  onTestFinished(() => terminal.close());
  await terminal.enter();
  const kinds = () => {
    using journal = openForReading(state);
    return [...storedRows(journal)].map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString()).kind);
  };
  // Somebody holds the journal's lock for a moment: nothing can be committed.
  const lock = held(state);
  onTestFinished(() => lock[Symbol.dispose]());
  const before = terminal.answers.length;
  terminal.send(MESSAGE.location, locationBody({ atMs: Date.now(), alarmBits: EMERGENCY_BIT }));
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect([terminal.answers.length - before, kinds().includes("alarm")]).toEqual([0, false]);
  lock[Symbol.dispose]();
  expect(await terminal.answer()).toBe("8001 0200 4");
  expect(kinds()).toContain("alarm");
});
