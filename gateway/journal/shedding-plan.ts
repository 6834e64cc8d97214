import type { NewRecord } from "../../protocol/record.ts";
import type { Deletion } from "./record-rows.ts";

/** What one transaction gives up, and what it writes instead; the declarations of what was never sent come on top. */
export interface SheddingPlan {
  readonly deletions: readonly Deletion[];
  readonly append: readonly NewRecord[];
  /** Call it inside the transaction. */
  readonly note?: () => void;
}
