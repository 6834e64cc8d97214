import { expect, test } from "vitest";
import { CrowdedSite, HALVES } from "../../fakes/crowded-site.ts";

test("devices that are powered on late keep nobody waiting, and are read from then on", {
  timeout: 240_000,
}, async () => {
  const [late = []] = HALVES;
  await using site = await CrowdedSite.start(late);
  await site.othersGoOn(late);
  for (const name of late) expect(site.readings(site.counted(name)), name).toBe(0);
  for (const name of late) await site.on(name);
  await site.areRead(late, 2);
  await site.othersGoOn(late);
});
