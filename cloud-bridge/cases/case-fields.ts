import type { CaseRow } from "./case-rows.ts";
import { given } from "./report-rows.ts";

/** Fields of the API's CaseView that came with casework; absent where they are not known. */
export interface CaseFieldFacts {
  readonly toLocate?: boolean;
  readonly source?: string;
  readonly externalId?: string;
  readonly description?: string;
  readonly address?: string;
  readonly gridCell?: string;
  readonly category?: { readonly code: string; readonly catalogue: string; readonly version: string };
  readonly severity?: "urgent" | "normal" | "low";
  readonly slaClass?: string;
  readonly clock?: "wall" | "working";
  readonly dueArriveAtMs?: number;
  readonly dueTotalAtMs?: number;
  readonly clockPausedAtMs?: number;
  readonly unitId?: string;
  readonly foundBy?: string;
  readonly outcome?: string;
  readonly ground?: string;
  readonly penaltyNumber?: string;
  readonly fineCny?: number;
  readonly satisfaction?: number;
  readonly reopenCount?: number;
  readonly supervisionCount?: number;
  readonly escalatedTo?: string;
  readonly parentId?: string;
  readonly mergedInto?: string;
  readonly suspendedUntilMs?: number;
}

export function caseFields(row: CaseRow): CaseFieldFacts {
  const { category, catalogue, catalogue_version: version } = row;
  return {
    ...given({
      source: row.source,
      externalId: row.external_id,
      description: row.description,
      address: row.address,
      gridCell: row.grid_cell,
      slaClass: row.due_total_at_ms === null ? null : row.sla_class,
      dueArriveAtMs: row.due_arrive_at_ms,
      dueTotalAtMs: row.due_total_at_ms,
      clockPausedAtMs: row.clock_paused_at_ms,
      unitId: row.unit_id,
      foundBy: row.found_by,
      outcome: row.outcome,
      ground: row.ground,
      penaltyNumber: row.penalty_number,
      fineCny: row.fine_cny,
      satisfaction: row.satisfaction,
      escalatedTo: row.escalated_to,
      parentId: row.parent_id,
      mergedInto: row.merged_into,
      suspendedUntilMs: row.suspended_until_ms,
    }),
    ...(category === null || catalogue === null || version === null
      ? {}
      : { category: { code: category, catalogue, version } }),
    ...(row.clock === "wall" || row.clock === "working" ? { clock: row.clock } : {}),
    severity: row.severity === "urgent" || row.severity === "low" ? row.severity : "normal",
    ...(row.to_locate === 1 ? { toLocate: true } : {}),
    reopenCount: row.reopen_count,
    supervisionCount: row.supervision_count,
  };
}
