import { once } from "node:events";
import { ServerTCP } from "modbus-serial";
import { onTestFinished } from "vitest";
import { freePort } from "./rigs.ts";

/**
 * A Modbus TCP slave of the modbus-serial package, ended with the test; its every register is the level in 0.1 dB.
 * @returns its port
 */
export async function registerMeter(tenths: () => number): Promise<number> {
  // It takes 502 where it is told 0: then only one test at a time could have one.
  const port = await freePort();
  const getHoldingRegister = (_address: number, _unit: number, done: (error: Error | null, value: number) => void) =>
    done(null, tenths());
  const server = new ServerTCP({ getHoldingRegister }, { host: "127.0.0.1", port, unitID: 1 });
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const refused = once(server, "serverError").then(([error]) => {
    throw error;
  });
  await Promise.race([once(server, "initialized"), refused]);
  refused.catch(() => undefined);
  return port;
}
