import { createHash } from "node:crypto";
import { canonicalJson } from "../../protocol/canonical-json.ts";
import type { EvidenceBody } from "../../protocol/evidence.ts";
import { encodeLevels } from "../../protocol/level-series.ts";
import { validLevelDb } from "./level-statistics.ts";
import type { TrackedLevel } from "./level-track.ts";

const PART = "levels";

/**
 * The levels around a raise as an evidence body. Hash and size are those of the series' canonical JSON. A second that is
 * not there is a gap in the series and is stated under `missing`.
 */
export function levelEvidence(
  evidenceId: string,
  alarmId: string,
  fromMs: number,
  window: readonly (TrackedLevel | undefined)[],
): EvidenceBody {
  const present = window.filter((level) => level !== undefined);
  const quantity = present.at(-1)?.quantity;
  if (quantity === undefined) {
    const reason = "no level of these seconds is left: the node was off or the meter silent";
    return { evidenceId, alarmId, parts: [], missing: [{ name: PART, reason }] };
  }
  const series = encodeLevels(
    fromMs,
    window.map((level) => ({ levelDb: level?.levelDb ?? null, flags: level?.flags ?? [] })),
  );
  const bytes = new TextEncoder().encode(canonicalJson(series));
  const lacking = window.length - window.filter((level) => validLevelDb(level) !== undefined).length;
  const reason = `${lacking} of ${window.length} s have no valid level: the node was off, or the meter silent or out of range`;
  return {
    evidenceId,
    alarmId,
    parts: [
      {
        name: PART,
        type: "levels",
        sizeBytes: bytes.byteLength,
        sha256: createHash("sha256").update(bytes).digest("hex"),
        fromMs,
        toMs: fromMs + window.length * 1000,
        quantity,
        series,
      },
    ],
    missing: lacking === 0 ? [] : [{ name: PART, reason }],
  };
}
