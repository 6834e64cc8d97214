import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BusOwner } from "../../../drivers/bus/bus-owner.ts";
import type { BusLease, ModbusRequest } from "../../../drivers/driver.ts";
import { DriverError } from "../../../drivers/errors.ts";
import { type Fate, SlaveLine, tellingRegister } from "../../fakes/slave-line.ts";
import { VirtualClock } from "../../fakes/virtual-clock.ts";

interface Rig {
  readonly clock: VirtualClock;
  readonly line: SlaveLine;
  readonly owner: BusOwner;
  readonly bus: BusLease;
}

async function rig(
  kind: "serial" | "tcp-rtu" | "tcp",
  fate: (unit: number, functionCode: number) => Fate = () => ({}),
  registerAt = tellingRegister as (unit: number, functionCode: number, address: number) => number | undefined,
): Promise<Rig> {
  const clock = new VirtualClock();
  const framing = kind === "tcp" ? "tcp" : "rtu";
  const line = new SlaveLine({ clock, fate, registerAt, framing });
  const owner = new BusOwner({
    name: "line",
    kind: kind === "serial" ? "serial" : "tcp",
    settings: kind === "serial" ? { baudRate: 9600 } : { framing },
    clock,
    open: async () => line.open(),
  });
  await owner.start();
  return { clock, line, owner, bus: owner.lease(async () => undefined) };
}

function read(unit: number, address: number, count = 1): ModbusRequest {
  return { unit, function: "read-holding", address, count, timeoutMs: 300 };
}

/** Lets time pass until the exchange is settled, and no longer: the next one follows at once. */
async function outcome(clock: VirtualClock, exchange: Promise<readonly number[]>): Promise<readonly number[] | string> {
  let settled: readonly number[] | string | undefined;
  exchange.then(
    (values) => {
      settled = values;
    },
    (error: unknown) => {
      settled = error instanceof DriverError ? error.code : String(error);
    },
  );
  await clock.advance(0);
  while (settled === undefined) await clock.advance(5);
  return settled;
}

const KINDS = ["serial", "tcp-rtu", "tcp"] as const;

