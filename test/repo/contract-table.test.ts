import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const rows = readFileSync(join(ROOT, "docs/contract.md"), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| sentence "))
  .map((line) => {
    const [sentence = "", kept = "", proof = ""] = line.slice(2, -2).split(" | ");
    return { sentence, kept, proof };
  });

test("every file and every test that docs/contract.md names exists, and a sentence without a test says why", () => {
  const wrong: string[] = [];
  for (const { sentence, kept, proof } of rows) {
    for (const [, path = ""] of kept.matchAll(/`([^`]+)`/gu)) {
      if (!existsSync(join(ROOT, path))) wrong.push(`${sentence}: no file ${path}`);
    }
    const [, file, name] = /^`([^`]+)`: (.+)$/u.exec(proof) ?? [];
    if (file === undefined || name === undefined) {
      if (!/^— .{10,}/u.test(proof)) wrong.push(`${sentence}: neither a test nor a reason`);
    } else if (!existsSync(join(ROOT, file))) wrong.push(`${sentence}: no test file ${file}`);
    else if (!readFileSync(join(ROOT, file), "utf8").includes(name))
      wrong.push(`${sentence}: no test "${name}" in ${file}`);
  }
  process.stderr.write(`contract: ${rows.length} sentences\n`);
  expect(rows.length).toBeGreaterThan(50);
  expect(wrong).toEqual([]);
});
