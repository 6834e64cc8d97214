import type { CaptureFormat } from "./decoder.ts";
import type { Driver } from "./driver.ts";

/** One kind of device. `load` imports its folder, so that a node pays only for what its config names. */
export interface DriverEntry {
  readonly kind: string;
  readonly summary: string;
  /** It has a reading only when something happens: that it answers is all that can be waited for. */
  readonly isEventDriven?: true;
  load(): Promise<Driver>;
}

/** Every driver that there is. A folder and a line here make one more. */
export const DRIVERS: readonly DriverEntry[] = [
  {
    kind: "tetra-pei",
    summary: "TETRA radio: texts, statuses, positions and emergencies of its handsets",
    isEventDriven: true,
    load: async () => (await import("./tetra-pei/driver.ts")).tetraPei,
  },
  {
    kind: "modbus-noise",
    summary: "noise meter on Modbus: RTU, RTU over TCP, Modbus TCP",
    load: async () => (await import("./modbus-noise/driver.ts")).modbusNoise,
  },
  {
    kind: "cem-noise",
    summary: "hand-held noise meter that streams: CEM DT-885x, PCE-322A",
    load: async () => (await import("./cem-noise/driver.ts")).cemNoise,
  },
  {
    kind: "svantek-noise",
    summary: "Svantek sound level meter, ASCII queries over serial or TCP",
    load: async () => (await import("./svantek-noise/driver.ts")).svantekNoise,
  },
  {
    kind: "hj212",
    summary: "noise and dust stations that report to us by HJ 212",
    load: async () => (await import("./hj212/driver.ts")).hj212,
  },
  {
    kind: "gps-nmea",
    summary: "GNSS receiver, NMEA 0183 over serial, TCP or UDP",
    load: async () => (await import("./gps-nmea/driver.ts")).gpsNmea,
  },
  {
    kind: "jt808",
    summary: "vehicle terminals, JT/T 808, which connect to us",
    load: async () => (await import("./jt808/driver.ts")).jt808,
  },
  {
    kind: "modbus-io",
    summary: "relays, siren, display and contacts on Modbus, ignition included",
    isEventDriven: true,
    load: async () => (await import("./modbus-io/driver.ts")).modbusIo,
  },
  {
    kind: "gpsd",
    summary: "GNSS receiver behind gpsd, by its JSON protocol",
    load: async () => (await import("./gpsd/driver.ts")).gpsd,
  },
];

/** @returns the driver of that kind, or undefined where the registry has none */
export async function loadDriver(kind: string): Promise<Driver | undefined> {
  return DRIVERS.find((entry) => entry.kind === kind)?.load();
}

/** A kind of capture that `shao decode` reads; a driver may have none or several. */
export interface CaptureEntry {
  readonly kind: string;
  readonly summary: string;
  load(): Promise<CaptureFormat>;
}

export const CAPTURES: readonly CaptureEntry[] = [
  {
    kind: "hj212",
    summary: "HJ 212 of a noise or dust station",
    load: async () => (await import("./hj212/capture.ts")).hj212Capture,
  },
  {
    kind: "tetra",
    summary: "PEI of a TETRA radio, or one SDS message a frame",
    load: async () => (await import("./tetra-pei/capture.ts")).tetraCapture,
  },
  {
    kind: "lip",
    summary: "location reports of TETRA handsets (LIP)",
    load: async () => (await import("./tetra-pei/capture.ts")).lipCapture,
  },
  {
    kind: "nmea",
    summary: "NMEA 0183 of a GNSS receiver",
    load: async () => (await import("./gps-nmea/capture.ts")).nmeaCapture,
  },
  {
    kind: "gpsd",
    summary: "JSON of gpsd, as gpspipe -w writes it",
    load: async () => (await import("./gpsd/capture.ts")).gpsdCapture,
  },
  {
    kind: "modbus-noise",
    summary: "Modbus RTU of a noise meter",
    load: async () => (await import("./modbus-noise/capture.ts")).modbusNoiseCapture,
  },
  {
    kind: "modbus-io",
    summary: "Modbus RTU of a board with relays and contacts",
    load: async () => (await import("./modbus-io/capture.ts")).modbusIoCapture,
  },
  {
    kind: "jt808",
    summary: "JT/T 808 of vehicle terminals",
    load: async () => (await import("./jt808/capture.ts")).jt808Capture,
  },
  {
    kind: "cem",
    summary: "stream of a CEM DT-885x or PCE-322A",
    load: async () => (await import("./cem-noise/capture.ts")).cemCapture,
  },
  {
    kind: "svantek",
    summary: "ASCII answers of a Svantek meter",
    load: async () => (await import("./svantek-noise/capture.ts")).svantekCapture,
  },
];
