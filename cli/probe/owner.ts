import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { BusLease } from "../../drivers/driver.ts";
import { DriverError } from "../../drivers/errors.ts";
import { PROBE_SOCKET, type ProbeAnswer, type ProbeQuestion } from "../../gateway/contracts/probe-wire.ts";

/** The gateway that runs on a state folder, and so holds its ports. */
export interface Owner extends Disposable {
  /** @returns one answer a device, as `shao probe` prints them */
  devices(device: string | undefined, withinMs: number): Promise<readonly object[]>;
  /** A bus as the running gateway has it: reads wait their turn among its polls. */
  bus(name: string): BusLease;
}

/**
 * @returns undefined where no gateway runs on this folder
 * @throws DriverError PROBE_DENIED
 */
export async function findOwner(state: string): Promise<Owner | undefined> {
  const path = join(state, PROBE_SOCKET);
  const socket = connect(path);
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  socket.once("connect", () => resolve(true));
  socket.once("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EACCES" || error.code === "EPERM") reject(denied(path, error));
    else resolve(false);
  });
  if (!(await promise)) return undefined;
  return owner(socket);
}

function owner(socket: Socket): Owner {
  const reader = createInterface({ input: socket });
  const lines = reader[Symbol.asyncIterator]();
  socket.on("error", () => undefined);
  // A gateway that is killed sends no end.
  socket.once("close", () => reader.close());
  const next = async (): Promise<ProbeAnswer> => {
    const { value, done } = await lines.next();
    if (done === true) throw ended();
    return JSON.parse(value) as ProbeAnswer;
  };
  const ask = (question: ProbeQuestion) => socket.write(`${JSON.stringify(question)}\n`);
  return {
    async devices(device, withinMs) {
      ask({ ask: "devices", withinMs, ...(device !== undefined && { device }) });
      const found: object[] = [];
      for (;;) {
        const answer = await next();
        if ("device" in answer) found.push(answer);
        else if ("error" in answer) throw refused(answer.error);
        else return found;
      }
    },
    bus: (name) => ({
      async modbus({ unit, function: kind, address, count = 1, timeoutMs }) {
        if (kind !== "read-holding" && kind !== "read-input") throw new Error("a probe only reads registers");
        ask({ ask: "read", bus: name, unit, function: kind, address, count, timeoutMs });
        const answer = await next();
        if ("device" in answer || "end" in answer) throw ended();
        if ("error" in answer) throw refused(answer.error);
        return answer.values;
      },
      every: () => {
        throw new Error("a probe does not poll");
      },
      async [Symbol.asyncDispose]() {
        // The bus stays the gateway's.
      },
    }),
    [Symbol.dispose]: () => socket.destroy(),
  };
}

function refused({ code, message, hint }: { code: string; message: string; hint: string }): DriverError {
  return new DriverError(code, message, { retry: "backoff", hint });
}

function ended(): DriverError {
  return new DriverError("PROBE_ENDED", "the running gateway ended before it had answered", {
    retry: "backoff",
    hint: "Ask again: without a running gateway this program opens the ports itself.",
  });
}

function denied(path: string, cause: unknown): DriverError {
  return new DriverError("PROBE_DENIED", `the gateway that runs here may not be asked by this account (${path})`, {
    retry: "never",
    hint: "Run this as the account of the gateway, e.g. `sudo -u shao shao probe …`.",
    cause,
  });
}
