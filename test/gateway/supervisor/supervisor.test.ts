import { Type } from "typebox";
import { describe, expect, test } from "vitest";
import type { ByteLink, Driver, DriverContext } from "../../../drivers/driver.ts";
import { DriverError } from "../../../drivers/errors.ts";
import type { DeviceHealth, DeviceReading } from "../../../gateway/contracts/readings.ts";
import type { DeviceLinks } from "../../../gateway/supervisor/run-context.ts";
import { startSupervisor } from "../../../gateway/supervisor/supervisor.ts";
import { QuietLog } from "../../fakes/quiet-log.ts";
import { VirtualClock } from "../../fakes/virtual-clock.ts";

type Run = (context: DriverContext, attempt: number) => Promise<void>;

const NO_LINKS: DeviceLinks = {
  openBus: () => Promise.reject(new Error("no bus here")),
  openSerial: () => Promise.reject(new Error("no port here")),
  openTcp: () => Promise.reject(new Error("no network here")),
  openUdp: () => Promise.reject(new Error("no network here")),
  listenTcp: () => Promise.reject(new Error("no network here")),
};

function start(runs: Record<string, Run>, config: object = { periodMs: 1000 }, links = NO_LINKS) {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const log = new QuietLog();
  const health: DeviceHealth[] = [];
  const readings: DeviceReading[] = [];
  const attempts: Record<string, number[]> = {};
  const load = async (kind: string): Promise<Driver | undefined> => {
    const run = runs[kind];
    if (run === undefined) return undefined;
    return {
      kind,
      config: Type.Object({}),
      run(_, context) {
        attempts[kind] ??= [];
        attempts[kind].push(clock.upMs());
        return run(context, attempts[kind].length);
      },
    };
  };
  const supervisor = startSupervisor({
    devices: Object.keys(runs).map((id) => ({ id, driver: id, config })),
    load,
    links,
    clock,
    random: () => 0.5,
    log,
    signal: stop.signal,
    onReading: (reading) => {
      readings.push(reading);
    },
    onHealth: (body) => {
      health.push(body);
    },
  });
  const states = (id: string) => health.filter((h) => h.device === id).map((h) => h.body.state);
  return { clock, stop, log, health, readings, attempts, supervisor, states };
}

const answers: Run = async ({ clock, online, emit, signal }) => {
  while (!signal.aborted) {
    online();
    await emit({ kind: "noise", levelDb: 60, quantity: "LAF", flags: [], atMs: clock.nowMs() });
    await clock.sleep(1000, signal);
  }
};

const refused = () =>
  new DriverError("CONNECTION_REFUSED", "nobody there", { retry: "backoff", hint: "Switch it on." });

