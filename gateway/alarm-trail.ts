import type { AlarmBody } from "../protocol/alarm.ts";
import { traceOf } from "../protocol/trace.ts";
import type { Journal, WriteWitness } from "./contracts/journal.ts";
import type { Logger } from "./contracts/logger.ts";

/** Says in the log of each alarm that passes: what was judged, and, once it is on the disk, as which record. */
export function alarmTrail(journal: Journal, log: Logger): Pick<Journal, "write"> & WriteWitness {
  const { run } = journal.restored;
  const tell = ({ alarmId, rev, phase }: AlarmBody, facts: object, step: string): void => {
    const fields = { trace: traceOf(alarmId), rev, phase, ...facts };
    if (phase === "updated") log.debug(fields, step);
    else log.info(fields, step);
  };
  return {
    judged({ append = [] }) {
      for (const record of append) {
        if (record.kind !== "alarm") continue;
        const { body, device, subject } = record;
        tell(body, { rule: body.rule, device, subject, stateAtMs: body.stateAtMs }, "alarm judged");
      }
    },
    async write(write, urgency) {
      const seqs = await journal.write(write, urgency);
      write.append?.forEach((record, index) => {
        if (record.kind === "alarm") tell(record.body, { run, seq: seqs[index] }, "alarm recorded");
      });
      return seqs;
    },
  };
}
