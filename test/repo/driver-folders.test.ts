import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { expect, test } from "vitest";
import { counted, filesUnder, ROOT } from "./source-tree.ts";

test("a driver's folder holds its config, its sample and its page", () => {
  const registered = filesUnder(["drivers"], ["driver.ts"]).filter(({ path }) => path.split("/").length === 3);
  counted("drivers", registered);
  const missing = registered.flatMap(({ path }) =>
    ["config.ts", "sample.yaml", "README.md"]
      .map((file) => join(dirname(path), file))
      .filter((file) => !existsSync(join(ROOT, file))),
  );
  expect(missing).toEqual([]);
});

test("the page of a driver with profiles names each of them", () => {
  const profiles = counted(
    "profiles",
    filesUnder(["drivers"], [".json"]).filter(({ path }) => path.includes("/profiles/")),
  );
  const unnamed = profiles.filter(({ path }) => {
    const page = readFileSync(join(ROOT, dirname(dirname(path)), "README.md"), "utf8");
    return !page.includes(`\`${basename(path, ".json")}\``);
  });
  expect(unnamed.map(({ path }) => path)).toEqual([]);
});
