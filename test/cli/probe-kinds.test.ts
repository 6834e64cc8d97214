import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { answerOf, Heard } from "../../cli/probe/answer.ts";
import { startCemSimulator } from "../../drivers/cem-noise/simulator.ts";
import { startGpsSimulator } from "../../drivers/gps-nmea/simulator.ts";
import { startGpsdSimulator } from "../../drivers/gpsd/simulator.ts";
import { startStationSimulator } from "../../drivers/hj212/simulator.ts";
import { startTerminal } from "../../drivers/jt808/simulator.ts";
import { startIoSimulator } from "../../drivers/modbus-io/simulator.ts";
import { startNoiseSimulator } from "../../drivers/modbus-noise/simulator.ts";
import { DRIVERS } from "../../drivers/registry.ts";
import { startSvantekSimulator } from "../../drivers/svantek-noise/simulator.ts";
import { startRadioSimulator } from "../../drivers/tetra-pei/simulator.ts";
import { freePort, scratchFolder } from "../fakes/rigs.ts";

interface Peer {
  /** Settings of the device that is asked. */
  readonly device: string;
  readonly bus?: string;
  close(): Promise<void>;
}

const PLACE = { latitudeDeg: 39.912, longitudeDeg: 116.456, speedMps: 8, bearingDeg: 90 };
const MN = "010000A8900016F000169DC0";
const levelAt = () => 62;

/** What stands in for a device of each kind, and the least that the probe must say of it. */
const KINDS: Readonly<Record<string, { readonly start: () => Promise<Peer>; readonly says: object }>> = {
  "modbus-noise": {
    async start() {
      const meter = await startNoiseSimulator({ listen: { tcp: {}, framing: "rtu" }, units: [1], levelAt });
      const bus = `{ tcp: "127.0.0.1:${meter.port}", framing: rtu }`;
      return { device: "{ driver: modbus-noise, bus: meters, unit: 1 }", bus: `meters: ${bus}`, close: meter.close };
    },
    says: { reading: { kind: "noise", levelDb: 62 } },
  },
  "cem-noise": {
    async start() {
      const meter = await startCemSimulator({ listen: { tcp: {} }, levelAt });
      return { device: `{ driver: cem-noise, tcp: "127.0.0.1:${meter.port}" }`, close: meter.close };
    },
    says: { reading: { kind: "noise", levelDb: 62 } },
  },
  "svantek-noise": {
    async start() {
      const meter = await startSvantekSimulator({ listen: { tcp: {} }, levelAt });
      return { device: `{ driver: svantek-noise, tcp: "127.0.0.1:${meter.port}" }`, close: meter.close };
    },
    says: { reading: { kind: "noise", levelDb: 62 } },
  },
  "gps-nmea": {
    async start() {
      const receiver = await startGpsSimulator({ listen: { tcp: {} }, positionAt: () => PLACE });
      return { device: `{ driver: gps-nmea, tcp: "127.0.0.1:${receiver.port}" }`, close: receiver.close };
    },
    says: { ok: true, reading: {} },
  },
  gpsd: {
    async start() {
      const receiver = await startGpsdSimulator({ listen: { tcp: {} }, positionAt: () => PLACE });
      return { device: `{ driver: gpsd, tcp: "127.0.0.1:${receiver.port}" }`, close: receiver.close };
    },
    says: { ok: true, reading: {} },
  },
  "tetra-pei": {
    async start() {
      const radio = await startRadioSimulator({ listen: { tcp: {} }, issi: "1000", handsets: ["2001"] });
      const calling = setInterval(() => radio.text("2001", "到达现场"), 500);
      const close = async (): Promise<void> => {
        clearInterval(calling);
        await radio.close();
      };
      return { device: `{ driver: tetra-pei, tcp: "127.0.0.1:${radio.port}" }`, close };
    },
    says: { heard: ["issi:2001"], reading: { kind: "message", text: "到达现场" } },
  },
  "modbus-io": {
    async start() {
      const board = await startIoSimulator({ listen: { tcp: {}, framing: "tcp" } });
      board.setInput(0, true);
      const points = "outputs: { siren: { coil: 0 } }, inputs: { ignition: { discreteInput: 0 } }";
      const bus = `board: { tcp: "127.0.0.1:${board.port}", framing: tcp }`;
      return { device: `{ driver: modbus-io, bus: board, unit: 1, ${points} }`, bus, close: board.close };
    },
    says: { switches: { siren: false, ignition: true } },
  },
  jt808: {
    async start() {
      const port = await freePort();
      const stop = new AbortController();
      const driving = (async () => {
        while (!stop.signal.aborted) {
          const terminal = await startTerminal({ port, phone: "013912345678", placeAt: () => PLACE }).catch(
            () => undefined,
          );
          if (terminal === undefined) await wait(50);
          else {
            await terminal.ready.catch(() => undefined);
            while (!stop.signal.aborted) await wait(50);
            await terminal.close();
          }
        }
      })();
      const close = async (): Promise<void> => {
        stop.abort();
        await driving;
      };
      return { device: `{ driver: jt808, listen: "127.0.0.1:${port}", acceptUnknown: true }`, close };
    },
    says: { listens: expect.stringMatching(/^127\.0\.0\.1:\d+$/), heard: ["terminal:013912345678"] },
  },
  hj212: {
    async start() {
      const port = await freePort();
      const connect = { host: "127.0.0.1", port };
      const station = startStationSimulator({ connect, mn: MN, password: "123456", levelAt, periodMs: 500 });
      const device = `{ driver: hj212, listen: "127.0.0.1:${port}", stations: { ${MN}: { password: "123456" } } }`;
      return { device, close: () => station.close() };
    },
    says: { listens: expect.stringMatching(/^127\.0\.0\.1:\d+$/), heard: [`station:${MN}`] },
  },
};