describe.each(KINDS)("bus owner over %s", (kind) => {
  test("reads what the slave says", async () => {
    const { clock, bus } = await rig(kind);
    expect(await outcome(clock, bus.modbus(read(7, 100, 2)))).toEqual([
      tellingRegister(7, 3, 100),
      tellingRegister(7, 3, 101),
    ]);
    expect(await outcome(clock, bus.modbus({ ...read(7, 9), function: "write-holding", value: 5 }))).toEqual([5]);
  });

  test("two exchanges asked for at once are answered each with its own value", async () => {
    const { clock, bus } = await rig(kind);
    const both = Promise.all([bus.modbus(read(1, 10)), bus.modbus(read(1, 20))]);
    await clock.advance(1000);
    expect(await both).toEqual([[tellingRegister(1, 3, 10)], [tellingRegister(1, 3, 20)]]);
  });

  test.each([310, 350, 395, 450, 900, 2500, 6000])(
    "an answer %i ms late is never taken for another",
    async (delayMs) => {
      let isFirst = true;
      const { clock, bus } = await rig(kind, () => {
        const fate = isFirst ? { delayMs } : {};
        isFirst = false;
        return fate;
      });
      expect(await outcome(clock, bus.modbus(read(1, 0)))).toMatch(/MODBUS_/);
      for (let address = 100; address < 130; address++) {
        const value = await outcome(clock, bus.modbus(read(1, address)));
        if (typeof value !== "string") expect(value).toEqual([tellingRegister(1, 3, address)]);
      }
      await clock.advance(16_000);
      expect(await outcome(clock, bus.modbus(read(1, 200)))).toEqual([tellingRegister(1, 3, 200)]);
    },
  );

  test("an exception is a fault with its code, and one that is late hits no other request", async () => {
    const late: Fate[] = [{ delayMs: 400 }];
    const { clock, bus } = await rig(
      kind,
      () => late.shift() ?? {},
      (unit, code, address) => (address > 150 ? undefined : tellingRegister(unit, code, address)),
    );
    expect(await outcome(clock, bus.modbus(read(1, 200)))).toBe("MODBUS_TIMEOUT");
    expect(await outcome(clock, bus.modbus(read(1, 100)))).toEqual([tellingRegister(1, 3, 100)]);
    expect(await outcome(clock, bus.modbus(read(1, 200)))).toBe("MODBUS_EXCEPTION");
    expect(await outcome(clock, bus.modbus(read(1, 101)))).toEqual([tellingRegister(1, 3, 101)]);
  });

  test("a silent slave is skipped on a ladder, its neighbour is not, and it comes back by itself", async () => {
    let isDead = true;
    const { clock, line, bus } = await rig(kind, (unit) => (unit === 2 && isDead ? { isLost: true } : {}));
    let asked = 0;
    let neighbour = 0;
    for (let second = 0; second < 60; second++) {
      const before = line.requests;
      const silent = await outcome(clock, bus.modbus(read(2, 0)));
      asked += line.requests - before;
      expect(silent).toMatch(/MODBUS_(TIMEOUT|SKIPPED)/);
      if (Array.isArray(await outcome(clock, bus.modbus(read(1, 0))))) neighbour++;
      await clock.advance(1000);
    }
    expect(neighbour).toBe(60);
    expect(asked).toBeLessThan(30);
    isDead = false;
    const after: unknown[] = [];
    for (let second = 0; second < 20; second++) {
      after.push(await outcome(clock, bus.modbus(read(2, 5))));
      await clock.advance(1000);
    }
    expect(after.at(-1)).toEqual([tellingRegister(2, 3, 5)]);
  });

  test("a pulled cable fails what is pending and what follows, with the port's own error", async () => {
    const { clock, line, bus } = await rig(kind, () => ({ delayMs: 200 }));
    const pending = bus.modbus(read(1, 0)).catch((error: unknown) => error);
    await clock.advance(50);
    line.pull();
    await clock.advance(1);
    expect(await pending).toMatchObject({ code: "PORT_LOST" });
    expect(await outcome(clock, bus.modbus(read(1, 0)))).toBe("PORT_LOST");
  });
});