describe("supervisor", () => {
  test("a device that answers goes from starting to online and its readings come out", async () => {
    const rig = start({ meter: answers });
    await rig.clock.advance(3500);
    expect(rig.states("meter")).toEqual(["starting", "online"]);
    expect(rig.readings).toHaveLength(4);
    expect(rig.readings[0]).toMatchObject({ device: "meter", reading: { kind: "noise", levelDb: 60 } });
    rig.stop.abort();
    await rig.clock.advance(0);
    await rig.supervisor.done;
  });

  test("pauses double from 1 s to 60 s, with code, hint and next try, and repeats are folded", async () => {
    const rig = start({ meter: () => Promise.reject(refused()) });
    await rig.clock.advance(300_000);
    const [first, ...next] = rig.attempts["meter"] ?? [];
    expect(first).toBe(0);
    expect(next.slice(0, 8)).toEqual([1000, 3000, 7000, 15_000, 31_000, 63_000, 123_000, 183_000]);
    const offline = rig.health.filter((h) => h.body.state === "offline");
    expect(offline[0]?.body).toMatchObject({ code: "CONNECTION_REFUSED", hint: "Switch it on.", retryInMs: 1000 });
    expect(offline.length).toBeLessThan(8);
    expect(offline.slice(1).every((h) => (h.body.repeated ?? 0) > 0)).toBe(true);
    expect(rig.log.lines.filter((line) => line.level === "warn")).toHaveLength(1);
    rig.stop.abort();
    await rig.supervisor.done;
  });

  test("whatever one driver does, the other goes on", async () => {
    const rig = start({
      meter: answers,
      throws: () => {
        throw new TypeError("thrown at once");
      },
      rejects: () => Promise.reject("not even an error"),
      returns: async () => undefined,
      hangs: () => new Promise(() => undefined),
      unopened: async ({ openTcp }) => {
        await openTcp({ host: "x", port: 1 });
      },
    });
    await rig.clock.advance(200_000);
    expect(rig.readings.filter((reading) => reading.device === "meter")).toHaveLength(201);
    const codes = Object.fromEntries(
      rig.supervisor.health().map(({ device, body }) => [device, [body.state, body.code]]),
    );
    expect(codes).toEqual({
      meter: ["online", undefined],
      throws: ["offline", "DRIVER_FAULT"],
      rejects: ["offline", "DRIVER_FAULT"],
      returns: ["offline", "DRIVER_RETURNED"],
      hangs: ["silent", undefined],
      unopened: ["offline", "DRIVER_FAULT"],
    });
    rig.stop.abort();
    await rig.clock.advance(6000);
    await rig.supervisor.done;
    expect(rig.log.lines.some((line) => line.sentence === "driver left behind")).toBe(true);
  });

  test("three periods without an answer make it silent, with what went wrong, and an answer brings it back", async () => {
    let isAnswering = true;
    const rig = start({
      meter: async ({ clock, online, fault, signal }) => {
        while (!signal.aborted) {
          if (isAnswering) online();
          else fault(new DriverError("MODBUS_TIMEOUT", "unit 1 did not answer", { retry: "backoff", hint: "Check." }));
          await clock.sleep(1000, signal);
        }
      },
    });
    await rig.clock.advance(5000);
    isAnswering = false;
    await rig.clock.advance(2900);
    expect(rig.states("meter")).toEqual(["starting", "online"]);
    await rig.clock.advance(2000);
    expect(rig.health.at(-1)?.body).toMatchObject({ state: "silent", code: "MODBUS_TIMEOUT", hint: "Check." });
    await rig.clock.advance(30_000);
    isAnswering = true;
    await rig.clock.advance(2000);
    expect(rig.states("meter")).toEqual(["starting", "online", "silent", "online"]);
    rig.stop.abort();
    await rig.clock.advance(1);
    await rig.supervisor.done;
  });

  test("a fault that persists is shown beside online, and forgotten ten seconds after the last", async () => {
    const rig = start({
      meter: async ({ clock, online, fault, signal }) => {
        for (let second = 0; !signal.aborted; second++) {
          online();
          const isBad = second >= 5 && second < 10;
          if (isBad || second === 2)
            fault(new DriverError("MODBUS_CRC", "noise", { retry: "backoff", hint: "Shield." }));
          await clock.sleep(1000, signal);
        }
      },
    });
    await rig.clock.advance(4000);
    expect(rig.health.at(-1)?.body.code).toBeUndefined();
    await rig.clock.advance(6000);
    expect(rig.health.at(-1)?.body).toMatchObject({
      state: "online",
      code: "MODBUS_CRC",
      hint: "Shield.",
      repeated: 5,
    });
    await rig.clock.advance(15_000);
    expect(rig.health.at(-1)?.body.code).toBeUndefined();
    expect(rig.states("meter")).toEqual(["starting", "online", "online", "online"]);
    rig.stop.abort();
    await rig.clock.advance(1);
    await rig.supervisor.done;
  });

  test("a connection that is silent for a minute is made anew", async () => {
    const rig = start({ meter: ({ clock, signal }) => clock.sleep(1e9, signal) });
    await rig.clock.advance(150_000);
    expect(rig.attempts["meter"]?.length).toBe(3);
    expect(rig.states("meter").includes("offline")).toBe(false);
    rig.stop.abort();
    await rig.clock.advance(1);
    await rig.supervisor.done;
  });

  test("an error that no retry can help stops the device; so does an unknown driver and a disabled one", async () => {
    const rig = start({
      meter: () =>
        Promise.reject(new DriverError("MODBUS_EXCEPTION", "no such register", { retry: "never", hint: "Profile." })),
    });
    await rig.clock.advance(100_000);
    expect(rig.attempts["meter"]).toHaveLength(1);
    expect(rig.health.at(-1)?.body).toMatchObject({ state: "stopped", code: "MODBUS_EXCEPTION" });
    await rig.supervisor.done;

    const health: DeviceHealth[] = [];
    const options = { clock: rig.clock, links: NO_LINKS, log: rig.log, onReading: () => undefined };
    const other = startSupervisor({
      ...options,
      devices: [
        { id: "a", driver: "none", config: {} },
        { id: "b", driver: "none", config: {}, isDisabled: true },
      ],
      load: async () => undefined,
      signal: rig.stop.signal,
      onHealth: (body) => health.push(body),
    });
    await other.done;
    expect(other.health().map(({ body }) => [body.state, body.code])).toEqual([
      ["stopped", "DRIVER_UNKNOWN"],
      ["stopped", undefined],
    ]);
    rig.stop.abort();
  });

  test("after a run that was steady the pauses are short again", async () => {
    const rig = start({
      meter: async ({ clock, online, signal }, attempt) => {
        if (attempt % 6 === 0) {
          for (let second = 0; second < 40; second++) {
            online();
            await clock.sleep(1000, signal);
          }
        }
        throw refused();
      },
    });
    await rig.clock.advance(120_000);
    const at = rig.attempts["meter"] ?? [];
    expect(at.slice(5, 7)).toEqual([31_000, 72_000]);
    rig.stop.abort();
    await rig.clock.advance(1);
    await rig.supervisor.done;
  });

  test("what a run still says after its end is not heard, and what it left open is closed", async () => {
    let late: DriverContext | undefined;
    let closed = 0;
    const link: ByteLink = {
      peer: "x:1",
      write: async () => undefined,
      async *[Symbol.asyncIterator]() {},
      [Symbol.asyncDispose]: async () => {
        closed++;
      },
    };
    const links: DeviceLinks = {
      ...NO_LINKS,
      openTcp: async () => link,
    };
    const rig = start(
      {
        meter: async (context) => {
          late ??= context;
          await context.openTcp({ host: "x", port: 1 });
          throw refused();
        },
      },
      { periodMs: 1000 },
      links,
    );
    await rig.clock.advance(500);
    expect(closed).toBe(1);
    late?.online();
    await late?.emit({ kind: "noise", levelDb: 99, quantity: "LAF", flags: [], atMs: 0 });
    expect(rig.readings).toEqual([]);
    expect(rig.supervisor.health()[0]?.body.state).toBe("offline");
    rig.stop.abort();
    await rig.clock.advance(1);
    await rig.supervisor.done;
  });

  test("a command has one outcome: done, refused, too late, not taken, or not connected", async () => {
    const rig = start({
      radio: async ({ commands, signal, clock, online }) => {
        online();
        for await (const command of commands) {
          if (command.kind === "text") {
            command.done({ ref: 7 });
            command.done("twice");
          } else if (command.kind === "relay") {
            command.refuse(new DriverError("RADIO_REFUSED", "no relay here", { retry: "never", hint: "None." }));
          } else if (command.kind === "end") {
            throw refused();
          }
        }
        await clock.sleep(1e9, signal);
      },
      meter: answers,
    });
    await rig.clock.advance(1);
    const ask = (device: string, kind: string) =>
      rig.supervisor.deliver({ device, id: "c1", kind, args: {}, timeoutMs: 2000 });
    expect(await ask("radio", "text")).toEqual({ ok: true, value: { ref: 7 } });
    expect(await ask("radio", "relay")).toMatchObject({ ok: false, code: "RADIO_REFUSED" });
    expect(await ask("meter", "text")).toMatchObject({ ok: false, code: "COMMAND_UNSUPPORTED" });
    expect(await ask("camera", "text")).toMatchObject({ ok: false, code: "DEVICE_UNKNOWN" });
    const slow = ask("radio", "ignored");
    await rig.clock.advance(2000);
    expect(await slow).toMatchObject({ ok: false, code: "COMMAND_TIMEOUT" });
    const cut = ask("radio", "end");
    await rig.clock.advance(0);
    expect(await cut).toMatchObject({ ok: false, code: "DEVICE_OFFLINE" });
    expect(await ask("radio", "text")).toMatchObject({ ok: false, code: "DEVICE_OFFLINE" });
    rig.stop.abort();
    await rig.clock.advance(1);
    await rig.supervisor.done;
  });

  test("a command that was answered as too late before its driver began it is not done later", async () => {
    const begun: string[] = [];
    const rig = start({
      siren: async ({ commands, signal, clock, online }) => {
        online();
        for await (const command of commands) {
          begun.push(command.id);
          await clock.sleep(5000, signal);
          command.done();
        }
      },
    });
    await rig.clock.advance(1);
    const ask = (id: string, timeoutMs: number) =>
      rig.supervisor.deliver({ device: "siren", id, kind: "relay", args: {}, timeoutMs });
    const outcomes = [ask("c1", 10_000), ask("c2", 2000), ask("c3", 20_000)];
    for (let second = 0; second < 20; second++) await rig.clock.advance(1000);
    expect(await Promise.all(outcomes)).toMatchObject([
      { ok: true },
      { ok: false, code: "COMMAND_TIMEOUT" },
      { ok: true },
    ]);
    expect(begun).toEqual(["c1", "c3"]);
    rig.stop.abort();
    await rig.clock.advance(1);
    await rig.supervisor.done;
  });

  test("a subject behind a device has a health of its own", async () => {
    const terminal = { type: "terminal", id: "13800000000" } as const;
    const rig = start(
      {
        server: async ({ online, signal, clock }) => {
          online(terminal);
          await clock.sleep(1e9, signal);
        },
      },
      { subjectPeriodMs: 10_000 },
    );
    await rig.clock.advance(31_000);
    expect(rig.supervisor.health()).toMatchObject([
      { device: "server", body: { state: "online" } },
      { device: "server", subject: terminal, body: { state: "silent" } },
    ]);
    rig.stop.abort();
    await rig.clock.advance(1);
    await rig.supervisor.done;
  });
});
