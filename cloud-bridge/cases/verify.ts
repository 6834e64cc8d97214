import { LEVEL_FAULT_RULES } from "../alarms/faults.ts";
import type { Trx } from "../store/database.ts";
import { jsonField } from "../store/dialect.ts";
import { amend, type CaseRow, type Change, move, note, stateOfCase } from "./case-rows.ts";
import { fullWindow, type WindowSource, waitingForWindow, windowLimitsOf } from "./full-window.ts";
import { seenPhase } from "./heard.ts";
import { type Heard, type MinuteBlock, minuteBlocks } from "./minute-blocks.ts";
import { openParts } from "./open-parts.ts";
import { seenAtSite } from "./presence.ts";
import { type PlacedAlarm, placed, proofStartMs } from "./proof-start.ts";
import { type QuietNeeded, quietUpToNewest, type Source, waitingForSource } from "./quiet.ts";
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
    const text = JSON.stringify((await isOverdue(change, row, settings)) ? [NEEDS_PERSON, ...waiting] : waiting);
    if (text !== row.waiting_for) await amend(change, row, { waiting_for: text });
    return;
  }
  const entry = { kind: "verified", actor: "system:verify", channel: "sensor", detail } as const;
  await move(change, row, "close", entry, { waiting_for: "[]" });
}

const NEEDS_PERSON = "a named person must decide: the sensors have not proven it in time";

/** Back to the desk, and said once for each time that the case was being verified; only a person ends it unverified. */
async function isOverdue(change: Change, row: CaseRow, settings: DeskSettings): Promise<boolean> {
  const { trx, nowMs } = change;
  const since = await trx
    .selectFrom("timeline")
    .select(["seq", "server_time_ms"])
    .where("case_id", "=", row.id)
    .where(jsonField(trx, "detail", "to"), "=", "verifying")
    .orderBy("seq", "desc")
    .limit(1)
    .executeTakeFirst();
  if (since === undefined || nowMs - since.server_time_ms < scaledMs(settings, settings.giveUpMs)) return false;
  const told = await trx
    .selectFrom("timeline")
    .select("seq")
    .where("case_id", "=", row.id)
    .where("seq", ">", since.seq)
    .where("kind", "=", "verification-overdue")
    .limit(1)
    .executeTakeFirst();
  if (told !== undefined) return true;
  const cause = `not proven within ${settings.giveUpMs / 3600_000} h: a named person must decide`;
  await note(change, row.id, { kind: "verification-overdue", actor: "system:verify", channel: "system", cause });
  return true;
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
  const waiting: string[] = [];
  const proofs: Record<string, unknown>[] = [];
  for (const group of Map.groupBy(alarms, sourceKey).values()) {
    const [first] = group;
    if (first === undefined) continue;
    const known: PlacedAlarm[] = [];
    for (const alarm of group) known.push(await placed(trx, alarm));
    const fault = await levelFault(trx, first.node, first.device);
    const meter: Meter = {
      name: first.subject_id === "" ? first.device : `${first.device} ${first.subject_id}`,
      heard: first,
      isOnline: await isOnline(trx, first),
      hasLevelFault: fault.stands,
      faultEndedAtMs: fault.endedAtMs,
    };
    const byKind = Map.groupBy(known, ({ body }) => (body.ruleKind === "exceedance" ? "windows" : "spans"));
    const spans = byKind.get("spans");
    if (spans !== undefined) {
      const source = await spanSource(trx, meter, spans, needed, settings);
      waiting.push(...waitingForSource(source, needed));
      proofs.push({ source: source.name, ...quietUpToNewest(source, nowMs) });
    }
    const windows = byKind.get("windows");
    if (windows !== undefined) {
      const source = await windowSource(trx, meter, windows, needed);
      waiting.push(...waitingForWindow(source, needed));
      proofs.push({ source: source.name, ...fullWindow(source), ...source.limits });
    }
  }
  if (alarms.length === 0) waiting.push("no sensor speaks for this case, a person must close it");
  waiting.push(...(await openParts(trx, row.id)));
  if (!(await seenAtSite(trx, row.id))) waiting.push("crew not seen at the site by GPS or radio");
  return { waiting: [...new Set(waiting)], detail: { quietNeededMs: quietMs, sources: proofs } };
}

function sourceKey({ node, device, subject_type, subject_id }: Heard): string {
  return `${node}/${device}/${subject_type}/${subject_id}`;
}

