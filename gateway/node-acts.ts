import { createHash } from "node:crypto";
import type { MissingPart } from "../protocol/evidence.ts";
import { newAlarmId } from "../protocol/new-ids.ts";
import type { NewRecord } from "../protocol/record.ts";
import type { Command } from "../protocol/session.ts";
import type { AssignmentBook } from "./assignments/assignment-book.ts";
import type { CommandOutcome } from "./commands/commands.ts";
import type { LiveLeases } from "./commands/live-leases.ts";
import type { CameraActs } from "./contracts/camera-acts.ts";
import type { EvidenceTaker, MediaFile } from "./contracts/evidence.ts";
import { GatewayError } from "./contracts/gateway-error.ts";
import { LOG_LEVELS, type LogLevel, type LogMemory } from "./diagnostics/log-memory.ts";
import type { Supervisor } from "./supervisor/supervisor.ts";

const DEFAULT_CLIP_S = 20;
const LONGEST_CLIP_S = 120;
const DEFAULT_LOG_S = 600;
const LONGEST_LOG_S = 86_400;

/** What a command can reach on the node. */
export interface NodeActs {
  readonly devices: readonly { readonly id: string }[];
  readonly leases: LiveLeases;
  readonly supervisor: Supervisor | undefined;
  /** Resolves when the device is no longer starting, or after some seconds. */
  readonly isStarted: (device: string) => Promise<void>;
  readonly logs: Pick<LogMemory, "setLevel">;
  readonly assignments: Pick<AssignmentBook, "hear">;
  /** Undefined: this node has no camera. */
  readonly cameras: CameraActs | undefined;
  readonly evidence: Pick<EvidenceTaker, "take">;
  /** Undefined: its config cannot be changed from outside. */
  readonly takeConfig?: (command: Command) => Promise<CommandOutcome | "later">;
  readonly stamp: () => Pick<NewRecord, "upMs" | "atMs" | "timeQuality">;
  /** A `.tar.gz` without secrets. */
  readonly diagnostics: () => Promise<{ readonly bytes: Uint8Array; readonly summary: object }>;
}

/** Does what a command that was found good asks for, or says why not. */
export async function actOn(command: Command, node: NodeActs): Promise<CommandOutcome | "later"> {
  try {
    return await act(command, node);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return no(error.code, `${error.message}. ${error.hint}`);
  }
}

async function act(command: Command, node: NodeActs): Promise<CommandOutcome | "later"> {
  const { kind, args } = command;
  const device = args["device"];
  switch (kind) {
    case "live":
      if (!isKnown(device, node)) return noDevice(device);
      if (args["stream"] === "video") return showVideo(device, args, node);
      node.leases.renew(device);
      return { ok: true };
    case "restart":
      return { ok: true };
    case "diagnostics":
      return diagnose(command, node);
    case "log-level":
      return setLogLevel(args, node);
    case "assignment":
      return { ok: true, value: { isShown: await node.assignments.hear(args) } };
    case "snapshot":
    case "clip":
      if (typeof device === "string" && node.cameras?.has(device) === true) {
        return look(command, device, node.cameras, node);
      }
      if (isKnown(device, node)) return hand(command, device, node);
      return node.cameras === undefined
        ? no("CAMERA_NONE", "this node has no camera")
        : no("DEVICE_UNKNOWN", `there is no camera ${JSON.stringify(device)}`);
    case "text":
    case "status":
    case "relay":
      if (typeof device !== "string") return no("DEVICE_UNKNOWN", "the command names no device");
      return hand(command, device, node);
    // Taken back where commands are admitted, not by an act.
    case "cancel":
    case "config":
      return node.takeConfig === undefined
        ? no("COMMAND_UNSUPPORTED", "this gateway runs with a fixed config")
        : node.takeConfig(command);
    case "update":
      return no(
        "COMMAND_UNSUPPORTED",
        `this version does not do "${kind}": change the node's own files and restart it`,
      );
  }
}

