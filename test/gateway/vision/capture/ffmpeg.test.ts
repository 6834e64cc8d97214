import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { probing } from "../../../../gateway/vision/capture/ffmpeg.ts";
import { VirtualClock } from "../../../fakes/virtual-clock.ts";
import { temporaryDirectory } from "../../journal/sample-records.ts";

test("ffmpeg is asked for its version once, and again only while it is not there", async () => {
  const folder = temporaryDirectory();
  const [path, asked] = [join(folder, "ffmpeg"), join(folder, "asked")];
  const clock = new VirtualClock();
  const known = probing(path, clock);
  const times = () => (existsSync(asked) ? readFileSync(asked, "utf8").length : 0);

  await expect(known()).rejects.toMatchObject({ code: "FFMPEG_MISSING" });
  writeFileSync(path, `#!/bin/sh\nprintf x >> ${asked}\necho ffmpeg version 5.1.9\n`);
  chmodSync(path, 0o755);
  await clock.advance(50_000);
  await expect(known()).rejects.toMatchObject({ code: "FFMPEG_MISSING" });
  await clock.advance(20_000);
  expect(await known()).toMatchObject({ path, version: "5.1.9" });
  await clock.advance(3600_000);
  expect(await known()).toMatchObject({ path, version: "5.1.9" });
  expect(times()).toBe(1);
});
