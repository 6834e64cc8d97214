import type { GatewayConfig } from "./config/gateway-config.ts";
import { type GatewayFaultSpec, killAtFaultPoint } from "./contracts/fault-points.ts";
import type { Journal, JournalWrite } from "./contracts/journal.ts";
import type { Logger } from "./contracts/logger.ts";
import { EvidenceStore } from "./evidence/evidence-store.ts";
import { recordedEvidence } from "./evidence/recorded-evidence.ts";
import type { HoldingWriter } from "./journal/holding-writer.ts";
import type { TimeKeeper } from "./time/time-keeper.ts";

const DAY_MS = 86_400_000;

export interface EvidenceCustody {
  readonly config: GatewayConfig;
  readonly run: string;
  readonly time: TimeKeeper;
  readonly journal: Journal;
  readonly writer: HoldingWriter;
  readonly log: Logger;
  readonly faultPoint?: GatewayFaultSpec;
}

/** The evidence store as this gateway's config wants it, writing through what stands before the journal. */
export function openEvidence({ config, run, time, journal, writer, log, faultPoint }: EvidenceCustody): EvidenceStore {
  return new EvidenceStore({
    directory: config.state,
    node: config.node,
    run,
    quotaBytes: config.retention.evidenceMaxBytes,
    keepStoredMs: config.retention.keepReceiptedDays * DAY_MS,
    stamp: () => time.stamp(),
    recorded: () => recordedEvidence(journal),
    write: (write) => writer.write(write, "grouped"),
    log,
    faultPoints: killAtFaultPoint(faultPoint),
  });
}

/** An evidence record of the pipeline, with what commits beside it. */
export function takeEvidence(store: EvidenceStore, { append = [], ...write }: JournalWrite): void {
  const [record] = append;
  if (record?.kind === "evidence") void store.take({ record, write });
}
