import { expect, test } from "vitest";
import { recordedEvidence } from "../../../gateway/evidence/recorded-evidence.ts";
import { openJournal } from "../../../gateway/journal/open-journal.ts";
import { newAlarmId } from "../../../protocol/new-ids.ts";
import type { NewRecord } from "../../../protocol/record.ts";
import { alarm, NOON_MS, position, stampAt, temporaryDirectory } from "../journal/sample-records.ts";

const stamp = stampAt();
const settings = { quotaBytes: 64 * 1024 * 1024, stamp };

function evidence(evidenceId: string): NewRecord {
  const body = { evidenceId, alarmId: newAlarmId(NOON_MS), parts: [], missing: [{ name: "clip", reason: "none" }] };
  return { ...stamp(), kind: "evidence", device: "gate", body };
}

test("evidence of this start and of those before is found, sent or not, among all else", async () => {
  const directory = temporaryDirectory();
  {
    await using journal = await openJournal({ directory, ...settings });
    const seqs = await journal.write({ append: [evidence("e-sent"), alarm(), position()] }, "urgent");
    for (let n = 0; n < 700; n += 1) void journal.write({ append: [evidence(`e-${n}`)] }, "grouped");
    await journal.write({ append: [evidence("e-last")] }, "urgent");
    journal.markReceipted(journal.restored.run, [[seqs[0] ?? 1, seqs[0] ?? 1]]);
    await journal.flush();
  }
  await using journal = await openJournal({ directory, ...settings });
  await journal.write({ append: [evidence("e-now")] }, "urgent");
  const found = await recordedEvidence(journal);
  expect(found.size).toBe(703);
  for (const id of ["e-sent", "e-0", "e-699", "e-last", "e-now"]) expect(found).toContain(id);
});
