import { openJournal } from "../gateway/journal/open-journal.ts";
import type { NewRecord } from "../protocol/record.ts";

const BATCH = 1000;
const OUTSTANDING = 4;

/** Positions of a long outage, as an earlier run of the gateway would have left them. */
export async function writePositions(directory: string, records: number, quotaBytes?: number): Promise<void> {
  const nowMs = Date.now();
  const stamp = { atMs: nowMs, upMs: 0, timeQuality: "ntp" } as const;
  await using journal = await openJournal({
    ...{ directory, stamp: () => stamp, groupMs: 0 },
    ...(quotaBytes === undefined ? {} : { quotaBytes }),
  });
  const body = { latitudeDeg: 39.9, longitudeDeg: 116.4, fix: "gnss", speedMps: 3, bearingDeg: 10 } as const;
  let written = 0;
  const write = async () => {
    while (written < records) {
      const first = written;
      written += BATCH;
      const append = Array.from({ length: Math.min(BATCH, records - first) }, (_, index): NewRecord => {
        const atMs = nowMs - (records - first - index) * 1000;
        return { kind: "position", device: "gps", ...stamp, atMs, body };
      });
      await journal.write({ append }, "grouped");
    }
  };
  await Promise.all(Array.from({ length: OUTSTANDING }, write));
}
