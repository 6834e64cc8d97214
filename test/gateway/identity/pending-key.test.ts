import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { pendingKey } from "../../../gateway/identity/pending-key.ts";

test("a key waits for its token's answer, and goes after a day in which none came", async () => {
  const folder = mkdtempSync(join(tmpdir(), "shao-pending-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "enrol-notes.json"), "{}");
  const first = await pendingKey(folder, "token-1");
  expect((await pendingKey(folder, "token-1")).keyPem).toBe(first.keyPem);
  const [name = ""] = readdirSync(folder).filter((file) => file !== "enrol-notes.json");
  const ageS = (hours: number) => Date.now() / 1000 - hours * 3600;
  utimesSync(join(folder, name), ageS(23), ageS(23));
  const second = await pendingKey(folder, "token-2");
  expect((await pendingKey(folder, "token-1")).keyPem).toBe(first.keyPem);
  utimesSync(join(folder, name), ageS(25), ageS(25));
  utimesSync(join(folder, "enrol-notes.json"), ageS(25), ageS(25));
  expect((await pendingKey(folder, "token-1")).keyPem).not.toBe(first.keyPem);
  second.forget();
  expect(readdirSync(folder).sort()).toEqual([name, "enrol-notes.json"].sort());
});
