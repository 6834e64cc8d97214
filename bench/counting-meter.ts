import { startNoiseSimulator } from "../drivers/modbus-noise/simulator.ts";

/** The lowest level that the profile calls valid, 30.0 dB, so that a number stands for a level. */
const LOWEST_COUNTS = 300;
/** Up to 130.0 dB. */
const NUMBERS = 1000;

/** A Modbus TCP meter whose units answer each read with the next number: what was read at all is known for certain. */
export interface CountingMeter extends AsyncDisposable {
  readonly port: number;
  /** How many numbers a unit has given; the next read gets this number. */
  given(unit: number): number;
}

export async function startCountingMeter(units: readonly number[]): Promise<CountingMeter> {
  const given = new Map(units.map((unit) => [unit, 0]));
  const meter = await startNoiseSimulator({
    listen: { tcp: { host: "127.0.0.1", port: 0 }, framing: "tcp" },
    units,
    levelAt: () => null,
    registerAt: (unit, _, address) => {
      if (address !== 0) return undefined;
      const number = given.get(unit) ?? 0;
      if (number >= NUMBERS) return undefined;
      given.set(unit, number + 1);
      return LOWEST_COUNTS + number;
    },
  });
  return {
    port: meter.port ?? 0,
    given: (unit) => given.get(unit) ?? 0,
    [Symbol.asyncDispose]: () => meter.close(),
  };
}

/** @returns the number that a register stood for */
export function numberOfRegister(register: number): number {
  return register - LOWEST_COUNTS;
}