const scratch = scratchFolder();
const kinds = DRIVERS.map(({ kind }) => kind);
const peers: Peer[] = [];
let answers: readonly { readonly driver: string }[] = [];

beforeAll(async () => {
  for (const kind of kinds) {
    const peer = await KINDS[kind]?.start();
    if (peer === undefined) throw new Error(`nothing stands in for a ${kind}`);
    peers.push(peer);
  }
  const file = join(scratch.path, "all.yaml");
  writeFileSync(
    file,
    [
      'node: all-1\nbridge: { url: "mqtts://127.0.0.1:8883" }',
      `state: ${scratch.path}/state`,
      `buses:\n${peers.flatMap(({ bus }) => (bus === undefined ? [] : [`  ${bus}`])).join("\n")}`,
      `devices:\n${peers.map(({ device }, index) => `  ${kinds[index]}-01: ${device}`).join("\n")}\n`,
    ].join("\n"),
  );
  const child = spawn(process.execPath, ["cli/shao.js", "probe", file, "--seconds", "60"]);
  let text = "";
  child.stdout.on("data", (chunk) => {
    text += String(chunk);
  });
  child.stderr.pipe(process.stderr);
  await new Promise((resolve) => child.once("close", resolve));
  answers = text
    .trim()
    .split("\n")
    .map((line): (typeof answers)[number] => JSON.parse(line));
}, 90_000);
afterAll(async () => {
  await Promise.all(peers.map((peer) => peer.close()));
  scratch.remove();
});

test.each(kinds)("shao probe says of a %s that it answers, and what or whom it heard", (kind) => {
  expect(answers.find(({ driver }) => driver === kind)).toMatchObject({ ok: true, ...KINDS[kind]?.says });
});

const online = { device: "d", body: { state: "online", sinceMs: 0 } } as const;

test("a radio or a board that answers is well without a word, a meter or a receiver is not", () => {
  const ok = (kind: string) => answerOf(kind, {}, new Heard(), online).ok;
  expect(kinds.filter(ok).toSorted()).toEqual(["modbus-io", "tetra-pei"]);
});

test("a listener that nobody calls says where it listens and that it heard nobody", () => {
  const unheard = { ...online, body: { ...online.body, code: "LISTENING_UNHEARD", message: "m", hint: "h" } };
  const said = answerOf("hj212", { listen: "0.0.0.0:7212" }, new Heard(), unheard);
  expect(said).toMatchObject({ ok: false, listens: "0.0.0.0:7212", heard: [], code: "LISTENING_UNHEARD", hint: "h" });
});
