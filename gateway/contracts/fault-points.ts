import process from "node:process";
import { GatewayError } from "./gateway-error.ts";

/** Places where the fault test ends the gateway without warning. Each stands between two acts that a crash can part. */
export const GATEWAY_FAULT_POINTS = [
  /** A batch is written but its COMMIT has not run. */
  "gateway-before-commit",
  /** The COMMIT is on the disk; nobody has been told. */
  "gateway-after-commit",
  /** While the write-ahead log is copied into the file. */
  "gateway-mid-checkpoint",
  /** The journal's schema is being made or brought up to date: before each commit of that. */
  "gateway-mid-migration",
  /** A hello page went out. */
  "gateway-after-hello",
  /** An envelope is built and not yet handed to MQTT. */
  "gateway-before-publish",
  /** An envelope was handed to MQTT. */
  "gateway-after-publish",
  /** A receipt came in and its mark is not yet on the disk. */
  "gateway-after-receipt",
  /** Files of an evidence are on the disk, its record is not committed. */
  "gateway-evidence-fsynced",
  /** A chunk of a file was handed to MQTT, its receipt has not come. */
  "gateway-after-chunk",
  /** The bridge said that it has a file; the mark is not yet on the disk. */
  "gateway-after-blob-stored",
] as const;
export type GatewayFaultPoint = (typeof GATEWAY_FAULT_POINTS)[number];

/** Promises that a gateway can be told to break, so that the fault tests are seen to go red. */
export const GATEWAY_NEGATIVE_CONTROLS = [
  /** A PUBACK of the broker counts as a receipt. */
  "receipt-on-puback",
  /** The journal does not wait for the disk at a commit. */
  "synchronous-normal",
  /** Runs are named by counting the starts of a journal: a copied or a new one names them anew. */
  "run-id-reused",
] as const;
export type GatewayNegativeControl = (typeof GATEWAY_NEGATIVE_CONTROLS)[number];

/** `reach` costs nothing unless a fault point was asked for by name. */
export interface GatewayFaultPoints {
  reach(name: GatewayFaultPoint): void;
}

/** Kill at the `count`-th time that `name` is reached. */
export interface GatewayFaultSpec {
  readonly name: GatewayFaultPoint;
  readonly count: number;
}

export const NO_FAULT_POINTS: GatewayFaultPoints = { reach: () => {} };

/** @throws GatewayError FAULT_POINT_UNKNOWN for anything that is not `NAME` or `NAME:N` */
export function parseGatewayFaultPoint(text: string): GatewayFaultSpec {
  const [name = "", count = "1"] = text.split(":");
  const known = GATEWAY_FAULT_POINTS.find((point) => point === name);
  if (known === undefined || !/^[1-9]\d*$/.test(count)) {
    throw new GatewayError("FAULT_POINT_UNKNOWN", `no fault point ${JSON.stringify(text)}`, {
      hint: `Give NAME or NAME:N with one of ${GATEWAY_FAULT_POINTS.join(", ")}.`,
    });
  }
  return { name: known, count: Number(count) };
}

/** Ends this very process by SIGKILL, as a power cut would, the `count`-th time that the point is reached. */
export function killAtFaultPoint(spec: GatewayFaultSpec | undefined): GatewayFaultPoints {
  if (spec === undefined) return NO_FAULT_POINTS;
  let left = spec.count;
  return {
    reach(name) {
      if (name !== spec.name) return;
      left -= 1;
      if (left === 0) process.kill(process.pid, "SIGKILL");
    },
  };
}
