import { EventEmitter } from "node:events";
import process from "node:process";
import ModbusSerial from "modbus-serial";
import { BusRegistry } from "../drivers/bus/bus-registry.ts";
import { type BenchRow, report, rounded } from "./report.ts";
import { SimulatedClock, SimulatedLine } from "./simulated-line.ts";

const UNITS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
const LATE = 7;
const DEAD = 10;
const BAUD_RATE = 9600;
const PERIOD_MS = 1000;
const TIMEOUT_MS = 150;
const THINKS_MS = 10;
/** Of the late unit's answers, so many take longer than anybody waits for them. */
const LATE_SHARE = 0.3;
const LATE_MS = [160, 1500] as const;
/** One byte in 500 arrives with a flipped bit: about every thirtieth exchange is spoilt. */
const NOISE_SHARE = 0.002;
const SECONDS = 600;

interface Tally {
  readonly good: Map<number, number>;
  readonly asked: Map<number, number>;
  wrong: number;
  failed: number;
}

interface Run {
  readonly tally: Tally;
  readonly line: SimulatedLine;
}

/** Each value says which unit and address it is, so that a wrong one gives itself away. */
function telling(unit: number, functionCode: number, address: number): number {
  return ((unit & 0x1f) << 10) | ((address & 0x1ff) << 1) | (functionCode === 4 ? 1 : 0);
}

/** Two registers of each unit each second, so that what is left over from the first read may meet the second. */
function addressesOf(cycle: number): readonly [number, number] {
  return [cycle % 200, 200 + ((cycle * 7) % 200)];
}

/** Ten slaves on one line at 9600 baud, one dead, one late, noise: our bus owner, and a plain loop over modbus-serial. */
async function main(): Promise<void> {
  process.stderr.write(`bus owner, ${SECONDS} simulated seconds\n`);
  const ours = await onLine(pollWithOwner);
  process.stderr.write(`plain modbus-serial, ${SECONDS} simulated seconds\n`);
  const plain = await onLine(pollPlainly);
  const good = UNITS.filter((unit) => unit !== LATE && unit !== DEAD);
  const row = (metric: string, unit: string, goal: number | null, of: (run: Run) => number, note: string): BenchRow => {
    return { metric, value: rounded(of(ours)), unit, goal, peer: rounded(of(plain)), limit: null, note };
  };
  const line = `10 slaves, ${BAUD_RATE} baud, ${SECONDS} simulated s, unit ${LATE} late, unit ${DEAD} dead`;
  report([
    row("wrong-values", "values", 0, ({ tally }) => tally.wrong, `${line}; peer: a loop over modbus-serial, same line`),
    row("polls-kept", "%", 95, ({ tally }) => kept(tally, good), "of the eight that are neither late nor dead"),
    row(
      "polls-kept-worst",
      "%",
      95,
      ({ tally }) => Math.min(...good.map((unit) => kept(tally, [unit]))),
      "of one unit",
    ),
    row(
      "polls-kept-late",
      "%",
      null,
      ({ tally }) => kept(tally, [LATE]),
      `${LATE_SHARE * 100} % of its answers are late`,
    ),
    row("failed-polls", "polls", null, ({ tally }) => tally.failed, "those of the dead and the late unit included"),
    row("spoilt-bytes", "bytes", null, ({ line: { flippedBytes } }) => flippedBytes, "flipped bits on the line"),
    row("collisions", "parts", null, ({ line: { collisions } }) => collisions, "two talked at once"),
  ]);
}

function kept({ good, asked }: Tally, units: readonly number[]): number {
  const sum = (counts: Map<number, number>) => units.reduce((total, unit) => total + (counts.get(unit) ?? 0), 0);
  return (100 * sum(good)) / Math.max(1, sum(asked));
}

async function onLine(poll: (line: SimulatedLine, clock: SimulatedClock, tally: Tally) => Promise<void>): Promise<Run> {
  const clock = new SimulatedClock();
  const random = seeded(11);
  const line = new SimulatedLine({
    clock,
    baudRate: BAUD_RATE,
    registerAt: telling,
    noiseShare: NOISE_SHARE,
    random,
    thinkMs: (unit) => {
      if (unit === DEAD) return undefined;
      const isLate = unit === LATE && random() < LATE_SHARE;
      return isLate ? LATE_MS[0] + random() * (LATE_MS[1] - LATE_MS[0]) : THINKS_MS;
    },
  });
  const tally: Tally = { good: new Map(), asked: new Map(), wrong: 0, failed: 0 };
  const polling = poll(line, clock, tally);
  await clock.run(SECONDS * 1000 + 10_000);
  await polling;
  return { tally, line };
}

