import { Value } from "typebox/value";
import { deviceLinks } from "../../drivers/device-links.ts";
import { startGpsSimulator } from "../../drivers/gps-nmea/simulator.ts";
import { loadDriver } from "../../drivers/registry.ts";
import { tetraPeiConfig } from "../../drivers/tetra-pei/config.ts";
import { startSupervisor } from "../../gateway/supervisor/supervisor.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { QuietLog } from "./quiet-log.ts";

/** A radio at a port of its own beside a receiver that fixes ten times a second, on one supervisor as in a gateway. */
export async function radioBesideReceiver(radioPort: number) {
  const receiver = await startGpsSimulator({
    listen: { tcp: {} },
    periodMs: 100,
    positionAt: () => ({ latitudeDeg: 39.9, longitudeDeg: 116.4, speedMps: 4 }),
  });
  const gps = loadDriver("gps-nmea");
  const gpsConfig = Value.Default((await gps)?.config ?? {}, { tcp: `127.0.0.1:${receiver.port}`, periodMs: 100 });
  const radio = { tcp: `127.0.0.1:${radioPort}`, periodMs: 1000, timeoutMs: 500 };
  const counts = new Map<string, number>();
  const stop = new AbortController();
  const clock = systemClock();
  const supervisor = startSupervisor({
    devices: [
      { id: "gps", driver: "gps-nmea", config: gpsConfig },
      { id: "radio", driver: "tetra-pei", config: Value.Default(tetraPeiConfig, radio) },
    ],
    load: loadDriver,
    links: deviceLinks(clock),
    clock,
    signal: stop.signal,
    log: new QuietLog(),
    onReading: ({ device, reading }) => {
      const key = `${device} ${reading.kind}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    },
    onHealth: () => undefined,
  });
  return {
    count: (key: string) => counts.get(key) ?? 0,
    state: (id: string) =>
      supervisor.health().find(({ device, subject }) => device === id && subject === undefined)?.body.state,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await supervisor.done;
      await receiver.close();
    },
  };
}
