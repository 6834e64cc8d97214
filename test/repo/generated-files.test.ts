import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { generatedFiles } from "../../scripts/generated-files.ts";

test("generated files are what the source says: run `npm run docs` after changing a schema", async () => {
  const files = await generatedFiles();
  expect(files.length).toBeGreaterThan(0);
  for (const { path, text } of files) {
    expect(readFileSync(new URL(`../../${path}`, import.meta.url), "utf8"), path).toBe(text);
  }
});