function isQuiet(laeqDb: number | null, valid: number, n: number, clearDb: number, settings: DeskSettings): boolean {
  return laeqDb !== null && laeqDb < clearDb && n > 0 && (valid * 100) / n >= settings.quietValidPct;
}

/** What is true of a meter whatever the rule. */
interface Meter {
  readonly name: string;
  readonly heard: Heard;
  readonly isOnline: boolean;
  readonly hasLevelFault: boolean;
  /** Levels of before this prove nothing. */
  readonly faultEndedAtMs: number;
}

/** Alarms with a level below which it is quiet: it must have been so without a hole. */
async function spanSource(
  trx: Trx,
  meter: Meter,
  known: readonly PlacedAlarm[],
  needed: QuietNeeded,
  settings: DeskSettings,
): Promise<Source> {
  const levels = known.map(({ body }) => body.limits["clearDb"]).filter((level) => level !== undefined);
  const clearDb = Math.min(...levels);
  const minutes = await minuteBlocks(trx, meter.heard, { ...needed, lookBackMs: needed.quietMs });
  const spans = [...clearWindows(known), ...minutes].map(({ fromMs, toMs, n, valid, laeqDb }) => ({
    fromMs,
    toMs,
    isQuiet: isQuiet(laeqDb, valid, n, clearDb, settings),
  }));
  return {
    ...meter,
    isLoud: known.some(({ isStanding }) => isStanding),
    hasClearLevel: levels.length > 0,
    sinceMs: Math.max(meter.faultEndedAtMs, ...known.map(proofStartMs)),
    spans,
  };
}

/** Exceedances are judged by windows of their own: one full window within the limits in force. */
async function windowSource(
  trx: Trx,
  meter: Meter,
  known: readonly PlacedAlarm[],
  needed: QuietNeeded,
): Promise<WindowSource> {
  const newest = known.toSorted((a, b) => b.body.stateAtMs - a.body.stateAtMs)[0];
  const limits = newest === undefined ? undefined : windowLimitsOf(newest.body.limits);
  const lookBackMs = limits?.windowMs ?? needed.quietMs;
  const minutes = await minuteBlocks(trx, meter.heard, { ...needed, lookBackMs });
  return {
    ...meter,
    isLoud: known.some(({ isStanding }) => isStanding),
    sinceMs: Math.max(meter.faultEndedAtMs, ...known.map(proofStartMs)),
    limits,
    nodeWindows: clearWindows(known.filter(({ body }) => body.clearReason === "quiet")),
    minutes,
  };
}

/** The windows with which alarms cleared, where the bridge places them. */
function clearWindows(known: readonly PlacedAlarm[]): readonly MinuteBlock[] {
  return known
    .filter(({ isCleared }) => isCleared)
    .flatMap(({ body, offsetMs }) =>
      body.windows
        .filter(({ name }) => name === "clear")
        .map((window) => ({ ...window, fromMs: window.fromMs + offsetMs, toMs: window.toMs + offsetMs })),
    );
}

/** Whether the node says that this meter's level is not to be believed, and when it last stopped saying so. */
async function levelFault(
  trx: Trx,
  node: string,
  device: string,
): Promise<{ readonly stands: boolean; readonly endedAtMs: number }> {
  const rows = await trx
    .selectFrom("alarms")
    .selectAll()
    .where("node", "=", node)
    .where("device", "=", device)
    .where("family", "=", "fault")
    .where("rule", "in", [...LEVEL_FAULT_RULES])
    .orderBy("state_at_ms", "desc")
    .limit(20)
    .execute();
  const known: PlacedAlarm[] = [];
  for (const row of rows) known.push(await placed(trx, row));
  return {
    stands: known.some(({ isStanding }) => isStanding),
    endedAtMs: Math.max(0, ...known.map(({ body, offsetMs }) => body.stateAtMs + offsetMs)),
  };
}

/** Its node is connected, calls the device online, and also the station or terminal behind it. */
async function isOnline(trx: Trx, { node, device, subject_type, subject_id }: Heard): Promise<boolean> {
  const rows = await trx
    .selectFrom("nodes")
    .innerJoin("device_state", "device_state.node", "nodes.id")
    .select(["nodes.online", "device_state.state", "device_state.subject_id"])
    .where("nodes.id", "=", node)
    .where("device_state.device", "=", device)
    .where("device_state.subject_type", "in", ["", subject_type])
    .where("device_state.subject_id", "in", ["", subject_id])
    .execute();
  const needed = subject_id === "" ? [""] : ["", subject_id];
  return needed.every((id) => rows.some((row) => row.subject_id === id && row.online === 1 && row.state === "online"));
}
