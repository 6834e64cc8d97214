import { test } from "vitest";
import { offlineFor } from "./month-offline.ts";

test("after 30 days without a link and with a flapping rule the journal is as large as after the sixth, and all is told", async () => {
  await offlineFor(30, 6_000_000);
}, 900_000);
