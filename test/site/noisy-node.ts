import { startNoiseSimulator } from "../../drivers/modbus-noise/simulator.ts";

const METERS = 6;
/** The last alarms clear and their evidence is cut before a drain counts. */
const SETTLE_MS = 5_000;

export interface NoisyNode {
  /** Of a gateway that reads these meters, without `state` and `bridge`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** From now on it is quiet. */
  endLoad(): void;
  hasSettled(): boolean;
  close(): Promise<void>;
}

/** Six simulated meters whose noise flaps in steps of their own, and rules that raise an alarm for each flap. */
export async function noisyNode(options: { readonly keepReceipted: boolean }): Promise<NoisyNode> {
  const startedAtMs = Date.now();
  let loadEndedAtMs = Number.POSITIVE_INFINITY;
  const meters = await startNoiseSimulator({
    listen: { tcp: { host: "127.0.0.1", port: 0 }, framing: "tcp" },
    units: Array.from({ length: METERS }, (_, index) => index + 1),
    levelAt: (unit, atMs) => {
      const phase = Math.floor((atMs - startedAtMs) / 1000 + unit * 1.7) % (5 + (unit % 3));
      return atMs < loadEndedAtMs && phase < 3 ? 82 + unit / 10 : 48 + unit / 10;
    },
  });
  const devices = Array.from({ length: METERS }, (_, index) => `noise-${index + 1}`);
  const rule = {
    kind: "trigger",
    byDay: true,
    raiseWindowS: 2,
    raiseMinValidS: 1,
    clearWindowS: 2,
    clearMinValidS: 1,
    sameAlarmS: 0,
    evidenceBeforeS: 2,
    evidenceAfterS: 2,
  };
  return {
    config: {
      site: { name: "Fault test", timeZone: "Asia/Shanghai", latitudeDeg: 39.912, longitudeDeg: 116.456 },
      buses: { meters: { tcp: `127.0.0.1:${meters.port}`, framing: "tcp" } },
      devices: Object.fromEntries(
        devices.map((id, index) => [id, { driver: "modbus-noise", bus: "meters", unit: index + 1, timeoutMs: 150 }]),
      ),
      // The simulated meters hold their level: they would be found stuck.
      levelWatch: { enabled: false },
      rules: Object.fromEntries(devices.map((device) => [`loud-${device}`, { ...rule, device }])),
      // Where nothing else needs them, receipted rows go at once: a receipt that proves nothing then shows as a loss.
      // The disks that faults strike are small: with a grown disk's floor no file would ever be taken.
      retention: { keepReceiptedDays: options.keepReceipted ? 1 : 0, minFreeDiskBytes: 4 * 1024 * 1024 },
    },
    endLoad: () => {
      loadEndedAtMs = Date.now();
    },
    hasSettled: () => Date.now() - loadEndedAtMs > SETTLE_MS,
    close: () => meters.close(),
  };
}
