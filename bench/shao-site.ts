import { decodeLevels } from "../protocol/level-series.ts";
import { numberOfRegister } from "./counting-meter.ts";
import type { Arrival } from "./outage-count.ts";
import { PairedNode } from "./paired-node.ts";

const STORED = "SELECT received_at_ms AS atMs, bytes FROM inbox WHERE kind = 'noise' ORDER BY received_at_ms, rowid";

/** A gateway that reads one unit of the counting meter, and its bridge. */
export async function startShaoSite(folder: string, meterPort: number, unit: number): Promise<PairedNode> {
  const pair = await PairedNode.create(folder, {
    site: { name: "Bench", timeZone: "Asia/Shanghai", latitudeDeg: 39.9, longitudeDeg: 116.4 },
    buses: { meters: { tcp: `127.0.0.1:${meterPort}`, framing: "tcp" } },
    devices: { noise: { driver: "modbus-noise", bus: "meters", unit, profile: "sonbest-sm7901b" } },
  });
  pair.startGateway();
  return pair;
}

/** The meter's numbers as they stand in the bridge's database, each when its record was received. */
export function storedNumbers(pair: PairedNode): Arrival[] {
  return (pair.stored(STORED) as { atMs: number; bytes: Uint8Array }[]).flatMap(({ atMs, bytes }) => {
    const { body } = JSON.parse(Buffer.from(bytes).toString("utf8")) as { body: { series: unknown } };
    return (decodeLevels(body.series) ?? []).flatMap(({ levelDb }) =>
      levelDb === null ? [] : [{ atMs, number: numberOfRegister(Math.round(levelDb * 10)) }],
    );
  });
}
