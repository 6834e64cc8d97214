import { expect, test } from "vitest";
import { CrowdedSite, HALVES } from "../../fakes/crowded-site.ts";

const RUBBISH = Buffer.alloc(64 * 1024, "$GPGGA,##0101QN~\x7e\xa5\x0d\xff no line end and no checksum ");
const MOST_GROWTH_BYTES = 250 * 1024 * 1024;

test("whichever devices flood, the others are read as before, and memory stays", { timeout: 240_000 }, async () => {
  await using site = await CrowdedSite.start();
  for (const half of HALVES) await site.areRead(half);
  const residentBytes = process.memoryUsage().rss;
  for (const half of HALVES) {
    for (const name of half) site.flood(name, RUBBISH);
    await site.othersGoOn(half);
    for (const name of half) site.calm(name);
    await site.areRead(half);
  }
  expect(process.memoryUsage().rss - residentBytes).toBeLessThan(MOST_GROWTH_BYTES);
});
