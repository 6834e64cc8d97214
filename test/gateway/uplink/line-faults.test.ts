import { expect, onTestFinished, test, vi } from "vitest";
import { startLinkProxy } from "../../../cli/sim/link-proxy.ts";
import { alarm } from "../journal/sample-records.ts";
import { aedes, gateway, SOON, write } from "./gateway-with-broker.ts";
import { ScriptedBridge } from "./scripted-bridge.ts";

/** Each trouble is one line with a code and what to do, however often it repeats. */
function troubles(lines: readonly { readonly code?: string }[], code: string): readonly object[] {
  return lines.filter((line) => line.code === code);
}

test("a broker that restarts and has forgotten all sessions is found again, and nothing is lost or repeated for ever", async () => {
  const first = await aedes();
  const bridge = await ScriptedBridge.start(first.url);
  onTestFinished(() => bridge.close());
  const { journal, lines, run } = await gateway(first.url);
  await write(journal, 20);
  await vi.waitFor(() => expect(bridge.stored(run)).toBe(20), SOON);
  await first.stop();
  await write(journal, 20);
  await vi.waitFor(() => expect(troubles(lines, "BROKER_LOST")).toHaveLength(1), SOON);
  expect(troubles(lines, "BROKER_LOST")[0]).toMatchObject({ hint: expect.any(String), retryInMs: expect.any(Number) });
  await aedes(first.port);
  await vi.waitFor(() => expect(bridge.stored(run)).toBe(40), { ...SOON, timeout: 20_000 });
  await vi.waitFor(async () => expect((await journal.statistics()).unreceipted).toBe(0), SOON);
  expect(bridge.repeats).toBe(0);
}, 40_000);

test("a socket that dies in the middle of a backlog is replaced, and each record arrives", async () => {
  const { port, url } = await aedes();
  const bridge = await ScriptedBridge.start(url);
  onTestFinished(() => bridge.close());
  const proxy = await startLinkProxy({ to: { host: "127.0.0.1", port } });
  onTestFinished(() => proxy.close());
  const { journal, uplink, lines, run } = await gateway(`mqtt://127.0.0.1:${proxy.port}`);
  await write(journal, 3_000);
  await vi.waitFor(() => expect(bridge.stored(run)).toBeGreaterThan(100), SOON);
  proxy.set("cut");
  await vi.waitFor(() => expect(uplink.facts.isConnected).toBe(false), SOON);
  await journal.write({ append: [alarm()] }, "urgent");
  proxy.set("open");
  await vi.waitFor(() => expect(bridge.stored(run)).toBe(3_001), { ...SOON, timeout: 20_000 });
  expect(lines.filter(({ code }) => code?.startsWith("BROKER_"))).toEqual([
    expect.objectContaining({ code: expect.stringMatching(/^BROKER_(LOST|UNREACHABLE)$/), hint: expect.any(String) }),
  ]);
  // At most what was on its way went twice.
  expect(bridge.repeats).toBeLessThanOrEqual(200);
}, 40_000);

test("a bridge that answers slowly gets each record once, and an alarm is not behind the others", async () => {
  const { url } = await aedes();
  const bridge = await ScriptedBridge.start(url);
  onTestFinished(() => bridge.close());
  const { journal, uplink, lines, run } = await gateway(url);
  await vi.waitFor(() => expect(uplink.facts.isAnswered).toBe(true), SOON);
  bridge.answersAfterMs = 1_500;
  await write(journal, 600);
  await vi.waitFor(() => expect(uplink.facts.recordsInFlight).toBeGreaterThan(100), SOON);
  const before = bridge.stored(run);
  await journal.write({ append: [alarm()] }, "urgent");
  await vi.waitFor(() => expect([...(bridge.records.get(run)?.keys() ?? [])]).toContain(601), SOON);
  expect(bridge.stored(run)).toBeLessThan(before + 200);
  await vi.waitFor(async () => expect((await journal.statistics()).unreceipted).toBe(0), { ...SOON, timeout: 30_000 });
  expect(bridge.stored(run)).toBe(601);
  expect(bridge.repeats).toBe(0);
  expect(troubles(lines, "RECEIPTS_STOPPED")).toEqual([]);
}, 60_000);

test("when the day's bytes are used, readings wait, alarms go, and both are said", async () => {
  const { url } = await aedes();
  const bridge = await ScriptedBridge.start(url);
  onTestFinished(() => bridge.close());
  const { journal, uplink, lines, run } = await gateway(url, { line: { dailyBytes: 1 }, timeZone: "Asia/Shanghai" });
  await vi.waitFor(() => expect(uplink.facts.budget?.ration).toBe("urgent"), SOON);
  await write(journal, 10);
  await journal.write({ append: [alarm()] }, "urgent");
  await vi.waitFor(() => expect([...(bridge.records.get(run)?.keys() ?? [])]).toEqual([11]), SOON);
  expect(troubles(lines, "BUDGET_SPENT")).toEqual([
    expect.objectContaining({ dailyBytes: 1, hint: expect.any(String) }),
  ]);
  expect((await journal.statistics()).unreceipted).toBeGreaterThanOrEqual(10);
}, 30_000);
