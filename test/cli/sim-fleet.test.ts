import { expect, onTestFinished, test, vi } from "vitest";
import { accountFleet } from "../../cli/sim/fleet/fleet-account.ts";
import { FleetNode } from "../../cli/sim/fleet/fleet-node.ts";
import { JournalInMemory } from "../../cli/sim/fleet/journal-in-memory.ts";
import { seededRandom } from "../../cli/sim/seeded-random.ts";
import type { CommandView } from "../../cloud-bridge/api/schema/commands.ts";
import type { NodeView } from "../../cloud-bridge/api/schema/fleet.ts";
import { enroll } from "../../gateway/identity/enroll.ts";
import { QuietLog } from "../fakes/quiet-log.ts";
import { signInBy, startTestBridge } from "../fakes/running-bridge.ts";

const NONE = {
  declared: 0,
  outstanding: 0,
  unexplained: 0,
  shed: { quota: 0, expired: 0, corrupt: 0, undecodable: 0 },
};

test("a simulated node enrols, is present with its levels and its dead meter's hint, and obeys what is signed", async () => {
  const bridge = await startTestBridge();
  onTestFinished(() => bridge.close());
  const operator = await signInBy(bridge, bridge.adminLink ?? "");
  const offered = await operator.post("/api/v1/nodes", { node: "fleet-0001" });
  const identity = await enroll(bridge.url, (offered.json as { token: string }).token, { localAddress: "127.1.0.1" });
  const own = {
    number: 1,
    version: "test",
    isFailing: true,
    failsConfig: false,
    everyMs: 200,
    random: seededRandom(1),
  };
  const node = new FleetNode({ ...own, identity, log: new QuietLog() });
  await node.start();
  onTestFinished(() => node.stop());
  await vi.waitFor(() => expect(node.isPresent).toBe(true), { timeout: 10_000 });
  const { json } = await operator.post(
    "/api/v1/nodes/fleet-0001/commands",
    { kind: "restart" },
    { "idempotency-key": "key-of-this-test" },
  );
  await vi.waitFor(
    async () => {
      const { id } = json as CommandView;
      expect((await operator.ask(`/api/v1/nodes/fleet-0001/commands/${id}`)).json).toMatchObject({ state: "done" });
    },
    { timeout: 10_000 },
  );
  node.pause();
  await vi.waitFor(() => expect(node.journal.unreceipted).toBe(0), { timeout: 10_000 });
  const view = (await operator.ask("/api/v1/nodes/fleet-0001")).json as NodeView;
  expect(view.presence.devices).toMatchObject([
    { device: "gps", state: "online" },
    { device: "noise-01", state: "offline", hint: expect.stringContaining("wires A and B") },
  ]);
  expect(accountFleet(new Map([["fleet-0001", node.journal.head]]), [view])).toMatchObject({ lost: 0, unexplained: 0 });
});

test("what is missing at the bridge is lost: a record too few, one in quarantine, a node that it does not know", () => {
  const view = (id: string, stored: number, quarantined = 0) => ({
    id,
    accounting: { ...NONE, expected: 10, stored, quarantined },
  });
  const written = new Map([
    ["a", 10],
    ["b", 10],
    ["c", 10],
    ["d", 10],
  ]);
  expect(accountFleet(written, [view("a", 10), view("b", 9), view("c", 10, 1)])).toMatchObject({
    lost: 12,
    written: 40,
  });
});

test("the journal without a disk offers what has no receipt, within count and bytes, and lacks what it let go", async () => {
  const journal = new JournalInMemory();
  const stamp = { upMs: 1, atMs: 2, timeQuality: "ntp" } as const;
  const time = { ...stamp, kind: "time", body: { upMs: 1, utcMs: 2, quality: "ntp" } } as const;
  expect(await journal.write({ append: [time, time, time, time] })).toEqual([1, 2, 3, 4]);
  const { run } = journal.restored;
  journal.markReceipted(run, [[1, 2]]);
  const read = { run, ranges: [[1, 4]] as const, lanes: [1] as const, maxBytes: 1 };
  const rows = await journal.read({ ...read, ranges: [[1, 4]], maxRecords: 10 });
  expect(rows.map(({ seq }) => seq)).toEqual([3]);
  expect(await journal.lacking(run, [[1, 4]])).toEqual([[1, 2]]);
  expect(await journal.lacking("another-run", [[1, 4]])).toEqual([[1, 4]]);
});