describe("RTU line", () => {
  test("noise before, a flipped bit, another unit's answer and a cut answer give no value", async () => {
    const spoils: ((reply: Uint8Array) => Uint8Array)[] = [
      (reply) => Uint8Array.of(0xff, 1, 3, 2, 9, ...reply),
      (reply) => reply.map((byte, index) => (index === 3 ? byte ^ 4 : byte)),
      (reply) => reply.map((byte, index) => (index === 0 ? byte + 1 : byte)),
      (reply) => reply.subarray(0, 5),
    ];
    for (const [index, spoil] of spoils.entries()) {
      const { clock, bus } = await rig("serial", () => ({ spoil }));
      const value = await outcome(clock, bus.modbus(read(1, 77)));
      if (index === 0) expect(value).toEqual([tellingRegister(1, 3, 77)]);
      else expect(value).toMatch(/MODBUS_(CRC|UNEXPECTED)/);
    }
  });

  test("an answer of another shape is named as unexpected", async () => {
    const { clock, bus } = await rig("serial", () => ({ spoil: () => Uint8Array.of(9, 3, 2, 2, 24, 0xd9, 0x2f) }));
    const value = bus.modbus(read(1, 77)).catch((error: DriverError) => error);
    await clock.advance(2000);
    expect(await value).toMatchObject({ code: expect.stringMatching(/MODBUS_(UNEXPECTED|CRC)/) });
  });

  test("a command goes before the polls that wait", async () => {
    const { clock, bus } = await rig("serial");
    const order: string[] = [];
    const polls = [1, 2, 3].map((unit) => bus.modbus(read(unit, 0)).then(() => order.push(`poll ${unit}`)));
    const command = bus.modbus(read(4, 0), "command").then(() => order.push("command"));
    await clock.advance(1000);
    await Promise.all([...polls, command]);
    expect(order).toEqual(["poll 1", "command", "poll 2", "poll 3"]);
  });

  test("between two frames the line is quiet for 3.5 characters", async () => {
    const { clock, bus } = await rig("serial", () => ({ delayMs: 0 }));
    const done: number[] = [];
    for (const address of [1, 2, 3]) void bus.modbus(read(1, address)).then(() => done.push(clock.upMs()));
    await clock.advance(100);
    expect(done).toEqual([0, 5, 10]);
  });

  test("slots keep their phase for an hour however long an exchange takes, and missed ones are counted", async () => {
    const { clock, bus, owner } = await rig("serial");
    const stop = new AbortController();
    const at: number[] = [];
    let missed = 0;
    const polling = (async () => {
      for await (const slot of bus.every(1000, stop.signal)) {
        at.push(clock.upMs());
        missed += slot.missed;
        await clock.sleep(at.length === 10 ? 3700 : 137 + (at.length % 7) * 100, stop.signal);
      }
    })();
    await clock.advance(3_600_000);
    stop.abort();
    await polling;
    expect(at.every((ms) => ms % 1000 === 0)).toBe(true);
    expect(missed).toBe(3);
    expect(owner.statistics.missedPolls).toBe(missed);
    expect(at.length + missed).toBe(3601);
  });

  test("a slave that answers no barrier is believed again after five seconds, not never", async () => {
    let isFirst = true;
    const { clock, bus } = await rig(
      "serial",
      (_, functionCode) => {
        const fate = isFirst ? { isLost: true } : functionCode === 3 ? {} : { isLost: true };
        isFirst = false;
        return fate;
      },
      (unit, code, address) => (address === 0 ? tellingRegister(unit, code, 0) : undefined),
    );
    const values: unknown[] = [];
    for (let second = 0; second < 30; second++) {
      values.push(await outcome(clock, bus.modbus(read(1, 0))));
      await clock.advance(1000);
    }
    expect(values.at(-1)).toEqual([tellingRegister(1, 3, 0)]);
  });
});

describe("on a bad bus no value is ever wrong", () => {
  /** TCP has checksums of its own: on Modbus TCP an answer is late or lost, not spoilt. */
  const late = [
    { weight: 6, arbitrary: fc.constant<Fate>({}) },
    { weight: 2, arbitrary: fc.integer({ min: 250, max: 4000 }).map((delayMs): Fate => ({ delayMs })) },
    { weight: 1, arbitrary: fc.constant<Fate>({ isLost: true }) },
  ];
  const spoilt = [
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.nat(100), fc.integer({ min: 1, max: 255 }))
        .map(
          ([at, mask]): Fate => ({ spoil: (reply) => reply.map((b, i) => (i === at % reply.length ? b ^ mask : b)) }),
        ),
    },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((rubbish): Fate => ({ spoil: () => rubbish })) },
    { weight: 1, arbitrary: fc.nat(6).map((cut): Fate => ({ spoil: (reply) => reply.subarray(0, cut) })) },
  ];

  test.each(KINDS)("over %s: any mix of late, lost, spoilt and foreign answers", async (kind) => {
    let good = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(...late, ...(kind === "tcp" ? [] : spoilt)), { minLength: 5, maxLength: 60 }),
        fc.array(
          fc.record({
            unit: fc.integer({ min: 1, max: 3 }),
            address: fc.nat(250),
            count: fc.integer({ min: 1, max: 3 }),
          }),
          {
            minLength: 10,
            maxLength: 60,
          },
        ),
        async (fates, asked) => {
          let next = 0;
          const { clock, bus } = await rig(kind, () => fates[next++ % fates.length] ?? {});
          for (const { unit, address, count } of asked) {
            const request = read(unit, address, count);
            const value = await outcome(clock, bus.modbus(request));
            if (value === "MODBUS_SKIPPED") await clock.advance(500);
            if (typeof value === "string") continue;
            good++;
            expect(value).toEqual(
              Array.from({ length: count }, (_, index) => tellingRegister(unit, 3, address + index)),
            );
          }
        },
      ),
      { numRuns: 60 },
    );
    expect(good).toBeGreaterThan(100);
  });
});
