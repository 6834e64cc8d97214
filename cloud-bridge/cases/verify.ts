import { sql } from "kysely";
import { Value } from "typebox/value";
import { NoiseBody } from "../../protocol/noise.ts";
import type { Trx } from "../store/database.ts";
import { amend, type CaseRow, type Change, move, stateOfCase } from "./case-rows.ts";
import { seenPhase } from "./heard.ts";
import { seenAtSite } from "./presence.ts";
import { placed, proofStartMs } from "./proof-start.ts";
import { type LevelSpan, type QuietNeeded, quietUpToNewest, SEAM_MS, type Source, waitingForSource } from "./quiet.ts";
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
  const needed = { quietMs, freshMs: settings.freshLevelsMs, nowMs };
  const sources: Source[] = [];
  for (const group of Map.groupBy(alarms, ({ node, device }) => `${node}/${device}`).values()) {
    const [first] = group;
    if (first === undefined) continue;
    const known = await Promise.all(group.map((alarm) => placed(trx, alarm)));
    const levels = known.map(({ body }) => body.limits["clearDb"]).filter((level) => level !== undefined);
    const clearDb = Math.min(...levels);
    const windows = known
      .filter(({ isCleared }) => isCleared)
      .flatMap(({ body, offsetMs }) =>
        body.windows
          .filter(({ name }) => name === "clear")
          .map(({ fromMs, toMs, n, valid, laeqDb }) => ({
            fromMs: fromMs + offsetMs,
            toMs: toMs + offsetMs,
            isQuiet: isQuiet(laeqDb, valid, n, clearDb, settings),
          })),
      );
    const minutes = await minutesOf(trx, first, needed, clearDb, settings);
    sources.push({
      name: first.device,
      isLoud: group.some((alarm) => seenPhase(alarm) === "standing"),
      isOnline: await isOnline(trx, first.node, first.device),
      hasClearLevel: levels.length > 0,
      sinceMs: Math.max(...known.map(proofStartMs)),
      spans: [...windows, ...minutes],
    });
  }
  const waiting = sources.flatMap((source) => waitingForSource(source, needed));
  if (!(await seenAtSite(trx, row.id))) waiting.push("crew not seen at the site by GPS or radio");
  const proofs = sources.map((source) => ({ source: source.name, ...quietUpToNewest(source, nowMs) }));
  return { waiting, detail: { quietNeededMs: quietMs, sources: proofs } };
}

function isQuiet(laeqDb: number | null, valid: number, n: number, clearDb: number, settings: DeskSettings): boolean {
  return laeqDb !== null && laeqDb < clearDb && n > 0 && (valid * 100) / n >= settings.quietValidPct;
}

/**
 * The newest minutes of a meter up to now, placed by corrected time where that is known. A minute that its clock stamped
 * ahead of now must, corrected, be one of those that are looked for: else the rows of such a clock would be the newest ones
 * for as long as it was ahead.
 */
async function minutesOf(
  trx: Trx,
  { node, device }: { readonly node: string; readonly device: string },
  { quietMs, freshMs, nowMs }: QuietNeeded,
  clearDb: number,
  settings: DeskSettings,
): Promise<readonly LevelSpan[]> {
  const untilMs = nowMs + SEAM_MS;
  const placedAtMs = sql<number>`coalesce(corrected_at_ms, at_ms)`;
  const rows = await trx
    .selectFrom("inbox")
    .select(["bytes", "at_ms", "corrected_at_ms"])
    .where("node", "=", node)
    .where("device", "=", device)
    .where("kind", "=", "noise")
    .where(placedAtMs, "<=", untilMs)
    .where((or) => or.or([or("at_ms", "<=", untilMs), or(placedAtMs, ">", nowMs - quietMs - freshMs - 60_000)]))
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
