import { traceOf } from "../protocol/trace.ts";
import type { Journal, WriteWitness } from "./contracts/journal.ts";
import type { Logger } from "./contracts/logger.ts";

/** Says in the log of each alarm that passes: what was judged, and, once it is on the disk, as which record. */
export function alarmTrail(journal: Journal, log: Logger): Pick<Journal, "write"> & WriteWitness {
  const { run } = journal.restored;
  return {
    judged({ append = [] }) {
      for (const record of append) {
        if (record.kind !== "alarm") continue;
        const { body, device, subject } = record;
        const fields = { ...stepOf(body), rule: body.rule, device, subject, stateAtMs: body.stateAtMs };
        if (body.phase === "updated") log.debug(fields, "alarm judged");
        else log.info(fields, "alarm judged");
      }
    },
    async write(write, urgency) {
      const seqs = await journal.write(write, urgency);
      write.append?.forEach((record, index) => {
        if (record.kind !== "alarm") return;
        const fields = { ...stepOf(record.body), run, seq: seqs[index] };
        if (record.body.phase === "updated") log.debug(fields, "alarm recorded");
        else log.info(fields, "alarm recorded");
      });
      return seqs;
    },
  };
}

function stepOf({ alarmId, rev, phase }: { alarmId: string; rev: number; phase: string }) {
  return { trace: traceOf(alarmId), rev, phase };
}
