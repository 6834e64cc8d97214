import type { HealthBody } from "../../protocol/bodies.ts";
import type { NodeId } from "../../protocol/ids.ts";
import { decodeRecord } from "../../protocol/record-codec.ts";
import type { Db } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import { unknownNode } from "./enrolment.ts";

const LONGEST_MS = 7 * 24 * 3_600_000;
const SHORTEST_STEP_MS = 60_000;
const STEPS = 300;
/** Rows read at once; between two such reads others have their turn. */
const AT_ONCE = 500;

/** One step of a node's health; its shape is that of the API's HealthPoint. */
export interface HealthStep {
  readonly atMs: number;
  readonly rssBytes: number;
  readonly cpuPct: number;
  readonly journalBytes: number;
  readonly unsentRecords: number;
  readonly rttMs?: number;
  readonly eventLoopDelayP99Ms: number;
  readonly hoursToFull?: number;
  readonly words: number;
  readonly troubled: string[];
}

/**
 * What a node said of itself, oldest first; a step in which it said nothing is not there.
 * @throws BridgeError NODE_UNKNOWN, SPAN_TOO_LONG
 */
export async function healthOver(
  db: Db,
  node: NodeId,
  fromMs: number,
  toMs: number,
): Promise<{ node: NodeId; stepMs: number; points: HealthStep[] }> {
  if (toMs - fromMs > LONGEST_MS) {
    throw new BridgeError("SPAN_TOO_LONG", "more than 7 days of health were asked for", {
      status: 400,
      hint: "Ask for a week at a time.",
    });
  }
  const known = await db.selectFrom("nodes").select("id").where("id", "=", node).executeTakeFirst();
  if (known === undefined) throw unknownNode(node);
  const stepMs = Math.max(SHORTEST_STEP_MS, Math.ceil((toMs - fromMs) / STEPS));
  const steps = new Map<number, HealthBody[]>();
  let after = fromMs - 1;
  for (;;) {
    const rows = await db
      .selectFrom("inbox")
      .select(["bytes", "at_ms"])
      .where("node", "=", node)
      .where("device", "is", null)
      .where("kind", "=", "health")
      .where("at_ms", ">", after)
      .where("at_ms", "<=", toMs)
      .orderBy("at_ms")
      .limit(AT_ONCE)
      .execute();
    for (const { bytes, at_ms: atMs } of rows) {
      const decoded = decodeRecord(bytes);
      if (!decoded.ok || decoded.known?.kind !== "health") continue;
      const step = Math.floor((atMs - fromMs) / stepMs);
      const words = steps.get(step);
      if (words === undefined) steps.set(step, [decoded.known.body]);
      else words.push(decoded.known.body);
    }
    const last = rows.at(-1);
    if (rows.length < AT_ONCE || last === undefined) break;
    after = last.at_ms;
  }
  const points = [...steps].map(([step, words]) => summed(fromMs + step * stepMs, words));
  return { node, stepMs, points };
}

function summed(atMs: number, words: readonly HealthBody[]): HealthStep {
  const rtts = numbers(words, "rttMs");
  const hours = numbers(words, "hoursToFull");
  const troubled = new Set<string>();
  for (const { devices } of words) {
    for (const [device, state] of Object.entries(devices)) if (state !== "online") troubled.add(device);
  }
  return {
    atMs,
    rssBytes: Math.round(mean(numbers(words, "rssBytes"))),
    cpuPct: Math.round(mean(numbers(words, "cpuPct")) * 100) / 100,
    journalBytes: Math.round(mean(numbers(words, "journalBytes"))),
    unsentRecords: Math.max(...numbers(words, "unsentRecords")),
    ...(rtts.length === 0 ? {} : { rttMs: Math.round(mean(rtts)) }),
    eventLoopDelayP99Ms: Math.max(...numbers(words, "eventLoopDelayP99Ms")),
    ...(hours.length === 0 ? {} : { hoursToFull: Math.min(...hours) }),
    words: words.length,
    troubled: [...troubled].sort(),
  };
}

type Figure =
  | "rssBytes"
  | "cpuPct"
  | "journalBytes"
  | "unsentRecords"
  | "rttMs"
  | "eventLoopDelayP99Ms"
  | "hoursToFull";

function numbers(words: readonly HealthBody[], name: Figure): number[] {
  return words.flatMap((word) => word[name] ?? []);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
