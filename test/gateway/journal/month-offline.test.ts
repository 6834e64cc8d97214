import { test } from "vitest";
import { offlineFor } from "./month-offline.ts";

test("after days without a link and with a flapping rule the journal grows no more, and all is told once it is back", async () => {
  await offlineFor(8, 1_600_000);
}, 240_000);
