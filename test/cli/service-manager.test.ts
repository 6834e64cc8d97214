import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { BridgeWatch } from "../../cli/bridge-watch.ts";
import { GatewayWatch } from "../../cli/gateway-watch.ts";
import { ServiceManager, serviceChannel } from "../../cli/service-manager.ts";

const told: object[] = [];
const log = { warn: (facts: object) => void told.push(facts) };

beforeEach(() => {
  vi.useFakeTimers();
  told.length = 0;
});

afterEach(() => vi.useRealTimers());

function manager(watchdogMs: number | undefined = 4000) {
  const sent: string[] = [];
  return { sent, manager: new ServiceManager(log, { send: (message) => sent.push(message), watchdogMs }) };
}

const beats = (sent: readonly string[]) => sent.filter((message) => message.includes("WATCHDOG=1")).length;

describe("the service manager", () => {
  test("hears that it is ready once, then four beats in the time that it waits for one, then that it ends", async () => {
    const { sent, manager: it } = manager();
    it.ready("started", async () => "3 of 4 devices online");
    await vi.advanceTimersByTimeAsync(4000);
    it.stopping();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sent).toEqual([
      "READY=1\nSTATUS=started\nWATCHDOG=1",
      ...Array.from({ length: 4 }, () => "WATCHDOG=1\nSTATUS=3 of 4 devices online"),
      "STOPPING=1\nSTATUS=ends",
    ]);
  });

  test("gets no beat while what must work does not answer, and again once it does", async () => {
    const { sent, manager: it } = manager();
    let answer = Promise.withResolvers<string>();
    it.ready("started", () => answer.promise);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(beats(sent)).toBe(1);
    expect(told).toMatchObject([{ code: "WATCH_SILENT", watchdogMs: 4000 }]);
    answer.resolve("well");
    answer = Promise.withResolvers<string>();
    answer.resolve("well");
    await vi.advanceTimersByTimeAsync(1000);
    expect(beats(sent)).toBe(3);
  });

  test("gets no beat for a fault but its reason in one line, and the log has it once", async () => {
    const { sent, manager: it } = manager();
    it.ready("started", () => Promise.reject(new Error("a\nb")));
    await vi.advanceTimersByTimeAsync(3000);
    expect(beats(sent)).toBe(1);
    expect(sent.at(-1)).toBe("STATUS=no progress: a b");
    expect(told).toHaveLength(1);
  });

  test("is only told how it stands where it watches nothing", async () => {
    const { sent, manager: it } = manager(undefined);
    it.ready("started", async () => "well");
    await vi.advanceTimersByTimeAsync(15_000);
    expect(sent.at(-1)).toContain("STATUS=well");
  });
});

describe("the channel", () => {
  test("is none without a service manager, and its variables never reach a child", () => {
    expect(serviceChannel({})).toBeUndefined();
    const environment = { SHAO_NOTIFY_FD: "9", NOTIFY_SOCKET: "/x", WATCHDOG_USEC: "60000000", WATCHDOG_PID: "1" };
    expect(serviceChannel(environment)).toMatchObject({ watchdogMs: undefined });
    expect(environment).toEqual({});
    expect(serviceChannel({ SHAO_NOTIFY_FD: "9", WATCHDOG_USEC: "60000000" })).toMatchObject({ watchdogMs: 60_000 });
  });

  test("that cannot be written to disturbs nobody", () => {
    expect(() => serviceChannel({ SHAO_NOTIFY_FD: "9999" })?.send("READY=1")).not.toThrow();
  });
});

describe("a gateway's watch", () => {
  const facts = { devices: 2, devicesOnline: 1, isConnected: false, unreceipted: 7 };

  test("is content while writes are answered, and not when some wait and none is", async () => {
    const watch = new GatewayWatch(() => 0);
    const pulses = [
      { ...facts, pendingWrites: 3, answeredWrites: 5 },
      { ...facts, pendingWrites: 3, answeredWrites: 6 },
      { ...facts, pendingWrites: 0, answeredWrites: 6 },
      { ...facts, pendingWrites: 1, answeredWrites: 6 },
    ];
    const pulse = async () => pulses.shift() ?? { ...facts, pendingWrites: 1, answeredWrites: 6 };
    watch.started({ pulse });
    await expect(watch.check()).resolves.toBe("1 of 2 devices online, not connected, 7 records wait");
    await expect(watch.check()).resolves.toContain("online");
    await expect(watch.check()).resolves.toContain("online");
    await expect(watch.check()).rejects.toMatchObject({ code: "WATCH_JOURNAL" });
    watch.started({ pulse });
    await expect(watch.check()).resolves.toContain("online");
  });

  test("lets a gateway rest that holds writes in memory, and not one that does not come up again", async () => {
    let upMs = 0;
    const watch = new GatewayWatch(() => upMs);
    watch.rests(60_000);
    upMs = 119_000;
    await expect(watch.check()).resolves.toBe("starts again");
    upMs = 121_000;
    await expect(watch.check()).rejects.toMatchObject({ code: "WATCH_START" });
  });
});

test("a bridge's watch wants the store's answer and a desk whose clock goes on", async () => {
  const pulses = [1, 2, 2, 3].map((rounds) => ({ rounds, nodesOnline: 12 }));
  const watch = new BridgeWatch({ pulse: async () => pulses.shift() ?? Promise.reject(new Error("store is gone")) });
  await expect(watch.check()).resolves.toBe("12 nodes connected");
  await expect(watch.check()).resolves.toBe("12 nodes connected");
  await expect(watch.check()).rejects.toMatchObject({ code: "WATCH_DESK" });
  await expect(watch.check()).resolves.toBe("12 nodes connected");
  await expect(watch.check()).rejects.toThrow("store is gone");
});
