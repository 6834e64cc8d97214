import { mbapReply, mbapRequests, memoryReply, rtuRequests, type SlaveMemory } from "../bus/modbus-slave.ts";
import { type SimulatorListen, serveSimulator } from "../net/simulator-listen.ts";

export interface IoSimulatorOptions {
  /** On TCP, `framing` says which Modbus: `rtu` as behind a serial server, or `tcp`. */
  readonly listen: SimulatorListen & { readonly framing?: "rtu" | "tcp" };
  readonly unit?: number;
  /** How many of each there are, counted from 0. */
  readonly coils?: number;
  readonly discreteInputs?: number;
  readonly registers?: number;
  /** Told of every write that changed something. */
  readonly onWrite?: (table: "coils" | "holding", address: number, value: number) => void;
}

export interface IoSimulator {
  /** The bound TCP port; absent on a serial line. */
  readonly port?: number;
  readonly memory: SlaveMemory;
  /** Closes or opens a contact. */
  setInput(address: number, isOn: boolean): void;
  close(): Promise<void>;
}

/** A relay board with contacts and a display's registers that speaks real Modbus. */
export async function startIoSimulator(options: IoSimulatorOptions): Promise<IoSimulator> {
  const { unit = 1, coils = 8, discreteInputs = 8, registers = 64 } = options;
  const state = {
    coils: new Uint16Array(coils),
    "discrete-inputs": new Uint16Array(discreteInputs),
    holding: new Uint16Array(registers),
    input: new Uint16Array(0),
  };
  const memory: SlaveMemory = {
    read: (table, address) => state[table][address],
    write(table, address, value) {
      const before = state[table][address];
      if (before === undefined) return false;
      state[table][address] = value;
      if (before !== value) options.onWrite?.(table, address, value);
      return true;
    },
  };
  const isMbap = "tcp" in options.listen && options.listen.framing !== "rtu";
  const server = await serveSimulator(options.listen, async (link) => {
    const rtu = rtuRequests();
    const mbap = mbapRequests();
    for await (const chunk of link) {
      if (isMbap) {
        for (const { head, request } of mbap(chunk)) {
          if (request.unit === unit) await link.write(mbapReply(head, memoryReply(request, memory)));
        }
      } else {
        for (const request of rtu(chunk)) {
          if (request.unit === unit) await link.write(memoryReply(request, memory));
        }
      }
    }
  });
  return {
    ...(server.port !== undefined && { port: server.port }),
    memory,
    setInput(address, isOn) {
      state["discrete-inputs"][address] = isOn ? 1 : 0;
    },
    close: () => server.close(),
  };
}
