import { expect, test } from "vitest";
import { CrowdedSite, HALVES, LINES } from "../../fakes/crowded-site.ts";
import { until } from "../../fakes/rigs.ts";

test("devices that come back are read again, and the others never noticed", { timeout: 240_000 }, async () => {
  await using site = await CrowdedSite.start();
  for (const half of HALVES) await site.areRead(half);
  for (const half of HALVES) {
    for (const name of half) await site.off(name);
    const lines = LINES.filter((name) => half.includes(name));
    await until(() => lines.every((name) => site.state(name) !== "online"), 40_000);
    for (const name of half) await site.on(name);
    await site.areRead(half, 2);
    await site.othersGoOn(half);
    for (const name of LINES) expect(site.state(name), name).toBe("online");
  }
});
