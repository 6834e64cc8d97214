import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ClipRing } from "../../../../gateway/vision/capture/clip-ring.ts";
import type { MediaHeader } from "../../../../gateway/vision/capture/media-header.ts";
import { QuietLog } from "../../../fakes/quiet-log.ts";
import { temporaryDirectory } from "../../journal/sample-records.ts";

const HEADER = { bytes: new Uint8Array(8) } as MediaHeader;

test("what a slow disk has no room for is counted and said, and no stretch goes on over it", async () => {
  const directory = join(temporaryDirectory(), "ring");
  const log = new QuietLog();
  // A quarter of it may wait.
  const ring = new ClipRing({ directory, keepMs: 60_000, maxBytes: 4000, log });
  ring.begin(HEADER);
  const add = (fromMs: number, sizeBytes: number, isKey = false) =>
    ring.add({ bytes: new Uint8Array(sizeBytes), isKey }, fromMs, fromMs + 500);
  // All before the disk has taken one.
  add(0, 400, true);
  add(500, 400);
  add(1000, 400);
  add(1500, 100);
  expect([ring.lost, ring.trouble]).toEqual([1, "disk too slow"]);
  const stretches = async () =>
    (await ring.cut(0, 60_000)).map(({ fromUpMs, toUpMs }) => [fromUpMs, toUpMs]).toSorted(([a = 0], [b = 0]) => a - b);
  expect(await stretches()).toEqual([[0, 1000]]);
  // What came after the gap cannot be decoded without it; the next whole picture can.
  expect([ring.lost, ring.trouble]).toEqual([2, "disk too slow"]);
  add(2000, 400, true);
  add(2500, 400);
  expect(await stretches()).toEqual([
    [0, 1000],
    [2000, 3000],
  ]);
  expect([ring.lost, ring.trouble, log.lines.length]).toEqual([2, undefined, 1]);
  expect(readdirSync(directory).filter((name) => name.endsWith(".m4s"))).toHaveLength(2);
  await ring.close();
});
