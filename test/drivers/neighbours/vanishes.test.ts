import { expect, test } from "vitest";
import { CrowdedSite, HALVES, LINES } from "../../fakes/crowded-site.ts";
import { until } from "../../fakes/rigs.ts";

test("whichever devices vanish, the others are read as before", { timeout: 240_000 }, async () => {
  await using site = await CrowdedSite.start();
  for (const half of HALVES) await site.areRead(half);
  for (const half of HALVES) {
    for (const name of half) await site.off(name);
    const gone = half.map((name) => site.readings(site.counted(name)));
    await site.othersGoOn(half);
    const lines = LINES.filter((name) => half.includes(name));
    await until(() => lines.every((name) => site.state(name) !== "online"), 40_000);
    for (const [at, name] of half.entries()) {
      expect(site.readings(site.counted(name)) - (gone[at] ?? 0), name).toBeLessThanOrEqual(1);
    }
    for (const name of half) await site.on(name);
  }
});
