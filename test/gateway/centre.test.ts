import { readFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { Aedes } from "aedes";
import { expect, onTestFinished, test, vi } from "vitest";
import { freePorts } from "../../cli/sim/free-port.ts";
import { startGpsdSimulator } from "../../drivers/gpsd/simulator.ts";
import { startStationSimulator } from "../../drivers/hj212/simulator.ts";
import { startTerminal } from "../../drivers/jt808/simulator.ts";
import { DRIVERS } from "../../drivers/registry.ts";
import { startRadioSimulator } from "../../drivers/tetra-pei/simulator.ts";
import { checkGatewayConfig } from "../../gateway/config/load-gateway-config.ts";
import { startGateway } from "../../gateway/main.ts";
import type { RecordHead } from "../../protocol/record.ts";
import { QuietLog } from "../fakes/quiet-log.ts";
import { temporaryDirectory } from "./journal/sample-records.ts";
import { ScriptedBridge } from "./uplink/scripted-bridge.ts";

const SAMPLE = new URL("../../config/centre.yaml", import.meta.url);
const SOON = { timeout: 30_000, interval: 50 };
const PLACE = { latitudeDeg: 39.912, longitudeDeg: 116.456, speedMps: 8, bearingDeg: 90 };

type Change = readonly [what: string, by: string];
type Said = RecordHead & { readonly body: Readonly<Record<string, unknown>> };

/** What stands in for a device of the control room, and how its records tell that it was heard. */
interface StandIn {
  /** What of the sample must be another here: ports that are free. */
  readonly changes: readonly Change[];
  /** Begins once the gateway runs. */
  start(): Promise<void>;
  isHeard(said: readonly Said[]): boolean;
}

/** By the name of the device in the sample. A device without one fails the test. */
const STAND_INS: Readonly<Record<string, (port: number) => Promise<StandIn>>> = {
  async stations(port) {
    const id = "010000A8900016F000100001";
    return {
      changes: [["127.0.0.1:7212", `127.0.0.1:${port}`]],
      async start() {
        const connect = { host: "127.0.0.1", port };
        const station = startStationSimulator({ connect, mn: id, levelAt: () => 58, hasDust: true, periodMs: 500 });
        onTestFinished(() => station.close());
      },
      isHeard(said) {
        const own = said.filter(({ kind, subject }) => kind === "measurement" && subject?.id === id);
        return ["LA", "PM10", "windSpeed"].every((name) => own.some(({ body }) => body["quantity"] === name));
      },
    };
  },
  async vehicles(port) {
    return {
      changes: [["127.0.0.1:7611", `127.0.0.1:${port}`]],
      async start() {
        const open = (phone: string, edition: "2013" | "2019") =>
          startTerminal({ port, phone, edition, periodMs: 500, placeAt: () => PLACE });
        const [first, second] = await Promise.all([open("013900000001", "2013"), open("013900000002", "2019")]);
        onTestFinished(async () => void (await Promise.all([first.close(), second.close()])));
        await Promise.all([first.ready, second.ready]);
        first.pressSos();
        second.pressSos();
      },
      isHeard(said) {
        const emergencies = said.filter(({ kind, device }) => kind === "alarm" && device === "vehicles");
        const callers = new Set(emergencies.map(({ subject }) => subject?.id));
        const placed = said.filter(({ kind, subject }) => kind === "position" && subject?.type === "terminal");
        return callers.size === 2 && placed.length >= 2;
      },
    };
  },
  async radio(port) {
    const [caller, second, writer] = ["2001", "2003", "2002"];
    const handsets = [caller, second, writer];
    const radio = await startRadioSimulator({ listen: { tcp: { port } }, issi: "1000", handsets });
    onTestFinished(() => radio.close());
    return {
      changes: [["serial: /dev/serial/by-id/usb-FTDI_FT232R-if00-port0", `tcp: 127.0.0.1:${port}`]],
      async start() {
        // A radio hands over nothing before it was asked to: handsets try again, as people do.
        const calling = setInterval(() => {
          radio.status(caller, 0);
          radio.status(second, 0);
          radio.text(writer, "到达现场");
        }, 500);
        onTestFinished(() => clearInterval(calling));
      },
      isHeard(said) {
        const calls = said.filter(({ kind, device }) => kind === "alarm" && device === "radio");
        expect(calls.filter(({ body }) => body["family"] !== "emergency")).toEqual([]);
        const ids = (issi: string) =>
          new Set(calls.flatMap(({ subject, body }) => (subject?.id === issi ? [body["alarmId"]] : [])));
        // However often a handset says so, it is one alarm; another handset in the same second has its own.
        expect(Math.max(ids(caller).size, ids(second).size)).toBeLessThanOrEqual(1);
        const isCalled = new Set([...ids(caller), ...ids(second)]).size === 2;
        return isCalled && said.some(({ subject, body }) => subject?.id === writer && body["text"] === "到达现场");
      },
    };
  },
  async receiver(port) {
    const gpsd = await startGpsdSimulator({ listen: { tcp: { port } }, positionAt: () => PLACE });
    onTestFinished(() => gpsd.close());
    return {
      changes: [["127.0.0.1:2947", `127.0.0.1:${port}`]],
      async start() {},
      isHeard(said) {
        return said.some(({ kind, device }) => kind === "position" && device === "receiver");
      },
    };
  },
};

async function broker(): Promise<string> {
  const aedes = await Aedes.createBroker();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    aedes.handle(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
    aedes.close();
  });
  return `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("a gateway starts from the control room's sample, and hears every kind of device in it", {
  timeout: 60_000,
}, async () => {
  const sample = readFileSync(SAMPLE, "utf8");
  const asItStands = await checkGatewayConfig(Buffer.from(sample), DRIVERS);
  if (!asItStands.ok) throw new Error(JSON.stringify(asItStands.faults));
  const devices = asItStands.config.devices.map(({ id }) => id);
  expect(devices.filter((id) => !(id in STAND_INS))).toEqual([]);

  const ports = await freePorts(devices.length);
  const standIns = await Promise.all(devices.map((id, index) => STAND_INS[id]?.(ports[index] ?? 0)));
  const url = await broker();
  const changes: Change[] = [
    ['"mqtts://127.0.0.1:8883"', `"${url}", insecureLoopback: true`],
    ["./state/centre-01", JSON.stringify(temporaryDirectory())],
    ...standIns.flatMap((standIn) => standIn?.changes ?? []),
  ];
  const text = changes.reduce((whole, [what, by]) => {
    if (!whole.includes(what)) throw new Error(`the sample does not say ${what}`);
    return whole.replaceAll(what, by);
  }, sample);
  const checked = await checkGatewayConfig(Buffer.from(text), DRIVERS);
  if (!checked.ok) throw new Error(JSON.stringify(checked.faults));

  const bridge = await ScriptedBridge.start(url);
  onTestFinished(() => bridge.close());
  const gateway = await startGateway({ config: checked.config, version: "test", log: new QuietLog() });
  onTestFinished(() => gateway.stop());
  await vi.waitFor(async () => {
    expect(JSON.stringify((await gateway.health()).devices)).not.toContain('"offline"');
  }, SOON);
  await Promise.all(standIns.map((standIn) => standIn?.start()));

  const said = () => [...(bridge.records.get(gateway.run)?.values() ?? [])] as Said[];
  const unheard = () => devices.filter((_, index) => standIns[index]?.isHeard(said()) !== true);
  await vi.waitFor(() => expect(unheard()).toEqual([]), SOON);
  const allOnline = Object.fromEntries(devices.map((id) => [id, { state: "online" }]));
  await vi.waitFor(async () => expect((await gateway.health()).devices).toMatchObject(allOnline), SOON);
});