function note(tally: Tally, unit: number, address: number, value: number | undefined): void {
  if (value === undefined) tally.failed++;
  else if (value !== telling(unit, 3, address)) tally.wrong++;
  else count(tally.good, unit);
}

function count(counts: Map<number, number>, unit: number, by = 1): void {
  counts.set(unit, (counts.get(unit) ?? 0) + by);
}

/** As the drivers do it: each unit a poll clock of its own, all on leases of one port. */
async function pollWithOwner(line: SimulatedLine, clock: SimulatedClock, tally: Tally): Promise<void> {
  const buses = new BusRegistry(clock, async () => line.link());
  const stop = new AbortController();
  const ending = clock.sleep(SECONDS * 1000 - 1).then(() => stop.abort());
  const poll = async (unit: number): Promise<void> => {
    await using bus = await buses.openBus({ serial: "line" }, { baudRate: BAUD_RATE });
    let cycle = unit;
    for await (const { missed } of bus.every(PERIOD_MS, stop.signal)) {
      count(tally.asked, unit, 2 * (1 + missed));
      cycle += 1 + missed;
      for (const address of addressesOf(cycle)) {
        const request = { unit, function: "read-holding", address, count: 1, timeoutMs: TIMEOUT_MS } as const;
        const value = await bus.modbus(request).then(
          ([word]) => word,
          () => undefined,
        );
        note(tally, unit, address, value);
      }
    }
  };
  await Promise.all([ending, ...UNITS.map(poll)]);
}

/** Hands the library what its own buffered RTU port would: bytes that begin as the answer that is waited for. */
class BufferedPort extends EventEmitter {
  readonly isOpen = true;
  readonly #line: SimulatedLine;
  #buffer = Buffer.alloc(0);
  #unit = 0;
  #lengthBytes = 0;

  constructor(line: SimulatedLine) {
    super();
    this.#line = line;
    line.onBytes = (bytes) => this.#take(bytes);
  }

  open(done: (error: null) => void): void {
    done(null);
  }

  write(bytes: Buffer): void {
    this.#unit = bytes[0] ?? 0;
    this.#lengthBytes = 5 + 2 * bytes.readUInt16BE(4);
    void this.#line.send(Uint8Array.from(bytes));
  }

  #take(bytes: Uint8Array): void {
    this.#buffer = Buffer.concat([this.#buffer, bytes]).subarray(-256);
    for (let at = 0; at + this.#lengthBytes <= this.#buffer.length; at++) {
      if (this.#buffer[at] !== this.#unit || this.#buffer[at + 1] !== 3) continue;
      const answer = Buffer.from(this.#buffer.subarray(at, at + this.#lengthBytes));
      this.#buffer = this.#buffer.subarray(at + this.#lengthBytes);
      this.emit("data", answer);
      return;
    }
  }
}

/** As it is usually written: one unit after the other, each second. Its timers run on the simulated clock meanwhile. */
async function pollPlainly(line: SimulatedLine, clock: SimulatedClock, tally: Tally): Promise<void> {
  const { setTimeout: realSet, clearTimeout: realClear } = globalThis;
  const running = new Map<unknown, AbortController>();
  Object.assign(globalThis, {
    setTimeout: (act: () => void, ms: number) => {
      const stop = new AbortController();
      const handle = {};
      running.set(handle, stop);
      void clock.sleep(ms, stop.signal).then(() => stop.signal.aborted || act());
      return handle;
    },
    clearTimeout: (handle: unknown) => running.get(handle)?.abort(),
  });
  try {
    // The types of modbus-serial name a default export; under Node it is the module itself.
    const client = new (ModbusSerial as unknown as typeof ModbusSerial.default)(new BufferedPort(line));
    client.open();
    client.setTimeout(TIMEOUT_MS);
    for (let cycle = 0; cycle < SECONDS; cycle++) {
      if (clock.upMs() >= (cycle + 1) * PERIOD_MS) {
        // The cycle before took longer than its second.
        for (const unit of UNITS) count(tally.asked, unit, 2);
        continue;
      }
      await clock.sleep(cycle * PERIOD_MS - clock.upMs());
      for (const unit of UNITS) {
        client.setID(unit);
        for (const address of addressesOf(cycle)) {
          count(tally.asked, unit);
          const value = await client.readHoldingRegisters(address, 1).then(
            ({ data }) => data[0],
            () => undefined,
          );
          note(tally, unit, address, value);
        }
      }
    }
  } finally {
    Object.assign(globalThis, { setTimeout: realSet, clearTimeout: realClear });
  }
}

/** Always the same sequence, so that both meet the same line. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

await main();
