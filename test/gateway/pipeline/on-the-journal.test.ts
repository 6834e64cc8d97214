import { expect, test } from "vitest";
import { openJournal } from "../../../gateway/journal/open-journal.ts";
import type { PipelineOutput } from "../../../gateway/pipeline/output.ts";
import { Pipeline } from "../../../gateway/pipeline/pipeline.ts";
import { temporaryDirectory } from "../journal/sample-records.ts";
import { ELEVEN_AT_NIGHT, SETTINGS, VirtualNight } from "./virtual-night.ts";

const SECONDS = 200;
const RESTART_EVERY = 23;
const story = (second: number): number => (second < 30 ? 50 : second < 90 ? 75 : 50);

/** What the records say, less what differs from run to run. */
function told(records: readonly { readonly kind: string; readonly body: unknown }[]): string[] {
  return records
    .map(({ kind, body }) => JSON.stringify({ kind, body }).replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "ID"))
    .sort();
}

test("on the real journal a night with eight restarts leaves the same records as one without", async () => {
  const whole = new VirtualNight();
  for (let second = 0; second < SECONDS; second++) whole.second({ levelDb: story(second) });
  const directory = temporaryDirectory();
  let utcMs = ELEVEN_AT_NIGHT;
  const records: { readonly kind: string; readonly body: unknown }[] = [];
  for (let start = 0; start < SECONDS; start += RESTART_EVERY) {
    let upMs = 0;
    const now = () => ({ atMs: utcMs, upMs, timeQuality: "ntp" as const });
    await using journal = await openJournal({ directory, stamp: now, groupMs: 0, reserveBytes: 65_536 });
    const commit = async ({ writes }: PipelineOutput): Promise<void> => {
      for (const { write, urgency } of writes) {
        await journal.write(write, urgency);
        records.push(...(write.append ?? []));
      }
    };
    const pipeline = new Pipeline(SETTINGS, journal.restored, now());
    await commit(pipeline.start(now()));
    for (let second = start; second < Math.min(SECONDS, start + RESTART_EVERY); second++) {
      utcMs += 300;
      upMs += 300;
      const reading = { kind: "noise", levelDb: story(second), flags: [], quantity: "LAeq1s", atMs: utcMs } as const;
      await commit(pipeline.accept({ device: "noise-01", reading }, now()));
      utcMs += 700;
      upMs += 700;
      await commit(pipeline.tick(now()));
    }
    await commit(pipeline.stop());
    await journal.close();
  }
  expect(told(records)).toEqual(told(whole.journal.records));
});
