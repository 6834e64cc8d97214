import { Value } from "typebox/value";
import { NoiseBody } from "../../protocol/noise.ts";
import { bodyOf } from "../alarms/alarm-rows.ts";
import type { Trx } from "../store/database.ts";
import { amend, type CaseRow, type Change, move, stateOfCase } from "./case-rows.ts";
import { seenPhase } from "./heard.ts";
import { type LevelSpan, quietUpToNewest, type Source, waitingForSource } from "./quiet.ts";
import { type DeskSettings, scaledMs } from "./settings.ts";

/**
 * Looks at a case that its crew called resolved: begins to verify it, notes what is still waited for, and closes it once
 * the sensors prove it. Event cases are closed by a person.
 */
export async function verify(change: Change, before: CaseRow, settings: DeskSettings): Promise<void> {
  let row = before;
  if (stateOfCase(row) === "resolved") {
    row = await move(change, row, "verify", { kind: "verifying", actor: "system:verify", channel: "system" });
  }
  const { waiting, detail } = await judge(change, row, settings);
  if (waiting.length > 0) {
    const text = JSON.stringify(waiting);
    if (text !== row.waiting_for) await amend(change, row, { waiting_for: text });
    return;
  }
  const entry = { kind: "verified", actor: "system:verify", channel: "sensor", detail } as const;
  await move(change, row, "close", entry, { waiting_for: "[]" });
}

interface Verdict {
  readonly waiting: readonly string[];
  readonly detail: Record<string, unknown>;
}

async function judge({ trx, nowMs }: Change, row: CaseRow, settings: DeskSettings): Promise<Verdict> {
  if (row.nature !== "condition") {
    return { waiting: ["a person other than the handler closes this case"], detail: {} };
  }
  const alarms = await trx
    .selectFrom("case_alarms")
    .innerJoin("alarms", "alarms.alarm_id", "case_alarms.alarm_id")
    .selectAll("alarms")
    .where("case_alarms.case_id", "=", row.id)
    .execute();
  if (row.family !== "noise") {
    const standing = alarms.filter((alarm) => seenPhase(alarm) !== "cleared");
    return {
      waiting: standing.map(({ rule, device, node }) => `${rule} of ${device || node} still stands`),
      detail: {},
    };
  }
  const quietMs = scaledMs(settings, settings.quietMs);
  const sources: Source[] = [];
  for (const group of Map.groupBy(alarms, ({ node, device }) => `${node}/${device}`).values()) {
    const [first] = group;
    if (first === undefined) continue;
    const bodies = group.map(bodyOf);
    const levels = bodies.map(({ limits }) => limits["clearDb"]).filter((level) => level !== undefined);
    const clearDb = Math.min(...levels);
    const windows = bodies
      .filter(({ phase }) => phase === "cleared")
      .flatMap(({ windows }) => windows.filter(({ name }) => name === "clear"))
      .map(({ fromMs, toMs, n, valid, laeqDb }) => ({
        fromMs,
        toMs,
        isQuiet: isQuiet(laeqDb, valid, n, clearDb, settings),
      }));
    const minutes = await minutesOf(trx, first.node, first.device, quietMs, clearDb, settings);
    sources.push({
      name: first.device,
      isLoud: group.some((alarm) => seenPhase(alarm) === "standing"),
      isOnline: await isOnline(trx, first.node, first.device),
      hasClearLevel: levels.length > 0,
      spans: [...windows, ...minutes],
    });
  }
  const needed = { quietMs, freshMs: settings.freshLevelsMs, nowMs };
  const waiting = sources.flatMap((source) => waitingForSource(source, needed));
  const seen = await seenAtSite(trx, row);
  if (!seen) waiting.push("crew not seen at the site by GPS or radio");
  const proofs = sources.map(({ name, spans }) => ({ source: name, ...quietUpToNewest(spans) }));
  return { waiting, detail: { quietNeededMs: quietMs, sources: proofs } };
}

function isQuiet(laeqDb: number | null, valid: number, n: number, clearDb: number, settings: DeskSettings): boolean {
  return laeqDb !== null && laeqDb < clearDb && n > 0 && (valid * 100) / n >= settings.quietValidPct;
}

/** The newest minutes of a meter, placed by corrected time where that is known. */
async function minutesOf(
  trx: Trx,
  node: string,
  device: string,
  quietMs: number,
  clearDb: number,
  settings: DeskSettings,
): Promise<readonly LevelSpan[]> {
  const rows = await trx
    .selectFrom("inbox")
    .select(["bytes", "at_ms", "corrected_at_ms"])
    .where("node", "=", node)
    .where("device", "=", device)
    .where("kind", "=", "noise")
    .orderBy("at_ms", "desc")
    .limit(Math.ceil(quietMs / 60_000) + 3)
    .execute();
  return rows.flatMap((row) => {
    const record: unknown = JSON.parse(Buffer.from(row.bytes).toString("utf8"));
    const body = typeof record === "object" && record !== null && "body" in record ? record.body : undefined;
    if (!Value.Check(NoiseBody, body)) return [];
    const { series, statistics } = body;
    const fromMs = series.fromMs + ((row.corrected_at_ms ?? row.at_ms) - row.at_ms);
    return [
      {
        fromMs,
        toMs: fromMs + series.seconds * 1000,
        isQuiet: isQuiet(statistics.laeqDb, statistics.valid, statistics.n, clearDb, settings),
      },
    ];
  });
}

async function isOnline(trx: Trx, node: string, device: string): Promise<boolean> {
  const row = await trx
    .selectFrom("nodes")
    .innerJoin("device_state", "device_state.node", "nodes.id")
    .select(["nodes.online", "device_state.state"])
    .where("nodes.id", "=", node)
    .where("device_state.device", "=", device)
    .where("device_state.subject_type", "=", "")
    .executeTakeFirst();
  return row?.online === 1 && row.state === "online";
}

async function seenAtSite(trx: Trx, row: CaseRow): Promise<boolean> {
  const legs = await trx.selectFrom("assignments").select("on_scene_by").where("case_id", "=", row.id).execute();
  return legs.some(({ on_scene_by }) => on_scene_by.includes('"gps"') || on_scene_by.includes('"radio"'));
}
