import { Type } from "typebox";
import { BusReference } from "../../drivers/bus/bus-config.ts";
import type { ByteLink, DeviceCommand, Driver } from "../../drivers/driver.ts";
import { DriverError } from "../../drivers/errors.ts";

const Address = Type.Object({ host: Type.String(), port: Type.Integer() });
const MAX_LINE = 200;

/** Shared bus: a dust meter on the same line as others, whose fan is switched through the command lane. */
const busConfig = Type.Object({ bus: BusReference, unit: Type.Integer(), periodMs: Type.Integer() });
export const dustOnBus: Driver<typeof busConfig> = {
  kind: "dust-on-bus",
  config: busConfig,
  async run({ bus: { port, settings }, unit, periodMs }, { openBus, clock, online, emit, commands, signal }) {
    await using bus = await openBus(port, settings);
    const switching = answerEach(commands, async ({ args }) => {
      const value = Number(args["on"] === true);
      return bus.modbus({ unit, function: "write-holding", address: 9, value, timeoutMs: 200 }, "command");
    });
    for await (const _ of bus.every(periodMs, signal)) {
      const [value = null] = await bus.modbus({ unit, function: "read-holding", address: 3, timeoutMs: 200 });
      online();
      await emit({ kind: "measurement", quantity: "PM10", unit: "ug/m3", value, atMs: clock.nowMs() });
    }
    await switching;
  },
};

/** TCP client: a weather station that writes a line now and then. */
const tcpConfig = Type.Object({ tcp: Address, periodMs: Type.Integer() });
export const weatherOverTcp: Driver<typeof tcpConfig> = {
  kind: "weather-over-tcp",
  config: tcpConfig,
  async run({ tcp }, { openTcp, clock, online, emit, fault }) {
    await using link = await openTcp(tcp);
    for await (const line of lines(link)) {
      const match = /^WIND=(\d+(?:\.\d+)?)$/.exec(line);
      if (match === null) {
        fault(rubbish(line));
        continue;
      }
      online();
      await emit({ kind: "measurement", quantity: "wind", unit: "m/s", value: Number(match[1]), atMs: clock.nowMs() });
    }
    throw new DriverError("CONNECTION_LOST", "the station closed", { retry: "backoff", hint: "Look at the station." });
  },
};

/** UDP: a sensor that answers when it is asked. */
const udpConfig = Type.Object({ udp: Address, periodMs: Type.Integer() });
export const sensorOverUdp: Driver<typeof udpConfig> = {
  kind: "sensor-over-udp",
  config: udpConfig,
  async run({ udp, periodMs }, { openUdp, clock, online, emit, signal }) {
    await using socket = await openUdp({ remote: udp });
    const asking = (async () => {
      while (!signal.aborted) {
        await socket.send(Buffer.from("?"));
        await clock.sleep(periodMs, signal);
      }
    })();
    for await (const { bytes } of socket) {
      online();
      const value = Number(Buffer.from(bytes).toString());
      await emit({ kind: "measurement", quantity: "rain", unit: "mm", value, atMs: clock.nowMs() });
    }
    await asking;
  },
};

/** A server on which many stations report, each a subject of its own, each acknowledged. */
const serverConfig = Type.Object({ listen: Address, subjectPeriodMs: Type.Integer() });
export const stationServer: Driver<typeof serverConfig> = {
  kind: "station-server",
  config: serverConfig,
  async run({ listen }, { listenTcp, clock, online, emit, fault }) {
    await using listener = await listenTcp(listen);
    const serve = async (station: ByteLink): Promise<void> => {
      await using link = station;
      for await (const line of lines(link)) {
        const [, id, value] = /^(MN\d+) (\d+(?:\.\d+)?)$/.exec(line) ?? [];
        if (id === undefined) {
          fault(rubbish(line));
          continue;
        }
        const subject = { type: "station", id } as const;
        online(subject);
        const atMs = clock.nowMs();
        await emit({ kind: "measurement", quantity: "LA", unit: "dB", value: Number(value), atMs }, subject);
        await link.write(Buffer.from("ACK\n"));
      }
    };
    for await (const link of listener) {
      serve(link).catch((error: unknown) => {
        if (error instanceof DriverError) fault(error);
      });
    }
  },
};

/** One radio with many handsets behind it, and texts that go out. */
const radioConfig = Type.Object({ tcp: Address });
export const radio: Driver<typeof radioConfig> = {
  kind: "radio",
  config: radioConfig,
  async run({ tcp }, { openTcp, clock, online, emit, commands, signal }) {
    await using link = await openTcp(tcp);
    const sent = new Map<string, () => void>();
    const sending = answerEach(commands, async ({ id, kind, args }) => {
      if (kind !== "text")
        throw new DriverError("RADIO_UNABLE", `no ${kind} here`, { retry: "never", hint: "Text only." });
      const { promise, resolve } = Promise.withResolvers<void>();
      sent.set(id, resolve);
      await link.write(Buffer.from(`SEND ${id} ${args["to"]} ${args["text"]}\n`));
      await promise;
      return { to: args["to"] };
    });
    for await (const line of lines(link)) {
      const [, issi = "", text = ""] = /^FROM (\d+) (.*)$/.exec(line) ?? [];
      const [, reference = ""] = /^SENT (\S+)$/.exec(line) ?? [];
      sent.get(reference)?.();
      online();
      if (issi === "") continue;
      const type = text === "EMERGENCY" ? "emergency" : "text";
      await emit({ kind: "message", type, text, atMs: clock.nowMs() }, { type: "issi", id: issi });
    }
    if (signal.aborted) return sending;
    throw new DriverError("CONNECTION_LOST", "the radio closed", { retry: "backoff", hint: "Look at the radio." });
  },
};

async function answerEach(
  commands: AsyncIterable<DeviceCommand>,
  act: (command: DeviceCommand) => Promise<unknown>,
): Promise<void> {
  for await (const command of commands) {
    try {
      command.done(await act(command));
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      command.refuse(error);
    }
  }
}

async function* lines(link: ByteLink): AsyncGenerator<string> {
  let text = "";
  for await (const chunk of link) {
    text += Buffer.from(chunk).toString();
    const found = text.split("\n");
    text = (found.pop() ?? "").slice(-MAX_LINE);
    yield* found;
  }
}

function rubbish(line: string): DriverError {
  return new DriverError("LINE_UNKNOWN", `"${line.slice(0, 20)}" is no line`, {
    retry: "backoff",
    hint: "Look at it.",
  });
}