/** `forMs: 0` ends it: the last who looked has gone. */
function showVideo(device: string, { forMs }: Command["args"], { leases, cameras }: NodeActs): CommandOutcome {
  if (cameras?.has(device) !== true) return no("CAMERA_NONE", `${device} is no camera that is in use`);
  if (forMs === 0) leases.endVideo(device);
  else if (!leases.renewVideo(device)) return no("LIVE_BUSY", `${leases.video} is being watched, one stream a node`);
  return { ok: true };
}

/** What was kept for a box that was away comes before its devices are there. */
async function hand({ id, kind, args }: Command, device: string, node: NodeActs): Promise<CommandOutcome> {
  if (node.supervisor === undefined) return no("DEVICE_OFFLINE", "no device is served yet");
  await node.isStarted(device);
  return node.supervisor.deliver({ device, id, kind, args });
}

function setLogLevel(args: Command["args"], node: NodeActs): CommandOutcome {
  const { device, level, forS = DEFAULT_LOG_S } = args as { device?: unknown; level?: unknown; forS?: unknown };
  if (!isKnown(device, node)) return noDevice(device);
  const known = LOG_LEVELS.find((name): name is LogLevel => name === level);
  if (known === undefined) return no("COMMAND_ARGUMENTS", `level is one of ${LOG_LEVELS.join(", ")}`);
  if (typeof forS !== "number" || !(forS > 0) || forS > LONGEST_LOG_S) {
    return no("COMMAND_ARGUMENTS", `forS is a number of seconds up to ${LONGEST_LOG_S}`);
  }
  node.logs.setLevel(device, known, forS * 1000);
  return { ok: true, value: { device, level: known, untilMs: node.stamp().atMs + Math.round(forS * 1000) } };
}

async function look(command: Command, camera: string, cameras: CameraActs, node: NodeActs): Promise<CommandOutcome> {
  const { seconds = DEFAULT_CLIP_S } = command.args as { seconds?: unknown };
  if (command.kind === "snapshot") return keep(command, [await cameras.snapshot(camera)], node, {});
  if (typeof seconds !== "number" || !(seconds > 0) || seconds > LONGEST_CLIP_S) {
    return no("COMMAND_ARGUMENTS", `seconds is a number up to ${LONGEST_CLIP_S}`);
  }
  const { media, missing, lackingS } = await cameras.clip(camera, seconds);
  return keep(command, media, node, lackingS === 0 ? {} : { lackingS }, missing);
}

async function diagnose(command: Command, node: NodeActs): Promise<CommandOutcome> {
  const { bytes, summary } = await node.diagnostics();
  const { atMs } = node.stamp();
  const times = { fromMs: atMs, toMs: atMs };
  const file: MediaFile = { name: "diagnostics.tar.gz", type: "file", from: { bytes }, ...times };
  return keep(command, [file], node, summary);
}

/** A file goes where all files go: into custody, announced by a record, sent when the line allows, and kept until stored. */
async function keep(
  { id, args }: Command,
  media: readonly MediaFile[],
  node: NodeActs,
  facts: object,
  missing: readonly MissingPart[] = [],
): Promise<CommandOutcome> {
  const now = node.stamp();
  const evidenceId = `cmd-${createHash("sha256").update(id).digest("hex").slice(0, 32)}`;
  const device = args["device"];
  const body = { evidenceId, alarmId: newAlarmId(now.atMs), commandId: id, parts: [], missing: [...missing] };
  const parts = await node.evidence.take({
    record: { ...now, kind: "evidence", ...(typeof device === "string" ? { device } : {}), body },
    media,
  });
  const [part] = parts;
  if (part === undefined) return no("COMMAND_NO_ROOM", "the file could not be kept on the node; its record says why");
  const { name, sizeBytes, sha256 } = part;
  return { ok: true, value: { evidenceId, name, sizeBytes, sha256, ...facts } };
}

function isKnown(device: unknown, { devices }: NodeActs): device is string {
  return typeof device === "string" && devices.some(({ id }) => id === device);
}

function noDevice(device: unknown): CommandOutcome {
  return no("DEVICE_UNKNOWN", `there is no device ${JSON.stringify(device)}`);
}

function no(code: string, message: string): CommandOutcome {
  return { ok: false, code, message };
}
